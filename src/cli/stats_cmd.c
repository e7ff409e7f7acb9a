/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/writer.h"
#include "cache/table.h"
#include "cli/desk.h"
#include "cli/usage.h"
#include "config/config.h"
#include "host/breaker.h"
#include "host/mapped.h"
#include "host/stats.h"

#define INTERVAL_MAX 3600
#define TABLE_STEP 64 /* one bucket of so many is looked at */
#define HOME_AND_CLEAR "\033[H\033[J"

/* What is shown: counts of a span of time, and how things are at its end. */
struct view {
	const char *database;
	bool redis_enabled;
	bool breaker_closed;
	uint64_t outages;
	size_t processes; /* that have the mapped file open, we among them */
	int64_t table_entries, table_bytes;
	double seconds;      /* the span */
	struct stats counts; /* in it; since when, as it is */
};

static void
look(struct mapped *m, const struct config *config, struct view *view)
{
	struct table_view table;

	view->database = config_database(config);
	view->redis_enabled = config_bool(config, CONFIG_REDIS_ENABLED);
	view->breaker_closed = breaker_closed(m);
	view->outages = breaker_opened(m);
	view->processes = mapped_views(m);
	table_init(&table, m);
	table_size(&table, clock_system.wall(), TABLE_STEP,
	    &view->table_entries, &view->table_bytes);
}

/* ---- text ---- */

static uint64_t
requests_of(const struct view *view)
{
	return view->counts.time[STATS_TIMER_FAST].count +
	    view->counts.time[STATS_TIMER_SLOW].count;
}

static double
per_second(const struct view *view, uint64_t n)
{
	return view->seconds > 0 ? (double)n / view->seconds : 0;
}

static void
put_lane(const struct view *view, const char *name, enum stats_timer timer)
{
	const struct stats_time *t = &view->counts.time[timer];

	printf("%-12s%12" PRIu64 "%12.1f%12.3f%12.3f\n", name, t->count,
	    per_second(view, t->count), stats_quantile(t, 50) / 1000,
	    stats_quantile(t, 99) / 1000);
}

static void
put_tier(const struct view *view, const char *name, enum stats_counter hits)
{
	const uint64_t *n = &view->counts.counter[hits];
	double asked = (double)n[0] + (double)n[1];

	printf("%-12s%12" PRIu64 "%12" PRIu64 "%12" PRIu64, name, n[0], n[1],
	    n[2]);
	if (asked > 0)
		printf("%11.2f%%\n", 100 * (double)n[0] / asked);
	else
		printf("%12s\n", "-");
}

static void
put_totals(const struct view *view)
{
	const uint64_t *n = view->counts.counter;

	printf("%-12sok %" PRIu64 ", refused %" PRIu64 ", failed %" PRIu64
	       "; accounts made %" PRIu64 "\n",
	    "logins", n[STATS_LOGINS_OK], n[STATS_LOGINS_REFUSED],
	    n[STATS_LOGINS_FAILED], n[STATS_REGISTERED]);
	printf("%-12slogout %" PRIu64 ", everywhere %" PRIu64
	       ", session %" PRIu64 ", password %" PRIu64 ", disabled %" PRIu64
	       ", deleted %" PRIu64 "\n",
	    "revoked", n[STATS_LOGOUTS], n[STATS_LOGOUTS_ALL],
	    n[STATS_SESSIONS_ENDED], n[STATS_PASSWORDS_CHANGED],
	    n[STATS_DEACTIVATED], n[STATS_DELETED]);
	printf("%-12s%s; outages %" PRIu64 "\n", "redis",
	    !view->redis_enabled       ? "switched off"
		: view->breaker_closed ? "asked"
				       : "not asked: it failed",
	    view->outages);
	printf("%-12s%" PRId64 " entries, %.1f MiB\n", "table",
	    view->table_entries, (double)view->table_bytes / 1048576);
	/* One of them is this command. */
	printf("%-12s%zu processes; worker starts %" PRIu64 "\n", "pool",
	    view->processes > 0 ? view->processes - 1 : 0, n[STATS_STARTED]);
}

static void
put_text(const struct view *view, const char *span)
{
	printf("%s  %s (%.0f s)\n\n", view->database, span, view->seconds);
	printf("%-12s%12s%12s%12s%12s\n", "REQUESTS", "COUNT", "PER SECOND",
	    "P50 MS", "P99 MS");
	put_lane(view, "fast", STATS_TIMER_FAST);
	put_lane(view, "slow", STATS_TIMER_SLOW);
	printf("\n%-12s%12s%12s%12s%12s\n", "CACHE", "HITS", "MISSES", "ERRORS",
	    "HIT RATE");
	put_tier(view, "table", STATS_TABLE_HITS);
	put_tier(view, "redis", STATS_REDIS_HITS);
	put_tier(view, "store", STATS_STORE_HITS);
	putchar('\n');
	put_totals(view);
}

/* ---- JSON ---- */

static void
json_time(struct writer *w, const char *name, const struct stats_time *t)
{
	writer_object(w, name);
	writer_int(w, "count", (int64_t)t->count);
	writer_int(w, "p50_us", (int64_t)stats_quantile(t, 50));
	writer_int(w, "p99_us", (int64_t)stats_quantile(t, 99));
	writer_close(w);
}

static void
json_tier(struct writer *w, const char *name, const uint64_t n[3])
{
	writer_object(w, name);
	writer_int(w, "hits", (int64_t)n[0]);
	writer_int(w, "misses", (int64_t)n[1]);
	writer_int(w, "errors", (int64_t)n[2]);
	writer_close(w);
}

static void
json_members(const struct view *view, struct writer *w)
{
	const struct stats *c = &view->counts;
	const uint64_t *n = c->counter;
	char since[TEXT_TIME_SIZE];

	text_time(since, c->since);
	writer_string(w, "since", since);
	writer_int(w, "requests", (int64_t)requests_of(view));
	json_time(w, "fast", &c->time[STATS_TIMER_FAST]);
	json_time(w, "slow", &c->time[STATS_TIMER_SLOW]);
	json_tier(w, "table", &n[STATS_TABLE_HITS]);
	json_tier(w, "redis", &n[STATS_REDIS_HITS]);
	json_tier(w, "store", &n[STATS_STORE_HITS]);
	writer_int(w, "logins_ok", (int64_t)n[STATS_LOGINS_OK]);
	writer_int(w, "logins_refused", (int64_t)n[STATS_LOGINS_REFUSED]);
	writer_int(w, "logins_failed", (int64_t)n[STATS_LOGINS_FAILED]);
	writer_int(w, "registered", (int64_t)n[STATS_REGISTERED]);
	writer_bool(w, "redis_enabled", view->redis_enabled);
	writer_bool(w, "redis_breaker_open", !view->breaker_closed);
	writer_int(w, "redis_outages", (int64_t)view->outages);
	writer_int(w, "table_entries", view->table_entries);
	writer_int(w, "table_bytes", view->table_bytes);
	writer_int(w, "worker_starts", (int64_t)n[STATS_STARTED]);
}

static int
put_json(const struct view *view)
{
	struct buf text = { 0 };
	struct writer w;
	int status = USAGE_FAILED;

	writer_begin(&w, &text);
	writer_object(&w, NULL);
	json_members(view, &w);
	writer_close(&w);
	if (writer_end(&w) == ERR_OK && !text.failed) {
		puts(text.data);
		status = usage_finish();
	}
	buf_clear(&text);
	return status;
}

/* ---- once, or again and again ---- */

static int
show_once(struct mapped *m, struct view *view, bool json)
{
	stats_read(m, &view->counts);
	view->seconds = (double)(clock_system.wall() - view->counts.since);
	if (json)
		return put_json(view);
	put_text(view, "since counting began");
	return usage_finish();
}

/*
 * Until somebody types ^C, or nobody but us has the file open.  The first
 * picture is of all the time there was.
 */
static int
watch(struct mapped *m, const struct config *config, int interval)
{
	struct view view = { 0 };
	struct stats before, now;
	int64_t then = clock_system.mono_us(), at;
	int status;

	look(m, config, &view);
	fputs(HOME_AND_CLEAR, stdout);
	status = show_once(m, &view, false);
	stats_read(m, &before);
	while (status == USAGE_DONE) {
		(void)sleep((unsigned)interval);
		look(m, config, &view);
		stats_read(m, &now);
		at = clock_system.mono_us();
		stats_between(&before, &now, &view.counts);
		view.seconds = (double)(at - then) / 1e6;
		fputs(HOME_AND_CLEAR, stdout);
		put_text(&view, "the last moment");
		if (view.processes <= 1)
			puts("\nThe pool has ended.");
		status = usage_finish();
		if (view.processes <= 1 || !mapped_is_current(m))
			break;
		before = now;
		then = at;
	}
	return status;
}

static int
take_interval(const struct command_line *line, int *interval_out)
{
	const char *text = command_value(line, "interval");
	int64_t seconds = 2;

	*interval_out = 2;
	if (text != NULL &&
	    text_to_int64(text, 1, INTERVAL_MAX, &seconds) != ERR_OK)
		return usage_wrong("stats: --interval must be between 1 and "
				   "%d seconds",
		    INTERVAL_MAX);
	*interval_out = (int)seconds;
	return USAGE_GO_ON;
}

int
stats_cmd_run(const struct command_line *line)
{
	struct mapped *m = NULL;
	struct view view = { 0 };
	struct desk desk;
	int interval;
	int status = desk_config(line, &desk);

	if (status == USAGE_GO_ON)
		status = take_interval(line, &interval);
	if (status != USAGE_GO_ON)
		goto out;
	status = USAGE_FAILED;
	/* To open it first would begin a new life of it, with nothing in it. */
	if (!mapped_in_use(config_database(desk.config))) {
		fprintf(stderr,
		    "latchkey: stats: nothing runs on %s, so nothing is "
		    "counted\n",
		    config_database(desk.config));
		goto out;
	}
	if (mapped_open(config_database(desk.config), 1, &m) != ERR_OK)
		goto out; /* the log has said why */
	if (command_flag(line, "watch") && isatty(STDOUT_FILENO) &&
	    !command_flag(line, "json")) {
		status = watch(m, desk.config, interval);
		goto out;
	}
	look(m, desk.config, &view);
	status = show_once(m, &view, command_flag(line, "json"));
out:
	mapped_close(m);
	desk_close(&desk);
	return status;
}
