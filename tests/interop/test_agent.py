"""The certificate agent's whole life against one certificate: log in, find the profile, issue, poll, read
the bundle, renew, see the old one renewed, revoke, stop; and what its own end-to-end suite goes through.

Agent speaks as the command-line agent does, in version 1 (a project and a profile by their slugs) and in
version 2 (an application by its name); it uses no more of an answer than that agent reads.  SetUp is what
that suite sets up, member by member, empty strings and what it leaves out included.
"""
import datetime

import pytest

import pki
from api import CA, CM, UA, V1, ok
from world import Member, World, fresh, iso, utc

CERTIFICATES = CM + "/certificates"
APPLICATIONS = CM + "/applications"


class Agent:
    """What the agent knows of itself: where the server is, and how it logs in."""

    def __init__(self, member, with_form=False):
        self.http = member.anonymous
        login = {"clientId": member.client_id, "clientSecret": member.client_secret}
        how = {"data": login} if with_form else {"json": {**login, "organizationSlug": ""}}
        answer = ok(self.http.call("POST", UA + "/login", **how))
        assert answer["tokenType"] == "Bearer" and answer["expiresIn"] > 0
        self.http = self.http.with_token(answer["accessToken"])

    def get(self, path, **query):
        return ok(self.http.call("GET", path, query=query or None))

    def profile_of_v1(self, project_slug, profile_slug):
        project = self.get(f"{V1}/projects/slug/{project_slug}")["id"]
        found = self.get(f"{CM}/certificate-profiles/slug/{profile_slug}", projectId=project)
        return {"profileId": found["certificateProfile"]["id"]}

    def profile_of_v2(self, application_name, profile_slug):
        """No project anywhere: the application says which."""
        application = self.get(f"{APPLICATIONS}/by-name/{application_name}")["application"]["id"]
        profiles = self.get(f"{APPLICATIONS}/{application}/profiles")["profiles"]
        (found,) = [one for one in profiles if one["profileSlug"] == profile_slug]
        assert found["applicationId"] == application
        return {"profileId": found["profileId"], "applicationId": application}

    def issue(self, where, **body):
        """Sends the body as the agent makes it, and gives what it goes on with."""
        answer = ok(self.http.call("POST", CERTIFICATES, json={**where, **body}))
        if answer["certificate"] is None:
            return self.poll(answer["certificateRequestId"])
        return answer["certificate"], answer["certificateRequestId"]

    def poll(self, request_id):
        """Understands three words.  Ours issues at once, so it never has to ask again."""
        found = self.get(f"{CERTIFICATES}/certificate-requests/{request_id}")
        assert found["status"] == "issued", found
        assert found["certificate"] and found["serialNumber"] and found["certificateId"]
        return found, request_id

    def status(self, certificate_id):
        return self.get(f"{CERTIFICATES}/{certificate_id}")["certificate"]

    def bundle(self, certificate_id):
        return self.get(f"{CERTIFICATES}/{certificate_id}/bundle")

    def renew(self, certificate_id, remove_roots):
        """Any request id in the answer makes it poll, and forget what else the answer has."""
        answer = ok(self.http.call("POST", f"{CERTIFICATES}/{certificate_id}/renew",
                                   json={"removeRootsFromChain": remove_roots}))
        assert answer["certificateRequestId"]
        return self.poll(answer["certificateRequestId"])[0], answer


class SetUp(World):
    """A project as the agent's suite makes it, and beside it a CA below the root, whose chain has
    something to leave out."""

    def __init__(self, admin):
        self.admin, self.members = admin, {}
        self.project = self.post(V1 + "/projects", projectName=fresh("Agent E2E"), projectDescription="",
                                 type="cert-manager")["project"]
        self.project_id = self.project["id"]
        self.agent = self.new_identity()
        self.root = self.post(
            CA, projectId=self.project_id, name=fresh("agent-ca"), type="internal", status="active",
            enableDirectIssuance=True, configuration={
                "type": "root", "friendlyName": "", "commonName": "Agent E2E CA", "organization": "Test",
                "ou": "", "country": "US", "province": "", "locality": "", "maxPathLength": -1,
                "keyAlgorithm": "RSA_2048", "notAfter": iso(utc(days=3650))})
        assert self.root["status"] == "active"
        self.root_id = self.ca_id = self.root["id"]
        policy = self.post(
            CM + "/certificate-policies", projectId=self.project_id, name=fresh("agent-policy"),
            subject=[{"type": "common_name", "allowed": ["*"]}],
            sans=[{"type": "dns_name", "allowed": ["*"]}],
            algorithms={"signature": ["SHA256-RSA"], "keyAlgorithm": ["RSA_2048"]})
        self.policy_id = policy["certificatePolicy"]["id"]
        profile = self.post(
            CM + "/certificate-profiles", projectId=self.project_id, caId=self.root_id,
            certificatePolicyId=self.policy_id, slug=fresh("agent-profile"), description="",
            enrollmentType="api", apiConfig={"autoRenew": False})["certificateProfile"]
        self.profile_id, self.slug = profile["id"], profile["slug"]
        self.ca_id = self.new_intermediate(self.root_id)["id"]
        self.lower_slug = fresh("lower")
        lower = self.new_profile(self.new_policy(
            subject=[{"type": name, "allowed": ["*"]}
                     for name in ("common_name", "organizational_unit", "state")],
            sans=[{"type": "dns_name", "allowed": ["*"]}], keyUsages=None, extendedKeyUsages=None,
            basicConstraints=None, validity={"max": "90d"},
            algorithms={"signature": ["SHA256-ECDSA"], "keyAlgorithm": ["ECDSA-P256"]}),
            slug=self.lower_slug)
        # From here on it names no project.
        self.post(CM + "/instance/active-project", projectId=self.project_id)
        self.application = self.post(APPLICATIONS, name=fresh("agent-app"),
                                     description="")["application"]
        assert self.application["projectId"] == self.project_id
        for profile_id in (self.profile_id, lower):
            where = f"{APPLICATIONS}/{self.application['id']}/profiles"
            self.post(where, profileIds=[profile_id])
            told = ok(admin.call("PUT", f"{where}/{profile_id}/enrollment/api",
                                 json={"autoRenew": False}))
            assert told["applicationId"] == self.application["id"]
            assert told["profileId"] == profile_id and told["api"]["autoRenew"] is False

    def post(self, path, **body):
        return ok(self.admin.call("POST", path, json=body))

    def new_identity(self):
        """An identity of no project, with a secret, which then joins one."""
        made = Member.__new__(Member)
        made.id = self.post(V1 + "/identities", name=fresh("agent"), organizationId="",
                            role="no-access")["identity"]["id"]
        auth = self.post(f"{UA}/identities/{made.id}", accessTokenTTL=7200, accessTokenMaxTTL=7200,
                         accessTokenNumUsesLimit=0,
                         clientSecretTrustedIps=[{"ipAddress": "0.0.0.0/0"}, {"ipAddress": "::/0"}],
                         accessTokenTrustedIps=[{"ipAddress": "0.0.0.0/0"}, {"ipAddress": "::/0"}])
        made.client_id = auth["identityUniversalAuth"]["clientId"]
        made.client_secret = self.post(f"{UA}/identities/{made.id}/client-secrets", description="",
                                       numUsesLimit=0, ttl=0)["clientSecret"]
        self.post(f"{V1}/projects/{self.project_id}/identities/{made.id}", role="issuer")
        made.anonymous = self.admin.with_token(None)
        return made


@pytest.fixture(scope="module")
def place(admin):
    return SetUp(admin)


def find(agent, place, version, slug):
    return agent.profile_of_v1(place.project["slug"], slug) if version == 1 else \
        agent.profile_of_v2(place.application["name"], slug)


def is_chain(chain, root, without_root):
    """The issuing CA first, and the root last or not at all."""
    certificates = pki.certificates(chain)
    assert certificates[0].subject != certificates[0].issuer
    has_root = certificates[-1] == pki.certificate(root)
    return has_root != without_root and len(certificates) == (1 if without_root else 2)


@pytest.mark.parametrize("version, with_form, remove_roots", [
    (1, False, True), (1, True, False), (2, False, False), (2, True, True)],
    ids=["v1 json no roots", "v1 form roots", "v2 json roots", "v2 form no roots"])
def test_the_whole_life(place, version, with_form, remove_roots):
    agent = Agent(place.agent, with_form)
    root = place.root_pem()
    where = find(agent, place, version, place.lower_slug)

    issued, request_id = agent.issue(where, attributes={
        "ttl": "60m", "commonName": "agent.example.com", "ou": "Fleet", "province": "Bayern",
        "altNames": [{"type": "dns_name", "value": "agent.example.com"}],
        "removeRootsFromChain": remove_roots})
    assert pki.same_key(issued["privateKey"], issued["certificate"])
    assert is_chain(issued["certificateChain"], root, remove_roots)
    subject = pki.certificate(issued["certificate"]).subject.rfc4514_string()
    assert "OU=Fleet" in subject and "ST=Bayern" in subject
    polled, _ = agent.poll(request_id)
    for member in ("certificate", "privateKey", "serialNumber", "certificateId"):
        assert polled[member] == issued[member], member

    status = agent.status(issued["certificateId"])
    assert status["applicationId"] == where.get("applicationId")
    assert status["status"] == "active" and status["notAfter"]
    bundle = agent.bundle(issued["certificateId"])
    assert bundle["certificate"] == issued["certificate"]
    assert pki.same_key(bundle["privateKey"], bundle["certificate"]) and bundle["certificateChain"]

    renewed, inline = agent.renew(issued["certificateId"], remove_roots)
    assert renewed["certificateId"] != issued["certificateId"]
    assert renewed["certificateId"] == inline["certificateId"]
    assert pki.same_key(renewed["privateKey"], renewed["certificate"])
    assert not pki.same_key(issued["privateKey"], renewed["certificate"])
    assert inline["privateKey"] == renewed["privateKey"]
    assert is_chain(inline["certificateChain"], root, remove_roots)
    assert renewed["certificateChain"] and renewed["issuingCaCertificate"]
    old, new = (pki.certificate(one["certificate"]) for one in (issued, renewed))
    assert old.subject == new.subject and pki.dns_names(old) == pki.dns_names(new)
    assert old.not_valid_after_utc <= new.not_valid_after_utc
    pki.openssl_verify(renewed["certificate"], place.root_pem(place.ca_id), root)

    before, after = agent.status(issued["certificateId"]), agent.status(renewed["certificateId"])
    assert before["status"] == after["status"] == "active"
    assert before["renewedByCertificateId"] == renewed["certificateId"]
    assert before["latestRenewalCertificateId"] == renewed["certificateId"]
    assert after["renewedFromCertificateId"] == issued["certificateId"]
    assert after["applicationId"] == where.get("applicationId")
    twice = agent.http.call("POST", f"{CERTIFICATES}/{issued['certificateId']}/renew", json={})
    assert twice.status_code == 400

    for one in (renewed, issued):
        told = ok(place.admin.call("POST", f"{CERTIFICATES}/{one['certificateId']}/revoke",
                                   json={"revocationReason": "SUPERSEDED"}))
        assert told["serialNumber"] == one["serialNumber"] and told["revokedAt"]
        assert agent.status(one["certificateId"])["status"] == "revoked"  # here it stops
    gone = agent.http.call("POST", f"{CERTIFICATES}/{renewed['certificateId']}/renew", json={})
    assert gone.status_code == 400


# --- its own suite -------------------------------------------------------------------------------------

@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def ready(request, place):
    """The agent, logged in, and what it puts into each body."""
    agent = Agent(place.agent)
    return agent, find(agent, place, request.param, place.slug)


def test_basic_issuance(ready):
    """A policy without usages: the request has none, and the server picks key and signature."""
    agent, where = ready
    issued, request_id = agent.issue(where, attributes={
        "ttl": "2m", "commonName": "basic.example.com", "removeRootsFromChain": False})
    assert pki.same_key(issued["privateKey"], issued["certificate"])
    certificate = pki.certificate(issued["certificate"])
    assert certificate.not_valid_after_utc - utc() <= datetime.timedelta(minutes=2)
    assert pki.algorithm_of(certificate.public_key()) == "RSA_2048"
    assert certificate.signature_hash_algorithm.name == "sha256"
    pki.verify_answer(issued)
    status = agent.status(issued["certificateId"])
    assert status["status"] == "active" and status["notAfter"]
    bundle = agent.bundle(issued["certificateId"])
    assert bundle["certificate"] and bundle["certificateChain"] and bundle["privateKey"]
    # What it polls when an answer says pending: everything must be there at once.
    detail, _ = agent.poll(request_id)
    for member in ("certificate", "certificateChain", "privateKey", "issuingCaCertificate"):
        assert detail[member]


def test_renewal_before_the_end(ready):
    """`ttl` 2m, renewed 1m30s before: again and again, each lives as long as the first."""
    agent, where = ready
    issued, _ = agent.issue(where, attributes={"ttl": "2m", "commonName": "short.example.com"})
    for _ in range(2):
        renewed, _ = agent.renew(issued["certificateId"], False)
        old, new = (pki.certificate(one["certificate"]) for one in (issued, renewed))
        assert new.not_valid_after_utc - new.not_valid_before_utc == \
            old.not_valid_after_utc - old.not_valid_before_utc
        assert pki.same_key(renewed["privateKey"], renewed["certificate"])
        issued = renewed


def test_multiple_certificates_and_alt_names(ready):
    agent, where = ready
    names = ["a.example.com", "b.example.com", "localhost"]
    made = [agent.issue(where, attributes={
        "ttl": "60m", "commonName": name,
        "altNames": [{"type": "dns_name", "value": one} for one in (name, *names)]})[0]
        for name in ("one.example.com", "two.example.com")]
    assert made[0]["serialNumber"] != made[1]["serialNumber"]
    assert pki.dns_names(pki.certificate(made[0]["certificate"])) == ["one.example.com", *names]


def test_csr(ready):
    agent, where = ready
    key = pki.some_key("RSA_2048")
    for attributes in ({"ttl": "60m", "removeRootsFromChain": True}, {"ttl": "60m"}):
        issued, request_id = agent.issue(where, csr=pki.csr(key, commonName="csr.example.com"),
                                         attributes=attributes)
        assert "privateKey" not in issued
        assert pki.spki(pki.certificate(issued["certificate"]).public_key()) == pki.spki(key)
        assert (issued["certificateChain"] == "") == ("removeRootsFromChain" in attributes)
        assert agent.poll(request_id)[0]["privateKey"] is None


def test_a_csr_without_attributes_needs_a_default(place, ready):
    agent, where = ready
    body = {**where, "csr": pki.csr(pki.some_key("RSA_2048"), commonName="csr.example.com")}
    answer = agent.http.call("POST", CERTIFICATES, json=body)
    assert answer.status_code == 400 and isinstance(answer.json()["message"], str)
    with_default = place.new_profile(place.policy_id, caId=place.root_id, defaults={"ttlDays": 1})
    if "applicationId" in where:
        place.post(f"{APPLICATIONS}/{where['applicationId']}/profiles", profileIds=[with_default])
    ok(agent.http.call("POST", CERTIFICATES, json={**body, "profileId": with_default}))


def test_full_attributes_and_signature_algorithm(place, ready):
    agent, where = ready
    profile = place.new_profile(place.new_policy(algorithms={
        "signature": ["SHA256-RSA", "SHA384-RSA"], "keyAlgorithm": ["RSA_2048"]}), caId=place.root_id)
    if "applicationId" in where:
        place.post(f"{APPLICATIONS}/{where['applicationId']}/profiles", profileIds=[profile])
    issued, _ = agent.issue({**where, "profileId": profile}, attributes={
        "ttl": "60m", "commonName": "full.example.com", "keyAlgorithm": "RSA_2048",
        "signatureAlgorithm": "RSA-SHA384", "keyUsages": ["digital_signature", "key_encipherment"],
        "extendedKeyUsages": ["server_auth"], "removeRootsFromChain": False,
        "altNames": [{"type": "dns_name", "value": "full.example.com"}]})
    certificate = pki.certificate(issued["certificate"])
    assert pki.key_usages(certificate) == {"digital_signature", "key_encipherment"}
    assert pki.extended_key_usages(certificate) == {"server_auth"}
    assert certificate.signature_hash_algorithm.name == "sha384"


def test_failures_are_told(place, ready):
    """It shows the whole body on 422 and `message`, a string, on anything else; and the reqId."""
    agent, where = ready
    for body, status in (
            ({**where, "attributes": {"ttl": "2m", "commonName": "x", "ou": "not allowed"}}, 400),
            ({**where, "attributes": {"ttl": "2m", "commonName": "x", "keyAlgorithm": "RSA_4096"}}, 400),
            ({**where, "attributes": {"ttl": "soon", "commonName": "x"}}, 422),
            ({**where, "profileId": "nonsense"}, 422)):
        answer = agent.http.call("POST", CERTIFICATES, json=body)
        assert answer.status_code == status, answer.text
        assert isinstance(answer.json()["message"], list if status == 422 else str)
        assert answer.json()["reqId"]
    wrong = place.agent.anonymous.call("POST", UA + "/login", json={
        "clientId": place.agent.client_id, "clientSecret": "wrong"})
    assert wrong.status_code == 401 and isinstance(wrong.json()["message"], str)
    for path in (f"{APPLICATIONS}/by-name/nobody", f"{CM}/certificate-profiles/slug/nobody",
                 f"{V1}/projects/slug/nobody"):
        gone = agent.http.call("GET", path)
        assert gone.status_code == 404 and isinstance(gone.json()["message"], str)


@pytest.mark.parametrize("version", [1, 2])
def test_a_csr_of_the_agent_is_renewed_by_its_next(place, version):
    """The key is the agent's: the server's answers have none, and a renewal needs a CSR or the same."""
    agent = Agent(place.agent, True)
    where = find(agent, place, version, place.lower_slug)
    issued, _ = agent.issue(where, csr=pki.csr(pki.new_key(), commonName="csr.example.com"),
                            attributes={"ttl": "60m"})
    assert not issued.get("privateKey") and agent.bundle(issued["certificateId"])["privateKey"] is None
    key = pki.new_key()
    answer = ok(agent.http.call("POST", f"{CERTIFICATES}/{issued['certificateId']}/renew",
                                json={"csr": pki.csr(key, commonName="csr.example.com"),
                                      "renewalKeySource": "csr"}))
    assert pki.spki(pki.certificate(answer["certificate"]).public_key()) == pki.spki(key)
    assert agent.poll(answer["certificateRequestId"])[0]["privateKey"] is None
