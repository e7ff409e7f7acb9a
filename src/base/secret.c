/* SPDX-License-Identifier: ISC */
#include "base/secret.h"

#include <sodium.h>
#include <string.h>

enum err
secret_init(void)
{
	/* 1: already initialized. */
	return sodium_init() < 0 ? ERR_INTERNAL : ERR_OK;
}

void
secret_wipe(void *p, size_t len)
{
	if (p != NULL)
		sodium_memzero(p, len);
}

void
secret_wipe_text(char *text)
{
	if (text != NULL)
		sodium_memzero(text, strlen(text));
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}
