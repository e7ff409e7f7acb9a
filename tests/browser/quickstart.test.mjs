// SPDX-License-Identifier: ISC
// What deploy/quickstart prints and writes, and pages of deploy/install-pages.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { browser, close, device, person, register, url } from "./site.mjs";

const state = process.env.SITE_STATE;
const output = readFileSync(process.env.SITE_OUTPUT, "utf8");
const installPages =
	fileURLToPath(new URL("../../deploy/install-pages", import.meta.url));

after(() => browser.close());

test("the quickstart names the administrator and the guarded page", () => {
	const localhost = url.replace("127.0.0.1", "localhost");

	assert.match(output, new RegExp(`^Latchkey is ready: ${localhost}/$`, "m"));
	assert.match(output, /^ +Administrator: +the first account/m);
	assert.match(output, new RegExp(`^ +Guarded page: +${localhost}/guarded `, "m"));
});

test("the state folder has a command line for its site", () => {
	const users = execFileSync(join(state, "latchkey"), ["user", "list", "--json"],
		{ encoding: "utf8", env: { PATH: process.env.PATH,
			DATABASE_URL: "sqlite:/nonexistent" } });
	const first = users.slice(users.indexOf("{"), users.indexOf("}") + 1);

	assert.match(first, new RegExp(`"email": ?"${process.env.ADMIN_EMAIL}"`));
	assert.match(first, /"role": ?"admin"/);
});

test("installed pages work at another path", async () => {
	const folder = mkdtempSync(join(tmpdir(), "pages & "));
	const context = await device();
	const who = person();

	try {
		execFileSync(installPages, [join(folder, "to"), "/a&b/"]);
		await context.route("**/a&b/**", (route) => {
			const name = new URL(route.request().url()).pathname.slice(5);

			return route.fulfill({ path: join(folder, "to", name || "index.html") });
		});
		await (await register(context, who)).close();
		const page = await context.newPage();

		await page.goto(url + "/a&b/account.html");
		await page.waitForSelector("#devices li");
		await page.click("#logout");
		await page.waitForURL(url + "/a&b/");
		await page.fill("#login-email", who.email);
		await page.fill("#login-password", who.password);
		await page.click("#signin button");
		await page.waitForURL(url + "/a&b/account.html");
		await page.waitForSelector("#devices li");
		await page.click("#end-all");
		await page.waitForSelector("#ended:not([hidden])");
		await page.click("#ended-again");
		await page.waitForURL(url + "/a&b/?rd=" +
			encodeURIComponent("/a&b/account.html"));
		assert.equal(await page.inputValue("#login [name=rd]"), "/a&b/account.html");
		await close(context);
	} finally {
		rmSync(folder, { recursive: true });
	}
});
