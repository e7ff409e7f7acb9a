# SPDX-License-Identifier: ISC
"""FastCGI as a web server speaks it, and the requests that are measured."""

import json
import socket
import struct

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
PASSWORD = "correct horse battery staple"  # SEED_PASSWORD of seed.c


class Request:
    """One HTTP request; for the web servers or for FastCGI."""

    def __init__(self, method, path, headers=None, body=None):
        self.method = method
        self.path = path
        self.headers = {
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
            "Gecko/20100101 Firefox/128.0",
            "Accept": "*/*",
            **(headers or {}),
        }
        self.body = b""
        if body is not None:
            self.body = json.dumps(body).encode()
            self.headers["Content-Type"] = "application/json"
            self.headers["Content-Length"] = str(len(self.body))

    def http(self, host):
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body

    def fcgi(self, keep):
        params = {
            "CONTENT_LENGTH": str(len(self.body)),
            "SCRIPT_NAME": self.path,
            "PATH_INFO": "",
            "SCRIPT_FILENAME": "/var/www/html" + self.path,
            "DOCUMENT_ROOT": "/var/www/html",
            "REQUEST_URI": self.path,
            "QUERY_STRING": "",
            "REQUEST_METHOD": self.method,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_SOFTWARE": "bench",
            "GATEWAY_INTERFACE": "CGI/1.1",
            "REQUEST_SCHEME": "http",
            "SERVER_PORT": "8080",
            "SERVER_ADDR": "127.0.0.1",
            "SERVER_NAME": "127.0.0.1",
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_PORT": "40000",
            "HTTP_HOST": "127.0.0.1:8080",
        }
        for name, value in self.headers.items():
            name = name.upper().replace("-", "_")
            if name == "CONTENT_TYPE":
                params[name] = value
            elif name != "CONTENT_LENGTH":
                params["HTTP_" + name] = value
        pairs = b"".join(pair(n, v) for n, v in params.items())
        out = record(BEGIN, struct.pack(">HB5x", 1, 1 if keep else 0))
        out += record(PARAMS, pairs) + record(PARAMS, b"")
        if self.body:
            out += record(STDIN, self.body)
        return out + record(STDIN, b"")


def record(kind, content):
    padding = -len(content) % 8
    head = struct.pack(">BBHHBx", 1, kind, 1, len(content), padding)
    return head + content + bytes(padding)


def pair(name, value):
    name, value = name.encode(), value.encode()
    out = b""
    for part in (name, value):
        n = len(part)
        out += bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)
    return out + name + value


# ---- what is measured ----

# The key is how it is called in tables.
KINDS = {
    "me, cookie": lambda p: Request(
        "GET", "/api/v1/auth/me", {"Cookie": "latchkey=" + p["id"]}
    ),
    "me, bearer": lambda p: Request(
        "GET", "/api/v1/auth/me", {"Authorization": "Bearer " + p["token"]}
    ),
    "validate-session": lambda p: validate(p),
}


def validate(person):
    return Request(
        "POST",
        "/api/v1/auth/validate-session",
        {
            "Cookie": "latchkey=" + person["id"],
            "Sec-Fetch-Site": "same-origin",
        },
        {},
    )


def login(person):
    return Request(
        "POST",
        "/api/v1/auth/login",
        {"Sec-Fetch-Site": "same-origin"},
        {"email": person["email"], "password": PASSWORD},
    )


def write_jobs(path, jobs):
    """For load and wrk: whole requests, each behind its length."""
    with open(path, "wb") as f:
        for job in jobs:
            f.write(struct.pack("<I", len(job)) + job)


# ---- a client for what is not measured ----


class Client:
    """One kept connection."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(path)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def ask(self, request):
        """The status and the body of the answer."""
        self.sock.sendall(request.fcgi(True))
        out = b""
        while True:
            head = self._read(8)
            _, kind, _, length, padding = struct.unpack(">BBHHBx", head)
            content = self._read(length + padding)[:length]
            if kind == STDOUT:
                out += content
            elif kind == END:
                break
        head, _, body = out.partition(b"\r\n\r\n")
        status = 200
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"status:"):
                status = int(line.split()[1])
        return status, body

    def _read(self, n):
        data = b""
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise ConnectionError("the responder has closed")
            data += part
        return data
