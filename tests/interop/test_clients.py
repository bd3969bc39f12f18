"""Real clients, as they speak: what each sends, and what it reads of the answers."""
import json
import socket
from urllib.parse import urlencode, urlsplit

import pytest

import pki
from api import ok
from world import fresh, iso, utc


def speak(url, text):
    """Sends bytes as they are on a connection of its own; (status, headers, body)."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(text.replace("{host}", where.netloc).encode())
        said = b""
        while piece := connection.recv(65536):
            said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


# --- the Kubernetes issuer of 2024 -------------------------------------------------------------

def test_kubernetes_issuer_logs_in_with_a_form(daemon, world):
    member = world.member("issuer")
    form = urlencode({"clientSecret": member.client_secret, "clientId": member.client_id})
    status, headers, body = speak(
        daemon.ready.url,
        "POST /api/v1/auth/universal-auth/login HTTP/1.1\r\nHost: {host}\r\n"
        "User-Agent: Go-http-client/1.1\r\n"
        f"Content-Length: {len(form)}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Accept-Encoding: gzip\r\nConnection: close\r\n\r\n{form}")
    assert status == 200 and headers["Content-Type"].startswith("application/json")
    token = json.loads(body)["accessToken"]
    status, _, body = speak(
        daemon.ready.url,
        "GET /api/v1/projects HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n")
    assert status == 200
    assert [one["id"] for one in json.loads(body)["projects"]] == [world.project_id]


def test_kubernetes_issuer_probes_the_status(daemon):
    status, _, body = speak(daemon.ready.url, "GET /api/status HTTP/1.1\r\nHost: {host}\r\n"
                                              "Connection: close\r\n\r\n")
    assert status == 200 and json.loads(body)["message"] == "Ok"


def test_a_client_that_waits_for_100_continue(daemon, world):
    body = json.dumps({"profileId": world.profile_id,
                       "attributes": {"ttl": "1d", "commonName": "x.example.com"}})
    status, _, answer = speak(
        daemon.ready.url,
        "POST /api/v1/cert-manager/certificates HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {world.admin.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n{body}")
    if status == 100:
        head, _, answer = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
    assert status == 200 and json.loads(answer)["certificate"]


def test_a_client_that_sends_chunks(daemon, world):
    body = json.dumps({"profileId": world.profile_id,
                       "attributes": {"ttl": "1d", "commonName": "x.example.com"}})
    chunks = "".join(f"{len(body[i:i + 7]):x}\r\n{body[i:i + 7]}\r\n"
                     for i in range(0, len(body), 7))
    status, _, answer = speak(
        daemon.ready.url,
        "POST /api/v1/cert-manager/certificates HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {world.admin.token}\r\nContent-Type: application/json\r\n"
        f"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunks}0\r\n\r\n")
    assert status == 200 and json.loads(answer)["certificate"]


def test_an_http_1_0_client(daemon):
    status, _, body = speak(daemon.ready.url, "GET /api/status HTTP/1.0\r\n\r\n")
    assert status == 200 and json.loads(body)["message"] == "Ok"


# --- the certificate agent ---------------------------------------------------------------------

@pytest.fixture(scope="module")
def agent(admin, world):
    """What its own end-to-end suite sets up: empty strings in the CA, rules for two names alone."""
    root = ok(admin.create_ca(json={
        "projectId": world.project_id, "name": fresh("agent-ca"), "type": "internal",
        "status": "active", "enableDirectIssuance": True,
        "configuration": {"type": "root", "commonName": "Agent CA", "organization": "Test",
                          "ou": "", "country": "US", "province": "", "locality": "",
                          "maxPathLength": -1, "keyAlgorithm": "RSA_2048",
                          "notAfter": iso(utc(days=3650))}}))
    assert root["status"] == "active"
    policy = ok(admin.create_policy(json={
        "projectId": world.project_id, "name": fresh("agent"),
        "subject": [{"type": "common_name", "allowed": ["*"]}],
        "sans": [{"type": "dns_name", "allowed": ["*"]}],
        "algorithms": {"signature": ["SHA256-RSA"], "keyAlgorithm": ["RSA_2048"]},
        "validity": {"max": "90d"}}))["certificatePolicy"]
    slug = fresh("agent")
    profile = ok(admin.create_profile(json={
        "projectId": world.project_id, "caId": root["id"], "certificatePolicyId": policy["id"],
        "slug": slug, "description": "", "enrollmentType": "api",
        "apiConfig": {"autoRenew": False}}))["certificateProfile"]
    ok(admin.activate_project(projectId=world.project_id))
    return {"slug": slug, "profile": profile, "root": root, "policy": policy,
            "member": world.member("issuer")}


def agent_issues(api, profile_id, **attributes):
    """The body that the agent makes: empty strings are left out, removeRootsFromChain lies inside."""
    body = {"profileId": profile_id,
            "attributes": {"ttl": "2m", "removeRootsFromChain": False, **attributes}}
    answer = ok(api.issue(json=body))
    issued = answer["certificate"]
    assert issued and issued["certificate"] and issued["serialNumber"] and issued["certificateId"]
    return answer


def test_agent_finds_its_profile_by_slugs(world, agent):
    api = agent["member"].api
    project = ok(api.get_project_by_slug(world.project["slug"]))
    assert project["id"] == world.project_id  # flat
    found = ok(api.get_profile_by_slug(agent["slug"], query={"projectId": project["id"]}))
    assert found["certificateProfile"]["id"] == agent["profile"]["id"]


def test_agent_basic_issuance(agent):
    """With a policy that lists no usages the request carries none."""
    api = agent["member"].api
    answer = agent_issues(api, agent["profile"]["id"], commonName="agent.example.com")
    issued = answer["certificate"]
    assert pki.same_key(issued["privateKey"], issued["certificate"])
    pki.verify_answer(issued)
    status = ok(api.get_certificate(issued["certificateId"]))["certificate"]
    assert status["status"] == "active" and status["notAfter"]
    bundle = ok(api.get_bundle(issued["certificateId"]))
    assert bundle["certificate"] and bundle["certificateChain"] and bundle["privateKey"]
    # What it polls when an answer says pending: everything must be there at once.
    detail = ok(api.get_request(answer["certificateRequestId"]))
    assert detail["status"] == "issued"
    for member in ("certificate", "certificateChain", "privateKey", "serialNumber",
                   "certificateId", "issuingCaCertificate"):
        assert detail[member]


def test_agent_alt_names_and_full_attributes(world, agent):
    api = agent["member"].api
    issued = agent_issues(api, agent["profile"]["id"], commonName="agent.example.com",
                          altNames=[{"type": "dns_name", "value": "a.example.com"},
                                    {"type": "dns_name", "value": "b.example.com"}])["certificate"]
    assert pki.dns_names(pki.certificate(issued["certificate"])) == ["a.example.com",
                                                                     "b.example.com"]
    policy = world.new_policy(algorithms=None)
    profile = world.new_profile(policy, caId=agent["root"]["id"])
    issued = agent_issues(api, profile, commonName="x", keyUsages=["digital_signature",
                                                                  "key_encipherment"],
                          extendedKeyUsages=["server_auth"])["certificate"]
    assert pki.key_usages(pki.certificate(issued["certificate"])) == {"digital_signature",
                                                                      "key_encipherment"}


def test_agent_csr(agent):
    request = pki.csr(pki.some_key("RSA_2048"), commonName="agent.example.com")
    answer = ok(agent["member"].api.issue(json={
        "profileId": agent["profile"]["id"], "csr": request,
        "attributes": {"ttl": "60m", "removeRootsFromChain": True}}))
    assert "privateKey" not in answer["certificate"]
    assert answer["certificate"]["certificateChain"] == ""


def test_agent_csr_without_attributes_needs_a_default(world, agent):
    request = pki.csr(pki.some_key("RSA_2048"), commonName="agent.example.com")
    body = {"profileId": agent["profile"]["id"], "csr": request}
    assert agent["member"].api.issue(json=body).status_code == 400
    body["profileId"] = world.new_profile(agent["policy"]["id"], caId=agent["root"]["id"],
                                          defaults={"ttlDays": 1})
    ok(agent["member"].api.issue(json=body))


def test_agent_reports_failures(agent):
    """It shows the whole body on 422 and `message`, a string, on anything else."""
    api = agent["member"].api
    for body, status in (({"profileId": agent["profile"]["id"],
                           "attributes": {"ttl": "91d", "commonName": "x"}}, 400),
                         ({"profileId": "nonsense"}, 422)):
        answer = api.issue(json=body)
        assert answer.status_code == status
        assert isinstance(answer.json()["message"], list if status == 422 else str)
        assert answer.json()["reqId"]
    wrong = agent["member"].log_in(clientSecret="wrong")
    assert wrong.status_code == 401 and isinstance(wrong.json()["message"], str)


# --- Terraform -----------------------------------------------------------------------------------

def test_terraform(world):
    """Create and read back, without a projectId, with explicit nulls, `ou` and `province`."""
    admin = world.member("admin").api
    ca = ok(admin.create_ca(json={
        "name": fresh("tf"), "status": "active", "configuration": {
            "type": "root", "commonName": "TF", "organization": None, "ou": None, "country": None,
            "province": None, "locality": None, "keyAlgorithm": "RSA_2048", "maxPathLength": None,
            "friendlyName": None}}))
    assert ca["status"] == "pending-certificate" and ca["enableDirectIssuance"] is True
    for member in ("dn", "serialNumber", "activeCaCertId"):
        assert member in ca["configuration"]
    signed = ok(admin.generate_ca_certificate(ca["id"], notBefore=iso(utc()),
                                              notAfter=iso(utc(days=3650)), maxPathLength=-1))
    assert {"certId", "certificate", "certificateChain", "serialNumber"} <= set(signed)
    assert ok(admin.get_ca_certificate_by_id(ca["id"], signed["certId"]))["certificate"] == signed[
        "certificate"]
    policy = ok(admin.create_policy(json={
        "name": fresh("tf"), "subject": [{"type": "common_name", "allowed": ["*"]},
                                         {"type": "organizational_unit", "allowed": ["*"]},
                                         {"type": "state", "allowed": ["*"]}],
        "algorithms": {"signature": ["SHA256-RSA"], "keyAlgorithm": ["RSA-2048", "ECDSA-P256"]},
        "keyUsages": {"allowed": ["digital_signature"]}}))["certificatePolicy"]
    ok(admin.update_policy(policy["id"], json={
        "description": None, "sans": None, "extendedKeyUsages": None, "basicConstraints": None,
        "validity": None}))
    profile = ok(admin.create_profile(json={
        "caId": ca["id"], "certificatePolicyId": policy["id"], "slug": fresh("tf"),
        "enrollmentType": "api", "apiConfig": {"autoRenew": True, "renewBeforeDays": 30},
        "defaults": {"keyAlgorithm": "EC_prime256v1"}}))["certificateProfile"]
    read = ok(admin.call("GET", f"/api/v1/cert-manager/certificate-profiles/{profile['id']}",
                         query={"includeConfigs": "true"}))["certificateProfile"]
    assert read["apiConfig"]["renewBeforeDays"] == 30
    ok(admin.update_profile(profile["id"], json={"description": None, "defaults": None}))
    issued = ok(admin.issue(json={"profileId": profile["id"], "attributes": {
        "commonName": "tf.example.com", "ou": "Ops", "province": "CA", "ttl": "7776000s",
        "keyUsages": ["digital_signature"]}}))
    assert issued["certificate"]["certificateId"] and issued["certificate"]["certificate"]
    shown = ok(admin.get_certificate(issued["certificate"]["certificateId"]))["certificate"]
    for member in ("commonName", "altNames", "keyAlgorithm", "signatureAlgorithm", "keyUsages",
                   "extendedKeyUsages", "notBefore", "notAfter", "profileId", "status"):
        assert member in shown
    assert (shown["subjectOrganizationalUnit"], shown["subjectState"]) == ("Ops", "CA")
    # A GET of what is gone must read 404 or 422, never 400 or 500.
    assert admin.get_certificate("nonsense").status_code == 422
    assert admin.get_ca("00000000-0000-7000-8000-000000000000").status_code == 404


# --- Ansible -------------------------------------------------------------------------------------

def test_ansible(world):
    answer = ok(world.member("issuer").api.issue(json={
        "profileId": world.profile_id, "removeRootsFromChain": False, "attributes": {
            "commonName": "ansible.example.com", "ttl": "30d", "altNames": [
                {"type": "DNS", "value": "ansible.example.com"},
                {"type": "IP", "value": "192.0.2.7"},
                {"type": "EMAIL", "value": "ops@example.com"},
                {"type": "URI", "value": "https://ansible.example.com/"}]}}))
    assert answer["status"] == "issued" and answer["certificateRequestId"]
    pki.verify_answer(answer["certificate"])


# --- PKCS#11 and signing clients ---------------------------------------------------------------

def test_signing_client_reads_the_body(world):
    issued = world.issue()
    body = ok(world.member("auditor").api.get_certificate_body(issued["certificateId"]))
    assert body["certificate"] == issued["certificate"]


def test_shared_examples_are_found(shared):
    """They lie beside the repository; the tests of the guides read them there."""
    assert {path.name for path in shared.glob("*.json")} >= {
        "create-profile.json", "issue-attributes.json", "issue-csr.json"}
