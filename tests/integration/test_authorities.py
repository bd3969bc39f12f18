"""Internal certificate authorities: making, signing, installing, disabling."""
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import pki
from api import SERIAL, TIME, UUID, issue_paths, ok, refused
from world import fresh, iso, utc

NOBODY = "00000000-0000-7000-8000-000000000000"
CHAIN = {"certificate", "certificateChain", "serialNumber"}


def cert_of(world, ca_id):
    return pki.certificate(world.root_pem(ca_id))


def test_a_root_with_an_end_is_active_at_once(world):
    made = world.new_root(configuration={"country": "DE", "ou": "PKI", "province": "Bayern",
                                         "locality": "München", "maxPathLength": 2})
    assert {"id", "projectId", "name", "status", "type", "enableDirectIssuance",
            "configuration"} <= set(made)
    assert UUID.match(made["id"])
    assert (made["status"], made["type"], made["enableDirectIssuance"]) == (
        "active", "internal", True)
    settings = made["configuration"]
    assert (settings["type"], settings["country"], settings["ou"], settings["province"],
            settings["locality"], settings["maxPathLength"]) == (
                "root", "DE", "PKI", "Bayern", "München", 2)
    assert settings["parentCaId"] is None and SERIAL.match(settings["serialNumber"])
    assert UUID.match(settings["activeCaCertId"])
    for member in ("notBefore", "notAfter"):
        assert TIME.match(settings[member])
    assert "O=Test" in settings["dn"] and "C=DE" in settings["dn"]
    assert ok(world.admin.get_ca(made["id"])) == made

    cert = cert_of(world, made["id"])
    assert cert.issuer == cert.subject
    constraints = pki.extension(cert, x509.BasicConstraints)
    assert (constraints.ca, constraints.path_length) == (True, 2)
    assert pki.is_critical(cert, x509.BasicConstraints) and pki.is_critical(cert, x509.KeyUsage)
    assert pki.key_usages(cert) >= {"key_cert_sign", "crl_sign"}
    for absent in (x509.ExtendedKeyUsage, x509.CRLDistributionPoints,
                   x509.AuthorityInformationAccess):
        assert pki.extension(cert, absent) is None
    assert pki.extension(cert, x509.SubjectKeyIdentifier) is not None
    country = cert.subject.get_attributes_for_oid(x509.NameOID.COUNTRY_NAME)[0]
    assert country._type.name == "PrintableString"


def test_a_root_without_an_end_waits(world):
    made = world.new_root(configuration={"notAfter": None})
    assert made["status"] == "pending-certificate"
    assert made["configuration"]["activeCaCertId"] is None
    refused(world.ask(world.new_profile(caId=made["id"])), 400, "BadRequest", "no certificate yet")
    refused(world.admin.get_ca_certificate(made["id"]), 404)
    signed = ok(world.admin.generate_ca_certificate(made["id"], notAfter=iso(utc(days=365))))
    assert CHAIN | {"certId"} <= set(signed)
    assert ok(world.admin.get_ca(made["id"]))["status"] == "active"


@pytest.mark.parametrize("algorithm", pki.ALL_KEYS)
def test_every_key_algorithm_makes_a_ca(world, algorithm):
    root = world.new_root(algorithm)
    assert root["configuration"]["keyAlgorithm"] == algorithm
    root_cert = cert_of(world, root["id"])
    assert pki.algorithm_of(root_cert.public_key()) == algorithm
    issuing = world.new_intermediate(root["id"], algorithm)
    issued = world.issue(world.new_profile(caId=issuing["id"]), keyAlgorithm="EC_prime256v1")
    leaf = pki.certificate(issued["certificate"])
    if algorithm in pki.CLASSIC:
        pki.verify_answer(issued, world.root_pem(root["id"]))
        return
    # openssl does not know ML-DSA: a second implementation of FIPS 204 verifies each link.
    between = cert_of(world, issuing["id"])
    crl = x509.load_der_x509_crl(pki.fetch_crl(leaf))
    for signed, message, signer in ((leaf, leaf.tbs_certificate_bytes, between),
                                    (between, between.tbs_certificate_bytes, root_cert),
                                    (root_cert, root_cert.tbs_certificate_bytes, root_cert),
                                    (crl, crl.tbs_certlist_bytes, between)):
        raw = signer.public_key().public_bytes(serialization.Encoding.Raw,
                                               serialization.PublicFormat.Raw)
        assert pki.fips_204_verifies(algorithm, raw, message, signed.signature)
        assert not pki.fips_204_verifies(algorithm, raw, message + b"x", signed.signature)


def test_the_default_key_is_rsa_2048(world):
    body = {"projectId": world.project_id, "name": fresh("plain"), "status": "active",
            "configuration": {"type": "root", "commonName": "Plain", "notAfter": iso(utc(days=9))}}
    assert ok(world.admin.create_ca(json=body))["configuration"]["keyAlgorithm"] == "RSA_2048"


def test_an_intermediate_of_a_parent(world):
    made = world.new_pending(configuration={"organization": "Test"})
    assert made["status"] == "pending-certificate"
    signed = ok(world.admin.generate_ca_certificate(
        made["id"], parentCaId=world.root_id, notAfter=iso(utc(days=100)), maxPathLength=0))
    assert CHAIN | {"certId"} <= set(signed)
    now = ok(world.admin.get_ca(made["id"]))
    assert (now["status"], now["configuration"]["parentCaId"]) == ("active", world.root_id)
    assert now["configuration"]["activeCaCertId"] == signed["certId"]
    assert now["configuration"]["maxPathLength"] == 0            # its certificate's
    cert, root = pki.certificate(signed["certificate"]), cert_of(world, world.root_id)
    # The issuer is the CA certificate's subject, byte for byte.
    assert cert.issuer.public_bytes() == root.subject.public_bytes()
    assert pki.extension(cert, x509.BasicConstraints).path_length == 0
    assert pki.extension(cert, x509.AuthorityKeyIdentifier).key_identifier == pki.extension(
        root, x509.SubjectKeyIdentifier).digest
    assert signed["certificateChain"] == world.root_pem()
    pki.openssl_verify(signed["certificate"], "", world.root_pem())
    assert x509.load_der_x509_certificate(pki.fetch(pki.aia_url(cert)).content) == root


def test_three_levels(world):
    middle = world.new_intermediate(world.root_id)
    lower = world.new_intermediate(middle["id"], life=datetime.timedelta(days=1800))
    issued = world.issue(world.new_profile(caId=lower["id"]))
    assert len(pki.certificates(issued["certificateChain"])) == 3
    pki.verify_answer(issued, world.root_pem())


def test_the_path_length_holds(world):
    middle = world.new_intermediate(world.root_id, max_path_length=0)
    world.issue(world.new_profile(caId=middle["id"]))
    lower = world.new_pending()
    refused(world.admin.generate_ca_certificate(lower["id"], parentCaId=middle["id"],
                                                notAfter=iso(utc(days=10))), 400, "BadRequest",
            "path length")
    refused(world.ask(world.new_profile(caId=middle["id"]), basicConstraints={"isCA": True}), 400,
            "BadRequest", "path length")


def test_a_ca_of_tomorrow(world):
    """What a CA that begins later signs begins no earlier."""
    root = world.new_root(configuration={"notBefore": iso(utc(days=2))})
    profile = world.new_profile(caId=root["id"])
    begin = pki.certificate(world.root_pem(root["id"])).not_valid_before_utc
    assert pki.certificate(world.issue(profile)["certificate"]).not_valid_before_utc == begin
    refused(world.ask(profile, ttl="1d"), 400, "BadRequest", "begins")
    lower = world.new_pending()
    refused(world.admin.generate_ca_certificate(lower["id"], parentCaId=root["id"],
                                                notAfter=iso(utc(days=1))), 400, "BadRequest")
    ok(world.admin.generate_ca_certificate(lower["id"], parentCaId=root["id"],
                                           notAfter=iso(utc(days=9))))


def test_generating_refuses(world, other_world):
    made = world.new_pending()
    end = iso(utc(days=10))

    def generate(ca_id=made["id"], **body):
        return world.admin.generate_ca_certificate(ca_id, json={"notAfter": end, **body})

    assert "parentCaId" in issue_paths(generate())
    assert "parentCaId" in issue_paths(generate(world.root_id, parentCaId=world.root_id))
    refused(generate(parentCaId=NOBODY), 404)
    refused(generate(parentCaId=other_world.root_id), 404)
    refused(generate(parentCaId=made["id"]), 400)
    refused(generate(parentCaId=world.root_id, notAfter=iso(utc(days=-1))), 400)
    refused(generate(parentCaId=world.root_id, notAfter=iso(utc(days=9999))), 400, "BadRequest",
            "outlive")
    assert "notAfter" in issue_paths(generate(parentCaId=world.root_id, notAfter="someday"))


def test_csr_out_and_certificate_in(world, tmp_path):
    made = world.new_pending(configuration={"organization": "Test", "country": "DE"})
    request = ok(world.admin.get_ca_csr(made["id"]))["csr"]
    said = pki.program("openssl", "req", "-noout", "-verify", "-text", stdin=request)
    assert "verify OK" in said
    (tmp_path / "request.pem").write_text(request)
    outside, chain = sign_outside(tmp_path, "CA:TRUE", "keyCertSign,cRLSign")
    answer = ok(world.admin.import_ca_certificate(made["id"], certificate=outside,
                                                  certificateChain=chain))
    assert answer["caId"] == made["id"] and answer["message"]
    now = ok(world.admin.get_ca(made["id"]))
    assert now["status"] == "active"
    issued = world.issue(world.new_profile(caId=made["id"]), ttl="5d")
    assert pki.certificates(issued["issuingCaCertificate"]) == pki.certificates(outside)
    pki.openssl_verify(issued["certificate"], outside, chain)


def sign_outside(folder, constraints, usage, days=30, request="request.pem"):
    """Signs request.pem with a CA of openssl's own: (certificate, root)."""
    ext = folder / "ext.cnf"
    ext.write_text(f"basicConstraints=critical,{constraints}\n"
                   + (f"keyUsage=critical,{usage}\n" if usage else "")
                   + "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    root_key, root = folder / "root.key", folder / "root.pem"
    if not root.exists():
        pki.program("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", root_key, "-out", root,
                    "-subj", "/CN=Outside Root", "-days", "90", "-addext",
                    "keyUsage=critical,keyCertSign,cRLSign")
    pki.program("openssl", "x509", "-req", "-in", folder / request, "-CA", root, "-CAkey",
                root_key, "-out", folder / "signed.pem", "-days", str(days), "-extfile", ext)
    return (folder / "signed.pem").read_text(), root.read_text()


def test_importing_refuses(world, tmp_path):
    made = world.new_pending()
    (tmp_path / "request.pem").write_text(ok(world.admin.get_ca_csr(made["id"]))["csr"])

    def load(certificate, chain):
        return world.admin.import_ca_certificate(made["id"], certificate=certificate,
                                                 certificateChain=chain)

    good, root = sign_outside(tmp_path, "CA:TRUE", "keyCertSign,cRLSign")
    refused(load(*sign_outside(tmp_path, "CA:FALSE", "digitalSignature")), 400, "BadRequest")
    refused(load(*sign_outside(tmp_path, "CA:TRUE", "cRLSign")), 400, "BadRequest")
    refused(load(*sign_outside(tmp_path, "CA:TRUE", "")), 400, "BadRequest")
    refused(load(good, world.root_pem()), 400)          # a chain that is not the certificate's
    refused(load("nonsense", root), 400)
    refused(load(good, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 400)
    refused(load(root, root), 400)                      # another key
    refused(load(good, ""), 400, "BadRequest", "chain")  # signed by whoever
    refused(load(good, good), 400, "BadRequest", "chain")
    assert issue_paths(world.admin.import_ca_certificate(made["id"], certificate=good)) == {
        "certificateChain"}
    # Another subject over the right key.
    other = world.new_pending()
    (tmp_path / "request.pem").write_text(ok(world.admin.get_ca_csr(other["id"]))["csr"])
    refused(load(*sign_outside(tmp_path, "CA:TRUE", "keyCertSign,cRLSign")), 400, "BadRequest")
    assert ok(world.admin.get_ca(made["id"]))["status"] == "pending-certificate"
    ok(load(good, root))


def test_sign_intermediate(world):
    key = pki.new_key("EC_secp384r1")
    request = pki.csr(key, commonName="Somebody's CA", organization="Elsewhere")
    end = iso(utc(days=200))
    signed = ok(world.admin.sign_intermediate(world.root_id, csr=request, notAfter=end,
                                              maxPathLength=1))
    assert CHAIN | {"issuingCaCertificate"} <= set(signed)
    cert = pki.certificate(signed["certificate"])
    assert pki.spki(cert.public_key()) == pki.spki(key)
    constraints = pki.extension(cert, x509.BasicConstraints)
    assert (constraints.ca, constraints.path_length) == (True, 1)
    assert iso(cert.not_valid_after_utc) == end
    assert signed["serialNumber"] == pki.serial_text(cert)
    pki.openssl_verify(signed["certificate"], "", signed["issuingCaCertificate"])
    assert signed["certificateChain"] == signed["issuingCaCertificate"]
    row = ok(world.admin.get_certificate(signed["certificateId"]))["certificate"]
    assert row["basicConstraints"] == {"isCA": True, "pathLength": 1} and row["pathLength"] == 1
    assert row["subject"] == {"organization": "Elsewhere", "commonName": "Somebody's CA"}
    assert row["keyAlgorithm"] == "EC_secp384r1" and row["caId"] == world.root_id


def test_sign_intermediate_refuses(world, other_world):
    good = pki.csr(commonName="Somebody's CA")
    end = iso(utc(days=20))

    def sign(ca_id=world.root_id, api=world.admin, **body):
        return api.sign_intermediate(ca_id, json={"csr": good, "notAfter": end, **body})

    refused(sign(notAfter=iso(utc(days=99999))), 400)
    refused(sign(notAfter=iso(utc(days=-9))), 400)
    assert "notAfter" in issue_paths(sign(notAfter="never"))
    assert "csr" in issue_paths(sign(csr=""))
    refused(sign(csr="nonsense"), 400)
    refused(sign(csr=pki.csr()), 400, "BadRequest", "subject")  # nobody
    refused(sign(NOBODY), 404)
    refused(sign(other_world.root_id, api=world.member("admin").api), 404)
    for role in ("issuer", "auditor", "no-access"):
        refused(sign(api=world.member(role).api), 403, "PermissionDenied")
    limited = world.new_intermediate(world.root_id, max_path_length=0)
    refused(sign(limited["id"]), 400)


def test_sign_intermediate_goes_no_further_than_csr_and_issuer(world):
    key = pki.new_key("EC_prime256v1")  # once a CA has it, no other certificate is made for it

    def sign(ca_id, constraints=None, **body):
        csr = pki.csr(key, extensions=[constraints] if constraints else (), commonName=fresh("ca"))
        return world.admin.sign_intermediate(ca_id, json={"csr": csr, "notAfter": iso(utc(days=20)),
                                                          **body})

    def length(answer):
        made = pki.certificate(ok(answer)["certificate"])
        return pki.extension(made, x509.BasicConstraints).path_length

    def of_ca(path_length):
        return x509.BasicConstraints(ca=True, path_length=path_length)

    root = world.root_id
    above = world.new_intermediate(root, max_path_length=2)["id"]
    leaf = x509.BasicConstraints(ca=False, path_length=None)
    refused(sign(root, leaf), 400, "BadRequest", "CA:FALSE")
    refused(sign(root, of_ca(1), maxPathLength=2), 400, "BadRequest", "path length of 1")
    for wish in ({"constraints": of_ca(2)}, {"maxPathLength": 2}, {"maxPathLength": 255}):
        refused(sign(above, **wish), 400, "BadRequest", "path length 2")
    lowest = world.new_intermediate(above, max_path_length=0)["id"]
    refused(sign(lowest), 400, "BadRequest", "path length 0")
    # Who says nothing gets what the CSR asks for, or what the issuer leaves.
    assert length(sign(root)) is None and length(sign(root, maxPathLength=-1)) is None
    assert length(sign(root, of_ca(3))) == 3 and length(sign(root, of_ca(3), maxPathLength=1)) == 1
    assert length(sign(above)) == 1 and length(sign(above, maxPathLength=-1)) == 1
    assert length(sign(above, of_ca(0))) == 0 and length(sign(above, of_ca(None))) == 1


def test_certificates_of_a_ca(world):
    listed = ok(world.admin.list_ca_certificates(world.ca_id))
    assert isinstance(listed, list) and len(listed) == 1
    assert CHAIN | {"version"} <= set(listed[0]) and listed[0]["version"] == 1
    current = ok(world.admin.get_ca_certificate(world.ca_id))
    assert CHAIN <= set(current)
    by_id = ok(world.admin.get_ca_certificate_by_id(
        world.ca_id, world.ca["configuration"]["activeCaCertId"]))
    assert by_id["certificate"] == current["certificate"] == listed[0]["certificate"]
    refused(world.admin.get_ca_certificate_by_id(world.ca_id, NOBODY), 404)
    root_cert_id = world.root["configuration"]["activeCaCertId"]
    refused(world.admin.get_ca_certificate_by_id(world.ca_id, root_cert_id), 404)
    refused(world.admin.get_ca_certificate_by_id(world.ca_id, "nonsense"), 422)


def test_the_der_without_log_in(world, anonymous):
    answer = anonymous.get_ca_certificate_der(world.ca_id,
                                              world.ca["configuration"]["activeCaCertId"])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pkix-cert"
    assert answer.content == pki.der(world.root_pem(world.ca_id))
    refused(anonymous.get_ca_certificate_der(
        world.root_id, world.ca["configuration"]["activeCaCertId"]), 404)


def test_lists(world):
    query = {"projectId": world.project_id}
    bare = ok(world.admin.list_cas(query=query))
    assert isinstance(bare, list)
    assert {world.root_id, world.ca_id} <= {one["id"] for one in bare}
    wrapped = ok(world.admin.list_all_cas(query=query))
    assert wrapped == {"certificateAuthorities": bare}


def test_duplicate_name(world):
    refused(world.admin.create_ca(json={
        "projectId": world.project_id, "name": world.root["name"], "status": "active",
        "configuration": {"type": "root", "commonName": "x", "keyAlgorithm": "EC_prime256v1"}}),
        400, "BadRequest", world.root["name"])


def test_bad_subjects(world):
    for settings in ({"commonName": "x" * 65}, {"country": "Germany"}, {"country": "D1"},
                     {"organization": "a\u202eb"}, {"commonName": "a\u0001b"}):
        answer = world.admin.create_ca(json={
            "projectId": world.project_id, "name": fresh("bad"), "status": "active",
            "configuration": {"type": "root", "keyAlgorithm": "EC_prime256v1", **settings}})
        assert answer.status_code in (400, 422), answer.text


def test_a_disabled_ca_issues_nothing_and_goes_on_publishing(world):
    ca = world.new_intermediate(world.root_id)
    profile = world.new_profile(caId=ca["id"])
    before = world.issue(profile)
    changed = ok(world.admin.update_ca(ca["id"], status="disabled"))
    assert changed["status"] == "disabled"
    refused(world.ask(profile), 400, "BadRequest", "disabled")
    refused(world.admin.sign_intermediate(ca["id"], csr=pki.csr(commonName="x"),
                                          notAfter=iso(utc(days=1))), 400)
    pki.verify_answer(before, world.root_pem())
    ok(world.admin.update_ca(ca["id"], status="active"))
    world.issue(profile)
    refused(world.admin.update_ca(ca["id"], status="pending-certificate"), 400)


def test_update(world):
    ca = world.new_intermediate(world.root_id)
    name = fresh("renamed")
    changed = ok(world.admin.update_ca(ca["id"], json={
        "name": name, "onCaExpiry": "clamp", "enableDirectIssuance": False,
        "configuration": {"crlDistributionPointUrls": ["http://mirror.example.com/{shard}.crl"]}}))
    assert (changed["name"], changed["onCaExpiry"], changed["enableDirectIssuance"]) == (
        name, "clamp", False)
    assert changed["configuration"]["crlDistributionPointUrls"] == [
        "http://mirror.example.com/{shard}.crl"]
    refused(world.admin.update_ca(ca["id"], name=world.root["name"]), 400)
    refused(world.admin.update_ca(ca["id"], status="asleep"), 422)


def test_mirrors_stand_behind_our_own_url(world):
    ca = world.new_intermediate(world.root_id, configuration={
        "crlDistributionPointUrls": ["http://a.example.com/{shard}.crl", "https://b.example/x"]})
    cert = pki.certificate(world.issue(world.new_profile(caId=ca["id"]))["certificate"])
    points = list(pki.extension(cert, x509.CRLDistributionPoints))
    urls = [name.value for point in points for name in point.full_name]
    assert urls[1:] == ["http://a.example.com/1.crl", "https://b.example/x"]
    crl = x509.load_der_x509_crl(pki.fetch(urls[0]).content)
    point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert point.critical and [name.value for name in point.value.full_name] == urls


def test_delete(world):
    lone = world.new_root()
    assert ok(world.admin.delete_ca(lone["id"]))["id"] == lone["id"]
    refused(world.admin.get_ca(lone["id"]), 404)
    used = world.new_intermediate(world.root_id)
    profile = world.new_profile(caId=used["id"])
    refused(world.admin.delete_ca(used["id"]), 400, "BadRequest", "used")
    world.issue(profile)
    ok(world.admin.delete_profile(profile))
    refused(world.admin.delete_ca(used["id"]), 400, "BadRequest", "not expired")
    refused(world.admin.delete_ca(world.root_id), 400)


@pytest.mark.parametrize("role", ["issuer", "auditor", "no-access"])
def test_changing_by_role(world, role):
    api = world.member(role).api
    body = {"projectId": world.project_id, "name": fresh("mine"),
            "configuration": {"type": "root", "commonName": "x"}}
    refused(api.create_ca(json=body), 403, "PermissionDenied")
    refused(api.update_ca(world.ca_id, status="disabled"), 403, "PermissionDenied")
    refused(api.delete_ca(world.ca_id), 403, "PermissionDenied")
    refused(api.generate_ca_certificate(world.ca_id, notAfter="2030-01-01"), 403,
            "PermissionDenied")
    refused(api.import_ca_certificate(world.ca_id, certificate="x", certificateChain=""), 403,
            "PermissionDenied")


def test_reading_by_role(world):
    query = {"projectId": world.project_id}
    for role in ("admin", "issuer", "auditor"):
        api = world.member(role).api
        for answer in (api.get_ca(world.ca_id), api.list_cas(query=query),
                       api.list_all_cas(query=query), api.get_ca_certificate(world.ca_id),
                       api.list_ca_certificates(world.ca_id), api.list_crls(world.ca_id),
                       api.get_ca_csr(world.ca_id)):
            ok(answer)
    nobody = world.member("no-access").api
    for answer in (nobody.get_ca(world.ca_id), nobody.list_cas(query=query),
                   nobody.list_all_cas(query=query), nobody.get_ca_certificate(world.ca_id),
                   nobody.list_ca_certificates(world.ca_id), nobody.list_crls(world.ca_id),
                   nobody.get_ca_csr(world.ca_id)):
        refused(answer, 403, "PermissionDenied")


def test_a_foreign_ca_is_not_found(world, other_world):
    api = other_world.member("admin").api
    cert_id = world.ca["configuration"]["activeCaCertId"]
    for answer in (api.get_ca(world.ca_id), api.update_ca(world.ca_id, status="disabled"),
                   api.delete_ca(world.ca_id), api.get_ca_csr(world.ca_id),
                   api.generate_ca_certificate(world.ca_id, notAfter="2030-01-01"),
                   api.get_ca_certificate(world.ca_id),
                   api.get_ca_certificate_by_id(world.ca_id, cert_id),
                   api.list_ca_certificates(world.ca_id), api.list_crls(world.ca_id),
                   api.list_cas(query={"projectId": world.project_id}),
                   api.import_ca_certificate(world.ca_id, certificate="x", certificateChain="")):
        refused(answer, 404, "NotFound")


# --- CRLs ----------------------------------------------------------------------------------------

def test_an_empty_crl_from_the_first_certificate_on(world):
    cert = pki.certificate(world.issue()["certificate"])
    crl = x509.load_der_x509_crl(pki.fetch_crl(cert))
    ca = pki.certificate(world.root_pem(world.ca_id))
    assert crl.is_signature_valid(ca.public_key())
    assert crl.issuer.public_bytes() == ca.subject.public_bytes()
    assert len(crl) == 0
    life = crl.next_update_utc - crl.last_update_utc
    assert datetime.timedelta(days=6) < life <= datetime.timedelta(days=7, minutes=5)
    point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert point.critical
    assert [name.value for name in point.value.full_name] == [pki.crl_url(cert)]
    number = crl.extensions.get_extension_for_class(x509.CRLNumber)
    assert number.value.crl_number > 0 and not number.critical
    key_id = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert key_id.key_identifier == pki.extension(ca, x509.SubjectKeyIdentifier).digest
    assert isinstance(crl.signature_hash_algorithm, hashes.SHA256)


def test_the_crl_on_the_api(world, anonymous):
    cert = pki.certificate(world.issue()["certificate"])
    listed = ok(world.admin.list_crls(world.ca_id))
    assert isinstance(listed, list) and len(listed) == 1
    public = pki.fetch_crl(cert)
    assert pki.der(listed[0]["crl"]) == public
    for answer in (anonymous.get_crl(listed[0]["id"]), anonymous.get_crl_der(listed[0]["id"]),
                   anonymous.get_old_crl(listed[0]["id"])):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/pkix-crl"
        assert answer.content == public


def test_published_addresses_refuse_what_there_is_not(world, daemon):
    cert = pki.certificate(world.issue()["certificate"])
    public = type(world.admin)(daemon.ready.publicUrl)
    path = pki.crl_url(cert)[len(daemon.ready.publicUrl):]
    stem = path[:path.rindex("/")]
    for wrong in (f"{stem}/2.crl", f"{stem}/0.crl", f"{stem}/-1.crl", f"{stem}/1", f"{stem}/x.crl",
                  f"/crl/{NOBODY}/1.crl", "/crl/nonsense/1.crl", f"/aia/{NOBODY}.cer",
                  "/aia/nonsense.cer", f"{stem}/99999999999999999999.crl"):
        refused(public.call("GET", wrong), 404, "NotFound")
    refused(public.call("POST", path, data=b"x"), 405)
