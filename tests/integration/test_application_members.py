"""Who has a role in an application, and what it is good for: there, and nowhere else."""
import pytest

from api import UUID, issue_paths, ok, refused
from world import Member, fresh

NOBODY = "00000000-0000-7000-8000-000000000000"


def new(world, **more):
    return ok(world.admin.create_application(projectId=world.project_id, name=fresh("app"),
                                             **{"profileIds": [world.profile_id], **more}))[
                                                 "application"]


def join(world, application, role, project_role="no-access"):
    """A member of the project with a role in the application."""
    member = Member(world.admin, world.project_id, project_role)
    ok(world.admin.add_application_identity(application["id"], member.id, role=role))
    return member


def members(api, application):
    return {one["actorIdentityId"]: one["role"]
            for one in ok(api.list_application_identities(application["id"]))["memberships"]}


class Shop:
    """An application with one member of each role, a certificate of its own, and one beside it."""

    def __init__(self, world):
        self.world = world
        self.application = new(world)
        self.top = {"applicationId": self.application["id"]}
        self.member = {role: join(world, self.application, role)
                       for role in ("admin", "operator", "auditor")}
        self.asked = ok(world.ask(top=self.top))
        self.own = self.asked["certificate"]["certificateId"]
        self.other = world.issue()["certificateId"]

    def api(self, role):
        return self.member[role].api

    def issue(self, role="operator"):
        return ok(self.world.ask(api=self.api(role), top=self.top))["certificate"]


@pytest.fixture(scope="module")
def shop(world):
    return Shop(world)


ROLES = pytest.mark.parametrize("role", ["admin", "operator", "auditor"])


# --- membership ----------------------------------------------------------------------------------

def test_a_member_comes_and_goes(world):
    made, identity = new(world), Member(world.admin, world.project_id, "no-access").id
    added = ok(world.admin.add_application_identity(made["id"], identity, role="operator"))
    member = added["membership"]
    assert set(member) == {"id", "membershipId", "applicationId", "actorIdentityId", "actorUserId",
                           "actorGroupId", "name", "role", "createdAt", "updatedAt"}
    assert UUID.match(member["membershipId"]) and member["actorIdentityId"] == identity
    assert (member["applicationId"], member["role"]) == (made["id"], "operator")
    assert ok(world.admin.list_application_identities(made["id"])) == {"memberships": [member]}
    changed = ok(world.admin.update_application_identity(made["id"], identity, role="admin"))
    assert changed["membership"]["role"] == "admin"
    gone = ok(world.admin.remove_application_identity(made["id"], identity))
    assert gone["membership"]["role"] == "admin"
    assert members(world.admin, made) == {}
    # The other way to say it.
    ok(world.admin.create_application_identity(made["id"], identityId=identity, role="auditor"))
    assert members(world.admin, made) == {identity: "auditor"}


def test_what_is_refused(world, other_world):
    made, identity = new(world), world.member("issuer").id
    for answer in (world.admin.add_application_identity(made["id"], identity, role="issuer"),
                   world.admin.update_application_identity(made["id"], identity, role="x"),
                   world.admin.add_application_identity(made["id"], identity, json={})):
        assert issue_paths(answer) == {"role"}
    assert issue_paths(world.admin.create_application_identity(
        made["id"], role="auditor", identityId="x")) == {"identityId"}
    refused(world.admin.update_application_identity(made["id"], identity, role="admin"), 404,
            "NotFound", "identity")
    refused(world.admin.remove_application_identity(made["id"], identity), 404)
    refused(world.admin.add_application_identity(made["id"], NOBODY, role="admin"), 404,
            "NotFound", "identity")
    # Nobody brings in whom they cannot see, or acts on an application that is not theirs.
    stranger = other_world.member("issuer").id
    refused(world.member("admin").api.add_application_identity(made["id"], stranger,
                                                               role="auditor"), 404)
    elsewhere = other_world.member("admin").api
    refused(elsewhere.add_application_identity(made["id"], stranger, role="auditor"), 404,
            "NotFound", "application")
    refused(elsewhere.list_application_identities(made["id"]), 404, "NotFound", "application")
    for role in ("issuer", "auditor"):
        refused(world.member(role).api.add_application_identity(made["id"], identity, role="admin"),
                403, "PermissionDenied")
        assert ok(world.member(role).api.list_application_identities(made["id"]))
    assert members(world.admin, made) == {}


def test_an_administrator_brings_somebody_into_the_project(world):
    made = new(world)
    identity = ok(world.admin.create_identity(name=fresh("machine")))["identity"]["id"]
    ok(world.admin.add_application_identity(made["id"], identity, role="auditor"))
    assert ok(world.admin.get_member(world.project_id, identity))["identityMembership"][
        "role"] == "no-access"


def test_people_come_as_identities_and_groups_are_none(world):
    made = new(world)
    assert ok(world.admin.list_application_users(made["id"])) == {"memberships": []}
    assert ok(world.admin.list_application_groups(made["id"])) == {"memberships": []}
    for answer in (world.admin.add_application_users(made["id"], emails=["a@b.c"], role="admin"),
                   world.admin.update_application_user(made["id"], NOBODY, role="admin"),
                   world.admin.remove_application_user(made["id"], NOBODY)):
        refused(answer, 404, "NotFound", "user", "are identities here")
    for answer in (world.admin.add_application_group(made["id"], NOBODY, role="admin"),
                   world.admin.update_application_group(made["id"], NOBODY, role="admin"),
                   world.admin.remove_application_group(made["id"], NOBODY)):
        refused(answer, 404, "NotFound", "group", "are identities here")


# --- what a role is good for ---------------------------------------------------------------------

@ROLES
def test_every_role_reads_what_is_the_applications(shop, role):
    api, made = shop.api(role), shop.application
    assert ok(api.get_application(made["id"]))["application"] == made
    assert ok(api.get_application_by_name(made["name"]))["application"] == made
    listed = ok(api.list_applications(query={"projectId": shop.world.project_id}))
    assert [one["id"] for one in listed["applications"]] == [made["id"]]
    assert ok(api.list_application_profiles(made["id"]))["profiles"]
    assert ok(api.get_enrollment(made["id"], shop.world.profile_id))
    assert ok(api.list_application_identities(made["id"]))
    assert ok(api.get_certificate(shop.own)) and ok(api.get_certificate_body(shop.own))
    assert ok(api.get_request(shop.asked["certificateRequestId"]))["status"] == "issued"


@ROLES
def test_and_nothing_else(shop, role):
    api, world = shop.api(role), shop.world
    second = new(world)
    request = ok(world.ask())["certificateRequestId"]
    for answer in (api.get_certificate(shop.other), api.get_bundle(shop.other),
                   api.get_private_key(shop.other), api.renew(shop.other),
                   api.revoke(shop.other, revocationReason="SUPERSEDED"),
                   api.get_request(request), api.get_application(second["id"]),
                   api.list_application_identities(second["id"]),
                   world.ask(api=api), world.ask(api=api, top={"applicationId": second["id"]}),
                   api.dashboard(world.project_id), api.list_policies(),
                   api.list_certificates_of_profile(world.profile_id),
                   api.get_latest_bundle(world.profile_id), api.get_profile(world.profile_id),
                   api.create_application(projectId=world.project_id, name=fresh("x")),
                   api.delete_application(shop.application["id"]),
                   api.add_application_profiles(shop.application["id"], profileIds=[]),
                   api.remove_application_profile(shop.application["id"], world.profile_id),
                   api.assign_certificate(shop.other, applicationId=shop.application["id"])):
        refused(answer, 403, "PermissionDenied")
    refused(api.get_application_by_name(second["name"]), 404, "NotFound", "application")


@ROLES
def test_searches_show_what_is_the_applications(shop, role):
    api, world = shop.api(role), shop.world
    theirs = {one["id"] for one in ok(world.admin.search_certificates(
        world.project_id, limit=100, **shop.top))["certificates"]}
    assert shop.own in theirs

    def found(**body):
        page = ok(api.search_certificates(world.project_id, limit=100, **body))
        assert page["totalCount"] == len(page["certificates"])
        return {one["id"] for one in page["certificates"]}

    assert found() == found(**shop.top) == theirs
    assert found(search=shop.other) == found(applicationId=new(world)["id"]) == set()
    assert found(search=shop.own) == {shop.own}
    listed = ok(api.list_certificates(world.project_id, query={"limit": 100}))["certificates"]
    assert {one["id"] for one in listed} == theirs
    requests = ok(api.search_requests(projectId=world.project_id, limit=100))["certificateRequests"]
    assert {one["applicationId"] for one in requests} == {shop.application["id"]}


def test_an_auditor_changes_nothing(shop):
    api, made, profile = shop.api("auditor"), shop.application, shop.world.profile_id
    somebody = shop.world.member("issuer").id
    for answer in (shop.world.ask(api=api, top=shop.top), api.renew(shop.own),
                   api.revoke(shop.own, revocationReason="SUPERSEDED"),
                   api.get_private_key(shop.own), api.update_certificate(shop.own, metadata=[]),
                   api.set_enrollment(made["id"], profile, "api", autoRenew=True),
                   api.add_application_identity(made["id"], somebody, role="auditor")):
        refused(answer, 403, "PermissionDenied")
    assert ok(api.get_bundle(shop.own))["privateKey"] is None


def test_an_operator_issues_renews_and_revokes(shop):
    api = shop.api("operator")
    issued = shop.issue()
    assert issued["privateKey"] == ok(api.get_private_key(issued["certificateId"]))
    renewed = ok(api.renew(issued["certificateId"]))
    assert renewed["privateKey"]
    ok(api.revoke(renewed["certificateId"], revocationReason="SUPERSEDED"))
    # Of what others asked for: all but the key.
    theirs = shop.world.issue(top=shop.top)["certificateId"]
    refused(api.get_private_key(theirs), 403, "PermissionDenied", "read-private-key")
    successor = ok(api.renew(theirs))
    assert "privateKey" not in successor
    ok(api.revoke(successor["certificateId"], revocationReason="CERTIFICATE_HOLD"))
    refused(api.revoke(successor["certificateId"], revocationReason="REMOVE_FROM_CRL"), 403,
            "PermissionDenied")
    for answer in (api.update_certificate(theirs, metadata=[]), api.delete_certificate(theirs),
                   api.configure_renewal(theirs, enableAutoRenewal=False),
                   api.update_application(shop.application["id"], description="x"),
                   api.set_enrollment(shop.application["id"], shop.world.profile_id, "api",
                                      autoRenew=True),
                   api.add_application_identity(shop.application["id"],
                                                shop.world.member("issuer").id, role="auditor")):
        refused(answer, 403, "PermissionDenied")


def test_an_operator_issues_by_the_applications_profiles_only(shop):
    second = shop.world.new_profile()
    refused(shop.world.ask(second, api=shop.api("operator"), top=shop.top), 400, "BadRequest",
            "application")


def test_an_administrator_manages_the_application(shop):
    api, made = shop.api("admin"), shop.application
    theirs = shop.issue()
    assert ok(api.get_private_key(theirs["certificateId"])) == theirs["privateKey"]
    ok(api.update_certificate(theirs["certificateId"], metadata=[{"key": "k", "value": "v"}]))
    ok(api.delete_certificate(theirs["certificateId"]))
    assert ok(api.update_application(made["id"], description="ours"))
    shop.application["description"] = "ours"
    shop.application["updatedAt"] = ok(api.get_application(made["id"]))["application"]["updatedAt"]
    ok(api.set_enrollment(made["id"], shop.world.profile_id, "api", autoRenew=False))
    ok(api.clear_enrollment(made["id"], shop.world.profile_id, "api"))
    somebody = Member(shop.world.admin, shop.world.project_id, "no-access").id
    ok(api.add_application_identity(made["id"], somebody, role="operator"))
    ok(api.update_application_identity(made["id"], somebody, role="auditor"))
    ok(api.remove_application_identity(made["id"], somebody))
    # Whoever is not in the project is not for an application's administrator to bring in.
    stranger = ok(shop.world.admin.create_identity(name=fresh("m")))["identity"]["id"]
    refused(api.add_application_identity(made["id"], stranger, role="auditor"), 404, "NotFound",
            "identity")


def test_an_administrator_brings_nobody_into_the_project(world, other_world):
    """Not even whom they see elsewhere."""
    made = new(world)
    member = join(world, made, "admin")
    ok(world.admin.add_member(other_world.project_id, member.id, role="auditor"))
    seen = other_world.member("issuer").id
    assert ok(member.api.get_member(other_world.project_id, seen))
    refused(member.api.add_application_identity(made["id"], seen, role="auditor"), 404, "NotFound",
            "identity")
    refused(world.admin.get_member(world.project_id, seen), 404)


@ROLES
def test_by_serial_number_as_well(shop, role):
    api = shop.api(role)
    own, other = (ok(shop.world.admin.get_certificate(one))["certificate"]["serialNumber"]
                  for one in (shop.own, shop.other))
    assert ok(api.get_by_serial(own))["certificate"]["id"] == shop.own
    refused(api.get_by_serial(other), 403, "PermissionDenied")
    refused(api.get_private_key_by_serial(other), 403, "PermissionDenied")
    refused(api.revoke_by_serial(other, revocationReason="SUPERSEDED"), 403, "PermissionDenied")


def test_a_member_finds_the_applications_profiles(shop):
    """As the Kubernetes issuer of 2026 does: application by name, profile by slug."""
    world, api = shop.world, shop.api("operator")
    slug = ok(world.admin.get_profile(world.profile_id))["certificateProfile"]["slug"]
    query = {"projectId": world.project_id}
    assert ok(api.get_profile_by_slug(slug, query=query))["certificateProfile"][
        "id"] == world.profile_id
    hidden = fresh("hidden")
    world.new_profile(slug=hidden)
    refused(api.get_profile_by_slug(hidden, query=query), 404, "NotFound", "profile")


# --- when it ends --------------------------------------------------------------------------------

def test_a_role_ends_at_once(world):
    made = new(world)
    top = {"applicationId": made["id"]}
    member = join(world, made, "operator")
    issued = ok(world.ask(api=member.api, top=top))["certificate"]["certificateId"]
    ok(world.admin.update_application_identity(made["id"], member.id, role="auditor"))
    refused(world.ask(api=member.api, top=top), 403, "PermissionDenied")
    assert ok(member.api.get_certificate(issued))
    ok(world.admin.remove_application_identity(made["id"], member.id))
    refused(member.api.get_certificate(issued), 403, "PermissionDenied")


def test_leaving_the_project_is_leaving_its_applications(world):
    made = new(world)
    member = join(world, made, "operator")
    ok(world.admin.remove_member(world.project_id, member.id))
    assert members(world.admin, made) == {}
    refused(world.ask(api=member.api, top={"applicationId": made["id"]}), 403)
    ok(world.admin.add_member(world.project_id, member.id, role="no-access"))
    refused(world.ask(api=member.api, top={"applicationId": made["id"]}), 403, "PermissionDenied")


def test_members_go_with_what_they_are_of(world):
    made, second = new(world), new(world)
    member = join(world, made, "operator")
    ok(world.admin.add_application_identity(second["id"], member.id, role="operator"))
    ok(world.admin.delete_application(made["id"]))
    assert ok(world.ask(api=member.api, top={"applicationId": second["id"]}))
    ok(world.admin.delete_identity(member.id))
    assert members(world.admin, second) == {}


def test_a_role_adds_to_that_in_the_project(world):
    made = new(world)
    member = join(world, made, "admin", project_role="issuer")
    beside, theirs = world.issue(), world.issue(top={"applicationId": made["id"]})
    refused(member.api.get_private_key(beside["certificateId"]), 403, "PermissionDenied")
    assert ok(member.api.get_private_key(theirs["certificateId"])) == theirs["privateKey"]
    found = ok(member.api.search_certificates(world.project_id, limit=100))["certificates"]
    assert {beside["certificateId"], theirs["certificateId"]} <= {one["id"] for one in found}
    assert ok(world.ask(api=member.api))
