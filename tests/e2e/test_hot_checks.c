/* SPDX-License-Identifier: ISC */
/*
 * What a check costs that was asked before: no statement of SQL and no command
 * to Redis, counted where they arrive; and what lies in the file that makes it
 * so.
 */
#include "base/err.h"
#include "support/site.h"

#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "support/external_issuer_site.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/shm_fixture.h"

#define API "/api/v1"
#define WORKERS 8
#define CHECKS 1000

/* ---- counting ---- */

static const char statement[] = "sql:statement";
static const char ping[] = "store:ping";

static void
count_path(const struct site *s, const char *point, char path[160])
{
	snprintf(path, 160, "%s/points/%s.count", stack_dir(s->stack), point);
}

/* From here on who comes there leaves a line with the id of his thread. */
static void
count(struct site *s, const char *point)
{
	char path[160];
	int fd;

	count_path(s, point, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

/*
 * Count the lines of ${point} by the event loops, the first threads of the
 * workers; background threads run maintenance.  *${silent_out}: the number of
 * workers without a line.
 */
static int
lines(struct site *s, const char *point, size_t *silent_out)
{
	pid_t pids[WORKERS];
	size_t n = stack_workers(s->stack, pids, NELEMS(pids));
	int times[WORKERS] = { 0 }, sum = 0;
	char path[160], line[32];
	FILE *f;

	count_path(s, point, path);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		for (size_t i = 0; i < n; i++)
			times[i] += strtol(line, NULL, 10) == pids[i];
	fclose(f);
	*silent_out = WORKERS - n;
	for (size_t i = 0; i < n; i++) {
		*silent_out += times[i] == 0;
		sum += times[i];
	}
	return sum;
}

static int
counted(struct site *s, const char *point)
{
	size_t silent;
	char path[160];
	int times = lines(s, point, &silent);

	count_path(s, point, path);
	assert_int_equal(unlink(path), 0);
	return times;
}

static bool
all_look(void *ctx)
{
	size_t silent;

	(void)lines(ctx, ping, &silent);
	return silent == 0;
}

/* One that is still opening the database has much to ask it. */
static void
wait_for_workers(struct site *s)
{
	count(s, ping);
	assert_true(process_until(all_look, s, 30000));
	(void)counted(s, ping);
}

static void
count_statements(struct site *s)
{
	count(s, ping);
	count(s, statement);
}

/*
 * Once a second each worker checks by one statement that the store can be read;
 * no request causes that one.
 */
static int
counted_statements(struct site *s)
{
	int statements = counted(s, statement);

	return statements - counted(s, ping);
}

/* Commands that Redis has carried out, but for INFO, which asks this. */
static long long
redis_commands(struct site *s)
{
	long long count = 0;
	const char *p;

	if (stack_redis(s->stack) == NULL)
		return 0;
	p = redis_server_ask(stack_redis(s->stack), "INFO commandstats");
	while ((p = strstr(p, "cmdstat_")) != NULL) {
		const char *calls = strstr(p, ":calls=");

		assert_non_null(calls);
		if (strncmp(p, "cmdstat_info", 12) != 0)
			count += strtoll(calls + 7, NULL, 10);
		p = calls;
	}
	return count;
}

/* ---- asking ---- */

/* May it pass?  lighttpd asks its authorizer; others ask by themselves. */
static void
ask_whether(struct site *s, bool guarded)
{
	struct web_call call = { .path = guarded ? STACK_GUARDED
						 : API "/auth/check" };

	if (!guarded) {
		call.bearer = s->token;
		call.no_cookies = true;
	}
	web_call(s->web, &call, &s->reply);
	assert_int_equal(s->reply.status, 200);
	if (guarded)
		assert_string_equal(s->reply.body.data, STACK_SECRET);
	else
		assert_string_equal(
		    web_header(&s->reply, "X-Auth-Email"), s->email);
}

static void
ask(struct site *s, int credential_source)
{
	char body[128];
	struct web_call call = { .path = API "/auth/me" };

	if (credential_source % 5 >= 3) {
		ask_whether(s, credential_source % 5 == 3);
		return;
	}
	if (credential_source % 5 == 0) {
		call.bearer = s->token;
		call.no_cookies = true;
	} else if (credential_source % 5 == 1) {
		snprintf(
		    body, sizeof(body), "{\"session_id\":\"%s\"}", s->session);
		call.path = API "/auth/validate-session";
		call.body = body;
	}
	web_call(s->web, &call, &s->reply);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "user.email"), s->email);
}

/* What is forgotten here is asked for below; else nothing is proven. */
static void
uncache(struct site *s)
{
	char database[128], key[64];

	snprintf(
	    database, sizeof(database), "%s/latchkey.db", stack_dir(s->stack));
	snprintf(key, sizeof(key), "user:%s", s->user_id);
	shm_fixture_uncache(database, key);
}

/* where a test runs */
enum { OURS = 1, EXTERNAL = 2 };

TEST_IN(OURS, a_hot_check_asks_neither_store_nor_redis, struct site *s)
{
	long long redis;
	int cold;

	wait_for_workers(s);
	site_account(s);
	for (int i = 0; i < 5; i++)
		ask(s, i);
	redis = redis_commands(s);
	count_statements(s);
	for (int i = 0; i < CHECKS; i++)
		ask(s, i);
	assert_true(counted_statements(s) <= 0);
	assert_int_equal(redis_commands(s) - redis, 0);

	/* and it is seen if one does */
	count_statements(s);
	uncache(s);
	ask(s, 0);
	cold = counted_statements(s);
	if (stack_redis(s->stack) != NULL) {
		assert_int_equal(redis_commands(s) - redis, 1);
		assert_true(cold <= 0);
	} else {
		assert_true(cold > 0);
	}
}

/* The same for a token of another issuer, which has no session. */
TEST_IN(EXTERNAL, nor_does_one_of_another_issuer, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE];
	long long redis;

	wait_for_workers(&f->site);
	test_issuer_token(f->first, token, "'ec'");
	/* each worker reads the keys that it is signed with once */
	external_site_expect_everywhere(f, token, 200);
	redis = redis_commands(&f->site);
	count_statements(&f->site);
	for (int i = 0; i < CHECKS; i++)
		assert_int_equal(
		    external_site_ask(f,
			(enum external_site_way)(i % EXTERNAL_SITE_WAYS),
			token),
		    200);
	assert_true(counted_statements(&f->site) <= 0);
	assert_int_equal(redis_commands(&f->site) - redis, 0);

	/* and it is seen if one does */
	test_issuer_token(f->first, token, "'ec'");
	count_statements(&f->site);
	assert_int_equal(external_site_ask(f, EXTERNAL_SITE_ME, token), 200);
	assert_true(counted_statements(&f->site) > 0);
}

/* A copy of the shared memory file contains no usable credential. */
TEST_IN(OURS, the_shared_memory_file_opens_nothing, struct site *s)
{
	char path[160];

	site_account(s);
	for (int i = 0; i < 5; i++)
		ask(s, i);
	snprintf(path, sizeof(path), "%s/shared.mem", stack_dir(s->stack));
	assert_true(stack_file_contains(path, s->email));
	assert_false(stack_file_contains(path, s->session));
	assert_false(stack_file_contains(path, s->token));
	assert_false(stack_file_contains(path, strrchr(s->token, '.') + 1));
	assert_false(stack_file_contains(path, WEB_PASSWORD));
	assert_false(stack_file_contains(path, "$argon2"));
}

TEST_RUN()
{
	const struct stack_options with = { .workers = WORKERS };
	const struct stack_options without = { .workers = WORKERS,
		.no_redis = true };
	const struct external_site_options visit = { .stack = with };

	return site_run("hot", OURS, &with) +
	    site_run("hot, without Redis", OURS, &without) +
	    external_site_run("hot, of another issuer", EXTERNAL, &visit);
}
