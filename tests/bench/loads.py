# SPDX-License-Identifier: ISC
"""Loads, in turns, and what the servers paid for them."""

import json
import os
import resource
import subprocess
from statistics import median

import fcgi
import stage as stages

WARM_SECONDS = 1


def web_jobs(stage, kind, people, port):
    path = stage.dir / f"http-{kind}-{port}".replace(" ", "")
    make = fcgi.KINDS.get(kind, fcgi.login)
    fcgi.write_jobs(path, [make(p).http(f"127.0.0.1:{port}") for p in people])
    return path


def fcgi_jobs(stage, name, kind, people, keep=True):
    path = stage.dir / f"fcgi-{name}-{kind}".replace(" ", "")
    make = fcgi.KINDS.get(kind, fcgi.login)
    fcgi.write_jobs(path, [make(p).fcgi(keep) for p in people])
    return path


class Load:
    """A generator of load that is running."""

    def __init__(self, argv, env=None):
        self.popen = subprocess.Popen(
            [str(arg) for arg in argv], stdout=subprocess.PIPE, text=True,
            env=stages.clean(env),
        )

    def wait(self, refusals=False):
        """Its row; without refusals every answer must be a good one."""
        try:
            out = self.popen.communicate(timeout=120)[0]
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise stages.Failed("a load does not end") from None
        if self.popen.returncode != 0:
            raise stages.Failed(f"{self.popen.args[0]}: {out}")
        for line in out.splitlines():
            start = line.find("{")
            if start >= 0:
                row = json.loads(line[start:])
        good = row["requests"] - row["errors"]
        if (row["errors"] > 0 and not refusals) or good <= 0:
            raise stages.Failed(f"requests failed: {row}")
        row["rps"] = good / row["seconds"]
        return row


def wrk(jobs, port, seconds, connections=32):
    threads = min(2, connections)
    return Load(
        ["wrk", f"-t{threads}", f"-c{connections}", f"-d{round(seconds)}s",
         "--timeout", "10s", "-s", stages.HERE / "check.lua",
         f"http://127.0.0.1:{port}/"],
        {"BENCH_JOBS": jobs},
    )


def direct(stage, path, jobs, seconds, connections, requests=0,
           reconnect=False):
    argv = [stage.program("load"), "--connections", connections,
            "--seconds", seconds]
    if requests:
        argv += ["--requests", requests]
    if reconnect:
        argv.append("--reconnect")
    return Load([*argv, path, jobs])


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(groups, start, refusals=False):
    """Run one load to its end; its row with the processor time of groups."""
    mine = children_seconds()
    with stages.Meter(groups) as meter:
        row = start().wait(refusals)
    mine = children_seconds() - mine
    n = row["requests"]
    row["cpu"] = {name: s * 1e6 / n for name, s in meter.took.items()}
    row["total"] = sum(row["cpu"].values())
    row["load"] = mine * 1e6 / n
    row["busy"] = sum(meter.took.values()) / meter.wall
    spent = sum(meter.took.values()) + mine
    cores = os.cpu_count() or 1
    row["others"] = max(0, meter.machine - spent) / (meter.wall * cores)
    return row


class Turns:
    """The same loads on several targets, one after the other, in rounds.

    Medians over the rounds; a ratio is the median of the ratios of each
    round, so that what disturbs a whole round disturbs it less.
    """

    def __init__(self, targets, args):
        self.rows = {name: [] for name in targets}
        for target in targets.values():
            target(min(WARM_SECONDS, args.seconds))
        for _ in range(args.rounds):
            for name, target in targets.items():
                self.rows[name].append(target(args.seconds))

    def median(self, name, what):
        return median(what(row) for row in self.rows[name])

    def ratio(self, name, base, what):
        pairs = zip(self.rows[name], self.rows[base])
        return median(what(a) / what(b) for a, b in pairs)

    @property
    def others(self):
        return median(
            row["others"] for rows in self.rows.values() for row in rows
        )


def rps(row):
    return row["rps"]


def total(row):
    return row["total"]


def p50(row):
    return row["p50_us"] / 1000


def p99(row):
    return row["p99_us"] / 1000


HEADS = ["what", "requests/s", "p50 ms", "p99 ms"]


def lines(turns, base, groups, labels=None):
    """A row of a table for each target: figures, then ratios to base."""
    table = []
    for name in turns.rows:
        line = [
            (labels or {}).get(name, name),
            f"{turns.median(name, rps):,.0f}",
            f"{turns.median(name, p50):.2f}",
            f"{turns.median(name, p99):.2f}",
        ]
        for group in groups:
            line.append(
                f"{turns.median(name, lambda r: r['cpu'].get(group, 0)):.1f}"
            )
        line.append(f"{turns.median(name, total):.1f}")
        if name == base:
            line += ["1", "1"]
        else:
            line.append(f"{turns.ratio(name, base, rps):.2f}")
            line.append(f"{turns.ratio(name, base, total):.2f}")
        table.append(line)
    return table


def heads(groups):
    return (HEADS + [f"{group} µs" for group in groups]
            + ["CPU µs", "requests/s ×", "CPU ×"])
