"""The check finds what it is for."""

import unittest

from check import Description, compare, missing, unequal_limits

DOCUMENT = {
    "paths": {"/things": {
        "get": {"operationId": "listThings", "responses": {"200": {"content": {"application/json": {
            "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}}}},
        "post": {"operationId": "addThing", "requestBody": {"content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Thing"}}}}, "responses": {"200": {"content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Thing"}}}}, "204": {}}},
    }},
    "components": {"schemas": {
        "Error": {"type": "object", "required": ["errorCode"]},
        "Thing": {"type": "object", "required": ["kind"], "properties": {
            "id": {"type": "string", "readOnly": True}, "kind": {"type": "string"},
            "note": {"type": "string", "nullable": True}},
            "discriminator": {"propertyName": "kind", "mapping": {"BOX": "#/components/schemas/Box"}}},
        "Box": {"allOf": [{"type": "object", "properties": {"size": {"type": "integer"}}}]},
    }},
}


def exchange(operation="addThing", status=200, response=None, request=None, agent="other"):
    response = {"kind": "x"} if response is None else response
    return {"operationId": operation, "status": status, "response": response, "request": request, "agent": agent,
            "json": response != ""}


class Check(unittest.TestCase):
    def wrong(self, *exchanges, deviations=()):
        return compare(Description(DOCUMENT), exchanges, list(deviations))[1]

    def test_good_exchanges_pass(self):
        self.assertEqual([], self.wrong(
            exchange(response={"id": "1", "kind": "x", "note": None}),
            exchange("listThings", response=[{"kind": "x"}, {"kind": "BOX", "size": 1}]),
            exchange(status=404, response={"errorCode": "E0000007"}),
            exchange(agent="okta-dac/1", request={"kind": "x"}),
            exchange("unknown", response={"anything": 1}),
        ))

    def test_bad_ones_do_not(self):
        for bad in (
            exchange(response={"kind": 1}),
            exchange(response={}),
            exchange("listThings", response=[{"kind": "BOX", "size": "big"}]),
            exchange(status=201),
            exchange(status=204),
            exchange(status=409, response={"message": "a framework's text"}),
            exchange(agent="okta-dac/1", request={"id": "1", "kind": "x"}),
            exchange(agent="okta-dac/1", request={"kind": 1}),
        ):
            self.assertEqual(1, len(self.wrong(bad)), bad)

    def test_a_listed_deviation_passes_while_it_is_needed(self):
        entry = {"operations": ["addThing"], "direction": "response", "at": "", "keyword": "status", "evidence": "seen"}
        self.assertEqual([], self.wrong(exchange(status=201), deviations=[entry]))
        self.assertEqual(1, len(self.wrong(exchange(), deviations=[entry])))
        self.assertEqual(1, len(self.wrong(exchange(status=201), deviations=[{**entry, "evidence": ""}])))

    def test_a_null_that_is_not_described_is_a_kind_of_its_own(self):
        entry = {"operations": ["addThing", "listThings"], "direction": "response", "at": ["/kind"],
                 "keyword": "null", "evidence": "seen"}
        null = {"kind": None}
        self.assertEqual(1, len(self.wrong(exchange(response=null))))
        self.assertEqual([], self.wrong(exchange(response=null), exchange("listThings", response=[null]), deviations=[entry]))
        self.assertEqual(2, len(self.wrong(exchange(response={"kind": 1}), deviations=[entry])))

    def test_limits_are_compared_in_both_directions(self):
        document = {"paths": {"/things": {"post": {"operationId": "addThing", "requestBody": {"content": {
            "application/json": {"schema": {"type": "object", "properties": {
                "name": {"type": "string", "maxLength": 5}, "id": {"readOnly": True, "maxLength": 9}}}}}}}}}}
        right = {"at": "/name", "least": 0, "most": 5, "pattern": None}
        entry = {"operations": ["addThing"], "direction": "limit", "at": "/name"}
        for limits, deviations, wrong in (
            ([right], [], 0), ([], [], 1), ([{**right, "most": 6}], [], 2), ([right, {**right, "at": "/id"}], [], 1),
            ([], [entry], 0), ([right], [entry], 1),
        ):
            endpoints = [{"operationId": "addThing", "limits": limits}]
            self.assertEqual(wrong, len(list(unequal_limits(document, endpoints, deviations))), limits)

    def test_every_described_operation_is_there(self):
        there = [{"operationId": "listThings", "method": "GET", "path": "/things", "scope": None},
                 {"operationId": "addThing", "method": "POST", "path": "/thing", "scope": None}]
        self.assertEqual(1, len(list(missing(DOCUMENT, there))))
        self.assertEqual(2, len(list(missing(DOCUMENT, []))))


if __name__ == "__main__":
    unittest.main()
