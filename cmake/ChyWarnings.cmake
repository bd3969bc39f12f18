# Interface libraries that our own targets link, and nobody else's:
#   chy_warnings   the warning set; errors when CHY_WERROR is on
#   chy_hardening  hidden visibility and the compiler's and linker's defences
#   chy_build      both of them, the C library surface that we program against, and our version

add_library(chy_warnings INTERFACE)
target_compile_options(chy_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wswitch-enum -Wundef -Wvla -Wcast-qual
    -Wwrite-strings -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough
    $<$<BOOL:${CHY_WERROR}>:-Werror>)

add_library(chy_hardening INTERFACE)
target_compile_options(chy_hardening INTERFACE
    -fvisibility=hidden -fno-common -fstack-protector-strong
    $<$<NOT:$<BOOL:${CHY_SANITIZED}>>:-fstack-clash-protection>
    $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE>
    $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=2>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i.86)$")
    target_compile_options(chy_hardening INTERFACE -fcf-protection=full)
endif()
target_link_options(chy_hardening INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)

add_library(chy_build INTERFACE)
target_compile_definitions(chy_build INTERFACE
    _GNU_SOURCE CHANCERY_VERSION="${PROJECT_VERSION}")
target_link_libraries(chy_build INTERFACE chy_warnings chy_hardening)

# CMake's own release flags define NDEBUG, which would silently drop every assertion.
string(TOUPPER "${CMAKE_BUILD_TYPE}" chy_config)
if("${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${chy_config}}" MATCHES "NDEBUG")
    message(FATAL_ERROR "NDEBUG must not be defined: assertions stay on. "
        "Use a preset, or pass -DCMAKE_C_FLAGS_${chy_config}=\"-O2 -g\".")
endif()
