# chy_add_plugin(<so-name> SOURCES <file>... [LIBRARIES <target>...])
# What chancery_add_plugin() of the SDK does for anybody's plugin, in lib/chancery/plugins, with our
# warnings and hardening, and a test of its exports. A plugin sees sdk/include and its own libraries
# only.
include(${PROJECT_SOURCE_DIR}/sdk/cmake/ChancerySdkPlugin.cmake)

function(chy_add_plugin so_name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    chy_sources_exist(whole ${so_name}.so ${arg_SOURCES})
    if(NOT whole)
        return()
    endif()
    chancery_add_plugin(${so_name} ${ARGN})
    string(REPLACE "-" "_" target plugin_${so_name})
    target_link_libraries(${target} PRIVATE chy_build Threads::Threads)
    set_target_properties(${target} PROPERTIES
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${CHANCERY_PLUGIN_SUBDIR})
    add_custom_command(TARGET ${target} POST_BUILD
        COMMAND chmod 0755 $<TARGET_FILE_DIR:${target}> VERBATIM)
    add_dependencies(runtime ${target})
    install(TARGETS ${target}
        LIBRARY DESTINATION ${CHANCERY_PLUGIN_SUBDIR} COMPONENT chancery
        PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
            WORLD_READ WORLD_EXECUTE)
    if(BUILD_TESTING)
        add_test(NAME lint.exports.${so_name}
            COMMAND ${PROJECT_SOURCE_DIR}/tests/lint/exports $<TARGET_FILE:${target}>)
        set_tests_properties(lint.exports.${so_name} PROPERTIES LABELS lint)
    endif()
endfunction()
