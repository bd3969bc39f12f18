"""The command-line client against servers that are not what they should be."""
import os
import time

import pytest

import pki
from client import Client, Server

ID = "0199c0de-0000-7000-8000-000000000001"
REQUEST = "0199c0de-0000-7000-8000-000000000002"


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path / "client")


def ask(client, server, *words, code=3, **more):
    return client.run(*words, code=code, CHANCERY_URL=server.url, CHANCERY_TOKEN="chy_t",
                      CHANCERY_PROJECT=ID, **more)


def drip(out):
    out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(100):
        out.write(b"{")
        out.flush()
        time.sleep(0.2)


def endless(out):
    out.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        out.write(b"[" * 65536)


def endless_headers(out):
    out.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        out.write(b"X-Padding: " + b"x" * 4096 + b"\r\n")


NONSENSE = {
    "no JSON": ((200, b"<html>hello</html>"), "none of a Chancery (status 200, no JSON)"),
    "nothing": ((200, b""), "no JSON"),
    "another shape": ((200, [1, 2]), "has not what was asked for"),
    "no member": ((200, {"certificates": 7}), "has not what was asked for"),
    "deep": ((200, b"[" * 100000), "no JSON"),
    "twice the same": ((200, b'{"certificate": {}, "certificate": {}}'), "no JSON"),
    "not UTF-8": ((200, b'{"certificate": {"id": "\xff"}}'), "no JSON"),
    "a redirect": ((302, b"", {"Location": "http://127.0.0.1:1/"}), "redirect (302)"),
    "an error of a proxy": ((502, b"Bad Gateway"), "status 502, no JSON"),
    "an error without words": ((400, {"error": 7}), "status 400"),
    "its own trouble": ((503, {"reqId": "req-1", "statusCode": 503, "message": "later",
                               "error": "ServiceUnavailable"}), "later (503 ServiceUnavailable"),
    "cut off": (lambda out: out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"a\""),
                "no answer from"),
    "no HTTP": (lambda out: out.write(b"SSH-2.0-OpenSSH\r\n"), "no answer from"),
    "endless": (endless, "longer than"),
    "endless headers": (endless_headers, "no answer from"),
    "slow": (drip, "no answer from"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense(client, what):
    answer, said = NONSENSE[what]
    with Server(lambda *_: answer) as server:
        ended = ask(client, server, "show", ID, CHANCERY_TIMEOUT="2")
    assert said in ended.stderr, ended.stderr
    assert ended.stderr.count("\n") == 1, "one line is enough"


def test_nobody_is_there(client):
    with Server(lambda *_: (200, {})) as server:
        pass
    assert "no answer from" in ask(client, server, "show", ID).stderr


EVIL = "x\x1b]0;owned\x07\x1b[2J\u202egnp.exe"


def test_control_characters_move_no_terminal(client):
    def answer(method, path, body):
        if path.endswith("/search"):
            return 200, {"certificates": [{"id": ID, "commonName": EVIL, "status": "active"}],
                         "cursor": EVIL}
        if "bad" in path:
            return 400, {"reqId": EVIL, "statusCode": 400, "message": EVIL, "error": EVIL}
        if "shape" in path:
            return 422, {"reqId": EVIL, "error": EVIL, "message": [{"path": [EVIL, 0],
                                                                    "message": EVIL}]}
        return 200, {"certificate": {EVIL: EVIL, "list": [EVIL], "inner": [{EVIL: EVIL}]}}

    with Server(answer) as server:
        for words, code in ((("list",), 0), (("show", ID), 0), (("show", "bad"), 1),
                            (("show", "shape"), 1), (("list", "--json"), 0)):
            ended = ask(client, server, *words, code=code)
            said = ended.stdout + ended.stderr
            if "--json" not in words:
                assert "x?]0;owned" in said, said
            assert not set("\x1b\x07\u202e") & set(said), said


@pytest.mark.parametrize("words, code", [
    (("project", "list"), 0), (("project", "show", "x"), 0), (("project", "create", EVIL), 0),
    (("request", "list"), 0), (("request", "show", ID), 0), (("request", "show", ID, "--approval"), 0),
    (("request", "approve", ID, "--comment", EVIL), 0), (("request", "reject", ID), 0),
    (("request", "cancel", ID), 0), (("profile", "list"), 0), (("policy", "show", ID), 0),
    (("ca", "list"), 3), (("renew", ID, "--wait", "0s"), 5),
    (("issue", "--profile", ID, "--cn", "w", "--wait", "0s"), 5),
    (("login", "--url", "URL", "--username", "x", "--password-file", "-"), 3)],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "")
def test_no_verb_moves_the_terminal(client, words, code):
    """Names, ids, words and members that a server makes up, wherever they are shown."""
    row = {"id": EVIL, "name": EVIL, "slug": EVIL, "commonName": EVIL, "status": EVIL, EVIL: EVIL,
           "approvalRequestId": ID, "certificateRequestId": EVIL, "projectId": EVIL,
           "requestData": {"status": EVIL, EVIL: [EVIL]}, "steps": [{EVIL: EVIL}],
           "votes": [{"comment": EVIL}], "errorMessage": EVIL}
    answer = {**row, **{name: row for name in ("request", "project", "certificatePolicy")},
              **{name: [row] for name in ("projects", "certificateRequests", "certificateProfiles")},
              "message": EVIL, "cursor": EVIL}
    with Server(lambda *_: (200, answer)) as server:
        ended = ask(client, server, *[server.url if word == "URL" else word for word in words],
                    code=code, stdin="secret")
    assert not set("\x1b\x07\u202e") & set(ended.stdout + ended.stderr), ended


@pytest.mark.parametrize("words", [
    ("project", "list"), ("project", "create", "x"), ("request", "show", ID, "--approval"),
    ("request", "approve", ID), ("request", "reject", ID), ("request", "cancel", ID)],
    ids=" ".join)
@pytest.mark.parametrize("answer", [[], 7, "text", None, {"request": 7, "projects": {}, "project": []},
                                    {"approvalRequestId": ID, "request": {"status": 7}}],
                         ids=repr)
def test_answers_of_wrong_types(client, words, answer):
    """One line of what is wrong; nothing is made of what is not there."""
    with Server(lambda *_: (200, answer)) as server:
        ended = client.run(*words, code=None, CHANCERY_URL=server.url, CHANCERY_TOKEN="chy_t",
                           CHANCERY_PROJECT=ID)
    said = ended.stdout + ended.stderr
    assert said.count("\n") <= 4, said
    assert ended.returncode in (1, 3) and ended.stderr.startswith("chancery: ") or \
        (ended.returncode == 0 and isinstance(answer, dict)), ended


# --- lists without end -----------------------------------------------------------------------------


def in_circles(length):
    """A server whose pages lead back to the first of them."""
    count = [0]

    def answer(method, path, body):
        count[0] += 1
        row = {"id": ID, "slug": "other", "commonName": "x"}
        return 200, {"certificates": [row], "certificateRequests": [row],
                     "certificateProfiles": [row], "cursor": f"c{count[0] % length}"}

    return answer, count


@pytest.mark.parametrize("words", [("list", "--all"), ("list", "--all", "--json"),
                                   ("request", "list", "--all"), ("profile", "list", "--all"),
                                   ("profile", "show", "some-name")], ids=" ".join)
@pytest.mark.parametrize("length", [1, 2, 7])
def test_pages_that_go_round_in_circles(client, words, length):
    answer, count = in_circles(length)
    with Server(answer) as server:
        assert "goes round in a circle" in ask(client, server, *words).stderr
    assert count[0] <= 4 * length + 4


def test_cursors_that_are_no_cursors(client):
    for cursor in ("x" * 5000, 7, [ID], {"a": 1}):
        with Server(lambda *_: (200, {"certificates": [], "cursor": cursor})) as server:  # noqa: B023
            ask(client, server, "list", "--all", code=3 if isinstance(cursor, str) else 0)


def test_a_list_may_be_longer_than_the_memory(client):
    """Page after page, each of which is let go: 20 of 4 MB."""
    pages = [0]
    page = [{"id": ID, "commonName": "x", "padding": "x" * (4 << 20)}]

    def answer(method, path, body):
        pages[0] += 1
        more = {"cursor": f"c{pages[0]}"} if pages[0] < 20 else {}
        return 200, {"certificates": page, **more}

    with Server(answer) as server:
        ended = client.run("list", "--all", "--json", code=0, CHANCERY_URL=server.url,
                           CHANCERY_TOKEN="chy_t", CHANCERY_PROJECT=ID)
    assert ended.stdout.count("\n") == 20


def test_what_is_no_pem_is_not_written(client):
    pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    with Server(lambda *_: (200, {"certificate": pem + EVIL, "certificateChain": None})) as server:
        ended = ask(client, server, "show", ID, "--pem")
        assert "has no certificate" in ended.stderr and "\x1b" not in ended.stdout
        ask(client, server, "export", ID, "--out", "e")
    assert not list(client.folder.glob("e.*"))


def test_paths_are_escaped(client):
    with Server(lambda *_: (200, {"certificate": {}})) as server:
        ask(client, server, "show", "../../x?y#z %\u00e9", code=0)
        ask(client, server, "show", "..", code=0)
    assert [path.rsplit("/", 1)[1] for _, path, _ in server.asked] == \
        ["%2E%2E%2F%2E%2E%2Fx%3Fy%23z%20%25%C3%A9", "%2E%2E"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_gets_neither_token_nor_password(client, status):
    with Server(lambda *_: (200, {"accessToken": "chy_x"})) as thief:
        with Server(lambda *_: (status, b"", {"Location": thief.url})) as server:
            assert "redirect" in ask(client, server, "show", ID).stderr
            ended = client.run("login", "--url", server.url, "--username", "alice",
                               "--password-file", "-", stdin="my password", code=3)
            assert "redirect" in ended.stderr and "my password" not in ended.stderr
    assert thief.asked == [] and not list(client.folder.glob("config/**/*.json"))


# --- requests that wait ----------------------------------------------------------------------------


def waiting(statuses, **last):
    """A server whose request goes through these states."""
    left = list(statuses)

    def answer(method, path, body):
        if method == "POST":
            return 200, {"certificate": None, "status": left[0], "certificateRequestId": REQUEST}
        status = left.pop(0) if len(left) > 1 else left[0]
        return 200, {"status": status, **(last if not left[1:] else {})}

    return answer


def issue(client, server, *more, code=0):
    return ask(client, server, "issue", "--profile", ID, "--cn", "w", "--out", "w", *more, code=code)


def test_a_certificate_that_comes_later(client):
    key = pki.new_key()
    certificate = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    answer = waiting(["pending_approval", "pending", "issued"], certificate=certificate,
                     certificateChain=certificate, privateKey=pki.private_pem(key), certificateId=ID,
                     serialNumber="5f")
    with Server(answer) as server:
        issue(client, server)
    assert client.text("w.key") == pki.private_pem(key) and client.mode("w.key") == 0o600
    assert client.text("w.crt") == certificate
    assert [method for method, _, _ in server.asked] == ["POST", "GET", "GET", "GET"]


@pytest.mark.parametrize("status", ["failed", "rejected", "cancelled"])
def test_a_certificate_that_never_comes(client, status):
    with Server(waiting(["pending", status], errorMessage="because of that")) as server:
        ended = issue(client, server, code=1)
    assert f"is {status}: because of that" in ended.stderr
    assert not list(client.folder.glob("w.*"))


def test_who_waits_long_enough_is_told_how_to_come_back(client):
    with Server(waiting(["pending_approval"])) as server:
        ended = issue(client, server, "--wait", "1s", code=5)
    assert f"chancery: the request {REQUEST} waits for approval; waiting for 1s\n" in ended.stderr
    assert f"chancery request show {REQUEST}" in ended.stderr


def test_an_issue_without_its_key(client):
    certificate = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    with Server(lambda *_: (200, {"certificate": {"certificate": certificate, "certificateId": ID,
                                                  "privateKey": "none"}})) as server:
        ended = issue(client, server, code=1)
    assert f"did not give the key of certificate {ID}" in ended.stderr
    assert not list(client.folder.glob("w.*"))


# --- addresses and TLS -----------------------------------------------------------------------------


@pytest.mark.parametrize("url, said", [
    ("http://pki.example.com", "plain http"),
    ("http://10.0.0.1:8080", "plain http"),
    ("http://127.0.0.1.example.com", "plain http"),
    ("http://[2001:db8::1]", "plain http"),
    ("ftp://localhost", "by https"),
    ("file:///etc/passwd", "by https"),
    ("https://me:secret@localhost", "a user"),
    ("https://localhost/?a=b", "a query"),
    ("pki example", "no address"),
    ("", "no address"),
])
def test_addresses_that_are_refused(client, url, said):
    ended = client.run("login", "--url", url, "--token-file", "-", stdin="chy_t", code=2)
    assert said in ended.stderr, ended.stderr


def test_plain_http_stays_on_this_machine(client):
    """No proxy of the environment gets to see it."""
    with Server(lambda *_: (200, {})) as proxy, Server(lambda *_: (200, {"certificate": {}})) as server:
        ask(client, server, "show", ID, code=0, http_proxy=proxy.url, ALL_PROXY=proxy.url)
    assert proxy.asked == [] and server.asked


def test_insecure_http_is_a_choice(client):
    ended = client.run("login", "--url", "http://0.0.0.0:1", "--insecure-http", "--token-file", "-",
                       stdin="chy_t", code=3)
    assert "no answer from" in ended.stderr


@pytest.fixture
def tls(tmp_path):
    """A CA, and PEM files of a server's key and certificate for two names."""
    folder = tmp_path / "tls"
    folder.mkdir()
    pki.program("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "ca.key", "-out",
                folder / "ca.pem", "-days", "30", "-subj", "/CN=Test TLS CA")
    for name, san in (("good", "IP:127.0.0.1"), ("other", "DNS:other.example.com")):
        pki.program("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / f"{name}.key", "-out",
                    folder / f"{name}.crt", "-days", "30", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName={san}", "-addext", "basicConstraints=critical,CA:FALSE",
                    "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key")
        (folder / f"{name}.pem").write_text((folder / f"{name}.key").read_text()
                                            + (folder / f"{name}.crt").read_text())
    return folder


def test_tls_is_checked(client, tls):
    def answer(method, path, body):
        return 200, {"projects": [], "certificate": {"id": ID}}

    def log_in(server, *more, code):
        return client.run("login", "--url", server.url, "--token-file", "-", *more, stdin="chy_t",
                          code=code)

    with Server(answer, tls / "good.pem") as server:
        assert "--ca-file" in log_in(server, code=3).stderr
        assert server.asked == []
        os.chdir(client.folder)
        log_in(server, "--ca-file", os.path.relpath(tls / "ca.pem", client.folder), code=0)
        client.run("show", ID)  # by the context, from another folder too
    with Server(answer, tls / "other.pem") as server:
        assert "no answer from" in log_in(server, "--ca-file", tls / "ca.pem", code=3).stderr
        assert server.asked == []
