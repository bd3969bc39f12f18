"""Who has a little of a project and wants more: by roles, applications, renewals and names."""
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

import pki
from api import Api, ok, refused
from world import OPEN_POLICY, Member, Person, World, fresh, utc


def permission(action, subject="certificates", **more):
    return {"subject": subject, "action": action, **more}


def holder(world, *permissions):
    """A member with a role of its own."""
    role = ok(world.admin.create_role(world.project_id, slug=fresh("role"), name="Role",
                                      permissions=list(permissions)))["role"]
    return Member(world.admin, world.project_id, role["slug"])


def application(world):
    return ok(world.admin.create_application(projectId=world.project_id, name=fresh("app"),
                                             profileIds=[world.profile_id]))["application"]["id"]


def names(*values, kind="dns_name"):
    return [{"type": kind, "value": value} for value in values]


def under(pattern):
    return {"san": {"$glob": pattern}}


# --- by acting as somebody else ------------------------------------------------------------------

MANAGE = [permission(["read", "create", "edit", "delete"], "identities"),
          permission("read", "applications")]


@pytest.mark.parametrize("role", ["admin", "operator", "auditor"])
def test_nobody_acts_as_who_has_an_application(world, role):
    made = application(world)
    victim = Member(world.admin, world.project_id, "no-access")
    manager = holder(world, *MANAGE).api
    secret = ok(manager.create_client_secret(victim.id))["clientSecretData"]["id"]
    ok(world.admin.add_application_identity(made, victim.id, role=role))
    for answer in (manager.create_client_secret(victim.id),
                   manager.update_universal_auth(victim.id, accessTokenTTL=60),
                   manager.detach_universal_auth(victim.id),
                   manager.revoke_client_secret(victim.id, secret),
                   manager.update_identity(victim.id, name="mine"),
                   manager.delete_identity(victim.id)):
        refused(answer, 403, "PermissionDenied")
    refused(manager.remove_member(world.project_id, victim.id), 403, "ForbiddenError", "lack")
    listed = ok(world.admin.list_application_identities(made))["memberships"]
    assert [one["actorIdentityId"] for one in listed] == [victim.id]
    # Who has as much there may.
    peer = holder(world, *MANAGE)
    ok(world.admin.add_application_identity(made, peer.id, role="admin"))
    ok(peer.api.create_client_secret(victim.id))
    ok(peer.api.remove_member(world.project_id, victim.id))


OWN = [permission(["issue", "read"]), permission("read", "certificate-profiles"),
       permission(["renew", "revoke", "read-private-key"], ownOnly=True)]


def test_nobody_acts_as_who_owns_what_they_do_not(world):
    """All of an issuer's permissions for one's own are none for the issuer's."""
    issuer = holder(world, *OWN)
    certificate = ok(world.ask(api=issuer.api))["certificate"]["certificateId"]
    manager = holder(world, *MANAGE, *OWN)
    refused(manager.api.get_private_key(certificate), 403, "PermissionDenied")
    refused(manager.api.create_client_secret(issuer.id), 403, "ForbiddenError", "in its place")
    person = Person(world.admin, world.project_id, role=issuer.role)
    refused(manager.api.set_password(person.id, password="correct horse battery"), 403,
            "ForbiddenError", "in its place")
    # What takes nothing over stays: they manage these people.
    ok(manager.api.update_identity(issuer.id, name="renamed"))
    ok(manager.api.revoke_client_secret(issuer.id, issuer.client_secret_id))
    ok(manager.api.create_client_secret(manager.id))
    whole = holder(world, *MANAGE, *OWN[:2], permission(["renew", "revoke", "read-private-key"]))
    ok(whole.api.create_client_secret(issuer.id))
    ok(whole.api.set_password(person.id, password="correct horse battery"))


def test_nobody_acts_as_who_owns_in_an_application(world):
    made = application(world)
    victim = Member(world.admin, world.project_id, "no-access")
    ok(world.admin.add_application_identity(made, victim.id, role="operator"))
    peer = holder(world, *MANAGE)
    ok(world.admin.add_application_identity(made, peer.id, role="operator"))
    refused(peer.api.create_client_secret(victim.id), 403, "ForbiddenError", "in its place")
    ok(world.admin.update_application_identity(made, peer.id, role="admin"))
    ok(peer.api.create_client_secret(victim.id))


def test_nobody_votes_as_one_whom_a_policy_lists(world):
    profile = world.new_profile()
    listed = Member(world.admin, world.project_id, "approver")
    world.new_approval_policy(profile, approvers=[listed.id])
    admin = world.member("admin").api
    refused(admin.create_client_secret(listed.id), 403, "ForbiddenError", "vote")
    ok(admin.create_client_secret(Member(world.admin, world.project_id, "approver").id))
    ok(world.admin.create_client_secret(listed.id))
    ok(world.admin.update_member(world.project_id, listed.id, role="admin"))
    ok(listed.api.create_client_secret(listed.id))


# --- by moving certificates ----------------------------------------------------------------------

@pytest.mark.parametrize("role", ["admin", "operator"])
def test_assigning_brings_no_certificate_into_reach(world, role):
    made = application(world)
    member = holder(world, permission(["read", "edit"]))
    ok(world.admin.add_application_identity(made, member.id, role=role))
    issued = by_csr(world)
    refused(member.api.assign_certificate(issued, applicationId=made), 403, "ForbiddenError",
            "lack")
    # Who gains nothing by it assigns.
    ok(member.api.assign_certificate(issued, applicationId=application(world)))


def by_csr(world):
    return world.issue(csr=pki.csr(commonName=f"{fresh('csr')}.example.com"))["certificateId"]


@pytest.mark.parametrize("helper", ["operator", None])
def test_two_do_not_bring_a_key_into_reach(world, helper):
    """One assigns for the other, who is administrator of the application."""
    made = application(world)
    other = Member(world.admin, world.project_id, "operator")
    ok(world.admin.add_application_identity(made, other.id, role="admin"))
    one = (Member(world.admin, world.project_id, helper) if helper
           else holder(world, permission(["read", "edit"])))
    issued = world.issue()["certificateId"]
    refused(one.api.assign_certificate(issued, applicationId=made), 403, "PermissionDenied",
            "read-private-key")
    refused(other.api.get_private_key(issued), 403, "PermissionDenied")
    ok(one.api.assign_certificate(by_csr(world), applicationId=made))
    # Who may read it themselves hands out nothing that they lack.
    reader = holder(world, permission(["read", "edit", "read-private-key", "delete", "renew",
                                       "revoke"]))
    ok(reader.api.assign_certificate(issued, applicationId=made))
    assert ok(other.api.get_private_key(issued))


def test_an_operator_assigns_what_is_not_theirs_to_others_only(world):
    made = application(world)
    operator = Member(world.admin, world.project_id, "operator")
    ok(world.admin.add_application_identity(made, operator.id, role="admin"))
    issued = world.issue()["certificateId"]
    refused(operator.api.assign_certificate(issued, applicationId=made), 403, "PermissionDenied")
    own = ok(world.ask(api=operator.api))["certificate"]["certificateId"]
    ok(operator.api.assign_certificate(own, applicationId=made))


def test_nobody_renews_anothers_names_with_a_key_of_their_own_unapproved(world):
    """A policy that came after the certificate: names, usages and life stay as they are."""
    profile, issuer = world.new_profile(), world.member("issuer").api
    key = pki.new_key()
    asked = {"commonName": "governed.example.com"}
    made = ok(world.ask(profile, csr=pki.csr(key, **asked), api=issuer))["certificate"]
    world.new_approval_policy(profile)

    def renew(api, csr):
        return ok(api.renew(made["certificateId"], renewalKeySource="csr", csr=csr))

    operator = Member(world.admin, world.project_id, "operator").api
    answer = renew(operator, pki.csr(pki.new_key(), **asked))
    assert answer["status"] == "pending_approval" and not answer["certificate"], answer
    # Who asked for it goes on renewing, with a new key as well; so does another with the same key.
    first = renew(operator, pki.csr(key, **asked))
    made["certificateId"] = first["certificateId"]
    assert renew(issuer, pki.csr(pki.new_key(), **asked))["certificateId"]


# --- by what roles and applications are told by ---------------------------------------------------

def test_no_slug_brings_a_profile_into_reach(world):
    """Roles name profiles by their slugs, so another slug is another role."""
    mine, other = world.new_profile(), world.new_profile()
    slug = ok(world.admin.get_profile(mine))["certificateProfile"]["slug"]
    member = holder(world, permission(["read", "edit"], "certificate-profiles"),
                    permission(["issue", "read", "read-private-key"],
                               conditions={"profileSlug": slug}))
    secret = world.issue(other)["certificateId"]
    ok(world.admin.update_profile(mine, slug=fresh("aside")))
    # Alone, or by another who lacks it too.
    for api in (member.api, Member(world.admin, world.project_id, "operator").api):
        refused(api.update_profile(other, slug=slug), 403, "ForbiddenError", "slug")
        ok(api.update_profile(other, slug=fresh("other"), description="still"))
    refused(member.api.get_private_key(secret), 403, "PermissionDenied")
    refused(world.ask(other, api=member.api), 403, "PermissionDenied")
    ok(world.admin.update_profile(other, slug=slug))
    assert ok(member.api.get_private_key(secret))


def test_who_cannot_issue_by_a_profile_gives_it_to_no_application(world):
    made, other = application(world), world.new_profile()
    slug = ok(world.admin.get_profile(other))["certificateProfile"]["slug"]
    edit = permission(["read", "edit"], "applications")
    member = holder(world, edit, permission("issue", conditions={"profileSlug": "another"}))
    ok(world.admin.add_application_identity(made, member.id, role="operator"))
    refused(member.api.add_application_profiles(made, profileIds=[other]), 403,
            "PermissionDenied", "issue certificates")
    refused(world.ask(other, api=member.api, top={"applicationId": made}), 400)
    able = holder(world, edit, permission("issue", conditions={"profileSlug": slug}))
    ok(able.api.add_application_profiles(made, profileIds=[other]))
    ok(world.ask(other, api=member.api, top={"applicationId": made}))


# --- by renewing ---------------------------------------------------------------------------------

def test_a_key_is_not_renamed_into_reach(world):
    member = holder(world, permission(["read", "renew"]),
                    permission("read-private-key", conditions=under("*.test.acme.com")))
    def issued(name):
        return world.issue(commonName=name)
    secret = issued("prod.acme.com")
    wish = {"attributes": {"commonName": "a.test.acme.com"}, "renewalKeySource": "reuse"}
    refused(member.api.renew(secret["certificateId"], json=wish), 403, "PermissionDenied",
            "read-private-key")
    refused(member.api.get_private_key(secret["certificateId"]), 403, "PermissionDenied")
    # With the name or with the key, not with both.
    kept = ok(member.api.renew(secret["certificateId"],
                               json={"renewalKeySource": "reuse"}))
    refused(member.api.get_private_key(kept["certificateId"]), 403, "PermissionDenied")
    anew = ok(member.api.renew(issued("prod.acme.com")["certificateId"],
                               json={"attributes": wish["attributes"]}))
    assert ok(member.api.get_private_key(anew["certificateId"])) != secret["privateKey"]
    mine = issued("b.test.acme.com")
    again = ok(member.api.renew(mine["certificateId"], json=wish))
    assert ok(member.api.get_private_key(again["certificateId"])) == mine["privateKey"]


# --- by names that read alike --------------------------------------------------------------------

@pytest.mark.parametrize("pattern, kind, refused_ones, allowed", [
    ("*.web.acme.com", "uri", ["https://evil.example/.web.acme.com", "spiffe://acme/x.web.acme.com",
                               "urn:x.web.acme.com"], []),
    ("*.web.acme.com", "email", ["ceo@mail.web.acme.com"], []),
    ("*.web.acme.com", "upn", ["root@x.web.acme.com"], []),
    ("*@acme.com", "email", [], ["a@acme.com"]),
    ("*@acme.com", "uri", ["ssh://root@acme.com"], []),
    ("spiffe://acme/*", "uri", ["https://acme/x"], ["spiffe://acme/web/1"]),
    ("*", "uri", [], ["https://anything.example/"]),
    ("2001:db8:*", "ip_address", ["10.0.0.1"], ["2001:db8::1"]),
])
def test_a_pattern_takes_names_of_its_own_kind(world, pattern, kind, refused_ones, allowed):
    member = holder(world, permission(["issue"], conditions=under(pattern)))
    for value in refused_ones:
        refused(world.ask(api=member.api, altNames=names(value, kind=kind), commonName="absent"),
                403, "PermissionDenied", "does not reach")
    for value in allowed:
        ok(world.ask(api=member.api, altNames=names(value, kind=kind), commonName="absent"))


def two_names(*values):
    """A certificate of two common names that was made elsewhere."""
    key = pki.new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, value) for value in values])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(utc(days=-1)).not_valid_after(utc(days=3000))
            .sign(key, hashes.SHA256()))
    return {"certificatePem": made.public_bytes(serialization.Encoding.PEM).decode(),
            "privateKeyPem": pki.private_pem(key)}


@pytest.mark.parametrize("values", [("a.web.acme.com", "prod.acme.com"),
                                    ("prod.acme.com", "a.web.acme.com")])
def test_every_common_name_of_a_stored_certificate_counts(world, values):
    kept = ok(world.admin.import_certificate(projectId=world.project_id, **two_names(*values)))
    for condition in ("san", "commonName"):
        member = holder(world, permission("read", conditions={condition: {
            "$glob": "*.web.acme.com"}}))
        refused(member.api.get_certificate(kept["certificateId"]), 403, "PermissionDenied")
        assert ok(member.api.list_certificates(world.project_id))["certificates"] == []
    both = holder(world, permission("read", conditions=under("*.acme.com")))
    assert ok(both.api.get_certificate(kept["certificateId"]))


def test_metadata_is_not_changed_into_reach(world):
    of_web = {"metadata": {"team": "web"}}
    member = holder(world, permission(["read", "edit", "renew"]),
                    permission(["read-private-key", "revoke", "delete"], conditions=of_web))
    issued = world.issue()
    wanted = [{"key": "team", "value": "web"}]
    refused(member.api.update_certificate(issued["certificateId"], metadata=wanted), 403,
            "ForbiddenError", "lack")
    refused(member.api.get_private_key(issued["certificateId"]), 403, "PermissionDenied")
    refused(member.api.renew(issued["certificateId"], metadata=wanted, renewalKeySource="reuse"),
            403, "PermissionDenied")
    ok(member.api.update_certificate(issued["certificateId"],
                                     metadata=[{"key": "team", "value": "db"}]))


# --- by figures ----------------------------------------------------------------------------------

def test_figures_of_profiles_need_all_certificates(world):
    query = {"projectId": world.project_id, "includeMetrics": "true"}
    world.issue()
    profiles = permission("read", "certificate-profiles")
    for more in ([], [permission("read", conditions=under("*.web.acme.com"))],
                 [permission("read", ownOnly=True)]):
        api = holder(world, profiles, *more).api
        refused(api.list_profiles(query=query), 403, "PermissionDenied", "read certificates")
        assert ok(api.list_profiles(query={"projectId": world.project_id}))
    assert ok(holder(world, profiles, permission("read")).api.list_profiles(query=query))


# --- by making work for others -------------------------------------------------------------------

def test_large_requests_of_others_do_not_stop_a_narrow_list(new_sqlite_daemon):
    """What conditions hide is looked at, however large; it does not stay in memory."""
    one = new_sqlite_daemon()
    world = World(Api(one.ready.url, one.ready.token))
    member = holder(world, permission("read", "certificate-requests",
                                      conditions=under("*.mine.acme.com")),
                    permission("read", conditions=under("*.mine.acme.com")))
    world.issue(altNames=names("a.mine.acme.com"), commonName="absent")
    large = {"metadata": [{"key": f"key{i}", "value": "v" * 250} for i in range(60)],
             "altNames": names(*[f"host{i}.with.a.long.name.example.com" for i in range(60)])}
    for _ in range(140):
        world.issue(**large)
    one.configure("workers:\n  request_memory: 4m\n")
    one.restart()
    api = Api(one.ready.url, member.login["accessToken"])
    for sort in ({}, {"sortBy": "commonName"}):
        query = {"projectId": world.project_id, **sort}
        assert len(ok(api.list_requests(query=query))["certificateRequests"]) == 1
        assert len(ok(api.list_certificates(world.project_id, query=sort))["certificates"]) == 1


# --- by a path that names nothing ----------------------------------------------------------------

@pytest.mark.parametrize("path", ["xyz", "0", "01a200f3-c97e-7277-9fde-7308d0de4a49x"])
def test_no_project_stands_for_a_misspelt_one(world, path):
    """Who is in one project only would act in that; an administrator, in the active one."""
    role = ok(world.admin.create_role(world.project_id, slug=fresh("role"), name="Role",
                                      permissions=[]))["role"]
    for api in (world.member("admin").api, world.admin):
        made = {"slug": fresh("role"), "name": "Role", "permissions": []}
        for answer in (api.create_role(path, json=made), api.create_project_identity(
                path, name="x"), api.create_policy(projectId=path, **OPEN_POLICY, name="x"),
                       api.create_application(projectId=path, name="x")):
            refused(answer, 422, "ValidationFailure")
        refused(api.update_role(path, role["id"], name="Other"), 404, "NotFound", "role")
    assert ok(world.admin.get_role(world.project_id, role["id"]))["role"] == role
