# chy_add_test(<name> LABEL <label> SOURCES <file>... [LIBRARIES <target>...] [ARGS <arg>...]
#              [TIMEOUT <seconds>] [THREADED])
# Builds the Check program test_<name> and the test <label>.<name>. A THREADED test also runs under
# ThreadSanitizer. ./dev test runs every label: what takes minutes is no ctest.
#
# chy_add_fuzz(<name> SOURCES <file>... [LIBRARIES <target>...] CORPUS <folder>)
# Builds fuzz_<name> with libFuzzer where CHY_FUZZ is on; elsewhere replay_<name>, which feeds the
# corpus to the same target. Either way the test fuzz.<name> runs over the whole corpus.

# The sanitizers' options live in one file, which ./dev reads too.
file(STRINGS ${PROJECT_SOURCE_DIR}/tests/sanitizers.env CHY_SANITIZER_ENVIRONMENT REGEX "^[A-Z]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/tests/sanitizers.env)
list(TRANSFORM CHY_SANITIZER_ENVIRONMENT REPLACE "@SOURCE@" "${PROJECT_SOURCE_DIR}")

function(chy_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "THREADED" "LABEL;TIMEOUT" "SOURCES;LIBRARIES;ARGS")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES OR NOT arg_LABEL)
        message(FATAL_ERROR "chy_add_test(${name}): unexpected '${arg_UNPARSED_ARGUMENTS}', "
            "no SOURCES or no LABEL")
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    chy_sources_exist(whole test_${name} ${arg_SOURCES})
    if(NOT whole)
        return()
    endif()
    add_executable(test_${name} ${arg_SOURCES})
    target_link_libraries(test_${name} PRIVATE
        chancery_sdk chy_build ${arg_LIBRARIES} Check::Check Threads::Threads)
    set_target_properties(test_${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests)
    add_test(NAME ${arg_LABEL}.${name} COMMAND test_${name} ${arg_ARGS})
    set(labels ${arg_LABEL})
    if(arg_THREADED)
        list(APPEND labels threaded)
    endif()
    set_tests_properties(${arg_LABEL}.${name} PROPERTIES
        LABELS "${labels}" TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${CHY_SANITIZER_ENVIRONMENT}")
endfunction()

function(chy_add_fuzz name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;LIBRARIES")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES OR NOT arg_CORPUS)
        message(FATAL_ERROR "chy_add_fuzz(${name}): unexpected '${arg_UNPARSED_ARGUMENTS}', "
            "no SOURCES or no CORPUS")
    endif()
    chy_sources_exist(whole fuzz_${name} ${arg_SOURCES})
    if(NOT whole)
        return()
    endif()
    get_filename_component(corpus ${arg_CORPUS} ABSOLUTE)
    if(CHY_FUZZ)
        set(target fuzz_${name})
        add_executable(${target} ${arg_SOURCES})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        add_test(NAME fuzz.${name} COMMAND ${target} -runs=0 -timeout=10 ${corpus})
    else()
        set(target replay_${name})
        add_executable(${target} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
        add_test(NAME fuzz.${name} COMMAND ${target} ${corpus})
    endif()
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz)
    target_link_libraries(${target} PRIVATE
        chancery_sdk chy_build ${arg_LIBRARIES} Threads::Threads)
    set_target_properties(${target} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests)
    set_tests_properties(fuzz.${name} PROPERTIES
        LABELS fuzz TIMEOUT 120 ENVIRONMENT "${CHY_SANITIZER_ENVIRONMENT}")
endfunction()
