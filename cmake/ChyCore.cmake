# chy_core_library(<module> SOURCES <file>... [DEPENDS <module>...] [LIBRARIES <target>...])
# Builds the static library chy_core_<module>. DEPENDS names core modules, LIBRARIES anything else.
function(chy_core_library module)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;LIBRARIES")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
        message(FATAL_ERROR "chy_core_library(${module}): unexpected '${arg_UNPARSED_ARGUMENTS}' "
            "or no SOURCES")
    endif()
    set(target chy_core_${module})
    chy_sources_exist(whole ${target} ${arg_SOURCES})
    if(NOT whole)
        return()
    endif()
    add_library(${target} STATIC ${arg_SOURCES})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/core)
    list(TRANSFORM arg_DEPENDS PREPEND chy_core_)
    target_link_libraries(${target}
        PUBLIC chancery_sdk ${arg_DEPENDS} Threads::Threads
        PRIVATE chy_build ${arg_LIBRARIES})
endfunction()
