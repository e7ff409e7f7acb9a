// SPDX-License-Identifier: ISC

export interface User {
	id: string;
	name: string;
	email: string | null; // null: an account of another issuer may have none
	avatar_url: string | null;
	role: string;
	created_at: string;
	updated_at: string;
}

export interface CurrentSession {
	handle: string;
	created_at: string;
	expires_at: string;
}

export interface Device {
	handle: string;
	device: string;
	user_agent: string;
	address: string;
	created_at: string;
	last_seen_at: string;
	expires_at: string;
	current: boolean;
}

export interface Credentials {
	email: string;
	password: string;
	/** The name of this device in the list of sessions. */
	device?: string;
}

export interface Account {
	email: string;
	password: string;
	name: string;
}

/** A request that failed: the server refused it, or could not be reached. */
export class Problem extends Error {
	/** HTTP status; 0 if there was no answer. */
	readonly status: number;
	/** Stable error code, see docs/ERRORS.md; "unreachable" without an answer. */
	readonly code: string;
	/** Member of the request that was refused, if a single one was. */
	readonly field?: string;
	/** Seconds to wait before the next attempt, if the server said so. */
	readonly retryAfter?: number;
	/** Is the user certainly signed out?  False also if that is not known. */
	readonly signedOut: boolean;
}

/** Is this a path of this site that no browser takes for another site? */
export function isLocalPath(path: unknown): path is string;

/**
 * A client of one Latchkey server.  Events: "signin" after a sign-in in this tab
 * or another, "signout" when the session is known to have ended, "change" when
 * another user than the one whom me() returned is signed in.
 */
export class Latchkey extends EventTarget {
	/** origins: others than the page's that fetch() may send the token to. */
	constructor(options?: { base?: string, origins?: string[] });

	login(credentials: Credentials): Promise<User>;
	register(account: Account): Promise<User>;
	/** The user, or null if not signed in. */
	validate(): Promise<User | null>;
	me(): Promise<{ user: User; session: CurrentSession } | null>;
	logout(): Promise<void>;
	/** Returns how many sessions ended. */
	logoutAll(options?: { keepCurrent?: boolean }): Promise<number>;
	sessions(): Promise<Device[]>;
	endSession(handle: string): Promise<void>;
	/** Returns the JSON of the API path; throws a Problem. */
	call(method: string, path: string, body?: unknown): Promise<any>;
	/** fetch() with the access token, to this origin; on 401 once more. */
	fetch(resource: RequestInfo | URL, options?: RequestInit): Promise<Response>;
	/** Disconnect from the other tabs; the session stays. */
	close(): void;

	addEventListener(type: "signin" | "signout" | "change", listener: (event: Event) => void,
	    options?: boolean | AddEventListenerOptions): void;
}
