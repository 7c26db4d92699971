"""Compares exchanges with the emulator with Okta's published description.

    check.py DESCRIPTION EXCHANGES DEVIATIONS < endpoints

DESCRIPTION is Okta's OpenAPI document (Apache-2.0), which is not part of this
repository: if it is not there, the check says so and passes. EXCHANGES is the
folder that the tests have filled (`OKTA_EXCHANGES`, see the emulator's
`exchanges.rs`); standard input is what `okta-emulator --endpoints` prints. Checked
are the method, path and scope of every described operation, every answer of the emulator, and every request of
`okta-client`. DEVIATIONS lists where the real Okta is known to differ from its
description; an entry that nothing needs any more fails the check, so that the
list only shrinks.
"""

import json
import pathlib
import re
import sys
import warnings

warnings.filterwarnings("ignore", category=DeprecationWarning)

from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator  # noqa: E402
from referencing import Registry, Resource  # noqa: E402
from referencing.jsonschema import DRAFT4  # noqa: E402

ERROR = {"$ref": "urn:okta#/components/schemas/Error"}


class Description:
    """Okta's document, with a validator for each schema that was asked for."""

    def __init__(self, document):
        self.document = document
        self.registry = Registry().with_resource("urn:okta", Resource.from_contents(document, DRAFT4))
        self.operations = {
            operation["operationId"]: operation
            for path in document["paths"].values()
            for verb, operation in path.items()
            if verb in ("get", "put", "post", "delete", "patch")
        }

    def resolved(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for part in node["$ref"].lstrip("#/").split("/"):
                target = target[part]
            node = target
        return node

    def schema_of(self, content):
        """The schema of a JSON body; `None` if there is none."""
        for kind, media in (content or {}).items():
            if "json" in kind:
                return absolute(media.get("schema"))
        return None

    def subtype(self, schema, instance):
        """The schema that the discriminator picks."""
        node = self.resolved({"$ref": schema["$ref"].removeprefix("urn:okta")}) if "$ref" in schema else schema
        choice = node.get("discriminator", {})
        value = instance.get(choice.get("propertyName")) if isinstance(instance, dict) else None
        target = choice.get("mapping", {}).get(value)
        return absolute({"$ref": target}) if target and target != schema.get("$ref", "").removeprefix("urn:okta") else schema

    def violations(self, schema, instance, validator):
        if schema is None:
            return
        node = self.resolved({"$ref": schema["$ref"].removeprefix("urn:okta")}) if "$ref" in schema else schema
        if node.get("type") == "array" and isinstance(instance, list):
            for element in instance:
                for at, keyword, text in self.violations(absolute(node["items"]), element, validator):
                    yield f"/*{at}", keyword, text
            return
        schema = self.subtype(schema, instance)
        for error in validator(schema, registry=self.registry).iter_errors(instance):
            yield from leaves(error)


def absolute(schema):
    """The schema with references that do not depend on where it is."""
    return json.loads(re.sub(r'"#/', '"urn:okta#/', json.dumps(schema))) if schema is not None else None


def leaves(error):
    """The innermost reasons of an error; of alternatives, all."""
    if error.context:
        for inner in error.context:
            yield from leaves(inner)
        return
    at = "".join(f"/{'*' if isinstance(part, int) else part}" for part in error.absolute_path)
    # Where the description has no null, the real Okta may print one: a kind of its own.
    keyword = "null" if error.instance is None and error.validator in ("type", "enum") else error.validator
    # A subtype repeats what its base has said.
    yield at, keyword, error.message[:160]


def check(description, exchange):
    """What an exchange does that the description does not allow."""
    operation = description.operations.get(exchange["operationId"])
    if operation is None:
        return
    status = str(exchange["status"])
    response = description.resolved(operation["responses"].get(status))
    if response is None and exchange["status"] < 400:
        yield "response", "", "status", f"status {status} is not described"
    elif exchange["json"]:
        # Refusals that are not described are still error objects.
        oauth = "error" in exchange["response"] if isinstance(exchange["response"], dict) else False
        schema = description.schema_of(response.get("content")) if response else None if oauth else ERROR
        if response and schema is None and exchange["response"] not in (None, {}):
            yield "response", "", "body", "a body is not described"
        for at, keyword, text in description.violations(schema, exchange["response"], OAS30ReadValidator):
            yield "response", at, keyword, text
    # An empty body that is refused is a probe of rights.
    probe = exchange["request"] == {} and exchange["status"] >= 400
    if exchange["agent"].startswith("okta-dac/") and isinstance(exchange["request"], dict) and not probe:
        body = description.resolved(operation.get("requestBody")) or {}
        schema = description.schema_of(body.get("content"))
        for at, keyword, text in description.violations(schema, exchange["request"], OAS30WriteValidator):
            yield "request", at, keyword, text


def listed(deviation, violation):
    """Whether a deviation covers a violation; `at` of an element is that of the object alone."""
    operation, direction, at, keyword = violation
    places = deviation["at"] if isinstance(deviation["at"], list) else [deviation["at"]]
    return (
        (operation in deviation["operations"] or deviation["operations"] == ["*"])
        and deviation["direction"] == direction
        and at.removeprefix("/*") in places
        and deviation["keyword"] == keyword
    )


def compare(description, exchanges, deviations):
    """Counts, sentences about what is wrong."""
    found, operations = {}, set()
    for exchange in exchanges:
        operations.add(exchange["operationId"])
        for direction, at, keyword, text in check(description, exchange):
            found.setdefault((exchange["operationId"], direction, at, keyword), f"{exchange['status']}: {text}")
    wrong, used = [], set()
    for violation, text in sorted(found.items()):
        matches = [n for n, deviation in enumerate(deviations) if listed(deviation, violation)]
        used.update(matches)
        if not matches:
            wrong.append(f"{violation[0]} {violation[1]} at `{violation[2]}` ({violation[3]}): {text}")
    for n, deviation in enumerate(deviations):
        if n not in used and deviation["direction"] != "limit":
            wrong.append(f"the deviation {deviation} is not needed any more: remove it")
        if not deviation.get("evidence"):
            wrong.append(f"the deviation {deviation} names no evidence")
    return operations & description.operations.keys(), wrong


def missing(document, endpoints):
    """Described operations that the emulator does not have, or has otherwise."""
    known = {endpoint["operationId"]: endpoint for endpoint in endpoints}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            if verb not in ("get", "put", "post", "delete", "patch"):
                continue
            scopes = [scope for way in operation.get("security", []) for scope in way.get("oauth2", [])]
            expected = (verb.upper(), path, scopes[0] if scopes else None)
            endpoint = known.get(operation["operationId"])
            actual = endpoint and (endpoint["method"], endpoint["path"], endpoint["scope"])
            if actual != expected:
                yield f"{operation['operationId']} is described as {expected}, emulated as {actual}"


def lengths(document, node, at="", seen=frozenset()):
    """The limits of texts in a body: pointer, least, most, pattern. What only Okta writes has none."""
    if node.get("$ref") in seen:
        return
    seen = seen | {node["$ref"]} if "$ref" in node else seen
    node = Description(document).resolved(node)
    if node.get("readOnly"):
        return
    limit = (node.get("minLength") or 0, node.get("maxLength"), node.get("pattern"))
    if limit != (0, None, None):
        # Members that a map names are all alike.
        yield (re.sub(r"/properties/[^/]+/", "/properties/*/", at), *limit)
    for part in [*node.get("allOf", []), *node.get("oneOf", []), *node.get("anyOf", [])]:
        yield from lengths(document, part, at, seen)
    for target in node.get("discriminator", {}).get("mapping", {}).values():
        yield from lengths(document, {"$ref": target}, at, seen)
    for name, member in node.get("properties", {}).items():
        yield from lengths(document, member, f"{at}/{name}", seen)
    if isinstance(node.get("items"), dict):
        yield from lengths(document, node["items"], f"{at}/*", seen)


def unequal_limits(document, endpoints, deviations):
    """Limits of lengths that the description or the emulator has alone."""
    wrong = {(operation, entry["at"]) for entry in deviations if entry["direction"] == "limit" for operation in entry["operations"]}
    unused = set(wrong)
    emulated = {endpoint["operationId"]: endpoint for endpoint in endpoints}
    for verbs in document["paths"].values():
        for operation in verbs.values():
            endpoint = emulated.get(operation.get("operationId")) if isinstance(operation, dict) else None
            if endpoint is None:
                continue
            body = Description(document).resolved(operation.get("requestBody")) or {}
            schemas = [media["schema"] for kind, media in body.get("content", {}).items() if "json" in kind]
            expected = {limit for schema in schemas for limit in lengths(document, schema)}
            actual = {(row["at"], row["least"], row["most"], row["pattern"]) for row in endpoint.get("limits", [])}
            for at, least, most, pattern in sorted(expected - actual, key=str):
                if (endpoint["operationId"], at) in wrong:
                    unused.discard((endpoint["operationId"], at))
                    continue
                yield f"{endpoint['operationId']} at `{at}`: described as {least} to {most} {pattern or ''}, not emulated"
            for at, least, most, pattern in sorted(actual - expected, key=str):
                yield f"{endpoint['operationId']} at `{at}`: emulated as {least} to {most} {pattern or ''}, not described"
    for operation, at in sorted(unused):
        yield f"the deviation of the limit of {operation} at `{at}` is not needed any more: remove it"


def main(description, folder, deviations):
    path = pathlib.Path(description)
    if not path.exists():
        print("Okta's description is not here: the check of the exchanges is skipped")
        return 0
    lines = [line for file in sorted(pathlib.Path(folder).glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    exchanges = [json.loads(line) for line in dict.fromkeys(lines)]
    if not exchanges:
        print(f"no exchanges in {folder}: run the tests first")
        return 1
    known = json.loads(pathlib.Path(deviations).read_text("utf-8"))
    described = Description(json.loads(path.read_text("utf-8")))
    operations, wrong = compare(described, exchanges, known)
    endpoints = json.load(sys.stdin)
    wrong += missing(described.document, endpoints)
    wrong += unequal_limits(described.document, endpoints, known)
    others = sorted({endpoint["operationId"] for endpoint in endpoints} - described.operations.keys())
    print(f"not compared, since the description lacks them: {', '.join(others)}")
    for sentence in wrong:
        print(sentence)
    print(f"{len(exchanges)} exchanges of {len(operations)} of {len(described.operations)} described operations, "
          f"{len(known)} listed deviations, {len(wrong)} violations")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
