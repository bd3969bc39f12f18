"""What becomes of a CA: renewal, a new key beside the old, name constraints."""
import datetime
import ipaddress
import re
import time

from cryptography import x509

import daemon as daemons
import pki
from api import UUID, Api, issue_paths, ok, refused
from test_authorities import NOBODY, cert_of, sign_outside
from world import World, fresh, iso, utc


def key_id(cert):
    return pki.extension(cert, x509.SubjectKeyIdentifier).digest


def generation_of(cert):
    return pki.crl_url(cert).split("/")[-2]


def test_renew_a_root_with_its_key(world):
    root = world.new_root()
    ca = world.new_intermediate(root["id"])
    profile = world.new_profile(caId=ca["id"])
    before = cert_of(world, root["id"])
    end = iso(utc(days=7000))
    renewed = ok(world.admin.renew_ca(root["id"], type="existing", notAfter=end))
    assert {"certificate", "certificateChain", "serialNumber", "certId"} <= set(renewed)
    after = pki.certificate(renewed["certificate"])
    assert pki.spki(after.public_key()) == pki.spki(before.public_key())
    assert after.subject == before.subject and after.serial_number != before.serial_number
    assert iso(after.not_valid_after_utc) == end
    listed = ok(world.admin.list_ca_certificates(root["id"]))
    assert [one["version"] for one in listed] == [2, 1]
    assert ok(world.admin.get_ca(root["id"]))["configuration"]["activeCaCertId"] == \
        renewed["certId"]
    # What is issued below carries the new root, and holds against the old one as well.
    issued = world.issue(profile)
    assert pki.certificates(issued["certificateChain"])[-1] == after
    pki.verify_answer(issued, renewed["certificate"])
    pki.verify_answer(issued, before.public_bytes(pki.serialization.Encoding.PEM).decode())


def test_renew_an_intermediate_with_its_key(world):
    ca = world.new_intermediate(world.root_id, max_path_length=0)
    profile = world.new_profile(caId=ca["id"])
    first = pki.certificate(world.issue(profile)["certificate"])
    renewed = ok(world.admin.renew_ca(ca["id"], type="existing", notAfter=iso(utc(days=2000))))
    cert = pki.certificate(renewed["certificate"])
    assert pki.extension(cert, x509.BasicConstraints).path_length == 0
    assert pki.certificates(renewed["certificateChain"]) == [cert_of(world, world.root_id)]
    second = world.issue(profile)
    # The same generation: one series of CRLs.
    assert generation_of(pki.certificate(second["certificate"])) == generation_of(first)
    pki.verify_answer(second, world.root_pem())
    refused(world.admin.renew_ca(ca["id"], type="existing", notAfter=iso(utc(days=9999))), 400,
            "BadRequest", "outlive")


def test_a_new_key_beside_the_old(world):
    ca = world.new_intermediate(world.root_id)
    profile = world.new_profile(caId=ca["id"])
    old = world.issue(profile)
    old_cert = pki.certificate(old["certificate"])
    renewed = ok(world.admin.renew_ca(ca["id"], type="new-key", notAfter=iso(utc(days=1000))))
    assert UUID.match(renewed["generationId"])
    new = world.issue(profile)     # the profile names the CA, and so follows it
    new_cert = pki.certificate(new["certificate"])
    assert generation_of(new_cert) == renewed["generationId"] != generation_of(old_cert)
    assert new_cert.issuer == old_cert.issuer
    assert key_id(pki.certificate(renewed["certificate"])) != key_id(
        pki.certificates(old["certificateChain"])[0])
    for answer in (old, new):      # each with the CRL of its own key
        pki.verify_answer(answer, world.root_pem())
    assert len(ok(world.admin.list_crls(ca["id"]))) == 2
    assert len(ok(world.admin.list_ca_certificates(ca["id"]))) == 2
    for cert in (old_cert, new_cert):
        pki.fetch(pki.aia_url(cert))


def test_a_root_with_a_new_key(world):
    root = world.new_root()
    renewed = ok(world.admin.renew_ca(root["id"], type="new-key", notAfter=iso(utc(days=4000)),
                                      keyAlgorithm="EC_secp384r1"))
    cert = pki.certificate(renewed["certificate"])
    assert pki.algorithm_of(cert.public_key()) == "EC_secp384r1" and cert.issuer == cert.subject
    pki.verify_answer(world.issue(world.new_profile(caId=root["id"])), renewed["certificate"])


def test_a_new_key_with_a_parent_elsewhere(world, tmp_path):
    made = world.new_pending()
    (tmp_path / "request.pem").write_text(ok(world.admin.get_ca_csr(made["id"]))["csr"])
    outside, root = sign_outside(tmp_path, "CA:TRUE", "keyCertSign,cRLSign")
    ok(world.admin.import_ca_certificate(made["id"], certificate=outside, certificateChain=root))
    profile = world.new_profile(caId=made["id"])
    old = pki.certificate(world.issue(profile, ttl="5d")["certificate"])

    def renew(kind):
        return world.admin.renew_ca(made["id"], type=kind, notAfter=iso(utc(days=20)))

    refused(renew("existing"), 400, "BadRequest", "CSR")
    asked = ok(renew("new-key"))
    assert ok(world.admin.get_ca_csr(made["id"]))["csr"].startswith("-----BEGIN CERTIFICATE REQ")
    refused(renew("new-key"), 400, "BadRequest", "waits")
    # Until the certificate is there the old key signs.
    between = pki.certificate(world.issue(profile, ttl="5d")["certificate"])
    assert generation_of(between) == generation_of(old)
    (tmp_path / "second.pem").write_text(asked["csr"])
    outside, root = sign_outside(tmp_path, "CA:TRUE", "keyCertSign,cRLSign",
                                 request="second.pem")
    ok(world.admin.import_ca_certificate(made["id"], certificate=outside, certificateChain=root))
    issued = world.issue(profile, ttl="5d")
    assert generation_of(pki.certificate(issued["certificate"])) == asked["generationId"]
    pki.openssl_verify(issued["certificate"], outside, root)
    pki.fetch_crl(old)


def test_renewing_refuses(world, other_world):
    end = iso(utc(days=10))

    def renew(ca_id=world.ca_id, api=world.admin, **body):
        return api.renew_ca(ca_id, json={"type": "existing", "notAfter": end, **body})

    assert "type" in issue_paths(renew(type="other"))
    assert "notAfter" in issue_paths(renew(notAfter="someday"))
    assert issue_paths(world.admin.renew_ca(world.ca_id, json={})) == {"type", "notAfter"}
    assert "keyAlgorithm" in issue_paths(renew(type="new-key", keyAlgorithm="RSA_1"))
    refused(renew(notAfter=iso(utc(days=-1))), 400)
    refused(renew(NOBODY), 404)
    refused(renew("nonsense"), 422)
    refused(renew(other_world.ca_id, api=world.member("admin").api), 404)
    refused(renew(world.new_pending()["id"]), 400, "BadRequest", "no certificate yet")
    for role in ("issuer", "auditor", "no-access"):
        refused(renew(api=world.member(role).api), 403, "PermissionDenied")
    root = world.new_root()
    below = world.new_intermediate(root["id"])
    ok(world.admin.update_ca(root["id"], status="disabled"))
    refused(renew(below["id"]), 400, "BadRequest", "parent")
    # The disabled root itself can be renewed: it signs nothing but its own certificate.
    ok(renew(root["id"]))
    assert ok(world.admin.get_ca(root["id"]))["status"] == "disabled"


def test_deleting_takes_every_key(world):
    lone = world.new_root()
    ok(world.admin.renew_ca(lone["id"], type="new-key", notAfter=iso(utc(days=9))))
    ids = [one["id"] for one in ok(world.admin.list_crls(lone["id"]))]
    assert len(ids) == 2
    ok(world.admin.delete_ca(lone["id"]))
    for crl_id in ids:
        refused(world.admin.get_crl(crl_id), 404)


def test_the_der_on_the_public_listener(world, daemon):
    public = type(world.admin)(daemon.ready.publicUrl)
    answer = public.get_ca_certificate_der(world.ca_id,
                                           world.ca["configuration"]["activeCaCertId"])
    assert answer.status_code == 200 and answer.content == pki.der(world.root_pem(world.ca_id))


# --- name constraints ----------------------------------------------------------------------------

CONSTRAINTS = {"permitted": {"dns": ["Example.com"], "ip": ["10.0.0.0/8", "2001:db8::/32"],
                             "email": [".example.com", "admin@example.org"],
                             "uri": ["www.example.com"]},
               "excluded": {"dns": ["secret.example.com"]}}


def dns(*names):
    return [{"type": "dns_name", "value": name} for name in names]


def check_constraints(cert):
    found = pki.extension(cert, x509.NameConstraints)
    assert pki.is_critical(cert, x509.NameConstraints)
    assert set(found.permitted_subtrees) == {
        x509.DNSName("example.com"), x509.IPAddress(ipaddress.ip_network("10.0.0.0/8")),
        x509.IPAddress(ipaddress.ip_network("2001:db8::/32")), x509.RFC822Name(".example.com"),
        x509.RFC822Name("admin@example.org"),
        x509.UniformResourceIdentifier("www.example.com")}
    assert found.excluded_subtrees == [x509.DNSName("secret.example.com")]


def test_name_constraints_hold_at_issuing(world):
    ca = world.new_intermediate(world.root_id, configuration={"nameConstraints": CONSTRAINTS})
    assert ca["configuration"]["nameConstraints"] == CONSTRAINTS
    check_constraints(cert_of(world, ca["id"]))
    profile = world.new_profile(caId=ca["id"])
    good = world.issue(profile, commonName="absent-host", altNames=[
        *dns("a.example.com"), {"type": "ip_address", "value": "10.1.2.3"},
        {"type": "email", "value": "x@mail.example.com"},
        {"type": "uri", "value": "https://www.example.com/x"}])
    pki.verify_answer(good, world.root_pem())
    for bad in (dns("example.org"), dns("a.secret.example.com"), dns("badexample.com"),
                [{"type": "ip_address", "value": "11.0.0.1"}],
                [{"type": "email", "value": "x@example.com"}],
                [{"type": "uri", "value": "https://example.com/"}]):
        refused(world.ask(profile, commonName="absent-host", altNames=bad), 400, "BadRequest",
                "name constraints")
    # A renewal keeps them.
    renewed = ok(world.admin.renew_ca(ca["id"], type="new-key", notAfter=iso(utc(days=99))))
    check_constraints(pki.certificate(renewed["certificate"]))


def test_name_constraints_of_each_way(world):
    root = world.new_root(configuration={"nameConstraints": CONSTRAINTS})
    check_constraints(cert_of(world, root["id"]))
    pending = world.new_pending()
    made = ok(world.admin.generate_ca_certificate(
        pending["id"], parentCaId=world.root_id, notAfter=iso(utc(days=9)),
        nameConstraints=CONSTRAINTS))
    check_constraints(pki.certificate(made["certificate"]))
    assert ok(world.admin.get_ca(pending["id"]))["configuration"]["nameConstraints"] == CONSTRAINTS
    signed = ok(world.admin.sign_intermediate(
        world.root_id, csr=pki.csr(pki.new_key(), commonName=fresh("elsewhere")),
        notAfter=iso(utc(days=9)), nameConstraints=CONSTRAINTS))
    check_constraints(pki.certificate(signed["certificate"]))


def test_name_constraints_refuse(world):
    pending = world.new_pending()

    def generate(constraints):
        return world.admin.generate_ca_certificate(
            pending["id"], parentCaId=world.root_id, notAfter=iso(utc(days=9)),
            nameConstraints=constraints)

    for bad in ({"dns": [".example.com"]}, {"dns": ["*.example.com"]}, {"ip": ["10.0.0.1/8"]},
                {"ip": ["10.0.0.0/33"]}, {"ip": ["example.com"]}, {"dns": ["a b"]},
                {"email": ["x@"]}, {"uri": ["https://example.com"]}):
        refused(generate({"permitted": bad}), 400)
    assert "nameConstraints" in issue_paths(generate({"permited": {"dns": ["example.com"]}}))
    assert issue_paths(generate({"permitted": {"host": ["example.com"]}}))
    assert generate({"permitted": {"dns": "example.com"}}).status_code == 422


# --- close to the end ----------------------------------------------------------------------------

def test_a_ca_close_to_its_end_is_warned_of(world):
    def warnings(ca):
        return [one["code"] for one in ok(world.admin.get_ca(ca["id"]))["warnings"]]

    ca = world.new_intermediate(world.root_id, life=datetime.timedelta(days=100))
    assert warnings(ca) == []                           # nothing is asked of it: 30 days' notice
    world.new_profile(world.new_policy(validity={"max": "60d"}), caId=ca["id"])
    assert warnings(ca) == []
    world.new_profile(world.new_policy(validity={"max": "80d"}), caId=ca["id"])
    assert warnings(ca) == ["ca-expires-soon"]
    listed = ok(world.admin.list_cas(query={"projectId": world.project_id}))
    assert {one["id"]: bool(one["warnings"]) for one in listed}[ca["id"]]
    ok(world.admin.renew_ca(ca["id"], type="existing", notAfter=iso(utc(days=200))))
    assert warnings(ca) == []
    # Without a maximum, the profile's default counts.
    world.new_profile(world.new_policy(validity=None), caId=ca["id"], defaults={"ttlDays": 190})
    assert warnings(ca) == ["ca-expires-soon"]
    assert world.new_pending()["warnings"] == []


def test_the_log_and_the_metrics_tell_of_it(new_sqlite_daemon):
    one = new_sqlite_daemon()
    world = World(Api(one.ready.url, one.ready.token))
    ca = world.new_intermediate(world.root_id, life=datetime.timedelta(days=20))
    port = daemons.free_ports(1)[0]
    one.configure(f"metrics:\n  enabled: true\n  listen: 127.0.0.1:{port}\n")
    one.log_everything()
    one.restart()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        told = [event for event in one.events() if event.get("event") == "ca.expires"]
        if told:
            break
        time.sleep(0.1)
    assert [event for event in told if ca["name"] in event["message"]], told
    found = re.search(r'^chancery_ca_expiry_seconds\{ca="%s",id="%s"\} (\d+)$'
                      % (ca["name"], ca["id"]), pki.fetch(f"http://127.0.0.1:{port}/metrics").text,
                      re.M)
    assert 19.9 * 86400 < int(found.group(1)) <= 20 * 86400
