-- SPDX-License-Identifier: ISC
--
-- The schema, as migrations.  A section that begins with "-- version N" brings
-- a database from version N-1 to N, all in one transaction.  The statements of
-- a released version are never edited: add the next version.

-- version 1

CREATE TABLE users (
	-- AUTOINCREMENT: the id of a deleted user is never used again, so an
	-- old token or cached row cannot belong to another user.
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

-- One row: the time of the latest change.
CREATE TABLE latest (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	time INTEGER NOT NULL
) STRICT;

INSERT INTO latest (id, time) VALUES (1, 0);

-- version 2

-- The keys that sign tokens.  Each is published at once, signs from signs_at
-- until the next one does, and is removed when its last token, lifetime seconds
-- later, has expired.  The private part is sealed.
CREATE TABLE signing_keys (
	kid TEXT NOT NULL PRIMARY KEY,
	alg TEXT NOT NULL,
	sealed BLOB NOT NULL,
	created_at INTEGER NOT NULL,
	signs_at INTEGER NOT NULL,
	lifetime INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- version 3

-- When the epoch last rose; 0: never.  Tokens of external issuers carry no
-- epoch, only the time of their issue.  Versions before did not note it; it was
-- not later than the latest change.
ALTER TABLE users ADD COLUMN epoch_at INTEGER NOT NULL DEFAULT 0;
UPDATE users SET epoch_at = (SELECT time FROM latest) WHERE epoch > 1;

-- Tokens issued before this time create no account: the record of ended ones
-- begins here, because an older copy of the database was restored.
ALTER TABLE latest ADD COLUMN outside_since INTEGER NOT NULL DEFAULT 0;
UPDATE latest SET outside_since = time;

-- Links an (issuer, subject) pair of an external issuer to an account.
CREATE TABLE subjects (
	issuer TEXT NOT NULL,
	subject TEXT NOT NULL,
	-- 0: the account was deleted.
	user_id INTEGER NOT NULL,
	-- The account existed before, and its profile is not the issuer's.
	linked INTEGER NOT NULL,
	-- Of the claims in the profile, and when their token was issued.
	digest BLOB NOT NULL,
	claims_at INTEGER NOT NULL,
	-- When an account of this subject was last deleted; 0: never.
	ended_at INTEGER NOT NULL,
	PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX subjects_by_user ON subjects (user_id, ended_at);

-- The key sets of external issuers, and the result of the last fetch.
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

-- What proves that a client is a user.  Whatever replaces or removes a row
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

-- version 5

-- What else is to be said of an event, such as the old and the new address.
ALTER TABLE audit ADD COLUMN detail TEXT NOT NULL DEFAULT '';
