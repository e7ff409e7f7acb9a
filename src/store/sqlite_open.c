/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"
#include "store/sqlite_backup.h"
#include "store/store_change.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "coherence/coherence.h"
#include "coherence/shm_coherence.h"
#include "shm/shm.h"

#define HEADER_BYTES 100 /* https://sqlite.org/fileformat2.html */
#define HEADER_APPLICATION_ID 68
/* Longer than a change waits: at the start, all workers open at once. */
#define OPEN_WAIT_MS 5000

enum err
sqlite_refuse(const struct sqlite_store *s, const char *reason)
{
	char path[LOG_QUOTED_SIZE], why[LOG_QUOTED_SIZE];

	log_event(LOG_LEVEL_ERROR, "store_refused", "path=%s reason=%s",
	    log_quote(path, s->path), log_quote(why, reason));
	return ERR_INVALID;
}

/* ---- the file ---- */

bool
sqlite_file_id(const char *path, struct sqlite_file_id *id_out)
{
	struct stat file;

	if (lstat(path, &file) != 0 || !S_ISREG(file.st_mode))
		return false;
	id_out->dev = file.st_dev;
	id_out->ino = file.st_ino;
	return true;
}

bool
sqlite_same_file(const char *path, const struct sqlite_file_id *id)
{
	struct sqlite_file_id now;

	return sqlite_file_id(path, &now) && now.dev == id->dev &&
	    now.ino == id->ino;
}

/*
 * Refuse to create a database beside the remains of another one: an empty
 * database would look like one that has lost all accounts.
 */
static enum err
check_not_lost(const struct sqlite_store *s)
{
	const char *const remains[] = { s->wal_path, s->reserve_path,
		s->companion };
	char reason[PATH_MAX + 128];

	for (size_t i = 0; i < NELEMS(remains); i++) {
		if (remains[i] == NULL || access(remains[i], F_OK) != 0)
			continue;
		(void)snprintf(reason, sizeof(reason),
		    "missing, but %s exists: restore a backup, or remove that "
		    "file to begin without accounts",
		    remains[i]);
		return sqlite_refuse(s, reason);
	}
	return ERR_OK;
}

/*
 * Create an empty file with mode 0600, where SQLite would apply the umask.  The
 * write lock is held, and without it no connection of this process is opened,
 * so close() drops no lock of another one.
 */
static enum err
create_file(const struct sqlite_store *s)
{
	char path[LOG_QUOTED_SIZE];
	struct stat file;
	bool durable;
	enum err err;
	int fd;

	if (lstat(s->path, &file) == 0)
		return S_ISREG(file.st_mode)
		    ? ERR_OK
		    : sqlite_refuse(s, "not a regular file");
	if (!s->may_create)
		return ERR_UNAVAILABLE;
	if ((err = check_not_lost(s)) != ERR_OK)
		return err;
	fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    S_IRUSR | S_IWUSR);
	durable = fd >= 0 && fsync(fd) == 0 && file_sync_folder(s->path);
	if (!durable)
		log_event(LOG_LEVEL_ERROR, "store_create", "path=%s errno=%d",
		    log_quote(path, s->path), errno);
	if (fd >= 0)
		(void)close(fd);
	/* Otherwise the next attempt would take it for a durable file. */
	if (fd >= 0 && !durable)
		(void)unlink(s->path);
	return durable ? ERR_OK : ERR_UNAVAILABLE;
}

/*
 * Read the header through SQLite's descriptor before SQLite does anything, so
 * that a file of another program stays untouched.  An empty file becomes a
 * database.  With a journal beside it the header says nothing yet: a process
 * may have been killed while it created the database.
 */
enum err
sqlite_check_header(struct sqlite_store *s)
{
	unsigned char header[HEADER_BYTES];
	sqlite3_file *file = NULL;
	struct stat on_disk; /* SQLite treats a file of one byte as empty */
	unsigned int id = 0;
	int rc;

	if (lstat(s->path, &on_disk) != 0)
		return ERR_UNAVAILABLE;
	if (on_disk.st_size == 0 || access(s->journal_path, F_OK) == 0)
		return ERR_OK;
	if (on_disk.st_size < HEADER_BYTES)
		return sqlite_refuse(s, "not a database");
	rc = sqlite3_file_control(
	    s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (rc == SQLITE_OK)
		rc = file->pMethods->xRead(file, header, sizeof(header), 0);
	if (rc != SQLITE_OK)
		return sqlite_failed(s, rc, "header");
	if (memcmp(header, "SQLite format 3", 16) != 0)
		return sqlite_refuse(s, "not a database");
	for (int i = 0; i < 4; i++)
		id = id << 8 | header[HEADER_APPLICATION_ID + i];
	if (id == SQLITE_BACKUP_ID)
		return sqlite_refuse(s,
		    "a backup: put it in place with \"latchkey restore\", "
		    "which ends the sessions of that time");
	return id == SQLITE_APPLICATION_ID
	    ? ERR_OK
	    : sqlite_refuse(s, "a database of another program");
}

/* ---- opening ---- */

static char *
with_suffix(const char *path, const char *suffix)
{
	char *name = NULL;

	return asprintf(&name, "%s%s", path, suffix) < 0 ? NULL : name;
}

/*
 * Resolve links in the name, because SQLite is told to follow none, so that
 * none can be put in its way later.  A name that begins with a slash is no URI.
 */
char *
sqlite_real_name(const char *path)
{
	char *real = realpath(path, NULL), *copy, *folder, *name;
	char *slash;

	if (real != NULL || errno != ENOENT)
		return real;
	if ((copy = strdup(path)) == NULL)
		return NULL;
	slash = strrchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	folder = realpath(slash == NULL ? "."
		: slash == copy         ? "/"
					: copy,
	    NULL);
	name =
	    with_suffix(folder != NULL && folder[1] != '\0' ? folder : "", "/");
	real = folder == NULL || name == NULL
	    ? NULL
	    : with_suffix(name, slash == NULL ? copy : slash + 1);
	free(name);
	free(folder);
	free(copy);
	return real;
}

static enum err
set_names(struct sqlite_store *s, const char *path)
{
	char quoted[LOG_QUOTED_SIZE];

	if ((s->path = sqlite_real_name(path)) == NULL) {
		log_event(LOG_LEVEL_ERROR, "store_open", "path=%s errno=%d",
		    log_quote(quoted, path), errno);
		return ERR_UNAVAILABLE;
	}
	s->wal_path = with_suffix(s->path, "-wal");
	s->journal_path = with_suffix(s->path, "-journal");
	s->reserve_path = with_suffix(s->path, "-ballast");
	return s->wal_path == NULL || s->journal_path == NULL ||
		s->reserve_path == NULL
	    ? ERR_INTERNAL
	    : ERR_OK;
}

enum err
sqlite_claim(const char *path, struct shm *shm)
{
	char *lock = with_suffix(path, "-lock");
	char *old = with_suffix(path, "-table");
	enum err err = ERR_INTERNAL;

	if (lock != NULL && old != NULL)
		err = shm_claim(shm, lock);
	if (err == ERR_OK)
		err = shm_remove_old(old);
	free(lock);
	free(old);
	return err;
}

static enum err
open_locked(struct sqlite_store *s)
{
	enum err err;

	if ((err = sqlite_claim(s->path, s->shm)) != ERR_OK)
		return err;
	if ((err = create_file(s)) != ERR_OK)
		return err;
	if (!sqlite_file_id(s->path, &s->file))
		return ERR_UNAVAILABLE;
	s->may_migrate = true;
	err = sqlite_connect(s);
	s->may_migrate = false;
	if (err == ERR_OK)
		sqlite_reserve_restore(s);
	return err;
}

/* A process died in the middle of a change: see change_flush_interrupted(). */
static enum err
open_after_crash(void *ctx)
{
	struct sqlite_store *s = ctx;
	enum err err = open_locked(s);

	return err == ERR_OK ? change_flush_interrupted(&s->base) : err;
}

static store_open_fn sqlite_open;
static enum err
sqlite_open(const char *path, struct shm *m,
    const struct store_options *options, struct store **store_out)
{
	struct sqlite_store *s;
	enum err err;

	*store_out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return ERR_INTERNAL;
	s->base.ops = &sqlite_ops;
	s->base.write_wait_ms = options->write_wait_ms;
	s->may_create = !options->existing;
	s->companion = options->companion;
	s->shm = m;
	if ((err = shm_coherence_new(m, &s->base.coherence)) != ERR_OK)
		goto out;
	if ((err = set_names(s, path)) != ERR_OK)
		goto out;
	store_wait_from_now(&s->base, OPEN_WAIT_MS);
	err = coherence_lock(
	    s->base.coherence, store_wait_left(&s->base), open_after_crash, s);
	if (err != ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "store_open",
		    "reason=\"the write lock is not available\"");
		goto out;
	}
	if (s->db == NULL)
		err = open_locked(s);
	coherence_unlock(s->base.coherence);
	s->companion = NULL;
	if (err == ERR_OK) {
		*store_out = &s->base;
		s = NULL;
	}
out:
	if (s != NULL)
		store_close(&s->base);
	return err;
}

/* ---- what is known without opening it ---- */

static const char *
path_flaw(const char *path)
{
	/* sqlite:///x is a relative path to some programs, absolute to others.
	 */
	if (strncmp(path, "//", 2) == 0)
		return "must be sqlite:PATH, as in "
		       "sqlite:/var/lib/latchkey/latchkey.db";
	if (path[0] == '\0' || path[0] == ':' || path[strlen(path) - 1] == '/')
		return "the path must name a file";
	return NULL;
}

/* The database, SQLite's companions, shm_claim()'s lock, and the reserve. */
static const char *const suffixes[] = { "", "-wal", "-shm", "-lock", "-ballast",
	NULL };

const struct store_backend sqlite_backend = {
	.scheme = "sqlite",
	.open = sqlite_open,
	.flaw = path_flaw,
	.suffixes = suffixes,
	.settle = sqlite_settle,
	.backup = sqlite_backup_make,
	.restore = sqlite_backup_restore,
};
