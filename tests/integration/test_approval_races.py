"""Two who decide or issue in one moment, forced: the database holds both until both have read.

A write of each side is held back at a lock that the test takes in the database, so that both have
decided by what was there before either wrote; then the lock is let go.  That both were in is seen in
the server's own figures: a write of one of them conflicted.
"""
import contextlib
import re
import sqlite3
import subprocess
import threading
import time

import pytest

import daemon as daemons
from api import Api, ok
from approving import Place, ask, certificates_of, governed, status_of
from database import execute, psql
from world import Member


class Held:
    """A lock that lets everybody read, and nobody write to a table (SQLite: to any)."""

    def __init__(self, one, table):
        self.one = one
        self.table = table

    def __enter__(self):
        if self.one.storage == "sqlite":
            self.database = sqlite3.connect(self.one.database, timeout=30, isolation_level=None)
            self.database.execute("BEGIN IMMEDIATE")
            return self
        self.session = subprocess.Popen(
            [psql(), self.one.conninfo, "-X", "-q", "-A", "-t"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.session.stdin.write(f"BEGIN; SET LOCAL search_path TO chancery; LOCK TABLE {self.table}"
                                 " IN SHARE MODE; SELECT 'held';\n")
        self.session.stdin.flush()
        assert self.session.stdout.readline().strip() == "held"
        return self

    def __exit__(self, *_):
        if self.one.storage == "sqlite":
            self.database.execute("ROLLBACK")
            self.database.close()
            return
        self.session.communicate("ROLLBACK;\n", timeout=30)


def waiting(one):
    """How many sessions wait for the lock."""
    return int(execute(one, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                            "AND datname = current_database()")[0][0])


class Arena(Place):
    """A world on one node (SQLite) or two (PostgreSQL): each side of a race has its own."""

    def __init__(self, folder, storage, conninfo):
        super().__init__(folder, storage, conninfo)
        self.nodes = [daemons.measured(self.one)]
        self.move(self.nodes[0].url)
        self.bob = Member(self.world.admin, self.world.project_id, "approver")
        if storage == "postgres":
            self.nodes.append(daemons.second_node(self.one, folder))

    def move(self, url):
        for api in (self.world.admin, self.alice.api, self.issuer.api):
            api.url = url

    def beyond(self, member, node):
        """The member's API on a node, in a session of its own."""
        return Api(self.nodes[node % len(self.nodes)].url, member.api.token)

    def in_flight(self):
        return sum(float(number) for node in self.nodes for number in re.findall(
            r"^chancery_storage_calls_in_flight\{.*\} (\S+)$", node.text(), re.M))

    def conflicts(self):
        return sum(float(number) for node in self.nodes for number in re.findall(
            r'^chancery_storage_calls_total\{.*call="write",status="conflict"\} (\S+)$',
            node.text(), re.M))

    def both_are_in(self):
        if self.one.storage == "postgres":
            return waiting(self.one) >= 2
        return self.in_flight() >= 2

    def race(self, first, second):
        """Answers to both, or None if one was through before the other came."""
        answers = {}

        def side(name, function):
            answers[name] = function()

        before = self.conflicts()
        with Held(self.one, "approval_requests"):
            threads = [threading.Thread(target=side, args=pair)
                       for pair in (("first", first), ("second", second))]
            for thread in threads:
                thread.start()
            self.wait(self.both_are_in, 20)
            time.sleep(0.2)
        for thread in threads:
            thread.join()
        return (answers["first"], answers["second"]) if self.conflicts() > before else None

    def stop(self):
        for node in self.nodes[1:]:
            node.process.stop()
        self.one.stop()

    def kill(self):
        for node in self.nodes[1:]:
            node.process.kill()
        self.one.kill()


@pytest.fixture(scope="module")
def arena(chancery, storage, database, tmp_path_factory):
    made = Arena(tmp_path_factory.mktemp("races") / "daemon", storage, database(storage))
    try:
        yield made
        made.stop()
    finally:
        made.kill()


RACES = {
    "approve, approve": ("approve", "approve"),
    "approve, cancel": ("approve", "cancel_approval"),
    "approve, reject": ("approve", "reject"),
    "reject, cancel": ("reject", "cancel_approval"),
}
ENDS = {"approve": ("approved", "issued"), "reject": ("rejected", "rejected"),
        "cancel_approval": ("cancelled", "cancelled")}
ROUNDS = 2


@pytest.mark.parametrize("names", RACES.values(), ids=RACES)
def test_one_of_two_decides(arena, names):
    world = arena.world
    proven = 0
    for attempt in range(4 * ROUNDS):
        profile = governed(world)
        request, approval = ask(world, arena, profile)
        members = [arena.issuer if name == "cancel_approval" else member
                   for name, member in zip(names, (arena.alice, arena.bob))]
        sides = [getattr(arena.beyond(member, node), name)
                 for node, (name, member) in enumerate(zip(names, members))]
        answers = arena.race(*(lambda side=side: side(approval) for side in sides))
        if answers is None:
            continue
        proven += 1
        codes = [answer.status_code for answer in answers]
        assert sorted(codes) == [200, 400], [answer.text for answer in answers]
        winner = names[codes.index(200)]
        status, certificate_status = ENDS[winner]
        assert f"{status} already" in answers[codes.index(400)].json()["message"]
        shown = ok(arena.alice.api.get_approval(approval))["request"]
        assert (shown["status"], len(shown["votes"])) == (
            status, 0 if winner == "cancel_approval" else 1)
        assert status_of(world.admin, request) == certificate_status
        assert certificates_of(world, profile) == (1 if winner == "approve" else 0)
        if proven == ROUNDS:
            return
    pytest.fail(f"both sides were in only {proven} times")


def test_two_votes_that_are_both_wanted(arena):
    """The one that is overtaken looks again: neither vote is lost."""
    world = arena.world
    for attempt in range(6):
        profile = governed(world, required=2)
        request, approval = ask(world, arena, profile)
        answers = arena.race(lambda: arena.beyond(arena.alice, 0).approve(approval),
                             lambda: arena.beyond(arena.bob, 1).approve(approval))
        shown = ok(arena.alice.api.get_approval(approval))["request"]
        assert shown["status"] == "approved" and len(shown["votes"]) == 2, shown
        assert status_of(world.admin, request) == "issued"
        assert certificates_of(world, profile) == 1
        if answers is not None:
            return
    pytest.fail("both sides were never in")


# --- two who issue, on two nodes ------------------------------------------------------------------

@pytest.fixture
def two(chancery, database, tmp_path):
    made = Arena(tmp_path / "daemon", "postgres", database("postgres"))
    try:
        yield made
        made.stop()
    finally:
        made.kill()


def approve_later(two, member, approval):
    """Votes on the first node; the thread ends when the certificate is there, or the node is not."""

    def vote():
        with contextlib.suppress(OSError):
            two.beyond(member, 0).approve(approval)

    thread = threading.Thread(target=vote)
    thread.start()
    return thread


def serials(two):
    return int(execute(two.one, "SELECT count(*) FROM serials")[0][0])


def test_two_nodes_issue_what_was_approved(two):
    """Who voted has signed and cannot write; a minute later a job takes it over, and cannot either."""
    world = two.world
    profile = governed(world)
    request, approval = ask(world, two, profile)
    before, before_serials = two.conflicts(), serials(two)
    with Held(two.one, "certificates"):
        thread = approve_later(two, two.alice, approval)
        two.wait(lambda: waiting(two.one) >= 1, 20)
        assert status_of(world.admin, request) == "pending"
        two.clock.jump(minutes=2)
        two.wait(lambda: waiting(two.one) >= 2, 40)
    thread.join()
    two.wait(lambda: status_of(world.admin, request) == "issued")
    two.wait(lambda: two.conflicts() > before, 20)
    assert certificates_of(world, profile) == 1
    detail = ok(two.issuer.api.get_request(request))
    assert detail["certificateId"] and detail["privateKey"]
    rows = ok(world.admin.search_audit_logs(json={"action": "certificate.issue",
                                                  "limit": 100}))["auditLogs"]
    assert len([row for row in rows if row["detail"].get("approvalRequest") == approval]) == 1
    assert serials(two) == before_serials + 1


def test_kill_9_right_between(two):
    """The vote is durable, the certificate signed and not written: then the node is gone."""
    world = two.world
    profile = governed(world)
    request, approval = ask(world, two, profile)
    with Held(two.one, "certificates"):
        thread = approve_later(two, two.alice, approval)
        two.wait(lambda: waiting(two.one) >= 1, 20)
        assert status_of(world.admin, request) == "pending"
        two.nodes[0].process.kill()
        thread.join()
    two.move(two.nodes[1].url)
    assert ok(two.alice.api.get_approval(approval))["request"]["status"] == "approved"
    two.clock.jump(minutes=2)
    two.wait(lambda: status_of(world.admin, request) == "issued")
    assert certificates_of(world, profile) == 1
    assert ok(world.admin.get_approval_grant(approval))["grant"]["status"] == "used"
