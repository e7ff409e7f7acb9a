// SPDX-License-Identifier: ISC
// An independent library (jose) verifies our tokens by the keys that we publish,
// and we verify tokens that it signs by the keys that it publishes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { once } from "node:events";
import { createServer } from "node:http";
import { SignJWT, calculateJwkThumbprint, createRemoteJWKSet,
	decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from "jose";
import { Site, listen, until } from "./site.mjs";

const CONFIGURATION = ["LATCHKEY_KEY_PUBLISH_SECONDS = 1", "LATCHKEY_WORKERS = 2"];
let issuer, site;

/** Who signs with jose, and publishes the keys. */
class Issuer {
	keys = [];

	static async start() {
		const issuer = new Issuer();

		issuer.server = createServer((request, response) => {
			response.setHeader("Content-Type", "application/json");
			response.end(JSON.stringify(issuer.document(request.url)));
		});
		issuer.url = `http://127.0.0.1:${await listen(issuer.server)}`;
		for (const alg of ["RS256", "ES256"]) {
			const pair = await generateKeyPair(alg);
			const jwk = await exportJWK(pair.publicKey);
			const kid = await calculateJwkThumbprint(jwk);

			issuer.keys.push({ ...pair, alg, kid,
				jwk: { ...jwk, kid, alg, use: "sig" } });
		}
		return issuer;
	}

	document(path) {
		return path === "/jwks" ?
			{ keys: this.keys.map((key) => key.jwk) } :
			{ issuer: this.url, jwks_uri: `${this.url}/jwks` };
	}

	sign(key, claims = {}) {
		return new SignJWT(claims)
			.setProtectedHeader({ alg: key.alg, kid: key.kid })
			.setIssuer(this.url).setSubject("jose")
			.setAudience("latchkey").setIssuedAt()
			.setExpirationTime("5m").sign(key.privateKey);
	}

	async stop() {
		this.server.closeAllConnections();
		this.server.close();
		await once(this.server, "close");
	}
}

before(async () => {
	issuer = await Issuer.start();
	site = await Site.start([...CONFIGURATION, "JWT_ALGORITHM = RS256"],
		`[${issuer.url}]\naudience = latchkey\n`);
});

after(async () => {
	await site?.stop();
	await issuer?.stop();
});

/** The same token but for one letter in the middle of its last part. */
function spoil(token, part = 2) {
	const parts = token.split(".");
	const text = parts[part];
	const at = Math.floor(text.length / 2);

	parts[part] = text.slice(0, at) + (text[at] === "A" ? "B" : "A") +
		text.slice(at + 1);
	return parts.join(".");
}

test("jose accepts our tokens before and after each key rotation", async () => {
	const jwks = createRemoteJWKSet(
		new URL("/.well-known/jwks.json", site.url),
		{ cooldownDuration: 0 });
	const { session_id, user, access_token } = await site.register();
	const tokens = [access_token];

	const expectGood = async (token) => {
		const { alg } = decodeProtectedHeader(token);
		const { payload } = await jwtVerify(token, jwks, {
			algorithms: [alg], issuer: "latchkey",
			audience: "latchkey",
			requiredClaims: ["exp", "iat", "nbf", "jti", "sub"] });

		assert.equal(payload.sub, user.id);
		assert.equal((await site.me(token)).status, 200);
		for (const part of [1, 2]) {
			await assert.rejects(
				jwtVerify(spoil(token, part), jwks),
				{ code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
			assert.equal(
				(await site.me(spoil(token, part))).status, 401);
		}
	};
	const nextToken = async (alg) => {
		const { kid } = decodeProtectedHeader(tokens.at(-1));
		const token = await until(() => site.token(session_id), (text) =>
			decodeProtectedHeader(text).kid !== kid);

		assert.equal(decodeProtectedHeader(token).alg, alg);
		tokens.push(token);
	};

	assert.equal(decodeProtectedHeader(access_token).alg, "RS256");
	await expectGood(access_token);
	await site.command("key", "rotate");
	await nextToken("RS256");
	site.configure([...CONFIGURATION, "JWT_ALGORITHM = ES256"]);
	site.reload();
	await nextToken("ES256");
	await site.command("key", "rotate");
	await nextToken("ES256");
	for (const token of tokens)
		await expectGood(token);
});

test("we accept tokens that jose signs", async () => {
	const jwks = createRemoteJWKSet(new URL("/jwks", issuer.url));
	const ids = new Set();

	for (const key of issuer.keys) {
		const token = await issuer.sign(key, { name: key.alg });
		const me = await until(() => site.me(token),
			(answer) => answer.status !== 503);

		assert.equal(me.status, 200);
		assert.equal(me.user.name, key.alg);
		ids.add(me.user.id);
		await jwtVerify(token, jwks,
			{ issuer: issuer.url, audience: "latchkey" });
		for (const part of [1, 2]) {
			const bad = spoil(token, part);

			await assert.rejects(jwtVerify(bad, jwks),
				{ code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
			assert.equal((await site.me(bad)).status, 401);
		}
	}
	assert.equal(ids.size, 1);
});

test("neither accepts a token of an unpublished key", async () => {
	const jwks = createRemoteJWKSet(new URL("/jwks", issuer.url));

	for (const { alg, kid } of issuer.keys) {
		const { privateKey } = await generateKeyPair(alg);
		const token = await issuer.sign({ alg, kid, privateKey });

		await assert.rejects(jwtVerify(token, jwks),
			{ code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
		assert.equal((await site.me(token)).status, 401);
	}
});
