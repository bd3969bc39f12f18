"""Real clients, as they speak: what each sends, and what it reads of the answers.  The certificate agent
has a file of its own."""
import datetime
import json
import socket
from urllib.parse import urlencode, urlsplit

import pytest

import pki
from api import CM, PKI, UA, V1, ok, refused
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


def test_kubernetes_issuer_signs_for_a_ca(daemon, world):
    """It looks at no status, and takes the last certificate of the chain for the root."""
    key = pki.new_key()
    body = json.dumps({"caId": world.ca_id, "ttl": "7776000s",
                       "csr": pki.csr(key, dns=["k8s.example.com"], commonName="k8s.example.com")})
    status, _, answer = speak(
        daemon.ready.url,
        f"POST {PKI}/certificates/sign-certificate HTTP/1.1\r\nHost: {{host}}\r\n"
        f"Authorization: Bearer {world.member('issuer').api.token}\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\n\r\n{body}")
    made = json.loads(answer)
    assert status == 200 and made["serialNumber"]
    leaf = pki.certificate(made["certificate"])
    assert pki.spki(leaf.public_key()) == pki.spki(key)
    assert leaf.not_valid_after_utc - utc() <= datetime.timedelta(seconds=7776000)
    chain = pki.certificates(made["certificateChain"])
    assert chain[0] == pki.certificate(made["issuingCaCertificate"])
    assert chain[-1] == pki.certificate(world.root_pem()) and chain[-1].issuer == chain[-1].subject


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


# --- Terraform -----------------------------------------------------------------------------------

TEXT, FLAG, WHOLE, WORDS = (str, type(None)), (bool,), (int, type(None)), (list, type(None))


def holds(answer, **types):
    """Each member is there and of a type that the client's structs read: it is typed, and stops at what
    is of another type, though null is nothing to it."""
    for member, expected in types.items():
        assert member in answer, (member, answer)
        assert isinstance(answer[member], expected), (member, answer[member])
    return answer


def rfc_3339(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


@pytest.fixture(scope="module")
def terraform(world):
    """It names no project: its identity has one."""
    return world.member("admin").api


@pytest.fixture(scope="module")
def plan(terraform):
    """A CA, a policy and a profile as its plans have them, absent settings as explicit nulls."""
    ca = ok(terraform.create_ca(json={
        "name": fresh("tf"), "status": "active", "enableDirectIssuance": True, "configuration": {
            "type": "root", "commonName": "TF", "organization": None, "ou": None, "country": None,
            "province": None, "locality": None, "keyAlgorithm": "RSA_2048", "maxPathLength": None,
            "friendlyName": None, "notBefore": None, "notAfter": None}}))
    assert ca["status"] == "pending-certificate"
    signed = ok(terraform.generate_ca_certificate(ca["id"], notBefore=iso(utc()),
                                                  notAfter=iso(utc(days=3650)), maxPathLength=-1))
    policy = ok(terraform.create_policy(json={
        "name": fresh("tf"), "description": None,
        "subject": [{"type": "common_name", "allowed": ["*"]},
                    {"type": "organization", "allowed": ["*"]},
                    {"type": "organizational_unit", "allowed": ["*"]},
                    {"type": "domain_component", "allowed": ["*"]},
                    {"type": "state", "allowed": ["*"]}],
        "sans": [{"type": "dns_name", "allowed": ["*"]}, {"type": "ip_address", "allowed": ["*"]}],
        "algorithms": {"signature": ["SHA256-RSA"], "keyAlgorithm": ["RSA-2048", "ECDSA-P256"]},
        "keyUsages": {"allowed": ["digital_signature"], "required": None, "denied": None},
        "extendedKeyUsages": {"allowed": ["server_auth"]},
        "validity": {"max": "1y"}, "basicConstraints": None}))["certificatePolicy"]
    profile = ok(terraform.create_profile(json={
        "caId": ca["id"], "certificatePolicyId": policy["id"], "slug": fresh("tf"),
        "description": None, "enrollmentType": "api", "issuerType": "ca",
        "apiConfig": {"autoRenew": True, "renewBeforeDays": 30}, "estConfig": None,
        "acmeConfig": None, "externalConfigs": None,
        "defaults": {"keyAlgorithm": "EC_prime256v1", "ttlDays": 30}}))["certificateProfile"]
    return {"ca": ca, "signed": signed, "policy": policy, "profile": profile}


def test_terraform_reads_the_ca(terraform, plan):
    ca = ok(terraform.get_ca(plan["ca"]["id"]))
    holds(ca, id=(str,), projectId=(str,), name=(str,), status=(str,), type=(str,),
          enableDirectIssuance=FLAG)
    holds(ca["configuration"], type=(str,), friendlyName=TEXT, commonName=TEXT, organization=TEXT,
          ou=TEXT, country=TEXT, province=TEXT, locality=TEXT, keyAlgorithm=(str,), dn=(str,),
          maxPathLength=WHOLE, notBefore=TEXT, notAfter=TEXT, parentCaId=TEXT,
          serialNumber=(str,), activeCaCertId=(str,))
    assert ca["status"] == "active"
    signed = holds(plan["signed"], certId=(str,), certificate=(str,), certificateChain=(str,),
                   serialNumber=(str,))
    assert ca["configuration"]["activeCaCertId"] == signed["certId"]
    assert ca["configuration"]["serialNumber"] == signed["serialNumber"]
    again = holds(ok(terraform.get_ca_certificate_by_id(ca["id"], signed["certId"])),
                  certificate=(str,), certificateChain=(str,), serialNumber=(str,))
    assert again["certificate"] == signed["certificate"]
    # It writes back all that it knows.
    changed = ok(terraform.update_ca(ca["id"], json={
        "name": ca["name"], "status": "active", "enableDirectIssuance": False, "configuration": {
            **{key: ca["configuration"][key] for key in ("type", "commonName", "keyAlgorithm")},
            "organization": None, "ou": None, "country": None, "province": None, "locality": None,
            "maxPathLength": None, "friendlyName": None}}))
    assert changed["enableDirectIssuance"] is False
    assert changed["configuration"]["dn"] == ca["configuration"]["dn"]
    ok(terraform.update_ca(ca["id"], json={"enableDirectIssuance": True}))


@pytest.mark.parametrize("length, expected", [(None, None), (-1, None), (0, 0), (3, 3)])
def test_terraform_path_lengths(terraform, length, expected):
    ca = ok(terraform.create_ca(json={
        "name": fresh("tf"), "status": "active", "configuration": {
            "type": "root", "commonName": "TF", "keyAlgorithm": "EC_prime256v1",
            "maxPathLength": length, "notAfter": iso(utc(days=3650))}}))
    certificate = pki.certificate(ok(terraform.get_ca_certificate(ca["id"]))["certificate"])
    assert pki.extension(certificate, pki.x509.BasicConstraints).path_length == expected
    assert ca["configuration"]["maxPathLength"] == (-1 if expected is None else expected)


def test_terraform_policies_and_profiles(terraform, plan):
    """What is null is cleared; algorithms are given back as they were spelled."""
    made = ok(terraform.create_policy(json={
        "name": fresh("tf"), "subject": [{"type": "common_name", "allowed": ["*"]}],
        "algorithms": plan["policy"]["algorithms"], "validity": {"max": "1y"}}))["certificatePolicy"]
    assert made["algorithms"] == {"signature": ["SHA256-RSA"],
                                  "keyAlgorithm": ["RSA-2048", "ECDSA-P256"]}
    cleared = ok(terraform.update_policy(made["id"], json={
        "name": made["name"], "description": None, "subject": made["subject"], "sans": None,
        "keyUsages": None, "extendedKeyUsages": None, "algorithms": made["algorithms"],
        "validity": None, "basicConstraints": None}))["certificatePolicy"]
    assert cleared["validity"] is None and cleared["subject"] == made["subject"]
    read = holds(ok(terraform.get_policy(made["id"]))["certificatePolicy"], id=(str,), projectId=(str,),
                 name=(str,), description=TEXT, subject=WORDS, sans=WORDS, createdAt=(str,),
                 keyUsages=(dict, type(None)), extendedKeyUsages=(dict, type(None)),
                 algorithms=(dict, type(None)), validity=(dict, type(None)), updatedAt=(str,))
    assert read == cleared
    path = f"{CM}/certificate-profiles/{plan['profile']['id']}"
    profile = ok(terraform.call("GET", path, query={"includeConfigs": "true"}))["certificateProfile"]
    holds(profile, id=(str,), projectId=(str,), caId=TEXT, certificatePolicyId=(str,), slug=(str,),
          description=TEXT, enrollmentType=(str,), issuerType=(str,), apiConfigId=TEXT,
          estConfigId=TEXT, acmeConfigId=TEXT, defaults=(dict, type(None)),
          externalConfigs=(dict, type(None)))
    holds(profile["apiConfig"], id=(str,), autoRenew=FLAG, renewBeforeDays=WHOLE)
    assert profile["apiConfig"]["renewBeforeDays"] == 30
    assert profile["defaults"] == {"keyAlgorithm": "EC_prime256v1", "ttlDays": 30}
    cleared = ok(terraform.update_profile(plan["profile"]["id"], json={
        "slug": profile["slug"], "description": None, "defaults": None, "externalConfigs": None,
        "apiConfig": {"autoRenew": True, "renewBeforeDays": 30}}))["certificateProfile"]
    assert cleared["defaults"] is None and cleared["apiConfig"]["renewBeforeDays"] == 30


def test_terraform_issues_and_reads(terraform, plan):
    """`ou` and `province`, which others drop without a word."""
    answer = ok(terraform.issue(json={"profileId": plan["profile"]["id"], "csr": None, "attributes": {
        "commonName": "tf.example.com", "organization": "Acme", "ou": "Ops", "province": "CA",
        "country": None, "locality": None, "domainComponents": ["example", "com"],
        "ttl": "7776000s", "keyUsages": ["digital_signature"], "extendedKeyUsages": ["server_auth"],
        "keyAlgorithm": "EC_prime256v1",
        "altNames": [{"type": "dns_name", "value": "tf.example.com"},
                     {"type": "ip_address", "value": "192.0.2.9"}]}}))
    issued = holds(answer["certificate"], certificate=(str,), certificateId=(str,),
                   certificateChain=(str,), issuingCaCertificate=(str,), privateKey=(str,),
                   serialNumber=(str,))
    polled = holds(ok(terraform.get_request(answer["certificateRequestId"])), status=(str,),
                   certificate=(str,), certificateId=(str,), certificateChain=(str,),
                   privateKey=(str,), serialNumber=(str,), errorMessage=TEXT)
    assert polled["status"].lower() == "issued"
    assert polled["certificateId"] == issued["certificateId"]
    shown = ok(terraform.get_certificate(issued["certificateId"]))["certificate"]
    holds(shown, id=(str,), status=(str,), commonName=TEXT, altNames=(str, list, type(None)),
          keyAlgorithm=TEXT, signatureAlgorithm=TEXT, keyUsages=WORDS, extendedKeyUsages=WORDS,
          serialNumber=(str,), profileId=TEXT, applicationId=TEXT, subjectOrganization=TEXT,
          subjectOrganizationalUnit=TEXT, subjectCountry=TEXT, subjectState=TEXT,
          subjectLocality=TEXT, subjectDomainComponents=TEXT)
    assert (shown["subjectOrganization"], shown["subjectOrganizationalUnit"], shown["subjectState"],
            shown["subjectDomainComponents"]) == ("Acme", "Ops", "CA", "example,com")
    assert shown["altNames"] == "tf.example.com,192.0.2.9" and shown["profileId"]
    assert shown["keyUsages"] == ["digital_signature"]
    assert shown["extendedKeyUsages"] == ["server_auth"]
    assert (shown["keyAlgorithm"], shown["signatureAlgorithm"]) == ("EC_prime256v1", "RSA-SHA256")
    life = rfc_3339(shown["notAfter"]) - rfc_3339(shown["notBefore"])
    assert datetime.timedelta(0) <= life - datetime.timedelta(seconds=7776000) < datetime.timedelta(hours=1)


def test_terraform_takes_404_and_422_for_gone(terraform):
    """And nothing else: a 400 or a 500 would stop it."""
    nobody = "00000000-0000-7000-8000-000000000000"
    for get in (terraform.get_ca, terraform.get_policy, terraform.get_profile,
                terraform.get_certificate, terraform.get_request, terraform.get_application):
        refused(get(nobody), 404, "NotFound")
        refused(get("nonsense"), 422, "ValidationFailure")
    refused(terraform.call("GET", f"{CM}/certificate-profiles/{nobody}",
                           query={"includeConfigs": "true"}), 404)


def test_terraform_applications(terraform, plan):
    """The application, its profiles, and how it enrols: made, read, changed, taken away."""
    base = CM + "/applications"
    made = ok(terraform.call("POST", base, json={
        "name": fresh("tf"), "description": None,
        "profileIds": [plan["profile"]["id"]]}))["application"]
    where = f"{base}/{made['id']}"
    holds(ok(terraform.call("GET", where))["application"], id=(str,), projectId=(str,), name=(str,),
          description=TEXT, createdAt=(str,), updatedAt=(str,))
    changed = ok(terraform.call("PATCH", where, json={"name": made["name"], "description": "x"}))
    assert changed["application"]["description"] == "x"
    (profile,) = ok(terraform.call("GET", where + "/profiles"))["profiles"]
    holds(profile, applicationId=(str,), profileId=(str,), profileSlug=(str,), profileDescription=TEXT,
          apiConfigId=TEXT, createdAt=(str,), updatedAt=(str,))
    enrollment = f"{where}/profiles/{plan['profile']['id']}/enrollment"
    told = ok(terraform.call("PUT", enrollment + "/api",
                             json={"autoRenew": True, "renewBeforeDays": 7}))
    assert told["api"]["autoRenew"] is True and told["api"]["renewBeforeDays"] == 7
    read = holds(ok(terraform.call("GET", enrollment)), applicationId=(str,), profileId=(str,),
                 api=(dict,), estConfigured=FLAG, acmeConfigured=FLAG, scepConfigured=FLAG)
    assert read["api"]["renewBeforeDays"] == 7 and read["acmeConfigured"] is False
    issued = ok(terraform.issue(json={
        "profileId": plan["profile"]["id"], "applicationId": made["id"], "attributes": {
            "commonName": "tf.example.com", "ttl": "90d", "keyUsages": ["digital_signature"]}}))
    shown = ok(terraform.get_certificate(issued["certificate"]["certificateId"]))["certificate"]
    assert shown["applicationId"] == made["id"] and shown["renewBeforeDays"] == 7
    ok(terraform.call("DELETE", enrollment + "/api"))
    ok(terraform.call("DELETE", f"{where}/profiles/{plan['profile']['id']}"))
    assert ok(terraform.call("GET", where + "/profiles"))["profiles"] == []
    ok(terraform.call("DELETE", where))
    refused(terraform.call("GET", where), 404, "NotFound")


# --- Ansible -------------------------------------------------------------------------------------

ANSIBLE = {"commonName": "ansible.example.com", "ttl": "30d", "altNames": [
    {"type": "DNS", "value": "ansible.example.com"}, {"type": "IP", "value": "192.0.2.7"},
    {"type": "EMAIL", "value": "ops@example.com"},
    {"type": "URI", "value": "https://ansible.example.com/"}]}


def test_ansible_issues(world):
    answer = ok(world.member("issuer").api.issue(json={
        "profileId": world.profile_id, "removeRootsFromChain": False, "attributes": ANSIBLE}))
    assert answer["status"] == "issued" and answer["certificateRequestId"]
    pki.verify_answer(answer["certificate"])


@pytest.mark.parametrize("body", [None, "null", "{}", '{"removeRootsFromChain": true}'])
def test_ansible_renews(world, body):
    """It sends null unless there is something to say, and reads the new certificate of the answer."""
    api = world.member("issuer").api
    old = ok(api.issue(json={"profileId": world.profile_id, "attributes": ANSIBLE}))["certificate"]
    new = ok(api.call("POST", f"{CM}/certificates/{old['certificateId']}/renew", data=body,
                      headers={"Content-Type": "application/json"}))
    assert new["certificateRequestId"] and new["serialNumber"] != old["serialNumber"]
    assert pki.same_key(new["privateKey"], new["certificate"])
    root = pki.certificate(world.root_pem())
    assert (root in pki.certificates(new["certificateChain"])) == (not body or "true" not in body)
    before, after = (pki.certificate(one["certificate"]) for one in (old, new))
    assert pki.extension(before, pki.x509.SubjectAlternativeName) == \
        pki.extension(after, pki.x509.SubjectAlternativeName)


# --- the SDKs, and others ------------------------------------------------------------------------------

def test_sdks_log_in_renew_and_revoke(world):
    """All that the SDKs for npm, Go and Python ask of a server without secrets."""
    member = world.member("issuer")
    login = ok(member.anonymous.call("POST", UA + "/login", json={
        "clientId": member.client_id, "clientSecret": member.client_secret, "organizationSlug": ""}))
    token = holds(login, accessToken=(str,), expiresIn=(int,), accessTokenMaxTTL=(int,),
                  tokenType=(str,))["accessToken"]
    renewed = ok(member.anonymous.call("POST", V1 + "/auth/token/renew", json={"accessToken": token}))
    token = holds(renewed, accessToken=(str,), expiresIn=(int,), accessTokenMaxTTL=(int,),
                  tokenType=(str,))["accessToken"]
    api = member.anonymous.with_token(token)
    ok(api.list_projects())
    ok(member.anonymous.call("POST", V1 + "/auth/token/revoke", json={"accessToken": token}))
    assert api.list_projects().status_code in (401, 403)
    wrong = member.anonymous.call("POST", UA + "/login", json={
        "clientId": member.client_id, "clientSecret": "wrong", "subOrganizationName": "x"})
    assert isinstance(refused(wrong, 401)["message"], str)


@pytest.mark.parametrize("status", [None, "issued", "failed"])
def test_an_mcp_server_searches_requests(world, status):
    """With exactly these members; it pages until it has `totalCount`."""
    world.issue()
    refused(world.ask(commonName="x", ttl="11y"), 400)
    body = {"projectId": world.project_id, "offset": 0, "limit": 1, "sortBy": "createdAt",
            "sortOrder": "asc", **({"status": status} if status else {})}
    found, total = [], 1
    while len(found) < total:
        page = ok(world.admin.search_requests(json={**body, "offset": len(found)}))
        assert len(page["certificateRequests"]) == 1
        found += page["certificateRequests"]
        total = page["totalCount"]
    assert [one["createdAt"] for one in found] == sorted(one["createdAt"] for one in found)
    assert len({one["id"] for one in found}) == total
    assert {one["status"] for one in found} == ({status} if status else {"issued", "failed"})


# --- PKCS#11 and signing clients ---------------------------------------------------------------

def test_signing_client_reads_the_body(world):
    issued = world.issue()
    body = ok(world.member("auditor").api.get_certificate_body(issued["certificateId"]))
    assert body["certificate"] == issued["certificate"]


def test_shared_examples_are_found(shared):
    """They lie beside the repository; the tests of the guides read them there."""
    assert {path.name for path in shared.glob("*.json")} >= {
        "create-profile.json", "issue-attributes.json", "issue-csr.json"}
