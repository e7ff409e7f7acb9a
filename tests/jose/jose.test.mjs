// SPDX-License-Identifier: ISC
// Somebody else's library (jose) verifies our tokens by what we publish.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { Site, until } from "./site.mjs";

const CONFIGURATION = ["LATCHKEY_KEY_PUBLISH_SECONDS = 1", "LATCHKEY_WORKERS = 2"];
let site;

before(async () => {
	site = await Site.start([...CONFIGURATION, "JWT_ALGORITHM = RS256"]);
});

after(async () => {
	await site?.stop();
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

test("jose takes our tokens, before and after each change of keys", async () => {
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
