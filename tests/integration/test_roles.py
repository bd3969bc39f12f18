"""Roles: what each built-in one may, roles of a project's own with conditions, and who hands them out."""
import pathlib
import re

import pytest
from api import ROUTES, ok, refused
from world import Member, fresh

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "access.md"
NOBODY = "00000000-0000-7000-8000-000000000000"
GUARDED = [route for route in ROUTES if route.needs_token]
# Without a project in the path these ask for the role in the whole instance, which members lack.
ASKED_OF_THE_INSTANCE = {"projects", "identities", "audit-logs"}
BUILT_IN = ["viewer", "auditor", "issuer", "approver", "operator"]


def documented():
    """{(subject, action): {role: "yes" | "own" | ""}}, as docs/access.md says."""
    rows = re.findall(r"^\| `([a-z-]+)` \| `([a-z-]+)` \|(.*)\|$", DOCS.read_text(encoding="utf-8"),
                      re.M)
    return {(subject, action): dict(zip(BUILT_IN, [cell.strip() for cell in cells.split("|")]))
            for subject, action, cells in rows}


TABLE = documented()


def granted(role, subject, action):
    return {"admin": "yes", "no-access": "", **TABLE[(subject, action)]}[role]


def test_every_route_needs_a_documented_permission():
    assert {(route.subject, route.action) for route in GUARDED} <= set(TABLE)


@pytest.mark.parametrize("role", [*BUILT_IN, "admin", "no-access"])
@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)
def test_every_route_by_every_role(world, route, role):
    """At the route: who has the permission nowhere is refused before ids and bodies are looked at."""
    answer = world.member(role).api.send(route, *[NOBODY] * route.ids)
    if granted(role, route.subject, route.action):
        assert answer.status_code != 401, answer.text
        assert route.subject in ASKED_OF_THE_INSTANCE or "you lack" not in answer.text, answer.text
        return
    denied = refused(answer, 403, "PermissionDenied")["details"]
    assert denied == [{"action": route.action, "inverted": False, "subject": route.subject,
                       "conditions": {}}]


# --- roles of a project's own ---------------------------------------------------------------------

@pytest.fixture(scope="module")
def place(world):
    """A world with two profiles, by their slugs."""
    world.slugs = {}
    for word in ("mine", "theirs"):
        slug = fresh(word)
        world.slugs[word] = (slug, world.new_profile(slug=slug))
    return world


def new_role(place, *permissions, **changes):
    body = {"slug": fresh("role"), "name": "Role", "permissions": list(permissions), **changes}
    return ok(place.admin.create_role(place.project_id, json=body))["role"]


def holder(place, *permissions):
    return Member(place.admin, place.project_id, new_role(place, *permissions)["slug"])


def permission(action, subject="certificates", **more):
    return {"subject": subject, "action": action, **more}


def ask(place, member, word="mine", **attributes):
    names = attributes.pop("names", [])
    alt = [{"type": "dns_name", "value": name} for name in names]
    return place.ask(api=member.api, profile_id=place.slugs[word][1],
                     **attributes, **({"altNames": alt} if alt else {}))


def test_a_role_and_its_life(place):
    made = new_role(place, permission("read"), permission(["issue"], conditions={
        "profileSlug": {"$in": ["a", "b"]}, "san": {"$glob": "*.acme.com"}}), description="x")
    assert made["permissions"] == [
        {"subject": "certificates", "action": ["read"]},
        {"subject": "certificates", "action": ["issue"], "conditions": {
            "profileSlug": {"$in": ["a", "b"]}, "san": {"$glob": "*.acme.com"}}}]
    read = place.admin.get_role(place.project_id, made["id"])
    assert ok(read)["role"] == made
    assert ok(place.admin.get_role_by_slug(place.project_id, made["slug"]))["role"] == made
    listed = ok(place.admin.list_roles(place.project_id))
    assert made["id"] in [role["id"] for role in listed["roles"]] and listed["totalCount"] >= 1
    changed = ok(place.admin.update_role(place.project_id, made["id"], name="Other", slug="other",
                                         permissions=[]))["role"]
    assert (changed["name"], changed["slug"], changed["permissions"]) == ("Other", made["slug"], [])
    ok(place.admin.delete_role(place.project_id, made["id"]))
    refused(place.admin.get_role(place.project_id, made["id"]), 404)


def test_one_profile_and_not_its_neighbour(place):
    slug = place.slugs["mine"][0]
    member = holder(place, permission(["issue", "read"], conditions={"profileSlug": slug}))
    issued = ok(ask(place, member))["certificate"]
    assert ok(member.api.get_certificate(issued["certificateId"]))
    body = refused(ask(place, member, "theirs"), 403, "PermissionDenied", "does not reach")
    assert body["details"] == [{"action": "issue", "inverted": False, "subject": "certificates",
                                "conditions": {"profileSlug": slug}}]
    theirs = place.issue(profile_id=place.slugs["theirs"][1])["certificateId"]
    refused(member.api.get_certificate(theirs), 403, "PermissionDenied")
    refused(member.api.get_bundle(theirs), 403, "PermissionDenied")
    listed = ok(member.api.search_certificates(place.project_id, json={"limit": 100}))
    profiles = {one["profileId"] for one in listed["certificates"]}
    assert profiles == {place.slugs["mine"][1]} and listed["totalCount"] == len(
        listed["certificates"])
    by_id = ok(member.api.search_certificates(place.project_id, json={"search": theirs}))
    assert by_id["certificates"] == []
    refused(member.api.dashboard(place.project_id), 403, "PermissionDenied")


@pytest.mark.parametrize("conditions, allowed, refused_ones", [
    ({"san": {"$glob": "*.web.acme.com"}},
     [{"names": ["a.web.acme.com"]}, {"names": ["A.web.acme.com", "b.web.acme.com"]},
      {"commonName": "a.web.acme.com", "names": ["b.web.acme.com"]},
      {"commonName": "a.web.acme.com"}],
     [{"names": ["a.web.acme.com", "evil.com"]}, {"names": ["web.acme.com"]},
      {"commonName": "evil.com", "names": ["a.web.acme.com"]}, {"organization": "Acme"}]),
    ({"commonName": {"$eq": "a.acme.com"}},
     [{"commonName": "a.acme.com"}, {"commonName": "a.acme.com", "names": ["a.acme.com"]}],
     [{"commonName": "a.acme.com", "names": ["evil.com"]}, {"names": ["a.acme.com"]},
      {"commonName": "b.acme.com"}]),
    ({"commonName": {"$in": ["a", "b"]}, "san": {"$glob": "*"}},
     [{"commonName": "a", "names": ["x.com"]}, {"commonName": "b"}], [{"commonName": "c"}]),
], ids=["san", "commonName", "both"])
def test_names(place, conditions, allowed, refused_ones):
    member = holder(place, permission("issue", conditions=conditions))
    for attributes in allowed:
        ok(ask(place, member, **attributes))
    for attributes in refused_ones:
        refused(ask(place, member, **attributes), 403, "PermissionDenied", "does not reach")


def test_metadata_for_reading(place):
    member = holder(place, permission("read", conditions={"metadata": {"team": {"$in": ["web"]}}}))
    def issued(*values):
        return ok(place.ask(metadata=[{"key": "team", "value": value} for value in values]))[
            "certificate"]["certificateId"]
    ok(member.api.get_certificate(issued("web")))
    for values in (("db",), ("web", "db"), ()):
        refused(member.api.get_certificate(issued(*values)), 403, "PermissionDenied")


def test_own_only(place):
    member = holder(place, permission("issue"), permission(["read", "revoke"], ownOnly=True))
    own = ok(ask(place, member))["certificate"]["certificateId"]
    other = place.issue()["certificateId"]
    ok(member.api.get_certificate(own))
    refused(member.api.get_certificate(other), 403, "PermissionDenied")
    refused(member.api.revoke(other, revocationReason="SUPERSEDED"), 403, "PermissionDenied")
    listed = ok(member.api.list_certificates(place.project_id))["certificates"]
    assert [one["id"] for one in listed] == [own]
    ok(member.api.revoke(own, revocationReason="SUPERSEDED"))


def test_requests_under_conditions(place):
    slug = place.slugs["mine"][0]
    member = holder(place, permission("issue"), permission(
        "read", "certificate-requests",
        conditions={"profileSlug": slug, "san": {"$glob": "*.req.acme.com"}}))
    seen = ok(ask(place, member, commonName="a.req.acme.com"))["certificateRequestId"]
    unseen = ok(ask(place, member, commonName="a.acme.com"))["certificateRequestId"]
    listed = ok(member.api.list_requests(query={"projectId": place.project_id}))
    assert [one["id"] for one in listed["certificateRequests"]] == [seen]
    refused(member.api.get_request(unseen), 403, "PermissionDenied")


def test_a_renewal_fulfils_the_conditions(place):
    member = holder(place, permission(["issue", "read"]), permission("renew", conditions={
        "san": {"$glob": "*.acme.com"}}))
    fine = ok(ask(place, member, names=["a.acme.com"]))["certificate"]["certificateId"]
    other = ok(ask(place, member, names=["evil.com"]))["certificate"]["certificateId"]
    ok(member.api.renew(fine))
    refused(member.api.renew(other), 403, "PermissionDenied", "does not reach")


def test_a_change_of_a_role_holds_for_its_holders(place):
    role = new_role(place, permission("read"))
    member = Member(place.admin, place.project_id, role["slug"])
    ok(member.api.list_certificates(place.project_id))
    ok(place.admin.update_role(place.project_id, role["id"], permissions=[]))
    refused(member.api.list_certificates(place.project_id), 403, "PermissionDenied")


# --- handing out ----------------------------------------------------------------------------------

MANAGE = [permission(["read", "create", "edit", "delete"], "identities"),
          permission(["read", "create", "edit", "delete"], "roles")]


def test_nobody_hands_out_what_they_lack(place):
    manager = holder(place, *MANAGE, permission("read"))
    for role in ("admin", "issuer", "auditor", "operator"):
        refused(manager.api.create_project_identity(place.project_id, name="x", role=role), 403,
                "ForbiddenError", "lack")
    ok(manager.api.create_project_identity(place.project_id, name="x", role="no-access"))
    body = {"slug": fresh("r"), "name": "r"}
    refused(manager.api.create_role(place.project_id, json={
        **body, "permissions": [permission("issue")]}), 403, "ForbiddenError")
    made = ok(manager.api.create_role(place.project_id, json={
        **body, "permissions": [permission("read", conditions={"profileSlug": "x"})]}))["role"]
    refused(manager.api.update_role(place.project_id, made["id"], permissions=[
        permission("read-private-key")]), 403, "ForbiddenError")
    strong = new_role(place, permission("issue"))
    refused(manager.api.update_role(place.project_id, strong["id"], permissions=[]), 403,
            "ForbiddenError")
    refused(manager.api.delete_role(place.project_id, strong["id"]), 403, "ForbiddenError")


def test_nobody_acts_as_who_may_more(place):
    manager = holder(place, *MANAGE)
    issuer = Member(place.admin, place.project_id, "issuer")
    refused(manager.api.create_client_secret(issuer.id), 403)
    refused(manager.api.update_member(place.project_id, issuer.id, role="no-access"), 403,
            "ForbiddenError")
    refused(manager.api.remove_member(place.project_id, issuer.id), 403, "ForbiddenError")
    refused(manager.api.delete_identity(issuer.id), 403)
    weak = ok(manager.api.create_project_identity(place.project_id, name="x"))["identity"]["id"]
    ok(manager.api.delete_identity(weak))


def test_the_same_conditions_may_be_handed_on(place):
    narrow = {"profileSlug": place.slugs["mine"][0]}
    manager = holder(place, *MANAGE, permission("issue", conditions=narrow))
    made = ok(manager.api.create_role(place.project_id, json={
        "slug": fresh("r"), "name": "r", "permissions": [permission("issue", conditions=narrow)]}))
    ok(manager.api.create_project_identity(place.project_id, name="x", role=made["role"]["slug"]))
    for conditions in ({}, {"profileSlug": "other"}):
        refused(manager.api.create_role(place.project_id, json={
            "slug": fresh("r"), "name": "r",
            "permissions": [permission("issue", conditions=conditions)]}), 403, "ForbiddenError")


def test_a_deleted_role_does_not_come_back(place):
    role = new_role(place, permission("read"))
    member = Member(place.admin, place.project_id, role["slug"])
    refused(place.admin.delete_role(place.project_id, role["id"]), 400, "BadRequest", "still have")
    ok(place.admin.update_member(place.project_id, member.id, role="no-access"))
    ok(place.admin.delete_role(place.project_id, role["id"]))
    new_role(place, permission("read"), slug=role["slug"])
    refused(member.api.list_certificates(place.project_id), 403, "PermissionDenied")


@pytest.mark.parametrize("wrong, path", [
    (permission("read", "nothing"), ["permissions", "0", "action"]),
    (permission("fly"), ["permissions", "0", "action"]),
    (permission([]), ["permissions", "0", "action"]),
    (permission("read", "projects", conditions={"profileSlug": "x"}),
     ["permissions", "0", "conditions"]),
    (permission("issue", conditions={"metadata": {"a": "b"}}),
     ["permissions", "0", "conditions", "metadata"]),
    (permission("renew", conditions={"metadata": {"a": "b"}}),
     ["permissions", "0", "conditions", "metadata"]),
    (permission("read", conditions={"colour": "red"}), ["permissions", "0", "conditions", "colour"]),
    (permission("read", conditions={"san": {"$regex": ".*"}}),
     ["permissions", "0", "conditions", "san"]),
    (permission("read", conditions={"san": {}}), ["permissions", "0", "conditions", "san"]),
    (permission("read", conditions={"san": {"$in": []}}), ["permissions", "0", "conditions", "san"]),
    (permission("read", conditions={"san": 7}), ["permissions", "0", "conditions", "san"]),
    (permission("read", conditions={"metadata": {}}),
     ["permissions", "0", "conditions", "metadata"]),
    (permission("read", inverted=True), ["permissions", "0", "inverted"]),
    (permission("issue", ownOnly=True), ["permissions", "0", "ownOnly"]),
    ({"subject": "certificates"}, ["permissions", "0", "action"]),
    (permission("read", conditions=[]), ["permissions", "0", "conditions"]),
], ids=str)
def test_a_permission_that_is_none(place, wrong, path):
    answer = place.admin.create_role(place.project_id, json={
        "slug": fresh("r"), "name": "r", "permissions": [wrong]})
    issues = refused(answer, 422, "ValidationFailure")["message"]
    assert path in [[str(part) for part in issue["path"]] for issue in issues], issues


@pytest.mark.parametrize("slug", ["admin", "operator", "no-access"])
def test_built_in_names_are_taken(place, slug):
    refused(place.admin.create_role(place.project_id, json={
        "slug": slug, "name": "r", "permissions": []}), 403, "ForbiddenError", "built-in")


def test_an_unknown_role(place):
    refused(place.admin.create_project_identity(place.project_id, name="x", role="nobody-has-this"),
            422, "ValidationFailure")


def test_a_role_is_of_its_project_only(place, other_world):
    role = new_role(place, permission("read"))
    refused(place.admin.get_role(other_world.project_id, role["id"]), 404)
    refused(place.admin.update_role(other_world.project_id, role["id"], name="x"), 404)
    refused(place.admin.delete_role(other_world.project_id, role["id"]), 404)
    refused(place.admin.create_project_identity(other_world.project_id, name="x",
                                                role=role["slug"]), 422)
