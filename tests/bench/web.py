# SPDX-License-Identifier: ISC
"""Hot checks behind a web server: the pools, and the loads."""

import fcgi
import loads
import stage as stages

SESSIONS = 1000
GROUPS = ["web", "pool", "Redis"]


class Pools:
    """noop, and Latchkey with and without Redis; who is signed in where."""

    def __init__(self, stage):
        redis = stage.redis("redis")
        one = stage.database("one", SESSIONS, SESSIONS)
        two = stage.database("two", SESSIONS, SESSIONS)
        self.pool = {
            "noop": stage.noop(),
            "redis": stage.pool("with", one.path, redis),
            "alone": stage.pool("without", two.path, None),
        }
        one.fetch_tokens(self.pool["redis"])
        two.fetch_tokens(self.pool["alone"])
        self.people = {
            "noop": one.people, "redis": one.people, "alone": two.people
        }

    def add_alone(self, stage, name, env):
        """One more, without Redis, on a database of its own."""
        database = stage.database(name, SESSIONS, SESSIONS,
                                  env.get("JWT_ALGORITHM", "HS256"))
        self.pool[name] = stage.pool(f"{name}-pool", database.path, None,
                                     env=env)
        database.fetch_tokens(self.pool[name])
        self.people[name] = database.people

    def answer_bytes(self):
        """How long the answers are, without headers."""
        person = self.people["redis"][0]
        with fcgi.Client(self.pool["redis"].path) as client:
            return {
                kind: len(client.ask(make(person))[1])
                for kind, make in fcgi.KINDS.items()
            }

    def sockets(self, *names):
        return {name: self.pool[name].path for name in names}


def target(stage, server, pools, name, kind):
    """One load of that kind through that server, again and again."""
    pool = pools.pool[name]
    port = server.ports[name]
    jobs = loads.web_jobs(stage, kind, pools.people[name], port)
    groups = {
        "web": [server.pid],
        "pool": stages.pids_of(pool),
        "Redis": [pool.redis.pid] if pool.redis else [],
    }

    def once(seconds):
        return loads.measured(
            groups, lambda: loads.wrk(jobs, port, seconds)
        )

    return once


def about(stage, what):
    return f"""{what}, {stages.PROCESSES} processes behind it, {SESSIONS} live
        sessions, wrk with 32 connections; {stage.args.rounds} rounds of
        {stage.args.seconds:g} s, in turns.  "web", "pool" and "Redis" are the
        processor time of each, in µs per request; × is to the first row, in
        the same round."""
