"""What tests issue from: a project of their own with CAs, policies, profiles and members."""
import datetime
import secrets

import pki
from api import ok

ANY = ["*"]
SUBJECT_TYPES = ["common_name", "organization", "organizational_unit", "country", "state",
                 "locality", "domain_component"]
SAN_TYPES = ["dns_name", "ip_address", "email", "uri", "upn"]
KEY_USAGES = ["digital_signature", "key_encipherment", "non_repudiation", "data_encipherment",
              "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
EXT_KEY_USAGES = ["client_auth", "server_auth", "code_signing", "email_protection", "ocsp_signing",
                  "time_stamping", "any_purpose"]
SIGNATURES = ["RSA-SHA256", "RSA-SHA384", "RSA-SHA512", "ECDSA-SHA256", "ECDSA-SHA384",
              "ECDSA-SHA512", "Ed25519", "Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]

# A rule for everything, which allows it.
OPEN_POLICY = {
    "subject": [{"type": kind, "allowed": ANY} for kind in SUBJECT_TYPES],
    "sans": [{"type": kind, "allowed": ANY} for kind in SAN_TYPES],
    "keyUsages": {"allowed": KEY_USAGES},
    "extendedKeyUsages": {"allowed": EXT_KEY_USAGES},
    "algorithms": {"keyAlgorithm": ["EC_prime256v1", *[key for key in pki.ALL_KEYS
                                                       if key != "EC_prime256v1"]],
                   "signature": SIGNATURES},
    "validity": {"max": "10y"},
    "basicConstraints": {"isCA": "allowed", "maxPathLength": -1},
}


def fresh(word):
    return f"{word}-{secrets.token_hex(4)}"


def utc(**ahead):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**ahead)


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Member:
    """A machine identity that has logged in with universal auth."""

    def __init__(self, admin, project_id, role, **settings):
        made = ok(admin.create_project_identity(project_id, name=fresh("member"), role=role))
        self.id = made["identity"]["id"]
        self.role = role
        auth = ok(admin.attach_universal_auth(self.id, **settings))
        self.client_id = auth["identityUniversalAuth"]["clientId"]
        secret = ok(admin.create_client_secret(self.id))
        self.client_secret = secret["clientSecret"]
        self.client_secret_id = secret["clientSecretData"]["id"]
        self.anonymous = admin.with_token(None)
        self.login = ok(self.log_in())
        self.api = admin.with_token(self.login["accessToken"])

    def log_in(self, **changes):
        return self.anonymous.log_in(**{"clientId": self.client_id,
                                        "clientSecret": self.client_secret, **changes})


class Person:
    """A user with a password; a member of a project if one is given, logged in if not told otherwise."""

    def __init__(self, admin, project_id=None, role="issuer", logs_in=True, **members):
        self.password = secrets.token_urlsafe(16)
        self.username = fresh("person")
        made = ok(admin.create_user(json={"username": self.username, "password": self.password,
                                          **members}))
        self.user = made["user"]
        self.id = self.user["id"]
        if project_id is not None:
            ok(admin.add_member(project_id, self.id, role=role))
        self.anonymous = admin.with_token(None)
        self.api = admin.with_token(ok(self.log_in())["accessToken"]) if logs_in else None

    def log_in(self, **changes):
        return self.anonymous.log_in_user(**{"username": self.username, "password": self.password,
                                             **changes})

    def change_password(self, new, **changes):
        return self.anonymous.change_password(**{
            "username": self.username, "password": self.password, "newPassword": new, **changes})


class World:
    """A project with a P-256 root and issuing CA, an open policy and an API profile."""

    def __init__(self, admin, key="EC_prime256v1"):
        self.admin = admin
        made = ok(admin.create_project(projectName=fresh("project")))
        self.project = made["project"]
        self.project_id = self.project["id"]
        self.members = {}
        self.root = self.new_root(key)
        self.root_id = self.root["id"]
        self.ca = self.new_intermediate(self.root_id, key)
        self.ca_id = self.ca["id"]
        self.policy_id = self.new_policy()
        self.profile_id = self.new_profile()

    def new_root(self, key="EC_prime256v1", **changes):
        settings = {"type": "root", "commonName": fresh("Test Root"), "organization": "Test",
                    "keyAlgorithm": key, "notAfter": iso(utc(days=3650)),
                    **changes.pop("configuration", {})}
        body = {"projectId": self.project_id, "name": fresh("root"), "status": "active",
                "configuration": settings, **changes}
        return ok(self.admin.create_ca(json=body))

    def new_pending(self, key="EC_prime256v1", **changes):
        """An intermediate that has no certificate yet."""
        settings = {"type": "intermediate", "commonName": fresh("Test Issuing"),
                    "keyAlgorithm": key, **changes.pop("configuration", {})}
        body = {"projectId": self.project_id, "name": fresh("issuing"),
                "status": "pending-certificate", "configuration": settings, **changes}
        return ok(self.admin.create_ca(json=body))

    def new_intermediate(self, parent_id, key="EC_prime256v1", life=datetime.timedelta(days=1825),
                         max_path_length=-1, **changes):
        made = self.new_pending(key, **changes)
        not_after = iso(datetime.datetime.now(datetime.timezone.utc) + life)
        ok(self.admin.generate_ca_certificate(made["id"], parentCaId=parent_id, notAfter=not_after,
                                              maxPathLength=max_path_length))
        return ok(self.admin.get_ca(made["id"]))

    def new_policy(self, **changes):
        """OPEN_POLICY with `changes`; a member set to None is left out."""
        body = {"projectId": self.project_id, "name": fresh("policy"), **OPEN_POLICY, **changes}
        body = {key: value for key, value in body.items() if value is not None}
        return ok(self.admin.create_policy(json=body))["certificatePolicy"]["id"]

    def new_profile(self, policy_id=None, **changes):
        body = {"projectId": self.project_id, "caId": self.ca_id,
                "certificatePolicyId": policy_id or self.policy_id, "slug": fresh("profile"),
                "enrollmentType": "api", "apiConfig": {"autoRenew": False}, **changes}
        body = {key: value for key, value in body.items() if value is not None}
        return ok(self.admin.create_profile(json=body))["certificateProfile"]["id"]

    def self_signed_profile(self, policy_id=None, **changes):
        return self.new_profile(policy_id, caId=None, issuerType="self-signed", **changes)

    def member(self, role):
        """The project's member with `role`: made once."""
        if role not in self.members:
            self.members[role] = Member(self.admin, self.project_id, role)
        return self.members[role]

    def ask(self, profile_id=None, csr=None, api=None, metadata=None, top=None, **attributes):
        """Asks for a certificate: attributes by name, `ttl` 90d unless dates are given."""
        if "notAfter" not in attributes:
            attributes.setdefault("ttl", "90d")
        attributes = {key: value for key, value in attributes.items() if value != "absent"}
        body = {"profileId": profile_id or self.profile_id, "attributes": attributes, **(top or {})}
        if csr is not None:
            body["csr"] = csr
        elif not {"commonName", "altNames", "organization"} & set(attributes):
            attributes["commonName"] = "service.example.com"
        if metadata is not None:
            body["metadata"] = metadata
        return (api or self.admin).issue(json=body)

    def new_approval_policy(self, profile_id, required=1, approvers=(), **changes):
        """A policy of one step for the profile."""
        steps = [{"requiredApprovals": required,
                  "approvers": [{"type": "identity", "id": one} for one in approvers]}]
        body = {"projectId": self.project_id, "name": fresh("approval"), "steps": steps,
                "conditions": [{"profileIds": [profile_id]}], **changes}
        return ok(self.admin.create_approval_policy(json=body))["policy"]

    def issue(self, *arguments, **attributes):
        """The certificate's part of a success."""
        return ok(self.ask(*arguments, **attributes))["certificate"]

    def root_pem(self, ca_id=None):
        return ok(self.admin.get_ca_certificate(ca_id or self.root_id))["certificate"]
