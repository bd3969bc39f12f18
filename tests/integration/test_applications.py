"""Applications, as the certificate agent of 2026 finds its profile by them."""
from api import ok, refused
from world import fresh


def new(world, **more):
    return ok(world.admin.create_application(projectId=world.project_id, name=fresh("app"),
                                             **more))["application"]


def test_the_agent_finds_its_profile_and_issues(world):
    made = new(world, description="shop")
    assert set(made) == {"id", "projectId", "name", "description", "createdAt", "updatedAt"}
    added = ok(world.admin.add_application_profiles(made["id"], profileIds=[world.profile_id]))
    again = ok(world.admin.add_application_profiles(made["id"], profileIds=[world.profile_id]))
    assert len(added["profiles"]) == len(again["profiles"]) == 1
    agent = world.member("issuer").api
    found = ok(agent.get_application_by_name(made["name"]))["application"]
    assert found == made
    profile = ok(agent.list_application_profiles(found["id"]))["profiles"][0]
    assert profile["applicationId"] == made["id"] and profile["profileId"] == world.profile_id
    issued = ok(world.ask(profile["profileId"], api=agent, top={"applicationId": made["id"]}))
    told = ok(agent.get_certificate(issued["certificate"]["certificateId"]))["certificate"]
    assert told["applicationId"] == made["id"]


def test_it_is_changed_and_deleted(world):
    made = new(world)
    ok(world.admin.add_application_profiles(made["id"], profileIds=[world.profile_id]))
    changed = ok(world.admin.update_application(made["id"], description="x"))["application"]
    assert changed["description"] == "x" and changed["name"] == made["name"]
    listed = ok(world.admin.list_applications(query={"projectId": world.project_id}))
    assert made["id"] in [one["id"] for one in listed["applications"]]
    ok(world.admin.delete_application(made["id"]))
    refused(world.admin.get_application(made["id"]), 404, "NotFound", "application")
    refused(world.ask(top={"applicationId": made["id"]}), 404, "NotFound", "application")


def test_what_is_refused(world, other_world):
    made = new(world)
    refused(world.admin.create_application(projectId=world.project_id, name=made["name"]), 403,
            "ForbiddenError", "name")
    refused(world.admin.create_application(projectId=world.project_id, name=""), 422)
    refused(world.admin.add_application_profiles(made["id"], profileIds=["x"]), 422)
    refused(world.admin.add_application_profiles(made["id"], profileIds=[other_world.profile_id]),
            404, "NotFound", "profile")
    stranger = other_world.member("admin").api
    refused(stranger.get_application(made["id"]), 404)
    refused(stranger.get_application_by_name(made["name"]), 404)
    refused(other_world.ask(top={"applicationId": made["id"]}), 404, "NotFound", "application")
    for role in ("issuer", "auditor"):
        api = world.member(role).api
        refused(api.add_application_profiles(made["id"], profileIds=[]), 403, "PermissionDenied")
        refused(api.delete_application(made["id"]), 403, "PermissionDenied")
        assert ok(api.get_application(made["id"]))
