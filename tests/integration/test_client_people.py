"""The command line between two people: one asks, another approves; through pipes and at terminals."""
import json
import re
import subprocess
import time

import pytest

import daemon as daemons
import pki
from api import Api, ok
from client import Client, Terminal, Watch
from world import Person, World, fresh


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = daemons.Daemon(tmp_path_factory.mktemp("people-server"))
    try:
        yield one.start()
        one.check()
        one.stop()
    finally:
        one.kill()


@pytest.fixture(scope="module")
def api(server):
    return Api(server.ready.url, server.ready.token)


@pytest.fixture(scope="module")
def place(api):
    """A world with a profile of which each certificate waits for one of two steps' votes."""
    world = World(api)
    world.guarded = fresh("guarded")
    world.guarded_id = world.new_profile(slug=world.guarded)
    world.approval = world.new_approval_policy(world.guarded_id)
    world.asker = Person(api, world.project_id, "issuer", logs_in=False)
    world.approver = Person(api, world.project_id, "approver", logs_in=False)
    return world


class ByPipes:
    """Runs commands with pipes; what comes is (output, exit code)."""

    def __init__(self, folder):
        self.client = Client(folder)

    def log_in(self, person, url):
        self.do("login", "--url", url, "--username", person.username, "--password-file", "-",
                stdin=person.password + "\n")

    def do(self, *words, code=0, stdin=None):
        ended = self.client.run(*words, code=code, stdin=stdin)
        return ended.stdout + ended.stderr


class AtTerminal(ByPipes):
    """The same at a terminal that is wide enough to cut nothing."""

    def log_in(self, person, url):
        terminal = Terminal(self.client, "login", "--url", url, "--username", person.username)
        terminal.read_until("password: ")
        assert not terminal.echoes()
        terminal.type(person.password + "\n")
        assert terminal.wait() == 0, terminal.seen
        assert person.password not in terminal.seen

    def do(self, *words, code=0, stdin=None):
        assert stdin is None
        terminal = Terminal(self.client, *words, columns=1000)
        assert terminal.wait() == code, f"{words}: {terminal.code}\n{terminal.seen}"
        return terminal.seen.replace("\r", "")


@pytest.fixture(params=[ByPipes, AtTerminal], ids=["pipes", "terminal"])
def two(request, tmp_path, server, place):
    """Two people at their machines, logged in."""
    asker, approver = (request.param(tmp_path / name) for name in ("asker", "approver"))
    asker.log_in(place.asker, server.ready.url)
    approver.log_in(place.approver, server.ready.url)
    return asker, approver


def member(text, name):
    found = re.search(rf"^ *{name} +(\S+)$", text, re.M)
    assert found, f"no {name} in {text}"
    return found.group(1)


def ask(asker, place, name, *more, code=5):
    """The id of a request that waits."""
    said = asker.do("issue", "--profile", place.guarded, "--cn", name, "--san", name, "--ttl", "30d",
                    "--wait", "0s", *more, code=code)
    return re.search(r"'chancery request show (\S+)'", said).group(1)


def test_life(two, place):
    """With a key of the server and with a CSR: asked for, seen, approved, fetched, renewed, revoked."""
    asker, approver = two
    name = fresh("life") + ".example.com"
    request = ask(asker, place, name, "--out", "w")
    assert not list(asker.client.folder.glob("w.*"))
    key = pki.new_key()
    (asker.client.folder / "own.csr").write_text(pki.csr(key, dns=["own." + name],
                                                         commonName="own." + name))
    other = ask(asker, place, "own." + name, "--csr", "own.csr", "--out", "own")

    waiting = approver.do("request", "list", "--status", "pending_approval", "--search", name)
    assert request in waiting and "pending_approval" in waiting and other not in waiting
    seen = approver.do("request", "show", request, "--approval")
    assert member(seen, "profileName") == place.guarded and name in seen
    assert member(seen, "requesterId") == place.asker.id
    assert "not found" in approver.do("show", request, code=1)

    said = approver.do("request", "approve", request, "--comment", "known service")
    assert member(said, "status") == "approved"
    assert member(said, "certificateRequestStatus") == "issued"
    approval = member(approver.do("request", "show", other), "approvalRequestId")
    said = approver.do("request", "approve", approval)  # by the other id
    assert member(said, "certificateRequestId") == other
    assert "already" in approver.do("request", "approve", request, code=1)

    certificate = member(asker.do("request", "show", request), "certificateId")
    asker.do("export", certificate, "--out", "w")
    client = asker.client
    assert pki.same_key(client.text("w.key"), client.text("w.crt"))
    assert [client.mode(f"w.{end}") for end in ("key", "crt", "chain.crt")] == [0o600, 0o644, 0o644]
    by_csr = member(asker.do("request", "show", other), "certificateId")
    asker.do("export", by_csr, "--no-key", "--cert-file", "own.crt")
    assert pki.same_key(pki.private_pem(key), client.text("own.crt"))

    listed = asker.do("list", "--search", name, "--profile", place.guarded)
    assert certificate in listed and "active" in listed
    assert member(asker.do("show", certificate), "commonName") == name
    renewed = asker.do("renew", certificate, "--out", "w", "--force")  # the same names: no approval
    assert pki.same_key(client.text("w.key"), client.text("w.crt"))
    assert client.mode("w.key") == 0o600
    newer = member(renewed, "id")
    asker.do("revoke", newer, "--reason", "SUPERSEDED")
    assert member(asker.do("show", newer), "status") == "revoked"


def test_no(two, place):
    """Rejected and cancelled: who asked is told, with the reason, and nothing is written."""
    asker, approver = two
    name = fresh("no") + ".example.com"
    request = ask(asker, place, name)
    said = approver.do("request", "reject", request, "--comment", "nobody knows it")
    assert member(said, "status") == "rejected"
    shown = asker.do("request", "show", request)
    assert member(shown, "status") == "rejected" and "nobody knows it" in shown
    request = ask(asker, place, name)
    assert member(asker.do("request", "cancel", request), "status") == "cancelled"
    assert "cancelled already" in approver.do("request", "approve", request, code=1)
    assert "can be cancelled" in asker.do("request", "cancel", request, code=1)
    assert "(403 PermissionDenied" in asker.do("request", "approve", ask(asker, place, name), code=1)
    assert "(404 NotFound" in approver.do("request", "approve",
                                          "0199c0de-0000-7000-8000-000000000000", code=1)
    assert not list(asker.client.folder.glob("*.key"))


@pytest.fixture
def asker(tmp_path, server, place):
    client = ByPipes(tmp_path / "asker")
    client.log_in(place.asker, server.ready.url)
    return client


@pytest.fixture
def approver(tmp_path, server, place):
    client = ByPipes(tmp_path / "approver")
    client.log_in(place.approver, server.ready.url)
    return client


def open_requests(api, place, name):
    found = ok(api.search_requests(projectId=place.project_id, search=name,
                                   status="pending_approval"))
    return [one["id"] for one in found["certificateRequests"]]


@pytest.mark.parametrize("verb, code", [("approve", 0), ("reject", 1)])
def test_who_waits_learns_of_the_vote(asker, approver, api, place, verb, code):
    name = fresh("wait") + ".example.com"
    issuing = subprocess.Popen(
        [daemons.PROGRAM, "issue", "--profile", place.guarded, "--cn", name, "--ttl", "1d", "--out",
         "w", "--wait", "60s"], env=asker.client.env, cwd=asker.client.folder, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while not open_requests(api, place, name):
        assert time.monotonic() < end
        time.sleep(0.05)
    (request,) = open_requests(api, place, name)
    approver.do("request", verb, request, "--comment", "as agreed")
    out, err = issuing.communicate(timeout=60)
    assert issuing.returncode == code, out + err
    assert f"the request {request} waits for approval; waiting for 60s" in err
    if verb == "approve":
        assert pki.same_key(asker.client.text("w.key"), asker.client.text("w.crt"))
    else:
        assert f"the request {request} is rejected: the request was rejected: as agreed" in err
        assert not list(asker.client.folder.glob("w.*"))


def test_a_program_is_told_by_the_exit_code(asker, approver, place):
    """With --json alone nothing waits: the answer, and the code that says that it is not there yet."""
    name = fresh("json") + ".example.com"
    ended = asker.client.run("issue", "--profile", place.guarded, "--cn", name, "--ttl", "1d",
                             "--json", code=5)
    said = json.loads(ended.stdout)
    assert said["status"] == "pending_approval" and said["certificate"] is None
    assert "waits for approval" in ended.stderr
    shown = approver.client.json("request", "show", said["certificateRequestId"], "--approval")
    assert shown["request"]["status"] == "open"
    assert shown["request"]["certificateRequestId"] == said["certificateRequestId"]
    voted = approver.client.json("request", "approve", said["certificateRequestId"])["request"]
    assert voted["status"] == "approved" and voted["requestData"]["status"] == "issued"
    found = asker.client.json("request", "show", said["certificateRequestId"])
    assert pki.same_key(found["privateKey"], found["certificate"])
    cancelled = asker.client.json(
        "request", "cancel", json.loads(asker.client.run(
            "issue", "--profile", place.guarded, "--cn", name, "--ttl", "1d", "--json",
            code=5).stdout)["certificateRequestId"])
    assert cancelled == {"status": "cancelled", "cancelled": True, "errorMessage": None}


def test_several_have_to_approve(asker, approver, api, place):
    """Each vote says how many are still to come."""
    profile = place.new_profile()
    place.new_approval_policy(profile, required=2)
    ended = asker.client.run("issue", "--profile", profile, "--cn", "two.example.com", "--ttl", "1d",
                             "--json", code=5)
    request = json.loads(ended.stdout)["certificateRequestId"]
    said = approver.do("request", "approve", request)
    assert member(said, "status") == "open" and "1 of 2 in step 1 of 1" in said
    assert "approved this step already" in approver.do("request", "approve", request, code=1)
    second = Client(approver.client.folder / "second")  # the administrator's
    second.log_in(api.token, api.url, "--project", place.project_id)
    assert member(second.run("request", "approve", request).stdout, "status") == "approved"


def test_an_emergency(tmp_path, asker, api, place):
    """One alone, where the policy says so, with a reason; the reason is shown."""
    profile = place.new_profile()
    place.new_approval_policy(profile, required=2, enforcementLevel="soft")
    ended = asker.client.run("issue", "--profile", profile, "--cn", "e.example.com", "--ttl", "1d",
                             "--json", code=5)
    request = json.loads(ended.stdout)["certificateRequestId"]
    chief = ByPipes(tmp_path / "chief")
    chief.log_in(Person(api, place.project_id, "admin", logs_in=False), api.url)
    assert "bypassReason" in chief.do("request", "approve", request, "--bypass-reason", "x", code=1)
    said = chief.do("request", "approve", request, "--bypass-reason", "the shop is down")
    assert member(said, "status") == "approved" and "issued" in said
    assert "the shop is down" in chief.do("request", "show", request, "--approval")


def test_a_change_of_a_policy_is_approved_by_its_id(approver, api, place):
    chief = Person(api, place.project_id, "admin")
    profile = place.new_profile()
    policy = place.new_approval_policy(profile)["id"]
    change = ok(chief.api.delete_approval_policy(policy))["approvalRequestId"]
    (line,) = [line for line in approver.do("request", "list", "--approvals", "--status", "open",
                                            "--all").splitlines() if change in line]
    assert line.startswith("policy-change ") and " open " in line
    approver.do("request", "list", "--approvals", "--search", "x", code=2)
    said = approver.do("request", "show", change, "--approval")
    assert member(said, "type") == "policy-change"
    assert member(approver.do("request", "approve", change), "status") == "approved"
    assert chief.api.get_approval_policy(policy).status_code == 404


def test_a_member_of_an_application_alone(tmp_path, server, api, place):
    """By name as by id, from the shell and from the agent; without the application it is refused."""
    member = Person(api, place.project_id, "no-access", logs_in=False)
    slug, team = fresh("team"), fresh("app")
    profile = place.new_profile(slug=slug)
    application = ok(api.create_application(projectId=place.project_id, name=team,
                                            profileIds=[profile]))["application"]["id"]
    ok(api.add_application_identity(application, member.id, role="operator"))
    shell = ByPipes(tmp_path)
    shell.log_in(member, server.ready.url)
    for by in (team, application):
        made = shell.client.json("issue", "--profile", slug, "--application", by, "--cn",
                                 "t.example.com", "--ttl", "1d")
        got = ok(api.get_certificate(made["certificate"]["certificateId"]))["certificate"]
        assert got["applicationId"] == application
    said = shell.do("issue", "--profile", slug, "--cn", "t.example.com", "--ttl", "1d", code=1)
    assert "you lack the permission" in said
    said = shell.do("issue", "--profile", slug, "--application", "nobodys", "--cn", "t.example.com",
                    "--ttl", "1d", code=1)
    assert "application" in said
    (tmp_path / "watch.json").write_text(json.dumps({"certificates": [{
        "name": "t", "profile": slug, "application": team, "common_name": "w.example.com",
        "ttl": "1d", "files": {"key": f"{tmp_path}/w.key", "certificate": f"{tmp_path}/w.crt"}}]}))
    shell.do("watch", "--once", str(tmp_path / "watch.json"))
    assert (tmp_path / "w.crt").exists()


def test_what_needs_no_approval_says_so(asker, approver, place):
    made = asker.client.json("issue", "--profile", place.profile_id, "--cn", "n.example.com",
                             "--ttl", "1d")
    said = approver.do("request", "approve", made["certificateRequestId"], code=1)
    assert "is issued: nobody has to approve it" in said


# --- the agent -------------------------------------------------------------------------------------


@pytest.fixture
def agent(asker, place):
    """A description of one certificate that has to be approved, whose hook counts."""
    folder = asker.client.folder
    hook = folder / "hook"
    hook.write_text(f"#!/bin/sh\necho once >>{folder}/hooks\n")
    hook.chmod(0o755)
    asker.name = fresh("agent") + ".example.com"
    asker.config = folder / "watch.yaml"
    asker.config.write_text(json.dumps({"check_every": "1s", "certificates": [{
        "name": "w", "profile": place.guarded, "common_name": asker.name, "ttl": "30d",
        "files": {"key": f"{folder}/k", "certificate": f"{folder}/c"}, "hook": [str(hook)]}]}))
    yield asker
    Watch.end_all()


def hooks(agent):
    path = agent.client.folder / "hooks"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_the_agent_waits_for_a_vote(agent, approver, api, place):
    watch = Watch(agent.client, agent.config)
    watch.until(lambda: "waits for somebody to approve request" in watch.log(), "a request")
    time.sleep(2.5)
    (request,) = open_requests(api, place, agent.name)  # one, however often it was looked at
    assert not (agent.client.folder / "k").exists() and hooks(agent) == 0
    approver.do("request", "approve", request)
    watch.until(lambda: hooks(agent) == 1, "the certificate")
    time.sleep(2)
    assert watch.stop() == 0
    assert hooks(agent) == 1
    assert pki.same_key(agent.client.text("k"), agent.client.text("c"))
    assert (agent.client.mode("k"), agent.client.mode("c")) == (0o600, 0o644)
    # Another life has to be approved again; until then the files stay, and are kept.
    description = json.loads(agent.config.read_text())
    description["certificates"][0]["ttl"] = "20d"
    agent.config.write_text(json.dumps(description))
    before = agent.client.text("c")
    agent.do("watch", "--once", agent.config)
    (request,) = open_requests(api, place, agent.name)
    assert agent.client.text("c") == before
    approver.do("request", "reject", request, "--comment", "too short")
    for _ in range(2):
        assert "too short" in agent.do("watch", "--once", agent.config, code=1)
    assert open_requests(api, place, agent.name) == [], "who was refused does not ask again"
    assert agent.client.text("c") == before and hooks(agent) == 1


def test_files_that_go_missing_while_a_request_waits(agent, approver, api, place):
    agent.do("watch", "--once", agent.config)
    approver.do("request", "approve", *open_requests(api, place, agent.name))
    agent.do("watch", "--once", agent.config)
    state = agent.client.folder / "watch.yaml.state"
    found = json.loads(state.read_text())["w"]
    request = ask(agent, place, agent.name)
    found.update(requestId=request, requestSpec=found["spec"])  # as of a renewal that waits
    state.write_text(json.dumps({"w": found}))
    (agent.client.folder / "k").unlink()
    agent.do("watch", "--once", agent.config)
    assert pki.same_key(agent.client.text("k"), agent.client.text("c"))
    assert json.loads(state.read_text())["w"]["requestId"] == request
    assert open_requests(api, place, agent.name) == [request]


# --- logging in ------------------------------------------------------------------------------------


def context(client, name="default"):
    return json.loads((client.config / "chancery" / "contexts" / f"{name}.json").read_text())


def test_ways_to_say_a_password(tmp_path, server, api, place):
    client, person = Client(tmp_path / "client"), Person(api, place.project_id, logs_in=False)
    words = ("login", "--url", server.ready.url, "--username", person.username)
    password = client.folder / "password"
    password.write_text(person.password + "\n")
    client.run(*words, "--password-file", password)
    client.run(*words, "--context", "b", "--password-file", "-", stdin=person.password)
    client.run(*words, "--context", "c", CHANCERY_PASSWORD=person.password)
    for name in ("default", "b", "c"):
        client.run("list", "--context", name)
        assert context(client, name)["username"] == person.username
        assert person.password not in json.dumps(context(client, name))
        assert str(password) not in json.dumps(context(client, name)), "a password's file is not kept"
    refused = client.run(*words, "--password-file", "-", stdin="not the password", code=1).stderr
    assert "(401 UnauthorizedError" in refused and "log in again" not in refused
    assert refused.count("\n") == 1
    assert "there is no terminal to ask for the password" in client.run(*words, code=2).stderr
    client.run(*words, "--password", person.password, code=2)
    client.run(*words, "--client-id", "x", code=2)
    client.run("login", "--url", server.ready.url, "--client-id", "x", "--password-file", "-", code=2)
    # A person and their project by its slug.
    client.run(*words, "--project", place.project["slug"], "--password-file", password)
    assert context(client)["project"] == place.project_id


def test_a_log_in_that_ended(tmp_path, server, api, place):
    """Whatever ended it, who reads the message knows what to type."""
    client, person = Client(tmp_path / "client"), Person(api, place.project_id, logs_in=False)
    client.run("login", "--url", server.ready.url, "--context", "mine", "--username",
               person.username, "--password-file", "-", stdin=person.password)
    token = context(client, "mine")["token"]
    ok(Api(server.ready.url).revoke_token(accessToken=token))
    said = client.run("list", "--context", "mine", code=1).stderr
    assert f"log in again: chancery login --context mine --url {server.ready.url} --username " \
           f"{person.username}\n" in said, said
    said = client.run("list", code=1, CHANCERY_URL=server.ready.url, CHANCERY_TOKEN=token,
                      CHANCERY_PROJECT=place.project_id).stderr
    assert "CHANCERY_TOKEN holds no token that is good" in said
    client.run("logout", "--context", "mine")


def test_log_out_ends_a_persons_token(tmp_path, server, place):
    client = ByPipes(tmp_path / "client")
    client.log_in(place.asker, server.ready.url)
    token = context(client.client)["token"]
    client.do("logout")
    assert Api(server.ready.url, token).list_projects().status_code in (401, 403)


# --- projects --------------------------------------------------------------------------------------


def test_projects(tmp_path, server, api):
    client = Client(tmp_path / "client")
    client.log_in(api.token, api.url)
    slug = fresh("made")
    made = client.members("project", "create", "Made Here", "--slug", slug, "--description", "A test")
    assert made["slug"] == slug and made["description"] == "A test"
    assert any(line.startswith("Made Here ") and made["id"] in line for line in
               client.run("project", "list").stdout.splitlines())
    for word in (slug, made["id"]):
        assert client.members("project", "show", word)["id"] == made["id"]
    assert client.json("project", "show", slug)["project"]["id"] == made["id"]
    assert made["id"] in [one["id"] for one in client.json("project", "list")["projects"]]
    assert client.json("project", "create", "Made Here")["project"]["slug"].startswith("made-here-")
    assert "(404 NotFound" in client.run("project", "show", "nobody-s", code=1).stderr
    assert "(403 ForbiddenError" in client.run("project", "create", "x", "--slug", slug,
                                               code=1).stderr
    client.run("project", "create", code=2)
