// SPDX-License-Identifier: ISC
// www/latchkey.js in many tabs of one browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { browser, close, device, person, register, signIn, url } from "./site.mjs";

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

test("a page left open does not act for the next user", async () => {
	const ann = person("Ann");
	const bob = person("Bob");
	const context = await device();
	const other = await device();

	await (await register(other, bob)).close();
	const page = await register(context, ann);

	// Ann's cookie goes at the end of its time, and Bob signs in elsewhere, in a
	// tab that tells no other.
	await context.clearCookies();
	const answer = await context.request.post(url + "/api/v1/auth/login", {
		headers: { "Sec-Fetch-Site": "same-origin" },
		data: { email: bob.email, password: bob.password },
	});

	assert.equal(answer.status(), 200);
	await page.fill("#profile-name", "Mallory");
	await page.click("#profile button");
	await page.waitForSelector("#ended:not([hidden])");
	assert.match(await page.textContent("#ended"), /Another account/);
	const me = await context.request.get(url + "/api/v1/auth/me");

	assert.equal((await me.json()).user.name, "Bob");
	await close(other);
	await close(context);
});

test("a sign-in in another tab covers the page", async () => {
	const bob = person("Bob");
	const context = await device();
	const other = await device();

	await (await register(other, bob)).close();
	const page = await register(context, person("Ann"));

	await context.clearCookies();
	await (await signIn(context, bob)).waitForSelector("#devices li");
	await page.waitForSelector("#ended:not([hidden])");
	await close(other);
	await close(context);
});

test("a new session of the same user goes on", async () => {
	const who = person();
	const context = await device();
	const page = await register(context, who);

	await context.clearCookies();
	await (await signIn(context, who)).waitForSelector("#devices li");
	await page.fill("#profile-name", "Ada L");
	await page.click("#profile button");
	await page.waitForSelector("text=Saved.");
	await close(context);
});

test("signing out without a cookie leaves no account on the screen", async () => {
	const context = await device();
	const page = await register(context, person());

	await context.clearCookies();
	await page.click("#logout");
	await page.waitForURL(url + "/");
	await close(context);
});

test("the token goes to the page's own origin only", async () => {
	const context = await device();
	const page = await register(context, person());
	const seen = [];

	await context.route("https://api.example/**", (route) => {
		seen.push(route.request().headers().authorization);
		return route.fulfill({ status: 200, body: "{}",
			headers: { "Access-Control-Allow-Origin": "*",
				"Access-Control-Allow-Headers": "*" } });
	});
	const result = await page.evaluate(async () => {
		const { Latchkey } = await import("/latchkey.js");
		const strict = new Latchkey();

		try {
			await strict.fetch("https://api.example/x");
		} catch (problem) {
			return problem.name;
		} finally {
			strict.close();
		}
	});

	assert.equal(result, "TypeError");
	assert.deepEqual(seen, []);
	await close(context);
});
