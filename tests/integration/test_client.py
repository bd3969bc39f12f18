"""The command-line client against a real daemon: its whole life, what it writes, how it refuses."""
import datetime
import json
import os
import re
import resource
import subprocess

import pytest

import daemon as daemons
import pki
from api import Api, ok
from client import Client, Terminal
from world import World, fresh

CLIENT = daemons.BUILD / "libexec" / "chancery" / "chancery-client"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One daemon is enough: it is the client that is looked at."""
    one = daemons.Daemon(tmp_path_factory.mktemp("client-server"))
    try:
        yield one.start()
        one.check()
        one.stop()
    finally:
        one.kill()


@pytest.fixture(scope="module")
def place(server):
    return World(Api(server.ready.url, server.ready.token))


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path / "client")


@pytest.fixture
def admin(client, server, place):
    """A client that is logged in with the administrator's token."""
    client.log_in(server.ready.token, server.ready.url, "--project", place.project["slug"])
    return client


@pytest.fixture
def issuer(client, server, place):
    client.log_in(place.member("issuer"), server.ready.url)
    return client


def issue(client, place, name, *more, **how):
    return client.members("issue", "--profile", place.profile_id, "--cn", name, "--san", name,
                          "--ttl", "30d", *more, **how)


# --- the whole life --------------------------------------------------------------------------------


def test_whole_life(issuer, place):
    made = issue(issuer, place, "www.example.com", "--san", "10.0.0.1", "--san",
                 "me@example.com", "--san", "https://example.com/x", "--metadata", "team=web")
    assert made["key"] == "www.example.com.key"
    assert {name: issuer.mode(name) for name in (made["key"], made["certificate"], made["chain"])} \
        == {made["key"]: 0o600, made["certificate"]: 0o644, made["chain"]: 0o644}
    leaf, chain = issuer.text(made["certificate"]), issuer.text(made["chain"])
    assert pki.same_key(issuer.text(made["key"]), leaf)
    pki.verify_answer({"certificate": leaf, "certificateChain": chain})
    assert "IP Address:10.0.0.1, email:me@example.com, URI:https://example.com/x" in \
        pki.text_of(leaf)
    assert made["serialNumber"] == pki.serial_text(pki.certificate(leaf))

    listed = issuer.run("list", "--search", "www.example.com").stdout.splitlines()
    assert listed[0].split("  ")[0] == "COMMON NAME"
    assert len(listed) == 2 and made["id"] in listed[1] and "active" in listed[1]
    assert issuer.members("show", made["id"])["serialNumber"] == made["serialNumber"]
    assert issuer.run("show", made["id"], "--pem").stdout == leaf + chain
    assert issuer.json("show", made["id"])["certificate"]["id"] == made["id"]
    assert issuer.json("list", "--status", "active", "--expires-within", "31d")["certificates"]
    assert issuer.json("list", "--status", "revoked")["certificates"] == []

    renewed = issuer.members("renew", made["id"], "--out", "www.example.com", "--force")
    assert renewed["id"] != made["id"]
    assert pki.same_key(issuer.text(made["key"]), issuer.text(made["certificate"]))
    assert issuer.text(made["certificate"]) != leaf
    assert issuer.mode(made["key"]) == 0o600

    again = issuer.members("export", renewed["id"], "--out", "again")
    assert issuer.text(again["key"]) == issuer.text(made["key"])
    assert issuer.text(again["certificate"]) == issuer.text(made["certificate"])
    assert "reason" not in issuer.run("revoke", renewed["id"], "--reason", "SUPERSEDED").stdout
    assert issuer.members("show", renewed["id"])["status"] == "revoked"
    refused = issuer.run("revoke", renewed["id"], code=1).stderr
    assert re.search(r"revoked already.*\(400 BadRequest, req-\w{14}\)\n\Z", refused), refused


def test_what_was_done_otherwise_is_told(admin, place):
    authority = place.new_intermediate(place.root_id, life=datetime.timedelta(days=10),
                                       onCaExpiry="clamp")
    profile = place.new_profile(caId=authority["id"])
    ended = admin.run("issue", "--profile", profile, "--cn", "n.example.com", "--ttl", "11d")
    assert re.search(r"^chancery: note: .*notAfter", ended.stderr, re.M), ended.stderr
    assert (admin.folder / "n.example.com.key").exists()


def test_requests(issuer, place):
    name = fresh("asked") + ".example.com"
    made = issue(issuer, place, name)
    (line,) = issuer.run("request", "list", "--search", name).stdout.splitlines()[1:]
    assert made["id"] in line
    (found,) = issuer.json("request", "list", "--search", name)["certificateRequests"]
    shown = issuer.run("request", "show", found["id"]).stdout
    assert made["serialNumber"] in shown and "PRIVATE KEY" not in shown
    assert "PRIVATE KEY" in issuer.json("request", "show", found["id"])["privateKey"]


def test_by_csr(issuer, place):
    key = pki.new_key()
    (issuer.folder / "own.csr").write_text(pki.csr(key, dns=["own.example.com"],
                                                   commonName="own.example.com"))
    made = issuer.members("issue", "--profile", place.profile_id, "--csr", "own.csr", "--out", "own",
                          "--ttl", "1d")
    assert "key" not in made and not (issuer.folder / "own.key").exists()
    assert pki.same_key(pki.private_pem(key), issuer.text("own.crt"))
    by_pipe = issuer.members("issue", "--profile", place.profile_id, "--csr", "-", "--ttl", "1d",
                             "--fullchain-file", "full.pem", stdin=issuer.text("own.csr"))
    assert by_pipe["fullchain"] == "full.pem"
    assert len(pki.certificates(issuer.text("full.pem"))) == 3
    other = pki.csr(pki.new_key(), dns=["own.example.com"], commonName="own.example.com")
    issuer.members("renew", made["id"], "--csr", "-", "--cert-file", "new.crt", stdin=other)
    assert pki.dns_names(pki.certificate(issuer.text("new.crt"))) == ["own.example.com"]


def test_export_pkcs12(issuer, place):
    made = issue(issuer, place, "p12.example.com")
    issuer.run("export", made["id"], "--pkcs12", "a.p12", "--alias", "mine",
               "--password-file", "-", stdin="change-it\n")
    assert issuer.mode("a.p12") == 0o600
    shown = pki.program("openssl", "pkcs12", "-in", issuer.folder / "a.p12", "-passin",
                        "pass:change-it", "-nokeys", "-clcerts")
    assert "friendlyName: mine" in shown and "p12.example.com" in shown
    issuer.run("export", made["id"], "--pkcs12", "b.p12", CHANCERY_PKCS12_PASSWORD="change-it")
    assert "is there already" in issuer.run("export", made["id"], "--pkcs12", "b.p12", code=4,
                                            CHANCERY_PKCS12_PASSWORD="change-it").stderr
    issuer.run("export", made["id"], "--pkcs12", "b.p12", "--force",
               CHANCERY_PKCS12_PASSWORD="change-it")


def test_objects(admin, place):
    """A CA below another, a policy and a profile from documents, and their end."""
    name = fresh("made")
    (admin.folder / "ca.yaml").write_text(
        f"name: {name}\nconfiguration:\n  type: intermediate\n  commonName: Made {name}\n"
        "  keyAlgorithm: EC_prime256v1\n")
    authority = admin.members("ca", "create", "ca.yaml", "--parent", place.root["name"],
                              "--not-after", "2034-01-01", "--max-path-length", "0")
    assert authority["status"] == "active"
    policy = admin.json("policy", "create", "-", stdin=json.dumps({
        "name": name, "subject": [{"type": "common_name", "allowed": ["*.example.com"]}],
        "sans": [{"type": "dns_name", "allowed": ["*"], "wildcards": False}],
        "validity": {"max": "90d"}}))["certificatePolicy"]
    (admin.folder / "profile.yaml").write_text(
        f"slug: {name}\ncaId: {authority['id']}\ncertificatePolicyId: {policy['id']}\n"
        "enrollmentType: api\napiConfig:\n  autoRenew: false\n")
    admin.run("profile", "create", "profile.yaml")
    for word in ("ca", "policy", "profile"):
        assert any(line.startswith(name + " ") for line in
                   admin.run(word, "list", *(["--all"] if word != "ca" else [])).stdout
                   .splitlines()), word
        assert name in admin.run(word, "show", name).stdout
    admin.members("issue", "--profile", name, "--cn", "a.example.com", "--ttl", "1d", "--out", "a")
    assert pki.certificate(admin.text("a.crt")).issuer.rfc4514_string() == f"CN=Made {name}"
    refused = admin.run("issue", "--profile", name, "--cn", "a.example.net", "--ttl", "1d", "--out",
                        "b", code=1)
    assert "common" in refused.stderr and not (admin.folder / "b.key").exists()
    admin.run("profile", "delete", name)
    assert f"there is no profile '{name}'" in admin.run("profile", "show", name, code=1).stderr
    assert f"The policy {policy['id']} is deleted." in \
        admin.run("policy", "delete", policy["id"]).stdout
    assert "(400 BadRequest" in admin.run("ca", "delete", name, code=1).stderr


def test_documents_that_are_none(admin):
    for text, word in (("{\"name\": ", "not JSON"), ("- a\n", "members"), ("a: [", "1:"),
                       ("{\"a\": 1, \"a\": 2}", "duplicate"), ("", "members")):
        ended = admin.run("policy", "create", "-", stdin=text, code=4)
        assert word in ended.stderr, ended.stderr
    ended = admin.run("policy", "create", "-", stdin=json.dumps({"name": 7, "subject": "x"}), code=1)
    assert re.search(r"^  subject: ", ended.stderr, re.M), ended.stderr
    assert re.search(r"^\(422 ValidationFailure, req-\w{14}\)$", ended.stderr, re.M), ended.stderr


def test_pages(admin, place):
    """A list that is longer than a page is read on, by hand and to its end."""
    word = fresh("page")
    for i in range(5):
        issue(admin, place, f"{word}-{i}.example.com")
    first = admin.run("list", "--search", word, "--limit", "2")
    cursor = re.search(r"--cursor (\S+),", first.stderr).group(1)
    second = admin.run("list", "--search", word, "--limit", "2", "--cursor", cursor)
    names = re.findall(rf"{word}-\d", first.stdout + second.stdout)
    assert len(names) == 4 == len(set(names))
    every = admin.run("list", "--search", word, "--limit", "2", "--all")
    assert len(re.findall(rf"{word}-\d", every.stdout)) == 5 and every.stderr == ""
    pages = admin.run("list", "--search", word, "--limit", "2", "--all", "--json").stdout
    assert [len(json.loads(page)["certificates"]) for page in pages.splitlines()][:2] == [2, 2]


def test_json_is_what_the_server_said(admin, place, server):
    made = admin.json("issue", "--profile", place.profile_id, "--cn", "j.example.com",
                      "--ttl", "1d")
    assert set(made) >= {"certificate", "status", "certificateRequestId"}
    assert not list(admin.folder.glob("*.crt")), "nothing is written unless a file is named"
    path = f"/api/v1/cert-manager/certificates/{made['certificate']['certificateId']}"
    api = Api(server.ready.url, server.ready.token)
    said = admin.run("show", made["certificate"]["certificateId"], "--json").stdout
    assert said == api.call("GET", path).text + "\n"
    both = admin.json("issue", "--profile", place.profile_id, "--cn", "k.example.com", "--ttl", "1d",
                      "--out", "k")
    assert admin.text("k.key") == both["certificate"]["privateKey"]


# --- files -----------------------------------------------------------------------------------------


def test_nothing_is_replaced_unasked(issuer, place, server):
    issue(issuer, place, "same.example.com")
    before = {path.name: path.read_bytes() for path in issuer.folder.glob("same*")}
    api = Api(server.ready.url, server.ready.token)
    count = ok(api.search_certificates(place.project_id, search="same.example.com"))["totalCount"]
    refused = issuer.run("issue", "--profile", place.profile_id, "--cn", "same.example.com", code=4)
    assert "'same.example.com.key' is there already" in refused.stderr
    assert {path.name: path.read_bytes() for path in issuer.folder.glob("same*")} == before
    assert ok(api.search_certificates(place.project_id, search="same.example.com"))["totalCount"] \
        == count, "it must be refused before anything is issued"
    issue(issuer, place, "same.example.com", "--force")
    after = {path.name: path.read_bytes() for path in issuer.folder.glob("same*")}
    assert set(after) == set(before) and after["same.example.com.key"] != \
        before["same.example.com.key"]


def test_a_link_is_not_followed(issuer, place):
    victim = issuer.folder / "victim"
    (issuer.folder / "l.key").symlink_to(victim)
    ended = issuer.run("issue", "--profile", place.profile_id, "--cn", "l.example.com", "--out", "l",
                       "--ttl", "1d", code=4)
    assert "l.key" in ended.stderr and not victim.exists()


def test_interrupted_writes(issuer, place):
    """A disk that takes no more: no file of it, no part of one, and how to get the certificate."""
    ended = issuer.run("issue", "--profile", place.profile_id, "--cn", "full.example.com",
                       "--ttl", "1d", code=4,
                       before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    found = re.search(r"cannot write '.*full.example.com.key': File too large; the certificate is "
                      r"there: 'chancery export (\S+)' fetches it", ended.stderr)
    assert found, ended.stderr
    assert not list(issuer.folder.glob("full*"))
    issuer.run("export", found.group(1), "--out", "full")
    assert pki.same_key(issuer.text("full.key"), issuer.text("full.crt"))


def test_names_that_are_paths_stay_here(issuer, place):
    made = issue(issuer, place, "*.wild.example.com")
    assert made["key"] == "_.wild.example.com.key"
    made = issuer.members("issue", "--profile", place.profile_id, "--cn", "../../etc/x y", "--ttl",
                          "1d")
    assert made["key"] == "_._.._etc_x_y.key"


# --- logging in ------------------------------------------------------------------------------------


def context(client, name="default"):
    return client.config / "chancery" / "contexts" / f"{name}.json"


def test_ways_to_log_in(client, server, place):
    member = place.member("issuer")
    words = ("login", "--url", server.ready.url + "/", "--client-id", member.client_id)
    client.run(*words, "--client-secret-file", "-", stdin=member.client_secret + "\n")
    assert context(client).stat().st_mode & 0o777 == 0o600
    assert context(client).parent.stat().st_mode & 0o777 == 0o700
    assert member.client_secret not in context(client).read_text()
    client.run("profile", "list")
    client.run(*words, "--context", "other", CHANCERY_CLIENT_SECRET=member.client_secret)
    client.run("profile", "list", "--context", "other")
    client.run("profile", "list", CHANCERY_CONTEXT="other")
    assert "chancery login --context third" in client.run("list", CHANCERY_CONTEXT="third",
                                                          code=4).stderr
    assert client.run("login", "--url", server.ready.url, "--client-id", member.client_id,
                      code=2).stderr.startswith("chancery: there is no terminal to ask")
    ended = client.run(*words, "--client-secret-file", "-", stdin="wrong", code=1)
    assert "(401 UnauthorizedError" in ended.stderr
    client.run("list", CHANCERY_URL=server.ready.url, CHANCERY_TOKEN=server.ready.token,
               CHANCERY_PROJECT=place.project_id)


def test_a_token_that_ended_is_replaced(issuer, server):
    before = json.loads(context(issuer).read_text())["token"]
    ok(Api(server.ready.url).revoke_token(accessToken=before))
    issuer.run("profile", "list")
    assert json.loads(context(issuer).read_text())["token"] != before
    (issuer.folder / "secret").unlink()
    ok(Api(server.ready.url).revoke_token(accessToken=json.loads(
        context(issuer).read_text())["token"]))
    assert "secret" in issuer.run("profile", "list", code=4).stderr


def test_log_out(issuer, server):
    token = json.loads(context(issuer).read_text())["token"]
    issuer.run("logout")
    assert not context(issuer).exists()
    assert Api(server.ready.url, token).list_projects().status_code in (401, 403)
    assert "not logged in" in issuer.run("list", code=4).stderr


def test_a_token_that_others_can_read(admin):
    context(admin).chmod(0o644)
    assert "may be read by others" in admin.run("list", code=4).stderr


def test_which_project(client, server, place):
    client.log_in(server.ready.token, server.ready.url)
    said = client.run("list", code=2).stderr
    assert "which project?" in said and "; there are: " in said
    client.run("list", "--project", place.project["slug"])
    client.run("list", "--project", place.project_id)
    assert "(404 NotFound" in client.run("list", "--project", "nobody-s", code=1).stderr


def test_half_an_environment_is_no_other_server(client, server):
    """CHANCERY_URL alone does not mean the context of a log-in somewhere else."""
    client.log_in(server.ready.token, server.ready.url)
    for name in ("CHANCERY_URL", "CHANCERY_TOKEN"):
        said = client.run("list", code=2, **{name: "http://127.0.0.1:1"}).stderr
        assert f"{name} is set and CHANCERY_" in said
        client.run("list", "--context", "default", "--project", "development",
                   **{name: "http://127.0.0.1:1"})


def test_what_is_lacking_is_named(client, server, place):
    client.log_in(place.member("auditor"), server.ready.url)
    ended = client.run("issue", "--profile", place.profile_id, "--cn", "x.example.com", code=1)
    assert "(403 PermissionDenied, req-" in ended.stderr


# --- at a terminal ---------------------------------------------------------------------------------


def test_life_at_a_terminal(client, server, place):
    member = place.member("issuer")
    terminal = Terminal(client, "login", "--url", server.ready.url, "--client-id", member.client_id)
    terminal.read_until("client secret: ")
    assert not terminal.echoes()
    terminal.type(member.client_secret + "\n")
    assert terminal.wait() == 0, terminal.seen
    assert member.client_secret not in terminal.seen and "Logged in" in terminal.seen
    name = "a-rather-long-name-for-a-machine.department.example.com"
    terminal = Terminal(client, "issue", "--profile", place.profile_id, "--cn", name, "--ttl", "1d",
                        "--out", "t")
    assert terminal.wait() == 0
    (made,) = re.findall(r"^id +(\S+)", terminal.seen, re.M)
    for columns in (60, 100, 400):
        terminal = Terminal(client, "list", "--search", name, columns=columns)
        assert terminal.wait() == 0
        lines = terminal.seen.replace("\r", "").splitlines()
        assert len(lines) == 2 and all(len(line) <= columns for line in lines), terminal.seen
        assert (name in terminal.seen) == (columns == 400), terminal.seen
        assert made in terminal.seen, "an id that is cut is of no use"
        assert ("…" in terminal.seen) == (columns != 400)


def test_control_c_while_a_secret_is_asked_for(client, server):
    terminal = Terminal(client, "login", "--url", server.ready.url, "--client-id", "x")
    terminal.read_until("client secret: ")
    terminal.type("\x03")
    terminal.read_until()
    echo = terminal.echoes()
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == -2
    os.close(terminal.fd)
    assert echo, "the terminal is left without its echo"


# --- the tables ------------------------------------------------------------------------------------


def commands_of(text):
    """{"issue": "Ask for …"} of a help's page."""
    return dict(re.findall(r"^  ([a-z]\w*) {2,}(.+)$", text.split("\nCommands:\n")[1], re.M))


def test_both_programs_name_the_same_commands(client):
    """`chancery` knows the client's commands by name only: here its list is held to the client's."""
    own = commands_of(client.run("--help", program=CLIENT).stdout)
    all_of_them = commands_of(client.run("--help").stdout)
    assert own.pop("ca").startswith("Certificate authorities")
    assert own.items() <= all_of_them.items(), own.items() - all_of_them.items()
    authorities = commands_of(client.run("ca", "--help", program=CLIENT).stdout)
    assert authorities.items() <= commands_of(client.run("ca", "--help").stdout).items()
    for word in own:
        assert client.run(word, "--help").stdout == client.run(word, "--help", program=CLIENT).stdout
        assert client.run("help", word).stdout == client.run(word, "--help").stdout
        assert client.run(word, "--help").stdout.startswith(f"Usage: chancery {word}")


def complete(client, *words):
    return [line.split("\t")[0] for line in client.run("complete", *words).stdout.splitlines()]


def test_installed(client, tmp_path):
    """Where they are installed, `chancery` finds the client's program from its own place."""
    subprocess.run(["cmake", "--install", daemons.BUILD, "--component", "chancery", "--prefix",
                    tmp_path / "usr"], check=True, capture_output=True)
    program = tmp_path / "usr" / "bin" / "chancery"
    assert "chancery complete" in client.run("completion", "bash", program=program).stdout
    (tmp_path / "usr" / "libexec" / "chancery" / "chancery-client").unlink()
    assert "cannot run the client's program" in client.run("list", program=program, code=1).stderr


def test_completion(client):
    assert {"serve", "issue", "profile"} <= set(complete(client, ""))
    assert complete(client, "iss") == ["issue"]
    assert complete(client, "profile", "") == ["create", "list", "show", "delete"]
    assert {"rollover", "create"} <= set(complete(client, "ca", ""))
    assert complete(client, "request", "") == ["list", "show", "approve", "reject", "cancel"]
    assert complete(client, "request", "approve", "--c") == ["--context", "--comment"]
    assert complete(client, "request", "approve", "--b") == ["--bypass-reason"]
    assert complete(client, "request", "reject", "--b") == []
    assert complete(client, "request", "show", "--a") == ["--approval"]
    assert complete(client, "request", "list", "--a") == ["--approvals", "--all"]
    assert complete(client, "project", "") == ["list", "create", "show"]
    assert complete(client, "project", "create", "--s") == ["--slug"]
    assert {"--username", "--password-file"} <= set(complete(client, "login", "--"))
    assert complete(client, "revoke", "--re") == ["--reason"]
    assert complete(client, "revoke", "--reason", "--re") == []
    assert complete(client, "serve", "--con") == ["--config"]
    assert complete(client, "issue", "x") == []
    client.run("completion", "tcsh", code=2)
    for shell in ("bash", "zsh", "fish"):
        assert "chancery complete" in client.run("completion", shell).stdout


@pytest.mark.parametrize("words, found", [("request l", "list"), ("request app", "approve"),
                                          ("project cr", "create"),
                                          ("request reject --comm", "--comment"),
                                          ("login --user", "--username")])
def test_completion_in_bash(client, words, found):
    script = (f'eval "$(chancery completion bash)"; COMP_WORDS=(chancery {words}); '
              f'COMP_CWORD={len(words.split())}; '
              '_chancery; printf "%s\\n" "${COMPREPLY[@]}"; complete -p chancery')
    ended = subprocess.run(["bash", "-ec", script], text=True, capture_output=True, check=True,
                           env={**client.env, "PATH": f"{daemons.PROGRAM.parent}:/usr/bin:/bin"})
    assert ended.stdout.splitlines()[0] == found and "_chancery" in ended.stdout


def test_usage(admin):
    for words, said in ((("issue",), "--profile"), (("login",), "--url"),
                        (("list", "--limit", "0"), "--limit"), (("export", "x"), "--pkcs12"),
                        (("issue", "--profile", "p", "--wait", "soon"), "--wait"),
                        (("issue", "--profile", "p", "--cert-file", "x"), "--key-file"),
                        (("issue", "--profile", "p", "--csr", "x", "--key-file", "k"), "CSR"),
                        (("show",), "ID"), (("lst",), "did you mean 'list'")):
        assert said in admin.run(*words, code=2).stderr
