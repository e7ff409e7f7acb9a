// SPDX-License-Identifier: ISC
import { isLocalPath } from "/latchkey.js";
import { element, explain, latchkey, notice, onSubmit, showStrength } from "/ui.js";

const rd = new URLSearchParams(location.search).get("rd");
const next = isLocalPath(rd) ? rd : "/account.html";
// A web server may show this page in the place of the one that was asked for.
// Who has just signed in gets that one; whoever is signed in already was
// refused it, and would come back here for ever.
const here = location.pathname + location.search;
const back = next !== rd && location.pathname !== "/" && isLocalPath(here) ?
	here : next;

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
	onSubmit(element("login"), async ({ email, password }) => {
		await latchkey.login({ email, password });
		location.assign(back);
	});
	onSubmit(element("register"), async ({ name, email, password }) => {
		await latchkey.register({ name, email, password });
		location.assign(back);
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
