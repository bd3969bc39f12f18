"""Who may issue, and who gets to see a private key."""
import re

import pytest

import pki
from api import ok, refused
from world import Member


@pytest.fixture(scope="module")
def issued_by_admin(world):
    return ok(world.ask())


@pytest.fixture(scope="module")
def issued_by_issuer(world):
    return ok(world.ask(api=world.member("issuer").api))


def test_an_issuer_gets_its_own_key(world, issued_by_issuer):
    api, issued = world.member("issuer").api, issued_by_issuer["certificate"]
    assert pki.same_key(issued["privateKey"], issued["certificate"])
    assert ok(api.get_private_key(issued["certificateId"])) == issued["privateKey"]
    assert ok(api.get_bundle(issued["certificateId"]))["privateKey"] == issued["privateKey"]
    detail = ok(api.get_request(issued_by_issuer["certificateRequestId"]))
    assert detail["privateKey"] == issued["privateKey"]


def test_an_issuer_gets_nobody_elses(world, issued_by_admin):
    api, issued = world.member("issuer").api, issued_by_admin["certificate"]
    refused(api.get_private_key(issued["certificateId"]), 403, "PermissionDenied",
            "read-private-key")
    assert ok(api.get_bundle(issued["certificateId"]))["privateKey"] is None
    assert ok(api.get_request(issued_by_admin["certificateRequestId"]))["privateKey"] is None
    assert ok(api.get_certificate(issued["certificateId"]))


def test_two_issuers_are_apart(admin, world, issued_by_issuer):
    other = Member(admin, world.project_id, "issuer").api
    refused(other.get_private_key(issued_by_issuer["certificate"]["certificateId"]), 403,
            "PermissionDenied")


def test_an_auditor_never_sees_a_key(world, issued_by_admin, issued_by_issuer):
    api = world.member("auditor").api
    for answer in (issued_by_admin, issued_by_issuer):
        certificate_id = answer["certificate"]["certificateId"]
        refused(api.get_private_key(certificate_id), 403, "PermissionDenied", "read-private-key")
        assert ok(api.get_bundle(certificate_id))["privateKey"] is None
        assert ok(api.get_request(answer["certificateRequestId"]))["privateKey"] is None
        for read in (api.get_certificate(certificate_id), api.get_certificate_body(certificate_id)):
            assert "PRIVATE KEY" not in read.text and ok(read)


def test_a_project_admin_sees_all(world, issued_by_issuer):
    api = world.member("admin").api
    assert ok(api.get_private_key(issued_by_issuer["certificate"]["certificateId"]))
    assert "privateKey" in ok(world.ask(api=api))["certificate"]


@pytest.mark.parametrize("role", ["auditor", "no-access"])
def test_issuing_by_role(world, role):
    refused(world.ask(api=world.member(role).api), 403, "PermissionDenied", "issue")


def test_no_access_reads_nothing(world, issued_by_admin):
    api = world.member("no-access").api
    certificate_id = issued_by_admin["certificate"]["certificateId"]
    for answer in (api.get_certificate(certificate_id), api.get_certificate_body(certificate_id),
                   api.get_bundle(certificate_id), api.get_private_key(certificate_id),
                   api.get_request(issued_by_admin["certificateRequestId"])):
        refused(answer, 403, "PermissionDenied")


def test_a_foreign_certificate_is_not_found(world, other_world, issued_by_admin):
    certificate_id = issued_by_admin["certificate"]["certificateId"]
    for role in ("admin", "issuer", "auditor"):
        api = other_world.member(role).api
        for answer in (api.get_certificate(certificate_id),
                       api.get_certificate_body(certificate_id),
                       api.get_certificate_body_old(certificate_id),
                       api.get_bundle(certificate_id), api.get_private_key(certificate_id),
                       api.get_request(issued_by_admin["certificateRequestId"])):
            refused(answer, 404, "NotFound")


def test_who_left_the_project_keeps_no_key(admin, world):
    member = Member(admin, world.project_id, "issuer")
    issued = ok(world.ask(api=member.api))["certificate"]
    ok(member.api.get_private_key(issued["certificateId"]))
    ok(admin.update_member(world.project_id, member.id, role="auditor"))
    refused(member.api.get_private_key(issued["certificateId"]), 403, "PermissionDenied")
    ok(admin.remove_member(world.project_id, member.id))
    assert member.api.get_private_key(issued["certificateId"]).status_code in (403, 404)


def test_keys_are_not_in_the_log(daemon, issued_by_issuer):
    # A message may name the mark that it missed; what follows the mark is what must not be there.
    assert not re.search(r"PRIVATE KEY-----(\\n|\s)*[A-Za-z0-9+/]{8}", daemon.log())
    body = issued_by_issuer["certificate"]["privateKey"].splitlines()[1]
    assert body not in daemon.log()
