"""Revoked certificates as openssl(1) and certtool(1) see them, by complete and by delta CRLs."""
import subprocess
import time

import pytest
from cryptography import x509

import pki
from api import Api, ok
from world import World


@pytest.fixture
def issued(world):
    """A function that issues under a CA of the test's own, so that its CRLs are the test's alone."""
    root = world.new_root()
    profile = world.new_profile(caId=root["id"])
    return lambda: world.issue(profile)


def serials(crl):
    return {entry.serial_number for entry in crl}


def delta_url(crl):
    points = list(crl.extensions.get_extension_for_class(x509.FreshestCRL).value)
    assert len(points) == 1
    return points[0].full_name[0].value


def load(url):
    return x509.load_der_x509_crl(pki.fetch(url).content)


def number(crl):
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def load_until(url, holds, patience=20):
    """Fetches until the CRL holds what a revocation brought: it is built every few seconds."""
    until = time.monotonic() + patience
    while True:
        crl = load(url)
        if holds(crl):
            return crl
        assert time.monotonic() < until, f"{url}: {serials(crl)}"
        time.sleep(0.2)


def revoke(world, one, reason):
    ok(world.admin.revoke(one["certificateId"], revocationReason=reason))


def pem(crl):
    return pki.pem(crl.public_bytes(pki.serialization.Encoding.DER), "X509 CRL")


def verify(folder, one, *crls, more=()):
    _, _, root = pki.split_chain(one)
    for name, text in (("leaf", one["certificate"]), ("root", root),
                       ("crls", "".join(pem(crl) for crl in crls))):
        (folder / name).write_text(text)
    return pki.program("openssl", "verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile",
                       folder / "root", "-crl_check", "-CRLfile", folder / "crls", *more,
                       folder / "leaf", check=False)


def test_by_complete_crls(world, issued, tmp_path):
    one, other = issued(), issued()
    cert = pki.certificate(one["certificate"])
    url = pki.crl_url(cert)
    assert ": OK" in verify(tmp_path, one, load(url))
    revoke(world, one, "KEY_COMPROMISE")
    crl = load_until(url, lambda crl: cert.serial_number in serials(crl))
    assert "certificate revoked" in verify(tmp_path, one, crl)
    assert ": OK" in verify(tmp_path, other, crl)
    text = pki.program("openssl", "crl", "-noout", "-text", "-CAfile", tmp_path / "root",
                       stdin=pem(crl))
    assert "verify OK" in text and "Key Compromise" in text and "X509v3 Freshest CRL" in text
    said = pki.program("certtool", "--verify-crl", "--load-ca-certificate", tmp_path / "root",
                       stdin=pem(crl))
    assert "Verified" in said, said


def test_by_deltas(world, issued, tmp_path):
    """Who holds the base goes on from it by deltas alone, through a revocation, a hold, its end."""
    one, held = issued(), issued()
    cert, held_cert = (pki.certificate(each["certificate"]) for each in (one, held))
    url = pki.crl_url(cert)
    revoke(world, held, "CERTIFICATE_HOLD")
    base = load_until(url, lambda crl: held_cert.serial_number in serials(crl))
    with_deltas = ["-use_deltas", "-extended_crl"]
    assert "certificate revoked" in verify(tmp_path, held, base)
    revoke(world, one, "SUPERSEDED")
    delta = load_until(delta_url(base), lambda crl: cert.serial_number in serials(crl))
    indicator = delta.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert indicator.critical and indicator.value.crl_number <= number(base) < number(delta)
    for kind in (x509.IssuingDistributionPoint, x509.AuthorityKeyIdentifier):
        assert delta.extensions.get_extension_for_class(kind).value == \
            base.extensions.get_extension_for_class(kind).value
    with pytest.raises(x509.ExtensionNotFound):
        delta.extensions.get_extension_for_class(x509.FreshestCRL)
    assert ": OK" in verify(tmp_path, one, base)
    assert "certificate revoked" in verify(tmp_path, one, base, delta, more=with_deltas)
    # The end of the hold: removeFromCRL in the delta, and openssl lets the certificate go again.
    revoke(world, held, "REMOVE_FROM_CRL")

    def is_lifted(crl):
        entry = crl.get_revoked_certificate_by_serial_number(held_cert.serial_number)
        return entry is not None and entry.extensions.get_extension_for_class(
            x509.CRLReason).value.reason == x509.ReasonFlags.remove_from_crl

    delta = load_until(delta_url(base), is_lifted)
    assert ": OK" in verify(tmp_path, held, base, delta, more=with_deltas)
    assert "certificate revoked" in verify(tmp_path, one, base, delta, more=with_deltas)
    said = pki.program("certtool", "--verify-crl", "--load-ca-certificate", tmp_path / "root",
                       stdin=pem(delta))
    assert "Verified" in said, said
    # The next complete CRL says the same, with a higher number.
    last = load_until(url, lambda crl: serials(crl) == {cert.serial_number})
    assert number(last) > number(base)


def test_many_fetch_at_once(world, issued):
    """One build for all who come at the same time: everybody gets the same CRL."""
    one = issued()
    cert = pki.certificate(one["certificate"])
    url = pki.crl_url(cert)
    first = load(url)
    revoke(world, one, "SUPERSEDED")
    time.sleep(2.5)
    running = [subprocess.Popen(["curl", "-s", url], stdout=subprocess.PIPE) for _ in range(16)]
    got = {each.communicate(timeout=60)[0] for each in running}
    numbers = {number(x509.load_der_x509_crl(der)) for der in got}
    assert len(got) == len(numbers) <= 2 and max(numbers) > number(first)
    assert cert.serial_number in serials(load(url))


def test_a_folder_for_web_servers(new_sqlite_daemon, tmp_path):
    """pki.crl_dir: what a web server needs, under the paths of the URLs."""
    daemon = new_sqlite_daemon()
    file = daemon.data / "dev.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count("\npki:\n") == 1, text
    file.write_text(text.replace("\npki:\n", f"\npki:\n  crl_dir: {tmp_path}/www\n"),
                    encoding="utf-8")
    daemon.restart()
    world = World(Api(daemon.ready.url, daemon.ready.token))
    one = world.issue()
    cert = pki.certificate(one["certificate"])

    def file_of(url):
        return tmp_path / "www" / url.split("/", 3)[3]

    def read_until(holds, patience=40):
        until = time.monotonic() + patience
        while True:
            file = file_of(pki.crl_url(cert))
            if file.exists():
                crl = x509.load_der_x509_crl(file.read_bytes())
                if holds(crl):
                    return crl
            assert time.monotonic() < until, daemon.log()[-3000:]
            time.sleep(0.3)

    crl = read_until(lambda crl: True)
    assert file_of(delta_url(crl)).exists()
    assert file_of(pki.aia_url(cert)).read_bytes() == pki.der(one["issuingCaCertificate"])
    revoke(world, one, "SUPERSEDED")
    read_until(lambda crl: cert.serial_number in serials(crl))
    assert not [path for path in (tmp_path / "www").rglob("*")
                if path.is_file() and path.suffix not in (".crl", ".cer")]
