/* SPDX-License-Identifier: ISC */
#include <math.h>

#include "base/json_writer.h"
#include "base/timefmt.h"
#include "cache/cache.h"
#include "cache/redis.h"
#include "routes/admin.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/issuer_keys.h"
#include "shm/circuit_breaker.h"
#include "shm/counters.h"
#include "store/store.h"

/* ---- /cache/stats ---- */

/* What a tier holds; negative: not known. */
struct content {
	int64_t entries;
	int64_t bytes;
};

static const struct content unknown = { -1, -1 };

static void
put_or_null(struct json_writer *w, const char *name, int64_t value)
{
	if (value < 0)
		json_write_null(w, name);
	else
		json_write_int(w, name, value);
}

/* More than ${digits} decimals would be noise. */
static void
put_rounded(struct json_writer *w, const char *name, double value, int digits)
{
	double unit = pow(10, digits);

	json_write_real(w, name, round(value * unit) / unit);
}

static void
put_latency(struct json_writer *w, const struct counters_time *t)
{
	static const struct {
		const char *name;
		int percent;
	} quantiles[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 } };

	json_write_object(w, "latency_ms");
	for (size_t i = 0; i < NELEMS(quantiles); i++) {
		if (t->count == 0)
			json_write_null(w, quantiles[i].name);
		else
			put_rounded(w, quantiles[i].name,
			    counters_quantile(t, quantiles[i].percent) / 1000,
			    3);
	}
	json_write_close(w);
}

/* ${counts}: hits, misses and errors, in the order of counters.def. */
static void
put_tier(struct json_writer *w, const uint64_t counts[3],
    const struct content *content)
{
	static const char *const names[] = { "hits", "misses", "errors" };
	double reads = (double)counts[0] + (double)counts[1];

	for (size_t i = 0; i < NELEMS(names); i++)
		json_write_int(w, names[i], (int64_t)counts[i]);
	if (reads > 0)
		put_rounded(
		    w, "hit_rate_percent", 100 * (double)counts[0] / reads, 2);
	else
		json_write_null(w, "hit_rate_percent");
	put_or_null(w, "entries", content->entries);
	put_or_null(w, "bytes", content->bytes);
}

static struct content
redis_content(struct app *app)
{
	struct content c;

	if (app->redis == NULL ||
	    redis_size(app->redis, &c.entries, &c.bytes) != ERR_OK)
		return unknown;
	return c;
}

static struct content
store_content(struct app *app)
{
	struct store_size size;

	if (store_size(app->store, &size) != ERR_OK)
		return unknown;
	return (struct content){ size.rows, size.bytes };
}

static void
put_tiers(struct json_writer *w, const struct content held[3],
    const struct counters *counters)
{
	const struct {
		const char *name;
		enum counters_id hits;
		const struct counters_time *time;
	} tiers[] = {
		{ "table", COUNTERS_MEMORY_HITS, NULL },
		{ "redis", COUNTERS_REDIS_HITS,
		    &counters->time[COUNTERS_TIMER_REDIS] },
		{ "store", COUNTERS_STORE_HITS,
		    &counters->time[COUNTERS_TIMER_STORE] },
	};

	for (size_t i = 0; i < NELEMS(tiers); i++) {
		json_write_object(w, tiers[i].name);
		put_tier(w, &counters->counter[tiers[i].hits], &held[i]);
		if (tiers[i].time != NULL)
			put_latency(w, tiers[i].time);
		json_write_close(w);
	}
}

static void
put_requests(
    struct json_writer *w, const char *name, const struct counters_time *t)
{
	json_write_object(w, name);
	json_write_int(w, "count", (int64_t)t->count);
	put_latency(w, t);
	json_write_close(w);
}

/* GET: 200 counts and content of each tier; 401 403 503. */
enum err
route_cache_stats(struct app *app, struct request *req, struct response *res)
{
	struct content held[3]; /* memory cache, Redis, store */
	char since[TIMEFMT_SIZE];
	struct counters counters;
	struct json_writer w;
	enum err err;

	err = admin_check(app, req, res);
	if (err == ERR_OK)
		err = issuer_keys_refresh(app, req->received_at);
	if (err != ERR_OK)
		return err;
	cache_memory_size(
	    app->cache, req->received_at, 1, &held[0].entries, &held[0].bytes);
	held[1] = redis_content(app);
	held[2] = store_content(app);
	counters_read(app->shm, &counters);

	timefmt_utc(since, counters.since);
	response_begin(res, &w);
	json_write_string(&w, "since", since);
	put_tiers(&w, held, &counters);
	json_write_object(&w, "requests");
	put_requests(&w, "fast", &counters.time[COUNTERS_TIMER_FAST]);
	put_requests(&w, "slow", &counters.time[COUNTERS_TIMER_SLOW]);
	json_write_close(&w);
	json_write_object(&w, "redis_breaker");
	json_write_string(
	    &w, "state", circuit_breaker_closed(app->shm) ? "closed" : "open");
	json_write_int(&w, "opened", (int64_t)circuit_breaker_opened(app->shm));
	json_write_close(&w);
	issuer_keys_write(app, req->received_at, &w);
	return response_end(res, &w);
}

/* ---- /cache/health ---- */

/* GET: 200 the state of Redis; 401 403. */
enum err
route_cache_health(struct app *app, struct request *req, struct response *res)
{
	int64_t latency_us = 0;
	struct json_writer w;
	enum err err;
	bool up = false;

	err = admin_check(app, req, res);
	if (err != ERR_OK)
		return err;
	if (app->redis != NULL)
		up = redis_ping(app->redis, &latency_us) == ERR_OK;

	response_begin(res, &w);
	json_write_string(
	    &w, "status", app->redis == NULL || up ? "ok" : "degraded");
	/* Without Redis, or while it is down, "table" is the whole cache. */
	json_write_string(&w, "backend", up ? "redis" : "table");
	if (up)
		put_rounded(&w, "latency_ms", (double)latency_us / 1000, 3);
	else
		json_write_null(&w, "latency_ms");
	return response_end(res, &w);
}

/* ---- /cache/cleanup ---- */

/* A step removes at most 500 rows; other writers get in between. */
#define CLEANUP_STEPS 40

/* POST: 200 the number of expired entries removed; 401 403 503. */
enum err
route_cache_cleanup(struct app *app, struct request *req, struct response *res)
{
	int64_t rows = 0, step = 1;
	struct json_writer w;
	enum err err;

	err = admin_check(app, req, res);
	for (int i = 0; err == ERR_OK && step > 0 && i < CLEANUP_STEPS; i++) {
		err = store_maintenance(app->store, req->received_at, &step);
		rows += step;
	}
	if (err != ERR_OK)
		return err;

	response_begin(res, &w);
	json_write_object(&w, "removed");
	json_write_int(
	    &w, "table", cache_memory_sweep(app->cache, req->received_at));
	json_write_int(&w, "store", rows);
	json_write_close(&w);
	/* false: call again, there is more. */
	json_write_bool(&w, "complete", step == 0);
	return response_end(res, &w);
}
