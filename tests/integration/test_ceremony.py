"""`chancery ca ceremony`: a root in a folder, without a daemon, and what it makes of CSRs."""
import datetime
import fcntl
import hashlib
import json
import os
import shutil

import pytest
from cryptography import x509

import artefacts
import pki
from api import ok
from daemon import run
from test_ca_life import generation_of
from world import iso, utc

PUBLIC = "http://pki.example.com"
END = "2046-01-01"


class Ceremony:
    """A folder, and the commands on it."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, step, *more, operator="Ada", stdin=None):
        return run("ca", "ceremony", step, "--dir", self.folder, "--operator", operator, *more,
                   stdin=stdin)

    def works(self, step, *more, **how):
        said = self(step, *more, **how)
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout

    def fails(self, step, *more, word="", code=1, **how):
        before = self.steps()
        said = self(step, *more, **how)
        assert said.returncode == code and word in said.stderr, said
        assert "chy_" not in said.stderr and self.steps() == before
        return said.stderr

    def create(self, *more, algorithm="EC_prime256v1", **how):
        return self.works("create", "--common-name", "Acme Root", "--public-url", PUBLIC,
                          "--not-after", END, "--key-algorithm", algorithm, *more, **how)

    def sign(self, csr, *more, not_after="2036-01-01", **how):
        """Signs a CSR and gives the certificate, PEM."""
        self.works("sign", "--csr", csr, "--not-after", not_after, "--yes", *more, **how)
        return (self.folder / self.last()["outputs"][0]["file"]).read_text()

    def verify(self):
        said = run("ca", "ceremony", "verify", "--dir", self.folder)
        return said.returncode, said.stdout + said.stderr

    def files(self):
        return sorted((self.folder / "transcript").glob("*.json"))

    def steps(self):
        return [json.loads(path.read_text()) for path in self.files()]

    def last(self):
        return self.steps()[-1]

    def forget(self, *paths):
        """As if the last step had been killed before it wrote these and its entry."""
        newest = self.files()[-1]
        for path in (newest, newest.with_suffix(".sig"), *paths):
            path.unlink()

    def root(self):
        return (self.folder / "root.pem").read_text()

    def crl(self):
        (path,) = (self.folder / "publish" / "crl").glob("*/1.crl")
        return path.read_bytes()


@pytest.fixture
def ceremony(chancery, tmp_path):
    return Ceremony(tmp_path / "root")


def request(folder, name="ca.csr", key=None, **subject):
    path = folder / name
    path.write_text(pki.csr(key or pki.new_key(), **(subject or {"commonName": "Acme Issuing"})))
    return path


def verify_with_crls(folder, leaf, between, root, crls, expect=True):
    """openssl verify with the CRL of every CA above the certificate."""
    files = {"leaf.pem": leaf, "between.pem": between, "root.pem": root,
             "crls.pem": "".join(pki.pem(crl, "X509 CRL") for crl in crls)}
    for name, text in files.items():
        (folder / name).write_text(text)
    said = pki.program("openssl", "verify", "-x509_strict", "-no-CApath", "-no-CAstore",
                       "-crl_check_all", "-CRLfile", folder / "crls.pem", "-CAfile",
                       folder / "root.pem", "-untrusted", folder / "between.pem",
                       folder / "leaf.pem", check=False)
    assert (": OK" in said) == expect, said


def test_a_daemon_under_an_offline_root(world, tmp_path):
    """From the daemon's CSR to a leaf that holds under the root, whose key the daemon never saw."""
    offline = Ceremony(tmp_path / "root")
    offline.create("--organization", "Acme", "--country", "DE", "--path-length", "1",
                   algorithm="EC_secp384r1")
    made = world.new_pending(configuration={"organization": "Acme", "maxPathLength": 0})
    (tmp_path / "ca.csr").write_text(ok(world.admin.get_ca_csr(made["id"]))["csr"])
    between = offline.sign(tmp_path / "ca.csr", "--out", tmp_path / "ca.pem")
    for pem in (between, offline.root()):
        artefacts.add("certificate", pki.der(pem))               # for pkilint
    assert (tmp_path / "ca.pem").read_text() == between
    cert = pki.certificate(between)
    assert pki.extension(cert, x509.BasicConstraints).path_length == 0
    assert pki.crl_url(cert).startswith(PUBLIC + "/crl/") and pki.access_urls(cert).keys() == {
        "ca_issuers"}
    offline.works("crl")
    artefacts.add("crl", offline.crl())
    ok(world.admin.import_ca_certificate(made["id"], certificate=between,
                                         certificateChain=offline.root()))
    answer = world.issue(world.new_profile(caId=made["id"]))
    leaf = answer["certificate"]
    own = pki.fetch_crl(pki.certificate(leaf))
    verify_with_crls(tmp_path, leaf, between, offline.root(), [own, offline.crl()])
    assert pki.certificates(answer["certificateChain"])[-1] == pki.certificate(offline.root())
    # The next key of that CA, likewise.
    asked = ok(world.admin.renew_ca(made["id"], type="new-key", notAfter=iso(utc(days=900))))
    (tmp_path / "next.csr").write_text(asked["csr"])
    following = offline.sign(tmp_path / "next.csr")
    ok(world.admin.import_ca_certificate(made["id"], certificate=following,
                                         certificateChain=offline.root()))
    later = world.issue(world.new_profile(caId=made["id"]))["certificate"]
    assert generation_of(pki.certificate(later)) == asked["generationId"]
    # The root takes the first key's certificate back; the second key's goes on.
    offline.works("revoke", "--serial", pki.serial_text(cert), "--reason", "SUPERSEDED")
    offline.works("crl")
    verify_with_crls(tmp_path, leaf, between, offline.root(), [own, offline.crl()], expect=False)
    verify_with_crls(tmp_path, later, following, offline.root(),
                     [pki.fetch_crl(pki.certificate(later)), offline.crl()])
    code, said = offline.verify()
    assert code == 0 and "whole: 6 steps" in said, said


@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_secp384r1", "EC_secp521r1", "Ed25519"])
def test_openssl_verifies_the_transcript(ceremony, tmp_path, algorithm):
    ceremony.create("--operator", "Grace", algorithm=algorithm)
    csr = request(tmp_path)
    ceremony.sign(csr)
    ceremony.works("crl", operator="Zoë")
    key = tmp_path / "root.pub"
    key.write_text(pki.program("openssl", "x509", "-in", ceremony.folder / "root.pem", "-noout",
                               "-pubkey"))
    before = None
    for number, path in enumerate(ceremony.files(), 1):
        signature = path.with_suffix(".sig")
        if algorithm == "Ed25519":
            said = pki.program("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin",
                               "-sigfile", signature, "-in", path)
            assert "Verified Successfully" in said
        else:
            digest = {"EC_secp384r1": "-sha384", "EC_secp521r1": "-sha512"}.get(algorithm,
                                                                               "-sha256")
            said = pki.program("openssl", "dgst", digest, "-verify", key, "-signature", signature,
                               path)
            assert "Verified OK" in said
        step = json.loads(path.read_text())
        assert step["number"] == number and step["previousSha256"] == before
        before = hashlib.sha256(path.read_bytes()).hexdigest()
        for output in step["outputs"]:
            content = (ceremony.folder / output["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == output["sha256"]
    steps = ceremony.steps()
    assert [step["step"] for step in steps] == ["create", "sign", "crl"]
    assert [step["operators"] for step in steps] == [["Ada", "Grace"], ["Ada"], ["Zoë"]]
    assert steps[1]["inputs"] == [{"file": str(csr), "sha256":
                                   hashlib.sha256(csr.read_bytes()).hexdigest()}]
    assert steps[0]["rootSha256"] == pki.fingerprint(ceremony.root())
    assert ceremony.verify()[0] == 0


def test_what_was_changed_is_found(ceremony, tmp_path):
    ceremony.create()
    ceremony.sign(request(tmp_path))
    ceremony.works("crl")
    kept = tmp_path / "kept"
    shutil.copytree(ceremony.folder, kept)
    transcript = ceremony.folder / "transcript"

    def damaged(damage, word):
        shutil.rmtree(ceremony.folder)
        shutil.copytree(kept, ceremony.folder)
        damage()
        code, said = ceremony.verify()
        assert code == 1 and word in said, said
        return said

    def change(path, old, new):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    damaged(lambda: change(transcript / "0002.json", '"Ada"', '"Eve"'), "no signature")
    # No step goes on from there.
    ceremony.fails("crl", word="0002")
    damaged(lambda: (transcript / "0002.json").unlink(), "missing")
    damaged(lambda: (transcript / "0001.sig").unlink(), "0001.sig")
    damaged(lambda: (transcript / "0003.json").write_bytes(
        (transcript / "0002.json").read_bytes()), "0003")

    def swap():
        for ending in ("json", "sig"):
            shutil.copy(transcript / f"0002.{ending}", transcript / f"0003.{ending}")

    damaged(swap, "another step")
    damaged(lambda: change(next((ceremony.folder / "issued").iterdir()), "A", "B"), "changed")
    damaged(lambda: (ceremony.folder / "root.pem").unlink(), "root.pem")

    def cut():
        for number in ("0002", "0003"):
            for ending in ("json", "sig"):
                (transcript / f"{number}.{ending}").unlink()

    damaged(cut, "taken away")


@pytest.mark.parametrize("step, word", [("revoke", "revoked"), ("crl", "made the CRL")])
def test_a_last_entry_that_was_cut_off_is_found(ceremony, tmp_path, step, word):
    """With the files as they were before it, so that nothing but the database knows of it."""
    ceremony.create()
    serial = pki.serial_text(pki.certificate(ceremony.sign(request(tmp_path))))
    ceremony.works("crl")
    before = tmp_path / "before"
    shutil.copytree(ceremony.folder / "publish", before)
    ceremony.works(*(("revoke", "--serial", serial) if step == "revoke" else
                     ("crl", "--lifetime", "90d")))
    assert ceremony.verify()[0] == 0
    ceremony.forget()
    shutil.rmtree(ceremony.folder / "publish")
    shutil.copytree(before, ceremony.folder / "publish")
    code, said = ceremony.verify()
    assert code == 1 and "taken away" in said and word in said, said
    ceremony.works("crl")
    assert ceremony.verify()[0] == 0


def test_an_interrupted_create(ceremony):
    how = ("--organization", "Acme")
    ceremony.create(*how)
    root = ceremony.root()
    ceremony.fails("create", "--common-name", "Acme Root", "--public-url", PUBLIC, "--not-after",
                   END, "--key-algorithm", "EC_prime256v1", *how, word="one root")
    ceremony.forget(ceremony.folder / "root.pem")
    ceremony.fails("crl", word="interrupted")
    ceremony.fails("create", "--common-name", "Acme Root", "--public-url", PUBLIC, "--not-after",
                   END, "--key-algorithm", "EC_prime256v1", word="other options")
    ceremony.create(*how)
    assert ceremony.root() == root and ceremony.verify()[0] == 0
    # Before there was a root: configuration and KEK alone.
    shutil.rmtree(ceremony.folder / "transcript")
    shutil.rmtree(ceremony.folder / "data")
    ceremony.create(*how)
    assert ceremony.root() != root and ceremony.verify()[0] == 0


def test_an_interrupted_sign(ceremony, tmp_path):
    ceremony.create()
    csr = request(tmp_path)
    pem = ceremony.sign(csr)
    issued = ceremony.folder / ceremony.last()["outputs"][0]["file"]
    ceremony.forget(issued)
    assert ceremony.verify()[0] == 1
    out = tmp_path / "out.pem"
    ceremony.sign(csr, "--out", out)
    assert issued.read_text() == out.read_text() == pem
    assert ceremony.last()["details"]["resumed"] is True and ceremony.verify()[0] == 0
    # Done as a whole it is not done twice, and not otherwise without being asked to.
    same = ("--csr", csr, "--not-after", "2036-01-01", "--yes")
    ceremony.fails("sign", *same, word=issued.name)
    ceremony.fails("sign", "--csr", csr, "--not-after", "2037-01-01", "--yes", word="--again")
    ceremony.fails("sign", *same, "--path-length", "3", word="--again")
    assert pki.certificate(ceremony.sign(csr, "--again")) != pki.certificate(pem)
    # Another step ends what was interrupted as well.
    ceremony.forget(ceremony.folder / ceremony.last()["outputs"][0]["file"])
    ceremony.works("crl", operator="Grace")
    told = ceremony.steps()[-2]
    assert (told["step"], told["operators"], told["details"]["resumed"]) == (
        "sign", ["Grace"], True)
    assert ceremony.verify()[0] == 0


def test_an_interrupted_revoke(ceremony, tmp_path):
    ceremony.create()
    serial = pki.serial_text(pki.certificate(ceremony.sign(request(tmp_path))))
    revoke = ("revoke", "--serial", serial, "--reason", "CESSATION_OF_OPERATION")
    ceremony.works(*revoke)
    ceremony.forget()
    ceremony.works(*revoke)
    last = ceremony.last()
    assert last["details"]["resumed"] is True and last["details"]["serialNumber"] == serial
    ceremony.fails(*revoke, word="already")
    ceremony.works("revoke", "--serial", serial, "--reason", "KEY_COMPROMISE")
    assert [step["details"].get("reason") for step in ceremony.steps()[-2:]] == [
        "CESSATION_OF_OPERATION", "KEY_COMPROMISE"]
    ceremony.fails("revoke", "--serial", "1" * 32, word="no certificate")
    ceremony.fails("revoke", "--serial", "xyz", word="hexadecimal")
    ceremony.fails("revoke", "--serial", serial, "--reason", "CERTIFICATE_HOLD", word="hold")
    ceremony.fails("revoke", "--serial", serial, "--reason", "BORED", word="BORED")
    ceremony.fails("revoke", word="--serial", code=2)


def test_signing_refuses(ceremony, tmp_path):
    ceremony.create("--path-length", "2")
    csr = request(tmp_path)
    ask = ("--csr", csr, "--not-after", "2036-01-01")
    # Nobody says yes.
    assert "nothing was signed" in ceremony.fails("sign", *ask, stdin="no\n")
    ceremony.fails("sign", *ask, word="nothing was signed")
    ceremony.fails("sign", "--csr", csr, word="--not-after", code=2)
    ceremony.fails("sign", "--csr", tmp_path / "nowhere", "--not-after", END, word="nowhere")
    ceremony.fails("sign", "--csr", csr, "--not-after", "someday", word="someday")
    for more, word in ((("--not-after", "2047-01-01"), "outlive"),
                       (("--not-after", "2001-01-01"), "notAfter"),
                       (("--not-after", "2036-01-01", "--path-length", "2"), "path length 2"),
                       (("--not-after", "2036-01-01", "--path-length", "-1"), "path length 2"),
                       (("--not-after", "2036-01-01", "--path-length", "-2"), "--path-length")):
        ceremony.fails("sign", "--csr", csr, "--yes", *more, word=word)

    def refuses(pem, word):
        bad = tmp_path / "bad.csr"
        bad.write_text(pem)
        ceremony.fails("sign", "--csr", bad, "--not-after", "2036-01-01", "--yes", word=word)

    der = bytearray(pki.der(csr.read_text()))
    der[-1] ^= 1
    refuses(pki.pem(bytes(der), "CERTIFICATE REQUEST"), "signature")
    leaf = x509.BasicConstraints(ca=False, path_length=None)
    refuses(pki.csr(pki.new_key(), extensions=[leaf], commonName="Leaf"), "CA:FALSE")
    short = x509.BasicConstraints(ca=True, path_length=0)
    (tmp_path / "short.csr").write_text(pki.csr(pki.new_key(), extensions=[short],
                                                commonName="Short"))
    ceremony.fails("sign", "--csr", tmp_path / "short.csr", "--not-after", "2036-01-01", "--yes",
                   "--path-length", "1", word="path length of 0")
    refuses(pki.csr(pki.new_key(), commonName="Acme Root"), "two authorities of one name")
    refuses("nonsense", "")
    compromised = request(tmp_path, "lost.csr", commonName="Lost")
    serial = pki.serial_text(pki.certificate(ceremony.sign(compromised)))
    ceremony.works("revoke", "--serial", serial, "--reason", "KEY_COMPROMISE")
    refuses(compromised.read_text(), "compromised")
    # It asks, and somebody says yes.
    said = ceremony.works("sign", *ask, stdin="yes\n")
    assert hashlib.sha256(csr.read_bytes()).hexdigest() in said and "CN=Acme Issuing" in said


def test_name_constraints(ceremony, tmp_path):
    ceremony.create()
    wanted = tmp_path / "names.json"
    wanted.write_text('{"permitted": {"dns": ["example.com"]}}')
    pem = ceremony.sign(request(tmp_path), "--name-constraints", wanted)
    found = pki.extension(pki.certificate(pem), x509.NameConstraints)
    assert list(found.permitted_subtrees) == [x509.DNSName("example.com")]
    assert [one["file"] for one in ceremony.last()["inputs"]][1] == str(wanted)
    wanted.write_text('{"permitted": {"dns": 1}}')
    ceremony.fails("sign", "--csr", request(tmp_path, "b.csr", commonName="B"), "--not-after",
                   "2036-01-01", "--yes", "--name-constraints", wanted, word="dns")


def test_crls(ceremony, tmp_path):
    mirror = "http://mirror.example.com/root-{shard}.crl"
    ceremony.create("--crl-url", mirror)
    pem = ceremony.sign(request(tmp_path))
    cert = pki.certificate(pem)
    names = [name.value for point in pki.extension(cert, x509.CRLDistributionPoints)
             for name in point.full_name]
    assert names[1] == "http://mirror.example.com/root-1.crl" and len(names) == 2

    def made(*more):
        ceremony.works("crl", *more)
        crl = x509.load_der_x509_crl(ceremony.crl())
        assert crl.is_signature_valid(pki.certificate(ceremony.root()).public_key())
        life = crl.next_update_utc - crl.last_update_utc
        return life, crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number, crl

    life, first, crl = made()
    assert life == datetime.timedelta(days=365) and len(crl) == 0
    # Nobody is there for deltas.
    with pytest.raises(x509.ExtensionNotFound):
        crl.extensions.get_extension_for_class(x509.FreshestCRL)
    ceremony.works("revoke", "--serial", pki.serial_text(cert))
    life, second, crl = made("--lifetime", "30d")
    assert life == datetime.timedelta(days=30) and second > first
    assert [entry.serial_number for entry in crl] == [cert.serial_number]
    end = utc(days=500).replace(microsecond=0)
    _, third, crl = made("--next-update", iso(end))
    assert crl.next_update_utc == end and third > second
    (certificate,) = (ceremony.folder / "publish" / "aia").iterdir()
    assert certificate.read_bytes() == pki.der(ceremony.root())
    assert pki.aia_url(cert) == f"{PUBLIC}/aia/{certificate.name}"
    for more, word in ((("--lifetime", "5m"), "an hour"), (("--lifetime", "99y"), END),
                       (("--lifetime", "long"), "long"), (("--next-update", "2001-01-01"), "hour"),
                       (("--lifetime", "1d", "--next-update", END), "not both")):
        ceremony.fails("crl", *more, word=word)


def test_creating_refuses(ceremony, tmp_path):
    def refuses(*more, word, code=1):
        said = ceremony("create", "--common-name", "Root", *more)
        assert said.returncode == code and word in said.stderr, said
        assert not ceremony.folder.exists()

    url, end = ("--public-url", PUBLIC), ("--not-after", END)
    refuses(*url, word="--not-after", code=2)
    refuses(*end, word="--public-url", code=2)
    refuses(*end, "--public-url", "https://pki.example.com", word="http://")
    refuses(*url, "--not-after", "someday", word="notAfter")
    refuses(*url, *end, "--key-algorithm", "RSA_512", word="RSA_512")
    refuses(*url, *end, "--country", "Germany", word="country")
    refuses(*url, *end, "--path-length", "many", word="many")
    refuses(*url, *end, "--crl-url", "ldap://x", word="http")
    said = run("ca", "ceremony", "create", "--dir", ceremony.folder, "--common-name", "Root",
               *url, *end)
    assert said.returncode == 2 and "--operator" in said.stderr
    said = ceremony("create", "--common-name", "R", *url, *end, operator="Eve\n")
    assert said.returncode == 2 and "--operator" in said.stderr
    said = ceremony("crl")
    assert said.returncode == 1 and str(ceremony.folder) in said.stderr
    tmp_path.joinpath("empty").mkdir()
    said = Ceremony(tmp_path / "empty")("crl")
    assert said.returncode == 1 and "create" in said.stderr


def test_the_folder(ceremony, tmp_path):
    ceremony.create()
    ceremony.sign(request(tmp_path))
    ceremony.works("crl")
    assert ceremony.folder.stat().st_mode & 0o777 == 0o700
    for path in ceremony.folder.rglob("*"):
        inside = path.relative_to(ceremony.folder).parts
        secret = inside[0] in ("data", "kek", "ceremony.yaml")
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600) if secret else (
            path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)), path
    # It goes where its medium goes.
    moved = Ceremony(tmp_path / "elsewhere")
    os.rename(ceremony.folder, moved.folder)
    moved.works("crl")
    assert moved.verify()[0] == 0
    # One step at a time.
    held = os.open(moved.folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    moved.fails("crl", word="under way")
    os.close(held)
    moved.works("crl")
    # The audit has every step as well.
    said = run("audit", "verify", "--config", moved.folder / "ceremony.yaml")
    assert said.returncode == 0, said.stdout + said.stderr
