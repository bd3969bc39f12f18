"""Machine identities, their memberships, universal auth and its log-in."""
import time
from urllib.parse import urlencode

import pytest

from api import TIME, UUID, Api, issue_paths, ok, refused
from world import Member, fresh

NOBODY = "00000000-0000-7000-8000-000000000000"
WRONG = "chys_wrong"


@pytest.fixture
def member(admin, world):
    """A member for one test that changes it."""
    return Member(admin, world.project_id, "issuer")


# --- identities ----------------------------------------------------------------------------------

def test_create_and_read(admin):
    made = ok(admin.create_identity(name="deployer", organizationId=NOBODY))["identity"]
    assert UUID.match(made["id"]) and TIME.match(made["createdAt"])
    assert (made["name"], made["role"], made["type"]) == ("deployer", "no-access", "machine")
    assert ok(admin.get_identity(made["id"]))["identity"] == made
    new = ok(admin.update_identity(made["id"], name="deployer 2", role="auditor"))["identity"]
    assert (new["name"], new["role"]) == ("deployer 2", "auditor")
    listed = ok(admin.list_identities(query={"search": "deployer 2"}))
    assert made["id"] in [one["id"] for one in listed["identities"]]
    assert listed["totalCount"] >= 1
    assert ok(admin.delete_identity(made["id"]))["identity"]["id"] == made["id"]
    refused(admin.get_identity(made["id"]), 404)


def test_the_administrator_cannot_lock_itself_out(admin):
    mine = ok(admin.list_identities(query={"name": "admin", "type": "user"}))["identities"]
    assert len(mine) == 1
    refused(admin.update_identity(mine[0]["id"], role="no-access"), 403, "ForbiddenError")
    refused(admin.delete_identity(mine[0]["id"]), 403, "ForbiddenError")


def test_create_in_a_project(admin, world):
    made = ok(admin.create_project_identity(world.project_id, name="agent"))["identity"]
    assert made["name"] == "agent" and made["role"] == "no-access"
    there = ok(admin.get_member(world.project_id, made["id"]))["identityMembership"]
    assert (there["role"], there["projectId"], there["identityId"]) == (
        "no-access", world.project_id, made["id"])


def test_memberships(admin, world, other_world):
    made = ok(admin.create_project_identity(world.project_id, name="agent"))["identity"]
    added = ok(admin.add_member(other_world.project_id, made["id"], role="auditor"))
    assert added["identityMembership"]["role"] == "auditor"
    refused(admin.add_member(other_world.project_id, made["id"], role="issuer"), 400, "BadRequest")
    changed = ok(admin.update_member(other_world.project_id, made["id"], role="issuer"))
    assert changed["identityMembership"]["role"] == "issuer"
    listed = ok(admin.list_project_identities(other_world.project_id))["identityMemberships"]
    shown = [one for one in listed if one["identityId"] == made["id"]]
    assert shown[0]["role"] == "issuer" and shown[0]["identity"]["name"] == "agent"
    ok(admin.remove_member(other_world.project_id, made["id"]))
    refused(admin.get_member(other_world.project_id, made["id"]), 404)
    refused(admin.remove_member(other_world.project_id, made["id"]), 404)
    ok(admin.get_member(world.project_id, made["id"]))
    assert "role" in issue_paths(admin.add_member(other_world.project_id, made["id"]))
    assert "role" in issue_paths(admin.update_member(world.project_id, made["id"], role="boss"))


def test_a_changed_role_counts_at_once(world, member):
    ok(member.api.get_profile(world.profile_id))
    ok(world.admin.update_member(world.project_id, member.id, role="no-access"))
    refused(member.api.get_profile(world.profile_id), 403, "PermissionDenied")
    ok(world.admin.remove_member(world.project_id, member.id))
    assert member.api.get_profile(world.profile_id).status_code in (403, 404)


@pytest.mark.parametrize("role", ["issuer", "auditor", "no-access"])
def test_only_admins_manage_identities(world, role):
    api, other = world.member(role).api, world.member("issuer").id
    for answer in (api.create_project_identity(world.project_id, name="mine", role="admin"),
                   api.add_member(world.project_id, other, role="admin"),
                   api.update_member(world.project_id, other, role="admin"),
                   api.remove_member(world.project_id, other),
                   api.attach_universal_auth(other), api.update_universal_auth(other),
                   api.create_client_secret(other), api.detach_universal_auth(other),
                   api.update_identity(other, name="mine"), api.delete_identity(other)):
        refused(answer, 403, "PermissionDenied")


def test_nobody_raises_itself(world, member):
    refused(member.api.update_member(world.project_id, member.id, role="admin"), 403,
            "PermissionDenied")
    refused(member.api.update_identity(member.id, role="admin"), 403)


def test_a_project_admin_has_no_say_in_the_instance(world):
    api, other = world.member("admin").api, world.member("auditor").id
    refused(api.create_identity(name="mine", role="admin"), 403, "PermissionDenied")
    refused(api.update_identity(other, role="admin"), 403, "PermissionDenied")
    refused(api.list_identities(), 403, "PermissionDenied")
    made = ok(api.create_project_identity(world.project_id, name="helper", role="issuer"))
    ok(api.attach_universal_auth(made["identity"]["id"]))
    ok(api.delete_identity(made["identity"]["id"]))


def test_who_has_a_role_in_the_instance_is_out_of_a_project_admins_reach(admin, world):
    """Else who gives it a client secret could act as it."""
    boss = ok(admin.create_identity(name="boss", role="admin"))["identity"]["id"]
    ok(admin.add_member(world.project_id, boss, role="auditor"))
    api = world.member("admin").api
    for answer in (api.attach_universal_auth(boss), api.create_client_secret(boss),
                   api.update_identity(boss, name="mine"), api.delete_identity(boss)):
        refused(answer, 403, "PermissionDenied")


def test_a_foreign_identity_is_not_found(world, other_world):
    api, other = other_world.member("admin").api, world.member("issuer").id
    for answer in (api.get_identity(other), api.update_identity(other, name="mine"),
                   api.delete_identity(other), api.attach_universal_auth(other),
                   api.get_universal_auth(other), api.update_universal_auth(other),
                   api.detach_universal_auth(other), api.create_client_secret(other),
                   api.list_client_secrets(other), api.get_client_secret(other, NOBODY),
                   api.revoke_client_secret(other, NOBODY),
                   api.add_member(other_world.project_id, other, role="auditor"),
                   api.get_member(world.project_id, other),
                   api.list_project_identities(world.project_id)):
        refused(answer, 404, "NotFound")


# --- universal auth ------------------------------------------------------------------------------

def test_settings(admin, world):
    made = ok(admin.create_project_identity(world.project_id, name="agent"))["identity"]["id"]
    refused(admin.get_universal_auth(made), 404)
    refused(admin.create_client_secret(made), 404)
    auth = ok(admin.attach_universal_auth(made))["identityUniversalAuth"]
    everywhere = [{"ipAddress": "0.0.0.0/0"}, {"ipAddress": "::/0"}]
    assert auth["clientSecretTrustedIps"] == auth["accessTokenTrustedIps"] == everywhere
    assert auth["accessTokenTTL"] == auth["accessTokenMaxTTL"] == 2592000
    assert auth["accessTokenNumUsesLimit"] == auth["accessTokenPeriod"] == 0
    assert (auth["lockoutEnabled"], auth["lockoutThreshold"], auth["lockoutDurationSeconds"],
            auth["lockoutCounterResetSeconds"]) == (True, 3, 300, 30)
    assert auth["clientId"] and auth["identityId"] == made
    assert ok(admin.get_universal_auth(made))["identityUniversalAuth"] == auth
    refused(admin.attach_universal_auth(made), 400, "BadRequest")
    new = ok(admin.update_universal_auth(made, accessTokenTTL=60))["identityUniversalAuth"]
    assert new["accessTokenTTL"] == 60 and new["clientId"] == auth["clientId"]
    assert ok(admin.detach_universal_auth(made))["identityUniversalAuth"]["identityId"] == made
    refused(admin.get_universal_auth(made), 404)


@pytest.mark.parametrize("settings,where", [
    ({"accessTokenTTL": -1}, "accessTokenTTL"), ({"accessTokenTTL": 315360001}, "accessTokenTTL"),
    ({"accessTokenTTL": 100, "accessTokenMaxTTL": 99}, "accessTokenTTL"),
    ({"accessTokenTTL": "60"}, "accessTokenTTL"), ({"lockoutThreshold": 0}, "lockoutThreshold"),
    ({"lockoutThreshold": 31}, "lockoutThreshold"),
    ({"lockoutDurationSeconds": 29}, "lockoutDurationSeconds"),
    ({"lockoutCounterResetSeconds": 3601}, "lockoutCounterResetSeconds"),
    ({"lockoutEnabled": 1}, "lockoutEnabled"),
    ({"accessTokenTrustedIps": []}, "accessTokenTrustedIps"),
    ({"accessTokenTrustedIps": [{"ipAddress": "here"}]}, "accessTokenTrustedIps.0.ipAddress"),
    ({"clientSecretTrustedIps": [{"ipAddress": "10.0.0.0/33"}]},
     "clientSecretTrustedIps.0.ipAddress"),
], ids=lambda case: str(case)[:50])
def test_settings_out_of_range(admin, world, settings, where):
    made = ok(admin.create_project_identity(world.project_id, name="agent"))["identity"]["id"]
    assert where in issue_paths(admin.attach_universal_auth(made, json=settings))


def test_client_secrets(admin, world):
    member = Member(admin, world.project_id, "auditor")
    made = ok(admin.create_client_secret(member.id, description="ci", numUsesLimit=5, ttl=3600))
    data = made["clientSecretData"]
    assert set(data) >= {"id", "createdAt", "updatedAt", "description", "clientSecretPrefix",
                         "clientSecretNumUses", "clientSecretNumUsesLimit", "clientSecretTTL",
                         "identityUAId", "isClientSecretRevoked"}
    assert made["clientSecret"].startswith("chys_")
    assert (data["description"], data["clientSecretNumUses"], data["clientSecretNumUsesLimit"],
            data["clientSecretTTL"], data["isClientSecretRevoked"]) == ("ci", 0, 5, 3600, False)
    # 256 random bits of which lists show so much that people find theirs.
    assert len(data["clientSecretPrefix"]) <= 6
    listed = ok(admin.list_client_secrets(member.id))["clientSecretData"]
    assert data["id"] in [one["id"] for one in listed]
    assert made["clientSecret"] not in str(listed)
    assert ok(admin.get_client_secret(member.id, data["id"]))["clientSecretData"] == data
    revoked = ok(admin.revoke_client_secret(member.id, data["id"]))["clientSecretData"]
    assert revoked["isClientSecretRevoked"] is True
    refused(admin.get_client_secret(member.id, NOBODY), 404)
    refused(admin.get_client_secret(world.member("issuer").id, data["id"]), 404)
    assert "ttl" in issue_paths(admin.create_client_secret(member.id, ttl=-1))


# --- log-in --------------------------------------------------------------------------------------

def test_login(member):
    assert set(member.login) == {"accessToken", "expiresIn", "accessTokenMaxTTL", "tokenType"}
    assert member.login["tokenType"] == "Bearer"
    assert member.login["expiresIn"] == member.login["accessTokenMaxTTL"] == 2592000
    answer = member.log_in(organizationSlug="acme", subOrganizationName="unit")
    assert ok(answer)["accessToken"] != member.login["accessToken"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_login_trims(member):
    ok(member.log_in(clientId=f"  {member.client_id}\n", clientSecret=f" {member.client_secret} "))


def test_login_by_form(member):
    form = urlencode({"clientId": member.client_id, "clientSecret": member.client_secret})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ok(member.anonymous.log_in(data=form, headers=kind))["tokenType"] == "Bearer"
    for broken in ("clientId=%zz", "clientId=%ff%fe&clientSecret=x", "clientId=%"):
        assert member.anonymous.log_in(data=broken, headers=kind).status_code in (400, 401, 422)
    refused(member.anonymous.log_in(data="clientId=x", headers=kind), 422)


def test_wrong_credentials_read_alike(member):
    wrong_secret = refused(member.log_in(clientSecret=WRONG), 401, "UnauthorizedError")
    wrong_id = refused(member.log_in(clientId=NOBODY), 401, "UnauthorizedError")
    neither = refused(member.log_in(clientId="nonsense", clientSecret=WRONG), 401)
    assert wrong_secret["message"] == wrong_id["message"] == neither["message"]


def test_anothers_secret_does_not_fit(member, world):
    other = world.member("auditor")
    refused(member.log_in(clientSecret=other.client_secret), 401)


def test_lockout(admin, world):
    member = Member(admin, world.project_id, "auditor", lockoutThreshold=2)
    refused(member.log_in(clientSecret=WRONG), 401)
    ok(member.log_in())  # a success forgets failures
    refused(member.log_in(clientSecret=WRONG), 401)
    refused(member.log_in(clientSecret=WRONG), 401)
    refused(member.log_in(), 401, "UnauthorizedError", "locked")
    ok(member.api.get_project(world.project_id))  # tokens that are out go on
    ok(world.member("auditor").log_in())           # and so do others


def test_no_lockout_where_it_is_off(admin, world):
    member = Member(admin, world.project_id, "auditor", lockoutEnabled=False)
    for _ in range(5):
        refused(member.log_in(clientSecret=WRONG), 401)
    ok(member.log_in())


def test_a_revoked_secret_ends_its_tokens(member, world):
    ok(member.api.get_project(world.project_id))
    ok(world.admin.revoke_client_secret(member.id, member.client_secret_id))
    refused(member.api.get_project(world.project_id), 403, "TokenError")
    refused(member.log_in(), 401)


def test_a_secrets_uses_are_counted(admin, world):
    member = Member(admin, world.project_id, "auditor")
    made = ok(admin.create_client_secret(member.id, numUsesLimit=2))
    for _ in range(2):
        ok(member.log_in(clientSecret=made["clientSecret"]))
    refused(member.log_in(clientSecret=made["clientSecret"]), 401)
    data = ok(admin.get_client_secret(member.id, made["clientSecretData"]["id"]))
    assert data["clientSecretData"]["clientSecretNumUses"] == 2


def test_a_secret_expires(admin, world):
    member = Member(admin, world.project_id, "auditor")
    made = ok(admin.create_client_secret(member.id, ttl=1))
    time.sleep(1.1)
    refused(member.log_in(clientSecret=made["clientSecret"]), 401)


def test_a_token_expires(admin, world):
    member = Member(admin, world.project_id, "auditor", accessTokenTTL=1, accessTokenMaxTTL=2)
    assert member.login["expiresIn"] == 1 and member.login["accessTokenMaxTTL"] == 2
    time.sleep(1.1)
    refused(member.api.get_project(world.project_id), 403, "TokenError")


def test_a_tokens_uses_are_counted(admin, world):
    member = Member(admin, world.project_id, "auditor", accessTokenNumUsesLimit=2)
    for _ in range(2):
        ok(member.api.get_project(world.project_id))
    refused(member.api.get_project(world.project_id), 403, "TokenError")


def test_trusted_addresses(admin, world):
    elsewhere = [{"ipAddress": "203.0.113.0/24"}]
    here = [{"ipAddress": "127.0.0.0/8"}, {"ipAddress": "::1"}]
    member = Member(admin, world.project_id, "auditor", accessTokenTrustedIps=elsewhere,
                    clientSecretTrustedIps=here)
    refused(member.api.get_project(world.project_id), 403)
    ok(admin.update_universal_auth(member.id, clientSecretTrustedIps=elsewhere))
    refused(member.log_in(), 403, "ForbiddenError")
    # A header says nothing about where a request comes from unless a proxy is trusted.
    answer = member.anonymous.log_in(
        json={"clientId": member.client_id, "clientSecret": member.client_secret},
        headers={"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"})
    refused(answer, 403, "ForbiddenError")


def test_renewing_and_revoking_a_token(admin, world):
    member = Member(admin, world.project_id, "auditor", accessTokenTTL=100, accessTokenMaxTTL=200)
    token = member.login["accessToken"]
    renewed = ok(member.anonymous.renew_token(accessToken=token))
    assert renewed["accessToken"] == token and 90 <= renewed["expiresIn"] <= 100
    ok(member.anonymous.revoke_token(accessToken=token))
    refused(member.api.get_project(world.project_id), 403, "TokenError")
    refused(member.anonymous.renew_token(accessToken=token), 403, "TokenError")
    refused(member.anonymous.revoke_token(accessToken=token), 403, "TokenError")
    refused(member.anonymous.renew_token(accessToken="nonsense"), 401)


def test_a_deleted_identity_is_out_at_once(member, world):
    ok(world.admin.delete_identity(member.id))
    refused(member.api.get_project(world.project_id), 403, "TokenError")
    refused(member.log_in(), 401)


def test_detached_universal_auth_ends_its_tokens(member, world):
    ok(world.admin.detach_universal_auth(member.id))
    refused(member.api.get_project(world.project_id), 403, "TokenError")
    refused(member.log_in(), 401)


def test_tokens_are_not_in_the_log(daemon, member):
    log = daemon.log()
    for secret in (member.login["accessToken"], member.client_secret):
        assert secret not in log and secret[5:] not in log


def test_identities_by_role(world):
    other = world.member("admin").id
    auditor = world.member("auditor").api
    ok(auditor.list_project_identities(world.project_id))
    ok(auditor.get_member(world.project_id, other))
    ok(auditor.get_identity(other))
    ok(auditor.get_universal_auth(other))
    ok(auditor.list_client_secrets(other))
    for role in ("issuer", "no-access"):
        api = world.member(role).api
        refused(api.list_project_identities(world.project_id), 403, "PermissionDenied")
        refused(api.get_member(world.project_id, other), 403, "PermissionDenied")


def test_a_token_works_on_any_connection(daemon, member, world):
    for _ in range(3):
        ok(Api(daemon.ready.url, member.login["accessToken"]).get_project(world.project_id))
