/* SPDX-License-Identifier: ISC */
#include "routes/expired_token.h"

#include "base/json_value.h"
#include "base/secret.h"
#include "token/jws.h"

/* When the token says that it was issued.  Nothing is proven yet. */
static enum err
issued_at(const char *text, int64_t *seconds_out)
{
	unsigned char room[JWS_ROOM(JWS_OURS_MAX)];
	struct json_value *json = NULL;
	struct jws jws;
	enum err err;

	*seconds_out = 0;
	err = jws_split(text, JWS_OURS_MAX, room, &jws);
	if (err == ERR_OK)
		err = json_value_parse(
		    (const char *)jws.payload, jws.payload_len, &json);
	if (err == ERR_OK)
		err =
		    json_value_int(json_value_member(json, "iat"), seconds_out);
	json_value_free(json);
	secret_wipe(room, sizeof(room));
	return err == ERR_INVALID ? ERR_DENIED : err;
}

enum err
expired_token_verify(const struct access_tokens *t, const char *text,
    int64_t now, struct claims *claims_out)
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
	return access_token_verify(t, text, then, claims_out);
}
