/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cache/cache.h"
#include "issuers/issuers.h"
#include "routes/admin.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/issuer_keys.h"
#include "shm/circuit_breaker.h"
#include "shm/counters.h"

/* Prometheus' text format 0.0.4: a metric's head, then all of its samples. */
#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define PREFIX "latchkey_"
#define NAME_SIZE 64
#define NUMBER_SIZE 21  /* 2^64, and NUL */
#define SECONDS_SIZE 28 /* the same, a point and 6 digits */

static void
put_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b,
	    "# HELP " PREFIX "%s %s\n"
	    "# TYPE " PREFIX "%s %s\n",
	    name, help, name, type);
}

static void
put_text(struct buf *b, const char *name, const char *labels, const char *value)
{
	bool any = labels[0] != '\0';

	buf_printf(b, PREFIX "%s%s%s%s %s\n", name, any ? "{" : "", labels,
	    any ? "}" : "", value);
}

static void
put_number(struct buf *b, const char *name, const char *labels, uint64_t n)
{
	char value[NUMBER_SIZE];

	(void)snprintf(value, sizeof(value), "%" PRIu64, n);
	put_text(b, name, labels, value);
}

static void
put_one(struct buf *b, const char *name, const char *type, const char *help,
    uint64_t n)
{
	put_head(b, name, type, help);
	put_number(b, name, "", n);
}

/* One bucket in 64 is sampled: 0.2 ms for the default size. */
#define SAMPLE_STEP 64

static void
put_memory_cache(struct buf *b, const struct app *app, int64_t now)
{
	int64_t entries, bytes;

	cache_memory_size(app->cache, now, SAMPLE_STEP, &entries, &bytes);
	put_one(b, "table_entries", "gauge",
	    "Entries of the memory cache, estimated from a sample.",
	    (uint64_t)entries);
	put_one(b, "table_used_bytes", "gauge", "Bytes that these entries use.",
	    (uint64_t)bytes);
}

/* The state in shared memory beside the counters. */
static void
put_state(struct buf *b, const struct app *app, const struct counters *counters)
{
	put_head(b, "build_info", "gauge", "The version that answers.");
	put_number(b, "build_info", "version=\"" PACKAGE_VERSION "\"", 1);
	put_one(b, "counting_since_timestamp_seconds", "gauge",
	    "Time when all counters were 0.", (uint64_t)counters->since);
	put_one(b, "redis_enabled", "gauge", "1 if Redis is configured.",
	    app->redis != NULL);
	put_one(b, "redis_breaker_open", "gauge",
	    "1 while Redis is not used because it failed.",
	    !circuit_breaker_closed(app->shm));
	put_one(b, "redis_breaker_opened_total", "counter", "Outages of Redis.",
	    circuit_breaker_opened(app->shm));
}

/* ---- the keys of external issuers ---- */

/* One sample for each issuer. */
static const struct {
	const char *name, *help;
	size_t offset; /* in struct issuers_state; 0: valid keys */
} jwks_gauges[] = {
	{ "jwks_keys", "Keys that verify the tokens of an issuer.", 0 },
	{ "jwks_failures", "Failed fetches since the last successful one.",
	    offsetof(struct issuers_state, failures) },
	{ "jwks_fetched_timestamp_seconds",
	    "Time of the last successful fetch.",
	    offsetof(struct issuers_state, fetched_at) },
	{ "jwks_fresh_until_timestamp_seconds",
	    "Time when the next fetch is due.",
	    offsetof(struct issuers_state, fresh_until) },
	{ "jwks_tried_timestamp_seconds", "Time when the last fetch began.",
	    offsetof(struct issuers_state, tried_at) },
};

/* The label of ${issuer}, with backslashes and quotes escaped. */
static void
put_issuer(struct buf *label, const char *issuer)
{
	buf_puts(label, "issuer=\"");
	for (const char *at = issuer; *at != '\0'; at++) {
		if (*at == '\\' || *at == '"')
			buf_puts(label, "\\");
		buf_append(label, at, 1);
	}
	buf_puts(label, "\"");
}

static uint64_t
jwks_number(const struct issuers_state *state, size_t offset)
{
	bool good = state->freshness == ISSUERS_FRESH ||
	    state->freshness == ISSUERS_STALE;
	int64_t n;

	if (offset == 0)
		return good ? state->keys : 0;
	memcpy(&n, (const unsigned char *)state + offset, sizeof(n));
	return (uint64_t)n;
}

static void
put_issuers(struct buf *b, struct app *app, int64_t now)
{
	struct buf label = { 0 };

	/* No samples at all while the store cannot answer. */
	if (issuers_count(app->issuers) == 0 ||
	    issuer_keys_refresh(app, now) != ERR_OK)
		return;
	for (size_t g = 0; g < NELEMS(jwks_gauges); g++) {
		put_head(b, jwks_gauges[g].name, "gauge", jwks_gauges[g].help);
		for (size_t i = 0; i < issuers_count(app->issuers); i++) {
			struct issuers_state state;

			issuers_state(app->issuers, i, now, &state);
			buf_reset(&label);
			put_issuer(&label, state.issuer);
			b->failed |= label.failed;
			if (!label.failed)
				put_number(b, jwks_gauges[g].name, label.data,
				    jwks_number(&state, jwks_gauges[g].offset));
		}
	}
	buf_clear(&label);
}

/* ---- counters ---- */

static void
put_counters(struct buf *b, const struct counters *counters)
{
	const struct counters_label *labels = counters_labels;

	for (size_t i = 0; i < COUNTERS_COUNT; i++) {
		const struct counters_family *family = labels[i].family;
		size_t first = 0;

		while (labels[first].family != family)
			first++;
		if (first < i)
			continue; /* was written with the first */
		put_head(b, family->name, family->type, family->help);
		for (size_t j = i; j < COUNTERS_COUNT; j++)
			if (labels[j].family == family)
				put_number(b, family->name, labels[j].labels,
				    counters->counter[j]);
	}
}

/* ---- requests ---- */

/* Rows of one path are one route, whatever their methods. */
static uint64_t
requests_of(const struct counters *counters, size_t first, size_t status)
{
	uint64_t n = 0;

	for (size_t r = first; r < routes_count; r++)
		if (strcmp(routes[r].path, routes[first].path) == 0)
			n += counters->request[r][status];
	return n;
}

static bool
is_first(size_t route)
{
	for (size_t r = 0; r < route; r++)
		if (strcmp(routes[r].path, routes[route].path) == 0)
			return false;
	return true;
}

static void
put_request(struct buf *b, const char *path, size_t status, uint64_t n)
{
	if (n == 0)
		return;
	buf_printf(b,
	    PREFIX "requests_total{route=\"%s\",status=\"%d\"} %" PRIu64 "\n",
	    path, counters_status(status), n);
}

static void
put_requests(struct buf *b, const struct counters *counters)
{
	put_head(b, "requests_total", "counter",
	    "Answers by route and status; route none: no such path.");
	for (size_t r = 0; r < routes_count; r++)
		for (size_t s = 0; is_first(r) && s < COUNTERS_STATUSES; s++)
			put_request(
			    b, routes[r].path, s, requests_of(counters, r, s));
	for (size_t s = 0; s < COUNTERS_STATUSES; s++)
		put_request(
		    b, "none", s, counters->request[COUNTERS_NO_ROUTE][s]);
}

/* ---- times ---- */

static void
put_bucket(struct buf *b, const struct counters_label *label, const char *upto,
    uint64_t n)
{
	buf_printf(b, PREFIX "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n",
	    label->family->name, label->labels,
	    label->labels[0] != '\0' ? "," : "", upto, n);
}

static void
seconds(char dst[SECONDS_SIZE], uint64_t us)
{
	(void)snprintf(dst, SECONDS_SIZE, "%" PRIu64 ".%06u", us / 1000000,
	    (unsigned)(us % 1000000));
}

/*
 * One bucket for each power of two.  The last counter holds everything slower,
 * so it shows in +Inf only.
 */
static void
put_time(struct buf *b, const struct counters_label *label,
    const struct counters_time *t)
{
	const size_t step = COUNTERS_BUCKETS_PER_OCTAVE;
	char name[NAME_SIZE], text[SECONDS_SIZE];
	uint64_t n = 0;

	for (size_t i = 0; i < COUNTERS_BUCKETS - 1; i++) {
		n += t->bucket[i];
		if (i % step != step - 1)
			continue;
		seconds(text, counters_bucket_end(i));
		put_bucket(b, label, text, n);
	}
	put_bucket(b, label, "+Inf", t->count);
	seconds(text, t->sum_us);
	(void)snprintf(name, sizeof(name), "%s_sum", label->family->name);
	put_text(b, name, label->labels, text);
	(void)snprintf(name, sizeof(name), "%s_count", label->family->name);
	put_number(b, name, label->labels, t->count);
}

static void
put_times(struct buf *b, const struct counters *counters)
{
	const struct counters_family *last = NULL;

	/* Timers of one family are adjacent in counters.def. */
	for (size_t i = 0; i < COUNTERS_TIMERS; i++) {
		const struct counters_label *label = &counters_timer_labels[i];

		if (label->family != last)
			put_head(b, label->family->name, label->family->type,
			    label->family->help);
		put_time(b, label, &counters->time[i]);
		last = label->family;
	}
}

/* GET: 200 for administrators and from this machine; 401 403. */
enum err
route_metrics(struct app *app, struct request *req, struct response *res)
{
	struct counters counters;
	enum err err;

	err = admin_or_local_check(app, req, res);
	if (err != ERR_OK)
		return err;
	counters_read(app->shm, &counters);
	res->content_type = CONTENT_TYPE;
	put_state(&res->body, app, &counters);
	put_memory_cache(&res->body, app, req->received_at);
	put_issuers(&res->body, app, req->received_at);
	put_counters(&res->body, &counters);
	put_requests(&res->body, &counters);
	put_times(&res->body, &counters);
	return res->body.failed ? ERR_INTERNAL : ERR_OK;
}
