/* SPDX-License-Identifier: ISC */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

enum option_type {
	OPTION_INT,
	OPTION_BOOL,
	OPTION_TEXT,
	OPTION_SECRET,
	OPTION_RATE
};

/* One row of options.def. */
struct option {
	const char *name;
	enum option_type type;
	int64_t min, max; /* lengths, of OPTION_TEXT and OPTION_SECRET */
	const char *fallback;
	const char *help;
};

extern const struct option option_table[CONFIG_COUNT];

enum option_source {
	OPTION_UNSET = 0,
	OPTION_ENVIRONMENT,
	OPTION_CREDENTIAL,
	OPTION_FILE,
	OPTION_DEFAULT
};

/* The value of an option. */
struct option_value {
	char *text;
	int64_t number;  /* of OPTION_INT, OPTION_BOOL, OPTION_RATE */
	int64_t seconds; /* of OPTION_RATE */
	enum option_source source;
	bool by_old_name; /* it was set under the name it had before */
	bool old_name_seen;
};

/* The reason of config_load(), one line. */
struct option_why {
	char *text;
	size_t size;
};

/* option_refuse(why, fmt, ...): write the line; return ERR_INVALID. */
enum err option_refuse(const struct option_why *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))) MUST_CHECK;

/**
 * option_find(name, len, id_out, is_old_out):
 * Find the option called exactly ${name}; *${is_old_out} is true if that is the
 * name it had before.  ERR_NOT_FOUND if there is none.
 * option_old_name(id): the name it had before; NULL: none.
 */
enum err option_find(const char *name, size_t len, enum config_id *id_out,
    bool *is_old_out) MUST_CHECK;
const char *option_old_name(enum config_id id);

/**
 * option_set(id, text, source, value, why):
 * Check ${text} against type and bounds and store it in ${value}, wiping the
 * old value.  Return ERR_INVALID, with ${why}, if it is not valid.
 */
enum err option_set(enum config_id id, const char *text,
    enum option_source source, struct option_value *value,
    const struct option_why *why) MUST_CHECK;
void option_clear(struct option_value *value);

/* What is printed in place of a secret. */
#define OPTION_HIDDEN "(set)"

/* option_hides(o, text): true if the value ${text} of ${o} is a secret. */
bool option_hides(const struct option *o, const char *text);

#endif
