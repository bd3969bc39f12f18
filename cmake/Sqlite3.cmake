# SQLite: plugins/storage-sqlite only.
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET GLOBAL sqlite3>=3.40)
add_library(Sqlite3::Sqlite3 ALIAS PkgConfig::SQLITE3)
