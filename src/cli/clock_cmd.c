/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/timefmt.h"
#include "cli/context.h"
#include "cli/exit.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "config/config.h"
#include "pool/wiring.h"
#include "routes/context.h"
#include "shm/shm.h"
#include "store/store_url.h"

/* ---- show ---- */

static const struct output_column columns[] = {
	{ "CLOCK", "clock" },
	{ "DATABASE", "latest" },
	{ "BEHIND (S)", "behind_seconds" },
	{ "STATUS", "status" },
	{ NULL, NULL },
};

static int
show(const struct command_line *line)
{
	struct output output = { 0 };
	char when[TIMEFMT_SIZE];
	struct context context;
	struct json_writer *w;
	int64_t wall, behind;
	int status = context_open(line, &context);

	if (status != EXIT_GO_ON)
		goto out;
	wall = clock_system.wall();
	behind = clock_behind(&clock_system, context.now);
	w = output_begin(&output);
	timefmt_utc(when, wall);
	json_write_string(w, "clock", when);
	timefmt_utc(when, context.now);
	json_write_string(w, "latest", when);
	json_write_int(w, "behind_seconds", behind);
	json_write_string(w, "status", behind == 0 ? "ok" : "behind");
	output_end(&output);
	status = output_one(&output, columns, command_flag(line, "json"));
out:
	output_clear(&output);
	context_close(&context);
	return status;
}

/* ---- reset ---- */

static int
report_reset(const struct context *context,
    const struct wiring_clock_reset *done, enum err err)
{
	struct json_writer *w;
	struct output output = { 0 };

	if (err != ERR_OK && done->behind > 0)
		return exit_failed("clock: the database was reset, but its "
				   "keys were not replaced; run latchkey key "
				   "rotate --replace");
	if (err != ERR_OK)
		return context_failed(context, err, "reset");
	if (command_flag(context->line, "json")) {
		w = output_begin(&output);
		json_write_int(w, "behind_seconds", done->behind);
		json_write_int(w, "sessions_ended", done->sessions);
		output_end(&output);
		return output_one(&output, columns, true);
	}
	if (done->behind == 0)
		puts("the database has seen no later time; nothing was "
		     "changed");
	else
		printf("the database was %" PRId64
		       " s ahead; sessions ended: %" PRId64 "\n",
		    done->behind, done->sessions);
	return exit_finish();
}

static int
run_reset(struct context *context)
{
	const char *url = config_text(context->config, CONFIG_DATABASE_URL);
	int64_t now = clock_system.wall();
	struct wiring_clock_reset done;
	struct stat file;
	enum err err;

	if (now < CLOCK_EARLIEST)
		return exit_failed("clock: it shows a time before the first "
				   "release of latchkey; set it first");
	if (!store_url_stat(url, &file))
		return exit_failed("clock: there is no database %s", url);
	/* The reason is in the log. */
	if (shared_open(context->config, &context->shared) != ERR_OK)
		return EXIT_FAILED;
	if (!shm_alone(shared_shm(context->shared)))
		return exit_failed("clock: %s is in use; stop the pool and "
				   "every other latchkey process",
		    url);
	err = wiring_reset_clock(context->config, context->shared, now, &done);
	return report_reset(context, &done, err);
}

static int
reset(const struct command_line *line)
{
	struct context context;
	int status = context_config(line, &context);

	if (status == EXIT_GO_ON && !command_flag(line, "yes"))
		status = prompt_confirm("clock reset",
		    "Set the time of the database to that of the clock, and "
		    "end all sessions?");
	if (status == EXIT_GO_ON)
		status = run_reset(&context);
	context_close(&context);
	return status;
}

int
clock_cmd_run(const struct command_line *line)
{
	if (line->count == 0)
		return show(line);
	if (strcmp(line->operands[0], "reset") == 0)
		return reset(line);
	return exit_usage(
	    "clock: unexpected argument \"%.64s\"", line->operands[0]);
}
