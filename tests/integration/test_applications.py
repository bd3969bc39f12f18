"""Applications, as the certificate agent of 2026 finds its profile by them."""
import pytest

from api import issue_paths, ok, refused
from world import fresh

NOBODY = "00000000-0000-7000-8000-000000000000"


def new(world, **more):
    return ok(world.admin.create_application(projectId=world.project_id, name=fresh("app"),
                                             **more))["application"]


def row(world, issued):
    return ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]


def profile_ids(answer):
    return {profile["profileId"] for profile in ok(answer)["profiles"]}


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
    assert told["applicationId"] == made["id"] and told["applicationName"] == made["name"]
    request = ok(agent.search_requests(projectId=world.project_id, applicationId=made["id"]))
    request, = request["certificateRequests"]
    assert request["id"] == issued["certificateRequestId"]
    assert request["applicationName"] == made["name"]


def test_it_is_changed_and_deleted(world):
    made = new(world, profileIds=[world.profile_id])
    changed = ok(world.admin.update_application(made["id"], description="x"))["application"]
    assert changed["description"] == "x" and changed["name"] == made["name"]
    listed = ok(world.admin.list_applications(query={"projectId": world.project_id}))
    assert made["id"] in [one["id"] for one in listed["applications"]]
    ok(world.admin.delete_application(made["id"]))
    refused(world.admin.get_application(made["id"]), 404, "NotFound", "application")
    refused(world.admin.list_application_profiles(made["id"]), 404, "NotFound", "application")
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


# --- profiles ------------------------------------------------------------------------------------

def test_profiles_come_with_it(world):
    second = world.new_profile()
    made = new(world, profileIds=[world.profile_id, second, world.profile_id])
    listed = world.admin.list_application_profiles(made["id"])
    assert profile_ids(listed) == {world.profile_id, second}


def test_all_profiles_or_nothing(world, other_world):
    name = fresh("app")
    refused(world.admin.create_application(
        projectId=world.project_id, name=name, profileIds=[world.profile_id, other_world.profile_id]),
            404, "NotFound", "profile")
    refused(world.admin.create_application(
        projectId=world.project_id, name=name, profileIds=[world.profile_id, NOBODY]), 404)
    refused(world.admin.get_application_by_name(name, query={"projectId": world.project_id}), 404)
    assert issue_paths(world.admin.create_application(
        projectId=world.project_id, name=name, profileIds=["x"])) == {"profileIds.0"}
    refused(world.admin.create_application(
        projectId=world.project_id, name=name, profileIds=[NOBODY] * 101), 422)
    made = new(world)
    refused(world.admin.add_application_profiles(
        made["id"], profileIds=[world.profile_id, NOBODY]), 404, "NotFound", "profile")
    assert profile_ids(world.admin.list_application_profiles(made["id"])) == set()


def test_a_profile_is_named_twice(world):
    made = new(world)
    added = world.admin.add_application_profiles(
        made["id"], profileIds=[world.profile_id, world.profile_id])
    assert profile_ids(added) == {world.profile_id}


def test_a_profile_is_taken_away(world, other_world):
    second = world.new_profile()
    made = new(world, profileIds=[world.profile_id, second])
    remove = world.admin.remove_application_profile
    refused(remove(made["id"], "x"), 422)
    refused(remove(made["id"], NOBODY), 404, "NotFound", "profile")
    refused(other_world.member("admin").api.remove_application_profile(made["id"], second), 404,
            "NotFound", "application")
    refused(world.member("issuer").api.remove_application_profile(made["id"], second), 403,
            "PermissionDenied")
    assert profile_ids(remove(made["id"], second)) == {world.profile_id}
    refused(remove(made["id"], second), 404, "NotFound", "profile")
    refused(world.admin.get_enrollment(made["id"], second), 404, "NotFound", "profile")


def test_a_profile_that_is_deleted_leaves_its_applications(world):
    gone = world.new_profile()
    made = new(world, profileIds=[world.profile_id, gone])
    ok(world.admin.delete_profile(gone))
    assert profile_ids(world.admin.list_application_profiles(made["id"])) == {world.profile_id}
    refused(world.admin.get_enrollment(made["id"], gone), 404, "NotFound", "profile")


def test_profiles_are_listed_by_application(world, other_world):
    second = world.new_profile()
    made, empty = new(world, profileIds=[second]), new(world)

    def listed(application_id, of=world):
        page = ok(of.admin.list_profiles(query={"projectId": of.project_id,
                                                "applicationId": application_id}))
        assert page["totalCount"] == len(page["certificateProfiles"])
        return [profile["id"] for profile in page["certificateProfiles"]]

    assert listed(made["id"]) == [second]
    assert listed(empty["id"]) == listed(NOBODY) == listed(made["id"], other_world) == []
    refused(world.admin.list_profiles(query={"projectId": world.project_id, "applicationId": "x"}),
            422)


# --- issuing -------------------------------------------------------------------------------------

def test_an_application_issues_by_its_profiles_only(world):
    made = new(world)
    refused(world.ask(top={"applicationId": made["id"]}), 400, "BadRequest", "application",
            "profile")
    ok(world.admin.add_application_profiles(made["id"], profileIds=[world.profile_id]))
    ok(world.ask(top={"applicationId": made["id"]}))
    ok(world.admin.remove_application_profile(made["id"], world.profile_id))
    refused(world.ask(top={"applicationId": made["id"]}), 400, "BadRequest", "application")
    refused(world.ask(top={"applicationId": "x"}), 422)


def test_certificates_are_found_by_application(world, other_world):
    made, other = new(world, profileIds=[world.profile_id]), new(world)
    issued = world.issue(top={"applicationId": made["id"]})
    world.issue()

    def found(application_id, of=world):
        page = ok(of.admin.search_certificates(of.project_id, applicationId=application_id))
        return [one["id"] for one in page["certificates"]]

    assert found(made["id"]) == [issued["certificateId"]]
    assert found(other["id"]) == found(NOBODY) == found(made["id"], other_world) == []


# --- how it enrolls ------------------------------------------------------------------------------

def test_enrollment_is_the_applications_own(world):
    made = new(world, profileIds=[world.profile_id])
    ids = {"applicationId": made["id"], "profileId": world.profile_id}
    nothing = {**ids, "estConfigured": False, "acmeConfigured": False, "scepConfigured": False}
    assert ok(world.admin.get_enrollment(made["id"], world.profile_id)) == nothing
    was_set = ok(world.admin.set_enrollment(made["id"], world.profile_id, "api", autoRenew=True,
                                            renewBeforeDays=9))
    api = was_set.pop("api")
    assert was_set == ids
    assert api == {"id": api["id"], "autoRenew": True, "renewBeforeDays": 9, "renewBefore": None}
    assert ok(world.admin.get_enrollment(made["id"], world.profile_id)) == {**nothing, "api": api}
    listed = ok(world.admin.list_application_profiles(made["id"]))["profiles"][0]
    assert listed["apiConfigId"] == api["id"]
    again = ok(world.admin.set_enrollment(made["id"], world.profile_id, "api", autoRenew=True,
                                          renewBefore="12h"))["api"]
    assert again == {"id": api["id"], "autoRenew": True, "renewBeforeDays": None,
                     "renewBefore": "12h"}
    cleared = ok(world.admin.clear_enrollment(made["id"], world.profile_id, "api"))
    assert cleared == {**ids, "api": again}
    assert ok(world.admin.get_enrollment(made["id"], world.profile_id)) == nothing
    refused(world.admin.clear_enrollment(made["id"], world.profile_id, "api"), 404, "NotFound",
            "configuration")


@pytest.mark.parametrize("body, path", [
    ({"autoRenew": "yes"}, "autoRenew"), ({"renewBeforeDays": 0}, "renewBeforeDays"),
    ({"renewBeforeDays": 31}, "renewBeforeDays"), ({"renewBefore": "soon"}, "renewBefore"),
    ({"renewBeforeDays": 7, "renewBefore": "7d"}, "renewBefore")])
def test_a_malformed_configuration(world, body, path):
    made = new(world, profileIds=[world.profile_id])
    assert issue_paths(world.admin.set_enrollment(made["id"], world.profile_id, "api",
                                                  json=body)) == {path}
    assert "api" not in ok(world.admin.get_enrollment(made["id"], world.profile_id))


def test_other_methods_are_not_offered(world):
    made = new(world, profileIds=[world.profile_id])
    for method in ("est", "acme", "scep"):
        for answer in (world.admin.set_enrollment(made["id"], world.profile_id, method,
                                                  passphrase="x" * 20),
                       world.admin.clear_enrollment(made["id"], world.profile_id, method)):
            refused(answer, 400, "BadRequest", method, "not offered")
    refused(world.admin.set_enrollment(made["id"], world.profile_id, "pigeon", x=1), 404,
            "NotFound", "method")


def test_who_sees_and_sets_enrollment(world, other_world):
    made = new(world, profileIds=[world.profile_id])
    stranger = other_world.member("admin").api
    refused(stranger.get_enrollment(made["id"], world.profile_id), 404, "NotFound", "application")
    refused(stranger.set_enrollment(made["id"], world.profile_id, "api", autoRenew=True), 404)
    refused(stranger.clear_enrollment(made["id"], world.profile_id, "api"), 404)
    for role in ("issuer", "auditor"):
        api = world.member(role).api
        assert ok(api.get_enrollment(made["id"], world.profile_id))
        refused(api.set_enrollment(made["id"], world.profile_id, "api", autoRenew=True), 403,
                "PermissionDenied")
        refused(api.clear_enrollment(made["id"], world.profile_id, "api"), 403, "PermissionDenied")


def test_renewal_goes_by_the_application(world):
    profile = world.new_profile(apiConfig={"autoRenew": True, "renewBeforeDays": 7})
    made = new(world, profileIds=[profile])
    top = {"applicationId": made["id"]}
    assert row(world, world.issue(profile, top=top))["renewBeforeDays"] == 7
    ok(world.admin.set_enrollment(made["id"], profile, "api", autoRenew=True, renewBeforeDays=9))
    issued = world.issue(profile, top=top)
    assert row(world, issued)["renewBeforeDays"] == 9
    assert row(world, world.issue(profile))["renewBeforeDays"] == 7
    # Turned off for the one, and on again: by the application's threshold.
    ok(world.admin.configure_renewal(issued["certificateId"], enableAutoRenewal=False))
    ok(world.admin.configure_renewal(issued["certificateId"], enableAutoRenewal=True))
    assert row(world, issued)["renewBeforeDays"] == 9
    # The successor goes by what is said when it is made.
    ok(world.admin.set_enrollment(made["id"], profile, "api", autoRenew=True, renewBefore="36h"))
    renewed = row(world, ok(world.admin.renew(issued["certificateId"])))
    assert renewed["renewBefore"] == "36h" and renewed["applicationId"] == made["id"]
    ok(world.admin.set_enrollment(made["id"], profile, "api", autoRenew=False))
    assert row(world, world.issue(profile, top=top))["renewBeforeDays"] is None


# --- what remains --------------------------------------------------------------------------------

def test_detaching_leaves_what_was_issued(world):
    profile = world.new_profile(apiConfig={"autoRenew": True, "renewBeforeDays": 7})
    made = new(world, profileIds=[profile])
    ok(world.admin.set_enrollment(made["id"], profile, "api", autoRenew=True, renewBeforeDays=9))
    issued = world.issue(profile, top={"applicationId": made["id"]})
    ok(world.admin.remove_application_profile(made["id"], profile))
    assert row(world, issued)["applicationId"] == made["id"]
    renewed = row(world, ok(world.admin.renew(issued["certificateId"])))
    assert (renewed["applicationId"], renewed["renewBeforeDays"]) == (made["id"], 7)
    ok(world.admin.add_application_profiles(made["id"], profileIds=[profile]))
    assert "api" not in ok(world.admin.get_enrollment(made["id"], profile))


def test_deleting_leaves_certificates_of_no_application(world):
    profile = world.new_profile(apiConfig={"autoRenew": True, "renewBeforeDays": 7})
    made, second = new(world, profileIds=[profile]), new(world, profileIds=[profile])
    issued = world.issue(profile, top={"applicationId": made["id"]})
    ok(world.admin.delete_application(made["id"]))
    seen = row(world, issued)
    assert seen["applicationId"] is None and seen["applicationName"] is None
    page = ok(world.admin.search_certificates(world.project_id, applicationId=made["id"]))
    assert page["certificates"] == []
    requests = ok(world.admin.search_requests(projectId=world.project_id, profileIds=[profile]))
    assert [one["applicationId"] for one in requests["certificateRequests"]] == [None]
    renewed = row(world, ok(world.admin.renew(issued["certificateId"])))
    assert renewed["applicationId"] is None and renewed["renewBeforeDays"] == 7
    ok(world.admin.assign_certificate(issued["certificateId"], applicationId=second["id"]))
    assert row(world, issued)["applicationId"] == second["id"]


def test_a_project_with_applications_stays(admin):
    project = ok(admin.create_project(projectName=fresh("p")))["project"]["id"]
    made = ok(admin.create_application(projectId=project, name="a"))["application"]
    refused(admin.delete_project(project), 400, "BadRequest", "applications")
    ok(admin.delete_application(made["id"]))
    ok(admin.delete_project(project))


# --- giving a certificate to an application ------------------------------------------------------

def test_a_certificate_is_assigned_once(world, other_world):
    made, second = new(world, profileIds=[world.profile_id]), new(world,
                                                                  profileIds=[world.profile_id])
    asked = ok(world.ask())
    issued = asked["certificate"]
    assign = world.admin.assign_certificate
    elsewhere = ok(other_world.admin.create_application(
        projectId=other_world.project_id, name=fresh("app")))["application"]["id"]
    for nobody in (NOBODY, elsewhere):
        refused(assign(issued["certificateId"], applicationId=nobody), 404, "NotFound",
                "application")
    assert issue_paths(assign(issued["certificateId"], applicationId="x")) == {"applicationId"}
    assert issue_paths(assign(issued["certificateId"], json={})) == {"applicationId"}
    refused(assign(NOBODY, applicationId=made["id"]), 404, "NotFound", "certificate")
    refused(other_world.member("admin").api.assign_certificate(
        issued["certificateId"], applicationId=elsewhere), 404, "NotFound", "certificate")
    for role in ("issuer", "auditor"):
        refused(world.member(role).api.assign_certificate(
            issued["certificateId"], applicationId=made["id"]), 403, "PermissionDenied")
    assert row(world, issued)["applicationId"] is None
    given = ok(assign(issued["certificateId"], applicationId=made["id"]))["certificate"]
    assert given == row(world, issued)
    assert (given["applicationId"], given["applicationName"]) == (made["id"], made["name"])
    found = ok(world.admin.search_requests(projectId=world.project_id, applicationId=made["id"]))
    assert [one["id"] for one in found["certificateRequests"]] == [asked["certificateRequestId"]]
    for application in (made, second):
        refused(assign(issued["certificateId"], applicationId=application["id"]), 400, "BadRequest",
                made["name"])
    renewed = row(world, ok(world.admin.renew(issued["certificateId"])))
    assert renewed["applicationId"] == made["id"]


def test_only_to_an_application_of_its_profile(world):
    made, issued = new(world), world.issue()
    refused(world.admin.assign_certificate(issued["certificateId"], applicationId=made["id"]), 400,
            "BadRequest", "profile")
    profile = world.self_signed_profile()
    elsewhere = world.issue(profile)
    ok(world.admin.delete_certificate(elsewhere["certificateId"]))
    imported = ok(world.admin.import_certificate(projectId=world.project_id,
                                                 certificatePem=elsewhere["certificate"]))
    given = ok(world.admin.assign_certificate(imported["certificateId"],
                                              applicationId=made["id"]))["certificate"]
    assert given["applicationId"] == made["id"]
