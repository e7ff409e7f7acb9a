/* SPDX-License-Identifier: ISC */
#include "model/token.h"

#include "base/text.h"

void
token_key(char dst[TOKEN_KEY_SIZE], const char *jti)
{
	text_join(dst, TOKEN_KEY_SIZE, "blacklist:", jti);
}
