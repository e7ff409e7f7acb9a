/* SPDX-License-Identifier: ISC */
#include "auth/fetch_library.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "auth/fetch.h"
#include "base/log.h"

/* The name of its interface, the same since 2006. */
#define LIBRARY "libcurl.so.4"

static const char *const names[] = {
#define NAME(name) "curl_" #name,
	FETCH_FUNCTIONS(NAME)
#undef NAME
};

/* It stays loaded: what it has loaded in its turn cannot be unloaded. */
static bool
find_all(struct fetch *f)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void *symbols[NELEMS(names)];
	size_t i;

	for (i = 0; library != NULL && i < NELEMS(names); i++) {
		symbols[i] = dlsym(library, names[i]);
		if (symbols[i] == NULL)
			return false;
	}
	if (library == NULL)
		return false;
	i = 0;
	/* ISO C knows no way from void * to a function; POSIX has this one. */
#define TAKE(name) memcpy(&f->name, &symbols[i++], sizeof(void *));
	FETCH_FUNCTIONS(TAKE)
#undef TAKE
	return true;
}

enum err
fetch_new(struct fetch **fetch_out)
{
	struct fetch *f = calloc(1, sizeof(*f));
	char quoted[LOG_QUOTED_SIZE];

	*fetch_out = NULL;
	if (f == NULL)
		return ERR_UNAVAILABLE;
	if (!find_all(f)) {
		log_event(LOG_LEVEL_ERROR, "fetch_unable", "reason=%s",
		    log_quote(quoted, dlerror()));
		free(f);
		return ERR_UNAVAILABLE;
	}
	if (f->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		log_event(LOG_LEVEL_ERROR, "fetch_unable", "reason=libcurl");
		free(f);
		return ERR_UNAVAILABLE;
	}
	*fetch_out = f;
	return ERR_OK;
}

void
fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	f->global_cleanup();
	free(f);
}
