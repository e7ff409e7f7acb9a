// SPDX-License-Identifier: ISC
// Take the screenshots of the README: images.mjs URL FOLDER
// URL is that of a new quickstart, FOLDER is docs/images.
import { chromium } from "playwright-core";

const [url, folder] = process.argv.slice(2);
const user = { name: "Ada", email: "ada@example.org",
	password: "tide-orbit-lamp-42" };
const DEVICES = [
	["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"],
	["Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148 Safari/604.1", "Ada's phone"],
];
const LOAD_MS = 15_000; // until the charts have several points
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 720, height: 540 } });
const page = await context.newPage();
const shot = (name) => page.screenshot({ path: `${folder}/${name}.png` });

async function post(path, body, agent) {
	const answer = await fetch(url + "/api/v1/auth/" + path, { method: "POST",
		headers: { "Content-Type": "application/json", "User-Agent": agent },
		body: JSON.stringify(body) });

	if (!answer.ok)
		throw new Error(`${path}: ${await answer.text()}`);
}

await post("register", user, DEVICES[0][0]);
await post("login", { ...user, name: undefined, device: DEVICES[1][1] },
	DEVICES[1][0]);
await page.goto(url);
await page.fill("#login-email", user.email);
await page.fill("#login-password", user.password);
await shot("sign-in");
await page.click("#signin button");
await page.waitForURL("**/account.html");
await page.waitForSelector("#devices li");
await shot("account");
await page.setViewportSize({ width: 1200, height: 760 });
await page.goto(url + "/admin.html");
await page.waitForSelector("#users tr");
for (const end = Date.now() + LOAD_MS; Date.now() < end;)
	await page.request.get(url + "/api/v1/auth/me");
await shot("administration");
await browser.close();
