"""Who alerts tell: an HTTPS receiver and a mail server for tests, which do as they are told."""
import datetime
import email
import email.policy
import hashlib
import hmac
import http.server
import ipaddress
import json
import re
import socketserver
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATIENCE = 60


def until(condition, patience=PATIENCE):
    """Waits for a condition to hold, and gives what it gave."""
    end = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"waited {patience} s in vain"
        time.sleep(0.05)


def _sign(name, key, issuer, signer, is_ca):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (x509.CertificateBuilder().subject_name(name).issuer_name(issuer)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(days=1))
               .not_valid_after(now + datetime.timedelta(days=3650))
               .add_extension(x509.BasicConstraints(is_ca, None), True))
    if not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]), False)
    return builder.sign(signer, hashes.SHA256())


class Authority:
    """A CA of the receivers' own: `file` is what outbound.ca_file names."""

    def __init__(self, folder):
        def named(text):
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
        folder.mkdir(parents=True, exist_ok=True)
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _sign(named("Receivers"), root_key, named("Receivers"), root_key, True)
        leaf = _sign(named("127.0.0.1"), key, named("Receivers"), root_key, False)
        self.file = folder / "receivers.pem"
        self.file.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self._server = folder / "server.pem"
        self._server.write_bytes(
            leaf.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server)
        return context


class Post:
    """One request that a receiver got."""

    def __init__(self, path, headers, body, status):
        self.path = path
        self.headers = headers
        self.body = body
        self.status = status
        self.event = json.loads(body)

    @property
    def data(self):
        return self.event["data"]

    @property
    def sequence(self):
        return self.data["metadata"]["sequence"]

    @property
    def names(self):
        return [one["commonName"] for one in self.data["certificates"]]

    def is_signed(self, secret):
        found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})",
                             self.headers.get("x-infisical-signature", ""))
        assert found, self.headers
        wanted = hmac.new(secret.encode(), found[1].encode() + b"." + self.body, hashlib.sha256)
        return hmac.compare_digest(wanted.hexdigest(), found[2])


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that goes away, as one that is killed does, is no news."""


class Webhook:
    """An HTTPS receiver.  `answer` is the status it gives, or "hang"; with `only` a path's own."""

    def __init__(self, authority, port=0):
        self.posts = []
        self.answer = 204
        self.only = {}
        self.headers = {}
        self._lock = threading.Lock()
        self._free = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver._take(self, body)

            def log_message(self, *arguments):
                pass

        self._server = _Server(("127.0.0.1", port), Handler)
        self._server.socket = authority.context().wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        daemon=True)
        self._thread.start()

    def _take(self, handler, body):
        answer = self.only.get(handler.path, self.answer)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            self.posts.append(Post(handler.path, headers, body, answer))
        if answer == "hang":
            self._free.wait(PATIENCE)
            return
        handler.send_response(answer)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "12")
        handler.end_headers()
        handler.wfile.write(b"top secrets\n")

    def url(self, path="/"):
        return f"https://127.0.0.1:{self.port}{path}"

    def of(self, path, status=None):
        """What came to a path; only what was answered so, if `status` says."""
        with self._lock:
            return [post for post in self.posts
                    if post.path == path and (status is None or post.status == status)]

    def wait(self, path, count=1, status=None, patience=PATIENCE):
        until(lambda: len(self.of(path, status)) >= count, patience)
        return self.of(path, status)

    def close(self):
        self._free.set()
        self._server.shutdown()
        self._server.server_close()


class Mail:
    """What a mail server took."""

    def __init__(self, sender, recipients, content):
        self.sender = sender
        self.recipients = recipients
        self.content = content

    @property
    def message(self):
        return email.message_from_bytes(self.content, policy=email.policy.default)


class MailServer:
    """A mail server (RFC 5321) without TLS, for smtp_tls: none.  `answer` is what it says to the
    content of a mail."""

    def __init__(self, port=0):
        self.mails = []
        self.answer = "250 taken"
        mails = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                mails._talk(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                """A client that goes away is no news."""

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _talk(self, source, sink):
        def say(text):
            sink.write(text.encode() + b"\r\n")
            sink.flush()
        sender, recipients = None, []
        say("220 mail.test ready")
        for line in source:
            words = line.decode("utf-8").strip()
            verb = words.split(" ")[0].split(":")[0].upper()
            if verb in ("EHLO", "HELO"):
                say("250 mail.test")
            elif verb == "MAIL":
                sender, recipients = words[words.index(":") + 1:].split(" ")[0].strip("<>"), []
                say("250 go on")
            elif verb == "RCPT":
                recipients.append(words[words.index(":") + 1:].split(" ")[0].strip("<>"))
                say("250 go on")
            elif verb == "DATA":
                say("354 go on")
                content = b""
                while not content.endswith(b"\r\n.\r\n"):
                    content += source.readline()
                if self.answer.startswith("2"):
                    self.mails.append(Mail(sender, recipients, content[:-3]))
                say(self.answer)
            elif verb == "QUIT":
                say("221 goodbye")
                return
            else:
                say("250 go on")

    def wait(self, count=1, patience=PATIENCE):
        return until(lambda: self.mails if len(self.mails) >= count else None, patience)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
