/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>

#include "base/json_value.h"
#include "support/cli.h"
#include "support/database.h"
#include "support/files.h"
#include "support/issuer_key_rows.h"
#include "support/process.h"
#include "support/promtool.h"
#include "support/site.h"
#include "support/test_issuer.h"

/* Reports of the key sets of other issuers, and fetches on request. */
#define API "/api/v1"
#define WAIT_MS 60000
#define ONE "https://one.example"
#define TWO "https://two.example/\\x"
#define DAY 86400

struct fixture {
	char dir[32];
	char db[64];
	struct test_issuer *idp;
	struct site site;
};

static void
set_up(struct fixture *f)
{
	char path[64], issuers[96];
	const char *env[] = { issuers, NULL };
	struct stack_options o = { .kind = STACK_POOL, .env = env };
	struct buf text = { 0 };

	f->idp = test_issuer_new(false);
	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", f->dir);
	snprintf(path, sizeof(path), "%s/issuers", f->dir);
	snprintf(issuers, sizeof(issuers), "LATCHKEY_ISSUERS_FILE=%s", path);
	buf_printf(&text,
	    "[" ONE "]\njwks_uri = %s" TEST_ISSUER_JWKS
	    "\naudience = latchkey\n"
	    "[" TWO "]\njwks_uri = %s/two.json\naudience = latchkey\n",
	    test_issuer_url(f->idp), test_issuer_url(f->idp));
	files_write(path, text.data, text.len);
	buf_clear(&text);
	o.dir = f->dir;
	f->site.stack = stack_new(&o);
	f->site.web = web_new(stack_base(f->site.stack));
}

static void
tear_down(struct fixture *f)
{
	web_reply_clear(&f->site.reply);
	web_free(f->site.web);
	stack_free(f->site.stack);
	process_remove_tree(f->dir);
	test_issuer_free(f->idp);
}

/* ---- reading the state ---- */

struct awaited {
	const struct fixture *f;
	const char *sql;
	int64_t value;
};

static bool
is_answered(void *ctx)
{
	const struct awaited *a = ctx;

	return database_int(a->f->db, a->sql) == a->value;
}

static void
wait_for(const struct fixture *f, const char *sql, int64_t value)
{
	struct awaited a = { .f = f, .sql = sql, .value = value };

	if (!process_until(is_answered, &a, WAIT_MS))
		fail_msg("%s: %lld", sql, (long long)database_int(f->db, sql));
}

#define TRIED "SELECT count(*) FROM issuer_keys WHERE tried_at > 0"
#define FAILED "SELECT count(*) FROM issuer_keys WHERE failures > 0"
#define FETCHED "SELECT count(*) FROM issuer_keys WHERE jwks IS NOT NULL"
/* Wait until fetched; check the reported times. */
#define RECENT                                                                 \
	"SELECT count(*) FROM issuer_keys WHERE error = '' AND fetched_at > "  \
	"CAST(strftime('%s', 'now') AS INTEGER) - 600"

static void
expect_health(struct fixture *f, const char *status, const char *jwks)
{
	web_get(f->site.web, "/health", &f->site.reply);
	web_expect(&f->site.reply, 200, NULL);
	assert_string_equal(web_text(&f->site.reply, "status"), status);
	assert_string_equal(web_text(&f->site.reply, "jwks"), jwks);
}

static void
be_admin(struct fixture *f)
{
	char sql[128];

	site_account(&f->site);
	snprintf(sql, sizeof(sql),
	    "UPDATE users SET role = 'admin' WHERE id = %s", f->site.user_id);
	database_run(f->db, sql);
}

/* Element ${i} of the member ${name} of the answer. */
static const struct json_value *
element(const struct fixture *f, const char *name, size_t i)
{
	const struct json_value *list =
	    json_value_member(f->site.reply.json, name);

	assert_int_equal(json_value_size(list), 2);
	return json_value_at(list, i);
}

static void
expect_state(struct fixture *f, size_t i, const char *state, const char *error)
{
	const struct json_value *set;
	struct web_call call = { .path = API "/cache/stats",
		.bearer = f->site.token };
	const char *text;
	int64_t keys;

	web_call(f->site.web, &call, &f->site.reply);
	web_expect(&f->site.reply, 200, NULL);
	set = element(f, "jwks", i);
	assert_string_equal(json_value_string(json_value_member(set, "issuer")),
	    i == 0 ? ONE : TWO);
	assert_string_equal(
	    json_value_string(json_value_member(set, "state")), state);
	text = json_value_string(json_value_member(set, "error"));
	assert_string_equal(text != NULL ? text : "", error);
	assert_int_equal(
	    json_value_int(json_value_member(set, "keys"), &keys), ERR_OK);
	assert_int_equal(keys, strcmp(state, "none") == 0 ? 0 : 2);
}

static void
refresh(struct fixture *f, bool asked)
{
	struct web_call call = { .path = API "/cache/jwks/refresh",
		.body = "{}",
		.bearer = f->site.token };
	bool is;
	int64_t wait;

	web_call(f->site.web, &call, &f->site.reply);
	web_expect(&f->site.reply, 202, NULL);
	for (size_t i = 0; i < 2; i++) {
		const struct json_value *issuer = element(f, "issuers", i);

		assert_int_equal(
		    json_value_bool(json_value_member(issuer, "asked"), &is),
		    ERR_OK);
		assert_int_equal(is, asked);
		assert_int_equal(
		    json_value_int(
			json_value_member(issuer, "retry_after"), &wait),
		    ERR_OK);
		if (asked)
			assert_int_equal(wait, 0);
		else
			assert_in_range(wait, 1, 30);
	}
}

/* The number of the series; -1 if it is not there. */
static double
metric(struct fixture *f, const char *series)
{
	const char *at;

	web_get(f->site.web, "/metrics", &f->site.reply);
	web_expect(&f->site.reply, 200, NULL);
	at = strstr(f->site.reply.body.data, series);
	return at != NULL ? strtod(at + strlen(series), NULL) : -1;
}

/* The finding of latchkey doctor: "ok", "warn" or "fail". */
static void
expect_finding(struct fixture *f, const char *verdict, const char *text)
{
	char start[256], file[96];
	struct cli cli;

	snprintf(
	    file, sizeof(file), "LATCHKEY_ISSUERS_FILE=%s/issuers", f->dir);
	snprintf(start, sizeof(start), "\n%-5s issuers: %s", verdict, text);
	cli_open(&cli, f->dir);
	cli_env(&cli, file);
	cli_run(&cli, NULL, "doctor");
	if (strstr(cli.text.data, start) == NULL)
		fail_msg("no \"%s\": %s", start + 1, cli.text.data);
	cli_close(&cli);
}

/* ---- cases ---- */

#define KEYS(issuer) "\nlatchkey_jwks_keys{issuer=\"" issuer "\"} "
#define FAILURES(issuer) "\nlatchkey_jwks_failures{issuer=\"" issuer "\"} "
#define FETCHES(result) "\nlatchkey_jwks_fetches_total{result=\"" result "\"} "
#define TWO_ESCAPED "https://two.example/\\\\x"

/* One issuer has its keys; the other has only an error. */
TEST(missing_keys_are_reported, struct fixture *f)
{
	wait_for(f, TRIED, 2);
	wait_for(f, FETCHED, 1);
	wait_for(f, FAILED, 1);
	expect_health(f, "degraded", "unavailable");
	be_admin(f);
	expect_state(f, 0, "fresh", "");
	expect_state(f, 1, "none", "status_404");
	assert_true(metric(f, KEYS(ONE)) == 2);
	assert_true(metric(f, KEYS(TWO_ESCAPED)) == 0);
	assert_true(metric(f, FAILURES(ONE)) == 0);
	assert_true(metric(f, FAILURES(TWO_ESCAPED)) == 1);
	assert_true(metric(f, FETCHES("ok")) == 1);
	assert_true(metric(f, FETCHES("failed")) == 1);
	promtool_check(f->dir, &f->site.reply.body);
	expect_finding(f, "ok", ONE " has 2 keys\n");
	expect_finding(
	    f, "fail", TWO " has no valid keys (status_404); cure: ");
}

TEST(administrators_can_request_fetches_but_not_too_often, struct fixture *f)
{
	long before = test_issuer_count(f->idp, TEST_ISSUER_JWKS);

	be_admin(f);
	test_issuer_tell(f->idp, "answer('/two.json', body={'keys': []})");
	refresh(f, false);
	refresh(f, false);
	assert_int_equal(test_issuer_count(f->idp, TEST_ISSUER_JWKS), before);
	issuer_key_rows_age(f->db, 60);
	refresh(f, true);
	wait_for(f,
	    "SELECT count(*) FROM issuer_keys WHERE error = 'no_keys' "
	    "AND failures = 2",
	    1);
	assert_int_equal(
	    test_issuer_count(f->idp, TEST_ISSUER_JWKS), before + 1);
	refresh(f, false);
	expect_state(f, 1, "none", "no_keys");
}

TEST(the_age_is_reported, struct fixture *f)
{
	be_admin(f);
	test_issuer_tell(f->idp,
	    "answer('/two.json', status=307, "
	    "headers={'Location': '" TEST_ISSUER_JWKS "'})");
	issuer_key_rows_age(f->db, 60);
	refresh(f, true);
	/* A request was made in this second before the time was moved. */
	issuer_key_rows_wake(f->db);
	wait_for(f, RECENT, 2);
	expect_health(f, "ok", "ok");
	issuer_key_rows_age(f->db, 7300);
	expect_health(f, "degraded", "stale");
	expect_state(f, 0, "stale", "");
	assert_true(metric(f, KEYS(ONE)) == 2);
	expect_finding(f, "warn", "the keys of " ONE " are overdue (no error)");
	issuer_key_rows_age(f->db, DAY);
	expect_health(f, "degraded", "unavailable");
	expect_state(f, 1, "expired", "");
	assert_true(metric(f, KEYS(ONE)) == 0);
	issuer_key_rows_wake(f->db);
	wait_for(f, RECENT, 2);
	expect_health(f, "ok", "ok");
}

TEST_GROUP_FIXTURE(struct fixture, set_up, tear_down);
