"""CSRs that no certificate may come of: a clear refusal each, and the daemon goes on."""
import base64
import os

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

import pki
import pkcs10
from api import ok, refused
from pkcs10 import (NULL, Request, alt_names, attribute, bits, dns_name, extension,
                    extension_request, integer, ip_address, name, octets, oid, seq, set_of, sign,
                    spki_of, tlv)

KEY = pki.some_key("EC_prime256v1")
GOOD = {"commonName": "good.example.com"}


def request(**arguments):
    return Request(arguments.pop("key", KEY), **{"subject": GOOD, **arguments})


def changed(made, **parts):
    for part, value in parts.items():
        setattr(made, part, value)
    return made.der()


def broken_signature():
    der = bytearray(request().der())
    der[-3] ^= 1
    return bytes(der)


def signed_by_another():
    return changed(request(), signed_by=pki.new_key())


def changed_after_signing():
    return request().der().replace(b"good.example.com", b"evil.example.com")


def zero_signature():
    info = request().info()
    return seq(info, seq(oid("1.2.840.10045.4.3.2")), bits(seq(integer(0), integer(0))))


def indefinite_length():
    der = request().der()
    header = 4 if der[1] == 0x82 else 3
    return b"\x30\x80" + der[header:] + b"\x00\x00"


def long_form_length():
    der = request().der()
    assert der[1] in (0x81, 0x82)
    size = int.from_bytes(der[2:2 + (der[1] & 0x7F)], "big")
    return b"\x30\x84" + size.to_bytes(4, "big") + der[2 + (der[1] & 0x7F):]


def with_public_exponent(exponent):
    key = pki.some_key("RSA_2048")
    numbers = key.public_key().public_numbers()
    made = Request(key, subject=GOOD)
    made.spki = seq(seq(oid("1.2.840.113549.1.1.1"), NULL),
                    bits(seq(integer(numbers.n), integer(exponent))))
    return made.der()


def with_modulus(modulus):
    made = Request(pki.some_key("RSA_2048"), subject=GOOD)
    made.spki = seq(seq(oid("1.2.840.113549.1.1.1"), NULL),
                    bits(seq(integer(modulus), integer(65537))))
    return made.der()


def off_curve():
    point = b"\x04" + b"\x11" * 64
    spki = seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bits(point))
    return changed(request(), spki=spki)


def infinity():
    spki = seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bits(b"\x00"))
    return changed(request(), spki=spki)


def weak_signature(algorithm, digest):
    made = request(key=pki.some_key(algorithm), digest=digest)
    made_info = made.info()
    if digest == "md5":  # the library no longer signs with it: the refusal comes before a look at it
        return seq(made_info, seq(oid(pkcs10.RSA_OIDS["md5"]), NULL), bits(b"\x01" * 256))
    return made.der()


def fermat_weak():
    """Two primes that lie next to one another."""
    p = 1 << 1023 | 1 << 1022 | int.from_bytes(b"\x5a" * 60, "big")
    p = next_prime(p)
    q = next_prime(p + 2)
    return with_modulus(p * q)


def next_prime(number):
    number |= 1
    small = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83]
    while any(number % prime == 0 for prime in small) or pow(2, number - 1, number) != 1:
        number += 2
    return number


def many_attributes():
    made = request()
    made.attributes = [seq(oid("1.2.3.4"), set_of(octets(bytes(200)))) for _ in range(300)]
    return made.der()


CN = "2.5.4.3"
HOSTILE = {
    # What has been tampered with.
    "broken signature": broken_signature,
    "signed by another key": signed_by_another,
    "changed after signing": changed_after_signing,
    "signature of zeros": zero_signature,
    "empty signature": lambda: seq(request().info(), seq(oid("1.2.840.10045.4.3.2")), bits(b"")),
    # What is no DER.
    "trailing bytes": lambda: request().der() + b"\x00",
    "a second request behind it": lambda: request().der() * 2,
    "cut short": lambda: request().der()[:-5],
    "one byte": lambda: b"\x30",
    "indefinite length (BER)": indefinite_length,
    "long form of a length (BER)": long_form_length,
    "not a sequence": lambda: octets(request().der()),
    "a certificate": lambda: pki.der(pki.private_pem(KEY)),
    "noise": lambda: bytes(os.urandom(500)),
    "nesting": lambda: b"\x30\x80" * 4000,
    "version 1": lambda: changed(request(), version=integer(1)),
    "version -1": lambda: changed(request(), version=tlv(0x02, b"\xff")),
    "a padded integer": lambda: changed(request(), version=tlv(0x02, b"\x00\x00")),
    # Keys.
    "RSA-1024": lambda: Request(rsa.generate_private_key(65537, 1024), subject=GOOD).der(),
    "RSA-2560": lambda: Request(rsa.generate_private_key(65537, 2560), subject=GOOD).der(),
    "RSA with exponent 3": lambda: with_public_exponent(3),
    "RSA with exponent 1": lambda: with_public_exponent(1),
    "RSA with an even exponent": lambda: with_public_exponent(65536),
    "RSA with a huge exponent": lambda: with_public_exponent((1 << 300) + 1),
    "RSA with an even modulus": lambda: with_modulus((1 << 2047) + 2),
    "RSA with a small factor": lambda: with_modulus(3 * ((1 << 2046) + 7)),
    "RSA with close primes": fermat_weak,
    "RSA-5120": lambda: with_modulus((1 << 5119) + 1),
    "secp256k1": lambda: Request(ec.generate_private_key(ec.SECP256K1()), subject=GOOD).der(),
    "DSA": lambda: Request(dsa.generate_private_key(1024), subject=GOOD).der(),
    "a point off the curve": off_curve,
    "the point at infinity": infinity,
    "an unknown key algorithm": lambda: changed(
        request(), spki=seq(seq(oid("1.2.3.4.5")), bits(b"\x01" * 32))),
    "an Ed25519 key of 31 octets": lambda: changed(
        request(), spki=seq(seq(oid("1.3.101.112")), bits(b"\x01" * 31))),
    # Signatures.
    "MD5": lambda: weak_signature("RSA_2048", "md5"),
    "SHA-1 with RSA": lambda: weak_signature("RSA_2048", "sha1"),
    "SHA-1 with ECDSA": lambda: weak_signature("EC_prime256v1", "sha1"),
    "an unknown signature algorithm": lambda: seq(request().info(), seq(oid("1.2.3.4.5")),
                                                  bits(b"\x01" * 64)),
    "an RSA signature on an EC key": lambda: seq(
        request().info(), seq(oid(pkcs10.RSA_OIDS["sha256"]), NULL), bits(b"\x01" * 256)),
    # Subjects.
    "a NUL in a name": lambda: request(subject=seq(set_of(
        attribute(CN, b"good.example.com\x00.evil.com")))).der(),
    "a multi-valued relative name": lambda: request(subject=seq(set_of(
        attribute("2.5.4.10", "Acme"), attribute(CN, "x")))).der(),
    "two common names": lambda: request(subject=seq(
        set_of(attribute(CN, "a")), set_of(attribute(CN, "b")))).der(),
    "an unknown attribute type": lambda: request(subject=seq(
        set_of(attribute("1.2.3.4.5.6", "x")))).der(),
    "an e-mail address in the subject": lambda: request(subject=seq(
        set_of(attribute("1.2.840.113549.1.9.1", "a@example.com", 0x16)))).der(),
    "a TeletexString": lambda: request(subject=seq(set_of(attribute(CN, "x", 0x14)))).der(),
    "broken UTF-8": lambda: request(subject=seq(set_of(attribute(CN, b"\xc3\x28")))).der(),
    "an overlong UTF-8 form": lambda: request(subject=seq(set_of(attribute(CN, b"\xc0\x80")))).der(),
    "a control character": lambda: request(subject=seq(set_of(attribute(CN, "a\x07b")))).der(),
    "a bidirectional character": lambda: request(subject=seq(
        set_of(attribute(CN, "a\u202eb")))).der(),
    "a long common name": lambda: request(subject={"commonName": "x" * 65}).der(),
    "an empty common name": lambda: request(subject={"commonName": ""}).der(),
    "a country of three letters": lambda: request(subject={"country": "DEU"}).der(),
    "an empty relative name": lambda: request(subject=seq(set_of())).der(),
    # Extensions.
    "an extension twice": lambda: request(extensions=[
        alt_names(dns_name("a.example.com")), alt_names(dns_name("b.example.com"))]).der(),
    "two extension requests": lambda: changed(request(), attributes=[
        extension_request(alt_names(dns_name("a.example.com"))),
        extension_request(alt_names(dns_name("b.example.com")))]),
    "extension requests by both names": lambda: changed(request(), attributes=[
        extension_request(alt_names(dns_name("a.example.com"))),
        extension_request(alt_names(dns_name("b.example.com")), dotted="1.3.6.1.4.1.311.2.1.14")]),
    "an extension request of two values": lambda: changed(request(), attributes=[
        seq(oid("1.2.840.113549.1.9.14"), set_of(seq(), seq()))]),
    "an unknown critical extension": lambda: request(extensions=[
        extension("1.2.3.4.5.6.7", b"\x05\x00", critical=True)]).der(),
    "name constraints, critical": lambda: request(extensions=[
        extension("2.5.29.30", seq(), critical=True)]).der(),
    "an unknown extended key usage": lambda: request(extensions=[
        extension("2.5.29.37", seq(oid("1.2.3.4.5")))]).der(),
    "a key usage without bits": lambda: request(extensions=[
        extension("2.5.29.15", tlv(0x03, b""))]).der(),
    "malformed basic constraints": lambda: request(extensions=[
        extension("2.5.29.19", b"\x30\x03\x01\x01\x01")]).der(),
    # Alternative names.
    "a NUL in a host name": lambda: request(extensions=[
        alt_names(dns_name(b"good.example.com\x00.evil.com"))]).der(),
    "no names among the names": lambda: request(extensions=[alt_names()]).der(),
    "a host name beyond ASCII": lambda: request(extensions=[
        alt_names(dns_name("bücher.example"))]).der(),
    "an address of five octets": lambda: request(extensions=[
        alt_names(ip_address(b"\x01" * 5))]).der(),
    "a directory name": lambda: request(extensions=[
        alt_names(tlv(0xA4, name(commonName="x")))]).der(),
    "another otherName": lambda: request(extensions=[alt_names(
        tlv(0xA0, oid("1.2.3.4"), tlv(0xA0, tlv(0x0C, b"x"))))]).der(),
    "101 names": lambda: request(dns=[f"h{i}.example.com" for i in range(101)]).der(),
    # Size.
    "many attributes": many_attributes,
    "a long extension": lambda: request(extensions=[extension("1.2.3.4", bytes(60000))]).der(),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_csr(world, what):
    body = refused_csr(world, pkcs10.to_pem(HOSTILE[what]()))
    assert body["error"] in ("BadRequest", "CryptographyError", "ValidationFailure",
                             "PayloadTooLarge")


def refused_csr(world, text):
    answer = world.ask(csr=text)
    assert answer.status_code in (400, 413, 422), answer.text
    return refused(answer, answer.status_code)


@pytest.mark.parametrize("what", ["broken signature", "indefinite length (BER)", "RSA-1024",
                                  "a NUL in a name", "secp256k1", "trailing bytes"])
def test_sign_intermediate_is_as_strict(world, what):
    refused(world.admin.sign_intermediate(world.root_id, csr=pkcs10.to_pem(HOSTILE[what]()),
                                          notAfter="2028-01-01"), 400)


@pytest.mark.parametrize("what,word", [
    ("broken signature", "signature"), ("RSA-1024", "1024"), ("MD5", "md5"),
    ("SHA-1 with RSA", "sha"), ("secp256k1", "curve"), ("an unknown attribute type", "1.2.3.4.5.6"),
    ("a multi-valued relative name", "multi-valued"), ("a NUL in a name", "nul"),
    ("an unknown critical extension", "1.2.3.4.5.6.7"), ("trailing bytes", "bytes after"),
    ("an extension twice", "more than once"), ("two extension requests", "more than one"),
    ("version 1", "version"), ("an unknown extended key usage", "1.2.3.4.5"),
])
def test_the_refusal_says_why(world, what, word):
    answer = world.ask(csr=pkcs10.to_pem(HOSTILE[what]()))
    refused(answer, 400, None, word)


@pytest.mark.parametrize("text", [
    " ", "\n\n", "-----BEGIN CERTIFICATE REQUEST-----",
    "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
    "-----BEGIN CERTIFICATE REQUEST-----\n!!!!\n-----END CERTIFICATE REQUEST-----\n",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "-----BEGIN CERTIFICATE REQUEST-----\nMII\n-----END CERTIFICATE-----\n",
    "hello", "A" * 4000, "\u00e9",
])
def test_no_pem(world, text):
    refused_csr(world, text)


def test_an_empty_csr(world):
    refused(world.ask(csr=""), 422, "ValidationFailure")


def test_two_csrs_in_one_text(world):
    refused_csr(world, request().pem() * 2)
    refused_csr(world, request().pem() + pki.private_pem(KEY))


def test_a_huge_csr(world):
    refused(world.ask(csr="A" * 60000), 422, "ValidationFailure", "csr")
    refused(world.ask(csr="A" * (1 << 20)), 413, "PayloadTooLarge")


# --- and what looks strange but is fine --------------------------------------------------------

def test_an_unknown_extension_is_named_in_the_request(world):
    made = request(extensions=[extension("1.2.3.4.5.6.7", b"\x05\x00")])
    answer = ok(world.ask(csr=made.pem()))
    assert any("1.2.3.4.5.6.7" in note for note in answer["adjustments"])
    detail = ok(world.admin.get_request(answer["certificateRequestId"]))
    assert any("1.2.3.4.5.6.7" in note for note in detail["adjustments"])
    assert b"\x2a\x03\x04\x05\x06\x07" not in pki.der(answer["certificate"]["certificate"])


def test_a_challenge_password_is_neither_kept_nor_logged(world, daemon):
    made = request()
    made.attributes = [seq(oid("1.2.840.113549.1.9.7"), set_of(tlv(0x0C, b"open-sesame-31337")))]
    answer = ok(world.ask(csr=made.pem()))
    assert b"open-sesame" not in pki.der(answer["certificate"]["certificate"])
    assert "open-sesame" not in daemon.log()


def test_the_microsoft_name_of_an_extension_request(world):
    made = request()
    made.attributes = [extension_request(alt_names(dns_name("ms.example.com")),
                                         dotted="1.3.6.1.4.1.311.2.1.14")]
    cert = pki.certificate(world.issue(csr=made.pem())["certificate"])
    assert pki.dns_names(cert) == ["ms.example.com"]


def test_a_bmp_string(world):
    made = request(subject=seq(set_of(attribute("2.5.4.10", "Größe".encode("utf-16-be"), 0x1E))))
    cert = pki.certificate(world.issue(csr=made.pem())["certificate"])
    assert [one.value for one in cert.subject] == ["Größe"]
    assert {one._type.name for one in cert.subject} == {"UTF8String"}


def test_pem_with_white_space_around_it(world):
    ok(world.ask(csr="\n \t" + request().pem() + "\r\n\n"))
    refused_csr(world, "Subject: CN=x\n" + request().pem())


def test_base64_without_marks(world):
    ok(world.ask(csr=base64.b64encode(request().der()).decode()))
    refused_csr(world, base64.b64encode(request().der()).decode()[:-40])


def test_the_largest_key(world):
    """A CSR of ML-DSA-87 with a hundred names is larger than 4096 characters allow."""
    made = Request(pki.some_key("ML-DSA-87"), subject=GOOD,
                   dns=[f"host-{i}.long-name.example.com" for i in range(100)])
    text = made.pem()
    assert len(text) > 12000
    cert = pki.certificate(world.issue(csr=text)["certificate"])
    assert len(pki.dns_names(cert)) == 100
    assert pki.spki(cert.public_key()) == spki_of(pki.some_key("ML-DSA-87"))


def test_signing_by_hand_is_right():
    """Else every test above would fail for the wrong reason."""
    for algorithm in pki.CLASSIC:
        made = Request(pki.some_key(algorithm), subject=GOOD, dns=["a.example.com"])
        said = pki.program("openssl", "req", "-noout", "-verify", "-text", stdin=made.pem())
        assert "verify OK" in said and "DNS:a.example.com" in said
    message = b"x"
    _, signature = sign(pki.some_key("ML-DSA-44"), message)
    assert signature
