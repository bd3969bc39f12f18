"""The requests of the published guides, verbatim with ids filled in, and the shape of each answer."""
import json
import re

import pytest

import pki
from api import SERIAL, TIME, UUID, ok
from world import World, fresh

SLOTS = {"<project-id>": "project", "<ca-id>": "ca", "<certificate-policy-id>": "policy",
         "<certificate-profile-id>": "profile"}


@pytest.fixture(scope="module")
def place(admin, daemon):
    """The seeded project of `chancery dev`: an RSA CA, so that RSA-SHA256 fits."""
    return {"project": daemon.ready.projectId, "ca": daemon.ready.caId,
            "policy": daemon.ready.policyId, "profile": daemon.ready.profileId}


def request_text(folder, name, ids, **changes):
    text = (folder / name).read_text(encoding="utf-8")
    for slot, key in SLOTS.items():
        text = text.replace(slot, ids[key])
    for old, new in changes.items():
        text = re.sub(old, lambda _, new=new: new, text, flags=re.S)
    assert "<" not in text.replace("-----BEGIN", ""), text
    return text.encode("utf-8")


def members(value):
    """The shape of a document: its members, all the way down."""
    if isinstance(value, dict):
        return {key: members(inner) for key, inner in value.items()}
    return type(value).__name__


def holds(found, shape):
    """Every member of `shape` is in `found`, with its type."""
    for key, inner in shape.items():
        assert key in found, f"{key} is missing in {sorted(found)}"
        if isinstance(inner, dict):
            holds(found[key], inner)
        else:
            assert type(found[key]).__name__ == inner, f"{key}: {found[key]!r}"


def documented(folder, name):
    return members(json.loads((folder / name).read_text(encoding="utf-8")))


def post(api, route, body):
    return ok(getattr(api, route)(data=body, headers={"Content-Type": "application/json"}))


@pytest.fixture(scope="module")
def guide_profile(admin, shared, place):
    """The profile that the guide creates, in a project where its slug is free."""
    body = request_text(shared, "create-profile.json", place)
    existing = admin.get_profile_by_slug("my-api-profile", query={"projectId": place["project"]})
    if existing.status_code == 200:
        ok(admin.delete_profile(existing.json()["certificateProfile"]["id"]))
    return post(admin, "create_profile", body)


def test_create_profile(shared, place, guide_profile):
    holds(guide_profile, documented(shared, "response-create-profile.json"))
    made = guide_profile["certificateProfile"]
    for member in ("id", "apiConfigId"):
        assert UUID.match(made[member])
    for member in ("createdAt", "updatedAt"):
        assert TIME.match(made[member])
    assert (made["projectId"], made["caId"], made["certificatePolicyId"]) == (
        place["project"], place["ca"], place["policy"])
    assert (made["slug"], made["enrollmentType"]) == ("my-api-profile", "API")
    assert made["description"] == "Certificate profile for API enrollment"


def test_issue_by_attributes(admin, shared, place, guide_profile):
    """`1y` on a profile with auto-renew: the published service answers 400 to this."""
    ids = {**place, "profile": guide_profile["certificateProfile"]["id"]}
    answer = post(admin, "issue", request_text(shared, "issue-attributes.json", ids))
    shape = documented(shared, "response-issue-attributes.json")
    holds(answer, shape)
    assert set(answer["certificate"]) == set(shape["certificate"])
    issued = answer["certificate"]
    for member in ("certificate", "certificateChain", "issuingCaCertificate"):
        assert issued[member].startswith("-----BEGIN CERTIFICATE-----\n")
    assert issued["privateKey"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert UUID.match(issued["certificateId"]) and UUID.match(answer["certificateRequestId"])
    assert SERIAL.match(issued["serialNumber"])

    cert = pki.certificate(issued["certificate"])
    assert issued["serialNumber"] == pki.serial_text(cert)
    assert (cert.not_valid_after_utc - cert.not_valid_before_utc).days == 365
    assert pki.algorithm_of(cert.public_key()) == "RSA_2048"
    assert cert.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.11"
    assert pki.key_usages(cert) == {"digital_signature", "key_encipherment"}
    assert pki.extended_key_usages(cert) == {"server_auth"}
    assert pki.dns_names(cert) == ["service.acme.com", "www.service.acme.com"]
    assert pki.same_key(issued["privateKey"], issued["certificate"])
    pki.verify_answer(issued, purpose="sslserver")
    detail = ok(admin.get_certificate(issued["certificateId"]))["certificate"]
    assert detail["metadata"] == [{"key": "env", "value": "production"},
                                  {"key": "team", "value": "platform"}]
    assert detail["renewBeforeDays"] == 7


def test_issue_by_csr(admin, shared, place, guide_profile):
    key = pki.new_key("RSA_2048")
    request = pki.csr(key, dns=["service.acme.com"], commonName="service.acme.com")
    ids = {**place, "profile": guide_profile["certificateProfile"]["id"]}
    body = request_text(shared, "issue-csr.json", ids,
                        **{"-----BEGIN CERTIFICATE REQUEST.*REQUEST-----":
                           request.strip().replace("\n", "\\n")})
    answer = post(admin, "issue", body)
    shape = documented(shared, "response-issue-csr.json")
    holds(answer, shape)
    assert set(answer["certificate"]) == set(shape["certificate"])
    issued = answer["certificate"]
    cert = pki.certificate(issued["certificate"])
    assert pki.spki(cert.public_key()) == pki.spki(key)
    assert pki.dns_names(cert) == ["service.acme.com"]
    pki.verify_answer(issued)


def test_the_seeded_profiles_take_the_guides_requests(admin, shared, place):
    issued = post(admin, "issue", request_text(shared, "issue-attributes.json", place))
    assert issued["certificate"]["privateKey"]


def test_the_whole_guide_in_a_project_of_its_own(admin, shared):
    world = World(admin, "RSA_2048")
    ids = {"project": world.project_id, "ca": world.ca_id, "policy": world.policy_id,
           "profile": world.profile_id}
    made = post(admin, "create_profile", request_text(shared, "create-profile.json", ids))
    ids["profile"] = made["certificateProfile"]["id"]
    issued = post(admin, "issue", request_text(shared, "issue-attributes.json", ids))
    pki.verify_answer(issued["certificate"], world.root_pem())


def test_an_issuer_follows_the_guide(admin, shared):
    world = World(admin, "RSA_2048")
    ids = {"project": world.project_id, "ca": world.ca_id, "policy": world.policy_id,
           "profile": world.new_profile(slug=fresh("guide"), enrollmentType="API")}
    body = request_text(shared, "issue-attributes.json", ids)
    issued = post(world.member("issuer").api, "issue", body)
    assert pki.same_key(issued["certificate"]["privateKey"], issued["certificate"]["certificate"])
