# SPDX-License-Identifier: ISC
"""Compare the answers of a running site with the contract, in both directions.

An exchange is a line written by tests/support/web_log.c: method, path, status,
headers as received, and the body if it was JSON.
"""

import json
import re

import jsonschema
import yaml

# The loader written in C is ten times as fast; both are safe.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

BASE = "/api/v1"
METHODS = ("get", "put", "post", "delete", "patch")
PROBLEM = "application/problem+json"

# Refusals of a client in the form of RFC 6749.
OAUTH = "application/json"

# Headers of every answer, and headers that web servers add.
GENERAL = {
    "accept-ranges", "cache-control", "connection", "content-length", "content-type", "date",
    "server", "transfer-encoding", "x-content-type-options", "x-request-id",
}  # fmt: skip
# The most bodies of one kind that are validated; there are thousands.
BODIES_MAX = 200


class Exchange:
    def __init__(self, line):
        fields = json.loads(line)
        self.method = fields["method"]
        self.path = fields["path"].split("?")[0]
        self.status = fields["status"]
        self.body = fields.get("body")
        self.headers = {}
        for row in fields["headers"].split("\r\n"):
            name, colon, value = row.partition(":")
            if colon:
                self.headers[name.lower()] = value.strip()
        self.type = self.headers.get("content-type", "").partition(";")[0]

    def is_ours(self):
        """True if Latchkey answered, at a path that the web server kept."""
        return "x-request-id" in self.headers and not re.search(
            r"//|/\.\.?(/|$)|%", self.path
        )

    def code(self):
        """The code of a refusal."""
        if self.status < 400 or not self.body:
            return None
        body = json.loads(self.body)
        return body["code"] if self.type == PROBLEM else body.get("error")

    def __str__(self):
        body = f" {self.body[:200]}" if self.body else ""
        return f"{self.method} {self.path} {self.status}{body}"


class Operation:
    def __init__(self, contract, path, method, fields):
        self.name = f"{method.upper()} {path}"
        self.any_method = fields.get("x-any-method", False)
        self.responses = {
            str(status): contract.resolve(response)
            for status, response in fields["responses"].items()
        }


class Contract:
    def __init__(self, text):
        self.root = yaml.load(text, Loader=LOADER)
        close(self.root)
        self.paths = []
        for path, item in self.root["paths"].items():
            pattern = re.sub(r"\{[^}]*\}", "[^/]+", path.replace(".", r"\."))
            base = f"({BASE})?" if item.get("x-also-at-root") else BASE
            operations = {
                method.upper(): Operation(self, path, method, item[method])
                for method in METHODS
                if method in item
            }
            self.paths.append((re.compile(base + pattern), operations))
        self.resolver = jsonschema.RefResolver("", self.root)
        self.seen = set()
        self.bodies = {}

    def resolve(self, value):
        while "$ref" in value:
            target = self.root
            for name in value["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            value = target
        return value

    def codes(self, key, response):
        """The examples of a refusal by code; None for another response."""
        refusal = key == "default" or int(key) >= 400
        content = response.get("content", {})
        if not refusal:
            return None
        return {
            code: self.resolve(example)
            for kind in (PROBLEM, OAUTH)
            for code, example in content.get(kind, {})
            .get("examples", {})
            .items()
        }

    # ---- every answer is in the contract ----

    def check(self, exchange):
        """A description of what is wrong with the exchange, or None."""
        if not exchange.is_ours():
            return None
        for pattern, operations in self.paths:
            if pattern.fullmatch(exchange.path):
                return self.check_path(exchange, operations)
        if not exchange.path.startswith(BASE + "/"):
            return None  # a guarded path
        if exchange.status == 404 and exchange.code() == "not_found":
            return None
        return "answered at a path that is not in the contract"

    def check_path(self, exchange, operations):
        method = "GET" if exchange.method == "HEAD" else exchange.method
        for operation in operations.values():
            if operation.any_method:
                return self.check_answer(exchange, operation)
        if method in operations:
            return self.check_answer(exchange, operations[method])
        allow = {"OPTIONS"} | set(operations)
        if "GET" in allow:
            allow.add("HEAD")
        if set(exchange.headers.get("allow", "").split(", ")) != allow:
            return f"Allow is not {sorted(allow)}"
        if method == "OPTIONS":
            return None if exchange.status == 204 else "not 204"
        if exchange.status == 405 and exchange.code() == "method_not_allowed":
            return None
        return "this method is not in the contract"

    def check_answer(self, exchange, operation):
        status, response = str(exchange.status), None
        code = exchange.code()
        for key in (status, "default"):
            found = operation.responses.get(key)
            if found is None:
                continue
            codes = self.codes(key, found)
            if code is None and codes is None:
                response = found
            elif code is not None and codes and code in codes:
                value = codes[code]["value"]
                if value.get("status", exchange.status) == exchange.status:
                    response = found
            if response is not None:
                self.note(operation, key, code, exchange)
                return self.check_head(exchange, response) or self.check_body(
                    exchange, response, (operation.name, key, code)
                )
        if exchange.method == "HEAD" and status in operation.responses:
            return None  # without a body the refusal is not known
        return f"{operation.name} has no {status} {code or ''}"

    def note(self, operation, key, code, exchange):
        self.seen.add((operation.name, key, code))
        self.seen.update(
            (operation.name, key, name) for name in exchange.headers
        )
        self.seen.add(code)

    def check_head(self, exchange, response):
        got = exchange.headers
        if got.get("x-content-type-options") != "nosniff":
            return "not nosniff"
        wanted = {
            name.lower(): self.resolve(header)
            for name, header in response.get("headers", {}).items()
        }
        if "cache-control" not in wanted:
            if got.get("cache-control") != "no-store":
                return "not no-store"
        for name in got:
            if name not in wanted and name not in GENERAL:
                return f"the header {name} is not in the contract"
        for name, header in wanted.items():
            if name not in got:
                if header.get("required"):
                    return f"without the header {name}"
                continue
            fault = self.schema_error(got[name], header["schema"])
            if fault:
                return f"{name}: {fault}"
        return None

    def check_body(self, exchange, response, kind):
        content = response.get("content", {})
        if exchange.method == "HEAD":
            return None
        if not content and exchange.type == "":
            return None
        if exchange.type not in content:
            return f"the content type {exchange.type!r} is not in the contract"
        if "json" not in exchange.type:
            return None
        if exchange.body is None:
            return "no JSON"
        self.bodies[kind] = self.bodies.get(kind, 0) + 1
        if self.bodies[kind] > BODIES_MAX:
            return None
        return self.schema_error(
            json.loads(exchange.body), content[exchange.type]["schema"]
        )

    def schema_error(self, value, schema):
        validator = jsonschema.Draft202012Validator(
            schema, resolver=self.resolver
        )
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        if error is None:
            return None
        where = "/".join(str(part) for part in error.absolute_path)
        return f"{where}: {error.message}"

    # ---- everything in the contract was answered ----

    def unseen(self):
        """Descriptions of what the contract has and no answer showed."""
        everywhere = {}
        for _, operations in self.paths:
            for operation in operations.values():
                for key, response in operation.responses.items():
                    codes = self.codes(key, response)
                    if key == "default":
                        everywhere.update(codes)
                        continue
                    yield from self.unseen_of(operation, key, response, codes)
        for code, example in everywhere.items():
            if "x-unexercised" not in example and code not in self.seen:
                yield f"anywhere: {code}"

    def unseen_of(self, operation, key, response, codes):
        if "x-unexercised" in response:
            return
        for code, example in (codes or {None: {}}).items():
            if "x-unexercised" in example:
                continue
            if (operation.name, key, code) not in self.seen:
                yield f"{operation.name}: {key} {code or ''}".rstrip()
        for name in response.get("headers", {}):
            if (operation.name, key, name.lower()) not in self.seen:
                yield f"{operation.name}: {key} with {name}"


def close(value):
    """Allow no unnamed members in objects.  Clients must tolerate new members, but
    the contract must name them."""
    if isinstance(value, list):
        for item in value:
            close(item)
    elif isinstance(value, dict):
        if isinstance(value.get("properties"), dict):
            value.setdefault("additionalProperties", False)
        for item in value.values():
            close(item)
