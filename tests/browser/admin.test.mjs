// SPDX-License-Identifier: ISC
// Using the administration page.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, close, device, expectSound, person, register, signIn, url }
	from "./site.mjs";

const admin = { email: process.env.ADMIN_EMAIL,
	password: process.env.ADMIN_PASSWORD };

after(() => browser.close());

async function adminPage(context) {
	const page = await signIn(context, admin);

	await page.waitForURL("**/account.html");
	await page.click("text=Admin");
	await page.waitForSelector("#users tr");
	return page;
}

async function find(page, who) {
	await page.fill("#search-text", who.email);
	await page.click("#search button");
	await page.waitForFunction((email) => {
		const rows = document.querySelectorAll("#users tr");

		return rows.length === 1 && rows[0].textContent.includes(email);
	}, who.email);
}

test("a disabled user is signed out at the next click", async () => {
	const laptop = await device();
	const home = await device();
	const who = person("Grace");
	const theirs = await register(home, who);
	const page = await adminPage(laptop);

	await find(page, who);
	await expectSound(page);
	await page.click("text=Disable");
	await page.waitForSelector("text=is disabled and signed out.");
	await page.waitForSelector("#users .badge.bad");
	await theirs.click("#profile button");
	await theirs.waitForSelector("#ended:not([hidden])");
	await page.click("text=Enable");
	await page.waitForSelector("text=can sign in again.");
	await theirs.click("#ended-again");
	await theirs.fill("#login-email", who.email);
	await theirs.fill("#login-password", who.password);
	await theirs.click("#signin button");
	await theirs.waitForURL("**/account.html");
	await theirs.waitForSelector("#devices li");

	await page.click("#users >> text=Sign out");
	await page.waitForSelector("text=sessions ended: 1.");
	await theirs.click("#profile button");
	await theirs.waitForSelector("#ended:not([hidden])");
	await close(home);
	await close(laptop);
});

test("a user becomes an administrator and a user again", async () => {
	const laptop = await device();
	const home = await device();
	const who = person("Grace");
	const theirs = await register(home, who);
	const page = await adminPage(laptop);

	assert.equal(await theirs.isVisible("text=Admin"), false);
	await find(page, who);
	await page.click("text=Make admin");
	await page.waitForSelector("text=is now an administrator.");
	await theirs.reload();
	await theirs.click("text=Admin");
	await theirs.waitForSelector("#users tr");
	await page.click("text=Remove admin");
	await page.waitForSelector("text=is no longer an administrator.");
	await theirs.reload();
	await theirs.waitForSelector("text=Administrators only");
	await close(home);
	await close(laptop);
});

test("the dashboard follows the load and shows a lost connection",
	async () => {
		const laptop = await device({ colorScheme: "dark" });
		const page = await adminPage(laptop);
		const requests = page.locator(".tile .large").first();
		let load = true;
		const worker = (async () => {
			while (load)
				await fetch(url + "/api/v1/auth/me");
		})();

		await page.waitForFunction(() => Number(document
			.querySelector(".tile .large").textContent.replace(",", "")) > 20);
		load = false;
		await worker;
		await page.waitForFunction(() => Number(document
			.querySelector(".tile .large").textContent.replace(",", "")) < 20);
		assert.equal(await page.locator(".tile canvas").count(), 5);
		assert.equal(await page.locator(".tile").last().locator(".large")
			.textContent(), "Good");
		await expectSound(page);
		await laptop.setOffline(true);
		await page.waitForSelector(".tiles.stale");
		assert.match(await page.textContent("#live-state"), /Connection lost/);
		await laptop.setOffline(false);
		await page.waitForSelector(".tiles:not(.stale)");
		assert.notEqual(await requests.textContent(), "–");
		await close(laptop);
	});

test("without the chart library the dashboard shows numbers", async () => {
	const context = await device();

	await context.route("**/javascript/**", (route) => route.abort());
	const page = await adminPage(context);

	await page.waitForFunction(() =>
		/^[0-9]/.test(document.querySelector(".tile .large").textContent));
	assert.equal(await page.locator(".tile canvas").count(), 0);
	await close(context);
});

test("on a phone", async () => {
	const context = await device({ viewport: { width: 375, height: 720 },
		isMobile: true });
	const page = await adminPage(context);

	await expectSound(page);
	await close(context);
});
