/* SPDX-License-Identifier: ISC */
#include "issuers/http_libcurl.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "issuers/http_get.h"

/* The name of its interface, the same since 2006. */
#define LIBRARY "libcurl.so.4"

#define FUNCTION(name)                                                         \
	{                                                                      \
		"curl_" #name, offsetof(struct http_client, name)              \
	}

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	FUNCTION(global_init),
	FUNCTION(global_cleanup),
	FUNCTION(easy_init),
	FUNCTION(easy_cleanup),
	FUNCTION(easy_setopt),
	FUNCTION(easy_perform),
	FUNCTION(easy_getinfo),
	FUNCTION(easy_strerror),
	FUNCTION(url),
	FUNCTION(url_cleanup),
	FUNCTION(url_set),
	FUNCTION(url_get),
	FUNCTION(free),
};

_Static_assert(sizeof(struct http_client) == NELEMS(functions) * sizeof(void *),
    "each member is in the table");

/* It stays loaded: what it has loaded in its turn cannot be unloaded. */
static bool
find_all(struct http_client *f)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void *symbol;

	if (library == NULL)
		return false;
	for (size_t i = 0; i < NELEMS(functions); i++) {
		symbol = dlsym(library, functions[i].name);
		if (symbol == NULL)
			return false;
		/* ISO C knows no way from it to a function; POSIX has this. */
		memcpy((unsigned char *)f + functions[i].offset, &symbol,
		    sizeof(symbol));
	}
	return true;
}

enum err
http_libcurl_new(struct http_client **fetch_out)
{
	struct http_client *f = calloc(1, sizeof(*f));
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
http_libcurl_free(struct http_client *f)
{
	if (f == NULL)
		return;
	f->global_cleanup();
	free(f);
}
