"""What there is of a profile: its certificates, the bundle that is good for longest, and counts."""
import time

import pytest

import database
import pki
from api import Api, issue_paths, ok, refused
from world import World, fresh, iso, utc

NOBODY = "00000000-0000-4000-8000-000000000000"
MEMBERS = {"id", "serialNumber", "cn", "status", "notBefore", "notAfter", "revokedAt", "createdAt"}


class Place:
    """A profile with certificates of every state."""

    def __init__(self, admin):
        self.world = world = World(admin)
        self.admin = admin
        self.profile = world.new_profile()
        self.word = fresh("p")
        self.made = {name: self.issue(name, **how) for name, how in {
            "short": {"ttl": "9d"}, "long": {"ttl": "200d"}, "revoked": {"ttl": "300d"},
            "future": {"notBefore": iso(utc(days=3)), "notAfter": iso(utc(days=320))},
            "past": {"ttl": "2s"}}.items()}
        ok(admin.revoke(self.id("revoked"), revocationReason="SUPERSEDED"))
        world.issue()  # of another profile
        while ok(admin.get_certificate(self.id("past")))["certificate"]["status"] == "active":
            time.sleep(0.1)

    def issue(self, name, api=None, profile=None, **how):
        return self.world.issue(profile or self.profile, api=api,
                                commonName=f"{name}.{self.word}.example", **how)

    def id(self, name):
        return self.made[name]["certificateId"]

    def listed(self, api=None, **query):
        page = ok((api or self.admin).list_certificates_of_profile(self.profile, query=query))
        for row in page["certificates"]:
            assert set(row) == MEMBERS
        return [row["cn"].split(".")[0] for row in page["certificates"]], page

    def metrics(self, **query):
        """By profile."""
        page = ok(self.admin.list_profiles(query={
            "projectId": self.world.project_id, "includeMetrics": "true", **query}))
        return {row["id"]: row["metrics"] for row in page["certificateProfiles"]}


@pytest.fixture(scope="module")
def place(admin):
    return Place(admin)


def test_the_list(place):
    names, page = place.listed()
    assert names == ["future", "revoked", "long", "short", "past"], "the last to end comes first"
    assert page["totalCount"] == 5
    rows = {row["cn"].split(".")[0]: row for row in page["certificates"]}
    shown = ok(place.admin.get_certificate(place.id("revoked")))["certificate"]
    for member in MEMBERS - {"cn"}:
        assert rows["revoked"][member] == shown[member], member
    assert rows["long"]["revokedAt"] is None and rows["past"]["status"] == "expired"
    assert ok(place.admin.list_certificates_of_old_profile(place.profile)) == page


def test_the_list_narrowed(place):
    assert place.listed(status="active")[0] == ["future", "long", "short"]
    assert place.listed(status="Expired")[0] == ["past"]
    assert place.listed(status="revoked")[0] == ["revoked"]
    assert place.listed(search=f"LONG.{place.word}")[0] == ["long"]
    assert place.listed(search=place.made["long"]["serialNumber"])[0] == ["long"]
    assert place.listed(search=place.id("long"))[0] == ["long"]
    assert place.listed(search=place.id("long"), status="revoked")[0] == []
    elsewhere = place.world.issue()
    assert place.listed(search=elsewhere["certificateId"])[0] == []
    assert place.listed(search="nobody")[0] == []


def test_the_list_in_pages(place):
    names, page = place.listed(limit=2, offset=1)
    assert names == ["revoked", "long"] and page["totalCount"] == 5
    names, page = place.listed(limit=2, cursor=page["cursor"])
    assert names == ["short", "past"] and "cursor" not in page
    for query in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"status": "odd"}):
        issue_paths(place.admin.list_certificates_of_profile(place.profile, query=query))
    refused(place.admin.list_certificates_of_profile(place.profile, query={"offset": 10001}), 400,
            "BadRequest", "cursor")


def test_the_bundle_that_is_good_for_longest(place):
    """Neither the revoked one nor the one that is not valid yet."""
    seen = place.admin.get_latest_bundle(place.profile)
    bundle = ok(seen)
    assert seen.headers["Cache-Control"] == "no-store"
    assert set(bundle) == {"certificate", "certificateChain", "privateKey", "serialNumber"}
    for member in ("certificate", "certificateChain", "privateKey", "serialNumber"):
        assert bundle[member] == place.made["long"][member], member
    assert ok(place.admin.get_old_latest_bundle(place.profile)) == bundle
    reveals = ok(place.admin.search_audit_logs(action="certificate.reveal-private-key",
                                               projectId=place.world.project_id))["auditLogs"]
    assert any(row["targetId"] == place.id("long") and
               row["detail"] == {"by": "latest-active-bundle"} for row in reveals), reveals


def test_a_bundle_without_a_key(place):
    profile = place.world.new_profile()
    empty = ok(place.admin.get_latest_bundle(profile))
    assert empty == dict.fromkeys(
        ["certificate", "certificateChain", "privateKey", "serialNumber"])
    made = place.world.issue(profile, csr=pki.csr(commonName="csr.example.com"))
    bundle = ok(place.admin.get_latest_bundle(profile))
    assert bundle["privateKey"] is None and bundle["certificate"] == made["certificate"]


def test_who_may(place, other_world):
    issuer, auditor = place.world.member("issuer").api, place.world.member("auditor").api
    empty, own = place.world.new_profile(), place.world.new_profile()
    assert place.listed(issuer)[0] and place.listed(auditor)[0]
    nobody = place.world.member("no-access").api
    refused(nobody.list_certificates_of_profile(place.profile), 403, "PermissionDenied")
    for profile in (place.profile, empty):
        refused(auditor.get_latest_bundle(profile), 403, "PermissionDenied", "read-private-key")
        refused(nobody.get_latest_bundle(profile), 403, "PermissionDenied")
    refused(issuer.get_latest_bundle(place.profile), 403, "PermissionDenied", "read-private-key")
    assert ok(issuer.get_latest_bundle(empty))["certificate"] is None
    made = place.issue("own", api=issuer, profile=own)
    assert ok(issuer.get_latest_bundle(own))["privateKey"] == made["privateKey"]
    stranger = other_world.member("admin").api
    for ask in ("list_certificates_of_profile", "get_latest_bundle"):
        refused(getattr(stranger, ask)(place.profile), 404, "NotFound", "certificate profile")
        refused(getattr(place.admin, ask)(NOBODY), 404, "NotFound", "certificate profile")
        issue_paths(getattr(place.admin, ask)("no-uuid"))
        refused(getattr(place.admin.with_token(None), ask)(place.profile), 401)


def test_metrics(admin):
    place = Place(admin)
    empty = place.world.new_profile()
    shown = place.metrics()
    assert shown[place.profile] == {
        "profileId": place.profile, "totalCertificates": 5, "activeCertificates": 3,
        "expiredCertificates": 1, "expiringCertificates": 1, "revokedCertificates": 1}
    assert shown[empty] == {
        "profileId": empty, "totalCertificates": 0, "activeCertificates": 0,
        "expiredCertificates": 0, "expiringCertificates": 0, "revokedCertificates": 0}
    assert shown[place.world.profile_id]["totalCertificates"] == 1
    assert place.metrics(expiringDays=250)[place.profile]["expiringCertificates"] == 2
    assert place.metrics(expiringDays=5)[place.profile]["expiringCertificates"] == 0
    ok(admin.delete_certificate(place.id("long")))
    after = place.metrics(expiringDays=250)[place.profile]
    assert (after["totalCertificates"], after["activeCertificates"],
            after["expiringCertificates"]) == (4, 2, 1)
    assert "metrics" not in ok(admin.list_profiles(query={
        "projectId": place.world.project_id}))["certificateProfiles"][0]
    for query in ({"includeMetrics": "perhaps"}, {"expiringDays": 0}, {"expiringDays": "x"}):
        issue_paths(admin.list_profiles(query={"projectId": place.world.project_id, **query}))


def test_more_counters_than_a_request_has_memory_for(new_sqlite_daemon):
    """Of many profiles, over many days."""
    one = new_sqlite_daemon()
    project, profile = one.ready.projectId, one.ready.profileId
    day = int(time.time()) // 86400
    database.execute(one, f"""
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59999)
        INSERT INTO statistics ("$revision", project_id, dimension, value, day, node, count)
        SELECT 1, x'{project.replace("-", "")}', 'ends',
               CASE WHEN i < 100 THEN '{profile}' ELSE printf('%08x{profile[8:]}', i / 100) END
               || '/0/1', {day} + 1 + i % 100, 'node', 2 FROM n""")
    one.configure("workers:\n  request_memory: 4m\n")
    one.restart()
    api = Api(one.ready.url, one.ready.token)
    assert ok(api.dashboard(project))["totals"]["active"] == 120_000
    assert ok(api.trend(project, query={"range": "30d"}))["periods"]
    listed = ok(api.list_profiles(query={"projectId": project, "includeMetrics": "true"}))
    metrics = {one["id"]: one["metrics"] for one in listed["certificateProfiles"]}
    assert metrics[profile]["activeCertificates"] == 200
    assert metrics[profile]["expiringCertificates"] == 60
