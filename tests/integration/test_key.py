"""chancery key: what the master key seals, and another one in its place."""
import contextlib
import secrets
import signal
import sqlite3
import subprocess
import time

import pytest

import daemon as daemons
from api import Api, ok
from world import World, fresh


@pytest.fixture
def one(new_daemon):
    return new_daemon()


def key(one, *words):
    return daemons.run("key", *words, "--data", one.data)


def use_kek(one, path):
    """Configures another master key for the next start."""
    file = one.data / "dev.yaml"
    text = file.read_text(encoding="utf-8")
    lines = [f"kek: file:{path}" if line.startswith("kek:") else line for line in text.split("\n")]
    assert "\n".join(lines) != text
    file.write_text("\n".join(lines), encoding="utf-8")


def test_status_and_check_tell_what_there_is(one):
    api = Api(one.ready.url, one.ready.token)
    world = World(api)
    ok(world.ask())
    status = key(one, "status")
    assert status.returncode == 0, status.stderr
    assert "data keys:" in status.stdout and "configured:" in status.stdout
    check = key(one, "check")
    assert check.returncode == 0, check.stdout + check.stderr
    assert "keys of certificates: 1 of 1 looked at open" in check.stdout
    assert daemons.run("key", "check", "--sample", "0", "--data", one.data).returncode == 1


def test_a_damaged_key_is_found(new_sqlite_daemon):
    one = new_sqlite_daemon()
    with contextlib.closing(sqlite3.connect(one.database)) as database:
        database.execute("UPDATE data_keys SET sealed = zeroblob(60)")
        database.commit()
    check = key(one, "check")
    assert check.returncode == 1
    assert "do not open" in check.stderr


def test_rotate_beside_a_daemon_and_finish(one):
    api = Api(one.ready.url, one.ready.token)
    world = World(api)
    issued = ok(world.ask())["certificate"]
    member = world.member("issuer")
    new_kek = one.directory / "kek.new"
    rotated = key(one, "rotate", "--new-kek", new_kek)
    assert rotated.returncode == 0, rotated.stderr
    assert "--finish" in rotated.stdout and new_kek.stat().st_mode & 0o777 == 0o600
    # The daemon was started with the old one: it goes on, with what it has and with what is new.
    assert ok(api.get_private_key(issued["certificateId"])) == issued["privateKey"]
    ok(World(api).ask())
    ok(member.log_in())
    early = key(one, "rotate", "--finish")
    assert early.returncode == 1 and "configure the new" in early.stderr
    one.restart()  # with the old one, still
    api = Api(one.ready.url, one.ready.token)
    assert ok(api.get_private_key(issued["certificateId"])) == issued["privateKey"]
    use_kek(one, new_kek)
    one.restart()
    finished = key(one, "rotate", "--finish")
    assert finished.returncode == 0, finished.stderr
    again = key(one, "rotate", "--finish")
    assert again.returncode == 0 and "no rotation" in again.stdout
    one.restart()
    api = Api(one.ready.url, one.ready.token)
    assert ok(api.get_private_key(issued["certificateId"])) == issued["privateKey"]
    ok(Api(one.ready.url).log_in(clientId=member.client_id, clientSecret=member.client_secret))
    assert key(one, "check").returncode == 0
    for action in ("master-key.rotate", "master-key.finish-rotation"):
        (row,) = ok(api.list_audit_logs(query={"action": action}))["auditLogs"]
        assert row["targetType"] == "master-keys" and row["targetId"], row
    use_kek(one, one.kek_file)
    refused = key(one, "status")
    assert refused.returncode == 1
    assert "wrong master key" in refused.stderr and refused.stdout == ""


def settings(one):
    with contextlib.closing(sqlite3.connect(one.database)) as database:
        return {name for (name,) in database.execute("SELECT name FROM settings")}


def test_rotate_offline_leaves_nothing_to_the_old_key(new_sqlite_daemon):
    """The new KEK is nowhere in the database, so a copy from between tells its reader nothing of it."""
    one = new_sqlite_daemon()
    issued = World(Api(one.ready.url, one.ready.token)).issue()
    new_kek = one.directory / "kek.new"
    assert key(one, "rotate", "--offline", "--finish").returncode == 1
    one.stop()
    rotated = key(one, "rotate", "--new-kek", new_kek, "--offline")
    assert rotated.returncode == 0 and "still works" not in rotated.stdout, rotated
    assert {"kek-back"} == settings(one) & {"kek-back", "kek-forward"}
    wrong = key(one, "status")
    assert wrong.returncode == 1 and "wrong master key" in wrong.stderr
    use_kek(one, new_kek)
    # Interrupted, it goes on with the new one.
    assert key(one, "rotate", "--new-kek", new_kek, "--offline").returncode == 0
    assert key(one, "rotate", "--finish").returncode == 0
    assert not settings(one) & {"kek-back", "kek-forward"}
    one.start()
    assert ok(Api(one.ready.url, one.ready.token).get_private_key(
        issued["certificateId"])) == issued["privateKey"]


def test_a_rotation_that_is_killed_goes_on(one):
    api = Api(one.ready.url, one.ready.token)
    world = World(api)
    issued = ok(world.ask())["certificate"]
    for _ in range(6):
        made = ok(api.create_project(projectName=fresh("project")))["project"]["id"]
        ok(api.create_ca(projectId=made, name=fresh("ca"), status="active", configuration={
            "type": "root", "commonName": "Root", "keyAlgorithm": "EC_prime256v1",
            "notAfter": "2035-01-01"}))
    new_kek = one.directory / "kek.new"
    arguments = [daemons.PROGRAM, "key", "rotate", "--new-kek", str(new_kek), "--data",
                 str(one.data)]
    killed = 0
    for _ in range(8):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=daemons.environment())
        time.sleep(secrets.randbelow(400) / 1000)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        assert ok(api.get_private_key(issued["certificateId"])) == issued["privateKey"]
        assert key(one, "check").returncode == 0
    assert killed
    rotated = key(one, "rotate", "--new-kek", new_kek)
    assert rotated.returncode == 0, rotated.stderr
    status = key(one, "status").stdout
    assert "0 data keys left" in status, status
    use_kek(one, new_kek)
    one.restart()
    assert key(one, "rotate", "--finish").returncode == 0
    assert ok(Api(one.ready.url, one.ready.token).get_private_key(
        issued["certificateId"])) == issued["privateKey"]
