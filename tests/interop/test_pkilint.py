"""pkilint holds what was signed to RFC 5280 and RFC 6960.

test_everything_seen() runs last and lints all that the tests of this run have had signed by a daemon
(artefacts.py): one of each shape always, the rest for as long as LINT_SECONDS lasts; if it does not, a
warning says how many were left out.  The tests before it see to it that the kinds that matter are among
them, so that the file says something by itself.  What is found and meant stands in pkilint.yaml with its
reason.
"""
import datetime
import multiprocessing
import os
import pathlib
import random
import time
import warnings

import pytest
import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp as x509_ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from pkilint import loader, pkix
from pkilint.pkix import certificate, crl, extension, name, ocsp
from pkilint.validation import ValidationFindingSeverity as Severity

import artefacts
import pki
from api import ok
from world import EXT_KEY_USAGES

# What is signed does not depend on where it is kept.
pytestmark = pytest.mark.parametrize("storage", ["sqlite"], indirect=True, scope="session")

LINT_SECONDS = 120
EXPLAINED = pathlib.Path(__file__).with_name("pkilint.yaml")


def everything(kind):
    """What a profile can put into a certificate."""
    return {
        "plain": {"commonName": "plain.example.com"},
        "server": {"commonName": "server.example.com", "keyUsages": ["digital_signature"],
                   "extendedKeyUsages": ["server_auth", "client_auth"],
                   "altNames": [{"type": "DNS", "value": "server.example.com"},
                                {"type": "DNS", "value": "*.example.com"},
                                {"type": "IP", "value": "192.0.2.1"},
                                {"type": "IP", "value": "2001:db8::1"}]},
        "person": {"commonName": "Somebody", "organization": "Test", "organizationalUnit": "Unit",
                   "country": "DE", "state": "Berlin", "locality": "Berlin",
                   "domainComponents": ["example", "com"],
                   "keyUsages": ["digital_signature", "non_repudiation"],
                   "extendedKeyUsages": ["client_auth", "email_protection"],
                   "altNames": [{"type": "EMAIL", "value": "somebody@example.com"},
                                {"type": "UPN", "value": "somebody@example.com"},
                                {"type": "URI", "value": "https://example.com/somebody"}]},
        "workload": {"altNames": [{"type": "URI", "value": "spiffe://example.com/ns/a"}],
                     "commonName": "workload"},
        "no subject": {"altNames": [{"type": "DNS", "value": "only.example.com"}]},
        "code": {"commonName": "Code", "extendedKeyUsages": ["code_signing"]},
        "time": {"commonName": "Time", "extendedKeyUsages": ["time_stamping"]},
        "responder": {"commonName": "Responder", "extendedKeyUsages": ["ocsp_signing"]},
        "any purpose": {"commonName": "Any", "extendedKeyUsages": ["any_purpose"]},
        "every usage": {"commonName": "Every", "keyAlgorithm": "RSA_2048",
                        "keyUsages": ["digital_signature", "key_encipherment",
                                      "non_repudiation", "data_encipherment"],
                        "extendedKeyUsages": EXT_KEY_USAGES},
        "unicode": {"commonName": "Dienst für Büro", "organization": "Тест"},
        "long life": {"commonName": "long.example.com", "ttl": "3y"},
    }[kind]


KINDS = ["plain", "server", "person", "workload", "no subject", "code", "time", "responder", "any purpose",
         "every usage", "unicode", "long life"]


@pytest.mark.parametrize("kind", KINDS)
def test_make_each_kind(world, kind):
    """Each by attributes, and under a CA and by itself."""
    attributes = everything(kind)
    world.issue(**attributes)
    if set(attributes) - {"altNames"}:  # without a subject it could name no issuer
        world.issue(world.self_signed_profile(), **attributes)


@pytest.mark.parametrize("key", pki.ALL_KEYS)
def test_make_each_key(world, key):
    """A root, a CA below it and one below that, a leaf of the key type, and their CRLs."""
    root = world.new_root(key, configuration={"notAfter": "2061-01-01"})
    first = world.new_intermediate(root["id"], key, max_path_length=1)
    second = world.new_intermediate(first["id"], key, datetime.timedelta(days=1800), 0)
    issued = world.issue(world.new_profile(caId=second["id"]), keyAlgorithm=key)
    pki.fetch_crl(pki.certificate(issued["certificate"]))
    for ca in (root, first, second):
        ok(world.admin.get_ca_certificate(ca["id"]))
        ok(world.admin.list_crls(ca["id"]))
    world.issue(world.self_signed_profile(), keyAlgorithm=key)
    world.issue(csr=pki.csr(pki.some_key(key), dns=["csr.example.com"],
                            commonName="csr.example.com"))


def test_make_a_leaf_that_is_a_ca(world):
    world.issue(commonName="A CA", basicConstraints={"isCA": True, "pathLength": 0},
                keyUsages=["key_cert_sign", "crl_sign"])


def crl_when(url, holds, patience=30):
    """A CRL that `holds`: it may be a few seconds old."""
    end = time.monotonic() + patience
    while True:
        found = x509.load_der_x509_crl(pki.fetch(url).content)
        if holds(found):
            return found
        assert time.monotonic() < end, f"{url} does not come to show it"
        time.sleep(0.2)


def test_make_each_crl(world):
    """Empty, complete with every reason, and a delta with an entry that is taken back."""
    ca = world.new_intermediate(world.root_id)
    profile = world.new_profile(caId=ca["id"])
    issued = [world.issue(profile) for _ in range(10)]
    url = pki.crl_url(pki.certificate(issued[0]["certificate"]))
    assert len(crl_when(url, lambda crl: True)) == 0
    reasons = ["UNSPECIFIED", "KEY_COMPROMISE", "CA_COMPROMISE", "AFFILIATION_CHANGED", "SUPERSEDED",
               "CESSATION_OF_OPERATION", "CERTIFICATE_HOLD", "PRIVILEGE_WITHDRAWN", "A_A_COMPROMISE"]
    for one, reason in zip(issued, reasons):
        ok(world.admin.revoke(one["certificateId"], revocationReason=reason))
    crl = crl_when(url, lambda crl: len(crl) == len(reasons))
    (delta,) = crl.extensions.get_extension_for_class(x509.FreshestCRL).value
    held = issued[reasons.index("CERTIFICATE_HOLD")]
    ok(world.admin.revoke(held["certificateId"], revocationReason="REMOVE_FROM_CRL"))
    ok(world.admin.revoke(issued[9]["certificateId"], revocationReason="SUPERSEDED"))
    found = crl_when(delta.full_name[0].value, len)
    assert found.extensions.get_extension_for_class(x509.DeltaCRLIndicator).critical


def ask_ocsp(cert, issuer, digest, serial, nonce=None):
    """What the responder that stands in `cert` says of a serial number of its issuer."""
    (url,) = [one.access_location.value
              for one in pki.extension(cert, x509.AuthorityInformationAccess)
              if one.access_method == AuthorityInformationAccessOID.OCSP]
    named = x509_ocsp.OCSPRequestBuilder().add_certificate(cert, issuer, digest).build()
    asked = x509_ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        named.issuer_name_hash, named.issuer_key_hash, serial, digest)
    if nonce is not None:
        asked = asked.add_extension(x509.OCSPNonce(nonce), critical=False)
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(url, data=asked.build().public_bytes(serialization.Encoding.DER),
                              headers={"Content-Type": "application/ocsp-request"}, timeout=60)
    assert answer.status_code == 200
    return x509_ocsp.load_der_ocsp_response(answer.content).certificate_status.name


@pytest.mark.parametrize("key", ["RSA_2048", "EC_prime256v1", "Ed25519", "ML-DSA-44"])
def test_make_each_ocsp_answer(world, key):
    """Good, revoked, unknown; by SHA-1 and SHA-256; with a nonce and without."""
    ca = world.new_intermediate(world.new_root(key)["id"], key)
    issuer = pki.certificate(world.root_pem(ca["id"]))
    profile = world.new_profile(caId=ca["id"])
    good, gone = (world.issue(profile) for _ in range(2))
    cert = pki.certificate(good["certificate"])
    ok(world.admin.revoke(gone["certificateId"], revocationReason="KEY_COMPROMISE"))
    for digest in (hashes.SHA1(), hashes.SHA256()):
        for nonce in (None, b"0123456789abcdef"):
            for serial, status in ((cert.serial_number, "GOOD"), (4711, "UNKNOWN"),
                                   (int(gone["serialNumber"], 16), "REVOKED")):
                assert ask_ocsp(cert, issuer, digest, serial, nonce) == status


# --- the linter ------------------------------------------------------------------------------------

ATTRIBUTES, EXTENSIONS = name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS


def validators():
    """For each kind of artefact what reads it and what judges it; made once, because that is slow."""
    decode = [pkix.create_attribute_decoder(ATTRIBUTES), pkix.create_extension_decoder(EXTENSIONS)]
    return {
        "certificate": (
            loader.RFC5280CertificateDocumentLoader(),
            certificate.create_pkix_certificate_validator_container(
                certificate.create_decoding_validators(ATTRIBUTES, EXTENSIONS),
                [certificate.create_issuer_validator_container([]),
                 certificate.create_validity_validator_container(),
                 certificate.create_subject_validator_container([]),
                 certificate.create_extensions_validator_container([]),
                 certificate.create_spki_validator_container([])])),
        "crl": (
            loader.RFC5280CertificateListDocumentLoader(),
            crl.create_pkix_crl_validator_container(
                decode, [crl.create_issuer_validator_container([]),
                         crl.create_validity_validator_container([]),
                         crl.create_extensions_validator_container([])])),
        "ocsp": (
            loader.RFC6960OCSPResponseDocumentLoader(),
            ocsp.create_pkix_ocsp_response_validator_container(
                [ocsp.create_response_decoder(), *decode], [])),
    }


def findings(judges, kind, der):
    """(finding, where, message) of everything from a warning up."""
    reader, judge = judges[kind]
    for result in judge.validate(reader.load_der_document(der, kind).root):
        for found in result.finding_descriptions:
            if found.finding.severity <= Severity.WARNING:
                yield found.finding.code, str(result.node.path), str(found)


_judges = {}    # of a process that lints


def lint(one):
    if not _judges:
        _judges.update(validators())
    return one, list(findings(_judges, *one))


def lint_all(everything, must):
    """What is found in each of the first `must`, and of the others, mixed, in what time allows."""
    rest = everything[must:]
    random.Random(len(rest)).shuffle(rest)
    end = time.monotonic() + LINT_SECONDS
    with multiprocessing.get_context("fork").Pool(min(4, os.cpu_count())) as pool:
        for count, found in enumerate(pool.imap(lint, everything[:must] + rest, chunksize=4), 1):
            yield found
            if count >= must and time.monotonic() > end:
                warnings.warn(f"pkilint had time for {count} of {len(everything)}")
                return


def test_everything_seen(storage, tmp_path_factory):
    artefacts.add_databases(tmp_path_factory.getbasetemp())
    everything, must = artefacts.everything()
    assert {kind for kind, _ in everything[:must]} == {"certificate", "crl", "ocsp"}
    explained = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")) or []
    used, unexplained = set(), {}
    for (kind, der), found in lint_all(everything, must):
        for code, where, message in found:
            reasons = [i for i, one in enumerate(explained)
                       if (one["kind"], one["finding"]) == (kind, code)]
            used.update(reasons)
            if not reasons:
                unexplained.setdefault((kind, code), (where, message, pki.pem(der)))
    told = "\n".join(f"{kind}: {code} at {where}: {message}\n{text}"
                     for (kind, code), (where, message, text) in unexplained.items())
    assert not unexplained, told
    unused = [one["finding"] for i, one in enumerate(explained) if i not in used]
    assert not unused, f"pkilint.yaml explains what is not found: {unused}"
