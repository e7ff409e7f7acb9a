/* SPDX-License-Identifier: ISC */
/* Pages without scripts: the answer to a form is a page. */
#include "base/err.h"
#include "support/site.h"

#include "support/test.h"

#include <stdio.h>
#include <string.h>

#define FORMS "/api/v1/forms/"
#define EMAIL "form%40example.org"
#define PASSWORD "correct+horse+battery+9"
#define LOGIN "email=" EMAIL "&password=" PASSWORD
#define TYPE "application/x-www-form-urlencoded"

static void
post(struct site *s, const char *form, const char *body, const char *header)
{
	const char *const headers[] = { header, NULL };
	const struct web_call call = {
		.path = form,
		.body = body,
		.type = TYPE,
		.headers = header != NULL ? headers : NULL,
	};

	web_call(s->web, &call, &s->reply);
}

static void
expect_page(struct site *s, const char *location, bool cookie)
{
	const char *set;

	assert_int_equal(s->reply.status, 303);
	assert_string_equal(web_header(&s->reply, "Location"), location);
	set = web_header(&s->reply, "Set-Cookie");
	assert_int_equal(set != NULL, cookie);
	assert_int_equal(s->reply.body.len, 0);
}

static void
expect_me(struct site *s, long status)
{
	web_get(s->web, "/api/v1/auth/me", &s->reply);
	assert_int_equal(s->reply.status, status);
}

TEST(a_form_signs_in_and_out, struct site *s)
{
	web_forget(s->web);
	post(s, FORMS "register",
	    "name=Form&email=" EMAIL "&password=" PASSWORD
	    "&rd=%2Faccount.html",
	    NULL);
	expect_page(s, "/account.html", true);
	expect_me(s, 200);
	post(s, FORMS "logout", "", NULL);
	expect_page(s, "/", true);
	expect_me(s, 401);
	post(s, FORMS "login", LOGIN, NULL);
	expect_page(s, "/", true);
	expect_me(s, 200);
}

TEST(the_next_page_is_that_of_the_form, struct site *s)
{
	static const struct {
		const char *referer, *field, *expect;
	} cases[] = {
		{ "Referer: http://127.0.0.1/?rd=/a%3Fb%3Dc", "", "/a?b=c" },
		{ "Referer: http://127.0.0.1/?rd=/a", "&rd=/b", "/a" },
		{ "Referer: http://127.0.0.1/", "&rd=/b", "/b" },
		{ "Referer: http://127.0.0.1/?rd=//other.example", "&rd=/b",
		    "/" },
		{ NULL, "&rd=https%3A%2F%2Fother.example", "/" },
		{ NULL, "&rd=%2F%5Cother.example", "/" },
		{ NULL, "&rd=%2Fa%0d%0aSet-Cookie%3A+a%3Db", "/" },
	};
	char body[256];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		snprintf(body, sizeof(body), "%s%s", LOGIN, cases[i].field);
		post(s, FORMS "login", body, cases[i].referer);
		expect_page(s, cases[i].expect, true);
	}
}

TEST(a_refusal_redirects_to_the_form_with_its_code, struct site *s)
{
	web_forget(s->web);
	post(s, FORMS "login", "email=" EMAIL "&password=wrong",
	    "Referer: http://127.0.0.1/?rd=/a");
	expect_page(s, "/?rd=/a#invalid_credentials", false);
	post(s, FORMS "login", "email=" EMAIL, NULL);
	expect_page(s, "/#missing_field", false);
	post(s, FORMS "login", "email=%", NULL);
	expect_page(s, "/#malformed_form", false);
	post(s, FORMS "register",
	    "name=A&email=a%40example.org&password=password1", NULL);
	expect_page(s, "/#weak_password", false);
	post(s, FORMS "register", "name=A&email=" EMAIL "&password=" PASSWORD,
	    NULL);
	expect_page(s, "/#email_taken", false);
}

/* Another site can post a form, and the browser follows the redirect. */
TEST(another_site_cannot_post, struct site *s)
{
	static const char *const forms[] = { FORMS "login", FORMS "register",
		FORMS "logout" };
	static const char *const origins[] = {
		"Sec-Fetch-Site: cross-site",
		"Sec-Fetch-Site: same-site",
		"Origin: https://other.example",
		NULL,
	};

	for (size_t i = 0; i < NELEMS(forms) * NELEMS(origins); i++) {
		const char *const headers[] = { origins[i % NELEMS(origins)],
			NULL };
		const struct web_call call = {
			.path = forms[i / NELEMS(origins)],
			.body = LOGIN,
			.type = TYPE,
			.headers = headers,
			.no_site = true,
		};

		web_call(s->web, &call, &s->reply);
		web_expect(&s->reply, 403, "cross_site");
		assert_null(web_header(&s->reply, "Set-Cookie"));
	}
}

TEST_RUN()
{
	const struct stack_options pool = { .kind = STACK_POOL };

	return site_run("forms", TEST_ALL, &pool);
}
