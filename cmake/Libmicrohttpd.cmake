# libmicrohttpd, the HTTP server: core/http only.
pkg_check_modules(LIBMICROHTTPD REQUIRED IMPORTED_TARGET GLOBAL libmicrohttpd>=0.9.75)
add_library(Libmicrohttpd::Libmicrohttpd ALIAS PkgConfig::LIBMICROHTTPD)
