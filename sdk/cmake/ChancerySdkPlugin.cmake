# chancery_add_plugin(<name> SOURCES <file>... [LIBRARIES <target>...])
# Builds the plugin <name>.so as target plugin_<name> (with - as _). It exports its entry symbol and
# nothing else, hides the symbols of the static libraries it links, and has the mode that the loader
# asks for. The descriptor's name has to be <name> too.
set(CHANCERY_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/chancery-plugin.map)

function(chancery_add_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
        message(FATAL_ERROR "chancery_add_plugin(${name}): unexpected "
            "'${arg_UNPARSED_ARGUMENTS}', or no SOURCES")
    endif()
    string(REPLACE "-" "_" target plugin_${name})
    add_library(${target} MODULE ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE chancery::sdk ${arg_LIBRARIES})
    target_link_options(${target} PRIVATE
        -Wl,--version-script=${CHANCERY_PLUGIN_MAP} -Wl,--exclude-libs,ALL)
    if(NOT "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize=")
        # A sanitized object leaves its run-time's symbols to the executable.
        target_link_options(${target} PRIVATE -Wl,--no-undefined)
    endif()
    set_target_properties(${target} PROPERTIES
        PREFIX "" SUFFIX ".so" OUTPUT_NAME ${name} LINK_DEPENDS ${CHANCERY_PLUGIN_MAP}
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    # The loader refuses a plugin that its group or others may write, whatever the umask was.
    add_custom_command(TARGET ${target} POST_BUILD
        COMMAND chmod 0755 $<TARGET_FILE:${target}> VERBATIM)
endfunction()
