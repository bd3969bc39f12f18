"""chancery audit verify: what is whole, and each way of tampering with what is stored."""
import re
import time

import pytest

import daemon as daemons
from api import Api, ok
from database import execute
from world import World

WHOLE, NOT_WHOLE = 0, 3
HEAD = re.compile(r"head=([0-9a-f]{64})")


def verify(one, *words):
    ended = daemons.run("audit", "verify", *words, "--data", one.data)
    assert ended.returncode in (WHOLE, NOT_WHOLE), ended.stderr
    assert (ended.returncode == WHOLE) == ("the audit is whole" in ended.stdout), ended.stdout
    return ended


@pytest.fixture
def history(new_daemon):
    """A daemon that wrote audit rows in several seconds, was restarted, and is stopped."""
    one = new_daemon()
    one.log_everything()
    one.restart()
    world = World(Api(one.ready.url, one.ready.token))
    for _ in range(3):
        ok(world.ask())
        time.sleep(1.1)
    one.restart()
    ok(Api(one.ready.url, one.ready.token).create_project(projectName="last"))
    one.stop()
    return one


class Kept:
    """The audit's tables as they were, to be put back after each way of tampering."""

    TABLES = ("audit_events", "audit_blocks", "settings", "leases")

    def __init__(self, one):
        self.one = one
        for table in self.TABLES:
            execute(one, f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")

    def put_back(self):
        for table in self.TABLES:
            execute(self.one, f"DELETE FROM {table}",
                    f"INSERT INTO {table} SELECT * FROM kept_{table}")


def middle(one):
    """The node with the most blocks, and three of its blocks in a row."""
    node = execute(one, "SELECT node FROM audit_blocks GROUP BY node ORDER BY count(*) DESC")[0][0]
    numbers = [int(row[0]) for row in execute(
        one, f"SELECT number FROM audit_blocks WHERE node = '{node}' ORDER BY number")]
    assert len(numbers) >= 3
    return node, numbers[:3], numbers[-1]


def test_whole_beside_a_daemon_and_after_it(new_daemon):
    one = new_daemon()
    World(Api(one.ready.url, one.ready.token))
    verify(one)
    time.sleep(2.2)  # blocks are closed now
    assert "0 rows are of seconds" in verify(one).stdout
    one.stop()
    assert "0 rows are of seconds" in verify(one).stdout
    key = daemons.run("audit", "key", "--data", one.data)
    assert key.returncode == 0 and key.stdout.startswith("-----BEGIN PUBLIC KEY-----")


def test_every_way_of_tampering_is_found(history):
    one = history
    kept = Kept(one)
    verify(one)
    node, (first, second, third), last = middle(one)
    at = f"node = '{node}' AND block"
    in_block = f"node = '{node}' AND number"
    one_row = f"id = (SELECT min(id) FROM audit_events WHERE {at} = {second})"
    if one.storage == "postgres":
        one_row = f"id = (SELECT id FROM audit_events WHERE {at} = {second} ORDER BY id LIMIT 1)"
    other_node = execute(one, f"SELECT node FROM audit_blocks WHERE node <> '{node}' "
                              "ORDER BY closed_at")[0][0]
    blob = "zeroblob(32)" if one.storage == "sqlite" else "decode(repeat('00', 32), 'hex')"
    true = "1" if one.storage == "sqlite" else "true"
    cases = [
        ("a changed row", "was changed", [f"UPDATE audit_events SET action = 'x' WHERE {one_row}"]),
        ("a row by another", "was changed",
         [f"UPDATE audit_events SET actor_id = NULL, peer = 'x' WHERE {one_row}"]),
        ("a missing row", "rows are missing", [f"DELETE FROM audit_events WHERE {one_row}"]),
        ("all rows of a block", "rows are missing",
         [f"DELETE FROM audit_events WHERE {at} = {second}"]),
        ("a row moved to another second", "was changed",
         [f"UPDATE audit_events SET block = {third} WHERE {one_row}"]),
        ("a missing block", "does not follow",
         [f"DELETE FROM audit_blocks WHERE {in_block} = {second}"]),
        ("a second without a trace", "does not follow",
         [f"DELETE FROM audit_blocks WHERE {in_block} = {second}",
          f"DELETE FROM audit_events WHERE {at} = {second}"]),
        ("the first second without a trace", "is missing",
         [f"DELETE FROM audit_blocks WHERE {in_block} = {first}",
          f"DELETE FROM audit_events WHERE {at} = {first}"]),
        ("the end of a process that was followed by another", "is missing",
         [f"DELETE FROM audit_blocks WHERE {in_block} = {last}",
          f"DELETE FROM audit_events WHERE {at} = {last}"]),
        ("the last block alone", "in no block",
         [f"DELETE FROM audit_blocks WHERE {in_block} = {last}"]),
        ("a whole process", "is missing",
         [f"DELETE FROM audit_blocks WHERE node = '{other_node}'",
          f"DELETE FROM audit_events WHERE node = '{other_node}'"]),
        ("a wrong signature", "signature is wrong",
         [f"UPDATE audit_blocks SET signature = {blob} WHERE {in_block} = {second}"]),
        ("a smaller block", "record was changed",
         [f"UPDATE audit_blocks SET count = count - 1 WHERE {in_block} = {second}",
          f"DELETE FROM audit_events WHERE {one_row}"]),
        ("rows dropped by hand", "marked as dropped",
         [f"UPDATE audit_blocks SET dropped = {true} WHERE {in_block} = {second}",
          f"DELETE FROM audit_events WHERE {at} = {second}"]),
        ("another signing key", "",
         ["DELETE FROM settings WHERE name LIKE 'audit-key%'"]),
    ]
    for name, words, statements in cases:
        execute(one, *statements)
        ended = verify(one)
        assert ended.returncode == NOT_WHOLE, f"{name}: {ended.stdout}"
        assert words in ended.stdout, f"{name}: {ended.stdout}"
        kept.put_back()
    verify(one)


def test_what_is_cut_off_at_the_end_shows_against_the_log(history):
    one = history
    log = one.directory / "heads.log"
    log.write_text("\n".join(line for line in one.log().splitlines() if HEAD.search(line)),
                   encoding="utf-8")
    assert verify(one, "--against", log).returncode == WHOLE
    node, number = execute(one, "SELECT node, number FROM audit_blocks ORDER BY closed_at DESC")[0]
    execute(one, f"DELETE FROM audit_blocks WHERE node = '{node}' AND number >= {number}",
            f"DELETE FROM audit_events WHERE node = '{node}' AND block >= {number}")
    assert verify(one).returncode == WHOLE  # nothing that is left tells of it
    ended = verify(one, "--against", log)
    assert ended.returncode == NOT_WHOLE and "is missing" in ended.stdout, ended.stdout
    empty = one.directory / "empty.log"
    empty.write_text("nothing\n", encoding="utf-8")
    wrong = daemons.run("audit", "verify", "--against", empty, "--data", one.data)
    assert wrong.returncode == 1 and "no head" in wrong.stderr


def test_a_killed_process_leaves_rows_that_are_named_open(new_daemon):
    one = new_daemon()
    api = Api(one.ready.url, one.ready.token)
    time.sleep(2.2)
    ok(api.create_project(projectName="one"))
    one.kill()
    ended = verify(one)
    assert ended.returncode == WHOLE
    assert " 0 rows are of seconds" not in ended.stdout, ended.stdout
