/* SPDX-License-Identifier: ISC */
#ifndef CONFIG_SOURCES_H
#define CONFIG_SOURCES_H

#include "base/err.h"
#include "config/option.h"

#define SOURCES_DEFAULT_FILE "/etc/latchkey/latchkey.conf"

/**
 * sources_environment(values, why):
 * Set the options that the environment names: NAME, NAME_FILE for secrets,
 * and secrets from $CREDENTIALS_DIRECTORY.  Return ERR_INVALID, with ${why},
 * for a wrong value or an unknown LATCHKEY_ name.
 */
enum err sources_environment(struct option_value values[CONFIG_COUNT],
    const struct option_why *why) MUST_CHECK;

/**
 * sources_file(path, must_exist, values, why):
 * Set the options that the file ${path} (base/line_file) names and that are not
 * set yet, or only under an old name.  Every line is checked.  Return
 * ERR_INVALID, with ${why}, if one is wrong or the file cannot be read.
 */
enum err sources_file(const char *path, bool must_exist,
    struct option_value values[CONFIG_COUNT],
    const struct option_why *why) MUST_CHECK;

#endif
