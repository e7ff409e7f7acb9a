/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cache/memory_cache.h"
#include "cli/context.h"
#include "cli/exit.h"
#include "config/config.h"
#include "shm/circuit_breaker.h"
#include "shm/counters.h"
#include "shm/shm.h"

#define INTERVAL_MAX 3600
#define SAMPLE_STEP 64 /* examine one bucket in so many */
#define HOME_AND_CLEAR "\033[H\033[J"

/* The counts of a span of time, and the state at its end. */
struct view {
	const char *database;
	bool redis_enabled;
	bool circuit_breaker_closed;
	uint64_t outages;
	size_t
	    processes; /* that have the shared memory open, this one included */
	int64_t table_entries, table_bytes;
	double seconds;         /* the span */
	struct counters counts; /* of the span */
};

static void
read_state(struct shm *m, const struct config *config, struct view *view)
{
	struct memory_cache table;

	view->database = config_state_dir(config);
	view->redis_enabled = config_bool(config, CONFIG_REDIS_ENABLED);
	view->circuit_breaker_closed = circuit_breaker_closed(m);
	view->outages = circuit_breaker_opened(m);
	view->processes = shm_views(m);
	memory_cache_init(&table, m);
	memory_cache_size(&table, clock_system.wall(), SAMPLE_STEP,
	    &view->table_entries, &view->table_bytes);
}

/* ---- text ---- */

static uint64_t
requests_of(const struct view *view)
{
	return view->counts.time[COUNTERS_TIMER_FAST].count +
	    view->counts.time[COUNTERS_TIMER_SLOW].count;
}

static double
per_second(const struct view *view, uint64_t n)
{
	return view->seconds > 0 ? (double)n / view->seconds : 0;
}

static void
print_queue(
    const struct view *view, const char *name, enum counters_timer timer)
{
	const struct counters_time *t = &view->counts.time[timer];

	printf("%-12s%12" PRIu64 "%12.1f%12.3f%12.3f\n", name, t->count,
	    per_second(view, t->count), counters_quantile(t, 50) / 1000,
	    counters_quantile(t, 99) / 1000);
}

static void
print_tier(const struct view *view, const char *name, enum counters_id hits)
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
print_totals(const struct view *view)
{
	const uint64_t *n = view->counts.counter;

	printf("%-12sok %" PRIu64 ", refused %" PRIu64 ", failed %" PRIu64
	       "; accounts created %" PRIu64 "\n",
	    "logins", n[COUNTERS_LOGINS_OK], n[COUNTERS_LOGINS_REFUSED],
	    n[COUNTERS_LOGINS_FAILED], n[COUNTERS_REGISTERED]);
	printf("%-12slogout %" PRIu64 ", everywhere %" PRIu64
	       ", session %" PRIu64 ", password %" PRIu64 ", disabled %" PRIu64
	       ", deleted %" PRIu64 "\n",
	    "revoked", n[COUNTERS_LOGOUTS], n[COUNTERS_LOGOUTS_ALL],
	    n[COUNTERS_SESSIONS_ENDED], n[COUNTERS_PASSWORDS_CHANGED],
	    n[COUNTERS_DEACTIVATED], n[COUNTERS_DELETED]);
	printf("%-12s%s; outages %" PRIu64 "\n", "redis",
	    !view->redis_enabled               ? "off"
		: view->circuit_breaker_closed ? "in use"
					       : "unavailable",
	    view->outages);
	printf("%-12s%" PRId64 " entries, %.1f MiB\n", "table",
	    view->table_entries, (double)view->table_bytes / 1048576);
	/* This command is one of the processes. */
	printf("%-12s%zu processes; worker starts %" PRIu64 "\n", "pool",
	    view->processes > 0 ? view->processes - 1 : 0, n[COUNTERS_STARTED]);
}

static void
print_text(const struct view *view, const char *span)
{
	printf("%s  %s (%.0f s)\n\n", view->database, span, view->seconds);
	printf("%-12s%12s%12s%12s%12s\n", "REQUESTS", "COUNT", "PER SECOND",
	    "P50 MS", "P99 MS");
	print_queue(view, "fast", COUNTERS_TIMER_FAST);
	print_queue(view, "slow", COUNTERS_TIMER_SLOW);
	printf("\n%-12s%12s%12s%12s%12s\n", "CACHE", "HITS", "MISSES", "ERRORS",
	    "HIT RATE");
	print_tier(view, "table", COUNTERS_MEMORY_HITS);
	print_tier(view, "redis", COUNTERS_REDIS_HITS);
	print_tier(view, "store", COUNTERS_STORE_HITS);
	putchar('\n');
	print_totals(view);
}

/* ---- JSON ---- */

static void
json_time(
    struct json_writer *w, const char *name, const struct counters_time *t)
{
	json_write_object(w, name);
	json_write_int(w, "count", (int64_t)t->count);
	json_write_int(w, "p50_us", (int64_t)counters_quantile(t, 50));
	json_write_int(w, "p99_us", (int64_t)counters_quantile(t, 99));
	json_write_close(w);
}

static void
json_tier(struct json_writer *w, const char *name, const uint64_t n[3])
{
	json_write_object(w, name);
	json_write_int(w, "hits", (int64_t)n[0]);
	json_write_int(w, "misses", (int64_t)n[1]);
	json_write_int(w, "errors", (int64_t)n[2]);
	json_write_close(w);
}

static void
json_members(const struct view *view, struct json_writer *w)
{
	const struct counters *c = &view->counts;
	const uint64_t *n = c->counter;
	char since[TIMEFMT_SIZE];

	timefmt_utc(since, c->since);
	json_write_string(w, "since", since);
	json_write_int(w, "requests", (int64_t)requests_of(view));
	json_time(w, "fast", &c->time[COUNTERS_TIMER_FAST]);
	json_time(w, "slow", &c->time[COUNTERS_TIMER_SLOW]);
	json_tier(w, "table", &n[COUNTERS_MEMORY_HITS]);
	json_tier(w, "redis", &n[COUNTERS_REDIS_HITS]);
	json_tier(w, "store", &n[COUNTERS_STORE_HITS]);
	json_write_int(w, "logins_ok", (int64_t)n[COUNTERS_LOGINS_OK]);
	json_write_int(
	    w, "logins_refused", (int64_t)n[COUNTERS_LOGINS_REFUSED]);
	json_write_int(w, "logins_failed", (int64_t)n[COUNTERS_LOGINS_FAILED]);
	json_write_int(w, "registered", (int64_t)n[COUNTERS_REGISTERED]);
	json_write_bool(w, "redis_enabled", view->redis_enabled);
	json_write_bool(w, "redis_breaker_open", !view->circuit_breaker_closed);
	json_write_int(w, "redis_outages", (int64_t)view->outages);
	json_write_int(w, "table_entries", view->table_entries);
	json_write_int(w, "table_bytes", view->table_bytes);
	json_write_int(w, "worker_starts", (int64_t)n[COUNTERS_STARTED]);
}

static int
print_json(const struct view *view)
{
	struct buf text = { 0 };
	struct json_writer w;
	int status = EXIT_FAILED;

	json_write_begin(&w, &text);
	json_write_object(&w, NULL);
	json_members(view, &w);
	json_write_close(&w);
	if (json_write_end(&w) == ERR_OK && !text.failed) {
		puts(text.data);
		status = exit_finish();
	}
	buf_clear(&text);
	return status;
}

/* ---- once or repeatedly ---- */

static int
show_once(struct shm *m, struct view *view, bool json)
{
	counters_read(m, &view->counts);
	view->seconds = (double)(clock_system.wall() - view->counts.since);
	if (json)
		return print_json(view);
	print_text(view, "since counting started");
	return exit_finish();
}

/*
 * Print until Ctrl-C or until no other process has the shared memory open.  The
 * first output covers the whole time since counting started.
 */
static int
watch(struct shm *m, const struct config *config, int interval)
{
	struct view view = { 0 };
	struct counters before, now;
	int64_t then = clock_system.mono_us(), at;
	int status;

	read_state(m, config, &view);
	fputs(HOME_AND_CLEAR, stdout);
	status = show_once(m, &view, false);
	counters_read(m, &before);
	while (status == EXIT_DONE) {
		(void)sleep((unsigned)interval);
		read_state(m, config, &view);
		counters_read(m, &now);
		at = clock_system.mono_us();
		counters_between(&before, &now, &view.counts);
		view.seconds = (double)(at - then) / 1e6;
		fputs(HOME_AND_CLEAR, stdout);
		print_text(&view, "last interval");
		if (view.processes <= 1)
			puts("\nThe pool has ended.");
		status = exit_finish();
		if (view.processes <= 1 || !shm_is_current(m))
			break;
		before = now;
		then = at;
	}
	return status;
}

static int
parse_interval(const struct command_line *line, int *interval_out)
{
	const char *text = command_value(line, "interval");
	int64_t seconds = 2;

	*interval_out = 2;
	if (text != NULL &&
	    str_to_int64(text, 1, INTERVAL_MAX, &seconds) != ERR_OK)
		return exit_usage("stats: --interval must be between 1 and "
				  "%d seconds",
		    INTERVAL_MAX);
	*interval_out = (int)seconds;
	return EXIT_GO_ON;
}

int
stats_cmd_run(const struct command_line *line)
{
	struct shm *m = NULL;
	struct view view = { 0 };
	struct context context;
	int interval;
	int status = context_config(line, &context);

	if (status == EXIT_GO_ON)
		status = parse_interval(line, &interval);
	if (status != EXIT_GO_ON)
		goto out;
	status = EXIT_FAILED;
	/* The first process to attach would reset the counters. */
	if (!shm_in_use(config_state_dir(context.config))) {
		fprintf(stderr,
		    "latchkey: stats: no process uses %s, so there is "
		    "nothing to show\n",
		    config_state_dir(context.config));
		goto out;
	}
	if (shm_attach(config_state_dir(context.config), 1, &m) != ERR_OK)
		goto out; /* the reason is in the log */
	if (command_flag(line, "watch") && isatty(STDOUT_FILENO) &&
	    !command_flag(line, "json")) {
		status = watch(m, context.config, interval);
		goto out;
	}
	read_state(m, context.config, &view);
	status = show_once(m, &view, command_flag(line, "json"));
out:
	shm_detach(m);
	context_close(&context);
	return status;
}
