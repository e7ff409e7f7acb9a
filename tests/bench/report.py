# SPDX-License-Identifier: ISC
"""What the benches found, as tables, and as a section of a document.

usage: report.py RESULTS [DOCUMENT]
Print the aims and whether they are met; with DOCUMENT put everything there,
between its two marks.
"""

import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

BEGIN = "<!-- tests/bench/run --record writes from here -->"
END = "<!-- to here -->"
# More of the machine than this in the hands of others makes a run doubtful.
NOISE = 0.05
ORDER = [
    "lighttpd", "nginx", "guard", "direct", "calls", "logins", "scale", "start",
    "against",
]


def table(heads, rows):
    """Markdown that reads as plain text too: numbers to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    width = [
        max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))
    ]
    out = ["| " + " | ".join(
        h.ljust(w) if i == 0 else h.rjust(w)
        for i, (h, w) in enumerate(zip(heads, width))
    ) + " |"]
    out.append("|" + "|".join(
        "-" * (w + 2) if i == 0 else "-" * (w + 1) + ":"
        for i, w in enumerate(width)
    ) + "|")
    for row in rows:
        out.append("| " + " | ".join(
            c.ljust(w) if i == 0 else c.rjust(w)
            for i, (c, w) in enumerate(zip(row, width))
        ) + " |")
    return "\n".join(out)


class Report:
    """What one bench has to say; printed at once, kept for the document."""

    def __init__(self, name):
        self.name = name
        self.parts = []
        self.aims = []

    def title(self, text):
        self._add(f"### {text}")

    def text(self, text):
        self._add(" ".join(text.split()))

    def table(self, heads, rows):
        self._add(table(heads, rows))

    def noise(self, others):
        if others > NOISE:
            self.text(
                f"Doubtful: other processes took {others:.0%} of the machine "
                "meanwhile."
            )

    def aim(self, what, value, bound, unit=""):
        """bound is "<= 1.0" or ">= 1.0"."""
        sign, limit = bound.split()
        met = value <= float(limit) if sign == "<=" else value >= float(limit)
        self.aims.append({
            "what": what, "value": f"{value:.2f}{unit}",
            "bound": f"{'≤' if sign == '<=' else '≥'} {limit}{unit}",
            "met": met,
        })

    def _add(self, text):
        self.parts.append(text)
        print(text + "\n", flush=True)

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.json").write_text(json.dumps({
            "text": "\n\n".join(self.parts), "aims": self.aims,
        }))


# ---- the whole ----


def output(*argv):
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"PATH": os.environ["PATH"] + ":/usr/sbin", "LC_ALL": "C"},
        )
    except OSError:
        return ""
    return done.stdout


def version(pattern, *argv):
    found = re.search(pattern, output(*argv))
    return found.group(1) if found else "unknown"


def machine():
    """What the figures were measured on."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    rows = [
        ["date", datetime.date.today().isoformat()],
        ["cores", str(os.cpu_count())],
        ["processor", cpu.group(1) if cpu else "unknown"],
        ["memory", f"{int(memory.group(1)) / 2**20:.0f} GiB"],
        ["kernel", platform.release()],
        ["system", system],
        ["lighttpd", version(r"/(\S+)", "lighttpd", "-v")],
        ["nginx", version(r"/(\S+)", "nginx", "-v")],
        ["Redis", version(r"v=(\S+)", "redis-server", "-v")],
        ["gcc", version(r"\) (\S+)", "gcc", "--version")],
    ]
    for name in ("libfcgi-dev", "libsqlite3-0", "libhiredis0.14",
                 "libjwt0", "libsodium23", "wrk"):
        found = output("dpkg-query", "-W", "-f", "${Version}", name).strip()
        if found and " " not in found:
            rows.append([name, found])
    return table(["", ""], rows)


def collect(folder):
    found = []
    for name in ORDER:
        path = folder / f"{name}.json"
        if path.exists():
            found.append(json.loads(path.read_text()))
    return found


def aims(found):
    rows = [
        [aim["what"], aim["value"], aim["bound"], "yes" if aim["met"] else "no"]
        for part in found for aim in part["aims"]
    ]
    return table(["what", "measured", "aim", "met"], rows)


def record(path, text):
    old = path.read_text()
    head, mark, rest = old.partition(BEGIN)
    tail = rest.partition(END)
    if not mark or not tail[1]:
        sys.exit(f"report: {path} has lost its marks")
    path.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail[2]}")


def main():
    if len(sys.argv) not in (2, 4):
        sys.exit("usage: report.py RESULTS [SUMMARY DETAILS]")
    found = collect(Path(sys.argv[1]))
    if not found:
        sys.exit("report: there are no results")
    print(aims(found))
    if len(sys.argv) > 2:
        record(Path(sys.argv[2]), "\n\n".join(
            ["## Aims", aims(found), "## The machine", machine()]))
        record(Path(sys.argv[3]), "\n\n".join(
            ["## In detail", *(part["text"] for part in found)]))


if __name__ == "__main__":
    main()
