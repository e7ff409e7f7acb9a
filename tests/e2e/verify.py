#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""verify.py JWKS-URL ALGORITHM TOKEN-FILE KEY-FILE

Verify a token of the site with PyJWT and the keys at the URL, and write a token
made by PyJWT, signed with the site's private key (DER), to standard output.
"""
import base64
import hashlib
import json
import sys
import urllib.request
import uuid

import jwt
from cryptography.hazmat.primitives.serialization import load_der_private_key


def thumbprint(jwk):
    """The thumbprint of RFC 7638, computed independently."""
    names = {"RSA": ["e", "kty", "n"], "EC": ["crv", "kty", "x", "y"]}
    members = {name: jwk[name] for name in names[jwk["kty"]]}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def main():
    url, algorithm, token_file, key_file = sys.argv[1:]
    with open(token_file, encoding="ascii") as file:
        token = file.read()
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["Content-Type"] == "application/jwk-set+json"
        assert "max-age=" in answer.headers["Cache-Control"]
        jwks = json.load(answer)
    for jwk in jwks["keys"]:
        assert thumbprint(jwk) == jwk["kid"], "kid is not the thumbprint"
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(jwk)

    key = jwt.PyJWKClient(url).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key.key, algorithms=[algorithm],
                        audience="latchkey", issuer="latchkey",
                        options={"require": ["exp", "iat", "nbf", "jti"]})
    bad = token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:]
    try:
        jwt.decode(bad, key.key, algorithms=[algorithm], audience="latchkey")
        sys.exit("a bad token passed")
    except jwt.InvalidSignatureError:
        pass

    with open(key_file, "rb") as file:
        private = load_der_private_key(file.read(), None)
    claims["jti"] = str(uuid.uuid4())
    sys.stdout.write(jwt.encode(claims, private, algorithm=algorithm,
                                headers={"kid": key.key_id}))


main()
