# SPDX-License-Identifier: ISC
"""A private folder, the servers in it, and what they cost."""

import argparse
import copy
import functools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fcgi

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
PROCESSES = 4  # of Latchkey, and of noop
START_SECONDS = 20
# For what counts things instead of timing them: on a busy machine, or under a
# tool that slows everything, Redis is no outage.
PATIENT = {"LATCHKEY_REDIS_DEADLINE_MS": 5000}
SEARCH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


class Failed(Exception):
    pass


def options(about):
    """What every bench takes."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="short loads")
    parser.add_argument(
        "--build", default=CHECKOUT / "build/bench", type=Path,
        help="where the product and the programs of the benches are built",
    )
    parser.add_argument(
        "--results", default=CHECKOUT / "build/bench-results", type=Path,
        help="folder that takes the results",
    )
    parser.add_argument(
        "--against", type=Path, help="the same of another checkout"
    )
    parser.add_argument("--seconds", type=float, help="length of one load")
    parser.add_argument("--rounds", type=int, help="loads of each kind")
    args = parser.parse_args()
    if args.seconds is None:
        args.seconds = 1 if args.quick else 2
    if args.rounds is None:
        args.rounds = 1 if args.quick else 5
    if not 0 < args.seconds <= 60 or not 0 < args.rounds <= 100:
        parser.error("--seconds is at most 60, --rounds at most 100")
    args.build = args.build.resolve()
    if args.against:
        args.against = args.against.resolve()
    for build in filter(None, (args.build, args.against)):
        if not (build / "tests/bench/noop").exists():
            parser.error(f"nothing is built in {build}: use tests/bench/run")
    return args


# ---- processor time ----


def descendants(pid):
    """PID and all below it."""
    found, queue = [], [pid]
    while queue:
        pid = queue.pop()
        found.append(pid)
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                queue += [int(child) for child in path.read_text().split()]
            except OSError:
                pass
    return found


def process_seconds(pid):
    """User and system time of a process, its threads, and its dead children.

    schedstat has in nanoseconds what stat has in ticks of 10 ms; what
    children took that have ended is in stat alone.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = os.sysconf("SC_CLK_TCK")
        ended = (int(stat[13]) + int(stat[14])) / ticks
        try:
            threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
            own = sum(int(t.read_text().split()[0]) for t in threads) / 1e9
        except (OSError, IndexError):
            own = 0
        return (own or (int(stat[11]) + int(stat[12])) / ticks) + ended
    except OSError:
        return 0


def tree_seconds(pids):
    return sum(process_seconds(p) for root in pids for p in descendants(root))


def machine_seconds():
    """Time that any process took, or another machine stole."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    n = [int(field) for field in fields]
    return (sum(n) - n[3] - n[4]) / os.sysconf("SC_CLK_TCK")


class Meter:
    """What groups of processes take between start and stop."""

    def __init__(self, groups):
        self.groups = groups  # name: pids of the roots

    def __enter__(self):
        self.before = {n: tree_seconds(p) for n, p in self.groups.items()}
        self.machine = machine_seconds()
        self.clock = time.monotonic()
        return self

    def __exit__(self, *unused):
        self.wall = time.monotonic() - self.clock
        self.machine = machine_seconds() - self.machine
        self.took = {
            name: tree_seconds(pids) - self.before[name]
            for name, pids in self.groups.items()
        }


# ---- processes ----


class Process:
    def __init__(self, argv, log, env=None, stdin=subprocess.DEVNULL):
        self.log = log
        with open(log, "ab") as out:
            # Should we be killed, the kernel tells it to end.
            self.popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--"]
                + [str(arg) for arg in argv],
                stdin=stdin, stdout=out, stderr=out, env=env or clean(),
            )
        self.pid = self.popen.pid

    def check(self):
        if self.popen.poll() is not None:
            tail = "".join(
                open(self.log, errors="replace").readlines()[-15:]
            )
            raise Failed(f"{self.popen.args[4]} has ended; its log:\n{tail}")

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(15)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


def clean(extra=None):
    """An environment in which nothing of the caller's settings is left."""
    env = {"PATH": SEARCH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
    env.update({name: str(value) for name, value in (extra or {}).items()})
    return env


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(process, ready, what):
    deadline = time.monotonic() + START_SECONDS
    while True:
        process.check()
        try:
            if ready():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise Failed(f"{what} does not answer")
        time.sleep(0.005)


class Stage:
    def __init__(self, args):
        self.args = args
        self.dir = Path(tempfile.mkdtemp(prefix="latchkey-bench-"))
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for process in reversed(self.running):
            process.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def of_build(self, build):
        """This stage, for the product that another folder has built."""
        other = copy.copy(self)
        other.args = argparse.Namespace(**{**vars(self.args), "build": build})
        return other

    def program(self, name):
        return self.args.build / "tests/bench" / name

    def start(self, argv, log, **rest):
        process = Process(argv, self.dir / log, **rest)
        self.running.append(process)
        return process

    def stop(self, process):
        process.stop()
        self.running.remove(process)

    # -- the parts --

    def redis(self, name):
        """The server that deploy/redis.conf makes."""
        folder = self.dir / name
        folder.mkdir()
        path = folder / "redis.sock"
        server = self.start(
            ["redis-server", CHECKOUT / "deploy/redis.conf",
             "--dir", folder, "--unixsocket", path],
            name + ".log",
        )
        server.path = str(path)
        until(server, lambda: redis_ask(server.path, "PING"), "Redis")
        return server

    def on_socket(self, name, argv, count=1, env=None):
        """Processes that find a listening socket on descriptor 0."""
        group = Group(str(self.dir / f"{name}.sock"))
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(group.path)
            listening.listen(1024)
            for _ in range(count):
                group.processes.append(self.start(
                    argv, f"{name}.log", stdin=listening, env=env
                ))
        return group

    def noop(self, count=PROCESSES):
        return self.on_socket("noop", [self.program("noop")], count)

    def database(self, name, count, listed, algorithm="HS256"):
        """A database the product has made, with rows; and who is in it.

        The first key signs at once; one of another algorithm would be
        published for a while before it does.
        """
        path = self.dir / name / "latchkey.db"
        path.parent.mkdir()
        pool = self.pool(f"{name}-first", path, None, workers=1,
                         env={"JWT_ALGORITHM": algorithm})
        self.stop(pool)
        lines = subprocess.run(
            [self.program("seed"), path, str(count), str(listed)],
            check=True, stdout=subprocess.PIPE, text=True,
        ).stdout.splitlines()
        people = []
        for line in lines:
            session_id, email = line.split()
            people.append({"id": session_id, "email": email})
        return Database(path, people)

    def settings(self, database, redis, env=None):
        """The environment of Latchkey; Redis is a server or None."""
        settings = {
            "LATCHKEY_CONFIG": self.dir / "latchkey.conf",
            "DATABASE_URL": f"sqlite:{database}",
            "REDIS_ENABLED": "true" if redis else "false",
        }
        (self.dir / "latchkey.conf").touch()
        if redis:
            settings["REDIS_URL"] = "unix://" + redis.path
        # The limits are for one address; here all the world has one.
        for option in option_names(self.args.build):
            if option.startswith("LATCHKEY_LIMIT_"):
                settings[option] = "1000000/1"
        return clean({**settings, **(env or {})})

    def pool(self, name, database, redis, workers=PROCESSES, env=None,
             wait=True):
        """Latchkey's own pool, ready to answer."""
        path = str(self.dir / f"{name}.sock")
        pool = self.start(
            [self.args.build / "latchkey", "serve", "--listen",
             "unix:" + path, "--workers", workers],
            f"{name}.log", env=self.settings(database, redis, env),
        )
        pool.path = path
        pool.redis = redis
        if wait:
            until(pool, lambda: answers(path, "/readyz"), "Latchkey")
        return pool

    def lighttpd(self, sockets):
        """One server, a port for each socket; all else is the same."""
        ports = {name: free_port() for name in sockets}
        first = next(iter(sockets))
        conf = self.dir / "lighttpd.conf"
        folder = self.dir / "lighttpd"
        folder.mkdir()
        lines = [
            f'server.document-root = "{folder}"',
            'server.bind = "127.0.0.1"',
            f"server.port = {ports[first]}",
            f'server.upload-dirs = ( "{folder}" )',
            'server.modules = ( "mod_access", "mod_setenv", "mod_fastcgi" )',
            'server.tag = ""',
            "server.max-request-size = 1024",
        ]
        for name, path in sockets.items():
            lines += [
                f'$SERVER["socket"] == "127.0.0.1:{ports[name]}" {{',
                'fastcgi.server = ( "" => ((',
                f'"socket" => "{path}",',
                '"check-local" => "disable", "disable-time" => 0 )) )',
                "}",
            ]
        conf.write_text("\n".join(lines) + "\n")
        server = self.start(["lighttpd", "-D", "-f", conf], "lighttpd.log")
        server.ports = ports
        until(server, lambda: connects(ports[first]), "lighttpd")
        return server

    def nginx(self, sockets, kept):
        """The same; connections to the sockets in kept are kept."""
        ports = {name: free_port() for name in sockets}
        folder = self.dir / "nginx"
        folder.mkdir()
        lines = [
            "daemon off;", f"pid {folder}/pid;", "worker_processes auto;",
            f"error_log {folder}/error.log;",
            "user root;" if os.getuid() == 0 else "",
            "events { worker_connections 1024; }", "http {",
            "access_log off;", "include /etc/nginx/fastcgi_params;",
        ]
        for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            lines.append(f"{what}_temp_path {folder}/{what};")
        for i, (name, path) in enumerate(sockets.items()):
            keep = name in kept
            lines += [
                f"upstream u{i} {{ server unix:{path};",
                "keepalive 32; }" if keep else "}",
                f"server {{ listen 127.0.0.1:{ports[name]};",
                f"location / {{ fastcgi_pass u{i};",
                "fastcgi_keep_conn on; } }" if keep else "} }",
            ]
        conf = self.dir / "nginx.conf"
        conf.write_text("\n".join(lines + ["}"]) + "\n")
        server = self.start(
            ["nginx", "-e", folder / "error.log", "-c", conf], "nginx.log"
        )
        server.ports = ports
        until(server, lambda: connects(next(iter(ports.values()))), "nginx")
        return server


    def redis_trips(self):
        """How often a pool has found Redis silent."""
        return sum(
            log.read_text(errors="replace").count("redis_down")
            for log in self.dir.glob("*.log")
        )


class Group:
    """Several processes on one socket."""

    def __init__(self, path):
        self.path = path
        self.redis = None
        self.processes = []

    @property
    def pids(self):
        return [process.pid for process in self.processes]


class Database:
    def __init__(self, path, people):
        self.path = path
        self.people = people

    def fetch_tokens(self, pool):
        """Get an access token for each person."""
        with fcgi.Client(pool.path) as client:
            for person in self.people:
                status, body = client.ask(fcgi.validate(person))
                if status != 200:
                    raise Failed(f"validate-session says {status}: {body!r}")
                person["token"] = json.loads(body)["access_token"]


def pids_of(server):
    return server.pids if isinstance(server, Group) else [server.pid]


def answers(path, uri):
    with fcgi.Client(path) as client:
        return client.ask(fcgi.Request("GET", uri))[0] == 200


def connects(port):
    with socket.create_connection(("127.0.0.1", port), 5):
        return True


@functools.cache
def option_names(build):
    """The options of the product built in that folder."""
    text = subprocess.run(
        [build / "latchkey", "config", "--options"],
        check=True, stdout=subprocess.PIPE, text=True, env=clean(),
    ).stdout
    return re.findall(r"^([A-Z][A-Z0-9_]+) = ", text, re.MULTILINE)


def memory_cache_option(build):
    """The option that limits the memory cache, or None."""
    for name in ("LATCHKEY_MEMORY_CACHE_MB", "LATCHKEY_TABLE_MB"):
        if name in option_names(build):
            return name
    return None


# ---- what Redis and SQLite themselves count ----


def redis_ask(path, *words):
    """One command; the text of the answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        out = f"*{len(words)}\r\n"
        for word in words:
            out += f"${len(word.encode())}\r\n{word}\r\n"
        s.sendall(out.encode())
        f = s.makefile("rb")
        head = f.readline().decode().strip()
        if head[0] == "$":
            return f.read(int(head[1:])).decode()
        return head[1:]


def redis_calls(path):
    """Commands so far, by name; ours of this kind left out."""
    calls = {}
    for name, count in re.findall(
        r"cmdstat_(\S+?):calls=(\d+)",
        redis_ask(path, "INFO", "commandstats"),
    ):
        if name not in ("info", "ping"):
            calls[name] = int(count)
    return calls


def redis_bytes(path):
    return int(re.search(
        r"used_memory:(\d+)", redis_ask(path, "INFO", "memory")
    ).group(1))


def sql_calls(path):
    """Statements so far, by text, as sqltrace.so has counted them."""
    calls = {}
    size = struct.calcsize("<QQ240s")
    data = Path(path).read_bytes()
    for at in range(0, len(data), size):
        taken, count, text = struct.unpack_from("<QQ240s", data, at)
        if taken == 2 and count > 0:
            calls[text.split(b"\0")[0].decode()] = count
    return calls


def gained(before, after):
    delta = {name: n - before.get(name, 0) for name, n in after.items()}
    return {name: n for name, n in delta.items() if n}


def main(bench, about):
    """Run bench(stage, report) and keep its report."""
    from report import Report

    args = options(about)
    # Stop what was started, also on SIGTERM.
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))
    report = Report(Path(sys.argv[0]).name)
    with Stage(args) as stage:
        try:
            bench(stage, report)
        except Failed as why:
            sys.exit(f"{sys.argv[0]}: {why}")
        trips = stage.redis_trips()
        if trips:
            report.text(
                f"Doubtful: Redis was taken for down {trips} times, and the "
                "store was asked instead; the machine was too busy."
            )
    if report.parts:
        report.save(args.results)
