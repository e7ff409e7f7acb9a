// SPDX-License-Identifier: ISC
import { isLocalPath } from "/latchkey.js";
import { element, explain, latchkey, notice, onSubmit, showStrength } from "/ui.js";

const rd = new URLSearchParams(location.search).get("rd");
const next = isLocalPath(rd) ? rd : "/account.html";

// One of the two forms at a time, by the fragment: #create or anything else.
function showForm() {
	const creating = location.hash === "#create";

	element("signin").hidden = creating;
	element("create").hidden = !creating;
	document.title = (creating ? "Create an account" : "Sign in") + " · Latchkey";
}

function focusForm() {
	element(location.hash === "#create" ? "register-name" : "login-email")
		.focus();
}

async function start() {
	showForm();
	window.addEventListener("hashchange", () => {
		notice("");
		showForm();
		focusForm();
	});
	// Going to the fragment takes the focus away, and comes with this event.
	window.addEventListener("load", () => requestAnimationFrame(focusForm));
	onSubmit(element("login"), async (values) => {
		await latchkey.login(values);
		location.assign(next);
	});
	onSubmit(element("register"), async (values) => {
		await latchkey.register(values);
		location.assign(next);
	});
	showStrength(element("register-password"), () => [
		element("register-name").value,
		...element("register-email").value.split(/[@.]/),
	]);
	try {
		if (await latchkey.me() !== null)
			location.replace(next);
	} catch (problem) {
		notice(explain(problem), "bad");
	}
}

start();
