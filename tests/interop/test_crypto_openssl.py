"""The crypto plugin against openssl(1), and against a second implementation of ML-DSA.

OpenSSL 3.0 knows all our keys but ML-DSA; that one is dilithium-py, written from FIPS 204.
"""
import os
import pathlib
import subprocess

import pytest
from dilithium_py.ml_dsa import ML_DSA_44, ML_DSA_65, ML_DSA_87

TOOL = os.environ.get("CRYPTO_TOOL")
PLUGIN = os.environ.get("CRYPTO_PLUGIN")
MESSAGE = b"what a CA signs" * 40

RSA = ["rsa2048", "rsa3072", "rsa4096"]
EC = {"p256": "P-256", "p384": "P-384", "p521": "P-521"}
ED = ["ed25519", "ed448"]
ML = {"mldsa44": (ML_DSA_44, 0x11), "mldsa65": (ML_DSA_65, 0x12), "mldsa87": (ML_DSA_87, 0x13)}
HASHES = ["sha256", "sha384", "sha512"]


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True)
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout


def run_tool(command, folder):
    done = subprocess.run(
        [TOOL, PLUGIN, "--option", "ready_rsa_2048=0", command, str(folder)],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def der(tag, contents):
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + contents


def ml_dsa_identifier(arc):
    return der(0x30, der(0x06, bytes.fromhex("6086480165030403") + bytes([arc])))


def ml_dsa_spki(name, public):
    return der(0x30, ml_dsa_identifier(ML[name][1]) + der(0x03, b"\0" + public))


def ml_dsa_pkcs8(name, seed):
    """RFC 9881 6: the seed alone, as [0] IMPLICIT OCTET STRING."""
    return der(0x30, b"\x02\x01\x00" + ml_dsa_identifier(ML[name][1])
               + der(0x04, der(0x80, seed)))


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A folder with keys and signatures that the plugin made."""
    folder = tmp_path_factory.mktemp("ours")
    (folder / "message").write_bytes(MESSAGE)
    run_tool("make", folder)
    return folder


def has_ml_dsa(folder):
    return (folder / "mldsa44.p8").exists()


# --- what we write ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", RSA + list(EC) + ED)
def test_openssl_writes_our_keys_byte_for_byte(ours, name):
    private = ours / f"{name}.p8"
    assert openssl("pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER",
                   "-in", private) == private.read_bytes()
    assert openssl("pkey", "-inform", "DER", "-in", private, "-pubout",
                   "-outform", "DER") == (ours / f"{name}.spki").read_bytes()
    openssl("pkey", "-inform", "DER", "-in", private, "-check", "-noout")


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("name", RSA + list(EC))
def test_openssl_accepts_our_signatures(ours, name, hash_name):
    openssl("dgst", f"-{hash_name}", "-keyform", "DER", "-verify", ours / f"{name}.spki",
            "-signature", ours / f"{name}.{hash_name}.sig", ours / "message")


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("name", RSA)
def test_openssl_accepts_our_pss_signatures(ours, name, hash_name):
    openssl("dgst", f"-{hash_name}", "-sigopt", "rsa_padding_mode:pss",
            "-sigopt", "rsa_pss_saltlen:digest", "-keyform", "DER",
            "-verify", ours / f"{name}.spki",
            "-signature", ours / f"{name}.pss-{hash_name}.sig", ours / "message")


@pytest.mark.parametrize("name", ED)
def test_openssl_accepts_our_eddsa_signatures(ours, name):
    openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER",
            "-inkey", ours / f"{name}.spki", "-sigfile", ours / f"{name}.pure.sig",
            "-in", ours / "message")


@pytest.mark.parametrize("name", ML)
def test_another_ml_dsa_accepts_our_signatures(ours, name):
    if not has_ml_dsa(ours):
        pytest.skip("this build of the plugin has no ML-DSA")
    scheme = ML[name][0]
    spki = (ours / f"{name}.spki").read_bytes()
    pkcs8 = (ours / f"{name}.p8").read_bytes()
    seed = pkcs8[-32:]
    public, _ = scheme.key_derive(seed)
    assert spki == ml_dsa_spki(name, public)
    assert pkcs8 == ml_dsa_pkcs8(name, seed)
    signature = (ours / f"{name}.pure.sig").read_bytes()
    assert scheme.verify(public, MESSAGE, signature)
    assert not scheme.verify(public, MESSAGE + b"!", signature)


# --- what they write -------------------------------------------------------------------------


def generate(folder, name, *arguments):
    # genpkey writes DER in the older forms of each algorithm.
    pem = openssl("genpkey", *arguments)
    openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-out", folder / f"{name}.p8",
            data=pem)


def write_openssl_keys(folder):
    """Makes a key of each kind."""
    for name in RSA:
        generate(folder, name, "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{name[3:]}")
    for name, curve in EC.items():
        generate(folder, name, "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}")
    for name in ED:
        generate(folder, name, "-algorithm", name)
    for name in RSA + list(EC) + ED:
        openssl("pkey", "-inform", "DER", "-in", folder / f"{name}.p8", "-pubout",
                "-outform", "DER", "-out", folder / f"{name}.spki")


def write_openssl_signatures(folder):
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    for name in RSA + list(EC):
        for hash_name in HASHES:
            sign = ["dgst", f"-{hash_name}", "-keyform", "DER", "-sign", folder / f"{name}.p8"]
            openssl(*sign, "-out", folder / f"{name}.{hash_name}.sig", folder / "message")
            if name in RSA:
                openssl(*sign, *pss, "-out", folder / f"{name}.pss-{hash_name}.sig",
                        folder / "message")
    for name in ED:
        openssl("pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", folder / f"{name}.p8",
                "-in", folder / "message", "-out", folder / f"{name}.pure.sig")


def write_ml_dsa(folder):
    for number, (name, (scheme, _)) in enumerate(ML.items()):
        seed = bytes([number]) * 32
        public, private = scheme.key_derive(seed)
        (folder / f"{name}.p8").write_bytes(ml_dsa_pkcs8(name, seed))
        (folder / f"{name}.spki").write_bytes(ml_dsa_spki(name, public))
        (folder / f"{name}.pure.sig").write_bytes(scheme.sign(private, MESSAGE))


def test_we_take_their_keys_and_signatures(ours, tmp_path):
    folder = pathlib.Path(tmp_path)
    (folder / "message").write_bytes(MESSAGE)
    write_openssl_keys(folder)
    write_openssl_signatures(folder)
    if has_ml_dsa(ours):
        write_ml_dsa(folder)
    said = run_tool("check", folder).splitlines()
    signatures = len(RSA) * 6 + len(EC) * 3 + len(ED) + (len(ML) if has_ml_dsa(ours) else 0)
    assert len(said) == signatures + len(list(folder.glob("*.p8")))
    assert [line for line in said if not line.endswith(" 0")] == []
    for private in folder.glob("*.p8"):
        name = private.stem
        found = (folder / f"{name}.spki.found").read_bytes()
        assert found == (folder / f"{name}.spki").read_bytes()


def test_we_refuse_what_they_did_not_sign(ours, tmp_path):
    folder = pathlib.Path(tmp_path)
    (folder / "message").write_bytes(MESSAGE + b"!")
    for source in ours.glob("*"):
        if source.suffix in (".spki", ".sig"):
            (folder / source.name).write_bytes(source.read_bytes())
    said = run_tool("check", folder).splitlines()
    assert said and [line for line in said if not line.endswith(" 4")] == []
