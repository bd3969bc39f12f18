"""What users of this API complain of elsewhere, and that none of it is true here.

What other tests hold already: an id that is nobody's is 404 on every route (test_errors), revoking twice is
400 (test_revocation), CSRs of post-quantum keys are not too long (test_certificates), renewal skips no row
and goes on after a failure (test_year), and Terraform's ou and province (test_clients).
"""
import datetime
import ipaddress

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

import daemon as daemons
import pki
from api import CM, Api, ok, refused
from clock import Clock
from world import World


# --- certificates that others refuse ---------------------------------------------------------------------

@pytest.mark.parametrize("with_csr", [False, True])
def test_names_that_others_refuse(world, with_csr):
    """A host without a domain, a wildcard, addresses."""
    hosts, addresses = ["localhost", "printer", "*.example.com"], ["192.0.2.1", "2001:db8::1"]
    if with_csr:
        names = [x509.DNSName(name) for name in hosts]
        names += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        issued = world.issue(csr=pki.csr(extensions=[x509.SubjectAlternativeName(names)]))
    else:
        issued = world.issue(altNames=[{"type": "dns_name", "value": name} for name in hosts] +
                             [{"type": "ip_address", "value": one} for one in addresses])
    found = pki.extension(pki.certificate(issued["certificate"]), x509.SubjectAlternativeName)
    assert found.get_values_for_type(x509.DNSName) == hosts
    assert [str(one) for one in found.get_values_for_type(x509.IPAddress)] == addresses
    pki.verify_answer(issued)




def test_browsers_and_linters_take_them(world):
    """No usage in a root, serial numbers of at most 20 octets, and where the issuer is."""
    issued = world.issue(extendedKeyUsages=["server_auth"], altNames=[
        {"type": "dns_name", "value": "www.example.com"}])
    leaf = pki.certificate(issued["certificate"])
    root = pki.certificate(world.root_pem())
    assert pki.extension(root, x509.ExtendedKeyUsage) is None
    for one in (leaf, root, pki.certificate(world.root_pem(world.ca_id))):
        assert 0 < one.serial_number < 2 ** 159
    issuer = x509.load_der_x509_certificate(pki.fetch(pki.aia_url(leaf)).content)
    assert issuer == pki.certificate(issued["issuingCaCertificate"])
    pki.verify_answer(issued, purpose="sslserver")


# --- renewal -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("ttl, before", [
    ("1y", 7 * 24), ("2w", 7 * 24), ("90s", None), ("36h", None), ("10d", 7 * 24)])
def test_every_duration_goes_with_automatic_renewal(world, ttl, before):
    """Elsewhere a profile with autoRenew takes days, hours and minutes alone."""
    profile = world.new_profile(enrollmentType="API",
                                apiConfig={"autoRenew": True, "renewBeforeDays": 7})
    issued = world.issue(profile, ttl=ttl)
    shown = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    read = [datetime.datetime.fromisoformat(shown[name]) for name in ("notBefore", "renewAt", "notAfter")]
    assert read == sorted(read) and read[1] not in (read[0], read[2])
    if before is not None:
        assert read[2] - read[1] == datetime.timedelta(hours=before)


def test_a_threshold_of_months(world):
    """renewBeforeDays ends at 30, as the clients know it; renewBefore does not."""
    refused(world.admin.create_profile(json={
        "projectId": world.project_id, "caId": world.ca_id, "certificatePolicyId": world.policy_id,
        "slug": "too-early", "enrollmentType": "api",
        "apiConfig": {"autoRenew": True, "renewBeforeDays": 31}}), 422)
    profile = world.new_profile(apiConfig={"autoRenew": True, "renewBefore": "120d"})
    issued = world.issue(profile, ttl="1y")
    shown = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    left = datetime.datetime.fromisoformat(shown["notAfter"]) - datetime.datetime.fromisoformat(
        shown["renewAt"])
    assert left == datetime.timedelta(days=120)


# --- policies ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("subject", [{"commonName": "ceo"}, {"organization": "Another"}])
def test_an_empty_subject_brings_no_name_past_the_policy(world, subject):
    """Elsewhere the raw subject of a CSR was signed where the policy had seen an empty one."""
    policy = world.new_policy(subject=None)
    profile = world.new_profile(policy)
    names = [{"type": "dns_name", "value": "only.example.com"}]
    refused(world.ask(profile, csr=pki.csr(dns=["only.example.com"], **subject)), 400)
    refused(world.ask(profile, altNames=names, **subject), 400)
    for issued in (world.issue(profile, altNames=names),
                   world.issue(profile, csr=pki.csr(dns=["only.example.com"]))):
        assert not list(pki.certificate(issued["certificate"]).subject)


def test_nothing_is_signed_that_the_policy_did_not_see(world):
    """Locality and unit slipped through unchecked: here each attribute needs a rule."""
    profile = world.new_profile(world.new_policy(subject=[{"type": "common_name", "allowed": ["*"]}]))
    for subject in ({"organizationalUnit": "Root"}, {"locality": "X"}, {"state": "X"}):
        refused(world.ask(profile, commonName="x", **subject), 400)
        refused(world.ask(profile, csr=pki.csr(commonName="x", **subject)), 400)


# --- revocation ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("storage", ["sqlite"], indirect=True, scope="session")
@pytest.mark.parametrize("key", pki.ML_DSA)
def test_post_quantum_certificates_are_revoked(world, key):
    """No licence, and no algorithm, stands between a certificate and its revocation."""
    ca = world.new_root(key)
    issued = world.issue(world.new_profile(caId=ca["id"]), keyAlgorithm=key)
    leaf, issuer = (pki.certificate(issued[name]) for name in ("certificate", "issuingCaCertificate"))
    ok(world.admin.revoke(issued["certificateId"], revocationReason="KEY_COMPROMISE"))
    crl = x509.load_der_x509_crl(pki.fetch_crl(leaf))
    assert [one.serial_number for one in crl] == [leaf.serial_number]
    asked = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA256()).build()
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(pki.ocsp_url(leaf), timeout=60,
                              data=asked.public_bytes(serialization.Encoding.DER),
                              headers={"Content-Type": "application/ocsp-request"})
    told = ocsp.load_der_ocsp_response(answer.content)
    assert told.certificate_status == ocsp.OCSPCertStatus.REVOKED


def test_no_crl_is_ever_stale(chancery, tmp_path):
    """Weeks without one revocation: whoever fetches a CRL gets one that is good for days."""
    clock = Clock(tmp_path / "clock")
    one = daemons.Daemon(tmp_path / "daemon", env=clock.environment)
    try:
        one.start()
        issued = World(Api(one.ready.url, one.ready.token)).issue(ttl="1y")
        numbers = []
        for _ in range(8):
            crl = x509.load_der_x509_crl(pki.fetch_crl(pki.certificate(issued["certificate"])))
            assert crl.next_update_utc - clock.now > datetime.timedelta(days=3)
            numbers.append(crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
            clock.advance(days=5)
        assert numbers == sorted(numbers) and len(set(numbers)) > 4
        one.stop()
    finally:
        one.kill()
