// SPDX-License-Identifier: ISC
// What the pages share: notices, forms and their problems, times, devices.
import { Latchkey } from "/latchkey.js";

export const latchkey = new Latchkey();
export const element = (id) => document.getElementById(id);

/** A new element ${tag} with text and attributes. */
export function made(tag, text = "", attributes = {}) {
	const node = document.createElement(tag);

	node.textContent = text;
	for (const [name, value] of Object.entries(attributes))
		node.setAttribute(name, value);
	return node;
}

/** What to call ${user}: one of an outside issuer may have no name, no address. */
export const nameOf = (user) => user.name || user.email || "user " + user.id;

// ---- notices ----

/** Say ${text} at the top of the page; ${kind}: "good", "bad". */
export function notice(text, kind = "good") {
	const node = element("notice");

	node.textContent = text;
	node.className = "notice " + kind;
	node.hidden = text === "";
}

// What to do is said where it is known; the rest in the server's own words.
const ADVICE = {
	unreachable: "The server cannot be reached. Check the connection and try again.",
	unavailable: "The server cannot tell at the moment. Nothing was changed; try again shortly.",
	busy: "Many people are signing in just now. Try again in a second.",
};

export function explain(problem) {
	const text = ADVICE[problem.code] ?? problem.message;

	return problem.status === 429 && problem.retryAfter
		? `${text} Try again in ${duration(problem.retryAfter)}.` : text;
}

// ---- forms ----

/** Take away what an earlier try said. */
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

/** Show ${problem} next to the field it is about, or above the form. */
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
			? "This is needed." : input.validationMessage);
		first ??= input;
	}
	first?.focus();
	return first !== null;
}

/**
 * When ${form} is sent: check it, run ${action}(values) once at a time, show
 * what was refused.
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

/** When ${button} is pressed: run ${action} once at a time. */
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

// ---- password strength: a hint as one types; the server decides ----

const STRENGTH = ["very easy to guess", "easy to guess", "so-so", "good", "very good"];

// How many characters are worth something: repeats, runs ("abcd", "4321") and
// what is known of the person are not.
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

/** Show the strength of ${input} below it; ${known}(): what else was said. */
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

/** A <time> that says how long ago ${iso} was. */
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

/** "Firefox on Linux", as far as the user agent says. */
export function describeAgent(agent) {
	const find = (list) => list.find(([mark]) => agent.includes(mark))?.[1];
	const browser = find(BROWSERS);
	const system = find(SYSTEMS);

	if (browser && system)
		return `${browser} on ${system}`;
	return browser ?? system ?? (agent.split(/[ /]/)[0] || "Unknown program");
}

// ---- a page that needs somebody signed in ----

/** The way back here after signing in. */
export function signInAddress() {
	return "/?rd=" + encodeURIComponent(location.pathname + location.search);
}

/** Cover the page: the session has ended, and ${why}. */
export function showEnded(why) {
	if (!element("ended").hidden)
		return;
	element("main").hidden = true;
	element("ended-why").textContent = why;
	element("ended-again").href = signInAddress();
	element("ended").hidden = false;
	element("ended-again").focus();
}

const LOOK_EVERY_MS = 60_000;

/**
 * Ask who is signed in; send nobody to the sign-in page; notice later, here or
 * through another tab, that the session ended.
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

	const look = async () => {
		if (document.visibilityState !== "visible" || !element("ended").hidden)
			return;
		try {
			if (await latchkey.me() === null)
				showEnded("This session was ended on another device or has expired.");
		} catch {
			// Nobody can tell now; the next look may.
		}
	};

	latchkey.addEventListener("signout", () =>
		showEnded("This session was ended here or on another device."));
	document.addEventListener("visibilitychange", look);
	window.addEventListener("focus", look);
	setInterval(look, LOOK_EVERY_MS);
	onPress(element("logout"), async () => {
		await latchkey.logout();
		location.assign("/");
	});
	return me;
}
