/* SPDX-License-Identifier: ISC */
/*
 * usage: seed DATABASE COUNT LISTED
 * Put COUNT users with one session each into a database that the product has
 * made, in one transaction, and print LISTED of them, spread evenly: the
 * session id and the address, a line each.  The password of all is
 * SEED_PASSWORD.  No other process may have the database open.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/password.h"
#include "base/random.h"
#include "base/secret.h"
#include "model/session.h"
#include "model/user.h"

#define SEED_PASSWORD "correct horse battery staple"
#define SEED_DAYS 7
#define SEED_MAX 100000000

struct seed {
	sqlite3 *db;
	sqlite3_stmt *user;
	sqlite3_stmt *password;
	sqlite3_stmt *session;
	char hash[USER_HASH_SIZE];
	sqlite3_int64 now;
};

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("seed: ", stderr);
	(void)vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void
run(struct seed *s, const char *sql)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(s->db));
}

static void
prepare(struct seed *s, const char *path)
{
	static const char users[] =
	    "INSERT INTO users (id, email, email_normal, name, avatar_url,"
	    " role, status, epoch, version, created_at, updated_at)"
	    " VALUES (?1, ?2, ?3, ?4, '', 'user', 'active', 1, 1, ?5, ?5)";
	static const char passwords[] =
	    "INSERT INTO credentials (user_id, kind, id, data, created_at,"
	    " used_at) VALUES (?1, 'password', '', ?2, ?3, 0)";
	static const char sessions[] =
	    "INSERT INTO sessions (handle, user_id, epoch, created_at,"
	    " last_seen_at, expires_at, device, user_agent, address)"
	    " VALUES (?1, ?2, 1, ?3, ?3, ?4, 'Laptop', ?5, ?6)";

	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE, NULL) !=
		SQLITE_OK ||
	    sqlite3_prepare_v2(s->db, users, -1, &s->user, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(s->db, passwords, -1, &s->password, NULL) !=
		SQLITE_OK ||
	    sqlite3_prepare_v2(s->db, sessions, -1, &s->session, NULL) !=
		SQLITE_OK)
		die("%s: %s", path, sqlite3_errmsg(s->db));
	/*
	 * Rows arrive in the order of nothing (a handle is a hash), so all the
	 * pages are wanted at once.
	 */
	run(s, "PRAGMA synchronous = OFF; PRAGMA cache_size = -1048576;");
}

static void
insert(struct seed *s, sqlite3_stmt *stmt)
{
	if (sqlite3_step(stmt) != SQLITE_DONE)
		die("insert: %s", sqlite3_errmsg(s->db));
	(void)sqlite3_reset(stmt);
}

static void
add_user(struct seed *s, sqlite3_int64 id, const char *email)
{
	char normal[USER_EMAIL_SIZE], name[64];

	if (user_email_normal(normal, email) != ERR_OK)
		die("%s is no address", email);
	(void)snprintf(name, sizeof(name), "Username %lld", (long long)id);
	sqlite3_bind_int64(s->user, 1, id);
	sqlite3_bind_text(s->user, 2, email, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s->user, 3, normal, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s->user, 4, name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s->user, 5, s->now);
	insert(s, s->user);
	sqlite3_bind_int64(s->password, 1, id);
	sqlite3_bind_text(s->password, 2, s->hash, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s->password, 3, s->now);
	insert(s, s->password);
}

static void
add_session(struct seed *s, sqlite3_int64 id, const char *session_id)
{
	/* As long as that of a browser of today. */
	static const char agent[] =
	    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
	    "Firefox/128.0";
	char handle[SESSION_HANDLE_SIZE], address[32];

	if (session_handle(handle, session_id) != ERR_OK)
		die("%s is no session id", session_id);
	(void)snprintf(
	    address, sizeof(address), "192.0.2.%d", (int)(id % 254) + 1);
	sqlite3_bind_text(s->session, 1, handle, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s->session, 2, id);
	sqlite3_bind_int64(s->session, 3, s->now);
	sqlite3_bind_int64(
	    s->session, 4, s->now + (sqlite3_int64)SEED_DAYS * 24 * 3600);
	sqlite3_bind_text(s->session, 5, agent, -1, SQLITE_STATIC);
	sqlite3_bind_text(s->session, 6, address, -1, SQLITE_TRANSIENT);
	insert(s, s->session);
}

static void
fill(struct seed *s, long count, long listed)
{
	char email[64], id[SESSION_ID_SIZE];
	long step = listed > 0 ? count / listed : 0;

	run(s, "BEGIN IMMEDIATE");
	for (long i = 1; i <= count; i++) {
		(void)snprintf(
		    email, sizeof(email), "username%07ld@example.org", i);
		random_uuid(id);
		add_user(s, i, email);
		add_session(s, i, id);
		if (step > 0 && i % step == 0 && listed-- > 0)
			printf("%s %s\n", id, email);
	}
	run(s, "COMMIT");
	run(s, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static long
number(const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || n < 0 || n > SEED_MAX)
		die("\"%s\" is no number of rows", text);
	return n;
}

int
main(int argc, char **argv)
{
	static const struct password_params params = { 19456, 2 };
	struct seed s = { 0 };
	long count, listed;

	if (argc != 4)
		die("usage: seed DATABASE COUNT LISTED");
	count = number(argv[2]);
	listed = number(argv[3]);
	if (listed > count)
		die("there are not as many");
	if (secret_init() != ERR_OK ||
	    password_hash(&params, SEED_PASSWORD, s.hash) != ERR_OK)
		die("cannot hash");
	s.now = (sqlite3_int64)time(NULL);
	prepare(&s, argv[1]);
	fill(&s, count, listed);
	(void)sqlite3_finalize(s.user);
	(void)sqlite3_finalize(s.password);
	(void)sqlite3_finalize(s.session);
	if (sqlite3_close(s.db) != SQLITE_OK || fflush(stdout) != 0)
		die("cannot finish");
	return 0;
}
