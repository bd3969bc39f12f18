"""What outlives a daemon, and what must not: data, sealed keys, the master key."""
import concurrent.futures
import contextlib
import os
import signal
import socket
import sqlite3
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization

import daemon as daemons
import pki
from api import Api, ok, refused
from world import World


def client(one):
    return Api(one.ready.url, one.ready.token)


def issue_in_seed(one, **attributes):
    body = {"profileId": one.ready.ecProfileId, "attributes": {
        "ttl": "30d", "commonName": "kept.example.com", "keyAlgorithm": "EC_prime256v1",
        **attributes}}
    return ok(client(one).issue(json=body))


def test_everything_is_kept(new_daemon):
    one = new_daemon()
    first = vars(one.ready).copy()
    world = World(client(one))
    member = world.member("issuer")
    issued = ok(world.ask(api=member.api))
    crl_before = pki.fetch_crl(pki.certificate(issued["certificate"]["certificate"]))
    one.restart()
    second = vars(one.ready)
    # The first ports stay: they stand in certificates.  The token is a new one, the old goes on.
    assert {key: value for key, value in second.items() if key != "token"} == {
        key: value for key, value in first.items() if key != "token"}
    for token in (first["token"], second["token"]):
        api = Api(one.ready.url, token)
        detail = ok(api.get_certificate(issued["certificate"]["certificateId"]))["certificate"]
        assert detail["serialNumber"] == issued["certificate"]["serialNumber"]
    again = Api(one.ready.url, member.login["accessToken"])
    assert ok(again.get_private_key(issued["certificate"]["certificateId"])) == issued[
        "certificate"]["privateKey"]
    ok(Api(one.ready.url).log_in(clientId=member.client_id, clientSecret=member.client_secret))
    pki.verify_answer(issued["certificate"])
    assert pki.fetch_crl(pki.certificate(issued["certificate"]["certificate"]))
    assert crl_before
    # And the CA goes on issuing.
    more = issue_in_seed(one)["certificate"]
    pki.verify_answer(more, open(one.ready.ecCaCertificateFile, encoding="ascii").read())


def test_without_data_nothing_is_left(chancery, tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    ready = tmp_path / "ready.json"
    one = daemons.Process(tmp_path / "log", ["dev", "--port", "0", "--ready-file", ready],
                          env=daemons.environment(TMPDIR=str(folder)))
    try:
        one.launch()
        one.wait_until(ready.exists)
        assert list(folder.iterdir())
        one.stop()
        assert not list(folder.iterdir())
    finally:
        one.kill()


def test_only_the_owner_reads_what_is_kept(new_daemon):
    one = new_daemon()
    assert one.kek_file.stat().st_mode & 0o777 == 0o600
    for path in one.data.rglob("*"):
        if path.is_file() and path.suffix != ".pem":
            assert path.stat().st_mode & 0o077 == 0, f"{path}: {path.stat().st_mode:o}"


def test_no_secret_lies_open_in_the_data(new_sqlite_daemon):
    one = new_sqlite_daemon()
    issued = issue_in_seed(one)["certificate"]
    key = serialization.load_pem_private_key(issued["privateKey"].encode(), None)
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    token = one.ready.token
    one.stop()
    stored = b"".join(path.read_bytes() for path in one.data.rglob("*") if path.is_file())
    assert token.encode() not in stored and token.split("_", 1)[1].encode() not in stored
    assert secret not in stored
    assert pki.der(issued["certificate"]) in stored  # the look is a good one


# --- sealed keys -------------------------------------------------------------------------------

def opened(one):
    """The daemon's database; what is done there is committed."""
    return contextlib.closing(sqlite3.connect(one.database, isolation_level=None))


def rows_with_keys(one, *ids):
    with opened(one) as database:
        found = {bytes(row[0]).hex(): row[1] for row in database.execute(
            'SELECT "id", "sealed_key" FROM "certificates"')}
    return [found[one_id.replace("-", "")] for one_id in ids]


def write_key(one, certificate_id, sealed, column="sealed_key"):
    with opened(one) as database:
        changed = database.execute(f'UPDATE "certificates" SET "{column}" = ? WHERE "id" = ?',
                                   (sealed, bytes.fromhex(certificate_id.replace("-", ""))))
        assert changed.rowcount == 1


def refuses_the_key(api, certificate_id, *keys):
    """The key is not given out by any route, and nothing of `keys` leaks."""
    session = requests.Session()
    session.trust_env = False
    for path in ("private-key", "bundle"):
        answer = session.get(f"{api.url}/api/v1/cert-manager/certificates/{certificate_id}/{path}",
                             headers={"Authorization": "Bearer " + api.token}, timeout=30)
        assert answer.status_code >= 400, answer.text
        for key in keys:
            assert key.splitlines()[1] not in answer.text
        assert "PRIVATE KEY" not in answer.text


def test_sealed_blobs_swapped_between_rows(new_sqlite_daemon):
    one = new_sqlite_daemon()
    first, second = (issue_in_seed(one)["certificate"] for _ in range(2))
    ids = first["certificateId"], second["certificateId"]
    one.stop()
    sealed = rows_with_keys(one, *ids)
    write_key(one, ids[0], sealed[1])
    write_key(one, ids[1], sealed[0])
    one.start()
    api = client(one)
    for certificate_id in ids:
        refuses_the_key(api, certificate_id, first["privateKey"], second["privateKey"])
        ok(api.get_certificate(certificate_id))
    one.check()
    one.stop()
    write_key(one, ids[0], sealed[0])
    write_key(one, ids[1], sealed[1])
    one.start()
    assert ok(client(one).get_private_key(ids[0])) == first["privateKey"]


@pytest.mark.parametrize("change", ["one bit", "cut", "empty", "noise"])
def test_a_changed_blob(new_sqlite_daemon, change):
    one = new_sqlite_daemon()
    issued = issue_in_seed(one)["certificate"]
    sealed = rows_with_keys(one, issued["certificateId"])[0]
    one.stop()
    broken = {"one bit": sealed[:-1] + bytes([sealed[-1] ^ 1]), "cut": sealed[:len(sealed) // 2],
              "empty": b"", "noise": os.urandom(len(sealed))}[change]
    write_key(one, issued["certificateId"], broken)
    one.start()
    refuses_the_key(client(one), issued["certificateId"], issued["privateKey"])
    issue_in_seed(one)
    one.check()


def test_a_ca_key_is_no_leaf_key(new_sqlite_daemon):
    """A blob of one purpose does not open as another."""
    one = new_sqlite_daemon()
    issued = issue_in_seed(one)["certificate"]
    one.stop()
    with opened(one) as database:
        sealed, data_key = database.execute(
            'SELECT "sealed_key", "data_key_id" FROM "generations" LIMIT 1').fetchone()
    write_key(one, issued["certificateId"], sealed)
    write_key(one, issued["certificateId"], data_key, "data_key_id")
    one.start()
    refuses_the_key(client(one), issued["certificateId"])
    one.check()


# --- the master key ----------------------------------------------------------------------------

def start_and_fail(one):
    """Starts a daemon that must not come up; what it said."""
    one.ready_file.unlink(missing_ok=True)
    start = one.log_size()
    one.launch()
    code = one.wait()
    one.popen = None
    said = one.log(start)
    assert code == 1, f"ended with {code}: {said}"
    one.check_log()
    assert not one.ready_file.exists()
    return said


def test_a_wrong_kek(new_daemon):
    one = new_daemon()
    issued = issue_in_seed(one)["certificate"]
    one.stop()
    kept = one.kek_file.read_text(encoding="ascii")
    one.kek_file.write_text("5a" * 32 + "\n", encoding="ascii")
    said = start_and_fail(one)
    assert "KEK" in said or "master key" in said, said
    assert "5a5a5a5a" not in said and kept.strip()[:8] not in said
    one.kek_file.write_text(kept, encoding="ascii")
    one.start()
    assert ok(client(one).get_private_key(issued["certificateId"])) == issued["privateKey"]


@pytest.mark.parametrize("text", ["", "short", "zz" * 32, "00" * 31])
def test_a_malformed_kek(new_sqlite_daemon, text):
    one = new_sqlite_daemon()
    one.stop()
    one.kek_file.write_text(text, encoding="ascii")
    said = start_and_fail(one)
    assert "KEK" in said or "kek" in said, said


def test_a_missing_kek_is_not_made_anew(new_sqlite_daemon):
    """A new one would open nothing, and hide that the right one is gone."""
    one = new_sqlite_daemon()
    one.stop()
    one.kek_file.unlink()
    said = start_and_fail(one)
    assert "kek" in said.lower() or "master key" in said.lower(), said


# --- ending --------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(new_sqlite_daemon, number):
    one = new_sqlite_daemon()
    one.signal(number)
    assert one.wait() == 0
    one.popen = None
    one.check_log()


def test_it_ends_cleanly_under_load(new_daemon):
    """What is answered is kept; what is not answered ends in a closed connection or a 503."""
    one = new_daemon()
    answered, lock, stop = [], threading.Lock(), threading.Event()

    def work():
        session = requests.Session()
        session.trust_env = False
        body = {"profileId": one.ready.ecProfileId, "attributes": {
            "ttl": "1d", "commonName": "x.example.com", "keyAlgorithm": "EC_prime256v1"}}
        while not stop.is_set():
            try:
                answer = session.post(one.ready.url + "/api/v1/cert-manager/certificates",
                                      json=body, timeout=30,
                                      headers={"Authorization": "Bearer " + one.ready.token})
            except requests.RequestException:
                return
            if answer.status_code == 200:
                with lock:
                    answered.append(answer.json()["certificate"]["certificateId"])
            else:
                assert answer.status_code == 503, answer.text

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(work) for _ in range(8)]
        time.sleep(1.5)
        one.signal(signal.SIGTERM)
        code = one.wait()
        stop.set()
        for future in futures:
            future.result()
    one.popen = None
    assert code == 0
    one.check_log()
    assert answered
    one.start()
    api = client(one)
    for certificate_id in answered:
        ok(api.get_certificate(certificate_id))


def test_idle_connections_do_not_hold_it_up(new_sqlite_daemon):
    one = new_sqlite_daemon()
    one.configure("workers:\n  drain: 2s\n")
    one.restart()
    where = urlsplit(one.ready.url)
    with socket.create_connection((where.hostname, where.port)) as idle, \
            socket.create_connection((where.hostname, where.port)) as slow:
        idle.sendall(f"GET /api/status HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode())
        assert idle.recv(65536)
        slow.sendall(b"POST /api/v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        started = time.monotonic()
        one.stop()
        assert time.monotonic() - started < 20


# --- the storage commands ----------------------------------------------------------------------

def test_storage_commands_beside_a_running_daemon(new_daemon):
    one = new_daemon()
    issue_in_seed(one)
    checked = daemons.run("storage", "check", "--data", one.data)
    assert checked.returncode == 0, checked.stderr
    assert "sound" in checked.stdout.lower()
    counted = daemons.run("storage", "stats", "--data", one.data)
    assert counted.returncode == 0, counted.stderr
    assert counted.stdout.strip()
    upgraded = daemons.run("storage", "upgrade", "--data", one.data)
    assert upgraded.returncode == 0, upgraded.stderr
    issue_in_seed(one)
    one.check()


def test_a_damaged_database_is_told(new_sqlite_daemon):
    one = new_sqlite_daemon()
    for _ in range(20):
        issue_in_seed(one)
    one.stop()
    with open(one.database, "r+b") as file:
        size = file.seek(0, 2)
        for page in range(4, size // 4096 - 1, 3):
            file.seek(page * 4096 + 200)
            file.write(os.urandom(2000))
    checked = daemons.run("storage", "check", "--data", one.data)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert checked.stderr.strip() or checked.stdout.strip()


def test_no_instance_there(chancery, tmp_path):
    for words in (("check",), ("stats",), ("upgrade",)):
        ended = daemons.run("storage", *words, "--data", tmp_path / "nothing")
        assert ended.returncode in (1, 2) and ended.stderr.startswith("chancery: ")


def test_two_daemons_on_one_port(new_sqlite_daemon, tmp_path):
    one = new_sqlite_daemon()
    port = urlsplit(one.ready.url).port
    ready = tmp_path / "second.json"
    second = daemons.Process(tmp_path / "second", ["dev", "--port", str(port), "--data",
                                                   tmp_path / "data2", "--ready-file", ready])
    try:
        second.launch()
        assert second.wait() == 1
        said = second.log()
        assert str(port) in said and "chancery: " in said, said
        assert not ready.exists()
    finally:
        second.kill()
    one.check()
