"""Alerts against people who mean harm: to receivers, to neighbours, to what must be told."""
import concurrent.futures
import random
import re
import socket
import time

import pytest

import daemon as daemons
from api import Api, ok, refused
from database import execute
from receivers import until
from test_alerts import SECRET, Place, told
from world import Member, World, fresh


@pytest.fixture(scope="module")
def place(chancery, storage, database, tmp_path_factory):
    one = Place(tmp_path_factory.mktemp(f"alert-attacks-{storage}"), storage, database(storage))
    try:
        yield one.start()
        one.close()
    finally:
        one.daemon.kill()


@pytest.fixture
def path():
    """A path of the receiver for this test alone."""
    return "/" + fresh("hook")


# --- room ------------------------------------------------------------------------------------------

def test_what_was_told_takes_no_more_room(place, path):
    alert = place.alert("issuance", place.webhook(path))
    place.issue("room.example.com")
    place.hook.wait(path)
    until(lambda: place.deliveries(alert)[0]["status"] == "delivered")
    kept = execute(place.daemon, "SELECT count(*) FROM alert_deliveries "
                                 "WHERE status <> 'pending' AND length(text) > 0")
    assert kept == [["0"]]
    assert place.deliveries(alert)[0]["certificates"] == 1


# --- secrets --------------------------------------------------------------------------------------

def test_a_secret_does_not_go_with_another_url(place, path):
    """Who may edit an alert does not get what its channel signs, for a URL of his own."""
    alert = place.alert("issuance", place.webhook(path, signingSecret=SECRET))
    (channel,) = alert["channels"]
    stolen = place.hook.url(path + "/stolen")

    def change(**config):
        return place.admin.update_alert(alert["id"], channels=[
            {"id": channel["id"], "channelType": "webhook", "config": config}])
    (issue,) = refused(change(url=stolen), 422, "ValidationFailure")["message"]
    assert issue["path"][-1] == "signingSecret", issue
    assert place.get(alert)["channels"] == alert["channels"]
    # What changes nothing keeps it; with a new one, or with none, the URL may change.
    assert ok(change(url=place.hook.url(path)))["alert"]["channels"][0]["config"] == {
        "url": place.hook.url(path), "hasSigningSecret": True}
    ok(place.admin.update_alert(alert["id"], channels=[
        {"id": channel["id"], "channelType": "webhook", "enabled": False, "config": {}}]))
    assert place.get(alert)["channels"][0]["config"]["hasSigningSecret"] is True
    assert ok(change(url=stolen, signingSecret=None))["alert"]["channels"][0]["config"] == {
        "url": stolen, "hasSigningSecret": False}
    assert ok(change(url=place.hook.url(path), signingSecret="another"))["alert"]["channels"][0][
        "config"]["hasSigningSecret"] is True
    # Nor does it without an id, as a channel that is like it but for the URL.
    moved = ok(place.admin.update_alert(alert["id"], channels=[place.webhook(path + "/x")]))
    assert moved["alert"]["channels"][0]["config"]["hasSigningSecret"] is False
    ok(place.admin.delete_alert(alert["id"]))


def test_a_channel_of_another_alert_is_none(place, path):
    mine = place.alert("issuance", place.webhook(path))
    other = place.alert("issuance", place.webhook(path, signingSecret=SECRET),
                        world=World(place.admin))
    stranger = {"id": other["channels"][0]["id"], "channelType": "webhook", "config": {}}
    refused(place.admin.update_alert(mine["id"], channels=[stranger]), 404, "NotFound")
    twice = {"id": mine["channels"][0]["id"], **place.webhook(path)}
    refused(place.admin.update_alert(mine["id"], channels=[twice, twice]), 404, "NotFound")
    made = place.alert("issuance", {**stranger, **place.webhook(path)})
    assert made["channels"][0]["id"] != stranger["id"]
    assert made["channels"][0]["config"]["hasSigningSecret"] is False
    refused(place.admin.test_alert(mine["id"], channelId=stranger["id"]), 404, "NotFound")


def test_channel_secrets_outlive_another_master_key(place, path):
    alert = place.alert("issuance", place.webhook(path, signingSecret=SECRET))
    new_kek = place.daemon.directory / "kek.new"
    rotated = daemons.run("key", "rotate", "--new-kek", new_kek, "--config",
                          place.daemon.data / "dev.yaml", env=place.clock.environment)
    assert rotated.returncode == 0, rotated.stderr
    file = place.daemon.data / "dev.yaml"
    text = file.read_text(encoding="utf-8")
    assert str(place.daemon.kek_file) in text
    file.write_text(text.replace(str(place.daemon.kek_file), str(new_kek)), encoding="utf-8")
    place.restart()
    place.issue("rotated.example.com")
    (post,) = place.hook.wait(path)
    assert post.is_signed(SECRET)
    database = place.daemon.data.rglob("*.db*")
    assert not any(SECRET.encode() in one.read_bytes() for one in database if one.is_file())


# --- as a tool against others -----------------------------------------------------------------------

def test_every_channel_is_a_test(place, path):
    """An alert has ten channels: a test of it is ten calls, not one."""
    alert = place.alert("issuance", *[place.webhook(path) for _ in range(10)],
                        world=World(place.admin))
    assert ok(place.admin.test_alert(alert["id"]))["success"] is True
    answer = place.admin.test_alert(alert["id"], channelId=alert["channels"][0]["id"])
    refused(answer, 429, "RateLimitExceeded")
    assert len(place.hook.of(path)) == 10


def test_tests_that_hang_leave_workers_to_others(place, path):
    """Each holds a worker: so many at once, whoever asks."""
    place.hook.only[path] = "hang"
    worlds = [World(place.admin) for _ in range(3)]

    def ask(number):
        return Api(place.daemon.ready.url, place.daemon.ready.token).test_webhook(
            projectId=worlds[number % 3].project_id, url=place.hook.url(path))
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(ask, range(30)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 16 + [429] * 14, statuses
    busy = [answer for answer in answers if answer.status_code == 429]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in busy)
    place.hook.only[path] = 204
    world = World(place.admin)
    assert ok(place.admin.test_webhook(projectId=world.project_id,
                                       url=place.hook.url(path)))["success"] is True


def test_many_that_hang_cost_a_neighbour_no_more_than_one(place, path):
    hostile, world = World(place.admin), World(place.admin)
    place.hook.only[path + "/hang"] = "hang"
    hanging = place.alert("issuance", *[place.webhook(path + "/hang") for _ in range(10)],
                          world=hostile)
    place.alert("issuance", place.webhook(path), world=world)
    hostile.issue(commonName="hang.example.com")
    place.hook.wait(path + "/hang")
    began = time.monotonic()
    world.issue(commonName="good.example.com")
    place.hook.wait(path)
    assert time.monotonic() - began < 16
    ok(place.admin.delete_alert(hanging["id"]))


INSIDE = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.0.0.1.",
          "localhost", "localhost.", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
          "[::]", "0.0.0.0", "0", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "%31%32%37.0.0.1",
          "127%E3%80%820.0.1", "%E2%91%A0%E2%91%A1%E2%91%A6.0.0.1", "user@127.0.0.1",
          "example.com@127.0.0.1", "127.0.0.1#@example.com", "[fe80::1%25lo]"]


def test_no_spelling_leads_inside(admin):
    """The shared daemon may call nothing inside: none of them reaches a listener of this machine."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        listener.settimeout(0.1)
        port = listener.getsockname()[1]
        worlds = [World(admin) for _ in range(len(INSIDE) // 10 + 1)]
        for number, host in enumerate(INSIDE):
            answer = admin.test_webhook(projectId=worlds[number // 10].project_id,
                                        url=f"https://{host.replace('#', f':{port}#')}:{port}/")
            if answer.status_code == 422:
                refused(answer, 422, "ValidationFailure")
                continue
            found = ok(answer)
            assert found["success"] is False
            assert re.search("outbound.allow|resolve|illegal format", found["error"]), (host, found)
        with pytest.raises(TimeoutError):
            listener.accept()


# --- who may ----------------------------------------------------------------------------------------

def test_some_certificates_are_not_all(place, path):
    """Who may read some certificates, by a condition, is not told of all of them by an alert."""
    slug = fresh("some")
    ok(place.admin.create_role(place.world.project_id, slug=slug, name=slug, permissions=[
        {"subject": "pki-alerts", "action": ["read", "create", "edit"]},
        {"subject": "certificates", "action": ["read"],
         "conditions": {"commonName": {"$eq": "mine.example.com"}}}]))
    api = Member(place.admin, place.world.project_id, slug).api
    refused(api.create_alert(projectId=place.world.project_id, name=fresh("alert"),
                             eventType="issuance", channels=[place.webhook(path)]),
            403, "PermissionDenied")
    refused(api.preview_alert(projectId=place.world.project_id, filters=[]), 403,
            "PermissionDenied")
    alert = place.alert("issuance", place.webhook(path))
    for answer in (api.update_alert(alert["id"], channels=[place.webhook(path + "/mine")]),
                   api.list_alert_certificates(alert["id"])):
        refused(answer, 403, "PermissionDenied")


def test_changes_at_once_leave_ten_channels(place, path):
    alert = place.alert("issuance", place.webhook(path))

    def change(number):
        return Api(place.daemon.ready.url, place.daemon.ready.token).update_alert(
            alert["id"], channels=[place.webhook(f"{path}/{number}/{one}") for one in range(10)])
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(change, range(6)))
    assert {answer.status_code for answer in answers} <= {200, 409}, answers
    assert 200 in {answer.status_code for answer in answers}
    plain = alert["id"] if place.daemon.storage == "postgres" else alert["id"].replace("-", "")
    field = "alert_id" if place.daemon.storage == "postgres" else "lower(hex(alert_id))"
    rows = execute(place.daemon, f"SELECT count(*) FROM alert_channels WHERE {field} = '{plain}'")
    assert rows == [["10"]]


# --- nonsense ---------------------------------------------------------------------------------------

WORDS = [None, True, 0, -1, 2**63, 1e300, "", "x", "\u0001", "\u2028", "a" * 70000, "*" * 300,
         "https://127.0.0.1/", "https://[::1", "https://%00/", "https://a\r\nb/", [], {}, [[]], [{}],
         {"a": {}}, "30d", "99999d", "٣d", "issuance", "expiration", "webhook", "email", "slack",
         "00000000-0000-0000-0000-000000000000", "profile_name", "common_name", "san", "equals",
         "matches", "a*b*c*", ["a", 1], "\ud83d\ude00"]
MEMBERS = ["projectId", "name", "description", "eventType", "alertBefore", "filters", "enabled",
           "channels", "url", "signingSecret", "channelId", "limit", "offset", "cursor"]


def nonsense(place, path, chance):
    def word(depth=0):
        if depth < 2 and chance.random() < 0.3:
            return {"field": word(2), "operator": word(2), "value": word(1)}
        if depth < 2 and chance.random() < 0.3:
            return {"channelType": word(2), "config": {"url": word(2), "webhookUrl": word(2),
                                                       "recipients": word(2)}, "id": word(2)}
        if depth < 2 and chance.random() < 0.3:
            return [word(depth + 1) for _ in range(chance.randrange(4))]
        return chance.choice(WORDS)
    body = {"projectId": place.world.project_id, "name": fresh("alert"), "eventType": "issuance",
            "channels": [place.webhook(path)], "filters": [], "url": "https://127.0.0.1:1/"}
    for _ in range(chance.randrange(1, 4)):
        body[chance.choice(MEMBERS)] = word()
    return body


def test_nonsense_is_refused(place, path):
    """Each answer is one of the API's own: api.py fails at a 5xx."""
    chance = random.Random(20261122)
    alert = place.alert("revocation", place.webhook(path))
    made = []
    for _ in range(150):
        body = nonsense(place, path, chance)
        for answer in (place.admin.create_alert(json=body),
                       place.admin.update_alert(alert["id"], json=body),
                       place.admin.preview_alert(json=body),
                       place.admin.test_webhook(json=body),
                       place.admin.test_alert(alert["id"], json=body)):
            assert answer.status_code < 500, (body, answer.text)
            if answer.status_code < 300 and "alert" in answer.json():
                made.append(answer.json()["alert"]["id"])
    for one in set(made):
        ok(place.admin.delete_alert(one))


# --- clocks -----------------------------------------------------------------------------------------

def test_a_clock_that_goes_ahead_and_back_stops_nothing(place, path):
    """The last of this file: its clock goes back behind what the daemon has done."""
    place.hook.only[path] = 500
    alert = place.alert("issuance", place.webhook(path))
    ends = place.alert("expiration", place.webhook(path + "/ends"), alertBefore="30d")
    place.look(ends)
    place.issue("clock.example.com")
    place.hook.wait(path)
    place.clock.jump(days=3)
    place.hook.wait(path, 2)
    until(lambda: place.deliveries(alert)[0]["attempts"] >= 2)
    place.look(ends)
    place.clock.jump(days=-3)
    place.hook.only[path] = 204
    assert told(place.hook.wait(path, status=204)) == ["clock.example.com"]
    # Nor does the other look as late as it meant to, or leave out what is made until then.
    plain = ends["id"] if place.daemon.storage == "postgres" else ends["id"].replace("-", "")
    field = "alert_id" if place.daemon.storage == "postgres" else "lower(hex(alert_id))"

    def state():
        return [float(value) for value in execute(
            place.daemon, f"SELECT due_at, seen FROM alert_states WHERE {field} = '{plain}'")[0]]
    now = place.clock.now.timestamp() * 1e6
    day = 86400e6
    until(lambda: state()[0] < now + 1.1 * day and state()[1] < now + 1e6 * 600)
