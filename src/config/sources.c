/* SPDX-License-Identifier: ISC */
#include "config/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/str.h"

#define FILE_SUFFIX "_FILE"
#define SECRET_FILE_MAX 4096 /* more than any secret's bound */

extern char **environ;

/* Names under our prefix that are no options. */
static bool
is_other_name(const char *name, size_t len)
{
	static const char *const others[] = {
		"LATCHKEY_CONFIG",
#ifdef LATCHKEY_TESTPOINTS
		"LATCHKEY_TESTPOINT_DIR",
#endif
	};

	for (size_t i = 0; i < NELEMS(others); i++)
		if (strlen(others[i]) == len &&
		    memcmp(others[i], name, len) == 0)
			return true;
	return false;
}

/* NAME_FILE of a secret: *id_out is NAME. */
static enum err
find_secret_file(const char *name, size_t len, enum config_id *id_out)
{
	size_t suffix = strlen(FILE_SUFFIX);

	*id_out = CONFIG_COUNT;
	if (len <= suffix ||
	    memcmp(name + len - suffix, FILE_SUFFIX, suffix) != 0 ||
	    option_find(name, len - suffix, id_out) != ERR_OK ||
	    option_table[*id_out].type != OPTION_SECRET)
		return ERR_NOT_FOUND;
	return ERR_OK;
}

static enum err
read_whole(int fd, char dst[SECRET_FILE_MAX], const char *name,
    const char *path, const struct option_why *why)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, dst + len, SECRET_FILE_MAX - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return option_refuse(why, "%s: cannot read %s: %s",
			    name, path, strerror(errno));
		len += (size_t)n;
		if (len == SECRET_FILE_MAX)
			return option_refuse(
			    why, "%s: %s is too long", name, path);
	}
	/* Editors and echo end a file with a new line; no secret does. */
	if (len > 0 && dst[len - 1] == '\n')
		len--;
	if (len > 0 && dst[len - 1] == '\r')
		len--;
	dst[len] = '\0';
	if (strlen(dst) != len)
		return option_refuse(
		    why, "%s: %s holds a zero byte", name, path);
	return ERR_OK;
}

/*
 * Systemd shows the access list of a credential in the group bits, and keeps
 * the folder private: only files of our users' own are asked for their mode.
 */
static enum err
set_from_secret_file(enum config_id id, const char *path,
    enum option_source source, struct option_value *value,
    const struct option_why *why)
{
	const char *name = option_table[id].name;
	char secret[SECRET_FILE_MAX] = "";
	struct stat st;
	enum err err;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return option_refuse(
		    why, "%s: cannot open %s: %s", name, path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		err = option_refuse(why, "%s: %s is no file", name, path);
		goto out;
	}
	if (source != OPTION_CREDENTIAL && (st.st_mode & 077) != 0) {
		err = option_refuse(
		    why, "%s: others may read %s: chmod 600 it", name, path);
		goto out;
	}
	err = read_whole(fd, secret, name, path, why);
	if (err == ERR_OK)
		err = option_set(id, secret, source, value, why);
out:
	secret_wipe(secret, sizeof(secret));
	close(fd);
	return err;
}

static enum err
set_from_name(const char *name, size_t len, const char *text,
    struct option_value values[CONFIG_COUNT], const struct option_why *why)
{
	enum config_id id;

	if (option_find(name, len, &id) == ERR_OK) {
		if (values[id].source != OPTION_UNSET)
			goto twice;
		return option_set(
		    id, text, OPTION_ENVIRONMENT, &values[id], why);
	}
	if (find_secret_file(name, len, &id) == ERR_OK) {
		if (values[id].source != OPTION_UNSET)
			goto twice;
		return set_from_secret_file(
		    id, text, OPTION_ENVIRONMENT, &values[id], why);
	}
	if (strncmp(name, "LATCHKEY_", strlen("LATCHKEY_")) != 0 ||
	    is_other_name(name, len))
		return ERR_OK; /* the environment is not ours alone */
	return option_refuse(why, "%.*s: there is no such option",
	    (int)(len < 64 ? len : 64), name);
twice:
	return option_refuse(why,
	    "%s: is set twice in the environment (NAME and NAME_FILE?)",
	    option_table[id].name);
}

static enum err
set_from_credential(enum config_id id, const char *folder,
    struct option_value *value, const struct option_why *why)
{
	char path[4096];
	int n;

	n = snprintf(
	    path, sizeof(path), "%s/%s", folder, option_table[id].name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return option_refuse(
		    why, "CREDENTIALS_DIRECTORY: the path is too long");
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return ERR_OK;
	return set_from_secret_file(id, path, OPTION_CREDENTIAL, value, why);
}

enum err
sources_environment(
    struct option_value values[CONFIG_COUNT], const struct option_why *why)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	enum err err = ERR_OK;

	for (char **e = environ; err == ERR_OK && e != NULL && *e != NULL;
	     e++) {
		const char *equals = strchr(*e, '=');

		if (equals != NULL)
			err = set_from_name(
			    *e, (size_t)(equals - *e), equals + 1, values, why);
	}
	if (folder == NULL || folder[0] == '\0')
		return err;
	for (size_t i = 0; err == ERR_OK && i < CONFIG_COUNT; i++)
		if (option_table[i].type == OPTION_SECRET &&
		    values[i].source == OPTION_UNSET)
			err = set_from_credential(
			    (enum config_id)i, folder, &values[i], why);
	return err;
}

/* ---- the file ---- */

struct reader {
	const char *path;
	bool others_may_read;
	bool seen[CONFIG_COUNT];
	struct option_value *values;
	const struct option_why *why;
};

static enum err
read_option(struct reader *r, const char *name, const char *text)
{
	struct option_value ignored = { 0 };
	struct option_value *value;
	bool by_file = false;
	enum config_id id;
	enum err err;

	if (option_find(name, strlen(name), &id) != ERR_OK) {
		if (find_secret_file(name, strlen(name), &id) != ERR_OK)
			return option_refuse(
			    r->why, "%.64s: there is no such option", name);
		by_file = true;
	}
	if (r->seen[id])
		return option_refuse(r->why, "%s: is set twice", name);
	r->seen[id] = true;
	if (!by_file && r->others_may_read &&
	    option_hides(&option_table[id], text))
		return option_refuse(r->why,
		    "%s: others may read this file: chmod 640 it, or use "
		    "%s" FILE_SUFFIX,
		    name, name);
	value =
	    r->values[id].source == OPTION_UNSET ? &r->values[id] : &ignored;
	err = by_file
	    ? set_from_secret_file(id, text, OPTION_FILE, value, r->why)
	    : option_set(id, text, OPTION_FILE, value, r->why);
	option_clear(&ignored);
	return err;
}

static enum err
read_line(struct reader *r, char *line, size_t len)
{
	char *name, *equals;

	if (strlen(line) != len)
		return option_refuse(r->why, "the line holds a zero byte");
	name = str_trim(line);
	if (name[0] == '\0' || name[0] == '#')
		return ERR_OK;
	equals = strchr(name, '=');
	if (equals == NULL)
		return option_refuse(r->why, "must be KEY = value");
	*equals = '\0';
	return read_option(r, str_trim(name), str_trim(equals + 1));
}

/* The message of a line, with where it stands. */
static enum err
refuse_line(const struct reader *r, int number)
{
	char *line = strdup(r->why->text);
	enum err err;

	err = option_refuse(r->why, "%s (%s line %d)",
	    line != NULL ? line : "bad line", r->path, number);
	free(line);
	return err;
}

static enum err
read_lines(struct reader *r, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	int number = 0;
	enum err err = ERR_OK;
	ssize_t len;

	while (err == ERR_OK && (len = getline(&line, &size, f)) >= 0) {
		number++;
		err = read_line(r, line, (size_t)len);
		if (err != ERR_OK)
			err = refuse_line(r, number);
	}
	if (err == ERR_OK && ferror(f))
		err = option_refuse(r->why, "%s: %s", r->path, strerror(errno));
	if (line != NULL)
		secret_wipe(line, size);
	free(line);
	return err;
}

enum err
sources_file(const char *path, bool must_exist,
    struct option_value values[CONFIG_COUNT], const struct option_why *why)
{
	struct reader r = { .path = path, .values = values, .why = why };
	struct stat st;
	enum err err;
	FILE *f;

	f = fopen(path, "re");
	if (f == NULL && errno == ENOENT && !must_exist)
		return ERR_OK;
	if (f == NULL)
		return option_refuse(why,
		    "cannot open the configuration %s: %s", path,
		    strerror(errno));
	/* The buffer of a stream is freed unwiped; a line's own is ours. */
	setvbuf(f, NULL, _IONBF, 0);
	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
		err = option_refuse(why, "%s: is no file", path);
	} else {
		r.others_may_read = (st.st_mode & S_IROTH) != 0;
		err = read_lines(&r, f);
	}
	fclose(f);
	return err;
}
