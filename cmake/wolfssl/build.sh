#!/bin/bash
# build.sh --cache FOLDER --result FILE [--source TARBALL-OR-FOLDER]
#
# Leaves an optimised, static, position-independent wolfSSL in FOLDER/<version>-<recipe> and writes
# its prefix, version and origin to FILE. Builds only what is not there yet; two of them at once
# wait for each other. Without --source it takes Debian's source package, newest release first,
# through apt and its signatures, with an apt configuration of its own: the machine's stays as it is.
# Fails when no source can be had or wolfCrypt's own test program fails.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache='' result='' source=''
while [ $# -gt 0 ]; do
    case $1 in
        --cache) cache=$2; shift 2 ;;
        --result) result=$2; shift 2 ;;
        --source) source=$2; shift 2 ;;
        *) echo "build.sh: unknown argument: $1" >&2; exit 2 ;;
    esac
done
if [ -z "$cache" ] || [ -z "$result" ]; then
    echo "build.sh: --cache and --result are needed" >&2
    exit 2
fi

# The newest release is the one we want; the older ones lack ML-DSA in its final form.
suites=(sid trixie bookworm)

# shellcheck disable=SC2054  # the comma belongs to the option
options=(
    --enable-option-checking=warn # an older release does not know all of these
    --disable-shared --enable-static --with-pic --disable-examples --disable-crypttests
    --enable-sp=yes,4096 --enable-sp-asm --enable-sp-math-all
    --enable-keygen --enable-ecc --enable-ed25519 --enable-ed448 --enable-curve25519
    --enable-mldsa --enable-mlkem --enable-slhdsa --enable-experimental
    --enable-pkcs7 --enable-pkcs8 --enable-pkcs12 --enable-scrypt --enable-hkdf
    --enable-sha3 --enable-shake256 --enable-aeskeywrap
    --enable-des3 # PKCS#12 files for legacy readers
    # Its one thread-local word is then reached without a call, and LeakSanitizer, which loses its
    # way among the thread-locals of loaded libraries, finds none.
    CPPFLAGS=-ftls-model=initial-exec
)
case $(uname -m) in
    x86_64) options+=(--enable-intelasm --enable-aesni) ;;
esac
CC=${CC:-gcc}
recipe=$({ printf '%s\n' "${options[@]}"; "$CC" -dumpfullversion; uname -m; } | sha256sum | cut -c1-12)

notice() { echo "wolfSSL: $*" >&2; }

# --- the source --------------------------------------------------------------------------------

# The archive that the machine itself uses; its address stands in no file of ours.
archive_address() {
    local uri
    # shellcheck disable=SC2016  # apt expands these, not the shell
    uri=$(apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' \
        2>/dev/null | awk '$1 == "Debian" && $2 !~ /-security$/ { print $3; exit }')
    if [ -z "$uri" ]; then # No lists were fetched yet: ask which ones would be.
        uri=$(apt-get update --print-uris 2>/dev/null |
            sed -n "s#^'\(.*\)/dists/[^']*/InRelease'.*#\1/#p" | grep -v -e -security -m1 || true)
    fi
    printf '%s' "$uri"
}

# fetch_suite SUITE: leaves the source package's upstream tarball in $fetched, named in $tarball.
fetch_suite() {
    local suite=$1 apt=$cache/apt address keyring signed=
    command -v apt-get >/dev/null || return 1
    address=$(archive_address)
    [ -n "$address" ] || { notice "apt names no Debian archive"; return 1; }
    for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        [ -r "$keyring" ] && signed="[signed-by=$keyring] " && break
    done
    rm -rf "$apt" "$fetched"
    mkdir -p "$apt"/{lists/partial,cache/archives/partial,empty} "$fetched"
    printf 'deb-src %s%s %s main\n' "$signed" "$address" "$suite" >"$apt/sources.list"
    local private=(
        -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/empty"
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache"
        -o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=30
        -o APT::Get::List-Cleanup=false
    )
    (
        cd "$fetched"
        apt-get "${private[@]}" -qq update &&
            apt-get "${private[@]}" -qq source --tar-only --download-only "wolfssl/$suite"
    ) >"$cache/apt.log" 2>&1 || { tail -n 3 "$cache/apt.log" >&2; return 1; }
    tarball=$(find "$fetched" -name 'wolfssl_*.orig.tar.*' ! -name '*.asc' | head -n 1)
    [ -n "$tarball" ]
}

# check_known TARBALL VERSION: a version that was tried before must be the very same file.
check_known() {
    local found known
    found=$(sha256sum "$1" | cut -d' ' -f1)
    known=$(awk -v version="$2" '$2 == version { print $1 }' "$here/sources.sha256")
    if [ -z "$known" ]; then
        notice "version $2 is not in sources.sha256; taken on apt's word (sha256 $found)"
    elif [ "$known" != "$found" ]; then
        notice "version $2 has sha256 $found, but $known was expected: refused"
        return 1
    fi
}

find_source() {
    local suite version
    if [ -n "$source" ]; then
        [ -e "$source" ] || { notice "there is no $source"; return 1; }
        origin=$source
        return 0
    fi
    for suite in "${suites[@]}"; do
        if fetch_suite "$suite"; then
            version=$(basename "$tarball" | sed 's/^wolfssl_\(.*\)\.orig\.tar\..*/\1/')
            if check_known "$tarball" "$version"; then
                source=$tarball origin="Debian $suite"
                return 0
            fi
        fi
        notice "no usable source from Debian $suite"
    done
    return 1
}

# --- the build ---------------------------------------------------------------------------------

unpack() { # unpack FOLDER: a private copy, since autotools write beside the source
    mkdir -p "$1"
    if [ -d "$source" ]; then
        cp -a "$source/." "$1"
    else
        tar -xf "$source" -C "$1" --strip-components=1
    fi
}

# The switches leave wolfCrypt's test program out of the build, and their header makes it an empty
# one; here it is, for this one run, and it has to say that it reached its end.
self_test() { # self_test TREE PREFIX
    printf '%s\n' '#include <wolfssl/options.h>' '#undef NO_CRYPT_TEST' \
        '#include "wolfcrypt/test/test.c"' >"$1/testwolfcrypt.c"
    "$CC" -w -O1 -I"$2/include" -I"$1" "$1/testwolfcrypt.c" "$2/lib/libwolfssl.a" -lm -lpthread \
        -o "$1/testwolfcrypt" &&
        (cd "$1" && ./testwolfcrypt) >"$1/testwolfcrypt.log" &&
        cat "$1/testwolfcrypt.log" && grep -qx 'Test complete' "$1/testwolfcrypt.log"
}

build() { # build PREFIX
    local tree=$cache/tree log=$cache/build.log staged
    rm -rf "$tree"
    unpack "$tree"
    notice "building $version from $origin once, about a minute (log: $log)"
    (
        cd "$tree"
        # errexit is off in a condition, so each step says that it depends on the one before.
        ./autogen.sh &&
            ./configure CC="$CC" --prefix=/ "${options[@]}" &&
            make -j"$(nproc)" &&
            make DESTDIR="$tree/staged" install &&
            self_test "$tree" "$tree/staged"
    ) >"$log" 2>&1 || { notice "the build failed:"; tail -n 15 "$log" >&2; return 1; }
    staged=$tree/staged
    cp "$log" "$staged/build.log"
    rm -rf "$1" # an interrupted earlier one
    mv "$staged" "$1"
    rm -rf "$tree" "$cache/apt"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

# What was asked for and how it is built, so that a second run need not ask apt again.
stamp=$cache/found-$(printf '%s\n' "$recipe" "$source" "${suites[0]}" | sha256sum | cut -c1-12)
if [ -z "$source" ] && [ -r "$stamp" ] && [ -r "$(sed -n 's/^prefix=//p' "$stamp")/lib/libwolfssl.a" ]; then
    cp "$stamp" "$result"
    exit 0
fi

fetched=$cache/fetched tarball='' origin=''
find_source || exit 1
probe=$cache/probe
rm -rf "$probe"
mkdir -p "$probe"
if [ -d "$source" ]; then
    cp "$source/configure.ac" "$probe/"
else
    tar -xf "$source" -C "$probe" --strip-components=1 --wildcards '*/configure.ac'
fi
version=$(sed -n 's/^AC_INIT(\[wolfssl\],\[\([0-9.]*\)\].*/\1/p' "$probe/configure.ac")
rm -rf "$probe"
[ -n "$version" ] || { notice "$source is not wolfSSL's source"; exit 1; }

prefix=$cache/$version-$recipe
if [ "$origin" = "$source" ]; then # somebody's own source may differ from the release it names
    prefix+=-$({ realpath "$source"; stat -c %Y "$source"; } | sha256sum | cut -c1-12)
fi
if [ ! -r "$prefix/lib/libwolfssl.a" ]; then
    build "$prefix"
fi
printf 'prefix=%s\nversion=%s\norigin=%s\n' "$prefix" "$version" "$origin" >"$result"
# A fallback is not remembered: the release that we want may be there next time.
if [ "$origin" = "Debian ${suites[0]}" ]; then
    cp "$result" "$stamp"
fi
