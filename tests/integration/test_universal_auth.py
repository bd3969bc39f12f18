"""Universal auth by a clock that the test moves: lives, periods, uses, lock-out, several secrets.

What needs no clock stands in test_identities.py.
"""
import pytest

import daemon as daemons
from api import Api, ok, refused
from clock import Clock
from world import Member, fresh

WRONG = "chys_" + "A" * 49


class Site:
    """A daemon with a project, whose clock the test moves."""

    def __init__(self, folder, storage, conninfo):
        self.clock = Clock(folder / "clock")
        self.one = daemons.Daemon(folder / "daemon", storage, conninfo, env=self.clock.environment)
        self.one.start()
        self.admin = Api(self.one.ready.url, self.one.ready.token)
        self.project_id = ok(self.admin.create_project(projectName=fresh("p")))["project"]["id"]

    def member(self, **settings):
        return Member(self.admin, self.project_id, "auditor", **settings)

    def log_in(self, member, secret=None):
        """A token of the member's, as an API."""
        body = ok(member.log_in(**({"clientSecret": secret} if secret else {})))
        return self.admin.with_token(body["accessToken"])

    def works(self, api):
        answer = api.get_project(self.project_id)
        if answer.status_code == 200:
            return True
        refused(answer, 403, "TokenError")
        return False

    def pass_by(self, seconds):
        self.clock.advance(seconds=seconds)


@pytest.fixture(scope="module")
def site(chancery, storage, database, tmp_path_factory):
    made = None
    try:
        made = Site(tmp_path_factory.mktemp("universal-auth"), storage, database(storage))
        yield made
        made.one.stop()
    finally:
        if made is not None:
            made.one.kill()


def renewed(member, api):
    return member.anonymous.renew_token(accessToken=api.token)


# --- tokens ---------------------------------------------------------------------------------------

def test_a_token_is_renewed_up_to_its_longest_life(site):
    member = site.member(accessTokenTTL=100, accessTokenMaxTTL=250)
    api = site.log_in(member)
    for left in (100, 90):  # 160 after the log-in only 90 are left
        site.pass_by(80)
        body = ok(renewed(member, api))
        assert left - 5 <= body["expiresIn"] <= left and body["accessTokenMaxTTL"] == 250
        assert body["accessToken"] == api.token
    site.pass_by(80)
    assert site.works(api)
    site.pass_by(12)
    assert not site.works(api)
    refused(renewed(member, api), 403, "TokenError")
    assert site.works(site.log_in(member))


def test_a_token_that_is_not_renewed_ends_with_its_ttl(site):
    member = site.member(accessTokenTTL=100, accessTokenMaxTTL=250)
    api = site.log_in(member)
    site.pass_by(97)
    assert site.works(api)
    site.pass_by(5)
    assert not site.works(api)


def test_a_period_is_renewed_for_ever(site):
    """The period takes the place of both lives."""
    member = site.member(accessTokenTTL=30, accessTokenMaxTTL=60, accessTokenPeriod=100)
    assert member.login["expiresIn"] == 100 and member.login["accessTokenMaxTTL"] == 315360000
    api = site.log_in(member)
    for _ in range(10):
        site.pass_by(95)
        assert ok(renewed(member, api))["expiresIn"] in range(95, 101)
    site.pass_by(102)
    assert not site.works(api)


@pytest.mark.parametrize("settings, ends", [({"accessTokenTTL": 0, "accessTokenMaxTTL": 0}, None),
                                            ({"accessTokenTTL": 0, "accessTokenMaxTTL": 300}, 300)])
def test_a_ttl_of_nothing(site, settings, ends):
    """Without a TTL it lives as long as it may; without a longest life, for ever."""
    member = site.member(**settings)
    assert member.login["expiresIn"] == (ends or 0)
    api = site.log_in(member)
    site.pass_by(290)
    assert site.works(api)
    ok(renewed(member, api))
    site.pass_by(15)
    assert site.works(api) == (ends is None)
    site.pass_by(400 * 86400)
    assert site.works(api) == (ends is None)


def test_renewing_brings_no_uses_back(site):
    member = site.member(accessTokenNumUsesLimit=3)
    api = site.log_in(member)
    assert site.works(api) and site.works(api)
    ok(renewed(member, api))
    assert site.works(api) and not site.works(api)
    refused(renewed(member, api), 403, "TokenError")
    ok(member.anonymous.revoke_token(accessToken=api.token))


def test_revoking_one_token_ends_no_other(site):
    member = site.member()
    one, other = site.log_in(member), site.log_in(member)
    assert "revoked" in ok(member.anonymous.revoke_token(accessToken=one.token))["message"]
    assert not site.works(one) and site.works(other)


def test_settings_are_those_of_the_log_in(site):
    """What is out stays as it was; who wants it ended revokes its secret."""
    member = site.member(accessTokenTTL=1000, accessTokenMaxTTL=1000)
    before = site.log_in(member)
    ok(site.admin.update_universal_auth(
        member.id, accessTokenTTL=10, accessTokenTrustedIps=[{"ipAddress": "203.0.113.0/24"}]))
    after = site.log_in(member)
    assert site.works(before)
    refused(after.get_project(site.project_id), 403, "ForbiddenError")
    ok(site.admin.update_universal_auth(member.id,
                                        accessTokenTrustedIps=[{"ipAddress": "127.0.0.1"}]))
    after = site.log_in(member)
    site.pass_by(12)
    assert site.works(before) and not site.works(after)
    ok(site.admin.revoke_client_secret(member.id, member.client_secret_id))
    assert not site.works(before)


# --- client secrets -------------------------------------------------------------------------------

def test_several_secrets_at_once(site):
    """A secret is replaced without a gap: both work until the old one is revoked."""
    member = site.member()
    made = [ok(site.admin.create_client_secret(member.id, description=name))
            for name in ("second", "third")]
    assert len({member.client_secret, *(one["clientSecret"] for one in made)}) == 3
    old = site.log_in(member)
    second, third = (site.log_in(member, one["clientSecret"]) for one in made)
    ok(site.admin.revoke_client_secret(member.id, member.client_secret_id))
    refused(member.log_in(), 401, "UnauthorizedError")
    assert not site.works(old) and site.works(second) and site.works(third)
    assert site.works(site.log_in(member, made[0]["clientSecret"]))
    listed = {one["id"]: one for one in
              ok(site.admin.list_client_secrets(member.id))["clientSecretData"]}
    assert listed[made[0]["clientSecretData"]["id"]]["clientSecretNumUses"] == 2
    assert listed[made[1]["clientSecretData"]["id"]]["clientSecretNumUses"] == 1
    assert listed[made[1]["clientSecretData"]["id"]]["description"] == "third"


def test_a_secret_with_a_life_of_its_own(site):
    member = site.member(accessTokenTTL=1000)
    made = ok(site.admin.create_client_secret(member.id, ttl=60))
    api = site.log_in(member, made["clientSecret"])
    site.pass_by(57)
    assert site.works(site.log_in(member, made["clientSecret"]))
    site.pass_by(5)
    refused(member.log_in(clientSecret=made["clientSecret"]), 401, "UnauthorizedError")
    assert site.works(api)  # it logged in in time
    assert site.works(site.log_in(member))


def test_a_secrets_last_use(site):
    member = site.member()
    made = ok(site.admin.create_client_secret(member.id, numUsesLimit=1))
    api = site.log_in(member, made["clientSecret"])
    refused(member.log_in(clientSecret=made["clientSecret"]), 401, "UnauthorizedError")
    assert site.works(api)


# --- lock-out -------------------------------------------------------------------------------------

def fails(member):
    return refused(member.log_in(clientSecret=WRONG), 401, "UnauthorizedError")["message"]


def test_a_lock_out_ends_with_its_time(site):
    member = site.member(lockoutThreshold=2, lockoutDurationSeconds=60)
    fails(member), fails(member)
    refused(member.log_in(), 401, "UnauthorizedError", "locked")
    site.pass_by(55)
    refused(member.log_in(), 401, "UnauthorizedError", "locked")
    site.pass_by(10)
    ok(member.log_in())


def test_failures_are_forgotten_after_a_while(site):
    member = site.member(lockoutThreshold=2, lockoutCounterResetSeconds=20)
    fails(member)
    site.pass_by(25)
    fails(member)
    ok(member.log_in())
    fails(member)
    site.pass_by(5)
    fails(member)
    refused(member.log_in(), 401, "UnauthorizedError", "locked")


def test_a_lock_out_is_of_one_client(site):
    locked, free = site.member(lockoutThreshold=1), site.member(lockoutThreshold=1)
    fails(locked)
    refused(locked.log_in(), 401, "UnauthorizedError", "locked")
    ok(free.log_in())
