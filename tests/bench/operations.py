"""What is done with stored certificates, on a small store and on a large one in turn: latencies of a
lone caller, and how many OCSP answers a second."""
import base64
import dataclasses
import http.client
import itertools
import json
import os
import secrets
import statistics
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from measure import crypto_rate, load

import pki  # where measure has put it on the path

median = statistics.median
PAGE = 50
BUILD_PAUSE = 2.2  # s; a CRL is not built more often
SERIAL_MARK = bytes.fromhex("7e" + "a5" * 15)  # as long as every serial number
NONCE_MARK = b"\x5a" * 16


@dataclasses.dataclass
class Certificate:
    """A stored certificate, as far as questions about it need it."""
    id: str
    serial: str
    name: str


class Client:
    """Who asks the API now and then."""

    def __init__(self, instance):
        self.connection = http.client.HTTPConnection("127.0.0.1", int(instance.port), timeout=60)
        self.headers = {"Authorization": f"Bearer {instance.ready.token}",
                        "Content-Type": "application/json"}

    def send(self, method, path, body=None):
        self.connection.close()  # the last may be long ago, and the server tired of waiting
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"bench: {method} {path}: {answer.status} {text[:2000]}")
        return json.loads(text)


class Store:
    """A running instance with what was read of its certificates."""

    def __init__(self, instance, revoked):
        self.instance = instance
        self.client = Client(instance)
        self.search_path = f"/api/v1/projects/{instance.ready.projectId}/certificates/search"
        self.certificates, self.cursors = self.walk()
        # Every fifth, so that all shards have their share.
        self.size = len(self.certificates)
        chosen = self.certificates[::self.size // revoked][:revoked]
        ids = {one.id for one in chosen}
        self.good = [one for one in self.certificates if one.id not in ids]
        self.revoked = chosen
        self.left = iter(self.good)  # to be revoked, each once
        self.look()

    def walk(self):
        """All certificates of the CA that issues here, newest first, and the pages' cursors."""
        found, cursors = [], []
        page = {"limit": PAGE}
        while True:
            answer = self.client.send("POST", self.search_path, page)
            found += [Certificate(row["id"], row["serialNumber"], row["commonName"])
                      for row in answer["certificates"] if row["commonName"].startswith("host-")]
            if "cursor" not in answer:
                return found, cursors
            cursors.append(answer["cursor"])
            page["cursor"] = answer["cursor"]

    def look(self):
        """Reads from certificates where CRL and responder are, and who signs."""
        body = "/api/v1/cert-manager/certificates/{}/certificate"
        paths = set()
        for one in self.good[::max(1, len(self.good) // 40)]:
            answer = self.client.send("GET", body.format(one.id))
            cert = pki.certificate(answer["certificate"])
            url = urllib.parse.urlsplit(pki.crl_url(cert))
            paths.add(url.path)
        issuer = pki.certificates(answer["certificateChain"])[0]
        responder = urllib.parse.urlsplit(pki.ocsp_url(cert))
        made = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            digest(issuer.subject.public_bytes()),
            x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest,
            int.from_bytes(SERIAL_MARK, "big"), hashes.SHA1())
        nonced = made.add_extension(x509.OCSPNonce(NONCE_MARK), False)
        self.public_port, self.crl_paths, self.ocsp_path = url.port, sorted(paths), responder.path
        self.question = [one.build().public_bytes(serialization.Encoding.DER)
                         for one in (made, nonced)]
        # Stands in every CRL and in every answer that is no failure, by its signer's certificate.
        self.issuer = issuer.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value

    def ask(self, certificate, nonce=False):
        """The line of an OCSP request."""
        der = self.question[nonce].replace(SERIAL_MARK, bytes.fromhex(certificate.serial))
        if nonce:
            der = der.replace(NONCE_MARK, os.urandom(16))
        text = urllib.parse.quote(base64.b64encode(der).decode(), safe="")
        return f"GET {self.ocsp_path}/{text}"

    def search(self, **wanted):
        return f"POST {self.search_path} {json.dumps(wanted)}"

    def run(self, lines, *more, public=False, count=0, connections=1):
        """Sends the lines in turn; what the load generator tells."""
        file = self.instance.directory / "requests"
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        port = self.public_port if public else self.instance.port
        token = ["--expect", self.issuer] if public else ["--token", self.instance.ready.token]
        return load(port, "/", "--requests", file, *token, *more, count=count,
                    connections=connections)

    def under_load(self, lines, connections):
        """The lines sent to the public listener; what the load generator tells, and `server_cpu`."""
        before = self.instance.cpu_us()
        found = self.run(lines, public=True, connections=connections)
        return {**found, "server_cpu": (self.instance.cpu_us() - before) / len(lines)}

    def one_by_one(self, lines, public, count):
        """The latencies of the lines, sent one after the other, and the server's CPU time, in µs."""
        file = self.instance.directory / "latencies"
        before = self.instance.cpu_us()
        self.run(lines, "--latencies", file, public=public, count=count)
        used = self.instance.cpu_us() - before
        return [int(line) for line in file.read_text(encoding="utf-8").splitlines()], used / count


def digest(octets):
    made = hashes.Hash(hashes.SHA1())
    made.update(octets)
    return made.finalize()


def revoke_line(certificate):
    return (f"POST /api/v1/cert-manager/certificates/{certificate.id}/revoke "
            '{"revocationReason":"SUPERSEDED"}')


def revoke_some(instance, revoked, connections):
    """Revokes so many of an instance's certificates; how many a second."""
    store = Store(instance, revoked)
    return store.run([revoke_line(one) for one in store.revoked], connections=connections)["rate"]


# --- latencies -------------------------------------------------------------------------------------

def pick(store, count):
    """Certificates from all over the store, others each time."""
    return [secrets.choice(store.good) for _ in range(count)]


def middle(cursors, count):
    """The cursors about the middle of a walk."""
    start = len(cursors) * 2 // 5
    return cursors[start:start + count] or cursors[:1]


# What is asked, in words and as lines of a store. Its third: it is asked of the public listener.
OPERATIONS = {
    "revoke": ("revoke", lambda s, n: [revoke_line(one) for one in itertools.islice(s.left, n)],
               False),
    "list_first": ("list, first page of 25", lambda s, n: [s.search()] * n, False),
    "list_deep": ("list, 25 from the middle by cursor", lambda s, n: [
        s.search(cursor=cursor) for cursor in middle(s.cursors, n)], False),
    "search_san": ("search by alternative name", lambda s, n: [
        s.search(search=one.name) for one in pick(s, n)], False),
    "search_cn": ("search by prefix of common name", lambda s, n: [
        s.search(commonName=one.name[:13]) for one in pick(s, n)], False),
    "search_all": ("search by a prefix of all names", lambda s, n: [s.search(search="host-")] * n,
                   False),
    "dashboard": ("dashboard", lambda s, n: [
        f"GET /api/v1/projects/{s.instance.ready.projectId}/certificates/dashboard-stats"] * n,
                  False),
    "crl": ("CRL of a shard", lambda s, n: [f"GET {path}" for path in s.crl_paths] * n, True),
    "ocsp_cached": ("OCSP, asked before", lambda s, n: [
        s.ask(one) for one in s.good[:100]] * (n // 100 + 1), True),
    "ocsp_uncached": ("OCSP, signed for each", lambda s, n: [
        s.ask(one, nonce=True) for one in pick(s, n)], True),
}


@dataclasses.dataclass
class Found:
    """What was found of an operation on one store."""
    took: list = dataclasses.field(default_factory=list)  # µs each
    cpu: list = dataclasses.field(default_factory=list)  # the server's, µs each, by round

    def figures(self):
        """p50, p99, CPU."""
        ordered = sorted(self.took)
        return [*(ordered[(len(ordered) - 1) * share // 100] for share in (50, 99)),
                median(self.cpu)]


def build_times(store, count):
    """Asks for a CRL just behind a revocation: it is built and signed."""
    found = Found()
    for one in itertools.islice(store.left, count):
        revoke = f"/api/v1/cert-manager/certificates/{one.id}/revoke"
        store.client.send("POST", revoke, {"revocationReason": "SUPERSEDED"})
        body = store.client.send("GET", f"/api/v1/cert-manager/certificates/{one.id}/certificate")
        url = pki.crl_url(pki.certificate(body["certificate"]))
        time.sleep(BUILD_PAUSE)
        started, cpu = time.monotonic(), store.instance.cpu_us()
        content = pki.fetch(url).content
        found.took.append((time.monotonic() - started) * 1e6)
        found.cpu.append(store.instance.cpu_us() - cpu)
        crl = x509.load_der_x509_crl(content)
        if crl.get_revoked_certificate_by_serial_number(int(one.serial, 16)) is None:
            raise SystemExit("bench: a CRL that was built behind a revocation does not list it")
    return found


def measure_latencies(report, stores, sizes):
    """Each operation by a lone caller, on both stores in turn; p50 and p99 of all rounds, and the
    CPU time of the middle one, which others on the machine disturb less."""
    few, many = stores["few"].size, stores["many"].size
    report.title(f"A lone caller with {few} and with {many} stored certificates, a fifth of them "
                 "revoked (SQLite)")
    print(f"  | | {few}: p50, p99, CPU (ms) | {many}: p50, p99, CPU (ms) | ratios |\n"
          "  |---|---:|---:|---:|")
    for key, (text, lines, public) in OPERATIONS.items():
        found = {name: Found() for name in stores}
        for one in range(sizes.operation_rounds + 1):
            for name, store in stores.items():
                took, cpu = store.one_by_one(lines(store, sizes.operations), public,
                                             sizes.operations)
                if one > 0:  # the first round warms up
                    found[name].took += took
                    found[name].cpu.append(cpu)
        tell_latency(report, key, text, found)
    tell_latency(report, "crl_built", "CRL of a shard, behind a revocation",
                 {name: build_times(store, sizes.builds) for name, store in stores.items()})
    for name, store in stores.items():
        sizes_of = [len(pki.fetch(f"http://127.0.0.1:{store.public_port}{path}").content)
                    for path in store.crl_paths]
        report.add(f"crl_bytes_{name}", sizes_of, f"CRLs at {store.size}: {len(sizes_of)} shards, "
                   f"{min(sizes_of)} to {max(sizes_of)} bytes")


def tell_latency(report, key, text, found):
    few, many = (found[name].figures() for name in ("few", "many"))
    ratios = [large / small for small, large in zip(few, many)]
    cells = [", ".join(f"{us / 1000:.2f}" for us in figures) for figures in (few, many)]
    report.add(f"operation_{key}", {"few_us": few, "many_us": many, "ratios": ratios},
               f"| {text} | {cells[0]} | {cells[1]} | "
               f"{', '.join(f'{ratio:.2f}' for ratio in ratios)} |")


# --- the responder's rates -------------------------------------------------------------------------

def measure_ocsp(report, store, sizes):
    """Answers a second under load, and what the provider signs a second, in turn."""
    found = {"signature": [], "answer": [], "uncached": [], "cached": []}
    asked = [store.ask(one) for one in store.good[:100]]
    for _ in range(sizes.rounds):
        for work in ("signature", "answer"):
            found[work].append(crypto_rate(sizes.seconds, work))
        lines = [store.ask(one, nonce=True) for one in pick(store, sizes.requests)]
        store.under_load(lines[:len(lines) // 10], sizes.connections)
        found["uncached"].append(store.under_load(lines, sizes.connections))
        found["cached"].append(store.under_load(asked * (len(lines) // 20), sizes.connections))
    report.title(f"OCSP with {store.size} stored certificates, {sizes.connections} connections")
    signing = {}
    for work, words in (("signature", "signing alone"), ("answer", "signing and checking")):
        signing[work], cpu = (median(values) for values in zip(*found[work]))
        report.add(f"{work}_rate", signing[work], f"{words:20} {signing[work]:8.0f} /s   {cpu:.0f} µs "
                   "CPU each")
        report.add(f"{work}_cpu_us", cpu, "")
    for kind, words in (("uncached", "signed for each"), ("cached", "asked before")):
        run = middle_run(found[kind])
        ratios = [run["rate"] / signing[work] for work in ("signature", "answer")]
        report.add(f"ocsp_{kind}", {**run, "ratios": ratios},
                   f"{words:20} {run['rate']:8.0f} /s   {ratios[0]:.2f} of signing alone, "
                   f"{ratios[1]:.2f} of signing and checking; p50 {run['p50'] / 1000:.1f}, p99 "
                   f"{run['p99'] / 1000:.1f} ms; {run['server_cpu']:.0f} µs CPU each, "
                   f"{run['cpu']:.0f} in the load generator")


def middle_run(runs):
    return sorted(runs, key=lambda run: run["rate"])[len(runs) // 2]
