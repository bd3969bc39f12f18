"""When a certificate renews itself: decided by its profile when it is issued, changed for each."""
import datetime

import pytest

import pki
from api import issue_paths, ok, refused

NOBODY = "00000000-0000-4000-8000-000000000000"
AUTO = {"autoRenew": True, "renewBeforeDays": 7}


@pytest.fixture(scope="module")
def profile(world):
    return world.new_profile(apiConfig=AUTO)


def new(world, profile_id, **how):
    return world.issue(profile_id, **how)["certificateId"]


def row(world, certificate_id):
    return ok(world.admin.get_certificate(certificate_id))["certificate"]


def left(seen):
    """How long before its end it is due."""
    end, due = (datetime.datetime.fromisoformat(seen[name].replace("Z", "+00:00"))
                for name in ("notAfter", "renewAt"))
    return end - due


def minutes(count):
    return datetime.timedelta(minutes=count)


def test_the_profile_decides(world, profile):
    seen = row(world, new(world, profile, ttl="90d"))
    assert seen["renewBeforeDays"] == 7 and seen["renewBefore"] == "7d"
    assert left(seen) == datetime.timedelta(days=7)
    assert seen["renewalError"] is None


@pytest.mark.parametrize("config, ttl, expected", [
    ({"autoRenew": True, "renewBefore": "30m"}, "2h", minutes(30)),
    ({"autoRenew": True, "renewBefore": "90m"}, "1d", minutes(90)),
    # A threshold that is not shorter than the life becomes a third of it.
    ({"autoRenew": True, "renewBefore": "2h"}, "2h", minutes(40)),
    ({"autoRenew": True, "renewBefore": "3h"}, "2h", minutes(40)),
    ({"autoRenew": True, "renewBeforeDays": 7}, "7d", minutes(56 * 60)),
    ({"autoRenew": True, "renewBeforeDays": 30}, "24h", minutes(8 * 60)),
    # One that is hardly shorter leaves a fifth of it: else each successor were due at once.
    ({"autoRenew": True, "renewBefore": "119m"}, "2h", minutes(96)),
    ({"autoRenew": True, "renewBefore": "97m"}, "2h", minutes(96)),
    ({"autoRenew": True, "renewBefore": "90s"}, "2m", minutes(1.5)),
])
def test_the_threshold(world, config, ttl, expected):
    seen = row(world, new(world, world.new_profile(apiConfig=config), ttl=ttl))
    # The part of a second that notAfter loses.
    assert abs(left(seen) - expected) < datetime.timedelta(seconds=1), seen


@pytest.mark.parametrize("config", [
    {"autoRenew": False, "renewBeforeDays": 7}, {"autoRenew": True}, {"renewBefore": "30m"}])
def test_a_profile_that_does_not_renew(world, config):
    seen = row(world, new(world, world.new_profile(apiConfig=config)))
    assert seen["renewBeforeDays"] is seen["renewBefore"] is seen["renewAt"] is None


@pytest.mark.parametrize("retention", ["once", "none"])
def test_without_a_key_nothing_renews(world, retention):
    seen = row(world, new(world, world.new_profile(apiConfig=AUTO, keyRetention=retention)))
    assert seen["renewAt"] is None


def test_a_csr_does_not_renew(world, profile):
    seen = row(world, new(world, profile, csr=pki.csr(commonName="csr.example.com")))
    assert seen["renewAt"] is None


def test_profiles_take_one_of_two(world):
    body = {"apiConfig": {**AUTO, "renewBefore": "30m"}}
    paths = issue_paths(world.admin.create_profile(json={
        "projectId": world.project_id, "caId": world.ca_id, "slug": "two-of-two",
        "certificatePolicyId": world.policy_id, "enrollmentType": "api", **body}))
    assert "apiConfig.renewBefore" in paths
    profile_id = world.new_profile(apiConfig=AUTO)
    changed = ok(world.admin.update_profile(profile_id, apiConfig={"renewBefore": "30m"}))
    assert changed["certificateProfile"]["apiConfig"]["renewBeforeDays"] is None
    assert changed["certificateProfile"]["apiConfig"]["renewBefore"] == "30m"
    changed = ok(world.admin.update_profile(profile_id, apiConfig={"renewBeforeDays": 3}))
    assert changed["certificateProfile"]["apiConfig"]["renewBefore"] is None


@pytest.mark.parametrize("text", ["", "soon", "0m", "-1d", 30, "101y"])
def test_profiles_refuse_what_is_no_duration(world, text):
    paths = issue_paths(world.admin.update_profile(world.profile_id,
                                                   apiConfig={"renewBefore": text}))
    assert paths == {"apiConfig.renewBefore"}


def test_a_threshold_is_set_and_taken_away(world, profile):
    certificate = new(world, profile, ttl="90d")
    answer = ok(world.admin.configure_renewal(certificate, renewBeforeDays=20))
    assert answer["renewBeforeDays"] == 20 and "renewBefore" not in answer and answer["message"]
    assert left(row(world, certificate)) == datetime.timedelta(days=20)
    answer = ok(world.admin.configure_renewal(certificate, renewBefore="90m"))
    assert answer["renewBefore"] == "90m" and "renewBeforeDays" not in answer
    assert left(row(world, certificate)) == minutes(90)
    answer = ok(world.admin.configure_renewal(certificate, enableAutoRenewal=False))
    assert set(answer) == {"message"}
    seen = row(world, certificate)
    assert seen["renewBeforeDays"] is seen["renewBefore"] is seen["renewAt"] is None
    # Alone, enabling means: as the profile says.
    answer = ok(world.admin.configure_renewal(certificate, enableAutoRenewal=True))
    assert answer["renewBeforeDays"] == 7
    assert left(row(world, certificate)) == datetime.timedelta(days=7)


def test_what_was_chosen_for_one_holds_for_its_successors(world, profile):
    def successor(certificate):
        made = ok(world.admin.renew(certificate))["certificateId"]
        return made, row(world, made)

    certificate = new(world, profile, ttl="90d")
    ok(world.admin.configure_renewal(certificate, renewBefore="36h"))
    for _ in range(2):
        certificate, seen = successor(certificate)
        assert seen["renewBefore"] == "36h" and left(seen) == datetime.timedelta(hours=36)
    ok(world.admin.configure_renewal(certificate, enableAutoRenewal=False))
    for _ in range(2):
        certificate, seen = successor(certificate)
        assert seen["renewBefore"] is seen["renewAt"] is None
    # As the profile says, whatever it says by then.
    ok(world.admin.configure_renewal(certificate, enableAutoRenewal=True))
    own = world.new_profile(apiConfig=AUTO)
    other = new(world, own, ttl="90d")
    ok(world.admin.update_profile(own, apiConfig={"renewBeforeDays": 3}))
    assert successor(other)[1]["renewBeforeDays"] == 3
    certificate, seen = successor(certificate)
    assert seen["renewBeforeDays"] == 7
    # A profile that renews nothing by itself: the choice is the certificate's.
    quiet = world.new_profile(apiConfig={"renewBeforeDays": 5})
    certificate = new(world, quiet, ttl="90d")
    assert row(world, certificate)["renewAt"] is None
    ok(world.admin.configure_renewal(certificate, enableAutoRenewal=True))
    assert successor(certificate)[1]["renewBeforeDays"] == 5


@pytest.mark.parametrize("body, paths", [
    ({"renewBeforeDays": 0}, {"renewBeforeDays"}),
    ({"renewBeforeDays": 31}, {"renewBeforeDays"}),
    ({"renewBeforeDays": "7"}, {"renewBeforeDays"}),
    ({"renewBefore": "soon"}, {"renewBefore"}),
    ({"renewBefore": ""}, {"renewBefore"}),
    ({"renewBefore": "1d", "renewBeforeDays": 1}, {"renewBefore"}),
    ({"renewBeforeDays": 7, "enableAutoRenewal": False}, {"enableAutoRenewal"}),
    ({"renewBefore": "7d", "enableAutoRenewal": False}, {"enableAutoRenewal"}),
    ({"enableAutoRenewal": "yes"}, {"enableAutoRenewal"}),
    ({}, {""}),
])
def test_malformed(world, profile, body, paths):
    answer = world.admin.configure_renewal(new(world, profile), json=body)
    assert issue_paths(answer) == paths


def test_who_may_not_be_renewed(world, profile):
    ask = world.admin.configure_renewal
    refused(ask(new(world, profile, ttl="10d"), renewBeforeDays=10), 400, "BadRequest")
    refused(ask(new(world, profile, ttl="2h"), renewBefore="1d"), 400, "BadRequest")
    refused(ask(new(world, profile, csr=pki.csr(commonName="csr.example.com")), renewBeforeDays=7), 403,
            "ForbiddenError", "key")
    once = new(world, world.new_profile(keyRetention="once"))
    refused(ask(once, renewBeforeDays=7), 403, "ForbiddenError")
    revoked = new(world, profile)
    ok(world.admin.revoke(revoked, revocationReason="SUPERSEDED"))
    refused(ask(revoked, renewBeforeDays=7), 400, "BadRequest", "revoked")
    assert ok(ask(revoked, enableAutoRenewal=False))["message"]
    silent = new(world, world.profile_id)
    refused(ask(silent, enableAutoRenewal=True), 400, "BadRequest", "threshold")


def test_permission_and_ids(world, other_world, profile):
    certificate = new(world, profile)
    body = {"renewBeforeDays": 9}
    refused(world.member("auditor").api.configure_renewal(certificate, json=body), 403,
            "PermissionDenied")
    refused(world.member("issuer").api.configure_renewal(certificate, json=body), 403,
            "PermissionDenied")
    refused(other_world.member("admin").api.configure_renewal(certificate, json=body), 404,
            "NotFound")
    refused(world.admin.configure_renewal(NOBODY, json=body), 404, "NotFound")
    issue_paths(world.admin.configure_renewal("no-uuid", json=body))
    refused(world.admin.with_token(None).configure_renewal(certificate, json=body), 401)
    assert row(world, certificate)["renewBeforeDays"] == 7
