"""The REST API: every route once, a client with a method for each, and what every answer must be.

    api = Api(url, token)
    answer = api.get_certificate(certificate_id)         # a requests.Response
    body = ok(api.create_project(projectName="demo"))    # its JSON, after a look at the status
    refused(api.get_certificate(other), 404, "NotFound") # its envelope, after a look at all of it
"""
import dataclasses
import re

import requests

import described

V1 = "/api/v1"
CM = V1 + "/cert-manager"
PKI = V1 + "/pki"
CA = CM + "/ca/internal"
SERIAL_PATH = PKI + "/certificates/{}"
UA = V1 + "/auth/universal-auth"
UA_IDENTITY = UA + "/identities/{}"
APPLICATION = CM + "/applications/{}"
APPLICATION_PROFILE = APPLICATION + "/profiles/{}"
ROLE = V1 + "/projects/{}/roles"
APPROVAL = V1 + "/approval-policies/cert-request"
MEMBER = V1 + "/projects/{}/identities"


@dataclasses.dataclass(frozen=True)
class Route:
    """One route.  `subject` and `action` are the permission it needs, empty: anyone may call."""
    name: str
    method: str
    path: str
    subject: str = ""
    action: str = ""
    body: bool = False    # takes a JSON body
    empty: bool = False   # … or none

    @property
    def needs_token(self):
        return self.subject != ""

    @property
    def ids(self):
        return self.path.count("{}")

    @property
    def has_name(self):
        """Is what stands in the path a name, not an id?"""
        return bool({"slug", "workspace", "by-name"} & set(self.path.split("/")))

    def fill(self, *ids):
        assert len(ids) == self.ids, f"{self.name} takes {self.ids} ids"
        return self.path.format(*ids)


def ordinary(base, name, subject, plural=None):
    return [
        Route(f"create_{name}", "POST", base, subject, "create", body=True),
        Route(f"list_{plural or name + 's'}", "GET", base, subject, "read"),
        Route(f"get_{name}", "GET", base + "/{}", subject, "read"),
        Route(f"update_{name}", "PATCH", base + "/{}", subject, "edit", body=True),
        Route(f"delete_{name}", "DELETE", base + "/{}", subject, "delete"),
    ]


PROJECTS = "projects"
POLICIES = "certificate-policies"
PROFILES = "certificate-profiles"
AUTHORITIES = "certificate-authorities"
CERTIFICATES = "certificates"
REQUESTS = "certificate-requests"
APPLICATIONS = "applications"
IDENTITIES = "identities"
ROLES = "roles"
AUDIT_LOGS = "audit-logs"
APPROVALS = "approval-policies"
ALERTS = "pki-alerts"

ROUTES = [
    Route("status", "GET", "/api/status"),
    *ordinary(V1 + "/projects", "project", PROJECTS),
    Route("get_project_by_slug", "GET", V1 + "/projects/slug/{}", PROJECTS, "read"),
    Route("activate_project", "POST", CM + "/instance/active-project", PROJECTS, "edit", body=True),
    *ordinary(CM + "/certificate-policies", "policy", POLICIES, "policies"),
    *ordinary(CM + "/certificate-profiles", "profile", PROFILES),
    Route("get_profile_by_slug", "GET", CM + "/certificate-profiles/slug/{}", PROFILES, "read"),
    *ordinary(PKI + "/certificate-profiles", "old_profile", PROFILES),
    Route("get_old_profile_by_slug", "GET", PKI + "/certificate-profiles/slug/{}", PROFILES,
          "read"),
    Route("list_certificates_of_profile", "GET", CM + "/certificate-profiles/{}/certificates",
          CERTIFICATES, "read"),
    Route("get_latest_bundle", "GET",
          CM + "/certificate-profiles/{}/certificates/latest-active-bundle", CERTIFICATES, "read"),
    Route("list_certificates_of_old_profile", "GET", PKI + "/certificate-profiles/{}/certificates",
          CERTIFICATES, "read"),
    Route("get_old_latest_bundle", "GET",
          PKI + "/certificate-profiles/{}/certificates/latest-active-bundle", CERTIFICATES, "read"),
    *ordinary(CM + "/applications", "application", APPLICATIONS),
    Route("get_application_by_name", "GET", CM + "/applications/by-name/{}", APPLICATIONS, "read"),
    Route("list_application_profiles", "GET", CM + "/applications/{}/profiles", APPLICATIONS,
          "read"),
    Route("add_application_profiles", "POST", CM + "/applications/{}/profiles", APPLICATIONS,
          "edit", body=True),
    Route("remove_application_profile", "DELETE", APPLICATION_PROFILE, APPLICATIONS, "edit"),
    Route("get_enrollment", "GET", APPLICATION_PROFILE + "/enrollment", APPLICATIONS, "read"),
    Route("set_enrollment", "PUT", APPLICATION_PROFILE + "/enrollment/{}", APPLICATIONS, "edit",
          body=True),
    Route("clear_enrollment", "DELETE", APPLICATION_PROFILE + "/enrollment/{}", APPLICATIONS,
          "edit"),
    Route("list_application_identities", "GET", APPLICATION + "/identities", APPLICATIONS, "read"),
    Route("create_application_identity", "POST", APPLICATION + "/identities", APPLICATIONS, "edit",
          body=True),
    Route("add_application_identity", "POST", APPLICATION + "/identities/{}", APPLICATIONS, "edit",
          body=True),
    Route("update_application_identity", "PATCH", APPLICATION + "/identities/{}", APPLICATIONS,
          "edit", body=True),
    Route("remove_application_identity", "DELETE", APPLICATION + "/identities/{}", APPLICATIONS,
          "edit"),
    Route("list_application_users", "GET", APPLICATION + "/users", APPLICATIONS, "read"),
    Route("add_application_users", "POST", APPLICATION + "/users", APPLICATIONS, "edit", body=True),
    Route("update_application_user", "PATCH", APPLICATION + "/users/{}", APPLICATIONS, "edit",
          body=True),
    Route("remove_application_user", "DELETE", APPLICATION + "/users/{}", APPLICATIONS, "edit"),
    Route("list_application_groups", "GET", APPLICATION + "/groups", APPLICATIONS, "read"),
    Route("add_application_group", "POST", APPLICATION + "/groups/{}", APPLICATIONS, "edit",
          body=True),
    Route("update_application_group", "PATCH", APPLICATION + "/groups/{}", APPLICATIONS, "edit",
          body=True),
    Route("remove_application_group", "DELETE", APPLICATION + "/groups/{}", APPLICATIONS, "edit"),
    Route("list_all_cas", "GET", CM + "/ca", AUTHORITIES, "read"),
    *ordinary(CA, "ca", AUTHORITIES),
    Route("get_ca_csr", "GET", CA + "/{}/csr", AUTHORITIES, "read"),
    Route("generate_ca_certificate", "POST", CA + "/{}/certificate", AUTHORITIES, "create",
          body=True),
    Route("get_ca_certificate", "GET", CA + "/{}/certificate", AUTHORITIES, "read"),
    Route("get_ca_certificate_by_id", "GET", CA + "/{}/certificate/{}", AUTHORITIES, "read"),
    Route("list_ca_certificates", "GET", CA + "/{}/ca-certificates", AUTHORITIES, "read"),
    Route("sign_intermediate", "POST", CA + "/{}/sign-intermediate", AUTHORITIES,
          "sign-intermediate", body=True),
    Route("import_ca_certificate", "POST", CA + "/{}/import-certificate", AUTHORITIES, "create",
          body=True),
    Route("renew_ca", "POST", CA + "/{}/renew", AUTHORITIES, "create", body=True),
    Route("list_crls", "GET", CA + "/{}/crls", AUTHORITIES, "read"),
    Route("issue", "POST", CM + "/certificates", CERTIFICATES, "issue", body=True),
    Route("issue_flat", "POST", CM + "/certificates/issue-certificate", CERTIFICATES, "issue",
          body=True),
    Route("sign_flat", "POST", CM + "/certificates/sign-certificate", CERTIFICATES, "issue",
          body=True),
    Route("order_flat", "POST", CM + "/certificates/order-certificate", CERTIFICATES, "issue",
          body=True),
    Route("issue_old", "POST", PKI + "/certificates/issue-certificate", CERTIFICATES, "issue",
          body=True),
    Route("sign_old", "POST", PKI + "/certificates/sign-certificate", CERTIFICATES, "issue",
          body=True),
    Route("get_by_serial", "GET", SERIAL_PATH, CERTIFICATES, "read"),
    Route("get_body_by_serial", "GET", SERIAL_PATH + "/certificate", CERTIFICATES, "read"),
    Route("get_bundle_by_serial", "GET", SERIAL_PATH + "/bundle", CERTIFICATES, "read"),
    Route("get_private_key_by_serial", "GET", SERIAL_PATH + "/private-key", CERTIFICATES, "read"),
    Route("get_pkcs12_by_serial", "POST", SERIAL_PATH + "/pkcs12", CERTIFICATES, "read",
          body=True),
    Route("revoke_by_serial", "POST", SERIAL_PATH + "/revoke", CERTIFICATES, "revoke", body=True),
    Route("delete_by_serial", "DELETE", SERIAL_PATH, CERTIFICATES, "delete"),
    Route("get_certificate", "GET", CM + "/certificates/{}", CERTIFICATES, "read"),
    Route("get_certificate_body", "GET", CM + "/certificates/{}/certificate", CERTIFICATES, "read"),
    Route("get_certificate_body_old", "GET", CM + "/certificates/{}/body", CERTIFICATES, "read"),
    Route("configure_renewal", "PATCH", CM + "/certificates/{}/config", CERTIFICATES, "edit",
          body=True),
    Route("get_bundle", "GET", CM + "/certificates/{}/bundle", CERTIFICATES, "read"),
    Route("get_private_key", "GET", CM + "/certificates/{}/private-key", CERTIFICATES, "read"),
    Route("renew", "POST", CM + "/certificates/{}/renew", CERTIFICATES, "renew", body=True,
          empty=True),
    Route("delete_certificate", "DELETE", CM + "/certificates/{}", CERTIFICATES, "delete"),
    Route("revoke", "POST", CM + "/certificates/{}/revoke", CERTIFICATES, "revoke", body=True),
    Route("get_pkcs12", "POST", CM + "/certificates/{}/pkcs12", CERTIFICATES, "read", body=True),
    Route("update_certificate", "PATCH", CM + "/certificates/{}", CERTIFICATES, "edit", body=True),
    Route("assign_certificate", "POST", CM + "/certificates/{}/application", CERTIFICATES, "edit",
          body=True),
    Route("import_certificate", "POST", CM + "/certificates/import-certificate", CERTIFICATES,
          "create", body=True),
    Route("get_request", "GET", CM + "/certificates/certificate-requests/{}", REQUESTS, "read"),
    Route("list_requests", "GET", CM + "/certificates/certificate-requests", REQUESTS, "read"),
    Route("search_requests", "POST", CM + "/certificates/certificate-requests/search", REQUESTS,
          "read", body=True),
    Route("cancel_request", "POST", CM + "/certificates/certificate-requests/{}/cancel", REQUESTS,
          "read", body=True, empty=True),
    Route("search_certificates", "POST", V1 + "/projects/{}/certificates/search", CERTIFICATES,
          "read", body=True),
    Route("list_certificates", "GET", V1 + "/projects/{}/certificates", CERTIFICATES, "read"),
    Route("list_workspace_certificates", "GET", "/api/v2/workspace/{}/certificates", CERTIFICATES,
          "read"),
    Route("dashboard", "GET", V1 + "/projects/{}/certificates/dashboard-stats", CERTIFICATES,
          "read"),
    Route("trend", "GET", V1 + "/projects/{}/certificates/activity-trend", CERTIFICATES, "read"),
    *ordinary(V1 + "/identities", "identity", IDENTITIES, "identities"),
    Route("create_role", "POST", ROLE, ROLES, "create", body=True),
    Route("list_roles", "GET", ROLE, ROLES, "read"),
    Route("get_role_by_slug", "GET", ROLE + "/slug/{}", ROLES, "read"),
    Route("get_role", "GET", ROLE + "/{}", ROLES, "read"),
    Route("update_role", "PATCH", ROLE + "/{}", ROLES, "edit", body=True),
    Route("delete_role", "DELETE", ROLE + "/{}", ROLES, "delete"),
    Route("create_approval_policy", "POST", APPROVAL, APPROVALS, "create", body=True),
    Route("list_approval_policies", "GET", APPROVAL, APPROVALS, "read"),
    Route("check_approval_match", "POST", APPROVAL + "/check-policy-match", APPROVALS, "read",
          body=True),
    Route("list_approvals", "GET", APPROVAL + "/requests", REQUESTS, "read"),
    Route("get_approval", "GET", APPROVAL + "/requests/{}", REQUESTS, "read"),
    Route("approve", "POST", APPROVAL + "/requests/{}/approve", REQUESTS, "approve", body=True,
          empty=True),
    Route("reject", "POST", APPROVAL + "/requests/{}/reject", REQUESTS, "approve", body=True,
          empty=True),
    Route("cancel_approval", "POST", APPROVAL + "/requests/{}/cancel", REQUESTS, "read", body=True,
          empty=True),
    Route("list_approval_grants", "GET", APPROVAL + "/grants", REQUESTS, "read"),
    Route("get_approval_grant", "GET", APPROVAL + "/grants/{}", REQUESTS, "read"),
    Route("revoke_approval_grant", "POST", APPROVAL + "/grants/{}/revoke", REQUESTS, "approve",
          body=True, empty=True),
    Route("get_approval_policy", "GET", APPROVAL + "/{}", APPROVALS, "read"),
    Route("update_approval_policy", "PATCH", APPROVAL + "/{}", APPROVALS, "edit", body=True),
    Route("delete_approval_policy", "DELETE", APPROVAL + "/{}", APPROVALS, "delete"),
    *ordinary(CM + "/alerts", "alert", ALERTS),
    Route("list_alert_certificates", "GET", CM + "/alerts/{}/certificates", ALERTS, "read"),
    Route("list_deliveries", "GET", CM + "/alerts/{}/deliveries", ALERTS, "read"),
    Route("test_alert", "POST", CM + "/alerts/{}/test", ALERTS, "edit", body=True, empty=True),
    Route("preview_alert", "POST", CM + "/alerts/preview/certificates", ALERTS, "read", body=True),
    Route("test_webhook", "POST", CM + "/alerts/test-webhook", ALERTS, "edit", body=True),
    Route("create_project_identity", "POST", MEMBER, IDENTITIES, "create", body=True),
    Route("list_project_identities", "GET", MEMBER, IDENTITIES, "read"),
    Route("add_member", "POST", MEMBER + "/{}", IDENTITIES, "create", body=True),
    Route("get_member", "GET", MEMBER + "/{}", IDENTITIES, "read"),
    Route("update_member", "PATCH", MEMBER + "/{}", IDENTITIES, "edit", body=True),
    Route("remove_member", "DELETE", MEMBER + "/{}", IDENTITIES, "delete"),
    Route("log_in", "POST", UA + "/login", body=True),
    Route("attach_universal_auth", "POST", UA_IDENTITY, IDENTITIES, "edit", body=True),
    Route("get_universal_auth", "GET", UA_IDENTITY, IDENTITIES, "read"),
    Route("update_universal_auth", "PATCH", UA_IDENTITY, IDENTITIES, "edit", body=True),
    Route("detach_universal_auth", "DELETE", UA_IDENTITY, IDENTITIES, "delete"),
    Route("create_client_secret", "POST", UA_IDENTITY + "/client-secrets", IDENTITIES, "edit",
          body=True, empty=True),
    Route("list_client_secrets", "GET", UA_IDENTITY + "/client-secrets", IDENTITIES, "read"),
    Route("get_client_secret", "GET", UA_IDENTITY + "/client-secrets/{}", IDENTITIES, "read"),
    Route("revoke_client_secret", "POST", UA_IDENTITY + "/client-secrets/{}/revoke", IDENTITIES,
          "edit", body=True, empty=True),
    Route("log_in_user", "POST", V1 + "/auth/login", body=True),
    Route("change_password", "POST", V1 + "/auth/password", body=True),
    *ordinary(V1 + "/users", "user", IDENTITIES),
    Route("set_password", "POST", V1 + "/users/{}/password", IDENTITIES, "edit", body=True),
    Route("renew_token", "POST", V1 + "/auth/token/renew", body=True),
    Route("revoke_token", "POST", V1 + "/auth/token/revoke", body=True),
    Route("list_audit_logs", "GET", V1 + "/audit-logs", AUDIT_LOGS, "read"),
    Route("search_audit_logs", "POST", V1 + "/audit-logs/search", AUDIT_LOGS, "read", body=True),
    Route("export_audit_logs", "GET", V1 + "/audit-logs/export", AUDIT_LOGS, "read"),
    Route("get_audit_log", "GET", V1 + "/audit-logs/{}", AUDIT_LOGS, "read"),
    Route("get_crl", "GET", CM + "/crl/{}"),
    Route("get_crl_der", "GET", CM + "/crl/{}/der"),
    Route("get_old_crl", "GET", PKI + "/crl/{}"),
    Route("get_ca_certificate_der", "GET", CA + "/{}/certificates/{}/der"),
]
BY_NAME = {route.name: route for route in ROUTES}
assert len(BY_NAME) == len(ROUTES)

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
SERIAL = re.compile(r"[1-7][0-9a-f]{31}\Z")
NAMES = {
    400: {"BadRequest", "CryptographyError"},
    401: {"UnauthorizedError"},
    403: {"TokenError", "PermissionDenied", "ForbiddenError"},
    404: {"NotFound"},
    405: {"MethodNotAllowed"},
    413: {"PayloadTooLarge"},
    414: {"UriTooLong"},
    415: {"UnsupportedMediaType"},
    417: {"ExpectationFailed"},
    422: {"ValidationFailure"},
    429: {"RateLimitExceeded"},
    431: {"RequestHeaderFieldsTooLarge"},
    503: {"ServiceUnavailable"},
}


def check_envelope(answer):
    """Holds an error to the envelope: its members, their types, and that they fit the status."""
    assert answer.headers["Content-Type"].split(";")[0] == "application/json", answer.headers
    body = answer.json()
    assert set(body) - {"details"} == {"reqId", "statusCode", "message", "error"}, body
    assert re.fullmatch(r"req-[0-9A-Za-z]{14,}", body["reqId"]), body
    assert answer.headers["X-Request-Id"] == body["reqId"]
    assert body["statusCode"] == answer.status_code, body
    assert body["error"] in NAMES[answer.status_code], body
    if answer.status_code == 422:
        assert isinstance(body["message"], list) and body["message"], body
        for issue in body["message"]:
            assert set(issue) >= {"code", "path", "message"}, issue
            assert isinstance(issue["path"], list), issue
            assert issue["code"] and issue["message"], issue
    else:
        assert isinstance(body["message"], str) and body["message"], body
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    if body["error"] == "PermissionDenied":
        assert body["details"], body
        for denied in body["details"]:
            assert set(denied) == {"action", "inverted", "subject", "conditions"}, denied
            assert denied["action"] in body["message"] and denied["subject"] in body["message"]
    return body


class Api:
    """A client.  Each route of ROUTES is a method: its ids first, then `json`, or the body's members
    by name; `query`, `data` and `headers` as they are."""

    def __init__(self, url, token=None, session=None):
        self.url = url.rstrip("/")
        self.token = token
        self.session = session or requests.Session()
        self.session.trust_env = False

    def with_token(self, token):
        return Api(self.url, token, self.session)

    def call(self, method, path, json=None, query=None, data=None, headers=None):
        sent = {}
        if self.token is not None:
            sent["Authorization"] = "Bearer " + self.token
        sent.update(headers or {})
        answer = self.session.request(method, self.url + path, json=json, params=query, data=data,
                                      headers=sent, timeout=60, allow_redirects=False)
        assert answer.status_code < 500, f"{method} {path}: {answer.status_code} {answer.text}"
        if answer.status_code != 200:
            assert method == "HEAD" or check_envelope(answer)
        described.check(self.url, method, path.split("?")[0], answer, self.session)
        return answer

    def send(self, route, *ids, json=None, query=None, data=None, headers=None, **members):
        if json is None and data is None and route.body and (members or not route.empty):
            json = members
        else:
            assert not members, f"{route.name}: {members}"
        return self.call(route.method, route.fill(*ids), json, query, data, headers)

    def __getattr__(self, name):
        if name not in BY_NAME:
            raise AttributeError(name)
        return lambda *ids, **arguments: self.send(BY_NAME[name], *ids, **arguments)


def ok(answer):
    """The JSON of an answer that must be a success."""
    assert answer.status_code == 200, f"{answer.request.method} {answer.request.url}: " \
                                      f"{answer.status_code} {answer.text}"
    return answer.json()


def refused(answer, status, error=None, *words):
    """The envelope of an answer that must be this refusal; each of `words` stands in its message."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: " \
                                         f"{answer.status_code} {answer.text}"
    body = check_envelope(answer)
    if error is not None:
        assert body["error"] == error, body
    for word in words:
        assert word.lower() in str(body["message"]).lower(), body
    return body


def issue_paths(answer):
    """Where the issues of a 422 are: {"attributes.ttl"}."""
    body = refused(answer, 422, "ValidationFailure")
    return {".".join(map(str, issue["path"])) for issue in body["message"]}
