/* SPDX-License-Identifier: ISC */
#include <math.h>

#include "base/document.h"
#include "base/text.h"
#include "cache/cache.h"
#include "cache/redis.h"
#include "host/breaker.h"
#include "host/stats.h"
#include "routes/admin.h"
#include "routes/handlers.h"
#include "routes/services.h"
#include "store/store.h"

/* ---- /cache/stats ---- */

/* What a tier holds; negative: nobody can tell. */
struct content {
	int64_t entries;
	int64_t bytes;
};

static const struct content unknown = { -1, -1 };

static void
put_or_null(struct document *json, const char *name, int64_t value)
{
	if (value < 0)
		document_put_null(json, name);
	else
		document_put_int(json, name, value);
}

/* A real with ${digits} behind the point: more would be noise. */
static void
put_rounded(struct document *json, const char *name, double value, int digits)
{
	double unit = pow(10, digits);

	document_put_real(json, name, round(value * unit) / unit);
}

static void
put_latency(struct document *json, const struct stats_time *t)
{
	static const struct {
		const char *name;
		int percent;
	} quantiles[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 } };
	struct document *latency = document_object();

	for (size_t i = 0; i < NELEMS(quantiles); i++) {
		if (t->count == 0)
			document_put_null(latency, quantiles[i].name);
		else
			put_rounded(latency, quantiles[i].name,
			    stats_quantile(t, quantiles[i].percent) / 1000, 3);
	}
	document_put(json, "latency_ms", latency);
}

/* ${counts}: hits, misses, errors, as they follow each other in stats.def. */
static struct document *
tier_json(const uint64_t counts[3], const struct content *content)
{
	static const char *const names[] = { "hits", "misses", "errors" };
	struct document *json = document_object();
	double asked = (double)counts[0] + (double)counts[1];

	for (size_t i = 0; i < NELEMS(names); i++)
		document_put_int(json, names[i], (int64_t)counts[i]);
	if (asked > 0)
		put_rounded(json, "hit_rate_percent",
		    100 * (double)counts[0] / asked, 2);
	else
		document_put_null(json, "hit_rate_percent");
	put_or_null(json, "entries", content->entries);
	put_or_null(json, "bytes", content->bytes);
	return json;
}

static struct document *
timed_tier_json(const uint64_t counts[3], const struct content *content,
    const struct stats_time *t)
{
	struct document *json = tier_json(counts, content);

	put_latency(json, t);
	return json;
}

static struct content
redis_content(struct services *sv)
{
	struct content c;

	if (sv->redis == NULL ||
	    redis_size(sv->redis, &c.entries, &c.bytes) != ERR_OK)
		return unknown;
	return c;
}

static struct content
store_content(struct services *sv)
{
	struct store_size size;

	if (store_size(sv->store, &size) != ERR_OK)
		return unknown;
	return (struct content){ size.rows, size.bytes };
}

static struct document *
requests_json(const struct stats_time *t)
{
	struct document *json = document_object();

	document_put_int(json, "count", (int64_t)t->count);
	put_latency(json, t);
	return json;
}

static struct document *
breaker_json(const struct services *sv)
{
	struct document *json = document_object();

	document_put_string(
	    json, "state", breaker_closed(sv->mapped) ? "closed" : "open");
	document_put_int(json, "opened", (int64_t)breaker_opened(sv->mapped));
	return json;
}

/* GET: 200 what each tier did and holds; 401 403. */
enum err
route_cache_stats(
    struct services *sv, struct request *req, struct response *res)
{
	struct content table, redis, store;
	char since[TEXT_TIME_SIZE];
	struct document *json, *requests;
	struct stats stats;
	enum err err;

	err = admin_check(sv, req, res);
	if (err != ERR_OK)
		return err;
	cache_table_size(
	    sv->cache, req->received_at, 1, &table.entries, &table.bytes);
	redis = redis_content(sv);
	store = store_content(sv);
	stats_read(sv->mapped, &stats);

	text_time(since, stats.since);
	json = document_object();
	document_put_string(json, "since", since);
	document_put(
	    json, "table", tier_json(&stats.counter[STATS_TABLE_HITS], &table));
	document_put(json, "redis",
	    timed_tier_json(&stats.counter[STATS_REDIS_HITS], &redis,
		&stats.time[STATS_TIMER_REDIS]));
	document_put(json, "store",
	    timed_tier_json(&stats.counter[STATS_STORE_HITS], &store,
		&stats.time[STATS_TIMER_STORE]));
	requests = document_object();
	document_put(
	    requests, "fast", requests_json(&stats.time[STATS_TIMER_FAST]));
	document_put(
	    requests, "slow", requests_json(&stats.time[STATS_TIMER_SLOW]));
	document_put(json, "requests", requests);
	document_put(json, "redis_breaker", breaker_json(sv));
	return response_json(res, json);
}

/* ---- /cache/health ---- */

/* GET: 200 how what is behind the table is; 401 403. */
enum err
route_cache_health(
    struct services *sv, struct request *req, struct response *res)
{
	struct document *json;
	int64_t latency_us = 0;
	enum err err;
	bool up = false;

	err = admin_check(sv, req, res);
	if (err != ERR_OK)
		return err;
	if (sv->redis != NULL)
		up = redis_ping(sv->redis, &latency_us) == ERR_OK;

	json = document_object();
	document_put_string(
	    json, "status", sv->redis == NULL || up ? "ok" : "degraded");
	/* Without Redis, or while it is down, the table is the whole cache. */
	document_put_string(json, "backend", up ? "redis" : "table");
	if (up)
		put_rounded(json, "latency_ms", (double)latency_us / 1000, 3);
	else
		document_put_null(json, "latency_ms");
	return response_json(res, json);
}

/* ---- /cache/cleanup ---- */

/* Each step removes 500 rows at most, and lets others write in between. */
#define CLEANUP_STEPS 40

/* POST: 200 how many entries that had ended were removed; 401 403 503. */
enum err
route_cache_cleanup(
    struct services *sv, struct request *req, struct response *res)
{
	struct document *json, *counts;
	int64_t rows = 0, step = 1;
	enum err err;

	err = admin_check(sv, req, res);
	for (int i = 0; err == ERR_OK && step > 0 && i < CLEANUP_STEPS; i++) {
		err = store_upkeep(sv->store, req->received_at, &step);
		rows += step;
	}
	if (err != ERR_OK)
		return err;

	counts = document_object();
	document_put_int(
	    counts, "table", cache_table_sweep(sv->cache, req->received_at));
	document_put_int(counts, "store", rows);
	json = document_object();
	document_put(json, "removed", counts);
	/* false: there was more than one call removes. */
	document_put_bool(json, "complete", step == 0);
	return response_json(res, json);
}
