"""What the audit keeps of every route: one row of a change, a denial of each refusal, nothing else."""
import pathlib
import re

import pytest

import endpoints
from api import BY_NAME, TIME, UUID, ok, refused
from endpoints import routes_of
from world import Member

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "audit.md"
NAMES = set(re.findall(r"^\| `([a-z0-9.-]+)` \|", DOCS.read_text(encoding="utf-8"), re.M))
REFUSED = {f"{of}.{verb}" for of, verbs in
           re.findall(r"^\| `([a-z-]+)` \| (`.*`) \|$", DOCS.read_text(encoding="utf-8"), re.M)
           for verb in re.findall(r"`([a-z0-9-]+)`", verbs)}
IDS = {"ids": lambda route: route.name}


def rows_of(api, answer):
    return ok(api.list_audit_logs(query={"requestId": answer.headers["X-Request-Id"],
                                         "limit": 100}))["auditLogs"]


@pytest.fixture(scope="module")
def place(world, daemon):
    return endpoints.Place(world, daemon)


def test_every_route_tells_what_it_audits():
    assert set(endpoints.SUCCESS) == set(BY_NAME)


def check(row, answer):
    """What every row has."""
    assert UUID.fullmatch(row["id"]) and TIME.fullmatch(row["time"]), row
    assert row["requestId"] == answer.headers["X-Request-Id"], row
    assert row["ipAddress"] == "127.0.0.1", row
    known = NAMES | REFUSED if row["outcome"] == "denied" else NAMES
    assert row["action"] in known, f"{row['action']} is not in docs/audit.md"


@pytest.mark.parametrize("route", routes_of("success"), **IDS)
def test_a_success_leaves_its_row(place, route):
    success = endpoints.SUCCESS[route.name]
    if success.action == "":
        answer = success.run(place)
        assert answer.status_code == 200, answer.text
        assert rows_of(place.admin, answer) == []
        return
    answer, target = success.run(place)
    assert answer.status_code == 200, answer.text
    (row,) = rows_of(place.admin, answer)
    check(row, answer)
    assert row["action"] == success.action and row["outcome"] == "ok", row
    assert row["targetType"] == success.target_kind and row["targetId"], row
    assert target is None or row["targetId"] == target, row
    assert row["actorType"] in ("machine", "user") and UUID.fullmatch(row["actorId"]), row


@pytest.fixture(scope="module")
def nobody(world):
    """Who has no permission anywhere: refused at the route."""
    return Member(world.admin, world.project_id, "no-access")


@pytest.mark.parametrize("route", routes_of("denied"), **IDS)
def test_a_denial_at_the_route_leaves_a_row(place, nobody, route):
    answer = nobody.api.send(route, *[place.project_id] * route.ids)
    refused(answer, 403, "PermissionDenied")
    (row,) = rows_of(place.admin, answer)
    check(row, answer)
    assert row["outcome"] == "denied" and row["actorId"] == nobody.id, row
    assert (row["action"], row["targetType"], row["targetId"]) == (
        "authorise", route.subject, route.action)
    assert row["projectId"] == place.project_id, row


# --- refused in the project -----------------------------------------------------------------------

# What is not there for those who may not see it.
UNSEEN = {"delete_project", "get_identity", "get_user",
          "get_universal_auth", "list_client_secrets", "get_client_secret"}


def administrator_elsewhere(world, elsewhere, role):
    """Who may do everything, but not here: refused by what it asks for, not at the route."""
    member = Member(world.admin, world.project_id, role)
    ok(world.admin.add_member(elsewhere.project_id, member.id, role="admin"))
    member.api = member.api.with_token(ok(member.log_in())["accessToken"])
    return member


@pytest.fixture(scope="module")
def outranked(world, other_world):
    """By role in the project: who sees nothing, and who sees all and changes nothing."""
    return {role: administrator_elsewhere(world, other_world, role)
            for role in ("no-access", "auditor")}


@pytest.mark.parametrize("route", routes_of("denied in the project"), **IDS)
def test_a_denial_in_the_project_leaves_a_row(place, outranked, route):
    changes_identities = route.subject == "identities" and route.action != "read"
    caller = outranked["auditor" if changes_identities else "no-access"]
    answer = endpoints.answer_to(place, route, caller.api)
    if route.name in UNSEEN:
        refused(answer, 404, "NotFound")
        assert rows_of(place.admin, answer) == []
        return
    refused(answer, 403)
    (row,) = rows_of(place.admin, answer)
    check(row, answer)
    assert row["outcome"] == "denied" and row["actorId"] == caller.id, row
    assert row["action"] != "authorise" and row["targetType"], row
    assert row["detail"]["reason"], row


def test_a_project_that_may_not_be_deleted(place, outranked):
    answer = outranked["no-access"].api.delete_project(place.project_id)
    refused(answer, 403, "PermissionDenied")
    (row,) = rows_of(place.admin, answer)
    assert (row["action"], row["outcome"]) == ("project.delete", "denied"), row


def test_failures_of_issuing_and_log_in_are_kept(place):
    answer = place.world.ask(profile_id=place.disabled_profile())
    refused(answer, 400)
    (row,) = rows_of(place.admin, answer)
    check(row, answer)
    assert (row["action"], row["outcome"]) == ("certificate.issue", "failed"), row
    assert "disabled" in row["detail"]["reason"], row
    member = place.member()
    answer = member.log_in(clientSecret="chys_" + "A" * 40)
    refused(answer, 401)
    (row,) = rows_of(place.admin, answer)
    check(row, answer)
    assert (row["action"], row["outcome"]) == ("universal-auth.login", "failed"), row
    assert row["targetId"] == member.id, row
