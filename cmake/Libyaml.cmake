# libyaml, the configuration's syntax: core/config only.
pkg_check_modules(LIBYAML REQUIRED IMPORTED_TARGET GLOBAL yaml-0.1>=0.2.5)
add_library(Libyaml::Libyaml ALIAS PkgConfig::LIBYAML)
