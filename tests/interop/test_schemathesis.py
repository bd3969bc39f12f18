"""schemathesis makes requests from the description of the API, good and bad ones, and holds the answers
to it: no operation answers 5xx, a status or form that is not described, or takes what does not fit.

The requests are the same each time: fixed seed, bounded number.
"""
import json
import os
import pathlib
import subprocess
import sys

import pytest

from api import Api, ok

FOLDER = pathlib.Path(__file__).resolve().parent
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance",
          "response_schema_conformance", "bad_input_is_refused"]
PATIENCE = 900


def known_ids(daemon):
    """Objects of every sort, for requests to mean."""
    ready = daemon.ready
    api = Api(ready.url, ready.token)
    issued = ok(api.issue(profileId=ready.profileId, attributes={
        "commonName": "known.example.com", "ttl": "90d",
        "altNames": [{"type": "dns_name", "value": "known.example.com"}]}))
    identity = ok(api.create_project_identity(ready.projectId, name="known", role="issuer"))
    application = ok(api.create_application(projectId=ready.projectId, name="known",
                                            profileIds=[ready.profileId]))
    return {"projectId": ready.projectId, "profileId": ready.profileId,
            "caId": ready.caId, "parentCaId": ready.rootCaId,
            "certificatePolicyId": ready.policyId,
            "certificateId": issued["certificate"]["certificateId"],
            "certificateRequestId": issued["certificateRequestId"],
            "identityId": identity["identity"]["id"],
            "applicationId": application["application"]["id"]}


@pytest.mark.timeout(PATIENCE + 60)
def test_the_api_keeps_to_its_description(new_sqlite_daemon, tmp_path):
    daemon = new_sqlite_daemon()
    seen = tmp_path / "seen.json"
    environment = {**os.environ, "NO_PROXY": "*", "SCHEMATHESIS_HOOKS": "openapi_hooks",
                   "PYTHONPATH": str(FOLDER), "OPENAPI_SEEN": str(seen),
                   "OPENAPI_KNOWN_IDS": json.dumps(known_ids(daemon))}
    ended = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", daemon.ready.url + "/api/openapi.json",
         "--header", f"Authorization: Bearer {daemon.ready.token}", "--checks", ",".join(CHECKS),
         "--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--seed", "20261122",
         "--generation-database", "none", "--no-shrink", "--no-color", "--warnings", "off"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 0, ended.stdout[-20000:] + ended.stderr[-4000:]
    daemon.check()
    description = Api(daemon.ready.url).call("GET", "/api/openapi.json").json()
    described = {f"{method.upper()} {path}" for path, item in description["paths"].items()
                 for method in item}
    answers = {name: each for name, each in json.loads(seen.read_text(encoding="utf-8")).items()
               if name in described}
    assert set(answers) == described, "operations are left out"
    counts = {status: sum(each.get(status, 0) for each in answers.values())
              for each in answers.values() for status in each}
    assert counts["200"] > 500 and counts["422"] > 500, counts
    assert not any(status.startswith("5") or status == "429" for status in counts), counts
    reached = [name for name, each in answers.items() if "200" in each]
    assert len(reached) > 100, f"most requests mean nothing that exists: {sorted(reached)}"
