# SPDX-License-Identifier: ISC
"""An issuer of tokens, the tests' own, and pools that take them."""

import json
import socket

import fcgi
import stage as stages


class Issuer:
    """tests/e2e/issuer.py, which lists what it may be told."""

    def __init__(self, stage):
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = stage.start(
                ["/usr/bin/python3", stages.CHECKOUT / "tests/e2e/issuer.py",
                 stage.dir, stages.free_port()],
                "issuer.log", stdin=theirs,
            )
        self.lines = ours.makefile("rw")
        ours.close()
        self.url = json.loads(self.lines.readline())["url"]
        self.tell("key('RS256', 'RSA')")
        self.tell("key('ES256', 'EC')")
        self.tell("publish('RS256', 'ES256')")
        self.path = stage.dir / "issuers"
        self.path.write_text(f"[{self.url}]\naudience = latchkey\n"
                             f"jwks_uri = {self.url}/jwks.json\n")
        self.path.chmod(0o600)

    def tell(self, command):
        self.lines.write(command + "\n")
        self.lines.flush()
        return json.loads(self.lines.readline())

    def people(self, algorithm, count):
        """Tokens that last, of so many subjects."""
        return [
            self.tell(f"token({algorithm!r}, life=7200, claims={{"
                      f"'sub': 'user_{i:020}', 'jti': 'token_{i:030}',"
                      f"'name': 'Person {i}'}})")
            for i in range(count)
        ]


def introduce(pool, people):
    """Until each has an account; the first asks for the keys."""
    with fcgi.Client(pool.path) as client:
        def known(person):
            return client.ask(fcgi.KINDS["me, bearer"](person))[0] == 200

        stages.until(pool, lambda: known(people[0]), "the JWKS process")
        for person in people:
            if not known(person):
                raise stages.Failed("a token is not taken")
