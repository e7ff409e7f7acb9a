// SPDX-License-Identifier: ISC
// Shared by the pages: notices, forms and their problems, times, devices.
import { Latchkey } from "./latchkey.js";

export const latchkey = new Latchkey();
/** The folder of the pages: the path of the sign-in page. */
export const HOME = new URL(".", import.meta.url).pathname;
export const element = (id) => document.getElementById(id);

/** A new element ${tag} with text and attributes. */
export function made(tag, text = "", attributes = {}) {
	const node = document.createElement(tag);

	node.textContent = text;
	for (const [name, value] of Object.entries(attributes))
		node.setAttribute(name, value);
	return node;
}

/** What to call ${user}; users of other issuers may have no name or address. */
export const nameOf = (user) => user.name || user.email || "user " + user.id;

// ---- notices ----

/** Show ${text} at the top of the page; ${kind} is "good" or "bad". */
export function notice(text, kind = "good") {
	const node = element("notice");

	node.textContent = text;
	node.className = "notice " + kind;
	node.hidden = text === "";
}

// The server's own words are for developers; these are for people.  A weak
// password is refused for several reasons, which the server words for people.
const MESSAGES = {
	unreachable: "The server cannot be reached. Check your connection and try again.",
	unavailable: "Temporarily unavailable. Nothing was changed; please try again shortly.",
	busy: "Many people are signing in right now. Please try again in a second.",
	internal: "Something went wrong on the server. Please try again.",
	invalid_credentials: "Email or password is wrong.",
	wrong_password: "This password is wrong.",
	email_taken: "An account with this email address already exists.",
	missing_field: "Please fill in this field.",
	invalid_field: "This value is not valid.",
	invalid_session: "You are signed out.",
	invalid_token: "You are signed out.",
	not_signed_in: "You are signed out.",
	last_admin: "You are the last administrator. Make another account an administrator first.",
	other_session: "Another account has signed in in this browser. Nothing was changed.",
	forbidden: "You are not allowed to do this.",
	cross_site: "Your browser did not say where this request comes from. Reload the page and try again.",
	not_found: "Not found. It may have been removed in the meantime.",
	rate_limited: "Too many attempts.",
};
// What a field expects, by the name of its input.
const EXPECTED = {
	email: "Enter an email address such as name@example.org.",
	name: "Enter a name of 1 to 100 characters.",
	avatar_url: "Enter an address that begins with https://.",
};

export function explain(problem) {
	if (problem.code === "invalid_field" && EXPECTED[problem.field])
		return EXPECTED[problem.field];
	const text = MESSAGES[problem.code] ??
	    (problem.code === "weak_password" ? problem.message
		    : "The server could not do this. Please reload the page and try again.");

	return problem.status === 429 && problem.retryAfter
		? `${text} Try again in ${duration(problem.retryAfter)}.` : text;
}

// ---- forms ----

/** Remove the messages of an earlier attempt. */
export function clearProblems(form) {
	for (const node of form.querySelectorAll("[data-for], [data-problem]"))
		node.hidden = true;
	for (const input of form.querySelectorAll("[aria-invalid]")) {
		input.removeAttribute("aria-invalid");
		if (input.dataset.describedBefore === undefined)
			input.removeAttribute("aria-describedby");
		else
			input.setAttribute("aria-describedby",
				input.dataset.describedBefore);
	}
}

/** Show ${text} at the field ${name} of ${form}. */
function showAtField(form, name, text) {
	const input = form.elements[name];
	const node = form.querySelector(`[data-for="${CSS.escape(name)}"]`);

	node.id ||= `${input.id}-error`;
	node.textContent = text;
	node.hidden = false;
	const before = input.getAttribute("aria-describedby");

	if (before !== null)
		input.dataset.describedBefore = before;
	input.setAttribute("aria-describedby",
		before === null ? node.id : `${node.id} ${before}`);
	input.setAttribute("aria-invalid", "true");
	return input;
}

/** Show ${problem} at the field that it concerns, or above the form. */
export function showProblem(form, problem) {
	const { field } = problem;

	if (field && form.elements[field] &&
	    form.querySelector(`[data-for="${CSS.escape(field)}"]`)) {
		showAtField(form, field, explain(problem)).focus();
		return;
	}
	const node = form.querySelector("[data-problem]");

	node.textContent = explain(problem);
	node.hidden = false;
	node.scrollIntoView({ block: "nearest" });
}

function showMissing(form) {
	let first = null;

	for (const input of form.elements) {
		if (!input.name || input.validity.valid)
			continue;
		const node = form.querySelector(
			`[data-for="${CSS.escape(input.name)}"]`);

		if (!node)
			continue;
		showAtField(form, input.name, input.validity.valueMissing
			? MESSAGES.missing_field : input.validationMessage);
		first ??= input;
	}
	first?.focus();
	return first !== null;
}

/**
 * When ${form} is submitted, check it, run ${action}(values), one at a time, and
 * show its problem if it throws one.
 */
export function onSubmit(form, action) {
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		clearProblems(form);
		notice("");
		if (showMissing(form))
			return;
		const button = form.querySelector("button");

		button.disabled = true;
		form.setAttribute("aria-busy", "true");
		try {
			await action(Object.fromEntries(new FormData(form)));
		} catch (problem) {
			showProblem(form, problem);
		} finally {
			button.disabled = false;
			form.removeAttribute("aria-busy");
		}
	});
}

/** When ${button} is pressed, run ${action}, one at a time. */
export function onPress(button, action) {
	button.addEventListener("click", async () => {
		button.disabled = true;
		notice("");
		try {
			await action();
		} catch (problem) {
			notice(explain(problem), "bad");
		} finally {
			button.disabled = false;
		}
	});
}

// ---- password strength: a hint while typing; the server decides ----

const STRENGTH = ["very weak", "weak", "fair", "good", "very good"];

// The number of characters that make ${password} harder to guess: not repeats,
// runs ("abcd", "4321") or words in ${known}.
function worth(password, known) {
	let text = password.toLowerCase();
	let count = 0;

	for (const word of known) {
		if (word.length >= 3)
			text = text.replaceAll(word.toLowerCase(), "");
	}
	for (let i = 0; i < text.length; i++) {
		const step = text.charCodeAt(i) - text.charCodeAt(i - 1);
		const before = text.charCodeAt(i - 1) - text.charCodeAt(i - 2);

		if (i < 2 || step !== before || Math.abs(step) > 1)
			count++;
	}
	return Math.min(count, 2 * new Set(text).size);
}

export function strength(password, known) {
	const characters = worth(password, known);
	const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/]
		.filter((kind) => kind.test(password)).length;
	const score = Math.floor((characters + kinds - 5) / 3.5);

	return password.length < 8 ? 0 : Math.max(0, Math.min(4, score));
}

/** Show the strength of ${input} below it; ${known}() lists words to discount. */
export function showStrength(input, known) {
	const box = document.querySelector(`[data-strength-of="${input.id}"]`);

	input.addEventListener("input", () => {
		const score = strength(input.value, known());

		box.hidden = input.value === "";
		box.dataset.score = score;
		box.querySelector("meter").value = score;
		box.querySelector("span").textContent =
			input.value.length < 8 ? "at least 8 characters" : STRENGTH[score];
	});
}

// ---- times and devices ----

const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function duration(seconds) {
	const [unit, size] = units.find(([, size]) => seconds >= size) ?? units[3];
	const n = Math.ceil(seconds / size);

	return `${n} ${unit}${n === 1 ? "" : "s"}`;
}

/** A <time> element: how long ago ${iso} was. */
export function ago(iso) {
	const date = new Date(iso);
	const seconds = Math.max(0, (Date.now() - date) / 1000);
	const [unit, size] = units.find(([, size]) => seconds >= size) ?? units[3];
	const text = seconds < 60
		? "just now" : relative.format(-Math.floor(seconds / size), unit);

	return made("time", text, { datetime: iso, title: date.toLocaleString() });
}

const BROWSERS = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"],
	["HeadlessChrome/", "Chrome"], ["Chrome/", "Chrome"], ["Version/", "Safari"],
	["curl/", "curl"]];
const SYSTEMS = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"],
	["Windows", "Windows"], ["Mac OS X", "macOS"], ["CrOS", "ChromeOS"],
	["Linux", "Linux"]];

/** "Firefox on Linux", as far as the user agent ${agent} tells. */
export function describeAgent(agent) {
	const find = (list) => list.find(([mark]) => agent.includes(mark))?.[1];
	const browser = find(BROWSERS);
	const system = find(SYSTEMS);

	if (browser && system)
		return `${browser} on ${system}`;
	return browser ?? system ?? (agent.split(/[ /]/)[0] || "Unknown browser");
}

// ---- pages that require a session ----

/** The address of the sign-in page that leads back to this page. */
export function signInAddress() {
	return HOME + "?rd=" + encodeURIComponent(location.pathname + location.search);
}

/** Replace the page by a note that the session has ended: ${why}. */
export function showEnded(why) {
	if (!element("ended").hidden)
		return;
	element("main").hidden = true;
	element("ended-why").textContent = why;
	element("ended-again").href = signInAddress();
	element("ended").hidden = false;
	element("ended-again").focus();
}

const CHECK_EVERY_MS = 60_000;

/**
 * Find out who is signed in, or go to the sign-in page.  Later, show when the
 * session has ended, here, in another tab or on another device.
 */
export async function requireSession() {
	let me;

	for (;;) {
		try {
			me = await latchkey.me();
			break;
		} catch (problem) {
			element("main").hidden = false;
			notice(explain(problem), "bad");
			await new Promise((done) =>
				setTimeout(done, 1000 * (problem.retryAfter ?? 5)));
		}
	}
	if (me === null) {
		location.replace(signInAddress());
		return new Promise(() => {}); // the page is being left
	}
	notice("");
	for (const node of document.querySelectorAll("[data-admin]"))
		node.hidden = me.user.role !== "admin";
	element("main").hidden = false;
	element("logout").hidden = false;

	const check = async () => {
		if (document.visibilityState !== "visible" || !element("ended").hidden)
			return;
		try {
			if (await latchkey.me() === null)
				showEnded("You were signed out on another device, or the session expired.");
		} catch {
			// Temporarily unavailable; the next check may succeed.
		}
	};

	latchkey.addEventListener("signout", () =>
		showEnded("You signed out in another tab or on another device."));
	latchkey.addEventListener("change", () =>
		showEnded("Another account has signed in in this browser."));
	latchkey.addEventListener("signin", check);
	document.addEventListener("visibilitychange", check);
	window.addEventListener("focus", check);
	setInterval(check, CHECK_EVERY_MS);
	onPress(element("logout"), async () => {
		await latchkey.logout();
		location.assign(HOME);
	});
	return me;
}
