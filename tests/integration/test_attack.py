"""What somebody would try who wants a certificate, a key or a secret that is not theirs."""
import concurrent.futures
import json
import uuid

import pytest

import pki
from api import ok, refused
from world import OPEN_POLICY, fresh, iso, utc


def with_policy(world, **changes):
    return world.new_profile(world.new_policy(**changes))


# --- names ---------------------------------------------------------------------------------------


def test_a_second_unit_does_not_pass_beside_a_required_one(world):
    profile = with_policy(world, subject=[{"type": "common_name", "allowed": ["*"]},
                                          {"type": "organizational_unit", "required": ["Ops"]}])
    ok(world.ask(profile, commonName="a", organizationalUnit="Ops"))
    for attributes in ({"ou": "Admins", "organizationalUnit": "Ops"},
                       {"ou": "Ops", "organizationalUnit": "Admins"}):
        refused(world.ask(profile, commonName="a", **attributes), 400, "BadRequest",
                "organizational_unit")


@pytest.mark.parametrize("spelling", [" admin", "admin ", "  admin  "])
def test_spaces_do_not_hide_a_denied_name(world, spelling):
    profile = with_policy(world, subject=[{"type": "common_name", "allowed": ["*"],
                                           "denied": ["admin"]}])
    refused(world.ask(profile, commonName=spelling), 400, "BadRequest", "is denied")
    refused(world.ask(profile, csr=pki.csr(commonName=spelling)), 400, "BadRequest", "is denied")


@pytest.mark.parametrize("pattern", ["*.bücher.example", "*.BÜCHER.example",
                                     "*.xn--bcher-kva.example", "*.xn--bcher-kva.example."])
def test_a_denied_name_is_denied_in_every_spelling(world, pattern):
    profile = with_policy(world, sans=[{"type": "dns_name", "allowed": ["*"],
                                        "denied": [pattern]}])
    for spelling in ("a.bücher.example", "A.XN--BCHER-KVA.EXAMPLE", "a.bücher.example.",
                     "a.bu\u0308cher.example"):
        refused(world.ask(profile, altNames=[{"type": "dns_name", "value": spelling}]), 400,
                "BadRequest", "is denied")


def test_a_pattern_that_can_match_nothing_is_refused(world):
    body = {"projectId": world.project_id, "name": fresh("policy"), **OPEN_POLICY,
            "sans": [{"type": "dns_name", "allowed": ["*"], "denied": ["*bücher*"]}]}
    refused(world.admin.create_policy(json=body), 422, "ValidationFailure", "ASCII")
    made = world.new_policy()
    refused(world.admin.update_policy(made, sans=body["sans"]), 422, "ValidationFailure")


def test_nobody_gets_the_name_of_the_authority(world):
    subject = {"commonName": world.ca["configuration"]["commonName"]}
    refused(world.ask(**subject), 400, "BadRequest", "certificate authority")
    refused(world.ask(csr=pki.csr(**subject)), 400, "BadRequest", "certificate authority")
    ok(world.ask(commonName=subject["commonName"] + "2"))


def test_no_two_authorities_of_one_name_in_a_path(world):
    subject = {"commonName": world.root["configuration"]["commonName"], "organization": "Test"}
    twin = world.new_pending(configuration=subject)
    refused(world.admin.generate_ca_certificate(twin["id"], parentCaId=world.root_id,
                                                notAfter=iso(utc(days=100))), 400, "BadRequest",
            "subject")
    csr = pki.csr(organization="Test", commonName=subject["commonName"])
    refused(world.admin.sign_intermediate(world.root_id, csr=csr, notAfter=iso(utc(days=100))),
            400, "BadRequest", "subject")


# --- usages, keys --------------------------------------------------------------------------------


def test_a_denied_usage_does_not_come_by_asking_for_none(world):
    profile = with_policy(world, keyUsages={"allowed": ["key_agreement"],
                                            "denied": ["digital_signature"]})
    for attributes in ({}, {"keyUsages": []}, {"keyUsages": None}):
        refused(world.ask(profile, commonName="a", **attributes), 400, "BadRequest",
                "digital_signature")
    ok(world.ask(profile, commonName="a", keyUsages=["key_agreement"]))


def test_the_key_of_an_intermediate_is_no_leafs(world):
    key = pki.new_key()
    sub = pki.csr(key, commonName=fresh("External Sub"))

    def sign():
        return world.admin.sign_intermediate(world.ca_id, csr=sub, notAfter=iso(utc(days=100)))

    ok(sign())
    refused(world.ask(csr=pki.csr(key, commonName="leaf.example.com")), 400, "CryptographyError",
            "authority")
    ok(sign())  # it may be renewed


def test_the_profile_does_not_decide_who_makes_authorities(world):
    """Neither defaults nor a CSR make an issuer's leaf a CA."""
    issuer = world.member("issuer").api
    profile = world.new_profile(defaults={"basicConstraints": {"isCA": True}})
    refused(world.ask(profile, api=issuer, commonName="a"), 403, "PermissionDenied")
    for usages in (["key_cert_sign"], ["crl_sign"]):
        refused(world.ask(api=issuer, commonName="a", keyUsages=usages), 403, "PermissionDenied")
        defaults = world.new_profile(defaults={"keyUsages": usages})
        refused(world.ask(defaults, api=issuer, commonName="a"), 403, "PermissionDenied")
    for usages in (["ocsp_signing"], ["any_purpose"]):
        refused(world.ask(api=issuer, commonName="a", extendedKeyUsages=usages), 403,
                "PermissionDenied")


# --- bytes of certificates -----------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://mirror.example/é.crl", "http://mirror.example/a\tb",
                                 "http://mirror.example/a\u00a0b", "http://mirror.example/\u202e",
                                 "http://", "http://mirror.example/\x7f"])
def test_a_mirror_that_no_certificate_can_hold_is_refused(world, url):
    settings = {"type": "root", "commonName": "x", "keyAlgorithm": "EC_prime256v1",
                "notAfter": iso(utc(days=100)), "crlDistributionPointUrls": [url]}
    refused(world.admin.create_ca(projectId=world.project_id, name=fresh("mirror"),
                                  status="active", configuration=settings), 422)
    refused(world.admin.update_ca(world.root_id,
                                  configuration={"crlDistributionPointUrls": [url]}), 422)


@pytest.mark.parametrize("dates", [{"notBefore": "0001-01-01", "notAfter": "2040-01-01"},
                                   {"notBefore": "1900-01-01", "notAfter": "2040-01-01"},
                                   {"notAfter": "9999-12-31T23:59:59Z"},
                                   {"notAfter": "9999-12-31T23:59:59.999Z"}])
def test_far_dates_of_an_authority(world, dates):
    """Either refused, or a certificate that others can read."""
    answer = world.admin.create_ca(
        projectId=world.project_id, name=fresh("old"), status="active",
        configuration={"type": "root", "commonName": fresh("Old"),
                       "keyAlgorithm": "EC_prime256v1", **dates})
    if answer.status_code == 200:
        shown = pki.certificate(world.root_pem(answer.json()["id"]))
        assert shown.not_valid_before_utc < shown.not_valid_after_utc
    else:
        refused(answer, 400, "BadRequest")


def test_reasons_are_cut_between_characters(world):
    """A long value in a message stays UTF-8, and the refusal is kept."""
    profile = with_policy(world, subject=[{"type": "common_name", "allowed": ["b"]}])
    for text in ("a" + "é" * 63, "é" * 64, "\U0001F512" * 64, "a" + "\U0001F512" * 63):
        body = refused(world.ask(profile, commonName=text), 400, "BadRequest", "not allowed")
        assert "\ufffd" not in body["message"]


# --- secrets -------------------------------------------------------------------------------------


def test_a_malformed_login_does_not_reach_the_log(daemon, anonymous):
    secret = "s3cr3t" + uuid.uuid4().hex[:8]  # jansson shows tokens of up to 20 bytes
    start = daemon.log_size()
    for body in ('{"clientId":"x","clientSecret":%s}', '{"clientId":"x" "%s"}',
                 '{"clientId":"x","clientSecret":"a" %s}', '{"%s":1,"%s":2}', '["%s",]'):
        text = body.replace("%s", secret)
        for path in ("/api/v1/auth/universal-auth/login", "/api/v1/auth/token/renew",
                     "/api/v1/auth/token/revoke"):
            answer = anonymous.call("POST", path, data=text,
                                    headers={"Content-Type": "application/json"})
            assert answer.status_code in (400, 422)
            assert secret not in answer.text
    assert secret not in daemon.log(start)


# --- tenants -------------------------------------------------------------------------------------


def test_references_do_not_leave_the_project(world, other_world):
    """A project's admin names objects of another project in every member that takes an id."""
    api = world.member("admin").api
    nobody = str(uuid.uuid4())

    def alike(make):
        """What is another's reads as what is not there."""
        theirs, none = make(other_world), make(None)
        assert theirs.status_code == none.status_code == 404, (theirs.text, none.text)
        assert theirs.json()["message"] == none.json()["message"]

    def profile(**ids):
        return api.create_profile(json={
            "projectId": world.project_id, "caId": world.ca_id, "slug": fresh("profile"),
            "certificatePolicyId": world.policy_id, "enrollmentType": "api", "apiConfig": {},
            **ids})

    pending = world.new_pending()["id"]
    alike(lambda w: profile(caId=w.ca_id if w else nobody))
    alike(lambda w: profile(certificatePolicyId=w.policy_id if w else nobody))
    alike(lambda w: profile(projectId=w.project_id if w else nobody))
    alike(lambda w: api.issue(profileId=w.profile_id if w else nobody,
                              attributes={"commonName": "a", "ttl": "1d"}))
    alike(lambda w: api.generate_ca_certificate(pending, notAfter=iso(utc(days=9)),
                                                parentCaId=w.ca_id if w else nobody))
    alike(lambda w: api.get_ca_certificate_by_id(world.ca_id, w.ca["configuration"]
                                                 ["activeCaCertId"] if w else nobody))
    alike(lambda w: api.list_policies(query={"projectId": w.project_id if w else nobody}))
    alike(lambda w: api.list_all_cas(query={"projectId": w.project_id if w else nobody}))
    alike(lambda w: api.add_member(world.project_id, w.member("issuer").id if w else nobody,
                                   role="issuer"))
    alike(lambda w: api.get_client_secret(world.member("issuer").id,
                                          w.member("issuer").client_secret_id if w else nobody))
    alike(lambda w: api.revoke_client_secret(
        world.member("issuer").id, w.member("issuer").client_secret_id if w else nobody))


def test_an_auditor_finds_no_key_anywhere(world):
    issued = ok(world.ask(commonName="kept.example.com"))
    certificate, request = issued["certificate"], issued["certificateRequestId"]
    auditor = world.member("auditor").api
    for answer in (auditor.get_certificate(certificate["certificateId"]),
                   auditor.get_bundle(certificate["certificateId"]),
                   auditor.get_request(request),
                   auditor.get_certificate_body(certificate["certificateId"]),
                   auditor.get_private_key(certificate["certificateId"])):
        assert "PRIVATE KEY" not in answer.text
    refused(world.ask(api=auditor, commonName="a"), 403, "PermissionDenied")


# --- races ---------------------------------------------------------------------------------------


def test_a_profile_and_the_death_of_its_policy(world):
    """Whoever wins, no certificate is made under a policy that is gone."""
    for _ in range(5):
        policy = world.new_policy()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            made = pool.submit(lambda: world.admin.create_profile(json={
                "projectId": world.project_id, "caId": world.ca_id, "slug": fresh("racing"),
                "certificatePolicyId": policy, "enrollmentType": "api", "apiConfig": {}}))
            gone = pool.submit(lambda: world.admin.delete_policy(policy))
            made, gone = made.result(), gone.result()
        assert made.status_code in (200, 404, 400), made.text
        assert gone.status_code in (200, 403), gone.text
        if made.status_code == 200 and gone.status_code == 200:
            profile = json.loads(made.text)["certificateProfile"]["id"]
            assert world.ask(profile, commonName="a").status_code == 404
