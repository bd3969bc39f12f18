# libpq with pipeline mode: plugins/storage-postgres only.
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET GLOBAL libpq>=14)
add_library(Libpq::Libpq ALIAS PkgConfig::LIBPQ)
