"""The description of the API: a valid OpenAPI document of every route, and the same as a page.

That answers are as described is checked where tests get them (tests/support/described.py); that
requests are, by tests/interop/test_schemathesis.py.
"""
import base64
import hashlib
import html.parser
import json
import re

import jsonschema_rs
import openapi_spec_validator
import pytest
import requests

from api import ROUTES
from daemon import run

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def fetched(anonymous):
    return anonymous.call("GET", "/api/openapi.json")


@pytest.fixture(scope="module")
def document(fetched):
    return fetched.json()


@pytest.fixture(scope="module")
def operations(document):
    return {(method.upper(), path): operation for path, item in document["paths"].items()
            for method, operation in item.items()}


@pytest.fixture(scope="module")
def page(anonymous):
    return anonymous.call("GET", "/api/docs")


def test_it_is_openapi(document):
    assert document["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(document)


def test_nobody_needs_a_token_and_caches_keep_it(anonymous, admin, fetched):
    assert fetched.status_code == 200
    assert fetched.headers["Content-Type"] == "application/json"
    assert fetched.content == admin.call("GET", "/api/openapi.json").content
    tag = fetched.headers["ETag"]
    for path in ("/api/openapi.json", "/api/docs"):
        answer = anonymous.call("GET", path)
        again = requests.get(anonymous.url + path, timeout=60, proxies={"http": None},
                             headers={"If-None-Match": f'"other", {answer.headers["ETag"]}'})
        assert again.status_code == 304 and again.content == b""
        assert again.headers["ETag"] == answer.headers["ETag"]
    assert anonymous.call("GET", "/api/openapi.json", headers={
        "If-None-Match": tag[:-2] + 'x"'}).status_code == 200


def test_every_route_is_described(operations):
    """The program's own list, the tests' list and the description are one."""
    described = {(method, path) for method, path in operations}
    declared = set(re.findall(r"^  ([A-Z]+) +(/\S+)", run("plugin", "describe", "api").stdout, re.M))
    assert len(declared) > 100
    assert declared - described == set(), "routes that are not described"
    unnamed = {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in described
               if path.startswith("/api/") and "/ocsp/" not in path}
    tested = {(route.method, route.path) for route in ROUTES}
    assert unnamed == tested


def test_every_operation_says_what_it_is(operations, document):
    tags = {tag["name"] for tag in document["tags"]}
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    for where, operation in operations.items():
        assert re.fullmatch(r"[A-Z].{8,}\.", operation["summary"]), where
        assert set(operation["tags"]) <= tags and len(operation["tags"]) == 1, where
        assert operation["responses"]["200"].get("content"), f"{where}: the answer is not declared"
        for media in operation["responses"]["200"]["content"].values():
            assert "schema" in media, where
        for name in re.findall(r"\{(\w+)\}", where[1]):
            assert any(parameter["in"] == "path" and parameter["name"] == name and
                       parameter["required"] and parameter["schema"]
                       for parameter in operation["parameters"]), f"{where}: {name}"
        bearer = operation["security"] == [{"bearer": []}]
        assert bearer == ("x-permission" in operation), where
        assert not bearer or {"401", "403"} <= set(operation["responses"]), where
        assert {"400", "429", "500", "503"} <= set(operation["responses"]), where


def test_permissions_are_those_of_the_tests(operations):
    for route in ROUTES:
        found = [operation for (method, path), operation in operations.items()
                 if method == route.method and re.sub(r"\{\w+\}", "{}", path) == route.path]
        assert len(found) == 1, route
        needed = found[0].get("x-permission", {"subject": "", "action": ""})
        assert (needed["subject"], needed["action"]) == (route.subject, route.action), route


def resolve(document, schema):
    while "$ref" in schema:
        at = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            at = at[step]
        schema = at
    return schema


def walk(schema):
    """Every schema in a schema."""
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            inner = value.values() if key == "properties" else [value]
            for each in inner:
                yield from walk(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from walk(each)


def test_references_lead_somewhere(document):
    references = [each for each in walk(document) if "$ref" in each]
    assert len(references) > 500
    for each in references:
        assert resolve(document, each), each


def test_our_own_keywords_do_not_leave(document):
    for each in walk(document["paths"]):
        assert not {"x-fold", "x-trim"} & set(each), each


def test_examples_fit(operations):
    """What is shown as an example passes the schema it stands beside."""
    shown = 0
    for where, operation in operations.items():
        for name, media in operation.get("requestBody", {}).get("content", {}).items():
            if name != "application/json":
                continue
            validator = jsonschema_rs.Draft202012Validator(media["schema"], validate_formats=True)
            problems = [error.message for error in validator.iter_errors(media["example"])]
            assert not problems, f"{where}: {media['example']}: {problems}"
            shown += 1
    assert shown > 40


def test_what_validates_is_what_is_described(operations, document):
    """Some bounds, through all the layers from the table to the document."""
    issue = operations["POST", "/api/v1/cert-manager/certificates"]
    schema = issue["requestBody"]["content"]["application/json"]["schema"]
    assert issue["requestBody"]["required"] is True
    assert schema["required"] == ["profileId"]
    assert schema["properties"]["profileId"] == {"type": "string", "format": "uuid"}
    assert schema["properties"]["csr"]["maxLength"] == 49152
    profile = document["components"]["schemas"]["CertificateProfile"]
    assert profile["properties"]["issuerType"]["enum"] == ["ca", "self-signed"]
    assert profile["properties"]["apiConfig"]["properties"]["renewBeforeDays"]["maximum"] == 30
    listing = operations["GET", "/api/v1/cert-manager/certificate-profiles"]
    limit = [each for each in listing["parameters"] if each["name"] == "limit"][0]
    assert limit["in"] == "query" and limit["schema"]["maximum"] == 100
    login = operations["POST", "/api/v1/auth/universal-auth/login"]
    assert set(login["requestBody"]["content"]) == {"application/json",
                                                    "application/x-www-form-urlencoded"}
    assert login["security"] == []
    assert operations["POST", "/api/v1/pki/certificates/sign-certificate"]["deprecated"] is True
    pkcs12 = operations["POST", "/api/v1/cert-manager/certificates/{id}/pkcs12"]
    assert set(pkcs12["responses"]["200"]["content"]) == {"application/octet-stream"}
    error = document["components"]["schemas"]["Error403"]["properties"]["error"]["enum"]
    assert set(error) == {"TokenError", "PermissionDenied", "ForbiddenError"}


# --- the page --------------------------------------------------------------------------------------


class Reader(html.parser.HTMLParser):
    """Reads a page; fails on tags that do not match."""

    VOID = {"meta"}

    def __init__(self):
        super().__init__()
        self.open = []
        self.tags = []
        self.ids = []
        self.links = []
        self.text = {}

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)


@pytest.fixture(scope="module")
def read(page):
    reader = Reader()
    reader.feed(page.text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_one_piece(page, read):
    """Nothing is fetched, nothing runs, and the policy lets nothing else."""
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    names = {tag for tag, _ in read.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for _, attributes in read.tags:
        assert not set(attributes) & {"src", "style", "onclick", "onload"}, attributes
    assert all(link.startswith("#") or link == "openapi.json" for link in read.links)
    style = "".join(read.text["style"])
    assert "url(" not in style and "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_the_page_has_everything_and_can_be_walked(read, operations, document):
    assert len(read.ids) == len(set(read.ids))
    assert {operation["operationId"] for operation in operations.values()} <= set(read.ids)
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= set(read.ids)
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.ids)
    html_tags = [attributes for tag, attributes in read.tags if tag == "html"]
    assert html_tags == [{"lang": "en"}]
    names = [tag for tag, _ in read.tags]
    assert names.count("h1") == names.count("main") == names.count("nav") == 1
    assert all("scope" in attributes for tag, attributes in read.tags if tag == "th")
    assert names.count("caption") == names.count("table")


def test_it_is_the_same_after_a_restart(new_sqlite_daemon):
    daemon = new_sqlite_daemon()
    first = requests.get(daemon.ready.url + "/api/openapi.json", timeout=60, proxies={"http": None})
    daemon.stop()
    daemon.start()
    second = requests.get(daemon.ready.url + "/api/openapi.json", timeout=60,
                          proxies={"http": None})
    assert json.loads(first.text) == second.json()
    assert first.headers["ETag"] == second.headers["ETag"]
