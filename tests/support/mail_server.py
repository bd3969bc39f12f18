"""An SMTP server for tests (RFC 5321), with STARTTLS or TLS from the first byte, and log-in."""
import base64
import email
import email.policy
import re
import socketserver
import threading


class Mail:
    def __init__(self, sender, recipients, octets):
        self.sender, self.recipients, self.octets = sender, recipients, octets
        self.message = email.message_from_bytes(octets, policy=email.policy.default)
        self.text = self.message.get_content()


class _Handler(socketserver.StreamRequestHandler):
    def setup(self):
        self.mail_server = self.server.mail_server
        self.request.settimeout(30)
        self.is_secure = False
        if self.mail_server.mode == "implicit":
            self.secure()
        super().setup()

    def secure(self):
        self.request = self.mail_server.context.wrap_socket(self.request, server_side=True)
        self.is_secure = True

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        try:
            self.converse()
        except OSError as trouble:
            self.mail_server.troubles.append(trouble)

    def converse(self):
        server = self.mail_server
        self.user, self.sender, self.recipients = None, None, []
        self.say(server.replies.get("greeting", "220 mail.test ESMTP"))
        while line := self.rfile.readline():
            command = line.decode().rstrip("\r\n")
            server.commands.append(command)
            word = re.split("[ :]", command)[0].upper()
            if word in server.replies:
                self.say(server.replies[word])
            elif word == "QUIT":
                self.say("221 bye")
                return
            elif not getattr(self, "on_" + word.lower(), self.on_unknown)(command):
                return

    def on_unknown(self, _):
        self.say("502 unknown")
        return True

    def on_ehlo(self, _):
        words = ["mail.test", "8BITMIME"]
        if self.mail_server.mode == "starttls" and not self.is_secure:
            words.append("STARTTLS")
        if self.mail_server.user is not None:
            words.append("AUTH PLAIN")
        for number, word in enumerate(words):
            self.say(f"250{' ' if number + 1 == len(words) else '-'}{word}")
        return True

    def on_starttls(self, _):
        self.say("220 go on")
        self.wfile.flush()
        self.secure()
        self.rfile = self.request.makefile("rb")
        self.wfile = socketserver._SocketWriter(self.request)
        return True

    def on_auth(self, command):
        words = command.split(" ")
        if len(words) < 3:
            self.say("334 ")
            words.append(self.rfile.readline().decode().strip())
        _, user, password = base64.b64decode(words[2]).decode().split("\0")
        self.mail_server.log_ins.append((user, password, self.is_secure))
        fine = (user, password) == (self.mail_server.user, self.mail_server.password)
        self.user = user if fine else None
        self.say("235 welcome" if fine else "535 who are you")
        return True

    def on_mail(self, command):
        self.sender, self.recipients = re.search("<(.*?)>", command)[1], []
        self.say("530 log in first" if self.mail_server.user and not self.user else "250 fine")
        return True

    def on_rcpt(self, command):
        recipient = re.search("<(.*?)>", command)[1]
        reply = self.mail_server.refused.get(recipient, "250 fine")
        if reply.startswith("250"):
            self.recipients.append(recipient)
        self.say(reply)
        return True

    def on_data(self, _):
        self.say("354 go on")
        octets = b""
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            octets += line[1:] if line.startswith(b".") else line
        self.mail_server.take(Mail(self.sender, self.recipients, octets))
        self.say(self.mail_server.replies.get("end", "250 taken"))
        return True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass


class MailServer:
    """Takes mail from `start` to `stop`, on the same port each time.  `replies` stand in for what a
    command (or "greeting", "end") is answered with, `refused` for recipients."""

    def __init__(self, authority, mode="starttls", user=None, password=None, names=("127.0.0.1",)):
        self.context = authority.server_context(*names)
        self.mode, self.user, self.password = mode, user, password
        self.mails, self.commands, self.log_ins, self.troubles = [], [], [], []
        self.replies, self.refused = {}, {}
        self.arrived = threading.Condition()
        self.port = 0
        self.server = self.thread = None

    def start(self):
        self.server = _Server(("127.0.0.1", self.port), _Handler)
        self.server.mail_server = self
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

    def take(self, mail):
        with self.arrived:
            self.mails.append(mail)
            self.arrived.notify_all()

    def wait(self, count, patience=30):
        """The first `count` mails, once they are there."""
        with self.arrived:
            there = self.arrived.wait_for(lambda: len(self.mails) >= count, patience)
            assert there, f"{len(self.mails)} of {count} mails came"
            return self.mails[:count]
