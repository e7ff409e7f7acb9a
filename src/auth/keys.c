/* SPDX-License-Identifier: ISC */
#include "auth/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/testpoint.h"
#include "base/text.h"

#define MASTER_BYTES SECRET_KEY_BYTES
#define MASTER_HEX (2 * MASTER_BYTES)
#define SECRET_MIN 32 /* bytes: RFC 7518 section 3.2, for HS256 */

/* One log line; returns ${err}. */
static enum err
complain(enum err err, const char *path, const char *why)
{
	char quoted[LOG_QUOTED_SIZE], reason[LOG_QUOTED_SIZE];

	log_event(LOG_LEVEL_ERROR, "secret_refused", "path=%s reason=%s",
	    log_quote(quoted, path), log_quote(reason, why));
	return err;
}

/* 32 times the same byte is somebody's placeholder, not a secret. */
static bool
is_one_byte_repeated(const unsigned char *p, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (p[i] != p[0])
			return false;
	return true;
}

/* The token key must be there: name it, and derive what else there is. */
static void
derive_rest(struct keys *k, const unsigned char *master, size_t len)
{
	unsigned char name[SECRET_KEY_BYTES];

	secret_derive(name, k->token, k->token_len, "latchkey token key name");
	text_hex(k->kid, name, (KEYS_KID_SIZE - 1) / 2);
	secret_derive(k->seal, master, len, "latchkey cache seal");
	secret_wipe(name, sizeof(name));
}

const char *
keys_secret_flaw(const char *jwt_secret)
{
	size_t len = strlen(jwt_secret);

	if (len < SECRET_MIN)
		return "must have at least 32 characters";
	if (len > KEYS_MASTER_MAX)
		return "must have at most 512 characters";
	if (is_one_byte_repeated((const unsigned char *)jwt_secret, len))
		return "must not be one character repeated";
	return NULL;
}

static enum err
from_secret(const char *secret, struct keys *k)
{
	const char *flaw = keys_secret_flaw(secret);

	if (flaw != NULL)
		return complain(ERR_INVALID, "JWT_SECRET", flaw);
	k->token_len = strlen(secret);
	memcpy(k->token, secret, k->token_len);
	derive_rest(k, k->token, k->token_len);
	return ERR_OK;
}

/* Write all of it and see it on the disk. */
static bool
write_whole(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

static bool
sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

/*
 * A file without a name, so that who is killed leaves none; ${name_out} is
 * what link(2) can call it.  Where the file system has no such files it gets
 * one beside ${path}, and *named_out is true.
 */
static int
open_nameless(const char *path, const char *folder, char name_out[PATH_MAX],
    bool *named_out)
{
	int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	*named_out = false;
	if (fd >= 0) {
		(void)snprintf(name_out, PATH_MAX, "/proc/self/fd/%d", fd);
	} else if (errno == EOPNOTSUPP) {
		(void)snprintf(name_out, PATH_MAX, "%s.XXXXXX", path);
		fd = mkostemp(name_out, O_CLOEXEC); /* 0600 */
		*named_out = fd >= 0;
	}
	return fd;
}

/* True also if it is another maker's already. */
static bool
give_name(const char *name, const char *path)
{
	TESTPOINT("keys:written");
	return linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ||
	    errno == EEXIST;
}

/*
 * Make the file whole before it has its name: of many makers one wins, the
 * others find its file, and nobody ever reads half of one.
 */
static enum err
make_file(const char *path)
{
	char text[MASTER_HEX + 2], name[PATH_MAX], copy[PATH_MAX];
	unsigned char master[MASTER_BYTES];
	enum err err = ERR_UNAVAILABLE;
	const char *folder;
	bool named = false;
	int fd = -1;

	secret_random(master, sizeof(master));
	text_hex(text, master, sizeof(master));
	text[MASTER_HEX] = '\n';

	if (text_copy(copy, sizeof(copy), path) != ERR_OK ||
	    strlen(path) + sizeof(".XXXXXX") > sizeof(name)) {
		complain(err, path, "path too long");
		goto out;
	}
	folder = dirname(copy);
	fd = open_nameless(path, folder, name, &named);
	if (fd < 0 || !write_whole(fd, text, MASTER_HEX + 1) ||
	    !give_name(name, path) || !sync_folder(folder)) {
		complain(err, path, strerror(errno));
		goto out;
	}
	err = ERR_OK;
out:
	if (named)
		unlink(name);
	if (fd >= 0)
		close(fd);
	secret_wipe(master, sizeof(master));
	secret_wipe(text, sizeof(text));
	return err;
}

/* Judged on the descriptor: what we look at is what we read. */
static enum err
check_file(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return complain(ERR_UNAVAILABLE, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain(ERR_INVALID, path, "not a regular file");
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return complain(
		    ERR_INVALID, path, "others may use it: chmod 600 it");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return complain(ERR_INVALID, path, "belongs to someone else");
	return ERR_OK;
}

static bool
decode_master(const char *text, unsigned char master[MASTER_BYTES])
{
	char pair[3] = { 0 };

	if (!text_is_hex(text, MASTER_HEX))
		return false;
	for (size_t i = 0; i < MASTER_BYTES; i++) {
		memcpy(pair, text + 2 * i, 2);
		master[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	secret_wipe(pair, sizeof(pair));
	return true;
}

/* ERR_NOT_FOUND, without a log line, if there is no such file. */
static enum err
read_file(const char *path, unsigned char master[MASTER_BYTES])
{
	char text[MASTER_HEX + 3] = { 0 }; /* one more than may be there */
	size_t len = 0;
	ssize_t n = 1;
	enum err err;
	int fd;

	/* O_NONBLOCK: opening a pipe must not wait for its writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return ERR_NOT_FOUND;
	if (fd < 0)
		return complain(ERR_UNAVAILABLE, path, strerror(errno));
	if ((err = check_file(fd, path)) != ERR_OK)
		goto out;

	while (len < sizeof(text) - 1 && n != 0) {
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n < 0 && errno != EINTR) {
			err = complain(ERR_UNAVAILABLE, path, strerror(errno));
			goto out;
		}
		if (n > 0)
			len += (size_t)n;
	}
	if (len == MASTER_HEX + 1 && text[MASTER_HEX] == '\n')
		text[--len] = '\0';
	if (len != MASTER_HEX || !decode_master(text, master) ||
	    is_one_byte_repeated(master, MASTER_BYTES))
		err = complain(
		    ERR_INVALID, path, "not a secret of 64 random hex digits");
out:
	close(fd);
	secret_wipe(text, sizeof(text));
	return err;
}

static enum err
from_file(const char *path, struct keys *k)
{
	unsigned char master[MASTER_BYTES] = { 0 };
	enum err err;

	err = read_file(path, master);
	if (err == ERR_NOT_FOUND) {
		err = make_file(path);
		if (err == ERR_OK)
			err = read_file(path, master);
		if (err == ERR_NOT_FOUND)
			err = complain(ERR_UNAVAILABLE, path, "vanished");
	}
	if (err != ERR_OK)
		goto out;
	secret_derive(k->token, master, sizeof(master), "latchkey token HS256");
	k->token_len = SECRET_KEY_BYTES;
	derive_rest(k, master, sizeof(master));
out:
	secret_wipe(master, sizeof(master));
	return err;
}

enum err
keys_load(const char *jwt_secret, const char *path, struct keys *keys_out)
{
	enum err err;

	memset(keys_out, 0, sizeof(*keys_out));
	if (jwt_secret != NULL && jwt_secret[0] != '\0')
		err = from_secret(jwt_secret, keys_out);
	else
		err = from_file(path, keys_out);
	if (err != ERR_OK)
		keys_clear(keys_out);
	return err;
}

void
keys_clear(struct keys *keys)
{
	secret_wipe(keys, sizeof(*keys));
}
