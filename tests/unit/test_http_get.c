/* SPDX-License-Identifier: ISC */
#include "issuers/http_get.h"

#include "support/test.h"

#include <stdio.h>

#include "base/clock.h"
#include "support/process.h"

/* Cases without a server; see tests/e2e/test_jwks_fetch for the others. */

TEST(cache_control_gives_the_freshness)
{
	static const struct {
		const char *value;
		int64_t fresh;
	} cases[] = {
		{ "", -1 },
		{ "public", -1 },
		{ "public, must-revalidate", -1 },
		{ "s-maxage=60", -1 },
		{ "x-max-age=60", -1 },
		{ "max-age=600", 600 },
		{ " max-age=600\r\n", 600 },
		{ "public,max-age=600,must-revalidate", 600 },
		{ "Public, MAX-AGE=600", 600 },
		{ "max-age=\"600\"", 600 },
		{ "max-age=0", 0 },
		{ "max-age", 0 },
		{ "max-age=", 0 },
		{ "max-age=-1", 0 },
		{ "max-age=soon", 0 },
		{ "max-age=60, max-age=600", 60 },
		{ "max-age=600, max-age=60", 60 },
		{ "max-age=99999999999999999999999999", 1000000000 },
		{ "no-store", 0 },
		{ "no-cache, max-age=600", 0 },
		{ "max-age=600, no-store", 0 },
		{ "max-age=600, No-Cache=\"Set-Cookie, x\"", 0 },
		{ "x=\"no-store, no-cache\", max-age=60", 60 },
		{ "x=\"no-store, no-cache", -1 },
		{ ",,= ,;\t=,max-age=7", 7 },
	};

	for (size_t i = 0; i < NELEMS(cases); i++)
		if (http_cache_control(cases[i].value) != cases[i].fresh)
			fail_msg("\"%s\": %lld", cases[i].value,
			    (long long)http_cache_control(cases[i].value));
}

struct fixture {
	struct http_client *f;
	struct http_reply reply;
};

static int
set_up(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	return http_libcurl_new(&fx->f) == ERR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct fixture *fx = *state;

	http_get_reply_clear(&fx->reply);
	http_libcurl_free(fx->f);
	free(fx);
	return 0;
}

TEST_FIXTURE(set_up, tear_down);

static void
expect(struct fixture *fx, const struct http_request *ask, const char *error)
{
	http_get_reply_clear(&fx->reply);
	assert_int_equal(http_get(fx->f, ask, &fx->reply), ERR_UNAVAILABLE);
	if (strcmp(fx->reply.error, error) != 0)
		fail_msg("%s: %s (%s), not %s", ask->url, fx->reply.error,
		    fx->reply.detail, error);
	assert_int_equal(fx->reply.body.len, 0);
}

static struct http_request
ask_for(const char *url)
{
	return (struct http_request){ .url = url,
		.ca_file = "",
		.deadline_us = clock_system.mono_us() + 10 * 1000 * 1000 };
}

/* No request is sent, whatever the name service or network. */
TEST(only_https_and_loopback_are_allowed, struct fixture *fx)
{
	static const char *const urls[] = { "", "x", "http://192.0.2.1/x",
		"http://localhost.example.org/x", "http://127x/", "ftp://x/",
		"file:///etc/passwd", "gopher://127.0.0.1/x",
		"https://user@127.0.0.1/x", "https://a:b@127.0.0.1/x",
		"http://user@127.0.0.1/x", "//127.0.0.1/x", "http://[::2]/x",
		"http://0.0.0.0/x", "http://127.example.org/x",
		"http://127.0.0.1.example.org/x" };

	for (size_t i = 0; i < NELEMS(urls); i++) {
		struct http_request ask = ask_for(urls[i]);

		expect(fx, &ask, "address");
		assert_false(http_url_is_loopback(fx->f, urls[i]));
	}
	assert_true(http_url_is_loopback(fx->f, "http://127.0.0.1:8080/x"));
	assert_true(http_url_is_loopback(fx->f, "http://127.1/x"));
	assert_true(http_url_is_loopback(fx->f, "http://LOCALHOST/x"));
	assert_true(http_url_is_loopback(fx->f, "http://[::1]/x"));
	assert_false(http_url_is_loopback(fx->f, "https://localhost/x"));
}

TEST(errors_have_their_reason, struct fixture *fx)
{
	static const atomic_bool yes = true;
	char url[64];
	struct http_request ask;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", process_free_port());
	ask = ask_for(url);
	expect(fx, &ask, "connect");
	ask.stop = &yes;
	expect(fx, &ask, "stopped");
	ask.deadline_us = clock_system.mono_us();
	expect(fx, &ask, "timeout");
}
