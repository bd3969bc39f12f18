"""A syslog server for tests: RFC 5424 over UDP, or over TCP with octet counting (RFC 6587)."""
import json
import re
import socket
import threading

MESSAGE = re.compile(
    rb"<(?P<priority>\d{1,3})>1 "
    rb"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z) "
    rb"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<process>[!-~]{1,128}) "
    rb"(?P<kind>[!-~]{1,32}) "
    rb"(?P<data>(\[[!-<>-~]+( [!-<>-~]+=\"[^\"\\\]]*\")*\])+) (?P<text>[ -~]*)")


class Message:
    def __init__(self, octets):
        found = MESSAGE.fullmatch(octets)
        assert found, f"no message of RFC 5424: {octets!r}"
        self.octets = octets
        self.priority = int(found["priority"])
        self.kind = found["kind"].decode()
        self.app = found["app"].decode()
        self.sequence = int(re.search(rb'\[meta sequenceId="(\d+)"\]', found["data"])[1])
        assert b'[origin software="chancery" swVersion="' in found["data"]
        self.json = json.loads(found["text"])


def frames(octets):
    """The whole frames at the beginning of a stream, and what is left of it."""
    whole = []
    while octets:
        head = re.match(rb"([1-9]\d{0,6}) ", octets)
        if head is None:
            assert re.fullmatch(rb"[1-9]\d{0,6}", octets), f"no frame: {octets[:60]!r}"
            break
        end = head.end() + int(head[1])
        if len(octets) < end:
            break
        whole.append(octets[head.end():end])
        octets = octets[end:]
    return whole, octets


class Server:
    """Listens from `start` to `stop`, on the same port each time; `reads` or only accepts."""

    def __init__(self, way, reads=True):
        self.way, self.reads = way, reads
        self.port = 0
        self.messages, self.troubles = [], []
        self.thread = self.ends = self.socket = None

    @property
    def url(self):
        return f"{self.way}://127.0.0.1:{self.port}"

    def start(self):
        kind = socket.SOCK_STREAM if self.way == "tcp" else socket.SOCK_DGRAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        size = 1 << 22 if self.reads else 1  # of one that reads nothing: as little as there is
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        self.socket.bind(("127.0.0.1", self.port))
        self.port = self.socket.getsockname()[1]
        self.socket.settimeout(0.1)
        if self.way == "tcp":
            self.socket.listen()
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()
        return self

    def work(self):
        try:
            self.read_stream() if self.way == "tcp" else self.read_datagrams()
        except Exception as trouble:  # told by stop(), in the test's own thread
            self.troubles.append(trouble)

    def read_datagrams(self):
        while not self.ends.is_set():
            try:
                self.messages.append(Message(self.socket.recv(1 << 17)))
            except TimeoutError:
                pass

    def read_stream(self):
        while not self.ends.is_set():
            try:
                connection, _ = self.socket.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(0.1)
                self.read_connection(connection)

    def read_connection(self, connection):
        left = b""
        while not self.ends.is_set():
            if not self.reads:
                self.ends.wait(0.1)
                continue
            try:
                octets = connection.recv(1 << 16)
            except TimeoutError:
                continue
            if octets == b"":
                return
            whole, left = frames(left + octets)
            self.messages.extend(map(Message, whole))

    def stop(self):
        if self.thread is not None:
            self.ends.set()
            self.thread.join()
            self.socket.close()
            self.thread = None
        assert not self.troubles, self.troubles

    def ids(self):
        """Of the rows that came."""
        return {message.json["id"] for message in self.messages if message.kind == "audit.row"}
