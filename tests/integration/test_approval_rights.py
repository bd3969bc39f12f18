"""Who may still approve when it counts: rights that are lost between a vote and the certificate."""
import pytest

from api import ok, refused
from approving import Place, ask, certificates_of, governed, status_of
from world import Member, Person, fresh


@pytest.fixture(scope="module")
def people(world):
    class People:
        alice = Member(world.admin, world.project_id, "approver")
        bob = Member(world.admin, world.project_id, "approver")
        issuer = Member(world.admin, world.project_id, "issuer")
    return People


def of_project(role="approver"):
    return lambda world: Person(world.admin, world.project_id, role)


LOSSES = {
    "another role": lambda world, one: world.admin.update_member(world.project_id, one.id,
                                                                 role="viewer"),
    "no member": lambda world, one: world.admin.remove_member(world.project_id, one.id),
    "disabled": lambda world, one: world.admin.update_user(one.id, disabled=True),
    "deleted": lambda world, one: world.admin.delete_user(one.id),
}


@pytest.mark.parametrize("how", LOSSES)
def test_a_vote_counts_as_long_as_its_right(world, people, how):
    leaver = Person(world.admin, world.project_id, "approver")
    request, approval = ask(world, people, governed(world, required=2))
    ok(leaver.api.approve(approval))
    ok(LOSSES[how](world, leaver))
    shown = ok(people.alice.api.approve(approval))["request"]
    assert shown["status"] == "open" and shown["currentStep"] == 0, shown
    assert [vote["identityId"] for vote in shown["votes"]] == [leaver.id, people.alice.id]
    assert status_of(world.admin, request) == "pending_approval"
    assert ok(people.bob.api.approve(approval))["request"]["status"] == "approved"
    assert status_of(world.admin, request) == "issued"


def test_a_role_that_has_changed(world, people):
    role = ok(world.admin.create_role(
        world.project_id, slug=fresh("role"), name="Some", permissions=[
            {"subject": "certificate-requests", "action": ["read", "approve"]}]))["role"]
    some = Member(world.admin, world.project_id, role["slug"])
    _, approval = ask(world, people, governed(world, required=2))
    ok(some.api.approve(approval))
    ok(world.admin.update_role(world.project_id, role["id"], permissions=[
        {"subject": "certificate-requests", "action": ["read", "approve"],
         "conditions": {"profileSlug": "another"}}]))
    assert ok(people.alice.api.approve(approval))["request"]["status"] == "open"
    ok(world.admin.update_role(world.project_id, role["id"], permissions=[
        {"subject": "certificate-requests", "action": ["read", "approve"]}]))
    assert ok(people.bob.api.approve(approval))["request"]["status"] == "approved"


def test_a_step_is_open_again(world, people):
    leaver = Member(world.admin, world.project_id, "approver")
    profile = world.new_profile()
    ok(world.admin.create_approval_policy(
        projectId=world.project_id, name=fresh("steps"), conditions=[{"profileIds": [profile]}],
        steps=[{"requiredApprovals": 1, "approvers": [{"type": "identity", "id": one}]}
               for one in (leaver.id, people.bob.id)]))
    request, approval = ask(world, people, profile)
    assert ok(leaver.api.approve(approval))["request"]["currentStep"] == 1
    ok(world.admin.update_member(world.project_id, leaver.id, role="viewer"))
    refused(people.bob.api.approve(approval), 403, "ForbiddenError", "lists others for step 1")
    assert status_of(world.admin, request) == "pending_approval"
    ok(world.admin.update_member(world.project_id, leaver.id, role="approver"))
    assert ok(people.bob.api.approve(approval))["request"]["status"] == "approved"
    assert status_of(world.admin, request) == "issued"


def test_a_loosening_as_well(world, people):
    admin = Member(world.admin, world.project_id, "admin").api
    leaver = Member(world.admin, world.project_id, "approver")
    policy = world.new_approval_policy(world.new_profile(), required=2)["id"]
    approval = ok(admin.update_approval_policy(policy, selfApproval=True))["approvalRequestId"]
    ok(leaver.api.approve(approval))
    ok(world.admin.delete_identity(leaver.id))
    assert ok(people.alice.api.approve(approval))["request"]["status"] == "open"
    assert ok(admin.get_approval_policy(policy))["policy"]["selfApproval"] is False
    ok(people.bob.api.approve(approval))
    assert ok(admin.get_approval_policy(policy))["policy"]["selfApproval"] is True


def test_who_asked_is_disabled(world, people):
    asker = Person(world.admin, world.project_id, "issuer")
    request = ok(world.ask(governed(world), api=asker.api))["certificateRequestId"]
    approval = ok(asker.api.get_request(request))["approvalRequestId"]
    ok(world.admin.update_user(asker.id, disabled=True))
    ok(people.alice.api.approve(approval))
    detail = ok(world.admin.get_request(request))
    assert detail["status"] == "failed" and "disabled" in detail["errorMessage"]


# --- a clock that stops signing: what is approved waits -------------------------------------------

@pytest.fixture
def place(chancery, storage, database, tmp_path):
    made = Place(tmp_path / "daemon", storage, database(storage))
    try:
        yield made
        made.one.stop()
    finally:
        made.one.kill()


def asked_and_not_signed(place, **policy):
    """The clock is behind what was signed last: that passes."""
    profile = governed(place.world, **policy)
    request, approval = ask(place.world, place, profile)
    place.clock.jump(minutes=-5)
    return profile, request, approval


def test_between_the_vote_and_the_certificate(place):
    world = place.world
    kept = Member(world.admin, world.project_id, "approver")
    other, other_approval = ask(world, place, governed(world))
    _, request, approval = asked_and_not_signed(place)
    assert ok(place.alice.api.approve(approval))["request"]["grantStatus"] == "active"
    assert ok(kept.api.approve(other_approval))["request"]["requestData"]["status"] == "pending"
    ok(world.admin.update_member(world.project_id, place.alice.id, role="viewer"))
    place.clock.jump(minutes=5)
    place.clock.advance(minutes=3)
    place.wait(lambda: "pending" not in (status_of(world.admin, one) for one in (request, other)))
    detail = ok(world.admin.get_request(request))
    assert detail["status"] == "failed", detail
    assert "may not approve it any more" in detail["errorMessage"]
    assert status_of(world.admin, other) == "issued"
    grants = {one["id"]: one for one in ok(world.admin.list_approval_grants(
        query={"projectId": world.project_id}))["grants"]}
    assert grants[approval]["status"] == "failed" and grants[approval]["endedAt"]
    assert grants[other_approval]["status"] == "used"


def test_a_grant_is_revoked_before_it_is_used(place):
    world = place.world
    profile, request, approval = asked_and_not_signed(place)
    ok(place.alice.api.approve(approval))
    grant = ok(place.issuer.api.get_approval_grant(approval))["grant"]
    assert (grant["status"], grant["granteeId"], grant["certificateRequestId"]) == (
        "active", place.issuer.id, request)
    assert grant["createdAt"] and grant["endedAt"] is None and grant["revokedById"] is None
    assert [one["id"] for one in ok(world.admin.list_approval_grants(query={
        "scope": "project", "id": world.project_id, "status": "active"}))["grants"]] == [approval]
    refused(place.issuer.api.revoke_approval_grant(approval), 403, "PermissionDenied", "approve")
    grant = ok(place.alice.api.revoke_approval_grant(
        approval, revocationReason="the wrong host"))["grant"]
    assert (grant["status"], grant["revokedById"], grant["revocationReason"]) == (
        "revoked", place.alice.id, "the wrong host")
    detail = ok(place.issuer.api.get_request(request))
    assert (detail["status"], detail["outcome"]) == ("failed", "rejected")
    assert detail["errorMessage"] == "the approval was revoked: the wrong host"
    place.clock.jump(minutes=5)
    place.clock.advance(minutes=3)
    last, approval_of_last = ask(world, place, governed(world))
    ok(place.alice.api.approve(approval_of_last))
    assert status_of(world.admin, last) == "issued"
    assert status_of(world.admin, request) == "rejected" and certificates_of(world, profile) == 0
    refused(place.alice.api.revoke_approval_grant(approval), 400, "BadRequest", "revoked already")
    refused(place.alice.api.revoke_approval_grant(approval_of_last), 400, "BadRequest",
            "used already")
    refused(place.alice.api.approve(approval), 400, "BadRequest", "approved already")
    rows = ok(world.admin.search_audit_logs(json={"action": "approval-grant.revoke"}))["auditLogs"]
    (row,) = [row for row in rows if row["outcome"] == "ok"]
    assert row["targetId"] == approval and row["actorId"] == place.alice.id
    assert "the wrong host" in str(row["detail"])


# --- grants, with the usual clock -----------------------------------------------------------------

def test_a_grant_is_used_at_once(world, other_world, people):
    request, approval = ask(world, people, governed(world))
    refused(people.alice.api.get_approval_grant(approval), 404, "NotFound")
    refused(people.alice.api.revoke_approval_grant(approval), 404, "NotFound")
    ok(people.alice.api.approve(approval))
    grant = ok(world.member("viewer").api.get_approval_grant(approval))["grant"]
    assert (grant["id"], grant["requestId"], grant["status"]) == (approval, approval, "used")
    assert grant["certificateRequestId"] == request and grant["endedAt"]
    listed = ok(people.alice.api.list_approval_grants(query={"projectId": world.project_id,
                                                             "status": "used"}))
    assert grant in listed["grants"] and listed["totalCount"] >= 1
    refused(people.alice.api.revoke_approval_grant(approval), 400, "BadRequest", "used already")
    stranger = other_world.member("admin").api
    refused(stranger.get_approval_grant(approval), 404, "NotFound")
    refused(stranger.revoke_approval_grant(approval), 404, "NotFound")


def test_what_gives_no_grant(world, people):
    _, rejected = ask(world, people, governed(world))
    ok(people.alice.api.reject(rejected))
    admin = Member(world.admin, world.project_id, "admin").api
    policy = world.new_approval_policy(world.new_profile())["id"]
    change = ok(admin.update_approval_policy(policy, selfApproval=True))["approvalRequestId"]
    ok(people.alice.api.approve(change))
    listed = [one["id"] for one in ok(world.admin.list_approval_grants(
        query={"projectId": world.project_id, "limit": 100}))["grants"]]
    for approval in (rejected, change):
        assert approval not in listed
        refused(people.alice.api.get_approval_grant(approval), 404, "NotFound")


# --- one alone, in an emergency -------------------------------------------------------------------

WHY = "the gateway is down and nobody answers"


@pytest.fixture(scope="module")
def chief(world):
    return Member(world.admin, world.project_id, "admin")


def test_one_alone_passes_all_steps(world, people, chief, daemon):
    profile = world.new_profile()
    ok(world.admin.create_approval_policy(
        projectId=world.project_id, name=fresh("soft"), enforcementLevel="soft",
        conditions=[{"profileIds": [profile]}],
        steps=[{"requiredApprovals": 1, "approvers": [{"type": "identity", "id": one}]}
               for one in (people.alice.id, people.bob.id)]))
    request, approval = ask(world, people, profile)
    ok(people.alice.api.approve(approval))
    start = daemon.log_size()
    answer = chief.api.approve(approval, bypassReason=f"  {WHY} ")
    shown = ok(answer)["request"]
    assert (shown["status"], shown["bypassReason"], shown["grantStatus"]) == ("approved", WHY, "used")
    vote = shown["votes"][-1]
    assert (vote["decision"], vote["identityId"], vote["bypassReason"]) == (
        "bypassed", chief.id, WHY)
    assert status_of(world.admin, request) == "issued"
    assert ok(world.admin.get_approval_grant(approval))["grant"]["bypassReason"] == WHY
    rows = {row["action"]: row for row in ok(world.admin.list_audit_logs(query={
        "requestId": answer.headers["X-Request-Id"], "limit": 10}))["auditLogs"]}
    assert set(rows) == {"approval-request.bypass", "certificate.issue"}
    assert rows["approval-request.bypass"]["actorId"] == chief.id
    assert rows["approval-request.bypass"]["detail"]["bypassReason"] == WHY
    (told,) = [event for event in daemon.events(start) if event.get("event") == "approval.bypassed"]
    assert told["level"] == "warning" and chief.id in str(told) and WHY in str(told)


def test_nobody_bypasses_by_accident(world, people, chief):
    _, soft = ask(world, people, governed(world, enforcementLevel="soft", required=2))
    _, hard = ask(world, people, governed(world))
    denied = refused(people.alice.api.approve(soft, bypassReason=WHY), 403, "PermissionDenied")
    assert (denied["details"][0]["action"], denied["details"][0]["subject"]) == (
        "bypass", "certificate-requests")
    refused(chief.api.approve(hard, bypassReason=WHY), 403, "ForbiddenError", "enforcementLevel")
    for reason in ("too short", "x" * 501, "         a          ", 7):
        assert "bypassReason" in str(refused(chief.api.approve(soft, bypassReason=reason), 422))
    assert ok(chief.api.approve(soft))["request"]["status"] == "open"
    # One who could reject may not end it by a word that is not meant for that.
    ok(people.bob.api.reject(soft, bypassReason=WHY))
    shown = ok(people.bob.api.get_approval(soft))["request"]
    assert shown["status"] == "rejected" and shown["bypassReason"] is None


def test_nobody_bypasses_for_themselves(world, chief):
    answer = ok(world.ask(governed(world, enforcementLevel="soft"), api=chief.api))
    approval = ok(chief.api.get_request(answer["certificateRequestId"]))["approvalRequestId"]
    refused(chief.api.approve(approval, bypassReason=WHY), 403, "ForbiddenError", "themselves")


def test_a_policy_is_not_changed_in_an_emergency(world, chief, people):
    admin = Member(world.admin, world.project_id, "admin").api
    policy = world.new_approval_policy(world.new_profile(), enforcementLevel="soft",
                                       required=2)["id"]
    change = ok(admin.update_approval_policy(policy, selfApproval=True))["approvalRequestId"]
    refused(chief.api.approve(change, bypassReason=WHY), 400, "BadRequest", "by its steps")
    assert ok(admin.get_approval_policy(policy))["policy"]["selfApproval"] is False


def test_a_permission_of_its_own_under_conditions(world, people):
    profile = governed(world, enforcementLevel="soft", required=2)
    slug = ok(world.admin.get_profile(profile))["certificateProfile"]["slug"]
    role = fresh("role")
    ok(world.admin.create_role(world.project_id, slug=role, name="On duty", permissions=[
        {"subject": "certificate-requests", "action": ["read", "approve"]},
        {"subject": "certificate-requests", "action": "bypass",
         "conditions": {"profileSlug": slug}}]))
    duty = Member(world.admin, world.project_id, role)
    request, approval = ask(world, people, profile)
    _, other = ask(world, people, governed(world, enforcementLevel="soft", required=2))
    refused(duty.api.approve(other, bypassReason=WHY), 403, "PermissionDenied")
    ok(duty.api.approve(approval, bypassReason=WHY))
    assert status_of(world.admin, request) == "issued"


def test_what_waits_keeps_its_enforcement(world, people, chief):
    profile = world.new_profile()
    policy = world.new_approval_policy(profile, required=2)["id"]
    assert ok(world.admin.get_approval_policy(policy))["policy"]["enforcementLevel"] == "hard"
    _, approval = ask(world, people, profile)
    ok(world.admin.update_approval_policy(policy, enforcementLevel="soft"))
    refused(chief.api.approve(approval, bypassReason=WHY), 403, "ForbiddenError")
    request, later = ask(world, people, profile)
    ok(chief.api.approve(later, bypassReason=WHY))
    assert status_of(world.admin, request) == "issued"
