/* SPDX-License-Identifier: ISC */
#include "config/option.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "base/str.h"

const struct option option_table[CONFIG_COUNT] = {
#define OPTION(id, name, type, min, max, fallback, help)                       \
	[CONFIG_##id] = { name, OPTION_##type, min, max, fallback, help },
#include "config/options.def"
#undef OPTION
};

#define SHOWN_SIZE 65 /* of a bad value in a message; the rest is cut */

enum err
option_refuse(const struct option_why *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, why->size, fmt, ap);
	va_end(ap);
	return ERR_INVALID;
}

const char *
option_old_name(enum config_id id)
{
	static const char *const old[CONFIG_COUNT] = {
		[CONFIG_MEMORY_CACHE_MB] = "LATCHKEY_TABLE_MB",
	};

	return old[id];
}

static bool
is_name(const char *option, const char *name, size_t len)
{
	return option != NULL && strlen(option) == len &&
	    memcmp(option, name, len) == 0;
}

enum err
option_find(
    const char *name, size_t len, enum config_id *id_out, bool *is_old_out)
{
	*id_out = CONFIG_COUNT;
	*is_old_out = false;
	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		*is_old_out = is_name(option_old_name(id), name, len);
		if (*is_old_out || is_name(option_table[id].name, name, len)) {
			*id_out = id;
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

bool
option_hides(const struct option *o, const char *text)
{
	if (o->type != OPTION_SECRET || text[0] == '\0')
		return false;
	/* A URL is secret only if it has credentials, before an @. */
	return strstr(text, "://") == NULL || strchr(text, '@') != NULL;
}

/* Copy ${text} for a message of one line. */
static void
show(char dst[SHOWN_SIZE], const char *text)
{
	size_t i;

	for (i = 0; i < SHOWN_SIZE - 1 && text[i] != '\0'; i++)
		dst[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	dst[i] = '\0';
}

static enum err
parse_bool(const char *text, int64_t *number_out)
{
	static const char *const words[][2] = {
		{ "false", "true" },
		{ "0", "1" },
		{ "no", "yes" },
		{ "off", "on" },
	};

	*number_out = 0;
	for (size_t i = 0; i < NELEMS(words); i++) {
		for (int truth = 0; truth < 2; truth++) {
			if (strcasecmp(text, words[i][truth]) == 0) {
				*number_out = truth;
				return ERR_OK;
			}
		}
	}
	return ERR_INVALID;
}

#define RATE_SECONDS_MAX 86400

/* N/SECONDS */
static enum err
parse_rate(const struct option *o, const char *text, struct option_value *value)
{
	const char *slash = strchr(text, '/');
	char count[24];

	if (slash == NULL || (size_t)(slash - text) >= sizeof(count))
		return ERR_INVALID;
	memcpy(count, text, (size_t)(slash - text));
	count[slash - text] = '\0';
	if (str_to_int64(count, o->min, o->max, &value->number) != ERR_OK)
		return ERR_INVALID;
	return str_to_int64(slash + 1, 1, RATE_SECONDS_MAX, &value->seconds);
}

static enum err
check_text(
    const struct option *o, const char *text, const struct option_why *why)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f)
			return option_refuse(why,
			    "%s: must not hold control characters", o->name);
	}
	if (len < (size_t)o->min || len > (size_t)o->max)
		return option_refuse(why,
		    "%s: must have between %jd and %jd characters, not %zu",
		    o->name, (intmax_t)o->min, (intmax_t)o->max, len);
	return ERR_OK;
}

static enum err
check_value(const struct option *o, const char *text,
    struct option_value *value, const struct option_why *why)
{
	char shown[SHOWN_SIZE];

	show(shown, text);
	switch (o->type) {
	case OPTION_INT:
		if (str_to_int64(text, o->min, o->max, &value->number) ==
		    ERR_OK)
			return ERR_OK;
		return option_refuse(why,
		    "%s: must be between %jd and %jd, not \"%s\"", o->name,
		    (intmax_t)o->min, (intmax_t)o->max, shown);
	case OPTION_BOOL:
		if (parse_bool(text, &value->number) == ERR_OK)
			return ERR_OK;
		return option_refuse(why,
		    "%s: must be true or false, not \"%s\"", o->name, shown);
	case OPTION_RATE:
		if (parse_rate(o, text, value) == ERR_OK)
			return ERR_OK;
		return option_refuse(why,
		    "%s: must be N/SECONDS, %jd/1 to %jd/%d, not \"%s\"",
		    o->name, (intmax_t)o->min, (intmax_t)o->max,
		    RATE_SECONDS_MAX, shown);
	case OPTION_TEXT:
	case OPTION_SECRET: return check_text(o, text, why);
	}
	return option_refuse(why, "%s: has no type", o->name);
}

enum err
option_set(enum config_id id, const char *text, enum option_source source,
    struct option_value *value, const struct option_why *why)
{
	const struct option *o = &option_table[id];
	struct option_value fresh = { .source = source,
		.old_name_seen = value->old_name_seen };
	enum err err;

	err = check_value(o, text, &fresh, why);
	if (err != ERR_OK)
		return err;
	fresh.text = strdup(text);
	if (fresh.text == NULL)
		return option_refuse(why, "%s: out of memory", o->name);
	option_clear(value);
	*value = fresh;
	return ERR_OK;
}

void
option_clear(struct option_value *value)
{
	secret_wipe_text(value->text);
	free(value->text);
	*value = (struct option_value){ 0 };
}
