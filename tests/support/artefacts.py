"""What the daemons of this run have signed: certificates, CRLs, OCSP answers, each once.

collect() looks at every answer that `requests` gets and at what commands print; add_database() reads
what else is in a database at the end: what was fetched by other programs, or by nobody.  Not here are
OCSP answers that only openssl(1) or a raw socket has seen, and what the unit tests in C sign.

A shape is what a linter could say something different about: algorithms, extensions and how they are
filled, kinds of names; not the names themselves.  everything() begins with one of each.
"""
import base64
import contextlib
import re
import sqlite3
import subprocess

import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp

import postgres

MOST_BYTES = 256 << 20
PEM = re.compile(r"-----BEGIN (CERTIFICATE|X509 CRL)-----(.*?)-----END", re.S)
KINDS = {"application/pkix-cert": "certificate", "application/pkix-crl": "crl",
         "application/ocsp-response": "ocsp"}
_seen = {}      # DER: kind; None: not ours
_bytes = 0
shapes = {}     # shape: DER
clusters = []   # the PostgreSQL clusters that run


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
    global _bytes
    if der in _seen or _bytes > MOST_BYTES:
        return
    shape = READERS[kind](der)
    _bytes += len(der)
    _seen[der] = kind if shape is not None else None
    if shape is not None:
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
        look_at_text(answer.content.decode("utf-8", "replace").replace("\\n", "\n"))


def look_at_text(text):
    for label, body in PEM.findall(text):
        add("certificate" if label == "CERTIFICATE" else "crl",
            base64.b64decode("".join(body.split())))


# --- what is in a database -----------------------------------------------------------------------------

QUERIES = [("certificate", "SELECT {} FROM certificates WHERE source = 'issued'", "der"),
           ("certificate", "SELECT {} FROM authority_certificates", "der"),
           ("certificate", "SELECT {} FROM ocsp_signers", "der"),
           ("crl", "SELECT {} FROM crl_shards WHERE crl IS NOT NULL", "crl"),
           ("crl", "SELECT {} FROM crl_shards WHERE delta IS NOT NULL", "delta")]


def add_sqlite(path):
    """What a SQLite file has.  Tests damage some, and some are empty: those have nothing to say."""
    with contextlib.suppress(sqlite3.DatabaseError), \
            contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        for kind, query, column in QUERIES:
            for (der,) in database.execute(query.format(column)):
                add(kind, der)


def _psql(cluster, name, query, must=False):
    told = subprocess.run([f"{postgres.binaries()}/psql", "-X", "-At", "-h", cluster.directory, "-p",
                           str(cluster.port), "-U", "chancery", "-d", name, "-c", query],
                          capture_output=True, text=True)
    assert not must or told.returncode == 0, told.stderr
    return told.stdout.split() if told.returncode == 0 else []


def add_postgres(cluster):
    """What all databases of a cluster have; some tests have not made a schema in theirs."""
    names = _psql(cluster, "postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate", True)
    for name in names:
        for kind, query, column in QUERIES:
            for der in _psql(cluster, name, query.format(f"encode({column}, 'hex')")):
                add(kind, bytes.fromhex(der))


def add_databases(folder):
    for path in sorted(folder.rglob("*.db")):
        if path.is_file():
            add_sqlite(path)
    for cluster in clusters:
        add_postgres(cluster)


def everything():
    """(kind, DER) of all, one of each shape first, and how many shapes there are."""
    first = set(shapes.values())
    found = [(_seen[der], der) for der in first]
    found += [(kind, der) for der, kind in _seen.items() if kind is not None and der not in first]
    return found, len(first)


@contextlib.contextmanager
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
