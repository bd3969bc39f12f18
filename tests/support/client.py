"""The command-line client as a test has it: a home of its own, pipes or a terminal, and servers that
answer what a test wants."""
import contextlib
import http.server
import json
import os
import pathlib
import pty
import re
import select
import signal
import ssl
import subprocess
import threading
import time

import daemon as daemons

PATIENCE = 60


class Client:
    """`chancery` called in `folder`, where its log-ins are kept too."""

    def __init__(self, folder, **more):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = self.folder / "config"
        env = daemons.environment(HOME=str(self.folder), XDG_CONFIG_HOME=str(self.config), **more)
        self.env = {name: value for name, value in env.items()
                    if not name.startswith("CHANCERY_") or name in more}

    def run(self, *words, stdin=None, code=0, program=None, before=None, **more):
        """Runs it to its end, which must have this exit code; None: any."""
        ended = subprocess.run([program or daemons.PROGRAM, *map(str, words)],
                               env={**self.env, **more}, cwd=self.folder, input=stdin,
                               stdin=subprocess.DEVNULL if stdin is None else None,
                               capture_output=True, text=True, timeout=PATIENCE,
                               start_new_session=True, preexec_fn=before)
        assert not daemons.TROUBLE.search(ended.stderr), ended.stderr
        assert code in (None, ended.returncode), f"{words}: {ended.returncode}\n{ended.stdout}{ended.stderr}"
        return ended

    def json(self, *words, **how):
        return json.loads(self.run(*words, "--json", **how).stdout)

    def members(self, *words, **how):
        """What a command prints for people, as {"id": "…"}."""
        lines = self.run(*words, **how).stdout.splitlines()
        return dict(re.split(r" +", line, maxsplit=1) for line in lines
                    if not line[0].isspace() and not line.endswith(":"))

    def log_in(self, member_or_token, url, *more, **how):
        if isinstance(member_or_token, str):
            return self.run("login", "--url", url, "--token-file", "-", *more,
                            stdin=member_or_token, **how)
        secret = self.folder / "secret"
        secret.write_text(member_or_token.client_secret + "\n")
        secret.chmod(0o600)
        return self.run("login", "--url", url, "--client-id", member_or_token.client_id,
                        "--client-secret-file", secret, *more, **how)

    def mode(self, name):
        return (self.folder / name).stat().st_mode & 0o777

    def text(self, name):
        return (self.folder / name).read_text()


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, client, *words, columns=80):
        self.seen = ""
        self.code = None
        pid, self.fd = pty.fork()
        if pid == 0:
            os.chdir(client.folder)
            # A test run in the background of a script inherits that it ignores this.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execve(daemons.PROGRAM, [str(daemons.PROGRAM), *map(str, words)], client.env)
        self.pid = pid
        import fcntl
        import struct
        import termios
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def echoes(self):
        import termios
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def read_until(self, text=None):
        """Reads until `text` was shown, or to the end."""
        end = time.monotonic() + PATIENCE
        while text is None or text not in self.seen:
            assert time.monotonic() < end, self.seen
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                piece = b""
            if not piece:
                assert text is None, f"no {text!r} in {self.seen!r}"
                break
            self.seen += piece.decode()
        return self.seen

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        self.read_until()
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        assert not daemons.TROUBLE.search(self.seen), self.seen
        return self.code


class Server:
    """An HTTP server that answers what `answer(method, path, body)` gives: (status, bytes or
    JSON[, headers]), or that writes to the connection itself."""

    def __init__(self, answer, certificate=None):
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.command, self.path, body))
                found = answer(self.command, self.path, body)
                if callable(found):
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        found(self.wfile)
                    return
                status, content, *headers = found
                if not isinstance(content, bytes):
                    content = json.dumps(content).encode()
                self.send_response(status)
                for name, value in (headers[0] if headers else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(content)

            do_GET = do_POST = do_DELETE = do_PATCH = handle_any

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
            scheme = "https"
        self.port = self.http.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,),
                                       daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


class Watch:
    """`chancery watch` in the background."""
    started = []

    def __init__(self, client, config, **more):
        self.log_file = client.folder / "watch.log"
        with open(self.log_file, "ab") as log:
            self.popen = subprocess.Popen([daemons.PROGRAM, "watch", str(config)],
                                          env={**client.env, **more}, cwd=client.folder,
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True)
        self.started.append(self)

    @classmethod
    def end_all(cls):
        """Those too that a failing test left running."""
        while cls.started:
            one = cls.started.pop()
            one.popen.kill()
            one.popen.wait()

    def log(self):
        return self.log_file.read_text()

    def until(self, is_so, what):
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert self.popen.poll() is None, f"watch ended: {self.log()}"
            assert time.monotonic() < end, f"{what}: {self.log()}"
            time.sleep(0.05)

    def stop(self, number=signal.SIGTERM):
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        code = self.popen.wait(PATIENCE)
        assert not daemons.TROUBLE.search(self.log()), self.log()
        return code
