"""Reading and changing a daemon's database behind its back, on either backend."""
import contextlib
import glob
import shutil
import sqlite3
import subprocess


def psql():
    found = shutil.which("psql") or next(iter(glob.glob("/usr/lib/postgresql/*/bin/psql")), None)
    assert found, "psql is missing: it comes with postgresql-15"
    return found


def execute(one, *statements):
    """Runs statements in one transaction; gives the rows of the last, as texts, blobs in hex."""
    if one.storage == "sqlite":
        with contextlib.closing(sqlite3.connect(one.database, timeout=30)) as database:
            with database:
                for statement in statements:
                    found = database.execute(statement).fetchall()
        return [[value.hex() if isinstance(value, bytes) else str(value) for value in row]
                for row in found]
    command = [psql(), one.conninfo, "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
               "-1", "-c", "SET search_path TO chancery"]
    for statement in statements:
        command += ["-c", statement]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return [[value[2:] if value.startswith("\\x") else value for value in line.split("\t")]
            for line in ended.stdout.splitlines()]


def uuid(one, text):
    """An id as SQL has it."""
    return f"'{text}'" if one.storage == "postgres" else f"x'{text.replace('-', '')}'"
