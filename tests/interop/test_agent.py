"""The certificate agent's whole life against one certificate: log in, find the profile, issue, poll, read
the bundle, renew, see the old one renewed, revoke, stop.

Agent speaks as the command-line agent does, in version 1 (a project and a profile by their slugs) and in
version 2 (an application by its name); it uses no more of an answer than that agent reads.
"""
import pytest

import pki
from api import CM, UA, V1, ok
from world import fresh

CERTIFICATES = CM + "/certificates"


class Agent:
    """What the agent knows of itself: where the server is, and how it logs in."""

    def __init__(self, member, with_form):
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


@pytest.fixture(scope="module")
def place(world):
    """What the agent's own set-up makes: a policy without usages, a profile that renews nothing."""
    policy = world.new_policy(
        subject=[{"type": "common_name", "allowed": ["*"]},
                 {"type": "organizational_unit", "allowed": ["*"]},
                 {"type": "state", "allowed": ["*"]}],
        sans=[{"type": "dns_name", "allowed": ["*"]}], keyUsages=None, extendedKeyUsages=None,
        basicConstraints=None,
        algorithms={"signature": ["SHA256-ECDSA"], "keyAlgorithm": ["ECDSA-P256"]},
        validity={"max": "90d"})
    slug = fresh("agent")
    world.new_profile(policy, slug=slug, description="")
    return slug


def is_chain(chain, root, without_root):
    """The issuing CA first, and the root last or not at all."""
    certificates = pki.certificates(chain)
    assert certificates[0].subject != certificates[0].issuer
    has_root = certificates[-1] == pki.certificate(root)
    return has_root != without_root and len(certificates) == (1 if without_root else 2)


@pytest.mark.parametrize("with_form", [False, True], ids=["json", "form"])
@pytest.mark.parametrize("remove_roots", [False, True], ids=["roots", "no roots"])
def test_the_whole_life(world, place, with_form, remove_roots):
    agent = Agent(world.member("issuer"), with_form)
    root = world.root_pem()
    where = agent.profile_of_v1(world.project["slug"], place)

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
    pki.openssl_verify(renewed["certificate"], world.root_pem(world.ca_id), root)

    before, after = agent.status(issued["certificateId"]), agent.status(renewed["certificateId"])
    assert before["status"] == after["status"] == "active"
    assert before["renewedByCertificateId"] == renewed["certificateId"]
    assert before["latestRenewalCertificateId"] == renewed["certificateId"]
    assert after["renewedFromCertificateId"] == issued["certificateId"]
    twice = agent.http.call("POST", f"{CERTIFICATES}/{issued['certificateId']}/renew", json={})
    assert twice.status_code == 400

    for one in (renewed, issued):
        told = ok(world.admin.call("POST", f"{CERTIFICATES}/{one['certificateId']}/revoke",
                                   json={"revocationReason": "SUPERSEDED"}))
        assert told["serialNumber"] == one["serialNumber"] and told["revokedAt"]
        assert agent.status(one["certificateId"])["status"] == "revoked"  # here it stops
    gone = agent.http.call("POST", f"{CERTIFICATES}/{renewed['certificateId']}/renew", json={})
    assert gone.status_code == 400


def test_a_csr_of_the_agent_is_renewed_by_its_next(world, place):
    """The key is the agent's: the server's answers have none, and a renewal needs a CSR or the same."""
    agent = Agent(world.member("issuer"), True)
    where = agent.profile_of_v1(world.project["slug"], place)
    issued, _ = agent.issue(where, csr=pki.csr(pki.new_key(), commonName="csr.example.com"),
                            attributes={"ttl": "60m"})
    assert not issued.get("privateKey") and agent.bundle(issued["certificateId"])["privateKey"] is None
    key = pki.new_key()
    answer = ok(agent.http.call("POST", f"{CERTIFICATES}/{issued['certificateId']}/renew",
                                json={"csr": pki.csr(key, commonName="csr.example.com"),
                                      "renewalKeySource": "csr"}))
    assert pki.spki(pki.certificate(answer["certificate"]).public_key()) == pki.spki(key)
    assert agent.poll(answer["certificateRequestId"])[0]["privateKey"] is None
