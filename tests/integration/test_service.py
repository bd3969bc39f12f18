"""The service around the API: status, health, headers, listeners."""
import re
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

import daemon as daemons
from api import ROUTES, Api, ok, refused


def test_status_tells_that_the_service_runs(anonymous):
    body = ok(anonymous.status())
    assert body["message"] == "Ok"
    assert abs(body["date"] / 1000 - time.time()) < 60


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health(daemon, path):
    answer = requests.get(daemon.ready.url + path, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] in ("ok", "ready")
    # The public listener serves what certificates point to and nothing else.
    assert requests.get(daemon.ready.publicUrl + path, timeout=10).status_code == 404


def test_metrics_are_on_neither_listener(daemon):
    for url in (daemon.ready.url, daemon.ready.publicUrl):
        assert requests.get(url + "/metrics", timeout=10).status_code == 404


def test_public_listener_serves_no_api(daemon):
    public = Api(daemon.ready.publicUrl, daemon.ready.token)
    refused(public.status(), 404, "NotFound")
    refused(public.list_projects(), 404, "NotFound")


def test_answers_carry_request_id_and_are_not_sniffed(anonymous, admin):
    first, second = anonymous.status(), admin.list_projects()
    for answer in (first, second):
        assert re.fullmatch(r"req-[0-9A-Za-z]{14,}", answer.headers["X-Request-Id"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_a_callers_request_id_is_not_taken_over(anonymous):
    answer = anonymous.status(headers={"X-Request-Id": "req-mine"})
    assert answer.headers["X-Request-Id"] != "req-mine"


def test_head_is_get_without_a_body(admin, daemon):
    path = "/api/v1/projects/" + daemon.ready.projectId
    head = admin.call("HEAD", path)
    assert head.status_code == 200 and head.content == b""
    assert head.headers["Content-Length"] == admin.get_project(daemon.ready.projectId)\
        .headers["Content-Length"]


def test_ready_file_names_what_there_is(daemon, admin):
    ready = daemon.ready
    assert ok(admin.get_project(ready.projectId))["project"]["id"] == ready.projectId
    for ca_id, status in ((ready.rootCaId, "active"), (ready.caId, "active"),
                          (ready.ecRootCaId, "active"), (ready.ecCaId, "active")):
        assert ok(admin.get_ca(ca_id))["status"] == status
    assert ok(admin.get_ca(ready.rootCaId))["configuration"]["keyAlgorithm"] == "RSA_2048"
    assert ok(admin.get_ca(ready.ecRootCaId))["configuration"]["keyAlgorithm"] == "EC_prime256v1"
    policy = ok(admin.get_policy(ready.policyId))["certificatePolicy"]
    assert {rule["type"] for rule in policy["subject"]} >= {
        "common_name", "organization", "organizational_unit", "country", "state", "locality"}
    assert {rule["type"] for rule in policy["sans"]} >= {"dns_name", "ip_address", "email", "uri"}
    for profile_id, ca_id in ((ready.profileId, ready.caId), (ready.ecProfileId, ready.ecCaId)):
        profile = ok(admin.get_profile(profile_id))["certificateProfile"]
        assert profile["caId"] == ca_id
        assert profile["apiConfig"]["autoRenew"] is True
    for file, root_id in ((ready.caCertificateFile, ready.rootCaId),
                          (ready.ecCaCertificateFile, ready.ecRootCaId)):
        with open(file, encoding="ascii") as pem:
            assert pem.read() == ok(admin.get_ca_certificate(root_id))["certificate"]


def test_the_terminal_shows_url_token_and_a_curl_line(daemon):
    said = daemon.out_file.read_text(encoding="utf-8")
    assert daemon.ready.url in said and daemon.ready.token in said
    assert "curl " in said


def test_requests_of_one_connection_are_answered_in_order(daemon):
    where = urlsplit(daemon.ready.url)
    one = (f"GET /api/status HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n"
           f"GET /api/nothing HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n")
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(one.encode())
        said = b""
        while piece := connection.recv(65536):
            said += piece
    assert [line.split()[1] for line in re.findall(rb"HTTP/1.1 \d+", said)] == [b"200", b"404"]


def test_the_log_is_json_and_names_requests(daemon, admin):
    start = daemon.log_size()
    wanted = admin.list_projects().headers["X-Request-Id"]
    time.sleep(0.2)
    lines = [line for line in daemon.events(start) if line.get("requestId") == wanted]
    assert any(line["event"] == "http.request" and line["status"] in (200, "200")
               for line in lines), lines
    assert daemon.ready.token not in daemon.log()


def test_these_tests_know_every_route(chancery):
    """A route that is new gets its line in api.py, and with it the tests of every route."""
    said = daemons.run("plugin", "describe", "api")
    assert said.returncode == 0, said.stderr
    served = {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in re.findall(
        r"^  (GET|POST|PUT|PATCH|DELETE) +(/\S+)", said.stdout, re.M)}
    known = {(route.method, route.path) for route in ROUTES}
    assert served and served <= known, served - known
    # What core publishes by itself is no plugin's.
    assert all("/crl/" in path or path.endswith("/der") for _, path in known - served)
