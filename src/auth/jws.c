/* SPDX-License-Identifier: ISC */
#include "auth/jws.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/document.h"
#include "base/secret.h"
#include "base/text.h"

#define ENCODE_STEP ((size_t)384) /* whole groups of three bytes */

/*
 * libsodium's decoder refuses white space, padding and bits left over; two
 * spellings of the same bytes would be two names for one token.
 */
static bool
decode(unsigned char *dst, size_t size, const char *part, size_t len,
    size_t *len_out)
{
	return len > 0 &&
	    sodium_base642bin(dst, size, part, len, NULL, len_out, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

void
jws_encode(struct buf *out, const void *data, size_t len)
{
	const unsigned char *at = data;
	char text[4 * ENCODE_STEP / 3 + 1];

	while (len > 0) {
		size_t n = len < ENCODE_STEP ? len : ENCODE_STEP;

		sodium_bin2base64(text, sizeof(text), at, n,
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		buf_puts(out, text);
		at += n;
		len -= n;
	}
	secret_wipe(text, sizeof(text));
}

static bool
split(const char *text, struct jws *jws)
{
	const char *payload, *signature;

	if (strnlen(text, TOKEN_TEXT_SIZE) == TOKEN_TEXT_SIZE)
		return false;
	if ((payload = strchr(text, '.')) == NULL ||
	    (signature = strchr(payload + 1, '.')) == NULL)
		return false;
	payload++;
	signature++;
	return decode(jws->header, sizeof(jws->header), text,
		   (size_t)(payload - 1 - text), &jws->header_len) &&
	    decode(jws->payload, sizeof(jws->payload), payload,
		(size_t)(signature - 1 - payload), &jws->payload_len) &&
	    decode(jws->signature, sizeof(jws->signature), signature,
		strlen(signature), &jws->signature_len);
}

enum err
jws_split(const char *text, struct jws *jws_out)
{
	memset(jws_out, 0, sizeof(*jws_out));
	if (split(text, jws_out))
		return ERR_OK;
	secret_wipe(jws_out, sizeof(*jws_out));
	return ERR_DENIED;
}

static bool
member_is(const struct document *doc, const char *name, const char *want)
{
	const char *value = document_string(document_member(doc, name));

	return value != NULL && strcmp(value, want) == 0;
}

enum err
jws_header_check(
    const struct jws *jws, const char *alg, const char *kid, const char *typ)
{
	struct document *doc = NULL;
	enum err err;

	err = document_parse((const char *)jws->header, jws->header_len, &doc);
	if (err == ERR_INVALID ||
	    (err == ERR_OK &&
		(!document_is_object(doc) || document_size(doc) != 3 ||
		    !member_is(doc, "alg", alg) ||
		    !member_is(doc, "kid", kid) ||
		    !member_is(doc, "typ", typ))))
		err = ERR_DENIED;
	document_free(doc);
	return err;
}
