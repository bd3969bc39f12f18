"""Finding certificates and requests: filters, orders, pages, counts; and the dashboard."""
import datetime
import secrets
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

import pki
from api import issue_paths, ok, refused
from world import World, fresh, iso, utc

ROW = {"id", "projectId", "caId", "caCertId", "profileId", "serialNumber", "commonName", "altNames",
       "notBefore", "notAfter", "status", "keyAlgorithm", "signatureAlgorithm", "keyUsages",
       "extendedKeyUsages", "friendlyName", "source", "hasPrivateKey", "caName", "profileName",
       "enrollmentType", "renewBeforeDays", "metadata", "createdAt", "updatedAt", "subject",
       "fingerprints", "revokedAt", "revocationReason", "applicationId", "applicationName",
       "renewalError"}


class Finder:
    """A world with certificates of many sorts, by which name each is found."""

    def __init__(self, world):
        self.world = world
        self.word = fresh("s")
        self.slow = world.new_profile(slug=fresh("second"))
        self.other_ca = world.new_intermediate(world.root_id)
        self.other = world.new_profile(caId=self.other_ca["id"], slug=fresh("other-ca"))
        self.made = {
            "web": self.issue("Web", ttl="30d", extendedKeyUsages=["server_auth"],
                              altNames=[{"type": "DNS", "value": f"www.{self.word}.example"},
                                        {"type": "IP", "value": "192.0.2.77"}],
                              metadata=[{"key": "team", "value": self.word},
                                        {"key": "floor", "value": "3"}]),
            "mail": self.issue("Mail", notBefore=iso(utc(days=1)), notAfter=iso(utc(days=61)),
                               extendedKeyUsages=["email_protection", "client_auth"],
                               metadata=[{"key": "team", "value": self.word + "x"}]),
            "rsa": self.issue("Rsa", self.slow, ttl="90d", keyAlgorithm="RSA_2048"),
            "other": self.issue("Other", self.other, ttl="120d", keyAlgorithm="EC_secp384r1"),
            "gone": self.issue("Gone", ttl="20d", extendedKeyUsages=["server_auth"]),
            "past": self.issue("Past", ttl="2s"),
        }
        ok(world.admin.revoke(self.made["gone"]["certificateId"], revocationReason="SUPERSEDED"))
        past = self.made["past"]["certificateId"]
        while ok(world.admin.get_certificate(past))["certificate"]["status"] == "active":
            time.sleep(0.1)

    def issue(self, name, profile=None, **attributes):
        return self.world.issue(profile, commonName=f"{name}-{self.word}.example", **attributes)

    def search(self, api=None, **body):
        return ok((api or self.world.admin).search_certificates(self.world.project_id, json=body))

    def found(self, **body):
        """The words of the certificates that a search finds, in its order."""
        words = {one["certificateId"]: word for word, one in self.made.items()}
        page = self.search(**body)
        assert page["totalCount"] == len(page["certificates"]), page["totalCount"]
        return [words[row["id"]] for row in page["certificates"] if row["id"] in words]


@pytest.fixture(scope="module")
def finder(admin):
    return Finder(World(admin))


def test_search_filters(finder):
    made, word = finder.made, finder.word
    world = finder.world
    everything = {"web", "mail", "rsa", "other", "past", "gone"}
    usable = everything - {"past", "gone"}
    page = finder.search()
    assert set(page["certificates"][0]) >= ROW
    assert set(finder.found()) >= everything
    by_id = {row["id"]: row for row in page["certificates"]}
    row = by_id[made["web"]["certificateId"]]
    assert row["caName"] == world.ca["name"] and row["enrollmentType"] == "api"
    assert row["hasPrivateKey"] is True and row["altNames"] == f"www.{word}.example,192.0.2.77"
    shown = ok(world.admin.get_certificate(row["id"]))["certificate"]
    assert {key: shown[key] for key in row} == row

    # Names, by prefix and in any case; the two fields of their own.
    for text in (f"www.{word}", f"WWW.{word.upper()}", f"web-{word}", "192.0.2.77"):
        assert finder.found(search=text) == ["web"], text
    assert finder.found(search=f"ww.{word}") == []
    assert finder.found(commonName=f"Web-{word}") == ["web"]
    assert finder.found(friendlyName="x") == []

    # Keys.
    web = made["web"]
    serial = web["serialNumber"]
    spaced = ":".join(serial[i:i + 2] for i in range(0, 32, 2)).upper()
    for text in (web["certificateId"], web["certificateId"].upper(), serial, spaced, "0x" + serial):
        assert finder.found(search=text) == ["web"], text
    assert finder.found(search=serial, status="expired") == []
    assert finder.found(search=web["certificateId"], caIds=[finder.other_ca["id"]]) == []
    assert finder.found(search=world.project_id) == []

    # Status.
    assert finder.found(status="expired") == ["past"]
    assert set(finder.found(status=["active"])) == usable
    assert set(finder.found(status=["active", "expired"])) == usable | {"past"}
    assert set(finder.found(status=["active", "revoked"])) == usable | {"gone"}
    assert finder.found(status=["revoked", "expired"]) == ["past", "gone"]
    assert finder.found(status="REVOKED") == ["gone"]
    assert finder.found(status=["active", "revoked"], commonName=f"Gone-{word}") == ["gone"]
    assert finder.found(status=["active", "expired"], search=f"gone-{word}") == []
    gone = finder.search(status="revoked")["certificates"][0]
    assert gone["status"] == "revoked" and gone["revokedAt"] and gone["revocationReason"] == 4

    # What it is and where it came from.
    assert finder.found(profileIds=[finder.slow]) == ["rsa"]
    assert set(finder.found(profileIds=[finder.slow, finder.other])) == {"rsa", "other"}
    assert finder.found(caIds=[finder.other_ca["id"]]) == ["other"]
    assert finder.found(keyAlgorithm="rsa-2048") == ["rsa"]
    assert set(finder.found(keyAlgorithm=["RSA_2048", "EC_secp384r1"])) == {"rsa", "other"}
    assert finder.found(keySizes=[384]) == ["other"]
    assert finder.found(keySizes=[1]) == []
    assert finder.found(keySizes=[384, 2048], keyAlgorithm="RSA_2048") == ["rsa"]
    assert set(finder.found(signatureAlgorithm="ecdsa-sha256")) == everything
    assert finder.found(signatureAlgorithm="RSA-SHA256") == []
    assert finder.found(extendedKeyUsage="serverAuth") == ["gone", "web"]
    assert finder.found(extendedKeyUsage="client_auth") == ["mail"]
    assert set(finder.found(enrollmentTypes=["API"])) >= everything
    assert finder.found(enrollmentTypes=["est"]) == []
    assert set(finder.found(source=["issued"])) >= everything
    assert finder.found(source="imported") == []
    assert finder.found(applicationId=world.project_id) == []
    assert set(finder.found(forPkiSync=True)) == usable
    assert finder.found(forPkiSync=True, status="expired") == []

    # Metadata and times.
    assert finder.found(metadata=[{"key": "team", "value": word}]) == ["web"]
    assert set(finder.found(metadata=[{"key": "team"}])) == {"web", "mail"}
    assert finder.found(metadata=[{"key": "team"}, {"key": "floor", "value": "3"}]) == ["web"]
    assert finder.found(notAfterFrom=iso(utc(days=45)), notAfterTo=iso(utc(days=75))) == ["mail"]
    assert finder.found(notAfterTo=row["notAfter"], notAfterFrom=row["notAfter"]) in (["web"], [])
    assert finder.found(notBeforeFrom=iso(utc(hours=1))) == ["mail"]
    assert set(finder.found(fromDate=iso(utc(hours=-1)))) == everything
    assert finder.found(toDate="2020-01-01") == []


def test_search_orders(finder):
    newest = ["past", "gone", "other", "rsa", "mail", "web"]
    by_end = ["past", "gone", "web", "mail", "rsa", "other"]
    assert finder.found() == newest
    assert finder.found(sortBy="createdAt", sortOrder="asc") == newest[::-1]
    assert finder.found(sortBy="notAfter", sortOrder="asc") == by_end
    assert finder.found(sortBy="notAfter", sortOrder="desc") == by_end[::-1]
    by_name = ["gone", "mail", "other", "past", "rsa", "web"]
    assert finder.found(sortBy="commonName", sortOrder="asc") == by_name
    assert finder.found(sortBy="commonName") == by_name[::-1]
    assert finder.found(sortBy="notBefore", sortOrder="asc")[-1] == "mail"
    assert finder.found(sortBy="keyAlgorithm", sortOrder="asc")[-2:] == ["other", "rsa"]
    assert finder.found(sortBy="status", sortOrder="desc")[:2] == ["gone", "past"]
    page = finder.search(sortBy="commonName", sortOrder="asc", offset=2, limit=2)
    assert [row["commonName"].split("-")[0] for row in page["certificates"]] == ["Other", "Past"]
    assert page["totalCount"] == 6


def test_search_pages(finder):
    api, project = finder.world.admin, finder.world.project_id
    for filters in ({}, {"status": ["active", "revoked", "expired"]}, {"caIds": [
            finder.world.ca_id]}, {"status": ["active", "revoked"]}):
        whole = [row["id"] for row in finder.search(**filters)["certificates"]]
        seen, cursor = [], None
        while True:
            body = {**filters, "limit": 1, **({"cursor": cursor} if cursor else {})}
            page = ok(api.search_certificates(project, json=body))
            assert page["totalCount"] == len(whole)
            seen += [row["id"] for row in page["certificates"]]
            cursor = page.get("cursor")
            if cursor is None:
                break
        assert seen == whole
        by_offset = [finder.search(**filters, offset=i, limit=1)["certificates"][0]["id"]
                     for i in range(len(whole))]
        assert by_offset == whole
    page = finder.search(limit=2)
    refused(api.search_certificates(project, cursor=page["cursor"], status="active"), 400,
            "BadRequest", "cursor")
    refused(api.search_certificates(project, offset=10001), 400, "BadRequest", "cursor")
    stranger = ok(api.create_project(projectName=fresh("stranger")))["project"]["id"]
    refused(api.search_certificates(stranger, cursor=page["cursor"]), 400, "BadRequest", "cursor")
    assert ok(api.search_certificates(stranger)) == {"certificates": [], "totalCount": 0}
    assert finder.found(search=finder.made["web"]["serialNumber"]) == ["web"]
    assert ok(api.search_certificates(stranger, search=finder.made["web"]["serialNumber"]))[
        "certificates"] == []
    assert ok(api.search_certificates(stranger, search=finder.made["web"]["certificateId"]))[
        "certificates"] == []


def test_older_lists(finder):
    world = finder.world
    listed = ok(world.admin.list_certificates(world.project_id, query={
        "limit": 3, "offset": 0, "status": "active"}))
    assert len(listed["certificates"]) == 3 and listed["totalCount"] == 4
    by_slug = ok(world.admin.list_workspace_certificates(world.project["slug"], query={
        "commonName": f"Web-{finder.word}"}))
    assert [row["id"] for row in by_slug["certificates"]] == [finder.made["web"]["certificateId"]]
    refused(world.admin.list_workspace_certificates("no-such-project"), 404, "NotFound")


def test_malformed_searches(world):
    api, project = world.admin, world.project_id
    cases = {"status": "gone", "profileIds": ["x"], "caIds": ["x"], "limit": 0, "offset": -1,
             "fromDate": "yesterday", "notAfterTo": "x", "sortBy": "color", "sortOrder": "up",
             "metadata": [{"value": "x"}], "extendedKeyUsage": "x", "keySizes": ["x"],
             "applicationId": "x", "search": 1}
    for member, value in cases.items():
        paths = issue_paths(api.search_certificates(project, json={member: value}))
        assert any(path.startswith(member) for path in paths), (member, paths)
    issue_paths(api.search_certificates("x", json={}))
    issue_paths(api.trend(project, query={"range": "1d"}))
    refused(api.search_certificates(project, json={"limit": 101}), 422)


def test_searching_by_role(world):
    made = world.issue(commonName=fresh("role") + ".example")
    for role in ("admin", "issuer", "auditor"):
        api = world.member(role).api
        assert ok(api.search_certificates(world.project_id, search=made["certificateId"]))[
            "totalCount"] == 1
        ok(api.search_requests(json={"projectId": world.project_id}))
        ok(api.dashboard(world.project_id))
        ok(api.trend(world.project_id))
    nobody = world.member("no-access").api
    for answer in (nobody.search_certificates(world.project_id), nobody.dashboard(world.project_id),
                   nobody.search_requests(json={"projectId": world.project_id}),
                   nobody.trend(world.project_id), nobody.list_certificates(world.project_id)):
        refused(answer, 403, "PermissionDenied")


def test_members_of_another_project_find_nothing(world, other_world):
    stranger = other_world.member("admin").api
    for answer in (stranger.search_certificates(world.project_id),
                   stranger.list_certificates(world.project_id),
                   stranger.list_workspace_certificates(world.project["slug"]),
                   stranger.dashboard(world.project_id), stranger.trend(world.project_id),
                   stranger.search_requests(json={"projectId": world.project_id})):
        refused(answer, 404, "NotFound")


def test_a_strangers_serial_hides_no_name(world, other_world):
    """Who imports a serial number that reads like a name elsewhere must not hide that."""
    name = f"{secrets.token_hex(6)}a"
    key = pki.new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "elsewhere")])
    foreign = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
               .public_key(key.public_key()).serial_number(int("1" + name, 16))
               .not_valid_before(utc(days=-1)).not_valid_after(utc(days=9))
               .sign(key, hashes.SHA256()))
    ok(other_world.admin.import_certificate(json={
        "projectId": other_world.project_id,
        "certificatePem": foreign.public_bytes(serialization.Encoding.PEM).decode()}))
    world.issue(commonName=f"1{name}.example")
    for found in (ok(world.admin.search_certificates(world.project_id, json={"search": "1" + name})),
                  ok(world.admin.search_requests(json={"projectId": world.project_id,
                                                       "search": "1" + name}))):
        rows = found.get("certificates", found.get("certificateRequests"))
        assert [row["commonName"] for row in rows] == [f"1{name}.example"]


def test_requests(admin):
    world = World(admin)
    word = fresh("r")
    asked = ok(world.ask(commonName=f"one-{word}.example", metadata=[{"key": "k", "value": word}],
                         altNames=[{"type": "DNS", "value": f"alt-{word}.example"}]))
    refused(world.ask(commonName=f"two-{word}.example", ttl="20y"), 400)
    search = lambda **body: ok(world.admin.search_requests(
        json={"projectId": world.project_id, **body}))
    # As the clients of section 7 send it.
    page = search(offset=0, limit=20, sortBy="createdAt", sortOrder="asc")
    assert page["totalCount"] == 2
    first, second = page["certificateRequests"]
    assert set(first) == {"id", "status", "commonName", "altNames", "profileId", "profileName",
                          "caId", "applicationId", "applicationName", "certificateId",
                          "approvalRequestId", "errorMessage", "pendingMessage", "createdAt",
                          "updatedAt", "certificate"}
    assert first["id"] == asked["certificateRequestId"] and first["status"] == "issued"
    assert first["altNames"] == f"alt-{word}.example"
    assert first["certificate"] == {"id": asked["certificate"]["certificateId"],
                                    "serialNumber": asked["certificate"]["serialNumber"],
                                    "status": "active"}
    assert second["status"] == "failed" and second["certificate"] is None
    assert second["errorMessage"] and second["commonName"] == f"two-{word}.example"
    ids = lambda **body: [one["id"] for one in search(**body)["certificateRequests"]]
    one, two = first["id"], second["id"]
    assert ids() == [two, one]
    for body in ({"status": "issued"}, {"search": one}, {"search": f"ONE-{word}"},
                 {"search": f"alt-{word}"}, {"search": asked["certificate"]["serialNumber"]},
                 {"metadata": [{"key": "k", "value": word}]}, {"metadata": [{"key": "k"}]}):
        assert ids(**body) == [one] or (body.get("metadata") and set(ids(**body)) == {one, two}), body
    assert ids(search=f"two-{word}") == [two]
    assert ids(search="nothing") == []
    assert ids(status=["failed"]) == [two]
    assert ids(profileIds=[world.profile_id]) == [two, one]
    assert ids(profileIds=[one]) == []
    assert ids(sortBy="commonName", sortOrder="asc") == [one, two]
    assert ids(sortBy="status", sortOrder="desc") == [one, two]
    assert ids(toDate="2020-01-01") == []
    listed = ok(world.admin.list_requests(query={
        "projectId": world.project_id, "profileIds": f"{world.profile_id},{one}", "limit": 1}))
    assert [one["id"] for one in listed["certificateRequests"]] == [two]
    assert listed["totalCount"] == 2 and listed["cursor"]
    assert "status" not in issue_paths(world.admin.search_requests(
        json={"projectId": world.project_id, "sortBy": "x"}))


def test_request_detail(world):
    name = fresh("detail") + ".example"
    asked = ok(world.ask(commonName=name, organization="Acme", country="DE"))
    detail = ok(world.admin.get_request(asked["certificateRequestId"]))
    made = asked["certificate"]
    assert detail["status"] == "issued" and detail["commonName"] == name
    assert detail["organization"] == "Acme" and detail["country"] == "DE"
    assert detail["certificate"] == made["certificate"]
    assert detail["certificateChain"] == made["certificateChain"]
    assert detail["issuingCaCertificate"] == made["issuingCaCertificate"]
    assert detail["privateKey"] == made["privateKey"]
    assert detail["basicConstraints"] == {"isCA": False} and "outcome" not in detail
    assert ok(world.admin.get_request(asked["certificateRequestId"], query={
        "statuses": "full"}))["status"] == "issued"
    issue_paths(world.admin.get_request(asked["certificateRequestId"], query={"statuses": "x"}))


def expected(rows, now):
    """What the dashboard must say of these rows."""
    def parsed(text):
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    counts = {"total": len(rows), "active": 0, "expired": 0, "revoked": 0, "expiringSoon": 0}
    for row in rows:
        counts[row["status"]] += 1
        days = (parsed(row["notAfter"]).date() - now.date()).days
        counts["expiringSoon"] += row["status"] == "active" and days <= 30
    return counts


def test_dashboard(finder):
    world = finder.world
    stats = ok(world.admin.dashboard(world.project_id))
    rows = finder.search(limit=100)["certificates"]
    assert stats["totals"] == expected(rows, utc())
    assert stats["expiredNotRenewed"] == 1 and stats["expiringSoonNoAutoRenewal"] == 1
    spread = stats["distributions"]
    assert {one["label"]: one["count"] for one in spread["byEnrollmentMethod"]} == {"api": 6}
    assert {one["label"]: one["count"] for one in spread["byAlgorithm"]} == {
        "EC_prime256v1": 4, "RSA_2048": 1, "EC_secp384r1": 1}
    assert {one["id"]: (one["label"], one["count"]) for one in spread["byCA"]} == {
        world.ca_id: (world.ca["name"], 5),
        finder.other_ca["id"]: (finder.other_ca["name"], 1)}
    assert {one["label"]: one["count"] for one in spread["byStatus"]} == {
        "Active": 4, "Expired": 1, "Revoked": 1}
    buckets = {one["bucket"]: one["count"] for one in stats["expirationBuckets"]}
    assert buckets == {"expired": 1, "0-7d": 0, "8-30d": 1, "31-60d": 0, "61-90d": 2, "90d+": 1}
    assert {one["bucket"]: one["count"] for one in stats["validityBuckets"]} == {
        "<=47d": 1, "48-99d": 0, "100-199d": 0, ">=200d": 0}


def test_trend(finder):
    world = finder.world
    today = utc().date().isoformat()
    for days, count in (("7d", 8), ("30d", 31)):
        periods = ok(world.admin.trend(world.project_id, query={"range": days}))["periods"]
        assert len(periods) == count and periods[-1]["period"] == today
        assert [one["period"] for one in periods] == sorted(one["period"] for one in periods)
        assert sum(one["issued"] for one in periods) == 6
        assert sum(one["expired"] for one in periods) == 1
        assert periods[-1]["issued"] == 6 and periods[-1]["revoked"] == 1
    months = ok(world.admin.trend(world.project_id, query={"range": "6m"}))["periods"]
    assert months[-1]["period"] == today[:7] and len(months) in (6, 7)
    assert months[-1]["issued"] == 6
