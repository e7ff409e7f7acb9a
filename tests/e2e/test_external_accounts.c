/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>

#include "support/external_issuer_site.h"
#include "support/operation.h"

/*
 * A token of another issuer stands for its own account. Only an issuer that may
 * link by e-mail reaches an existing account, and never an administrator's. The
 * second issuer may link, the first may not.
 */
#define WORKERS 4

static long long
id_of(struct external_site *f, struct test_issuer *p, const char *args)
{
	char token[TEST_ISSUER_TOKEN_SIZE];

	test_issuer_token(p, token, "'ec', %s", args);
	return external_site_id(f, token);
}

static long long
id_with(struct external_site *f, struct test_issuer *p, const char *subject,
    const char *email, const char *verified)
{
	char args[256];

	snprintf(args, sizeof(args),
	    "claims={'sub': '%s', 'email': '%s', 'email_verified': %s,"
	    " 'name': 'From elsewhere'}",
	    subject, email, verified);
	return id_of(f, p, args);
}

/* Check the user in the last answer; NULL for null. */
static void
assert_user(struct external_site *f, const char *member, const char *value)
{
	char path[64];
	const char *got;

	snprintf(path, sizeof(path), "user.%s", member);
	got = web_text(&f->site.reply, path);
	if (value == NULL ? got != NULL
			  : got == NULL || strcmp(got, value) != 0)
		fail_msg("%s is not %s: %s", member,
		    value != NULL ? value : "null", f->site.reply.body.data);
}

TEST(a_subject_is_the_same_user_each_time, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE];
	long long id = id_of(f, f->first, "claims={'sub': 'ann'}");

	assert_user(f, "role", "user");
	assert_user(f, "email", NULL);
	assert_int_equal(id_of(f, f->first, "claims={'sub': 'ann'}"), id);
	assert_int_equal(
	    id_of(f, f->first, "claims={'sub': 'ann', 'jti': 'x'}"), id);
	test_issuer_token(f->first, token, "'rsa', claims={'sub': 'ann'}");
	assert_int_equal(external_site_id(f, token), id);
	assert_int_not_equal(id_of(f, f->first, "claims={'sub': 'Ann'}"), id);
	assert_int_not_equal(id_of(f, f->first, "claims={'sub': 'ann '}"), id);
	/* the same subject of another issuer is another user */
	assert_int_not_equal(id_of(f, f->second, "claims={'sub': 'ann'}"), id);
}

TEST(a_verified_free_address_is_stored, struct external_site *f)
{
	long long id, other;

	id_with(f, f->first, "bea", "bea@example.net", "False");
	assert_user(f, "email", NULL);
	id_with(f, f->first, "bea", "bea@example.net", "'false'");
	assert_user(f, "email", NULL);
	id_with(f, f->first, "bea", "bea@example.net", "0");
	assert_user(f, "email", NULL);
	id = id_of(
	    f, f->first, "claims={'sub': 'bob', 'email': 'bob@example.net'}");
	assert_user(f, "email", NULL);
	/* now it is verified, and found in any letter case */
	assert_int_equal(
	    id_with(f, f->first, "bob", "bob@example.net", "True"), id);
	assert_user(f, "email", "bob@example.net");
	other = id_with(f, f->first, "eve", "Bob@Example.net", "True");
	assert_int_not_equal(other, id);
	assert_user(f, "email", NULL);
	/* no address at all */
	id_with(f, f->first, "kim", "no address", "True");
	assert_user(f, "email", NULL);
}

/* An address registered here with a password stays with its account. */
TEST(an_address_does_not_merge_accounts, struct external_site *f)
{
	long long own, id;

	site_account(&f->site);
	own = strtoll(f->site.user_id, NULL, 10);
	id = id_with(f, f->first, "mallory", f->site.email, "True");
	assert_int_not_equal(id, own);
	assert_user(f, "email", NULL);
	/* linking is allowed, but the address is not verified */
	id = id_with(f, f->second, "trudy", f->site.email, "'false'");
	assert_int_not_equal(id, own);
	id = id_with(f, f->second, "mallory", f->site.email, "False");
	assert_int_not_equal(id, own);
	/* a linked subject is not moved to another account */
	assert_int_equal(
	    id_with(f, f->second, "mallory", f->site.email, "True"), id);
	assert_user(f, "email", NULL);
}

TEST(a_verified_address_links_if_allowed, struct external_site *f)
{
	long long own;

	site_account(&f->site);
	own = strtoll(f->site.user_id, NULL, 10);
	assert_int_equal(
	    id_with(f, f->second, "carol", f->site.email, "True"), own);
	/* and does not change an account with its own profile */
	assert_user(f, "name", "Test");
	assert_user(f, "email", f->site.email);
	/* from then on the subject decides */
	assert_int_equal(
	    id_with(f, f->second, "carol", "carol@example.net", "True"), own);
	assert_user(f, "email", f->site.email);
	assert_int_equal(id_of(f, f->second, "claims={'sub': 'carol'}"), own);
}

TEST(no_administrator_is_linked, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE];
	long long own;

	operation_admin(&f->site);
	own = strtoll(f->site.user_id, NULL, 10);
	test_issuer_token(f->second, token,
	    "'ec', claims={'sub': 'dave', 'email': '%s',"
	    " 'email_verified': True, 'role': 'admin', 'roles': ['admin'],"
	    " 'user_id': '%s', 'admin': True}",
	    f->site.email, f->site.user_id);
	assert_int_not_equal(external_site_id(f, token), own);
	assert_user(f, "role", "user");
	assert_user(f, "email", NULL);
	operation_each(&f->site, OP_ADMIN,
	    &(struct operation_manner){ .bearer = token }, 401,
	    "invalid_token");
}

/* ---- claims that change ---- */

static void
assert_named(struct external_site *f, const char *token, const void *name)
{
	external_site_id(f, token);
	assert_user(f, "name", name);
}

static void
assert_named_everywhere(
    struct external_site *f, const char *token, const char *name)
{
	external_site_each_worker(f, token, assert_named, name);
}

TEST(changed_claims_reach_every_worker, struct external_site *f)
{
	char old[TEST_ISSUER_TOKEN_SIZE], young[TEST_ISSUER_TOKEN_SIZE],
	    late[TEST_ISSUER_TOKEN_SIZE];
	long long id;

	test_issuer_token(f->first, old,
	    "'ec', at=-20, claims={'sub': 'gil', 'name': 'Gil'}");
	test_issuer_token(f->first, late,
	    "'ec', at=-30, claims={'sub': 'gil', 'name': 'Giles',"
	    " 'picture': 'https://example.net/giles.png'}");
	test_issuer_token(f->first, young,
	    "'rsa', claims={'sub': 'gil', 'name': 'Gilbert',"
	    " 'picture': 'https://example.net/gil.png',"
	    " 'email': 'gil@example.net', 'email_verified': True}");
	id = external_site_id(f, old);
	assert_named_everywhere(f, old, "Gil");
	assert_user(f, "avatar_url", NULL);
	assert_int_equal(external_site_id(f, young), id);
	assert_user(f, "name", "Gilbert");
	assert_user(f, "avatar_url", "https://example.net/gil.png");
	assert_user(f, "email", "gil@example.net");
	/* the old token is valid, but its claims are outdated */
	assert_named_everywhere(f, old, "Gilbert");
	assert_int_equal(external_site_id(f, late), id);
	assert_named_everywhere(f, late, "Gilbert");
	assert_user(f, "email", "gil@example.net");
}

/* ---- without a password ---- */

TEST(it_has_no_password_to_sign_in_with, struct external_site *f)
{
	static const char *const bodies[] = {
		"{\"email\":\"pam@example.net\",\"password\":\"\"}",
		"{\"email\":\"pam@example.net\",\"password\":\" \"}",
		"{\"email\":\"pam@example.net\",\"password\":\"null\"}",
		"{\"email\":\"pam@example.net\",\"password\":\"" WEB_PASSWORD
		"\"}",
		"{\"email\":\"\",\"password\":\"" WEB_PASSWORD "\"}",
	};

	id_with(f, f->first, "pam", "pam@example.net", "True");
	assert_user(f, "email", "pam@example.net");
	for (size_t i = 0; i < NELEMS(bodies); i++) {
		web_post(f->site.web, "/api/v1/auth/login", bodies[i],
		    &f->site.reply);
		if (f->site.reply.status != 400 && f->site.reply.status != 422)
			web_expect(&f->site.reply, 401, "invalid_credentials");
	}
	web_post(f->site.web, "/api/v1/auth/register",
	    "{\"email\":\"PAM@example.net\",\"password\":\"" WEB_PASSWORD
	    "\",\"name\":\"P\"}",
	    &f->site.reply);
	web_expect(&f->site.reply, 409, "email_taken");
}

TEST_RUN()
{
	struct external_site_options o = {
		.stack = { .workers = WORKERS },
		.second = "link_by_email = yes\n",
	};
	int failed = external_site_run("people", TEST_ALL, &o);

	o.stack.no_redis = true;
	return failed + external_site_run("people, no Redis", TEST_ALL, &o);
}
