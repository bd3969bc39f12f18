"""Backup and restore: nothing that was revoked is valid again, and no half instance."""
import json
import os
import shutil
import signal
import stat
import subprocess
import time

import pytest
from cryptography import x509

import daemon as daemons
import pki
from api import Api, ok
from daemon import run
from world import World


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
        revoke(admin, self.before)
        self.backup = tmp_path / "backup"
        said = run("backup", "--data", self.old.data, "--to", self.backup)
        assert said.returncode == 0, said.stderr
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

    def restore(self, new, *more):
        return run("restore", "--data", new.data, "--from", self.backup, *more)


@pytest.fixture
def life(new_daemon, storage, database, tmp_path):
    one = Life(new_daemon, storage, database, tmp_path)
    yield one
    for new in one.made:
        new.kill()


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
    new.start()
    crl = crl_of(life.kept)
    assert serials(crl) == {serial(life.before)}
    assert number_of(crl) > number_of(life.last)
    new.stop()


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
