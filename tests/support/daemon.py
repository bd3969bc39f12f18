"""A chancery daemon as a test has it: started on free ports, watched, stopped, restarted, killed.

CHANCERY_BUILD names the build tree whose bin/chancery is run; without it that is build/dev.
"""
import dataclasses
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import requests

import artefacts

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CHANCERY_BUILD", ROOT / "build" / "dev"))
PROGRAM = pathlib.Path(os.environ.get("CHANCERY_BIN", BUILD / "bin" / "chancery"))
SHARED = ROOT.parent / "shared"
START_PATIENCE = 120
STOP_PATIENCE = 60

TROUBLE = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehavior"
                     r"|runtime error:|Assertion .* failed|assertion failed|audit\.unnamed")


def sanitizer_environment():
    """The sanitizers' options of tests/sanitizers.env, for who runs pytest by hand."""
    options = {}
    for line in (ROOT / "tests" / "sanitizers.env").read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Z]+_OPTIONS=", line):
            name, value = line.split("=", 1)
            options[name] = value.replace("@SOURCE@", str(ROOT))
    return options


def environment(**more):
    return {**sanitizer_environment(), **os.environ, **more}


def run(*arguments, timeout=120, env=None, stdin=None):
    """Runs `chancery ARGUMENTS` to its end; a sanitizer's report fails the test."""
    ended = subprocess.run([PROGRAM, *map(str, arguments)], env=env or environment(),
                           input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                           capture_output=True, text=True, timeout=timeout)
    assert not TROUBLE.search(ended.stderr), ended.stderr
    assert ended.returncode >= 0, f"killed by signal {-ended.returncode}:\n{ended.stderr}"
    artefacts.look_at_text(ended.stdout)
    return ended


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Trouble(AssertionError):
    """The daemon did what it must not do."""


class Process:
    """One daemon process.  What it writes goes to files in `directory`."""

    def __init__(self, directory, arguments, env=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.arguments = [str(argument) for argument in arguments]
        self.env = env or environment()
        self.popen = None
        self.log_file = self.directory / "log"
        self.out_file = self.directory / "out"

    def launch(self):
        with open(self.log_file, "ab") as log, open(self.out_file, "ab") as out:
            self.popen = subprocess.Popen([PROGRAM, *self.arguments], stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=log, env=self.env,
                                          start_new_session=True)

    def wait_until(self, is_ready, patience=START_PATIENCE):
        end = time.monotonic() + patience
        while not is_ready():
            if self.popen.poll() is not None:
                raise Trouble(f"the daemon ended with {self.popen.returncode} while starting:\n"
                              f"{self.log()[-6000:]}")
            if time.monotonic() > end:
                raise Trouble(f"the daemon was not ready in time:\n{self.log()[-6000:]}")
            time.sleep(0.02)

    def log(self, start=0):
        if not self.log_file.exists():
            return ""
        with open(self.log_file, "rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")

    def log_size(self):
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def events(self, start=0):
        """The log's lines that are JSON."""
        lines = [line for line in self.log(start).splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines]

    @property
    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def check(self):
        """Fails unless the daemon runs and no sanitizer has spoken."""
        if not self.is_running:
            raise Trouble(f"the daemon ended by itself with {self.popen.returncode}:\n"
                          f"{self.log()[-6000:]}")
        self.check_log()

    def check_log(self):
        found = TROUBLE.search(self.log())
        if found:
            raise Trouble(f"a sanitizer or an assertion spoke, or an audit action has no name:\n"
                          f"{self.log()[max(0, found.start() - 500):][:8000]}")

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, patience=STOP_PATIENCE):
        try:
            return self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Trouble(f"the daemon did not end in time:\n{self.log()[-6000:]}") from None

    def stop(self):
        """SIGTERM; the daemon must end cleanly."""
        if self.popen is None:
            return
        if self.is_running:
            self.signal(signal.SIGTERM)
        code = self.wait()
        self.popen = None
        self.check_log()
        if code != 0:
            raise Trouble(f"the daemon ended with {code}:\n{self.log()[-6000:]}")

    def kill(self):
        """SIGKILL: nothing of it runs on."""
        if self.popen is not None:
            self.popen.kill()
            self.popen.wait()
            self.popen = None


@dataclasses.dataclass
class Ready:
    """The file of --ready-file."""
    url: str
    publicUrl: str
    token: str
    projectId: str
    rootCaId: str
    caId: str
    policyId: str
    profileId: str
    caCertificateFile: str
    ecRootCaId: str
    ecCaId: str
    ecProfileId: str
    ecCaCertificateFile: str


class Daemon(Process):
    """`chancery dev` with its data kept in `directory`."""

    def __init__(self, directory, storage="sqlite", conninfo=None, more=(), env=None):
        directory = pathlib.Path(directory)
        self.storage = storage
        self.conninfo = conninfo
        self.data = directory / "data"
        self.kek_file = directory / "data.kek"
        self.ready_file = directory / "ready.json"
        arguments = ["dev", "--port", "0", "--data", self.data, "--ready-file", self.ready_file]
        if storage == "postgres":
            arguments += ["--storage", "postgres", "--conninfo", conninfo]
        super().__init__(directory, [*arguments, *more], env)
        self.ready = None

    def start(self):
        self.ready_file.unlink(missing_ok=True)
        self.launch()
        self.wait_until(self.ready_file.exists)
        # It appears by rename, so it is whole.
        found = json.loads(self.ready_file.read_text(encoding="utf-8"))
        self.ready = Ready(**found)
        return self

    def restart(self):
        self.stop()
        return self.start()

    def configure(self, more):
        """Adds sections to the configuration, for the next start."""
        with open(self.data / "dev.yaml", "a", encoding="utf-8") as file:
            file.write(more)

    def log_everything(self):
        """Logs at every level, as JSON, from the next start on."""
        file = self.data / "dev.yaml"
        text = file.read_text(encoding="utf-8")
        assert "log:\n  format: text\n  level: warning\n" in text, text
        file.write_text(text.replace("format: text", "format: json")
                        .replace("level: warning", "level: debug"), encoding="utf-8")

    @property
    def database(self):
        """The SQLite file."""
        found = [path for path in self.data.rglob("*.db") if path.is_file()]
        assert len(found) == 1, f"expected one database below {self.data}, found {found}"
        return found[0]


# The least that hashing a password may cost, for tests that hash many.
CHEAP_PASSWORDS = "access:\n  password_memory: 19m\n  password_passes: 2\n  password_lanes: 1\n"
METRICS = 'metrics:\n  enabled: true\n  listen: "127.0.0.1:{}"\n'


class Node:
    """What a test looks at of one daemon."""

    def __init__(self, process, metrics_port, url=None):
        self.process = process
        self.url = url
        self.metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        self.session = requests.Session()

    def text(self):
        return self.session.get(self.metrics, timeout=10).text

    def metric(self, series):
        found = re.search(rf"^chancery_{re.escape(series)} (\S+)$", self.text(), re.M)
        return float(found.group(1)) if found else 0.0


def measured(one):
    """The node of a daemon that is restarted with metrics."""
    port = free_ports(1)[0]
    one.configure(METRICS.format(port))
    one.restart()
    return Node(one, port, one.ready.url)


def second_node(one, folder):
    """Another node over the database of a measured daemon, with the same master key."""
    ports = free_ports(3)
    text = (one.data / "dev.yaml").read_text(encoding="utf-8")
    text = re.sub(r'data_dir: ".*"', f'data_dir: "{folder}/second"', text)
    for section, port in zip(("api", "public", "metrics"), ports):
        text = re.sub(rf'(\n{section}:\n(?:  enabled: true\n)?  listen: "127.0.0.1:)\d+',
                      rf"\g<1>{port}", text)
    file = folder / "second.yaml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    (folder / "second").mkdir(mode=0o700)
    process = Process(folder / "second-log", ["serve", "--config", file], one.env)
    url = f"http://127.0.0.1:{ports[0]}"
    process.launch()

    def is_ready():
        try:
            return requests.get(f"{url}/api/status", timeout=5).ok
        except requests.ConnectionError:
            return False

    try:
        process.wait_until(is_ready)
    except Trouble:
        process.kill()
        raise
    return Node(process, ports[2], url)
