# libcurl, the HTTP client: client only.
pkg_check_modules(LIBCURL REQUIRED IMPORTED_TARGET GLOBAL libcurl>=7.88)
add_library(Libcurl::Libcurl ALIAS PkgConfig::LIBCURL)
