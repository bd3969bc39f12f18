"""Revoking: every reason, holds and their end, what may follow what, who may, and what a CRL shows."""
import concurrent.futures
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import CRLEntryExtensionOID

import pki
from api import issue_paths, ok, refused
from test_authorities import sign_outside
from world import Member, iso, utc

NOBODY = "00000000-0000-4000-8000-000000000000"
REASONS = {
    "UNSPECIFIED": (0, None),
    "KEY_COMPROMISE": (1, x509.ReasonFlags.key_compromise),
    "CA_COMPROMISE": (2, x509.ReasonFlags.ca_compromise),
    "AFFILIATION_CHANGED": (3, x509.ReasonFlags.affiliation_changed),
    "SUPERSEDED": (4, x509.ReasonFlags.superseded),
    "CESSATION_OF_OPERATION": (5, x509.ReasonFlags.cessation_of_operation),
    "CERTIFICATE_HOLD": (6, x509.ReasonFlags.certificate_hold),
    "PRIVILEGE_WITHDRAWN": (9, x509.ReasonFlags.privilege_withdrawn),
    "A_A_COMPROMISE": (10, x509.ReasonFlags.aa_compromise),
}


@pytest.fixture(scope="module")
def authority(world):
    """A CA of this file's own: its CRL has nobody else's entries."""
    ca = world.new_intermediate(world.root_id)
    return world.new_profile(caId=ca["id"])


def new_certificate(world, profile_id, **how):
    return ok(world.ask(profile_id, **how))["certificate"]


def status_of(world, certificate_id):
    return ok(world.admin.get_certificate(certificate_id))["certificate"]


def crl_when(certificate_pem, holds):
    """Fetches the certificate's CRL until `holds(entry)`: a build may wait for the one before."""
    cert = pki.certificate(certificate_pem)
    until = time.monotonic() + 15
    while True:
        crl = x509.load_der_x509_crl(pki.fetch_crl(cert))
        entry = crl.get_revoked_certificate_by_serial_number(cert.serial_number)
        if holds(entry):
            return entry
        assert time.monotonic() < until, f"the CRL shows {entry}"
        time.sleep(0.2)


def reason_of(entry):
    try:
        return entry.extensions.get_extension_for_oid(CRLEntryExtensionOID.CRL_REASON).value.reason
    except x509.ExtensionNotFound:
        return None


def test_every_reason_is_on_the_crl(world, authority):
    issued = {}
    for word in REASONS:
        issued[word] = new_certificate(world, authority)
        answer = ok(world.admin.revoke(issued[word]["certificateId"], revocationReason=word))
        assert answer["serialNumber"] == issued[word]["serialNumber"] and answer["message"]
        row = status_of(world, issued[word]["certificateId"])
        assert row["status"] == "revoked" and row["revokedAt"] == answer["revokedAt"]
        assert row["revocationReason"] == REASONS[word][0]
    for word, certificate in issued.items():
        entry = crl_when(certificate["certificate"], bool)
        assert reason_of(entry) == REASONS[word][1], word
        row = status_of(world, certificate["certificateId"])
        assert iso(entry.revocation_date_utc) == row["revokedAt"].replace(".000Z", "Z")


def test_openssl_refuses_what_was_revoked(world, authority):
    answer = world.issue(authority)
    pki.verify_answer(answer, world.root_pem())
    ok(world.admin.revoke(answer["certificateId"], revocationReason="superseded"))
    crl_when(answer["certificate"], bool)
    pki.verify_answer(answer, world.root_pem(), expect=False)


def test_a_hold_and_its_end(world, authority):
    certificate = new_certificate(world, authority)
    revoke = lambda reason: world.admin.revoke(certificate["certificateId"],
                                               revocationReason=reason)
    refused(revoke("REMOVE_FROM_CRL"), 400, "BadRequest", "not on hold")
    held = ok(revoke("CERTIFICATE_HOLD"))
    crl_when(certificate["certificate"], bool)
    refused(revoke("CERTIFICATE_HOLD"), 400, "BadRequest", "already")
    lifted = ok(revoke("REMOVE_FROM_CRL"))
    assert lifted["revokedAt"] is None
    row = status_of(world, certificate["certificateId"])
    assert (row["status"], row["revokedAt"], row["revocationReason"]) == ("active", None, None)
    crl_when(certificate["certificate"], lambda entry: entry is None)
    refused(revoke("REMOVE_FROM_CRL"), 400)
    time.sleep(1)  # dates are whole seconds
    again = ok(revoke("CERTIFICATE_HOLD"))
    assert again["revokedAt"] > held["revokedAt"]
    final = ok(revoke("CESSATION_OF_OPERATION"))
    assert final["revokedAt"] == again["revokedAt"]  # the date of the hold
    entry = crl_when(certificate["certificate"],
                     lambda e: e and reason_of(e) != x509.ReasonFlags.certificate_hold)
    assert reason_of(entry) == x509.ReasonFlags.cessation_of_operation


def test_revoking_twice(world, authority):
    certificate = new_certificate(world, authority)
    revoke = lambda reason: world.admin.revoke(certificate["certificateId"],
                                               revocationReason=reason)
    first = ok(revoke("SUPERSEDED"))
    for reason in ("SUPERSEDED", "UNSPECIFIED", "CERTIFICATE_HOLD", "REMOVE_FROM_CRL"):
        refused(revoke(reason), 400, "BadRequest")
    worse = ok(revoke("KEY_COMPROMISE"))
    assert worse["revokedAt"] == first["revokedAt"]
    text = refused(revoke("KEY_COMPROMISE"), 400, "BadRequest", "already")["message"]
    assert "can take its place" not in text and "no other" in text
    assert status_of(world, certificate["certificateId"])["revocationReason"] == 1


def test_a_compromised_key_is_certified_no_more(world, authority):
    key = pki.new_key()
    request = pki.csr(key, commonName="a.example.com")
    certificate = new_certificate(world, authority, csr=request)
    ok(world.admin.revoke(certificate["certificateId"], revocationReason="SUPERSEDED"))
    ok(world.ask(authority, csr=request))
    ok(world.admin.revoke(certificate["certificateId"], revocationReason="KEY_COMPROMISE"))
    refused(world.ask(authority, csr=request), 400, "CryptographyError", "compromised")


def test_by_serial_number(world, other_world, authority):
    certificate = new_certificate(world, authority)
    serial = certificate["serialNumber"]
    refused(other_world.member("admin").api.revoke(serial, revocationReason="SUPERSEDED"), 404)
    pasted = ":".join(serial[i:i + 2] for i in range(0, len(serial), 2)).upper()
    assert ok(world.admin.revoke(pasted, revocationReason="SUPERSEDED"))["serialNumber"] == serial
    refused(world.admin.revoke("7" + "0" * 31, revocationReason="SUPERSEDED"), 404)
    for digest in ("sha1", "sha256"):
        thumbprint = pki.fingerprint(certificate["certificate"], digest).replace(":", "").lower()
        refused(world.admin.revoke(thumbprint, revocationReason="SUPERSEDED"), 400, "BadRequest",
                "thumbprint")


def test_an_intermediate_ca(world):
    """Its own certificate is on its parent's CRL, and it issues no more."""
    ca = world.new_intermediate(world.root_id)
    profile = world.new_profile(caId=ca["id"])
    leaf = world.issue(profile)
    certificate_id = ca["configuration"]["activeCaCertId"]
    answer = ok(world.admin.revoke(certificate_id, revocationReason="CA_COMPROMISE"))
    pem = ok(world.admin.get_ca_certificate(ca["id"]))["certificate"]
    assert answer["serialNumber"] == pki.serial_text(pki.certificate(pem))
    assert reason_of(crl_when(pem, bool)) == x509.ReasonFlags.ca_compromise
    assert ok(world.admin.get_ca(ca["id"]))["status"] == "disabled"
    refused(world.ask(profile), 400, "BadRequest", "disabled")
    assert ok(world.admin.revoke(leaf["certificateId"], revocationReason="SUPERSEDED"))
    crl_when(leaf["certificate"], bool)  # its key publishes on
    refused(world.admin.revoke(certificate_id, revocationReason="SUPERSEDED"), 400)


def test_a_revoked_ca_is_not_enabled(world):
    ca = world.new_intermediate(world.root_id)
    profile = world.new_profile(caId=ca["id"])
    certificate_id = ca["configuration"]["activeCaCertId"]
    enable = lambda: world.admin.update_ca(ca["id"], status="active")
    ok(world.admin.revoke(certificate_id, revocationReason="CERTIFICATE_HOLD"))
    refused(enable(), 400, "BadRequest", "on hold")
    ok(world.admin.update_ca(ca["id"], status="disabled"))       # as it is
    ok(world.admin.revoke(certificate_id, revocationReason="REMOVE_FROM_CRL"))
    assert ok(world.admin.get_ca(ca["id"]))["status"] == "disabled"
    ok(enable())
    world.issue(profile)
    before = ok(world.admin.update_ca(ca["id"], status="disabled"))
    time.sleep(0.01)                                             # times are told in milliseconds
    ok(world.admin.revoke(certificate_id, revocationReason="SUPERSEDED"))
    # The CA's row moves although it is disabled: who enables it at the same time has lost.
    assert ok(world.admin.get_ca(ca["id"]))["updatedAt"] > before["updatedAt"]
    refused(enable(), 400, "BadRequest", ca["configuration"]["serialNumber"])
    assert ok(world.admin.get_ca(ca["id"]))["status"] == "disabled"
    ok(world.admin.renew_ca(ca["id"], type="existing", notAfter=iso(utc(days=900))))
    ok(enable())
    world.issue(profile)


def test_a_compromised_ca_key_is_certified_no_more(world):
    ca = world.new_intermediate(world.root_id)
    ok(world.admin.revoke(ca["configuration"]["activeCaCertId"], revocationReason="KEY_COMPROMISE"))
    end = iso(utc(days=900))
    refused(world.admin.renew_ca(ca["id"], type="existing", notAfter=end), 400,
            "CryptographyError", "compromised")
    refused(world.admin.generate_ca_certificate(ca["id"], parentCaId=world.root_id, notAfter=end),
            400, "CryptographyError", "compromised")
    refused(world.admin.update_ca(ca["id"], status="active"), 400, "BadRequest", "revoked")
    ok(world.admin.renew_ca(ca["id"], type="new-key", notAfter=end))
    ok(world.admin.update_ca(ca["id"], status="active"))
    pki.verify_answer(world.issue(world.new_profile(caId=ca["id"])), world.root_pem())


def test_a_compromised_key_is_not_imported_again(world, tmp_path):
    """A CA of a parent elsewhere: its key is on the list, whoever put it there."""
    made = world.new_pending()
    request = ok(world.admin.get_ca_csr(made["id"]))["csr"]
    (tmp_path / "request.pem").write_text(request)
    outside, root = sign_outside(tmp_path, "CA:TRUE", "keyCertSign,cRLSign")
    signed = ok(world.admin.generate_ca_certificate(made["id"], parentCaId=world.root_id,
                                                    notAfter=iso(utc(days=90))))
    ok(world.admin.revoke(signed["certId"], revocationReason="KEY_COMPROMISE"))
    refused(world.admin.import_ca_certificate(made["id"], certificate=outside,
                                              certificateChain=root), 400, "CryptographyError",
            "compromised")


def test_a_signed_intermediate(world):
    signed = ok(world.admin.sign_intermediate(
        world.root_id, csr=pki.csr(pki.new_key(), commonName="Foreign CA"),
        notAfter=iso(utc(days=90))))
    ok(world.admin.revoke(signed["certificateId"], revocationReason="SUPERSEDED"))
    crl_when(signed["certificate"], bool)


def test_what_nobody_here_can_revoke(world):
    lone = new_certificate(world, world.self_signed_profile())
    refused(world.admin.revoke(lone["certificateId"], revocationReason="SUPERSEDED"), 400,
            "BadRequest", "self-signed")
    root = world.root["configuration"]["activeCaCertId"]
    refused(world.admin.revoke(root, revocationReason="SUPERSEDED"), 400, "BadRequest",
            "self-signed")


def test_bad_input(world, authority):
    certificate_id = new_certificate(world, authority)["certificateId"]
    assert "revocationReason" in issue_paths(world.admin.revoke(certificate_id, json={}))
    assert "revocationReason" in issue_paths(
        world.admin.revoke(certificate_id, revocationReason="BOREDOM"))
    assert "revocationReason" in issue_paths(world.admin.revoke(certificate_id, revocationReason=1))
    refused(world.admin.revoke("nonsense", revocationReason="SUPERSEDED"), 422)
    refused(world.admin.revoke(NOBODY, revocationReason="SUPERSEDED"), 404)
    assert status_of(world, certificate_id)["status"] == "active"


def test_who_may(admin, world, other_world, authority):
    issuer = world.member("issuer").api
    own = new_certificate(world, authority, api=issuer)["certificateId"]
    other = new_certificate(world, authority)["certificateId"]
    refused(issuer.revoke(other, revocationReason="SUPERSEDED"), 403, "PermissionDenied", "revoke")
    refused(Member(admin, world.project_id, "issuer").api.revoke(
        own, revocationReason="SUPERSEDED"), 403, "PermissionDenied", "revoke")
    for role in ("auditor", "no-access"):
        refused(world.member(role).api.revoke(own, revocationReason="SUPERSEDED"), 403,
                "PermissionDenied")
    for role in ("admin", "issuer"):
        refused(other_world.member(role).api.revoke(own, revocationReason="SUPERSEDED"), 404)
    ca_certificate = world.ca["configuration"]["activeCaCertId"]
    refused(issuer.revoke(ca_certificate, revocationReason="SUPERSEDED"), 403)
    # A hold is not for who may be suspected to lift.
    ok(world.admin.revoke(own, revocationReason="CERTIFICATE_HOLD"))
    refused(issuer.revoke(own, revocationReason="REMOVE_FROM_CRL"), 403, "PermissionDenied")
    ok(issuer.revoke(own, revocationReason="SUPERSEDED"))
    ok(world.member("admin").api.revoke(other, revocationReason="SUPERSEDED"))


def test_many_at_once(world, authority):
    """All on one shard, whose revision each must move; and one of them by two."""
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        ids = list(pool.map(lambda _: new_certificate(world, authority), range(100)))
        answers = list(pool.map(
            lambda c: world.admin.revoke(c["certificateId"], revocationReason="SUPERSEDED"),
            ids + ids[:4]))
    assert sorted(a.status_code for a in answers) == [200] * 100 + [400] * 4
    for certificate in ids[::10]:
        crl_when(certificate["certificate"], bool)
