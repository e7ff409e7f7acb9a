/* SPDX-License-Identifier: ISC */
#include "token/jwk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_value.h"
#include "token/jws.h"
#include "token/keypair.h"

/* A modulus of 4096 bits and a leading zero. */
#define NUMBER_MAX (KEYPAIR_SIGNATURE_MAX + 1)
#define KEY_OPS_MAX 16 /* there are eight (RFC 7517 section 4.3) */

struct jwk {
	char kid[JWK_KID_SIZE]; /* "": absent */
	enum jwk_alg alg;
	struct keypair *key;
	bool dropped;
};

struct jwk_set {
	size_t count;
	struct jwk list[JWK_KEYS_MAX];
};

/* The key type of each algorithm. */
static const struct kind {
	const char *kty, *name;
	const char *first, *second; /* members that hold its numbers */
	enum keypair_type type;
	enum jwk_alg alg;
} kinds[] = {
	{ "RSA", "RS256", "n", "e", KEYPAIR_RSA, JWK_RS256 },
	{ "EC", "ES256", "x", "y", KEYPAIR_P256, JWK_ES256 },
};

/* True if the member ${name} is absent or is ${want}. */
static bool
is_absent_or(const struct json_value *jwk, const char *name, const char *want)
{
	const struct json_value *member = json_value_member(jwk, name);
	const char *text = json_value_string(member);

	return member == NULL || (text != NULL && strcmp(text, want) == 0);
}

/* Finding element i takes time i, so long lists are not read to their end. */
static size_t
limited_size(const struct json_value *list, size_t max)
{
	size_t size = json_value_is_array(list) ? json_value_size(list) : 0;

	return size < max ? size : max;
}

static bool
allows_verify(const struct json_value *jwk)
{
	const struct json_value *ops = json_value_member(jwk, "key_ops");
	bool may = ops == NULL;

	for (size_t i = 0; i < limited_size(ops, KEY_OPS_MAX); i++) {
		const char *op = json_value_string(json_value_at(ops, i));

		may |= op != NULL && strcmp(op, "verify") == 0;
	}
	return may;
}

static const struct kind *
kind_of(const struct json_value *jwk, unsigned algorithms)
{
	const char *kty = json_value_string(json_value_member(jwk, "kty"));

	for (size_t i = 0; kty != NULL && i < NELEMS(kinds); i++)
		if (strcmp(kinds[i].kty, kty) == 0 &&
		    (kinds[i].alg & algorithms) != 0)
			return &kinds[i];
	return NULL;
}

/* A key whose private part was published proves nothing. */
static bool
may_verify_tokens(const struct json_value *jwk, const struct kind *kind)
{
	if (kind->type == KEYPAIR_P256 &&
	    (json_value_member(jwk, "crv") == NULL ||
		!is_absent_or(jwk, "crv", "P-256")))
		return false;
	return is_absent_or(jwk, "use", "sig") &&
	    is_absent_or(jwk, "alg", kind->name) && allows_verify(jwk) &&
	    json_value_member(jwk, "d") == NULL;
}

static enum err
read_number(const struct json_value *jwk, const char *name,
    unsigned char bytes[NUMBER_MAX], size_t *len_out)
{
	const char *text = json_value_string(json_value_member(jwk, name));

	*len_out = 0;
	return text == NULL ? ERR_INVALID
			    : jws_decode(bytes, NUMBER_MAX, text, len_out);
}

/* RFC 7518 section 6.3.1.1 forbids a leading zero octet, which some write. */
static void
drop_leading_zeros(const unsigned char **bytes, size_t *len)
{
	while (*len > 0 && **bytes == 0) {
		(*bytes)++;
		(*len)--;
	}
}

static enum err
read_key(const struct json_value *jwk, const struct kind *kind,
    struct keypair **key_out)
{
	unsigned char first[NUMBER_MAX], second[NUMBER_MAX];
	struct keypair_numbers numbers = { .first = first, .second = second };
	enum err err;

	err = read_number(jwk, kind->first, first, &numbers.first_len);
	if (err == ERR_OK)
		err =
		    read_number(jwk, kind->second, second, &numbers.second_len);
	/* A coordinate of a curve has a fixed length. */
	if (err == ERR_OK && kind->type == KEYPAIR_RSA) {
		drop_leading_zeros(&numbers.first, &numbers.first_len);
		drop_leading_zeros(&numbers.second, &numbers.second_len);
	}
	if (err == ERR_OK)
		err = keypair_public(kind->type, &numbers, key_out);
	return err;
}

/* ERR_INVALID: to be skipped. */
static enum err
add_key(struct jwk_set *set, const struct json_value *jwk, unsigned algorithms)
{
	const struct json_value *kid = json_value_member(jwk, "kid");
	const struct kind *kind = kind_of(jwk, algorithms);
	struct jwk *slot = &set->list[set->count];
	enum err err;

	if (kind == NULL || !may_verify_tokens(jwk, kind))
		return ERR_INVALID;
	memset(slot, 0, sizeof(*slot));
	slot->alg = kind->alg;
	if (kid != NULL &&
	    (json_value_copy_string(jwk, "kid", slot->kid, sizeof(slot->kid)) !=
		    ERR_OK ||
		slot->kid[0] == '\0'))
		return ERR_INVALID;
	err = read_key(jwk, kind, &slot->key);
	if (err == ERR_OK)
		set->count++;
	return err;
}

/* Two keys with the same name: keep one if equal, else none. */
static void
compare_names(struct jwk *later, struct jwk *earlier)
{
	if (later->kid[0] == '\0' || later->alg != earlier->alg ||
	    strcmp(later->kid, earlier->kid) != 0)
		return;
	later->dropped = true;
	if (!keypair_same(later->key, earlier->key))
		earlier->dropped = true;
}

static void
drop_duplicates(struct jwk_set *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < i; j++)
			compare_names(&set->list[i], &set->list[j]);
	for (size_t i = 0; i < set->count; i++) {
		if (set->list[i].dropped)
			keypair_free(set->list[i].key);
		else
			set->list[kept++] = set->list[i];
	}
	set->count = kept;
}

enum err
jwk_set_parse(
    const char *text, size_t len, unsigned algorithms, struct jwk_set **set_out)
{
	const struct json_value *keys;
	struct json_value *doc = NULL;
	struct jwk_set *set = NULL;
	enum err err = ERR_INVALID;

	*set_out = NULL;
	if (len <= ISSUER_JWKS_MAX)
		err = json_value_parse(text, len, &doc);
	if (err == ERR_OK && (set = calloc(1, sizeof(*set))) == NULL)
		err = ERR_INTERNAL;
	keys = json_value_member(doc, "keys");
	for (size_t i = 0;
	     err == ERR_OK && i < limited_size(keys, JWK_KEYS_MAX); i++) {
		err = add_key(set, json_value_at(keys, i), algorithms);
		if (err == ERR_INVALID)
			err = ERR_OK;
	}
	if (err == ERR_OK) {
		drop_duplicates(set);
		if (set->count == 0)
			err = ERR_INVALID;
	}
	if (err == ERR_OK)
		*set_out = set;
	else
		jwk_set_free(set);
	json_value_free(doc);
	return err;
}

void
jwk_set_free(struct jwk_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->count; i++)
		keypair_free(set->list[i].key);
	free(set);
}

size_t
jwk_set_count(const struct jwk_set *set)
{
	return set != NULL ? set->count : 0;
}

const struct keypair *
jwk_set_find(const struct jwk_set *set, const char *kid, enum jwk_alg alg)
{
	const struct keypair *found = NULL;

	for (size_t i = 0; i < set->count; i++) {
		const struct jwk *jwk = &set->list[i];

		if (jwk->alg != alg)
			continue;
		if (kid == NULL && found != NULL)
			return NULL;
		if (kid == NULL || strcmp(jwk->kid, kid) == 0)
			found = jwk->key;
	}
	return found;
}
