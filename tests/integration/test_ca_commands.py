"""`chancery ca`: what an operator does to a CA beside the daemon."""
import time

from cryptography import x509

import pki
from api import ok
from daemon import run
from test_ca_life import generation_of
from world import iso, utc


def crl_of(cert):
    return x509.load_der_x509_crl(pki.fetch_crl(cert))


def test_revoke_by_serial(world, daemon):
    issued = world.issue()
    cert = pki.certificate(issued["certificate"])

    def revoke(serial, *more, issuer=world.ca["name"]):
        return run("ca", "revoke", "--data", daemon.data, "--issuer", issuer, "--serial", serial,
                   *more)

    spelled = ":".join(issued["serialNumber"][i:i + 2].upper() for i in range(0, 32, 2))
    said = revoke(spelled, "--reason", "KEY_COMPROMISE")
    assert said.returncode == 0, said.stderr
    unknown = "1" * 32                                           # there is no row of it
    assert revoke(unknown).returncode == 1                       # which CRL?
    said = revoke(unknown, "--shard", "1", issuer=world.ca_id)
    assert said.returncode == 0, said.stderr
    time.sleep(2.2)
    assert {entry.serial_number for entry in crl_of(cert)} >= {
        int(issued["serialNumber"], 16), int(unknown, 16)}
    found = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert found["status"] == "revoked"

    for arguments, word in (((issued["serialNumber"],), "already"), (("xyz",), "serial"),
                            ((unknown, "--reason", "BORED"), "reason"),
                            ((unknown, "--shard", "0"), "shard")):
        said = revoke(*arguments)
        assert said.returncode == 1 and word in said.stderr, said
    said = revoke(unknown, issuer="nobody")
    assert said.returncode == 1 and "nobody" in said.stderr
    assert run("ca", "revoke", "--data", daemon.data).returncode == 2


def test_revoke_names_the_key(world, daemon):
    """After a rollover a number that nobody knows belongs to one of several keys."""
    ca = world.new_intermediate(world.root_id)
    profile = world.new_profile(caId=ca["id"])
    first = world.issue(profile)
    old = pki.certificate(first["certificate"])
    ok(world.admin.renew_ca(ca["id"], type="new-key", notAfter=iso(utc(days=900))))
    new = pki.certificate(world.issue(profile)["certificate"])

    def revoke(serial, *more):
        return run("ca", "revoke", "--data", daemon.data, "--issuer", ca["id"], "--serial", serial,
                   *more)

    def listed(cert):
        return {entry.serial_number for entry in crl_of(cert)}

    lost = "2" * 32
    said = revoke(lost, "--shard", "1")
    assert said.returncode == 1 and "--generation" in said.stderr
    assert generation_of(old) in said.stderr and generation_of(new) in said.stderr
    said = revoke(lost, "--shard", "1", "--generation", "1")
    assert said.returncode == 0, said.stderr
    later = "3" * 32
    said = revoke(later, "--shard", "1", "--generation", generation_of(new))
    assert said.returncode == 0, said.stderr
    time.sleep(2.2)
    assert int(lost, 16) in listed(old) and int(lost, 16) not in listed(new)
    assert int(later, 16) in listed(new) and int(later, 16) not in listed(old)
    for value, word in (("3", "no key generation 3"), ("0", "--generation is a number"),
                        (generation_of(pki.certificate(world.issue()["certificate"])),
                         "no key generation")):
        said = revoke("4" * 32, "--shard", "1", "--generation", value)
        assert said.returncode == 1 and word in said.stderr, said
    # What the register knows needs no generation, and takes no other.
    said = revoke(first["serialNumber"], "--generation", "2")
    assert said.returncode == 1 and "another key" in said.stderr
    assert revoke(first["serialNumber"]).returncode == 0


def test_rollover(world, daemon):
    ca = world.new_intermediate(world.root_id)
    profile = world.new_profile(caId=ca["id"])
    old = pki.certificate(world.issue(profile)["certificate"])

    def roll(*more):
        return run("ca", "rollover", "--data", daemon.data, "--ca", ca["name"], *more)

    said = roll("--not-after", iso(utc(days=900)))
    assert said.returncode == 0, said.stderr
    made = pki.certificate(said.stdout)
    time.sleep(1.2)                                              # a node looks once a second
    issued = world.issue(profile)
    assert pki.certificates(issued["certificateChain"])[0] == made
    assert generation_of(pki.certificate(issued["certificate"])) != generation_of(old)
    pki.verify_answer(issued, world.root_pem())
    pki.fetch_crl(old)
    said = roll("--not-after", iso(utc(days=-1)))
    assert said.returncode == 1 and "notAfter" in said.stderr
    assert roll().returncode == 2
