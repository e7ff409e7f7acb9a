/* SPDX-License-Identifier: ISC */
#include "issuers/http_get.h"

#include "support/test.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/secret.h"
#include "issuers/discovery.h"
#include "issuers/issuers_config.h"
#include "support/process.h"
#include "support/test_issuer.h"

/*
 * A fetch from a slow, broken or hostile server: its result, and that it ends
 * in time.
 */
#define SECOND_US ((int64_t)1000000)
#define SHORT_US (SECOND_US / 4)
#define LONG_US (60 * SECOND_US)

/* The longest fetch, running while the other tests do. */
struct longest {
	pthread_t thread;
	struct http_client *f;
	struct issuer issuer;
	struct http_reply reply;
	enum err err;
	int64_t took_us;
};

struct fixture {
	struct test_issuer *idp, *other, *tls, *slow;
	struct http_client *f;
	struct http_reply reply;
	struct longest longest;
};

static struct issuer
issuer_of(struct test_issuer *p, const char *path)
{
	struct issuer issuer = { .algorithms = JWK_ALGS_ALL };

	snprintf(issuer.name, sizeof(issuer.name), "%s", test_issuer_url(p));
	if (path != NULL)
		snprintf(issuer.jwks_uri, sizeof(issuer.jwks_uri), "%s%s",
		    test_issuer_url(p), path);
	return issuer;
}

static void *
fetch_longest(void *arg)
{
	struct longest *l = arg;
	int64_t start = clock_system.mono_us();

	l->err = discovery_fetch(l->f, &l->issuer, NULL, &l->reply);
	l->took_us = clock_system.mono_us() - start;
	return NULL;
}

/* Eight seconds for the document, and then no keys. */
static void
start_longest(struct fixture *fx)
{
	struct longest *l = &fx->longest;
	const char *url = test_issuer_url(fx->slow);

	l->f = fx->f;
	l->issuer = issuer_of(fx->slow, NULL);
	test_issuer_tell(fx->slow,
	    "answer('" TEST_ISSUER_DISCOVERY
	    "', pace='drip', body={'issuer': '%s', "
	    "'jwks_uri': '%s/k'})",
	    url, url);
	test_issuer_tell(fx->slow, "answer('/k', pace='hang')");
	assert_int_equal(pthread_create(&l->thread, NULL, fetch_longest, l), 0);
}

static int
set_up(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	fx->idp = test_issuer_new(false);
	fx->other = test_issuer_new(false);
	fx->tls = test_issuer_new(true);
	fx->slow = test_issuer_new(false);
	assert_int_equal(http_libcurl_new(&fx->f), ERR_OK);
	start_longest(fx);
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fx = *state;

	http_get_reply_clear(&fx->reply);
	http_libcurl_free(fx->f);
	test_issuer_free(fx->idp);
	test_issuer_free(fx->other);
	test_issuer_free(fx->tls);
	test_issuer_free(fx->slow);
	free(fx);
	return 0;
}

/* Reset the answers that a test has set. */
static int
reset_answers(void **state)
{
	struct fixture *fx = *state;
	struct test_issuer *all[] = { fx->idp, fx->tls };

	for (size_t i = 0; i < NELEMS(all); i++) {
		test_issuer_tell(all[i], "answer('" TEST_ISSUER_JWKS "')");
		test_issuer_tell(all[i], "answer('" TEST_ISSUER_DISCOVERY "')");
	}
	return 0;
}

TEST_FIXTURE(reset_answers, NULL);

/* ---- fetching ---- */

static enum err
fetch_set(struct fixture *fx, const struct issuer *issuer)
{
	http_get_reply_clear(&fx->reply);
	return discovery_fetch(fx->f, issuer, NULL, &fx->reply);
}

static void
expect_set(struct fixture *fx, const struct issuer *issuer)
{
	if (fetch_set(fx, issuer) != ERR_OK)
		fail_msg("%s: %s", fx->reply.error, fx->reply.detail);
	assert_string_equal(fx->reply.error, "");
	assert_non_null(strstr(fx->reply.body.data, "\"kid\": \"rsa\""));
}

static void
expect_error(struct fixture *fx, const struct issuer *issuer, const char *error)
{
	assert_int_equal(fetch_set(fx, issuer), ERR_UNAVAILABLE);
	if (strcmp(fx->reply.error, error) != 0)
		fail_msg("%s (%s), not %s", fx->reply.error, fx->reply.detail,
		    error);
	assert_int_equal(fx->reply.body.len, 0);
}

/* ---- good answers ---- */

TEST(a_set_is_fetched, struct fixture *fx)
{
	struct issuer direct = issuer_of(fx->idp, TEST_ISSUER_JWKS);
	struct issuer found = issuer_of(fx->idp, NULL);
	long before = test_issuer_count(fx->idp, TEST_ISSUER_DISCOVERY);

	expect_set(fx, &direct);
	assert_int_equal(fx->reply.max_age, -1);
	assert_int_equal(
	    test_issuer_count(fx->idp, TEST_ISSUER_DISCOVERY), before);
	expect_set(fx, &found);
	assert_int_equal(
	    test_issuer_count(fx->idp, TEST_ISSUER_DISCOVERY), before + 1);
	test_issuer_tell(fx->idp,
	    "answer('" TEST_ISSUER_JWKS
	    "', type='Application/JWK-Set+json; a=b')");
	expect_set(fx, &direct);
}

/* The slash is removed from the document's URL, not from the name. */
TEST(a_trailing_slash_is_removed, struct fixture *fx)
{
	struct issuer issuer = issuer_of(fx->idp, NULL);

	strcat(issuer.name, "/"); /* NOLINT: it has room */
	test_issuer_tell(fx->idp,
	    "answer('" TEST_ISSUER_DISCOVERY "', body={'issuer': '%s', "
	    "'jwks_uri': '%s" TEST_ISSUER_JWKS "'})",
	    issuer.name, test_issuer_url(fx->idp));
	expect_set(fx, &issuer);
}

TEST(the_freshness_is_read, struct fixture *fx)
{
	static const struct {
		const char *headers;
		int64_t fresh;
	} cases[] = {
		{ "'Cache-Control': 'public, max-age=3600'", 3600 },
		{ "'cache-control': 'no-store'", 0 },
		{ "'Cache-Control': 'max-age=3600', 'Age': '600'", 3000 },
		{ "'Cache-Control': 'max-age=3600', 'Age': '6000'", 0 },
		{ "'Cache-Control': 'max-age=3600', "
		  "'CACHE-CONTROL': 'max-age=60'",
		    60 },
		{ "'Cache-Control': 'max-age=3600', 'CACHE-CONTROL': 'x'",
		    3600 },
		{ "'Expires': '0'", -1 },
	};
	struct issuer issuer = issuer_of(fx->idp, TEST_ISSUER_JWKS);

	for (size_t i = 0; i < NELEMS(cases); i++) {
		test_issuer_tell(fx->idp,
		    "answer('" TEST_ISSUER_JWKS "', headers={%s})",
		    cases[i].headers);
		expect_set(fx, &issuer);
		if (fx->reply.max_age != cases[i].fresh)
			fail_msg("%s: %lld", cases[i].headers,
			    (long long)fx->reply.max_age);
	}
}

/* ---- bad answers ---- */

TEST(bad_answers_have_their_reason, struct fixture *fx)
{
	static const struct {
		const char *how, *error;
	} cases[] = {
		{ "status=500", "status_500" },
		{ "status=404", "status_404" },
		{ "status=204", "status_204" },
		{ "status=304", "status_304" },
		{ "status=500, pad=4194304", "status_500" },
		{ "pad=4194304", "too_large" },
		{ "pad=4194304, unsized=True", "too_large" },
		{ "type='text/html'", "type" },
		{ "type='text/plain'", "type" },
		{ "type='application/jsonx'", "type" },
		{ "type=''", "type" },
		{ "pace='half'", "broken" },
		{ "status=302", "status_302" },
	};
	struct issuer direct = issuer_of(fx->idp, TEST_ISSUER_JWKS);
	struct issuer found = issuer_of(fx->idp, NULL);

	for (size_t i = 0; i < NELEMS(cases); i++) {
		test_issuer_tell(fx->idp, "answer('" TEST_ISSUER_JWKS "', %s)",
		    cases[i].how);
		expect_error(fx, &direct, cases[i].error);
		expect_error(fx, &found, cases[i].error);
		test_issuer_tell(fx->idp, "answer('" TEST_ISSUER_JWKS "')");
		test_issuer_tell(fx->idp,
		    "answer('" TEST_ISSUER_DISCOVERY "', %s)", cases[i].how);
		expect_error(fx, &found, cases[i].error);
		test_issuer_tell(
		    fx->idp, "answer('" TEST_ISSUER_DISCOVERY "')");
	}
	expect_set(fx, &found);
}

/* The last byte that fits, and one more. */
TEST(the_size_is_bounded_exactly, struct fixture *fx)
{
	struct issuer issuer = issuer_of(fx->idp, TEST_ISSUER_JWKS);
	size_t len;

	expect_set(fx, &issuer);
	len = fx->reply.body.len;
	for (int unsized = 0; unsized < 2; unsized++) {
		test_issuer_tell(fx->idp,
		    "answer('" TEST_ISSUER_JWKS "', pad=%zu, unsized=%d)",
		    HTTP_GET_BODY_MAX - len, unsized);
		expect_set(fx, &issuer);
		assert_int_equal(fx->reply.body.len, HTTP_GET_BODY_MAX);
		test_issuer_tell(fx->idp,
		    "answer('" TEST_ISSUER_JWKS "', pad=%zu, unsized=%d)",
		    HTTP_GET_BODY_MAX - len + 1, unsized);
		expect_error(fx, &issuer, "too_large");
	}
}

/* The bound is for the headers of all redirects together. */
TEST(headers_have_a_bound, struct fixture *fx)
{
	struct issuer issuer = issuer_of(fx->idp, TEST_ISSUER_JWKS);

	test_issuer_tell(fx->idp,
	    "answer('" TEST_ISSUER_JWKS "', status=302, headers={"
	    "'Location': '" TEST_ISSUER_JWKS "', 'X': '%020000d'})",
	    0);
	expect_error(fx, &issuer, "too_large");
	test_issuer_tell(fx->idp,
	    "answer('" TEST_ISSUER_JWKS "', headers={'X': '%020000d'})", 0);
	expect_set(fx, &issuer);
}

TEST(a_document_of_another_issuer_is_refused, struct fixture *fx)
{
	static const char *const bodies[] = { "'x'", "[]", "{}", "''",
		"{'issuer': 7}", "{'issuer': 'https://evil.example'}" };
	static const char *const behind[] = { "/'", "'", "', 'jwks_uri': 7" };
	struct issuer issuer = issuer_of(fx->idp, NULL);
	long before = test_issuer_count(fx->idp, TEST_ISSUER_JWKS);

	for (size_t i = 0; i < NELEMS(bodies); i++) {
		test_issuer_tell(fx->idp,
		    "answer('" TEST_ISSUER_DISCOVERY "', body=%s)", bodies[i]);
		expect_error(fx, &issuer, "discovery");
	}
	for (size_t i = 0; i < NELEMS(behind); i++) {
		test_issuer_tell(fx->idp,
		    "answer('" TEST_ISSUER_DISCOVERY
		    "', body={'issuer': '%s%s})",
		    issuer.name, behind[i]);
		expect_error(fx, &issuer, "discovery");
	}
	assert_int_equal(test_issuer_count(fx->idp, TEST_ISSUER_JWKS), before);
}

/* ---- redirects ---- */

TEST(redirects_stay_at_the_same_origin, struct fixture *fx)
{
	struct issuer issuer = issuer_of(fx->idp, TEST_ISSUER_JWKS);
	const char *port = strrchr(test_issuer_url(fx->idp), ':');
	long others = test_issuer_count(fx->other, "connections");
	long tls = test_issuer_count(fx->tls, "connections");
	char there[3][128];
	long before;

	test_issuer_tell(fx->idp,
	    "answer('/there', status=307, "
	    "headers={'Location': '" TEST_ISSUER_JWKS "?x'})");
	test_issuer_tell(fx->idp,
	    "answer('" TEST_ISSUER_JWKS "?x', "
	    "body={'keys': [{'kid': 'rsa'}]}, "
	    "headers={'Cache-Control': 'max-age=77'})");
	for (int status = 301; status <= 308; status++) {
		if (status > 303 && status < 307)
			continue;
		test_issuer_tell(fx->idp,
		    "answer('" TEST_ISSUER_JWKS "', status=%d, "
		    "headers={'Location': '/there', "
		    "'Cache-Control': 'max-age=11'})",
		    status);
		expect_set(fx, &issuer);
		assert_int_equal(fx->reply.max_age, 77);
	}
	/* Another port, another name of the same host, another scheme. */
	snprintf(
	    there[0], sizeof(there[0]), "%s/x", test_issuer_url(fx->other));
	snprintf(there[1], sizeof(there[1]), "http://localhost%s/x", port);
	snprintf(there[2], sizeof(there[2]), "%s/x", test_issuer_url(fx->tls));
	for (size_t i = 0; i < NELEMS(there); i++) {
		test_issuer_tell(fx->idp,
		    "answer('" TEST_ISSUER_JWKS "', status=302, "
		    "headers={'Location': '%s'})",
		    there[i]);
		expect_error(fx, &issuer, "redirect");
	}
	assert_int_equal(test_issuer_count(fx->other, "connections"), others);
	assert_int_equal(test_issuer_count(fx->tls, "connections"), tls);
	test_issuer_tell(fx->idp,
	    "answer('" TEST_ISSUER_JWKS "', status=302, "
	    "headers={'Location': '" TEST_ISSUER_JWKS "'})");
	before = test_issuer_count(fx->idp, TEST_ISSUER_JWKS);
	expect_error(fx, &issuer, "redirect");
	assert_int_equal(
	    test_issuer_count(fx->idp, TEST_ISSUER_JWKS), before + 4);
}

/* ---- TLS, and the environment ---- */

TEST(tls_is_verified, struct fixture *fx)
{
	struct issuer issuer = issuer_of(fx->tls, TEST_ISSUER_JWKS);
	long before = test_issuer_count(fx->tls, TEST_ISSUER_JWKS);

	expect_error(fx, &issuer, "tls");
	snprintf(issuer.ca_file, sizeof(issuer.ca_file), "%s",
	    "/etc/ssl/certs/no-such-file.pem");
	expect_error(fx, &issuer, "tls");
	snprintf(issuer.ca_file, sizeof(issuer.ca_file), "%s",
	    test_issuer_ca(fx->tls));
	expect_set(fx, &issuer);
	/* The certificate is for localhost. */
	snprintf(issuer.jwks_uri, sizeof(issuer.jwks_uri),
	    "https://127.0.0.1%s" TEST_ISSUER_JWKS,
	    strrchr(test_issuer_url(fx->tls), ':'));
	expect_error(fx, &issuer, "tls");
	assert_int_equal(
	    test_issuer_count(fx->tls, TEST_ISSUER_JWKS), before + 1);
}

/* A remote issuer cannot direct a fetch to this machine. */
TEST(discovery_does_not_lead_to_this_machine, struct fixture *fx)
{
	struct issuer issuer = issuer_of(fx->tls, NULL);
	long before = test_issuer_count(fx->idp, "connections");

	snprintf(issuer.ca_file, sizeof(issuer.ca_file), "%s",
	    test_issuer_ca(fx->tls));
	expect_set(fx, &issuer);
	test_issuer_tell(fx->tls,
	    "answer('" TEST_ISSUER_DISCOVERY "', body={'issuer': '%s', "
	    "'jwks_uri': '%s" TEST_ISSUER_JWKS "'})",
	    test_issuer_url(fx->tls), test_issuer_url(fx->idp));
	expect_error(fx, &issuer, "address");
	assert_int_equal(test_issuer_count(fx->idp, "connections"), before);
}

TEST(no_proxy_is_taken_from_the_environment, struct fixture *fx)
{
	static const char *const names[] = { "http_proxy", "HTTPS_PROXY",
		"https_proxy", "ALL_PROXY", "all_proxy" };
	struct issuer plain = issuer_of(fx->idp, TEST_ISSUER_JWKS);
	struct issuer tls = issuer_of(fx->tls, TEST_ISSUER_JWKS);
	long before = test_issuer_count(fx->other, "connections");

	snprintf(
	    tls.ca_file, sizeof(tls.ca_file), "%s", test_issuer_ca(fx->tls));
	for (size_t i = 0; i < NELEMS(names); i++)
		assert_int_equal(
		    setenv(names[i], test_issuer_url(fx->other), 1), 0);
	expect_set(fx, &plain);
	expect_set(fx, &tls);
	for (size_t i = 0; i < NELEMS(names); i++)
		assert_int_equal(unsetenv(names[i]), 0);
	assert_int_equal(test_issuer_count(fx->other, "connections"), before);
}

/* ---- time ---- */

TEST(slow_answers_time_out, struct fixture *fx)
{
	static const char *const paces[] = { "hang", "drip" };
	char url[128];
	struct http_request ask = { .url = url, .ca_file = "" };

	snprintf(
	    url, sizeof(url), "%s" TEST_ISSUER_JWKS, test_issuer_url(fx->idp));
	for (size_t i = 0; i < NELEMS(paces); i++) {
		int64_t start = clock_system.mono_us();

		test_issuer_tell(fx->idp,
		    "answer('" TEST_ISSUER_JWKS "', pace='%s')", paces[i]);
		ask.deadline_us = start + SHORT_US;
		http_get_reply_clear(&fx->reply);
		assert_int_equal(
		    http_get(fx->f, &ask, &fx->reply), ERR_UNAVAILABLE);
		assert_string_equal(fx->reply.error, "timeout");
		assert_true(clock_system.mono_us() - start >= SHORT_US / 2);
		assert_true(clock_system.mono_us() - start < LONG_US / 2);
	}
}

struct stopping {
	struct fixture *fx;
	atomic_bool stop;
	enum err err;
	long before;
};

static void *
fetch_until_stopped(void *arg)
{
	struct stopping *s = arg;
	char url[128];
	const struct http_request ask = { .url = url,
		.ca_file = "",
		.deadline_us = clock_system.mono_us() + LONG_US,
		.stop = &s->stop };

	snprintf(url, sizeof(url), "%s" TEST_ISSUER_JWKS,
	    test_issuer_url(s->fx->idp));
	s->err = http_get(s->fx->f, &ask, &s->fx->reply);
	return NULL;
}

static bool
has_been_asked(void *ctx)
{
	const struct stopping *s = ctx;

	return test_issuer_count(s->fx->idp, TEST_ISSUER_JWKS) > s->before;
}

TEST(a_fetch_can_be_stopped, struct fixture *fx)
{
	struct stopping s = { .fx = fx };
	int64_t start = clock_system.mono_us();
	pthread_t thread;

	http_get_reply_clear(&fx->reply);
	test_issuer_tell(
	    fx->idp, "answer('" TEST_ISSUER_JWKS "', pace='hang')");
	s.before = test_issuer_count(fx->idp, TEST_ISSUER_JWKS);
	assert_int_equal(
	    pthread_create(&thread, NULL, fetch_until_stopped, &s), 0);
	assert_true(process_until(has_been_asked, &s, 20000));
	atomic_store(&s.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.err, ERR_UNAVAILABLE);
	assert_string_equal(fx->reply.error, "stopped");
	assert_true(clock_system.mono_us() - start < LONG_US / 2);
}

/* Ten seconds in all, not for each request. */
TEST(no_fetch_exceeds_its_deadline, struct fixture *fx)
{
	struct longest *l = &fx->longest;

	assert_int_equal(pthread_join(l->thread, NULL), 0);
	assert_int_equal(l->err, ERR_UNAVAILABLE);
	assert_string_equal(l->reply.error, "timeout");
	assert_true(l->took_us >= DISCOVERY_MS * INT64_C(1000) - SECOND_US);
	assert_true(l->took_us < DISCOVERY_MS * INT64_C(1500));
	http_get_reply_clear(&l->reply);
}

TEST_GROUP_FIXTURE(set_up, tear_down);
