"""Certificates: keys, what stands in them, and the objects that tell of them."""
import datetime
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import pki
from api import SERIAL, TIME, UUID, ok, refused

DETAIL = {"id", "createdAt", "updatedAt", "projectId", "caId", "caCertId", "status",
          "serialNumber", "friendlyName", "commonName", "altNames", "notBefore", "notAfter",
          "revokedAt", "revocationReason", "profileId", "applicationId", "applicationName",
          "keyUsages", "extendedKeyUsages", "keyAlgorithm", "signatureAlgorithm", "renewBeforeDays",
          "renewedFromCertificateId", "renewedByCertificateId", "renewalError",
          "subjectOrganization", "subjectOrganizationalUnit", "subjectCountry", "subjectState",
          "subjectLocality", "fingerprintSha256", "fingerprintSha1", "isCA", "pathLength", "source",
          "subject", "fingerprints", "basicConstraints", "caName", "caType", "profileName",
          "hasPrivateKey", "metadata"}


# --- every key, made by the server and by the caller -------------------------------------------

@pytest.mark.parametrize("algorithm", pki.ALL_KEYS)
def test_key_made_by_the_server(world, algorithm):
    usages = ["digital_signature", "key_encipherment"] if algorithm in pki.RSA else [
        "digital_signature"]
    issued = world.issue(keyAlgorithm=algorithm, keyUsages=usages)
    cert = pki.certificate(issued["certificate"])
    assert pki.algorithm_of(cert.public_key()) == algorithm
    assert pki.same_key(issued["privateKey"], issued["certificate"])
    assert pki.key_usages(cert) == set(usages)
    detail = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert detail["keyAlgorithm"] == algorithm and detail["hasPrivateKey"] is True
    if algorithm in pki.CLASSIC:
        pki.verify_answer(issued)
        said = pki.program("openssl", "pkey", "-check", "-noout", stdin=issued["privateKey"],
                           check=algorithm not in pki.EDWARDS)
        assert "valid" in said or algorithm in pki.EDWARDS
    else:
        # RFC 9881: the seed form, which both implementations read.
        key = serialization.load_pem_private_key(issued["privateKey"].encode(), None)
        raw = key.public_key().public_bytes(serialization.Encoding.Raw,
                                            serialization.PublicFormat.Raw)
        assert pki.fips_204_verifies(algorithm, raw, b"message", key.sign(b"message"))
        assert len(pki.der(issued["privateKey"])) < 128


@pytest.mark.parametrize("algorithm", pki.ALL_KEYS)
def test_key_of_the_caller(world, algorithm):
    key = pki.some_key(algorithm)
    request = pki.csr(key, dns=["csr.example.com"], commonName="csr.example.com")
    issued = world.issue(csr=request)
    cert = pki.certificate(issued["certificate"])
    assert pki.spki(cert.public_key()) == pki.spki(key)
    assert "privateKey" not in issued
    assert pki.dns_names(cert) == ["csr.example.com"]
    detail = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert detail["keyAlgorithm"] == algorithm and detail["hasPrivateKey"] is False
    # The CSR's key is no business of openssl's chain check, whatever it knows of ML-DSA.
    if algorithm in pki.CLASSIC:
        pki.verify_answer(issued)


def test_a_csr_of_openssl(world, tmp_path):
    pki.program("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout",
                tmp_path / "key", "-out", tmp_path / "csr", "-subj", "/C=DE/O=Acme/CN=a.acme.com",
                "-addext", "subjectAltName=DNS:a.acme.com,IP:10.0.0.1",
                "-addext", "keyUsage=digitalSignature,keyEncipherment",
                "-addext", "extendedKeyUsage=serverAuth,clientAuth")
    issued = world.issue(csr=(tmp_path / "csr").read_text())
    cert = pki.certificate(issued["certificate"])
    assert pki.key_usages(cert) == {"digital_signature", "key_encipherment"}
    assert pki.extended_key_usages(cert) == {"server_auth", "client_auth"}
    pki.verify_answer(issued, purpose="sslserver")
    assert pki.same_key((tmp_path / "key").read_text(), issued["certificate"])


def test_a_csr_as_der_in_base64_or_with_other_marks(world):
    request = pki.csr(commonName="x.example.com")
    assert world.issue(csr=request.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"))
    assert world.issue(csr=request.replace("\n", "\r\n"))


@pytest.mark.parametrize("ca_key,asked,oid", [
    ("RSA_2048", "RSA-SHA256", "1.2.840.113549.1.1.11"),
    ("RSA_2048", "RSA-SHA384", "1.2.840.113549.1.1.12"),
    ("RSA_2048", "RSA-SHA512", "1.2.840.113549.1.1.13"),
    ("RSA_2048", None, "1.2.840.113549.1.1.11"),
    ("EC_prime256v1", "ECDSA-SHA256", "1.2.840.10045.4.3.2"),
    ("EC_prime256v1", "ECDSA-SHA512", "1.2.840.10045.4.3.4"),
    ("EC_secp384r1", "ECDSA-SHA384", "1.2.840.10045.4.3.3"),
    ("Ed25519", "ed25519", "1.3.101.112"),
    ("Ed448", None, "1.3.101.113"),
])
def test_signature_algorithms(world, by_ca_key, ca_key, asked, oid):
    policy = world.new_policy(algorithms={"keyAlgorithm": ["EC_prime256v1"], "signature": [
        "SHA256-RSA", "SHA384-RSA", "RSA-SHA512", "SHA256-ECDSA", "ECDSA-SHA384", "ECDSA-SHA512",
        "Ed25519", "ED448"]})
    profile = world.new_profile(policy, caId=by_ca_key(ca_key))
    more = {"signatureAlgorithm": asked} if asked else {}
    cert = pki.certificate(world.issue(profile, **more)["certificate"])
    assert cert.signature_algorithm_oid.dotted_string == oid


@pytest.fixture(scope="module")
def by_ca_key(world):
    made = {"EC_prime256v1": world.ca_id}

    def get(algorithm):
        if algorithm not in made:
            made[algorithm] = world.new_root(algorithm)["id"]
        return made[algorithm]

    return get


def test_a_signature_algorithm_that_does_not_fit_the_ca(world):
    refused(world.ask(signatureAlgorithm="RSA-SHA256"), 400, "BadRequest", "RSA-SHA256")
    only_rsa = world.new_policy(algorithms={"signature": ["RSA-SHA256"],
                                            "keyAlgorithm": ["EC_prime256v1"]})
    refused(world.ask(world.new_profile(only_rsa)), 400, "BadRequest", "signature algorithm")


def test_silent_algorithms_are_the_first_listed(world):
    policy = world.new_policy(algorithms={"keyAlgorithm": ["ECDSA-P384", "RSA_2048"],
                                          "signature": ["SHA512-ECDSA", "SHA256-ECDSA"]})
    cert = pki.certificate(world.issue(world.new_profile(policy))["certificate"])
    assert pki.algorithm_of(cert.public_key()) == "EC_secp384r1"
    assert isinstance(cert.signature_hash_algorithm, hashes.SHA512)


def test_silent_algorithms_without_a_list(world):
    """The agent's policies list none, and its requests carry none."""
    profile = world.new_profile(world.new_policy(algorithms=None))
    cert = pki.certificate(world.issue(profile)["certificate"])
    assert pki.algorithm_of(cert.public_key()) == "RSA_2048"
    assert isinstance(cert.signature_hash_algorithm, hashes.SHA256)


def test_algorithms_that_there_are_not(world):
    refused(world.ask(keyAlgorithm="RSA_1024"), 422)
    refused(world.ask(signatureAlgorithm="RSA-SHA1"), 422)
    refused(world.ask(keyAlgorithm="SLH-DSA-SHA2-128f"), 400, "BadRequest", "SLH-DSA")
    refused(world.ask(signatureAlgorithm="SLH-DSA-SHAKE-256s"), 400, "BadRequest", "SLH-DSA")


# --- what stands in a certificate --------------------------------------------------------------

def test_the_extensions_of_a_leaf(world):
    issued = world.issue(commonName="a.example.com", keyUsages=["digital_signature"],
                         extendedKeyUsages=["server_auth", "client_auth"],
                         altNames=[{"type": "dns_name", "value": "a.example.com"}])
    cert, ca = pki.certificate(issued["certificate"]), pki.certificate(
        issued["issuingCaCertificate"])
    assert cert.version == x509.Version.v3
    found = {one.oid.dotted_string: one.critical for one in cert.extensions}
    assert found == {
        "2.5.29.14": False, "2.5.29.35": False, "2.5.29.19": True, "2.5.29.15": True,
        "2.5.29.37": False, "2.5.29.17": False, "2.5.29.31": False, "1.3.6.1.5.5.7.1.1": False}
    constraints = pki.extension(cert, x509.BasicConstraints)
    assert (constraints.ca, constraints.path_length) == (False, None)
    assert pki.extension(cert, x509.AuthorityKeyIdentifier).key_identifier == pki.extension(
        ca, x509.SubjectKeyIdentifier).digest
    key_id = pki.extension(cert, x509.SubjectKeyIdentifier)
    assert 8 <= len(key_id.digest) <= 32
    # The issuer is the CA certificate's subject, byte for byte.
    assert cert.issuer.public_bytes() == ca.subject.public_bytes()
    text = pki.text_of(issued["certificate"])
    for line in ("CA:FALSE", "TLS Web Server Authentication, TLS Web Client Authentication",
                 "DNS:a.example.com", "Digital Signature", "CA Issuers - URI:http://", "OCSP - URI:http://",
                 "X509v3 Subject Key Identifier", "X509v3 Authority Key Identifier",
                 "X509v3 CRL Distribution Points", "X509v3 Basic Constraints: critical",
                 "X509v3 Key Usage: critical", "Version: 3"):
        assert line in text, line


def test_the_urls_lead_to_the_public_listener(world, daemon):
    cert = pki.certificate(world.issue()["certificate"])
    for url in (pki.crl_url(cert), pki.aia_url(cert)):
        assert url.startswith(daemon.ready.publicUrl + "/")
    assert re.fullmatch(r".*/crl/[0-9a-f-]{36}/1\.crl", pki.crl_url(cert))
    assert re.fullmatch(r".*/aia/[0-9a-f-]{36}\.cer", pki.aia_url(cert))
    answer = pki.fetch(pki.aia_url(cert))
    assert answer.headers["Content-Type"] == "application/pkix-cert"
    assert answer.content == pki.der(world.root_pem(world.ca_id))


def test_what_is_not_asked_for_is_not_there(world):
    cert = pki.certificate(world.issue(commonName="plain")["certificate"])
    assert pki.key_usages(cert) == {"digital_signature"}
    assert pki.extended_key_usages(cert) is None
    assert pki.extension(cert, x509.SubjectAlternativeName) is None  # the CN is not copied


def test_serial_numbers(world):
    seen = set()
    for _ in range(10):
        issued = world.issue()
        assert SERIAL.match(issued["serialNumber"])
        assert issued["serialNumber"] == pki.serial_text(pki.certificate(issued["certificate"]))
        seen.add(issued["serialNumber"])
    assert len(seen) == 10


def test_the_whole_subject(world):
    issued = world.issue(commonName="a.example.com", organization="Acme, Inc.",
                         organizationalUnit="Ünits", country="de", state="Bayern",
                         locality="München", domainComponents=["Example", "COM"])
    cert = pki.certificate(issued["certificate"])
    found = {(one.oid.dotted_string, one.value) for one in cert.subject}
    assert {("2.5.4.3", "a.example.com"), ("2.5.4.10", "Acme, Inc."), ("2.5.4.11", "Ünits"),
            ("2.5.4.8", "Bayern"), ("2.5.4.7", "München"),
            ("0.9.2342.19200300.100.1.25", "example"),
            ("0.9.2342.19200300.100.1.25", "com")} <= found
    country = cert.subject.get_attributes_for_oid(x509.NameOID.COUNTRY_NAME)[0]
    assert country.value.upper() == "DE" and country._type.name == "PrintableString"
    detail = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert (detail["subjectOrganization"], detail["subjectOrganizationalUnit"],
            detail["subjectState"], detail["subjectLocality"]) == (
                "Acme, Inc.", "Ünits", "Bayern", "München")
    assert detail["subjectDomainComponents"] == "example,com"


def test_two_clients_spell_ou_and_province(world):
    cert = pki.certificate(world.issue(commonName="x", ou="Ops", province="Bavaria")["certificate"])
    found = {one.oid.dotted_string: one.value for one in cert.subject}
    assert (found["2.5.4.11"], found["2.5.4.8"]) == ("Ops", "Bavaria")


@pytest.mark.parametrize("attributes", [
    {"commonName": "x" * 65}, {"organization": "x" * 65}, {"organizationalUnit": "x" * 65},
    {"state": "x" * 129}, {"locality": "x" * 129}, {"country": "Germany"}, {"country": "D"},
    {"country": "1A"}, {"commonName": "a\u200eb"}, {"organization": "a\nb"},
    {"domainComponents": ["a.b"]}, {"domainComponents": ["a b"]},
], ids=lambda case: str(case)[:30])
def test_subjects_that_no_certificate_has(world, attributes):
    refused(world.ask(**{"commonName": "x", **attributes}), 400, "BadRequest")


def test_a_certificate_names_somebody(world):
    refused(world.ask(commonName=""), 400, "BadRequest")
    refused(world.ask(csr=pki.csr()), 400, "BadRequest")


# --- usages --------------------------------------------------------------------------------------

def test_key_usages_by_their_old_names(world):
    issued = world.issue(keyAlgorithm="RSA_2048", keyUsages=["digitalSignature", "keyEncipherment"],
                         extendedKeyUsages=["serverAuth", "clientAuth"])
    cert = pki.certificate(issued["certificate"])
    assert pki.key_usages(cert) == {"digital_signature", "key_encipherment"}
    assert pki.extended_key_usages(cert) == {"server_auth", "client_auth"}
    detail = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert sorted(detail["keyUsages"]) == ["digital_signature", "key_encipherment"]
    assert sorted(detail["extendedKeyUsages"]) == ["client_auth", "server_auth"]


def test_key_usages_fit_the_key(world):
    for algorithm in ("EC_prime256v1", "Ed25519", "ML-DSA-44"):
        refused(world.ask(keyAlgorithm=algorithm, keyUsages=["key_encipherment"]), 400,
                "BadRequest", "key_encipherment")
    refused(world.ask(keyAlgorithm="Ed25519", keyUsages=["key_agreement"]), 400)
    ok(world.ask(keyAlgorithm="EC_prime256v1", keyUsages=["key_agreement"]))


def test_a_csrs_key_usage_must_fit_its_key(world):
    usage = x509.KeyUsage(digital_signature=True, content_commitment=False, key_encipherment=True,
                          data_encipherment=False, key_agreement=False, key_cert_sign=False,
                          crl_sign=False, encipher_only=False, decipher_only=False)
    refused(world.ask(csr=pki.csr(extensions=[usage], commonName="x")), 400, "BadRequest",
            "key_encipherment")
    rsa = pki.csr(pki.some_key("RSA_2048"), extensions=[usage], commonName="x")
    cert = pki.certificate(world.issue(csr=rsa)["certificate"])
    assert pki.key_usages(cert) == {"digital_signature", "key_encipherment"}


@pytest.mark.parametrize("attributes", [
    {"basicConstraints": {"isCA": True}}, {"keyUsages": ["key_cert_sign"]},
    {"keyUsages": ["crl_sign"]}, {"extendedKeyUsages": ["ocsp_signing"]},
    {"extendedKeyUsages": ["any_purpose"]},
], ids=lambda case: str(case)[:50])
def test_what_makes_cas_is_not_enrollment(world, attributes):
    """The policy allows it, and yet it needs a permission that no wildcard grants."""
    refused(world.ask(api=world.member("issuer").api, **attributes), 403, "PermissionDenied",
            "sign-intermediate")
    ok(world.ask(**attributes))


def test_a_ca_by_enrollment(world):
    issued = world.issue(basicConstraints={"isCA": True, "pathLength": 0})
    cert = pki.certificate(issued["certificate"])
    constraints = pki.extension(cert, x509.BasicConstraints)
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert {"key_cert_sign", "crl_sign"} <= pki.key_usages(cert)
    refused(world.ask(basicConstraints={"isCA": False, "pathLength": 0}), 400)
    refused(world.ask(basicConstraints={"isCA": True}, keyUsages=["digital_signature"]), 400)


def test_a_ca_csr_counts_as_one(world):
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    request = pki.csr(extensions=[constraints], commonName="x")
    refused(world.ask(csr=request, api=world.member("issuer").api), 403, "PermissionDenied")


def test_a_cas_key_is_not_a_leafs(world):
    """A certificate for the key of a CA would be a CA's certificate in disguise."""
    pending = world.new_pending()
    request = ok(world.admin.get_ca_csr(pending["id"]))["csr"]
    refused(world.ask(csr=request), 400, "CryptographyError", "authority")


SENSELESS = [
    ({"keyUsages": ["encipher_only"]}, "key_agreement"),
    ({"keyUsages": ["digital_signature", "decipher_only"]}, "key_agreement"),
    ({"basicConstraints": {"isCA": True}, "commonName": None,
      "altNames": [{"type": "DNS", "value": "a.example.com"}]}, "subject"),
]


@pytest.mark.parametrize("attributes,word", SENSELESS, ids=lambda case: str(case)[:40])
def test_what_no_certificate_looks_like(world, attributes, word):
    refused(world.ask(**attributes), 400, "BadRequest", word)


def test_what_no_certificate_looks_like_by_default(world):
    profile = world.new_profile(defaults={"basicConstraints": {"isCA": True},
                                          "keyUsages": ["digital_signature"]})
    refused(world.ask(profile), 400, "BadRequest", "key_cert_sign")


def test_the_largest_certificate(world):
    """A hundred names of full length and the largest key there is."""
    names = [{"type": "URI", "value": f"https://example.com/{i:03}/".ljust(255, "x")}
             for i in range(100)]
    ca = world.new_intermediate(world.root_id, "ML-DSA-87")
    issued = world.issue(world.new_profile(caId=ca["id"]), keyAlgorithm="ML-DSA-87",
                         altNames=names)
    assert len(pki.der(issued["certificate"])) > 32000
    ok(world.admin.get_bundle(issued["certificateId"]))


# --- self-signed -------------------------------------------------------------------------------

@pytest.mark.parametrize("algorithm", ["EC_prime256v1", "RSA_2048", "Ed25519"])
def test_self_signed(world, algorithm):
    profile = world.self_signed_profile()
    issued = world.issue(profile, keyAlgorithm=algorithm, extendedKeyUsages=["server_auth"],
                         commonName="self.example.com",
                         altNames=[{"type": "dns_name", "value": "self.example.com"}])
    assert issued["issuingCaCertificate"] == ""
    assert issued["certificateChain"] == issued["certificate"]
    cert = pki.certificate(issued["certificate"])
    assert cert.issuer == cert.subject
    for absent in (x509.CRLDistributionPoints, x509.AuthorityInformationAccess):
        assert pki.extension(cert, absent) is None
    assert pki.same_key(issued["privateKey"], issued["certificate"])
    pki.openssl_verify(issued["certificate"], "", issued["certificate"], with_crl=False)
    detail = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert detail["caId"] is None and detail["caType"] is None


def test_self_signed_needs_a_subject(world):
    names = [{"type": "dns_name", "value": "self.example.com"}]
    refused(world.ask(world.self_signed_profile(), altNames=names), 400, "BadRequest", "subject")


def test_a_self_signed_ca(world):
    profile = world.self_signed_profile()
    cert = pki.certificate(world.issue(profile, basicConstraints={"isCA": True})["certificate"])
    assert pki.extension(cert, x509.BasicConstraints).ca
    refused(world.ask(profile, basicConstraints={"isCA": True}, extendedKeyUsages=["server_auth"]),
            400, "BadRequest", "extended key usages")


def test_self_signed_takes_no_csr(world):
    profile = world.self_signed_profile()
    refused(world.ask(profile, csr=pki.csr(commonName="x")), 400, "BadRequest", "CSR")


# --- chains ------------------------------------------------------------------------------------

@pytest.mark.parametrize("where", ["top", "top as text", "attributes"])
def test_remove_roots_from_chain(world, where):
    asked = {"top": {"top": {"removeRootsFromChain": True}},
             "top as text": {"top": {"removeRootsFromChain": "true"}},
             "attributes": {"removeRootsFromChain": True}}[where]
    issued = world.issue(**asked)
    chain = pki.certificates(issued["certificateChain"])
    assert [one.subject for one in chain] == [
        pki.certificate(issued["issuingCaCertificate"]).subject]
    whole = pki.certificates(world.issue()["certificateChain"])
    assert len(whole) == 2 and whole[1].issuer == whole[1].subject


def test_remove_roots_where_the_root_issues(world):
    profile = world.new_profile(caId=world.root_id)
    issued = world.issue(profile, top={"removeRootsFromChain": True})
    assert issued["certificateChain"] == ""
    assert issued["issuingCaCertificate"] == world.root_pem()


# --- objects -----------------------------------------------------------------------------------

def test_detail(world):
    issued = world.issue(commonName="d.example.com", altNames=[
        {"type": "dns_name", "value": "d.example.com"},
        {"type": "ip_address", "value": "10.0.0.1"}], keyUsages=["digital_signature"],
        metadata=[{"key": "env", "value": "test"}])
    detail = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert DETAIL <= set(detail), DETAIL - set(detail)
    cert = pki.certificate(issued["certificate"])
    assert detail["id"] == issued["certificateId"]
    assert (detail["projectId"], detail["profileId"], detail["caId"]) == (
        world.project_id, world.profile_id, world.ca_id)
    assert detail["caCertId"] == world.ca["configuration"]["activeCaCertId"]
    assert (detail["caName"], detail["caType"]) == (world.ca["name"], "internal")
    assert detail["status"] == "active" and detail["isCA"] is False
    assert sorted(detail["altNames"].split(",")) == ["10.0.0.1", "d.example.com"]
    assert detail["serialNumber"] == issued["serialNumber"]
    assert detail["fingerprintSha256"] == pki.fingerprint(issued["certificate"])
    assert detail["fingerprints"] == {"sha256": pki.fingerprint(issued["certificate"]),
                                      "sha1": pki.fingerprint(issued["certificate"], "sha1")}
    assert detail["keyUsages"] == ["digital_signature"] and detail["extendedKeyUsages"] == []
    assert detail["signatureAlgorithm"] == "ECDSA-SHA256"
    for member, moment in (("notBefore", cert.not_valid_before_utc),
                           ("notAfter", cert.not_valid_after_utc)):
        assert TIME.match(detail[member])
        assert datetime.datetime.fromisoformat(detail[member]) == moment
    assert detail["metadata"] == [{"key": "env", "value": "test"}]
    assert detail["basicConstraints"]["isCA"] is False


def test_certificate_body_and_bundle(world):
    issued = world.issue()
    for answer in (world.admin.get_certificate_body(issued["certificateId"]),
                   world.admin.get_certificate_body_old(issued["certificateId"])):
        assert ok(answer) == {"certificate": issued["certificate"],
                              "certificateChain": issued["certificateChain"],
                              "serialNumber": issued["serialNumber"]}
    assert ok(world.admin.get_bundle(issued["certificateId"])) == {
        "certificate": issued["certificate"], "certificateChain": issued["certificateChain"],
        "privateKey": issued["privateKey"], "serialNumber": issued["serialNumber"]}
    by_csr = world.issue(csr=pki.csr(commonName="x"))
    assert ok(world.admin.get_bundle(by_csr["certificateId"]))["privateKey"] is None


def test_the_private_key_again(world):
    issued = world.issue()
    answer = world.admin.get_private_key(issued["certificateId"])
    assert ok(answer) == issued["privateKey"]  # a bare JSON string
    assert "no-store" in answer.headers["Cache-Control"]
    assert "no-store" in world.admin.get_bundle(issued["certificateId"]).headers["Cache-Control"]
    by_csr = world.issue(csr=pki.csr(commonName="x"))
    refused(world.admin.get_private_key(by_csr["certificateId"]), 404, "NotFound", "private key")


def test_request_detail(world):
    asked = ok(world.ask(commonName="r.example.com", organization="Acme",
                         metadata=[{"key": "env"}]))
    issued = asked["certificate"]
    assert UUID.match(asked["certificateRequestId"]) and asked["status"] == "issued"
    detail = ok(world.admin.get_request(asked["certificateRequestId"]))
    assert detail["status"] == "issued" and detail["errorMessage"] is None
    for member in ("certificate", "certificateChain", "issuingCaCertificate", "privateKey",
                   "serialNumber", "certificateId"):
        assert detail[member] == issued[member], member
    assert (detail["commonName"], detail["organization"]) == ("r.example.com", "Acme")
    assert detail["metadata"] == [{"key": "env", "value": ""}]
    for member in ("createdAt", "updatedAt"):
        assert TIME.match(detail[member])
    by_csr = ok(world.ask(csr=pki.csr(commonName="x")))
    assert ok(world.admin.get_request(by_csr["certificateRequestId"]))["privateKey"] is None


@pytest.mark.parametrize("metadata", [
    [{"key": "", "value": "x"}], [{"value": "x"}], [{"key": "k" * 256}],
    [{"key": "k", "value": "v" * 1021}], [{"key": "k", "value": 1}], "text", [1],
    [{"key": str(i)} for i in range(65)],
], ids=lambda case: str(case)[:30])
def test_metadata_out_of_range(world, metadata):
    refused(world.ask(metadata=metadata), 422)


def test_metadata_at_its_limits(world):
    most = [{"key": f"{i}" + "k" * 250, "value": "v" * 1020} for i in range(20)]
    issued = world.issue(metadata=most)
    assert ok(world.admin.get_certificate(issued["certificateId"]))["certificate"][
        "metadata"] == most
    ok(world.ask(metadata=[{"key": str(i)} for i in range(64)]))


@pytest.mark.parametrize("retention", ["once", "none"])
def test_keys_that_are_not_kept(world, retention):
    profile = world.new_profile(keyRetention=retention)
    issued = world.issue(profile)
    if "privateKey" in issued:
        assert pki.same_key(issued["privateKey"], issued["certificate"])
    refused(world.admin.get_private_key(issued["certificateId"]), 404)
    detail = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert detail["hasPrivateKey"] is False


def test_a_renewal_threshold_is_set_at_issuance(world):
    profile = world.new_profile(apiConfig={"autoRenew": True, "renewBeforeDays": 7})

    def threshold(**attributes):
        issued = world.issue(profile, **attributes)
        return ok(world.admin.get_certificate(issued["certificateId"]))["certificate"][
            "renewBeforeDays"]

    assert threshold(ttl="90d") == 7
    assert threshold(ttl="1y") == 7
    assert threshold(csr=pki.csr(commonName="x")) is None
    plain = world.issue()
    assert ok(world.admin.get_certificate(plain["certificateId"]))["certificate"][
        "renewBeforeDays"] is None


def test_an_unknown_profile(world):
    nobody = "00000000-0000-7000-8000-000000000000"
    refused(world.ask(nobody), 404, "NotFound", "profile")
    refused(world.ask("nonsense"), 422)
    refused(world.ask(top={"applicationId": nobody}), 404, "NotFound", "application")
    refused(world.ask(top={"applicationId": "nonsense"}), 422)
