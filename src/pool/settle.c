/* SPDX-License-Identifier: ISC */
#include "pool/settle.h"

#include "config/config.h"
#include "shm/shm.h"
#include "store/store_url.h"

void
settle(const struct config *config)
{
	struct shm *shm;

	if (shm_attach(config_state_dir(config),
		(int)config_int(config, CONFIG_MEMORY_CACHE_MB),
		&shm) != ERR_OK)
		return; /* the reason is in the log */
	store_url_settle(config_text(config, CONFIG_DATABASE_URL), shm);
	shm_detach(shm);
}
