# chy_add_folders(<folder>...)
# Adds each folder that has a CMakeLists.txt, so that a source package may leave a plugin out.
function(chy_add_folders)
    foreach(folder IN LISTS ARGN)
        if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
            add_subdirectory(${folder})
        endif()
    endforeach()
endfunction()
