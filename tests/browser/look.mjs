// SPDX-License-Identifier: ISC
// Take screenshots of every page: look.mjs URL FOLDER
// STATE names the state folder of a quickstart: then also of the administrators'
// page, with the chart library and without it.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox"] });
const email = `look-${Date.now()}@example.org`;
const wide = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 800 }, isMobile: true };
const LOAD_MS = 12_000; // until the charts have several points

async function admin(page, shot, user) {
	execFileSync(join(process.env.STATE, "latchkey"), ["user", "promote", user]);
	await page.goto(url + "/admin.html");
	await page.waitForSelector("#users tr");
	const end = Date.now() + LOAD_MS;

	while (Date.now() < end)
		await page.request.get(url + "/api/v1/auth/me");
	await shot("admin");
	await page.context().route("**/javascript/**", (route) => route.abort());
	await page.reload();
	await page.waitForSelector("#users tr");
	await page.waitForTimeout(5000);
	await shot("admin-no-charts");
}

for (const [name, options] of Object.entries({
	"light-1280": wide,
	"dark-1280": { ...wide, colorScheme: "dark" },
	"light-390": phone,
	"dark-390": { ...phone, colorScheme: "dark" },
})) {
	const context = await browser.newContext(options);
	const page = await context.newPage();
	const shot = (what) => page.screenshot({ fullPage: true,
		path: `${folder}/${name}-${what}.png` });

	page.on("console", (m) => console.log(name, m.type(), m.text()));
	page.on("pageerror", (e) => console.log(name, e.message));
	await page.goto(url);
	await shot("signin");
	await page.goto(url + "/#create");
	await page.fill("#register-email", `${name}-${email}`);
	await page.fill("#register-name", "Ada");
	await page.fill("#register-password", "tide-orbit");
	await shot("create");
	await page.fill("#register-password", "password1");
	await page.click("#create button");
	await page.waitForSelector("#create .error:not([hidden]), #create [data-problem]:not([hidden])");
	await shot("refused");
	await page.fill("#register-password", "tide-orbit-lamp-42");
	await page.click("#create button");
	await page.waitForURL("**/account.html");
	await page.waitForSelector("#devices li");
	await shot("account");
	if (process.env.STATE) {
		await admin(page, shot, `${name}-${email}`);
		await page.goto(url + "/account.html");
		await page.waitForSelector("#devices li");
	}
	await page.click("#end-all");
	await page.waitForSelector("#ended:not([hidden])");
	await shot("ended");
	await context.close();
}
await browser.close();
