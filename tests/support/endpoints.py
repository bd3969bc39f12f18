"""What every route of api.py is held to: how it succeeds, what the audit keeps of it, what conflicts.

A route that is added to ROUTES is added here, or test_endpoints.py and test_audit_complete.py fail:

    @changes("create_thing", "thing.create", "things")    # success: one row of this action
    def _(place):
        answer = place.admin.create_thing(...)
        return answer, answer.json()["thing"]["id"]        # and the id that the row names

    @reads("get_thing")                                    # success: no row
    def _(place):
        return place.admin.get_thing(place.thing())

    @conflicts("create_thing", 400, "already")             # contradicts what is there
    def _(place):
        ...

    NO_CONFLICT["get_thing"] = "reads"                     # or why nothing can

Each function has a `Place` for itself and makes what it needs.
"""
import dataclasses
import typing

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import pki
from api import BY_NAME, ROUTES, Api, ok
from database import execute, uuid
from world import Member, Person, fresh, iso, utc

REVEAL = "certificate.reveal-private-key"
FILE = {"password": "change-it-now", "alias": "service"}


def outsider(key, name, issuer=None, public_key=None):
    """A certificate that nobody here made: a root, or a CA below `issuer`."""
    bits = dict.fromkeys(["digital_signature", "content_commitment", "key_encipherment",
                          "data_encipherment", "key_agreement", "encipher_only",
                          "decipher_only"], False)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(issuer or name)
            .public_key(public_key or key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(utc(days=-1)).not_valid_after(utc(days=30))
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **bits), critical=True)
            .sign(key, hashes.SHA256()))
    return made.public_bytes(serialization.Encoding.PEM).decode()


class Place:
    """A world, and things of it that each test makes anew."""

    def __init__(self, world, daemon):
        self.world = world
        self.daemon = daemon
        self.admin = world.admin
        self.project_id = world.project_id

    def project(self):
        return ok(self.admin.create_project(projectName=fresh("project")))["project"]

    def stranger(self):
        """An identity that is in no project."""
        return ok(self.admin.create_identity(name=fresh("identity")))["identity"]["id"]

    def identity(self):
        return ok(self.admin.create_project_identity(self.project_id, name=fresh("identity"),
                                                     role="issuer"))["identity"]["id"]

    def member(self):
        return Member(self.admin, self.project_id, "issuer")

    def user(self):
        """A person of the project who cannot log in."""
        user = ok(self.admin.create_user(username=fresh("person")))["user"]["id"]
        ok(self.admin.add_member(self.project_id, user, role="issuer"))
        return user

    def person(self):
        """A person who can, and has not."""
        return Person(self.admin, self.project_id, logs_in=False)

    def log_in_identity(self):
        """An identity that may log in, and one of its client secrets."""
        identity = self.identity()
        ok(self.admin.attach_universal_auth(identity))
        secret = ok(self.admin.create_client_secret(identity))["clientSecretData"]["id"]
        return identity, secret

    def issued(self, **attributes):
        return self.world.issue(**attributes)

    def certificate(self):
        return self.issued()["certificateId"]

    def serial(self):
        made = self.issued()
        return made["serialNumber"], made["certificateId"]

    def revoked(self):
        certificate = self.certificate()
        ok(self.admin.revoke(certificate, revocationReason="SUPERSEDED"))
        return certificate

    def request(self):
        return ok(self.world.ask())["certificateRequestId"]

    def application(self):
        made = ok(self.admin.create_application(projectId=self.project_id, name=fresh("app")))
        return made["application"]

    def enrolling(self):
        """An application and its profile."""
        made = ok(self.admin.create_application(projectId=self.project_id, name=fresh("app"),
                                                profileIds=[self.world.profile_id]))
        return made["application"]["id"], self.world.profile_id

    def application_member(self):
        """An application and an identity that has a role there."""
        application, identity = self.application()["id"], self.identity()
        ok(self.admin.add_application_identity(application, identity, role="auditor"))
        return application, identity

    def disabled_profile(self):
        """A profile whose CA issues no more."""
        ca = self.world.new_intermediate(self.world.root_id)["id"]
        profile = self.world.new_profile(caId=ca)
        ok(self.admin.update_ca(ca, status="disabled"))
        return profile

    def signed_outside(self, ca_id):
        """The members that install a certificate which nobody here made of a pending CA's CSR."""
        request = x509.load_pem_x509_csr(ok(self.admin.get_ca_csr(ca_id))["csr"].encode())
        key, root = pki.some_key(), pki.name_of(commonName="Outside Root")
        return {"certificate": outsider(key, request.subject, root, request.public_key()),
                "certificateChain": outsider(key, root)}

    def from_elsewhere(self):
        """The members that import a certificate."""
        return {"projectId": self.project_id,
                "certificatePem": outsider(pki.new_key(), pki.name_of(commonName="elsewhere"))}


class Swapped(Api):
    """An administrator in whose place somebody else calls one route, whose answers it keeps."""

    def __init__(self, admin, route, caller):
        super().__init__(admin.url, admin.token, admin.session)
        self.route, self.caller, self.answer = route, caller, None

    def send(self, route, *ids, **arguments):
        if route is not self.route:
            return super().send(route, *ids, **arguments)
        self.answer = self.caller.send(route, *ids, **arguments)
        return self.answer


def answer_to(place, route, caller):
    """What `caller` gets where an administrator has success."""
    other = Place(place.world, place.daemon)
    other.admin = Swapped(place.admin, route, caller)
    try:
        SUCCESS[route.name].run(other)
    except AssertionError:
        if other.admin.answer is None:
            raise
    return other.admin.answer


@dataclasses.dataclass
class Success:
    run: typing.Callable
    action: str = ""       # of the one row; empty: none
    target_kind: str = ""


@dataclasses.dataclass
class Conflict:
    run: typing.Callable
    status: int
    words: tuple


SUCCESS = {}
CONFLICT = {}
NO_CONFLICT = {}
NO_SUCCESS = {}  # why a route never has it: what it is about is not there, and that is an answer


def _register(table, name, entry):
    assert name in BY_NAME, f"{name} is not in ROUTES"
    assert name not in table, f"{name} is there twice"
    table[name] = entry


def changes(name, action, target_kind):
    def add(function):
        _register(SUCCESS, name, Success(function, action, target_kind))
        return function
    return add


def reads(name):
    def add(function):
        _register(SUCCESS, name, Success(function))
        return function
    return add


def conflicts(name, status, *words):
    def add(function):
        _register(CONFLICT, name, Conflict(function, status, words))
        return function
    return add


def reads_with(ids, *names):
    """Routes that take these ids and nothing else."""
    for name in names:
        reads(name)(lambda place, name=name: place.admin.send(BY_NAME[name], *ids(place)))


# --- the instance and projects --------------------------------------------------------------------

reads_with(lambda place: (), "status", "list_projects", "list_identities", "list_users",
           "list_audit_logs", "export_audit_logs")
reads_with(lambda place: (place.project_id,), "get_project", "list_project_identities",
           "list_certificates", "dashboard", "trend")
reads_with(lambda place: (place.world.project["slug"],), "get_project_by_slug",
           "list_workspace_certificates")


@changes("create_project", "project.create", "projects")
def _(place):
    answer = place.admin.create_project(projectName=fresh("project"))
    return answer, ok(answer)["project"]["id"]


@changes("update_project", "project.update", "projects")
def _(place):
    return place.admin.update_project(place.project_id, description="x"), place.project_id


@changes("delete_project", "project.delete", "projects")
def _(place):
    project = place.project()["id"]
    return place.admin.delete_project(project), project


@changes("activate_project", "project.activate", "projects")
def _(place):
    project = place.project()["id"]
    return place.admin.activate_project(projectId=project), project


@conflicts("create_project", 403, "slug")
def _(place):
    return place.admin.create_project(projectName="x", slug=place.project()["slug"])


@conflicts("update_project", 403, "slug")
def _(place):
    return place.admin.update_project(place.project()["id"], slug=place.project()["slug"])


@conflicts("delete_project", 400, "still has")
def _(place):
    return place.admin.delete_project(place.project_id)


NO_CONFLICT["activate_project"] = "activating the active project again changes nothing"

# --- policies and profiles ------------------------------------------------------------------------

POLICY = {"subject": [{"type": "common_name", "allowed": ["*"]}]}


@changes("create_policy", "certificate-policy.create", "certificate-policies")
def _(place):
    answer = place.admin.create_policy(projectId=place.project_id, name=fresh("p"), **POLICY)
    return answer, ok(answer)["certificatePolicy"]["id"]


@changes("update_policy", "certificate-policy.update", "certificate-policies")
def _(place):
    policy = place.world.new_policy()
    return place.admin.update_policy(policy, description="x"), policy


@changes("delete_policy", "certificate-policy.delete", "certificate-policies")
def _(place):
    policy = place.world.new_policy()
    return place.admin.delete_policy(policy), policy


@reads("list_policies")
def _(place):
    return place.admin.list_policies(query={"projectId": place.project_id})


reads_with(lambda place: (place.world.policy_id,), "get_policy")


@conflicts("update_policy", 400, "name")
def _(place):
    name = fresh("p")
    place.world.new_policy(name=name)
    return place.admin.update_policy(place.world.new_policy(), name=name)


@conflicts("delete_policy", 403, "profile")
def _(place):
    return place.admin.delete_policy(place.world.policy_id)


NO_CONFLICT["create_policy"] = "a name that is taken gets a suffix"


def profile_routes(prefix):
    """The five routes, by the new and by the old path."""
    def send(place, name, *ids, **arguments):
        return place.admin.send(BY_NAME[name.format(prefix)], *ids, **arguments)

    def body(place, slug):
        return {"projectId": place.project_id, "caId": place.world.ca_id,
                "certificatePolicyId": place.world.policy_id, "slug": slug,
                "enrollmentType": "api", "apiConfig": {}}

    @changes(f"create_{prefix}profile", "certificate-profile.create", "certificate-profiles")
    def _(place):
        answer = send(place, "create_{}profile", json=body(place, fresh("profile")))
        return answer, ok(answer)["certificateProfile"]["id"]

    @changes(f"update_{prefix}profile", "certificate-profile.update", "certificate-profiles")
    def _(place):
        profile = place.world.new_profile()
        return send(place, "update_{}profile", profile, description="x"), profile

    @changes(f"delete_{prefix}profile", "certificate-profile.delete", "certificate-profiles")
    def _(place):
        profile = place.world.new_profile()
        return send(place, "delete_{}profile", profile), profile

    @reads(f"list_{prefix}profiles")
    def _(place):
        return send(place, "list_{}profiles", query={"projectId": place.project_id})

    @reads(f"get_{prefix}profile_by_slug")
    def _(place):
        slug = fresh("profile")
        place.world.new_profile(slug=slug)
        return send(place, "get_{}profile_by_slug", slug, query={"projectId": place.project_id})

    reads_with(lambda place: (place.world.profile_id,), f"get_{prefix}profile",
               f"list_certificates_of_{prefix}profile")

    @changes(f"get_{prefix}latest_bundle", REVEAL, "certificates")
    def _(place):
        profile = place.world.new_profile()
        certificate = place.issued(profile_id=profile)["certificateId"]
        return send(place, "get_{}latest_bundle", profile), certificate

    NO_CONFLICT[f"get_{prefix}latest_bundle"] = "without a key the bundle has none"

    @conflicts(f"create_{prefix}profile", 403, "slug")
    def _(place):
        slug = fresh("profile")
        place.world.new_profile(slug=slug)
        return send(place, "create_{}profile", json=body(place, slug))

    @conflicts(f"update_{prefix}profile", 403, "slug")
    def _(place):
        slug = fresh("profile")
        place.world.new_profile(slug=slug)
        return send(place, "update_{}profile", place.world.new_profile(), slug=slug)

    NO_CONFLICT[f"delete_{prefix}profile"] = "certificates outlive their profile"


profile_routes("")
profile_routes("old_")

# --- applications ---------------------------------------------------------------------------------


@changes("create_application", "application.create", "applications")
def _(place):
    answer = place.admin.create_application(projectId=place.project_id, name=fresh("app"))
    return answer, ok(answer)["application"]["id"]


@changes("update_application", "application.update", "applications")
def _(place):
    application = place.application()["id"]
    return place.admin.update_application(application, description="x"), application


@changes("delete_application", "application.delete", "applications")
def _(place):
    application = place.application()["id"]
    return place.admin.delete_application(application), application


@changes("add_application_profiles", "application.add-profiles", "applications")
def _(place):
    application = place.application()["id"]
    return place.admin.add_application_profiles(
        application, profileIds=[place.world.profile_id]), application


@reads("list_applications")
def _(place):
    return place.admin.list_applications(query={"projectId": place.project_id})


@reads("get_application_by_name")
def _(place):
    return place.admin.get_application_by_name(place.application()["name"],
                                               query={"projectId": place.project_id})


reads_with(lambda place: (place.application()["id"],), "get_application",
           "list_application_profiles")


@conflicts("create_application", 403, "name")
def _(place):
    return place.admin.create_application(projectId=place.project_id,
                                          name=place.application()["name"])


@conflicts("update_application", 403, "name")
def _(place):
    return place.admin.update_application(place.application()["id"],
                                          name=place.application()["name"])


@changes("remove_application_profile", "application.remove-profile", "applications")
def _(place):
    application, profile = place.enrolling()
    return place.admin.remove_application_profile(application, profile), application


@changes("set_enrollment", "application.set-enrollment", "applications")
def _(place):
    application, profile = place.enrolling()
    return place.admin.set_enrollment(application, profile, "api", autoRenew=False), application


@changes("clear_enrollment", "application.clear-enrollment", "applications")
def _(place):
    application, profile = place.enrolling()
    ok(place.admin.set_enrollment(application, profile, "api", autoRenew=False))
    return place.admin.clear_enrollment(application, profile, "api"), application


reads_with(Place.enrolling, "get_enrollment")


@conflicts("set_enrollment", 400, "not offered")
def _(place):
    return place.admin.set_enrollment(*place.enrolling(), "est", passphrase="change-it-now")


@conflicts("clear_enrollment", 400, "not offered")
def _(place):
    return place.admin.clear_enrollment(*place.enrolling(), "scep")


@changes("create_application_identity", "application-member.create", "application-members")
def _(place):
    application = place.application()["id"]
    return place.admin.create_application_identity(
        application, identityId=place.identity(), role="auditor"), application


@changes("add_application_identity", "application-member.create", "application-members")
def _(place):
    application = place.application()["id"]
    return place.admin.add_application_identity(application, place.identity(),
                                                role="operator"), application


@changes("update_application_identity", "application-member.update", "application-members")
def _(place):
    application, identity = place.application_member()
    return place.admin.update_application_identity(application, identity, role="admin"), application


@changes("remove_application_identity", "application-member.delete", "application-members")
def _(place):
    application, identity = place.application_member()
    return place.admin.remove_application_identity(application, identity), application


reads_with(lambda place: (place.application()["id"],), "list_application_identities",
           "list_application_users", "list_application_groups")


def nobody_yet(name, *more, **body):
    """A route about people or groups, of which there are none."""
    @changes(name, "", "")
    def _(place):
        return place.admin.send(BY_NAME[name], place.application()["id"],
                                *[place.identity() for _ in more], **body)

    NO_SUCCESS[name] = "there are no people and groups"


nobody_yet("add_application_users", emails=["a@example.com"], role="auditor")
nobody_yet("update_application_user", "id", role="auditor")
nobody_yet("remove_application_user", "id")
nobody_yet("add_application_group", "id", role="auditor")
nobody_yet("update_application_group", "id", role="auditor")
nobody_yet("remove_application_group", "id")


@conflicts("create_application_identity", 400, "already")
def _(place):
    application, identity = place.application_member()
    return place.admin.create_application_identity(application, identityId=identity, role="admin")


@conflicts("add_application_identity", 400, "already")
def _(place):
    return place.admin.add_application_identity(*place.application_member(), role="admin")


NO_CONFLICT["update_application_identity"] = "a role that it has already stays"
NO_CONFLICT["remove_application_identity"] = "nothing holds a member back"
NO_CONFLICT["remove_application_profile"] = "certificates outlive their application's profile"
NO_CONFLICT["delete_application"] = "certificates outlive their application"
NO_CONFLICT["add_application_profiles"] = "a profile that is there already stays"

# --- certificate authorities ----------------------------------------------------------------------

AUTHORITY = "certificate-authorities"


def root_body(place, name):
    return {"projectId": place.project_id, "name": name, "status": "active",
            "configuration": {"type": "root", "commonName": "Root",
                              "keyAlgorithm": "EC_prime256v1", "notAfter": iso(utc(days=900))}}


@changes("create_ca", "certificate-authority.create", AUTHORITY)
def _(place):
    answer = place.admin.create_ca(json=root_body(place, fresh("root")))
    return answer, ok(answer)["id"]


@changes("update_ca", "certificate-authority.update", AUTHORITY)
def _(place):
    ca = place.world.new_root()["id"]
    return place.admin.update_ca(ca, status="disabled"), ca


@changes("delete_ca", "certificate-authority.delete", AUTHORITY)
def _(place):
    ca = place.world.new_root()["id"]
    return place.admin.delete_ca(ca), ca


@changes("generate_ca_certificate", "certificate-authority.generate-certificate", AUTHORITY)
def _(place):
    ca = place.world.new_pending()["id"]
    return place.admin.generate_ca_certificate(
        ca, parentCaId=place.world.root_id, notAfter=iso(utc(days=100)), maxPathLength=0), ca


@changes("import_ca_certificate", "certificate-authority.import-certificate", AUTHORITY)
def _(place):
    ca = place.world.new_pending()["id"]
    return place.admin.import_ca_certificate(ca, json=place.signed_outside(ca)), ca


@changes("renew_ca", "certificate-authority.renew", AUTHORITY)
def _(place):
    ca = place.world.new_root()["id"]
    return place.admin.renew_ca(ca, type="existing", notAfter=iso(utc(days=4000))), ca


@changes("sign_intermediate", "certificate-authority.sign-intermediate", "certificates")
def _(place):
    answer = place.admin.sign_intermediate(
        place.world.root_id, csr=pki.csr(pki.new_key(), commonName="Theirs"),
        notAfter=iso(utc(days=100)), maxPathLength=0)
    return answer, None


@reads("list_cas")
def _(place):
    return place.admin.list_cas(query={"projectId": place.project_id})


@reads("list_all_cas")
def _(place):
    return place.admin.list_all_cas(query={"projectId": place.project_id})


reads_with(lambda place: (place.world.ca_id,), "get_ca", "get_ca_certificate",
           "list_ca_certificates", "list_crls")
reads_with(lambda place: (place.world.new_pending()["id"],), "get_ca_csr")


def ca_and_certificate(place):
    return place.world.ca_id, ok(place.admin.list_ca_certificates(place.world.ca_id))[0]["certId"]


reads_with(ca_and_certificate, "get_ca_certificate_by_id", "get_ca_certificate_der")
reads_with(lambda place: (ok(place.admin.list_crls(place.world.ca_id))[0]["id"],), "get_crl",
           "get_crl_der", "get_old_crl")


@conflicts("create_ca", 400, "name")
def _(place):
    name = fresh("root")
    ok(place.admin.create_ca(json=root_body(place, name)))
    return place.admin.create_ca(json=root_body(place, name))


@conflicts("update_ca", 400, "name")
def _(place):
    return place.admin.update_ca(place.world.new_root()["id"], name=place.world.root["name"])


@conflicts("delete_ca", 400)
def _(place):
    place.certificate()
    return place.admin.delete_ca(place.world.ca_id)


@conflicts("generate_ca_certificate", 400)
def _(place):
    parent = place.world.new_pending()["id"]
    return place.admin.generate_ca_certificate(place.world.new_pending()["id"], parentCaId=parent,
                                               notAfter=iso(utc(days=100)))


@conflicts("import_ca_certificate", 400)
def _(place):
    body = place.signed_outside(place.world.new_pending()["id"])  # another one's key
    return place.admin.import_ca_certificate(place.world.new_pending()["id"], json=body)


@conflicts("renew_ca", 400)
def _(place):
    return place.admin.renew_ca(place.world.new_pending()["id"], type="existing",
                                notAfter=iso(utc(days=100)))


@conflicts("sign_intermediate", 400)
def _(place):
    return place.admin.sign_intermediate(
        place.world.new_pending()["id"], csr=pki.csr(pki.new_key(), commonName="Theirs"),
        notAfter=iso(utc(days=100)))


# --- certificates ---------------------------------------------------------------------------------


def issues(name, members):
    """A route that enrolls: it names the certificate; a CA that is disabled refuses."""
    @changes(name, "certificate.issue", "certificates")
    def _(place):
        answer = place.admin.send(BY_NAME[name], json={"profileId": place.world.profile_id,
                                                       **members()})
        body = ok(answer)
        return answer, body.get("certificate", body)["certificateId"] \
            if isinstance(body.get("certificate"), dict) else body["certificateId"]

    @conflicts(name, 400, "disabled")
    def _(place):
        return place.admin.send(BY_NAME[name], json={"profileId": place.disabled_profile(),
                                                     **members()})


issues("issue", lambda: {"attributes": {"commonName": "a.example.com", "ttl": "9d"}})
issues("issue_flat", lambda: {"commonName": "a.example.com", "ttl": "9d"})
issues("issue_old", lambda: {"commonName": "a.example.com", "ttl": "9d"})
issues("sign_flat", lambda: {"csr": pki.csr(commonName="a.example.com"), "ttl": "9d"})
issues("sign_old", lambda: {"csr": pki.csr(commonName="a.example.com"), "ttl": "9d"})
issues("order_flat", lambda: {"ttl": "9d", "subjectAlternativeNames": [
    {"type": "dns", "value": "a.example.com"}]})


@changes("renew", "certificate.renew", "certificates")
def _(place):
    answer = place.admin.renew(place.certificate())
    return answer, ok(answer)["certificateId"]


@changes("revoke", "certificate.revoke", "certificates")
def _(place):
    certificate = place.certificate()
    return place.admin.revoke(certificate, revocationReason="SUPERSEDED"), certificate


@changes("revoke_by_serial", "certificate.revoke", "certificates")
def _(place):
    serial, certificate = place.serial()
    return place.admin.revoke_by_serial(serial, revocationReason="SUPERSEDED"), certificate


@changes("delete_by_serial", "certificate.delete", "certificates")
def _(place):
    serial, certificate = place.serial()
    return place.admin.delete_by_serial(serial), certificate


@changes("delete_certificate", "certificate.delete", "certificates")
def _(place):
    certificate = place.certificate()
    return place.admin.delete_certificate(certificate), certificate


@changes("update_certificate", "certificate.update", "certificates")
def _(place):
    certificate = place.certificate()
    return place.admin.update_certificate(
        certificate, metadata=[{"key": "team", "value": "web"}]), certificate


@changes("configure_renewal", "certificate.configure-renewal", "certificates")
def _(place):
    certificate = place.certificate()
    return place.admin.configure_renewal(certificate, renewBeforeDays=20), certificate


@changes("assign_certificate", "certificate.assign", "certificates")
def _(place):
    certificate, (application, _) = place.certificate(), place.enrolling()
    return place.admin.assign_certificate(certificate, applicationId=application), certificate


@conflicts("assign_certificate", 400, "already")
def _(place):
    certificate, (application, _) = place.certificate(), place.enrolling()
    ok(place.admin.assign_certificate(certificate, applicationId=application))
    return place.admin.assign_certificate(certificate, applicationId=application)


@changes("import_certificate", "certificate.import", "certificates")
def _(place):
    answer = place.admin.import_certificate(json=place.from_elsewhere())
    return answer, ok(answer)["certificateId"]


@changes("get_private_key", REVEAL, "certificates")
def _(place):
    certificate = place.certificate()
    return place.admin.get_private_key(certificate), certificate


@changes("get_bundle", REVEAL, "certificates")
def _(place):
    certificate = place.certificate()
    return place.admin.get_bundle(certificate), certificate


@changes("get_pkcs12", REVEAL, "certificates")
def _(place):
    certificate = place.certificate()
    return place.admin.get_pkcs12(certificate, **FILE), certificate


@changes("get_private_key_by_serial", REVEAL, "certificates")
def _(place):
    serial, certificate = place.serial()
    return place.admin.get_private_key_by_serial(serial), certificate


@changes("get_bundle_by_serial", REVEAL, "certificates")
def _(place):
    serial, certificate = place.serial()
    return place.admin.get_bundle_by_serial(serial), certificate


@changes("get_pkcs12_by_serial", REVEAL, "certificates")
def _(place):
    serial, certificate = place.serial()
    return place.admin.get_pkcs12_by_serial(serial, **FILE), certificate


@changes("get_request", REVEAL, "certificates")
def _(place):
    made = ok(place.world.ask())
    return place.admin.get_request(made["certificateRequestId"]), \
        made["certificate"]["certificateId"]


reads_with(lambda place: (place.certificate(),), "get_certificate", "get_certificate_body",
           "get_certificate_body_old")
reads_with(lambda place: place.serial()[:1], "get_by_serial", "get_body_by_serial")


@reads("list_requests")
def _(place):
    return place.admin.list_requests(query={"projectId": place.project_id})


@reads("search_requests")
def _(place):
    return place.admin.search_requests(projectId=place.project_id)


@reads("search_certificates")
def _(place):
    return place.admin.search_certificates(place.project_id, json={})


@conflicts("renew", 400, "renewed")
def _(place):
    certificate = place.certificate()
    ok(place.admin.renew(certificate))
    return place.admin.renew(certificate)


@conflicts("revoke", 400, "revoked")
def _(place):
    return place.admin.revoke(place.revoked(), revocationReason="SUPERSEDED")


@conflicts("revoke_by_serial", 400, "revoked")
def _(place):
    serial, certificate = place.serial()
    ok(place.admin.revoke(certificate, revocationReason="SUPERSEDED"))
    return place.admin.revoke_by_serial(serial, revocationReason="SUPERSEDED")


@conflicts("configure_renewal", 400, "revoked")
def _(place):
    return place.admin.configure_renewal(place.revoked(), renewBeforeDays=20)


@conflicts("import_certificate", 400)
def _(place):
    body = place.from_elsewhere()
    ok(place.admin.import_certificate(json=body))
    return place.admin.import_certificate(json=body)


@conflicts("get_private_key", 404)
def _(place):
    certificate = place.issued(csr=pki.csr(commonName="a.example.com"))["certificateId"]
    return place.admin.get_private_key(certificate)


@conflicts("get_pkcs12", 404)
def _(place):
    certificate = place.issued(csr=pki.csr(commonName="a.example.com"))["certificateId"]
    return place.admin.get_pkcs12(certificate, **FILE)


@conflicts("get_private_key_by_serial", 404)
def _(place):
    serial = place.issued(csr=pki.csr(commonName="a.example.com"))["serialNumber"]
    return place.admin.get_private_key_by_serial(serial)


@conflicts("get_pkcs12_by_serial", 404)
def _(place):
    serial = place.issued(csr=pki.csr(commonName="a.example.com"))["serialNumber"]
    return place.admin.get_pkcs12_by_serial(serial, **FILE)


NO_CONFLICT["delete_by_serial"] = "a record goes whatever became of its certificate"
NO_CONFLICT["delete_certificate"] = "a record goes whatever became of its certificate"
NO_CONFLICT["update_certificate"] = "metadata are replaced whatever became of the certificate"
NO_CONFLICT["get_bundle"] = "without a key the bundle has none"
NO_CONFLICT["get_bundle_by_serial"] = "without a key the bundle has none"
NO_CONFLICT["get_request"] = "reads"

# --- identities -----------------------------------------------------------------------------------


@changes("create_identity", "identity.create", "identities")
def _(place):
    answer = place.admin.create_identity(name=fresh("identity"))
    return answer, ok(answer)["identity"]["id"]


@changes("update_identity", "identity.update", "identities")
def _(place):
    identity = place.identity()
    return place.admin.update_identity(identity, name=fresh("other")), identity


@changes("delete_identity", "identity.delete", "identities")
def _(place):
    identity = place.identity()
    return place.admin.delete_identity(identity), identity


@changes("create_project_identity", "identity.create", "identities")
def _(place):
    answer = place.admin.create_project_identity(place.project_id, name=fresh("identity"),
                                                 role="issuer")
    return answer, ok(answer)["identity"]["id"]


def _role(place, **changes):
    body = {"slug": fresh("role"), "name": "Role",
            "permissions": [{"subject": "certificates", "action": "read"}], **changes}
    return place.admin.create_role(place.project_id, json=body)


@changes("create_role", "role.create", "roles")
def _(place):
    answer = _role(place)
    return answer, ok(answer)["role"]["id"]


@changes("update_role", "role.update", "roles")
def _(place):
    role = ok(_role(place))["role"]["id"]
    return place.admin.update_role(place.project_id, role, name="Other"), role


@changes("delete_role", "role.delete", "roles")
def _(place):
    role = ok(_role(place))["role"]["id"]
    return place.admin.delete_role(place.project_id, role), role


@reads("list_roles")
def _(place):
    return place.admin.list_roles(place.project_id)


@reads("get_role")
def _(place):
    return place.admin.get_role(place.project_id, ok(_role(place))["role"]["id"])


@reads("get_role_by_slug")
def _(place):
    return place.admin.get_role_by_slug(place.project_id, ok(_role(place))["role"]["slug"])


@conflicts("create_role", 403, "slug")
def _(place):
    return _role(place, slug=ok(_role(place))["role"]["slug"])


@conflicts("delete_role", 400, "still have")
def _(place):
    made = ok(_role(place))["role"]
    ok(place.admin.create_project_identity(place.project_id, name=fresh("identity"),
                                           role=made["slug"]))
    return place.admin.delete_role(place.project_id, made["id"])


NO_CONFLICT["update_role"] = "its slug stays"


@changes("add_member", "identity-membership.create", "identity-memberships")
def _(place):
    identity = place.stranger()
    return place.admin.add_member(place.project_id, identity, role="issuer"), identity


@changes("update_member", "identity-membership.update", "identity-memberships")
def _(place):
    identity = place.member().id
    return place.admin.update_member(place.project_id, identity, role="auditor"), identity


@changes("remove_member", "identity-membership.delete", "identity-memberships")
def _(place):
    identity = place.member().id
    return place.admin.remove_member(place.project_id, identity), identity


reads_with(lambda place: (place.identity(),), "get_identity")
reads_with(lambda place: (place.project_id, place.member().id), "get_member")


@conflicts("add_member", 400, "member")
def _(place):
    return place.admin.add_member(place.project_id, place.member().id, role="issuer")


NO_CONFLICT["create_identity"] = "names of identities need not differ"
NO_CONFLICT["update_identity"] = "names of identities need not differ"
NO_CONFLICT["delete_identity"] = "what an identity made outlives it"
NO_CONFLICT["create_project_identity"] = "names of identities need not differ"
NO_CONFLICT["update_member"] = "a role may be given again"
NO_CONFLICT["remove_member"] = "what an identity made outlives its membership"

# --- approvals ------------------------------------------------------------------------------------

def _governed(place, **policy):
    """A profile of its own, and the policy by which it is approved."""
    profile = place.world.new_profile()
    return profile, place.world.new_approval_policy(profile, **policy)


def _waiting(place, **policy):
    """The ids of an approval request and of its certificate request, which an issuer asked for."""
    profile, _ = _governed(place, **policy)
    asked = ok(place.world.ask(profile, api=place.world.member("issuer").api))
    assert asked["status"] == "pending_approval", asked
    request = asked["certificateRequestId"]
    detail = ok(place.world.admin.get_request(request))
    return detail["approvalRequestId"], request


@changes("create_approval_policy", "approval-policy.create", "approval-policies")
def _(place):
    answer = place.admin.create_approval_policy(
        projectId=place.project_id, name=fresh("approval"), steps=[{"requiredApprovals": 1}],
        conditions=[{"profileIds": [place.world.new_profile()]}])
    return answer, ok(answer)["policy"]["id"]


@changes("update_approval_policy", "approval-policy.update", "approval-policies")
def _(place):
    policy = _governed(place)[1]["id"]
    return place.admin.update_approval_policy(policy, name="Other"), policy


@changes("delete_approval_policy", "approval-policy.delete", "approval-policies")
def _(place):
    policy = _governed(place)[1]["id"]
    return place.admin.delete_approval_policy(policy), policy


@reads("list_approval_policies")
def _(place):
    return place.admin.list_approval_policies(query={"projectId": place.project_id})


@reads("get_approval_policy")
def _(place):
    return place.admin.get_approval_policy(_governed(place)[1]["id"])


@reads("check_approval_match")
def _(place):
    slug = fresh("profile")
    place.world.new_profile(slug=slug)
    return place.admin.check_approval_match(projectId=place.project_id,
                                            inputs={"profileName": slug})


@reads("list_approvals")
def _(place):
    return place.admin.list_approvals(query={"projectId": place.project_id})


@reads("get_approval")
def _(place):
    return place.admin.get_approval(_waiting(place)[0])


@changes("approve", "approval-request.approve", "approval-requests")
def _(place):
    approval, _ = _waiting(place, required=2)
    return place.admin.approve(approval), approval


@changes("reject", "approval-request.reject", "approval-requests")
def _(place):
    approval, _ = _waiting(place)
    return place.admin.reject(approval, comment="no"), approval


@changes("cancel_approval", "approval-request.cancel", "approval-requests")
def _(place):
    approval, _ = _waiting(place)
    return place.admin.cancel_approval(approval), approval


@changes("cancel_request", "approval-request.cancel", "approval-requests")
def _(place):
    approval, request = _waiting(place)
    return place.admin.cancel_request(request), approval


def _granted(place):
    """A grant that is not used yet, as a process leaves it that ends after the vote."""
    approval, request = _waiting(place)
    ok(place.admin.approve(approval))
    execute(place.daemon,
            f"UPDATE requests SET status = 'pending' WHERE id = {uuid(place.daemon, request)}",
            "UPDATE approval_requests SET grant_status = 'active' "
            f"WHERE id = {uuid(place.daemon, approval)}",
            "SELECT 1")
    return approval


@reads("list_approval_grants")
def _(place):
    return place.admin.list_approval_grants(query={"projectId": place.project_id})


@reads("get_approval_grant")
def _(place):
    return place.admin.get_approval_grant(_granted(place))


@changes("revoke_approval_grant", "approval-grant.revoke", "approval-grants")
def _(place):
    grant = _granted(place)
    return place.admin.revoke_approval_grant(grant, revocationReason="no"), grant


@conflicts("create_approval_policy", 400, "another approval policy")
def _(place):
    profile, _ = _governed(place)
    return place.admin.create_approval_policy(
        projectId=place.project_id, name=fresh("approval"), steps=[{"requiredApprovals": 1}],
        conditions=[{"profileIds": [profile]}])


@conflicts("update_approval_policy", 400, "another approval policy")
def _(place):
    (one, _), (other, policy) = _governed(place), _governed(place)
    return place.admin.update_approval_policy(policy["id"],
                                              conditions=[{"profileIds": [one, other]}])


def _decided(place):
    approval, request = _waiting(place)
    ok(place.admin.reject(approval))
    return approval, request


@conflicts("approve", 400, "rejected already")
def _(place):
    return place.admin.approve(_decided(place)[0])


@conflicts("reject", 400, "rejected already")
def _(place):
    return place.admin.reject(_decided(place)[0])


@conflicts("cancel_approval", 400, "rejected already")
def _(place):
    return place.admin.cancel_approval(_decided(place)[0])


@conflicts("cancel_request", 400, "is rejected")
def _(place):
    return place.admin.cancel_request(_decided(place)[1])


@conflicts("revoke_approval_grant", 400, "revoked already")
def _(place):
    grant = _granted(place)
    ok(place.admin.revoke_approval_grant(grant))
    return place.admin.revoke_approval_grant(grant)


NO_CONFLICT["delete_approval_policy"] = "what waits by it goes on by the steps that it had"

# --- alerts ---------------------------------------------------------------------------------------

def _alert_body(place, **changes):
    return {"projectId": place.project_id, "name": fresh("alert"), "eventType": "revocation",
            "channels": [{"channelType": "webhook", "config": {"url": NOWHERE}}], **changes}


def _alert(place):
    return ok(place.admin.create_alert(json=_alert_body(place)))["alert"]


# An address that no outbound.allow of these tests lists: nothing is connected to.
NOWHERE = "https://127.0.0.1:9/"


@changes("create_alert", "alert.create", "alerts")
def _(place):
    answer = place.admin.create_alert(json=_alert_body(place))
    return answer, ok(answer)["alert"]["id"]


@changes("update_alert", "alert.update", "alerts")
def _(place):
    alert = _alert(place)["id"]
    return place.admin.update_alert(alert, enabled=False), alert


@changes("delete_alert", "alert.delete", "alerts")
def _(place):
    alert = _alert(place)["id"]
    return place.admin.delete_alert(alert), alert


@changes("test_alert", "alert.test", "alerts")
def _(place):
    alert = _alert(place)["id"]
    return place.admin.test_alert(alert), alert


@changes("test_webhook", "alert.test-webhook", "projects")
def _(place):
    return (place.admin.test_webhook(projectId=place.project_id, url=NOWHERE), place.project_id)


@reads("list_alerts")
def _(place):
    return place.admin.list_alerts(query={"projectId": place.project_id})


@reads("get_alert")
def _(place):
    return place.admin.get_alert(_alert(place)["id"])


@reads("list_alert_certificates")
def _(place):
    return place.admin.list_alert_certificates(_alert(place)["id"])


@reads("list_deliveries")
def _(place):
    return place.admin.list_deliveries(_alert(place)["id"])


@reads("preview_alert")
def _(place):
    return place.admin.preview_alert(projectId=place.project_id, filters=[])


@conflicts("create_alert", 400, "exists already")
def _(place):
    name = _alert(place)["name"]
    return place.admin.create_alert(json=_alert_body(place, name=name))


@conflicts("update_alert", 400, "exists already")
def _(place):
    return place.admin.update_alert(_alert(place)["id"], name=_alert(place)["name"])


NO_CONFLICT["delete_alert"] = "what waits by it goes with it"
NO_CONFLICT["test_alert"] = "a test may be sent again"
NO_CONFLICT["test_webhook"] = "a test may be sent again"

# --- log-in ---------------------------------------------------------------------------------------


@changes("attach_universal_auth", "universal-auth.create", "universal-auth")
def _(place):
    identity = place.identity()
    return place.admin.attach_universal_auth(identity), identity


@changes("update_universal_auth", "universal-auth.update", "universal-auth")
def _(place):
    identity = place.log_in_identity()[0]
    return place.admin.update_universal_auth(identity, accessTokenTTL=60), identity


@changes("detach_universal_auth", "universal-auth.delete", "universal-auth")
def _(place):
    identity = place.log_in_identity()[0]
    return place.admin.detach_universal_auth(identity), identity


@changes("create_client_secret", "client-secret.create", "client-secrets")
def _(place):
    answer = place.admin.create_client_secret(place.log_in_identity()[0])
    return answer, ok(answer)["clientSecretData"]["id"]


@changes("revoke_client_secret", "client-secret.revoke", "client-secrets")
def _(place):
    identity, secret = place.log_in_identity()
    return place.admin.revoke_client_secret(identity, secret), secret


@changes("log_in", "universal-auth.login", "identities")
def _(place):
    member = place.member()
    return member.log_in(), member.id


@changes("renew_token", "access-token.renew", "access-tokens")
def _(place):
    member = place.member()
    return member.anonymous.renew_token(accessToken=member.api.token), None


@changes("revoke_token", "access-token.revoke", "access-tokens")
def _(place):
    member = place.member()
    return member.anonymous.revoke_token(accessToken=member.api.token), None


reads_with(lambda place: (place.log_in_identity()[0],), "get_universal_auth",
           "list_client_secrets")
reads_with(Place.log_in_identity, "get_client_secret")


@conflicts("attach_universal_auth", 400)
def _(place):
    return place.admin.attach_universal_auth(place.log_in_identity()[0])


@conflicts("update_universal_auth", 422, "accessTokenMaxTTL")
def _(place):
    return place.admin.update_universal_auth(place.log_in_identity()[0], accessTokenTTL=60,
                                             accessTokenMaxTTL=30)


@conflicts("log_in", 401)
def _(place):
    member = place.member()
    ok(place.admin.revoke_client_secret(member.id, member.client_secret_id))
    return member.log_in()


@conflicts("renew_token", 403)
def _(place):
    member = place.member()
    ok(member.anonymous.revoke_token(accessToken=member.api.token))
    return member.anonymous.renew_token(accessToken=member.api.token)


@conflicts("revoke_token", 403)
def _(place):
    member = place.member()
    ok(member.anonymous.revoke_token(accessToken=member.api.token))
    return member.anonymous.revoke_token(accessToken=member.api.token)


NO_CONFLICT["revoke_client_secret"] = "one that is revoked already stays so"
NO_CONFLICT["create_client_secret"] = "an identity may have several"
NO_CONFLICT["detach_universal_auth"] = "its secrets and tokens end with it"

# --- people ---------------------------------------------------------------------------------------

NEW_PASSWORD = "another one entirely"


@changes("create_user", "user.create", "users")
def _(place):
    answer = place.admin.create_user(username=fresh("person"), email="a@example.com")
    return answer, ok(answer)["user"]["id"]


@changes("update_user", "user.update", "users")
def _(place):
    user = place.user()
    return place.admin.update_user(user, name="Other", disabled=True), user


@changes("delete_user", "user.delete", "users")
def _(place):
    user = place.user()
    return place.admin.delete_user(user), user


@changes("set_password", "user.set-password", "users")
def _(place):
    user = place.user()
    return place.admin.set_password(user, password=NEW_PASSWORD), user


@changes("log_in_user", "user.login", "users")
def _(place):
    person = place.person()
    return person.log_in(), person.id


@changes("change_password", "user.change-password", "users")
def _(place):
    person = place.person()
    return person.change_password(NEW_PASSWORD), person.id


reads_with(lambda place: (place.user(),), "get_user")


@conflicts("create_user", 403, "username")
def _(place):
    return place.admin.create_user(username=place.person().username.upper())


@conflicts("update_user", 403, "username")
def _(place):
    return place.admin.update_user(place.user(), username=place.person().username)


@conflicts("log_in_user", 401, "disabled")
def _(place):
    person = place.person()
    ok(place.admin.update_user(person.id, disabled=True))
    return person.log_in()


@conflicts("change_password", 422, "newPassword")
def _(place):
    person = place.person()
    return person.change_password(person.password)


NO_CONFLICT["delete_user"] = "what a person made outlives them"
NO_CONFLICT["set_password"] = "a password may be set again"

# --- the audit ------------------------------------------------------------------------------------


@reads("search_audit_logs")
def _(place):
    return place.admin.search_audit_logs(json={})


@reads("get_audit_log")
def _(place):
    found = ok(place.admin.list_audit_logs(query={"limit": 1, "projectId": place.project_id}))
    return place.admin.get_audit_log(found["auditLogs"][0]["id"])


# --- the cases ------------------------------------------------------------------------------------

# Lists without an id in the path: each caller is answered what is in its own projects.
OWN = {"list_projects", "list_identities", "list_users", "list_audit_logs", "search_audit_logs",
       "export_audit_logs"}
# Things of the whole instance, which no project's administrator may make.
OF_THE_INSTANCE = {"create_project", "create_identity", "create_user", "activate_project"}


def _needs_token(route):
    return None if route.needs_token else "anyone may call it"


def _sees_others(route):
    if route.name in OWN:
        return "it answers what is in the caller's own projects"
    if route.name in OF_THE_INSTANCE:
        return "it is about the whole instance"
    return _needs_token(route)


def _has_uuid(route):
    if route.ids == 0:
        return "no id in its path"
    if route.has_name:
        return "a name in its path: any text may be one"
    if "by_serial" in route.name or route.name == "revoke":
        return "a serial number in its path: what is none is not found"
    return _needs_token(route)


def _takes_body(route):
    return None if route.body else "it takes no body"


def _conflicts(route):
    """None also where nobody said anything: the test then fails for want of a function."""
    success = SUCCESS.get(route.name)
    if success is not None and success.action == "":
        return "it changes nothing"
    return NO_CONFLICT.get(route.name)


CASES = {
    "success": lambda route: NO_SUCCESS.get(route.name),
    "no token": _needs_token,
    "denied": _needs_token,
    "denied in the project": lambda route: _needs_token(route) or (
        "it answers what is in the caller's own projects" if route.name in OWN else None),
    "another project's": _sees_others,
    "unknown id": lambda route: None if route.ids else "no id in its path",
    "malformed id": _has_uuid,
    "malformed body": lambda route: "its body may be left out" if route.empty else
    _takes_body(route),
    "body of another type": _takes_body,
    "conflict": _conflicts,
}


def inapplicable(case, route):
    """Why a case is not about a route; None: it is."""
    return CASES[case](route)


def routes_of(case):
    return [route for route in ROUTES if inapplicable(case, route) is None]
