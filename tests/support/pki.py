"""Certificates from the outside: openssl(1), certtool(1) and the package `cryptography` judge them."""
import base64
import hashlib
import pathlib
import re
import subprocess
import tempfile

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, mldsa, padding, rsa
from cryptography.x509.oid import NameOID

# The wire's names of key algorithms.
RSA = ["RSA_2048", "RSA_3072", "RSA_4096"]
EC = ["EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]
EDWARDS = ["Ed25519", "Ed448"]
ML_DSA = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]
CLASSIC = RSA + EC + EDWARDS
ALL_KEYS = CLASSIC + ML_DSA

_CURVES = {"EC_prime256v1": ec.SECP256R1, "EC_secp384r1": ec.SECP384R1,
           "EC_secp521r1": ec.SECP521R1}
_CURVE_HASHES = {"secp256r1": hashes.SHA256, "secp384r1": hashes.SHA384, "secp521r1": hashes.SHA512,
                 "secp256k1": hashes.SHA256}
_ML_DSA = {"ML-DSA-44": mldsa.MLDSA44PrivateKey, "ML-DSA-65": mldsa.MLDSA65PrivateKey,
           "ML-DSA-87": mldsa.MLDSA87PrivateKey}
_ML_DSA_OIDS = {"ML-DSA-44": "2.16.840.1.101.3.4.3.17", "ML-DSA-65": "2.16.840.1.101.3.4.3.18",
                "ML-DSA-87": "2.16.840.1.101.3.4.3.19"}
_cache = {}


def new_key(algorithm="EC_prime256v1"):
    if algorithm in RSA:
        return rsa.generate_private_key(65537, int(algorithm[4:]))
    if algorithm in EC:
        return ec.generate_private_key(_CURVES[algorithm]())
    if algorithm in ML_DSA:
        return _ML_DSA[algorithm].generate()
    return {"Ed25519": ed25519.Ed25519PrivateKey, "Ed448": ed448.Ed448PrivateKey}[algorithm]\
        .generate()


def some_key(algorithm="EC_prime256v1"):
    """A key for tests that do not care which: made once."""
    if algorithm not in _cache:
        _cache[algorithm] = new_key(algorithm)
    return _cache[algorithm]


def algorithm_of(public_key):
    """The wire's name of a public key's algorithm."""
    if isinstance(public_key, rsa.RSAPublicKey):
        return f"RSA_{public_key.key_size}"
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return {curve.name: name for name, curve in _CURVES.items()}[public_key.curve.name]
    for name, kind in {"Ed25519": ed25519.Ed25519PublicKey, "Ed448": ed448.Ed448PublicKey,
                       "ML-DSA-44": mldsa.MLDSA44PublicKey, "ML-DSA-65": mldsa.MLDSA65PublicKey,
                       "ML-DSA-87": mldsa.MLDSA87PublicKey}.items():
        if isinstance(public_key, kind):
            return name
    raise AssertionError(f"an unexpected key: {public_key}")


def spki(key):
    public = key if not hasattr(key, "public_key") else key.public_key()
    return public.public_bytes(serialization.Encoding.DER,
                               serialization.PublicFormat.SubjectPublicKeyInfo)


def private_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


# --- requests ------------------------------------------------------------------------------------

SUBJECT = {
    "commonName": NameOID.COMMON_NAME, "organization": NameOID.ORGANIZATION_NAME,
    "organizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME, "country": NameOID.COUNTRY_NAME,
    "state": NameOID.STATE_OR_PROVINCE_NAME, "locality": NameOID.LOCALITY_NAME,
}


def name_of(**attributes):
    return x509.Name([x509.NameAttribute(SUBJECT[key], value) for key, value in attributes.items()])


def hash_for(key):
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _CURVE_HASHES[key.curve.name]()
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else None


def csr(key=None, dns=(), extensions=(), digest=None, **subject):
    """A PKCS#10 request as an ordinary client makes it, PEM."""
    key = key or some_key()
    if isinstance(key, tuple(_ML_DSA.values())):
        import pkcs10  # here, because it needs what stands above
        return pkcs10.Request(key, subject=subject, dns=dns).pem()
    builder = x509.CertificateSigningRequestBuilder().subject_name(name_of(**subject))
    if dns:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in dns])
        builder = builder.add_extension(names, critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    made = builder.sign(key, digest or hash_for(key))
    return made.public_bytes(serialization.Encoding.PEM).decode()


# --- certificates ------------------------------------------------------------------------------

def certificate(pem):
    return x509.load_pem_x509_certificate(pem.encode())


def certificates(pem):
    return x509.load_pem_x509_certificates(pem.encode()) if pem.strip() else []


def der(pem):
    body = re.search(r"-----BEGIN [A-Z0-9 ]+-----(.*?)-----END", pem, re.S).group(1)
    return base64.b64decode("".join(body.split()))


def pem(der_bytes, label="CERTIFICATE"):
    text = base64.encodebytes(der_bytes).decode().replace("\n", "")
    lines = "\n".join(text[i:i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def serial_text(cert):
    return f"{cert.serial_number:032x}"


def extension(cert, kind):
    """The value of an extension, or None."""
    try:
        return cert.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def is_critical(cert, kind):
    return cert.extensions.get_extension_for_class(kind).critical


def dns_names(cert):
    names = extension(cert, x509.SubjectAlternativeName)
    return names.get_values_for_type(x509.DNSName) if names else []


def key_usages(cert):
    """The key usages by their wire names."""
    usage = extension(cert, x509.KeyUsage)
    if usage is None:
        return None
    words = {"digital_signature": "digital_signature", "content_commitment": "non_repudiation",
             "key_encipherment": "key_encipherment", "data_encipherment": "data_encipherment",
             "key_agreement": "key_agreement", "key_cert_sign": "key_cert_sign",
             "crl_sign": "crl_sign"}
    found = {word for member, word in words.items() if getattr(usage, member)}
    if usage.key_agreement:
        found |= {word for word in ("encipher_only", "decipher_only") if getattr(usage, word)}
    return found


def extended_key_usages(cert):
    usage = extension(cert, x509.ExtendedKeyUsage)
    words = {"1.3.6.1.5.5.7.3.1": "server_auth", "1.3.6.1.5.5.7.3.2": "client_auth",
             "1.3.6.1.5.5.7.3.3": "code_signing", "1.3.6.1.5.5.7.3.4": "email_protection",
             "1.3.6.1.5.5.7.3.8": "time_stamping", "1.3.6.1.5.5.7.3.9": "ocsp_signing",
             "2.5.29.37.0": "any_purpose"}
    return None if usage is None else {words[oid.dotted_string] for oid in usage}


def crl_url(cert):
    points = list(extension(cert, x509.CRLDistributionPoints))
    assert len(points) == 1
    return points[0].full_name[0].value


def access_urls(cert):
    """Where the issuer's certificate is and where its responder is, by the access method's name."""
    words = {"1.3.6.1.5.5.7.48.1": "ocsp", "1.3.6.1.5.5.7.48.2": "ca_issuers"}
    access = list(extension(cert, x509.AuthorityInformationAccess) or [])
    found = {words[one.access_method.dotted_string]: one.access_location.value for one in access}
    assert len(found) == len(access)
    return found


def aia_url(cert):
    return access_urls(cert)["ca_issuers"]


def ocsp_url(cert):
    return access_urls(cert)["ocsp"]


def fetch(url):
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, timeout=60)
    assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text}"
    return answer


def fetch_crl(cert):
    """The CRL at the certificate's own URL, DER."""
    answer = fetch(crl_url(cert))
    assert answer.headers["Content-Type"] == "application/pkix-crl"
    return answer.content


def signature_arguments(public_key):
    """What verify() of a public key wants besides signature and message, where we sign by default."""
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return [ec.ECDSA(_CURVE_HASHES[public_key.curve.name]())]
    return [padding.PKCS1v15(), hashes.SHA256()] if isinstance(public_key, rsa.RSAPublicKey) else []


def same_key(private_key_pem, cert_pem):
    """Does a PKCS#8 key belong to a certificate?"""
    key = serialization.load_pem_private_key(private_key_pem.encode(), password=None)
    return spki(key) == spki(certificate(cert_pem).public_key())


def fingerprint(cert_pem, digest="sha256"):
    return hashlib.new(digest, der(cert_pem)).hexdigest()


# --- the programs ------------------------------------------------------------------------------

def program(*arguments, stdin="", check=True):
    ended = subprocess.run([str(argument) for argument in arguments], input=stdin,
                           capture_output=True, text=True, timeout=60)
    assert not check or ended.returncode == 0, f"{arguments}: {ended.stdout}{ended.stderr}"
    return ended.stdout + ended.stderr


def text_of(cert_pem):
    return program("openssl", "x509", "-noout", "-text", "-nameopt", "RFC2253", stdin=cert_pem)


def split_chain(answer):
    """(leaf, what lies between, roots), each PEM, of an answer with certificate and chain."""
    chain = certificates(answer["certificateChain"])
    roots = [one for one in chain if one.issuer == one.subject]
    between = [one for one in chain if one.issuer != one.subject]
    encode = serialization.Encoding.PEM
    return (answer["certificate"], "".join(one.public_bytes(encode).decode() for one in between),
            "".join(one.public_bytes(encode).decode() for one in roots))


def openssl_verify(leaf, between, root, with_crl=True, purpose=None, expect=True):
    """openssl verify -x509_strict, with the CRL from the URL that stands in the certificate."""
    with tempfile.TemporaryDirectory(prefix="chy-verify-") as folder:
        folder = pathlib.Path(folder)
        (folder / "leaf.pem").write_text(leaf)
        (folder / "root.pem").write_text(root)
        command = ["openssl", "verify", "-x509_strict", "-no-CApath", "-no-CAstore",
                   "-CAfile", folder / "root.pem"]
        if between:
            (folder / "between.pem").write_text(between)
            command += ["-untrusted", folder / "between.pem"]
        if with_crl:
            crl = pem(fetch_crl(certificate(leaf)), "X509 CRL")
            (folder / "crl.pem").write_text(crl)
            command += ["-crl_check", "-CRLfile", folder / "crl.pem"]
        if purpose:
            command += ["-purpose", purpose]
        said = program(*command, folder / "leaf.pem", check=False)
        assert (": OK" in said) == expect, said
        return said


def verify_answer(answer, root=None, **how):
    """Verifies an issue answer to its own root, or to `root`."""
    leaf, between, roots = split_chain(answer)
    return openssl_verify(leaf, between, root or roots, **how)


def fips_204_verifies(algorithm, public_key, message, signature, context=b""):
    """Asks dilithium-py, an implementation of FIPS 204 of its own."""
    from dilithium_py.ml_dsa import ML_DSA_44, ML_DSA_65, ML_DSA_87
    scheme = {"ML-DSA-44": ML_DSA_44, "ML-DSA-65": ML_DSA_65, "ML-DSA-87": ML_DSA_87}[algorithm]
    return scheme.verify(public_key, message, signature, ctx=context)
