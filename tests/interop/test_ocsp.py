"""The OCSP responder as openssl(1), ocsptool(1) and the package `cryptography` see it."""
import base64
import hashlib
import time
import urllib.parse

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

import pki
from api import ok

REQUEST = "application/ocsp-request"
RESPONSE = "application/ocsp-response"
FAILED = {1: bytes([0x30, 3, 10, 1, 1]), 3: bytes([0x30, 3, 10, 1, 3]),
          6: bytes([0x30, 3, 10, 1, 6])}


def send(method, url, **more):
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=60, **more)


def post(url, der, media_type=REQUEST):
    return send("POST", url, data=der, headers={"Content-Type": media_type})


def get(url, der, safe=""):
    return send("GET", url + "/" + urllib.parse.quote(base64.b64encode(der).decode(), safe=safe))


class Case:
    """A certificate with its issuer, as files and as objects."""

    def __init__(self, issued, folder):
        self.pem, self.between, self.roots = pki.split_chain(issued)
        self.cert = pki.certificate(self.pem)
        self.issuer = pki.certificate(issued["issuingCaCertificate"])
        self.url = pki.ocsp_url(self.cert)
        self.folder = folder
        for name, text in (("leaf", self.pem), ("issuer", issued["issuingCaCertificate"]),
                           ("root", self.roots), ("chain", self.between + self.roots)):
            (folder / name).write_text(text)

    def request(self, digest=hashes.SHA1, nonce=None, serial=None):
        builder = ocsp.OCSPRequestBuilder()
        if serial is None:
            builder = builder.add_certificate(self.cert, self.issuer, digest())
        else:
            name, key = self.hashes_of_issuer(digest)
            builder = builder.add_certificate_by_hash(name, key, serial, digest())
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        return builder.build().public_bytes(serialization.Encoding.DER)

    def hashes_of_issuer(self, digest):
        key_id = x509.SubjectKeyIdentifier.from_public_key(self.issuer.public_key()).digest
        spki = pki.spki(self.issuer.public_key())
        if digest is hashes.SHA1:
            return hashlib.sha1(self.issuer.subject.public_bytes()).digest(), key_id
        # The key's bits are the end of the SubjectPublicKeyInfo of a P-256 key.
        return hashlib.sha256(self.issuer.subject.public_bytes()).digest(), \
            hashlib.sha256(spki[-65:]).digest()

    def ask(self, der):
        answer = post(self.url, der)
        assert answer.status_code == 200 and answer.headers["Content-Type"] == RESPONSE
        return ocsp.load_der_ocsp_response(answer.content)

    def openssl(self, *more):
        return pki.program("openssl", "ocsp", *more, "-issuer", self.folder / "issuer", "-cert",
                           self.folder / "leaf", "-url", self.url, "-CAfile", self.folder / "root",
                           "-verify_other", self.folder / "chain", "-no-CApath", "-no-CAstore",
                           check=False)


@pytest.fixture
def case(world, tmp_path):
    return Case(world.issue(), tmp_path)


@pytest.mark.parametrize("key", ["RSA_2048", "EC_prime256v1", "EC_secp384r1", "Ed25519"])
@pytest.mark.parametrize("more", [["-no_nonce"], ["-nonce"], ["-sha256", "-no_nonce"]])
def test_openssl_asks(world, tmp_path, key, more):
    root = world.new_root(key)
    ca = world.new_intermediate(root["id"], key)
    case = Case(world.issue(world.new_profile(caId=ca["id"]), keyAlgorithm="EC_prime256v1"),
                tmp_path)
    said = case.openssl(*more)
    assert "Response verify OK" in said and f"{tmp_path}/leaf: good" in said, said
    assert "WARNING" not in said, said


def test_ocsptool_asks(case):
    said = pki.program("ocsptool", f"--ask={case.url}", "--load-cert", case.folder / "leaf",
                       "--load-issuer", case.folder / "issuer", "--load-trust",
                       case.folder / "issuer", "--nonce", check=False)
    assert "Certificate Status: good" in said and "Verifying OCSP Response: Success" in said, said


def test_the_signer_is_delegated_by_the_ca(case):
    answer = case.ask(case.request())
    assert answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL
    assert len(answer.certificates) == 1
    signer = answer.certificates[0]
    assert signer.issuer.public_bytes() == case.issuer.subject.public_bytes()
    signer.verify_directly_issued_by(case.issuer)
    assert pki.extended_key_usages(signer) == {"ocsp_signing"}
    assert pki.key_usages(signer) == {"digital_signature"}
    assert pki.extension(signer, x509.OCSPNoCheck) is not None
    assert pki.extension(signer, x509.BasicConstraints).ca is False
    assert pki.extension(signer, x509.CRLDistributionPoints) is None
    assert "ocsp" not in pki.access_urls(signer)
    life = signer.not_valid_after_utc - signer.not_valid_before_utc
    assert 6 <= life.days <= 8
    assert answer.responder_name is None
    assert answer.responder_key_hash == \
        x509.SubjectKeyIdentifier.from_public_key(signer.public_key()).digest
    signer.public_key().verify(answer.signature, answer.tbs_response_bytes,
                               *pki.signature_arguments(signer.public_key()))
    assert (answer.next_update_utc - answer.this_update_utc).total_seconds() == 3600
    # Its own serial is registered: the CA answers for it.
    assert case.ask(case.request(serial=signer.serial_number)).certificate_status == \
        ocsp.OCSPCertStatus.GOOD
    # The next answer comes from the same signer.
    assert case.ask(case.request(nonce=b"n" * 32)).certificates == [signer]


@pytest.mark.parametrize("digest", [hashes.SHA1, hashes.SHA256])
def test_what_was_never_issued_is_unknown(case, digest):
    unknown = case.ask(case.request(digest, serial=0x1234))
    assert unknown.certificate_status == ocsp.OCSPCertStatus.UNKNOWN
    known = case.ask(case.request(digest, serial=case.cert.serial_number))
    assert known.certificate_status == ocsp.OCSPCertStatus.GOOD


@pytest.mark.parametrize("length", [1, 16, 32, 128])
def test_a_nonce_comes_back(case, length):
    nonce = bytes(range(length))
    answer = case.ask(case.request(nonce=nonce))
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce


def test_get_as_rfc_5019_has_it(case):
    for serial in range(40):
        der = case.request(serial=serial + 1)
        for safe in ("", "+=", "/+="):
            text = base64.b64encode(der).decode()
            if "//" in text and "/" in safe:
                continue
            answer = get(case.url, der, safe=safe)
            assert answer.status_code == 200, answer.text
            assert ocsp.load_der_ocsp_response(answer.content).serial_number == serial + 1
    answer = get(case.url, case.request())
    found = ocsp.load_der_ocsp_response(answer.content)
    assert found.certificate_status == ocsp.OCSPCertStatus.GOOD
    assert answer.headers["Content-Type"] == RESPONSE
    control = answer.headers["Cache-Control"].split(", ")
    assert {"public", "no-transform", "must-revalidate"} < set(control)
    assert control[0].startswith("max-age=") and 0 < int(control[0][8:]) <= 300
    form = "%a, %d %b %Y %H:%M:%S GMT"
    assert answer.headers["Last-Modified"] == found.this_update_utc.strftime(form)
    assert answer.headers["Expires"] == found.next_update_utc.strftime(form)
    assert answer.headers["ETag"].startswith('"')
    # The same answer again, from memory; another request has another.
    again = get(case.url, case.request())
    assert again.content == answer.content and again.headers["ETag"] == answer.headers["ETag"]
    assert get(case.url, case.request(nonce=b"x" * 16)).headers["Cache-Control"] == "no-store"
    assert post(case.url, case.request()).headers["Cache-Control"] == "no-store"


def test_a_foreign_issuer_is_unauthorized(case, world, tmp_path):
    other = world.new_root()
    stranger = world.issue(world.new_profile(caId=other["id"]))
    (tmp_path / "other").mkdir()
    there = Case(stranger, tmp_path / "other")
    assert post(case.url, there.request()).content == FAILED[6]
    nobody = case.url.rsplit("/", 1)[0] + "/00000000-0000-4000-8000-000000000000"
    assert post(nobody, case.request()).content == FAILED[6]
    assert post(case.url.rsplit("/", 1)[0] + "/x", case.request()).content == FAILED[6]


def test_a_ca_by_its_id(case, world, daemon):
    for ca_id, expected in ((world.ca_id, ocsp.OCSPResponseStatus.SUCCESSFUL),
                            (world.root_id, ocsp.OCSPResponseStatus.UNAUTHORIZED),
                            (world.project_id, ocsp.OCSPResponseStatus.UNAUTHORIZED)):
        url = f"{daemon.ready.url}/api/v1/cert-manager/ocsp/{ca_id}"
        for answer in (post(url, case.request()), get(url, case.request())):
            assert answer.headers["Content-Type"] == RESPONSE
            assert ocsp.load_der_ocsp_response(answer.content).response_status == expected


def der_of(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        length = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(octets)]) + octets
    return bytes([tag]) + length + body


NONCE = bytes.fromhex("06092b0601050507300102")
OTHER = bytes.fromhex("06032a0304")


def with_extensions(case, *extensions, count=1):
    """A request with extensions (OID, critical, value) as somebody hostile writes it."""
    one = case.request()
    # OCSPRequest, TBSRequest and requestList have short lengths here: the Request is at 6.
    request = one[6:] * count
    written = b"".join(der_of(0x30, oid, b"\x01\x01\xff" if critical else b"", der_of(4, value))
                       for oid, critical, value in extensions)
    tail = der_of(0xa2, der_of(0x30, written)) if extensions else b""
    return der_of(0x30, der_of(0x30, der_of(0x30, request), tail))


def test_attacks_are_malformed(case):
    good = case.request()
    fine = (NONCE, False, der_of(4, b"n" * 16))
    assert post(case.url, with_extensions(case, fine)).content[6] != 1
    for der in (b"", b"\x30", good[:-1], good + b"\x00", b"\x30\x80" + good[2:] + b"\0\0",
                with_extensions(case, fine, fine),
                with_extensions(case, (OTHER, True, b"x")),
                with_extensions(case, (NONCE, False, der_of(4, b""))),
                with_extensions(case, (NONCE, False, der_of(4, b"n" * 129))),
                with_extensions(case, (NONCE, False, b"raw")),
                with_extensions(case, count=17)):
        assert post(case.url, der).content == FAILED[1], der.hex()
    sixteen = post(case.url, with_extensions(case, count=16))
    assert len(list(ocsp.load_der_ocsp_response(sixteen.content).responses)) == 16
    for text in ("x", "MEIw", "%21%21%21%21", "MEIw=", "a/b/c", "A" * 4000):
        answer = send("GET", f"{case.url}/{text}")
        assert (answer.status_code, answer.content) == (200, FAILED[1]), text
    assert post(case.url, b"x" * 8193).status_code == 413
    assert post(case.url, good, "application/json").status_code == 415
    assert send("GET", case.url).status_code == 405
    assert send("GET", case.url + "/" + "A" * 20000).status_code in (414, 431)
    assert case.ask(good).certificate_status == ocsp.OCSPCertStatus.GOOD


def test_an_unknown_extension_is_ignored(case):
    answer = post(case.url, with_extensions(case, (OTHER, False, b"x")))
    assert ocsp.load_der_ocsp_response(answer.content).certificate_status == \
        ocsp.OCSPCertStatus.GOOD


def test_a_ca_without_a_responder_in_its_certificates(world):
    silent = world.new_root(configuration={"isOcspEnabled": False})
    assert silent["configuration"]["isOcspEnabled"] is False
    cert = pki.certificate(world.issue(world.new_profile(caId=silent["id"]))["certificate"])
    assert set(pki.access_urls(cert)) == {"ca_issuers"}
    # The key generation is made: what is said now holds for the next one.
    changed = ok(world.admin.update_ca(silent["id"], json={
        "configuration": {"isOcspEnabled": True}}))
    assert changed["configuration"]["isOcspEnabled"] is True
    cert = pki.certificate(world.issue(world.new_profile(caId=silent["id"]))["certificate"])
    assert set(pki.access_urls(cert)) == {"ca_issuers"}
    assert world.ca["configuration"]["isOcspEnabled"] is True
    ca = pki.certificate(world.root_pem(world.ca_id))
    assert set(pki.access_urls(ca)) == {"ca_issuers"}


def test_a_ca_with_a_signer_can_be_deleted(world, tmp_path):
    root = world.new_root()
    profile = world.new_profile(caId=root["id"])
    case = Case(world.issue(profile, notAfter=None, ttl="1s"), tmp_path)
    assert case.ask(case.request()).certificate_status == ocsp.OCSPCertStatus.GOOD
    ok(world.admin.delete_profile(profile))
    for _ in range(100):
        answer = world.admin.delete_ca(root["id"])
        if answer.status_code == 200:
            break
        time.sleep(0.1)  # until the certificate's second is over
    assert answer.status_code == 200, answer.text
    assert post(case.url, case.request(nonce=b"not from memory")).content == FAILED[6]


# --- revoked ---------------------------------------------------------------------------------------


def revoke(world, case, reason):
    found = ok(world.admin.revoke(pki.serial_text(case.cert), revocationReason=reason))
    assert found


def ask_until(case, expected, patience=20):
    """A revocation is seen within about a second."""
    until = time.monotonic() + patience
    while True:
        answer = case.ask(case.request())
        if answer.certificate_status == expected or time.monotonic() > until:
            assert answer.certificate_status == expected
            return answer
        time.sleep(0.1)


def test_a_revoked_certificate(case, world):
    assert case.ask(case.request()).certificate_status == ocsp.OCSPCertStatus.GOOD
    revoke(world, case, "KEY_COMPROMISE")
    answer = ask_until(case, ocsp.OCSPCertStatus.REVOKED, patience=3)
    assert answer.revocation_reason == x509.ReasonFlags.key_compromise
    assert answer.revocation_time_utc <= answer.this_update_utc
    said = case.openssl("-no_nonce")
    assert "Response verify OK" in said and "leaf: revoked" in said and "keyCompromise" in said
    said = pki.program("ocsptool", f"--ask={case.url}", "--load-cert", case.folder / "leaf",
                       "--load-issuer", case.folder / "issuer", "--load-trust",
                       case.folder / "issuer", "--nonce", check=False)
    assert "Certificate Status: revoked" in said, said
    found = get(case.url, case.request())
    assert ocsp.load_der_ocsp_response(found.content).certificate_status == \
        ocsp.OCSPCertStatus.REVOKED


def test_a_hold_and_its_end(case, world):
    revoke(world, case, "CERTIFICATE_HOLD")
    answer = ask_until(case, ocsp.OCSPCertStatus.REVOKED)
    assert answer.revocation_reason == x509.ReasonFlags.certificate_hold
    revoke(world, case, "REMOVE_FROM_CRL")
    ask_until(case, ocsp.OCSPCertStatus.GOOD)


def test_an_intermediate_is_answered_for_by_its_parent(world, tmp_path):
    root = world.new_root()
    ca = world.new_intermediate(root["id"])
    leaf = world.issue(world.new_profile(caId=root["id"]))
    case = Case(leaf, tmp_path)  # of the root's key, whose URL it has
    inner = pki.certificate(world.root_pem(ca["id"]))
    assert case.ask(case.request(serial=inner.serial_number)).certificate_status == \
        ocsp.OCSPCertStatus.GOOD
