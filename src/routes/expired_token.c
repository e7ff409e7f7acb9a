/* SPDX-License-Identifier: ISC */
#include "routes/expired_token.h"

#include "base/json_value.h"
#include "base/secret.h"
#include "token/jws.h"

/* Read iat of ${text}, whose signature is not verified yet. */
static enum err
read_issued_at(const char *text, int64_t *seconds_out)
{
	unsigned char buffer[JWS_DECODED_MAX(JWS_OURS_MAX)];
	struct json_value *json = NULL;
	struct jws jws;
	enum err err;

	*seconds_out = 0;
	err = jws_split(text, JWS_OURS_MAX, buffer, &jws);
	if (err == ERR_OK)
		err = json_value_parse(
		    (const char *)jws.payload, jws.payload_len, &json);
	if (err == ERR_OK)
		err =
		    json_value_int(json_value_member(json, "iat"), seconds_out);
	json_value_free(json);
	secret_wipe(buffer, sizeof(buffer));
	return err == ERR_INVALID ? ERR_DENIED : err;
}

enum err
expired_token_verify(const struct access_tokens *t, const char *text,
    int64_t now, struct claims *claims_out)
{
	int64_t issued_at;
	enum err err;

	*claims_out = (struct claims){ 0 };
	err = read_issued_at(text, &issued_at);
	if (err != ERR_OK)
		return err;
	if (issued_at > now)
		return ERR_DENIED;
	/* This verifies the signature, and with it the time just read. */
	return access_token_verify(t, text, issued_at, claims_out);
}
