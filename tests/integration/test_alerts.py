"""Alerts: who is told of certificates; at least once, in order, whatever receivers and daemons do."""
import collections
import random
import re
import time

import pytest

from alerting import FROM, Place, row_of
from api import ok, refused
from database import execute
from receivers import until
from world import Member, World, fresh

SECRET = "a signing secret that nobody ever sees"
PREFIX = "com.infisical.pki.certificate."
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def place(chancery, storage, database, tmp_path_factory):
    one = Place(tmp_path_factory.mktemp(f"alerts-{storage}"), storage, database(storage))
    try:
        yield one.start()
        one.close()
    finally:
        one.daemon.kill()


@pytest.fixture
def path():
    """A path of the receiver for this test alone."""
    return "/" + fresh("hook")


def told(posts):
    return [name for post in posts for name in post.names]


def without_repeats(posts):
    """A daemon that is killed before it has noted a delivery sends it again, with the same id."""
    return list({post.event["id"]: post for post in posts}.values())


# --- what is told ---------------------------------------------------------------------------------

def test_a_certificate_is_told_with_a_signature(place, path):
    alert = place.alert("issuance", place.webhook(path, signingSecret=SECRET))
    made = place.issue("told.example.com",
                       altNames=[{"type": "dns_name", "value": "told.example.com"}], ttl="90d")
    (post,) = place.hook.wait(path)
    assert post.is_signed(SECRET) and not post.is_signed("another")
    event = post.event
    assert event["specversion"] == "1.0" and event["type"] == PREFIX + "issuance"
    assert event["source"] == f"/projects/{place.world.project_id}/alerts/{alert['id']}"
    assert event["subject"] == "certificate-issuance-alert"
    assert post.data["alert"] == {
        "id": alert["id"], "name": alert["name"], "eventType": "issuance", "alertBefore": None,
        "projectId": place.world.project_id}
    (shown,) = post.data["certificates"]
    row = ok(place.admin.get_certificate(made))["certificate"]
    assert shown["id"] == made and shown["serialNumber"] == row["serialNumber"]
    assert shown["san"] == ["told.example.com"] and shown["status"] == "active"
    assert (shown["notBefore"], shown["notAfter"]) == (row["notBefore"], row["notAfter"])
    assert shown["daysUntilExpiry"] == 89 and shown["profileName"] == row["profileName"]
    metadata = post.data["metadata"]
    assert metadata["totalCertificates"] == 1 and metadata["sequence"] == 1
    assert metadata["channelId"] == alert["channels"][0]["id"]
    assert metadata["viewUrl"].endswith(f"/alerts/{alert['id']}/certificates")
    until(lambda: place.get(alert)["lastRun"])
    run = place.get(alert)["lastRun"]
    assert run["status"] == "success" and run["error"] is None
    (delivery,) = place.deliveries(alert)
    assert delivery["status"] == "delivered" and delivery["responseCode"] == 204
    assert delivery["id"] == event["id"] and delivery["attempts"] == 1


def test_each_event_tells_its_own(place, path):
    paths = {event: f"{path}/{event}" for event in ("issuance", "renewal", "revocation")}
    for event, own in paths.items():
        place.alert(event, place.webhook(own))
    profile = place.world.new_profile()
    first = place.issue("events.example.com", profile)
    renewed = ok(place.admin.renew(first))["certificateId"]
    ok(place.admin.revoke(renewed, revocationReason="SUPERSEDED"))
    for event, own in paths.items():
        (post,) = place.hook.wait(own)
        wanted = first if event == "issuance" else renewed
        assert [one["id"] for one in post.data["certificates"]] == [wanted]
        assert post.event["type"] == PREFIX + event
    (revoked,) = place.hook.of(paths["revocation"])[0].data["certificates"]
    assert revoked["status"] == "revoked" and revoked["revocationReason"] == "SUPERSEDED"


def test_what_was_imported_was_not_issued(place, path):
    other = World(place.admin)
    place.alert("issuance", place.webhook(path))
    foreign = other.issue(commonName="import.example.com")
    ok(place.admin.import_certificate(projectId=place.world.project_id,
                                      certificatePem=foreign["certificate"]))
    place.issue("last.example.com")
    assert told(place.hook.wait(path)) == ["last.example.com"]


def test_nobody_is_told_of_what_failed(place, path):
    place.alert("issuance", place.webhook(path))
    refused(place.world.ask(commonName="x" * 65), 400, "BadRequest")
    place.issue("worked.example.com")
    assert told(place.hook.wait(path)) == ["worked.example.com"]


def test_mail_is_sent(place):
    channel = {"channelType": "email", "config": {"recipients": ["pki@example.com",
                                                                 "ops@example.com"]}}
    alert = place.alert("issuance", channel)
    count = len(place.mail.mails)
    place.issue("mail.example.com")
    mail = place.mail.wait(count + 1)[-1]
    assert mail.sender == FROM
    assert sorted(mail.recipients) == ["ops@example.com", "pki@example.com"]
    assert alert["name"] in mail.message["Subject"]
    assert "mail.example.com" in mail.message.get_content()
    ok(place.admin.update_alert(alert["id"], enabled=False))


# --- filters --------------------------------------------------------------------------------------

FILTERS = [
    ("common_name", "equals", "Web1.filter.test"), ("common_name", "starts_with", "web"),
    ("common_name", "matches", "web*.filter.test"), ("common_name", "matches", "db.filter.test"),
    ("common_name", "starts_with", "alias"), ("san", "equals", "alias.filter.test"),
    ("san", "starts_with", "alias"), ("san", "matches", "db.*"), ("san", "equals", "only.filter"),
    ("include_cas", "equals", False), ("profile_name", "equals", "one"),
    ("profile_name", "starts_with", "o"), ("profile_name", "matches", ["two", "none*"]),
    ("profile_name", "equals", "none"),
]


def test_a_preview_and_an_alert_mean_the_same(place, path):
    """Each filter finds by the index what it lets through when something happens."""
    world = World(place.admin)
    slugs = {word: fresh(word) for word in ("one", "two")}
    profiles = [world.new_profile(slug=slug) for slug in slugs.values()]
    filters = []
    for number, (field, operator, value) in enumerate(FILTERS):
        if field == "profile_name" and operator != "starts_with":
            value = ([slugs.get(word, word) for word in value] if isinstance(value, list)
                     else slugs.get(value, value))
        filters.append([{"field": field, "operator": operator, "value": value}])
    filters += [filters[1] + filters[10], filters[1] + filters[12]]
    for number, one in enumerate(filters):
        place.alert("issuance", place.webhook(f"{path}/{number}"), world=world, filters=one)
    place.alert("issuance", place.webhook(path), world=world)

    def san(*names):
        return [{"type": "dns_name", "value": name} for name in names]
    for profile in profiles:
        place.issue("web1.filter.test", profile, altNames=san("alias.filter.test"), world=world)
        place.issue("web2.filter.test", profile, altNames=san("web2.filter.test"), world=world)
        place.issue("db.filter.test", profile, altNames=san("db.filter.test", "x.filter.test"),
                    world=world)
        place.issue("only.filter", profile, world=world)
    until(lambda: len(told(place.hook.of(path))) == 8)
    time.sleep(1)
    found = {}
    for number, one in enumerate(filters):
        preview = ok(place.admin.preview_alert(projectId=world.project_id, filters=one))
        found[number] = sorted(told(place.hook.of(f"{path}/{number}")))
        shown = sorted(item["commonName"] for item in preview["certificates"])
        assert shown == found[number], one
        assert preview["total"] == len(shown)
    assert len(found[0]) == 2 and len(found[1]) == 4 and len(found[9]) == 8
    assert found[5] == ["web1.filter.test"] * 2 and found[8] == [] and found[13] == []
    assert len(found[10]) == 4 and found[14] == ["web1.filter.test", "web2.filter.test"]


@pytest.mark.parametrize("field, operator, value", [
    ("common_name", "contains", "acme"), ("common_name", "ends_with", ".com"),
    ("common_name", "matches", "*.acme.com"), ("san", "contains", "acme"),
    ("profile_name", "ends_with", "x"), ("profile_name", "matches", ["ok", "*"]),
    ("include_cas", "contains", True), ("status", "equals", "active")])
def test_a_filter_without_an_index_is_refused(place, path, field, operator, value):
    filters = [{"field": field, "operator": operator, "value": value}]
    for answer in (place.admin.preview_alert(projectId=place.world.project_id, filters=filters),
                   place.admin.create_alert(
                       projectId=place.world.project_id, name=fresh("alert"),
                       eventType="issuance", filters=filters, channels=[place.webhook(path)])):
        (issue,) = refused(answer, 422, "ValidationFailure")["message"]
        assert issue["path"][0:2] == ["filters", 0] or issue["path"][0:2] == ["filters", "0"]
        for word in ("profile_name", "common_name", "san", "starts_with", "equals", "matches"):
            assert word in issue["message"]


# --- the resource ---------------------------------------------------------------------------------

def test_the_life_of_an_alert(place, path):
    alert = place.alert("expiration", place.webhook(path, signingSecret=SECRET), alertBefore="30d",
                        description="what ends", filters=[
                            {"field": "common_name", "operator": "equals", "value": "x"}])
    assert alert["enabled"] is True and alert["alertBefore"] == "30d"
    assert alert["channels"][0]["config"] == {"url": place.hook.url(path),
                                              "hasSigningSecret": True}
    listed = ok(place.admin.list_alerts(query={"projectId": place.world.project_id, "limit": 100}))
    assert alert["id"] in [one["id"] for one in listed["alerts"]]
    assert listed["total"] == len(listed["alerts"])
    for query, there in (({"eventType": "expiration"}, True), ({"eventType": "renewal"}, False),
                         ({"enabled": "true"}, True), ({"enabled": "false"}, False),
                         ({"search": alert["name"][:9]}, True), ({"search": "zz"}, False)):
        found = ok(place.admin.list_alerts(query={"projectId": place.world.project_id,
                                                  "limit": 100, **query}))["alerts"]
        assert (alert["id"] in [one["id"] for one in found]) == there, query
    changed = ok(place.admin.update_alert(alert["id"], alertBefore="2w", description=None,
                                          filters=[], name=fresh("other")))["alert"]
    assert changed["alertBefore"] == "2w" and changed["filters"] == []
    assert changed["description"] is None and changed["channels"] == alert["channels"]
    changed = ok(place.admin.update_alert(alert["id"], eventType="renewal"))["alert"]
    assert changed["alertBefore"] is None
    refused(place.admin.update_alert(alert["id"], eventType="expiration"), 422,
            "ValidationFailure")
    assert ok(place.admin.delete_alert(alert["id"]))["alert"]["id"] == alert["id"]
    refused(place.admin.get_alert(alert["id"]), 404, "NotFound")
    refused(place.admin.delete_alert(alert["id"]), 404, "NotFound")


@pytest.mark.parametrize("changes, path_of_issue", [
    ({"name": "Not A Slug"}, "name"), ({"name": "-a"}, "name"), ({"name": "a--b"}, "name"),
    ({"eventType": "explosion"}, "eventType"), ({"alertBefore": "30d"}, "alertBefore"),
    ({"eventType": "expiration"}, "alertBefore"),
    ({"eventType": "expiration", "alertBefore": "30x"}, "alertBefore"),
    ({"eventType": "expiration", "alertBefore": "0d"}, "alertBefore"),
    ({"eventType": "expiration", "alertBefore": "999999999999d"}, "alertBefore"),
    ({"channels": []}, "channels"), ({"channels": "x"}, "channels"),
    ({"channels": [{"channelType": "carrier-pigeon", "config": {}}]}, "channels"),
    ({"channels": [{"channelType": "webhook", "config": {}}]}, "channels"),
    ({"channels": [{"channelType": "webhook", "config": {"url": 7}}]}, "channels"),
    ({"channels": [{"channelType": "webhook", "config": {"url": "http://plain.test/"}}]},
     "channels"),
    ({"channels": [{"channelType": "email", "config": {"recipients": []}}]}, "channels"),
    ({"channels": [{"channelType": "email", "config": {"recipients": [7]}}]}, "channels"),
    ({"channels": [{"channelType": "email", "config": {"recipients": ["a@b.test"] * 11}}]},
     "channels"),
    ({"channels": [{"channelType": "email", "config": {"recipients": [
        "a@b.test\r\nBcc: c@d.test"]}}]}, "channels"),
    ({"channels": [{"channelType": "email", "config": {"recipients": ["a@b.test\n"]}}]},
     "channels"),
    ({"name": "a\r\nb"}, "name"), ({"filters": "x"}, "filters"),
    ({"filters": [{}]}, "filters"), ({"enabled": "maybe"}, "enabled"),
], ids=repr)
def test_what_an_alert_may_not_be(place, path, changes, path_of_issue):
    body = {"projectId": place.world.project_id, "name": fresh("alert"), "eventType": "issuance",
            "channels": [place.webhook(path)], **changes}
    issues = refused(place.admin.create_alert(json=body), 422, "ValidationFailure")["message"]
    assert issues[0]["path"][0] == path_of_issue, issues


def test_an_unknown_channel_names_those_that_there_are(place):
    answer = place.admin.create_alert(
        projectId=place.world.project_id, name=fresh("alert"), eventType="issuance",
        channels=[{"channelType": "carrier-pigeon", "config": {}}])
    (issue,) = refused(answer, 422, "ValidationFailure")["message"]
    for word in ("webhook", "email", "slack"):
        assert word in issue["message"]


def test_a_channel_keeps_what_is_left_out(place, path):
    alert = place.alert("issuance", place.webhook(path, signingSecret=SECRET),
                        place.webhook(path + "/second"))
    first, second = alert["channels"]
    changed = ok(place.admin.update_alert(alert["id"], channels=[
        {"id": first["id"], "channelType": "webhook",
         "config": {"url": place.hook.url(path + "/moved"), "signingSecret": SECRET}}]))[
             "alert"]["channels"]
    assert [one["id"] for one in changed] == [first["id"]]
    assert changed[0]["config"] == {"url": place.hook.url(path + "/moved"),
                                    "hasSigningSecret": True}
    place.issue("kept.example.com")
    (post,) = place.hook.wait(path + "/moved")
    assert post.is_signed(SECRET)
    # Without an id it is found by its options; a null takes the secret away.
    changed = ok(place.admin.update_alert(alert["id"], channels=[
        place.webhook(path + "/moved"), place.webhook(path + "/new")]))["alert"]["channels"]
    assert changed[0]["id"] == first["id"] and changed[0]["config"]["hasSigningSecret"] is True
    assert changed[1]["id"] not in (first["id"], second["id"])
    changed = ok(place.admin.update_alert(alert["id"], channels=[
        {"id": first["id"], "channelType": "webhook",
         "config": {"url": place.hook.url(path + "/moved"), "signingSecret": None}}]))["alert"]
    assert changed["channels"][0]["config"]["hasSigningSecret"] is False
    refused(place.admin.update_alert(alert["id"], channels=[
        {"id": second["id"], **place.webhook(path)}]), 404, "NotFound")
    refused(place.admin.update_alert(alert["id"], channels=[
        {"id": first["id"], "channelType": "email", "config": {"recipients": ["a@b.test"]}}]),
        422, "ValidationFailure")
    ok(place.admin.delete_alert(alert["id"]))


def test_secrets_are_never_shown(place, path):
    alert = place.alert("issuance", place.webhook(path, signingSecret=SECRET),
                        {"channelType": "slack",
                         "config": {"webhookUrl": place.hook.url(path + "/slack-secret")}})
    place.issue("secret.example.com")
    place.hook.wait(path)
    answers = [place.admin.get_alert(alert["id"]), place.admin.list_deliveries(alert["id"]),
               place.admin.list_alerts(query={"projectId": place.world.project_id, "limit": 100}),
               place.admin.update_alert(alert["id"], enabled=False),
               place.admin.list_audit_logs(query={"limit": 100})]
    for answer in answers:
        ok(answer)
        assert SECRET not in answer.text and "slack-secret" not in answer.text
        assert "top secrets" not in answer.text
    assert SECRET not in place.daemon.log() and "top secrets" not in place.daemon.log()
    ok(place.admin.delete_alert(alert["id"]))


def test_a_project_has_so_many_alerts(place, path):
    world = World(place.admin)
    for _ in range(100):
        place.alert("revocation", place.webhook(path), world=world)
    answer = place.admin.create_alert(
        projectId=world.project_id, name=fresh("alert"), eventType="issuance",
        channels=[place.webhook(path)])
    refused(answer, 400, "BadRequest", "100 alerts")


# --- who may --------------------------------------------------------------------------------------

def test_projects_do_not_see_one_another(place, path):
    alert = place.alert("issuance", place.webhook(path))
    other = World(place.admin)
    stranger = Member(place.admin, other.project_id, "admin").api
    body = {"enabled": False}
    for answer in (stranger.get_alert(alert["id"]), stranger.delete_alert(alert["id"]),
                   stranger.update_alert(alert["id"], json=body), stranger.test_alert(alert["id"]),
                   stranger.list_alert_certificates(alert["id"]),
                   stranger.list_deliveries(alert["id"]),
                   stranger.list_alerts(query={"projectId": place.world.project_id}),
                   stranger.preview_alert(projectId=place.world.project_id, filters=[]),
                   stranger.test_webhook(projectId=place.world.project_id,
                                         url=place.hook.url(path))):
        refused(answer, 404, "NotFound")
    other.issue(commonName="other.example.com")
    place.issue("own.example.com")
    assert told(place.hook.wait(path)) == ["own.example.com"]
    assert ok(stranger.list_alerts(query={"projectId": other.project_id}))["alerts"] == []


@pytest.mark.parametrize("role, reads, writes", [
    ("viewer", True, False), ("auditor", True, False), ("operator", True, True),
    ("issuer", False, False), ("approver", False, False)])
def test_roles(place, path, role, reads, writes):
    api = Member(place.admin, place.world.project_id, role).api
    alert = place.alert("issuance", place.webhook(path))
    body = {"projectId": place.world.project_id, "name": fresh("alert"), "eventType": "renewal",
            "channels": [place.webhook(path)]}
    answers = {True: [api.get_alert(alert["id"]), api.list_alert_certificates(alert["id"])],
               False: [api.create_alert(json=body), api.update_alert(alert["id"], enabled=False),
                       api.delete_alert(alert["id"])]}
    for answer in answers[True]:
        ok(answer) if reads else refused(answer, 403, "PermissionDenied")
    for answer in answers[False]:
        ok(answer) if writes else refused(answer, 403, "PermissionDenied")


def test_who_may_not_read_certificates_is_not_told_of_them(place, path):
    slug = fresh("tellers")
    ok(place.admin.create_role(place.world.project_id, slug=slug, name=slug, permissions=[
        {"subject": "pki-alerts", "action": ["read", "create", "edit"]}]))
    api = Member(place.admin, place.world.project_id, slug).api
    answer = api.create_alert(projectId=place.world.project_id, name=fresh("alert"),
                              eventType="issuance", channels=[place.webhook(path)])
    denied = refused(answer, 403, "PermissionDenied")["details"][0]
    assert (denied["subject"], denied["action"]) == ("certificates", "read")
    refused(api.preview_alert(projectId=place.world.project_id, filters=[]), 403,
            "PermissionDenied")


# --- tests of channels ----------------------------------------------------------------------------

def test_a_test_says_how_it_went(place, path):
    world = World(place.admin)
    alert = place.alert("issuance", place.webhook(path, signingSecret=SECRET),
                        place.webhook(path + "/bad"), world=world)
    place.hook.only[path + "/bad"] = 500
    good, bad = alert["channels"]
    result = ok(place.admin.test_alert(alert["id"]))
    assert result["success"] is False and "500" in result["error"]
    assert [(one["channelId"], one["success"]) for one in result["channels"]] == [
        (good["id"], True), (bad["id"], False)]
    assert "top secrets" not in str(result)
    (post,) = place.hook.of(path)
    assert post.is_signed(SECRET) and post.event["type"] == PREFIX + "test"
    assert ok(place.admin.test_alert(alert["id"], channelId=good["id"]))["success"] is True
    refused(place.admin.test_alert(alert["id"], channelId=NOBODY), 404, "NotFound")
    assert place.deliveries(alert) == [] and place.get(alert)["lastRun"] is None
    answer = ok(place.admin.test_webhook(projectId=world.project_id, url=place.hook.url(path),
                                         signingSecret=SECRET))
    assert answer == {"success": True}
    answer = ok(place.admin.test_webhook(projectId=world.project_id,
                                         url=place.hook.url(path + "/bad")))
    assert answer["success"] is False and "500" in answer["error"]
    refused(place.admin.test_webhook(projectId=world.project_id, url="ftp://x.test/"), 422,
            "ValidationFailure")
    for _ in range(7):
        last = place.admin.test_webhook(projectId=world.project_id, url=place.hook.url(path))
    refused(last, 429, "RateLimitExceeded")
    assert int(last.headers["Retry-After"]) > 0


def test_this_machine_is_not_called_unless_it_may(admin, world):
    """The shared daemon has no outbound.allow."""
    made = admin.create_alert(
        projectId=world.project_id, name=fresh("alert"), eventType="issuance",
        channels=[{"channelType": "webhook", "config": {"url": "https://127.0.0.1:9/"}}])
    if made.status_code == 422:
        return
    alert = ok(made)["alert"]
    result = ok(admin.test_alert(alert["id"]))
    assert result["success"] is False and "outbound.allow" in result["error"]
    answer = ok(admin.test_webhook(projectId=world.project_id, url="https://127.0.0.1:9/"))
    assert answer["success"] is False and "outbound.allow" in answer["error"]
    ok(admin.delete_alert(alert["id"]))


# --- receivers that do not take it ----------------------------------------------------------------

def test_a_receiver_that_fails_is_tried_again_in_order(place, path):
    place.hook.only[path] = 500
    alert = place.alert("issuance", place.webhook(path, signingSecret=SECRET))
    place.issue("first.example.com")
    place.hook.wait(path)
    until(lambda: place.get(alert)["lastRun"])
    for name in ("second.example.com", "third.example.com"):
        place.issue(name)
        until(lambda: len(place.deliveries(alert)) == (2 if name.startswith("second") else 3))
    run = place.get(alert)["lastRun"]
    assert run["status"] == "failed" and "500" in run["error"]
    third, second, first = place.deliveries(alert)
    assert [one["sequence"] for one in (first, second, third)] == [1, 2, 3]
    assert {one["status"] for one in (first, second, third)} == {"pending"}
    assert first["attempts"] >= 1 and first["responseCode"] == 500 and first["nextAttemptAt"]
    assert "500" in first["lastError"] and second["attempts"] == 0
    assert len(ok(place.admin.list_deliveries(
        alert["id"], query={"status": "pending"}))["deliveries"]) == 3
    place.clock.advance(minutes=2)
    place.hook.wait(path, 2)
    place.hook.only[path] = 204
    place.clock.advance(minutes=5)
    posts = place.hook.wait(path, 3, status=204)
    assert told(posts) == ["first.example.com", "second.example.com", "third.example.com"]
    assert [post.sequence for post in posts] == [1, 2, 3]
    repeats = [post.event["id"] for post in place.hook.of(path, 500)]
    assert set(repeats) == {posts[0].event["id"]}
    until(lambda: {one["status"] for one in place.deliveries(alert)} == {"delivered"})
    assert place.get(alert)["lastRun"]["status"] == "success"


def test_retry_after_is_heeded(place, path):
    place.hook.only[path] = 503
    place.hook.headers["Retry-After"] = "3000"
    alert = place.alert("issuance", place.webhook(path))
    place.issue("later.example.com")
    place.hook.wait(path)
    (delivery,) = until(lambda: [one for one in place.deliveries(alert) if one["nextAttemptAt"]])
    del place.hook.headers["Retry-After"]
    place.hook.only[path] = 204
    place.clock.advance(minutes=40)
    time.sleep(3)
    assert len(place.hook.of(path)) == 1
    place.clock.advance(minutes=20)
    place.hook.wait(path, 1, status=204)
    assert place.deliveries(alert)[0]["id"] == delivery["id"]


def test_one_that_hangs_keeps_no_other_waiting_for_long(place, path):
    hostile, world = World(place.admin), World(place.admin)
    place.hook.only[path + "/hang"] = "hang"
    hanging = place.alert("issuance", place.webhook(path + "/hang"), world=hostile)
    place.alert("issuance", place.webhook(path), world=world)
    hostile.issue(commonName="hang.example.com")
    place.hook.wait(path + "/hang")
    began = time.monotonic()
    world.issue(commonName="good.example.com")
    place.hook.wait(path)
    assert time.monotonic() - began < 10
    until(lambda: place.get(hanging)["lastRun"])
    assert place.get(hanging)["lastRun"]["status"] == "failed"
    ok(place.admin.delete_alert(hanging["id"]))


def test_it_is_given_up_in_the_end(place, path):
    place.hook.only[path] = 500
    alert = place.alert("issuance", place.webhook(path))
    place.issue("never.example.com")
    place.hook.wait(path)
    until(lambda: place.get(alert)["lastRun"])
    place.clock.advance(days=8)
    (delivery,) = until(lambda: [one for one in place.deliveries(alert)
                                 if one["status"] == "failed"])
    assert "waited too long" in delivery["lastError"] and "500" in delivery["lastError"]
    place.hook.only[path] = 204
    place.issue("after.example.com")
    assert told(place.hook.wait(path, status=204)) == ["after.example.com"]


def test_a_disabled_alert_tells_nothing(place, path):
    place.hook.only[path] = 500
    alert = place.alert("issuance", place.webhook(path))
    place.issue("waits.example.com")
    place.hook.wait(path)
    ok(place.admin.update_alert(alert["id"], enabled=False))
    place.hook.only[path] = 204
    place.issue("unheard.example.com")
    place.clock.advance(hours=2)
    until(lambda: place.deliveries(alert)[0]["status"] == "failed")
    assert "disabled" in place.deliveries(alert)[0]["lastError"]
    until(lambda: execute(place.daemon, "SELECT count(*) FROM alert_events") == [["0"]])
    ok(place.admin.update_alert(alert["id"], enabled=True))
    place.issue("heard.example.com")
    assert told(place.hook.wait(path, status=204)) == ["heard.example.com"]


def test_an_alert_that_is_deleted_while_deliveries_wait(place, path):
    place.hook.only[path] = 500
    alert = place.alert("issuance", place.webhook(path))
    place.issue("gone.example.com")
    place.hook.wait(path)
    ok(place.admin.delete_alert(alert["id"]))
    place.hook.only[path] = 204
    place.clock.advance(hours=2)
    time.sleep(2)
    assert place.hook.of(path, 204) == []
    for collection in ("alert_deliveries", "alert_channels", "alert_states"):
        rows = execute(place.daemon,
                       f"SELECT count(*) FROM {collection} WHERE {row_of(place, alert)}")
        assert rows == [["0"]], collection


# --- ends -----------------------------------------------------------------------------------------

def test_what_ends_is_told_once(place, path):
    world = World(place.admin)
    alert = place.alert("expiration", place.webhook(path), world=world, alertBefore="30d")
    place.look(alert)
    lives = {"soon": 20, "later": 45, "much-later": 120, "revoked": 46, "renewed": 47}
    ids = {name: place.issue(f"{name}.example.com", world=world, ttl=f"{days}d")
           for name, days in lives.items()}
    ok(place.admin.revoke(ids["revoked"], revocationReason="SUPERSEDED"))
    ok(place.admin.renew(ids["renewed"]))
    place.look(alert, days=1, minutes=5)
    assert told(place.hook.wait(path)) == ["soon.example.com"]
    (shown,) = place.hook.of(path)[0].data["certificates"]
    assert shown["daysUntilExpiry"] == 18
    listed = ok(place.admin.list_alert_certificates(alert["id"]))["certificates"]
    assert [one["commonName"] for one in listed] == ["soon.example.com"]
    for number in range(6):
        place.clock.advance(days=3)
        if number % 2 == 0:
            place.restart(kill=True)
        place.look(alert)
    # Of the renewed one only the successor, which lives as long as it did.
    until(lambda: len(without_repeats(place.hook.of(path))) >= 3)
    posts = without_repeats(place.hook.of(path))
    assert collections.Counter(told(posts)) == {
        "soon.example.com": 1, "later.example.com": 1, "renewed.example.com": 1}
    (renewed,) = [one for post in posts for one in post.data["certificates"]
                  if one["commonName"] == "renewed.example.com"]
    assert renewed["id"] != ids["renewed"]


def test_a_short_life_is_told_too(place, path):
    world = World(place.admin)
    alert = place.alert("expiration", place.webhook(path), world=world, alertBefore="30d")
    place.look(alert)
    place.look(alert, days=2)
    place.issue("short.example.com", world=world, ttl="3d")
    place.look(alert, days=1, minutes=5)
    assert told(place.hook.wait(path)) == ["short.example.com"]
    place.look(alert, days=1, minutes=5)
    time.sleep(2)
    assert told(place.hook.of(path)) == ["short.example.com"]


def test_changes_of_what_is_told(place, path):
    world = World(place.admin)
    place.issue("a.example.com", world=world, ttl="10d")
    place.issue("b.example.com", world=world, ttl="50d")
    place.clock.advance(minutes=5)
    alert = place.alert("expiration", place.webhook(path), world=world, alertBefore="30d",
                        filters=[{"field": "common_name", "operator": "starts_with",
                                  "value": "a"}])
    assert told(place.hook.wait(path)) == ["a.example.com"]
    ok(place.admin.update_alert(alert["id"], alertBefore="60d"))  # longer: goes on
    place.look(alert)
    assert told(place.hook.of(path)) == ["a.example.com"]
    ok(place.admin.update_alert(alert["id"], filters=[]))  # others: begins anew
    place.look(alert)
    until(lambda: len(told(place.hook.of(path))) == 3)
    assert sorted(told(place.hook.of(path))) == ["a.example.com"] * 2 + ["b.example.com"]


# --- restarts -------------------------------------------------------------------------------------

def test_nothing_is_lost_over_restarts(place, path):
    """Receivers come and go, and the daemon is killed, while certificates are issued."""
    alert = place.alert("issuance", place.webhook(path, signingSecret=SECRET),
                        {"channelType": "email", "config": {"recipients": ["pki@example.com"]}})
    place.mail.answer = "451 not now"
    mailed = len(place.mail.mails)
    names = [f"n{number}.example.com" for number in range(24)]
    for number, name in enumerate(names):
        place.hook.only[path] = random.choice([204, 204, 500, 503])
        place.issue(name)
        if number % 8 == 7:
            time.sleep(random.random())
            place.restart(kill=True)
            place.clock.advance(minutes=1)
            time.sleep(1.5)
    place.hook.only[path] = 204
    place.mail.answer = "250 taken"

    place.clock.advance(hours=2)  # past every back-off
    until(lambda: set(told(place.hook.of(path, 204))) == set(names))
    posts = place.hook.of(path, 204)
    assert all(post.is_signed(SECRET) for post in place.hook.of(path))
    first = {}
    for post in posts:
        first.setdefault(post.sequence, post)
    assert list(first) == sorted(first) == list(range(1, len(first) + 1))
    assert told(first.values()) == names, "in order, each once but for repeats"
    ids = {post.sequence: {one.event["id"] for one in posts if one.sequence == post.sequence}
           for post in posts}
    assert all(len(one) == 1 for one in ids.values()), "a repeat has the same id"

    until(lambda: mailed_names(place, mailed) == names)
    until(lambda: {one["status"] for one in place.deliveries(alert, limit=100)} == {"delivered"})
    ok(place.admin.delete_alert(alert["id"]))


def mailed_names(place, first):
    """Whom mails speak of, in their order, repeats left out."""
    texts = [mail.message.get_content() for mail in place.mail.mails[first:]]
    found = [name for text in texts for name in re.findall(r"^(n\d+\.example\.com):", text, re.M)]
    return list(dict.fromkeys(found))


def test_an_event_that_was_told_is_not_told_again(place, path):
    """A daemon that ends between an alert's deliveries and the end of the events meets them again."""
    world = World(place.admin)
    alert = place.alert("issuance", place.webhook(path), world=world)
    made = place.issue("once.example.com", world=world)
    place.hook.wait(path)
    until(lambda: execute(place.daemon, "SELECT count(*) FROM alert_events") == [["0"]])
    ((told_ids,),) = execute(
        place.daemon, f"SELECT told FROM alert_states WHERE {row_of(place, alert)}")
    assert len(told_ids) == 32
    add_events(place, world.project_id, made, 1, told_ids)
    until(lambda: execute(place.daemon, "SELECT count(*) FROM alert_events") == [["0"]])
    place.issue("twice.example.com", world=world)
    place.hook.wait(path, 2)
    assert told(place.hook.of(path)) == ["once.example.com", "twice.example.com"]


def test_what_a_backup_held_for_long_is_not_told(place, path):
    world = World(place.admin)
    place.alert("issuance", place.webhook(path), world=world)
    made = place.issue("new.example.com", world=world)
    place.hook.wait(path)
    add_events(place, world.project_id, made, 3, age=8 * 86400)
    until(lambda: execute(place.daemon, "SELECT count(*) FROM alert_events") == [["0"]])
    until(lambda: "alert.stale" in place.daemon.log())
    place.issue("newer.example.com", world=world)
    place.hook.wait(path, 2)
    assert told(place.hook.of(path)) == ["new.example.com", "newer.example.com"]


def test_a_burst_is_bounded(place, path):
    """Ten thousand events become a hundred deliveries; here two thousand, whose rows are written
    behind the daemon's back: what is measured is what comes after an issuance."""
    world = World(place.admin)
    count = 2000
    alert = place.alert("issuance", place.webhook(path), world=world)
    certificate = place.issue("burst.example.com", world=world)
    place.hook.wait(path)
    add_events(place, world.project_id, certificate, count)
    began = time.monotonic()
    until(lambda: len(told(place.hook.of(path))) == count + 1, 120)
    print(f"{count} events were told within {time.monotonic() - began:.1f} s")
    posts = place.hook.of(path)
    assert max(len(post.names) for post in posts) <= 100
    assert len(posts) <= count / 100 + 10
    assert [post.sequence for post in posts] == list(range(1, len(posts) + 1))
    assert execute(place.daemon, "SELECT count(*) FROM alert_events") == [["0"]]
    assert place.metric('alert_deliveries_total{result="delivered",channel="webhook"}') > 0
    ok(place.admin.delete_alert(alert["id"]))


def add_events(place, project, certificate, count, ids=None, age=0):
    """Writes rows of events; `ids` is the id of one, in hexadecimal digits."""
    then = int((place.clock.now.timestamp() - age) * 1e6)
    columns = "id, project_id, type, certificate_id, created_at"
    if place.daemon.storage == "postgres":
        one = "gen_random_uuid()" if ids is None else f"'{ids}'::uuid"
        execute(place.daemon, f"""
            INSERT INTO alert_events ({columns}, "revision$")
            SELECT {one}, '{project}', 'issuance', '{certificate}', {then}, 1
            FROM generate_series(1, {count})""")
    else:
        one = "randomblob(16)" if ids is None else f"x'{ids}'"
        execute(place.daemon, f"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
            INSERT INTO alert_events ({columns}, "$revision")
            SELECT {one}, x'{project.replace("-", "")}', 'issuance',
                   x'{certificate.replace("-", "")}', {then}, 1 FROM n""")
