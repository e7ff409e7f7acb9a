/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/store_cases.h"

#define NOW TEST_USERS_NOW

static struct issuer_keys got[ISSUERS_MAX];

static void
forget(void)
{
	for (size_t i = 0; i < ISSUERS_MAX; i++)
		issuer_keys_clear(&got[i]);
}

/* In got, until forgotten. */
static size_t
list(struct fixture *f)
{
	size_t n = 99;

	forget();
	dirty(got, sizeof(got));
	gives(ERR_OK, store_issuers(f->st, got, &n));
	return n;
}

/* ${jwks} is borrowed. */
static enum err
put(struct fixture *f, const char *issuer, char *jwks, int64_t tried_at)
{
	struct issuer_keys k = { .jwks = jwks,
		.fetched_at = jwks != NULL ? tried_at - 1 : 0,
		.fresh_until = jwks != NULL ? tried_at + 7200 : 0,
		.tried_at = tried_at,
		.failures = jwks != NULL ? 0 : 3 };

	(void)snprintf(k.issuer, sizeof(k.issuer), "%s", issuer);
	(void)snprintf(
	    k.error, sizeof(k.error), "%s", jwks != NULL ? "" : "timeout");
	return store_issuer_put(f->st, &f->actor, &k);
}

TEST(rows_come_back_by_name, struct fixture *f)
{
	static char set[] = "{\"keys\":[\"a\"]}";

	assert_int_equal(list(f), 0);
	gives(ERR_OK, put(f, "https://b.example", set, NOW));
	assert_int_equal(f->tidied, 1);
	assert_true(tidied(f, ISSUERS_KEY));
	gives(ERR_OK, put(f, "https://a.example", NULL, NOW + 1));
	assert_int_equal(list(f), 2);
	assert_string_equal(got[0].issuer, "https://a.example");
	assert_null(got[0].jwks);
	assert_string_equal(got[0].error, "timeout");
	assert_int_equal(got[0].fetched_at, 0);
	assert_int_equal(got[0].tried_at, NOW + 1);
	assert_int_equal(got[0].failures, 3);
	assert_string_equal(got[1].issuer, "https://b.example");
	assert_string_equal(got[1].jwks, set);
	assert_string_equal(got[1].error, "");
	assert_int_equal(got[1].fetched_at, NOW - 1);
	assert_int_equal(got[1].fresh_until, NOW + 7200);
	assert_int_equal(got[1].tried_at, NOW);
	assert_int_equal(got[1].failures, 0);
	forget();
}

TEST(a_row_is_replaced_whole, struct fixture *f)
{
	static char set[] = "{\"keys\":[\"a\"]}";

	gives(ERR_OK, put(f, "https://a.example", set, NOW));
	gives(ERR_OK, put(f, "https://a.example", NULL, NOW + 9));
	assert_int_equal(list(f), 1);
	assert_null(got[0].jwks);
	assert_int_equal(got[0].tried_at, NOW + 9);
	assert_int_equal(got[0].fresh_until, 0);
	gives(ERR_OK, put(f, "https://a.example", set, NOW + 10));
	assert_int_equal(list(f), 1);
	assert_string_equal(got[0].jwks, set);
	assert_int_equal(got[0].failures, 0);
	assert_string_equal(got[0].error, "");
	forget();
}

TEST(a_row_that_is_removed_is_gone, struct fixture *f)
{
	static char set[] = "{}";

	gives(ERR_OK, put(f, "https://a.example", set, NOW));
	gives(ERR_OK, put(f, "https://b.example", set, NOW));
	f->tidied = 0;
	gives(
	    ERR_OK, store_issuer_remove(f->st, &f->actor, "https://a.example"));
	assert_int_equal(f->tidied, 1);
	assert_true(tidied(f, ISSUERS_KEY));
	assert_int_equal(list(f), 1);
	assert_string_equal(got[0].issuer, "https://b.example");
	gives(
	    ERR_OK, store_issuer_remove(f->st, &f->actor, "https://a.example"));
	assert_int_equal(list(f), 1);
	forget();
}

TEST(a_set_may_be_large_but_not_larger, struct fixture *f)
{
	char *set = malloc(ISSUER_JWKS_MAX + 2);

	assert_non_null(set);
	memset(set, 'x', ISSUER_JWKS_MAX + 1);
	set[ISSUER_JWKS_MAX + 1] = '\0';
	gives(ERR_INVALID, put(f, "https://a.example", set, NOW));
	assert_int_equal(f->tidied, 0);
	assert_int_equal(list(f), 0);
	set[ISSUER_JWKS_MAX] = '\0';
	gives(ERR_OK, put(f, "https://a.example", set, NOW));
	assert_int_equal(list(f), 1);
	assert_string_equal(got[0].jwks, set);
	forget();
	free(set);
}

TEST(the_number_is_limited, struct fixture *f)
{
	char name[ISSUER_NAME_SIZE];

	for (int i = 0; i < ISSUERS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "https://%d.example", i);
		gives(ERR_OK, put(f, name, NULL, NOW));
	}
	gives(ERR_LIMITED, put(f, "https://more.example", NULL, NOW));
	/* An existing one can still be replaced. */
	gives(ERR_OK, put(f, "https://0.example", NULL, NOW + 1));
	assert_int_equal(list(f), ISSUERS_MAX);
	assert_int_equal(got[0].tried_at, NOW + 1);
	forget();
}

TEST(a_failure_is_no_list, struct fixture *f)
{
	static char set[] = "{}";
	size_t n = 99;

	gives(ERR_OK, put(f, "https://a.example", set, NOW));
	break_store(f);
	dirty(got, sizeof(got));
	gives(ERR_UNAVAILABLE, store_issuers(f->st, got, &n));
	assert_int_equal(n, 0);
	assert_true(all_zero(got, sizeof(got)));
	break_store(f);
	gives(ERR_UNAVAILABLE, put(f, "https://a.example", NULL, NOW));
	mend_store(f);
	assert_int_equal(list(f), 1);
	assert_string_equal(got[0].jwks, set);
	forget();
}

STORE_FIXTURES;
