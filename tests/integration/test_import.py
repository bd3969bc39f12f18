"""Certificates that were made elsewhere, and metadata."""
import concurrent.futures

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

import pki
from api import ok, refused
from world import fresh, utc


def make(subject, key, issuer=None, issuer_key=None, ca=False, sans=("in.example.com",), days=30,
         serial=None):
    """A certificate of nobody we know; self-signed without an issuer."""
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    builder = (x509.CertificateBuilder().subject_name(name)
               .issuer_name(issuer.subject if issuer else name).public_key(key.public_key())
               .serial_number(serial or x509.random_serial_number())
               .not_valid_before(utc(days=-40)).not_valid_after(utc(days=days))
               .add_extension(x509.BasicConstraints(ca, None), critical=True))
    if ca:
        usage = dict.fromkeys(["digital_signature", "content_commitment", "key_encipherment",
                               "data_encipherment", "key_agreement", "encipher_only",
                               "decipher_only"], False)
        builder = builder.add_extension(
            x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
    else:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(one) for one in sans]), critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256())


def text(cert):
    return cert.public_bytes(serialization.Encoding.PEM).decode()


class Elsewhere:
    """A root, and a leaf with a subject that would never be issued here."""

    def __init__(self, algorithm="EC_prime256v1", **leaf):
        self.root_key, self.key = pki.new_key(), pki.new_key(algorithm)
        self.root = make([(NameOID.COMMON_NAME, fresh("Elsewhere"))], self.root_key, ca=True)
        self.cert = make([(NameOID.COMMON_NAME, "in.example.com"), (NameOID.SURNAME, "Müller"),
                          (NameOID.ORGANIZATION_NAME, "Elsewhere AG")], self.key, self.root,
                         self.root_key, **leaf)

    def body(self, **changes):
        body = {"certificatePem": text(self.cert), "chainPem": text(self.root),
                "privateKeyPem": pki.private_pem(self.key), "friendlyName": "from elsewhere",
                **changes}
        return {key: value for key, value in body.items() if value is not None}


def bring(world, body, api=None):
    return (api or world.admin).import_certificate(json={"projectId": world.project_id, **body})


def test_the_latest_of_a_profile_is_none_that_was_brought_in(world):
    """Whoever imports says how long it is valid: it would be the latest for everybody."""
    profile = world.new_profile()
    made = world.issue(profile)
    ok(bring(world, Elsewhere(days=9000).body(profileId=profile)))
    assert ok(world.admin.get_latest_bundle(profile))["certificate"] == made["certificate"]


def test_with_key_and_chain(world):
    there = Elsewhere()
    made = ok(bring(world, there.body(metadata=[{"key": "from", "value": "acme"}],
                                      profileId=world.profile_id)))
    assert set(made) == {"certificateId", "certificate", "certificateChain", "privateKey",
                         "serialNumber"}
    assert made["certificate"] == text(there.cert)
    assert made["certificateChain"] == text(there.root)
    assert int(made["serialNumber"], 16) == there.cert.serial_number
    told = ok(world.admin.get_certificate(made["certificateId"]))["certificate"]
    assert told["source"] == "imported" and told["status"] == "active"
    assert told["caId"] is None and told["caType"] is None and told["hasPrivateKey"] is True
    assert told["commonName"] == "in.example.com" and told["altNames"] == "in.example.com"
    assert told["subjectOrganization"] == "Elsewhere AG"
    assert told["friendlyName"] == "from elsewhere" and told["profileId"] == world.profile_id
    assert told["metadata"] == [{"key": "from", "value": "acme"}]
    bundle = ok(world.admin.get_bundle(made["certificateId"]))
    assert bundle["certificateChain"] == text(there.root)
    assert pki.same_key(bundle["privateKey"], made["certificate"])


def test_alone(world):
    """Without key and chain it is just watched. It is not taken for a self-signed one."""
    there = Elsewhere()
    made = ok(bring(world, there.body(chainPem=None, privateKeyPem=None)))
    assert set(made) == {"certificateId", "certificate", "serialNumber"}
    body = ok(world.admin.get_certificate_body(made["certificateId"]))
    assert body["certificateChain"] is None
    bundle = ok(world.admin.get_bundle(made["certificateId"]))
    assert bundle["certificateChain"] is None and bundle["privateKey"] is None
    told = ok(world.admin.get_certificate(made["certificateId"]))["certificate"]
    assert told["hasPrivateKey"] is False
    refused(world.admin.get_private_key(made["certificateId"]), 404)


def test_one_that_ended(world):
    made = ok(bring(world, Elsewhere(days=-1).body()))
    told = ok(world.admin.get_certificate(made["certificateId"]))["certificate"]
    assert told["status"] == "expired"


@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_secp384r1"])
def test_older_forms_of_keys(world, algorithm):
    there = Elsewhere(algorithm)
    old = there.key.private_bytes(serialization.Encoding.PEM,
                                  serialization.PrivateFormat.TraditionalOpenSSL,
                                  serialization.NoEncryption()).decode()
    assert "BEGIN RSA" in old or "BEGIN EC" in old
    made = ok(bring(world, there.body(privateKeyPem=old)))
    assert pki.same_key(ok(world.admin.get_private_key(made["certificateId"])), text(there.cert))


def test_twice(world):
    body = Elsewhere().body()
    made = ok(bring(world, body))
    refused(bring(world, body), 400, "BadRequest", "already", made["certificateId"])


def test_twice_at_once(world):
    """However close: one is kept, and whoever comes second is told which."""
    for _ in range(4):
        body = Elsewhere().body()
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _, body=body: bring(world, body), range(6)))
        kept = [ok(answer)["certificateId"] for answer in answers if answer.status_code == 200]
        assert len(kept) == 1
        for answer in answers:
            if answer.status_code != 200:
                refused(answer, 400, "BadRequest", "already", kept[0])
    ok(world.admin.delete_certificate(kept[0]))
    assert ok(bring(world, body))["certificateId"] != kept[0]


def test_strangers_do_not_hide_what_is_ones_own(world, other_world):
    """However many of somebody else's have the number: it finds one's own."""
    number = x509.random_serial_number()
    stranger = other_world.member("admin").api

    def one():
        made = make([(NameOID.COMMON_NAME, fresh("same"))], pki.new_key(), serial=number)
        return {"certificatePem": text(made)}

    for _ in range(40):
        ok(bring(other_world, one(), stranger))
    own = ok(bring(world, one()))
    for spelled in (own["serialNumber"], f"0x{number:X}"):
        found = ok(world.admin.search_certificates(world.project_id, search=spelled))
        assert [row["id"] for row in found["certificates"]] == [own["certificateId"]]
    issuer = world.member("issuer").api
    assert ok(issuer.get_by_serial(own["serialNumber"]))["certificate"]["id"] == own["certificateId"]
    refused(stranger.get_by_serial(own["serialNumber"]), 400, "BadRequest", "several")
    issued = ok(world.ask())
    found = ok(world.admin.search_requests(projectId=world.project_id,
                                           search=issued["certificate"]["serialNumber"]))
    assert [row["id"] for row in found["certificateRequests"]] == [issued["certificateRequestId"]]


def test_what_was_issued_here_is_there_already(world):
    issued = world.issue()
    refused(bring(world, {"certificatePem": issued["certificate"]}), 400, "BadRequest", "already")


def test_by_slug(world):
    body = {"projectSlug": world.project["slug"], **Elsewhere().body()}
    made = ok(world.admin.import_certificate(json=body))
    told = ok(world.admin.get_certificate(made["certificateId"]))["certificate"]
    assert told["projectId"] == world.project_id
    refused(world.admin.import_certificate(json={**body, "projectSlug": "nobody-there"}), 404)


def test_what_does_not_fit_together(world):
    one, other = Elsewhere(), Elsewhere()
    refused(bring(world, one.body(privateKeyPem=pki.private_pem(other.key))), 400, "BadRequest",
            "does not belong")
    refused(bring(world, one.body(chainPem=text(other.root))), 400)
    forged = Elsewhere()
    forged.cert = make([(NameOID.COMMON_NAME, "x")], forged.key, forged.root, other.root_key)
    refused(bring(world, forged.body()), 400)


def test_what_is_no_certificate(world):
    there = Elsewhere()
    for wrong in ("nonsense", pki.private_pem(there.key), text(there.cert) * 2):
        refused(bring(world, there.body(certificatePem=wrong)), 400)
    refused(bring(world, there.body(privateKeyPem="nonsense")), 400)
    refused(bring(world, there.body(chainPem="nonsense")), 400)
    assert refused(bring(world, {"privateKeyPem": "x"}), 422)
    assert refused(bring(world, there.body(friendlyName="x" * 256)), 422)
    assert refused(bring(world, there.body(profileId="x")), 422)
    assert ok(bring(world, there.body())), "nothing of it was kept"


def test_into_an_application_of_its_profile(world):
    there = Elsewhere()
    made = ok(world.admin.create_application(projectId=world.project_id,
                                             name=fresh("app")))["application"]
    refused(bring(world, there.body(applicationId=made["id"], profileId=world.profile_id)), 400,
            "BadRequest", "profile")
    ok(world.admin.add_application_profiles(made["id"], profileIds=[world.profile_id]))
    kept = ok(bring(world, there.body(applicationId=made["id"], profileId=world.profile_id)))
    shown = ok(world.admin.get_certificate(kept["certificateId"]))["certificate"]
    assert (shown["applicationName"], shown["profileId"]) == (made["name"], world.profile_id)


def test_who_may(world, other_world):
    there = Elsewhere()
    for role in ("issuer", "auditor"):
        refused(bring(world, there.body(), world.member(role).api), 403, "PermissionDenied",
                "create")
    refused(bring(world, there.body(), other_world.member("admin").api), 404)
    refused(bring(world, there.body(profileId=other_world.profile_id)), 404, "NotFound",
            "certificate profile")
    refused(bring(world, there.body(applicationId=world.project_id)), 404, "NotFound",
            "application")


# --- metadata ----------------------------------------------------------------------------------

def test_metadata_is_replaced(world):
    issued = world.issue(metadata=[{"key": "team", "value": "blue"}])
    pairs = [{"key": "team", "value": "red"}, {"key": "note", "value": ""}]
    answer = ok(world.admin.update_certificate(issued["certificateId"], metadata=pairs))
    assert answer == {"metadata": pairs}
    told = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert told["metadata"] == pairs and told["updatedAt"] >= told["createdAt"]
    assert ok(world.admin.update_certificate(issued["certificateId"], json={})) == answer
    assert ok(world.admin.update_certificate(issued["certificateId"], metadata=[])) == {
        "metadata": []}
    told = ok(world.admin.get_certificate(issued["certificateId"]))["certificate"]
    assert told["metadata"] == []


def test_metadata_that_is_refused(world, other_world):
    issued = world.issue()
    change = [{"key": "a", "value": "b"}]
    for wrong in ("x", [{"value": "x"}], [{"key": ""}], [{"key": "k" * 256}],
                  [{"key": "k", "value": "v" * 1021}], change * 65):
        refused(world.admin.update_certificate(issued["certificateId"], metadata=wrong), 422)
    for role in ("issuer", "auditor"):
        refused(world.member(role).api.update_certificate(issued["certificateId"],
                                                          metadata=change), 403,
                "PermissionDenied", "edit")
    refused(other_world.member("admin").api.update_certificate(issued["certificateId"],
                                                               metadata=change), 404)
    refused(world.admin.update_certificate(world.project_id, metadata=change), 404)
    refused(world.admin.update_certificate("nonsense", metadata=change), 422)
