"""An HTTPS receiver of notifications for tests, and the CA that its certificate comes from."""
import datetime
import http.server
import ipaddress
import json
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import pki


class Authority:
    """A CA in a folder: `ca_file`, and files for servers of any name."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA of the receivers")])
        self.certificate = self.sign(self.name, self.key.public_key(), x509.BasicConstraints(True, None))
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, subject, public_key, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                   .public_key(public_key).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=800))
                   .not_valid_after(now + datetime.timedelta(days=8000)))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def server_context(self, *names, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        """What a server needs that is called so; `newest` is the newest TLS that it speaks."""
        key = pki.new_key()
        alternatives = [x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() or ":" in name
                        else x509.DNSName(name) for name in names]
        certificate = self.sign(x509.Name([]), key.public_key(),
                                x509.SubjectAlternativeName(alternatives))
        file = self.folder / f"server-{certificate.serial_number}.pem"
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                           serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption())
                         + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        if newest != ssl.TLSVersion.MAXIMUM_SUPPORTED:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.maximum_version = newest
        return context


class Request:
    def __init__(self, handler):
        self.path = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(self.headers.get("content-length", 0)))

    @property
    def json(self):
        return json.loads(self.body)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = Request(self)
        receiver = self.server.receiver
        answer = receiver.take(request)
        if callable(answer):
            answer(self)
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def get_request(self):
        connection, address = super().get_request()
        self.receiver.connections += 1
        connection.settimeout(30)
        return connection, address

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's own thread: one that hangs hinders no other.
        try:
            request = self.receiver.context.wrap_socket(request, server_side=True)
            super().finish_request(request, client_address)
        except OSError as trouble:
            self.receiver.troubles.append(trouble)
        finally:
            request.close()

    def handle_error(self, request, client_address):
        pass


class Receiver:
    """Takes requests from `start` to `stop`, on the same port each time.

    `answers` are given in turn, then `answer` for good: (status, headers, body), or a function of
    the handler, which writes what it likes.
    """

    def __init__(self, authority, *names, host="127.0.0.1", **tls):
        self.context = authority.server_context(*(names or (host, "localhost")), **tls)
        self.host, self.port = host, 0
        self.requests, self.answers, self.troubles = [], [], []
        self.answer = (204, {}, b"")
        self.connections = 0
        self.arrived = threading.Condition()
        self.server = self.thread = None

    def start(self):
        kind = _Server
        if ":" in self.host:
            kind = type("_Server6", (_Server,), {"address_family": socket.AF_INET6})
        self.server = kind((self.host, self.port), Handler)
        self.server.receiver = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
            self.server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def url(self, path="/hook", name=None):
        host = name or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"https://{host}:{self.port}{path}"

    def take(self, request):
        with self.arrived:
            self.requests.append(request)
            self.arrived.notify_all()
            return self.answers.pop(0) if self.answers else self.answer

    def wait(self, count, patience=30):
        """The first `count` requests, once they are there."""
        with self.arrived:
            there = self.arrived.wait_for(lambda: len(self.requests) >= count, patience)
            assert there, f"{len(self.requests)} of {count} requests came"
            return self.requests[:count]
