# libargon2, password hashing.
pkg_check_modules(LIBARGON2 REQUIRED IMPORTED_TARGET GLOBAL libargon2)
add_library(Libargon2::Libargon2 ALIAS PkgConfig::LIBARGON2)
