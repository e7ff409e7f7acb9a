/* SPDX-License-Identifier: ISC */
#include "token/jws.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_value.h"

/*
 * libsodium's decoder refuses white space, padding and left-over bits: a second
 * spelling of a token would evade the blacklist of one without a jti.
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
 * libsodium's constant-time encoder takes fifty instructions per character.
 * The table here is one cache line, so its timing does not depend on the data
 * either.
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

enum err
jws_decode(unsigned char *dst, size_t size, const char *text, size_t *len_out)
{
	return decode(dst, size, text, strlen(text), len_out) ? ERR_OK
							      : ERR_INVALID;
}

enum err
jws_header(const char *text, unsigned char *dst, size_t size, size_t *len_out)
{
	const char *dot = strchr(text, '.');

	*len_out = 0;
	return dot != NULL &&
		decode(dst, size, text, (size_t)(dot - text), len_out)
	    ? ERR_OK
	    : ERR_DENIED;
}

/* Decode the parts one after the other into ${at}. */
static bool
split(const char *text, size_t max, unsigned char *at, struct jws *jws)
{
	unsigned char *const end = at + JWS_DECODED_MAX(max);
	const char *payload, *signature;

	if (strnlen(text, max + 1) > max)
		return false;
	if ((payload = strchr(text, '.')) == NULL ||
	    (signature = strchr(payload + 1, '.')) == NULL)
		return false;
	payload++;
	signature++;
	jws->header = at;
	if (!decode(at, (size_t)(end - at), text, (size_t)(payload - 1 - text),
		&jws->header_len))
		return false;
	at += jws->header_len;
	jws->payload = at;
	if (!decode(at, (size_t)(end - at), payload,
		(size_t)(signature - 1 - payload), &jws->payload_len))
		return false;
	at += jws->payload_len;
	jws->signature = at;
	return decode(at, (size_t)(end - at), signature, strlen(signature),
		   &jws->signature_len) &&
	    jws->signature_len <= JWS_SIGNATURE_MAX;
}

enum err
jws_split(
    const char *text, size_t max, unsigned char *storage, struct jws *jws_out)
{
	memset(jws_out, 0, sizeof(*jws_out));
	if (split(text, max, storage, jws_out))
		return ERR_OK;
	memset(jws_out, 0, sizeof(*jws_out));
	return ERR_DENIED;
}

static bool
member_is(const struct json_value *doc, const char *name, const char *want)
{
	const char *value = json_value_string(json_value_member(doc, name));

	return value != NULL && strcmp(value, want) == 0;
}

enum err
jws_header_check(
    const struct jws *jws, const char *alg, const char *kid, const char *typ)
{
	struct json_value *doc = NULL;
	enum err err;

	err =
	    json_value_parse((const char *)jws->header, jws->header_len, &doc);
	if (err == ERR_INVALID ||
	    (err == ERR_OK &&
		(!json_value_is_object(doc) || json_value_size(doc) != 3 ||
		    !member_is(doc, "alg", alg) ||
		    !member_is(doc, "kid", kid) ||
		    !member_is(doc, "typ", typ))))
		err = ERR_DENIED;
	json_value_free(doc);
	return err;
}
