"""Two projects with an administrator each: nothing of one is there for the other.

What is tried is made of two things that every route has anyway, so that a new one is tried without being
named here: its success in endpoints.py, and its description in /api/openapi.json.

The success is driven in both projects up to the call, which is compared: where the two calls differ by
something of the other project's, be it in the path, the query or the body, it is put in the place of
one's own, one at a time and all at once.  Besides, each id that the description allows and the call lacks is added.
Each answer must be, but for the word itself, the one for a word that nobody has, and hold nothing of the
other project.  Last, one's own call must succeed: what was refused was refused for that one word.
"""
import copy
import json
import re
import secrets
import uuid

import pytest

import described
import endpoints
from api import ROUTES, UUID, Api, ok, refused
from world import World

# Ids, serial numbers, and the names that world.py makes up.
WORD = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[1-7][0-9a-f]{31}\b"
                  r"|\b[A-Za-z]+-[0-9a-f]{8}\b")
# Answers to the administrator of the instance that are about all projects.
OF_ALL = re.compile(r"/api/v1/(projects|identities|users|audit-logs(/.*)?)\Z")
IDS = {"ids": lambda route: route.name}
TRIED = [route for route in ROUTES if route.needs_token]

# An administrator of a project cannot do it at all.
REFUSED_ANYHOW = {**dict.fromkeys(endpoints.OF_THE_INSTANCE | {"list_identities", "list_users"},
                                  "only the instance's administrator may"),
                  "add_member": "only the instance's administrator finds who is in no project",
                  "delete_project": "the success is about a project that nobody joined"}
# What there is in both from the start: one of each, something revoked, a request that waits.
STOCK = ("create_", "add_", "issue", "revoke", "get_approval", "get_request")
# A member that is looked at only where another one is silent.
OTHER_NAMES = {"certificateTemplateId": "profileId", "caId": "profileId",
               "projectSlug": "projectId"}
# Ids of parts, which a creation makes itself whatever is sent: nothing of theirs comes of it.
MADE_ANEW = {("create_alert", "body channels.[].id")}
# Where it is not 404: a name that is looked for in one's own project.
NOT_404 = {("check_approval_match", "json.inputs.profileName")}


def words_of(text):
    return set(WORD.findall(text))


def stranger(word):
    """A word of the same kind that nobody has."""
    if len(word) == 36:
        return str(uuid.uuid4())
    if len(word) == 32:
        return secrets.choice("1234567") + secrets.token_hex(16)[1:]
    return word[:-8] + secrets.token_hex(4)


class Tenant(Api):
    """The instance's administrator at work in one project, who keeps what there is in it."""

    def __init__(self, admin, words=None, named=None):
        super().__init__(admin.url, admin.token, admin.session)
        self.words = set() if words is None else words
        self.named = {} if named is None else named  # {"profileId": ["…", …]}

    def call(self, method, path, json=None, query=None, data=None, headers=None):
        answer = super().call(method, path, json, query, data, headers)
        if method != "GET" or not OF_ALL.match(path) or "projectId" in (query or {}):
            self.keep(answer)
        self.words |= words_of(path) if answer.status_code == 200 else set()
        return answer

    def with_token(self, token):
        made = Tenant(self, self.words, self.named)
        made.token = token
        return made

    def keep(self, answer):
        self.words |= words_of(answer.text)
        if answer.headers["Content-Type"].startswith("application/json"):
            for path, value in leaves(answer.json()):
                if words_of(str(value)):
                    name = next(step for step in reversed(path) if isinstance(step, str))
                    self.named.setdefault(name, []).append(value)


class Reached(Exception):
    """The call that a test of success came to: its ids, query and body."""

    def __init__(self, ids, arguments):
        super().__init__()
        query, body = arguments.pop("query", None), arguments.pop("json", None)
        self.call = {"ids": list(ids), "query": dict(query or {}),
                     "json": arguments if body is None else copy.deepcopy(body)}


class Until(Tenant):
    """A tenant who stops before one route is called."""

    def __init__(self, tenant, route):
        super().__init__(tenant, tenant.words, tenant.named)
        self.route = route

    def send(self, route, *ids, **arguments):
        if route is self.route:
            raise Reached(ids, arguments)
        return super().send(route, *ids, **arguments)


def call_of(world, daemon, route):
    """What the route's success sends in this world, not sent."""
    place = endpoints.Place(world, daemon)
    place.admin = Until(world.admin, route)
    with pytest.raises(Reached) as reached:
        endpoints.SUCCESS[route.name].run(place)
    return reached.value.call


def send(api, route, call):
    body = call["json"] if call["json"] or (route.body and not route.empty) else None
    return api.send(route, *call["ids"], query=call["query"] or None, json=body)


# --- documents -------------------------------------------------------------------------------------


def leaves(value, path=()):
    """Each (path, value) that is neither an object nor a list."""
    if isinstance(value, dict):
        for name in value:
            yield from leaves(value[name], (*path, name))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, (*path, i))
    else:
        yield path, value


def put(document, path, value):
    """A copy with the value at that place, which is there."""
    made = copy.deepcopy(document)
    at = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return made


class Form:
    """The OpenAPI document, as far as bodies and queries are concerned."""

    def __init__(self, document):
        self.schemas = document["components"]["schemas"]

    def whole(self, schema):
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].split("/")[-1]]
        for word in ("anyOf", "oneOf"):
            for each in schema.get(word, []):
                if self.whole(each).get("type") != "null":
                    return self.whole(each)
        return schema

    def members(self, schema, path=()):
        """Each (path, schema) of what an object may hold; "[]" is an item of a list."""
        schema = self.whole(schema)
        steps = list(schema.get("properties", {}).items())
        if "items" in schema:
            steps.append(("[]", schema["items"]))
        if not steps and path:
            yield path, schema
        for name, each in steps:
            if len(path) < 8:
                yield from self.members(each, (*path, name))

    def least(self, schema):
        """What has only the members that it must have."""
        schema = self.whole(schema)
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if "enum" in schema:
            return schema["enum"][0]
        if kind == "object":
            return {name: self.least(schema["properties"][name])
                    for name in schema.get("required", [])}
        return {"array": [], "integer": schema.get("minimum", 1), "boolean": False}.get(kind, "x")

    def plant(self, schema, document, path, value):
        """The document with a value at a place that may not be there yet."""
        if not path:
            return value
        schema = self.whole(schema)
        if path[0] == "[]":
            items = list(document) if isinstance(document, list) else []
            first = items[0] if items else self.least(schema["items"])
            return [self.plant(schema["items"], first, path[1:], value), *items[1:]]
        made = dict(document) if isinstance(document, dict) else self.least(schema)
        inner = made.get(path[0])
        made[path[0]] = self.plant(schema["properties"][path[0]], inner, path[1:], value)
        return made


# --- the two ---------------------------------------------------------------------------------------


class Two:
    """Our world and theirs, and our administrator, who calls."""

    def __init__(self, admin, daemon):
        self.daemon = daemon
        self.ours, self.theirs = World(Tenant(admin)), World(Tenant(admin))
        for world in (self.ours, self.theirs):
            for name, success in endpoints.SUCCESS.items():
                if name.startswith(STOCK) and name not in endpoints.OF_THE_INSTANCE:
                    success.run(endpoints.Place(world, daemon))
        self.member = self.ours.member("admin")
        # Who keeps nothing: what is answered here is what is looked at.
        self.api = Api(admin.url, self.member.api.token, admin.session)
        self.theirs.admin.named["projectSlug"] = [self.theirs.project["slug"]]
        self.document = described.described_by(admin.url, admin.session)
        self.description = described.Description(self.document)
        self.form = Form(self.document)
        # Who are in both, such as the administrator of the instance.
        self.shared = self.ours.admin.words & self.theirs.admin.words

    def secret_words(self):
        return self.theirs.admin.words - self.ours.admin.words - self.shared

    def check_silent(self, answer, known=()):
        """Nothing of theirs is in the answer, but for what we said ourselves."""
        leaked = (words_of(answer.text) & self.secret_words()) - set(known)
        assert not leaked, f"{answer.request.method} {answer.request.url} tells of {leaked}:\n" \
                           f"{answer.text[:2000]}"


@pytest.fixture(scope="module")
def two(admin, daemon):
    return Two(admin, daemon)


def in_place_of_ours(two, ours, theirs):
    """Our call with one thing of theirs, for each; and with all of them."""
    secret, every = two.secret_words(), ours
    for path, value in leaves(theirs):
        if isinstance(value, str) and words_of(value) & secret:
            yield ".".join(map(str, path)), put(ours, path, value), value
            every = put(every, path, value)
    yield "all of it", every, None


def samples(two, name, is_text):
    """Things of theirs that a member of this name may mean; a text: one of each kind."""
    named = {key: [value for value in values if words_of(str(value)) & two.secret_words()]
             for key, values in two.theirs.admin.named.items()}
    singular = name.removesuffix("s")
    if named.get(singular) and singular not in ("id", "name"):
        return named[singular][-1:]
    kinds = ("id", "serialNumber", "commonName", "slug") if is_text else named
    found = [named[kind][-1] for kind in kinds if named.get(kind)]
    return found if is_text else [value for value in found if UUID.match(str(value))]


def is_id(name, schema, reads):
    """May the member name something of a project?  Where one reads, any text may."""
    if schema.get("format") == "uuid":
        return True
    if reads:
        return schema.get("type") in ("string", ["string", "null"]) and \
            not {"enum", "format"} & set(schema)
    return bool(re.search(r"(Ids?|profileNames?|projectSlug)\Z", name))


def added(two, route, call, operation):
    """Our call with an id of theirs that it may have and has not."""
    reads = endpoints.SUCCESS[route.name].action == ""
    for parameter in operation.get("parameters", []):
        name, schema = parameter["name"], two.form.whole(parameter["schema"])
        if parameter["in"] == "query" and name not in call["query"] and is_id(name, schema, reads):
            for value in samples(two, name, schema.get("format") != "uuid"):
                yield f"query {name}", put(call, ("query", name), value), value
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    for path, schema in two.form.members(content["schema"]) if content else ():
        name = next(step for step in reversed(path) if step != "[]")
        if not is_id(name, schema, reads):
            continue
        base = {key: value for key, value in call["json"].items() if key != OTHER_NAMES.get(name)}
        for value in samples(two, name, schema.get("format") != "uuid"):
            body = two.form.plant(content["schema"], base, path, value)
            if body != call["json"]:
                yield f"body {'.'.join(path)}", {**call, "json": body}, value


def essence(answer, sent):
    """What of an answer may not depend on whether somebody else has what was sent."""
    if answer.status_code == 200:
        return 200, None
    body = answer.json()
    text = json.dumps([body["error"], body["message"], body.get("details")])
    for word in sent:
        text = text.replace(word, "…")
    return answer.status_code, text


def try_one(two, route, call, where):
    """Sends a call with something of theirs in it, and the same with what nobody has."""
    text = json.dumps(call)
    sent = words_of(text) & two.secret_words()
    answer = send(two.api, route, call)
    strangers = {word: stranger(word) for word in sent}
    for word, other in strangers.items():
        text = text.replace(word, other)
    nobody = send(two.api, route, json.loads(text))
    assert essence(answer, sent) == essence(nobody, strangers.values()), \
        f"{route.name}, {where}: theirs is answered otherwise than nobody's:\n" \
        f"{answer.status_code} {answer.text[:1000]}\n{nobody.status_code} {nobody.text[:1000]}"
    reads = endpoints.SUCCESS[route.name].action == ""
    if answer.status_code == 200:
        assert reads, f"{route.name}, {where}: it is done: {answer.text[:1000]}"
        # The audit has what we ourselves asked for in vain.
        two.check_silent(answer, sent if "audit" in route.name else ())
    else:
        two.check_silent(answer, sent)
    return answer


# --- the tests -------------------------------------------------------------------------------------


def test_every_operation_is_tried(two):
    """What the server describes and needs a token for is what the tests below are about."""
    told = {(method.upper(), re.sub(r"\{\w+\}", "{}", path))
            for path, item in two.document["paths"].items() for method, operation in item.items()
            if isinstance(operation, dict) and operation.get("security") != []}
    assert told == {(route.method, route.path) for route in TRIED}


@pytest.mark.parametrize("route", [route for route in TRIED if route.name in endpoints.OWN and
                                   route.name not in REFUSED_ANYHOW], **IDS)
def test_nothing_of_theirs_is_listed(two, route):
    """Lists that say no project: ours alone, to the last page."""
    cursor, pages = "", 0
    while cursor is not None:
        given = {"cursor": cursor} if cursor else {}
        answer = two.api.send(route, **{"json" if route.body else "query": given})
        assert answer.status_code == 200, answer.text
        two.check_silent(answer)
        is_lines = "export" in route.name
        cursor = None if is_lines else answer.json().get("cursor")
        pages += 1
        assert pages < 100, "the list does not end"


@pytest.mark.parametrize("route", TRIED, **IDS)
def test_what_is_theirs_is_nobodys(two, route):
    theirs, ours = (call_of(world, two.daemon, route)
                    for world in (two.theirs, two.ours))
    _, operation = two.description.operation(route.method, route.fill(*map(str, ours["ids"])))
    tried, anew = 0, []
    for where, call, value in in_place_of_ours(two, ours, theirs):
        if call != ours:
            answer = try_one(two, route, call, where)
            tried += 1
            if route.name not in REFUSED_ANYHOW:
                is_name = (route.name, where) in NOT_404
                refused(answer, 422 if is_name else 404, None if is_name else "NotFound")
    for where, call, value in added(two, route, ours, operation):
        if (route.name, where) in MADE_ANEW:
            anew.append(call)
        else:
            try_one(two, route, call, f"{where}: {value}")
        tried += 1
    assert tried or route.ids == 0, "nothing was tried"
    for call in anew[:1]:  # a second one would find its name taken
        answer = send(two.api, route, call)
        ok(answer)
        two.check_silent(answer)
        ours = call_of(two.ours, two.daemon, route)
    answer = send(two.api, route, ours)
    if route.name in REFUSED_ANYHOW:
        assert answer.status_code in (403, 404), answer.text
    elif route.name not in endpoints.NO_SUCCESS:
        assert answer.status_code == 200, f"our own: {answer.status_code} {answer.text}"
    two.check_silent(answer)


def test_nothing_was_done_to_them(two):
    """Whatever was answered: the audit, to which each change adds a row, knows of none of ours."""
    found = ok(two.ours.admin.search_audit_logs(projectId=two.theirs.project_id,
                                                actorId=two.member.id))
    assert found["auditLogs"] == []
