/* SPDX-License-Identifier: ISC */
#include "pool/secret_mark.h"

#include <limits.h>
#include <string.h>

#include "auth/master.h"
#include "base/log.h"
#include "config/config.h"

static enum err
take(const struct config *config, struct secret_mark *mark)
{
	char path[PATH_MAX];
	struct master master = { .len = 0 };
	enum err err;

	memset(mark, 0, sizeof(*mark));
	err = config_master_path(config, path, sizeof(path));
	if (err == ERR_OK)
		err = master_load(
		    config_text(config, CONFIG_JWT_SECRET), path, &master);
	if (err == ERR_OK) {
		master_derive(&master, "latchkey secret mark", mark->bytes);
		mark->known = true;
	}
	master_clear(&master);
	return err;
}

enum err
secret_mark_take(const struct config *config, struct secret_mark *mark_out)
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
secret_mark_check(const struct config *config, struct secret_mark *mark)
{
	struct secret_mark now;
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
