"""Approvers are told when a step of an approval request waits for them: once, by mail, if it does."""
import pytest

from alerting import FROM, Place
from api import ok
from approving import ask, governed
from daemon import CHEAP_PASSWORDS
from database import execute
from receivers import MailServer, until
from world import Member, Person, World, fresh

TAKEN = "250 taken"


@pytest.fixture(scope="module")
def place(chancery, storage, database, tmp_path_factory):
    one = Place(tmp_path_factory.mktemp(f"mail-{storage}"), storage, database(storage))
    try:
        yield one.start(CHEAP_PASSWORDS)
        one.close()
    finally:
        one.daemon.kill()


class Team:
    """A project with who asks, and people who approve."""

    def __init__(self, place):
        self.place = place
        self.world = World(place.admin)
        self.issuer = Member(place.admin, self.world.project_id, "issuer")

    def person(self, role="approver", email=True, **members):
        if email:
            members["email"] = fresh("p") + "@example.com"
        return Person(self.place.admin, self.world.project_id, role, logs_in=False, **members)

    def step(self, *approvers, required=1, notify=True, **more):
        return {"requiredApprovals": required, "notifyApprovers": notify, **more,
                "approvers": [{"type": "identity", "id": one.id} for one in approvers]}

    def governed(self, *steps, **policy):
        return governed(self.world, steps=list(steps), **policy)

    def ask(self, profile, name=None, **attributes):
        """Asks, and gives the id of the approval request."""
        return ask(self.world, self, profile, commonName=name or fresh("n") + ".example.com",
                   **attributes)[1]

    def log_in(self, person):
        api = self.place.admin.with_token(None)
        login = ok(api.log_in_user(username=person.username, password=person.password))
        return self.place.admin.with_token(login["accessToken"])

    def approve(self, person, approval):
        return ok(self.log_in(person).approve(approval))["request"]

    def notifications(self, approval):
        return ok(self.place.admin.get_approval(approval))["request"]["notifications"]

    def outcome(self, approval):
        """What became of each mail, once none waits: {(identity, step): (status, error)}."""
        until(lambda: self.is_quiet() and not any(
            one["status"] == "pending" for one in self.notifications(approval)))
        return {(one["identityId"], one["step"]): (one["status"], one["lastError"])
                for one in self.notifications(approval)}

    def is_quiet(self):
        return execute(self.place.daemon, "SELECT count(*) FROM alert_events") == [["0"]]

    def mails(self, person):
        return [mail for mail in self.place.mail.mails
                if mail.recipients == [person.user["email"]]]


@pytest.fixture
def team(place):
    place.mail.answer = TAKEN
    return Team(place)


def waiting_channels(place):
    return execute(place.daemon, "SELECT count(*) FROM alert_channels WHERE position = -1")


# --- who is told, and of what ---------------------------------------------------------------------

def test_each_step_is_told_when_it_opens(team):
    alice, carol, bob = (team.person() for _ in range(3))
    profile = team.governed(team.step(alice, carol, required=2, name="Security"),
                            team.step(bob, name="Owners"), name="Two steps", maxRequestTtl="7d")
    approval = team.ask(profile, "told.example.com", altNames=[
        {"type": "dns_name", "value": "other.example.com"}])
    (mail,) = until(lambda: team.mails(alice))
    until(lambda: team.mails(carol))
    assert mail.sender == FROM
    assert "told.example.com" in mail.message["Subject"] and "Two steps" in mail.message["Subject"]
    text = mail.message.get_content()
    slug = ok(team.place.admin.get_profile(profile))["certificateProfile"]["slug"]
    requester = ok(team.place.admin.get_identity(team.issuer.id))["identity"]["name"]
    shown = ok(team.place.admin.get_approval(approval))["request"]
    for word in (requester, slug, "told.example.com", "other.example.com", "step 1 of 2 (Security)",
                 f"until {shown['expiresAt']}", f"chancery request approve {approval}",
                 f"chancery request show --approval {approval}"):
        assert word in text, text
    assert "://" not in text and "PRIVATE" not in text
    team.approve(alice, approval)
    assert team.outcome(approval) == {(alice.id, 0): ("delivered", None),
                                      (carol.id, 0): ("delivered", None)}
    assert team.mails(bob) == []
    team.approve(carol, approval)
    (mail,) = until(lambda: team.mails(bob))
    assert "step 2 of 2 (Owners)" in mail.message.get_content()
    assert team.outcome(approval)[(bob.id, 1)] == ("delivered", None)
    done = team.approve(bob, approval)
    assert done["status"] == "approved" and done["requestData"]["status"] == "issued"
    assert team.is_quiet() and waiting_channels(team.place) == [["0"]]
    assert [len(team.mails(one)) for one in (alice, carol, bob)] == [1, 1, 1]


def test_nobody_is_told_who_could_not_vote(team):
    admin = team.place.admin
    well, unreachable, gone, disabled = (team.person(email=word != "unreachable") for word in (
        "well", "unreachable", "gone", "disabled"))
    viewer = team.person("viewer")
    machine = Member(admin, team.world.project_id, "approver")
    profile = team.governed(
        team.step(well, unreachable, gone, disabled, viewer, machine, required=1))
    ok(admin.remove_member(team.world.project_id, gone.id))
    ok(admin.update_user(disabled.id, disabled=True))
    approval = team.ask(profile)
    outcome = team.outcome(approval)
    assert outcome == {
        (well.id, 0): ("delivered", None),
        (unreachable.id, 0): ("failed", "not sent: the person has no e-mail address")}
    assert [len(team.mails(one)) for one in (well, gone, disabled, viewer)] == [1, 0, 0, 0]


@pytest.mark.parametrize("itself", [False, True])
def test_who_asked_is_told_if_they_may_approve(team, itself):
    asker, other = team.person("admin"), team.person()
    profile = team.governed(team.step(asker, other), selfApproval=itself)
    team.issuer.api = team.log_in(asker)
    team.issuer.id = asker.id
    approval = team.ask(profile)
    told = {(other.id, 0): ("delivered", None)}
    if itself:
        told[(asker.id, 0)] = ("delivered", None)
    assert team.outcome(approval) == told
    assert len(team.mails(asker)) == (1 if itself else 0)


def test_a_step_that_lists_nobody_is_for_all_who_may_approve(team):
    first, second, viewer = team.person(), team.person(), team.person("viewer")
    approval = team.ask(team.governed(team.step()))
    assert set(team.outcome(approval)) == {(first.id, 0), (second.id, 0)}
    assert [len(team.mails(one)) for one in (first, second, viewer)] == [1, 1, 0]


def test_a_step_that_does_not_want_it_tells_nobody(team):
    alice, bob = team.person(), team.person()
    approval = team.ask(team.governed(team.step(alice, notify=False), team.step(bob)))
    assert team.is_quiet() and team.notifications(approval) == []
    team.approve(alice, approval)
    assert team.outcome(approval) == {(bob.id, 1): ("delivered", None)}
    assert team.mails(alice) == []


def test_a_change_of_the_policy_that_waits_is_told(team):
    alice, chief = team.person(), team.person("admin")
    made = team.world.new_approval_policy(
        team.world.new_profile(), steps=[team.step(alice)], name="Careful")
    answer = ok(team.log_in(chief).update_approval_policy(made["id"], selfApproval=True))
    (mail,) = until(lambda: team.mails(alice))
    assert "change of the policy Careful" in mail.message["Subject"]
    text = mail.message.get_content()
    assert f"chancery request approve {answer['approvalRequestId']}" in text
    assert "Profile" not in text
    assert team.approve(alice, answer["approvalRequestId"])["status"] == "approved"


def test_a_step_that_opens_again_is_told_again(team):
    """Whose vote counts no more has to be replaced, by somebody who hears of it."""
    alice, bob, carol, dave, erin = (team.person() for _ in range(5))
    profile = team.governed(team.step(alice, bob, carol, erin, required=2), team.step(dave))
    approval = team.ask(profile)
    team.outcome(approval)
    team.approve(alice, approval)
    team.approve(bob, approval)
    assert team.outcome(approval)[(dave.id, 1)] == ("delivered", None)
    for one in (alice, bob):
        ok(team.place.admin.update_member(team.world.project_id, one.id, role="viewer"))
    shown = team.approve(carol, approval)
    assert shown["status"] == "open" and shown["currentStep"] == 0
    until(lambda: len(team.mails(erin)) == 2)
    team.outcome(approval)
    assert [len(team.mails(one)) for one in (alice, carol, dave)] == [1, 1, 1]
    team.approve(erin, approval)
    until(lambda: len(team.mails(dave)) == 2)
    assert team.approve(dave, approval)["status"] == "approved"


def test_nothing_in_it_makes_more_of_it(team):
    alice = team.person()
    hostile = "x\r\nBcc: victim@example.com\r\n\r\nhello"
    policy = {"name": hostile, "steps": [team.step(alice, name=hostile)],
              "conditions": [{"profileIds": [team.world.new_profile()]}]}
    made = ok(team.place.admin.create_approval_policy(
        json={"projectId": team.world.project_id, **policy}))["policy"]
    team.ask(made["conditions"][0]["profileIds"][0])
    (mail,) = until(lambda: team.mails(alice))
    assert mail.recipients == [alice.user["email"]] and mail.message["Bcc"] is None
    assert "\n" not in mail.message["Subject"] and "x??Bcc" in mail.message["Subject"]
    lines = mail.message.get_content().splitlines()
    assert not any(line.startswith(("Bcc", "hello")) for line in lines), lines


# --- what stands in the way -----------------------------------------------------------------------

def test_a_mail_server_that_is_down_loses_nothing(team):
    place = team.place
    alice = team.person()
    profile = team.governed(team.step(alice))
    place.mail.close()
    approval = team.ask(profile)
    (one,) = until(lambda: [one for one in team.notifications(approval) if one["nextAttemptAt"]])
    assert one["status"] == "pending" and one["attempts"] >= 1 and one["lastError"]
    assert alice.user["email"] not in one["lastError"]
    place.restart(kill=True)
    team.world.admin = place.admin
    place.mail = MailServer(place.mail.port)
    place.clock.advance(hours=2)
    (mail,) = until(lambda: team.mails(alice))
    assert f"request approve {approval}" in mail.message.get_content()
    assert team.outcome(approval) == {(alice.id, 0): ("delivered", None)}
    assert waiting_channels(place) == [["0"]]


def test_an_event_survives_a_killed_daemon(team):
    """Between what opened the step and its mail lies a row."""
    alice = team.person()
    profile = team.governed(team.step(alice))
    approval = team.ask(profile)
    team.place.restart(kill=True)
    until(lambda: team.mails(alice))
    assert team.outcome(approval) == {(alice.id, 0): ("delivered", None)}


def test_what_changed_while_the_mail_waited(team):
    admin, project = team.place.admin, team.world.project_id
    people = {word: team.person() for word in (
        "member", "role", "disabled", "deleted", "address", "moved", "same")}
    profile = team.governed(team.step(*people.values()))
    team.place.mail.answer = "451 not now"
    approval = team.ask(profile)
    until(lambda: len([one for one in team.notifications(approval) if one["attempts"]]) == 7)
    ok(admin.remove_member(project, people["member"].id))
    ok(admin.update_member(project, people["role"].id, role="viewer"))
    ok(admin.update_user(people["disabled"].id, disabled=True))
    ok(admin.delete_user(people["deleted"].id))
    ok(admin.update_user(people["address"].id, email=None))
    moved = ok(admin.update_user(people["moved"].id, email=fresh("new") + "@example.com"))["user"]
    team.place.mail.answer = TAKEN
    team.place.clock.advance(hours=2)
    outcome = team.outcome(approval)
    for word, person in people.items():
        status, error = outcome[person.id, 0]
        if word in ("moved", "same"):
            assert (status, error) == ("delivered", None), word
            continue
        assert status == "failed" and error.startswith("given up: "), (word, error)
        assert ("no e-mail address" if word == "address" else
                "does not wait for this person") in error, (word, error)
    assert {word: len(team.mails(person)) for word, person in people.items()} == {
        **dict.fromkeys(people, 0), "same": 1}
    people["moved"].user = moved
    assert len(team.mails(people["moved"])) == 1
    assert waiting_channels(team.place) == [["0"]]


def test_what_was_decided_while_the_mail_waited(team):
    alice, bob = team.person(), team.person()
    profile = team.governed(team.step(alice, bob))
    team.place.mail.answer = "451 not now"
    approval = team.ask(profile)
    until(lambda: len([one for one in team.notifications(approval) if one["attempts"]]) == 2)
    ok(team.log_in(bob).reject(approval))
    team.place.mail.answer = TAKEN
    team.place.clock.advance(hours=2)
    for status, error in team.outcome(approval).values():
        assert status == "failed" and "does not wait for this person any more" in error
    assert team.mails(alice) == [] and team.mails(bob) == []


def test_it_is_given_up_in_the_end(team):
    alice = team.person()
    profile = team.governed(team.step(alice))
    team.place.mail.answer = "451 not now"
    before = team.place.metric('alert_deliveries_total{result="given_up",channel="email"}')
    approval = team.ask(profile)
    until(lambda: [one for one in team.notifications(approval) if one["attempts"]])
    team.place.clock.advance(days=8)
    ((status, error),) = team.outcome(approval).values()
    assert status == "failed" and "waited too long" in error
    until(lambda: team.place.metric(
        'alert_deliveries_total{result="given_up",channel="email"}') == before + 1)
    assert waiting_channels(team.place) == [["0"]]


def test_no_more_than_so_many_wait_for_one(team):
    """All but the first wait by rows that are written behind the daemon's back, and never due."""
    alice = team.person()
    profile = team.governed(team.step(alice))
    team.place.mail.answer = "451 not now"
    first = team.ask(profile)
    until(lambda: [one for one in team.notifications(first) if one["attempts"]])
    copy_channels(team.place, 98)
    assert [one["status"] for one in team.notifications(team.ask(profile))] in ([], ["pending"])
    until(lambda: team.is_quiet())
    assert waiting_channels(team.place) == [["100"]]
    last = team.ask(profile)
    ((status, error),) = team.outcome(last).values()
    assert status == "failed" and "100 others wait for this person" in error
    assert waiting_channels(team.place) == [["100"]]
    execute(team.place.daemon,
            "DELETE FROM alert_channels WHERE position = -1 AND next_at IS NULL")
    team.place.mail.answer = TAKEN
    team.place.clock.advance(hours=2)
    until(lambda: len(team.mails(alice)) == 2)


def copy_channels(place, count):
    postgres = place.daemon.storage == "postgres"
    columns = ("alert_id, project_id, position, channel_type, config, enabled, issued, done, "
               'attempts, created_at, updated_at, "' + ("revision$" if postgres else "$revision")
               + '"')
    numbers = (f"generate_series(1, {count})" if postgres else
               "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
               f"WHERE i < {count}) SELECT i FROM n)")
    execute(place.daemon, f"""
        INSERT INTO alert_channels (id, {columns})
        SELECT {"gen_random_uuid()" if postgres else "randomblob(16)"}, {columns}
        FROM alert_channels, {numbers} AS numbers WHERE position = -1""")


# --- without mail ---------------------------------------------------------------------------------

def test_without_a_mail_server_it_is_said(world):
    """A policy that wants it is taken, as clients have always been able to ask for it."""
    alice = Person(world.admin, world.project_id, "approver", logs_in=False,
                   email="alice@example.com")
    profile = world.new_profile()
    step = {"requiredApprovals": 1, "approvers": [{"type": "user", "id": alice.id}]}
    made = world.new_approval_policy(profile, steps=[step])
    assert "warnings" not in made
    changed = ok(world.admin.update_approval_policy(
        made["id"], steps=[{**step, "notifyApprovers": True}]))["policy"]
    (warning,) = changed["warnings"]
    assert "notifyApprovers" in warning and "smtp_host" in warning
    assert changed["steps"][0]["notifyApprovers"] is True
    answer = ok(world.ask(profile))
    approval = ok(world.admin.get_request(answer["certificateRequestId"]))["approvalRequestId"]

    def notifications():
        return ok(world.admin.get_approval(approval))["request"]["notifications"]
    (one,) = until(notifications)
    assert (one["identityId"], one["status"], one["attempts"]) == (alice.id, "failed", 0)
    assert "no notifier of this server sends mail" in one["lastError"]
