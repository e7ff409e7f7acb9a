/* SPDX-License-Identifier: ISC */
#include "issuers/issuers_claims.h"

#include "support/test.h"

#include <stdio.h>

#include "base/json_value.h"
#include "base/secret.h"
#include "issuers/external_account.h"
#include "issuers/issuers_config.h"
#include "store/store.h"

#define NOW ((int64_t)1800000000)
#define SUB "\"sub\":\"user_1\""
#define FOR_US "\"aud\":\"latchkey\""
#define TIMES "\"iat\":1800000000,\"exp\":1800000600"

/* Audience "latchkey" or "also"; some tests add an authorized party. */
static const struct issuer block = { .name = "https://one.example",
	.audience = { .list = { "latchkey", "also" }, .count = 2 },
	.algorithms = JWK_ALGS_ALL,
	.leeway = 5,
	.claim_email = "email",
	.claim_email_verified = "email_verified",
	.claim_name = "name",
	.claim_avatar = "picture" };

static struct json_value *
parse(const char *payload)
{
	struct json_value *doc;

	if (json_value_parse(payload, strlen(payload), &doc) != ERR_OK)
		fail_msg("no JSON: %s", payload);
	return doc;
}

static enum err
read_at(const struct issuer *issuer, const char *payload, int64_t now,
    struct claims *c)
{
	static const struct claims nothing;
	struct json_value *doc = parse(payload);
	enum err err;

	memset(c, 0xaa, sizeof(*c));
	err = issuers_claims(issuer, doc, now, c);
	if (err != ERR_OK) {
		assert_int_equal(err, ERR_DENIED);
		assert_memory_equal(c, &nothing, sizeof(*c));
	}
	json_value_free(doc);
	return err;
}

static enum err
check(const struct issuer *issuer, const char *payload, int64_t now)
{
	struct claims c;

	return read_at(issuer, payload, now, &c);
}

struct verdict {
	const char *members;
	bool good;
};

/* Each case with the other claims of a good payload. */
static void
check_cases(const struct issuer *issuer, const char *rest,
    const struct verdict *cases, size_t n)
{
	char payload[4096];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(payload, sizeof(payload), "{%s%s%s}",
		    cases[i].members, cases[i].members[0] != '\0' ? "," : "",
		    rest);
		if (check(issuer, payload, NOW) !=
		    (cases[i].good ? ERR_OK : ERR_DENIED))
			fail_msg("%s", payload);
	}
}

TEST(sets_the_claims_it_read)
{
	struct claims c;

	assert_int_equal(
	    read_at(&block,
		"{" SUB "," FOR_US ",\"iat\":1799999990,\"nbf\":1799999995,"
		"\"exp\":1800000600,\"jti\":\"a\",\"azp\":\"app\","
		"\"sid\":\"sess_1\",\"epoch\":7,\"roles\":[\"admin\"]}",
		NOW, &c),
	    ERR_OK);
	assert_int_equal(c.user_id, 0);
	assert_int_equal(c.epoch, 0);
	assert_int_equal(c.origin, TOKEN_OF_ISSUER);
	assert_string_equal(c.handle, "");
	assert_int_equal(c.issued_at, NOW - 10);
	assert_int_equal(c.not_before, NOW - 5);
	assert_int_equal(c.leeway, 5);
	assert_int_equal(c.expires_at, NOW + 605);
	assert_int_equal(
	    read_at(&block, "{" SUB "," FOR_US "," TIMES "}", NOW, &c), ERR_OK);
	assert_int_equal(c.not_before, NOW);
}

TEST(audience_must_include_this_site)
{
	static const struct verdict cases[] = {
		{ "\"aud\":\"latchkey\"", true },
		{ "\"aud\":\"also\"", true },
		{ "\"aud\":[\"other\",\"also\"]", true },
		{ "\"aud\":[\"latchkey\"],\"azp\":\"any party\"", true },
		{ "", false },
		{ "\"aud\":\"\"", false },
		{ "\"aud\":\"Latchkey\"", false },
		{ "\"aud\":\"latchkey also\"", false },
		{ "\"aud\":[]", false },
		{ "\"aud\":[\"other\"]", false },
		{ "\"aud\":null", false },
		{ "\"aud\":7", false },
		{ "\"aud\":true", false },
		{ "\"aud\":{\"0\":\"latchkey\"}", false },
		{ "\"aud\":[\"latchkey\",7]", false },
		{ "\"aud\":[null,\"latchkey\"]", false },
		{ "\"aud\":[[\"latchkey\"]]", false },
		{ "\"Aud\":\"latchkey\"", false },
		{ "\"azp\":\"latchkey\"", false },
		{ "\"aud\":\"latchkey\",\"azp\":7", false },
		{ "\"aud\":\"latchkey\",\"azp\":null", true },
		{ "\"aud\":\"latchkey\",\"azp\":[\"latchkey\"]", false },
	};

	check_cases(&block, SUB "," TIMES, cases, NELEMS(cases));
}

TEST(authorized_party_must_match)
{
	static const struct verdict cases[] = {
		{ "\"azp\":\"https://app.example\"", true },
		{ "\"azp\":\"https://app.example\",\"aud\":\"any\"", true },
		{ "\"azp\":\"https://app.example\",\"aud\":[\"a\",\"b\"]",
		    true },
		{ "\"azp\":\"https://app.example\",\"aud\":7", false },
		{ "\"azp\":\"https://app.example\",\"aud\":[7]", false },
		{ "\"azp\":\"https://app.example/\"", false },
		{ "\"azp\":\"https://evil.example\"", false },
		{ "\"azp\":\"\"", false },
		{ "\"azp\":null", false },
		{ "\"azp\":[\"https://app.example\"]", false },
		{ "\"aud\":\"https://app.example\"", false },
		{ "", false },
	};
	struct issuer party = block;

	memset(&party.audience, 0, sizeof(party.audience));
	party.authorized_party =
	    (struct issuer_texts){ .list = { "https://app.example" },
		    .count = 1 };
	check_cases(&party, SUB "," TIMES, cases, NELEMS(cases));

	/* If both are configured, both must match. */
	party.audience = block.audience;
	assert_int_equal(check(&party,
			     "{" SUB "," FOR_US "," TIMES
			     ",\"azp\":\"https://app.example\"}",
			     NOW),
	    ERR_OK);
	assert_int_equal(
	    check(&party, "{" SUB "," FOR_US "," TIMES "}", NOW), ERR_DENIED);
	assert_int_equal(
	    check(&party, "{" SUB "," TIMES ",\"azp\":\"https://app.example\"}",
		NOW),
	    ERR_DENIED);
}

/* From one second before the token is valid to one after. */
TEST(is_valid_within_the_leeway)
{
	static const int64_t leeways[] = { 0, 5, 60 };
	struct issuer issuer = block;

	for (size_t i = 0; i < NELEMS(leeways); i++) {
		const int64_t leeway = leeways[i];
		static const char iat[] =
		    "{" SUB "," FOR_US ",\"iat\":1800000000,"
		    "\"exp\":1800000600}";
		static const char nbf[] =
		    "{" SUB "," FOR_US ",\"iat\":1799999000,"
		    "\"nbf\":1800000000,\"exp\":1800000600}";

		issuer.leeway = leeway;
		for (int64_t at = -1; at <= 1; at++) {
			const enum err begun = at < 0 ? ERR_DENIED : ERR_OK;
			const enum err over = at < 0 ? ERR_OK : ERR_DENIED;

			assert_int_equal(
			    check(&issuer, iat, NOW - leeway + at), begun);
			assert_int_equal(
			    check(&issuer, nbf, NOW - leeway + at), begun);
			assert_int_equal(
			    check(&issuer, iat, NOW + 600 + leeway + at), over);
		}
	}
}

TEST(times_are_seconds)
{
	static const char *const names[] = { "iat", "nbf", "exp" };
	static const char *const bad[] = { "\"1800000000\"", "true",
		"[1800000000]", "{}", "-1", "-0.5", "\"\"", "1e400",
		"9007199254740992", "9007199254740993", "9223372036854775807",
		"-9223372036854775808", "18446744073709551616", "1e16" };
	char payload[512];

	for (size_t i = 0; i < NELEMS(names); i++) {
		for (size_t j = 0; j < NELEMS(bad); j++) {
			struct json_value *doc;

			(void)snprintf(payload, sizeof(payload),
			    "{" SUB "," FOR_US "%s%s,\"%s\":%s}",
			    i == 0 ? "" : ",\"iat\":1800000000",
			    i == 2 ? "" : ",\"exp\":1800000600", names[i],
			    bad[j]);
			/* A number beyond a double is not accepted as JSON. */
			if (json_value_parse(payload, strlen(payload), &doc) !=
			    ERR_OK)
				continue;
			json_value_free(doc);
			if (check(&block, payload, NOW) != ERR_DENIED)
				fail_msg("taken: %s", payload);
		}
	}
	assert_int_equal(
	    check(&block, "{" SUB "," FOR_US ",\"iat\":1800000000}", NOW),
	    ERR_DENIED);
	assert_int_equal(
	    check(&block, "{" SUB "," FOR_US ",\"exp\":1800000600}", NOW),
	    ERR_DENIED);
}

TEST(times_may_have_a_fraction)
{
	assert_int_equal(check(&block,
			     "{" SUB "," FOR_US ",\"iat\":1800000000.9,"
			     "\"nbf\":1799999999.5,\"exp\":1800000600.5}",
			     NOW),
	    ERR_OK);
	assert_int_equal(check(&block,
			     "{" SUB "," FOR_US ",\"iat\":1800000000.9,"
			     "\"nbf\":null,\"exp\":1800000600.5}",
			     NOW),
	    ERR_OK);
}

/* A longer life would exceed the memory of deleted accounts. */
TEST(lives_no_longer_than_deleted_accounts_are_kept)
{
	char payload[256];

	for (int64_t more = 0; more <= 1; more++) {
		(void)snprintf(payload, sizeof(payload),
		    "{" SUB "," FOR_US ",\"iat\":%jd,\"exp\":%jd}",
		    (intmax_t)NOW,
		    (intmax_t)(NOW + STORE_AUDIT_SECONDS + more));
		assert_int_equal(check(&block, payload, NOW),
		    more == 0 ? ERR_OK : ERR_DENIED);
	}
	assert_int_equal(check(&block,
			     "{" SUB "," FOR_US ",\"iat\":0,"
			     "\"exp\":1800000600}",
			     NOW),
	    ERR_DENIED);
}

TEST(sub_is_a_bounded_string)
{
	static const struct verdict cases[] = {
		{ "\"sub\":\"1\"", true },
		{ "\"sub\":\"auth0|' OR 1=1 --\"", true },
		{ "\"sub\":\"\xc3\xa9\"", true },
		{ "", false },
		{ "\"sub\":\"\"", false },
		{ "\"sub\":1", false },
		{ "\"sub\":null", false },
		{ "\"sub\":[\"1\"]", false },
		{ "\"sub\":true", false },
		{ "\"Sub\":\"1\"", false },
	};
	char payload[1024];

	check_cases(&block, FOR_US "," TIMES, cases, NELEMS(cases));
	for (int len = ISSUER_SUBJECT_SIZE - 1; len <= ISSUER_SUBJECT_SIZE;
	     len++) {
		(void)snprintf(payload, sizeof(payload),
		    "{\"sub\":\"%0*d\"," FOR_US "," TIMES "}", len, 0);
		assert_int_equal(check(&block, payload, NOW),
		    len < ISSUER_SUBJECT_SIZE ? ERR_OK : ERR_DENIED);
	}
}

TEST(jti_is_a_bounded_string_if_present)
{
	static const struct verdict cases[] = {
		{ "", true },
		{ "\"jti\":\"a\"", true },
		{ "\"jti\":\"\"", false },
		{ "\"jti\":1", false },
		{ "\"jti\":null", true },
		{ "\"jti\":[\"a\"]", false },
		{ "\"jti\":false", false },
	};

	check_cases(&block, SUB "," FOR_US "," TIMES, cases, NELEMS(cases));
}

static void
name(const char *issuer_name, const char *payload, const char *text,
    char dst[TOKEN_JTI_SIZE])
{
	struct json_value *doc = parse(payload);
	struct issuer issuer = block;
	struct claims c = { 0 };

	(void)snprintf(issuer.name, sizeof(issuer.name), "%s", issuer_name);
	issuers_claims_name(&issuer, doc, text, &c);
	memcpy(dst, c.jti, TOKEN_JTI_SIZE);
	json_value_free(doc);
}

/* printf 'https://one.example\0jti\0a\0' | sha256sum, and so on */
TEST(has_a_name_for_the_blacklist)
{
	char one[TOKEN_JTI_SIZE], two[TOKEN_JTI_SIZE];

	name("https://one.example", "{\"jti\":\"a\"}", "h.p.s", one);
	assert_string_equal(one,
	    "4ea22eabbf6d18b83ff34ed883a908624741bd5e4cd6772299f8c0e69cd18089");
	name("https://one.example", "{\"jti\":\"a\"}", "H.P.S", two);
	assert_string_equal(one, two);
	name("https://two.example", "{\"jti\":\"a\"}", "h.p.s", two);
	assert_string_not_equal(one, two);
	name("https://one.example", "{\"jti\":\"b\"}", "h.p.s", two);
	assert_string_not_equal(one, two);

	name("https://one.example", "{}", "h.p.s", one);
	assert_string_equal(one,
	    "5e69fab083a49614f7b0c710fea12e4ed5e2f3190ac6894cab44e78590d1af23");
	name("https://one.example", "{}", "h.p.t", two);
	assert_string_equal(one, two);
	name("https://one.example", "{}", "h.q.s", two);
	assert_string_not_equal(one, two);
	/* a jti and a signed text with the same bytes have different names */
	name("https://one.example", "{\"jti\":\"h.p\"}", "h.p.s", two);
	assert_string_not_equal(one, two);
}

/* ---- profile ---- */

static void
map(const struct issuer *issuer, const char *members, struct external *external)
{
	char payload[8192];
	struct json_value *doc;

	(void)snprintf(payload, sizeof(payload), "{" SUB "%s%s}",
	    members[0] != '\0' ? "," : "", members);
	doc = parse(payload);
	memset(external, 0xaa, sizeof(*external));
	issuers_claims_map(issuer, doc, external);
	assert_ptr_equal(external->issuer, issuer);
	assert_string_equal(external->subject, "user_1");
	json_value_free(doc);
}

TEST(reads_the_mapped_claims)
{
	static const char *const spellings[] = { "true", "\"true\"", "1",
		"\"1\"" };
	struct external external;
	char claims[128];

	map(&block,
	    "\"email\":\"Ada@Example.org\",\"email_verified\":true,"
	    "\"name\":\"Ada\",\"picture\":\"https://one.example/ada.png\","
	    "\"role\":\"admin\"",
	    &external);
	assert_string_equal(external.email, "Ada@Example.org");
	assert_string_equal(external.normal, "ada@example.org");
	assert_string_equal(external.name, "Ada");
	assert_string_equal(external.avatar_url, "https://one.example/ada.png");
	/* Apple and Entra spell true otherwise. */
	for (size_t i = 0; i < NELEMS(spellings); i++) {
		(void)snprintf(claims, sizeof(claims),
		    "\"email\":\"ada@example.org\",\"email_verified\":%s",
		    spellings[i]);
		map(&block, claims, &external);
		assert_string_equal(external.email, "ada@example.org");
	}
	map(&block, "", &external);
	assert_string_equal(external.email, "");
	assert_string_equal(external.normal, "");
	assert_string_equal(external.name, "");
	assert_string_equal(external.avatar_url, "");
}

TEST(maps_other_names)
{
	struct issuer other = block;
	struct external external;

	(void)snprintf(other.claim_email, sizeof(other.claim_email), "mail");
	(void)snprintf(other.claim_email_verified,
	    sizeof(other.claim_email_verified), "https://a.example/ok");
	(void)snprintf(other.claim_name, sizeof(other.claim_name), "nick");
	other.claim_avatar[0] = '\0';
	map(&other,
	    "\"mail\":\"ada@example.org\",\"https://a.example/ok\":true,"
	    "\"nick\":\"Ada\",\"name\":\"No\",\"\":\"https://a.example/\"",
	    &external);
	assert_string_equal(external.email, "ada@example.org");
	assert_string_equal(external.name, "Ada");
	assert_string_equal(external.avatar_url, "");
	other.claim_email_verified[0] = '\0';
	map(&other, "\"mail\":\"ada@example.org\",\"\":true", &external);
	assert_string_equal(external.email, "");
}

/* An unverified address could be any user's. */
TEST(ignores_an_unverified_address)
{
	static const char *const bad[] = {
		"\"email\":\"ada@example.org\"",
		"\"email\":\"ada@example.org\",\"email_verified\":false",
		"\"email\":\"ada@example.org\",\"email_verified\":null",
		"\"email\":\"ada@example.org\",\"email_verified\":0",
		"\"email\":\"ada@example.org\",\"email_verified\":2",
		"\"email\":\"ada@example.org\",\"email_verified\":\"false\"",
		"\"email\":\"ada@example.org\",\"email_verified\":\"\"",
		"\"email\":\"ada@example.org\",\"email_verified\":[true]",
		"\"email\":\"ada@example.org\",\"Email_verified\":true",
		"\"email\":\"ada\",\"email_verified\":true",
		"\"email\":\"\",\"email_verified\":true",
		"\"email\":7,\"email_verified\":true",
		"\"email\":null,\"email_verified\":true",
		"\"email\":[\"ada@example.org\"],\"email_verified\":true",
		"\"email_verified\":true",
	};
	struct external external;

	for (size_t i = 0; i < NELEMS(bad); i++) {
		map(&block, bad[i], &external);
		if (external.email[0] != '\0' || external.normal[0] != '\0')
			fail_msg("believed: %s", bad[i]);
	}
}

TEST(ignores_invalid_values)
{
	static const char *const bad[] = {
		"\"name\":\"\",\"picture\":\"\"",
		"\"name\":\"a\\nb\",\"picture\":\"javascript:alert(1)\"",
		"\"name\":7,\"picture\":7",
		"\"name\":null,\"picture\":null",
		"\"name\":[\"a\"],\"picture\":{}",
		"\"name\":\"  \",\"picture\":\"/ada.png\"",
	};
	struct external external;
	char members[4096];

	for (size_t i = 0; i < NELEMS(bad); i++) {
		map(&block, bad[i], &external);
		if (external.name[0] != '\0' || external.avatar_url[0] != '\0')
			fail_msg("kept: %s", bad[i]);
	}
	(void)snprintf(members, sizeof(members),
	    "\"name\":\"%0*d\",\"picture\":\"https://a.example/%0*d\"", 101, 0,
	    512, 0);
	map(&block, members, &external);
	assert_string_equal(external.name, "");
	assert_string_equal(external.avatar_url, "");
}

/* The digest depends on each of the four values and on nothing else. */
TEST(the_digest_changes_with_the_profile)
{
	static const char *const others[] = {
		"",
		"\"email\":\"b@a.example\",\"email_verified\":true,"
		"\"name\":\"A\",\"picture\":\"https://a.example/\"",
		"\"email\":\"A@a.example\",\"email_verified\":true,"
		"\"name\":\"A\",\"picture\":\"https://a.example/\"",
		"\"email\":\"a@a.example\",\"email_verified\":false,"
		"\"name\":\"A\",\"picture\":\"https://a.example/\"",
		"\"email\":\"a@a.example\",\"email_verified\":true,"
		"\"name\":\"B\",\"picture\":\"https://a.example/\"",
		"\"email\":\"a@a.example\",\"email_verified\":true,"
		"\"name\":\"A\",\"picture\":\"https://a.example/b\"",
	};
	struct external one, two;

	map(&block,
	    "\"email\":\"a@a.example\",\"email_verified\":true,"
	    "\"name\":\"A\",\"picture\":\"https://a.example/\"",
	    &one);
	for (size_t i = 0; i < NELEMS(others); i++) {
		map(&block, others[i], &two);
		assert_memory_not_equal(
		    one.digest, two.digest, sizeof(one.digest));
	}
	map(&block,
	    "\"picture\":\"https://a.example/\",\"jti\":\"b\","
	    "\"name\":\"A\",\"email_verified\":true,"
	    "\"email\":\"a@a.example\",\"iat\":1",
	    &two);
	assert_memory_equal(one.digest, two.digest, sizeof(one.digest));
}
