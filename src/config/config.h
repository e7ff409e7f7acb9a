/* SPDX-License-Identifier: ISC */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* config/options.def is the one table of the options. */
struct config;

enum config_id {
#define OPTION(id, name, type, min, max, fallback, help) CONFIG_##id,
#include "config/options.def"
#undef OPTION
	CONFIG_COUNT
};

/**
 * config_load(path, why, why_size, config_out):
 * Read every option from the environment (NAME, or NAME_FILE for secrets, or
 * the systemd credential of that name in $CREDENTIALS_DIRECTORY), then from
 * the file ${path} (NULL: $LATCHKEY_CONFIG, or, where that is unset or empty,
 * /etc/latchkey/latchkey.conf, which may be missing), then from its default. On
 * ERR_INVALID ${why} is one line naming the option and what is wrong: an
 * unknown name in the file, an unknown LATCHKEY_ name in the environment, a bad
 * value.
 */
enum err config_load(const char *path, char *why, size_t why_size,
    struct config **config_out) MUST_CHECK;
/* config_free(c): wipe the secrets and free.  NULL is fine. */
void config_free(struct config *c);

/* The value of ${id}, which must be of that type. */
int64_t config_int(const struct config *c, enum config_id id);
/* The N and the SECONDS of N/SECONDS. */
int config_rate(
    const struct config *c, enum config_id id, int64_t *seconds_out);
bool config_bool(const struct config *c, enum config_id id);
const char *config_text(const struct config *c, enum config_id id);

/*
 * The folder of the shared memory file: LATCHKEY_STATE_DIR, or the folder of
 * the SQLite file with symbolic links resolved.
 */
const char *config_state_dir(const struct config *c);

/**
 * config_master_path(c, dst, size):
 * Copy the path of the generated secret, in the state folder or beside the
 * database.  ERR_INVALID if it is longer than ${size}.
 */
enum err config_master_path(
    const struct config *c, char *dst, size_t size) MUST_CHECK;

/**
 * config_print(c, out): every option as "NAME = value  # source", secrets as
 * "(set)".  config_help(out): the options with bounds, default and help.
 */
void config_print(const struct config *c, FILE *out);
void config_help(FILE *out);

#endif
