/* SPDX-License-Identifier: ISC */
#include "model/user.h"

#include "base/buf.h"
#include "base/json_writer.h"
#include "base/secret.h"
#include "support/test.h"

static struct user
sample(void)
{
	struct user u = {
		.id = INT64_C(9007199254740991),
		.email = "Ann@Example.org",
		.name = "Ann \"the\" \xc3\x89",
		.avatar_url = "https://example.org/a.png",
		.role = USER_ROLE_ADMIN,
		.status = USER_STATUS_INACTIVE,
		.epoch = 3,
		.epoch_at = 951782401,
		.version = 12,
		.created_at = 951782400,
		.updated_at = 4102444799,
	};

	return u;
}

TEST(addresses_have_one_normal_form)
{
	static const struct {
		const char *email, *normal; /* NULL: refused */
	} cases[] = {
		{ "ann@example.org", "ann@example.org" },
		{ "Ann@EXAMPLE.org", "ann@example.org" },
		{ "ann+tag@example.org", "ann+tag@example.org" },
		{ "root@localhost", "root@localhost" },
		{ "root@LocalHost", "root@localhost" },
		{ "\xef\xbc\xa1nn@example.org", "ann@example.org" },
		{ "e\xcc\x81@example.org", "\xc3\xa9@example.org" },
		{ "", NULL },
		{ "ann", NULL },
		{ "@example.org", NULL },
		{ "ann@", NULL },
		{ "ann@example", NULL },
		{ "ann@.org", NULL },
		{ "ann@example.", NULL },
		{ "ann@example..org", NULL },
		{ "ann@b@example.org", NULL },
		{ "ann b@example.org", NULL },
		{ "ann\n@example.org", NULL },
		{ "ann@example.org\n", NULL },
		{ " ann@example.org", NULL },
		{ "ann\x7f@example.org", NULL },
		{ "ann\xff@example.org", NULL },
		{ "ann\xc2\xa0@example.org", NULL }, /* a space in NFKC */
		{ "ann\xef\xbc\xa0"
		  "b@example.org",
		    NULL }, /* an @ in NFKC */
		{ "ann\xef\xbc\xa0"
		  "example.org",
		    NULL },
		{ "\xc2\xad@example.org", NULL }, /* invisible */
		{ "ann\xe2\x80\xae@example.org", NULL },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char normal[USER_EMAIL_SIZE] = "left over";
		const char *expect = cases[i].normal;

		if (user_email_normal(normal, cases[i].email) !=
		    (expect ? ERR_OK : ERR_INVALID))
			fail_msg("wrong result for %s", cases[i].email);
		assert_string_equal(normal, expect ? expect : "");
	}
}

/* Check an address of ${total} bytes, ${local} of them before the @. */
static enum err
check_email(size_t local, size_t total)
{
	char email[400], normal[USER_EMAIL_SIZE];

	for (size_t i = 0; i < total; i++)
		email[i] = i == local ? '@' : i == total - 4 ? '.' : 'a';
	email[total] = '\0';
	return user_email_normal(normal, email);
}

TEST(addresses_are_bounded)
{
	assert_int_equal(check_email(64, 254), ERR_OK);
	assert_int_equal(check_email(64, 255), ERR_INVALID);
	assert_int_equal(check_email(64, 399), ERR_INVALID);
	assert_int_equal(check_email(65, 254), ERR_INVALID);
}

TEST(names_have_a_visible_character)
{
	char name[USER_NAME_SIZE];

	assert_int_equal(user_name_check("Ann"), ERR_OK);
	assert_int_equal(user_name_check(" \xc3\x89va O'Neil "), ERR_OK);
	assert_int_equal(user_name_check(""), ERR_INVALID);
	assert_int_equal(
	    user_name_check("  \xc2\xa0\xe3\x80\x80"), ERR_INVALID);
	/* Zero-width characters, a filler, the blank braille cell. */
	assert_int_equal(user_name_check("\xe2\x80\x8b\xe2\x80\x8d\xef\xbb"
					 "\xbf \xe3\x85\xa4\xe2\xa0\x80"),
	    ERR_INVALID);
	assert_int_equal(user_name_check("\xe2\x80\x8b!"), ERR_OK);
	assert_int_equal(user_name_check("a\tb"), ERR_INVALID);
	assert_int_equal(user_name_check("a\xc2\x85"
					 "b"),
	    ERR_INVALID);
	assert_int_equal(user_name_check("a\xff"), ERR_INVALID);
	for (size_t i = 0; i < 100; i++)
		memcpy(name + 4 * i, "\xf0\x9f\x98\x80", 4);
	name[400] = '\0';
	assert_int_equal(user_name_check(name), ERR_OK);
	memset(name, 'a', 101);
	name[101] = '\0';
	assert_int_equal(user_name_check(name), ERR_INVALID);
}

TEST(avatars_are_web_urls)
{
	static const struct {
		const char *url;
		enum err expect;
	} cases[] = {
		{ "", ERR_OK },
		{ "https://example.org/a.png?x=1#y", ERR_OK },
		{ "http://localhost:8080/a", ERR_OK },
		{ "HTTPS://example.org", ERR_OK },
		{ "https://", ERR_INVALID },
		{ "https:///a", ERR_INVALID },
		{ "//example.org/a", ERR_INVALID },
		{ "/a.png", ERR_INVALID },
		{ "javascript:alert(1)", ERR_INVALID },
		{ "data:image/png;base64,AAAA", ERR_INVALID },
		{ " https://example.org", ERR_INVALID },
		{ "https://example.org/a b", ERR_INVALID },
		{ "https://example.org/\"onload=", ERR_INVALID },
		{ "https://example.org/<", ERR_INVALID },
		{ "https://example.org/\n", ERR_INVALID },
		{ "https://ex\xc3\xa9mple.org/", ERR_INVALID },
	};
	char url[USER_AVATAR_SIZE + 1];

	for (size_t i = 0; i < NELEMS(cases); i++)
		assert_int_equal(
		    user_avatar_check(cases[i].url), cases[i].expect);
	memset(url, 'a', sizeof(url));
	memcpy(url, "https://", 8);
	url[512] = '\0';
	assert_int_equal(user_avatar_check(url), ERR_OK);
	url[512] = 'a';
	url[513] = '\0';
	assert_int_equal(user_avatar_check(url), ERR_INVALID);
}

TEST(enum_values_are_converted_both_ways)
{
	assert_int_equal(
	    user_role_from(user_role_name(USER_ROLE_USER)), USER_ROLE_USER);
	assert_int_equal(
	    user_role_from(user_role_name(USER_ROLE_ADMIN)), USER_ROLE_ADMIN);
	assert_int_equal(user_role_from("none"), USER_ROLE_NONE);
	assert_int_equal(user_role_from("root"), USER_ROLE_NONE);
	assert_string_equal(user_role_name((enum user_role)99), "none");
	assert_int_equal(user_status_from(user_status_name(USER_STATUS_ACTIVE)),
	    USER_STATUS_ACTIVE);
	assert_int_equal(
	    user_status_from(user_status_name(USER_STATUS_INACTIVE)),
	    USER_STATUS_INACTIVE);
	assert_int_equal(user_status_from(""), USER_STATUS_NONE);
	assert_string_equal(user_status_name((enum user_status)99), "none");
}

TEST(keys_hold_any_id)
{
	char key[USER_KEY_SIZE];

	user_key(key, 7);
	assert_string_equal(key, "user:7");
	user_key(key, INT64_MIN);
	assert_string_equal(key, "user:-9223372036854775808");
}

static void
assert_writes(void (*write_one)(const struct user *, struct json_writer *),
    const struct user *u, const char *expect)
{
	struct buf out = { 0 };
	struct json_writer w;

	json_write_begin(&w, &out);
	json_write_object(&w, NULL);
	write_one(u, &w);
	json_write_close(&w);
	assert_int_equal(json_write_end(&w), ERR_OK);
	assert_string_equal(out.data, expect);
	buf_clear(&out);
}

TEST(views_show_the_members_they_may)
{
	struct user u = sample();

	assert_writes(user_write_public, &u,
	    "{\"id\":\"9007199254740991\",\"name\":\"Ann \\\"the\\\" "
	    "\xc3\x89\",\"avatar_url\":\"https://example.org/a.png\"}");
	u.avatar_url[0] = '\0';
	assert_writes(user_write_own, &u,
	    "{\"id\":\"9007199254740991\",\"name\":\"Ann \\\"the\\\" "
	    "\xc3\x89\",\"avatar_url\":null,\"email\":\"Ann@Example.org\","
	    "\"role\":\"admin\",\"created_at\":\"2000-02-29T00:00:00Z\","
	    "\"updated_at\":\"2099-12-31T23:59:59Z\"}");
}

TEST(a_user_without_an_address_shows_null)
{
	struct user u = sample();

	u.email[0] = '\0';
	assert_writes(user_write_own, &u,
	    "{\"id\":\"9007199254740991\",\"name\":\"Ann \\\"the\\\" "
	    "\xc3\x89\",\"avatar_url\":\"https://example.org/a.png\","
	    "\"email\":null,"
	    "\"role\":\"admin\",\"created_at\":\"2000-02-29T00:00:00Z\","
	    "\"updated_at\":\"2099-12-31T23:59:59Z\"}");
}
