/* SPDX-License-Identifier: ISC */
#include "model/issuer.h"

#include <stdlib.h>
#include <string.h>

void
issuer_keys_clear(struct issuer_keys *keys)
{
	free(keys->jwks);
	memset(keys, 0, sizeof(*keys));
}
