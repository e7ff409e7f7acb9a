/* SPDX-License-Identifier: ISC */
#include "pool/master_fingerprint.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "token/master_secret.h"

static enum err
take(const struct config *config, struct master_fingerprint *mark)
{
	char path[PATH_MAX];
	struct master_secret master = { .len = 0 };
	enum err err;

	memset(mark, 0, sizeof(*mark));
	err = config_master_path(config, path, sizeof(path));
	if (err == ERR_OK)
		err = master_secret_load(
		    config_text(config, CONFIG_JWT_SECRET), path, &master);
	if (err == ERR_OK) {
		master_secret_derive(
		    &master, "latchkey secret mark", mark->bytes);
		mark->known = true;
	}
	master_secret_clear(&master);
	return err;
}

enum err
master_fingerprint_take(
    const struct config *config, struct master_fingerprint *mark_out)
{
	enum err err = take(config, mark_out);

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
    const struct config *config, struct master_fingerprint *mark)
{
	struct master_fingerprint now;
	enum err err = take(config, &now);

	if (err == ERR_NOT_FOUND)
		return refuse("the master secret is gone");
	if (err != ERR_OK)
		return err;
	if (mark->known &&
	    !secret_equal(now.bytes, mark->bytes, sizeof(now.bytes)))
		return refuse("the master secret is another one");
	*mark = now;
	return ERR_OK;
}
