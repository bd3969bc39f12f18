# GnuTLS, which libmicrohttpd brings: core/http and the plugin pin's hash in core/plugin.
pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET GLOBAL gnutls>=3.7)
add_library(Gnutls::Gnutls ALIAS PkgConfig::GNUTLS)
