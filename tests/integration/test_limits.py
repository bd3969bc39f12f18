"""How often who may ask: by identity and by address, with what an answer says of it."""
import time

import pytest

from api import Api, ok, refused
from world import World


@pytest.fixture
def limited(new_sqlite_daemon):
    """A daemon with room for 120 requests a minute of an identity, 600 of an address."""
    one = new_sqlite_daemon()
    world = World(Api(one.ready.url, one.ready.token))
    members = [world.member("auditor"), world.member("issuer")]
    one.configure("limits:\n  requests_per_identity: 120\n  requests_per_address: 600\n")
    one.restart()
    for member in members:
        member.api = Api(one.ready.url, member.login["accessToken"])
    return one, members


def left(answer):
    return int(answer.headers["X-RateLimit-Remaining"])


def test_an_identity_is_stopped_and_goes_on(limited):
    _, (member, other) = limited
    first = member.api.list_projects()
    ok(first)
    assert first.headers["X-RateLimit-Limit"] == "120"
    assert left(first) == 119 and first.headers["X-RateLimit-Reset"] == "1"
    # Ten for each that is refused: eleven such leave less than ten.
    while True:
        answer = member.api.create_project(projectName="nobody")
        if answer.status_code == 429:
            break
        refused(answer, 403, "PermissionDenied")
    body = refused(answer, 429, "RateLimitExceeded")
    wait = int(answer.headers["Retry-After"])
    assert "identity" in body["message"] and f"try again in {wait} s" in body["message"]
    assert left(answer) == 0
    assert member.api.list_projects().status_code == 429
    ok(other.api.list_projects())
    time.sleep(wait)
    ok(member.api.list_projects())


def test_guessing_is_stopped_by_address(limited):
    one, _ = limited
    stranger = Api(one.ready.url)
    answers = []
    for _ in range(100):
        answers.append(stranger.list_projects())
        if answers[-1].status_code == 429:
            break
    assert "address" in refused(answers[-1], 429, "RateLimitExceeded")["message"]
    assert 20 < len(answers) < 70 and answers[0].status_code == 401
    # Health is not what is limited.
    assert stranger.session.get(one.ready.url + "/healthz").status_code == 200
