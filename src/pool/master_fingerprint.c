/* SPDX-License-Identifier: ISC */
#include "pool/master_fingerprint.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "token/master_secret.h"

static enum err
read_fingerprint(
    const struct config *config, struct master_fingerprint *fingerprint)
{
	char path[PATH_MAX];
	struct master_secret master = { .len = 0 };
	enum err err;

	memset(fingerprint, 0, sizeof(*fingerprint));
	err = config_master_path(config, path, sizeof(path));
	if (err == ERR_OK)
		err = master_secret_load(
		    config_text(config, CONFIG_JWT_SECRET), path, &master);
	if (err == ERR_OK) {
		master_secret_derive(
		    &master, "latchkey secret mark", fingerprint->bytes);
		fingerprint->known = true;
	}
	master_secret_clear(&master);
	return err;
}

enum err
master_fingerprint_read(
    const struct config *config, struct master_fingerprint *fingerprint_out)
{
	enum err err = read_fingerprint(config, fingerprint_out);

	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err
refuse(const char *why)
{
	log_event(LOG_LEVEL_ERROR, "reload_refused", "reason=\"%s\"", why);
	return ERR_INVALID;
}

enum err
master_fingerprint_check(
    const struct config *config, struct master_fingerprint *fingerprint)
{
	struct master_fingerprint now;
	enum err err = read_fingerprint(config, &now);

	if (err == ERR_NOT_FOUND)
		return refuse("the master secret is missing");
	if (err != ERR_OK)
		return err;
	if (fingerprint->known &&
	    !secret_equal(now.bytes, fingerprint->bytes, sizeof(now.bytes)))
		return refuse("the master secret has changed");
	*fingerprint = now;
	return ERR_OK;
}
