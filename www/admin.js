// SPDX-License-Identifier: ISC
import { showLive } from "./live.js";
import { ago, element, explain, latchkey, made, nameOf, notice, onPress,
	requireSession } from "./ui.js";

let myself;
let query = { search: "", after: "0", next: null };

// ---- users ----

function actionButton(text, user, action) {
	const button = made("button", text,
		{ type: "button", "aria-label": `${text}: ${nameOf(user)}` });

	onPress(button, async () => {
		await action();
		await showUsers();
	});
	return button;
}

function change(user, what, done) {
	return async () => {
		await latchkey.call("PATCH", "/admin/users/" + user.id, what);
		notice(done);
	};
}

function actionsFor(user) {
	const active = user.status === "active";
	const admin = user.role === "admin";
	const buttons = [
		actionButton("Sign out", user,
			async () => {
				const answer = await latchkey.call("DELETE",
					"/admin/user-sessions/" + user.id);

				notice(`${nameOf(user)} is signed out; sessions ended: ${answer.sessions_ended}.`);
			}),
	];

	// Administrators cannot disable or demote themselves here.
	if (user.id !== myself.id)
		buttons.push(
			actionButton(active ? "Disable" : "Enable", user,
				change(user, { status: active ? "inactive" : "active" },
					nameOf(user) + (active ? " is disabled and signed out."
						: " can sign in again."))),
			actionButton(admin ? "Remove admin" : "Make admin", user,
				change(user, { role: admin ? "user" : "admin" },
					nameOf(user) + (admin ? " is no longer an administrator."
						: " is now an administrator."))));
	return buttons;
}

function userRow(user) {
	const row = made("tr");
	const state = made("td");
	const since = made("td");
	const actions = made("td", "", { class: "row-actions" });

	state.append(made("span", user.status, { class: "badge" +
		(user.status === "active" ? "" : " bad") }));
	since.append(ago(user.created_at));
	actions.append(...actionsFor(user));
	const who = made("th", nameOf(user), { scope: "row" });

	who.append(made("span", `${user.email ?? "no email address"} · ${user.id}`, { class: "quiet" }));
	row.append(who, made("td", user.role), state, since, actions);
	return row;
}

async function showUsers() {
	const parameters = new URLSearchParams({ search: query.search, after: query.after });
	const answer = await latchkey.call("GET", "/admin/users?" + parameters);

	query.next = answer.next;
	element("users").replaceChildren(...answer.users.map(userRow));
	element("users-none").hidden = answer.users.length > 0;
	element("next").disabled = answer.next === null;
	element("first").disabled = query.after === "0";
}

async function show(to) {
	query = { ...query, ...to };
	await showUsers();
}

element("search").addEventListener("submit", async (event) => {
	event.preventDefault();
	notice("");
	try {
		await show({ search: element("search-text").value, after: "0" });
	} catch (problem) {
		notice(explain(problem), "bad");
	}
});
onPress(element("first"), () => show({ after: "0" }));
onPress(element("next"), () => show({ after: query.next }));

const me = await requireSession();

myself = me.user;
if (myself.role !== "admin") {
	element("main").replaceChildren(made("h1", "Administrators only"),
		made("p", "Your account is not allowed to see this page."));
} else {
	showLive();
	try {
		await showUsers();
	} catch (problem) {
		notice(explain(problem), "bad");
	}
}
