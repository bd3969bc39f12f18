"""What the daemons of this run have signed, one of each shape: certificates, CRLs, OCSP answers.

collect() looks at every answer that `requests` gets.  A shape is what a linter could say something
different about: algorithms, extensions and how they are filled, kinds of names; not the names
themselves.  So the collection is bounded by what is possible, not by how many tests ran.
"""
import base64
import re
from contextlib import contextmanager

import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp

MOST = 2000
PEM = re.compile(r"-----BEGIN (CERTIFICATE|X509 CRL)-----(.*?)-----END", re.S)
KINDS = {"application/pkix-cert": "certificate", "application/pkix-crl": "crl",
         "application/ocsp-response": "ocsp"}
_seen = set()
shapes = {}     # shape: DER


def _key(key):
    return type(key).__name__, getattr(key, "key_size", 0), getattr(getattr(key, "curve", 0), "name", "")


def _filling(value):
    """What differs between two extensions of one type."""
    if isinstance(value, x509.KeyUsage):
        return str(value)
    if isinstance(value, x509.ExtendedKeyUsage):
        return tuple(one.dotted_string for one in value)
    if isinstance(value, x509.BasicConstraints):
        return value.ca, value.path_length is None
    if isinstance(value, x509.SubjectAlternativeName):
        return tuple(sorted({type(one).__name__ for one in value}))
    if isinstance(value, x509.AuthorityInformationAccess):
        return tuple(one.access_method.dotted_string for one in value)
    return None


def _extensions(extensions):
    return tuple((one.oid.dotted_string, one.critical, _filling(one.value)) for one in extensions)


def _name(name):
    return tuple(one.oid.dotted_string for one in name)


def _certificate(der):
    made = x509.load_der_x509_certificate(der)
    # Ours have serials of 16 octets, the first digit not 0; tests bring others of their own.
    if not 2 ** 124 <= made.serial_number < 2 ** 127:
        return None
    return (made.signature_algorithm_oid.dotted_string, _key(made.public_key()),
            made.issuer == made.subject, _name(made.subject), _extensions(made.extensions),
            made.not_valid_after_utc.year >= 2050)


def _crl(der):
    made = x509.load_der_x509_crl(der)
    reasons = {tuple(type(one.value).__name__ + str(getattr(one.value, "reason", ""))
                     for one in entry.extensions) for entry in made}
    return (made.signature_algorithm_oid.dotted_string, _extensions(made.extensions),
            tuple(sorted(reasons)))


def _ocsp(der):
    made = ocsp.load_der_ocsp_response(der)
    if made.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        return made.response_status.name, ()
    singles = tuple(sorted({(one.certificate_status.name, str(one.revocation_reason),
                             one.hash_algorithm.name) for one in made.responses}))
    return (made.signature_algorithm_oid.dotted_string, singles, len(made.certificates),
            _extensions(made.extensions))


READERS = {"certificate": _certificate, "crl": _crl, "ocsp": _ocsp}


def add(kind, der):
    if der in _seen:
        return
    _seen.add(der)
    shape = READERS[kind](der)
    if shape is not None and len(shapes) < MOST:
        shapes.setdefault((kind, *shape), der)
        if kind == "ocsp" and shape[1]:
            for signer in ocsp.load_der_ocsp_response(der).certificates:
                add("certificate", signer.public_bytes(serialization.Encoding.DER))


def look_at(answer):
    """Takes what an answer carries.  Only successes: an error may quote what a test sent."""
    if answer.status_code != 200 or not answer.content:
        return
    kind = KINDS.get(answer.headers.get("Content-Type", "").split(";")[0])
    if kind is not None:
        add(kind, answer.content)
    elif b"-----BEGIN" in answer.content:
        text = answer.content.decode("utf-8", "replace").replace("\\n", "\n")
        for label, body in PEM.findall(text):
            add("certificate" if label == "CERTIFICATE" else "crl",
                base64.b64decode("".join(body.split())))


@contextmanager
def collect():
    send = requests.Session.send

    def watched(session, request, **how):
        answer = send(session, request, **how)
        if not how.get("stream"):
            look_at(answer)
        return answer

    requests.Session.send = watched
    try:
        yield
    finally:
        requests.Session.send = send
