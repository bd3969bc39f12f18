"""The plugin `notify` against real receivers: HTTPS and SMTP servers of Python, over TLS."""
import email.utils
import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import subprocess
import time
import types

import pytest

from mail_server import MailServer
from receiver import Authority, Receiver

TOOL = os.environ.get("NOTIFY_TOOL")
PLUGIN = os.environ.get("NOTIFY_PLUGIN")
OK, DENIED, BAD_INPUT, TRY_LATER = 0, 3, 4, 6
ID = "0190c3a1-7a00-7000-8000-000000000001"


def run_tool(channel, config, *words, options=(), allow=True, env=None):
    command = [TOOL, PLUGIN]
    for option in options:
        command += ["--option", option]
    command += ["--channel", channel]
    for pair in config:
        command += ["--config", pair]
    command += (["--allow"] if allow else []) + [str(word) for word in words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **(env or {})})


def tell(channel, config, *words, **how):
    """What became of a notification."""
    done = run_tool(channel, config, *words, **how)
    assert done.returncode == 0, done.stderr
    said = types.SimpleNamespace(issues=[], log=done.stderr)
    for line in done.stdout.splitlines():
        name, _, value = line.partition(" ")
        if name == "issue":
            said.issues.append(value)
        else:
            setattr(said, name, value if name == "message" else int(value))
    return said


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def receiver(authority):
    with Receiver(authority) as receiver:
        yield receiver


def post(receiver, authority, *words, secret=None, path="/hook", name=None, **how):
    config = [f"url={receiver.url(path, name)}"]
    if secret is not None:
        config.append(f"signing_secret={secret}")
    return tell("webhook", config, "--ca", authority.ca_file, *words, **how)


def refused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- webhooks --------------------------------------------------------------------------------------


def test_a_webhook_is_a_cloud_event(receiver, authority):
    said = post(receiver, authority, path="/hook?channel=7")
    assert (said.status, said.code, said.retry) == (OK, 204, 0), said.message
    [request] = receiver.requests
    assert request.path == "/hook?channel=7"
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert "x-infisical-signature" not in request.headers
    assert "expect" not in request.headers and "authorization" not in request.headers
    assert request.json == {
        "specversion": "1.0", "id": ID, "type": "com.example.certificate.expiration",
        "source": "/projects/one", "subject": "certificates",
        "time": "2026-01-15T12:00:00.123456Z", "datacontenttype": "application/json",
        "data": {"certificates": [{"commonName": "a.example"}], "total": 1}}


def test_a_webhook_is_signed(receiver, authority):
    before = int(time.time() * 1000)
    assert post(receiver, authority, secret="hush, hush").status == OK
    [request] = receiver.requests
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", request.headers["x-infisical-signature"])
    assert found, request.headers
    assert before - 1000 <= int(found[1]) <= int(time.time() * 1000) + 1000
    expected = hmac.new(b"hush, hush", found[1].encode() + b"." + request.body, hashlib.sha256)
    assert found[2] == expected.hexdigest()
    assert b"hush" not in request.body


def test_data_goes_as_it_is(receiver, authority):
    data = {"text": "Zürich \u2028 \" \\ </script>", "big": 2 ** 53 + 1, "none": None, "deep": [[{}]]}
    assert post(receiver, authority, "--data", json.dumps(data)).status == OK
    assert receiver.requests[0].json["data"] == data


@pytest.mark.parametrize("data", ["", "[1]", "{", '{"a":1,"a":2}', "7"])
def test_data_that_is_no_object_is_not_sent(receiver, authority, data):
    assert post(receiver, authority, "--data", data).status == BAD_INPUT
    assert receiver.connections == 0


@pytest.mark.parametrize("code, status", [
    (200, OK), (202, OK), (299, OK), (301, TRY_LATER), (302, TRY_LATER), (307, TRY_LATER),
    (304, TRY_LATER), (400, BAD_INPUT), (401, TRY_LATER), (403, TRY_LATER), (404, TRY_LATER),
    (410, BAD_INPUT), (413, BAD_INPUT), (415, BAD_INPUT), (422, BAD_INPUT), (429, TRY_LATER),
    (500, TRY_LATER), (503, TRY_LATER), (599, TRY_LATER)])
def test_what_an_answer_means(receiver, authority, code, status):
    receiver.answer = (code, {"Location": receiver.url("/other")}, b"" if code == 304 else b"SAY")
    said = post(receiver, authority, secret="hush")
    assert (said.status, said.code) == (status, code), said.message
    assert len(receiver.requests) == 1, "a redirect was followed"
    assert "SAY" not in said.message and "hush" not in said.message and "/hook" not in said.message
    if status != OK:
        assert str(code) in said.message and "127.0.0.1" in said.message


@pytest.mark.parametrize("value, least, most", [
    ("7", 7, 7), ("0", 0, 0), ("-5", 0, 0), ("soon", 0, 0), ("999999999999", 86400, 86400),
    (lambda: email.utils.formatdate(time.time() + 600, usegmt=True), 500, 600),
    (lambda: email.utils.formatdate(time.time() - 600, usegmt=True), 0, 0)])
def test_receivers_say_when_to_come_again(receiver, authority, value, least, most):
    receiver.answer = (429, {"Retry-After": value() if callable(value) else value}, b"")
    said = post(receiver, authority)
    assert said.status == TRY_LATER
    assert least * 10 ** 6 <= said.retry <= most * 10 ** 6


# --- hostile receivers -----------------------------------------------------------------------------


def test_a_receiver_that_says_nothing_is_left(receiver, authority):
    receiver.answer = lambda handler: time.sleep(20)
    said = post(receiver, authority, "--deadline", 700)
    assert (said.status, said.code) == (TRY_LATER, 0)
    assert "in time" in said.message
    assert 600 <= said.took < 4000


def test_the_option_bounds_a_delivery_too(receiver, authority):
    receiver.answer = lambda handler: time.sleep(20)
    said = post(receiver, authority, options=["timeout=600ms"])
    assert said.status == TRY_LATER and 500 <= said.took < 4000


def test_a_cancelled_delivery_ends(receiver, authority):
    receiver.answer = lambda handler: time.sleep(20)
    said = post(receiver, authority, "--cancel", 300, "--deadline", 30000)
    assert said.status == TRY_LATER and "cancelled" in said.message
    assert said.took < 5000


def test_nothing_is_called_for_a_cancelled_or_late_one(receiver, authority):
    assert post(receiver, authority, "--deadline", 0).status == TRY_LATER
    assert receiver.connections == 0


@pytest.fixture(scope="module")
def hanging_resolver(tmp_path_factory):
    """The environment of a machine whose name server says nothing for eight seconds."""
    folder = tmp_path_factory.mktemp("resolver")
    source, library = folder / "resolver.c", folder / "resolver.so"
    source.write_text(
        "#include <netdb.h>\n#include <unistd.h>\n"
        "int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,\n"
        "                struct addrinfo **result)\n"
        "{\n    (void)name, (void)service, (void)hints, (void)result;\n"
        "    sleep(8);\n    return EAI_AGAIN;\n}\n", encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library], check=True)
    asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {"LD_PRELOAD": str(library), "ASAN_OPTIONS": asan.lstrip(":")}


def test_a_name_server_that_hangs_is_not_waited_for(hanging_resolver):
    start = time.monotonic()
    said = tell("webhook", ["url=https://slow.example/"], "--deadline", 700, env=hanging_resolver)
    assert said.status == TRY_LATER and "in time" in said.message and said.took < 3000
    assert time.monotonic() - start < 6, "its thread was waited for"


def endless(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        handler.wfile.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")


def endless_headers(handler):
    handler.wfile.write(b"HTTP/1.1 500 No\r\n")
    while True:
        handler.wfile.write(b"X: " + b"x" * 1000 + b"\r\n")


def endless_patience(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    time.sleep(20)


def no_http(handler):
    handler.wfile.write(b"\x00\xff" * 5000)


def informed(handler):
    while True:
        handler.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)


@pytest.mark.parametrize("answer, status, code", [
    (endless, OK, 200), (endless_headers, TRY_LATER, 500), (no_http, TRY_LATER, 0),
    (informed, TRY_LATER, 0)])
def test_an_answer_without_end_is_dropped(receiver, authority, answer, status, code):
    receiver.answer = answer
    said = post(receiver, authority, "--deadline", 20000)
    assert (said.status, said.code) == (status, code), said.message
    assert said.took < 5000, "it was read until the deadline"


def test_an_answer_that_drips_has_been_given(receiver, authority):
    receiver.answer = endless_patience
    said = post(receiver, authority, "--deadline", 1000)
    assert (said.status, said.code) == (OK, 200) and said.took < 5000, said.message


# --- where to --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_no_inner_address_is_called_in_any_form(receiver, authority, name):
    said = post(receiver, authority, name=name, allow=False)
    assert said.status == DENIED and said.asked >= 1, said.message
    assert "is not called" in said.message
    assert receiver.connections == 0


def test_the_address_that_is_asked_about_is_the_one_that_is_called(receiver, authority):
    said = post(receiver, authority, name="localhost")
    assert said.status == OK and said.asked >= 1


def test_ipv6(authority):
    with Receiver(authority, host="::1") as receiver:
        assert post(receiver, authority, allow=False).status == DENIED
        assert receiver.connections == 0
        assert post(receiver, authority).status == OK


def test_no_proxy_of_the_environment_is_used(receiver, authority):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.2)
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        env = {name: url for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")}
        assert post(receiver, authority, env=env).status == OK
        with pytest.raises(TimeoutError):
            proxy.accept()


@pytest.mark.parametrize("url", [
    "http://127.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/",
    "https://user@127.0.0.1/", "https://user:word@127.0.0.1/", "https://:word@127.0.0.1/",
    "https://127.0.0.1/#part", "https://", "https:///path", "127.0.0.1", "//127.0.0.1/", "",
    "https://127.0.0.1/\r\nX-Injected: yes", "https://127.0.0.1/ HTTP/1.1", "https://127.0.0.1/\t",
    "https://127.0.0.1\\@example.com/", "https://example.com\n", "https://zürich.example/",
    "https://127.0.0.1:99999/", "https://127.0.0.1:port/", "https://[::1/", "HTTP://127.0.0.1/",
    "https://a.example/" + "x" * 2040])
@pytest.mark.parametrize("channel, option", [("webhook", "url"), ("slack", "webhook_url")])
def test_what_is_no_https_url_is_refused(channel, option, url):
    member = "/url" if option == "url" else "/webhookUrl"
    checked = tell(channel, [f"{option}={url}"], "--check")
    assert checked.status == BAD_INPUT and checked.issues == [member], checked.message
    assert checked.message.startswith(member[1:])
    said = tell(channel, [f"{option}={url}"])
    assert said.status == BAD_INPUT and said.asked == 0


@pytest.mark.parametrize("url", ["https://hooks.example.com/pki", "HTTPS://Hooks.example.com:8443/?a=b%20c",
                                 "https://[2001:db8::1]/", "https://xn--zrich-kva.example/"])
def test_a_check_connects_nowhere(url):
    said = tell("webhook", [f"url={url}"], "--check", allow=False)
    assert said.status == OK and said.asked == 0, said.message


def test_a_long_secret_is_refused():
    said = tell("webhook", ["url=https://a.example/", "signing_secret=" + "x" * 257], "--check")
    assert said.status == BAD_INPUT and said.issues == ["/signingSecret"]


# --- TLS -------------------------------------------------------------------------------------------


def test_a_certificate_of_another_ca_is_not_accepted(receiver, tmp_path):
    said = post(receiver, Authority(tmp_path))
    assert said.status == TRY_LATER and "certificate" in said.message
    assert not receiver.requests


def test_the_systems_cas_do_not_know_ours(receiver):
    said = tell("webhook", [f"url={receiver.url()}"])
    assert said.status == TRY_LATER and not receiver.requests


def test_a_certificate_of_another_name_is_not_accepted(authority):
    with Receiver(authority, "other.example") as receiver:
        said = post(receiver, authority)
        assert said.status == TRY_LATER and not receiver.requests


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_not_spoken(authority, newest):
    with Receiver(authority, "127.0.0.1", newest=newest) as receiver:
        said = post(receiver, authority)
        assert said.status == TRY_LATER and not receiver.requests


def test_tls_1_2_is_spoken(authority):
    with Receiver(authority, "127.0.0.1", newest=ssl.TLSVersion.TLSv1_2) as receiver:
        assert post(receiver, authority).status == OK


def test_a_ca_file_that_is_not_there_is_told_at_the_start(tmp_path):
    done = run_tool("webhook", ["url=https://a.example/"], "--ca", tmp_path / "none.pem")
    assert done.returncode == 3
    assert "outbound.ca_file" in done.stderr and "none.pem" in done.stderr


# --- Slack -----------------------------------------------------------------------------------------


def slack(receiver, authority, *words):
    return tell("slack", [f"webhook_url={receiver.url('/services/T0/B0/hush')}"], "--ca",
                authority.ca_file, *words)


def test_slack_gets_plain_words(receiver, authority):
    said = slack(receiver, authority, "--title", "<!channel> & *Zürich*", "--text", "a <b|c>\nd\n")
    assert said.status == OK
    [request] = receiver.requests
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.json == {"text": "&lt;!channel&gt; &amp; *Zürich*\na &lt;b|c&gt;\nd\n",
                            "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def test_slack_is_not_told_the_title_twice(receiver, authority):
    said = slack(receiver, authority, "--title", "1 ends", "--text", "1 ends:\n\na\n")
    assert said.status == OK
    assert receiver.requests[0].json["text"] == "1 ends:\n\na\n"


def test_slack_gets_no_more_than_it_takes(receiver, authority):
    assert slack(receiver, authority, "--text", "ü" * 20000).status == OK
    text = receiver.requests[0].json["text"]
    assert text.startswith("A certificate ends\nü") and 29000 < len(text.encode()) <= 30001


def test_slacks_url_is_a_secret(receiver, authority):
    receiver.answer = (404, {}, b"no_team")
    said = slack(receiver, authority)
    assert said.status == TRY_LATER
    assert "hush" not in said.message + said.log and "no_team" not in said.message + said.log


# --- mail ------------------------------------------------------------------------------------------


def mail(server, authority, *words, recipients=("ops@example.com",), allow=False, options=(), **more):
    given = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_tls": server.mode,
             "smtp_from": "pki@chancery.example", "smtp_ca_file": authority.ca_file}
    if server.user is not None:
        given |= {"smtp_user": server.user, "smtp_password": server.password}
    given |= more
    return tell("email", [f"recipients={recipient}" for recipient in recipients], *words,
                options=[f"{name}={value}" for name, value in given.items()] + list(options),
                allow=allow)


@pytest.mark.parametrize("mode", ["starttls", "implicit", "none"])
def test_mail_arrives(authority, mode):
    with MailServer(authority, mode) as server:
        said = mail(server, authority, recipients=["ops@example.com", "pki+night@sub.example.org"])
        assert (said.status, said.code, said.asked) == (OK, 250, 0), said.message
        [got] = server.mails
    assert got.sender == "pki@chancery.example"
    assert got.recipients == ["ops@example.com", "pki+night@sub.example.org"]
    message = got.message
    assert message["From"] == "pki@chancery.example"
    assert message["To"] == "ops@example.com, pki+night@sub.example.org"
    assert message["Subject"] == "A certificate ends"
    assert message["Message-ID"] == f"<{ID}@chancery.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert abs(message["Date"].datetime.timestamp() - time.time()) < 60
    assert message.get_content_type() == "text/plain" and message.get_content_charset() == "utf-8"
    assert got.text == "a.example ends on 2026-02-01.\r\nRenew it.\r\n".replace("\r\n", "\n") or \
        got.text.splitlines() == ["a.example ends on 2026-02-01.", "Renew it."]
    assert not message.defects
    assert all(len(line) <= 78 for line in got.octets.split(b"\r\n"))
    assert b"\n" not in got.octets.replace(b"\r\n", b"")


def test_log_in_happens_behind_tls(authority):
    with MailServer(authority, user="chancery", password="hush hush") as server:
        said = mail(server, authority)
        assert said.status == OK, said.message
        assert server.log_ins == [("chancery", "hush hush", True)]
        wrong = mail(server, authority, smtp_password="wrong")
        assert wrong.status == TRY_LATER and wrong.code == 535
        assert "wrong" not in wrong.message + wrong.log
        assert len(server.mails) == 1


def test_nobody_talks_us_out_of_tls(authority):
    with MailServer(authority, "none") as server:
        said = mail(server, authority, smtp_tls="starttls", smtp_user="u", smtp_password="hush")
        assert said.status == TRY_LATER
        assert not server.mails and not server.log_ins
        assert not [line for line in server.commands if line.startswith(("MAIL", "AUTH"))]


@pytest.mark.parametrize("names", [("other.example",), None])
def test_a_mail_server_is_verified(authority, tmp_path, names):
    ours = authority if names else Authority(tmp_path)
    with MailServer(authority, names=names or ("127.0.0.1",)) as server:
        said = mail(server, ours)
        assert said.status == TRY_LATER and not server.mails


@pytest.mark.parametrize("text, lines", [
    (".\n..\n.hidden\n", [".", "..", ".hidden"]),
    ("x" * 5000 + "\nÜberfällig\n", ["x" * 5000, "Überfällig"]),
    ("", []),
    ("Subject: no\n\nbody\r\nend\n", ["Subject: no", "", "body", "end"])])
def test_every_text_arrives_as_it_is(authority, text, lines):
    with MailServer(authority) as server:
        assert mail(server, authority, "--text", text).status == OK
        assert server.mails[0].text.splitlines() == lines


@pytest.mark.parametrize("title", [
    "Zürich", "証明書の期限" * 12, "x" * 300, "=?utf-8?B?AAAA?=", "a =?b", "\U0001f512" * 40, "ends, now", ""])
def test_every_title_arrives_as_it_is(authority, title):
    with MailServer(authority) as server:
        assert mail(server, authority, "--title", title).status == OK
        [got] = server.mails
    assert (got.message["Subject"] or "") == title
    assert all(len(line) <= 78 for line in got.octets.split(b"\r\n"))


@pytest.mark.parametrize("title", ["a\r\nBcc: all@example.com", "a\nb", "a\rb", "a\x1bb", "a\x7fb"])
def test_a_title_is_one_line(authority, title):
    with MailServer(authority) as server:
        assert mail(server, authority, "--title", title).status == BAD_INPUT
        assert not server.commands


def test_an_id_is_no_header(authority):
    with MailServer(authority) as server:
        assert mail(server, authority, "--id", "a>\r\nBcc: <b@c.d").status == OK
        [got] = server.mails
    assert got.message["Message-ID"] == "<a---Bcc---b-c-d@chancery.example>"
    assert got.message["Bcc"] is None


BAD_ADDRESSES = [
    "", "ops", "@example.com", "ops@", "a@b@c.example", "a b@c.example", "<a@b.example>", "a@b.example>",
    "a@b.example\r\nRCPT TO:<x@y.example>", "a\n@b.example", '"a b"@c.example', "a..b@c.example",
    ".a@b.example", "a.@b.example", "a@-b.example", "a@b-.example", "a@b..example", "a@.example",
    "a@[127.0.0.1]", "a@b.example.", "ü@b.example", "a@ü.example", "a@b_c.example", "a,b@c.example",
    "x" * 65 + "@b.example", "a@" + "b." * 126 + "example", "a@" + "x" * 64 + ".example"]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_what_is_no_address_gets_no_mail(authority, address):
    with MailServer(authority) as server:
        for words in (["--check"], []):
            said = mail(server, authority, *words, recipients=["ops@example.com", address])
            assert said.status == BAD_INPUT and said.issues == ["/recipients"], said.message
            assert "number 2" in said.message
        assert not server.commands


@pytest.mark.parametrize("recipients", [[], [f"ops{number}@example.com" for number in range(11)]])
def test_one_to_ten_get_mail(authority, recipients):
    with MailServer(authority) as server:
        # None at all is refused before the plugin is asked.
        if recipients:
            assert mail(server, authority, recipients=recipients).status == BAD_INPUT
            assert mail(server, authority, recipients=recipients[:10]).status == OK
            assert server.mails[0].recipients == recipients[:10]


@pytest.mark.parametrize("refused, status, code, count", [
    ({"a@b.example": "550 gone"}, OK, 250, 1),
    ({"a@b.example": "450 busy"}, OK, 250, 1),
    ({"a@b.example": "550 gone", "ops@example.com": "551 gone too"}, BAD_INPUT, 551, 0),
    ({"a@b.example": "550 gone", "ops@example.com": "450 busy"}, TRY_LATER, 450, 0),
    ({"a@b.example": "450-a\r\n450 b", "ops@example.com": "452 c"}, TRY_LATER, 452, 0)])
def test_recipients_are_refused(authority, refused, status, code, count):
    with MailServer(authority) as server:
        server.refused = refused
        said = mail(server, authority, recipients=["a@b.example", "ops@example.com"])
        assert (said.status, said.code, len(server.mails)) == (status, code, count), said.message
        assert "gone" not in said.message and "busy" not in said.message
        if status == OK:
            assert "1 of 2 recipients" in said.log


@pytest.mark.parametrize("at, reply, status, code", [
    ("greeting", "554 go away", TRY_LATER, 554), ("greeting", "421 busy", TRY_LATER, 421),
    ("MAIL", "550 not you", TRY_LATER, 550), ("MAIL", "451 later", TRY_LATER, 451),
    ("MAIL", "552 too large", BAD_INPUT, 552), ("DATA", "451 later", TRY_LATER, 451),
    ("end", "554 spam", BAD_INPUT, 554), ("end", "451 later", TRY_LATER, 451),
    ("end", "552 too large", BAD_INPUT, 552), ("EHLO", "502 no", TRY_LATER, None)])
def test_a_server_refuses(authority, at, reply, status, code):
    with MailServer(authority, "none") as server:
        server.replies[at] = reply
        said = mail(server, authority)
        assert said.status == status, said.message
        assert code is None or said.code == code
        assert reply[4:] not in said.message


def test_a_mail_server_that_is_away_is_tried_again(authority):
    server = MailServer(authority)
    server.port = refused_port()
    said = mail(server, authority)
    assert (said.status, said.code) == (TRY_LATER, 0) and "127.0.0.1" in said.message


def test_a_mail_server_that_hangs_is_left(authority):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = MailServer(authority, "none")
        server.port = silent.getsockname()[1]
        said = mail(server, authority, "--deadline", 700)
        assert said.status == TRY_LATER and said.took < 4000


def test_without_a_server_no_mail_is_sent():
    said = tell("email", ["recipients=ops@example.com"], "--check")
    assert said.status == BAD_INPUT and "smtp_host" in said.message


@pytest.mark.parametrize("options, word", [
    (["smtp_host=mail.example"], "smtp_from"),
    (["smtp_host=mail.example", "smtp_from=nobody"], "smtp_from"),
    (["smtp_host=mail.example", "smtp_from=a@b.example\r\nX: y"], "smtp_from"),
    (["smtp_host=smtp://mail.example", "smtp_from=a@b.example"], "smtp_host"),
    (["smtp_host=mail.example/x", "smtp_from=a@b.example"], "smtp_host"),
    (["smtp_host=u@mail.example", "smtp_from=a@b.example"], "smtp_host"),
    (["smtp_host=mail.example", "smtp_from=a@b.example", "smtp_user=u"], "smtp_password"),
    (["smtp_host=mail.example", "smtp_from=a@b.example", "smtp_user=u", "smtp_password=hush",
      "smtp_tls=none"], "smtp_tls"),
    (["smtp_host=mail.example", "smtp_from=a@b.example", "smtp_ca_file=/nowhere/ca.pem"],
     "smtp_ca_file")])
def test_options_are_checked_at_the_start(options, word):
    done = run_tool("email", ["recipients=ops@example.com"], options=options)
    assert done.returncode == 3
    assert word in done.stderr and "hush" not in done.stderr
