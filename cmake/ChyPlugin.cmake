# chy_add_plugin(<so-name> SOURCES <file>... [LIBRARIES <target>...])
# Builds lib/chancery/plugins/<so-name>.so as target plugin_<so_name>, and a test that it exports
# its entry symbol and nothing else. A plugin sees sdk/include and its own libraries only.
function(chy_add_plugin so_name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
        message(FATAL_ERROR "chy_add_plugin(${so_name}): unexpected '${arg_UNPARSED_ARGUMENTS}' "
            "or no SOURCES")
    endif()
    string(REPLACE "-" "_" target plugin_${so_name})
    set(map ${PROJECT_SOURCE_DIR}/cmake/chancery-plugin.map)
    add_library(${target} MODULE ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE
        chancery_sdk chy_build Threads::Threads ${arg_LIBRARIES})
    target_link_options(${target} PRIVATE
        -Wl,--version-script=${map} -Wl,--exclude-libs,ALL
        # Sanitized objects leave their run-time's symbols for the executable to supply.
        $<$<NOT:$<BOOL:${CHY_SANITIZED}>>:-Wl,--no-undefined>)
    set_target_properties(${target} PROPERTIES
        PREFIX "" OUTPUT_NAME ${so_name} LINK_DEPENDS ${map}
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/chancery/plugins)
    # The loader refuses a plugin that its group or others may write, whatever the umask was.
    add_custom_command(TARGET ${target} POST_BUILD
        COMMAND chmod 0755 $<TARGET_FILE:${target}> $<TARGET_FILE_DIR:${target}> VERBATIM)
    add_dependencies(runtime ${target})
    install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/chancery/plugins
        COMPONENT chancery
        PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
            WORLD_READ WORLD_EXECUTE)
    if(BUILD_TESTING)
        add_test(NAME lint.exports.${so_name}
            COMMAND ${PROJECT_SOURCE_DIR}/tests/lint/exports $<TARGET_FILE:${target}>)
        set_tests_properties(lint.exports.${so_name} PROPERTIES LABELS lint)
    endif()
endfunction()
