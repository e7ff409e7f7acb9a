// SPDX-License-Identifier: ISC
// Sign-in for a front end on the same site as Latchkey.
//
// The session lives in an HttpOnly cookie that no script can read; the access
// token lives in the memory of the page and nowhere else.  Tabs of one site ask
// each other for the token before one of them asks the server, so that many
// tabs, or many parallel calls, cost one request.

const TOKEN_MARGIN_MS = 10_000; // a token about to expire is not worth sending
const PEERS_WAIT_MS = 1000; // for other tabs to say whether they have a token
const REQUEST_TIMEOUT_MS = 15_000;

/** What the server, or the way to it, refused. */
export class Problem extends Error {
	constructor(status, body, retryAfter) {
		super(body.detail || body.title || "The server cannot be reached.");
		this.name = "Problem";
		/** HTTP status; 0 if no answer came. */
		this.status = status;
		/** Stable code of the refusal, e.g. "invalid_credentials". */
		this.code = body.code || (status === 0 ? "unreachable" : "unknown");
		/** Member of the request that it is about, if it is about one. */
		this.field = body.field;
		/** Seconds to wait before the next try, if the server said so. */
		this.retryAfter = retryAfter;
	}

	/** Is somebody signed out for sure?  Otherwise nobody can tell. */
	get signedOut() {
		return this.status === 401 &&
		    ["invalid_session", "invalid_token", "not_signed_in"]
		        .includes(this.code);
	}
}

/**
 * Is ${path} a path of this site, and nothing that a browser takes for more?
 * The rule is that of src/http/local_path.c; one list of cases holds for both.
 */
export function isLocalPath(path) {
	return typeof path === "string" &&
	    new TextEncoder().encode(path).length <= 2048 &&
	    /^\/(?!\/)[^\\\x00-\x1f\x7f]*$/.test(path);
}

/**
 * One connection to one Latchkey.  Events: "signin" once somebody has signed in
 * here or in another tab, "signout" once the session is known to have ended.
 */
export class Latchkey extends EventTarget {
	#base;
	#token = null; // { text, expires } while it is good
	#renewal = null; // the renewal under way in this tab
	#generation = 0; // counts sign-ins and sign-outs: older answers are void
	#id = crypto.randomUUID(); // of this tab, among the others
	#channel;
	#present; // ends the lock that tells the other tabs of this one

	constructor({ base = "/api/v1" } = {}) {
		super();
		this.#base = base;
		this.#channel = new BroadcastChannel("latchkey " + base);
		this.#channel.addEventListener("message", (event) =>
			this.#onMessage(event.data));
		navigator.locks.request(this.#name("tab " + this.#id),
			() => new Promise((done) => { this.#present = done; }));
	}

	/** Let go of the other tabs; the session stays. */
	close() {
		this.#channel.close();
		this.#present?.();
		this.#token = null;
	}

	// ---- what a page calls ----

	/** Sign in with { email, password, device? }; the user. */
	login(credentials) {
		return this.#signIn("/auth/login", credentials);
	}

	/** Create an account with { email, password, name } and sign in; the user. */
	register(account) {
		return this.#signIn("/auth/register", account);
	}

	/** Is the session good?  The user, or null if nobody is signed in. */
	async validate() {
		try {
			const answer = await this.#call("POST", "/auth/validate-session", {});

			this.#keep(answer);
			return answer.user;
		} catch (problem) {
			return this.#nobody(problem);
		}
	}

	/** Who is signed in: { user, session }, or null for nobody. */
	async me() {
		try {
			return await this.#call("GET", "/auth/me");
		} catch (problem) {
			return this.#nobody(problem);
		}
	}

	/** End this session.  It is over when this returns, in every tab. */
	async logout() {
		await this.#call("POST", "/auth/logout", {}, this.#authorization());
		this.#signedOut(true);
	}

	/** End all sessions, or all but this one; how many ended. */
	async logoutAll({ keepCurrent = false } = {}) {
		const answer = await this.#call("POST", "/auth/logout-all-devices",
			{ keep_current: keepCurrent });

		if (keepCurrent)
			this.#token = null; // it died with the others
		else
			this.#signedOut(true);
		return answer.sessions_ended;
	}

	/** The devices that are signed in, as GET /auth/sessions lists them. */
	async sessions() {
		return (await this.call("GET", "/auth/sessions")).sessions;
	}

	/** End the session called ${handle}. */
	async endSession(handle) {
		await this.call("DELETE",
			"/auth/sessions/" + encodeURIComponent(handle));
	}

	/**
	 * Call the API below the base; the answer's JSON.  Throws a Problem for
	 * whatever is not 2xx, and says "signout" when the session has ended.
	 */
	async call(method, path, body) {
		try {
			return await this.#call(method, path, body);
		} catch (problem) {
			throw this.#note(problem);
		}
	}

	/**
	 * fetch() with the access token.  An answer 401 is tried once more with a
	 * fresh token; what comes then is the answer.
	 */
	async fetch(resource, options = {}) {
		const request = new Request(resource, options);
		const again = request.clone();
		const token = await this.#goodToken();
		const answer = await fetch(withToken(request, token));

		if (answer.status !== 401)
			return answer;
		if (this.#token?.text === token)
			this.#token = null;
		try {
			return await fetch(withToken(again, await this.#goodToken(token)));
		} catch (problem) {
			if (problem.signedOut)
				return answer;
			throw problem;
		}
	}

	// ---- signing in and out ----

	async #signIn(path, body) {
		const answer = await this.#call("POST", path, body);

		this.#generation++;
		this.#keep(answer);
		this.#channel.postMessage({ kind: "signin" });
		this.dispatchEvent(new Event("signin"));
		return answer.user;
	}

	#signedOut(tellOthers) {
		this.#generation++;
		this.#token = null;
		if (tellOthers)
			this.#channel.postMessage({ kind: "signout" });
		this.dispatchEvent(new Event("signout"));
	}

	// Null if ${problem} says that nobody is signed in; otherwise it is thrown
	// on: "cannot tell" signs nobody out.
	#nobody(problem) {
		if (!problem.signedOut)
			throw problem;
		if (problem.code !== "not_signed_in")
			this.#signedOut(true);
		return null;
	}

	// Say so if ${problem} means that the session has ended.
	#note(problem) {
		if (problem.signedOut)
			this.#signedOut(true);
		return problem;
	}

	// ---- the access token ----

	#keep(answer) {
		this.#token = {
			text: answer.access_token,
			expires: Date.now() + answer.expires_in * 1000,
		};
	}

	#fresh(token, refused) {
		return token && token.text !== refused &&
		    token.expires - TOKEN_MARGIN_MS > Date.now();
	}

	#authorization() {
		return this.#fresh(this.#token)
			? { Authorization: "Bearer " + this.#token.text } : {};
	}

	// A token that is good and not ${refused}; one renewal for all who wait.
	async #goodToken(refused) {
		if (this.#fresh(this.#token, refused))
			return this.#token.text;
		this.#renewal ??= this.#renew(refused).finally(() => {
			this.#renewal = null;
		});
		await this.#renewal;
		return this.#token.text;
	}

	// Under a lock of all tabs: the first asks the server, the others the first.
	#renew(refused) {
		return navigator.locks.request(this.#name("renew"), async () => {
			const generation = this.#generation;
			const theirs = await this.#askPeers();

			if (this.#fresh(theirs, refused)) {
				this.#token = theirs;
				return;
			}
			try {
				const answer =
				    await this.#call("POST", "/auth/validate-session", {});

				if (generation !== this.#generation)
					throw new Problem(401, { code: "invalid_session",
						detail: "The session ended meanwhile." });
				this.#keep(answer);
			} catch (problem) {
				throw this.#note(problem);
			}
		});
	}

	// ---- the other tabs ----

	#name(what) {
		return "latchkey " + this.#base + " " + what;
	}

	// The token of another tab, or null once each of those that are there now
	// has said that it has none.  One that comes later may answer too, and does
	// not stand for another.
	async #askPeers() {
		const { held } = await navigator.locks.query();
		const prefix = this.#name("tab ");
		const peers = new Set(held.map(({ name }) => name)
			.filter((name) => name.startsWith(prefix))
			.map((name) => name.slice(prefix.length)));
		const id = crypto.randomUUID();

		peers.delete(this.#id);
		if (peers.size === 0)
			return null;
		return new Promise((resolve) => {
			const finish = (token) => {
				clearTimeout(timer);
				this.#channel.removeEventListener("message", listen);
				resolve(token);
			};
			const listen = ({ data }) => {
				if (data.kind !== "token" || data.id !== id)
					return;
				peers.delete(data.from);
				if (data.token || peers.size === 0)
					finish(data.token);
			};
			const timer = setTimeout(finish, PEERS_WAIT_MS, null);

			this.#channel.addEventListener("message", listen);
			this.#channel.postMessage({ kind: "ask", id });
		});
	}

	#onMessage(message) {
		switch (message.kind) {
		case "ask":
			this.#channel.postMessage({ kind: "token", id: message.id,
				from: this.#id, token: this.#fresh(this.#token) ? this.#token : null });
			break;
		case "signin":
			this.#generation++;
			this.#token = null;
			this.dispatchEvent(new Event("signin"));
			break;
		case "signout":
			this.#signedOut(false);
			break;
		}
	}

	// ---- one request ----

	async #call(method, path, body, headers = {}) {
		let answer, text;

		try {
			answer = await fetch(this.#base + path, {
				method,
				headers: body === undefined ? headers
					: { "Content-Type": "application/json", ...headers },
				body: body === undefined ? undefined : JSON.stringify(body),
				credentials: "same-origin",
				cache: "no-store",
				signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
			});
			text = await answer.text();
		} catch {
			throw new Problem(0, {});
		}
		const json = parsed(text);

		if (!answer.ok)
			throw new Problem(answer.status, json ?? {
				detail: "The server answered " + answer.status + ".",
			}, Number(answer.headers.get("Retry-After")) || undefined);
		return json;
	}
}

function withToken(request, token) {
	request.headers.set("Authorization", "Bearer " + token);
	return request;
}

// The JSON in ${text}; null for none, and for a web server's own error page.
function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
