"""Other implementations judge what is issued: GnuTLS, OpenSSL, Python's ssl, `cryptography`."""
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification

import pki
from api import ok


@pytest.fixture(scope="module", params=["RSA_2048", "EC_prime256v1", "EC_secp384r1", "Ed25519"])
def chain(world, request):
    """A server's certificate under a root and an issuing CA of one key type."""
    root = world.new_root(request.param)
    ca = world.new_intermediate(root["id"], request.param)
    usages = ["digital_signature"]
    issued = world.issue(world.new_profile(caId=ca["id"]), commonName="localhost",
                         keyAlgorithm="EC_prime256v1", keyUsages=usages,
                         extendedKeyUsages=["server_auth"],
                         altNames=[{"type": "DNS", "value": "localhost"},
                                   {"type": "IP", "value": "127.0.0.1"}])
    return issued, world.root_pem(root["id"]), world.root_pem(ca["id"])


def save(folder, **texts):
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def test_certtool_verifies_the_chain(chain, tmp_path):
    issued, root, _ = chain
    _, between, _ = pki.split_chain(issued)
    save(tmp_path, chain=issued["certificate"] + between, root=root)
    said = pki.program("certtool", "--verify", "--verify-profile", "medium", "--load-ca-certificate",
                       tmp_path / "root", "--infile", tmp_path / "chain",
                       "--verify-hostname", "localhost")
    assert "Verified. The certificate is trusted." in said
    refusal = pki.program("certtool", "--verify", "--load-ca-certificate", tmp_path / "root",
                          "--infile", tmp_path / "chain", "--verify-hostname", "other.example",
                          check=False)
    assert "Not verified" in refusal


def test_certtool_verifies_the_crl(chain, tmp_path):
    issued, _, ca = chain
    crl = pki.pem(pki.fetch_crl(pki.certificate(issued["certificate"])), "X509 CRL")
    save(tmp_path, crl=crl, ca=ca)
    said = pki.program("certtool", "--verify-crl", "--load-ca-certificate", tmp_path / "ca",
                       "--infile", tmp_path / "crl")
    assert "Verified" in said, said
    said = pki.program("openssl", "crl", "-noout", "-text", "-CAfile", tmp_path / "ca",
                       stdin=crl)
    assert "verify OK" in said and "No Revoked Certificates" in said
    assert "X509v3 Issuing Distribution Point: critical" in said


def test_certtool_reads_certificate_and_key(chain, tmp_path):
    issued, _, _ = chain
    shown = pki.program("certtool", "--certificate-info", stdin=issued["certificate"])
    assert "Subject: CN=localhost" in shown and "TLS WWW Server" in shown
    key = pki.program("certtool", "--key-info", stdin=issued["privateKey"])
    assert "PRIVATE KEY-----" in key and "SECP256R1" in key


def test_cryptography_verifies_the_path(chain):
    issued, root, _ = chain
    leaf, between, _ = pki.split_chain(issued)
    store = verification.Store(pki.certificates(root))
    verifier = verification.PolicyBuilder().store(store).build_server_verifier(
        x509.DNSName("localhost"))
    if "ED25519" in pki.text_of(root):  # not among the algorithms of its policy, which is the web's
        with pytest.raises(verification.VerificationError):
            verifier.verify(pki.certificate(leaf), pki.certificates(between))
        return
    path = verifier.verify(pki.certificate(leaf), pki.certificates(between))
    assert len(path) == 3


def test_a_tls_handshake(chain, tmp_path):
    """A server with the answer's three parts as files, strict clients with the root alone."""
    issued, root, ca = chain
    _, between, _ = pki.split_chain(issued)
    crl = pki.pem(pki.fetch_crl(pki.certificate(issued["certificate"])), "X509 CRL")
    save(tmp_path, cert=issued["certificate"] + between, key=issued["privateKey"], root=root,
         crl=crl)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve():
        for _ in range(2):
            connection, _ = listener.accept()
            try:
                with server.wrap_socket(connection, server_side=True) as tls:
                    tls.sendall(b"hello")
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = ssl.create_default_context(cafile=tmp_path / "root")
    client.load_verify_locations(tmp_path / "crl")
    client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_CRL_CHECK_LEAF
    with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp, \
            client.wrap_socket(tcp, server_hostname="localhost") as tls:
        assert tls.recv(5) == b"hello"
    if shutil.which("gnutls-cli"):
        ended = subprocess.run(["gnutls-cli", "--x509cafile", tmp_path / "root", "--port",
                                str(port), "localhost"], input="", capture_output=True, text=True,
                               timeout=30)
        assert "The certificate is trusted" in ended.stdout + ended.stderr
    else:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp, \
                client.wrap_socket(tcp, server_hostname="127.0.0.1") as tls:
            assert tls.recv(5) == b"hello"
    thread.join(30)
    listener.close()


@pytest.mark.parametrize("algorithm", pki.ALL_KEYS)
def test_everything_of_an_answer_parses(world, algorithm):
    issued = world.issue(keyAlgorithm=algorithm)
    for text in (issued["certificate"], issued["issuingCaCertificate"],
                 issued["certificateChain"]):
        for cert in pki.certificates(text):
            assert len(list(cert.extensions)) >= 4
            assert cert.public_bytes(serialization.Encoding.DER)
    key = serialization.load_pem_private_key(issued["privateKey"].encode(), None)
    assert pki.spki(key) == pki.spki(pki.certificate(issued["certificate"]).public_key())
    crl = x509.load_der_x509_crl(pki.fetch_crl(pki.certificate(issued["certificate"])))
    assert crl.is_signature_valid(
        pki.certificate(issued["issuingCaCertificate"]).public_key())
    # PEM as RFC 7468 has it: 64 columns, a line end at the end, nothing besides.
    for text in (issued["certificate"], issued["privateKey"]):
        lines = text.split("\n")
        assert lines[-1] == "" and all(len(line) == 64 for line in lines[1:-3])


def test_every_name_parses_elsewhere(world):
    issued = world.issue(commonName="a.example.com", organization="Müller & Söhne, \"GmbH\"",
                         altNames=[{"type": kind, "value": value} for kind, value in (
                             ("DNS", "*.bücher.example"), ("IP", "2001:db8::1"),
                             ("IP", "192.0.2.1"), ("EMAIL", "user@example.com"),
                             ("URI", "spiffe://example.com/x"), ("UPN", "user@corp.example"))])
    text = pki.text_of(issued["certificate"])
    for part in ("DNS:*.xn--bcher-kva.example", "IP Address:2001:DB8:0:0:0:0:0:1",
                 "IP Address:192.0.2.1", "email:user@example.com", "URI:spiffe://example.com/x",
                 "othername: UPN::user@corp.example"):
        assert part in text, f"{part} is missing in {text}"
    shown = pki.program("certtool", "--certificate-info", stdin=issued["certificate"])
    for part in ("DNSname: *.xn--bcher-kva.example", "IPAddress: 2001:db8::1",
                 "RFC822Name: user@example.com", "URI: spiffe://example.com/x"):
        assert part in shown, f"{part} is missing in {shown}"


@pytest.mark.parametrize("algorithm", pki.ML_DSA)
def test_ml_dsa_by_two_implementations(world, algorithm):
    """openssl(1) does not know it: dilithium-py and `cryptography` verify each link."""
    root = world.new_root(algorithm)
    ca = world.new_intermediate(root["id"], algorithm)
    issued = world.issue(world.new_profile(caId=ca["id"]), keyAlgorithm=algorithm)
    certs = [pki.certificate(issued["certificate"]), *pki.certificates(issued["certificateChain"])]
    assert len(certs) == 3
    for cert, issuer in zip(certs, [*certs[1:], certs[-1]]):
        key = issuer.public_key()
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        # Pure mode and an empty context (RFC 9881 3).
        key.verify(cert.signature, cert.tbs_certificate_bytes)
        assert pki.fips_204_verifies(algorithm, raw, cert.tbs_certificate_bytes, cert.signature)
        assert not pki.fips_204_verifies(algorithm, raw, cert.tbs_certificate_bytes,
                                         cert.signature, context=b"x")
        assert cert.issuer.public_bytes() == issuer.subject.public_bytes()
        # Absent parameters in both algorithm identifiers.
        dotted = {"ML-DSA-44": 17, "ML-DSA-65": 18, "ML-DSA-87": 19}[algorithm]
        identifier = bytes([0x30, 0x0B, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03,
                            dotted])
        assert cert.public_bytes(serialization.Encoding.DER).count(identifier) == 3


def test_the_trust_anchor_files_of_dev(daemon, admin):
    """The files of --ready-file are fit for `openssl verify -CAfile`."""
    for profile, file in ((daemon.ready.profileId, daemon.ready.caCertificateFile),
                          (daemon.ready.ecProfileId, daemon.ready.ecCaCertificateFile)):
        issued = ok(admin.issue(json={"profileId": profile, "attributes": {
            "commonName": "x.example.com", "ttl": "1d"}}))["certificate"]
        with open(file, encoding="ascii") as root:
            pki.verify_answer(issued, root.read())
