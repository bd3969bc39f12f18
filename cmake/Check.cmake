# Check, the frame of the tests in C.
pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET GLOBAL check>=0.15)
add_library(Check::Check ALIAS PkgConfig::CHECK)
