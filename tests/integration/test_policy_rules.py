"""What a policy decides: every evaluation rule, and all reasons in one answer."""
import re

import pytest
from cryptography import x509

import pki
from api import ok, refused

CN = {"type": "common_name"}
DNS = {"type": "dns_name"}


def cn(**rule):
    return {"subject": [{**CN, **rule}]}


def dns(**rule):
    return {"sans": [{**DNS, **rule}]}


def ask_dns(*names, kind="DNS", **more):
    return {"commonName": "x", "altNames": [{"type": kind, "value": name} for name in names],
            **more}


# (policy, request, None or what the reason says)
CASES = [
    # 1. Values match exactly, or by wildcards over the whole string; the case counts in subjects.
    (cn(allowed=["a.example.com"]), {"commonName": "a.example.com"}, None),
    (cn(allowed=["a.example.com"]), {"commonName": "A.example.com"}, "not allowed"),
    (cn(allowed=["a.example.com"]), {"commonName": "xa.example.com"}, "not allowed"),
    (cn(allowed=["a.example.com"]), {"commonName": "a.example.com.x"}, "not allowed"),
    (cn(allowed=["*.example.com"]), {"commonName": "a.example.com"}, None),
    (cn(allowed=["*.example.com"]), {"commonName": "a.b.example.com"}, None),
    (cn(allowed=["*.example.com"]), {"commonName": "example.com"}, "not allowed"),
    (cn(allowed=["a*z"]), {"commonName": "az"}, None),
    (cn(allowed=["a*b*c"]), {"commonName": "a-b-b-c"}, None),
    (cn(allowed=["a*b*c"]), {"commonName": "a-c-b"}, "not allowed"),
    (cn(allowed=["a.c"]), {"commonName": "abc"}, "not allowed"),  # a dot is a dot
    (cn(allowed=["x", "y"]), {"commonName": "y"}, None),
    # 2. Subject.
    (cn(required=["*.a", "*.b"]), {"commonName": "x.b"}, None),  # at least one pattern
    (cn(required=["*.a"]), {"commonName": "x.b"}, "required"),
    (cn(required=["*"]), {"organization": "x"}, "common_name is required"),
    (cn(denied=["evil*"]), {"commonName": "evil.com"}, "denied"),
    (cn(denied=["evil*"]), {"commonName": "good.com"}, None),
    (cn(allowed=["*"], denied=["evil*"]), {"commonName": "evil.com"}, "denied"),
    (cn(allowed=["a"], required=["b"]), {"commonName": "b"}, None),  # allowed or required
    (cn(allowed=["*"]), {"commonName": "x", "organization": "Acme"}, "no rule for organization"),
    (cn(allowed=["*"]), {"commonName": "x", "organizationalUnit": "U"}, "organizational_unit"),
    (cn(allowed=["*"]), {"commonName": "x", "country": "DE"}, "country"),
    (cn(allowed=["*"]), {"commonName": "x", "state": "S"}, "state"),
    (cn(allowed=["*"]), {"commonName": "x", "locality": "L"}, "locality"),
    (cn(allowed=["*"]), {"commonName": "x", "domainComponents": ["com"]}, "domain_component"),
    ({"subject": None}, {"commonName": "x"}, "no rule for common_name"),
    ({"subject": None}, ask_dns("a.example.com", commonName=None), None),
    ({"subject": [CN | {"allowed": ["*"]}, {"type": "country", "allowed": ["DE", "AT"]}]},
     {"commonName": "x", "country": "AT"}, None),
    ({"subject": [CN | {"allowed": ["*"]}, {"type": "country", "allowed": ["DE", "AT"]}]},
     {"commonName": "x", "country": "FR"}, "country 'FR' is not allowed"),
    ({"subject": [{"type": "organizational_unit", "required": ["Ops"]}]},
     {"organizationalUnit": "Dev", "commonName": None}, "organizational_unit"),
    # 3. Alternative names.
    (dns(required=["a.example.com", "*.b.example.com"]),
     ask_dns("a.example.com", "x.b.example.com"), None),
    (dns(required=["a.example.com", "*.b.example.com"]), ask_dns("a.example.com"),
     "'*.b.example.com' is required"),
    (dns(required=["a.example.com"]), {"commonName": "x"}, "required"),
    (dns(denied=["*.evil.com"]), ask_dns("good.com", "x.evil.com"), "denied"),
    (dns(allowed=["*.example.com"]), ask_dns("a.example.com", "b.other.com"),
     "'b.other.com' is not allowed"),
    (dns(allowed=["*.example.com"], required=["b.other.com"]),
     ask_dns("a.example.com", "b.other.com"), None),
    (dns(allowed=["*"]), ask_dns("10.0.0.1", kind="IP"), "no rule for ip_address"),
    (dns(allowed=["*"]), ask_dns("a@example.com", kind="EMAIL"), "no rule for email"),
    (dns(allowed=["*"]), ask_dns("https://example.com/", kind="URI"), "no rule for uri"),
    (dns(allowed=["*"]), ask_dns("a@example.com", kind="UPN"), "no rule for upn"),
    ({"sans": None}, ask_dns("a.example.com"), "no rule for dns_name"),
    ({"sans": None}, {"commonName": "x"}, None),
    ({"sans": [{"type": "ip_address", "allowed": ["10.*"]}]}, ask_dns("10.1.2.3", kind="IP"), None),
    ({"sans": [{"type": "ip_address", "allowed": ["10.*"]}]}, ask_dns("192.0.2.1", kind="IP"),
     "192.0.2.1"),
    ({"sans": [{"type": "ip_address", "allowed": ["10.*"]}]}, ask_dns("::ffff:10.1.2.3", kind="IP"),
     None),
    ({"sans": [{"type": "email", "allowed": ["*@example.com"]}]},
     ask_dns("a@EXAMPLE.com", kind="EMAIL"), None),
    ({"sans": [{"type": "uri", "allowed": ["spiffe://acme.com/*"]}]},
     ask_dns("spiffe://ACME.com/ns/a", kind="URI"), None),
    ({"sans": [{"type": "uri", "allowed": ["spiffe://acme.com/*"]}]},
     ask_dns("spiffe://evil.com/acme.com/", kind="URI"), "not allowed"),
    (dns(allowed=["*.example.com"]), ask_dns("*.example.com"), None),
    (dns(allowed=["*"], wildcards=False), ask_dns("*.example.com"), "wildcard"),
    # 4. Key usages.
    ({"keyUsages": {"required": ["digital_signature"], "allowed": ["key_agreement"]}},
     {"keyUsages": ["digital_signature", "key_agreement"]}, None),
    ({"keyUsages": {"required": ["digital_signature"]}}, {"keyUsages": ["key_agreement"]},
     "'digital_signature' is required"),
    ({"keyUsages": {"required": ["digital_signature"]}}, {}, "'digital_signature' is required"),
    ({"keyUsages": {"allowed": ["digital_signature"]}}, {"keyUsages": ["key_agreement"]},
     "'key_agreement' is not allowed"),
    ({"keyUsages": {"denied": ["key_agreement"]}}, {"keyUsages": ["key_agreement"]}, "denied"),
    ({"keyUsages": {"denied": ["key_agreement"]}}, {"keyUsages": ["digital_signature"]},
     "not allowed"),  # denied alone permits nothing
    ({"keyUsages": None}, {"keyUsages": ["digital_signature"]}, "not allowed"),
    ({"keyUsages": None}, {}, None),
    ({"keyUsages": None}, {"keyUsages": []}, None),
    ({"extendedKeyUsages": {"required": ["server_auth"], "allowed": ["client_auth"]}},
     {"extendedKeyUsages": ["server_auth", "client_auth"]}, None),
    ({"extendedKeyUsages": {"required": ["server_auth"]}}, {}, "'server_auth' is required"),
    ({"extendedKeyUsages": {"allowed": ["server_auth"]}}, {"extendedKeyUsages": ["code_signing"]},
     "'code_signing' is not allowed"),
    ({"extendedKeyUsages": None}, {"extendedKeyUsages": ["server_auth"]}, "not allowed"),
    # 5. Algorithms.
    ({"algorithms": {"keyAlgorithm": ["EC_prime256v1"], "signature": ["ECDSA-SHA256"]}},
     {"keyAlgorithm": "EC_prime256v1", "signatureAlgorithm": "ECDSA-SHA256"}, None),
    ({"algorithms": {"keyAlgorithm": ["ECDSA-P256"], "signature": ["SHA256-ECDSA"]}},
     {"keyAlgorithm": "EC_prime256v1", "signatureAlgorithm": "ECDSA-SHA256"}, None),
    ({"algorithms": {"keyAlgorithm": ["RSA-2048"], "signature": ["SHA256-ECDSA"]}},
     {"keyAlgorithm": "EC_prime256v1"}, "key algorithm 'EC_prime256v1' is not allowed"),
    ({"algorithms": {"keyAlgorithm": ["ECDSA-P256"], "signature": ["SHA256-ECDSA"]}},
     {"signatureAlgorithm": "ECDSA-SHA384"}, "signature algorithm 'ECDSA-SHA384' is not allowed"),
    ({"algorithms": {"signature": ["SHA256-ECDSA"]}}, {"keyAlgorithm": "EC_prime256v1"},
     "key algorithm"),
    ({"algorithms": {"keyAlgorithm": ["ECDSA-P256"]}}, {"signatureAlgorithm": "ECDSA-SHA256"},
     "signature algorithm"),
    ({"algorithms": None}, {"keyAlgorithm": "EC_prime256v1"}, "key algorithm"),
    # 6. Validity.
    ({"validity": {"max": "30d"}}, {"ttl": "30d"}, None),
    ({"validity": {"max": "30d"}}, {"ttl": "30.1d"}, "maximum"),
    ({"validity": None}, {"ttl": "2y"}, None),
    # 7. Basic constraints.
    ({"basicConstraints": None}, {"basicConstraints": {"isCA": True}}, "CA"),
    ({"basicConstraints": {"isCA": "denied"}}, {"basicConstraints": {"isCA": True}}, "CA"),
    ({"basicConstraints": {"isCA": "denied"}}, {"basicConstraints": {"isCA": False}}, None),
    ({"basicConstraints": {"isCA": "required"}}, {}, "CA certificate is required"),
    ({"basicConstraints": {"isCA": "required"}}, {"basicConstraints": {"isCA": True}}, None),
    ({"basicConstraints": {"isCA": "allowed", "maxPathLength": 1}},
     {"basicConstraints": {"isCA": True, "pathLength": 1}}, None),
    ({"basicConstraints": {"isCA": "allowed", "maxPathLength": 1}},
     {"basicConstraints": {"isCA": True, "pathLength": 2}}, "path length"),
    ({"basicConstraints": {"isCA": "allowed", "maxPathLength": 1}},
     {"basicConstraints": {"isCA": True}}, "path length"),
    ({"basicConstraints": {"isCA": "allowed", "maxPathLength": -1}},
     {"basicConstraints": {"isCA": True, "pathLength": 9}}, None),
]


@pytest.mark.parametrize("policy,request_,reason", CASES, ids=lambda case: re.sub(
    r"[^\w.*@:-]+", " ", str(case))[:60].strip())
def test_rule(world, policy, request_, reason):
    profile = world.new_profile(world.new_policy(**policy))
    attributes = {"commonName": "x", **request_} if "subject" not in policy else dict(request_)
    if policy.get("subject", ...) is None and "commonName" not in request_:
        attributes["commonName"] = None
    if "subject" in policy:
        attributes.setdefault("commonName", None)
    answer = world.ask(profile, **attributes)
    if reason is None:
        ok(answer)
    else:
        body = refused(answer, 400, "BadRequest", reason)
        assert body["message"].lower().startswith("certificate request validation failed")


def test_all_reasons_in_one_answer(world):
    policy = world.new_policy(
        subject=[{"type": "common_name", "allowed": ["*.acme.com"]}],
        sans=[{"type": "dns_name", "required": ["must.acme.com"], "denied": ["*.evil.com"]}],
        keyUsages={"required": ["digital_signature"]}, extendedKeyUsages=None,
        algorithms={"keyAlgorithm": ["RSA_2048"], "signature": ["SHA256-ECDSA"]},
        validity={"max": "10d"}, basicConstraints={"isCA": "denied"})
    answer = world.ask(
        world.new_profile(policy), ttl="20d", commonName="other.com", organization="Acme",
        altNames=[{"type": "DNS", "value": "x.evil.com"}, {"type": "IP", "value": "10.0.0.1"}],
        keyUsages=["key_agreement"], extendedKeyUsages=["server_auth"],
        keyAlgorithm="EC_prime256v1")
    message = refused(answer, 400, "BadRequest")["message"]
    for part in ("certificate request validation failed", "other.com", "organization", "x.evil.com",
                 "must.acme.com", "ip_address", "digital_signature", "key_agreement", "server_auth",
                 "EC_prime256v1", "maximum"):
        assert part in message, f"{part} is missing in: {message}"


def test_a_csr_is_held_to_the_same_rules(world):
    policy = world.new_policy(subject=[{"type": "common_name", "allowed": ["*.acme.com"]}],
                              sans=[{"type": "dns_name", "allowed": ["*.acme.com"]}],
                              algorithms={"keyAlgorithm": ["EC_prime256v1"]})
    profile = world.new_profile(policy)
    ok(world.ask(profile, csr=pki.csr(dns=["a.acme.com"], commonName="a.acme.com")))
    for request, reason in (
            (pki.csr(dns=["a.acme.com"], commonName="a.other.com"), "a.other.com"),
            (pki.csr(dns=["a.other.com"], commonName="a.acme.com"), "a.other.com"),
            (pki.csr(commonName="a.acme.com", organization="Acme"), "organization"),
            (pki.csr(commonName="a.acme.com", locality="Acme"), "locality"),
            (pki.csr(pki.some_key("RSA_2048"), commonName="a.acme.com"), "RSA_2048"),
            (pki.csr(extensions=[x509.SubjectAlternativeName([x509.RFC822Name("a@acme.com")])],
                     commonName="a.acme.com"), "email")):
        refused(world.ask(profile, csr=request), 400, "BadRequest", "validation failed", reason)


def test_attributes_beside_a_csr_do_not_count(world):
    """Only life, basic constraints and metadata are taken from there."""
    issued = world.issue(csr=pki.csr(dns=["a.example.com"], commonName="a.example.com"),
                         commonName="other.com", organization="Other",
                         altNames=[{"type": "DNS", "value": "other.com"}],
                         extendedKeyUsages=["code_signing"])
    cert = pki.certificate(issued["certificate"])
    assert [one.value for one in cert.subject] == ["a.example.com"]
    assert pki.dns_names(cert) == ["a.example.com"]
    assert pki.extended_key_usages(cert) is None


def test_a_refusal_leaves_no_certificate(world):
    """Nothing half-written: the CA has not one more CRL entry, and the next request goes through."""
    profile = world.new_profile(world.new_policy(validity={"max": "1d"}))
    refused(world.ask(profile, ttl="2d"), 400)
    ok(world.ask(profile, ttl="1d"))


# --- profile defaults ----------------------------------------------------------------------------

DEFAULTS = {"commonName": "default.example.com", "organization": "Default Org",
            "organizationalUnit": "Default Unit", "country": "DE", "state": "Default State",
            "locality": "Default Town", "domainComponents": ["example", "com"], "ttlDays": 7,
            "keyAlgorithm": "EC_secp384r1", "signatureAlgorithm": "ECDSA-SHA512",
            "keyUsages": ["digital_signature", "key_agreement"],
            "extendedKeyUsages": ["client_auth"]}
OIDS = {"2.5.4.3": "commonName", "2.5.4.10": "organization", "2.5.4.11": "organizationalUnit",
        "2.5.4.6": "country", "2.5.4.8": "state", "2.5.4.7": "locality"}


def subject_of(cert):
    return {OIDS[one.oid.dotted_string]: one.value for one in cert.subject
            if one.oid.dotted_string in OIDS}


@pytest.fixture(scope="module")
def with_defaults(world):
    return world.new_profile(defaults=DEFAULTS)


def issue_bare(world, profile_id, **attributes):
    body = {"profileId": profile_id, "attributes": attributes}
    return pki.certificate(ok(world.admin.issue(json=body))["certificate"]["certificate"])


def test_defaults_fill_what_is_not_said(world, with_defaults):
    cert = issue_bare(world, with_defaults)
    assert subject_of(cert) == {key: DEFAULTS[key] for key in OIDS.values()}
    assert [one.value for one in cert.subject
            if one.oid.dotted_string == "0.9.2342.19200300.100.1.25"] == ["example", "com"]
    assert pki.algorithm_of(cert.public_key()) == "EC_secp384r1"
    assert cert.signature_hash_algorithm.name == "sha512"
    assert pki.key_usages(cert) == set(DEFAULTS["keyUsages"])
    assert pki.extended_key_usages(cert) == {"client_auth"}
    assert (cert.not_valid_after_utc - cert.not_valid_before_utc).days == 7


def test_what_is_said_wins(world, with_defaults):
    cert = issue_bare(world, with_defaults, commonName="mine", organization="Mine",
                      keyAlgorithm="EC_prime256v1", keyUsages=["digital_signature"],
                      extendedKeyUsages=["server_auth"], ttl="1d")
    assert subject_of(cert)["commonName"] == "mine"
    assert subject_of(cert)["organization"] == "Mine"
    assert subject_of(cert)["locality"] == "Default Town"
    assert pki.algorithm_of(cert.public_key()) == "EC_prime256v1"
    assert pki.key_usages(cert) == {"digital_signature"}  # lists are replaced whole
    assert pki.extended_key_usages(cert) == {"server_auth"}


def test_null_silences_a_default(world, with_defaults):
    cert = issue_bare(world, with_defaults, organization=None, country=None)
    assert "organization" not in subject_of(cert) and "country" not in subject_of(cert)
    assert subject_of(cert)["commonName"] == DEFAULTS["commonName"]


def test_an_empty_list_silences_a_default(world, with_defaults):
    cert = issue_bare(world, with_defaults, keyUsages=[], extendedKeyUsages=[])
    assert pki.key_usages(cert) == {"digital_signature"}
    assert pki.extended_key_usages(cert) is None


def test_defaults_fill_the_blanks_of_a_csr(world, with_defaults):
    body = {"profileId": with_defaults, "csr": pki.csr(commonName="csr.example.com")}
    cert = pki.certificate(ok(world.admin.issue(json=body))["certificate"]["certificate"])
    assert subject_of(cert) == {**{key: DEFAULTS[key] for key in OIDS.values()},
                                "commonName": "csr.example.com"}
    assert pki.algorithm_of(cert.public_key()) == "EC_prime256v1"


def test_a_default_usage_that_does_not_fit_the_key_is_dropped(world):
    profile = world.new_profile(defaults={"keyUsages": ["digital_signature", "key_encipherment"]})
    answer = ok(world.ask(profile, keyAlgorithm="EC_prime256v1"))
    cert = pki.certificate(answer["certificate"]["certificate"])
    assert pki.key_usages(cert) == {"digital_signature"}
    assert any("key_encipherment" in note for note in answer["adjustments"])
    both = pki.certificate(world.issue(profile, keyAlgorithm="RSA_2048")["certificate"])
    assert pki.key_usages(both) == {"digital_signature", "key_encipherment"}


def test_defaults_are_held_to_the_policy(world):
    policy = world.new_policy(subject=[{"type": "common_name", "allowed": ["*"]}])
    profile = world.new_profile(policy, defaults={"organization": "Acme"})
    refused(world.ask(profile), 400, "BadRequest", "organization")


def test_a_default_life_beyond_the_policy(world):
    policy = world.new_policy(validity={"max": "5d"})
    profile = world.new_profile(policy, defaults={"ttlDays": 10})
    refused(world.ask(profile, ttl="absent"), 400, "BadRequest", "maximum")
    ok(world.ask(profile, ttl="5d"))
