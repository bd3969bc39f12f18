"""The routes that older clients call: flat bodies, a CA instead of a profile, serial numbers."""
import pytest

import pki
from api import ok, refused
from world import World

FLAT = {"certificate", "issuingCaCertificate", "certificateChain", "serialNumber", "certificateId",
        "certificateRequestId", "status"}


@pytest.fixture(scope="module")
def place(admin):
    """A project whose CA has one profile, and one whose CA is asked for by id alone."""
    return World(admin)


def test_issue_flat(place):
    made = ok(place.admin.issue_flat(
        profileId=place.profile_id, commonName="a.example.com", ttl="30d",
        keyUsages=["digital_signature"], extendedKeyUsages=["serverAuth"],
        altNames=[{"type": "dns_name", "value": "a.example.com"}],
        signatureAlgorithm="ECDSA-SHA256", keyAlgorithm="EC_prime256v1"))
    assert set(made) == FLAT | {"privateKey"}
    cert = pki.certificate(made["certificate"])
    assert pki.dns_names(cert) == ["a.example.com"]
    assert pki.extended_key_usages(cert) == {"server_auth"}
    assert pki.same_key(made["privateKey"], made["certificate"])


def test_sign_and_order_flat(place):
    request = pki.csr(commonName="b.example.com")
    made = ok(place.admin.sign_flat(profileId=place.profile_id, csr=request, ttl="30d"))
    assert set(made) == FLAT
    made = ok(place.admin.order_flat(
        profileId=place.profile_id, ttl="30d",
        subjectAlternativeNames=[{"type": "dns", "value": "c.example.com"}]))
    assert pki.dns_names(pki.certificate(made["certificate"])) == ["c.example.com"]


def test_names_with_commas(place):
    made = ok(place.admin.issue_old(
        caId=place.ca_id, commonName="d.example.com", ttl="7d",
        altNames="d.example.com, 10.0.0.1,who@example.com,https://d.example.com/x"))
    told = ok(place.admin.get_certificate(made["certificateId"]))["certificate"]
    assert told["altNames"] == "d.example.com,10.0.0.1,who@example.com,https://d.example.com/x"


def test_a_ca_instead_of_a_profile(place):
    """What the Kubernetes issuer sends; it takes the last of the chain for the root."""
    made = ok(place.admin.sign_old(caId=place.ca_id, csr=pki.csr(commonName="e.example.com"),
                                   ttl="7776000s"))
    assert pki.certificates(made["certificateChain"])[-1] == pki.certificate(place.root_pem())
    told = ok(place.admin.get_certificate(made["certificateId"]))["certificate"]
    assert told["profileId"] == place.profile_id, "the policy of the profile held"
    template = ok(place.admin.sign_old(certificateTemplateId=place.profile_id,
                                       csr=pki.csr(commonName="e.example.com"), ttl="1d"))
    assert template["certificate"]


def test_the_policy_holds_for_a_ca_too(admin):
    world = World(admin)
    ca = world.new_intermediate(world.root_id)
    policy = world.new_policy(subject=[{"type": "common_name", "allowed": ["*.acme.com"]}])
    profile = world.new_profile(policy, caId=ca["id"])
    refused(admin.issue_old(caId=ca["id"], commonName="evil.example.com", ttl="1d"), 400,
            "BadRequest", "common")
    assert ok(admin.issue_old(caId=ca["id"], commonName="x.acme.com", ttl="1d"))
    world.new_profile(policy, caId=ca["id"])
    refused(admin.issue_old(caId=ca["id"], commonName="x.acme.com", ttl="1d"), 400, "BadRequest",
            "more than one")
    assert ok(admin.issue_old(profileId=profile, caId=ca["id"], commonName="x.acme.com", ttl="1d"))
    refused(admin.issue_old(caId=world.root_id, commonName="x.acme.com", ttl="1d"), 400,
            "BadRequest", "no certificate profile")
    ok(admin.update_ca(ca["id"], enableDirectIssuance=False))
    refused(admin.issue_old(caId=ca["id"], commonName="x.acme.com", ttl="1d"), 403,
            "ForbiddenError", "enableDirectIssuance")


def test_who_may_ask_a_ca(place, other_world):
    wish = {"caId": place.ca_id, "commonName": "x.example.com", "ttl": "1d"}
    assert ok(place.member("issuer").api.issue_old(**wish))
    refused(place.member("auditor").api.issue_old(**wish), 403, "PermissionDenied", "issue")
    refused(other_world.member("issuer").api.issue_old(**wish), 404, "NotFound")
    refused(place.admin.issue_old(**{**wish, "caId": place.project_id}), 404, "NotFound")
    refused(place.admin.issue_old(**{**wish, "caId": "nonsense"}), 422)
    refused(place.admin.issue_old(commonName="x.example.com", ttl="1d"), 422)


@pytest.mark.parametrize("wrong", [
    {"altNames": 1}, {"altNames": [1]}, {"altNames": ["x"]}, {"keyUsages": "x"}, {"keyUsages": [1]},
    {"commonName": 1}, {"csr": 1}, {"metadata": [1]}, {"altNames": "x" * 2000},
    {"altNames": ",".join(f"n{i}.example.com" for i in range(101))}, {"ttl": "soon"},
])
def test_what_is_malformed(place, wrong):
    answer = place.admin.issue_flat(
        json={"profileId": place.profile_id, "commonName": "x.example.com", "ttl": "1d", **wrong})
    assert answer.status_code in (400, 422), answer.text


# --- by serial number ---------------------------------------------------------------------------

def test_by_serial_number(place):
    made = place.issue()
    serial = made["serialNumber"]
    for text in (serial, serial.upper()):
        told = ok(place.admin.get_by_serial(text))["certificate"]
        assert told["id"] == made["certificateId"]
    assert ok(place.admin.get_body_by_serial(serial))["certificate"] == made["certificate"]
    assert ok(place.admin.get_bundle_by_serial(serial))["privateKey"] == made["privateKey"]
    assert ok(place.admin.get_private_key_by_serial(serial)) == made["privateKey"]
    answer = place.admin.get_pkcs12_by_serial(serial, password="change-it", alias="x")
    assert answer.status_code == 200 and answer.content[0] == 0x30
    revoked = ok(place.admin.revoke_by_serial(serial, revocationReason="SUPERSEDED"))
    assert revoked["serialNumber"] == serial
    assert ok(place.admin.get_by_serial(serial))["certificate"]["status"] == "revoked"
    refused(place.admin.revoke_by_serial(serial, revocationReason="SUPERSEDED"), 400)


def test_serial_numbers_of_others(place, other_world):
    serial = place.issue()["serialNumber"]
    stranger = other_world.member("admin").api
    for call in (stranger.get_by_serial, stranger.get_body_by_serial, stranger.get_bundle_by_serial,
                 stranger.get_private_key_by_serial):
        refused(call(serial), 404, "NotFound")
        refused(call("5" * 32), 404, "NotFound")
        refused(call("nonsense"), 422)
    refused(stranger.revoke_by_serial(serial, revocationReason="SUPERSEDED"), 404, "NotFound")
    refused(stranger.get_pkcs12_by_serial(serial, password="change-it", alias="x"), 404)
    auditor = place.member("auditor").api
    refused(auditor.get_private_key_by_serial(serial), 403, "PermissionDenied")
    refused(auditor.revoke_by_serial(serial, revocationReason="SUPERSEDED"), 403)


def test_deleting_by_serial_number(place, other_world):
    made = place.issue()
    serial = made["serialNumber"]
    refused(other_world.member("admin").api.delete_by_serial(serial), 404, "NotFound")
    for role in ("issuer", "auditor"):
        refused(place.member(role).api.delete_by_serial(serial), 403, "PermissionDenied", "delete")
    refused(place.admin.delete_by_serial("nonsense"), 422)
    refused(place.admin.with_token(None).delete_by_serial(serial), 401)
    assert ok(place.admin.delete_by_serial(serial.upper()))["certificate"]["id"] == made[
        "certificateId"]
    refused(place.admin.get_certificate(made["certificateId"]), 404, "NotFound")
    refused(place.admin.delete_by_serial(serial), 404, "NotFound")
    rows = ok(place.admin.search_audit_logs(projectId=place.project_id, action="certificate.delete",
                                            targetId=made["certificateId"]))["auditLogs"]
    assert [row["outcome"] for row in rows] == ["ok"]
