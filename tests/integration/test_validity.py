"""How long certificates live: the grammar of ttl, dates, the CA's end."""
import datetime

import pytest

import pki
from api import ok, refused
from world import iso, utc

BACKDATE = datetime.timedelta(seconds=60)


def life(cert):
    """From now on: backdating does not count."""
    return cert.not_valid_after_utc - cert.not_valid_before_utc - BACKDATE


def close(a, b, seconds=5):
    return abs((a - b).total_seconds()) <= seconds


@pytest.mark.parametrize("ttl,expected", [
    ("1y", {"days": 365}), ("90d", {"days": 90}), ("12h", {"hours": 12}),
    ("7776000s", {"seconds": 7776000}), ("2w", {"weeks": 2}), ("2m", {"minutes": 2}),
    ("1 year", {"days": 365}), ("1.5h", {"minutes": 90}), ("3 Days", {"days": 3}),
    ("30 minutes", {"minutes": 30}), ("90000ms", {"seconds": 90}), ("2 weeks", {"weeks": 2}),
])
def test_ttl(world, ttl, expected):
    cert = pki.certificate(world.issue(ttl=ttl)["certificate"])
    assert close(life(cert) + BACKDATE, datetime.timedelta(**expected) + BACKDATE)
    # One minute back, for clocks that differ.
    assert close(cert.not_valid_before_utc, utc() - BACKDATE)


@pytest.mark.parametrize("ttl", ["", "0d", "-1d", "1", "d", "1x", "1d2h", "1..5d", "101y", "1e3d",
                                 "99999999999999999999d", "١d", " 1d", "1d "])
def test_no_ttl(world, ttl):
    answer = world.ask(ttl=ttl)
    assert answer.status_code in (400, 422), answer.text
    refused(answer, answer.status_code)


def test_a_ttl_longer_than_its_field(world):
    refused(world.ask(ttl="1" * 33 + "d"), 422)


def test_how_long_must_be_said(world):
    refused(world.ask(ttl="absent"), 400, "BadRequest", "ttl")
    profile = world.new_profile(defaults={"ttlDays": 3})
    cert = pki.certificate(world.issue(profile, ttl="absent")["certificate"])
    assert close(life(cert), datetime.timedelta(days=3))
    cert = pki.certificate(world.issue(profile, ttl="5d")["certificate"])
    assert close(life(cert), datetime.timedelta(days=5))


def test_dates(world):
    begin, end = utc(days=2).replace(microsecond=0), utc(days=9).replace(microsecond=0)
    cert = pki.certificate(world.issue(notBefore=iso(begin), notAfter=iso(end))["certificate"])
    assert (cert.not_valid_before_utc, cert.not_valid_after_utc) == (begin, end)
    cert = pki.certificate(world.issue(notAfter=iso(end))["certificate"])
    assert cert.not_valid_after_utc == end
    assert close(cert.not_valid_before_utc, utc() - BACKDATE)


@pytest.mark.parametrize("text,expected", [
    ("{year}", "{year}-01-01T00:00:00"), ("{year}-02", "{year}-02-01T00:00:00"),
    ("{year}-02-03", "{year}-02-03T00:00:00"),
    ("{year}-02-03T04:05:06Z", "{year}-02-03T04:05:06"),
    ("{year}-02-03T04:05:06.789Z", "{year}-02-03T04:05:06"),
    ("{year}-02-03T04:05:06+02:00", "{year}-02-03T02:05:06"),
])
def test_spellings_of_dates(world, text, expected):
    year = utc().year + 1
    cert = pki.certificate(world.issue(notAfter=text.format(year=year))["certificate"])
    assert cert.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%S") == expected.format(year=year)


@pytest.mark.parametrize("attributes,status", [
    ({"notAfter": "tomorrow"}, 422), ({"notAfter": "2027-02-30"}, 422),
    ({"notAfter": "2027-13-01"}, 422), ({"notAfter": "2027-01-01T25:00:00Z"}, 422),
    ({"notBefore": "never", "ttl": "absent", "notAfter": "2028"}, 422),
    ({"ttl": "1d", "notAfter": "2028"}, 400), ({"ttl": "1d", "notBefore": "2028"}, 400),
    ({"notAfter": iso(utc(days=-1))}, 400),
    ({"notBefore": iso(utc(days=5)), "notAfter": iso(utc(days=4))}, 400),
    ({"notBefore": iso(utc(hours=-25)), "notAfter": iso(utc(days=4))}, 400),
    ({"notBefore": iso(utc(days=31)), "notAfter": iso(utc(days=40))}, 400),
], ids=lambda case: str(case)[:60])
def test_no_dates(world, attributes, status):
    refused(world.ask(**attributes), status)


def test_a_csrs_life_comes_from_the_attributes(world):
    cert = pki.certificate(world.issue(csr=pki.csr(commonName="x"), ttl="36h")["certificate"])
    assert close(life(cert), datetime.timedelta(hours=36))


def test_beyond_the_policy(world):
    for limit, fits, too_long in (("30d", "30d", "31d"), ("1m", "30d", "721h"),
                                  ("1y", "365d", "366d"), ("12h", "12h", "721m")):
        profile = world.new_profile(world.new_policy(validity={"max": limit}))
        ok(world.ask(profile, ttl=fits))  # backdating does not count against the maximum
        refused(world.ask(profile, ttl=too_long), 400, "BadRequest", "validation failed",
                "maximum")
    refused(world.ask(profile, notAfter=iso(utc(days=3))), 400, "BadRequest", "maximum")


def test_beyond_the_ca(world):
    ca = world.new_intermediate(world.root_id, life=datetime.timedelta(days=10))
    profile = world.new_profile(caId=ca["id"])
    ok(world.ask(profile, ttl="9d"))
    refused(world.ask(profile, ttl="11d"), 400, "BadRequest", "outlive")
    ok(world.admin.update_ca(ca["id"], onCaExpiry="clamp"))
    answer = ok(world.ask(profile, ttl="11d"))
    cert = pki.certificate(answer["certificate"]["certificate"])
    assert cert.not_valid_after_utc == pki.certificate(world.root_pem(ca["id"])).not_valid_after_utc
    assert any("notAfter" in note for note in answer["adjustments"])
    pki.verify_answer(answer["certificate"])
    # The clamp is told of on the request as well.
    detail = ok(world.admin.get_request(answer["certificateRequestId"]))
    assert detail["adjustments"] == answer["adjustments"]


def test_never_before_the_cas_beginning(world):
    ca = world.new_intermediate(world.root_id)
    cert = pki.certificate(world.issue(world.new_profile(caId=ca["id"]))["certificate"])
    issuer = pki.certificate(world.root_pem(ca["id"]))
    assert cert.not_valid_before_utc >= issuer.not_valid_before_utc


def test_beyond_2050(world):
    """RFC 5280: from 2050 on dates are GeneralizedTime."""
    root = world.new_root(configuration={"notAfter": "2060-01-01T00:00:00Z"})
    profile = world.new_profile(world.new_policy(validity={"max": "50y"}), caId=root["id"])
    issued = world.issue(profile, notAfter="2055-06-07T08:09:10Z")
    cert = pki.certificate(issued["certificate"])
    assert iso(cert.not_valid_after_utc) == "2055-06-07T08:09:10Z"
    assert b"\x18\x0f20550607080910Z" in pki.der(issued["certificate"])
    pki.verify_answer(issued)
