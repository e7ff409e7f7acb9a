/* SPDX-License-Identifier: ISC */
#include "routes/ended_token.h"

#include "auth/jws.h"
#include "base/document.h"
#include "base/secret.h"

/* When the token says that it was issued.  Nothing is proven yet. */
static enum err
issued_at(const char *text, int64_t *seconds_out)
{
	unsigned char room[JWS_ROOM(JWS_OURS_MAX)];
	struct document *json = NULL;
	struct jws jws;
	enum err err;

	*seconds_out = 0;
	err = jws_split(text, JWS_OURS_MAX, room, &jws);
	if (err == ERR_OK)
		err = document_parse(
		    (const char *)jws.payload, jws.payload_len, &json);
	if (err == ERR_OK)
		err = document_int(document_member(json, "iat"), seconds_out);
	document_free(json);
	secret_wipe(room, sizeof(room));
	return err == ERR_INVALID ? ERR_DENIED : err;
}

enum err
ended_token_verify(const struct tokens *t, const char *text, int64_t now,
    struct claims *claims_out)
{
	int64_t then;
	enum err err;

	*claims_out = (struct claims){ 0 };
	err = issued_at(text, &then);
	if (err != ERR_OK)
		return err;
	if (then > now)
		return ERR_DENIED;
	/* This proves the signature, and with it the time just read. */
	return tokens_verify(t, text, then, claims_out);
}
