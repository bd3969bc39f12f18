"""What the benchmark measures with: the programs beside it, and what /proc says of a process."""
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from daemon import BUILD, Daemon, Process  # noqa: E402
from postgres import Cluster  # noqa: E402, F401

PLUGINS = BUILD / "lib" / "chancery" / "plugins"
CRYPTO = PLUGINS / "crypto-wolfssl.so"
ISSUE = "/api/v1/cert-manager/certificates"
A_CERTIFICATE = '"certificate":"-----BEGIN CERTIFICATE-----'
NO_READY_KEYS = ["--option", "ready_rsa_2048=0"]  # or programs that only borrow the plugin make them


def program(name):
    return BUILD / "bin" / name


def output(command, **more):
    """A program's standard output; what it says on standard error is shown when it fails."""
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    if ended.returncode != 0:
        raise SystemExit(f"bench: {command[0]} failed:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


@contextlib.contextmanager
def directory():
    """A directory on the disk that the build tree is on: durable writes must reach a real one."""
    made = tempfile.mkdtemp(prefix="bench-", dir=BUILD)
    try:
        yield pathlib.Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


# --- parts alone -----------------------------------------------------------------------------------

def crypto_rate(seconds, work="issuance"):
    """(operations/s, CPU µs each) of check CSR + sign + check, or a part of it, on all cores."""
    line = output([program("crypto_bench"), CRYPTO, *NO_READY_KEYS, "--seconds", seconds, "--work",
                   work])
    _, rate, _, cpu = line.splitlines()[-1].split()
    return float(rate), float(cpu)


def storage_rate(plugin, seconds, connections, *more):
    """(batches/s, CPU µs each in this process) of issuances' writes."""
    with directory() as where:
        lines = output([program("storage_bench"), PLUGINS / plugin, "--seconds", seconds,
                        "--threads", connections, "--directory", where, *more])
    _, rate, cpu = lines.splitlines()[-1].split()
    return float(rate), float(cpu)


def load(port, path, *arguments, count, connections):
    """Runs the load generator; a failed answer ends the benchmark."""
    lines = output([program("load"), CRYPTO, *NO_READY_KEYS, "--port", port, "--path", path,
                    "--count", count, "--connections", connections, *arguments])
    return json.loads(lines.splitlines()[-1])


def cpu_us_of(pid):
    """The CPU time that a process has used, by the clock that the kernel keeps of it: /proc counts in
    hundredths of a second."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1000  # CPUCLOCK_SCHED of clock_getcpuclockid(3)


def http_rates(count, connections):
    """Requests/s of an inline route, of a worker's route that gets the bodies of issuances, and the
    CPU µs of one of the latter, server and load generator."""
    with subprocess.Popen([program("http_bench_server")], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as server:
        port = server.stdout.readline().strip()
        body = ["--profile", "00000000-0000-7000-8000-000000000000", "--token", "token"]
        inline = load(port, "/inline", "--method", "GET", count=count, connections=connections)
        before = cpu_us_of(server.pid)
        worker = load(port, "/worker", *body, count=count, connections=connections)
        cpu = (cpu_us_of(server.pid) - before) / count + worker["cpu"]
        server.stdin.close()
        server.wait()
    return inline["rate"], worker["rate"], cpu


# --- the daemon ------------------------------------------------------------------------------------

@dataclasses.dataclass
class Run:
    """One load of issuances."""
    rate: float
    p50: float
    p95: float
    p99: float
    server_cpu: float  # µs a certificate
    load_cpu: float


class Instance(Daemon):
    """A development instance under load."""

    def start(self):
        super().start()
        if "limits:" not in (self.data / "dev.yaml").read_text():
            # Counted as ever, but never refused: one caller on one address asks for everything.
            most = 1000000000
            self.configure(f"limits:\n  requests_per_address: {most}\n"
                           f"  requests_per_identity: {most}\n")
            self.restart()
        return self

    @property
    def pid(self):
        return self.popen.pid

    @property
    def port(self):
        return self.ready.url.rsplit(":", 1)[1]

    def cpu_us(self):
        return cpu_us_of(self.pid)

    def memory(self):
        """Resident memory in MB: (all, without the files it maps)."""
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines
                     if line.startswith(("VmRSS", "RssAnon"))}
        return kilobytes["VmRSS"] / 1024, kilobytes["RssAnon"] / 1024

    def sign_without_limit(self):
        """Lets the responder sign as fast as it can, from the next start on."""
        file = self.data / "dev.yaml"
        text = file.read_text(encoding="utf-8")
        if "\npki:\n" not in text:
            raise SystemExit(f"bench: {file} has no pki section")
        file.write_text(text.replace("\npki:\n", "\npki:\n  ocsp_signing_rate: 1000000\n", 1),
                        encoding="utf-8")

    def wait_idle(self, patience):
        """Waits until it has done nothing for a second: ready keys are made, writes have settled."""
        end = time.monotonic() + patience
        before, since = self.cpu_us(), time.monotonic()
        while time.monotonic() - since < 1 and time.monotonic() < end:
            time.sleep(0.1)
            now = self.cpu_us()
            if now != before:
                before, since = now, time.monotonic()

    def issue(self, count, connections, *more):
        """Issues by CSR, on the P-256 authority."""
        before = self.cpu_us()
        result = load(self.port, ISSUE, "--token", self.ready.token, "--profile",
                      self.ready.ecProfileId, "--expect", A_CERTIFICATE, *more, count=count,
                      connections=connections)
        used = (self.cpu_us() - before) / count
        return Run(result["rate"], result["p50"], result["p95"], result["p99"], used,
                   result["cpu"])

    def issue_with_key(self, algorithm, count):
        """Issues one after the other with a key of the server's; the latencies in µs."""
        body = json.dumps({"profileId": self.ready.ecProfileId, "attributes": {
            "commonName": "key.bench.example", "keyAlgorithm": algorithm, "ttl": "90d"}})
        result = load(self.port, ISSUE, "--token", self.ready.token, "--body", body, "--expect",
                      '"privateKey":"-----BEGIN', count=count, connections=1)
        return result["p50"], result["max"]

    def check_samples(self, file):
        """Holds what was answered against openssl; returns how many were looked at."""
        answers = [json.loads(line) for line in file.read_text().splitlines()]
        with directory() as where:
            for number, answer in enumerate(answers):
                (where / f"{number}.pem").write_text(answer["certificate"]["certificate"])
                (where / "chain.pem").write_text(answer["certificate"]["certificateChain"])
            leaves = [str(where / f"{number}.pem") for number in range(len(answers))]
            output(["openssl", "verify", "-x509_strict", "-CAfile",
                    self.ready.ecCaCertificateFile, "-untrusted", where / "chain.pem", *leaves])
        serials = {answer["certificate"]["serialNumber"] for answer in answers}
        if len(serials) != len(answers):
            raise SystemExit("bench: a serial number appeared twice")
        return len(answers)


def start_time(data):
    """ms from starting `serve` on existing data to its first good answer."""
    port = next(line for line in (data / "dev.yaml").read_text().splitlines() if "listen" in line)
    port = int(port.rsplit(":", 1)[1].strip(' "'))
    with directory() as where:
        process = Process(where, ["serve", "--data", data])
        started = time.monotonic()
        process.launch()
        while not is_ready(port):
            if process.popen.poll() is not None:
                raise SystemExit(f"bench: serve ended:\n{process.log()}")
            time.sleep(0.0005)
        took = time.monotonic() - started
        process.stop()
    return took * 1000


def is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


# --- numbers ---------------------------------------------------------------------------------------

def limit_of(*rates):
    """What parts that share the processors reach together."""
    return 1 / sum(1 / rate for rate in rates)


def spread(values):
    """The range as a share of the median."""
    return (max(values) - min(values)) / statistics.median(values)
