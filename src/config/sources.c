/* SPDX-License-Identifier: ISC */
#include "config/sources.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/line_file.h"
#include "base/str.h"

#define FILE_SUFFIX "_FILE"
#define FLAW_SIZE 512
#define SECRET_FILE_MAX 4096 /* more than any secret's bound */

extern char **environ;

/* Names with our prefix that are not options. */
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

/*
 * Kubernetes and Docker set such variables for a service that is called
 * latchkey, or latchkey-web, in every container beside it.
 */
static bool
is_service_link(const char *name, size_t len, const char *text)
{
	static const char *const patterns[] = {
		"LATCHKEY*_SERVICE_HOST",
		"LATCHKEY*_SERVICE_PORT",
		"LATCHKEY*_SERVICE_PORT_*",
		"LATCHKEY*_PORT_[0-9]*_TCP*",
		"LATCHKEY*_PORT_[0-9]*_UDP*",
		"LATCHKEY*_PORT_[0-9]*_SCTP*",
	};
	char copy[256];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, name, len);
	copy[len] = '\0';
	for (size_t i = 0; i < NELEMS(patterns); i++)
		if (fnmatch(patterns[i], copy, 0) == 0)
			return true;
	return fnmatch("LATCHKEY*_PORT", copy, 0) == 0 &&
	    fnmatch("[a-z]*://*", text, 0) == 0;
}

/* A name in a source, and the option that it sets. */
struct setting {
	enum config_id id;
	bool is_old;  /* the name that the option had before */
	bool by_file; /* NAME_FILE of a secret */
};

static enum err
find_setting(const char *name, size_t len, struct setting *s)
{
	size_t suffix = strlen(FILE_SUFFIX);

	*s = (struct setting){ 0 };
	if (option_find(name, len, &s->id, &s->is_old) == ERR_OK)
		return ERR_OK;
	s->by_file = len > suffix &&
	    memcmp(name + len - suffix, FILE_SUFFIX, suffix) == 0 &&
	    option_find(name, len - suffix, &s->id, &s->is_old) == ERR_OK &&
	    option_table[s->id].type == OPTION_SECRET;
	return s->by_file ? ERR_OK : ERR_NOT_FOUND;
}

/* A group that the process is in may read it, as a pod's fsGroup does. */
static bool
is_private(const struct file *file)
{
	return (file->mode & 077) == 0 ||
	    ((file->mode & 037) == 0 && file_group_is_ours(file->group));
}

/*
 * systemd shows the access list of a credential in the group bits and keeps the
 * folder private, so the mode of a credential is not checked.
 */
static enum err
set_from_secret_file(enum config_id id, const char *path,
    enum option_source source, struct option_value *value,
    const struct option_why *why)
{
	struct file file = {
		.path = path, .access = FILE_ANY, .max = SECRET_FILE_MAX
	};
	const char *name = option_table[id].name;
	struct buf *text = &file.text;
	enum err err;

	if (file_read(&file) != ERR_OK)
		return option_refuse(why, "%s: %s", name, file.why);
	/* Editors and echo end a file with a newline; no secret does. */
	if (text->len > 0 && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	if (text->len > 0 && text->data[text->len - 1] == '\r')
		text->data[--text->len] = '\0';
	if (source != OPTION_CREDENTIAL && !is_private(&file))
		err = option_refuse(why,
		    "%s: others may read %s: chmod 600 it, or 640 for a group "
		    "of this user",
		    name, path);
	else if (strlen(text->data) != text->len)
		err =
		    option_refuse(why, "%s: %s holds a zero byte", name, path);
	else
		err = option_set(id, text->data, source, value, why);
	buf_clear(text);
	return err;
}

/*
 * Comments and quotes would become part of the value, which other programs'
 * files treat otherwise.  Return what is wrong, or NULL.
 */
static const char *
value_flaw(const char *text)
{
	size_t len = strlen(text);
	const char *hash = text;

	while ((hash = strchr(hash, '#')) != NULL) {
		if (hash > text && (hash[-1] == ' ' || hash[-1] == '\t'))
			return "a comment cannot follow a value, it needs a "
			       "line of its own";
		hash++;
	}
	if (len >= 2 && (text[0] == '"' || text[0] == '\'') &&
	    text[len - 1] == text[0])
		return "the value stands in quotes, which would be part of it";
	return NULL;
}

static enum err
apply(const struct setting *s, const char *text, enum option_source source,
    struct option_value *value, const struct option_why *why)
{
	const char *flaw = value_flaw(text);
	enum err err;

	if (flaw != NULL)
		return option_refuse(
		    why, "%s: %s", option_table[s->id].name, flaw);
	err = s->by_file ? set_from_secret_file(s->id, text, source, value, why)
			 : option_set(s->id, text, source, value, why);

	value->by_old_name = s->is_old;
	return err;
}

/*
 * Earlier sources win, but a value under the option's present name wins over
 * one under its old name, whatever their sources.  The overridden value is
 * checked, too.
 */
static enum err
set(const struct setting *s, const char *text, enum option_source source,
    struct option_value values[CONFIG_COUNT], const struct option_why *why)
{
	struct option_value *value = &values[s->id];
	struct option_value ignored = { 0 };
	bool wins =
	    value->source == OPTION_UNSET || (value->by_old_name && !s->is_old);
	enum err err = apply(s, text, source, wins ? value : &ignored, why);

	if (s->is_old)
		value->old_name_seen = true;
	option_clear(&ignored);
	return err;
}

static enum err
set_from_environment(const char *name, size_t len, const char *text,
    struct option_value values[CONFIG_COUNT], const struct option_why *why)
{
	struct setting s;

	/* Scripts often set a variable to empty instead of unsetting it. */
	if (text[0] == '\0')
		return ERR_OK;
	if (find_setting(name, len, &s) == ERR_OK) {
		if (values[s.id].source != OPTION_UNSET &&
		    values[s.id].by_old_name == s.is_old)
			return option_refuse(why,
			    "%s: is set twice in the environment (NAME and "
			    "NAME_FILE?)",
			    option_table[s.id].name);
		return set(&s, text, OPTION_ENVIRONMENT, values, why);
	}
	if (strncmp(name, "LATCHKEY_", strlen("LATCHKEY_")) != 0 ||
	    is_other_name(name, len) || is_service_link(name, len, text))
		return ERR_OK; /* another program's */
	return option_refuse(why, "%.*s: there is no such option",
	    (int)(len < 64 ? len : 64), name);
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
			err = set_from_environment(
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
	struct line_file file;
	bool seen[CONFIG_COUNT][2]; /* under the present and the old name */
	bool hidden[CONFIG_COUNT];  /* as config_print() prints a secret */
	struct option_value *values;
	char flaw[FLAW_SIZE];
};

static enum err
read_option(struct reader *r, const char *name, const char *text,
    const struct option_why *why)
{
	struct setting s;

	if (find_setting(name, strlen(name), &s) != ERR_OK)
		return option_refuse(
		    why, "%.64s: there is no such option", name);
	if (r->seen[s.id][s.is_old])
		return option_refuse(why, "%s: is set twice", name);
	r->seen[s.id][s.is_old] = true;
	if (option_table[s.id].type == OPTION_SECRET &&
	    strcmp(text, OPTION_HIDDEN) == 0) {
		r->hidden[s.id] = true;
		return ERR_OK;
	}
	if (!s.by_file && r->file.others_may_read &&
	    option_hides(&option_table[s.id], text))
		return option_refuse(why,
		    "%s: others may read this file: chmod 640 it, or use "
		    "%s" FILE_SUFFIX,
		    name, name);
	return set(&s, text, OPTION_FILE, r->values, why);
}

static line_file_parse_fn read_line;
static const char *
read_line(void *ctx, char *line)
{
	static const char prefix[] = "is wrong: ";
	struct reader *r = ctx;
	const struct option_why why = {
		.text = r->flaw + strlen(prefix),
		.size = sizeof(r->flaw) - strlen(prefix),
	};
	char *equals = strchr(line, '=');

	if (equals == NULL)
		return "must be KEY = value";
	*equals = '\0';
	memcpy(r->flaw, prefix, strlen(prefix));
	return read_option(r, str_trim(line), str_trim(equals + 1), &why) ==
		ERR_OK
	    ? NULL
	    : r->flaw;
}

enum err
sources_file(const char *path, bool must_exist,
    struct option_value values[CONFIG_COUNT], const struct option_why *why)
{
	struct reader r = { .values = values };
	enum err err;

	r.file = (struct line_file){ .path = path,
		.optional = !must_exist,
		.parse = read_line,
		.ctx = &r,
		.why = why->text,
		.why_size = why->size };
	err = line_file_read(&r.file);
	for (size_t i = 0; err == ERR_OK && i < CONFIG_COUNT; i++)
		if (r.hidden[i] && values[i].source == OPTION_UNSET)
			err = option_refuse(why,
			    "%s: %.256s has " OPTION_HIDDEN
			    ", as \"latchkey config\" prints a secret; write "
			    "the secret itself",
			    option_table[i].name, path);
	return err;
}
