# jansson, JSON.
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET GLOBAL jansson>=2.13)
add_library(Jansson::Jansson ALIAS PkgConfig::JANSSON)
