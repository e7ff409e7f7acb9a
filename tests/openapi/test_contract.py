#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Test that contract.py finds differences on either side."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from contract import Contract, Exchange  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TEXT = (HERE / "../../docs/openapi.yaml").read_text(encoding="utf-8")


def exchange(method, path, status, body=None, **headers):
    """An exchange of a running site; headers that are None are left out."""
    fields = {
        "Content-Type": None if body is None else "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": "9b50c756962fb3fb",
    }
    for name, value in headers.items():
        fields[name.replace("_", "-")] = value
    rows = [f"{name}: {value}" for name, value in fields.items() if value]
    record = {
        "method": method,
        "path": path,
        "status": status,
        "headers": "\r\n".join([f"HTTP/1.1 {status} Reason", *rows, "", ""]),
    }
    if body is not None:
        record["body"] = json.dumps(body)
    return Exchange(json.dumps(record))


def refusal(method, path, status, code, **headers):
    body = {
        "type": "about:blank",
        "title": "No",
        "status": status,
        "code": code,
        "detail": "No",
        "request_id": "9b50c756962fb3fb",
    }
    headers.setdefault("Content_Type", "application/problem+json")
    if status == 401:
        headers.setdefault("WWW_Authenticate", 'Bearer realm="latchkey"')
    if status == 503:
        headers.setdefault("Retry_After", "1")
    return exchange(method, path, status, body, **headers)


OK = {"status": "ok"}
PERSON = {"id": "1", "name": "Ada", "avatar_url": None}
ME = "/api/v1/auth/me"
LOGIN = "/api/v1/auth/login"


class Answered(unittest.TestCase):
    """Answers that are not in the contract."""

    def assert_right(self, what, text=TEXT):
        self.assertIsNone(Contract(text).check(what))

    def assert_wrong(self, what, why, text=TEXT):
        self.assertRegex(Contract(text).check(what) or "right", why)

    def test_correct_answers(self):
        self.assert_right(exchange("GET", "/api/v1/healthz", 200, OK))
        self.assert_right(exchange("GET", "/healthz?x=1", 200, OK))
        self.assert_right(exchange("HEAD", "/healthz", 200))
        self.assert_right(exchange("GET", "/api/v1/users/1", 200, PERSON))
        self.assert_right(refusal("GET", ME, 401, "not_signed_in"))
        self.assert_right(refusal("POST", LOGIN, 413, "body_too_large"))
        self.assert_right(refusal("GET", "/api/v1/no", 404, "not_found"))
        self.assert_right(refusal("POST", "/auth/check", 403, "cross_site"))
        self.assert_right(
            exchange("OPTIONS", LOGIN, 204, Allow="POST, OPTIONS")
        )
        self.assert_right(
            refusal(
                "GET", LOGIN, 405, "method_not_allowed",
                Allow="POST, OPTIONS",
            )
        )  # fmt: skip

    def test_answers_of_other_servers(self):
        self.assert_right(
            exchange("GET", ME, 502, {"x": 1}, X_Request_Id=None)
        )
        self.assert_right(exchange("GET", "/guarded/x", 200, {"x": 1}))
        self.assert_right(refusal("GET", "//auth/me", 401, "not_signed_in"))

    def test_an_unknown_path_or_method(self):
        self.assert_wrong(
            exchange("GET", "/api/v1/no", 200, OK), "a path that is not in"
        )
        self.assert_wrong(
            exchange("PUT", LOGIN, 200, OK, Allow="POST, OPTIONS"),
            "this method is not",
        )
        self.assert_wrong(
            exchange("OPTIONS", LOGIN, 204, Allow="GET, HEAD, OPTIONS"),
            "Allow is not",
        )

    def test_a_removed_path(self):
        text = TEXT.replace("  /healthz:\n", "  /elsewhere:\n", 1)
        self.assert_wrong(
            exchange("GET", "/api/v1/healthz", 200, OK),
            "a path that is not in",
            text,
        )

    def test_an_unknown_status_or_code(self):
        self.assert_wrong(exchange("GET", "/healthz", 202, OK), "has no 202")
        self.assert_wrong(
            refusal("GET", ME, 403, "cross_site"), "has no 403 cross_site"
        )
        self.assert_wrong(
            refusal("GET", ME, 401, "invalid_credentials"),
            "has no 401 invalid_credentials",
        )
        self.assert_wrong(
            refusal("POST", LOGIN, 400, "body_too_large"), "has no 400"
        )

    def test_headers(self):
        self.assert_wrong(
            refusal("GET", ME, 401, "not_signed_in", WWW_Authenticate=None),
            "without the header www-authenticate",
        )
        self.assert_wrong(
            refusal("GET", ME, 401, "not_signed_in", WWW_Authenticate="No"),
            "www-authenticate: .*does not match",
        )
        self.assert_wrong(
            exchange("GET", "/healthz", 200, OK, Set_Cookie="a=b"),
            "the header set-cookie",
        )
        self.assert_wrong(
            exchange("GET", "/healthz", 200, OK, Cache_Control="private"),
            "not no-store",
        )
        self.assert_wrong(
            exchange(
                "GET", "/healthz", 200, OK, X_Content_Type_Options=None
            ),
            "not nosniff",
        )

    def test_bodies(self):
        path = "/api/v1/users/1"
        self.assert_wrong(
            exchange("GET", path, 200, {**PERSON, "id": 1}), "id: 1 is not"
        )
        self.assert_wrong(
            exchange("GET", path, 200, {**PERSON, "more": 1}), "'more' was"
        )
        self.assert_wrong(
            exchange("GET", path, 200, {"id": "1", "name": "A"}),
            "'avatar_url' is a required",
        )
        self.assert_wrong(
            exchange("GET", path, 200, PERSON, Content_Type="text/html"),
            "content type 'text/html'",
        )
        self.assert_wrong(
            exchange("GET", "/healthz", 200), "the content type ''|no JSON"
        )


class Promised(unittest.TestCase):
    """Parts of the contract that were not answered."""

    def unseen(self, *exchanges, text=TEXT):
        contract = Contract(text)
        for one in exchanges:
            self.assertIsNone(contract.check(one))
        return set(contract.unseen())

    def test_each_status_code_and_header_is_required(self):
        nothing = self.unseen()
        self.assertIn("GET /healthz: 200", nothing)
        self.assertIn("GET /auth/me: 401 invalid_token", nothing)
        self.assertIn("GET /auth/me: 401 with WWW-Authenticate", nothing)
        self.assertIn("POST /forms/logout: 303 with Set-Cookie", nothing)
        self.assertIn("anywhere: body_too_large", nothing)
        self.assertNotIn("anywhere: malformed_request", nothing)

    def test_answered_parts_are_not_listed(self):
        some = self.unseen(
            exchange("GET", "/healthz", 200, OK),
            refusal("GET", ME, 401, "not_signed_in"),
            refusal("POST", LOGIN, 413, "body_too_large"),
        )
        self.assertEqual(
            self.unseen() - some,
            {
                "GET /healthz: 200",
                "GET /auth/me: 401 not_signed_in",
                "GET /auth/me: 401 with WWW-Authenticate",
                "anywhere: body_too_large",
            },
        )

    def test_operations_are_counted_separately(self):
        put = "PUT /auth/update-profile: 401 not_signed_in"
        some = self.unseen(
            refusal("PATCH", "/auth/update-profile", 401, "not_signed_in")
        )
        self.assertIn(put, some)

    def test_an_added_status_is_required(self):
        text = re.sub(
            r"(  /healthz:\n(?:.*\n)*?      responses:\n)",
            r'\1        "418":\n          description: A teapot.\n',
            TEXT,
            count=1,
        )
        self.assertIn("GET /healthz: 418", self.unseen(text=text))


class Held(unittest.TestCase):
    """tests/openapi/hold on a log."""

    def hold(self, *lines):
        with tempfile.NamedTemporaryFile("w") as log:
            log.writelines(line + "\n" for line in lines)
            log.flush()
            return subprocess.run(
                [HERE / "hold", log.name],
                capture_output=True, text=True, check=False,
            )  # fmt: skip

    def test_it_fails_on_either_side(self):
        line = json.dumps(
            {
                "method": "GET",
                "path": "/healthz",
                "status": 202,
                "headers": "X-Request-Id: 9b50c756962fb3fb\r\n",
            }
        )
        held = self.hold(line, line)
        self.assertEqual(held.returncode, 1)
        self.assertIn("has no 202 , 2 times", held.stdout)
        self.assertIn("never answered: GET /healthz: 200", held.stdout)

    def test_an_empty_log_fails(self):
        self.assertEqual(self.hold().returncode, 1)


if __name__ == "__main__":
    unittest.main()
