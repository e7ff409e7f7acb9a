/* SPDX-License-Identifier: ISC */
#include "auth/password.h"

#include "support/test.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/json_value.h"
#include "base/secret.h"
#include "base/str.h"
#include "support/child.h"
#include "support/vectors.h"

static const struct password_params weak = { .kib = 8, .passes = 1 };

static const char *const common[] = {
#include "auth/common_passwords.inc"
};

TEST(verifies_what_it_hashed)
{
	char hash[USER_HASH_SIZE], again[USER_HASH_SIZE];

	assert_int_equal(password_hash(&weak, "a good one", hash), ERR_OK);
	assert_int_equal(password_hash(&weak, "a good one", again), ERR_OK);
	assert_string_not_equal(hash, again);
	assert_memory_equal(hash, "$argon2id$v=19$m=8,t=1,p=1$", 27);
	assert_int_equal(password_verify(&weak, hash, "a good one"), ERR_OK);
	assert_int_equal(password_verify(&weak, hash, "a good on"), ERR_DENIED);
	assert_int_equal(password_verify(&weak, hash, ""), ERR_DENIED);
	assert_int_equal(
	    password_verify(&weak, hash, "a good one "), ERR_DENIED);
}

TEST(never_verifies_without_a_hash)
{
	char hash[USER_HASH_SIZE];

	assert_int_equal(password_verify(&weak, "", ""), ERR_DENIED);
	assert_int_equal(password_verify(&weak, "", "password"), ERR_DENIED);
	/* Not even with the salt that stands in for a real one. */
	assert_int_equal(password_hash(&weak, "password", hash), ERR_OK);
	assert_int_equal(password_verify(&weak, "", "password"), ERR_DENIED);
	assert_false(password_outdated(&weak, ""));
}

TEST(verifies_the_reference_vectors)
{
	struct json_value *doc = vectors_load("argon2id.json");
	const struct json_value *list = json_value_member(doc, "vectors");
	size_t n = json_value_size(list);

	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++) {
		const struct json_value *v = json_value_at(list, i);
		const char *hash =
		    json_value_string(json_value_member(v, "hash"));
		const char *password =
		    json_value_string(json_value_member(v, "password"));

		assert_int_equal(
		    password_verify(&weak, hash, password), ERR_OK);
		assert_int_equal(
		    password_verify(&weak, hash, "passwore"), ERR_DENIED);
	}
	json_value_free(doc);
}

/* A damaged row is an error, no wrong password. */
TEST(calls_a_malformed_hash_an_error)
{
	static const char *const bad[] = {
		"password",
		"$argon2id$",
		/* a dollar missing in two places; no salt; no tag */
		"$argon2id$v=19$m=256,t=2,p=1c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"
		"nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
		/* other kinds and versions */
		"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ"
		"$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
		"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$m=256,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		/* numbers: none, zero, leading zero, sign, out of bounds */
		"$argon2id$v=19$m=,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=0256,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=+256,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=7,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=8,t=2,p=2$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=4194305,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=18446744073709551872,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		/* base64: padded, bits left over, foreign letters, more after
		 */
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ="
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/5",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR_uIPnA4rEsF5h7TKyQwu9U1bMCHGi_4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4\n",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"
		"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4$",
	};

	for (size_t i = 0; i < NELEMS(bad); i++) {
		if (password_verify(&weak, bad[i], "password") != ERR_INTERNAL)
			fail_msg("taken: %s", bad[i]);
		assert_false(password_outdated(&weak, bad[i]));
	}
}

/* A hash of 256 MiB fails with 64 MiB of address space left. */
static void
hash_without_memory(void *ctx)
{
	static const struct password_params big = { .kib = 256 * 1024,
		.passes = 1 };
	static const char *const stored[] = {
		/* with our salt, and with one of another length */
		"$argon2id$v=19$m=262144,t=2,p=1$tzm9f9aBGpjjrhA7x/i7sA"
		"$dh48Txt2r06kKMnerzphzO/2IsLMhqjV2BHenFovpIM",
		"$argon2id$v=19$m=262144,t=2,p=1$c29tZXNhbHQ"
		"$eP4eyR+zqlZX1y5xCFTkw9m5GYx0L5YWwvCFvtlbLow",
	};
	char hash[USER_HASH_SIZE] = "not touched";
	struct rlimit limit;
	long pages = 0;
	FILE *statm;

	(void)ctx;
	statm = fopen("/proc/self/statm", "re");
	child_check(statm != NULL && fscanf(statm, "%ld", &pages) == 1);
	fclose(statm);
	limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) +
	    (rlim_t)64 * 1024 * 1024;
	limit.rlim_max = limit.rlim_cur;
	child_check(setrlimit(RLIMIT_AS, &limit) == 0);

	child_check(password_hash(&big, "password", hash) == ERR_UNAVAILABLE);
	child_check(hash[0] == '\0');
	child_check(password_verify(&big, "", "password") == ERR_UNAVAILABLE);
	child_check(password_verify(&big, "", "password") == ERR_UNAVAILABLE);
	for (size_t i = 0; i < NELEMS(stored); i++)
		child_check(password_verify(&weak, stored[i], "password") ==
		    ERR_UNAVAILABLE);
	child_check(password_hash(&weak, "password", hash) == ERR_OK);
	child_check(password_verify(&weak, hash, "password") == ERR_OK);
}

TEST(calls_a_lack_of_memory_no_denial)
{
	child_passed(child_start(hash_without_memory, NULL));
}

TEST(is_outdated_when_parameters_rose)
{
	static const struct {
		int kib, passes;
		bool outdated;
	} now[] = {
		{ 64, 2, false },
		{ 65, 2, true },
		{ 64, 3, true },
		{ 8, 1, false },
		{ 63, 2, false },
	};
	static const struct password_params then = { .kib = 64, .passes = 2 };
	char hash[USER_HASH_SIZE];

	assert_int_equal(password_hash(&then, "password", hash), ERR_OK);
	for (size_t i = 0; i < NELEMS(now); i++) {
		struct password_params params = { now[i].kib, now[i].passes };

		assert_int_equal(
		    password_outdated(&params, hash), now[i].outdated);
		/* it verifies under old and new parameters */
		assert_int_equal(
		    password_verify(&params, hash, "password"), ERR_OK);
	}
}

TEST(normal_form_is_nfkc)
{
	char a[PASSWORD_NORMAL_SIZE], b[PASSWORD_NORMAL_SIZE];

	/* e and combining acute, and é; the ligature fi, and f i */
	assert_int_equal(password_normal(a,
			     "cafe\xcc\x81 "
			     "\xef\xac\x81sh"),
	    ERR_OK);
	assert_int_equal(password_normal(b, "caf\xc3\xa9 fish"), ERR_OK);
	assert_string_equal(a, b);
	/* letter case is kept, spaces too */
	assert_int_equal(password_normal(a, " PassWord "), ERR_OK);
	assert_string_equal(a, " PassWord ");
	assert_int_equal(password_normal(a, ""), ERR_OK);
	assert_string_equal(a, "");
	assert_int_equal(password_normal(a, "ab\xff"), ERR_INVALID);
	assert_string_equal(a, "");
	assert_int_equal(password_normal(a, "ab\xc0\x80"), ERR_INVALID);
}

/* Write ${n} times ${unit}. */
static void
repeat(char *dst, const char *unit, size_t n)
{
	size_t len = strlen(unit);

	for (size_t i = 0; i < n; i++)
		memcpy(dst + i * len, unit, len);
	dst[n * len] = '\0';
}

TEST(normal_form_has_at_most_128_characters)
{
	char normal[PASSWORD_NORMAL_SIZE], text[70000];

	repeat(text, "x", 128);
	assert_int_equal(password_normal(normal, text), ERR_OK);
	assert_int_equal(strlen(normal), 128);
	repeat(text, "x", 129);
	assert_int_equal(password_normal(normal, text), ERR_INVALID);
	assert_string_equal(normal, "");
	repeat(text, "\xf0\x9f\x98\x80", 128); /* 4 bytes each */
	assert_int_equal(password_normal(normal, text), ERR_OK);
	assert_int_equal(strlen(normal), 512);
	repeat(text, "e\xcc\x81", 128); /* counted after NFKC */
	assert_int_equal(password_normal(normal, text), ERR_OK);
	assert_int_equal(strlen(normal), 256);
	repeat(text, "\xef\xb7\xba", 8); /* 18 characters each, after NFKC */
	assert_int_equal(password_normal(normal, text), ERR_INVALID);
	repeat(text, "x", 65536);
	assert_int_equal(password_normal(normal, text), ERR_INVALID);
}

TEST(policy_refuses_weak_passwords)
{
	static const struct {
		const char *password, *word; /* in the sentence */
	} cases[] = {
		{ "", "at least 8" },
		{ "Xk9$vQ2", "at least 8" },
		{ "\xf0\x9f\x98\x80\xf0\x9f\x98\x81\xf0\x9f\x98\x82",
		    "at least" },
		{ "password", "most used" },
		{ "PassWord", "most used" },
		{ "12345678", "most used" },
		{ "correcthorsebatterystaple", "most used" },
		{ "pass\xe2\x80\x8bword1", "most used" }, /* with ZWSP */
		{ "Zoe.Winterbottom@Example.org", "email" },
		{ "zoe.winterbottom", "email" },
		{ "ZO\xc3\x8b WINTERBOTTOM", "name" },
		{ "aaaaaaaaaaaaa", "guess" },
		{ "abcdefghijklm", "guess" },
		{ "19840317", "guess" },
		{ "passwordpasswordpasswordpasswordpassword", "guess" },
		{ "winterbottom1", "guess" },
	};
	const char *why;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		enum err err = password_policy(cases[i].password,
		    "zoe.winterbottom@example.org", "Zo\xc3\xab Winterbottom",
		    &why);

		if (err != ERR_DENIED)
			fail_msg("taken: %s", cases[i].password);
		assert_non_null(why);
		if (strstr(why, cases[i].word) == NULL)
			fail_msg("%s: %s", cases[i].password, why);
	}
}

TEST(policy_accepts_good_passwords)
{
	static const char *const good[] = {
		"Xk9$vQ2m",
		"tangerine orbit walrus",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaXk9$vQ2m", /* weak, strong */
		/* Eight letters and more, two bytes each. */
		("\xd0\xb7\xd0\xb5\xd0\xbb\xd0\xb5\xd0\xbd\xd1\x8b\xd0\xb9"
		 " \xd1\x81\xd0\xbb\xd0\xbe\xd0\xbd"),
		"        x Q7 z   9",
	};
	const char *why;

	for (size_t i = 0; i < NELEMS(good); i++) {
		if (password_policy(good[i], "zoe@example.org", "Zoe", &why) !=
		    ERR_OK)
			fail_msg("refused: %s: %s", good[i], why);
		assert_null(why);
	}
	/* without address and name, as on the command line */
	assert_int_equal(password_policy(good[0], "", "", &why), ERR_OK);
	assert_int_equal(
	    password_policy(good[0], "\xff", "", &why), ERR_INVALID);
}

static int64_t
policy_cost(const char *text)
{
	struct timespec before, after;
	const char *why;
	int64_t least = INT64_MAX;

	for (int i = 0; i < 3; i++) {
		int64_t cost;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
		assert_int_equal(
		    password_policy(text, "a@example.org", "A", &why),
		    ERR_DENIED);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
		cost = (after.tv_sec - before.tv_sec) * 1000000000 +
		    (after.tv_nsec - before.tv_nsec);
		if (cost < least)
			least = cost;
	}
	return least;
}

/*
 * Four times the length take four times the work.  With alternating digits,
 * zxcvbn alone would take 250 times as much, more than a second.
 */
TEST(policy_work_grows_with_length_only)
{
	static const char *const units[] = { "12", "98", "0o" };
	char text[129];

	for (size_t i = 0; i < NELEMS(units); i++) {
		int64_t little, much;

		repeat(text, units[i], 16);
		little = policy_cost(text);
		repeat(text, units[i], 64);
		much = policy_cost(text);
		if (much > 25 * little)
			fail_msg("%s: %ld ns, and %ld for four times that",
			    units[i], (long)little, (long)much);
	}
}

TEST(common_list_is_sorted_folded_and_long_enough)
{
	const char *why;

	assert_true(NELEMS(common) >= 500);
	for (size_t i = 0; i < NELEMS(common); i++) {
		size_t chars;

		if (i > 0 && strcmp(common[i - 1], common[i]) >= 0)
			fail_msg("%s is out of order", common[i]);
		assert_int_equal(
		    str_utf8_chars(common[i], strlen(common[i]), &chars),
		    ERR_OK);
		assert_true(chars >= 8);
		assert_int_equal(
		    password_policy(common[i], "", "", &why), ERR_DENIED);
		/* refused as common, so case is folded first */
		assert_non_null(strstr(why, "most used"));
	}
}
