// SPDX-License-Identifier: ISC
import { isLocalPath } from "./latchkey.js";
import { HOME, element, explain, latchkey, notice, onSubmit, showStrength }
	from "./ui.js";

const rd = new URLSearchParams(location.search).get("rd");
const next = isLocalPath(rd) ? rd : HOME + "account.html";
// A web server may show this page at the address of a guarded one.  After a
// sign-in that address is right; for a user who was signed in before, and whom
// the guard refused, it would show this page again and again.
const here = location.pathname + location.search;
const back = next !== rd && location.pathname !== HOME && isLocalPath(here) ?
	here : next;

// Show one of the two forms: "Create an account" for the fragment #create.
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
	// The jump to the fragment moves the focus, together with this event.
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
