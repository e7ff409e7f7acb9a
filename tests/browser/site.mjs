// SPDX-License-Identifier: ISC
// Shared by the browser tests: the browser, test users, and checks of a page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const url = process.env.SITE_URL;
export const PASSWORD = "tide-orbit-lamp-42";
export const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox"],
});

const axe = readFileSync(
	createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let people = 0;

/** A new user, unknown to the site. */
export function person(name = "Ada") {
	return { name, email: `p${process.pid}-${++people}@example.org`,
		password: PASSWORD };
}

/**
 * A new device: a browser context whose pages must not log errors or violations
 * of the content security policy.
 */
export async function device(options = {}) {
	const context = await browser.newContext(options);

	context.setDefaultTimeout(20_000);
	context.errors = [];
	context.on("weberror", (e) => context.errors.push(String(e.error())));
	context.on("console", (message) => {
		// Chromium reports each 4xx answer; the tests provoke those.
		if (message.type() === "error" &&
		    !message.text().startsWith("Failed to load resource"))
			context.errors.push(message.text());
	});
	return context;
}

export async function close(context) {
	assert.deepEqual(context.errors, []);
	await context.close();
}

/** Create an account in the browser; returns the account page. */
export async function register(context, who) {
	const page = await context.newPage();

	await page.goto(url + "/#create");
	await page.fill("#register-name", who.name);
	await page.fill("#register-email", who.email);
	await page.fill("#register-password", who.password);
	await page.click("#create button");
	await page.waitForURL("**/account.html");
	await page.waitForSelector("#devices li");
	return page;
}

export async function signIn(context, who, path = "/") {
	const page = await context.newPage();

	await page.goto(url + path);
	await page.fill("#login-email", who.email);
	await page.fill("#login-password", who.password);
	await page.click("#signin button");
	return page;
}

/** Check that axe finds nothing serious and nothing is wider than the window. */
export async function expectSound(page) {
	const width = await page.evaluate(() =>
		document.documentElement.scrollWidth - window.innerWidth);

	assert.ok(width <= 0, `${page.url()} is ${width} px too wide`);
	// Not a script element: the content security policy would refuse it.
	const results = await page.evaluate(axe + "; axe.run()");
	const serious = results.violations
		.filter(({ impact }) => ["serious", "critical"].includes(impact))
		.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(" ")}`);

	assert.deepEqual(serious, []);
}
