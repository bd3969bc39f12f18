"""Every route in every case, counted: what a table can say of all of them is said here.

MATRIX names the tests that show a case, and each is held to run over just the routes that the case
is about.  A new route is in every case that applies to it, or `inapplicable` says why it is not.
"""
import importlib

import pytest

import endpoints
from api import ROUTES, ok, refused
from endpoints import CASES, inapplicable, routes_of

IDS = {"ids": lambda route: route.name}

MATRIX = {
    "success": ["test_audit_complete.test_a_success_leaves_its_row"],
    "no token": ["test_errors.test_without_a_token"],
    "denied": ["test_audit_complete.test_a_denial_at_the_route_leaves_a_row"],
    "denied in the project": ["test_audit_complete.test_a_denial_in_the_project_leaves_a_row"],
    "another project's": ["test_endpoints.test_what_is_of_another_project_is_not_found"],
    "unknown id": ["test_errors.test_unknown_id", "test_errors.test_unknown_id_on_public_routes",
                   "test_endpoints.test_an_unknown_name"],
    "malformed id": ["test_errors.test_malformed_uuid_in_the_path"],
    "malformed body": ["test_errors.test_malformed_json_on_every_route"],
    "body of another type": ["test_endpoints.test_a_body_that_is_no_object"],
    "conflict": ["test_endpoints.test_a_conflict_is_refused"],
}


@pytest.fixture(scope="module")
def place(world, daemon):
    return endpoints.Place(world, daemon)


def routes_that_run(name):
    """The names of the routes that a test is parametrized by."""
    module, _, function = name.partition(".")
    marks = getattr(importlib.import_module(module), function).pytestmark
    (values,) = [mark.args[1] for mark in marks
                 if mark.name == "parametrize" and mark.args[0] == "route"]
    return [route.name for route in values]


@pytest.mark.parametrize("case", CASES)
def test_every_route_is_tested_in_this_case_or_says_why_not(case):
    run = [name for test in MATRIX[case] for name in routes_that_run(test)]
    assert len(run) == len(set(run)), "a route is tested twice"
    for route in ROUTES:
        reason = inapplicable(case, route)
        assert (route.name in run) == (reason is None), \
            f"{route.name}: '{case}' is {'' if route.name in run else 'not '}tested: {reason}"


def test_the_matrix_names_every_case():
    assert set(MATRIX) == set(CASES)


@pytest.fixture(scope="module")
def elsewhere(other_world):
    """An administrator of another project, for whom nothing of this one is there."""
    return other_world.member("admin").api


@pytest.mark.parametrize("route", routes_of("another project's"), **IDS)
def test_what_is_of_another_project_is_not_found(place, elsewhere, route):
    refused(endpoints.answer_to(place, route, elsewhere), 404, "NotFound")


@pytest.mark.parametrize("route", [route for route in routes_of("unknown id") if route.has_name],
                         **IDS)
def test_an_unknown_name(place, route):
    ids = [*[place.project_id] * (route.ids - 1), "nobody-has-this"]
    answer = place.admin.send(route, *ids, query={"projectId": place.project_id})
    refused(answer, 404, "NotFound")


@pytest.mark.parametrize("route", routes_of("body of another type"), **IDS)
def test_a_body_that_is_no_object(place, route):
    for body in (b"[]", b'"text"', *([] if route.empty else [b"null"])):
        answer = place.admin.send(route, *[place.project_id] * route.ids, data=body,
                                  headers={"Content-Type": "application/json"})
        refused(answer, 422, "ValidationFailure")


@pytest.mark.parametrize("route", routes_of("conflict"), **IDS)
def test_a_conflict_is_refused(place, route):
    conflict = endpoints.CONFLICT[route.name]
    refused(conflict.run(place), conflict.status, None, *conflict.words)
