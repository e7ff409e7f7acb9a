/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "support/async_request.h"
#include "support/database.h"
#include "support/external_issuer_site.h"
#include "support/process.h"

/*
 * A token creates or updates an account: in many requests at once, in a worker
 * that is killed meanwhile, and while the store cannot be written.
 */
#define API "/api/v1"
#define WORKERS 4
#define CROWD 8
#define WAIT_MS 60000

static int64_t
count_of(const struct external_site *f, const char *sql, const char *name)
{
	char path[64], all[256];

	snprintf(path, sizeof(path), "%s/latchkey.db", f->dir);
	snprintf(all, sizeof(all), "SELECT count(*) FROM %s = '%s'", sql, name);
	return database_int(path, all);
}

static void
assert_named(struct external_site *f, const char *token, const void *name)
{
	const char *got;

	external_site_id(f, token);
	got = web_text(&f->site.reply, "user.name");
	assert_non_null(got);
	assert_string_equal(got, name);
}

/* Concurrent tokens of one subject with different claims. */
TEST(concurrent_tokens_create_one_user, struct external_site *f)
{
	static char tokens[CROWD][TEST_ISSUER_TOKEN_SIZE];
	struct async_request *errands[CROWD];
	char subject[32];

	for (int turn = 0; turn < 8; turn++) {
		long long id = 0;

		snprintf(subject, sizeof(subject), "crowd%d", turn);
		/* The oldest first: making them takes time. */
		for (int i = CROWD - 1; i >= 0; i--)
			test_issuer_token(f->first, tokens[i],
			    "'ec', at=%d, claims={'sub': '%s', 'name': 'n%d'}",
			    -i, subject, i);
		for (int i = 0; i < CROWD; i++)
			errands[i] =
			    async_request_start(stack_base(f->site.stack),
				&(struct web_call){ .path = API "/auth/me",
				    .bearer = tokens[i] },
				NULL);
		for (int i = 0; i < CROWD; i++) {
			async_request_end(errands[i], &f->site.reply);
			web_expect(&f->site.reply, 200, NULL);
			if (i == 0)
				id =
				    strtoll(web_text(&f->site.reply, "user.id"),
					NULL, 10);
			assert_int_equal(
			    strtoll(
				web_text(&f->site.reply, "user.id"), NULL, 10),
			    id);
		}
		assert_int_equal(
		    count_of(f, "subjects WHERE subject", subject), 1);
		/* in any order, the latest claims win */
		external_site_each_worker(
		    f, tokens[CROWD - 1], assert_named, "n0");
	}
}

/* ---- killed meanwhile ---- */

static const struct {
	const char *name;
	bool done; /* the change is made, though no answer was sent */
} points[] = {
	{ "change:begun", false },
	{ "change:marked", false },
	{ "change:written", false },
	{ "change:committed", true },
	{ "change:settled", true },
};

/* Kill the next process that reaches the point. */
static void
killed_at(struct external_site *f, const char *point, const char *path,
    const char *token, const char *body)
{
	stack_point(f->site.stack, point, "once-kill");
	assert_int_not_equal(external_site_post(f, path, token, body), 401);
	assert_true(stack_point_taken(f->site.stack, point, WAIT_MS));
	stack_point_release(f->site.stack, point);
}

TEST(a_killed_worker_leaves_one_user_or_none, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE], subject[32];

	for (size_t i = 0; i < NELEMS(points); i++) {
		snprintf(subject, sizeof(subject), "killed%zu", i);
		test_issuer_token(f->first, token,
		    "'ec', claims={'sub': '%s', 'name': '%s'}", subject,
		    subject);
		killed_at(f, points[i].name, API "/auth/me", token, NULL);
		assert_int_equal(
		    count_of(f, "users WHERE name", subject), points[i].done);
		external_site_expect_everywhere(f, token, 200);
		external_site_each_worker(f, token, assert_named, subject);
		assert_int_equal(count_of(f, "users WHERE name", subject), 1);
		assert_int_equal(
		    count_of(f, "subjects WHERE subject", subject), 1);
	}
}

TEST(a_killed_worker_changes_all_or_nothing, struct external_site *f)
{
	char old[TEST_ISSUER_TOKEN_SIZE], new[TEST_ISSUER_TOKEN_SIZE],
	    subject[32];

	for (size_t i = 0; i < NELEMS(points); i++) {
		snprintf(subject, sizeof(subject), "changed%zu", i);
		test_issuer_token(f->first, old,
		    "'ec', at=-9, claims={'sub': '%s', 'name': 'old'}",
		    subject);
		test_issuer_token(f->first, new,
		    "'ec', claims={'sub': '%s', 'name': 'new'}", subject);
		external_site_expect_everywhere(f, old, 200);
		killed_at(f, points[i].name, API "/auth/me", new, NULL);
		external_site_each_worker(
		    f, old, assert_named, points[i].done ? "new" : "old");
		external_site_each_worker(f, new, assert_named, "new");
		external_site_each_worker(f, old, assert_named, "new");
	}
}

TEST(
    a_killed_worker_ends_a_token_everywhere_or_nowhere, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE];

	for (size_t i = 0; i < NELEMS(points); i++) {
		test_issuer_token(f->first, token,
		    "'ec', claims={'sub': 'ended', 'n': %zu}", i);
		external_site_expect_everywhere(f, token, 200);
		killed_at(f, points[i].name, API "/auth/logout", token, "{}");
		external_site_expect_everywhere(
		    f, token, points[i].done ? 401 : 200);
		external_site_post(f, API "/auth/logout", token, "{}");
		web_expect(&f->site.reply, 200, NULL);
		external_site_expect_everywhere(f, token, 401);
	}
}

/* ---- nothing can be written ---- */

/* New users get 503, not a refusal; known ones are not affected. */
TEST(new_users_get_503_and_known_ones_go_on, struct external_site *f)
{
	char known[TEST_ISSUER_TOKEN_SIZE], other[TEST_ISSUER_TOKEN_SIZE],
	    new[TEST_ISSUER_TOKEN_SIZE];
	struct async_request *held;

	test_issuer_token(f->first, known, "'ec', claims={'sub': 'known'}");
	test_issuer_token(f->first, other, "'rsa', claims={'sub': 'known'}");
	test_issuer_token(f->first, new, "'ec', claims={'sub': 'new'}");
	external_site_expect(f, known, 200);
	/* another process holds the write lock */
	stack_point(f->site.stack, "change:written", "once-hold");
	held = async_request_start(stack_base(f->site.stack),
	    &(struct web_call){
		.path = API "/auth/logout", .body = "{}", .bearer = known },
	    NULL);
	stack_point_wait(f->site.stack, "change:written");
	external_site_ask(f, EXTERNAL_SITE_ME, other);
	web_expect(&f->site.reply, 200, NULL);
	external_site_ask(f, EXTERNAL_SITE_ME, new);
	web_expect(&f->site.reply, 503, "unavailable");
	external_site_ask(f, EXTERNAL_SITE_ME, other);
	web_expect(&f->site.reply, 200, NULL);
	stack_point_release(f->site.stack, "change:written");
	assert_int_equal(async_request_end(held, NULL), 200);
	external_site_expect_everywhere(f, known, 401);
	external_site_expect_everywhere(f, new, 200);
}

TEST_RUN()
{
	static const struct external_site_options o = {
		.stack = { .workers = WORKERS, .no_redis = true }
	};

	return external_site_run("races", TEST_ALL, &o);
}
