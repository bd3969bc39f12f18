"""Certificate profiles."""
import concurrent.futures

import pytest

from api import TIME, UUID, Api, issue_paths, ok, refused
from world import fresh

MEMBERS = {"id", "projectId", "caId", "certificatePolicyId", "slug", "description",
           "enrollmentType", "issuerType", "estConfigId", "apiConfigId", "acmeConfigId", "defaults",
           "createdAt", "updatedAt", "apiConfig", "externalConfigs"}
NOBODY = "00000000-0000-7000-8000-000000000000"


def body(world, **changes):
    members = {"projectId": world.project_id, "caId": world.ca_id,
               "certificatePolicyId": world.policy_id, "slug": fresh("profile"),
               "enrollmentType": "api", "apiConfig": {}, **changes}
    return {key: value for key, value in members.items() if value != "absent"}


def create(world, **changes):
    return world.admin.create_profile(json=body(world, **changes))


def test_create_and_read(world):
    made = ok(create(world, description="for the web", defaults={"ttlDays": 30},
                     apiConfig={"autoRenew": True, "renewBeforeDays": 7}))["certificateProfile"]
    assert MEMBERS <= set(made)
    for member in ("id", "apiConfigId"):
        assert UUID.match(made[member])
    assert TIME.match(made["createdAt"]) and TIME.match(made["updatedAt"])
    assert (made["issuerType"], made["enrollmentType"]) == ("ca", "api")
    assert made["estConfigId"] is None and made["acmeConfigId"] is None
    assert made["apiConfig"] == {"id": made["apiConfigId"], "autoRenew": True, "renewBeforeDays": 7,
                                 "renewBefore": None}
    assert made["defaults"] == {"ttlDays": 30}
    read = ok(world.admin.get_profile(made["id"]))["certificateProfile"]
    assert {key: value for key, value in read.items() if key != "certificatePolicy"} == made
    assert read["certificateAuthority"]["id"] == world.ca_id
    assert read["certificateAuthority"]["status"] == "active"
    assert read["certificatePolicy"]["id"] == world.policy_id


@pytest.mark.parametrize("spelling", ["api", "API", "Api", "aPi"])
def test_the_enrollment_type_keeps_its_creators_spelling(world, spelling):
    slug = fresh("spelling")
    made = ok(create(world, enrollmentType=spelling, slug=slug))["certificateProfile"]
    assert made["enrollmentType"] == spelling
    query = {"projectId": world.project_id}
    for read in (world.admin.get_profile(made["id"]),
                 world.admin.get_profile_by_slug(slug, query=query),
                 world.admin.get_old_profile(made["id"])):
        assert ok(read)["certificateProfile"]["enrollmentType"] == spelling
    listed = ok(world.admin.list_profiles(query={**query, "search": slug}))["certificateProfiles"]
    assert [one["enrollmentType"] for one in listed] == [spelling]
    world.issue(made["id"])


def test_by_slug(world):
    slug = fresh("slug")
    made = ok(create(world, slug=slug))["certificateProfile"]
    query = {"projectId": world.project_id}
    for read in (world.admin.get_profile_by_slug(slug, query=query),
                 world.admin.get_old_profile_by_slug(slug, query=query)):
        assert ok(read)["certificateProfile"]["id"] == made["id"]
    refused(world.admin.get_profile_by_slug("no-such-slug", query=query), 404)


def test_duplicate_slug(world, other_world):
    slug = fresh("slug")
    ok(create(world, slug=slug))
    refused(create(world, slug=slug), 403, "ForbiddenError", slug)
    ok(create(other_world, slug=slug))  # another project has slugs of its own


def test_one_slug_asked_for_at_once(world):
    slug = fresh("race")

    def make(_):
        return Api(world.admin.url, world.admin.token).create_profile(json=body(world, slug=slug))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(make, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 7


def test_the_old_prefix_serves_the_same(world):
    made = ok(world.admin.create_old_profile(json=body(world)))["certificateProfile"]
    assert ok(world.admin.get_profile(made["id"]))["certificateProfile"]["id"] == made["id"]
    query = {"projectId": world.project_id}
    assert ok(world.admin.list_old_profiles(query=query)) == ok(
        world.admin.list_profiles(query=query))
    ok(world.admin.update_old_profile(made["id"], description="changed"))
    ok(world.admin.delete_old_profile(made["id"]))
    refused(world.admin.get_old_profile(made["id"]), 404)


@pytest.mark.parametrize("changes,where", [
    ({"slug": "UPPER"}, "slug"), ({"slug": ""}, "slug"), ({"slug": "a" * 256}, "slug"),
    ({"slug": 7}, "slug"), ({"slug": "absent"}, "slug"),
    ({"certificatePolicyId": "absent"}, "certificatePolicyId"),
    ({"certificatePolicyId": "nonsense"}, "certificatePolicyId"),
    ({"caId": "absent"}, "caId"), ({"caId": "nonsense"}, "caId"),
    ({"issuerType": "self-signed"}, "caId"), ({"issuerType": "elsewhere"}, "issuerType"),
    ({"enrollmentType": "pigeon"}, "enrollmentType"), ({"enrollmentType": 3}, "enrollmentType"),
    ({"apiConfig": "absent"}, "apiConfig"), ({"apiConfig": 1}, "apiConfig"),
    ({"apiConfig": {"autoRenew": "yes"}}, "apiConfig.autoRenew"),
    ({"apiConfig": {"renewBeforeDays": 0}}, "apiConfig.renewBeforeDays"),
    ({"apiConfig": {"renewBeforeDays": 31}}, "apiConfig.renewBeforeDays"),
    ({"apiConfig": {"renewBeforeDays": "7"}}, "apiConfig.renewBeforeDays"),
    ({"estConfig": {"passphrase": "x"}}, "estConfig"), ({"acmeConfig": {}}, "acmeConfig"),
    ({"defaults": {"ttlDays": 0}}, "defaults.ttlDays"),
    ({"defaults": {"ttlDays": "30"}}, "defaults.ttlDays"),
    ({"defaults": {"keyUsages": ["fly"]}}, "defaults.keyUsages.0"),
    ({"defaults": {"extendedKeyUsages": ["fly"]}}, "defaults.extendedKeyUsages.0"),
    ({"defaults": {"keyAlgorithm": "RSA_512"}}, "defaults.keyAlgorithm"),
    ({"defaults": {"signatureAlgorithm": "MD5"}}, "defaults.signatureAlgorithm"),
    ({"defaults": {"basicConstraints": {"pathLength": -1}}},
     "defaults.basicConstraints.pathLength"),
    ({"description": "x" * 1001}, "description"), ({"keyRetention": "sometimes"}, "keyRetention"),
    ({"apiConfig": "yes"}, "apiConfig"), ({"apiConfig": []}, "apiConfig"),
], ids=lambda case: str(case)[:50])
def test_wrong_fields(world, changes, where):
    assert where in issue_paths(create(world, **changes))


def test_references_must_be_there(world, other_world):
    refused(create(world, certificatePolicyId=NOBODY), 404, "NotFound", "policy")
    refused(create(world, caId=NOBODY), 404, "NotFound", "authority")
    # Objects that refer to one another share the project.
    refused(create(world, certificatePolicyId=other_world.policy_id), 404, "NotFound", "policy")
    refused(create(world, caId=other_world.ca_id), 404, "NotFound", "authority")


def test_external_configs_need_an_external_ca(world):
    refused(create(world, externalConfigs={"template": "x"}), 403, "ForbiddenError")


def test_update(world):
    made = ok(create(world, description="old", defaults={"ttlDays": 3}))["certificateProfile"]
    new = ok(world.admin.update_profile(made["id"], json={
        "slug": fresh("renamed"), "description": None, "defaults": None,
        "apiConfig": {"autoRenew": True, "renewBeforeDays": 3}}))["certificateProfile"]
    assert new["description"] is None and new["defaults"] is None
    assert new["apiConfig"] == {"id": made["apiConfigId"], "autoRenew": True, "renewBeforeDays": 3,
                                "renewBefore": None}
    # Neither CA nor policy change, whatever a client sends.
    same = ok(world.admin.update_profile(made["id"], json={
        "caId": world.root_id, "certificatePolicyId": NOBODY}))["certificateProfile"]
    assert (same["caId"], same["certificatePolicyId"]) == (world.ca_id, world.policy_id)


def test_update_keeps_what_is_not_said_of_the_configuration(world):
    made = ok(create(world, apiConfig={"autoRenew": True, "renewBeforeDays": 9}))
    profile_id = made["certificateProfile"]["id"]
    new = ok(world.admin.update_profile(profile_id, apiConfig={"renewBeforeDays": 4}))
    assert new["certificateProfile"]["apiConfig"]["autoRenew"] is True
    assert new["certificateProfile"]["apiConfig"]["renewBeforeDays"] == 4


def test_update_refuses(world):
    first = ok(create(world))["certificateProfile"]
    second = ok(create(world))["certificateProfile"]
    refused(world.admin.update_profile(second["id"], slug=first["slug"]), 403, "ForbiddenError")
    assert "slug" in issue_paths(world.admin.update_profile(second["id"], slug="Not A Slug"))
    assert "apiConfig.renewBeforeDays" in issue_paths(
        world.admin.update_profile(second["id"], apiConfig={"renewBeforeDays": 99}))


def test_list_pages_and_filters(other_world):
    word = fresh("list")
    made = [ok(create(other_world, slug=f"{word}-{i}"))["certificateProfile"]["id"]
            for i in range(3)]
    query = {"projectId": other_world.project_id, "search": word, "includeConfigs": "true"}
    whole = ok(other_world.admin.list_profiles(query=query))
    assert whole["totalCount"] == 3
    assert sorted(one["id"] for one in whole["certificateProfiles"]) == sorted(made)
    assert all(one["apiConfig"] and one["certificateAuthority"]
               for one in whole["certificateProfiles"])
    page = ok(other_world.admin.list_profiles(query={**query, "limit": 1, "offset": 1}))
    assert len(page["certificateProfiles"]) == 1 and page["totalCount"] == 3
    self_signed = other_world.self_signed_profile(slug=f"{word}-self")
    only = ok(other_world.admin.list_profiles(query={**query, "issuerType": "self-signed"}))
    assert [one["id"] for one in only["certificateProfiles"]] == [self_signed]


def test_list_filters_by_what_a_profile_refers_to(world):
    word = fresh("by")
    made = ok(create(world, slug=f"{word}-1", enrollmentType="API"))["certificateProfile"]
    self_signed = world.self_signed_profile(slug=f"{word}-self")

    def listed(**query):
        page = ok(world.admin.list_profiles(
            query={"projectId": world.project_id, "search": word, **query}))
        assert page["totalCount"] == len(page["certificateProfiles"])
        return {one["id"] for one in page["certificateProfiles"]}

    assert listed() == {made["id"], self_signed}
    assert listed(caId=made["caId"]) == {made["id"]}
    assert listed(caId=made["id"]) == set()
    assert listed(certificatePolicyId=made["certificatePolicyId"]) >= {made["id"]}
    assert listed(enrollmentType="api") == {made["id"], self_signed}
    assert listed(enrollmentType="Api") == {made["id"], self_signed}
    assert listed(enrollmentType="est") == set()
    assert "caId" in issue_paths(world.admin.list_profiles(
        query={"projectId": world.project_id, "caId": "x"}))


def test_list_reads_on_by_cursor(world):
    word = fresh("cursor")
    made = [ok(create(world, slug=f"{word}-{i}"))["certificateProfile"]["id"] for i in range(3)]
    query = {"projectId": world.project_id, "search": word, "limit": 1}
    seen = []
    while True:
        page = ok(world.admin.list_profiles(query=query))
        assert page["totalCount"] == 3
        seen += [one["id"] for one in page["certificateProfiles"]]
        if "cursor" not in page:
            break
        query["cursor"] = page["cursor"]
    assert sorted(seen) == sorted(made)
    refused(world.admin.list_profiles(query={**query, "search": "other"}), 400, "BadRequest",
            "cursor")
    refused(world.admin.list_profiles(query={"projectId": world.project_id, "offset": 10001}), 400,
            "BadRequest", "cursor")


def test_delete(world):
    made = ok(create(world))["certificateProfile"]
    assert ok(world.admin.delete_profile(made["id"]))["certificateProfile"]["id"] == made["id"]
    refused(world.admin.get_profile(made["id"]), 404)
    refused(world.ask(made["id"]), 404, "NotFound", "profile")


@pytest.mark.parametrize("role", ["issuer", "auditor", "no-access"])
def test_changing_by_role(world, role):
    api = world.member(role).api
    refused(api.create_profile(json=body(world)), 403, "PermissionDenied")
    refused(api.update_profile(world.profile_id, description="x"), 403, "PermissionDenied")
    refused(api.delete_profile(world.profile_id), 403, "PermissionDenied")


def test_reading_by_role(world):
    query = {"projectId": world.project_id}
    for role in ("admin", "issuer", "auditor"):
        api = world.member(role).api
        ok(api.get_profile(world.profile_id))
        ok(api.list_profiles(query=query))
    nobody = world.member("no-access").api
    refused(nobody.get_profile(world.profile_id), 403, "PermissionDenied")
    refused(nobody.list_profiles(query=query), 403, "PermissionDenied")


def test_a_foreign_profile_is_not_found(world, other_world):
    stranger = other_world.member("admin").api
    slug = ok(world.admin.get_profile(world.profile_id))["certificateProfile"]["slug"]
    refused(stranger.get_profile(world.profile_id), 404)
    refused(stranger.get_profile_by_slug(slug, query={"projectId": world.project_id}), 404)
    refused(stranger.get_profile_by_slug(slug, query={"projectId": other_world.project_id}), 404)
    refused(stranger.update_profile(world.profile_id, description="x"), 404)
    refused(stranger.delete_profile(world.profile_id), 404)
    refused(world.ask(api=stranger), 404, "NotFound", "profile")
