# wolfSSL: plugins/crypto/wolfssl only.
pkg_check_modules(WOLFSSL REQUIRED IMPORTED_TARGET GLOBAL wolfssl)
add_library(Wolfssl::Wolfssl ALIAS PkgConfig::WOLFSSL)
