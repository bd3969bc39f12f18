"""The audit on a syslog server: all of it, also when the server was away, and without delaying anyone."""
import json
import re
import time

import pytest
import requests

import daemon as daemons
import syslog_server
from api import Api, ok, refused
from test_audit_logs import export, until
from world import World, fresh


@pytest.fixture
def server(request):
    one = syslog_server.Server(request.param).start()
    yield one
    one.stop()


BOTH = pytest.mark.parametrize("server", ["udp", "tcp"], indirect=True)


def forwarding(one, where, more=""):
    """Restarts a daemon so that it forwards; its administrator."""
    one.log_everything()
    one.configure(f"audit:\n  syslog_server: {where}\n{more}")
    one.restart()
    return Api(one.ready.url, one.ready.token)


def said(one, event):
    return len(re.findall(rf'"event":"{event}"', one.log()))


def rows(api):
    """The ids of all rows of closed seconds."""
    lines = export(api, limit=1000).text.splitlines()
    return {re.search(r'"id":"([^"]+)"', line)[1] for line in lines}


@BOTH
def test_every_row_arrives_and_proves_the_rest(new_daemon, server, tmp_path):
    one = new_daemon()
    World(Api(one.ready.url, one.ready.token))  # before anything is forwarded
    api = forwarding(one, server.url)
    ok(api.create_project(projectName="Müller 🔑"))
    wanted = rows(api)
    assert len(wanted) > 5
    until(lambda: wanted <= server.ids())
    one.stop()
    assert {message.priority for message in server.messages} == {85}
    assert {message.app for message in server.messages} == {"chancery"}
    assert {message.kind for message in server.messages} == {"audit.row", "audit.block"}
    numbers = [message.sequence for message in server.messages]
    assert numbers == list(range(1, len(numbers) + 1)), "the receiver sees that nothing is missing"
    file = tmp_path / "received"
    file.write_bytes(b"".join(message.octets + b"\n" for message in server.messages))
    ended = daemons.run("audit", "verify", "--against", file, "--data", one.data)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@BOTH
def test_what_was_written_while_the_server_was_away_arrives(new_daemon, server):
    one = new_daemon()
    api = forwarding(one, server.url)
    first = ok(api.create_project(projectName=fresh("first")))["project"]["id"]
    until(lambda: any(first in str(message.json) for message in server.messages))
    server.stop()
    ok(api.create_project(projectName=fresh("away")))
    until(lambda: said(one, "audit.not-forwarded") == 1)
    ok(api.create_project(projectName=fresh("away")))
    wanted = rows(api)
    server.start()
    until(lambda: wanted <= server.ids())
    until(lambda: said(one, "audit.forwarded") == 1)
    assert said(one, "audit.not-forwarded") == 1, "it is told once"
    one.stop()


def test_a_server_that_reads_nothing_delays_nobody(new_sqlite_daemon, tmp_path):
    one = new_sqlite_daemon()
    stalled = syslog_server.Server("tcp", reads=False).start()
    file = tmp_path / "audit.jsonl"
    (port,) = daemons.free_ports(1)
    try:
        api = forwarding(one, stalled.url, f"  file: {file}\n"
                         f"metrics:\n  enabled: true\n  listen: 127.0.0.1:{port}\n")
        for _ in range(100):  # more than the server's machine takes for it
            ok(api.create_project(projectName=fresh("many")))
        until(lambda: said(one, "audit.not-forwarded") == 1)
        begun = time.monotonic()
        last = ok(api.create_project(projectName=fresh("last")))["project"]["id"]
        assert time.monotonic() - begun < 2, "a request waited for the server"
        until(lambda: last in file.read_text(encoding="utf-8"))  # seconds are closed all the same
        metrics = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        failures = re.search(r'chancery_audit_forward_failures_total\{to="syslog_server"\} (\d+)',
                             metrics)
        assert failures and int(failures[1]) >= 1, metrics
        one.stop()
    finally:
        stalled.stop()


def test_a_server_that_there_is_not(new_sqlite_daemon):
    one = new_sqlite_daemon()
    api = forwarding(one, "udp://nobody.invalid:514")
    ok(api.create_project(projectName=fresh("p")))
    until(lambda: said(one, "audit.not-forwarded") == 1)
    assert "nobody.invalid:514 cannot be found" in one.log()
    one.stop()


@BOTH
def test_a_row_that_is_too_long_comes_without_its_detail(new_sqlite_daemon, server):
    one = new_sqlite_daemon()
    api = forwarding(one, server.url, "  syslog_max: 2k\n")
    world = World(api)
    kinds = ["common_name", "organization", "organizational_unit", "state", "locality"]
    policy = world.new_policy(subject=[{"type": kind, "allowed": ["x"]} for kind in kinds])
    answer = world.ask(world.new_profile(policy), commonName="🔑" * 60, organization="🔑" * 60,
                       organizationalUnit="🔑" * 60, state="🔑" * 60, locality="🔑" * 60)
    refused(answer, 400)
    request = answer.headers["X-Request-Id"]
    (row,) = ok(api.list_audit_logs(query={"requestId": request}))["auditLogs"]
    assert len(json.dumps(row)) > 2048, "this test needs a longer row"

    def arrived():
        return [message for message in server.messages
                if message.json.get("requestId") == request]

    until(arrived)
    (message,) = arrived()
    assert len(message.octets) <= 2048 and "detail" not in message.json
    assert {key: row[key] for key in message.json} == message.json
    until(lambda: said(one, "audit.gap") == 1)
    one.stop()
