/* SPDX-License-Identifier: ISC */
#include "auth/jws.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/document.h"
#include "base/secret.h"
#include "base/text.h"

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

/*
 * libsodium's encoder takes fifty instructions for each character, so as to
 * tell nothing by its timing; this one's table is one line of the processor's
 * cache, so it tells nothing either.
 */
void
jws_encode(struct buf *out, const void *data, size_t len)
{
	_Alignas(64) static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
	    "ghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *part = data;
	char *at = buf_extend(out, len / 3 * 4 + (len % 3 * 4 + 2) / 3);
	uint32_t bits;

	if (at == NULL)
		return;
	for (; len >= 3; len -= 3, part += 3) {
		bits =
		    (uint32_t)part[0] << 16 | (uint32_t)part[1] << 8 | part[2];
		*at++ = digits[bits >> 18];
		*at++ = digits[bits >> 12 & 63];
		*at++ = digits[bits >> 6 & 63];
		*at++ = digits[bits & 63];
	}
	if (len == 0)
		return;
	bits = (uint32_t)part[0] << 16;
	if (len == 2)
		bits |= (uint32_t)part[1] << 8;
	*at++ = digits[bits >> 18];
	*at++ = digits[bits >> 12 & 63];
	if (len == 2)
		*at = digits[bits >> 6 & 63];
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
