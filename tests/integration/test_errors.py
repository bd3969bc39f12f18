"""What bad input gets, on every route: the envelope, the right status, never a 5xx."""
import json
import uuid

import pytest

from api import BY_NAME, ROUTES, Api, check_envelope, ok, refused
from endpoints import routes_of

NOBODY = "00000000-0000-7000-8000-000000000000"
GUARDED = [route for route in ROUTES if route.needs_token]
WITH_BODY = [route for route in ROUTES if route.body]
IDS = {"ids": lambda route: route.name}


def some_ids(route, text=NOBODY):
    return [text] * route.ids


@pytest.mark.parametrize("route", routes_of("no token"), **IDS)
def test_without_a_token(anonymous, route):
    refused(anonymous.send(route, *some_ids(route)), 401, "UnauthorizedError")


@pytest.mark.parametrize("token", ["nonsense", "Bearer", "chy_short", "chy_" + "A" * 49, "x" * 3000])
def test_unreadable_token(anonymous, token):
    refused(anonymous.with_token(token).list_projects(), 401, "UnauthorizedError")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a b",
                                   "Token abc"])
def test_unreadable_authorization(anonymous, value):
    answer = anonymous.list_projects(headers={"Authorization": value})
    refused(answer, 401, "UnauthorizedError")


@pytest.mark.parametrize("route", GUARDED, **IDS)
def test_with_a_revoked_token(world, anonymous, revoked_token, route):
    stranger = anonymous.with_token(revoked_token)
    refused(stranger.send(route, *some_ids(route)), 403, "TokenError")


@pytest.fixture(scope="module")
def revoked_token(world, anonymous):
    token = ok(world.member("auditor").log_in())["accessToken"]
    ok(anonymous.revoke_token(accessToken=token))
    return token


@pytest.mark.parametrize("route", GUARDED, **IDS)
def test_without_any_permission(world, route):
    """Refused before ids and bodies are looked at, with the permission that is missing."""
    answer = world.member("no-access").api.send(route, *some_ids(route))
    denied = refused(answer, 403, "PermissionDenied")["details"][0]
    assert (denied["subject"], denied["action"]) == (route.subject, route.action)


@pytest.mark.parametrize("route", [route for route in GUARDED if route.action != "read"], **IDS)
def test_an_auditor_changes_nothing(world, route):
    answer = world.member("auditor").api.send(route, *some_ids(route))
    denied = refused(answer, 403, "PermissionDenied")["details"][0]
    assert (denied["subject"], denied["action"]) == (route.subject, route.action)


@pytest.mark.parametrize("route", routes_of("malformed id"), **IDS)
@pytest.mark.parametrize("text", ["not-a-uuid", "123", NOBODY + "0", NOBODY.replace("-", ""),
                                  "%7B" + NOBODY[1:]])
def test_malformed_uuid_in_the_path(admin, world, route, text):
    answer = admin.send(route, *some_ids(route, text), json=plausible_body(route, world))
    refused(answer, 422, "ValidationFailure")


@pytest.mark.parametrize("route", [route for route in routes_of("unknown id")
                                   if route.needs_token and not route.has_name], **IDS)
def test_unknown_id(admin, world, route):
    answer = admin.send(route, *some_ids(route), json=plausible_body(route, world))
    refused(answer, 404, "NotFound", "not found")


def plausible_body(route, world):
    """A body that only the id in the path is wrong with."""
    bodies = {
        "generate_ca_certificate": {"notAfter": "2030-01-01"},
        "sign_intermediate": {"csr": "-", "notAfter": "2030-01-01"},
        "import_ca_certificate": {"certificate": "-", "certificateChain": ""},
        "renew_ca": {"type": "existing", "notAfter": "2030-01-01"},
        "revoke": {"revocationReason": "SUPERSEDED"},
        "create_project_identity": {"name": "someone"},
        "get_pkcs12": {"password": "change-it", "alias": "x"},
        "get_pkcs12_by_serial": {"password": "change-it", "alias": "x"},
        "revoke_by_serial": {"revocationReason": "SUPERSEDED"},
        "add_application_profiles": {"profileIds": []},
        "assign_certificate": {"applicationId": NOBODY},
        "create_application_identity": {"identityId": NOBODY, "role": "auditor"},
        "add_application_identity": {"role": "auditor"},
        "update_application_identity": {"role": "auditor"},
        "create_role": {"slug": "someone", "name": "someone", "permissions": []},
        "add_member": {"role": "auditor"},
        "update_member": {"role": "auditor"},
        "set_password": {"password": "another one entirely"},
    }
    return bodies.get(route.name, {}) if route.body else None


@pytest.mark.parametrize("route", [route for route in routes_of("unknown id")
                                   if not route.needs_token], **IDS)
@pytest.mark.parametrize("text", [NOBODY, "nonsense"])
def test_unknown_id_on_public_routes(anonymous, route, text):
    refused(anonymous.send(route, *some_ids(route, text)), 404, "NotFound")


# --- bodies --------------------------------------------------------------------------------------

MALFORMED = [b"{", b"nonsense", b'{"a":1,}', b"{'a':1}", b'{"a":1}}', b'{"a":\x00}',
             b'\xff\xfe{"a":1}', b'{"a":"\xff"}', b'{"a":"\xc3"}', b'{"a":01}', b'{"a":1e999999}',
             b'{"a":1,"a":2}', b'{"profileId":"x","profileId":"y"}', b'{"a":NaN}',
             b'{"a":"' + b"\n" + b'"}', b"[" * 5000 + b"]" * 5000,
             b'{"attributes":' * 40 + b"1" + b"}" * 40]
JSON = {"Content-Type": "application/json"}


def body_ids(case):
    return repr(case[:24])


@pytest.mark.parametrize("body", MALFORMED, ids=body_ids)
@pytest.mark.parametrize("name", ["issue", "create_profile", "create_project", "log_in",
                                  "create_project_identity"])
def test_malformed_json(admin, world, name, body):
    ids = [world.project_id] * BY_NAME[name].ids
    refused(admin.send(BY_NAME[name], *ids, data=body, headers=JSON), 400, "BadRequest")


@pytest.mark.parametrize("name", ["issue", "create_profile", "create_project", "log_in",
                                  "create_project_identity"])
def test_no_body_at_all(admin, world, name):
    ids = [world.project_id] * BY_NAME[name].ids
    answer = admin.send(BY_NAME[name], *ids, data=b"", headers=JSON)
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("route", routes_of("malformed body"), **IDS)
def test_malformed_json_on_every_route(admin, world, route):
    ids = [world.project_id] * route.ids
    answer = admin.send(route, *ids, data=b'{"broken', headers=JSON)
    refused(answer, 400, "BadRequest")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"], ids=body_ids)
@pytest.mark.parametrize("name", ["issue", "create_profile", "create_project", "log_in",
                                  "create_project_identity", "create_ca"])
def test_json_that_is_no_object(admin, world, name, body):
    ids = [world.project_id] * BY_NAME[name].ids
    refused(admin.send(BY_NAME[name], *ids, data=body, headers=JSON), 422, "ValidationFailure")


@pytest.mark.parametrize("text", [r'"\ud800"', r'"\udc00"', r'"\ud800x"', r'"a\u0000b"',
                                  r'"\u0000"', r'"\u202e"', r'"\u0007"'])
@pytest.mark.parametrize("member", ["commonName", "organization", "ttl", "keyAlgorithm"])
def test_strange_strings_when_issuing(admin, world, member, text):
    body = ('{"profileId":"%s","attributes":{"ttl":"1d","commonName":"a.example.com",'
            '"country":"DE","%s":%s}}' % (world.profile_id, member + "", text))
    if member in ("commonName", "ttl"):
        body = body.replace('"ttl":"1d",' if member == "ttl" else '"commonName":"a.example.com",',
                            "", 1)
    answer = admin.issue(data=body.encode("utf-8"), headers=JSON)
    assert answer.status_code in (400, 422), answer.text


@pytest.mark.parametrize("text", ["a\0b", "\0", "x" * 5000])
def test_strange_names(admin, world, text):
    for answer in (admin.create_project(projectName=text),
                   admin.create_policy(projectId=world.project_id, name=text, subject=[
                       {"type": "common_name", "allowed": ["*"]}]),
                   admin.create_project_identity(world.project_id, name=text)):
        assert answer.status_code in (400, 422), answer.text


def test_strange_query_and_path(admin, world):
    for path in ("/api/v1/projects/%00", "/api/v1/projects/%ff", "/api/v1/projects/%2e%2e",
                 "/api/v1/projects/..%2fx", "/api/v1//projects", "/api/v1/projects/%zz",
                 "/api/v1/projects?search=%ff", "/api/v1/projects/slug/%00",
                 "/api/v1/cert-manager/certificate-profiles?projectId=%00",
                 f"/api/v1/cert-manager/certificate-profiles?projectId={world.project_id}&search=%ff"):
        answer = admin.call("GET", path)
        assert answer.status_code in (400, 404, 422), f"{path}: {answer.text}"


@pytest.mark.parametrize("limits", [{"limit": "0"}, {"limit": "101"}, {"limit": "many"},
                                    {"offset": "-1"}, {"limit": "1.5"}])
def test_paging_out_of_range(admin, world, limits):
    query = {"projectId": world.project_id, **limits}
    refused(admin.list_profiles(query=query), 422, "ValidationFailure")
    refused(admin.list_policies(query=query), 422, "ValidationFailure")


@pytest.mark.parametrize("route", WITH_BODY, **IDS)
def test_wrong_media_type(admin, world, route):
    ids = [world.project_id] * route.ids
    answer = admin.send(route, *ids, data=b"<a/>", headers={"Content-Type": "text/xml"})
    refused(answer, 415, "UnsupportedMediaType")


def test_content_encoding(admin):
    answer = admin.create_project(data=b"{}", headers={**JSON, "Content-Encoding": "gzip"})
    refused(answer, 415, "UnsupportedMediaType")


@pytest.mark.parametrize("route", WITH_BODY, **IDS)
def test_a_body_of_one_megabyte(admin, world, route):
    ids = [world.project_id] * route.ids
    body = b'{"a":"' + b"x" * (1 << 20) + b'"}'
    refused(admin.send(route, *ids, data=body, headers=JSON), 413, "PayloadTooLarge")


@pytest.mark.parametrize("route", ROUTES, **IDS)
def test_a_method_that_the_path_does_not_take(admin, route):
    taken = {other.method for other in ROUTES if other.path == route.path}
    answer = admin.call("TRACE" if "PUT" in taken else "PUT", route.fill(*some_ids(route)), json={})
    refused(answer, 405, "MethodNotAllowed")
    assert route.method in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1", "/api/v1/nothing", "/api/v2/projects",
                                  "/api/v1/projects/" + NOBODY + "/nothing"])
def test_a_path_that_there_is_not(admin, path):
    refused(admin.call("GET", path), 404, "NotFound")


# --- wrong types ---------------------------------------------------------------------------------

WRONG_TYPES = {
    "create_project": [{}, {"projectName": 1}, {"projectName": ""}, {"projectName": None},
                       {"projectName": "x", "slug": "UPPER"}, {"projectName": "x", "slug": "abc"}],
    "activate_project": [{}, {"projectId": "nonsense"}, {"projectId": 7}],
    "create_policy": [{}, {"name": 1}, {"name": "p", "subject": {}},
                      {"name": "p", "subject": [{"type": "nose", "allowed": ["*"]}]},
                      {"name": "p", "subject": [{"type": "common_name"}]},
                      {"name": "p", "subject": [{"type": "common_name", "allowed": "x"}]},
                      {"name": "p", "subject": [{"type": "common_name", "allowed": ["a", "a"]}]},
                      {"name": "p", "sans": [{"type": "dns_name", "allowed": ["*"]},
                                             {"type": "dns_name", "denied": ["*"]}]},
                      {"name": "p", "sans": [{"type": "dns_name", "allowed": ["*"],
                                              "wildcards": "yes"}]},
                      {"name": "p", "keyUsages": {}}, {"name": "p", "keyUsages": {"allowed": ["fly"]}},
                      {"name": "p", "keyUsages": {"allowed": ["crl_sign"], "denied": ["crl_sign"]}},
                      {"name": "p", "extendedKeyUsages": {"required": ["fly"]}},
                      {"name": "p", "algorithms": {"signature": []}},
                      {"name": "p", "validity": {"max": "1w"}},
                      {"name": "p", "validity": {"max": "0d"}},
                      {"name": "p", "validity": {"max": 90}},
                      {"name": "p", "basicConstraints": {"isCA": "maybe"}},
                      {"name": "p", "basicConstraints": {"maxPathLength": -2}}],
    "create_ca": [{}, {"name": "x"}, {"name": "x", "configuration": {}},
                  {"name": "X Y", "configuration": {"type": "root", "commonName": "x"}},
                  {"name": "x", "configuration": {"type": "leaf", "commonName": "x"}},
                  {"name": "x", "configuration": {"type": "root"}},
                  {"name": "x", "configuration": {"type": "root", "commonName": 1}},
                  {"name": "x", "configuration": {"type": "root", "commonName": "x",
                                                  "keyAlgorithm": "RSA_1024"}},
                  {"name": "x", "configuration": {"type": "root", "commonName": "x",
                                                  "notAfter": "tomorrow"}},
                  {"name": "x", "configuration": {"type": "root", "commonName": "x",
                                                  "maxPathLength": -2}},
                  {"name": "x", "status": "asleep",
                   "configuration": {"type": "root", "commonName": "x"}},
                  {"name": "x", "configuration": {"type": "root", "commonName": "x",
                                                  "crlDistributionPointUrls": ["ftp://x"]}}],
    "create_identity": [{}, {"name": ""}, {"name": 1}, {"name": "x", "role": "emperor"}],
    "log_in": [{}, {"clientId": "x"}, {"clientSecret": "x"}, {"clientId": 1, "clientSecret": "x"}],
    "renew_token": [{}, {"accessToken": 1}],
    "revoke_token": [{}, {"accessToken": 1}],
}


@pytest.mark.parametrize("name,body", [(name, body) for name, bodies in WRONG_TYPES.items()
                                       for body in bodies], ids=lambda case: str(case)[:60])
def test_wrong_types(admin, world, name, body):
    if name in ("create_policy", "create_ca"):
        body = {"projectId": world.project_id, **body}
    refused(admin.send(BY_NAME[name], json=body), 422, "ValidationFailure")


@pytest.mark.parametrize("name", ["create_policy", "create_profile", "create_ca"])
def test_wrong_project_id(admin, world, name):
    body = {"projectId": "nonsense", "name": "x", "slug": "x",
            "certificatePolicyId": world.policy_id, "caId": world.ca_id,
            "configuration": {"type": "root", "commonName": "x"}}
    refused(admin.send(BY_NAME[name], json=body), 422, "ValidationFailure", "projectId")
    refused(admin.send(BY_NAME[name], json={**body, "projectId": NOBODY}), 404, "NotFound")


def test_a_422_names_each_wrong_field(admin, world):
    answer = admin.issue(profileId="nonsense", attributes={"ttl": 1, "altNames": [{"type": "DNS"}],
                                                           "keyUsages": [3]})
    paths = {".".join(map(str, issue["path"])) for issue in
             refused(answer, 422, "ValidationFailure")["message"]}
    assert paths == {"profileId", "attributes.ttl", "attributes.altNames.0.value",
                     "attributes.keyUsages.0"}


def test_unknown_members_are_dropped(admin):
    made = ok(admin.create_project(json={"projectName": "with more", "template": "x",
                                         "kmsKeyId": {"deep": [1]}, "slug": "s" + uuid.uuid4().hex}))
    assert "template" not in made["project"]


def test_an_envelope_echoes_no_secret(anonymous):
    secret = "chys_" + "B" * 40
    answer = anonymous.log_in(clientId="someone", clientSecret=secret)
    assert secret not in json.dumps(check_envelope(answer))
    assert answer.status_code == 401


def test_errors_of_a_stranger_tell_nothing(daemon, world, other_world):
    """A member of one project cannot tell another's id from one that there is not."""
    stranger = Api(daemon.ready.url, other_world.member("admin").api.token)
    for name, real in (("get_profile", world.profile_id), ("get_policy", world.policy_id),
                       ("get_ca", world.ca_id), ("get_project", world.project_id)):
        theirs = refused(stranger.send(BY_NAME[name], real), 404, "NotFound")
        nobodys = refused(stranger.send(BY_NAME[name], NOBODY), 404, "NotFound")
        assert theirs["message"] == nobodys["message"]


@pytest.mark.parametrize("create,members,expected", [
    ("create_project", {"projectName": "x", "slug": "Not A Slug"}, "lower-case letters and digits"),
    ("create_policy", {"name": "x", "validity": {"max": "long"}}, "such as 90d"),
    ("create_policy", {"name": "x", "keyUsages": {"allowed": ["sign"]}}, "digital_signature, "),
    ("create_ca", {"name": "x", "configuration": {"type": "root", "commonName": "x",
                                                  "keyAlgorithm": "RSA_1024"}}, "RSA_2048, "),
])
def test_what_was_expected_is_told_in_words(world, create, members, expected):
    members = {**members, **({} if create == "create_project" else {"projectId": world.project_id})}
    body = refused(getattr(world.admin, create)(json=members), 422)
    (issue,) = body["message"]
    assert expected in issue["message"] and "^[" not in issue["message"], issue


def test_a_media_type_is_refused_with_those_that_are_taken(anonymous):
    answer = anonymous.call("POST", "/api/v1/auth/universal-auth/login", data=b"<a/>",
                            headers={"Content-Type": "text/xml"})
    refused(answer, 415, None, "text/xml", "application/json", "application/x-www-form-urlencoded")
