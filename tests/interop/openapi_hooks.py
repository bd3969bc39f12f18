"""What schemathesis is told about this API (test_openapi.py): loaded by it as SCHEMATHESIS_HOOKS.

Generated ids mean nothing, so that a request of random ones gets no further than 404.  Where a generated
id is well formed, one that exists takes its place; what is meant to be malformed stays so.
"""
import atexit
import collections
import json
import os
import re

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection

KNOWN = json.loads(os.environ["OPENAPI_KNOWN_IDS"])
SEEN_FILE = os.environ["OPENAPI_SEEN"]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.I)
# Which object an {id} names, by what stands before it.
IDS = {"certificate-profiles": "profileId", "certificate-policies": "certificatePolicyId",
       "internal": "caId", "certificates": "certificateId", "projects": "projectId",
       "certificate-requests": "certificateRequestId", "identities": "identityId",
       "applications": "applicationId", "ocsp": "caId"}
# What ends an object that other requests need.
ENDS = re.compile(r"/revoke\Z")

seen = collections.defaultdict(collections.Counter)


def put(value, name):
    """The value with existing ids in the place of well-formed ones."""
    if isinstance(value, dict):
        return {key: put(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [put(inner, name.removesuffix("s")) for inner in value]
    return KNOWN[name] if name in KNOWN and isinstance(value, str) and UUID.match(value) else value


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, (dict, list)):
        case.body = put(case.body, "")
    if case.method.upper() == "DELETE" or ENDS.search(case.path):
        return
    for name in case.path_parameters or {}:
        before = case.path.split("{" + name + "}")[0].rstrip("/").split("/")[-1]
        known = name if name != "id" else IDS.get(before, "")
        case.path_parameters[name] = put(case.path_parameters[name], known)


@schemathesis.hook
def after_call(context, case, response):
    seen[f"{case.method.upper()} {case.path}"][response.status_code] += 1


@atexit.register
def write_seen():
    with open(SEEN_FILE, "w", encoding="utf-8") as file:
        json.dump(seen, file)


@schemathesis.serializer("application/ocsp-request")
def ocsp_request(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.check
def bad_input_is_refused(context, response, case):
    """What does not fit is answered with a failure; 413 and 414 are failures of that kind as well."""
    empty = any(value == "" for value in (case.query or {}).values())  # reads like one not there
    if not empty and response.status_code not in (413, 414):
        negative_data_rejection(context, response, case)
