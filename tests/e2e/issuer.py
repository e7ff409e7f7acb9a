#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""usage: issuer.py FOLDER PORT [tls]

An issuer of tokens under the control of a test.  Commands are lines on the
socket on descriptor 0, whose end ends the program: each calls a method of Told
with literals, as in answer('/jwks.json', status=500).  Answers are lines of
JSON; the first contains the issuer's address.  With tls the certificate is for
localhost alone, signed by the authority in FOLDER/ca.pem.
"""
import ast
import base64
import collections
import datetime
import hashlib
import hmac
import http.server
import json
import select
import socket
import ssl
import sys
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature, encode_dss_signature)

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/jwks.json"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64int(number, size=None):
    return b64(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))


# ---- certificates ----


def certificate(name, key, issuer, issuer_key, extension):
    now = datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
             for text in (name, issuer)]
    return (
        x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1])
        .public_key(key).serial_number(x509.random_serial_number())
        .not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(extension, True).sign(issuer_key, hashes.SHA256()))


def certify(folder):
    """Write ca.pem, and a certificate for localhost signed by it, with its key."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = certificate("tests", ca_key.public_key(), "tests", ca_key,
                     x509.BasicConstraints(True, None))
    key = ec.generate_private_key(ec.SECP256R1())
    own = certificate(
        "localhost", key.public_key(), "tests", ca_key,
        x509.SubjectAlternativeName([x509.DNSName("localhost")]))
    with open(f"{folder}/ca.pem", "wb") as file:
        file.write(ca.public_bytes(serialization.Encoding.PEM))
    with open(f"{folder}/own.pem", "wb") as file:
        file.write(own.public_bytes(serialization.Encoding.PEM))
        file.write(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
    return f"{folder}/own.pem"


# ---- keys ----


class Key:
    """A key: kid (default: its name), bits and e (1: a broken key) of RSA, crv
    of EC, k of oct.  private: publish the private part too.  jwk: members that
    replace published ones; None removes a member."""

    def __init__(self, name, kty, kid=None, bits=2048, e=65537, crv="P-256",
                 k="", private=False, jwk=None):
        self.kty, self.e, self.crv, self.k = kty, e, crv, k.encode()
        self.kid = name if kid is None else kid
        if kty == "RSA":
            self.key = rsa.generate_private_key(max(e, 3), bits)
        elif kty == "EC":
            self.key = ec.generate_private_key(CURVES[crv]())
        self.jwk = {"kty": kty, "kid": self.kid, "use": "sig"}
        self.jwk.update(self.members(private))
        for member, value in (jwk or {}).items():
            self.jwk[member] = value
            if value is None:
                del self.jwk[member]

    def members(self, private):
        if self.kty == "oct":
            return {"alg": "HS256", "k": b64(self.k)}
        secret = self.key.private_numbers()
        public = secret.public_numbers
        if self.kty == "RSA":
            members = {"alg": "RS256", "n": b64int(public.n),
                       "e": b64int(self.e)}
            if private:
                members.update(
                    d=b64int(secret.d), p=b64int(secret.p),
                    q=b64int(secret.q), dp=b64int(secret.dmp1),
                    dq=b64int(secret.dmq1), qi=b64int(secret.iqmp))
            return members
        size = (self.key.curve.key_size + 7) // 8
        members = {"alg": f"ES{self.key.curve.key_size}", "crv": self.crv,
                   "x": b64int(public.x, size), "y": b64int(public.y, size)}
        if private:
            members["d"] = b64int(secret.private_value, size)
        return members

    def sign(self, alg, data):
        if alg == "none":
            return b""
        digest = HASHES[alg[2:]]()
        if alg.startswith("HS"):
            return hmac.digest(self.k, data, digest.name)
        if alg.startswith("ES"):
            r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(digest)))
            size = (self.key.curve.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        if alg.startswith("PS"):
            how = padding.PSS(padding.MGF1(digest), digest.digest_size)
        else:
            how = padding.PKCS1v15()
        if self.e != 1:
            return self.key.sign(data, how, digest)
        # The padding of RFC 8017 section 9.2, to the power of one.
        inner = bytes.fromhex("3031300d060960864801650304020105000420")
        inner += hashlib.sha256(data).digest()
        size = self.key.key_size // 8
        return b"\0\1" + b"\xff" * (size - 3 - len(inner)) + b"\0" + inner

    def certificate(self):
        body = certificate("own", self.key.public_key(), "own", self.key,
                           x509.BasicConstraints(False, None))
        return base64.b64encode(
            body.public_bytes(serialization.Encoding.DER)).decode()

    def public(self, form):
        """The public key in a form that a verifier might use as a secret."""
        if form == "jwk":
            return json.dumps(self.jwk).encode()
        if form in self.jwk:
            return self.jwk[form].encode()
        encoding, _, kind = form.partition(" ")
        text = self.key.public_key().public_bytes(
            serialization.Encoding[encoding],
            serialization.PublicFormat[kind.rstrip("-")])
        # A trailing dash stands for trimmed text.
        return text.rstrip() if form.endswith("-") else text


# ---- tokens ----


def change_signature(how, signature):
    """flip: the second valid ECDSA signature; der; zero; or another one in hex."""
    if how in ("flip", "der"):
        half = len(signature) // 2
        r = int.from_bytes(signature[:half], "big")
        s = int.from_bytes(signature[half:], "big")
        if how == "der":
            return encode_dss_signature(r, s)
        return signature[:half] + (P256_ORDER - s).to_bytes(half, "big")
    if how == "zero":
        return bytes(len(signature))
    return bytes.fromhex(how)


def mint(issuer, key, alg=None, header=None, claims=None, at=0, life=300,
         pad=0, own=None, header_text=None, payload_text=None, secret=None,
         by=None, signature=None, of=None):
    """Make a token issued at now + at that lives for life seconds.  header and
    claims replace members; None removes one.  header_text and payload_text
    replace the whole part.  alg signs, whatever the header says.  secret:
    {"of": key, "as": form of its public key} for HS256.  by: "pyjwt" encodes
    with that library.  signature: see change_signature(); of names the token
    whose signature is changed.  pad: the number of extra bytes.  own: "jwk" or
    "x5c" puts the key into the header."""
    signer = issuer.keys[key]
    if alg is None:
        alg = {"RSA": "RS256", "oct": "HS256"}.get(signer.kty, "ES256")
    now = int(time.time()) + at
    payload = {"iss": issuer.url, "sub": "user-1", "aud": "latchkey",
               "iat": now, "exp": now + life}
    head = {"alg": alg, "kid": signer.kid, "typ": "JWT"}
    for whole, part in ((payload, claims), (head, header)):
        for name, value in (part or {}).items():
            whole[name] = value
            if value is None:
                del whole[name]
    if pad:
        payload["pad"] = "x" * pad
    if own == "jwk":
        head["jwk"] = signer.jwk
    elif own == "x5c":
        head["x5c"] = [signer.certificate()]
    if by == "pyjwt":
        import jwt  # pylint: disable=import-outside-toplevel

        return jwt.encode(payload, signer.key, algorithm=alg, headers=head)
    if header_text is None:
        header_text = json.dumps(head, separators=(",", ":"))
    if payload_text is None:
        payload_text = json.dumps(payload, separators=(",", ":"))
    text = f"{b64(header_text.encode())}.{b64(payload_text.encode())}"
    made = b""
    if of is not None:
        text, _, last = of.rpartition(".")
        made = base64.urlsafe_b64decode(last + "=" * (-len(last) % 4))
    elif secret is not None:
        made = hmac.digest(issuer.keys[secret["of"]].public(secret["as"]),
                           text.encode(), "sha256")
    else:
        made = signer.sign(alg, text.encode())
    if signature is not None:
        made = change_signature(signature, made)
    return f"{text}.{b64(made)}"


# ---- answers ----


class Answer:
    """The answer of a path: status, headers, type, body (text or JSON), pad
    (spaces before its end), unsized (no Content-Length), pace:
    "hang", "drip", "half" (the connection ends in the middle)."""

    def __init__(self, status=200, headers=None, type="application/json",
                 body=None, pad=0, unsized=False, pace=None):
        self.status, self.headers = status, headers or {}
        self.type, self.body, self.pad = type, body, pad
        self.unsized, self.pace = unsized, pace
        self.over = threading.Event()

    def content(self, issuer, path):
        body = self.body
        if body is None:
            body = issuer.document(path)
        if not isinstance(body, str):
            body = json.dumps(body)
        body = body.encode()
        return body[:-1] + b" " * self.pad + body[-1:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        issuer = self.server.issuer
        with issuer.lock:
            issuer.counts[self.path] += 1
            answer = issuer.answers.get(self.path)
            if answer is None:
                known = self.path in (DISCOVERY, JWKS)
                answer = Answer() if known else Answer(404, body="{}")
            content = answer.content(issuer, self.path)
        self.close_connection = True
        if answer.pace == "hang":
            self.wait(answer, None)
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not answer.unsized:
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if answer.pace == "half":
            content = content[:len(content) // 2]
        if answer.pace != "drip":
            self.wfile.write(content)
            return
        for byte in content:
            self.wfile.write(bytes([byte]))
            if self.wait(answer, 0.1):
                return

    def wait(self, answer, seconds):
        """Wait until the client has gone, the answer changes, or seconds pass."""
        until = None if seconds is None else time.monotonic() + seconds
        while not answer.over.is_set():
            left = 0.05
            if until is not None:
                left = min(left, until - time.monotonic())
                if left <= 0:
                    return False
            if select.select([self.connection], [], [], left)[0]:
                return True
        return True

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def get_request(self):
        connection = super().get_request()
        with self.issuer.lock:
            self.issuer.counts["connections"] += 1
        return connection

    def handle_error(self, request, client_address):
        pass  # the client has gone


class Issuer:
    def __init__(self, folder, port, tls):
        self.lock = threading.Lock()
        self.counts = collections.Counter(connections=0)
        self.answers = {}
        self.keys = {}
        self.published = []
        self.port = port
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certify(folder))
        self.server = None
        self.up()
        self.url = f"http://127.0.0.1:{self.port}"
        if tls:
            self.url = f"https://localhost:{self.port}"

    def up(self):
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.issuer = self
        if self.context is not None:
            # In the serving thread: the accepting one must not block.
            self.server.socket = self.context.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def down(self):
        self.server.shutdown()
        self.server.socket.close()

    def document(self, path):
        if path == DISCOVERY:
            return {"issuer": self.url, "jwks_uri": self.url + JWKS}
        return {"keys": [self.keys[name].jwk for name in self.published]}


class Told:
    """The commands."""

    def __init__(self, issuer):
        self.issuer = issuer

    def key(self, name, kty, **how):
        """Make a key, see Key; it replaces another of that name."""
        key = Key(name, kty, **how)
        with self.issuer.lock:
            self.issuer.keys[name] = key
        return {"jwk": key.jwk}

    def publish(self, *names):
        """Set the keys of the JWK set."""
        with self.issuer.lock:
            self.issuer.published = names

    def answer(self, path, **how):
        """Set the answer of a path, see Answer; by default the correct one."""
        with self.issuer.lock:
            old = self.issuer.answers.pop(path, None)
            if how:
                self.issuer.answers[path] = Answer(**how)
        if old is not None:
            old.over.set()

    def down(self):
        """Stop listening."""
        self.issuer.down()

    def up(self):
        """Listen again."""
        self.issuer.up()

    def token(self, key, **how):
        """See mint()."""
        return {"token": mint(self.issuer, key, **how)}

    def count(self, path):
        """The number of requests for a path; "connections": of connections."""
        with self.issuer.lock:
            return {"count": self.issuer.counts[path]}

    def obey(self, line):
        call = ast.parse(line.strip(), mode="eval").body
        return getattr(self, call.func.id)(
            *(ast.literal_eval(value) for value in call.args),
            **{keyword.arg: ast.literal_eval(keyword.value)
               for keyword in call.keywords})


def main():
    control = socket.socket(fileno=0)
    lines = control.makefile("rw", encoding="utf-8")
    issuer = Issuer(sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["tls"])
    told = Told(issuer)
    print(json.dumps({"url": issuer.url}), file=lines, flush=True)
    for line in lines:
        print(json.dumps(told.obey(line)), file=lines, flush=True)


main()
