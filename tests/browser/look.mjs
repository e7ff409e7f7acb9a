// SPDX-License-Identifier: ISC
// Take a picture of every page: look.mjs URL FOLDER
import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";

const [url, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox"] });
const email = `look-${Date.now()}@example.org`;

for (const [name, options] of Object.entries({
	light: { viewport: { width: 1100, height: 800 } },
	dark: { viewport: { width: 1100, height: 800 }, colorScheme: "dark" },
	phone: { viewport: { width: 375, height: 720 }, isMobile: true },
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
	if (process.env.ADMIN_OF) {
		execFileSync(process.env.ADMIN_OF, ["user", "promote", `${name}-${email}`]);
		await page.goto(url + "/admin.html");
		await page.waitForSelector("#users tr");
		await page.waitForTimeout(9000);
		await shot("admin");
		await page.goto(url + "/account.html");
		await page.waitForSelector("#devices li");
	}
	await page.click("#end-all");
	await page.waitForSelector("#ended:not([hidden])");
	await shot("ended");
	await context.close();
}
await browser.close();
