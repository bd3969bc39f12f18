"""People: made by administrators, logged in by password, and what ends that."""
import re
import threading

import pytest

import daemon as daemons
import database
import pki
from api import TIME, UUID, Api, issue_paths, ok, refused
from client import Client, Terminal
from world import Person, fresh

NEW = "another one entirely"
OTHER = "not even that one"
SHORT = "eleven char"


@pytest.fixture
def person(admin, world):
    """A person for one test that changes them."""
    return Person(admin, world.project_id)


# --- people ----------------------------------------------------------------------------------------

def test_create_and_read(admin):
    username = fresh("Alice").replace("-", ".") + "@Example.com"
    made = ok(admin.create_user(username=username, email="alice@example.com"))["user"]
    assert UUID.match(made["id"]) and TIME.match(made["createdAt"]) and TIME.match(made["updatedAt"])
    assert made["username"] == made["name"] == username.lower()
    assert (made["email"], made["role"], made["disabled"]) == (
        "alice@example.com", "no-access", False)
    assert "password" not in made
    assert ok(admin.get_user(made["id"]))["user"] == made
    changed = ok(admin.update_user(made["id"], name="Alice", email=None, role="auditor",
                                   username=username.upper()))["user"]
    assert (changed["name"], changed["email"], changed["role"]) == ("Alice", None, "auditor")
    assert changed["username"] == username.lower()
    identity = ok(admin.get_identity(made["id"]))["identity"]
    assert (identity["type"], identity["name"], identity["role"]) == ("user", "Alice", "auditor")
    assert ok(admin.delete_user(made["id"]))["user"]["id"] == made["id"]
    refused(admin.get_user(made["id"]), 404, "NotFound")
    refused(admin.delete_user(made["id"]), 404, "NotFound")


def test_lists_have_people_only(admin, world, person):
    machine = world.member("issuer").id
    by_name = ok(admin.list_users(query={"username": person.username.upper()}))
    assert [one["id"] for one in by_name["users"]] == [person.id] and by_name["totalCount"] == 1
    by_start = ok(admin.list_users(query={"search": person.username[:-1]}))["users"]
    assert person.id in [one["id"] for one in by_start]
    seen, cursor = [], None
    while True:
        page = ok(admin.list_users(query={"limit": 2, **({"cursor": cursor} if cursor else {})}))
        seen += [one["id"] for one in page["users"]]
        cursor = page.get("cursor")
        if not cursor:
            break
    assert person.id in seen and machine not in seen and len(seen) == len(set(seen))
    refused(admin.get_user(machine), 404, "NotFound")
    refused(admin.update_user(machine, name="x"), 404, "NotFound")
    refused(admin.delete_user(machine), 404, "NotFound")
    refused(admin.set_password(machine, password=NEW), 404, "NotFound")


def test_a_username_is_one_in_any_case(admin, person):
    refused(admin.create_user(username=person.username.upper()), 403, "ForbiddenError", "username")
    other = ok(admin.create_user(username=fresh("person")))["user"]["id"]
    refused(admin.update_user(other, username=person.username.title()), 403, "ForbiddenError")
    assert ok(person.log_in(username=person.username.upper()))["accessToken"]


@pytest.mark.parametrize("body, path", [
    ({}, "username"),
    ({"username": ""}, "username"),
    ({"username": "-alice"}, "username"),
    ({"username": "al ice"}, "username"),
    ({"username": "älice"}, "username"),
    ({"username": "a" * 129}, "username"),
    ({"username": 7}, "username"),
    ({"username": "alice", "email": "nowhere"}, "email"),
    ({"username": "alice", "email": "a b@example.com"}, "email"),
    ({"username": "alice", "email": "a@b@example.com"}, "email"),
    ({"username": "alice", "email": "a@example.com\nBcc: b"}, "email"),
    ({"username": "alice", "role": "boss"}, "role"),
    ({"username": "alice", "disabled": "no"}, "disabled"),
    ({"username": "alice", "password": SHORT}, "password"),
    ({"username": "alice", "password": "a" * 1025}, "password"),
    ({"username": "alice", "password": "ä" * 600}, "password"),
    ({"username": "alice.adams@b", "password": "Alice.Adams@B"}, "password"),
])
def test_what_is_no_user(admin, body, path):
    assert path in issue_paths(admin.create_user(json=body))


def test_what_is_no_password(admin, person):
    for password in (SHORT, "a" * 1025, "ä" * 513, person.username.upper(), None, 7):
        assert "password" in issue_paths(admin.set_password(person.id, password=password))
        assert "newPassword" in issue_paths(person.change_password(password))
    assert ok(person.log_in())
    longest = "ä" * 512
    ok(admin.set_password(person.id, password=longest))
    assert ok(person.log_in(password=longest))


def test_who_may_manage_people(admin, world, other_world, person):
    """Of the instance, and of all projects of somebody who has no role in the instance."""
    boss = world.member("admin").api
    refused(boss.create_user(username=fresh("person")), 403, "PermissionDenied")
    ok(boss.get_user(person.id))
    ok(boss.update_user(person.id, name="Theirs"))
    ok(boss.set_password(person.id, password=NEW))
    for role in ("issuer", "no-access"):
        api = world.member(role).api
        refused(api.set_password(person.id, password=NEW), 403, "PermissionDenied")
        refused(api.get_user(person.id), 403, "PermissionDenied")
    auditor = world.member("auditor").api
    ok(auditor.get_user(person.id))
    refused(auditor.update_user(person.id, disabled=True), 403, "PermissionDenied")
    outside = other_world.member("admin").api
    for answer in (outside.get_user(person.id), outside.delete_user(person.id),
                   outside.set_password(person.id, password=NEW)):
        refused(answer, 404, "NotFound")
    ok(admin.add_member(other_world.project_id, person.id, role="issuer"))
    refused(boss.set_password(person.id, password=NEW), 403, "PermissionDenied")
    chief = Person(admin, world.project_id, logs_in=False, role="operator")
    ok(admin.update_user(chief.id, role="operator"))
    refused(boss.set_password(chief.id, password=NEW), 403, "PermissionDenied")


def test_nobody_locks_themselves_out(admin):
    chief = Person(admin)
    ok(admin.update_user(chief.id, role="admin"))
    refused(chief.api.update_user(chief.id, disabled=True), 403, "ForbiddenError")
    refused(chief.api.update_user(chief.id, role="viewer"), 403, "ForbiddenError")
    refused(chief.api.delete_user(chief.id), 403, "ForbiddenError")
    ok(admin.delete_user(chief.id))


def test_a_person_works_like_any_member(admin, world, person):
    shown = ok(admin.get_member(world.project_id, person.id))["identityMembership"]
    assert (shown["role"], shown["identity"]["type"]) == ("issuer", "user")
    issued = ok(world.ask(api=person.api))["certificate"]
    pki.verify_answer(issued, world.root_pem())
    rows = ok(admin.search_audit_logs(json={"actorId": person.id, "limit": 100}))["auditLogs"]
    assert {"certificate.issue", "user.login"} <= {row["action"] for row in rows}


# --- log-in ----------------------------------------------------------------------------------------

def test_log_in_answers_as_machines_are_answered(world, person):
    answer = person.log_in()
    body = ok(answer)
    assert set(body) == {"accessToken", "expiresIn", "accessTokenMaxTTL", "tokenType"}
    assert (body["expiresIn"], body["accessTokenMaxTTL"], body["tokenType"]) == (
        12 * 3600, 7 * 86400, "Bearer")
    assert "no-store" in answer.headers["Cache-Control"]
    renewed = ok(person.anonymous.renew_token(accessToken=body["accessToken"]))
    assert renewed["accessToken"] == body["accessToken"]
    api = person.anonymous.with_token(body["accessToken"])
    ok(api.get_profile(world.profile_id))
    ok(person.anonymous.revoke_token(accessToken=body["accessToken"]))
    refused(api.get_profile(world.profile_id), 403, "TokenError")


@pytest.mark.parametrize("body, path", [
    ({}, "username"),
    ({"username": "alice"}, "password"),
    ({"username": "al ice", "password": NEW}, "username"),
    ({"username": "alice", "password": ""}, "password"),
    ({"username": "alice", "password": ["x"]}, "password"),
])
def test_a_malformed_log_in(admin, body, path):
    assert path in issue_paths(admin.with_token(None).log_in_user(json=body))


def test_a_wrong_half_is_not_told(admin, person):
    without = ok(admin.create_user(username=fresh("person")))["user"]["username"]
    told = {refused(answer, 401, "UnauthorizedError")["message"] for answer in (
        person.log_in(password=NEW), person.log_in(username=fresh("nobody")),
        person.log_in(username=without), person.change_password(NEW, password=OTHER),
        person.change_password(NEW, username=fresh("nobody")))}
    assert told == {"the username or the password is wrong"}


def locked_after(person, **wrong):
    """The messages of five wrong log-ins, and the one after."""
    return [refused(person.log_in(password=NEW, **wrong), 401)["message"] for _ in range(6)]


def test_known_and_unknown_names_are_locked_alike(person):
    known, unknown = locked_after(person), locked_after(person, username=fresh("nobody"))
    no_number = [re.sub(r"\d+", "N", message) for message in known]
    assert no_number == [re.sub(r"\d+", "N", message) for message in unknown]
    assert "locked" in known[5] and "locked" not in known[4]
    refused(person.log_in(), 401, "UnauthorizedError", "locked")
    refused(person.change_password(NEW), 401, "UnauthorizedError", "locked")


def test_a_right_one_forgets_the_wrong_ones(person):
    for _ in range(2):
        for _ in range(3):
            refused(person.log_in(password=NEW), 401)
        ok(person.log_in())


def test_failures_are_audited(admin, person):
    refused(person.log_in(password=NEW), 401)
    rows = ok(admin.search_audit_logs(json={"action": "user.login", "limit": 100}))["auditLogs"]
    mine = [row for row in rows if row["targetId"] == person.id]
    assert [row["outcome"] for row in mine] == ["failed", "ok"]
    assert mine[0]["actorType"] == "anonymous" and mine[1]["actorType"] == "user"


# --- what ends it ----------------------------------------------------------------------------------

def test_changing_the_password_ends_all_tokens(world, person):
    other = person.anonymous.with_token(ok(person.log_in())["accessToken"])
    refused(person.change_password(person.password), 422, "ValidationFailure")
    assert "log in again" in ok(person.change_password(NEW))["message"]
    for api in (person.api, other):
        refused(api.get_profile(world.profile_id), 403, "TokenError")
    refused(person.log_in(), 401)
    again = person.anonymous.with_token(ok(person.log_in(password=NEW))["accessToken"])
    ok(again.get_profile(world.profile_id))


def test_setting_the_password_ends_all_tokens(admin, world, person):
    assert ok(admin.set_password(person.id, password=NEW))["user"]["id"] == person.id
    refused(person.api.get_profile(world.profile_id), 403, "TokenError")
    refused(person.log_in(), 401)
    ok(person.log_in(password=NEW))


def test_disabling_ends_all_tokens(admin, world, person):
    assert ok(admin.update_user(person.id, disabled=True))["user"]["disabled"] is True
    refused(person.api.get_profile(world.profile_id), 403, "TokenError")
    refused(person.anonymous.renew_token(accessToken=person.api.token), 403, "TokenError")
    refused(person.log_in(), 401, "UnauthorizedError", "disabled")
    refused(person.log_in(password=NEW), 401, "UnauthorizedError", "wrong")
    refused(person.change_password(NEW), 401, "UnauthorizedError", "disabled")
    ok(admin.update_user(person.id, disabled=False))
    refused(person.api.get_profile(world.profile_id), 403, "TokenError")
    ok(person.log_in())


@pytest.mark.parametrize("how", ["delete_user", "delete_identity"])
def test_deleting_ends_all(admin, world, person, how):
    getattr(admin, how)(person.id)
    refused(person.api.get_profile(world.profile_id), 403, "TokenError")
    refused(person.log_in(), 401, "UnauthorizedError", "wrong")
    again = ok(admin.create_user(username=person.username))["user"]
    assert again["id"] != person.id
    refused(person.log_in(), 401, "UnauthorizedError", "wrong")


# --- an instance of one's own ----------------------------------------------------------------------

@pytest.fixture
def one(new_daemon):
    return new_daemon()


def test_every_try_costs_one_hash(one):
    """No clock tells whether a name is known: each log-in, right or wrong, is the same work."""
    port = daemons.free_ports(1)[0]
    one.configure(f"metrics:\n  enabled: true\n  listen: 127.0.0.1:{port}\n"
                  f"{daemons.CHEAP_PASSWORDS}  session_ttl: 10m\n  session_max_ttl: 1h\n")
    one.restart()
    admin = Api(one.ready.url, one.ready.token)
    person = Person(admin, logs_in=False)
    without = ok(admin.create_user(username=fresh("person")))["user"]["username"]
    disabled = Person(admin, logs_in=False)
    ok(admin.update_user(disabled.id, disabled=True))

    def hashes():
        text = pki.fetch(f"http://127.0.0.1:{port}/metrics").text
        return int(re.search(r"^chancery_password_hashes_total (\d+)$", text, re.M).group(1))

    for attempt in (lambda: person.log_in(password=NEW),
                    lambda: person.log_in(username=fresh("nobody")),
                    lambda: person.log_in(username=without),
                    lambda: disabled.log_in(),
                    lambda: disabled.log_in(password=NEW),
                    lambda: person.change_password(NEW, username=fresh("nobody")),
                    lambda: person.change_password(NEW, password=OTHER)):
        before = hashes()
        refused(attempt(), 401)
        assert hashes() == before + 1
    before = hashes()
    body = ok(person.log_in())
    assert hashes() == before + 1
    assert (body["expiresIn"], body["accessTokenMaxTTL"]) == (600, 3600)
    for _ in range(5):
        person.log_in(username="nobody", password=NEW)
    before = hashes()
    refused(person.log_in(username="nobody", password=NEW), 401, "UnauthorizedError", "locked")
    assert hashes() == before


def phc_of(one, person):
    return bytes.fromhex(database.execute(
        one, "SELECT {} FROM passwords WHERE identity_id = {}".format(
            "hex(phc)" if one.storage == "sqlite" else "encode(convert_to(phc, 'UTF8'), 'hex')",
            database.uuid(one, person.id)))[0][0]).decode()


def test_a_password_costs_what_the_configuration_says(one):
    """A log-in, and no other, brings a hash to what it costs today."""
    admin = Api(one.ready.url, one.ready.token)
    stays, comes = (Person(admin, logs_in=False) for _ in range(2))
    assert phc_of(one, comes).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    one.configure("access:\n  password_memory: 66m\n  password_passes: 4\n  password_lanes: 2\n")
    one.restart()
    for person in (stays, comes):
        person.anonymous.url = one.ready.url
    refused(comes.log_in(password=NEW), 401)
    assert phc_of(one, comes).startswith("$argon2id$v=19$m=65536,")
    ok(comes.log_in())
    assert phc_of(one, comes).startswith("$argon2id$v=19$m=67584,t=4,p=2$")
    assert phc_of(one, stays).startswith("$argon2id$v=19$m=65536,")
    ok(comes.log_in())
    ok(stays.log_in())


@pytest.mark.parametrize("key, value", [("memory", "18m"), ("memory", "2g"), ("passes", "1"),
                                        ("passes", "65"), ("lanes", "0"), ("lanes", "17")])
def test_a_cost_that_is_none(chancery, tmp_path, key, value):
    file = tmp_path / "chancery.yaml"
    file.write_text(f"access:\n  password_{key}: {value}\n", encoding="utf-8")
    said = daemons.run("config", "check", "--config", file)
    assert said.returncode == 1 and f"access.password_{key}" in said.stderr, said


def test_many_at_once_do_not_pass_the_lock(one):
    admin = Api(one.ready.url, one.ready.token)
    person = Person(admin, logs_in=False)
    statuses = []

    def guess(number):
        answer = Api(one.ready.url).log_in_user(username=person.username,
                                                password=f"guess number {number:04}")
        statuses.append((answer.status_code, answer.json()["message"]))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in statuses} == {401}
    assert 5 <= len([1 for _, message in statuses if "wrong" in message]) < 12
    refused(person.log_in(), 401, "UnauthorizedError", "locked")


def test_the_commands(one, tmp_path):
    file = tmp_path / "password"
    file.write_text(NEW + "\n", encoding="utf-8")
    file.chmod(0o600)
    made = daemons.run("user", "create", "Chief", "--role", "admin", "--name", "The Chief",
                       "--email", "chief@example.com", "--password-file", file, "--data", one.data)
    assert made.returncode == 0, made.stderr
    assert NEW not in made.stdout + made.stderr
    anonymous = Api(one.ready.url)
    token = ok(anonymous.log_in_user(username="chief", password=NEW))["accessToken"]
    chief = anonymous.with_token(token)
    ok(chief.list_users())
    piped = daemons.run("user", "password", "CHIEF", "--password-file", "-", "--data", one.data,
                        stdin="yet another one\n")
    assert piped.returncode == 0, piped.stderr
    refused(anonymous.log_in_user(username="chief", password=NEW), 401)
    ok(anonymous.log_in_user(username="chief", password="yet another one"))
    listed = daemons.run("user", "list", "--data", one.data)
    assert re.search(r"^[0-9a-f-]{36}  chief +admin +The Chief +chief@example.com$", listed.stdout,
                     re.M), listed.stdout
    for words, stdin, code, said in (
            (["create", "chief", "--no-password"], None, 1, "username exists already"),
            (["create", "x y", "--no-password"], None, 1, "username"),
            (["create", "other", "--role", "boss", "--no-password"], None, 1, "role"),
            (["create", "other", "--password-file", "-"], "short\n", 1, "password"),
            (["create", "other", "--password-file", "-"], "a" * 2000, 1, "1024"),
            (["create", "other", "--password-file", tmp_path / "none"], None, 1, "none"),
            (["create", "other", "--password-file", file, "--no-password"], None, 2, "exclude"),
            (["create"], None, 2, "USERNAME"),
            (["password", "nobody", "--password-file", file], None, 1, "no user 'nobody'")):
        got = daemons.run("user", *words, "--data", one.data, stdin=stdin)
        assert got.returncode == code and said in got.stderr, (words, got)
    asked = Client(tmp_path / "home").run("user", "create", "other", "--data", one.data, code=1)
    assert "no terminal to ask for the password: give --password-file" in asked.stderr


def test_a_password_at_the_terminal(one, tmp_path):
    client = Client(tmp_path / "home")

    def at_terminal(*answers):
        terminal = Terminal(client, "user", "create", "typist", "--data", str(one.data))
        for question, answer in zip(("Password: ", "Again: "), answers):
            terminal.read_until(question)
            assert not terminal.echoes()
            terminal.type(answer + "\n")
        return terminal

    differing = at_terminal(NEW, "something else")
    assert differing.wait() == 1 and "differ" in differing.seen
    right = at_terminal(NEW, NEW)
    assert right.wait() == 0, right.seen
    assert NEW not in right.seen
    ok(Api(one.ready.url).log_in_user(username="typist", password=NEW))
