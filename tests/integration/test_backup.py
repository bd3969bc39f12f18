"""Backup and restore: nothing that was revoked is valid again, and no half instance."""
import contextlib
import datetime
import hashlib
import http.server
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
import time
import uuid

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

import daemon as daemons
import pki
from api import Api, ok
from daemon import run
from world import Person, World


def revoke(api, issued, reason="KEY_COMPROMISE"):
    return ok(api.revoke(issued["certificateId"], revocationReason=reason))


def crl_of(issued):
    return x509.load_der_x509_crl(pki.fetch_crl(pki.certificate(issued["certificate"])))


def number_of(crl):
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def serials(crl):
    return {entry.serial_number for entry in crl}


def serial(issued):
    return int(issued["serialNumber"], 16)


def fetch_crls(world, folder):
    """The CRLs of every CA of the instance, as an operator's copy has them."""
    for ca in ok(world.admin.list_cas(query={"projectId": world.project_id})):
        for crl in ok(world.admin.list_crls(ca["id"])):
            der = pki.der(crl["crl"])
            points = x509.load_der_x509_crl(der).extensions.get_extension_for_class(
                x509.IssuingDistributionPoint).value.full_name
            generation, name = points[0].value.split("/")[-2:]
            (folder / generation).mkdir(parents=True, exist_ok=True)
            (folder / generation / name).write_bytes(der)


class Life:
    """An instance with a backup in the middle of it, and an empty one to restore into."""

    def __init__(self, new_daemon, storage, database, tmp_path):
        self.old = new_daemon()
        self.storage, self.database, self.folder = storage, database, tmp_path
        admin = Api(self.old.ready.url, self.old.ready.token)
        self.world = World(admin)
        self.kept, self.before, self.after = (self.world.issue() for _ in range(3))
        self.person = Person(admin, self.world.project_id)
        self.early = tmp_path / "early"
        fetch_crls(self.world, self.early)
        revoke(admin, self.before)
        self.backup = self.back_up("backup")
        revoke(admin, self.after)
        self.later = self.world.issue()       # of which the backup knows nothing
        revoke(admin, self.later, "SUPERSEDED")
        time.sleep(2.2)                       # the least time between two CRLs
        self.crls = tmp_path / "crls"
        for world in (self.world, self.of_dev(admin)):
            fetch_crls(world, self.crls)
        self.last = crl_of(self.kept)
        assert serials(self.last) == {serial(self.before), serial(self.after), serial(self.later)}
        self.made = []

    def back_up(self, name):
        folder = self.folder / name
        said = run("backup", "--data", self.old.data, "--to", folder)
        assert said.returncode == 0, said.stderr
        return folder

    def of_dev(self, admin):
        world = World.__new__(World)
        world.admin, world.project_id = admin, self.old.ready.projectId
        return world

    def empty(self):
        """An instance that has a configuration and a KEK, and nothing else."""
        folder = self.folder / f"new{len(self.made)}"
        conninfo = self.database(self.storage)
        new = daemons.Daemon(folder, self.storage, conninfo)
        new.data.mkdir(parents=True)
        text = (self.old.data / "dev.yaml").read_text(encoding="utf-8")
        text = text.replace(str(self.old.data), str(new.data))
        if conninfo:
            text = text.replace(self.old.conninfo, conninfo)
        (new.data / "dev.yaml").write_text(text, encoding="utf-8")
        shutil.copy(self.old.kek_file, new.kek_file)
        for path in self.old.data.iterdir():  # what `dev` remembers of its instance
            if path.is_file() and path.name != "dev.yaml":
                shutil.copy(path, new.data)
        self.made.append(new)
        return new

    def restore(self, new, *more, backup=None):
        return run("restore", "--data", new.data, "--from", backup or self.backup, *more)

    def is_refused(self, new, *words, backup=None, crls=None):
        said = self.restore(new, "--crls", crls or self.crls, backup=backup)
        assert said.returncode == 1 and all(word in said.stderr for word in words), said

    def end(self):
        for new in self.made:
            new.kill()


@pytest.fixture
def life(new_daemon, storage, database, tmp_path):
    one = Life(new_daemon, storage, database, tmp_path)
    yield one
    one.end()


@pytest.fixture
def sqlite_life(new_sqlite_daemon, database, tmp_path):
    """For what does not depend on where the rows are."""
    one = Life(new_sqlite_daemon, "sqlite", database, tmp_path)
    yield one
    one.end()


def test_what_was_revoked_stays_revoked(life):
    life.old.stop()
    for path in [life.backup, *life.backup.iterdir()]:
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0
    kek = life.old.kek_file.read_text(encoding="utf-8").strip()
    assert all(kek.encode() not in path.read_bytes() and bytes.fromhex(kek) not in path.read_bytes()
               for path in life.backup.iterdir())
    manifest = json.loads((life.backup / "manifest.json").read_text(encoding="utf-8"))
    assert len(manifest["kekId"]) == 16 and manifest["crls"] and manifest["madeAt"]

    new = life.empty()
    said = life.restore(new, "--crls", life.crls)
    assert said.returncode == 0, said.stderr
    assert "2 revocations added" in said.stdout
    proof = run("audit", "verify", "--data", new.data)  # with what was in no block at the backup
    assert proof.returncode == 0 and " 0 rows are of seconds" in proof.stdout, proof.stdout
    new.start()
    life.world.admin = Api(new.ready.url, new.ready.token)
    crl = crl_of(life.kept)
    assert serials(crl) == serials(life.last)
    assert number_of(crl) > number_of(life.last)
    reasons = {entry.serial_number: entry.extensions.get_extension_for_class(x509.CRLReason)
               .value.reason for entry in crl}
    assert reasons[serial(life.later)] == x509.ReasonFlags.superseded
    found = ok(life.world.admin.get_certificate(life.after["certificateId"]))["certificate"]
    assert found["status"] == "revoked"
    # It issues, revokes and publishes again, with keys that only the KEK opens.
    issued = life.world.issue()
    pki.verify_answer(issued, life.world.root_pem())
    revoke(life.world.admin, issued)
    time.sleep(2.2)
    assert serial(issued) in serials(crl_of(issued))
    assert ok(life.world.admin.get_private_key(life.kept["certificateId"]))
    login = {"username": life.person.username, "password": life.person.password}
    api = Api(new.ready.url, ok(Api(new.ready.url).log_in_user(json=login))["accessToken"])
    assert ok(api.get_profile(life.world.profile_id))
    new.stop()


def test_restoring_refuses(life, tmp_path):
    life.old.stop()
    new = life.empty()
    assert life.restore(new).returncode == 2           # neither CRLs nor consent
    missing = next(life.crls.rglob("*.crl"))
    kept = missing.read_bytes()
    missing.unlink()
    said = life.restore(new, "--crls", life.crls)
    assert said.returncode == 1 and "is missing" in said.stderr
    missing.write_bytes(b"nonsense")
    said = life.restore(new, "--crls", life.crls)
    assert said.returncode == 1 and str(missing) in said.stderr
    missing.write_bytes(kept)
    # Another KEK.
    right = new.kek_file.read_text(encoding="utf-8")
    new.kek_file.write_text("ab" * 32 + "\n", encoding="utf-8")
    said = life.restore(new, "--crls", life.crls)
    assert said.returncode == 1 and "master key" in said.stderr
    new.kek_file.write_text(right, encoding="utf-8")
    # A damaged part.
    part = life.backup / "rows-000000"
    content = part.read_bytes()
    part.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    said = life.restore(new, "--crls", life.crls)
    assert said.returncode == 1 and "damaged" in said.stderr
    # What is there now is no instance.
    said = run("key", "status", "--data", new.data)
    assert said.returncode == 1 and "restore" in said.stderr, said
    part.write_bytes(content)
    assert life.restore(new, "--crls", life.crls).returncode == 0
    said = life.restore(new, "--crls", life.crls)
    assert said.returncode == 1 and "not empty" in said.stderr
    said = run("backup", "--data", new.data, "--to", life.backup)
    assert said.returncode == 1 and "exists already" in said.stderr
    said = run("restore", "--data", new.data, "--from", tmp_path, "--accept-lost-revocations")
    assert said.returncode == 1 and "no backup" in said.stderr


def test_a_forged_crl(life):
    life.old.stop()
    new = life.empty()
    victim = max(life.crls.rglob("*.crl"), key=lambda path: len(path.read_bytes()))
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1                                    # the signature
    victim.write_bytes(bytes(content))
    said = life.restore(new, "--crls", life.crls)
    assert said.returncode == 1 and str(victim) in said.stderr
    said = run("key", "status", "--data", new.data)
    assert said.returncode == 1 and "restore" in said.stderr


def test_lost_revocations_are_accepted_by_word(life):
    life.old.stop()
    new = life.empty()
    assert life.restore(new, "--accept-lost-revocations").returncode == 0
    time.sleep(1)       # nothing tells the last number: the next is the second that it is made in
    new.start()
    crl = crl_of(life.kept)
    assert serials(crl) == {serial(life.before)}
    assert number_of(crl) > number_of(life.last)
    new.stop()


# --- who wrote it ------------------------------------------------------------------------------------

def copy_of(life, name):
    folder = life.folder / name
    shutil.copytree(life.backup, folder)
    return folder, folder / "manifest.json"


def test_a_backup_that_was_changed_is_refused(sqlite_life):
    """With right digests too: the manifest has a MAC, whose key only the KEK opens."""
    life = sqlite_life
    life.old.stop()
    new = life.empty()
    folder, manifest = copy_of(life, "fewer")
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["crls"] = told["crls"][:1]
    manifest.write_text(json.dumps(told), encoding="utf-8")
    life.is_refused(new, "changed after it was made", backup=folder)

    folder, manifest = copy_of(life, "other rows")
    part = folder / "rows-000000"
    content = part.read_bytes().replace(b"service.example.com", b"serwice.example.com")
    assert content != part.read_bytes()
    part.write_bytes(content)
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["parts"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    manifest.write_text(json.dumps(told), encoding="utf-8")
    life.is_refused(new, "changed after it was made", backup=folder)

    folder, manifest = copy_of(life, "no mac")
    (folder / "manifest.mac").unlink()
    life.is_refused(new, "manifest.mac", backup=folder)
    folder, manifest = copy_of(life, "another root")
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["macRoot"] = told["macRoot"][:-2] + ("00" if told["macRoot"][-2:] != "00" else "01")
    manifest.write_text(json.dumps(told), encoding="utf-8")
    life.is_refused(new, backup=folder)
    # Nothing was written: the right one goes into the same database.
    assert life.restore(new, "--crls", life.crls).returncode == 0


def test_no_backup_has_the_next_kek(sqlite_life):
    """While one KEK replaces another, the database has the new one sealed by the old one."""
    life = sqlite_life
    new_kek = life.folder / "kek.new"
    said = run("key", "rotate", "--new-kek", new_kek, "--data", life.old.data)
    assert said.returncode == 0, said.stderr
    backup = life.back_up("while it rotates")
    rows = b"".join(path.read_bytes() for path in backup.glob("rows-*"))
    assert b"kek-back" in rows and b"kek-forward" not in rows
    life.old.stop()
    new = life.empty()
    life.is_refused(new, "master key", backup=backup)   # the old KEK opens nothing of it
    shutil.copy(new_kek, new.kek_file)
    said = life.restore(new, "--crls", life.crls, backup=backup)
    assert said.returncode == 0, said.stderr
    assert run("key", "check", "--data", new.data).returncode == 0


# --- which CRLs ------------------------------------------------------------------------------------

def test_crls_that_are_older_than_the_backup(life):
    later = life.back_up("later")                       # it knows the CRLs of life.crls
    life.old.stop()
    new = life.empty()
    dev = {path.parent.name for path in life.crls.rglob("*.crl")} - {
        path.parent.name for path in life.early.rglob("*.crl")}
    for generation in dev:
        shutil.copytree(life.crls / generation, life.early / generation)
    life.is_refused(new, "is number", "the backup itself", backup=later, crls=life.early)
    # The number counts, not which of them the folder has besides.
    both = life.folder / "both"
    shutil.copytree(life.early, both / "early")
    shutil.copytree(life.crls, both / "late")
    said = life.restore(new, "--crls", life.early, "--accept-lost-revocations", backup=later)
    assert said.returncode == 0 and "older than the backup" in said.stderr, said
    said = life.restore(life.empty(), "--crls", both, backup=later)
    assert said.returncode == 0 and "0 revocations added" in said.stdout, said


def test_a_backup_without_crls_needs_a_word(tmp_path):
    """Nothing can show that it is the newest, so it is for the operator to say so."""
    def configuration(name):
        folder = tmp_path / name
        folder.mkdir()
        api, public = daemons.free_ports(2)
        (folder / "kek").write_text("5a" * 32 + "\n", encoding="ascii")
        (folder / "kek").chmod(0o600)
        (folder / "x.yaml").write_text(
            f"data_dir: data\nkek: file:kek\napi:\n  listen: 127.0.0.1:{api}\n"
            f"public:\n  listen: 127.0.0.1:{public}\n"
            f"pki:\n  public_url: http://127.0.0.1:{public}\n", encoding="utf-8")
        return folder / "x.yaml"

    old, new, backup = configuration("old"), configuration("new"), tmp_path / "backup"
    assert run("init", "--config", old).returncode == 0
    assert run("backup", "--config", old, "--to", backup).returncode == 0
    assert json.loads((backup / "manifest.json").read_text(encoding="utf-8"))["crls"] == []
    (tmp_path / "crls").mkdir()
    restore = ["restore", "--config", new, "--from", backup]
    said = run(*restore, "--crls", tmp_path / "crls")
    assert said.returncode == 1 and "--accept-lost-revocations" in said.stderr, said
    assert run(*restore, "--accept-lost-revocations").returncode == 0


def strange_crl(path, entries):
    """A CRL as large as one likes, of a CA key that nobody has."""
    key, now = pki.some_key(), datetime.datetime(2026, 1, 1)
    url = x509.UniformResourceIdentifier(f"http://x.example.com/crl/{uuid.uuid4()}/1.crl")
    builder = x509.CertificateRevocationListBuilder().issuer_name(pki.name_of(commonName="Nobody"))
    builder = builder.last_update(now).next_update(now + datetime.timedelta(days=7))
    point = x509.IssuingDistributionPoint([url], None, False, False, None, False, False)
    builder = builder.add_extension(x509.CRLNumber(7), False).add_extension(point, True)
    for i in range(entries):
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(2 ** 124 + i).revocation_date(now).build())
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pki.serialization.Encoding.DER))


def test_many_crls_and_strange_ones(sqlite_life):
    """Together they are more than an operation may take of memory; each is in one of its own."""
    life = sqlite_life
    life.old.stop()
    strange_crl(life.crls / "strange0.crl", 60_000)
    assert (life.crls / "strange0.crl").stat().st_size > 2 << 20
    for number in range(1, 9):
        shutil.copy(life.crls / "strange0.crl", life.crls / f"strange{number}.crl")
    said = life.restore(life.empty(), "--crls", life.crls)
    assert said.returncode == 0, said.stderr
    assert "2 revocations added, 9 CRLs of unknown keys" in said.stdout


def test_a_broken_row_is_no_strange_crl(sqlite_life):
    """The key is there, and what belongs to it is not: that is no reason to leave its CRL out."""
    life = sqlite_life
    life.old.stop()
    with contextlib.closing(sqlite3.connect(life.old.database)) as database:
        assert database.execute("DELETE FROM authorities").rowcount > 0
        database.commit()
    life.is_refused(life.empty(), "no such row", backup=life.back_up("broken"))


# --- CRLs from a URL -------------------------------------------------------------------------------

class Publisher:
    """Gives what the public listener at `url` gives, but for what `answers` has: path: a list of
    (status, headers, body), the last of which stays."""

    def __init__(self, url):
        self.source, self.answers, self.asked = url, {}, []
        publisher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                publisher.asked.append(self.path)
                status, headers, body = publisher.answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path):
        kept = self.answers.get(path)
        if kept:
            return kept.pop(0) if len(kept) > 1 else kept[0]
        with requests.Session() as session:
            session.trust_env = False
            found = session.get(self.source + path, timeout=60)
        return found.status_code, {}, found.content


@pytest.fixture
def published(sqlite_life):
    publisher = Publisher(sqlite_life.old.ready.publicUrl)
    yield sqlite_life, publisher
    publisher.server.shutdown()
    publisher.server.server_close()


def crl_paths(life):
    """The path of the CRL that counts, without its end, and of the one behind it."""
    url = pki.crl_url(pki.certificate(life.kept["certificate"]))
    folder = url[len(life.old.ready.publicUrl):].rsplit("/", 1)[0]
    return f"{folder}/1", f"{folder}/2"


def test_only_404_says_that_there_is_no_crl(published):
    life, publisher = published
    first, second = crl_paths(life)
    new = life.empty()
    busy = (503, {"Retry-After": "1"}, b"busy")
    publisher.answers = {second + ".crl": [busy]}
    life.is_refused(new, "503", second, crls=publisher.url)
    assert publisher.asked.count(second + ".crl") > 2   # it was tried again
    for answer in ((301, {"Location": "/elsewhere"}, b""), (403, {}, b"no")):
        publisher.answers = {first + ".crl": [answer]}
        life.is_refused(new, str(answer[0]), first, crls=publisher.url)
    publisher.answers = {first + ".crl": [(404, {}, b"")]}
    life.is_refused(new, "is missing", crls=publisher.url)
    # What passes does no harm.
    whole = publisher.answer(second + ".crl")
    assert whole[0] == 404
    publisher.answers = {second + ".crl": [(429, {"Retry-After": "1"}, b""), whole]}
    said = life.restore(new, "--crls", publisher.url)
    assert said.returncode == 0 and "2 revocations added" in said.stdout, said


def test_deltas_are_fetched_too(published):
    """A mirror has the complete CRL of yesterday, and a delta of this minute."""
    life, publisher = published
    first, _ = crl_paths(life)
    publisher.answers = {first + ".crl": [publisher.answer(first + ".crl")]}
    revoke(life.world.admin, life.kept, "SUPERSEDED")
    end = time.monotonic() + 30
    while serial(life.kept) not in serials(x509.load_der_x509_crl(
            publisher.answer(first + "-delta.crl")[2])):
        assert time.monotonic() < end
        time.sleep(0.2)
    said = life.restore(life.empty(), "--crls", publisher.url)
    assert said.returncode == 0 and "3 revocations added" in said.stdout, said


def test_crls_from_a_url(life):
    """The old instance still publishes: curl fetches from there."""
    new = life.empty()
    said = life.restore(new, "--crls", life.old.ready.publicUrl)
    assert said.returncode == 0 and "2 revocations added" in said.stdout, said
    life.old.stop()


def interrupt(arguments, delay):
    process = subprocess.Popen([daemons.PROGRAM, *map(str, arguments)], env=daemons.environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    return process.wait()


def test_killed_in_the_middle(life):
    for delay in (0.05, 0.3):
        target = life.folder / f"cut{delay}"
        interrupt(["backup", "--data", life.old.data, "--to", target], delay)
        if target.exists() and not (target / "manifest.json").exists():
            said = run("restore", "--data", life.empty().data, "--from", target,
                       "--accept-lost-revocations")
            assert said.returncode == 1 and "no backup" in said.stderr
    life.old.stop()
    new = life.empty()
    arguments = ["restore", "--data", new.data, "--from", life.backup, "--crls", life.crls]
    for delay in (0.2, 0.35, 0.5, 0.7):
        if interrupt(arguments, delay) == 0:
            break
        said = run("key", "status", "--data", new.data)
        if said.returncode == 0:
            break                                       # it had just ended
    said = life.restore(new, "--crls", life.crls)
    assert said.returncode == 0 or "not empty" in said.stderr
    new.start()
    assert serials(crl_of(life.kept)) == serials(life.last)
    new.stop()
