"""`chancery watch`, the agent: files renewed in place, hooks run once, through restarts and outages."""
import datetime
import json
import os
import random
import signal
import stat
import threading
import time

import pytest

import daemon as daemons
import pki
from api import Api, ok
from client import Client, Server, Watch
from clock import Clock
from killer import Killer
from world import Person, World, fresh

HOOK = """#!/bin/sh
echo "$CHANCERY_NAME $(openssl x509 -noout -serial -in "$CHANCERY_CERT_FILE")" >>{log}
env >{log}.env
{more}
"""


@pytest.fixture(autouse=True)
def no_agent_runs_on():
    yield
    Watch.end_all()


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return Clock(tmp_path_factory.mktemp("clock") / "clock")


@pytest.fixture(scope="module")
def server(tmp_path_factory, clock):
    one = daemons.Daemon(tmp_path_factory.mktemp("watch-server"), env=clock.environment)
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
    return World(api)


class Agent:
    """A client, an entry to watch, and what its hook wrote."""

    def __init__(self, folder, clock, place, url, **changes):
        self.client = Client(folder, CHANCERY_TEST_CLOCK=clock.environment["CHANCERY_TEST_CLOCK"])
        self.client.log_in(place.member("issuer"), url)
        self.name = fresh("agent") + ".example.com"
        self.log = self.client.folder / "hooks"
        self.config = self.client.folder / "watch.yaml"
        self.write_hook()
        self.entry = {
            "name": "web", "profile": place.profile_id, "common_name": self.name,
            "names": [self.name], "ttl": "30d", "renew_before": "10d",
            "files": {name: self.path(name) for name in ("key", "certificate", "chain")},
            "hook": [self.path("hook")], **changes}
        self.write()

    def path(self, name):
        return str(self.client.folder / name)

    def write_hook(self, more=""):
        hook = self.client.folder / "hook"
        hook.write_text(HOOK.format(log=self.log, more=more))
        hook.chmod(0o755)

    def write(self, **top):
        # JSON: what the YAML reader reads is shown by the guide's example.
        self.config.write_text(json.dumps({"check_every": "1s", "certificates": [self.entry],
                                           **top}))

    def hooks(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def state(self):
        return json.loads((self.client.folder / "watch.yaml.state").read_text())["web"]

    def change_state(self, **members):
        path = self.client.folder / "watch.yaml.state"
        path.write_text(json.dumps({"web": {**self.state(), **members}}))

    def once(self, code=0):
        return self.client.run("watch", "--once", self.config, code=code)

    def certificate(self):
        return self.client.text("certificate")

    def check_files(self):
        """The files belong together, and have their modes."""
        assert pki.same_key(self.client.text("key"), self.certificate())
        assert [self.client.mode(name) for name in ("key", "certificate", "chain")] == \
            [0o600, 0o644, 0o644]
        assert self.state()["serialNumber"] == pki.serial_text(pki.certificate(self.certificate()))
        # The state may be written at this moment.
        assert [path.name for path in self.client.folder.glob("*.tmp-*")
                if not path.name.startswith("watch.yaml.state")] == []

    def issued(self, api, place):
        found = ok(api.search_certificates(place.project_id, search=self.name))
        return found["totalCount"]


@pytest.fixture
def agent(tmp_path, clock, place, server):
    return Agent(tmp_path / "agent", clock, place, server.ready.url)


class Reader(threading.Thread):
    """Reads the files all the time: each must be whole whenever it is looked at."""

    def __init__(self, agent):
        super().__init__(daemon=True)
        self.agent = agent
        self.done = threading.Event()
        self.seen = set()
        self.broken = []

    def run(self):
        while not self.done.is_set():
            for name in ("key", "certificate", "chain"):
                path = self.agent.client.folder / name
                if not path.exists():
                    continue
                text = path.read_text()
                if not (text.startswith("-----BEGIN ") and text.endswith("-----\n")):
                    self.broken.append((name, text))
                if name == "key" and stat.S_IMODE(path.stat().st_mode) != 0o600:
                    self.broken.append((name, path.stat().st_mode))
                self.seen.add((name, hash(text)))


def test_renews_in_place_and_runs_its_hook_once(agent, clock, api, place):
    reader = Reader(agent)
    reader.start()
    watch = Watch(agent.client, agent.config)
    watch.until(lambda: len(agent.hooks()) == 1, "the first certificate")
    for renewal in range(2, 4):
        before = agent.certificate()
        inode = os.stat(agent.path("certificate")).st_ino
        clock.advance(days=15)
        time.sleep(2)  # it is not time yet
        assert agent.certificate() == before
        clock.advance(days=6)
        watch.until(lambda: len(agent.hooks()) == renewal, "a renewal")
        assert agent.certificate() != before
        assert os.stat(agent.path("certificate")).st_ino != inode, "replaced, not written into"
        agent.check_files()
    assert watch.stop() == 0
    reader.done.set()
    reader.join()
    assert reader.broken == []
    assert len([name for name, _ in reader.seen if name == "key"]) == 3
    # A restart does nothing again.
    watch = Watch(agent.client, agent.config)
    time.sleep(3)
    assert watch.stop() == 0
    agent.once()
    assert len(agent.hooks()) == 3 and agent.issued(api, place) == 3
    assert len(set(agent.hooks())) == 3, "each certificate has its own hook"
    found = ok(api.get_certificate(agent.state()["certificateId"]))["certificate"]
    assert found["renewedFromCertificateId"] is not None, "renewed, not issued anew"


def test_survives_an_outage(agent, clock, api, place, server):
    agent.once()
    server.stop()
    clock.advance(days=25)
    before = agent.certificate()
    assert "no answer from" in agent.once(code=3).stderr
    watch = Watch(agent.client, agent.config)
    watch.until(lambda: "again in" in watch.log(), "a failure that is told")
    assert agent.certificate() == before and len(agent.hooks()) == 1
    server.start()
    watch.until(lambda: len(agent.hooks()) == 2, "the renewal when the server is back")
    assert watch.stop() == 0
    agent.check_files()
    assert agent.issued(api, place) == 2


def test_a_persons_log_in_ends_and_is_made_again(tmp_path, clock, api, place, server):
    """The agent says what to type, and goes on when somebody did."""
    person = Person(api, place.project_id, logs_in=False)
    agent = Agent(tmp_path / "agent", clock, place, server.ready.url)
    log_in = ("login", "--url", server.ready.url, "--username", person.username, "--password-file",
              "-")
    agent.client.run(*log_in, stdin=person.password)
    agent.once()
    clock.advance(days=25)
    said = agent.once(code=1).stderr
    assert f"log in again: chancery login --url {server.ready.url} --username {person.username}" in said
    assert "(403 TokenError" in said
    watch = Watch(agent.client, agent.config)
    watch.until(lambda: "again in" in watch.log(), "a failure that is told")
    agent.client.run(*log_in, stdin=person.password)
    watch.until(lambda: len(agent.hooks()) == 2, "the renewal after the log-in")
    assert watch.stop() == 0
    agent.check_files()


def test_ends_while_a_server_is_silent(agent):
    agent.once()
    release = threading.Event()
    with Server(lambda *_: release.wait(30) and (200, {})) as silent:
        log_in = agent.client.config / "chancery" / "contexts" / "default.json"
        log_in.write_text(json.dumps({**json.loads(log_in.read_text()), "url": silent.url}))
        (agent.client.folder / "key").unlink()
        watch = Watch(agent.client, agent.config)
        watch.until(lambda: silent.asked, "a question")
        start = time.monotonic()
        assert watch.stop() == 0
        assert time.monotonic() - start < 10
        release.set()


def test_killed_at_any_moment(agent, clock, api, place):
    """However it is killed, each renewal is made once and the last one's hook has run."""
    agent.once()
    rounds = 6
    for _ in range(rounds):
        clock.advance(days=25)
        watch = Watch(agent.client, agent.config)
        time.sleep(random.random() * 0.8)
        watch.stop(signal.SIGKILL)
        agent.once()
        agent.check_files()
    assert agent.issued(api, place) == rounds + 1
    serial = agent.state()["serialNumber"].upper()
    assert agent.hooks()[-1] == f"web serial={serial}"
    assert len({line for line in agent.hooks()}) == rounds + 1


STEPS_MAX = 100


def test_killed_before_each_step(agent, clock, api, place, tmp_path):
    """At each change of a file that a renewal makes: files are whole, and it ends as if nothing was."""
    killer = Killer(tmp_path)
    agent.once()
    killed = True
    step = 0
    while killed:
        step += 1
        assert step < STEPS_MAX
        before = len(set(agent.hooks()))
        clock.advance(days=25)
        ended = agent.client.run("watch", "--once", agent.config, code=None,
                                 **killer.environment(agent.client, step))
        killed = ended.returncode == -signal.SIGKILL
        for name, mode in (("key", 0o600), ("certificate", 0o644), ("chain", 0o644)):
            text = agent.client.text(name)
            assert text.startswith("-----BEGIN ") and text.endswith("-----\n"), (step, name, text)
            assert agent.client.mode(name) == mode, (step, name)
        for path in agent.client.folder.glob("*.tmp-*"):
            assert path.stat().st_mode & 0o077 == 0 or path.name.startswith("c"), (step, path)
        agent.once()
        agent.check_files()
        assert len(set(agent.hooks())) == before + 1, (step, agent.hooks())
    assert ended.returncode == 0 and step > 20, "a renewal has more steps than that"
    assert agent.issued(api, place) == step + 1
    # Only where it was killed between the hook's start and the note that it ran does it run again.
    assert len(agent.hooks()) - len(set(agent.hooks())) <= 4


def test_an_issue_that_is_killed(agent, place, tmp_path):
    """What is there is whole; a key is for nobody else, at no moment."""
    killer = Killer(tmp_path)
    killed = True
    step = 0
    while killed:
        step += 1
        assert step < STEPS_MAX
        ended = agent.client.run("issue", "--profile", place.profile_id, "--cn", "k.example.com",
                                 "--ttl", "1d", "--out", f"k{step}", code=None,
                                 **killer.environment(agent.client, step))
        killed = ended.returncode == -signal.SIGKILL
        for end, mode in ((".key", 0o600), (".crt", 0o644), (".chain.crt", 0o644)):
            path = agent.client.folder / f"k{step}{end}"
            if path.exists():
                text = path.read_text()
                assert text.startswith("-----BEGIN ") and text.endswith("-----\n"), (step, path)
                assert agent.client.mode(path.name) == mode, (step, path)
        for path in agent.client.folder.glob(f"k{step}.key.tmp-*"):
            assert path.stat().st_mode & 0o077 == 0, (step, path)
    assert ended.returncode == 0 and step > 10, "three files have more steps than that"


def test_parts_of_files_do_not_stay(agent):
    """An agent that was killed while it wrote a key leaves no part of it for ever."""
    for name in ("key.tmp-1-0", "chain.tmp-77-3", "watch.yaml.state.tmp-1-1", "key.tmpl"):
        (agent.client.folder / name).write_text("-----BEGIN PRIVATE KEY-----\nhalf")
    agent.once()
    assert [path.name for path in agent.client.folder.glob("*.tmp*")] == ["key.tmpl"]
    agent.check_files()


def test_what_was_left_undone_is_done(agent, clock, api, place):
    """Each step that may have been the last one before the power went."""
    agent.once()
    agent.change_state(hook="due")
    agent.once()
    assert len(agent.hooks()) == 2
    agent.change_state(hook="started")
    agent.once()
    assert len(agent.hooks()) == 3
    agent.change_state(installed="no")
    (agent.client.folder / "certificate").write_text("half")
    agent.once()
    agent.check_files()
    (agent.client.folder / "key").unlink()
    agent.once()
    agent.check_files()
    assert agent.issued(api, place) == 1, "it is the same certificate all the time"
    # It was renewed, but the answer never came.
    clock.advance(days=25)
    lost = ok(api.renew(agent.state()["certificateId"], json={}))
    count = len(agent.hooks())
    agent.once()
    assert agent.state()["certificateId"] == lost["certificateId"]
    agent.check_files()
    assert agent.issued(api, place) == 2 and len(agent.hooks()) == count + 1


def test_what_cannot_be_renewed_is_issued_anew(agent, clock, api, place):
    agent.once()
    first = agent.state()["certificateId"]
    ok(api.revoke(first, revocationReason="SUPERSEDED"))
    clock.advance(days=25)
    agent.once()
    assert agent.state()["certificateId"] != first
    clock.advance(days=60)
    agent.once()
    agent.check_files()
    ok(api.delete_certificate(agent.state()["certificateId"]))
    clock.advance(days=25)
    agent.once()
    agent.check_files()
    assert len(agent.hooks()) == 4


def test_what_ends_with_its_ca_is_not_renewed_again_and_again(agent, clock, api, place):
    """The successor ends no later, so that a fixed threshold would find it due at once."""
    moved = clock.now - datetime.datetime.now(datetime.timezone.utc)
    authority = place.new_intermediate(place.root_id, life=moved + datetime.timedelta(days=10),
                                       onCaExpiry="clamp")
    agent.entry.update(profile=place.new_profile(caId=authority["id"]), renew_before="6d")
    agent.write()
    assert "notAfter" in agent.once().stderr
    end = pki.certificate(agent.certificate()).not_valid_after_utc
    clock.advance(seconds=(end - clock.now).total_seconds() - 6 * 86400 + 5)
    for _ in range(4):
        agent.once()
    assert agent.issued(api, place) == 2
    assert pki.certificate(agent.certificate()).not_valid_after_utc == end


def test_another_wish_is_another_certificate(agent, api, place):
    agent.once()
    agent.once()
    assert len(agent.hooks()) == 1
    agent.entry["names"] = [agent.name, "other." + agent.name]
    agent.write()
    agent.once()
    assert len(agent.hooks()) == 2
    assert pki.dns_names(pki.certificate(agent.certificate())) == [agent.name, "other." + agent.name]


# --- hooks -----------------------------------------------------------------------------------------


def test_a_hook_that_fails_is_not_repeated(agent):
    agent.write_hook("exit 3")
    assert "ended with 3" in agent.once().stderr
    assert agent.once().stderr == ""
    assert len(agent.hooks()) == 1 and agent.state()["hook"] == "failed"


def test_a_hook_that_takes_too_long(agent):
    pid_file = agent.client.folder / "pid"
    agent.write_hook(f"trap '' TERM; sleep 300 & echo $! >{pid_file}; wait; sleep 300")
    agent.entry["hook_timeout"] = "1s"
    agent.write()
    start = time.monotonic()
    assert "took longer than 1 s" in agent.once().stderr
    assert time.monotonic() - start < 20
    pid = int(pid_file.read_text())
    end = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}") and "Z" not in \
            open(f"/proc/{pid}/stat", encoding="utf-8").read().split(")")[1][:3]:
        assert time.monotonic() < end, "what the hook started runs on"
        time.sleep(0.05)


def test_a_hook_that_is_not_there(agent):
    agent.entry["hook"] = [agent.path("nothing")]
    agent.write()
    assert "cannot run the hook" in agent.once().stderr
    agent.check_files()


def test_no_shell_reads_a_hook_and_no_secret_reaches_it(agent, place, server):
    agent.entry["hook"] = [agent.path("hook"), "$(touch shell)", "; touch shell"]
    agent.write()
    member = place.member("issuer")
    agent.client.run("watch", "--once", agent.config, CHANCERY_CLIENT_SECRET=member.client_secret)
    assert len(agent.hooks()) == 1 and not (agent.client.folder / "shell").exists()
    seen = (agent.client.folder / "hooks.env").read_text()
    assert member.client_secret not in seen and "CHANCERY_KEY_FILE=" in seen


# --- configuration and state -----------------------------------------------------------------------


@pytest.mark.parametrize("changes, said", [
    ({"hoook": []}, "certificates[0].hoook: nobody knows this word; did you mean 'hook'?"),
    ({"hook": "systemctl reload nginx"}, "expected a list"),
    ({"hook": ["systemctl"]}, "absolute path"),
    ({"hook": ["/bin/true", 7]}, "put numbers in quotes"),
    ({"files": {"key": "key", "certificate": "/c"}}, "files.key: expected an absolute path"),
    ({"files": {"certificate": "/c"}}, "expected a key"),
    ({"files": {"keys": "/k"}}, "nobody knows this word; did you mean 'key'?"),
    ({"files": {"pem": "/k"}}, "there are: key, certificate, chain, fullchain"),
    ({"renew_before": "soon"}, "renew_before: expected a duration"),
    ({"hook_timeout": "2h"}, "at most 60m"),
    ({"names": "www.example.com"}, "names: expected a list"),
    ({"names": [""]}, "is no name"),
    ({"profile": None}, "profile: expected text"),
    ({"attributes": []}, "attributes: expected members"),
])
def test_configurations_that_are_refused(agent, changes, said):
    agent.entry.update(changes)
    agent.write()
    assert said in agent.once(code=2).stderr


def test_two_with_one_name(agent):
    agent.write(certificates=[agent.entry, agent.entry])
    assert "another one has this name" in agent.once(code=2).stderr
    agent.write(certificates=[agent.entry, {**agent.entry, "name": "other"}])
    assert "another one writes this file" in agent.once(code=2).stderr
    agent.write(certificates=[])
    assert "expected a list" in agent.once(code=2).stderr
    agent.write(check_every="10ms")
    assert "a second at least" in agent.once(code=2).stderr


def test_one_agent_at_a_time(agent):
    watch = Watch(agent.client, agent.config)
    watch.until(lambda: len(agent.hooks()) == 1, "the certificate")
    assert "another 'chancery watch'" in agent.once(code=4).stderr
    assert watch.stop() == 0
    agent.once()


def test_a_state_that_cannot_be_read_or_written(agent, api, place):
    state = agent.client.folder / "watch.yaml.state"
    state.write_text("{")
    assert "not JSON" in agent.once(code=4).stderr
    state.unlink()
    state.mkdir()
    agent.once(code=4)
    state.rmdir()
    agent.entry["files"]["key"] = agent.path("missing/key")
    agent.write()
    assert "missing/key" in agent.once(code=4).stderr
    (agent.client.folder / "missing").mkdir()
    agent.once()
    assert agent.issued(api, place) == 1, "the one that could not be written is taken up again"


def test_a_request_that_waits_is_asked_for_once(tmp_path):
    """Through restarts: the request is in the state."""
    key = pki.private_pem(pki.new_key())
    pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    certificate = "0199c0de-0000-7000-8000-000000000001"
    states = ["pending_approval", "rejected", "pending_approval", "issued"]

    def answer(method, path, body):
        if method == "POST":
            return 200, {"certificate": None, "certificateRequestId": certificate}
        if "requests" in path:
            return 200, {"status": states[0], "errorMessage": "no", "certificate": pem,
                         "privateKey": key, "certificateId": certificate}
        return 200, {"certificate": {"notBefore": "2026-01-01T00:00:00.000Z",
                                     "notAfter": "2096-01-01T00:00:00.000Z"}}

    client = Client(tmp_path / "client", CHANCERY_TOKEN="chy_t", CHANCERY_URL="http://127.0.0.1:1")
    config = client.folder / "watch.yaml"
    config.write_text(f"certificates:\n  - name: w\n    profile: {certificate}\n    ttl: 1d\n"
                      f"    files: \n      key: {client.folder}/k\n"
                      f"      fullchain: {client.folder}/c\n")
    with Server(answer) as server:
        for code in (0, 0, 1, 0, 0):
            client.run("watch", "--once", config, code=code, CHANCERY_URL=server.url)
            if len(server.asked) > 1:
                assert (client.folder / "k").exists() == (states[0] == "issued")
                states.pop(0) if len(states) > 1 else None
    assert [method for method, _, _ in server.asked].count("POST") == 1
    assert client.text("k") == key and client.text("c") == pem and client.mode("k") == 0o600
