// SPDX-License-Identifier: ISC
// Sign-in for a front end on the same site as Latchkey.
//
// The session is an HttpOnly cookie that no script can read; the access token is
// in the memory of the page only.  Tabs of one site ask each other for the token
// before one of them asks the server, so many tabs, or many parallel calls, cost
// one request.

const TOKEN_MARGIN_MS = 10_000; // a token this close to its end is renewed
const PEERS_WAIT_MS = 1000; // for the answers of other tabs
const REQUEST_TIMEOUT_MS = 15_000;
const LOCK_WAIT_MS = 5000; // a suspended tab may hold the lock for ever

// Older browsers have no AbortSignal.timeout().
function timeout(ms) {
	if (AbortSignal.timeout)
		return AbortSignal.timeout(ms);
	const controller = new AbortController();

	setTimeout(() => controller.abort(), ms);
	return controller.signal;
}

// Only secure contexts (https, localhost) have locks and randomUUID().
const randomId = () => crypto.randomUUID?.() ??
    Array.from(crypto.getRandomValues(new Uint32Array(4)), String).join("-");

/** A request that failed: the server refused it, or could not be reached. */
export class Problem extends Error {
	constructor(status, body, retryAfter) {
		super(body.detail || body.title || "The server cannot be reached.");
		this.name = "Problem";
		/** HTTP status; 0 if there was no answer. */
		this.status = status;
		/** Stable error code, e.g. "invalid_credentials": see docs/ERRORS.md. */
		this.code = body.code || (status === 0 ? "unreachable" : "unknown");
		/** Member of the request that was refused, if a single one was. */
		this.field = body.field;
		/** Seconds to wait before the next attempt, if the server said so. */
		this.retryAfter = retryAfter;
	}

	/** Is the user certainly signed out?  False also if that is not known. */
	get signedOut() {
		return this.status === 401 &&
		    ["invalid_session", "invalid_token", "not_signed_in"]
		        .includes(this.code);
	}
}

/**
 * Is ${path} a path of this site that no browser takes for another site?  Same
 * rule as src/http/local_path.c; tests/unit/vectors/local_paths.json has the
 * cases for both.
 */
export function isLocalPath(path) {
	return typeof path === "string" &&
	    new TextEncoder().encode(path).length <= 2048 &&
	    /^\/(?!\/)[^\\\x00-\x1f\x7f]*$/.test(path);
}

/**
 * A client of one Latchkey server.  Events: "signin" after a sign-in in this tab
 * or another, "signout" when the session is known to have ended, "change" when
 * another user than the one whom me() returned is signed in.
 *
 * ${origins}: other origins, as in "https://api.example.org", that fetch() may
 * send the access token to.
 */
export class Latchkey extends EventTarget {
	#base;
	#token = null; // { text, expires } while it is valid
	#renewal = null; // the renewal in progress in this tab
	#generation = 0; // counts sign-ins and sign-outs; older answers do not count
	#id = randomId(); // of this tab
	#origins; // where fetch() may send the token
	#person = null; // { user, handle }: whom the page was shown to
	#channel;
	#present; // releases the lock by which other tabs know this one

	constructor({ base = "/api/v1", origins = [] } = {}) {
		super();
		this.#origins = [location.origin, ...origins];
		this.#base = base;
		this.#channel = new BroadcastChannel("latchkey " + base);
		this.#channel.addEventListener("message", (event) =>
			this.#onMessage(event.data));
		navigator.locks?.request(this.#name("tab " + this.#id),
			() => new Promise((done) => { this.#present = done; }));
	}

	/** Disconnect from the other tabs; the session stays. */
	close() {
		this.#channel.close();
		this.#present?.();
		this.#token = null;
	}

	// ---- public methods ----

	/** Sign in with { email, password, device? }.  Returns the user. */
	login(credentials) {
		return this.#signIn("/auth/login", credentials);
	}

	/** Create an account with { email, password, name } and sign in: the user. */
	register(account) {
		return this.#signIn("/auth/register", account);
	}

	/** Validate the session.  Returns the user, or null if not signed in. */
	async validate() {
		try {
			const answer = await this.#change("POST", "/auth/validate-session", {});

			this.#keep(answer);
			return answer.user;
		} catch (problem) {
			return this.#nullIfSignedOut(problem);
		}
	}

	/** Who is signed in?  Returns { user, session }, or null if not signed in. */
	async me() {
		try {
			const answer = await this.#call("GET", "/auth/me");

			this.#recognise(answer);
			return answer;
		} catch (problem) {
			return this.#nullIfSignedOut(problem);
		}
	}

	/**
	 * Sign out.  The session has ended when this returns, in every tab; it is no
	 * error if it had ended before.
	 */
	async logout() {
		try {
			await this.#change("POST", "/auth/logout", {}, this.#authorization());
		} catch (problem) {
			if (!problem.signedOut)
				throw problem;
		}
		this.#signedOut(true);
	}

	/** End all sessions, or all but this one.  Returns how many ended. */
	async logoutAll({ keepCurrent = false } = {}) {
		const answer = await this.#change("POST", "/auth/logout-all-devices",
			{ keep_current: keepCurrent });

		if (keepCurrent)
			this.#token = null; // it ended with the other sessions
		else
			this.#signedOut(true);
		return answer.sessions_ended;
	}

	/** The sessions of the user, as GET /auth/sessions lists them. */
	async sessions() {
		return (await this.call("GET", "/auth/sessions")).sessions;
	}

	/** End the session ${handle}. */
	async endSession(handle) {
		await this.call("DELETE",
			"/auth/sessions/" + encodeURIComponent(handle));
	}

	/**
	 * Call the API path ${path} and return the JSON of the answer.  Throws a
	 * Problem unless the status is 2xx, and sends "signout" if the session has
	 * ended.
	 */
	async call(method, path, body) {
		try {
			return await this.#change(method, path, body);
		} catch (problem) {
			throw this.#note(problem);
		}
	}

	/**
	 * fetch() with the access token, to this origin and those of ${origins} only.
	 * After a 401, try once more with a new token and return that answer.
	 */
	async fetch(resource, options = {}) {
		const request = new Request(resource, options);

		if (!this.#origins.includes(new URL(request.url).origin))
			throw new TypeError("The access token is not for " + request.url +
				": name its origin in the option origins.");
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
		this.#person = null;
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

	// Null if ${problem} says that the user is signed out.  Any other problem is
	// thrown: a server that is unavailable signs no one out.
	#nullIfSignedOut(problem) {
		if (!problem.signedOut)
			throw problem;
		if (problem.code !== "not_signed_in")
			this.#signedOut(true);
		return null;
	}

	// Send "signout" if ${problem} means that the session has ended.
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

	// A valid token other than ${refused}.  Parallel calls share one renewal.
	async #goodToken(refused) {
		if (this.#fresh(this.#token, refused))
			return this.#token.text;
		this.#renewal ??= this.#renew(refused).finally(() => {
			this.#renewal = null;
		});
		await this.#renewal;
		return this.#token.text;
	}

	// Run ${action} while no other tab does, unless one holds the lock too long.
	async #alone(action) {
		if (!navigator.locks)
			return action();
		try {
			return await navigator.locks.request(this.#name("renew"),
				{ signal: timeout(LOCK_WAIT_MS) }, action);
		} catch (problem) {
			if (!["AbortError", "TimeoutError"].includes(problem.name))
				throw problem;
			return action();
		}
	}

	// The first tab asks the server, the others ask that tab.
	#renew(refused) {
		return this.#alone(async () => {
			const generation = this.#generation;
			const theirs = await this.#askPeers();

			if (this.#fresh(theirs, refused)) {
				this.#token = theirs;
				return;
			}
			try {
				const answer =
				    await this.#change("POST", "/auth/validate-session", {});

				if (generation !== this.#generation)
					throw new Problem(401, { code: "invalid_session",
						detail: "The session has ended in the meantime." });
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

	// The token of another tab, or null when every tab that is open now has
	// answered that it has none.  An answer of a tab opened later does not count
	// for another.
	async #askPeers() {
		const { held } = await navigator.locks?.query() ?? { held: [] };
		const prefix = this.#name("tab ");
		const peers = new Set(held.map(({ name }) => name)
			.filter((name) => name.startsWith(prefix))
			.map((name) => name.slice(prefix.length)));
		const id = randomId();

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

	// ---- whose page it is ----

	// Remember whom the page is shown to; false, and an event, if that changed.
	#recognise({ user, session }) {
		const before = this.#person;

		this.#person = { user: user.id, handle: session.handle };
		if (before === null || before.user === user.id)
			return true;
		this.#person = before;
		this.#generation++;
		this.#token = null;
		this.dispatchEvent(new Event("change"));
		return false;
	}

	// #call() for a change: the server refuses it if the browser has another
	// session by now.  A new session of the same user is as good as the old one.
	async #change(method, path, body, headers = {}) {
		const meant = () => this.#person?.handle
			? { ...headers, "Latchkey-Session": this.#person.handle } : headers;

		try {
			return await this.#call(method, path, body, meant());
		} catch (problem) {
			if (problem.code !== "other_session" ||
			    !this.#recognise(await this.#call("GET", "/auth/me")))
				throw problem;
			return this.#call(method, path, body, meant());
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
				signal: timeout(REQUEST_TIMEOUT_MS),
			});
			text = await answer.text();
		} catch {
			throw new Problem(0, {});
		}
		const json = parsed(text);

		if (!answer.ok)
			throw new Problem(answer.status, json ?? {
				detail: "The server answered with status " + answer.status + ".",
			}, Number(answer.headers.get("Retry-After")) || undefined);
		return json;
	}
}

function withToken(request, token) {
	request.headers.set("Authorization", "Bearer " + token);
	return request;
}

// The JSON in ${text}; null if it is none, as in a web server's error page.
function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
