/* SPDX-License-Identifier: ISC */
#include "model/token.h"

#include "base/str.h"

void
token_key(char dst[TOKEN_KEY_SIZE], const char *jti)
{
	str_join(dst, TOKEN_KEY_SIZE, "blacklist:", jti);
}
