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

-- version 3

-- When the epoch last rose; 0: never.  Tokens of outside issuers carry no epoch
-- but the time they were made at.  Until now nobody noted it: not later than
-- the latest change.
ALTER TABLE users ADD COLUMN epoch_at INTEGER NOT NULL DEFAULT 0;
UPDATE users SET epoch_at = (SELECT time FROM latest) WHERE epoch > 1;

-- Tokens from before that time make no new account: those that were ended then
-- are not known any more, for a copy from before was put back.
ALTER TABLE latest ADD COLUMN outside_since INTEGER NOT NULL DEFAULT 0;
UPDATE latest SET outside_since = time;

-- Who an outside issuer calls by that name.
CREATE TABLE subjects (
	issuer TEXT NOT NULL,
	subject TEXT NOT NULL,
	-- 0: the account was deleted.
	user_id INTEGER NOT NULL,
	-- The account is older than this row, and its profile its own.
	linked INTEGER NOT NULL,
	-- Of the claims that the profile is made of, and when they were said.
	digest BLOB NOT NULL,
	claims_at INTEGER NOT NULL,
	-- When an account of that name was last deleted; 0: never.
	ended_at INTEGER NOT NULL,
	PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX subjects_by_user ON subjects (user_id, ended_at);

-- The key sets of outside issuers, and how the last fetch went.
CREATE TABLE issuer_keys (
	issuer TEXT NOT NULL PRIMARY KEY,
	jwks TEXT,
	fetched_at INTEGER NOT NULL,
	fresh_until INTEGER NOT NULL,
	tried_at INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	error TEXT NOT NULL
) STRICT;

-- version 4

-- What proves that somebody is a user.  Whatever replaces or removes a row
-- raises the user's epoch in the same transaction.
CREATE TABLE credentials (
	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	-- Tells several of one kind apart; '' for the password.
	id TEXT NOT NULL,
	-- Text or bytes, as the kind has it; for a password, its hash.
	data ANY NOT NULL,
	-- For a password from before this version, when its user was created.
	created_at INTEGER NOT NULL,
	-- When it last opened a session; 0: not since this version.
	used_at INTEGER NOT NULL,
	PRIMARY KEY (user_id, kind, id)
) STRICT, WITHOUT ROWID;

-- '' stood for no password.
INSERT INTO credentials (user_id, kind, id, data, created_at, used_at)
	SELECT id, 'password', '', password_hash, created_at, 0 FROM users
	WHERE password_hash <> '';
ALTER TABLE users DROP COLUMN password_hash;

ALTER TABLE latest RENAME COLUMN outside_since TO external_since;
