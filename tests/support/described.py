"""Holds answers to the description of the API (/api/openapi.json) that the daemon itself gives.

Each answer that a test gets through api.py is looked at: its operation is described, its status is one
that the operation may answer, its media type too, and a JSON body has the form described: no member is
missing, and none is there that the description does not know.
"""
import copy
import re

import jsonschema_rs
import requests

DOCUMENT = "/api/openapi.json"
# Of HTTP itself, by whatever operation.
BY_ANY = {405, 408, 414, 417, 431}


def closed(schema):
    """The schema with every object in it closed: what is not described must not be there."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        made["properties"] = {name: closed(each) for name, each in schema["properties"].items()}
        made.setdefault("additionalProperties", False)
    return made


class Description:
    """A document, its operations found by method and path."""

    def __init__(self, document):
        self.document = document
        self.closed_schemas = closed(document["components"]["schemas"])
        self.validators = {}
        self.paths = []
        for path, item in document["paths"].items():
            names = len(re.findall(r"\{\w+\}", path))
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
            self.paths.append((names, re.compile(pattern + r"\Z"), path, item))
        self.paths.sort(key=lambda entry: entry[0])  # a literal segment wins over a name

    def operation(self, method, path):
        """The operation that serves a request, or None."""
        for _, pattern, name, item in self.paths:
            if pattern.match(path) and method.lower() in item:
                return name, item[method.lower()]
        return None, None

    def response(self, operation, status):
        response = operation["responses"].get(str(status))
        if response is not None and "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].split("/")[-1]]
        return response

    def validator(self, name, method, status, schema):
        key = (name, method, status)
        if key not in self.validators:
            whole = {**closed(copy.deepcopy(schema)),
                     "components": {"schemas": self.closed_schemas}}
            self.validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self.validators[key]

    def check(self, method, path, answer):
        """Fails unless the answer is one that the description has."""
        name, operation = self.operation(method, path)
        if answer.status_code == 404 and "there is no route" in answer.text:
            return  # of another listener
        if operation is None or answer.status_code in BY_ANY:
            assert answer.status_code != 200 or not path.startswith("/api/") or path == DOCUMENT \
                or path == "/api/docs", f"{method} {path} is not described"
            return
        response = self.response(operation, answer.status_code)
        where = f"{method} {name}: {answer.status_code}"
        assert response is not None, f"{where} is not described: {answer.text}"
        media_type = answer.headers.get("Content-Type", "").split(";")[0]
        assert media_type in response["content"], f"{where}: {media_type} is not described"
        if media_type == "application/json":
            schema = response["content"][media_type]["schema"]
            validator = self.validator(name, method, answer.status_code, schema)
            problems = [f"{'/'.join(map(str, error.instance_path))}: {error.message}"
                        for error in validator.iter_errors(answer.json())]
            assert not problems, f"{where} is not as described: {problems}"


_described = None


def described_by(url, session):
    """What a daemon says of itself, to who trusts it as `session` does."""
    with requests.Session() as own:
        own.trust_env = False
        own.verify, own.cert = session.verify, session.cert
        return own.get(url + DOCUMENT, timeout=60).json()


def check(url, method, path, answer, session):
    """Holds an answer to the description.  That of the session's first daemon serves for all, until one
    answers otherwise: it may have other plugins, so its own decides."""
    global _described
    if method == "HEAD":
        return
    if _described is None:
        _described = Description(described_by(url, session))
    try:
        _described.check(method, path, answer)
    except AssertionError:
        own = described_by(url, session)
        if own == _described.document:
            raise
        Description(own).check(method, path, answer)
