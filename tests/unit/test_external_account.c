/* SPDX-License-Identifier: ISC */
#include "base/str.h"
#include "issuers/external_account.h"

#include "support/test.h"

#include <stdio.h>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "support/api.h"
#include "support/external_issuers.h"
#include "support/store_memory.h"

/* Accounts of tokens of other issuers, and the end of such tokens. */

#define ADA "ada@example.org"
#define ME .method = "GET", .uri = "/auth/me"
#define LOGOUT .method = "POST", .uri = "/auth/logout"

struct fixture {
	struct api api;
	struct external_issuers o;
	char text[EXTERNAL_ISSUERS_TEXT_SIZE]; /* the last token made */
};

static void
set_up(struct fixture *f)
{
	struct app *app;

	app = &f->api.app;
	api_open(&f->api);
	assert_int_equal(f->api.now, EXTERNAL_ISSUERS_NOW);
	external_issuers_open(
	    &f->o, f->api.table.dir, app->store, app->shm, f->api.now);
	app->issuers = f->o.issuers;
	app->sessions.issuers = f->o.issuers;
}

static void
tear_down(struct fixture *f)
{
	external_issuers_close(&f->o);
	api_close(&f->api);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

/* A token of the first issuer, issued now, with ${members} added. */
static const char *
token(struct fixture *f, const char *subject, const char *members)
{
	char payload[4096];

	(void)snprintf(payload, sizeof(payload),
	    "{\"iss\":\"" EXTERNAL_ISSUERS_ONE "\",\"aud\":\"latchkey\","
	    "\"sub\":\"%s\",\"iat\":%jd,\"exp\":%jd%s%s}",
	    subject, (intmax_t)f->api.now, (intmax_t)(f->api.now + 600),
	    members[0] != '\0' ? "," : "", members);
	external_issuers_sign(
	    f->text, f->o.ec[0], EXTERNAL_ISSUERS_HEADER, payload);
	return f->text;
}

/* The same of the second issuer, which may link accounts by e-mail. */
static const char *
linking_token(struct fixture *f, const char *subject, const char *members)
{
	char payload[4096];

	(void)snprintf(payload, sizeof(payload),
	    "{\"iss\":\"" EXTERNAL_ISSUERS_TWO
	    "\",\"azp\":\"https://app.example\","
	    "\"sub\":\"%s\",\"iat\":%jd,\"exp\":%jd,%s}",
	    subject, (intmax_t)f->api.now, (intmax_t)(f->api.now + 600),
	    members);
	external_issuers_sign(
	    f->text, f->o.ec[1], EXTERNAL_ISSUERS_HEADER, payload);
	return f->text;
}

/* The user id at /auth/me; 0 with a 401. */
static int64_t
user_of(struct fixture *f, const char *text)
{
	struct api_answer a;
	int64_t id = 0;

	api_run(&f->api, &(struct api_call){ ME, .token = text }, &a);
	if (a.status == 200)
		assert_int_equal(str_to_int64(api_text_in(&a, "user", "id"), 1,
				     INT64_MAX, &id),
		    ERR_OK);
	else if (a.status != 401 ||
	    strcmp(api_text(&a, "code"), "invalid_token") != 0)
		fail_msg("%s", a.text.data);
	api_free(&a);
	return id;
}

/* Check the user returned by /auth/me. */
static void
expect_user(
    struct fixture *f, const char *text, const char *name, const char *email)
{
	struct api_answer a;

	api_run(&f->api, &(struct api_call){ ME, .token = text }, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(api_text_in(&a, "user", "name"), name);
	assert_string_equal(api_text_in(&a, "user", "role"), "user");
	if (email != NULL)
		assert_string_equal(api_text_in(&a, "user", "email"), email);
	else
		assert_true(json_value_is_null(json_value_member(
		    json_value_member(a.json, "user"), "email")));
	api_free(&a);
}

static const struct store_actor *
actor(const struct fixture *f)
{
	static struct store_actor one = { .address = "" };

	one.now = f->api.now;
	return &one;
}

/* ---- accounts ---- */

TEST(the_first_token_creates_an_account, struct fixture *f)
{
	const struct json_value *session;
	struct api_answer a;
	int64_t id;

	token(f, "user_1",
	    "\"name\":\"Ada\",\"email\":\"" ADA "\",\"email_verified\":true,"
	    "\"picture\":\"https://one.example/a.png\",\"role\":\"admin\"");
	f->api.now += 10;
	api_run(&f->api, &(struct api_call){ ME, .token = f->text }, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(api_text_in(&a, "user", "name"), "Ada");
	assert_string_equal(api_text_in(&a, "user", "email"), ADA);
	assert_string_equal(api_text_in(&a, "user", "role"), "user");
	assert_string_equal(
	    api_text_in(&a, "user", "avatar_url"), "https://one.example/a.png");
	session = json_value_member(a.json, "session");
	assert_int_equal(json_value_size(session), 3);
	assert_true(json_value_is_null(json_value_member(session, "handle")));
	assert_string_equal(
	    api_text_in(&a, "session", "created_at"), "2027-01-15T08:00:00Z");
	assert_string_equal(
	    api_text_in(&a, "session", "expires_at"), "2027-01-15T08:10:00Z");
	api_free(&a);
	assert_int_equal(f->api.touched, 0);

	/* The next token finds it; a token of another subject does not. */
	id = user_of(f, f->text);
	assert_int_equal(user_of(f, token(f, "user_1", "\"jti\":\"b\"")), id);
	assert_int_not_equal(user_of(f, token(f, "user_2", "")), id);
	assert_int_not_equal(
	    user_of(f, linking_token(f, "user_1", "\"a\":1")), id);
}

TEST(changed_claims_update_the_account, struct fixture *f)
{
	char later[EXTERNAL_ISSUERS_TEXT_SIZE],
	    earlier[EXTERNAL_ISSUERS_TEXT_SIZE];

	expect_user(f, token(f, "user_1", "\"name\":\"Ada\""), "Ada", NULL);
	memcpy(
	    earlier, token(f, "user_1", "\"name\":\"Old\""), sizeof(earlier));
	f->api.now += 60;
	memcpy(later,
	    token(f, "user_1",
		"\"name\":\"Lovelace\",\"email\":\"" ADA
		"\",\"email_verified\":true"),
	    sizeof(later));
	expect_user(f, later, "Lovelace", ADA);
	/* An older token still identifies the user but changes nothing. */
	expect_user(f, earlier, "Lovelace", ADA);
}

TEST(an_address_belongs_to_one_account, struct fixture *f)
{
	struct api_login ada;

	api_register(&f->api, ADA, &ada);
	expect_user(f,
	    token(f, "user_1",
		"\"name\":\"Eve\",\"email\":\"ADA@example.org\","
		"\"email_verified\":true"),
	    "Eve", NULL);
	expect_user(f,
	    token(f, "user_2", "\"name\":\"Bob\",\"email\":\"b@example.org\""),
	    "Bob", NULL);
}

/* Only with link_by_email = yes and a verified address. */
TEST(an_account_is_linked_if_allowed, struct fixture *f)
{
	struct issuer *block = &f->o.config->list[1];
	struct api_login ada, root;
	char id[24];

	api_register(&f->api, ADA, &ada);
	api_register(&f->api, "root@example.org", &root);
	store_memory_make_admin(f->api.app.store, atoll(root.id));
	(void)snprintf(id, sizeof(id), "%jd",
	    (intmax_t)user_of(
		f, linking_token(f, "eve", "\"mail\":\"" ADA "\"")));
	assert_string_not_equal(id, ada.id);

	(void)snprintf(block->claim_email_verified,
	    sizeof(block->claim_email_verified), "ok");
	(void)snprintf(id, sizeof(id), "%jd",
	    (intmax_t)user_of(f,
		linking_token(f, "ada",
		    "\"mail\":\"" ADA "\",\"ok\":true,\"nick\":\"Countess\"")));
	assert_string_equal(id, ada.id);
	expect_user(f, f->text, "Ada", ADA); /* its own profile, unchanged */
	(void)snprintf(id, sizeof(id), "%jd",
	    (intmax_t)user_of(f,
		linking_token(
		    f, "root", "\"mail\":\"root@example.org\",\"ok\":true")));
	assert_string_not_equal(id, root.id);
}

/* ---- end of a token ---- */

TEST(a_token_ends_at_exp, struct fixture *f)
{
	const int64_t end = f->api.now + 600 + EXTERNAL_ISSUERS_LEEWAY;

	token(f, "user_1", "");
	assert_int_not_equal(user_of(f, f->text), 0);
	f->api.now = end - 1;
	assert_int_not_equal(user_of(f, f->text), 0);
	/* also when it is cached */
	f->api.now = end;
	assert_int_equal(user_of(f, f->text), 0);
}

TEST(logout_ends_a_token_for_good, struct fixture *f)
{
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];
	int64_t id;

	memcpy(text, token(f, "user_1", "\"jti\":\"a\""), sizeof(text));
	id = user_of(f, text);
	api_expect(&f->api, 200, NULL, LOGOUT, .token = text);
	assert_int_equal(user_of(f, text), 0);
	/* repeatable, and other sessions of the user go on */
	api_expect(&f->api, 200, NULL, LOGOUT, .token = text);
	assert_int_equal(user_of(f, token(f, "user_1", "\"jti\":\"b\"")), id);
	f->api.now += 600 + EXTERNAL_ISSUERS_LEEWAY - 1;
	assert_int_equal(user_of(f, text), 0);
	api_expect(&f->api, 200, NULL, LOGOUT, .token = text);
	/* nothing is left to end */
	f->api.now++;
	api_expect(&f->api, 401, "invalid_token", LOGOUT, .token = text);
}

/* The name is the signed text; for (r, n - s) see test_issuers_spelling. */
TEST(without_jti_a_token_is_named_by_its_text, struct fixture *f)
{
	char first[EXTERNAL_ISSUERS_TEXT_SIZE],
	    second[EXTERNAL_ISSUERS_TEXT_SIZE];

	memcpy(first, token(f, "user_1", ""), sizeof(first));
	memcpy(second, token(f, "user_1", ""), sizeof(second));
	assert_string_not_equal(first, second); /* with a new signature */
	assert_int_not_equal(user_of(f, first), 0);
	assert_int_not_equal(user_of(f, second), 0);
	api_expect(&f->api, 200, NULL, LOGOUT, .token = first);
	assert_int_equal(user_of(f, first), 0);
	assert_int_equal(user_of(f, second), 0);
}

TEST(a_token_revoked_first_creates_no_account, struct fixture *f)
{
	size_t n = 0;
	struct user users[STORE_LIST_MAX];

	token(f, "user_1", "");
	api_expect(&f->api, 200, NULL, LOGOUT, .token = f->text);
	assert_int_equal(user_of(f, f->text), 0);
	assert_int_equal(
	    store_users_list(f->api.app.store, "", 0, users, &n), ERR_OK);
	assert_int_equal(n, 0);
}

/* Issued later by more than the leeway, cached or not. */
static void
expect_end(struct fixture *f, const char *shown, const char *unseen)
{
	const int64_t ended = f->api.now;
	char late[EXTERNAL_ISSUERS_TEXT_SIZE];

	assert_int_equal(user_of(f, shown), 0);
	assert_int_equal(user_of(f, unseen), 0);
	f->api.now = ended + EXTERNAL_ISSUERS_LEEWAY;
	memcpy(late, token(f, "user_1", "\"jti\":\"late\""), sizeof(late));
	assert_int_equal(user_of(f, late), 0);
	f->api.now++;
	assert_int_equal(user_of(f, late), 0);
}

TEST(a_token_ends_with_logout_all, struct fixture *f)
{
	char shown[EXTERNAL_ISSUERS_TEXT_SIZE],
	    unseen[EXTERNAL_ISSUERS_TEXT_SIZE];
	int64_t id, epoch, ended;

	memcpy(shown, token(f, "user_1", "\"jti\":\"a\""), sizeof(shown));
	memcpy(unseen, token(f, "user_1", "\"jti\":\"b\""), sizeof(unseen));
	id = user_of(f, shown);
	f->api.now += 60;
	assert_int_equal(store_logout_all(f->api.app.store, actor(f), id, NULL,
			     &epoch, &ended),
	    ERR_OK);
	expect_end(f, shown, unseen);
	assert_int_equal(user_of(f, token(f, "user_1", "")), id);
}

static void
set_status(struct fixture *f, int64_t id, enum user_status status)
{
	const struct user_role_and_status role_and_status = { .status =
								  status };
	int64_t ended;

	assert_int_equal(store_user_role_and_status(f->api.app.store, actor(f),
			     id, &role_and_status, &ended),
	    ERR_OK);
}

TEST(a_token_ends_with_deactivation, struct fixture *f)
{
	char shown[EXTERNAL_ISSUERS_TEXT_SIZE],
	    unseen[EXTERNAL_ISSUERS_TEXT_SIZE];
	int64_t id;

	memcpy(shown, token(f, "user_1", "\"jti\":\"a\""), sizeof(shown));
	memcpy(unseen, token(f, "user_1", "\"jti\":\"b\""), sizeof(unseen));
	id = user_of(f, shown);
	f->api.now += 60;
	set_status(f, id, USER_STATUS_INACTIVE);
	expect_end(f, shown, unseen);
	assert_int_equal(user_of(f, token(f, "user_1", "")), 0);
	/* After reactivation only tokens issued from then on are valid. */
	set_status(f, id, USER_STATUS_ACTIVE);
	assert_int_equal(user_of(f, shown), 0);
	f->api.now += EXTERNAL_ISSUERS_LEEWAY + 1;
	assert_int_equal(user_of(f, token(f, "user_1", "")), id);
}

TEST(a_token_ends_with_deletion, struct fixture *f)
{
	char shown[EXTERNAL_ISSUERS_TEXT_SIZE],
	    unseen[EXTERNAL_ISSUERS_TEXT_SIZE];
	int64_t id, other, ended;

	memcpy(shown, token(f, "user_1", "\"jti\":\"a\""), sizeof(shown));
	memcpy(unseen, token(f, "user_1", "\"jti\":\"b\""), sizeof(unseen));
	id = user_of(f, shown);
	f->api.now += 60;
	assert_int_equal(
	    store_user_remove(f->api.app.store, actor(f), id, &ended), ERR_OK);
	expect_end(f, shown, unseen);
	other = user_of(f, token(f, "user_1", ""));
	assert_int_not_equal(other, 0);
	assert_int_not_equal(other, id);
	assert_int_equal(user_of(f, shown), 0);
}

TEST(a_token_ends_with_its_key, struct fixture *f)
{
	token(f, "user_1", "");
	assert_int_not_equal(user_of(f, f->text), 0);
	keypair_free(f->o.ec[0]);
	assert_int_equal(keypair_make(KEYPAIR_P256, &f->o.ec[0]), ERR_OK);
	external_issuers_publish(&f->o, EXTERNAL_ISSUERS_ONE, f->api.now, NULL);
	assert_int_equal(user_of(f, f->text), 0);
	assert_int_not_equal(user_of(f, token(f, "user_1", "")), 0);
}

/* ---- cache and failures ---- */

TEST(a_cached_token_costs_no_query, struct fixture *f)
{
	struct api_answer a;

	token(f, "user_1", "\"name\":\"Ada\"");
	expect_user(f, f->text, "Ada", NULL);
	/* The first query would fail. */
	store_memory_fail_next(f->api.app.store, ERR_UNAVAILABLE);
	for (int i = 0; i < 10; i++)
		expect_user(f, f->text, "Ada", NULL);
	api_run(&f->api,
	    &(struct api_call){ .method = "GET",
		.uri = "/api/v1/auth/check",
		.token = f->text },
	    &a);
	assert_int_equal(a.status, 200);
	api_free(&a);
	api_expect(
	    &f->api, 503, "unavailable", ME, .token = token(f, "user_2", ""));
}

TEST(unavailable_is_not_denied, struct fixture *f)
{
	struct store *st = f->api.app.store;

	/* keys, blacklist, account, and the change of the account */
	token(f, "user_1", "");
	store_memory_fail_next(st, ERR_UNAVAILABLE);
	api_expect(&f->api, 503, "unavailable", ME, .token = f->text);
	store_memory_fail_commit(st, ERR_UNAVAILABLE);
	api_expect(&f->api, 503, "unavailable", ME, .token = f->text);
	assert_int_not_equal(user_of(f, f->text), 0);
	store_memory_fail_commit(st, ERR_UNAVAILABLE);
	api_expect(&f->api, 503, "unavailable", LOGOUT, .token = f->text);
	assert_int_not_equal(user_of(f, f->text), 0);

	assert_int_equal(
	    store_issuer_remove(st, actor(f), EXTERNAL_ISSUERS_ONE), ERR_OK);
	api_expect(&f->api, 503, "unavailable", ME, .token = f->text);
	api_expect(&f->api, 503, "unavailable", LOGOUT, .token = f->text);
	external_issuers_publish(&f->o, EXTERNAL_ISSUERS_ONE, f->api.now, NULL);
	assert_int_not_equal(user_of(f, f->text), 0);
}

/* ---- origin of a token ---- */

/* An issuer that publishes a key under our kid is not used. */
TEST(our_kid_is_ours, struct fixture *f)
{
	const char *kid = f->api.app.keys.list[0].kid;
	struct buf jwk = { 0 }, header = { 0 };
	struct json_writer w;

	json_write_begin(&w, &jwk);
	json_write_object(&w, NULL);
	json_write_array(&w, "keys");
	json_write_object(&w, NULL);
	json_write_string(&w, "kid", kid);
	assert_int_equal(keypair_jwk(f->o.ec[0], &w), ERR_OK);
	json_write_close(&w);
	json_write_close(&w);
	json_write_close(&w);
	assert_int_equal(json_write_end(&w), ERR_OK);
	external_issuers_publish(
	    &f->o, EXTERNAL_ISSUERS_ONE, f->api.now, jwk.data);
	buf_printf(&header, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
	external_issuers_sign(
	    f->text, f->o.ec[0], header.data, EXTERNAL_ISSUERS_PAYLOAD);
	assert_int_equal(user_of(f, f->text), 0);
	/* the same kid with a JSON escape */
	buf_reset(&header);
	buf_printf(&header, "{\"alg\":\"ES256\",\"kid\":\"\\u%04x%s\"}",
	    (unsigned)kid[0], kid + 1);
	external_issuers_sign(
	    f->text, f->o.ec[0], header.data, EXTERNAL_ISSUERS_PAYLOAD);
	assert_int_equal(user_of(f, f->text), 0);
	/* The key itself is valid: without a kid it is found. */
	external_issuers_sign(f->text, f->o.ec[0], "{\"alg\":\"ES256\"}",
	    EXTERNAL_ISSUERS_PAYLOAD);
	assert_int_not_equal(user_of(f, f->text), 0);
	buf_clear(&jwk);
	buf_clear(&header);
}

TEST(our_own_tokens_stay_valid, struct fixture *f)
{
	struct api_login ada;

	api_register(&f->api, ADA, &ada);
	assert_int_equal(user_of(f, ada.token), atoll(ada.id));
	assert_int_equal(store_issuer_remove(
			     f->api.app.store, actor(f), EXTERNAL_ISSUERS_ONE),
	    ERR_OK);
	assert_int_equal(user_of(f, ada.token), atoll(ada.id));
	api_expect(&f->api, 200, NULL, LOGOUT, .token = ada.token);
	assert_int_equal(user_of(f, ada.token), 0);
}
