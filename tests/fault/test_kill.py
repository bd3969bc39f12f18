"""kill -9 at random instants of a load of issuances: what was answered is there, and all is sound.

CHANCERY_FAULT_ROUNDS says how often for each backend (20), CHANCERY_FAULT_SEED repeats a run.
"""
import collections
import contextlib
import glob
import http.client
import json
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from urllib.parse import urlsplit

import pytest

import daemon as daemons
import pki

ROUNDS = int(os.environ.get("CHANCERY_FAULT_ROUNDS", "20"))
SEED = int(os.environ.get("CHANCERY_FAULT_SEED", str(time.time_ns() % 1000000)))
CLIENTS = 12
PATH = "/api/v1/cert-manager/certificates"


class Load:
    """Clients that issue on connections kept alive until the daemon is gone."""

    def __init__(self, ready, token, bodies):
        self.where = urlsplit(ready.url)
        self.headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        self.bodies = bodies
        self.answered = []  # (certificate id, request id, serial number)
        self.wrong = []
        self.lock = threading.Lock()
        self.first = threading.Event()
        self.threads = [threading.Thread(target=self.issue, args=(i,)) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def issue(self, number):
        connection = http.client.HTTPConnection(self.where.hostname, self.where.port, timeout=60)
        try:
            while True:
                number += 1
                connection.request("POST", PATH, self.bodies[number % len(self.bodies)],
                                   self.headers)
                answer = connection.getresponse()
                body = json.loads(answer.read())
                with self.lock:
                    if answer.status != 200:
                        self.wrong.append((answer.status, body))
                        return
                    made = body["certificate"]
                    self.answered.append((made["certificateId"], body["certificateRequestId"],
                                          made["serialNumber"]))
                self.first.set()
        except (OSError, http.client.HTTPException, ValueError):
            return  # the daemon is gone
        finally:
            connection.close()

    def end(self):
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "a client still waits for a daemon that is dead"


# --- looking into the database -----------------------------------------------------------------

def sqlite_rows(one, query):
    with contextlib.closing(sqlite3.connect(f"file:{one.database}?mode=ro", uri=True)) as database:
        return [[bytes(value).hex() if isinstance(value, bytes) else value for value in row]
                for row in database.execute(query)]


def psql():
    found = shutil.which("psql") or next(iter(glob.glob("/usr/lib/postgresql/*/bin/psql")), None)
    assert found, "psql is missing: it comes with postgresql-15"
    return found


def postgres_rows(one, query):
    query = query.replace("FROM ", "FROM chancery.")
    ended = subprocess.run([psql(), one.conninfo, "-X", "-A", "-t", "-F", "\t", "-c", query],
                           capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return [[value.replace("-", "") if len(value) == 36 else value for value in line.split("\t")]
            for line in ended.stdout.splitlines()]


def rows(one, query):
    return (sqlite_rows if one.storage == "sqlite" else postgres_rows)(one, query)


def plain(uuid):
    return uuid.replace("-", "")


def check_rows(one, answered):
    """Every row that belongs to another is there, and nothing is there twice."""
    certificates = {row[0]: row[1:] for row in rows(
        one, "SELECT id, serial, request_id, generation_id FROM certificates "
             "WHERE method = 'api'")}
    requests = {row[0]: row[1:] for row in rows(
        one, "SELECT id, status, certificate_id, serial FROM requests")}
    serials = rows(one, "SELECT generation_id, number, certificate_id FROM serials")
    audited = rows(one, "SELECT target_id FROM audit_events WHERE action = 'certificate.issue'")
    counted = rows(one, "SELECT count FROM statistics WHERE dimension = 'issued'")

    twice = [key for key, count in collections.Counter(
        (row[0], row[1]) for row in serials).items() if count > 1]
    assert not twice, f"serials issued twice: {twice}"
    twice = [key for key, count in collections.Counter(
        (row[2], row[0]) for row in certificates.values()).items() if count > 1]
    assert not twice, f"certificates of one serial: {twice}"

    for certificate_id, request_id, serial in answered:
        found = certificates.get(plain(certificate_id))
        assert found is not None, f"certificate {certificate_id} was answered and is lost"
        assert found[0] == serial and found[1] == plain(request_id)
        assert requests[plain(request_id)] == ["issued", plain(certificate_id), serial]

    issued = {key: row for key, row in requests.items() if row[0] == "issued"}
    assert {row[1] for row in issued.values()} == set(certificates), \
        "a request says issued without its certificate, or the other way round"
    for key, row in issued.items():
        assert certificates[row[1]][:2] == [row[2], key]
    by_certificate = {row[2]: row[1] for row in serials}
    for certificate_id, row in certificates.items():
        assert by_certificate.get(certificate_id) == row[0], "a certificate without its serial"
    assert sorted(plain(row[0]) for row in audited) == sorted(certificates), \
        "an issuance without its audit row, or the other way round"
    assert sum(int(row[0]) for row in counted) == len(certificates), "the statistics do not add up"
    return len(certificates)


def check_database(one):
    checked = daemons.run("storage", "check", "--data", one.data)
    assert checked.returncode == 0 and "sound" in checked.stdout, checked.stdout + checked.stderr


def fetch(one, certificate_ids, token):
    where = urlsplit(one.ready.url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    found = {}
    for certificate_id in certificate_ids:
        connection.request("GET", f"{PATH}/{certificate_id}", headers={
            "Authorization": "Bearer " + token})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, f"{certificate_id} was answered and is lost: {body}"
        found[certificate_id] = json.loads(body)["certificate"]
    connection.close()
    return found


def bodies(ready):
    """Three requests with a CSR, then one whose key the server makes and seals."""
    by_csr = [json.dumps({"profileId": ready.ecProfileId, "attributes": {"ttl": "30d"}, "csr": pki.csr(
        pki.new_key(), dns=[f"h{i}.example.com"], commonName=f"h{i}.example.com")})
              for i in range(3)]
    by_attributes = json.dumps({"profileId": ready.ecProfileId, "attributes": {
        "ttl": "30d", "commonName": "server.example.com", "keyAlgorithm": "EC_prime256v1"},
        "metadata": [{"key": "made", "value": "by the server"}]})
    return [*by_csr, by_attributes]


def check_round(one, load, token):
    """After the kill: the database as it lies there, then through a daemon that started on it."""
    check_database(one)
    one.start()
    found = fetch(one, [answered[0] for answered in load.answered], token)
    for certificate_id, _, serial in load.answered:
        assert found[certificate_id]["serialNumber"] == serial
        assert found[certificate_id]["status"] == "active"


@pytest.mark.timeout(3600)
def test_kill_under_load(new_daemon, storage):
    chance = random.Random(f"{SEED}-{storage}")
    print(f"CHANCERY_FAULT_SEED={SEED}")
    one = new_daemon()
    token = one.ready.token
    asked = bodies(one.ready)
    answered = []
    for number in range(ROUNDS):
        load = Load(one.ready, token, asked)
        assert load.first.wait(60), f"round {number}: nothing was issued: {load.wrong}"
        time.sleep(chance.choice([0, chance.uniform(0, 0.1), chance.uniform(0.1, 1.0)]))
        one.kill()
        load.end()
        assert not load.wrong, f"round {number}: {load.wrong[:3]}"
        answered += load.answered
        check_round(one, load, token)
    one.check()
    one.stop()
    total = check_rows(one, answered)
    assert total >= len(answered) >= ROUNDS
    print(f"{storage}: {ROUNDS} kills, {len(answered)} answered, {total} stored")
    one.start()
    for certificate_id, _, _ in chance.sample(answered, 3):
        bundle = fetch_bundle(one, certificate_id, token)
        with open(one.ready.ecCaCertificateFile, encoding="ascii") as root:
            pki.verify_answer(bundle, root.read())
        if bundle["privateKey"]:
            assert pki.same_key(bundle["privateKey"], bundle["certificate"])


def fetch_bundle(one, certificate_id, token):
    where = urlsplit(one.ready.url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    connection.request("GET", f"{PATH}/{certificate_id}/bundle",
                       headers={"Authorization": "Bearer " + token})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert answer.status == 200, body
    return body


@pytest.mark.timeout(600)
def test_kill_while_it_starts(new_daemon):
    """Killed at any instant of the first start, it starts the next time, or says why it cannot."""
    one = new_daemon()
    chance = random.Random(f"{SEED}-start")
    for _ in range(min(ROUNDS, 20)):
        one.kill()
        one.ready_file.unlink(missing_ok=True)
        one.launch()
        time.sleep(chance.uniform(0, 0.15))
    one.kill()
    check_database(one)
    one.start()
    load = Load(one.ready, one.ready.token, bodies(one.ready))
    assert load.first.wait(60)
    one.kill()
    load.end()


@pytest.mark.timeout(600)
def test_the_database_server_dies_under_load(start_daemon, postgres):
    """PostgreSQL crashes and recovers; the daemon stays, and loses nothing that it answered."""
    one = start_daemon("postgres")
    token = one.ready.token
    asked = bodies(one.ready)
    answered = []
    for _ in range(min(ROUNDS, 3)):
        load = Load(one.ready, token, asked)
        assert load.first.wait(60)
        time.sleep(0.5)
        postgres.control("restart", "immediate")
        time.sleep(0.5)
        one.check()
        settle(one, load)
        answered += load.answered
        fetch(one, [made[0] for made in load.answered], token)
    one.stop()
    check_rows(one, answered)


def settle(one, load):
    """Lets clients that were told to try later go, and stops the others."""
    for status, body in load.wrong:
        assert status == 503, body
    load.headers["Authorization"] = "Bearer nobody"  # the next request ends each client
    load.end()
    deadline = time.monotonic() + 60
    while True:
        try:
            fetch(one, [load.answered[0][0]], one.ready.token)
            return
        except AssertionError:
            assert time.monotonic() < deadline
            time.sleep(0.3)
