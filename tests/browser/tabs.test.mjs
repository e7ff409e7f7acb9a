// SPDX-License-Identifier: ISC
// www/latchkey.js in many tabs of one browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { browser, close, device, person, register, url } from "./site.mjs";

after(() => browser.close());

// Count the requests to each path of the API.
async function counting(context) {
	const seen = [];

	await context.route("**/api/v1/**", (route) => {
		seen.push(new URL(route.request().url()).pathname);
		return route.continue();
	});
	return (path) => seen.filter((p) => p === path).length;
}

test("20 tabs with an expired token send one renewal", async () => {
	const context = await device();

	await (await register(context, person())).close();
	const count = await counting(context);
	const tabs = await Promise.all(Array.from({ length: 20 }, async () => {
		const page = await context.newPage();

		await page.goto(url + "/icon.svg");
		return page;
	}));
	const statuses = await Promise.all(tabs.map((page) =>
		page.evaluate(async () => {
			const { Latchkey } = await import("/latchkey.js");
			const latchkey = new Latchkey();
			const answers = await Promise.all([1, 2, 3].map(() =>
				latchkey.fetch("/api/v1/auth/me")));

			window.latchkey = latchkey; // stays open to answer the other tabs
			return answers.map((answer) => answer.status);
		})));

	assert.deepEqual(statuses.flat(), Array(60).fill(200));
	assert.equal(count("/api/v1/auth/validate-session"), 1);

	// The same once the token has expired in all of them.
	const again = await Promise.all(tabs.map((page) =>
		page.evaluate(async () => {
			const now = Date.now;

			Date.now = () => now() + 3600_000;
			return (await window.latchkey.fetch("/api/v1/auth/me")).status;
		})));

	assert.deepEqual(again, Array(20).fill(200));
	assert.ok(count("/api/v1/auth/validate-session") <= 2);
	await close(context);
});

test("a refused token is renewed and retried only once", async () => {
	const context = await device();
	const page = await register(context, person());
	const count = await counting(context);
	let asked = 0;

	await context.route("**/app/**", (route) => {
		asked++;
		return route.fulfill({ status: 401, body: "no" });
	});
	const status = await page.evaluate(async () => {
		const { Latchkey } = await import("/latchkey.js");
		const latchkey = new Latchkey();

		return (await latchkey.fetch("/app/data")).status;
	});

	assert.equal(status, 401);
	assert.equal(asked, 2);
	assert.ok(count("/api/v1/auth/validate-session") <= 2);
	await close(context);
});

test("an ended session sends signout once and throws nothing", async () => {
	const context = await device();
	const page = await register(context, person());

	await page.goto(url + "/icon.svg");
	await context.clearCookies();
	const seen = await page.evaluate(async () => {
		const { Latchkey } = await import("/latchkey.js");
		const latchkey = new Latchkey();
		let events = 0;

		latchkey.addEventListener("signout", () => events++);
		const who = await latchkey.me();
		let code;

		try {
			await latchkey.sessions();
		} catch (problem) {
			code = problem.code;
		}
		return { who, code, events };
	});

	assert.deepEqual(seen, { who: null, code: "not_signed_in", events: 1 });
	await close(context);
});

test("isLocalPath agrees with the server", async () => {
	const context = await device();
	const page = await context.newPage();
	const cases = JSON.parse(readFileSync(new URL(
		"../unit/vectors/local_paths.json", import.meta.url), "utf8"));

	await page.goto(url + "/icon.svg");
	const said = await page.evaluate(async (paths) => {
		const { isLocalPath } = await import("/latchkey.js");

		return paths.map((path) => isLocalPath(path) &&
			new URL(path, location).origin === location.origin);
	}, cases.map(({ path }) => path));

	assert.deepEqual(said, cases.map(({ good }) => good));
	await close(context);
});
