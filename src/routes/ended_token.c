/* SPDX-License-Identifier: ISC */
#include "routes/ended_token.h"

#include <string.h>

#include "base/document.h"
#include "base/secret.h"

/* The value of a base64url digit (RFC 4648 section 5), -1 if it is none. */
static int
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

/* Decode ${len} digits; no longer than they are.  0 if they are none. */
static size_t
decode(char *dst, const char *src, size_t len)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int value = digit(src[i]);

		if (value < 0)
			return 0;
		bits = (bits << 6 | (unsigned)value) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			dst[n++] = (char)(bits >> have & 0xff);
		}
	}
	return n;
}

/* When the token says that it was issued.  Nothing is proven yet. */
static enum err
issued_at(const char *text, int64_t *seconds_out)
{
	const char *payload = strchr(text, '.');
	size_t len = payload != NULL ? strcspn(payload + 1, ".") : 0;
	struct document *json = NULL;
	char plain[TOKEN_TEXT_SIZE];
	enum err err;

	*seconds_out = 0;
	if (payload == NULL || len >= sizeof(plain))
		return ERR_DENIED;
	len = decode(plain, payload + 1, len);
	err = document_parse(plain, len, &json);
	if (err == ERR_OK)
		err = document_int(document_member(json, "iat"), seconds_out);
	document_free(json);
	secret_wipe(plain, sizeof(plain));
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
