/* SPDX-License-Identifier: ISC */
#include <math.h>

#include "base/text.h"
#include "base/writer.h"
#include "cache/cache.h"
#include "cache/redis.h"
#include "host/breaker.h"
#include "host/stats.h"
#include "routes/admin.h"
#include "routes/handlers.h"
#include "routes/key_sets.h"
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
put_or_null(struct writer *w, const char *name, int64_t value)
{
	if (value < 0)
		writer_null(w, name);
	else
		writer_int(w, name, value);
}

/* A real with ${digits} behind the point: more would be noise. */
static void
put_rounded(struct writer *w, const char *name, double value, int digits)
{
	double unit = pow(10, digits);

	writer_real(w, name, round(value * unit) / unit);
}

static void
put_latency(struct writer *w, const struct stats_time *t)
{
	static const struct {
		const char *name;
		int percent;
	} quantiles[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 } };

	writer_object(w, "latency_ms");
	for (size_t i = 0; i < NELEMS(quantiles); i++) {
		if (t->count == 0)
			writer_null(w, quantiles[i].name);
		else
			put_rounded(w, quantiles[i].name,
			    stats_quantile(t, quantiles[i].percent) / 1000, 3);
	}
	writer_close(w);
}

/* ${counts}: hits, misses, errors, as they follow each other in stats.def. */
static void
put_tier(
    struct writer *w, const uint64_t counts[3], const struct content *content)
{
	static const char *const names[] = { "hits", "misses", "errors" };
	double asked = (double)counts[0] + (double)counts[1];

	for (size_t i = 0; i < NELEMS(names); i++)
		writer_int(w, names[i], (int64_t)counts[i]);
	if (asked > 0)
		put_rounded(
		    w, "hit_rate_percent", 100 * (double)counts[0] / asked, 2);
	else
		writer_null(w, "hit_rate_percent");
	put_or_null(w, "entries", content->entries);
	put_or_null(w, "bytes", content->bytes);
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

static void
put_tiers(
    struct writer *w, const struct content held[3], const struct stats *stats)
{
	writer_object(w, "table");
	put_tier(w, &stats->counter[STATS_TABLE_HITS], &held[0]);
	writer_close(w);
	writer_object(w, "redis");
	put_tier(w, &stats->counter[STATS_REDIS_HITS], &held[1]);
	put_latency(w, &stats->time[STATS_TIMER_REDIS]);
	writer_close(w);
	writer_object(w, "store");
	put_tier(w, &stats->counter[STATS_STORE_HITS], &held[2]);
	put_latency(w, &stats->time[STATS_TIMER_STORE]);
	writer_close(w);
}

static void
put_requests(struct writer *w, const char *lane, const struct stats_time *t)
{
	writer_object(w, lane);
	writer_int(w, "count", (int64_t)t->count);
	put_latency(w, t);
	writer_close(w);
}

/* GET: 200 what each tier did and holds; 401 403 503. */
enum err
route_cache_stats(
    struct services *sv, struct request *req, struct response *res)
{
	struct content held[3]; /* table, Redis, store */
	char since[TEXT_TIME_SIZE];
	struct stats stats;
	struct writer w;
	enum err err;

	err = admin_check(sv, req, res);
	if (err == ERR_OK)
		err = key_sets_refresh(sv, req->received_at);
	if (err != ERR_OK)
		return err;
	cache_table_size(
	    sv->cache, req->received_at, 1, &held[0].entries, &held[0].bytes);
	held[1] = redis_content(sv);
	held[2] = store_content(sv);
	stats_read(sv->mapped, &stats);

	text_time(since, stats.since);
	response_begin(res, &w);
	writer_string(&w, "since", since);
	put_tiers(&w, held, &stats);
	writer_object(&w, "requests");
	put_requests(&w, "fast", &stats.time[STATS_TIMER_FAST]);
	put_requests(&w, "slow", &stats.time[STATS_TIMER_SLOW]);
	writer_close(&w);
	writer_object(&w, "redis_breaker");
	writer_string(
	    &w, "state", breaker_closed(sv->mapped) ? "closed" : "open");
	writer_int(&w, "opened", (int64_t)breaker_opened(sv->mapped));
	writer_close(&w);
	key_sets_write(sv, req->received_at, &w);
	return response_end(res, &w);
}

/* ---- /cache/health ---- */

/* GET: 200 how what is behind the table is; 401 403. */
enum err
route_cache_health(
    struct services *sv, struct request *req, struct response *res)
{
	int64_t latency_us = 0;
	struct writer w;
	enum err err;
	bool up = false;

	err = admin_check(sv, req, res);
	if (err != ERR_OK)
		return err;
	if (sv->redis != NULL)
		up = redis_ping(sv->redis, &latency_us) == ERR_OK;

	response_begin(res, &w);
	writer_string(
	    &w, "status", sv->redis == NULL || up ? "ok" : "degraded");
	/* Without Redis, or while it is down, the table is the whole cache. */
	writer_string(&w, "backend", up ? "redis" : "table");
	if (up)
		put_rounded(&w, "latency_ms", (double)latency_us / 1000, 3);
	else
		writer_null(&w, "latency_ms");
	return response_end(res, &w);
}

/* ---- /cache/cleanup ---- */

/* Each step removes 500 rows at most, and lets others write in between. */
#define CLEANUP_STEPS 40

/* POST: 200 how many entries that had ended were removed; 401 403 503. */
enum err
route_cache_cleanup(
    struct services *sv, struct request *req, struct response *res)
{
	int64_t rows = 0, step = 1;
	struct writer w;
	enum err err;

	err = admin_check(sv, req, res);
	for (int i = 0; err == ERR_OK && step > 0 && i < CLEANUP_STEPS; i++) {
		err = store_upkeep(sv->store, req->received_at, &step);
		rows += step;
	}
	if (err != ERR_OK)
		return err;

	response_begin(res, &w);
	writer_object(&w, "removed");
	writer_int(&w, "table", cache_table_sweep(sv->cache, req->received_at));
	writer_int(&w, "store", rows);
	writer_close(&w);
	/* false: there was more than one call removes. */
	writer_bool(&w, "complete", step == 0);
	return response_end(res, &w);
}
