"""Projects."""
import pytest

from api import TIME, UUID, ok, refused
from world import fresh


def test_create_and_read(admin):
    slug = fresh("slug")
    made = ok(admin.create_project(projectName="  Payments  ", projectDescription="cards",
                                   slug=slug, type="cert-manager"))["project"]
    assert UUID.match(made["id"]) and TIME.match(made["createdAt"]) and TIME.match(made["updatedAt"])
    assert (made["name"], made["slug"], made["description"], made["type"]) == (
        "Payments", slug, "cards", "cert-manager")
    assert ok(admin.get_project(made["id"]))["project"] == made
    # The certificate agent reads a bare object here.
    assert ok(admin.get_project_by_slug(slug)) == made


def test_a_slug_is_made_of_the_name(admin):
    made = ok(admin.create_project(projectName="Größe & Ähnliches"))["project"]
    assert made["slug"] and made["slug"].replace("-", "").isalnum() and made["slug"].isascii()
    again = ok(admin.create_project(projectName="Größe & Ähnliches"))["project"]
    assert again["slug"] != made["slug"]


def test_duplicate_slug(admin):
    slug = fresh("slug")
    ok(admin.create_project(projectName="one", slug=slug))
    refused(admin.create_project(projectName="two", slug=slug), 403, "ForbiddenError", "slug")


def test_update(admin):
    made = ok(admin.create_project(projectName="old", projectDescription="old"))["project"]
    new = ok(admin.update_project(made["id"], name="new", description=None))["project"]
    assert (new["name"], new["description"], new["slug"]) == ("new", None, made["slug"])
    assert new["createdAt"] == made["createdAt"] and new["updatedAt"] >= made["updatedAt"]
    refused(admin.update_project(made["id"], name=5), 422)


def test_list(admin, world):
    listed = ok(admin.list_projects())["projects"]
    assert world.project_id in [one["id"] for one in listed]
    # A member sees its own and nothing else.
    mine = ok(world.member("auditor").api.list_projects())["projects"]
    assert [one["id"] for one in mine] == [world.project_id]


def test_delete(admin):
    made = ok(admin.create_project(projectName="short-lived"))["project"]
    assert ok(admin.delete_project(made["id"]))["project"]["id"] == made["id"]
    refused(admin.get_project(made["id"]), 404)
    refused(admin.delete_project(made["id"]), 404)


def test_a_project_in_use_stays(admin, world):
    refused(admin.delete_project(world.project_id), 400, "BadRequest", "delete them first")
    ok(admin.get_project(world.project_id))


def test_active_project(admin, world):
    """Without projectId the caller's only or the active project is meant, else 400."""
    ok(admin.activate_project(projectId=world.project_id))
    listed = ok(admin.list_policies())
    assert world.policy_id in [one["id"] for one in listed["certificatePolicies"]]
    # A member of one project needs no active one.
    only = ok(world.member("auditor").api.list_policies())
    assert only["certificatePolicies"]


def test_active_project_is_not_another_tenants(admin, world, other_world):
    ok(admin.activate_project(projectId=world.project_id))
    seen = ok(other_world.member("auditor").api.list_policies())["certificatePolicies"]
    assert {one["projectId"] for one in seen} == {other_world.project_id}


def test_unknown_slug_and_unknown_active_project(admin):
    refused(admin.get_project_by_slug("no-such-project"), 404)
    refused(admin.activate_project(projectId="00000000-0000-7000-8000-000000000000"), 404)


@pytest.mark.parametrize("role", ["admin", "issuer", "auditor", "no-access"])
def test_members_make_no_projects(world, role):
    api = world.member(role).api
    refused(api.create_project(projectName="mine"), 403, "PermissionDenied")
    refused(api.activate_project(projectId=world.project_id), 403, "PermissionDenied")


def test_reading_by_role(world):
    for role in ("admin", "issuer", "auditor"):
        ok(world.member(role).api.get_project(world.project_id))
    nobody = world.member("no-access").api
    refused(nobody.get_project(world.project_id), 403, "PermissionDenied")
    refused(nobody.get_project_by_slug(world.project["slug"]), 403, "PermissionDenied")


@pytest.mark.parametrize("role", ["issuer", "auditor", "no-access"])
def test_changing_by_role(world, role):
    api = world.member(role).api
    refused(api.update_project(world.project_id, name="mine"), 403, "PermissionDenied")
    refused(api.delete_project(world.project_id), 403, "PermissionDenied")


def test_a_foreign_project_is_not_found(world, other_world):
    stranger = other_world.member("admin").api
    refused(stranger.get_project(world.project_id), 404)
    refused(stranger.get_project_by_slug(world.project["slug"]), 404)
    refused(stranger.update_project(world.project_id, name="mine"), 404)
    refused(stranger.delete_project(world.project_id), 404)
