# wolfSSL: plugins/crypto/wolfssl only. An optimised static build of our own is several times as
# fast as Debian's package and has ML-DSA; it is made once and shared by all presets.
#   -DCHANCERY_WOLFSSL=system         take the packaged library instead
#   -DCHANCERY_WOLFSSL_SOURCE=PATH    build from this tarball or folder, without any archive
#   CHANCERY_CACHE_DIR (environment)  keep the build there instead of in build/
set(CHANCERY_WOLFSSL "source" CACHE STRING "Which wolfSSL to use: source or system")
set_property(CACHE CHANCERY_WOLFSSL PROPERTY STRINGS source system)
set(CHANCERY_WOLFSSL_SOURCE "" CACHE PATH "wolfSSL source to build from (tarball or folder)")

function(chy_build_wolfssl)
    set(script ${PROJECT_SOURCE_DIR}/cmake/wolfssl/build.sh)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${script})
    file(SHA256 ${script} script_hash)
    set(wanted "${script_hash} ${CHANCERY_WOLFSSL_SOURCE} $ENV{CHANCERY_CACHE_DIR}")
    if(CHY_WOLFSSL_WANTED STREQUAL wanted AND EXISTS "${CHY_WOLFSSL_PREFIX}/lib/libwolfssl.a")
        return()
    endif()
    set(cache ${PROJECT_SOURCE_DIR}/build)
    if(DEFINED ENV{CHANCERY_CACHE_DIR})
        set(cache $ENV{CHANCERY_CACHE_DIR})
    endif()
    set(arguments --cache ${cache}/wolfssl --result ${PROJECT_BINARY_DIR}/wolfssl.txt)
    if(CHANCERY_WOLFSSL_SOURCE)
        list(APPEND arguments --source ${CHANCERY_WOLFSSL_SOURCE})
    endif()
    unset(CHY_WOLFSSL_PREFIX CACHE)
    execute_process(COMMAND ${script} ${arguments} RESULT_VARIABLE failed)
    if(failed)
        return()
    endif()
    foreach(field prefix version origin)
        file(STRINGS ${PROJECT_BINARY_DIR}/wolfssl.txt line REGEX "^${field}=")
        string(REGEX REPLACE "^${field}=" "" ${field} "${line}")
    endforeach()
    set(CHY_WOLFSSL_PREFIX "${prefix}" CACHE INTERNAL "")
    set(CHY_WOLFSSL_VERSION "${version}" CACHE INTERNAL "")
    set(CHY_WOLFSSL_ORIGIN "${origin}" CACHE INTERNAL "")
    set(CHY_WOLFSSL_WANTED "${wanted}" CACHE INTERNAL "")
endfunction()

if(CHANCERY_WOLFSSL STREQUAL "source")
    chy_build_wolfssl()
    if(NOT CHY_WOLFSSL_PREFIX)
        if(CHANCERY_WOLFSSL_SOURCE)
            message(FATAL_ERROR "wolfSSL could not be built from ${CHANCERY_WOLFSSL_SOURCE}")
        endif()
        message(WARNING "wolfSSL could not be built from source; the packaged library is slower "
            "and has no ML-DSA. Give -DCHANCERY_WOLFSSL_SOURCE=<tarball or folder>, or accept it "
            "with -DCHANCERY_WOLFSSL=system.")
    endif()
elseif(NOT CHANCERY_WOLFSSL STREQUAL "system")
    message(FATAL_ERROR "CHANCERY_WOLFSSL is '${CHANCERY_WOLFSSL}'; it may be source or system")
endif()

if(CHANCERY_WOLFSSL STREQUAL "source" AND CHY_WOLFSSL_PREFIX)
    add_library(Wolfssl::Wolfssl STATIC IMPORTED GLOBAL)
    set_target_properties(Wolfssl::Wolfssl PROPERTIES
        IMPORTED_LOCATION ${CHY_WOLFSSL_PREFIX}/lib/libwolfssl.a
        INTERFACE_INCLUDE_DIRECTORIES ${CHY_WOLFSSL_PREFIX}/include
        INTERFACE_LINK_LIBRARIES "m;Threads::Threads")
    message(STATUS "wolfSSL: ${CHY_WOLFSSL_VERSION}, built from source (${CHY_WOLFSSL_ORIGIN}), static")
else()
    pkg_check_modules(WOLFSSL REQUIRED IMPORTED_TARGET GLOBAL "wolfssl>=5.5")
    add_library(Wolfssl::Wolfssl ALIAS PkgConfig::WOLFSSL)
    message(STATUS "wolfSSL: ${WOLFSSL_VERSION}, the packaged shared library")
endif()
