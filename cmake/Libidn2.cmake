# libidn2, internationalised host names to A-labels.
pkg_check_modules(LIBIDN2 REQUIRED IMPORTED_TARGET GLOBAL libidn2>=2.3)
add_library(Libidn2::Libidn2 ALIAS PkgConfig::LIBIDN2)
