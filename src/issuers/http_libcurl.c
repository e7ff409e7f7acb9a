/* SPDX-License-Identifier: ISC */
#include "issuers/http_libcurl.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "issuers/http_get.h"

/* The SONAME, unchanged since 2006. */
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

/* The library stays loaded: its own dependencies cannot be unloaded. */
static bool
load_functions(struct http_client *client)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void *symbol;

	if (library == NULL)
		return false;
	for (size_t i = 0; i < NELEMS(functions); i++) {
		symbol = dlsym(library, functions[i].name);
		if (symbol == NULL)
			return false;
		/* ISO C cannot convert it to a function pointer. */
		memcpy((unsigned char *)client + functions[i].offset, &symbol,
		    sizeof(symbol));
	}
	return true;
}

enum err
http_libcurl_new(struct http_client **client_out)
{
	struct http_client *client = calloc(1, sizeof(*client));
	const char *reason = NULL;
	char quoted[LOG_QUOTED_SIZE];

	*client_out = NULL;
	if (client == NULL)
		return ERR_UNAVAILABLE;
	if (!load_functions(client))
		reason = dlerror();
	else if (client->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		reason = "curl_global_init";
	if (reason != NULL) {
		log_event(LOG_LEVEL_ERROR, "fetch_unable", "reason=%s",
		    log_quote(quoted, reason));
		free(client);
		return ERR_UNAVAILABLE;
	}
	*client_out = client;
	return ERR_OK;
}

void
http_libcurl_free(struct http_client *client)
{
	if (client == NULL)
		return;
	client->global_cleanup();
	free(client);
}
