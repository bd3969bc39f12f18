"""`chancery init` and `serve`: TLS, the three listeners, the log, reloading, what is refused."""
import json
import re
import resource
import signal
import socket
import ssl
import time
from urllib.parse import urlsplit

import pytest
import requests

import daemon as daemons
import database
import pki
from api import Api, ok
from world import World


def make_tls(folder, name="localhost"):
    pki.program("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-keyout", folder / "tls.key", "-out", folder / "tls.crt", "-days", "9",
                "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    (folder / "tls.key").chmod(0o600)


class Instance(daemons.Process):
    """What `chancery init` makes, with TLS and ports of its own, and `serve` runs."""

    def __init__(self, folder, storage, conninfo):
        self.folder = folder / "instance"
        self.api_port, self.public_port, self.metrics_port = daemons.free_ports(3)
        self.public_url = f"http://127.0.0.1:{self.public_port}"
        self.url = f"https://127.0.0.1:{self.api_port}"
        words = ["init", "--dir", self.folder, "--public-url", self.public_url,
                 "--storage", storage, "--token-file", folder / "token"]
        self.made = daemons.run(*words, *(["--conninfo", conninfo] if conninfo else []))
        assert self.made.returncode == 0, self.made.stderr
        self.token = (folder / "token").read_text(encoding="ascii").strip()
        self.config = self.folder / "chancery.yaml"
        make_tls(folder)
        text = self.config.read_text(encoding="utf-8")
        text = text.replace('":8443"', f'"127.0.0.1:{self.api_port}"\n'
                            f'  tls_certificate: "{folder}/tls.crt"\n  tls_key: "{folder}/tls.key"')
        text = text.replace('":8080"', f'"127.0.0.1:{self.public_port}"')
        text += f'metrics:\n  enabled: true\n  listen: "127.0.0.1:{self.metrics_port}"\n'
        text += "log:\n  level: debug\n"
        self.config.write_text(text, encoding="utf-8")
        super().__init__(folder / "serve", ["serve", "--config", self.config])
        self.certificate = folder / "tls.crt"

    def start(self):
        self.launch()
        self.wait_until(self.answers)
        return self

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.api_port), timeout=1):
                return True
        except OSError:
            return False

    def client(self):
        session = requests.Session()
        session.verify = str(self.certificate)
        return Api(self.url, self.token, session)


@pytest.fixture
def instance(chancery, storage, database, tmp_path):
    one = Instance(tmp_path, storage, database(storage))
    try:
        yield one.start()
        one.stop()
    finally:
        one.kill()


@pytest.fixture
def sqlite_instance(chancery, tmp_path):
    one = Instance(tmp_path, "sqlite", None)
    try:
        yield one
        if one.is_running:
            one.stop()
    finally:
        one.kill()


def test_from_init_to_a_certificate(instance):
    admin = instance.client()
    ok(admin.status())
    world = World(admin, "RSA_2048")
    issued = world.issue(keyAlgorithm="RSA_2048")
    pki.verify_answer(issued, world.root_pem())
    cert = pki.certificate(issued["certificate"])
    assert pki.crl_url(cert).startswith(instance.public_url + "/crl/")
    assert pki.aia_url(cert).startswith(instance.public_url + "/aia/")
    instance.stop()
    instance.start()
    assert ok(instance.client().get_private_key(issued["certificateId"])) == issued["privateKey"]


def test_what_init_leaves_behind(sqlite_instance):
    one = sqlite_instance
    assert one.token.startswith("chy_") and one.token not in one.made.stdout + one.made.stderr
    assert (one.folder / "kek").stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}\n", (one.folder / "kek").read_text(encoding="ascii"))
    assert one.config.exists() and (one.folder / "data").is_dir()
    assert (one.folder.parent / "token").stat().st_mode & 0o777 == 0o600
    again = daemons.run("init", "--dir", one.folder)
    assert again.returncode == 1 and "exists already" in again.stderr
    assert "chy_" not in again.stdout


def test_init_prints_the_token_once(chancery, tmp_path):
    made = daemons.run("init", "--dir", tmp_path / "one")
    assert made.returncode == 0, made.stderr
    assert len(re.findall(r"chy_[\w-]{20,}", made.stdout)) == 1


def test_init_replaces_no_kek(chancery, tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    kept = "ab" * 32 + "\n"
    (folder / "kek").write_text(kept, encoding="ascii")
    (folder / "kek").chmod(0o600)
    made = daemons.run("init", "--dir", folder)
    assert made.returncode == 0, made.stderr
    assert (folder / "kek").read_text(encoding="ascii") == kept


def test_config_check_and_print(sqlite_instance):
    checked = daemons.run("config", "check", "--config", sqlite_instance.config)
    assert checked.returncode == 0, checked.stderr
    printed = daemons.run("config", "print", "--config", sqlite_instance.config)
    assert printed.returncode == 0, printed.stderr
    assert sqlite_instance.public_url in printed.stdout
    kek = (sqlite_instance.folder / "kek").read_text(encoding="ascii").strip()
    assert kek not in printed.stdout + printed.stderr


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls(sqlite_instance):
    one = sqlite_instance.start()
    plain = requests.Session()
    plain.trust_env = False
    with pytest.raises(requests.RequestException):
        plain.get(f"http://127.0.0.1:{one.api_port}/api/status", timeout=5)
    for version, fits in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True),
                          (ssl.TLSVersion.TLSv1_3, True)):
        context = ssl.create_default_context(cafile=one.certificate)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.maximum_version = version
        context.minimum_version = version
        try:
            with socket.create_connection(("127.0.0.1", one.api_port), timeout=10) as tcp, \
                    context.wrap_socket(tcp, server_hostname="localhost") as tls:
                assert fits and tls.version() in ("TLSv1.2", "TLSv1.3")
        except (ssl.SSLError, ConnectionError):
            assert not fits


def served_certificate(one):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", one.api_port), timeout=10) as tcp, \
            context.wrap_socket(tcp) as tls:
        return tls.getpeercert(binary_form=True)


def test_sighup_reads_the_tls_files_again(sqlite_instance):
    one = sqlite_instance.start()
    before = served_certificate(one)
    make_tls(one.folder.parent, "renewed")
    one.signal(signal.SIGHUP)
    end = time.monotonic() + 20
    while served_certificate(one) == before and time.monotonic() < end:
        time.sleep(0.1)
    assert served_certificate(one) == pki.der(one.certificate.read_text(encoding="ascii"))
    ok(one.client().status())
    # Files that are none leave the old ones in use.
    (one.folder.parent / "tls.crt").write_text("nonsense", encoding="ascii")
    one.signal(signal.SIGHUP)
    time.sleep(1)
    one.check()
    assert served_certificate(one) != before


def test_metrics(sqlite_instance):
    one = sqlite_instance.start()
    admin = one.client()
    world = World(admin)
    for _ in range(3):
        world.issue()
    answer = requests.get(f"http://127.0.0.1:{one.metrics_port}/metrics", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = {}
    for line in answer.text.splitlines():
        if line.startswith("#"):
            assert re.match(r"# (HELP|TYPE) [a-z_:][a-z0-9_:]* ", line), line
            continue
        match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (-?[0-9.e+]+|\+Inf|NaN)', line)
        assert match, line
        samples.setdefault(match[1], []).append((match[2], float(match[3])))
    assert any("issueCertificate" in (labels or "") for values in samples.values()
               for labels, value in values if value >= 3), sorted(samples)
    assert one.token not in answer.text
    # The other listeners have none, and this one has no API.
    assert admin.session.get(one.url + "/metrics", timeout=10).status_code == 404
    assert requests.get(one.public_url + "/metrics", timeout=10).status_code == 404
    assert requests.get(f"http://127.0.0.1:{one.metrics_port}/api/status",
                        timeout=10).status_code == 404
    assert requests.get(f"http://127.0.0.1:{one.metrics_port}/healthz",
                        timeout=10).status_code == 200


def test_the_log_is_json_and_holds_no_secret(sqlite_instance):
    one = sqlite_instance.start()
    world = World(one.client())
    member = world.member("issuer")
    asked = world.ask(api=member.api)
    issued = ok(asked)["certificate"]
    assert member.log_in(clientSecret="chys_wrong-but-still-a-secret").status_code == 401
    ok(member.api.get_bundle(issued["certificateId"]))
    one.stop()
    log = one.log()
    lines = [json.loads(line) for line in log.splitlines()]
    assert lines and all({"time", "level", "event"} <= set(line) for line in lines)
    wanted = asked.headers["X-Request-Id"]
    mine = [line for line in lines if line.get("requestId") == wanted
            and line["event"] == "http.request"]
    assert len(mine) == 1 and mine[0]["operation"] == "issueCertificate"
    assert mine[0]["method"] == "POST" and str(mine[0]["status"]) == "200"
    key = issued["privateKey"].splitlines()[1]
    kek = (one.folder / "kek").read_text(encoding="ascii").strip()
    for secret in (one.token, member.login["accessToken"], member.client_secret, key, kek,
                   "PRIVATE KEY", "wrong-but-still-a-secret"):
        assert secret not in log and secret[5:] not in log


def test_serve_says_what_it_lacks(sqlite_instance):
    one = sqlite_instance
    text = one.config.read_text(encoding="utf-8")
    cases = {
        "public_url": text.replace(f'public_url: "{one.public_url}"', ""),
        "tls": re.sub(r"  tls_\w+: .*\n", "", text).replace(
            f'"127.0.0.1:{one.api_port}"', f'":{one.api_port}"'),
        "http://": text.replace(one.public_url, "https://127.0.0.1"),
    }
    for word, changed in cases.items():
        assert changed != text, word
        one.config.write_text(changed, encoding="utf-8")
        ended = daemons.run("serve", "--config", one.config)
        assert ended.returncode == 1, ended.stderr
        assert word in ended.stderr.lower(), ended.stderr
    one.config.write_text(text, encoding="utf-8")
    one.start()


def test_serve_does_not_make_a_schema(sqlite_instance):
    """Only init, dev and `storage upgrade` do; the first makes an instance."""
    one = sqlite_instance
    for file in (one.folder / "data").rglob("*.db*"):
        file.unlink()
    ended = daemons.run("serve", "--config", one.config)
    assert ended.returncode == 1
    assert "init --config" in ended.stderr, ended.stderr


def test_a_loopback_api_needs_no_tls(sqlite_instance):
    one = sqlite_instance
    text = re.sub(r"  tls_\w+: .*\n", "", one.config.read_text(encoding="utf-8"))
    one.config.write_text(text, encoding="utf-8")
    one.start()
    ok(Api(f"http://127.0.0.1:{one.api_port}", one.token).status())


def test_the_kek_from_the_environment_is_scrubbed(sqlite_instance):
    one = sqlite_instance
    kek = (one.folder / "kek").read_text(encoding="ascii").strip()
    text = re.sub(r"^kek: .*$", "kek: ${CHANCERY_TEST_KEK}",
                  one.config.read_text(encoding="utf-8"), flags=re.M)
    one.config.write_text(text, encoding="utf-8")
    one.env = daemons.environment(CHANCERY_TEST_KEK=kek)
    one.start()
    with open(f"/proc/{one.popen.pid}/environ", "rb") as file:
        assert kek.encode() not in file.read()
    ok(one.client().list_projects())


def test_readiness_follows_the_storage(chancery, postgres, tmp_path):
    """A dead database does not take health, and the CRL in memory, along."""
    conninfo = postgres.create_database(f"ready_{tmp_path.name[-8:].strip('_').lower()}")
    one = Instance(tmp_path, "postgres", conninfo)
    try:
        one.start()
        admin = one.client()
        world = World(admin)
        cert = pki.certificate(world.issue()["certificate"])
        crl = pki.fetch_crl(cert)
        session, where = admin.session, one.url
        assert session.get(where + "/readyz", timeout=10).status_code == 200
        postgres.control("stop")
        try:
            wait_for(lambda: session.get(where + "/readyz", timeout=30).status_code == 503)
            assert session.get(where + "/healthz", timeout=10).status_code == 200
            assert pki.fetch(pki.crl_url(cert)).content == crl
            answer = session.post(where + "/api/v1/projects", json={"projectName": "x"},
                                  headers={"Authorization": "Bearer " + one.token}, timeout=60)
            assert answer.status_code == 503 and answer.json()["error"] == "ServiceUnavailable"
            assert int(answer.headers["Retry-After"]) >= 1
        finally:
            postgres.control("start")
        wait_for(lambda: session.get(where + "/readyz", timeout=30).status_code == 200)
        world.issue()
        one.stop()
    finally:
        one.kill()


@pytest.fixture
def no_room(storage, new_daemon):
    """A daemon with a way to fill its disk and to make room again."""
    one = new_daemon()
    if storage == "sqlite":
        def fill(full):
            most = one.database.with_name(one.database.name + "-wal").stat().st_size
            resource.prlimit(one.popen.pid, resource.RLIMIT_FSIZE,
                             (most if full else resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        def fill(full):
            say = ("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "RAISE 'no room' USING ERRCODE = 'disk_full'; END $$; CREATE TRIGGER full_disk "
                   "BEFORE INSERT ON audit_events EXECUTE FUNCTION full_disk()"
                   if full else "DROP FUNCTION full_disk CASCADE")
            pki.program(database.psql(), one.conninfo, "-qc", say)
    return one, fill


def test_readiness_tells_of_a_full_disk(no_room):
    one, fill = no_room
    admin = Api(one.ready.url, one.ready.token)

    def ready():
        return admin.session.get(one.ready.url + "/readyz", timeout=30).status_code

    def write():
        return admin.session.post(
            one.ready.url + "/api/v1/projects", json={"projectName": "p" * 60},
            headers={"Authorization": "Bearer " + one.ready.token}, timeout=60).status_code

    assert ready() == 200
    fill(True)
    wait_for(lambda: (write(), ready()) == (503, 503))
    assert ok(admin.list_projects())["projects"], "what is there can be read"
    assert admin.session.get(one.ready.url + "/healthz", timeout=10).status_code == 200
    fill(False)
    wait_for(lambda: ready() == 200)
    assert write() == 200


def wait_for(holds, patience=60):
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.2)


def test_smuggling_is_refused_by_the_real_listener(daemon):
    where = urlsplit(daemon.ready.url)
    for lines in ("Content-Length: 2\r\nContent-Length: 3\r\n", "Host: other\r\n",
                  "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                  "Transfer-Encoding: gzip, chunked\r\n"):
        with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
            connection.sendall(f"POST /api/v1/projects HTTP/1.1\r\nHost: {where.netloc}\r\n{lines}"
                               "Content-Type: application/json\r\n\r\n{}".encode())
            said = b""
            while piece := connection.recv(65536):
                said += piece
        assert re.match(rb"HTTP/1\.1 4\d\d ", said), said
        assert said.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("words", [("init",), ("serve",), ("dev",), ("storage",),
                                   ("storage", "upgrade"), ("storage", "check"),
                                   ("storage", "stats"), ("user",), ("user", "create"),
                                   ("user", "password"), ("user", "list")], ids=" ".join)
def test_help_has_an_example(chancery, words):
    helped = daemons.run(*words, "--help")
    assert helped.returncode == 0 and helped.stderr == ""
    assert helped.stdout.startswith("Usage: chancery " + " ".join(words))
    assert "\nExample:\n  chancery " in helped.stdout


@pytest.mark.parametrize("words,what", [
    (("dev", "--port", "70000"), "--port"), (("dev", "--port", "x"), "--port"),
    (("dev", "--storage", "oracle", "--port", "0"), "oracle"),
    (("dev", "--storage", "postgres", "--port", "0"), "--conninfo"),
    (("serve", "--config", "/nonexistent/chancery.yaml"), "/nonexistent/chancery.yaml"),
    (("init", "--dir", "/proc/nothing"), "/proc/nothing"),
    (("init", "--storage", "oracle"), "oracle"),
])
def test_wrong_calls_are_told(chancery, tmp_path, words, what):
    words = [*words, "--dir", tmp_path / "x"] if words == ("init", "--storage", "oracle") else words
    ended = daemons.run(*words)
    assert ended.returncode in (1, 2), ended.stderr
    assert what in ended.stderr and ended.stderr.startswith("chancery: "), ended.stderr


def test_dev_keeps_its_ports_and_says_so(new_sqlite_daemon):
    one = new_sqlite_daemon()
    port = urlsplit(one.ready.url).port
    said = one.out_file.read_text(encoding="utf-8")
    for shown in (one.ready.caCertificateFile, one.ready.profileId, one.ready.ecProfileId):
        assert shown in said
    one.stop()
    ended = daemons.run("dev", "--data", one.data, "--port", "1234")
    assert ended.returncode == 1
    assert "--port" in ended.stderr and str(port) in ended.stderr, ended.stderr
    one.arguments[one.arguments.index("--port") + 1] = str(port)
    one.start()


def test_dev_says_what_helps_when_its_port_is_taken(chancery):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = daemons.run("dev", "--port", str(port))
    assert ended.returncode == 1
    assert f"port {port}" in ended.stderr and "--port 0" in ended.stderr, ended.stderr


def test_the_log_has_the_duration_as_a_number(sqlite_instance):
    one = sqlite_instance.start()
    ok(one.client().list_projects())
    (event,) = [line for line in one.events() if line["event"] == "http.request"]
    assert isinstance(event["durationMs"], float), event


def test_init_takes_the_connection_from_the_environment(chancery, database, tmp_path):
    conninfo = database("postgres")
    made = daemons.run("init", "--dir", tmp_path / "pki", "--storage", "postgres", "--conninfo",
                       "${CHANCERY_POSTGRES}",
                       env=daemons.environment(CHANCERY_POSTGRES=conninfo))
    assert made.returncode == 0, made.stderr
    assert conninfo not in (tmp_path / "pki" / "chancery.yaml").read_text(encoding="utf-8")
