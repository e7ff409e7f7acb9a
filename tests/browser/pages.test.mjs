// SPDX-License-Identifier: ISC
// Using the pages as a user does.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, close, device, expectSound, person, register, signIn, url }
	from "./site.mjs";

after(() => browser.close());

test("an account is created, and problems are shown at their fields", async () => {
	const context = await device();
	const who = person();
	const page = await context.newPage();

	await page.goto(url + "/#create");
	await page.click("#create button");
	assert.equal(await page.textContent("#register-name-error"), "Please fill in this field.");
	await page.fill("#register-name", who.name);
	await page.fill("#register-email", who.email);
	await page.fill("#register-password", "password1");
	await page.click("#create button");
	await page.waitForSelector("#register-password-error");
	assert.equal(await page.getAttribute("#register-password", "aria-invalid"),
		"true");
	await expectSound(page);
	await page.fill("#register-password", who.password);
	await page.click("#create button");
	await page.waitForURL("**/account.html");
	await page.waitForSelector("text=Hello, Ada");
	await expectSound(page);

	const other = await device();
	const again = await other.newPage();

	await again.goto(url + "/#create");
	await again.fill("#register-name", who.name);
	await again.fill("#register-email", who.email);
	await again.fill("#register-password", who.password);
	await again.click("#create button");
	await again.waitForSelector("#register-email-error");
	await close(other);
	await close(context);
});

test("the strength of a password is shown while typing", async () => {
	const context = await device();
	const page = await context.newPage();
	const said = [];

	await page.goto(url + "/#create");
	for (const password of ["abc", "aaaaaaaaaaaa", "kettle-violin-bracket-91"]) {
		await page.fill("#register-password", password);
		said.push(await page.textContent("#register-strength"));
	}
	assert.deepEqual(said,
		["at least 8 characters", "very weak", "very good"]);
	await close(context);
});

test("a wrong password is reported as wrong credentials only", async () => {
	const context = await device();
	const who = person();
	const page = await register(context, who);

	await page.click("#logout");
	await page.waitForURL(url + "/");
	await page.fill("#login-email", who.email);
	await page.fill("#login-password", "not-the-password");
	await page.click("#signin button");
	await page.waitForSelector("#login [data-problem]:not([hidden])");
	await expectSound(page);
	await page.fill("#login-password", who.password);
	await page.keyboard.press("Enter");
	await page.waitForURL("**/account.html");
	await close(context);
});

test("only a path of this site is accepted as the way back", async () => {
	const context = await device();
	const who = person();
	const page = await register(context, who);

	for (const [rd, to] of [
		["/account.html?tab=1", "/account.html?tab=1"],
		["//example.org/", "/account.html"],
		["https://example.org/", "/account.html"],
		["/\\example.org", "/account.html"],
	]) {
		await page.goto(url + "/?rd=" + encodeURIComponent(rd));
		await page.waitForURL((at) => at.href === url + to,
			{ waitUntil: "commit" });
	}
	await close(context);
});

test("a session ended on another device is refused at the next click", async () => {
	const who = person();
	const laptop = await device();
	const phone = await device({ viewport: { width: 375, height: 720 },
		userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1" });
	const first = await register(laptop, who);
	const second = await signIn(phone, who);

	await second.waitForSelector("#devices li");
	await first.reload();
	await first.waitForSelector("text=Safari on iPhone");
	assert.equal(await first.locator("#devices li").count(), 2);
	assert.match(await first.textContent("#devices li:first-child"), /this device/);
	await first.click("#devices li:not(.current) button");
	await first.waitForSelector("text=Safari on iPhone is signed out.");
	await first.waitForFunction(() =>
		document.querySelectorAll("#devices li").length === 1);

	await second.fill("#profile-name", "Another name");
	await second.click("#profile button");
	await second.waitForSelector("#ended:not([hidden])");
	await expectSound(second);
	await close(phone);
	await close(laptop);
});

test("all devices are signed out at once", async () => {
	const who = person();
	const laptop = await device();
	const phone = await device();
	const first = await register(laptop, who);
	const second = await signIn(phone, who);

	await second.waitForSelector("#devices li");
	await first.click("#end-all");
	await first.waitForSelector("#ended:not([hidden])");
	await second.reload();
	await second.waitForURL(url + "/?rd=%2Faccount.html");
	await close(phone);
	await close(laptop);
});

test("a second tab notices the sign-out", async () => {
	const context = await device();
	const first = await register(context, person());
	const second = await context.newPage();

	await second.goto(url + "/account.html");
	await second.waitForSelector("#devices li");
	await first.click("#logout");
	await second.waitForSelector("#ended:not([hidden])");
	assert.match(await second.textContent("#ended-again"), /Sign in again/);
	await close(context);
});

test("a new password signs out other devices and replaces the old one", async () => {
	const who = person();
	const laptop = await device();
	const phone = await device();
	const first = await register(laptop, who);
	const second = await signIn(phone, who);

	await second.waitForSelector("#devices li");
	await first.goto(url + "/.well-known/change-password");
	await first.waitForSelector("#devices li");
	await first.fill("#current-password", "not-the-password");
	await first.fill("#new-password", "quartz-meadow-77-lantern");
	await first.click("#change-password button");
	await first.waitForSelector("#current-password-error");
	await first.fill("#current-password", who.password);
	await first.click("#change-password button");
	await first.waitForSelector("text=Password changed.");
	await second.reload();
	await second.waitForURL(url + "/?rd=%2Faccount.html");
	await second.fill("#login-email", who.email);
	await second.fill("#login-password", who.password);
	await second.click("#signin button");
	await second.waitForSelector("#login [data-problem]:not([hidden])");
	await second.fill("#login-password", "quartz-meadow-77-lantern");
	await second.click("#signin button");
	await second.waitForURL("**/account.html");
	await close(phone);
	await close(laptop);
});

test("an account can be deactivated", async () => {
	const context = await device();
	const who = person();
	const page = await register(context, who);

	await page.fill("#leave-password", who.password);
	await page.click("#deactivate button");
	await page.waitForSelector("#ended:not([hidden])");
	await page.click("#ended-again");
	await page.fill("#login-email", who.email);
	await page.fill("#login-password", who.password);
	await page.click("#signin button");
	await page.waitForSelector("#login [data-problem]:not([hidden])");
	await close(context);
});

test("on a phone, in dark mode", async () => {
	const context = await device({ viewport: { width: 375, height: 720 },
		isMobile: true, colorScheme: "dark" });
	const page = await register(context, person());

	await expectSound(page);
	await page.click("#logout");
	await page.waitForURL(url + "/");
	await expectSound(page);
	await page.click("text=Create an account");
	await expectSound(page);
	await close(context);
});

test("with the keyboard only", async () => {
	const context = await device();
	const who = person();
	const page = await context.newPage();

	await page.goto(url + "/#create");
	await page.waitForSelector("#register-name:focus");
	for (const text of [who.name, who.email, who.password]) {
		await page.keyboard.type(text);
		await page.keyboard.press("Tab");
	}
	await page.keyboard.press("Enter");
	await page.waitForURL("**/account.html");
	await page.waitForSelector("#devices li");
	await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => document.activeElement.textContent),
		"Skip to content");
	await page.keyboard.press("Enter");
	assert.equal(await page.evaluate(() => document.activeElement.id), "main");
	await close(context);
});

test("an unreachable server does not sign the user out", async () => {
	const context = await device();
	const page = await register(context, person());

	await context.setOffline(true);
	await page.click("#end-others", { force: true }).catch(() => {});
	await page.fill("#profile-name", "Grace");
	await page.click("#profile button");
	await page.waitForSelector("#profile [data-problem]:not([hidden])");
	assert.equal(await page.isVisible("#main"), true);
	await context.setOffline(false);
	await page.click("#profile button");
	await page.waitForSelector("text=Saved.");
	await close(context);
});

test("without scripts", async () => {
	const context = await device({ javaScriptEnabled: false });
	const who = person();
	const page = await context.newPage();

	await page.goto(url + "/?rd=/icon.svg");
	await page.fill("#register-name", who.name);
	await page.fill("#register-email", who.email);
	await page.fill("#register-password", "password1");
	await page.click("#create button");
	await page.waitForURL(url + "/?rd=/icon.svg#weak_password");
	assert.ok(await page.isVisible("#weak_password"));
	assert.ok(!await page.isVisible("#email_taken"));
	await page.fill("#register-name", who.name);
	await page.fill("#register-email", who.email);
	await page.fill("#register-password", who.password);
	await page.click("#create button");
	await page.waitForURL(url + "/icon.svg");
	await page.goto(url + "/account.html");
	await page.click("noscript form button");
	await page.waitForURL(url + "/");
	await page.fill("#login-email", who.email);
	await page.fill("#login-password", "not-the-password");
	await page.click("#signin button");
	await page.waitForURL(url + "/?rd=/account.html#invalid_credentials");
	assert.ok(await page.isVisible("#invalid_credentials"));
	await page.fill("#login-email", who.email);
	await page.fill("#login-password", who.password);
	await page.click("#signin button");
	await page.waitForURL(url + "/account.html");
	await close(context);
});

test("a guarded page greets the user", async () => {
	const context = await device();
	const who = person("Zo\u00eb <b>");
	const page = await register(context, who);

	await page.goto(url + "/guarded");
	assert.equal(await page.textContent("h1"), `Hello, ${who.name}`);
	assert.match(await page.textContent("dl"), new RegExp(who.email));
	await page.goto(url + "/account.html");
	await page.waitForSelector("#devices li");
	await page.click("#logout");
	await page.waitForURL(url + "/");
	await page.goto(url + "/guarded?a=b");
	await page.waitForURL(url + "/?rd=/guarded%3Fa%3Db");
	await page.fill("#login-email", who.email);
	await page.fill("#login-password", who.password);
	await page.click("#signin button");
	await page.waitForURL(url + "/guarded?a=b");
	await close(context);
});
