-- SPDX-License-Identifier: ISC
--
-- The schema, as the migrations that lead to it.  Each begins with a line
-- "-- version N"; what stands there brings a database from N-1 to N, in one
-- transaction.  A version that was released is never edited: add the next.

-- version 1

CREATE TABLE users (
	-- AUTOINCREMENT: the id of a deleted user is never given out again, so
	-- an old token or cached row cannot become somebody else's.
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	email TEXT NOT NULL,
	email_normal TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	avatar_url TEXT NOT NULL,
	role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
	status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
	password_hash TEXT NOT NULL,
	epoch INTEGER NOT NULL,
	version INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
	handle TEXT NOT NULL PRIMARY KEY,
	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	last_seen_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	revoked_at INTEGER NOT NULL DEFAULT 0,
	device TEXT NOT NULL,
	user_agent TEXT NOT NULL,
	address TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE revoked_tokens (
	jti TEXT NOT NULL PRIMARY KEY,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

CREATE TABLE audit (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	event TEXT NOT NULL,
	user_id INTEGER NOT NULL,
	handle TEXT NOT NULL,
	address TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_time ON audit (at);

-- One row: the latest time any change was made at.
CREATE TABLE latest (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	time INTEGER NOT NULL
) STRICT;

INSERT INTO latest (id, time) VALUES (1, 0);

-- version 2

-- The keys that sign tokens: published from the first, each signs from
-- signs_at on until the next does, and goes when lifetime seconds later the
-- last of its tokens has expired.  The private part is sealed.
CREATE TABLE signing_keys (
	kid TEXT NOT NULL PRIMARY KEY,
	alg TEXT NOT NULL,
	sealed BLOB NOT NULL,
	created_at INTEGER NOT NULL,
	signs_at INTEGER NOT NULL,
	lifetime INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
