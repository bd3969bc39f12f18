"""What tests of approvals share: something that has to be approved, who asks and who approves."""
import time

import daemon as daemons
from api import Api, ok
from clock import Clock
from world import Member, World


def governed(world, **policy):
    profile = world.new_profile(**policy.pop("profile", {}))
    world.new_approval_policy(profile, **policy)
    return profile


def ask(world, people, profile, **attributes):
    """Asks, and gives the ids of the certificate request and of its approval request."""
    answer = ok(world.ask(profile, api=people.issuer.api, **attributes))
    assert answer["certificate"] is None and answer["status"] == "pending_approval", answer
    detail = ok(people.issuer.api.get_request(answer["certificateRequestId"]))
    assert detail["status"] == "pending_approval" and detail["certificate"] is None
    assert "approval" in answer["message"] and "approval" in detail["pendingMessage"]
    return answer["certificateRequestId"], detail["approvalRequestId"]


def status_of(api, request):
    return ok(api.get_request(request, query={"statuses": "full"}))["status"]


def ended(world, people, request, status, word):
    """Clients that know only issued, failed and pending must end."""
    detail = ok(people.issuer.api.get_request(request))
    assert detail["status"] == "failed" and detail["certificate"] is None
    assert word in detail["errorMessage"]
    assert detail.get("outcome") == (status if status != "failed" else None)
    assert status_of(people.issuer.api, request) == status
    (found,) = [row for row in ok(world.admin.list_requests(query={
        "projectId": world.project_id, "status": status, "limit": 100}))["certificateRequests"]
                if row["id"] == request]
    assert found["status"] == status and found["approvalRequestId"]


def certificates_of(world, profile):
    return ok(world.admin.search_certificates(
        world.project_id, json={"profileIds": [profile], "limit": 100}))["totalCount"]


class Place:
    """A daemon under a clock of its own, with a world, and who approves and asks there."""

    def __init__(self, folder, storage, conninfo):
        folder.mkdir()
        self.clock = Clock(folder / "clock")
        self.one = daemons.Daemon(folder, storage, conninfo, env=self.clock.environment)
        self.one.start()
        self.world = World(Api(self.one.ready.url, self.one.ready.token))
        self.alice = Member(self.world.admin, self.world.project_id, "approver")
        self.issuer = Member(self.world.admin, self.world.project_id, "issuer")

    def back(self):
        self.one.start()
        for api in (self.world.admin, self.alice.api, self.issuer.api):
            api.url = self.one.ready.url

    def wait(self, is_so, patience=90):
        until = time.monotonic() + patience
        while not is_so():
            assert time.monotonic() < until, self.one.log()[-3000:]
            time.sleep(0.3)
