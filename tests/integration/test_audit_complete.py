"""Every route that changes something leaves exactly one row, and each action has a name in the docs."""
import pathlib
import re

import pytest

from api import ROUTES, ok
from world import Member, iso, fresh, utc

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "audit.md"
NAMES = set(re.findall(r"^\| `([a-z-]+(?:\.[a-z0-9-]+)?)`", DOCS.read_text(encoding="utf-8"), re.M))


def rows_of(api, answer):
    return ok(api.list_audit_logs(query={"requestId": answer.headers["X-Request-Id"],
                                         "limit": 100}))["auditLogs"]


@pytest.fixture
def calls(admin, world):
    """One successful call of each route that changes something: (action, target id) by route."""
    made = {}

    def did(name, answer, action, target=None):
        ok(answer)
        made[name] = (answer, action, target)
        return answer.json()

    project = did("create_project", admin.create_project(projectName=fresh("p")),
                  "project.create")["project"]["id"]
    did("update_project", admin.update_project(project, description="x"), "project.update", project)
    did("activate_project", admin.activate_project(projectId=project), "project.activate", project)
    policy = did("create_policy", admin.create_policy(
        projectId=world.project_id, name=fresh("policy")), "certificate-policy.create")
    policy_id = policy["certificatePolicy"]["id"]
    did("update_policy", admin.update_policy(policy_id, description="x"),
        "certificate-policy.update", policy_id)
    did("delete_policy", admin.delete_policy(policy_id), "certificate-policy.delete", policy_id)
    identity = did("create_identity", admin.create_identity(name=fresh("i")),
                   "identity.create")["identity"]["id"]
    did("update_identity", admin.update_identity(identity, name=fresh("j")), "identity.update",
        identity)
    did("add_member", admin.add_member(project, identity, role="issuer"),
        "identity-membership.create")
    did("update_member", admin.update_member(project, identity, role="auditor"),
        "identity-membership.update")
    did("remove_member", admin.remove_member(project, identity), "identity-membership.delete")
    did("attach_universal_auth", admin.attach_universal_auth(identity), "universal-auth.create")
    did("update_universal_auth", admin.update_universal_auth(identity, accessTokenTTL=60),
        "universal-auth.update")
    secret = did("create_client_secret", admin.create_client_secret(identity),
                 "client-secret.create")["clientSecretData"]["id"]
    did("revoke_client_secret", admin.revoke_client_secret(identity, secret),
        "client-secret.revoke")
    did("detach_universal_auth", admin.detach_universal_auth(identity), "universal-auth.delete")
    did("delete_identity", admin.delete_identity(identity), "identity.delete", identity)
    did("delete_project", admin.delete_project(project), "project.delete", project)
    member = Member(admin, world.project_id, "issuer")
    answer = member.log_in()
    token = did("log_in", answer, "universal-auth.login")["accessToken"]
    did("renew_token", member.anonymous.renew_token(accessToken=token), "access-token.renew")
    did("revoke_token", member.anonymous.revoke_token(accessToken=token), "access-token.revoke")
    issued = did("issue", world.ask(), "certificate.issue")["certificate"]
    did("get_private_key", admin.get_private_key(issued["certificateId"]),
        "certificate.reveal-private-key", issued["certificateId"])
    ca = did("create_ca", admin.create_ca(
        projectId=world.project_id, name=fresh("root"), status="active", configuration={
            "type": "root", "commonName": "Root", "keyAlgorithm": "EC_prime256v1",
            "notAfter": iso(utc(days=900))}), "certificate-authority.create")["id"]
    did("update_ca", admin.update_ca(ca, status="disabled"), "certificate-authority.update", ca)
    return made


def test_each_change_leaves_one_row(admin, calls):
    wrong = {}
    for name, (answer, action, target) in calls.items():
        rows = rows_of(admin, answer)
        found = [row["action"] for row in rows]
        if found != [action] or rows[0]["outcome"] != "ok" or (
                target and rows[0]["targetId"] != target) or not rows[0]["ipAddress"]:
            wrong[name] = (found, action, rows)
        assert set(found) <= NAMES, f"{found} is not in docs/audit.md"
    assert not wrong


def test_reading_leaves_none(admin, world):
    for name in ("list_projects", "list_identities", "status", "list_audit_logs"):
        answer = getattr(admin, name)()
        ok(answer)
        assert rows_of(admin, answer) == []


def test_a_refused_change_leaves_a_denial(admin, world):
    auditor = world.member("auditor")
    ids = {"certificate-policies": world.policy_id, "certificate-profiles": world.profile_id}
    tried = 0
    for route in ROUTES:
        if route.method == "GET" or not route.needs_token or route.action == "read":
            continue
        some = [ids.get(route.subject, world.project_id)] * route.ids
        answer = auditor.api.send(route, *some, json={} if route.body else None)
        if answer.status_code != 403:
            continue  # not found, or malformed: nothing was asked of anyone's rights
        rows = rows_of(admin, answer)
        assert len(rows) == 1 and rows[0]["outcome"] == "denied", (route.name, rows)
        assert rows[0]["actorId"] == auditor.id
        tried += 1
    assert tried > 10
