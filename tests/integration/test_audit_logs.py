"""The audit over REST: who sees which rows, filters, pages, export; and what goes elsewhere."""
import csv
import io
import json
import signal
import socket
import threading
import time
import uuid

import pytest

import daemon as daemons
from api import BY_NAME, Api, ok, refused
from world import Member, World, fresh

EXPORT = BY_NAME["export_audit_logs"]


def rows_of(api, **query):
    return ok(api.list_audit_logs(query=query))["auditLogs"]


def export(api, **query):
    answer = api.export_audit_logs(query=query)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_change_is_there_with_all_of_it(admin, world):
    made = admin.create_project(projectName=fresh("audited"))
    project_id = ok(made)["project"]["id"]
    row, = rows_of(admin, projectId=project_id)
    assert row["action"] == "project.create" and row["outcome"] == "ok"
    assert row["targetType"] == "projects" and row["targetId"] == project_id
    assert row["actorType"] == "user" and row["actorId"]
    assert row["requestId"] == made.headers["X-Request-Id"]
    assert row["ipAddress"] == "127.0.0.1" and len(row["mac"]) == 64
    assert ok(admin.get_audit_log(row["id"]))["auditLog"] == row
    assert rows_of(admin, requestId=row["requestId"]) == [row]


def test_a_denial_and_a_revealed_key_are_there(admin, world):
    auditor = Member(admin, world.project_id, "auditor")
    denied = world.ask(api=auditor.api)
    refused(denied, 403, "PermissionDenied")
    row, = rows_of(admin, projectId=world.project_id, actorId=auditor.id, outcome="denied")
    assert rows_of(auditor.api, outcome="denied") == [row]
    assert row["requestId"] == denied.headers["X-Request-Id"] and row["detail"]["reason"]
    issued = ok(world.ask())["certificate"]["certificateId"]
    shown = admin.get_private_key(issued)
    ok(shown)
    row, = rows_of(admin, projectId=world.project_id, targetId=issued,
                   action="certificate.reveal-private-key")
    assert row["requestId"] == shown.headers["X-Request-Id"]


def test_filters_and_pages(admin, world):
    for _ in range(3):
        ok(world.ask())
    issued = rows_of(admin, projectId=world.project_id, action="certificate.issue", limit=100)
    assert len(issued) >= 3 and {row["action"] for row in issued} == {"certificate.issue"}
    times = [row["time"] for row in issued]
    assert times == sorted(times, reverse=True)
    seen, cursor = [], None
    while True:
        body = {"projectId": world.project_id, "action": "certificate.issue", "limit": 2}
        if cursor:
            body["cursor"] = cursor
        page = ok(admin.search_audit_logs(json=body))
        seen += page["auditLogs"]
        cursor = page.get("cursor")
        if not cursor:
            break
    assert [row["id"] for row in seen] == [row["id"] for row in issued]
    since = rows_of(admin, projectId=world.project_id, limit=100, **{"from": times[0]})
    assert all(row["time"] >= times[0] for row in since) and since
    assert rows_of(admin, projectId=world.project_id, to="2020-01-01T00:00:00Z") == []


def test_an_auditor_of_a_project_sees_its_rows_only(world, other_world):
    auditor = world.member("auditor").api
    rows = rows_of(auditor, limit=100)
    assert rows and {row["projectId"] for row in rows} == {world.project_id}
    foreign = rows_of(world.admin, projectId=other_world.project_id, limit=1)[0]
    refused(auditor.list_audit_logs(query={"projectId": other_world.project_id}), 404, "NotFound")
    refused(auditor.get_audit_log(foreign["id"]), 404, "NotFound")
    refused(auditor.export_audit_logs(query={"projectId": other_world.project_id}), 404)
    of_instance = [row for row in rows_of(world.admin, limit=100) if row["projectId"] is None][0]
    refused(auditor.get_audit_log(of_instance["id"]), 404, "NotFound")
    refused(auditor.export_audit_logs(query={"after": foreign["id"]}), 400, "BadRequest")


@pytest.mark.parametrize("role", ["issuer", "no-access"])
def test_others_see_nothing(world, role):
    api = world.member(role).api
    refused(api.list_audit_logs(), 403, "PermissionDenied", "audit-logs")
    refused(api.search_audit_logs(json={}), 403, "PermissionDenied")
    refused(api.export_audit_logs(), 403, "PermissionDenied")
    row = rows_of(world.admin, projectId=world.project_id, limit=1)[0]
    refused(api.get_audit_log(row["id"]), 403, "PermissionDenied")


def test_bad_input(admin, anonymous):
    refused(anonymous.list_audit_logs(), 401)
    refused(admin.get_audit_log(uuid.uuid4()), 404, "NotFound")
    refused(admin.get_audit_log("x"), 422)
    refused(admin.list_audit_logs(query={"projectId": str(uuid.uuid4())}), 404)
    refused(admin.list_audit_logs(query={"projectId": "x"}), 422)
    refused(admin.list_audit_logs(query={"outcome": "x"}), 422)
    refused(admin.list_audit_logs(query={"limit": 101}), 422)
    refused(admin.list_audit_logs(query={"offset": 10001}), 400, "BadRequest", "cursor")
    refused(admin.list_audit_logs(query={"cursor": "x"}), 400)
    refused(admin.list_audit_logs(query={"from": "yesterday"}), 400, "BadRequest", "from")
    refused(admin.search_audit_logs(json=[]), 422)
    refused(admin.export_audit_logs(query={"format": "xml"}), 422)
    refused(admin.export_audit_logs(query={"after": str(uuid.uuid4())}), 400)


def test_an_export_of_nothing_is_empty(admin, world):
    """As for who asks what came after the last row, and nothing did."""
    for scope in ({"projectId": world.project_id}, {}):
        assert export(admin, **{"from": "2200-01-01"}, **scope).text == ""
        table = export(admin, **{"from": "2200-01-01"}, format="csv", **scope).text
        assert len(table.splitlines()) == 1 and table.startswith("id,")


def test_export_goes_on_after_a_row(admin, world):
    for scope in ({"projectId": world.project_id}, {}):
        seen, after = [], {}
        while True:
            answer = export(admin, limit=7, **scope, **after)
            assert answer.headers["Content-Type"].split(";")[0] == "application/x-ndjson"
            assert "attachment" in answer.headers["Content-Disposition"]
            rows = [json.loads(line) for line in answer.text.splitlines()]
            seen += [row["id"] for row in rows]
            if len(rows) < 7 or len(seen) > 40:
                break
            after = {"after": rows[-1]["id"]}
        assert len(seen) == len(set(seen)) > 7
        first = [json.loads(line)["id"] for line in export(admin, limit=100, **scope)
                 .text.splitlines()]
        assert first[:len(seen)] == seen[:len(first)]


def test_no_cell_of_the_csv_is_a_formula(admin, world):
    body = export(admin, format="csv", projectId=world.project_id).text
    table = list(csv.reader(io.StringIO(body)))
    assert table[0][:2] == ["id", "time"] and len(table) > 3
    assert all(len(row) == len(table[0]) for row in table)
    assert not any(cell[:1] in "=+-@\t\r" for row in table[1:] for cell in row if cell)


# --- elsewhere -----------------------------------------------------------------------------------

def lines_of(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def until(is_done, patience=30):
    end = time.monotonic() + patience
    while not is_done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def read_all(syslog, received, ends):
    while not ends.is_set():
        try:
            received.append(syslog.recv(1 << 17).decode())
        except TimeoutError:
            pass


def test_forwarding_loses_nothing_over_restarts(new_daemon, tmp_path):
    one = new_daemon()
    first, moved, path = tmp_path / "audit.jsonl", tmp_path / "audit.1", tmp_path / "log"
    received, ends = [], threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(path))
        syslog.settimeout(0.2)
        reader = threading.Thread(target=read_all, args=(syslog, received, ends))
        reader.start()
        one.configure(f"audit:\n  file: {first}\n  syslog: {path}\n")
        World(Api(one.ready.url, one.ready.token))  # before anything is forwarded
        one.restart()
        api = Api(one.ready.url, one.ready.token)
        made = ok(api.create_project(projectName="forwarded"))["project"]["id"]
        until(lambda: first.exists() and made in first.read_text(encoding="utf-8"))
        until(lambda: any(made in line for line in received))
        ends.set()
        reader.join()
    assert all(line.startswith("<85>chancery[") for line in received)
    heads = [line for line in lines_of(first) if line.get("type") == "block"]
    assert all(any(head["head"] in line for line in received) for head in heads)
    first.rename(moved)
    one.signal(signal.SIGHUP)
    path.unlink()  # syslog is gone, and the file does not wait for it
    last = ok(api.create_project(projectName="after"))["project"]["id"]
    until(lambda: first.exists() and last in first.read_text(encoding="utf-8"))
    one.stop()
    lines = lines_of(moved) + lines_of(first)
    heads = [line for line in lines if line.get("type") == "block"]
    assert len(heads) >= 3 and all(len(line["head"]) == 64 for line in heads)
    ended = daemons.run("audit", "verify", "--against", moved, "--against", first, "--data",
                        one.data)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = [line["id"] for line in lines if "mac" in line]
    assert len(rows) > 10
