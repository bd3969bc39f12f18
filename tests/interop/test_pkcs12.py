"""PKCS#12 files, as other programs open them."""
import re

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

import pki
from api import ok, refused

PASSWORD = "Geheim-é€🔑 1"  # of every length of UTF-8, and beyond the basic plane


@pytest.fixture(scope="module")
def issued(world):
    return world.issue(keyAlgorithm="EC_prime256v1")


def download(world, certificate_id, password=PASSWORD, alias="web server", **more):
    answer = world.admin.get_pkcs12(certificate_id, password=password, alias=alias, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r'attachment; filename="certificate-[0-9a-f]{32}\.p12"',
                        answer.headers["Content-Disposition"])
    return answer.content


@pytest.fixture(params=["modern", "legacy"])
def legacy(request):
    return request.param == "legacy"


def test_python_reads_everything(world, issued, legacy):
    data = download(world, issued["certificateId"], legacy=legacy)
    read = pkcs12.load_pkcs12(data, PASSWORD.encode())
    assert read.cert.friendly_name == b"web server"
    assert pki.spki(read.cert.certificate.public_key()) == pki.spki(read.key)
    assert read.cert.certificate == pki.certificate(issued["certificate"])
    assert [one.certificate for one in read.additional_certs] == pki.certificates(
        issued["certificateChain"])
    with pytest.raises(ValueError):
        pkcs12.load_pkcs12(data, b"another one")


def test_openssl_opens_it(world, issued, legacy, tmp_path):
    (tmp_path / "file.p12").write_bytes(download(world, issued["certificateId"], legacy=legacy))
    (tmp_path / "password").write_text(PASSWORD + "\n")
    more = ["-legacy"] if legacy else []
    said = pki.program("openssl", "pkcs12", "-in", tmp_path / "file.p12", "-nodes", "-info",
                       "-passin", f"file:{tmp_path / 'password'}", *more)
    assert "friendlyName: web server" in said and said.count("localKeyID") == 2
    assert said.count("BEGIN CERTIFICATE") == 3 and said.count("BEGIN PRIVATE KEY") == 1
    scheme = "pbeWithSHA1And3-KeyTripleDES-CBC" if legacy else "PBES2, PBKDF2, AES-256-CBC"
    assert said.count(scheme) == 2, said
    assert ("MAC: sha1," if legacy else "MAC: sha256,") in said


@pytest.mark.parametrize("algorithm", pki.CLASSIC)
def test_every_key(world, algorithm):
    """Ed448 and its like are not for every program, but the file holds them."""
    made = world.issue(keyAlgorithm=algorithm)
    read = pkcs12.load_pkcs12(download(world, made["certificateId"]), PASSWORD.encode())
    assert pki.same_key(pki.private_pem(read.key), made["certificate"])


@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_secp384r1"])
def test_keytool_opens_it(world, algorithm, legacy, tmp_path):
    made = world.issue(keyAlgorithm=algorithm)
    path = tmp_path / "file.p12"
    path.write_bytes(download(world, made["certificateId"], "Changeit-1", legacy=legacy))
    said = pki.program("keytool", "-J-Duser.language=en", "-list", "-v", "-storetype", "PKCS12",
                       "-keystore", path, "-storepass", "Changeit-1")
    assert "Alias name: web server" in said and "Entry type: PrivateKeyEntry" in said, said
    assert "Certificate chain length: 3" in said
    digest = bytes.fromhex(pki.fingerprint(made["certificate"]))
    assert digest.hex(":").upper() in said


def test_nss_opens_it(world, legacy, tmp_path):
    made = world.issue(keyAlgorithm="RSA_2048")
    path = tmp_path / "file.p12"
    path.write_bytes(download(world, made["certificateId"], "Changeit-1", legacy=legacy))
    (tmp_path / "nss").mkdir()
    store = f"sql:{tmp_path / 'nss'}"
    pki.program("certutil", "-N", "-d", store, "--empty-password")
    pki.program("pk12util", "-i", path, "-d", store, "-W", "Changeit-1", "-K", "")
    assert "web server" in pki.program("certutil", "-L", "-d", store)
    assert "web server" in pki.program("certutil", "-K", "-d", store)


def test_a_wrong_password_opens_nothing(world, issued, legacy, tmp_path):
    (tmp_path / "file.p12").write_bytes(download(world, issued["certificateId"], legacy=legacy))
    said = pki.program("openssl", "pkcs12", "-in", tmp_path / "file.p12", "-nodes", "-passin",
                       "pass:another one", check=False)
    assert "BEGIN" not in said


# --- who may, and what for ----------------------------------------------------------------------

def test_an_issuer_takes_its_own_and_nobody_elses(world, issued):
    issuer = world.member("issuer").api
    own = ok(world.ask(api=issuer))["certificate"]
    wish = {"password": PASSWORD, "alias": "mine"}
    assert issuer.get_pkcs12(own["certificateId"], **wish).status_code == 200
    for api in (issuer, world.member("auditor").api):
        refused(api.get_pkcs12(issued["certificateId"], **wish), 403, "PermissionDenied",
                "read-private-key")


def test_without_a_key_there_is_no_file(world):
    made = world.issue(csr=pki.csr(commonName="own.example.com"))
    refused(world.admin.get_pkcs12(made["certificateId"], password=PASSWORD, alias="x"), 404,
            "NotFound", "private key")
    refused(world.admin.get_pkcs12(world.project_id, password=PASSWORD, alias="x"), 404,
            "NotFound")


@pytest.mark.parametrize("wish,path", [
    ({"password": "short", "alias": "x"}, "password"),
    ({"password": PASSWORD, "alias": ""}, "alias"),
    ({"password": PASSWORD}, "alias"),
    ({"password": PASSWORD, "alias": "x\ny"}, "alias"),
    ({"password": PASSWORD, "alias": "é" * 200}, "alias"),
    ({"password": 123456, "alias": "x"}, "password"),
    ({"password": PASSWORD, "alias": "x", "legacy": "yes"}, "legacy"),
])
def test_a_malformed_wish(world, issued, wish, path):
    body = refused(world.admin.get_pkcs12(issued["certificateId"], json=wish), 422)
    assert path in [issue["path"][0] for issue in body["message"]], body
    assert PASSWORD not in str(body)


def test_a_malformed_id(world):
    refused(world.admin.get_pkcs12("nonsense", password=PASSWORD, alias="x"), 422)


def test_a_nul_is_no_password(world, issued):
    refused(world.admin.get_pkcs12(issued["certificateId"], password="geheim\0x", alias="x"), 400)
