#!/usr/bin/env python3
"""make.py: makes the PEM files beside it, which the tests of core/x509 read.

What openssl can make, it makes; what it rightly refuses to make is put together here from DER. Keys
are fresh on each run and not kept. Signatures of the hand-made requests do not hold: the reader does
not check them, its caller does.

    tests/data/x509/make.py [--corpus tests/fuzz/corpus]
"""
import argparse
import base64
import hashlib
import pathlib
import random
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
DICE = random.Random(20260115)

# ---------------------------------------------------------------------------------------------- DER


def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def seq(*parts):
    return tlv(0x30, *parts)


def set_of(*parts):
    return tlv(0x31, *parts)


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(text):
    arcs = [int(a) for a in text.split(".")]
    body = b""
    for arc in [40 * arcs[0] + arcs[1]] + arcs[2:]:
        octets = [arc & 0x7F]
        while arc > 0x7F:
            arc >>= 7
            octets.insert(0, 0x80 | (arc & 0x7F))
        body += bytes(octets)
    return tlv(0x06, body)


def bits(body, unused=0):
    return tlv(0x03, bytes([unused]), body)


NULL = tlv(0x05)
TRUE = tlv(0x01, b"\xff")
UTF8, PRINTABLE, TELETEX, IA5, BMP = 0x0C, 0x13, 0x14, 0x16, 0x1E
CN, C, OU, EMAIL = "2.5.4.3", "2.5.4.6", "2.5.4.11", "1.2.840.113549.1.9.1"


def attribute(kind, value, tag=UTF8):
    return seq(oid(kind), tlv(tag, value if isinstance(value, bytes) else value.encode()))


def name(*attributes):
    return seq(*[set_of(a) for a in attributes])


def algorithm(identifier, *parameters):
    return seq(oid(identifier), *parameters)


SHA256_RSA = algorithm("1.2.840.113549.1.1.11", NULL)
SHA256_ECDSA = algorithm("1.2.840.10045.4.3.2")

# --------------------------------------------------------------------------------------------- keys

P256 = "1.2.840.10045.3.1.7"


def ec_spki(point, curve=oid(P256)):
    return seq(seq(oid("1.2.840.10045.2.1"), curve), bits(point))


# A point of the curve; which one does not matter here.
POINT = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
EC_KEY = ec_spki(POINT)


def is_prime(n):
    if any(n % p == 0 for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(16):
        x = pow(DICE.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(size):
    while True:
        n = DICE.getrandbits(size) | (3 << (size - 2)) | 1
        if is_prime(n):
            return n


def roca_prime(size):
    """A prime of the shape that CVE-2017-15361 is about."""
    product = 1
    for p in [n for n in range(2, 702) if all(n % d for d in range(2, int(n**0.5) + 1))]:
        product *= p
    while True:
        k = DICE.getrandbits(size - product.bit_length()) | (3 << (size - product.bit_length() - 2))
        n = k * product + pow(65537, DICE.randrange(1, 1 << 62), product)
        if n.bit_length() == size and is_prime(n):
            return n


def rsa_spki(modulus, exponent=65537, parameters=NULL):
    return seq(seq(oid("1.2.840.113549.1.1.1"), parameters),
               bits(seq(integer(modulus), integer(exponent))))


def raw_spki(identifier, size, *parameters):
    return seq(algorithm(identifier, *parameters), bits(DICE.randbytes(size)))


# ----------------------------------------------------------------------------------------- requests

EXT_REQ, MS_EXT_REQ = "1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14"
KU, SAN, BC, EKU, SKI = "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.37", "2.5.29.14"
SUBJECT = name(attribute(CN, "host.example"))


def extension(kind, value, *critical):
    return seq(oid(kind), *critical, tlv(0x04, value))


def ext_req(*extensions, kind=EXT_REQ):
    return seq(oid(kind), set_of(seq(*extensions)))


def info(subject=SUBJECT, key=EC_KEY, attributes=b"", version=0):
    return seq(integer(version), subject, key, tlv(0xA0, attributes))


def request(body=None, signing=SHA256_ECDSA, signature=None, **parts):
    body = info(**parts) if body is None else body
    return seq(body, signing, bits(signature or DICE.randbytes(70)))


def with_ext(*extensions, **parts):
    return request(attributes=ext_req(*extensions), **parts)


def sans(*names):
    return extension(SAN, seq(*names))


def dns(text):
    return tlv(0x82, text.encode())


def good_requests():
    yield "ms-extreq", request(attributes=ext_req(sans(dns("ms.example")), kind=MS_EXT_REQ))
    yield "ignored", with_ext(
        extension(SKI, tlv(0x04, b"k" * 20)), extension("1.2.3.4.5", b"\x05\x00"),
        sans(dns("ignored.example")))
    yield "bmp", request(subject=name(attribute(CN, "Zürich".encode("utf-16-be"), BMP)))
    yield "printable-star", request(subject=name(attribute(CN, "*.host.example", PRINTABLE)))
    yield "mixed-case", with_ext(sans(
        dns("WWW.Example.COM"), dns("www.example.com"), tlv(0x81, b"Joe@MAIL.Example"),
        tlv(0x86, b"HTTPS://User@Host.Example:8443/Path?Q#F"),
        tlv(0x87, bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7]))))
    yield "sans-100", with_ext(sans(*[dns(f"h{i}.example") for i in range(100)]))
    yield "rsa-absent-parameters", request(
        key=rsa_spki(prime(1024) * prime(1024)), signing=algorithm("1.2.840.113549.1.1.11"))
    for size, octets in ((44, 1312), (65, 1952), (87, 2592)):
        kind = "2.16.840.1.101.3.4.3." + {44: "17", 65: "18", 87: "19"}[size]
        yield f"ml-dsa-{size}", request(
            key=raw_spki(kind, octets), signing=algorithm(kind),
            signature=DICE.randbytes({44: 2420, 65: 3309, 87: 4627}[size]))


def bad_names():
    for label, attributes in {
        "nul-cn": [attribute(CN, "good.example\0.evil")],
        "control-cn": [attribute(CN, "bell\x07")],
        "bidi-cn": [attribute(CN, "host\u202eelpmaxe")],
        "broken-utf8-cn": [attribute(CN, b"caf\xe9")],
        "empty-cn": [attribute(CN, "")],
        "long-cn": [attribute(CN, "x" * 65)],
        "two-cn": [attribute(CN, "a.example"), attribute(CN, "b.example")],
        "country-three": [attribute(C, "DEU", PRINTABLE)],
        "country-digits": [attribute(C, "D1", PRINTABLE)],
        "teletex-cn": [attribute(CN, "host", TELETEX)],
        "bad-printable": [attribute(CN, "a#b", PRINTABLE)],
        "email-in-subject": [attribute(EMAIL, "joe@example.com", IA5)],
        "unknown-type": [attribute("1.2.3.4", "x")],
        "many-attributes": [attribute(OU, f"u{i}") for i in range(65)],
    }.items():
        yield label, request(subject=name(*attributes))
    yield "multi-rdn", request(subject=seq(set_of(attribute(CN, "a"), attribute(OU, "b"))))


def bad_extensions():
    yield "two-extreq", request(attributes=ext_req(sans(dns("a.example"))) +
                                ext_req(sans(dns("b.example"))))
    yield "two-extreq-mixed", request(attributes=ext_req(sans(dns("a.example"))) +
                                      ext_req(sans(dns("b.example")), kind=MS_EXT_REQ))
    yield "extreq-two-values", request(attributes=seq(
        oid(EXT_REQ), set_of(seq(sans(dns("a.example"))), seq(sans(dns("b.example"))))))
    yield "extreq-empty", request(attributes=ext_req())
    yield "repeated-extension", with_ext(sans(dns("a.example")), sans(dns("b.example")))
    yield "unknown-critical", with_ext(extension("1.2.3.4.5", b"\x05\x00", TRUE))
    yield "known-critical-unread", with_ext(extension("2.5.29.30", seq(), TRUE))
    yield "unknown-eku", with_ext(extension(EKU, seq(oid("1.3.6.1.5.5.7.3.17"))))
    yield "empty-eku", with_ext(extension(EKU, seq()))
    yield "empty-ku", with_ext(extension(KU, bits(b"")))
    yield "ku-trailing-zero", with_ext(extension(KU, bits(b"\xa0", 4)))
    yield "ku-ten-bits", with_ext(extension(KU, bits(b"\x80\x40", 6)))
    yield "bc-false", with_ext(extension(BC, seq(tlv(0x01, b"\0"))))
    yield "bc-path-no-ca", with_ext(extension(BC, seq(integer(1))))
    yield "bc-true-01", with_ext(extension(BC, seq(tlv(0x01, b"\x01"))))
    yield "san-empty", with_ext(sans())
    yield "san-101", with_ext(sans(*[dns(f"h{i}.example") for i in range(101)]))
    yield "san-nul", with_ext(sans(tlv(0x82, b"good.example\0.evil")))
    yield "san-utf8", with_ext(sans(tlv(0x82, "münchen.example".encode())))
    yield "san-directory", with_ext(sans(tlv(0xA4, SUBJECT)))
    yield "san-ip-5", with_ext(sans(tlv(0x87, b"12345")))
    yield "san-other", with_ext(sans(tlv(0xA0, oid("1.2.3"), tlv(0xA0, tlv(UTF8, b"x")))))
    yield "san-relative-uri", with_ext(sans(tlv(0x86, b"/just/a/path")))
    yield "san-star-inside", with_ext(sans(dns("www.*.example")))
    yield "san-email-no-at", with_ext(sans(tlv(0x81, b"example.com")))


def bad_keys():
    p, q = prime(1024), prime(1024)
    n = p * q
    rsa = {"signing": SHA256_RSA}
    yield "rsa-1024", request(key=rsa_spki(prime(512) * prime(512)), **rsa)
    yield "rsa-2047", request(key=rsa_spki((n >> 1) | 1), **rsa)
    yield "rsa-2560", request(key=rsa_spki(prime(1280) * prime(1280)), **rsa)
    yield "rsa-4097", request(key=rsa_spki((1 << 4096) + 1), **rsa)
    yield "rsa-even-modulus", request(key=rsa_spki(n - 1), **rsa)
    yield "rsa-small-factor", request(key=rsa_spki(751 * ((n // 751) | 1)), **rsa)
    yield "rsa-roca", request(key=rsa_spki(roca_prime(1024) * roca_prime(1024)), **rsa)
    yield "rsa-exponent-3", request(key=rsa_spki(n, 3), **rsa)
    yield "rsa-exponent-even", request(key=rsa_spki(n, 65538), **rsa)
    yield "rsa-exponent-huge", request(key=rsa_spki(n, (1 << 256) + 1), **rsa)
    yield "rsa-no-parameters", request(key=rsa_spki(n, parameters=b""), **rsa)
    yield "rsa-negative-modulus", request(key=seq(
        seq(oid("1.2.840.113549.1.1.1"), NULL),
        bits(seq(tlv(0x02, n.to_bytes(256, "big")), integer(65537)))), **rsa)
    yield "rsa-pss-key", request(key=seq(seq(oid("1.2.840.113549.1.1.10")), bits(
        seq(integer(n), integer(65537)))), **rsa)
    yield "ec-explicit", request(key=ec_spki(POINT, seq(integer(1))))
    yield "ec-compressed", request(key=ec_spki(b"\x02" + POINT[1:33]))
    yield "ec-hybrid", request(key=ec_spki(b"\x07" + POINT[1:]))
    yield "ec-cut", request(key=ec_spki(POINT[:-1]))
    yield "ec-unused-bits", request(key=seq(seq(oid("1.2.840.10045.2.1"), oid(P256)),
                                            bits(POINT[:-1] + b"\xf0", 4)))
    yield "ec-secp256k1", request(key=ec_spki(POINT, oid("1.3.132.0.10")))
    yield "ed25519-31", request(key=raw_spki("1.3.101.112", 31), signing=algorithm("1.3.101.112"))
    yield "ed25519-null", request(key=raw_spki("1.3.101.112", 32, NULL),
                                  signing=algorithm("1.3.101.112"))
    yield "dsa-key", request(key=raw_spki("1.2.840.10040.4.1", 128))
    yield "md5", request(key=rsa_spki(n), signing=algorithm("1.2.840.113549.1.1.4", NULL))
    yield "sha1-rsa", request(key=rsa_spki(n), signing=algorithm("1.2.840.113549.1.1.5", NULL))
    yield "sha1-ecdsa", request(signing=algorithm("1.2.840.10045.4.1"))
    yield "pss-default", request(key=rsa_spki(n), signing=algorithm("1.2.840.113549.1.1.10", seq()))
    yield "pss-long-salt", request(key=rsa_spki(n), signing=algorithm(
        "1.2.840.113549.1.1.10", seq(
            tlv(0xA0, algorithm("2.16.840.1.101.3.4.2.1", NULL)),
            tlv(0xA1, algorithm("1.2.840.113549.1.1.8",
                                algorithm("2.16.840.1.101.3.4.2.1", NULL))),
            tlv(0xA2, integer(222)))))
    yield "ecdsa-null", request(signing=algorithm("1.2.840.10045.4.3.2", NULL))
    yield "unknown-signature", request(signing=algorithm("1.2.3.4"))
    yield "misfit", request(key=rsa_spki(n), signing=SHA256_ECDSA)
    yield "misfit-edwards", request(key=raw_spki("1.3.101.112", 32),
                                    signing=algorithm("1.3.101.113"))


def bad_frames():
    good = request()
    yield "trailing", good + b"\0"
    yield "cut", good[:-1]
    body = info() + SHA256_ECDSA + bits(DICE.randbytes(70))
    yield "ber-indefinite", b"\x30\x80" + body + b"\0\0"
    yield "ber-long-length", b"\x30\x83" + len(body).to_bytes(3, "big") + body
    yield "version-1", request(version=1)
    yield "version-negative", request(seq(tlv(0x02, b"\xff"), SUBJECT, EC_KEY, tlv(0xA0)))
    yield "no-attributes", request(seq(integer(0), SUBJECT, EC_KEY))
    yield "attribute-no-values", request(attributes=seq(oid("1.2.840.113549.1.9.7"), set_of()))
    yield "info-trailing", request(seq(integer(0), SUBJECT, EC_KEY, tlv(0xA0), NULL))
    yield "signature-unused-bits", seq(info(), SHA256_ECDSA, bits(b"\xf0", 4))
    yield "not-a-sequence", tlv(0x31, body)
    yield "certificate-instead", seq(seq(tlv(0xA0, integer(2)), integer(1)), SHA256_ECDSA,
                                     bits(b"x"))
    yield "too-long", request(attributes=seq(oid("1.2.3.4"), set_of(tlv(0x04, bytes(33000)))))


# ------------------------------------------------------------------------------------------ openssl

CONFIG = """
[req]
distinguished_name = dn
prompt = no
string_mask = utf8only
[dn]
C = DE
ST = Bavaria
L = Munich
O = Example GmbH
OU = Research
CN = full.example
[full]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyAgreement
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = @names
[names]
DNS.1 = full.example
DNS.2 = *.full.example
IP.1 = 192.0.2.1
IP.2 = 2001:db8::1
email.1 = admin@full.example
URI.1 = https://full.example/path
otherName.1 = 1.3.6.1.4.1.311.20.2.3;UTF8:admin@full.example
[challenge]
unstructuredName = a name
challengePassword = hidden word
[root]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[constrained]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
nameConstraints = critical, permitted;DNS:example, permitted;email:example, \\
    permitted;URI:.example, permitted;IP:192.0.2.0/255.255.255.0, \\
    permitted;IP:2001:db8::/ffff:ffff::, excluded;DNS:secret.example
[open]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[leaf]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyAgreement
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:leaf.example, DNS:*.leaf.example, IP:192.0.2.9, email:joe@example, \\
    URI:https://leaf.example/x, otherName:1.3.6.1.4.1.311.20.2.3;UTF8:joe@leaf.example
crlDistributionPoints = crlpoint
authorityInfoAccess = OCSP;URI:http://pki.example/ocsp, caIssuers;URI:http://pki.example/ca.cer
[crlpoint]
fullname = URI:http://pki.example/1.crl, URI:http://mirror.example/1.crl
[outside]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:other.test
[excluded]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:a.secret.example
[sub-ca]
subjectKeyIdentifier = hash
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[strange]
1.2.3.4.5 = critical, DER:0500
[ca]
default_ca = store
[store]
database = index
crlnumber = number
default_md = sha256
crl_extensions = crl
default_crl_days = 7
[crl]
authorityKeyIdentifier = keyid
issuingDistributionPoint = critical, @idp
[idp]
fullname = URI:http://pki.example/1.crl, URI:http://mirror.example/1.crl
"""


class Openssl:
    def __init__(self, folder):
        self.folder = folder
        (folder / "config").write_text(CONFIG)

    def __call__(self, *arguments):
        return subprocess.run(["openssl", *arguments], cwd=self.folder, check=True,
                              capture_output=True).stdout

    def key(self, label, *options):
        self("genpkey", "-out", f"{label}.key", *options)

    def request(self, label, key, *options):
        return self("req", "-new", "-config", "config", "-key", f"{key}.key", "-outform", "DER",
                    *options)

    def certificate(self, label, key, issuer, section, subject):
        request = ["req", "-new", "-config", "config", "-utf8", "-key", f"{key}.key", "-subj",
                   subject, "-out", f"{label}.csr"]
        self(*request)
        signer = (["-signkey", f"{issuer}.key"] if issuer == label
                  else ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"])
        serial = "0x" + hashlib.sha256(label.encode()).hexdigest()[:30]
        self("x509", "-req", "-in", f"{label}.csr", "-days", "3650", "-sha256", "-set_serial",
             "0x4f" + serial[2:], "-extfile", "config", "-extensions", section, *signer, "-out",
             f"{label}.pem")
        return self("x509", "-in", f"{label}.pem", "-outform", "DER")


EC_OPTIONS = {curve: ("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}")
              for curve in ("P-256", "P-384", "P-521")}


def openssl_requests(openssl):
    for label, options in {
        "p256": EC_OPTIONS["P-256"], "p384": EC_OPTIONS["P-384"], "p521": EC_OPTIONS["P-521"],
        "rsa2048": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "rsa3072": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"),
        "rsa4096": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"),
        "ed25519": ("-algorithm", "ED25519"), "ed448": ("-algorithm", "ED448"),
    }.items():
        openssl.key(label, *options)
        yield label, openssl.request(label, label, "-reqexts", "full")
    yield "plain", openssl.request("plain", "p256", "-subj", "/CN=plain.example")
    yield "empty-subject", openssl.request("empty", "p256", "-subj", "/", "-addext",
                                           "subjectAltName=DNS:nobody.example")
    (openssl.folder / "config").write_text(CONFIG.replace("[req]", "[req]\nattributes = challenge"))
    yield "challenge", openssl.request("challenge", "p256", "-reqexts", "full")
    (openssl.folder / "config").write_text(CONFIG)
    yield "rsa-pss", openssl.request(
        "rsa-pss", "rsa2048", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt",
        "rsa_pss_saltlen:digest", "-subj", "/CN=pss.example")


def openssl_certificates(openssl):
    for label in ("root", "constrained", "open", "strange-root"):
        openssl.key(label, *EC_OPTIONS["P-256"])
    yield "root", openssl.certificate("root", "root", "root", "root", "/O=Example/CN=Root")
    yield "constrained", openssl.certificate("constrained", "constrained", "root", "constrained",
                                             "/O=Example/CN=Constrained")
    yield "open", openssl.certificate("open", "open", "root", "open", "/O=Example/CN=Open")
    yield "leaf", openssl.certificate("leaf", "p256", "constrained", "leaf",
                                      "/C=DE/O=Example/CN=leaf.example")
    yield "leaf-outside", openssl.certificate("leaf-outside", "p256", "constrained", "outside",
                                              "/CN=outside")
    yield "leaf-excluded", openssl.certificate("leaf-excluded", "p256", "constrained", "excluded",
                                               "/CN=excluded")
    yield "sub-ca", openssl.certificate("sub-ca", "p384", "constrained", "sub-ca", "/CN=Sub")
    yield "leaf-strange", openssl.certificate("leaf-strange", "p256", "open", "strange",
                                              "/CN=strange")
    yield "leaf-rsa", openssl.certificate("leaf-rsa", "rsa2048", "open", "leaf",
                                          "/C=DE/O=Example/CN=leaf.example")


def openssl_crls(openssl):
    rows = ["R\t360101000000Z\t260110080000Z,keyCompromise\t4F01\tunknown\t/CN=a",
            "R\t360101000000Z\t260111090000Z\t4F02\tunknown\t/CN=b",
            "R\t360101000000Z\t260112100000Z,certificateHold\t4F8000\tunknown\t/CN=c"]
    (openssl.folder / "number").write_text("65A1B2C3\n")
    for label, index in (("three", "\n".join(rows) + "\n"), ("none", "")):
        (openssl.folder / "index").write_text(index)
        openssl("ca", "-config", "config", "-gencrl", "-cert", "root.pem", "-keyfile", "root.key",
                "-out", "out.crl")
        yield label, openssl("crl", "-in", "out.crl", "-outform", "DER")


# --------------------------------------------------------------------------------------------- main


def write(kind, label, der, pem_label, corpus):
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    body = "\n".join([f"-----BEGIN {pem_label}-----", *lines, f"-----END {pem_label}-----", ""])
    (HERE / f"{kind}-{label}.pem").write_text(body)
    if corpus is not None and len(der) <= 8192:
        target = corpus / {"csr": "csr", "refused": "csr", "cert": "cert", "crl": "crl"}[kind]
        target.mkdir(parents=True, exist_ok=True)
        (target / label).write_bytes(der)


def write_seeds(corpus):
    """Small seeds of the targets that read less than a whole object."""
    general = seq(dns("a.example"), tlv(0x81, b"joe@b.example"), tlv(0x86, b"https://c.example/d"),
                  tlv(0x87, bytes([192, 0, 2, 1])), tlv(0x87, bytes(15) + b"\x01"),
                  tlv(0xA0, oid("1.3.6.1.4.1.311.20.2.3"), tlv(0xA0, tlv(UTF8, b"joe@e.example"))))
    marks = "-----BEGIN CERTIFICATE-----{0}{1}-----END CERTIFICATE-----{0}"
    seeds = {
        "der": {
            "elements": seq(integer(5), integer(1 << 70), bits(b"\xa0", 5), bits(b"ab"), TRUE, NULL,
                            oid("1.2.840.113549"), tlv(0x04, b"x" * 200),
                            tlv(0x17, b"260101000000Z"), tlv(0x18, b"20500101000000Z")),
            "integer": integer(128), "time": tlv(0x17, b"491231235959Z"),
            "far-time": tlv(0x18, b"99991231235959Z"), "oid": oid("2.999.3"),
            "named-bits": bits(b"\x00\x80", 7), "long": tlv(0x04, bytes(70000)[:300]),
            "cut": b"\x30\x82\x01", "indefinite": b"\x30\x80\x00\x00",
            "wide-tag": b"\x1f\x81\x01\x01\xaa",
        },
        "pem": {
            "one": marks.format("\n", "AQID\n").encode(),
            "crlf": marks.format("\r\n", "AQID\r\n").encode(),
            "two": (marks.format("\n", "AQ==\n") * 2).encode(),
            "key": marks.replace("CERTIFICATE", "PRIVATE KEY").format("\n", "AAAA\n").encode(),
            "bare": b"MIIB", "cut": b"-----BEGIN CERTIFICATE-----\nAQ",
        },
        "san": {
            "general-names": general, "dns": b"www.Example.com", "wildcard": b"*.example.com",
            "idn": "b\u00fccher.example".encode(), "a-label": b"xn--bcher-kva.example",
            "wide-dot": "\u4f8b\u3048\u3002jp".encode(), "ipv4": b"192.0.2.1",
            "mapped": b"::ffff:192.0.2.1", "email": b"joe.user+x@Example.com",
            "uri": b"HTTPS://u@Host.example:1/p?q#f", "urn": b"urn:uuid:1",
            "uri-ipv6": b"http://[2001:DB8::1]:8/", "upn": "j\u00fcrgen@corp".encode(),
        },
    }
    for target, files in seeds.items():
        (corpus / target).mkdir(parents=True, exist_ok=True)
        for label, octets in files.items():
            (corpus / target / label).write_bytes(octets)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", type=pathlib.Path)
    corpus = parser.parse_args().corpus
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        openssl = Openssl(folder)
        for label, der in openssl_requests(openssl):
            write("csr", label, der, "CERTIFICATE REQUEST", corpus)
        for label, der in openssl_certificates(openssl):
            write("cert", label, der, "CERTIFICATE", corpus)
        for label, der in openssl_crls(openssl):
            write("crl", label, der, "X509 CRL", corpus)
    finally:
        shutil.rmtree(folder)
    for label, der in good_requests():
        write("csr", label, der, "CERTIFICATE REQUEST", corpus)
    for group in (bad_names, bad_extensions, bad_keys, bad_frames):
        for label, der in group():
            write("refused", label, der, "CERTIFICATE REQUEST", corpus)
    if corpus is not None:
        write_seeds(corpus)


main()
