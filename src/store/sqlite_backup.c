/* SPDX-License-Identifier: ISC */
#include "store/sqlite_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/testpoint.h"
#include "model/event.h"
#include "store/sqlite.h"
#include "store/sqlite_offline.h"

/*
 * Write the application id ${id} to the copy ${temp}.  A backup has another
 * one, so that the pool refuses it as its database: sessions that were revoked
 * since would be valid again.
 */
static enum err
set_application_id(const char *temp, int id, char *why)
{
	struct sqlite_offline *w;
	char sql[64];
	enum err err = sqlite_offline_open(temp, true, &w, why);

	if (err != ERR_OK)
		return err;
	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", id);
	err = sqlite_offline_run(w, sql, why);
	sqlite_offline_close(w);
	return err;
}

/* Sync the finished copy and give it its name. */
static enum err
publish(const char *temp, const char *file, bool replace, char *why)
{
	if (!file_sync(temp))
		return sqlite_offline_errno(why, temp);
	TESTPOINT("backup:synced");
	if (replace) {
		if (rename(temp, file) != 0)
			return sqlite_offline_errno(why, file);
	} else if (link(temp, file) != 0) {
		(void)sqlite_offline_errno(why, file);
		return errno == EEXIST ? ERR_CONFLICT : ERR_UNAVAILABLE;
	}
	return file_sync_folder(file) ? ERR_OK
				      : sqlite_offline_errno(why, file);
}

enum err
sqlite_backup_make(const char *database, const char *file, bool replace,
    char why[STORE_WHY_SIZE])
{
	char temp[PATH_MAX];
	struct stat there;
	enum err err;
	int fd, n;

	why[0] = '\0';
	/* publish() checks this for good; here it saves the copying. */
	if (!replace && lstat(file, &there) == 0) {
		errno = EEXIST;
		(void)sqlite_offline_errno(why, file);
		return ERR_CONFLICT;
	}
	n = snprintf(temp, sizeof(temp), "%s.XXXXXX", file);
	if (n < 0 || (size_t)n >= sizeof(temp)) {
		errno = ENAMETOOLONG;
		return sqlite_offline_errno(why, file);
	}
	fd = mkostemp(temp, O_CLOEXEC); /* 0600 */
	if (fd < 0)
		return sqlite_offline_errno(why, temp);
	(void)close(fd);
	err = sqlite_offline_copy(database, temp, why);
	TESTPOINT("backup:copied");
	if (err == ERR_OK)
		err = set_application_id(temp, SQLITE_BACKUP_ID, why);
	if (err == ERR_OK)
		err = sqlite_offline_check(temp, why);
	if (err == ERR_OK)
		err = publish(temp, file, replace, why);
	(void)unlink(temp);
	return err;
}

/* ---- after the last process ---- */

enum err
sqlite_settle(const char *database, char why[STORE_WHY_SIZE])
{
	struct sqlite_offline *w;
	int64_t id;
	enum err err;

	why[0] = '\0';
	if ((err = sqlite_offline_open(database, true, &w, why)) != ERR_OK)
		return err;
	err = sqlite_offline_ask(w, "PRAGMA application_id", &id, why);
	/* It may have been replaced by a file of another program. */
	if (err == ERR_OK && id == SQLITE_APPLICATION_ID)
		err = sqlite_offline_run(
		    w, "PRAGMA wal_checkpoint(TRUNCATE)", why);
	sqlite_offline_close(w);
	return err;
}

/* ---- restore ---- */

#define KEPT_SIZE STORE_KEPT_SIZE
#define KEPT_TRIES 100

/* What the restored database takes over from the one it replaces. */
struct inherited {
	int64_t last_id;
	int64_t latest;
};

/*
 * Copy the log into the file, which no process has open, so that the file is
 * complete, and read what is taken over.  ERR_INVALID if it cannot be read.
 */
static enum err
read_inherited(const char *database, struct inherited *past, char *why)
{
	char ignored[STORE_WHY_SIZE];
	struct sqlite_offline *w;
	enum err err;

	if ((err = sqlite_offline_open(database, true, &w, why)) != ERR_OK)
		return err;
	err = sqlite_offline_run(w,
	    "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE",
	    why);
	/* A file without these tables is no Latchkey database. */
	if (sqlite_offline_ask(w,
		"SELECT seq FROM sqlite_sequence WHERE name = 'users'",
		&past->last_id, ignored) != ERR_OK)
		past->last_id = 0;
	if (sqlite_offline_ask(
		w, "SELECT time FROM latest", &past->latest, ignored) != ERR_OK)
		past->latest = 0;
	sqlite_offline_close(w);
	return err;
}

static enum err
rename_beside(
    const char *database, const char *suffix, const char *kept, char *why)
{
	char from[PATH_MAX], to[PATH_MAX];

	(void)snprintf(from, sizeof(from), "%s%s", database, suffix);
	(void)snprintf(to, sizeof(to), "%s%s", kept, suffix);
	if (rename(from, to) == 0 || errno == ENOENT)
		return ERR_OK;
	return sqlite_offline_errno(why, from);
}

/* Link the database to a name by the time, or by the next free second. */
static enum err
link_by_time(const char *database, char kept[KEPT_SIZE], int64_t now, char *why)
{
	int n = 0, tries = 0;

	do {
		n = snprintf(kept, KEPT_SIZE, "%s-before-%jd", database,
		    (intmax_t)(now + tries));
		if (n < 0 || n >= KEPT_SIZE) {
			errno = ENAMETOOLONG;
			break;
		}
		if (link(database, kept) == 0)
			return ERR_OK;
	} while (errno == EEXIST && ++tries < KEPT_TRIES);
	return sqlite_offline_errno(why, database);
}

/* Rename the log of a database: see set_aside(). */
static enum err
rename_log(const char *database, const char *kept, char *why)
{
	static const char *const suffixes[] = { "-wal", "-journal", "-shm" };
	enum err err = ERR_OK;

	for (size_t i = 0; err == ERR_OK && i < NELEMS(suffixes); i++)
		err = rename_beside(database, suffixes[i], kept, why);
	return err;
}

/*
 * Keep the present database under another name.  If it cannot be read or is
 * missing, its log is renamed too, because SQLite would take it for the new
 * one's.  Any other failure (a full disk) leaves everything in its place.
 */
static enum err
set_aside(const char *database, int64_t now, char kept[KEPT_SIZE],
    struct inherited *past, char *why)
{
	enum err err;

	if (access(database, F_OK) != 0) {
		(void)snprintf(kept, KEPT_SIZE, "%s-gone", database);
		err = rename_log(database, kept, why);
		kept[0] = '\0';
		return err;
	}
	if ((err = link_by_time(database, kept, now, why)) != ERR_OK)
		return err;
	err = read_inherited(database, past, why);
	if (err == ERR_INVALID)
		err = rename_log(database, kept, why);
	if (err != ERR_OK)
		(void)unlink(kept);
	return err;
}

/* The schema versions that brought these tables and columns. */
#define VERSION_OF_KEYS 2
#define VERSION_OF_ISSUERS 3
#define VERSION_OF_EXTERNAL_SINCE 4 /* latest.outside_since before */

static int64_t
version_of(struct sqlite_offline *w, const char *pragma)
{
	char ignored[STORE_WHY_SIZE];
	int64_t version;

	return sqlite_offline_ask(w, pragma, &version, ignored) == ERR_OK
	    ? version
	    : 0;
}

/*
 * Keep the signing keys of the old database, if it can be read: a key that was
 * replaced since the copy was made may have leaked and must not sign again.
 */
static enum err
keep_keys(struct sqlite_offline *w, const char *kept, char *why)
{
	char ignored[STORE_WHY_SIZE];
	int64_t keys = 0;

	if (kept[0] == '\0' ||
	    sqlite_offline_attach(w, kept, "old", ignored) != ERR_OK)
		return ERR_OK;
	if (version_of(w, "PRAGMA main.user_version") < VERSION_OF_KEYS ||
	    version_of(w, "PRAGMA old.user_version") < VERSION_OF_KEYS ||
	    sqlite_offline_ask(w, "SELECT count(*) FROM old.signing_keys",
		&keys, ignored) != ERR_OK ||
	    keys == 0)
		return ERR_OK;
	return sqlite_offline_run(w,
	    "BEGIN IMMEDIATE; DELETE FROM main.signing_keys;"
	    "INSERT INTO main.signing_keys (kid, alg, sealed, created_at,"
	    " signs_at, lifetime) SELECT kid, alg, sealed, created_at,"
	    " signs_at, lifetime FROM old.signing_keys;"
	    "COMMIT",
	    why);
}

/*
 * It is unknown which tokens and keys of external issuers ended since the copy
 * was made, so no token from before now counts, and keys are fetched again.  In
 * a copy of an older version the migration does the same.
 */
static enum err
end_external(struct sqlite_offline *w, char *why)
{
	int64_t version = version_of(w, "PRAGMA main.user_version");
	char sql[256];

	if (version < VERSION_OF_ISSUERS)
		return ERR_OK;
	(void)snprintf(sql, sizeof(sql),
	    "BEGIN IMMEDIATE;"
	    "UPDATE users SET epoch_at = (SELECT time FROM latest);"
	    "UPDATE latest SET %s = time;"
	    "DELETE FROM issuer_keys;"
	    "COMMIT",
	    version < VERSION_OF_EXTERNAL_SINCE ? "outside_since"
						: "external_since");
	return sqlite_offline_run(w, sql, why);
}

/* Change the copy before it gets its name. */
static enum err
end_sessions(const char *temp, const struct inherited *past, int64_t now,
    struct store_restored *restored, char *why)
{
	struct sqlite_offline *w;
	char sql[1024];
	enum err err;

	if ((err = sqlite_offline_open(temp, true, &w, why)) != ERR_OK)
		return err;
	err = sqlite_offline_ask(
	    w, "SELECT count(*) FROM sessions", &restored->sessions, why);
	if (err == ERR_OK)
		err = sqlite_offline_ask(
		    w, "SELECT count(*) FROM users", &restored->users, why);
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA synchronous = FULL;"
	    "BEGIN IMMEDIATE;"
	    "DELETE FROM sessions;"
	    "UPDATE users SET epoch = epoch + 1, version = version + 1;"
	    "UPDATE latest SET time = max(time, %jd, %jd);"
	    "INSERT INTO sqlite_sequence (name, seq) SELECT 'users', 0"
	    " WHERE NOT EXISTS"
	    " (SELECT 1 FROM sqlite_sequence WHERE name = 'users');"
	    "UPDATE sqlite_sequence SET seq = max(seq, %jd)"
	    " WHERE name = 'users';"
	    "INSERT INTO audit (at, event, user_id, handle, address)"
	    " VALUES (%jd, '%s', 0, '', '');"
	    "COMMIT",
	    (intmax_t)now, (intmax_t)past->latest, (intmax_t)past->last_id,
	    (intmax_t)now, event_audit_name(EVENT_RESTORE));
	if (err == ERR_OK)
		err = sqlite_offline_run(w, sql, why);
	if (err == ERR_OK)
		err = end_external(w, why);
	if (err == ERR_OK)
		err = keep_keys(w, restored->kept, why);
	sqlite_offline_close(w);
	return err;
}

/* Create an empty file with mode 0600. */
static enum err
make_temp(const char *temp, char *why)
{
	int fd;

	/* A killed restore may have left one behind. */
	if (unlink(temp) != 0 && errno != ENOENT)
		return sqlite_offline_errno(why, temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    S_IRUSR | S_IWUSR);
	if (fd < 0)
		return sqlite_offline_errno(why, temp);
	(void)close(fd);
	return ERR_OK;
}

static enum err
prepare(const char *file, const char *temp, char *why)
{
	enum err err;

	if ((err = sqlite_offline_is_ours(file, why)) != ERR_OK)
		return err;
	if ((err = make_temp(temp, why)) != ERR_OK)
		return err;
	if ((err = sqlite_offline_copy(file, temp, why)) != ERR_OK)
		return err;
	TESTPOINT("restore:copied");
	err = set_application_id(temp, SQLITE_APPLICATION_ID, why);
	if (err != ERR_OK)
		return err;
	return sqlite_offline_check(temp, why);
}

enum err
sqlite_backup_restore(const char *file, const char *name, struct shm *shm,
    int64_t now, struct store_restored *restored_out, char why[STORE_WHY_SIZE])
{
	char *database = sqlite_real_name(name);
	char temp[PATH_MAX];
	struct inherited past = { 0 };
	enum err err;

	*restored_out = (struct store_restored){ 0 };
	why[0] = '\0';
	temp[0] = '\0';
	if (database == NULL)
		return sqlite_offline_errno(why, name);
	if ((err = sqlite_claim(database, shm)) != ERR_OK) {
		(void)snprintf(
		    why, STORE_WHY_SIZE, "%.160s is in use, see the log", name);
		goto out;
	}
	(void)snprintf(temp, sizeof(temp), "%s-restore", database);
	err = prepare(file, temp, why);
	if (err != ERR_OK)
		goto out;
	if ((err = set_aside(database, now, restored_out->kept, &past, why)) !=
	    ERR_OK)
		goto out;
	TESTPOINT("restore:aside");
	err = end_sessions(temp, &past, now, restored_out, why);
	if (err == ERR_OK && !file_sync(temp))
		err = sqlite_offline_errno(why, temp);
	if (err != ERR_OK)
		goto out;
	TESTPOINT("restore:ready");
	if (rename(temp, database) != 0 || !file_sync_folder(database)) {
		err = sqlite_offline_errno(why, database);
		goto out;
	}
	TESTPOINT("restore:done");
out:
	if (err != ERR_OK && temp[0] != '\0')
		(void)unlink(temp);
	free(database);
	return err;
}
