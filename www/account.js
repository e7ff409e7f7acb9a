// SPDX-License-Identifier: ISC
import { ago, describeAgent, element, explain, latchkey, made, notice, onPress, onSubmit,
	nameOf, requireSession, showEnded, showStrength } from "./ui.js";

// The address that the account has now; another one needs the password.
let emailNow = "";

function showPasswordField() {
	const changed = element("profile-email").value.trim() !== emailNow;

	element("profile-password-field").hidden = !changed;
	element("profile-password").required = changed;
	if (!changed)
		element("profile-password").value = "";
}

function showUser(user) {
	emailNow = user.email ?? "";
	element("greeting").textContent = "Hello, " + nameOf(user);
	element("profile-name").value = user.name;
	element("profile-email").value = user.email ?? "";
	// Accounts of other issuers may have none.
	element("profile-email").required = user.email !== null;
	element("profile-avatar").value = user.avatar_url ?? "";
	element("change-password").elements.username.value = user.email ?? "";
	showPasswordField();
}

element("profile-email").addEventListener("input", showPasswordField);

// ---- devices ----

function deviceRow(session) {
	const row = made("li", "", { class: session.current ? "current" : "" });
	const text = made("div");
	const agent = describeAgent(session.user_agent);
	const title = made("p", session.device || agent, { class: "device-name" });
	const details = made("p", "", { class: "quiet" });

	if (session.current)
		title.append(" ", made("span", "this device", { class: "badge" }));
	if (session.device)
		details.append(agent, " · ");
	details.append(session.address || "unknown address", " · active ",
		ago(session.last_seen_at), " · signed in ", ago(session.created_at));
	text.append(title, details);
	row.append(text);
	if (!session.current) {
		const button = made("button", "Sign out", { type: "button",
			"aria-label": `Sign out ${session.device || agent}` });

		onPress(button, async () => {
			await latchkey.endSession(session.handle);
			notice(`${session.device || agent} is signed out.`);
			await showDevices();
		});
		row.append(button);
	}
	return row;
}

async function showDevices() {
	const sessions = await latchkey.sessions();

	sessions.sort((a, b) => b.current - a.current ||
		b.last_seen_at.localeCompare(a.last_seen_at));
	element("devices").replaceChildren(...sessions.map(deviceRow));
	element("end-others").disabled = sessions.length < 2;
}

onPress(element("end-others"), async () => {
	await latchkey.logoutAll({ keepCurrent: true });
	notice("All other devices are signed out.");
	await showDevices();
});
onPress(element("end-all"), async () => {
	await latchkey.logoutAll();
});

// ---- forms ----

onSubmit(element("profile"), async (values) => {
	const { name, email, avatar_url: picture } = values;
	const answer = await latchkey.call("PATCH", "/auth/update-profile",
		{ name, email: email || undefined,
			avatar_url: picture === "" ? null : picture,
			current_password: values.current_password || undefined });

	showUser(answer.user);
	notice("Saved.");
});

onSubmit(element("change-password"), async (values) => {
	const form = element("change-password");

	await latchkey.call("POST", "/auth/change-password", {
		current_password: values.current_password,
		new_password: values.new_password,
	});
	form.elements.current_password.value = "";
	form.elements.new_password.value = "";
	form.elements.new_password.dispatchEvent(new Event("input"));
	notice("Password changed. All other devices are signed out.");
	await showDevices();
});

onSubmit(element("deactivate"), async ({ password }) => {
	await latchkey.call("POST", "/auth/deactivate", { password });
	showEnded("Your account is deactivated and signed out everywhere.");
});

const me = await requireSession();

showUser(me.user);
showStrength(element("new-password"), () => [
	me.user.name, ...(me.user.email ?? "").split(/[@.]/),
]);
try {
	await showDevices();
} catch (problem) {
	notice(explain(problem), "bad");
}
// /.well-known/change-password leads to this form.
if (location.hash === "#password")
	element("current-password").focus();
