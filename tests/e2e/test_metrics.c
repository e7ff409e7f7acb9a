/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/site.h"

#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "support/database.h"
#include "support/process.h"
#include "support/promtool.h"

#define API "/api/v1"
#define VALIDATE API "/auth/validate-session"

static void
get_metrics(struct site *s)
{
	web_get(s->web, "/metrics", &s->reply);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_header(&s->reply, "Content-Type"),
	    "text/plain; version=0.0.4; charset=utf-8");
}

/* The value of the series; 0 if it does not exist yet. */
static double
value(const struct site *s, const char *series)
{
	size_t len = strlen(series);

	for (const char *p = s->reply.body.data; p != NULL;
	     p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, series, len) == 0 && p[len] == ' ')
			return strtod(p + len, NULL);
	}
	return 0;
}

static void
validate(struct site *s, int times)
{
	char body[128];

	snprintf(body, sizeof(body), "{\"session_id\":\"%s\"}", s->session);
	for (int i = 0; i < times; i++) {
		web_post(s->web, VALIDATE, body, &s->reply);
		web_expect(&s->reply, 200, NULL);
	}
}

/* ---- what they say ---- */

#define VALIDATED                                                              \
	"latchkey_requests_total{route=\"/auth/validate-session\","            \
	"status=\"200\"}"
#define TABLE_HITS "latchkey_cache_hits_total{tier=\"table\"}"
#define REDIS_HITS "latchkey_cache_hits_total{tier=\"redis\"}"
#define STORE_HITS "latchkey_cache_hits_total{tier=\"store\"}"
#define FAST "latchkey_request_duration_seconds_count{lane=\"fast\"}"

/* where a test runs */
enum { EVERYWHERE = 1, POOL = 2 };

/* A hundred checks, spread over the workers, count exactly a hundred. */
TEST_IN(EVERYWHERE, counters_match_the_requests, struct site *s)
{
	static const char *const tiers[] = { REDIS_HITS, STORE_HITS,
		"latchkey_cache_misses_total{tier=\"table\"}",
		"latchkey_store_read_duration_seconds_count",
		"latchkey_redis_duration_seconds_count" };
	double validated, hits, fast, below[NELEMS(tiers)];

	site_account(s);
	validate(s, 1);
	get_metrics(s);
	validated = value(s, VALIDATED);
	hits = value(s, TABLE_HITS);
	fast = value(s, FAST);
	for (size_t i = 0; i < NELEMS(tiers); i++)
		below[i] = value(s, tiers[i]);
	validate(s, 100);
	get_metrics(s);
	assert_true(value(s, VALIDATED) == validated + 100);
	assert_true(value(s, TABLE_HITS) >= hits + 200);
	/* The request for the metrics counts as well. */
	assert_true(value(s, FAST) == fast + 101);
	for (size_t i = 0; i < NELEMS(tiers); i++)
		assert_true(value(s, tiers[i]) == below[i]);
}

TEST_IN(EVERYWHERE, sign_ins_and_sign_outs_are_counted, struct site *s)
{
	static const char refused[] =
	    "latchkey_logins_total{result=\"refused\"}";
	static const char ok[] = "latchkey_logins_total{result=\"ok\"}";
	static const char out[] = "latchkey_revocations_total{kind=\"logout\"}";
	double before[4];
	char body[160];

	get_metrics(s);
	before[0] = value(s, refused);
	before[1] = value(s, ok);
	before[2] = value(s, out);
	before[3] = value(s, "latchkey_registrations_total");
	site_account(s);
	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"password\":\"not that one\"}", s->email);
	for (int i = 0; i < 3; i++) {
		web_post(s->web, API "/auth/login", body, &s->reply);
		web_expect(&s->reply, 401, "invalid_credentials");
	}
	for (int i = 0; i < 2; i++) {
		web_login(s->web, s->email, &s->reply);
		web_post(s->web, API "/auth/logout", "{}", &s->reply);
		web_expect(&s->reply, 200, NULL);
	}
	get_metrics(s);
	assert_true(value(s, refused) == before[0] + 3);
	assert_true(value(s, ok) == before[1] + 2);
	assert_true(value(s, out) == before[2] + 2);
	assert_true(value(s, "latchkey_registrations_total") == before[3] + 1);
}

/* ---- workers that die ---- */

static void
kill_workers(struct site *s)
{
	pid_t pids[8];
	size_t n = stack_workers(s->stack, pids, NELEMS(pids));

	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(kill(pids[i], SIGKILL), 0);
	for (size_t i = 0; i < n; i++) {
		for (int waited = 0; process_alive(pids[i]); waited++) {
			if (waited > 10000)
				fail_msg("worker %d lives on", (int)pids[i]);
			usleep(1000);
		}
	}
	assert_true(stack_ready(s->stack, 15000));
}

/* Every worker dies twice: no counter falls or counts twice. */
TEST_IN(POOL, counts_of_killed_workers_are_kept, struct site *s)
{
	static const char starts[] = "latchkey_worker_starts_total";
	double validated, started, since;

	site_account(s);
	get_metrics(s);
	validated = value(s, VALIDATED);
	started = value(s, starts);
	since = value(s, "latchkey_counting_since_timestamp_seconds");
	for (int round = 1; round <= 2; round++) {
		validate(s, 50);
		kill_workers(s);
		get_metrics(s);
		assert_true(value(s, VALIDATED) == validated + 50 * round);
	}
	assert_true(value(s, starts) >= started + 2);
	assert_true(
	    value(s, "latchkey_counting_since_timestamp_seconds") == since);
}

/* ---- who may see them ---- */

static const char *
database(const struct site *s)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/latchkey.db", stack_dir(s->stack));
	return path;
}

/* As an operator would; no worker has cached the user yet. */
static void
admin_account(struct site *s)
{
	char sql[128];

	site_account(s);
	snprintf(sql, sizeof(sql),
	    "UPDATE users SET role = 'admin' WHERE id = %s", s->user_id);
	database_run(database(s), sql);
}

/*
 * The client of these tests is local.  A proxy's forwarding header makes it
 * remote, and then only an administrator is allowed.
 */
TEST_IN(EVERYWHERE, only_administrators_see_the_metrics, struct site *s)
{
	static const char *const forwarded[] = { "X-Forwarded-For: 192.0.2.9",
		NULL };
	static const char *const paths[] = { "/metrics", API "/cache/stats",
		API "/cache/health" };
	char token[sizeof(s->token)];

	site_account(s);
	snprintf(token, sizeof(token), "%s", s->token);
	admin_account(s);
	web_forget(s->web);
	for (size_t i = 0; i < NELEMS(paths); i++) {
		struct web_call call = { .path = paths[i],
			.headers = forwarded };

		web_call(s->web, &call, &s->reply);
		web_expect(&s->reply, 401, "not_signed_in");
		call.bearer = token;
		web_call(s->web, &call, &s->reply);
		web_expect(&s->reply, 403, "forbidden");
		call.bearer = s->token;
		web_call(s->web, &call, &s->reply);
		web_expect(&s->reply, 200, NULL);
	}
}

TEST_IN(EVERYWHERE, administrators_read_stats_and_clean_up, struct site *s)
{
	bool redis = stack_redis(s->stack) != NULL;
	struct web_call call = { .path = API "/cache/stats" };
	long long users, sessions;

	admin_account(s);
	call.bearer = s->token;
	web_call(s->web, &call, &s->reply);
	web_expect(&s->reply, 200, NULL);
	users = database_int(database(s), "SELECT count(*) FROM users");
	sessions = database_int(database(s), "SELECT count(*) FROM sessions");
	assert_true(web_number(&s->reply, "table.entries") >= 2);
	assert_true(web_number(&s->reply, "table.bytes") > 0);
	assert_true(web_number(&s->reply, "store.entries") >= users + sessions);
	assert_true(web_number(&s->reply, "store.bytes") > 4096);
	assert_true(web_number(&s->reply, "table.hits") > 0);
	if (redis)
		assert_true(web_number(&s->reply, "redis.bytes") > 4096);

	call.path = API "/cache/health";
	web_call(s->web, &call, &s->reply);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "status"), "ok");
	assert_string_equal(
	    web_text(&s->reply, "backend"), redis ? "redis" : "table");

	/* With a cookie the same-origin rule applies. */
	call = (struct web_call){
		.path = API "/cache/cleanup", .body = "{}", .no_site = true
	};
	web_call(s->web, &call, &s->reply);
	web_expect(&s->reply, 403, "cross_site");
	call.no_site = false;
	web_call(s->web, &call, &s->reply);
	web_expect(&s->reply, 200, NULL);
	assert_int_equal(web_number(&s->reply, "removed.store"), 0);
}

/* ---- as Prometheus reads it ---- */

TEST_IN(EVERYWHERE, promtool_finds_no_fault, struct site *s)
{
	site_account(s);
	validate(s, 3);
	web_get(s->web, "/nowhere", &s->reply);
	get_metrics(s);
	promtool_check(stack_dir(s->stack), &s->reply.body);
}

TEST_RUN()
{
	const struct stack_options pool = { .kind = STACK_POOL };

	return site_run_everywhere("metrics", EVERYWHERE, NULL) +
	    site_run("killed workers", POOL, &pool);
}
