// SPDX-License-Identifier: ISC
// Talks to the API with the cookie alone: no token or session id is kept here.
"use strict";

const element = (id) => document.getElementById(id);

function tell(text, bad) {
	element("message").textContent = text;
	element("message").classList.toggle("bad", Boolean(bad));
}

async function call(method, path, body) {
	const answer = await fetch("/api/v1" + path, {
		method,
		headers: body ? { "Content-Type": "application/json" } : {},
		body: body ? JSON.stringify(body) : undefined,
	});
	const text = await answer.text();
	let json = {};

	try {
		json = text ? JSON.parse(text) : {};
	} catch {
		// A web server's own error page.
	}
	if (!answer.ok) {
		const error = new Error(
			json.detail || json.title || "The server answered " + answer.status);

		error.status = answer.status;
		throw error;
	}
	return json;
}

function show(me) {
	element("signed-in").hidden = !me;
	element("signed-out").hidden = Boolean(me);
	element("me-name").textContent = me ? me.user.name : "";
	element("me-email").textContent = me ? me.user.email : "";
	element("me-since").textContent =
		me ? new Date(me.session.created_at).toLocaleString() : "";
	element("me-until").textContent =
		me ? new Date(me.session.expires_at).toLocaleString() : "";
}

// Who is signed in?  "Nobody" is an answer, not an error; an error is neither:
// then the page stays as it is.  Was there an answer?
async function refresh() {
	try {
		show(await call("GET", "/auth/me"));
	} catch (error) {
		if (error.status !== 401) {
			tell("The server cannot tell now whether you are signed " +
				"in. Try again in a moment.", true);
			return false;
		}
		show(null);
	}
	return true;
}

// Run one action at a time and say how it ended.
async function act(button, path, body, done, then) {
	button.disabled = true;
	tell("");
	try {
		await call("POST", path, body);
		if (await refresh())
			tell(done);
		if (then)
			then();
	} catch (error) {
		if (error.status !== 401 || await refresh())
			tell(error.message, true);
	} finally {
		button.disabled = false;
	}
}

// A guarded page sent us here, and is where to go once signed in.
function goBack() {
	const path = returnPath(new URLSearchParams(location.search).get("rd"));

	if (path)
		location.replace(path);
	else if (performance.getEntriesByType("navigation")[0]?.responseStatus === 401)
		location.reload(); // Shown in place of the guarded page itself.
}

function onSubmit(id, done) {
	const form = element(id);

	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		await act(form.querySelector("button"), "/auth/" + id,
			Object.fromEntries(new FormData(form)), done, goBack);
		for (const field of form.querySelectorAll("[type=password]"))
			field.value = "";
	});
}

onSubmit("login", "Signed in.");
onSubmit("register", "Welcome.");
element("logout").addEventListener("click", (event) =>
	act(event.currentTarget, "/auth/logout", {}, "Signed out."));
element("logout-all").addEventListener("click", (event) =>
	act(event.currentTarget, "/auth/logout-all-devices", {},
		"Signed out on every device."));
refresh();
