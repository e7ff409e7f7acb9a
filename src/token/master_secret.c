/* SPDX-License-Identifier: ISC */
#include "token/master_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/kdf.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/testpoint.h"

#define MASTER_BYTES SECRET_KEY_BYTES
#define MASTER_HEX (2 * MASTER_BYTES)
#define MASTER_MIN 32 /* bytes: RFC 7518 section 3.2, for HS256 */
#define PERIOD_MAX 8  /* characters in a word whose repetition is refused */

/* Log why the secret at ${path} is refused; return ${err}. */
static enum err
refuse(enum err err, const char *path, const char *why)
{
	char quoted[LOG_QUOTED_SIZE], reason[LOG_QUOTED_SIZE];

	log_event(LOG_LEVEL_ERROR, "secret_refused", "path=%s reason=%s",
	    log_quote(quoted, path), log_quote(reason, why));
	return err;
}

/* A short word repeated is no better than the word itself. */
static bool
is_repetition(const unsigned char *p, size_t len)
{
	for (size_t period = 1; period <= PERIOD_MAX; period++) {
		size_t i = period;

		while (i < len && p[i] == p[i - period])
			i++;
		if (i == len)
			return true;
	}
	return false;
}

/*
 * Examples printed by tutorials, standards and signing sites.  People copy
 * them, so attackers try them first.
 */
static bool
is_published(const char *secret)
{
	static const char *const published[] = {
		"a-string-secret-at-least-256-bits-long",
		"a-string-secret-at-least-512-bits-long-for-use-with-hs512",
		"a-valid-string-secret-that-is-at-least-384-bits-long",
		"a-valid-string-secret-that-is-at-least-512-bits-long-which-is-"
		"very-long",
		"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3"
		"Yj0iPS4hcgUuTwjAzZr1Z9CAow",
		"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d"
		"3e7",
		"404E635266556A586E3272357538782F413F4428472B4B6250645367566B5"
		"970",
		"00112233445566778899aabbccddeeff",
		"0123456789abcdefghijklmnopqrstuvwxyz",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"
		"ef",
		"abcdefghijklmnopqrstuvwxyz0123456789",
		"abcdefghijklmnopqrstuvwxyz123456",
		"12345678901234567890123456789012",
		"your-super-secret-jwt-token-with-at-least-32-characters-long",
	};

	for (size_t i = 0; i < NELEMS(published); i++)
		if (strcasecmp(secret, published[i]) == 0)
			return true;
	return false;
}

const char *
master_secret_flaw(const char *jwt_secret)
{
	size_t len = strlen(jwt_secret);

	if (len < MASTER_MIN)
		return "must have at least 32 characters";
	if (len > MASTER_SECRET_MAX)
		return "must have at most 512 characters";
	if (is_repetition((const unsigned char *)jwt_secret, len))
		return "must not be a few characters repeated";
	if (is_published(jwt_secret))
		return "must not be a published example";
	return NULL;
}

static enum err
from_secret(const char *secret, struct master_secret *m)
{
	const char *flaw = master_secret_flaw(secret);

	if (flaw != NULL)
		return refuse(ERR_INVALID, "JWT_SECRET", flaw);
	m->len = strlen(secret);
	memcpy(m->secret, secret, m->len);
	m->given = true;
	return ERR_OK;
}

/* Write all of ${data} and sync it. */
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

/*
 * Open a file without a name, so that a process that is killed leaves none
 * behind; ${name_out} is what link(2) can call it.  On file systems without
 * O_TMPFILE the file has a name beside ${path}, and *named_out is true.
 */
static int
open_unnamed(const char *path, const char *folder, char name_out[PATH_MAX],
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

/* Succeeds also if another process has created ${path} first. */
static bool
link_file(const char *name, const char *path)
{
	TESTPOINT("master:written");
	return linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ||
	    errno == EEXIST;
}

/*
 * Complete the file before it gets its name: of several processes one wins,
 * the others find its file, and none ever reads half of one.
 */
static enum err
create_file(const char *path)
{
	char text[MASTER_HEX + 2], name[PATH_MAX], folder[PATH_MAX];
	unsigned char master[MASTER_BYTES];
	enum err err = ERR_UNAVAILABLE;
	bool named = false;
	int fd = -1;

	random_fill(master, sizeof(master));
	str_hex(text, master, sizeof(master));
	text[MASTER_HEX] = '\n';

	if (file_folder(folder, path) != ERR_OK ||
	    strlen(path) + sizeof(".XXXXXX") > sizeof(name)) {
		refuse(err, path, "path too long");
		goto out;
	}
	fd = open_unnamed(path, folder, name, &named);
	if (fd < 0 || !write_whole(fd, text, MASTER_HEX + 1) ||
	    !link_file(name, path) || !file_sync_folder(path)) {
		refuse(err, path, strerror(errno));
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

/* Return ERR_NOT_FOUND, without a log line, if there is no such file. */
static enum err
read_file(const char *path, unsigned char master[MASTER_BYTES])
{
	struct file file = { .path = path, .max = MASTER_HEX + 1 };
	enum err err = file_read(&file);
	char *text = file.text.data;

	if (err == ERR_NOT_FOUND)
		return err;
	if (err != ERR_OK)
		return refuse(err, path, file.why);
	if (file.text.len == MASTER_HEX + 1 && text[MASTER_HEX] == '\n')
		text[--file.text.len] = '\0';
	if (file.text.len != MASTER_HEX || /* not a zero byte behind them */
	    str_from_hex(master, MASTER_BYTES, text) != ERR_OK ||
	    is_repetition(master, MASTER_BYTES))
		err = refuse(ERR_INVALID, path,
		    "does not hold a secret of 64 random hex digits");
	buf_clear(&file.text);
	return err;
}

enum err
master_secret_load(const char *jwt_secret, const char *path,
    struct master_secret *master_secret_out)
{
	struct master_secret *m = master_secret_out;
	enum err err;

	memset(m, 0, sizeof(*m));
	if (str_copy(m->path, sizeof(m->path), path) != ERR_OK)
		return refuse(ERR_INVALID, path, "path too long");
	if (jwt_secret != NULL && jwt_secret[0] != '\0') {
		err = from_secret(jwt_secret, m);
	} else {
		err = read_file(path, m->secret);
		m->len = MASTER_BYTES;
	}
	if (err != ERR_OK) {
		secret_wipe(m->secret, sizeof(m->secret));
		m->len = 0;
	}
	return err;
}

enum err
master_secret_make(struct master_secret *m)
{
	enum err err;

	err = create_file(m->path);
	if (err == ERR_OK)
		err = read_file(m->path, m->secret);
	if (err == ERR_NOT_FOUND)
		err = refuse(ERR_UNAVAILABLE, m->path, "vanished");
	if (err == ERR_OK)
		m->len = MASTER_BYTES;
	else
		secret_wipe(m->secret, sizeof(m->secret));
	return err;
}

void
master_secret_derive(const struct master_secret *m, const char *purpose,
    unsigned char key_out[SECRET_KEY_BYTES])
{
	kdf_derive(key_out, m->secret, m->len, purpose);
}

void
master_secret_clear(struct master_secret *m)
{
	secret_wipe(m, sizeof(*m));
}
