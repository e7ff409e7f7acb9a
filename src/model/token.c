/* SPDX-License-Identifier: ISC */
#include "model/token.h"

#include <stdio.h>

void
token_key(char dst[TOKEN_KEY_SIZE], const char *jti)
{
	snprintf(dst, TOKEN_KEY_SIZE, "blacklist:%s", jti);
}
