"""Alternative names: their types, spellings, canonical forms, and what is none."""
import ipaddress

import pytest
from cryptography import x509

import pki
from api import ok, refused


def names_of(world, *names, **attributes):
    alt_names = [{"type": kind, "value": value} for kind, value in names]
    issued = world.issue(altNames=alt_names, **attributes)
    pki.verify_answer(issued)
    return pki.certificate(issued["certificate"]), issued


def values(cert, kind):
    return pki.extension(cert, x509.SubjectAlternativeName).get_values_for_type(kind)


@pytest.mark.parametrize("value,canonical", [
    ("a.example.com", "a.example.com"), ("A.Example.COM", "a.example.com"),
    ("a.example.com.", "a.example.com"), ("bücher.example", "xn--bcher-kva.example"),
    ("BÜCHER.example", "xn--bcher-kva.example"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("faß.example", "xn--fa-hia.example"), ("例え.jp", "xn--r8jz45g.jp"),
    ("*.example.com", "*.example.com"), ("*.Bücher.example", "*.xn--bcher-kva.example"),
    ("localhost", "localhost"), ("host_name.internal", "host_name.internal"),
    ("a" * 63 + ".example.com", "a" * 63 + ".example.com"),
])
def test_host_names(world, value, canonical):
    cert, issued = names_of(world, ("dns_name", value))
    assert values(cert, x509.DNSName) == [canonical]
    detail = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert detail["altNames"] == canonical


@pytest.mark.parametrize("value", [
    "a..b", ".a", "-a.example", "a-.example", "a b.example", "a" * 64 + ".example", "a.*.example",
    "w*.example.com", "*", "*.", "**.example.com", "xn--zzzzzzzz99999.example", "a\u202eb.example",
    "a\x00b.example", "a/b.example", "http://a.example", "a.example:443", "x." * 124 + "example",
    "\u2488com", "xn--", "exa\u200dmple.com",
])
def test_no_host_names(world, value):
    refused(world.ask(altNames=[{"type": "DNS", "value": value}]), 400, "BadRequest")


@pytest.mark.parametrize("value,canonical", [
    ("10.0.0.1", "10.0.0.1"), ("2001:db8::1", "2001:db8::1"),
    ("2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"), ("::1", "::1"),
    ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:0201", "192.0.2.1"),
])
def test_addresses(world, value, canonical):
    cert, _ = names_of(world, ("ip_address", value))
    assert values(cert, x509.IPAddress) == [ipaddress.ip_address(canonical)]


@pytest.mark.parametrize("value", ["10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/8", "::g", "1::2::3",
                                   "fe80::1%eth0", "a.example.com", "0x7f.1"])
def test_no_addresses(world, value):
    refused(world.ask(altNames=[{"type": "IP", "value": value}]), 400, "BadRequest")


@pytest.mark.parametrize("value,canonical", [
    ("user@example.com", "user@example.com"), ("User.Name@Example.COM", "User.Name@example.com"),
    ("user@bücher.example", "user@xn--bcher-kva.example"), ("a+b@example.com", "a+b@example.com"),
])
def test_mail_addresses(world, value, canonical):
    cert, _ = names_of(world, ("email", value))
    assert values(cert, x509.RFC822Name) == [canonical]


@pytest.mark.parametrize("value", ["user", "@example.com", "user@", "a@b@c", "us er@example.com",
                                   "üser@example.com", "user@-x.example"])
def test_no_mail_addresses(world, value):
    refused(world.ask(altNames=[{"type": "EMAIL", "value": value}]), 400, "BadRequest")


@pytest.mark.parametrize("value,canonical", [
    ("https://example.com/path?q=1", "https://example.com/path?q=1"),
    ("HTTPS://Example.COM/Path", "https://example.com/Path"),
    ("spiffe://example.org/ns/x/sa/y", "spiffe://example.org/ns/x/sa/y"),
    ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
     "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
])
def test_uris(world, value, canonical):
    cert, _ = names_of(world, ("uri", value))
    assert values(cert, x509.UniformResourceIdentifier) == [canonical]


@pytest.mark.parametrize("value", ["/relative", "example.com/path", "http://", "http://a b/",
                                   "1http://example.com", "http://exa mple.com/", "//example.com"])
def test_no_uris(world, value):
    refused(world.ask(altNames=[{"type": "URI", "value": value}]), 400, "BadRequest")


def test_user_principal_names(world):
    cert, _ = names_of(world, ("upn", "user@corp.example.com"))
    other = values(cert, x509.OtherName)
    assert [one.type_id.dotted_string for one in other] == ["1.3.6.1.4.1.311.20.2.3"]
    assert other[0].value == b"\x0c\x15user@corp.example.com"


@pytest.mark.parametrize("kind,word", [
    (kind, word) for kind, words in {
        "dns": ["dns_name", "DNS", "dns", "Dns", "DNS_NAME", "dnsName"],
        "ip": ["ip_address", "IP", "ip", "IP_ADDRESS", "ipAddress"],
        "email": ["email", "EMAIL", "Email"],
        "uri": ["uri", "URI", "url", "URL"],
        "upn": ["upn", "UPN"],
    }.items() for word in words])
def test_spellings_of_types(world, kind, word):
    value = {"dns": "a.example.com", "ip": "10.1.2.3", "email": "a@example.com",
             "uri": "https://example.com/", "upn": "a@example.com"}[kind]
    expected = {"dns": x509.DNSName, "ip": x509.IPAddress, "email": x509.RFC822Name,
                "uri": x509.UniformResourceIdentifier, "upn": x509.OtherName}[kind]
    issued = world.issue(altNames=[{"type": word, "value": value}])
    names = pki.extension(pki.certificate(issued["certificate"]), x509.SubjectAlternativeName)
    assert [type(one) for one in names] == [expected]


def test_unknown_type(world):
    refused(world.ask(altNames=[{"type": "PIGEON", "value": "x"}]), 422)


def test_the_order_is_kept_and_repeats_are_dropped(world):
    cert, issued = names_of(world, ("DNS", "b.example.com"), ("dns_name", "a.example.com"),
                            ("DNS", "B.example.com."), ("IP", "10.0.0.1"),
                            ("IP", "::ffff:10.0.0.1"))
    assert values(cert, x509.DNSName) == ["b.example.com", "a.example.com"]
    assert len(values(cert, x509.IPAddress)) == 1
    detail = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert sorted(detail["altNames"].split(",")) == ["10.0.0.1", "a.example.com", "b.example.com"]


def test_an_empty_subject_makes_the_names_critical(world):
    cert, _ = names_of(world, ("DNS", "a.example.com"))
    assert not list(cert.subject)
    assert pki.is_critical(cert, x509.SubjectAlternativeName)
    cert, _ = names_of(world, ("DNS", "a.example.com"), commonName="a.example.com")
    assert not pki.is_critical(cert, x509.SubjectAlternativeName)


def test_an_empty_subject_by_csr(world):
    issued = world.issue(csr=pki.csr(dns=["a.example.com"]))
    cert = pki.certificate(issued["certificate"])
    assert not list(cert.subject) and pki.is_critical(cert, x509.SubjectAlternativeName)
    pki.verify_answer(issued)


def test_a_hundred_names(world):
    hundred = [("DNS", f"h{i}.example.com") for i in range(100)]
    cert, _ = names_of(world, *hundred)
    assert len(values(cert, x509.DNSName)) == 100
    one_more = [{"type": kind, "value": value} for kind, value in [*hundred, ("DNS", "x.example")]]
    refused(world.ask(altNames=one_more), 422)


def test_a_csrs_names_become_canonical(world):
    names = [x509.DNSName("A.Example.COM"), x509.IPAddress(ipaddress.ip_address("::ffff:10.0.0.1")),
             x509.RFC822Name("User@EXAMPLE.com"),
             x509.UniformResourceIdentifier("HTTPS://Example.com/X")]
    request = pki.csr(extensions=[x509.SubjectAlternativeName(names)], commonName="x")
    cert = pki.certificate(world.issue(csr=request)["certificate"])
    assert values(cert, x509.DNSName) == ["a.example.com"]
    assert values(cert, x509.IPAddress) == [ipaddress.ip_address("10.0.0.1")]
    assert values(cert, x509.RFC822Name) == ["User@example.com"]
    assert values(cert, x509.UniformResourceIdentifier) == ["https://example.com/X"]


def test_rules_ignore_the_case_of_host_names(world):
    policy = world.new_policy(sans=[{"type": "dns_name", "allowed": ["*.ACME.com"]}])
    profile = world.new_profile(policy)
    ok(world.ask(profile, altNames=[{"type": "DNS", "value": "Web.Acme.Com"}]))
    refused(world.ask(profile, altNames=[{"type": "DNS", "value": "evilacme.com"}]), 400)


def test_wildcards_need_the_policys_consent(world):
    policy = world.new_policy(sans=[{"type": "dns_name", "allowed": ["*"], "wildcards": False}])
    profile = world.new_profile(policy)
    ok(world.ask(profile, altNames=[{"type": "DNS", "value": "a.example.com"}]))
    refused(world.ask(profile, altNames=[{"type": "DNS", "value": "*.example.com"}]), 400,
            "BadRequest", "wildcard")
