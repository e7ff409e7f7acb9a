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
	/** How the device list calls this device. */
	device?: string;
}

export interface Account {
	email: string;
	password: string;
	name: string;
}

/** What the server, or the way to it, refused. */
export class Problem extends Error {
	/** HTTP status; 0 if no answer came. */
	readonly status: number;
	/** Stable code of the refusal; "unreachable" if no answer came. */
	readonly code: string;
	/** Member of the request that it is about, if it is about one. */
	readonly field?: string;
	/** Seconds to wait before the next try, if the server said so. */
	readonly retryAfter?: number;
	/** Is somebody signed out for sure?  Otherwise nobody can tell. */
	readonly signedOut: boolean;
}

/** Is this a path of this site, and nothing that a browser takes for more? */
export function isLocalPath(path: unknown): path is string;

/**
 * One connection to one Latchkey.  "signin": somebody signed in, here or in
 * another tab.  "signout": the session is known to have ended.
 */
export class Latchkey extends EventTarget {
	constructor(options?: { base?: string });

	login(credentials: Credentials): Promise<User>;
	register(account: Account): Promise<User>;
	/** The user, or null if nobody is signed in. */
	validate(): Promise<User | null>;
	me(): Promise<{ user: User; session: CurrentSession } | null>;
	logout(): Promise<void>;
	/** How many sessions ended. */
	logoutAll(options?: { keepCurrent?: boolean }): Promise<number>;
	sessions(): Promise<Device[]>;
	endSession(handle: string): Promise<void>;
	/** The JSON of any route below the base; throws a Problem. */
	call(method: string, path: string, body?: unknown): Promise<any>;
	/** fetch() with the access token, renewed and tried again once on 401. */
	fetch(resource: RequestInfo | URL, options?: RequestInit): Promise<Response>;
	/** Let go of the other tabs; the session stays. */
	close(): void;

	addEventListener(type: "signin" | "signout", listener: (event: Event) => void,
	    options?: boolean | AddEventListenerOptions): void;
}
