/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/secret.h"
#include "http/cookie.h"
#include "http/request.h"

/* Any Cookie header yields either a session id or "". */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char name[] = "HTTP_COOKIE=";
	char remote[] = "REMOTE_ADDR=127.0.0.1", https[] = "HTTPS=on";
	char *text = malloc(sizeof(name) + size);
	char *plain[] = { remote, text, NULL };
	char *secure[] = { remote, https, text, NULL };
	char *const *const both[] = { plain, secure };

	if (text == NULL || secret_init() != ERR_OK)
		abort();
	memcpy(text, name, sizeof(name) - 1);
	memcpy(text + sizeof(name) - 1, data, size);
	text[sizeof(name) - 1 + size] = '\0';

	for (size_t i = 0; i < NELEMS(both); i++) {
		char id[SESSION_ID_SIZE];
		struct request req;

		request_init(&req, both[i], NULL, 0);
		cookie_session_id(&req, id);
		if (id[0] != '\0' &&
		    (!random_is_uuid(id) || strstr(text, id) == NULL))
			abort();
		request_clear(&req);
	}
	free(text);
	return 0;
}
