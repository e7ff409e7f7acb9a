/* SPDX-License-Identifier: ISC */
#include "issuers/issuers.h"

#include "support/test.h"

#include <stdio.h>

#include "base/secret.h"
#include "issuers/external_account.h"
#include "shm/jwks_refresh_request.h"
#include "store/store.h"
#include "support/external_issuers.h"
#include "support/store_memory.h"
#include "support/unknown_coherence.h"

#define NOW EXTERNAL_ISSUERS_NOW
#define POINT                                                                  \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","               \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC_KEY(kid)                                                            \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"" kid "\"," POINT "}"
#define UNKNOWN_KEY "{\"keys\":[" EC_KEY("new") "]}"
#define TWO_KEYS "{\"keys\":[" EC_KEY("a") "," EC_KEY("b") "]}"

static int
set_up(void **state)
{
	struct external_issuers *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	external_issuers_alone(o);
	*state = o;
	return 0;
}

static int
tear_down(void **state)
{
	external_issuers_close(*state);
	free(*state);
	return 0;
}

TEST_FIXTURE(set_up, tear_down);

static enum err
verify(struct external_issuers *o, const char *text, int64_t now)
{
	static const struct claims nothing;
	struct external external;
	struct claims c;
	enum err err;

	memset(&c, 0xaa, sizeof(c));
	err = issuers_verify(o->issuers, text, now, &c, &external);
	if (err != ERR_OK)
		assert_memory_equal(&c, &nothing, sizeof(c));
	return err;
}

static void
digest(struct external_issuers *o, int64_t now,
    unsigned char dst[TOKEN_DIGEST_BYTES])
{
	assert_int_equal(issuers_digest(o->issuers, o->good, now, dst), ERR_OK);
}

static bool
digest_is(struct external_issuers *o, int64_t now, const unsigned char *before)
{
	unsigned char after[TOKEN_DIGEST_BYTES];

	digest(o, now, after);
	return memcmp(before, after, sizeof(after)) == 0;
}

TEST(takes_a_token_of_each_kind, struct external_issuers *o)
{
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];

	assert_int_equal(verify(o, o->good, NOW), ERR_OK);
	external_issuers_sign(text, o->rsa[0],
	    "{\"kid\":\"rsa\",\"alg\":\"RS256\"}", EXTERNAL_ISSUERS_PAYLOAD);
	assert_int_equal(verify(o, text, NOW), ERR_OK);
	external_issuers_sign(text, o->ec[1], EXTERNAL_ISSUERS_HEADER,
	    "{\"iss\":\"" EXTERNAL_ISSUERS_TWO
	    "\",\"azp\":\"https://app.example\","
	    "\"sub\":\"1\"," EXTERNAL_ISSUERS_TIMES "}");
	assert_int_equal(verify(o, text, NOW), ERR_OK);
}

TEST(accepts_a_new_key_as_soon_as_it_is_stored, struct external_issuers *o)
{
	unsigned char before[TOKEN_DIGEST_BYTES];

	assert_int_equal(verify(o, o->good, NOW), ERR_OK);
	digest(o, NOW, before);
	external_issuers_publish(
	    o, EXTERNAL_ISSUERS_ONE, NOW + 60, UNKNOWN_KEY);
	assert_int_equal(verify(o, o->good, NOW + 60), ERR_DENIED);
	assert_false(digest_is(o, NOW + 60, before));
	/* fetching the same keys again does not invalidate the cache */
	external_issuers_publish(o, EXTERNAL_ISSUERS_ONE, NOW + 120, NULL);
	assert_int_equal(verify(o, o->good, NOW + 120), ERR_OK);
	assert_true(digest_is(o, NOW + 120, before));
}

TEST(reads_the_store_only_after_a_change, struct external_issuers *o)
{
	assert_int_equal(verify(o, o->good, NOW), ERR_OK);
	store_memory_fail_next(o->store, ERR_UNAVAILABLE);
	assert_int_equal(verify(o, o->good, NOW), ERR_OK);
	store_memory_fail_next(o->store, ERR_OK);
	external_issuers_publish(o, EXTERNAL_ISSUERS_TWO, NOW + 1, NULL);
	store_memory_fail_next(o->store, ERR_UNAVAILABLE);
	assert_int_equal(verify(o, o->good, NOW + 1), ERR_UNAVAILABLE);
	/* The failure is not remembered: the next call succeeds. */
	assert_int_equal(verify(o, o->good, NOW + 1), ERR_OK);
}

TEST(reads_the_store_each_time_while_the_version_is_unknown,
    struct external_issuers *o)
{
	assert_int_equal(verify(o, o->good, NOW), ERR_OK);
	unknown_coherence_put(o->store, 100);
	store_memory_fail_next(o->store, ERR_UNAVAILABLE);
	assert_int_equal(verify(o, o->good, NOW), ERR_UNAVAILABLE);
	assert_int_equal(verify(o, o->good, NOW), ERR_OK);
	external_issuers_publish(o, EXTERNAL_ISSUERS_ONE, NOW, UNKNOWN_KEY);
	assert_int_equal(verify(o, o->good, NOW), ERR_DENIED);
}

TEST(expired_keys_verify_nothing, struct external_issuers *o)
{
	const int64_t late = NOW + ISSUERS_HARD_AGE;
	unsigned char before[TOKEN_DIGEST_BYTES];
	char text[EXTERNAL_ISSUERS_TEXT_SIZE], payload[512];

	(void)snprintf(payload, sizeof(payload),
	    "{" EXTERNAL_ISSUERS_FOR_US ",\"iat\":%jd,\"exp\":%jd}",
	    (intmax_t)NOW, (intmax_t)late + 600);
	external_issuers_sign(text, o->ec[0], EXTERNAL_ISSUERS_HEADER, payload);
	external_issuers_publish(o, EXTERNAL_ISSUERS_TWO, NOW + 10, NULL);
	digest(o, NOW, before);
	assert_int_equal(verify(o, text, late - 1), ERR_OK);
	assert_true(digest_is(o, late - 1, before));
	assert_int_equal(verify(o, text, late), ERR_UNAVAILABLE);
	assert_false(digest_is(o, late, before));
	/* what is refused without a key still is */
	external_issuers_sign(
	    text, o->ec[0], EXTERNAL_ISSUERS_HEADER, EXTERNAL_ISSUERS_PAYLOAD);
	assert_int_equal(verify(o, text, late), ERR_DENIED);
}

TEST(without_keys_a_token_is_unavailable, struct external_issuers *o)
{
	const struct store_actor actor = { .address = "", .now = NOW };
	const struct issuer_keys tried = { .issuer = EXTERNAL_ISSUERS_TWO,
		.tried_at = NOW,
		.failures = 1,
		.error = "connect" };
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];

	assert_int_equal(
	    store_issuer_remove(o->store, &actor, EXTERNAL_ISSUERS_ONE),
	    ERR_OK);
	assert_int_equal(
	    jwks_refresh_request_time(o->m, EXTERNAL_ISSUERS_ONE), 0);
	assert_int_equal(verify(o, o->good, NOW), ERR_UNAVAILABLE);
	assert_int_equal(
	    jwks_refresh_request_time(o->m, EXTERNAL_ISSUERS_ONE), NOW);
	assert_int_equal(store_issuer_put(o->store, &actor, &tried), ERR_OK);
	external_issuers_sign(text, o->ec[1], EXTERNAL_ISSUERS_HEADER,
	    "{\"iss\":\"" EXTERNAL_ISSUERS_TWO
	    "\",\"azp\":\"https://app.example\","
	    "\"sub\":\"1\"," EXTERNAL_ISSUERS_TIMES "}");
	assert_int_equal(verify(o, text, NOW), ERR_UNAVAILABLE);
}

/* One request, by a token that is valid except for its key. */
TEST(only_an_unknown_key_requests_a_fetch, struct external_issuers *o)
{
	static const struct {
		const char *header, *payload;
		bool requested;
	} cases[] = {
		{ EXTERNAL_ISSUERS_HEADER, EXTERNAL_ISSUERS_PAYLOAD, false },
		{ "{\"alg\":\"ES256\"}", EXTERNAL_ISSUERS_PAYLOAD, false },
		{ "{\"alg\":\"ES256\",\"kid\":\"new\"}",
		    "{" EXTERNAL_ISSUERS_FOR_US ",\"iat\":1700000000,"
		    "\"exp\":1700000600}",
		    false },
		{ "{\"alg\":\"ES256\",\"kid\":\"new\"}",
		    "{\"iss\":\"" EXTERNAL_ISSUERS_ONE "\",\"sub\":\"1\","
		    "\"aud\":\"other\"," EXTERNAL_ISSUERS_TIMES "}",
		    false },
		{ "{\"alg\":\"none\",\"kid\":\"new\"}",
		    EXTERNAL_ISSUERS_PAYLOAD, false },
		{ "{\"alg\":\"ES256\",\"kid\":\"new\"}",
		    EXTERNAL_ISSUERS_PAYLOAD, true },
	};
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		external_issuers_sign(
		    text, o->ec[1], cases[i].header, cases[i].payload);
		assert_int_equal(verify(o, text, NOW + 1), ERR_DENIED);
		assert_int_equal(
		    jwks_refresh_request_time(o->m, EXTERNAL_ISSUERS_ONE),
		    cases[i].requested ? NOW + 1 : 0);
	}
}

/* The key is of another algorithm: a fetch would not help. */
TEST(no_fetch_is_requested_that_would_not_help, struct external_issuers *o)
{
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];

	external_issuers_sign(text, o->rsa[1],
	    "{\"alg\":\"RS256\",\"kid\":\"new\"}",
	    "{\"iss\":\"" EXTERNAL_ISSUERS_TWO
	    "\",\"azp\":\"https://app.example\","
	    "\"sub\":\"1\"," EXTERNAL_ISSUERS_TIMES "}");
	assert_int_equal(verify(o, text, NOW + 1), ERR_DENIED);
	external_issuers_publish(o, EXTERNAL_ISSUERS_TWO, NOW, TWO_KEYS);
	external_issuers_sign(text, o->ec[1], "{\"alg\":\"ES256\"}",
	    "{\"iss\":\"" EXTERNAL_ISSUERS_TWO
	    "\",\"azp\":\"https://app.example\","
	    "\"sub\":\"1\"," EXTERNAL_ISSUERS_TIMES "}");
	assert_int_equal(verify(o, text, NOW + 1), ERR_DENIED);
	assert_int_equal(
	    jwks_refresh_request_time(o->m, EXTERNAL_ISSUERS_TWO), 0);
}

TEST(reports_the_state_of_the_keys, struct external_issuers *o)
{
	const struct store_actor actor = { .address = "", .now = NOW };
	struct issuer_keys failed = { .issuer = EXTERNAL_ISSUERS_ONE,
		.fetched_at = NOW,
		.fresh_until = NOW + 7200,
		.tried_at = NOW + 7000,
		.failures = 3,
		.error = "timeout" };
	struct issuers_state s;

	assert_int_equal(issuers_count(NULL), 0);
	assert_int_equal(issuers_count(o->issuers), 2);
	assert_int_equal(issuers_refresh(o->issuers, NOW), ERR_OK);
	issuers_state(o->issuers, 0, NOW + 7199, &s);
	assert_string_equal(s.issuer, EXTERNAL_ISSUERS_ONE);
	assert_int_equal(s.freshness, ISSUERS_FRESH);
	assert_int_equal(s.keys, 2);
	assert_int_equal(s.fetched_at, NOW);
	assert_int_equal(s.fresh_until, NOW + 7200);
	assert_int_equal(s.failures, 0);
	assert_string_equal(s.error, "");
	issuers_state(o->issuers, 1, NOW, &s);
	assert_string_equal(s.issuer, EXTERNAL_ISSUERS_TWO);
	assert_int_equal(s.keys, 1); /* RS256 is not allowed there */

	failed.jwks = strdup(UNKNOWN_KEY);
	assert_int_equal(store_issuer_put(o->store, &actor, &failed), ERR_OK);
	issuer_keys_clear(&failed);
	assert_int_equal(issuers_refresh(o->issuers, NOW), ERR_OK);
	issuers_state(o->issuers, 0, NOW + 7200, &s);
	assert_int_equal(s.freshness, ISSUERS_STALE);
	assert_int_equal(s.tried_at, NOW + 7000);
	assert_int_equal(s.failures, 3);
	assert_string_equal(s.error, "timeout");
	assert_int_equal(s.keys, 1);
	issuers_state(o->issuers, 0, NOW + ISSUERS_HARD_AGE, &s);
	assert_int_equal(s.freshness, ISSUERS_EXPIRED);

	/* stored while the block allowed another algorithm */
	external_issuers_publish(o, EXTERNAL_ISSUERS_TWO, NOW, "{\"keys\":[]}");
	assert_int_equal(issuers_refresh(o->issuers, NOW), ERR_OK);
	issuers_state(o->issuers, 1, NOW, &s);
	assert_int_equal(s.freshness, ISSUERS_NONE);
	assert_int_equal(s.keys, 0);

	assert_string_equal(issuers_freshness_name(ISSUERS_NONE), "none");
	assert_string_equal(issuers_freshness_name(ISSUERS_FRESH), "fresh");
	assert_string_equal(issuers_freshness_name(ISSUERS_STALE), "stale");
	assert_string_equal(issuers_freshness_name(ISSUERS_EXPIRED), "expired");
}

/* The same store and keys, but a different issuers file. */
TEST(another_file_invalidates_cached_results, struct external_issuers *o)
{
	struct issuers_config other = *o->config;
	unsigned char one[TOKEN_DIGEST_BYTES], two[TOKEN_DIGEST_BYTES];
	struct issuers *is;

	other.digest[0] ^= 1;
	assert_int_equal(issuers_new(&other, o->store, o->m, &is), ERR_OK);
	digest(o, NOW, one);
	assert_int_equal(issuers_digest(is, o->good, NOW, two), ERR_OK);
	assert_memory_not_equal(one, two, sizeof(one));
	issuers_free(is);
}

TEST(refuses_a_digest_of_a_long_text, struct external_issuers *o)
{
	unsigned char dst[TOKEN_DIGEST_BYTES];
	char text[8194];

	memset(text, 'A', sizeof(text));
	text[8193] = '\0';
	assert_int_equal(
	    issuers_digest(o->issuers, text, NOW, dst), ERR_DENIED);
	text[8192] = '\0';
	assert_int_equal(issuers_digest(o->issuers, text, NOW, dst), ERR_OK);
}
