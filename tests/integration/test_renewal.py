"""Renewing by hand, and deleting: what is kept, what may change, who may, and how a line is linked."""
import concurrent.futures

import pytest

import pki
from api import issue_paths, ok, refused
from world import Member, iso, utc

NOBODY = "00000000-0000-7000-8000-000000000000"


def row_of(world, certificate_id):
    return ok(world.admin.get_certificate(certificate_id))["certificate"]


def lifetime(pem):
    cert = pki.certificate(pem)
    return cert.not_valid_after_utc - cert.not_valid_before_utc


def names(pem):
    cert = pki.certificate(pem)
    return cert.subject.rfc4514_string(), pki.dns_names(cert)


def sans(*values):
    return [{"type": "dns_name", "value": value} for value in values]


def test_a_new_key_and_the_same_content(world):
    old = ok(world.ask(commonName="a.example.com", altNames=sans("a.example.com"), ttl="9d",
                       metadata=[{"key": "team", "value": "web"}]))["certificate"]
    new = ok(world.admin.renew(old["certificateId"]))
    assert {"certificate", "issuingCaCertificate", "certificateChain", "privateKey",
            "serialNumber", "certificateId", "certificateRequestId"} <= set(new)
    assert names(new["certificate"]) == names(old["certificate"])
    assert lifetime(new["certificate"]) == lifetime(old["certificate"])
    assert pki.same_key(new["privateKey"], new["certificate"])
    assert not pki.same_key(old["privateKey"], new["certificate"])
    pki.verify_answer(new, world.root_pem())
    before, after = row_of(world, old["certificateId"]), row_of(world, new["certificateId"])
    assert before["status"] == after["status"] == "active"
    assert before["renewedByCertificateId"] == new["certificateId"]
    assert before["latestRenewalCertificateId"] == new["certificateId"]
    assert after["renewedFromCertificateId"] == old["certificateId"]
    assert after["renewedByCertificateId"] is None and after["latestRenewalCertificateId"] is None
    for member in ("profileId", "caId", "keyAlgorithm", "signatureAlgorithm", "keyUsages",
                   "extendedKeyUsages", "metadata", "friendlyName"):
        assert before[member] == after[member], member


def test_the_request_is_issued_at_once(world):
    """The agent polls it whenever a renewal names one."""
    old = ok(world.ask())["certificate"]
    new = ok(world.admin.renew(old["certificateId"], removeRootsFromChain=True))
    detail = ok(world.admin.get_request(new["certificateRequestId"]))
    assert detail["status"] == "issued" and detail["certificateId"] == new["certificateId"]
    assert detail["certificate"] == new["certificate"]
    assert detail["privateKey"] == new["privateKey"] and detail["certificateChain"]
    assert len(pki.certificates(new["certificateChain"])) < len(
        pki.certificates(old["certificateChain"]))


def test_a_line(world):
    first = ok(world.ask())["certificate"]["certificateId"]
    line = [first]
    for _ in range(3):
        line.append(ok(world.admin.renew(line[-1]))["certificateId"])
    for one in line[:-1]:
        assert row_of(world, one)["latestRenewalCertificateId"] == line[-1]
    refused(world.admin.renew(first), 400, "BadRequest", "already renewed")
    assert row_of(world, first)["renewalError"] is None


@pytest.mark.parametrize("victim", [0, 1, 2, 3])
def test_deleting_one_of_a_line(world, victim):
    line = [ok(world.ask())["certificate"]["certificateId"]]
    for _ in range(3):
        line.append(ok(world.admin.renew(line[-1]))["certificateId"])
    gone = line.pop(victim)
    assert ok(world.admin.delete_certificate(gone))["certificate"]["id"] == gone
    rows = [row_of(world, one) for one in line]
    for row, before, after in zip(rows, [None] + line, line[1:] + [None]):
        assert row["renewedFromCertificateId"] == before
        assert row["renewedByCertificateId"] == after
        assert row["latestRenewalCertificateId"] == (line[-1] if after else None)
    again = ok(world.admin.renew(line[-1]))["certificateId"]
    assert row_of(world, line[-1])["latestRenewalCertificateId"] == again
    assert row_of(world, again)["renewedFromCertificateId"] == line[-1]


def test_reusing_the_key(world):
    old = ok(world.ask())["certificate"]
    new = ok(world.admin.renew(old["certificateId"], renewalKeySource="reuse"))
    assert new["privateKey"] and pki.same_key(old["privateKey"], new["certificate"])
    assert ok(world.admin.get_private_key(new["certificateId"])) == new["privateKey"]
    refused(world.admin.renew(new["certificateId"], json={
        "renewalKeySource": "reuse", "attributes": {"keyAlgorithm": "RSA_2048"}}), 400,
        "BadRequest", "keyAlgorithm")


def test_a_key_from_outside(world):
    key = pki.new_key()
    old = ok(world.ask(csr=pki.csr(key, commonName="csr.example.com")))["certificate"]
    same = ok(world.admin.renew(old["certificateId"]))  # whoever has the key still has it
    assert "privateKey" not in same
    assert pki.spki(pki.certificate(same["certificate"]).public_key()) == pki.spki(key)
    other = pki.new_key()
    new = ok(world.admin.renew(same["certificateId"], json={
        "renewalKeySource": "csr", "csr": pki.csr(other, commonName="new.example.com"),
        "attributes": {"ttl": "3d"}}))
    assert pki.spki(pki.certificate(new["certificate"]).public_key()) == pki.spki(other)
    assert "new.example.com" in names(new["certificate"])[0]
    made = ok(world.admin.renew(new["certificateId"], renewalKeySource="new"))
    assert pki.same_key(made["privateKey"], made["certificate"])


def test_csr_beside_what_it_says_itself(world):
    old = ok(world.ask())["certificate"]["certificateId"]
    request = pki.csr(pki.new_key(), commonName="x.example.com")
    refused(world.admin.renew(old, json={"csr": request, "attributes": {"commonName": "y"}}), 400,
            "BadRequest", "CSR")
    refused(world.admin.renew(old, json={"csr": request, "renewalKeySource": "new"}), 400)
    assert "csr" in issue_paths(world.admin.renew(old, renewalKeySource="csr"))


def test_overrides(world):
    profile = world.new_profile(defaults={"organization": "Default", "ttlDays": 5})
    old = ok(world.ask(profile, commonName="o.example.com", organization=None, locality="Old",
                       altNames=sans("o.example.com")))["certificate"]
    new = ok(world.admin.renew(old["certificateId"], json={
        "attributes": {"locality": None, "altNames": sans("p.example.com"), "ttl": "2d",
                       "keyAlgorithm": "EC_secp384r1"},
        "metadata": [{"key": "a", "value": "b"}]}))
    row = row_of(world, new["certificateId"])
    assert row["subject"] == {"commonName": "o.example.com"}  # and no default
    assert row["altNames"] == "p.example.com" and row["keyAlgorithm"] == "EC_secp384r1"
    assert row["metadata"] == [{"key": "a", "value": "b"}]
    assert lifetime(new["certificate"]).days == 2
    bare = ok(world.admin.renew(new["certificateId"], json={"attributes": {"altNames": None}}))
    assert row_of(world, bare["certificateId"])["altNames"] in ("", None)


def test_the_policy_of_today(world):
    policy = world.new_policy()
    profile = world.new_profile(policy)
    old = ok(world.ask(profile, commonName="now.example.com"))["certificate"]["certificateId"]
    ok(world.admin.update_policy(policy, subject=[
        {"type": "common_name", "allowed": ["*.elsewhere.com"]}]))
    refused(world.admin.renew(old), 400, "BadRequest", "common_name")
    assert "common_name" in row_of(world, old)["renewalError"]
    ok(world.admin.update_policy(policy, subject=[
        {"type": "common_name", "allowed": ["*"]}]))
    ok(world.admin.renew(old))
    assert row_of(world, old)["renewalError"] is None


def test_what_cannot_be_renewed(world):
    revoked = ok(world.ask())["certificate"]["certificateId"]
    ok(world.admin.revoke(revoked, revocationReason="SUPERSEDED"))
    refused(world.admin.renew(revoked), 400, "BadRequest", "revoked")
    assert "revoked" in row_of(world, revoked)["renewalError"]
    ca = world.new_intermediate(world.root_id)
    profile = world.new_profile(caId=ca["id"])
    stopped = ok(world.ask(profile))["certificate"]["certificateId"]
    ok(world.admin.update_ca(ca["id"], status="disabled"))
    refused(world.admin.renew(stopped), 400, "BadRequest", "disabled")
    assert "disabled" in row_of(world, stopped)["renewalError"]
    signed = ok(world.admin.sign_intermediate(
        world.root_id, csr=pki.csr(pki.new_key(), commonName="Foreign"), notAfter=iso(utc(days=90))))
    refused(world.admin.renew(signed["certificateId"]), 400, "BadRequest", "profile")


def test_self_signed(world):
    old = ok(world.ask(world.self_signed_profile()))["certificate"]
    new = ok(world.admin.renew(old["certificateId"]))
    assert new["issuingCaCertificate"] == "" and new["certificateChain"] == new["certificate"]
    same = ok(world.admin.renew(new["certificateId"], renewalKeySource="reuse"))
    assert pki.same_key(new["privateKey"], same["certificate"])


def test_bad_input(world):
    old = ok(world.ask())["certificate"]["certificateId"]
    refused(world.admin.renew(NOBODY), 404)
    refused(world.admin.renew("nonsense"), 422)
    refused(world.admin.renew(old, renewalKeySource="magic"), 422)
    refused(world.admin.renew(old, json={"attributes": {"ttl": "never"}}), 422)
    refused(world.admin.renew(old, json={"attributes": 7}), 422)
    assert row_of(world, old)["renewalError"] is None
    refused(world.admin.delete_certificate(NOBODY), 404)
    refused(world.admin.delete_certificate("nonsense"), 422)


def test_who_may(admin, world, other_world):
    issuer = world.member("issuer").api
    own = ok(world.ask(api=issuer))["certificate"]["certificateId"]
    other = ok(world.ask())["certificate"]["certificateId"]
    refused(issuer.renew(other), 403, "PermissionDenied", "renew")
    refused(Member(admin, world.project_id, "issuer").api.renew(own), 403, "PermissionDenied")
    for role in ("auditor", "no-access"):
        refused(world.member(role).api.renew(own), 403, "PermissionDenied")
        refused(world.member(role).api.delete_certificate(own), 403, "PermissionDenied")
    refused(issuer.delete_certificate(own), 403, "PermissionDenied", "delete")
    for role in ("admin", "issuer"):
        refused(other_world.member(role).api.renew(own), 404)
    refused(other_world.member("admin").api.delete_certificate(own), 404)
    new = ok(issuer.renew(own))
    by_admin = ok(world.admin.renew(new["certificateId"]))
    assert ok(issuer.get_private_key(by_admin["certificateId"])) == by_admin["privateKey"]
    assert ok(issuer.renew(by_admin["certificateId"]))


def test_two_at_once(world):
    """Exactly one wins, whatever else happens to the row."""
    for _ in range(4):
        old = ok(world.ask())["certificate"]["certificateId"]
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: world.admin.renew(old), range(5)))
        won = [a for a in answers if a.status_code == 200]
        assert len(won) == 1
        for lost in answers:
            if lost.status_code != 200:
                refused(lost, 400, "BadRequest", "already renewed")
        assert row_of(world, old)["renewedByCertificateId"] == won[0].json()["certificateId"]


def test_renewing_against_revoking(world):
    for _ in range(4):
        old = ok(world.ask())["certificate"]["certificateId"]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            renewing = pool.submit(world.admin.renew, old)
            revoking = pool.submit(world.admin.revoke, old, revocationReason="SUPERSEDED")
        ok(revoking.result())
        row = row_of(world, old)
        assert row["status"] == "revoked"
        if renewing.result().status_code == 200:
            assert row["renewedByCertificateId"] == renewing.result().json()["certificateId"]
        else:
            refused(renewing.result(), 400, "BadRequest", "revoked")
            assert row["renewedByCertificateId"] is None


def test_what_stays_of_a_deleted_certificate(world):
    answer = ok(world.ask())
    certificate = answer["certificate"]
    ok(world.admin.revoke(certificate["certificateId"], revocationReason="SUPERSEDED"))
    deleted = ok(world.admin.delete_certificate(certificate["certificateId"]))["certificate"]
    assert deleted["serialNumber"] == certificate["serialNumber"]
    refused(world.admin.get_certificate(certificate["certificateId"]), 404)
    refused(world.admin.delete_certificate(certificate["certificateId"]), 404)
    detail = ok(world.admin.get_request(answer["certificateRequestId"]))
    assert detail["status"] == "issued" and detail["certificate"] is None
    assert detail["serialNumber"] == certificate["serialNumber"]
