"""Approvals: who has to approve what, what is issued then, and what ends without a certificate."""
import concurrent.futures
import contextlib
import json
import random
import sqlite3
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

import pki
from api import Api, issue_paths, ok, refused
from approving import Place, ask, certificates_of, ended, governed, status_of
from world import Member, Person, fresh, iso, utc

NOBODY = "00000000-0000-7000-8000-000000000000"


def sans(*values):
    return [{"type": "dns_name", "value": value} for value in values]


@pytest.fixture(scope="module")
def people(world):
    """Two who approve, and one who asks."""
    class People:
        alice = Member(world.admin, world.project_id, "approver")
        bob = Member(world.admin, world.project_id, "approver")
        issuer = Member(world.admin, world.project_id, "issuer")
    return People


# --- two people -----------------------------------------------------------------------------------

def test_two_people_approve_and_it_is_issued(world, people):
    profile = governed(world, required=2)
    request, approval = ask(world, people, profile, commonName="two.example.com",
                            altNames=sans("two.example.com"), ttl="9d",
                            metadata=[{"key": "team", "value": "web"}])
    shown = ok(people.alice.api.get_approval(approval))["request"]
    assert shown["status"] == "open" and shown["requesterId"] == people.issuer.id
    wanted = shown["requestData"]["certificateRequest"]
    assert {"type": "common_name", "value": "two.example.com"} in wanted["subject"]
    assert wanted["validity"] == 9 * 86400 and shown["requestData"]["metadata"]
    first = ok(people.alice.api.approve(approval, comment="fine"))["request"]
    assert first["status"] == "open" and len(first["votes"]) == 1
    refused(people.alice.api.approve(approval), 400, "BadRequest", "already")
    last = ok(people.bob.api.approve(approval))["request"]
    assert last["status"] == "approved" and last["requestData"]["status"] == "issued"
    assert [vote["identityId"] for vote in last["votes"]] == [people.alice.id, people.bob.id]
    detail = ok(people.issuer.api.get_request(request))
    assert detail["status"] == "issued"
    cert = pki.certificate(detail["certificate"])
    assert pki.dns_names(cert) == ["two.example.com"]
    assert (cert.not_valid_after_utc - cert.not_valid_before_utc).total_seconds() == 9 * 86400 + 60
    assert pki.same_key(detail["privateKey"], detail["certificate"])
    pki.openssl_verify(detail["certificate"], detail["issuingCaCertificate"], world.root_pem())
    row = ok(world.admin.get_certificate(detail["certificateId"]))["certificate"]
    assert row["metadata"] == [{"key": "team", "value": "web"}]
    refused(people.bob.api.approve(approval), 400, "BadRequest", "approved already")
    refused(people.bob.api.reject(approval), 400, "BadRequest", "approved already")
    refused(people.issuer.api.cancel_request(request), 400, "BadRequest", "issued")


SUBJECT_OIDS = {
    "common_name": NameOID.COMMON_NAME, "organization": NameOID.ORGANIZATION_NAME,
    "organizational_unit": NameOID.ORGANIZATIONAL_UNIT_NAME, "country": NameOID.COUNTRY_NAME,
    "state": NameOID.STATE_OR_PROVINCE_NAME, "locality": NameOID.LOCALITY_NAME}
SAN_KINDS = {x509.DNSName: "dns_name", x509.RFC822Name: "email",
             x509.UniformResourceIdentifier: "uri", x509.IPAddress: "ip_address"}


def said_by(cert):
    """What a certificate says, in the words of what is approved."""
    words = {oid: word for word, oid in SUBJECT_OIDS.items()}
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    constraints = cert.extensions.get_extension_for_class(x509.BasicConstraints).value
    return {
        "subject": [(words[one.oid], one.value) for one in cert.subject],
        "altNames": sorted((SAN_KINDS[type(one)], str(one.value)) for one in names),
        "keyUsages": set(pki.key_usages(cert)),
        "extendedKeyUsages": set(pki.extended_key_usages(cert)),
        "isCA": constraints.ca,
        "keyAlgorithm": pki.algorithm_of(cert.public_key()),
        "signatureAlgorithm": {"ecdsa-with-SHA256": "ECDSA-SHA256"}[
            cert.signature_algorithm_oid._name],
        "validity": round((cert.not_valid_after_utc - cert.not_valid_before_utc).total_seconds()),
    }


def approved(decision):
    """The same of what approvers saw: a time to live begins when it is issued, a minute before."""
    return {
        "subject": [(one["type"], one["value"]) for one in decision["subject"]],
        "altNames": sorted((one["type"], one["value"]) for one in decision["altNames"]),
        "keyUsages": set(decision["keyUsages"]),
        "extendedKeyUsages": set(decision["extendedKeyUsages"]),
        "isCA": decision["basicConstraints"]["isCA"],
        "keyAlgorithm": decision["keyAlgorithm"],
        "signatureAlgorithm": decision["signatureAlgorithm"],
        "validity": decision["validity"] + 60,
    }


def test_from_one_person_to_another(world):
    """The whole way: asked, looked at, refused to the asker, approved, issued as it was seen."""
    asker = Person(world.admin, world.project_id, "issuer")
    both = Person(world.admin, world.project_id, "admin")
    approver = Person(world.admin, world.project_id, "approver")
    profile = governed(world, approvers=[approver.id, both.id])
    wish = {"commonName": "way.example.com", "organization": "Acme", "organizationalUnit": "Web",
            "country": "DE", "state": "Bavaria", "locality": "Munich", "ttl": "9d",
            "altNames": [*sans("way.example.com", "*.way.example.com"),
                         {"type": "ip_address", "value": "192.0.2.7"},
                         {"type": "email", "value": "web@example.com"},
                         {"type": "uri", "value": "https://way.example.com/x"}],
            "keyUsages": ["digital_signature", "key_agreement"],
            "extendedKeyUsages": ["server_auth", "client_auth"],
            "keyAlgorithm": "EC_prime256v1", "signatureAlgorithm": "ECDSA-SHA256"}
    waiting = ok(world.ask(profile, api=both.api, **wish))["certificateRequestId"]
    own = ok(both.api.get_request(waiting))["approvalRequestId"]
    refused(both.api.approve(own), 403, "ForbiddenError", "themselves")

    answer = ok(world.ask(profile, api=asker.api, metadata=[{"key": "team", "value": "web"}],
                          **wish))
    request = answer["certificateRequestId"]
    assert (answer["status"], answer["certificate"]) == ("pending_approval", None)
    # Who knows only issued, failed and pending waits on as for anything that takes its time.
    for query in ({}, {"statuses": "full"}):
        detail = ok(asker.api.get_request(request, query=query))
        assert detail["status"] == "pending_approval" and detail["certificate"] is None
    approval = detail["approvalRequestId"]
    shown = ok(approver.api.get_approval(approval))["request"]
    decision = shown["requestData"]["certificateRequest"]
    said = approved(decision)
    assert said["subject"] == [(word, wish[name]) for word, name in (
        ("country", "country"), ("state", "state"), ("locality", "locality"),
        ("organization", "organization"), ("organizational_unit", "organizationalUnit"),
        ("common_name", "commonName"))]
    assert said["altNames"] == sorted((one["type"], one["value"]) for one in wish["altNames"])
    refused(asker.api.approve(approval), 403, "PermissionDenied", "approve")

    done = ok(approver.api.approve(approval))["request"]
    assert (done["status"], done["grantStatus"]) == ("approved", "used")
    for query in ({}, {"statuses": "full"}):
        detail = ok(asker.api.get_request(request, query=query))
        assert detail["status"] == "issued" and "outcome" not in detail
    cert = pki.certificate(detail["certificate"])
    assert said_by(cert) == said
    assert pki.same_key(detail["privateKey"], detail["certificate"])
    pki.openssl_verify(detail["certificate"], detail["issuingCaCertificate"], world.root_pem())
    row = ok(asker.api.get_certificate(detail["certificateId"]))["certificate"]
    assert row["metadata"] == shown["requestData"]["metadata"] == [{"key": "team", "value": "web"}]
    for late in (approver.api.approve, approver.api.reject, asker.api.cancel_approval):
        refused(late(approval), 400, "BadRequest", "approved already")

    rejected = ok(world.ask(profile, api=asker.api, **wish))["certificateRequestId"]
    approval = ok(asker.api.get_request(rejected))["approvalRequestId"]
    ok(approver.api.reject(approval, comment="not now"))
    detail = ok(asker.api.get_request(rejected))
    assert (detail["status"], detail["outcome"]) == ("failed", "rejected")
    assert "not now" in detail["errorMessage"]
    assert status_of(asker.api, rejected) == "rejected"


def test_the_audit_names_all_of_them(world, people):
    _, approval = ask(world, people, governed(world))
    answer = people.alice.api.approve(approval)
    ok(answer)
    rows = ok(world.admin.list_audit_logs(query={
        "requestId": answer.headers["X-Request-Id"], "limit": 10}))["auditLogs"]
    assert {(row["action"], row["actorId"]) for row in rows} == {
        ("approval-request.approve", people.alice.id), ("certificate.issue", people.issuer.id)}
    (issued,) = [row for row in rows if row["action"] == "certificate.issue"]
    assert issued["detail"]["approvalRequest"] == approval


def test_the_key_of_a_csr(world, people):
    key = pki.new_key()
    request, approval = ask(world, people, governed(world),
                            csr=pki.csr(key, dns=["csr.example.com"], commonName="csr.example.com"))
    ok(people.alice.api.approve(approval))
    detail = ok(people.issuer.api.get_request(request))
    assert detail["status"] == "issued" and detail["privateKey"] is None
    assert pki.spki(key) == pki.spki(pki.certificate(detail["certificate"]))


def test_dates_that_were_asked_for_stay(world, people):
    end = utc(days=20).replace(microsecond=0)
    request, approval = ask(world, people, governed(world), notAfter=iso(end))
    ok(people.alice.api.approve(approval))
    detail = ok(people.issuer.api.get_request(request))
    assert pki.certificate(detail["certificate"]).not_valid_after_utc == end


def test_steps_one_after_another(world, people):
    profile = world.new_profile()
    one = {"requiredApprovals": 1}
    ok(world.admin.create_approval_policy(
        projectId=world.project_id, name=fresh("steps"), conditions=[{"profileIds": [profile]}],
        steps=[{**one, "approvers": [{"type": "identity", "id": people.alice.id}]},
               {**one, "name": "second", "approvers": [{"type": "user", "id": people.bob.id}]}]))
    request, approval = ask(world, people, profile)
    refused(people.bob.api.approve(approval), 403, "ForbiddenError", "lists others")
    assert ok(people.alice.api.approve(approval))["request"]["currentStep"] == 1
    refused(people.alice.api.approve(approval), 403, "ForbiddenError", "lists others")
    assert status_of(world.admin, request) == "pending_approval"
    ok(people.bob.api.approve(approval))
    assert status_of(world.admin, request) == "issued"


def test_two_votes_in_one_moment_both_count(world, people):
    profile = governed(world, required=2)
    for _ in range(3):
        request, approval = ask(world, people, profile)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            apis = [Api(member.api.url, member.api.token) for member in (people.alice, people.bob)]
            for answer in pool.map(lambda api: api.approve(approval), apis):
                ok(answer)
        assert status_of(world.admin, request) == "issued"


# --- who may --------------------------------------------------------------------------------------

def test_nobody_approves_their_own(world):
    both = Member(world.admin, world.project_id, "admin")
    profile = governed(world)
    answer = ok(world.ask(profile, api=both.api))
    approval = ok(both.api.get_request(answer["certificateRequestId"]))["approvalRequestId"]
    refused(both.api.approve(approval), 403, "ForbiddenError", "themselves")
    refused(both.api.reject(approval), 403, "ForbiddenError", "themselves")
    own = governed(world, selfApproval=True)
    answer = ok(world.ask(own, api=both.api))
    approval = ok(both.api.get_request(answer["certificateRequestId"]))["approvalRequestId"]
    ok(both.api.approve(approval))
    assert status_of(both.api, answer["certificateRequestId"]) == "issued"


def test_the_permission_to_approve(world, people):
    _, approval = ask(world, people, governed(world))
    for role in ("viewer", "operator", "auditor", "issuer"):
        refused(world.member(role).api.approve(approval), 403, "PermissionDenied", "approve")


def test_permissions_with_conditions(world, people):
    profile = governed(world)
    slug = ok(world.admin.get_profile(profile))["certificateProfile"]["slug"]
    role = fresh("role")
    ok(world.admin.create_role(world.project_id, slug=role, name="Some", permissions=[
        {"subject": "certificate-requests", "action": ["read", "approve"],
         "conditions": {"profileSlug": slug}}]))
    some = Member(world.admin, world.project_id, role)
    _, other = ask(world, people, governed(world))
    refused(some.api.approve(other), 403, "PermissionDenied")
    refused(some.api.get_approval(other), 403, "PermissionDenied")
    refused(some.api.get_approval_grant(other), 403, "PermissionDenied")
    for _ in range(2):
        request, approval = ask(world, people, profile)
    both = ok(some.api.list_approvals(query={"projectId": world.project_id, "status": "open"}))
    assert {one["profileId"] for one in both["requests"]} == {profile}
    assert both["totalCount"] == len(both["requests"]) == 2
    page = ok(some.api.list_approvals(query={"projectId": world.project_id, "limit": 1}))
    assert [one["id"] for one in page["requests"]] == [approval] and page["cursor"]
    page = ok(some.api.list_approvals(query={"projectId": world.project_id, "limit": 1,
                                             "cursor": page["cursor"]}))
    assert page["requests"][0]["id"] == both["requests"][1]["id"]
    nobody = world.member("no-access").api
    refused(nobody.list_approvals(query={"projectId": world.project_id}), 403, "PermissionDenied")
    ok(some.api.approve(approval))
    assert status_of(world.admin, request) == "issued"
    assert [one["id"] for one in ok(some.api.list_approval_grants(
        query={"projectId": world.project_id}))["grants"]] == [approval]


def test_machines_may_be_exempt(world, people):
    profile = governed(world, bypassForMachineIdentities=True)
    assert ok(world.ask(profile, api=people.issuer.api))["status"] == "issued"


def test_another_project_knows_nothing(world, other_world, people):
    request, approval = ask(world, people, governed(world))
    stranger = other_world.member("admin").api
    for answer in (stranger.get_approval(approval), stranger.approve(approval),
                   stranger.reject(approval), stranger.cancel_approval(approval),
                   stranger.cancel_request(request)):
        refused(answer, 404, "NotFound")
    profile = governed(world)
    refused(stranger.create_approval_policy(
        projectId=other_world.project_id, name="x", steps=[{"requiredApprovals": 1}],
        conditions=[{"profileIds": [profile]}]), 404, "NotFound")
    assert status_of(world.admin, request) == "pending_approval"


# --- what ends without a certificate --------------------------------------------------------------

def test_rejection(world, people):
    request, approval = ask(world, people, governed(world, required=2))
    ok(people.alice.api.approve(approval))
    assert ok(people.bob.api.reject(approval, comment="not this year"))["request"][
        "status"] == "rejected"
    ended(world, people, request, "rejected", "not this year")
    refused(people.alice.api.approve(approval), 400, "BadRequest", "rejected already")


@pytest.mark.parametrize("by_request", [True, False])
def test_cancelling(world, people, by_request):
    request, approval = ask(world, people, governed(world))
    viewer = world.member("viewer").api
    if by_request:
        refused(viewer.cancel_request(request), 403, "ForbiddenError", "only who asked")
        assert ok(people.issuer.api.cancel_request(request))["status"] == "cancelled"
    else:
        refused(viewer.cancel_approval(approval), 403, "ForbiddenError", "only who asked")
        ok(people.issuer.api.cancel_approval(approval))
    ended(world, people, request, "cancelled", "cancelled")
    refused(people.issuer.api.cancel_request(request), 400, "BadRequest", "cancelled")
    refused(people.alice.api.approve(approval), 400, "BadRequest", "cancelled already")


def test_what_was_refused_waits_for_nobody(world, people):
    """The policy judges first: what can never be issued is not put before anybody."""
    profile = governed(world, profile={"policy_id": world.new_policy(validity={"max": "5d"})})
    refused(world.ask(profile, api=people.issuer.api, ttl="9d"), 400)
    assert ok(world.admin.list_approvals(query={"projectId": world.project_id, "status": "open"}))
    unkept = governed(world, profile={"keyRetention": "none"})
    refused(world.ask(unkept, api=people.issuer.api), 400, "BadRequest", "CSR")


# --- checked again at issue -----------------------------------------------------------------------

def approved_but(world, people, request, approval, word):
    ok(people.alice.api.approve(approval))
    detail = ok(world.admin.get_request(request))
    assert detail["status"] == "failed" and word in detail["errorMessage"], detail
    assert detail["certificate"] is None


def test_the_policy_of_today(world, people):
    policy = world.new_policy()
    profile = governed(world, profile={"policy_id": policy})
    request, approval = ask(world, people, profile, ttl="9d")
    ok(world.admin.update_policy(policy, validity={"max": "5d"}))
    approved_but(world, people, request, approval, "5")


def test_the_rights_of_today(world, people):
    asker = Member(world.admin, world.project_id, "issuer")
    answer = ok(world.ask(governed(world), api=asker.api))
    request = answer["certificateRequestId"]
    approval = ok(asker.api.get_request(request))["approvalRequestId"]
    ok(world.admin.update_member(world.project_id, asker.id, role="viewer"))
    approved_but(world, people, request, approval, "permission")


def test_the_asker_is_gone(world, people):
    asker = Member(world.admin, world.project_id, "issuer")
    request = ok(world.ask(governed(world), api=asker.api))["certificateRequestId"]
    approval = ok(asker.api.get_request(request))["approvalRequestId"]
    ok(world.admin.delete_identity(asker.id))
    approved_but(world, people, request, approval, "not there any more")


def test_the_authority_of_today(world, people):
    ca = world.new_intermediate(world.root_id)["id"]
    profile = governed(world, profile={"caId": ca})
    request, approval = ask(world, people, profile)
    ok(world.admin.update_ca(ca, status="disabled"))
    approved_but(world, people, request, approval, "disabled")


def test_what_would_be_issued_now_is_another(world, people):
    """The authority has another kind of key by now, and so signs otherwise."""
    ca = world.new_intermediate(world.root_id)["id"]
    profile = governed(world, profile={"caId": ca})
    request, approval = ask(world, people, profile)
    ok(world.admin.renew_ca(ca, type="new-key", keyAlgorithm="RSA_2048",
                            notAfter=iso(utc(days=1000))))
    approved_but(world, people, request, approval, "not what was approved")


def test_defaults_that_came_later_change_nothing(world, people):
    profile = governed(world)
    request, approval = ask(world, people, profile)
    ok(world.admin.update_profile(profile, defaults={"organization": "Later", "ttlDays": 3}))
    ok(people.alice.api.approve(approval))
    cert = pki.certificate(ok(world.admin.get_request(request))["certificate"])
    assert "Later" not in cert.subject.rfc4514_string()


# --- renewing -------------------------------------------------------------------------------------

def test_renewals(world, people):
    profile = governed(world)
    request, approval = ask(world, people, profile, commonName="r.example.com", ttl="9d")
    ok(people.alice.api.approve(approval))
    old = ok(people.issuer.api.get_request(request))["certificateId"]
    same = ok(people.issuer.api.renew(old))
    assert same["certificate"] and same["status"] == "issued"
    for change in ({"attributes": {"ttl": "8d"}},
                   {"attributes": {"altNames": sans("more.example.com")}},
                   {"csr": pki.csr(pki.new_key(), commonName="r.example.com")}):
        answer = ok(people.issuer.api.renew(same["certificateId"], json=change))
        assert answer["status"] == "pending_approval" and answer["certificate"] == "", change
    detail = ok(people.issuer.api.get_request(answer["certificateRequestId"]))
    ok(people.alice.api.approve(detail["approvalRequestId"]))
    new = ok(people.issuer.api.get_request(answer["certificateRequestId"]))
    assert new["status"] == "issued", new
    row = ok(world.admin.get_certificate(new["certificateId"]))["certificate"]
    assert row["renewedFromCertificateId"] == same["certificateId"]
    # Of three that wait to take its place one does.
    for waiting in ok(people.alice.api.list_approvals(query={
            "projectId": world.project_id, "status": "open"}))["requests"]:
        if waiting["profileId"] == profile:
            data = ok(people.alice.api.approve(waiting["id"]))["request"]["requestData"]
            assert data["status"] == "failed"
            late = ok(world.admin.get_request(data["certificateRequestId"]))
            assert "already renewed" in late["errorMessage"]


def test_a_kept_key_is_renewed(world, people):
    profile = governed(world)
    request, approval = ask(world, people, profile)
    ok(people.alice.api.approve(approval))
    old = ok(people.issuer.api.get_request(request))
    answer = ok(people.issuer.api.renew(old["certificateId"], renewalKeySource="reuse",
                                        attributes={"ttl": "5d"}))
    detail = ok(people.issuer.api.get_request(answer["certificateRequestId"]))
    ok(people.alice.api.approve(detail["approvalRequestId"]))
    new = ok(people.issuer.api.get_request(answer["certificateRequestId"]))
    assert new["status"] == "issued" and new["privateKey"] == old["privateKey"]


# --- policies -------------------------------------------------------------------------------------

def test_a_policy_is_kept_by_the_profiles_id(world, people):
    slug = fresh("profile")
    profile = world.new_profile(slug=slug)
    made = ok(world.admin.create_approval_policy(
        projectId=world.project_id, name="By name", maxRequestTtl="3d",
        steps=[{"requiredApprovals": 1}], conditions=[{"profileNames": [slug]}]))["policy"]
    assert made["conditions"] == [{"profileNames": [slug], "profileIds": [profile]}]
    assert made["steps"] == [{"requiredApprovals": 1, "approvers": []}]
    assert made["bypassForMachineIdentities"] is False and made["selfApproval"] is False
    other = fresh("renamed")
    ok(world.admin.update_profile(profile, slug=other))
    assert ok(world.admin.get_approval_policy(made["id"]))["policy"]["conditions"][0][
        "profileNames"] == [other]
    match = ok(world.admin.check_approval_match(projectId=world.project_id,
                                                inputs={"profileName": other}))
    assert match["requiresApproval"] and match["policy"]["id"] == made["id"]
    _, approval = ask(world, people, profile)
    assert ok(people.alice.api.get_approval(approval))["request"]["expiresAt"]
    assert made["id"] in [one["id"] for one in ok(world.admin.list_approval_policies(
        query={"scope": "project", "id": world.project_id}))["policies"]]
    ok(world.admin.delete_profile(profile))
    assert ok(world.admin.get_approval_policy(made["id"]))["policy"]["conditions"][0][
        "profileNames"] == []


@pytest.mark.parametrize("change, path", [
    ({"steps": []}, "steps"),
    ({"steps": [{"requiredApprovals": 0}]}, "steps.0.requiredApprovals"),
    ({"steps": [{}]}, "steps.0.requiredApprovals"),
    ({"steps": [{"requiredApprovals": 1, "approvers": [{"type": "group", "id": NOBODY}]}]},
     "steps.0.approvers.0"),
    ({"steps": [{"requiredApprovals": 1, "approvers": [{"type": "identity", "id": NOBODY}]}]},
     "steps.0.approvers.0"),
    ({"conditions": []}, "conditions"),
    ({"conditions": [{}]}, "conditions"),
    ({"conditions": [{"profileNames": ["no-such-profile"]}]}, "conditions.0.profileNames.0"),
    ({"maxRequestTtl": "soon"}, "maxRequestTtl"),
    ({"enforcementLevel": "medium"}, "enforcementLevel"),
    ({"steps": [{"requiredApprovals": 1, "notifyApprovers": "yes"}]}, "steps.0.notifyApprovers"),
])
def test_malformed_policies(world, change, path):
    body = {"projectId": world.project_id, "name": "x", "steps": [{"requiredApprovals": 1}],
            "conditions": [{"profileIds": [world.profile_id]}], **change}
    assert issue_paths(world.admin.create_approval_policy(json=body)) == {path}


def test_steps_that_can_never_be_passed(world, people):
    alice = {"type": "identity", "id": people.alice.id}
    for steps, path in (([{"requiredApprovals": 2, "approvers": [alice]}],
                         "steps.0.requiredApprovals"),
                        ([{"requiredApprovals": 1, "approvers": [alice, alice]}],
                         "steps.0.approvers.1")):
        body = {"projectId": world.project_id, "name": "x", "steps": steps,
                "conditions": [{"profileIds": [world.profile_id]}]}
        assert issue_paths(world.admin.create_approval_policy(json=body)) == {path}


def test_who_may_change_policies(world):
    profile = world.new_profile()
    policy = world.new_approval_policy(profile)["id"]
    operator = world.member("operator").api
    refused(operator.update_approval_policy(policy, name="x"), 403, "PermissionDenied")
    refused(operator.delete_approval_policy(policy), 403, "PermissionDenied")
    role = fresh("role")
    ok(world.admin.create_role(world.project_id, slug=role, name="Writes", permissions=[
        {"subject": "approval-policies", "action": ["read", "create", "edit"]}]))
    writer = Member(world.admin, world.project_id, role).api
    refused(writer.update_approval_policy(policy, name="x"), 403, "PermissionDenied", "approve")


LOOSER = [{"bypassForMachineIdentities": True}, {"enforcementLevel": "soft"}, {"selfApproval": True}, {"maxRequestTtl": None},
          {"maxRequestTtl": "9d"}, {"steps": [{"requiredApprovals": 1}]}, "profile", "approver",
          "delete"]


@pytest.mark.parametrize("change", LOOSER, ids=str)
def test_loosening_is_approved_by_the_policy_itself(world, people, change):
    admin = Member(world.admin, world.project_id, "admin").api
    profile, other = world.new_profile(), world.new_profile()
    policy = world.new_approval_policy(
        profile, maxRequestTtl="5d", conditions=[{"profileIds": [profile, other]}],
        required=2, approvers=[people.alice.id, people.bob.id])
    if change == "profile":
        change = {"conditions": [{"profileIds": [profile]}]}
    elif change == "approver":
        listed = [*policy["steps"][0]["approvers"],
                  {"type": "identity", "id": people.issuer.id}]
        change = {"steps": [{"requiredApprovals": 2, "approvers": listed}]}
    if change == "delete":
        answer = ok(admin.delete_approval_policy(policy["id"]))
    else:
        answer = ok(admin.update_approval_policy(policy["id"], json=change))
        assert answer["policy"] == policy
    approval = answer["approvalRequestId"]
    shown = ok(people.alice.api.get_approval(approval))["request"]
    assert shown["type"] == "policy-change" and shown["change"], shown
    refused(admin.approve(approval), 403, "ForbiddenError", "themselves")
    ok(people.alice.api.approve(approval))
    assert ok(admin.get_approval_policy(policy["id"]))["policy"] == policy
    ok(people.bob.api.approve(approval))
    if change == "delete":
        refused(admin.get_approval_policy(policy["id"]), 404, "NotFound")
        assert ok(world.ask(profile, api=people.issuer.api))["status"] == "issued"
        return
    now = ok(admin.get_approval_policy(policy["id"]))["policy"]
    for name, value in change.items():
        if name == "conditions":
            assert now[name][0]["profileIds"] == [profile]
            assert ok(world.ask(other, api=people.issuer.api))["status"] == "issued"
        elif name == "steps":
            assert now[name][0]["requiredApprovals"] == value[0]["requiredApprovals"]
        else:
            assert now[name] == value


def test_tightening_needs_no_approval(world, people):
    admin = Member(world.admin, world.project_id, "admin").api
    profile, other = world.new_profile(), world.new_profile()
    policy = world.new_approval_policy(profile, maxRequestTtl="5d", selfApproval=True,
                                       enforcementLevel="soft")["id"]
    for change in ({"name": "Other"}, {"selfApproval": False}, {"maxRequestTtl": "4d"},
                   {"steps": [{"requiredApprovals": 2}]}, {"enforcementLevel": "hard"},
                   {"steps": [{"requiredApprovals": 2}, {"requiredApprovals": 1}]},
                   {"conditions": [{"profileIds": [profile, other]}]}):
        assert "approvalRequestId" not in ok(admin.update_approval_policy(policy, json=change))
    ask(world, people, other)


def test_a_loosening_that_was_overtaken(world, people):
    admin = Member(world.admin, world.project_id, "admin").api
    policy = world.new_approval_policy(world.new_profile())["id"]
    answer = ok(admin.update_approval_policy(policy, selfApproval=True))
    ok(admin.update_approval_policy(policy, steps=[{"requiredApprovals": 2}]))
    refused(people.alice.api.approve(answer["approvalRequestId"]), 400, "BadRequest", "changed")
    assert ok(admin.get_approval_policy(policy))["policy"]["selfApproval"] is False
    ok(people.alice.api.reject(answer["approvalRequestId"]))


def test_what_waits_keeps_its_steps(world, people):
    profile = world.new_profile()
    policy = world.new_approval_policy(profile, required=2)["id"]
    request, approval = ask(world, people, profile)
    ok(world.admin.update_approval_policy(policy, steps=[{"requiredApprovals": 1}]))
    ok(people.alice.api.approve(approval))
    assert status_of(world.admin, request) == "pending_approval"
    ok(world.admin.delete_approval_policy(policy))
    ok(people.bob.api.approve(approval))
    assert status_of(world.admin, request) == "issued"


# --- time, and the end of a process ---------------------------------------------------------------

@pytest.fixture
def place(chancery, storage, database, tmp_path):
    made = Place(tmp_path / "daemon", storage, database(storage))
    try:
        yield made
        made.one.stop()
    finally:
        made.one.kill()


def test_nobody_approves_in_time(place):
    world = place.world
    profile = governed(world, maxRequestTtl="1h")
    request, approval = ask(world, place, profile)
    forever, _ = ask(world, place, governed(world))
    place.clock.advance(minutes=59)
    assert status_of(world.admin, request) == "pending_approval"
    place.clock.advance(minutes=2)
    refused(place.alice.api.approve(approval), 400, "BadRequest", "expired")
    place.wait(lambda: status_of(world.admin, request) == "failed")
    ended(world, place, request, "failed", "in time")
    assert ok(place.alice.api.get_approval(approval))["request"]["status"] == "expired"
    assert status_of(world.admin, forever) == "pending_approval"


def test_kill_9_between_approval_and_certificate(place):
    """Whatever is killed when: each approved request ends in one certificate."""
    world = place.world
    profile = governed(world)
    asked = [ask(world, place, profile) for _ in range(24)]
    for number in range(3):
        urls = place.alice.api.url, place.alice.api.token
        part = asked[number * 8:number * 8 + 8]

        def vote(approval):
            with contextlib.suppress(Exception):
                Api(*urls).approve(approval)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            votes = [pool.submit(vote, approval) for _, approval in part]
            time.sleep(random.uniform(0.005, 0.12))
            place.one.kill()
            concurrent.futures.wait(votes)
        place.back()
    place.clock.advance(minutes=2)
    place.wait(lambda: all(status_of(world.admin, request) in ("issued", "pending_approval")
                           for request, _ in asked))
    for request, approval in asked:
        shown = ok(place.alice.api.get_approval(approval))["request"]
        assert (shown["status"], shown["requestData"]["status"]) in (
            ("open", "pending_approval"), ("approved", "issued"))
        if shown["status"] == "open":
            ok(place.alice.api.approve(approval))
    details = [ok(world.admin.get_request(request)) for request, _ in asked]
    assert len({detail["certificateId"] for detail in details}) == len(asked)
    assert certificates_of(world, profile) == len(asked)


def test_a_job_issues_what_was_left_behind(chancery, tmp_path):
    """As a process leaves it that ended after the vote, and one whose request was changed since."""
    place = Place(tmp_path / "daemon", "sqlite", None)
    try:
        world = place.world
        profile = governed(world)
        asked = [ask(world, place, profile) for _ in range(2)]
        place.one.stop()
        with contextlib.closing(sqlite3.connect(place.one.database)) as database:
            for request, approval in asked:
                vote = json.dumps([{"step": 0, "identityId": place.alice.id,
                                    "decision": "approved"}])
                database.execute("UPDATE approval_requests SET status = 'approved', due_at = 1, "
                                 "grant_status = 'active', votes = ? WHERE id = ?",
                                 (vote, bytes.fromhex(approval.replace("-", ""))))
                database.execute("UPDATE requests SET status = 'pending' WHERE id = ?",
                                 (bytes.fromhex(request.replace("-", "")),))
            changed = database.execute(
                "UPDATE requests SET decision = replace(decision, 'service.', 'another.') "
                "WHERE id = ?", (bytes.fromhex(asked[1][0].replace("-", "")),))
            assert changed.rowcount == 1
            database.commit()
        place.back()
        place.wait(lambda: all(status_of(world.admin, request) != "pending"
                               for request, _ in asked))
        assert status_of(world.admin, asked[0][0]) == "issued"
        broken = ok(world.admin.get_request(asked[1][0]))
        assert broken["status"] == "failed" and "not what was approved" in broken["errorMessage"]
        assert certificates_of(world, profile) == 1
        place.one.stop()
    finally:
        place.one.kill()
