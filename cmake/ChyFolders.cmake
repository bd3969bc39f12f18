# chy_add_folders(<folder>...)
# Adds each folder that has a CMakeLists.txt, so that a source package may leave a plugin out.
function(chy_add_folders)
    foreach(folder IN LISTS ARGN)
        if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
            add_subdirectory(${folder})
        endif()
    endforeach()
endfunction()

# chy_sources_exist(<out> <target> <file>...)
# With CHY_PARTIAL, a target whose sources are not all written yet is left out with a warning, so
# that one half-written module does not stop the work on another. ./dev never allows it.
option(CHY_PARTIAL "Leave targets out whose sources are missing" ON)
function(chy_sources_exist out target)
    set(${out} ON PARENT_SCOPE)
    foreach(source IN LISTS ARGN)
        if(CHY_PARTIAL AND NOT IS_ABSOLUTE ${source}
                AND NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${source})
            message(WARNING "${target} is left out: ${source} is missing")
            set(${out} OFF PARENT_SCOPE)
            return()
        endif()
    endforeach()
endfunction()
