"""Certificate policies as objects; what they decide stands in test_policy_rules.py."""
import pytest

from api import TIME, UUID, ok, refused
from world import OPEN_POLICY, fresh

MEMBERS = {"id", "projectId", "name", "description", "subject", "sans", "keyUsages",
           "extendedKeyUsages", "algorithms", "validity", "basicConstraints", "createdAt",
           "updatedAt"}


def create(world, **changes):
    body = {"projectId": world.project_id, "name": fresh("policy"), **changes}
    return world.admin.create_policy(json=body)


def test_create_and_read(world):
    made = ok(create(world, description="all", **OPEN_POLICY))["certificatePolicy"]
    assert set(made) == MEMBERS
    assert UUID.match(made["id"]) and TIME.match(made["createdAt"])
    assert made["description"] == "all" and made["projectId"] == world.project_id
    for member, value in OPEN_POLICY.items():
        assert made[member] == value
    assert ok(world.admin.get_policy(made["id"]))["certificatePolicy"] == made


def test_a_policy_may_be_nearly_empty(world):
    made = ok(create(world))["certificatePolicy"]
    assert made["subject"] is None and made["validity"] is None


def test_a_taken_name_is_suffixed(world):
    name = fresh("same")
    first = ok(create(world, name=name))["certificatePolicy"]
    second = ok(create(world, name=name))["certificatePolicy"]
    assert first["name"] == name
    assert second["name"].startswith(name + "-") and second["name"] != name


def test_update_changes_and_clears(world):
    made = ok(create(world, description="old", **OPEN_POLICY))["certificatePolicy"]
    new = ok(world.admin.update_policy(made["id"], json={
        "description": None, "sans": None, "validity": {"max": "30d"}}))["certificatePolicy"]
    assert new["description"] is None and new["sans"] is None
    assert new["validity"] == {"max": "30d"} and new["subject"] == made["subject"]
    refused(world.admin.update_policy(made["id"], json={"subject": [{"type": "nose"}]}), 422)
    refused(world.admin.update_policy(made["id"], json={"name": None}), 422)


def test_update_to_a_taken_name(world):
    first = ok(create(world))["certificatePolicy"]
    second = ok(create(world))["certificatePolicy"]
    refused(world.admin.update_policy(second["id"], name=first["name"]), 400, "BadRequest", "name")


def test_list_pages_and_searches(other_world):
    word = fresh("list")
    made = [ok(create(other_world, name=f"{word}-{i}"))["certificatePolicy"]["id"]
            for i in range(5)]
    query = {"projectId": other_world.project_id, "search": word}
    seen = []
    for offset in (0, 2, 4):
        page = ok(other_world.admin.list_policies(query={**query, "limit": 2, "offset": offset}))
        assert page["totalCount"] == 5
        seen += [one["id"] for one in page["certificatePolicies"]]
    assert sorted(seen) == sorted(made)
    assert ok(other_world.admin.list_policies(query={**query, "search": "nothing-like-it"})) == {
        "certificatePolicies": [], "totalCount": 0}


def test_delete(world):
    made = ok(create(world))["certificatePolicy"]
    assert ok(world.admin.delete_policy(made["id"]))["certificatePolicy"]["id"] == made["id"]
    refused(world.admin.get_policy(made["id"]), 404)


def test_a_used_policy_stays(world):
    policy = world.new_policy()
    slug = fresh("user")
    profile = world.new_profile(policy, slug=slug)
    refused(world.admin.delete_policy(policy), 403, "ForbiddenError", slug)
    ok(world.admin.delete_profile(profile))
    ok(world.admin.delete_policy(policy))


def test_a_changed_policy_counts_at_once(world):
    policy = world.new_policy()
    profile = world.new_profile(policy)
    world.issue(profile)
    ok(world.admin.update_policy(policy, validity={"max": "1d"}))
    refused(world.ask(profile), 400, "BadRequest", "maximum")


@pytest.mark.parametrize("role", ["issuer", "auditor", "no-access"])
def test_changing_by_role(world, role):
    api = world.member(role).api
    body = {"projectId": world.project_id, "name": fresh("mine")}
    refused(api.create_policy(json=body), 403, "PermissionDenied")
    refused(api.update_policy(world.policy_id, name="mine"), 403, "PermissionDenied")
    refused(api.delete_policy(world.policy_id), 403, "PermissionDenied")


def test_reading_by_role(world):
    query = {"projectId": world.project_id}
    for role in ("admin", "issuer", "auditor"):
        api = world.member(role).api
        ok(api.get_policy(world.policy_id))
        ok(api.list_policies(query=query))
    nobody = world.member("no-access").api
    refused(nobody.get_policy(world.policy_id), 403, "PermissionDenied")
    refused(nobody.list_policies(query=query), 403, "PermissionDenied")


def test_a_foreign_policy_is_not_found(world, other_world):
    stranger = other_world.member("admin").api
    refused(stranger.get_policy(world.policy_id), 404)
    refused(stranger.update_policy(world.policy_id, name="mine"), 404)
    refused(stranger.delete_policy(world.policy_id), 404)
    refused(stranger.list_policies(query={"projectId": world.project_id}), 404)
    refused(stranger.create_policy(projectId=world.project_id, name="mine"), 404)


def test_a_project_admin_manages_its_project(world):
    api = world.member("admin").api
    made = ok(api.create_policy(projectId=world.project_id, name=fresh("own")))
    policy = made["certificatePolicy"]["id"]
    ok(api.update_policy(policy, description="mine"))
    ok(api.delete_policy(policy))
