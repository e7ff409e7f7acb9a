/* SPDX-License-Identifier: ISC */
#include "auth/bearer.h"

#include <string.h>

#include "auth/sessions.h"
#include "issuers/external_account.h"
#include "issuers/issuers.h"

enum err
bearer_verify(const struct sessions *ss, const char *text, int64_t now,
    struct claims *claims_out, struct external *external_out)
{
	enum err err;

	memset(claims_out, 0, sizeof(*claims_out));
	memset(external_out, 0, sizeof(*external_out));
	err = access_token_names_our_key(&ss->tokens, text, now);
	if (err == ERR_OK)
		return access_token_verify(&ss->tokens, text, now, claims_out);
	if (err == ERR_DENIED && ss->issuers != NULL)
		err = issuers_verify(
		    ss->issuers, text, now, claims_out, external_out);
	return err;
}

enum err
bearer_digest(const struct sessions *ss, const char *text, int64_t now,
    unsigned char digest_out[TOKEN_DIGEST_BYTES])
{
	enum err err;

	err = access_token_names_our_key(&ss->tokens, text, now);
	if (err == ERR_OK)
		return access_token_digest(&ss->tokens, text, now, digest_out);
	if (err == ERR_DENIED && ss->issuers != NULL)
		err = issuers_digest(ss->issuers, text, now, digest_out);
	return err;
}
