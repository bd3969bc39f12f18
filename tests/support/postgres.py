"""A private PostgreSQL cluster for tests: made, run and removed again, never by root.

    with Cluster() as cluster:          # or Cluster(tcp=True) for a port on 127.0.0.1
        connect(cluster.conninfo)

The cluster lives in a temporary directory that only its owner may enter, with a socket in it. What
commits is flushed (fsync is on). Its default collation is an ICU one, unlike "C", so that a query
which forgets its collation shows. A guardian process stops the server and removes the directory when
this process ends, however it ends.

For pytest a conftest.py says:

    @pytest.fixture(scope="session")
    def postgres():
        with Cluster() as cluster:
            yield cluster
"""
import glob
import os
import pathlib
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile

SETTINGS = """
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 256MB
max_connections = 200
max_wal_size = 2GB
log_line_prefix = '%m [%p] %a '
log_checkpoints = off
deadlock_timeout = 200ms
"""

# Started beside each cluster; its standard input ends when the owner of the other end ends.
GUARDIAN = """
trap '' INT TERM HUP
cat >/dev/null
"$1/ctl" stop immediate >/dev/null 2>&1
rm -rf -- "$1"
"""

CONTROL = """#!/bin/sh
# ctl start | stop [smart|fast|immediate] | restart [MODE] | status
set -eu
what=$1
mode=${{2:-fast}}
case $what in
start) set -- start -w -t 60 -l '{directory}/log' ;;
stop) set -- stop -w -t 60 -m "$mode" ;;
restart) set -- restart -w -t 60 -m "$mode" -l '{directory}/log' ;;
status) exec >/dev/null; set -- status ;;
*) echo "ctl: start, stop, restart or status" >&2; exit 2 ;;
esac
cd '{directory}'
exec {prefix} '{binaries}/pg_ctl' -s -D '{directory}/data' "$@" </dev/null
"""


def binaries():
    """The folder with initdb and pg_ctl: Debian keeps it off the path."""
    found = shutil.which("initdb")
    if found:
        return str(pathlib.Path(found).resolve().parent)
    folders = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if not folders:
        raise RuntimeError("no initdb here: install postgresql-15")
    newest = max(folders, key=lambda path: float(path.split("/")[4]))
    return os.path.dirname(newest)


def other_user():
    """PostgreSQL refuses to be root: the user to be instead, or None when we are none already."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("neither a user postgres nor nobody to run PostgreSQL as")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """One cluster, running from start() to close()."""

    def __init__(self, tcp=False, settings=""):
        self.port = free_port() if tcp else 5432
        self.tcp = tcp
        self.settings = settings
        self.directory = None
        self.password = secrets.token_urlsafe(16)
        self._guardian = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def conninfo(self):
        """The connection string of the database `chancery`, by socket, or by TCP when asked for."""
        if self.tcp:
            return (f"host=127.0.0.1 port={self.port} dbname=chancery user=chancery "
                    f"password={self.password}")
        return f"host={self.directory} port={self.port} dbname=chancery user=chancery"

    @property
    def control_program(self):
        """A program that starts, stops and restarts the server."""
        return f"{self.directory}/ctl"

    @property
    def log(self):
        return pathlib.Path(self.directory, "log").read_text(encoding="utf-8", errors="replace")

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="chy-pg-", dir="/tmp")
        try:
            self._prepare()
            self.control("start")
            self.create_database("chancery")
        except BaseException:
            self.close()
            raise

    def control(self, *arguments):
        subprocess.run([self.control_program, *arguments], check=True, stdin=subprocess.DEVNULL)

    def create_database(self, name):
        """Makes one more, empty database; returns its connection string."""
        command = [*self._prefix, f"{binaries()}/createdb", "-h", self.directory, "-p",
                   str(self.port), "-U", "chancery", name]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, cwd=self.directory)
        return self.conninfo.replace("dbname=chancery", f"dbname={name}")

    def close(self):
        """Stops the server and removes everything; more than once is fine."""
        if self._guardian is not None:
            self._guardian.stdin.close()
            self._guardian.wait()
            self._guardian = None
        elif self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
        self.directory = None

    def _prepare(self):
        user = other_user()
        self._prefix = []
        if user is not None:
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self._prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                            "--clear-groups"]
        self._write("ctl", CONTROL.format(directory=self.directory, binaries=binaries(),
                                          prefix=" ".join(self._prefix)), 0o755)
        self._guardian = subprocess.Popen(
            ["/bin/sh", "-c", GUARDIAN, "guardian", self.directory], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, start_new_session=True)
        self._write("password", self.password + "\n", 0o644)
        command = [*self._prefix, f"{binaries()}/initdb", "-D", f"{self.directory}/data",
                   "-U", "chancery", "--encoding=UTF8", "--locale=C.UTF-8",
                   "--locale-provider=icu", "--icu-locale=en", "--auth-local=trust",
                   "--auth-host=scram-sha-256", f"--pwfile={self.directory}/password", "--no-sync"]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, cwd=self.directory)
        if made.returncode != 0:
            raise RuntimeError("initdb failed:\n" + made.stdout)
        with open(f"{self.directory}/data/postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(SETTINGS)
            conf.write(f"port = {self.port}\n")
            conf.write(f"unix_socket_directories = '{self.directory}'\n")
            conf.write("listen_addresses = '%s'\n" % ("127.0.0.1" if self.tcp else ""))
            conf.write(self.settings)

    def _write(self, name, text, mode):
        path = pathlib.Path(self.directory, name)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
