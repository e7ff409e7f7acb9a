/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/timefmt.h"
#include "cli/context.h"
#include "cli/exit.h"
#include "cli/output.h"
#include "pool/wiring.h"
#include "shm/shm.h"
#include "token/signing_keys.h"

static const struct output_column columns[] = {
	{ "KID", "kid" },
	{ "ALG", "alg" },
	{ "STATE", "state" },
	{ "CREATED", "created_at" },
	{ "SIGNS FROM", "signs_at" },
	{ NULL, NULL },
};

static void
add_key(
    struct output *output, const struct signing_keys *k, size_t i, int64_t now)
{
	static const char *const states[] = {
		[SIGNING_KEYS_NEXT] = "next",
		[SIGNING_KEYS_ACTIVE] = "signs",
		[SIGNING_KEYS_VERIFIES] = "verifies",
		[SIGNING_KEYS_RETIRED] = "over",
	};
	struct json_writer *w = output_begin(output);
	char when[TIMEFMT_SIZE];

	json_write_string(w, "kid", k->list[i].kid);
	json_write_string(w, "alg", signing_keys_alg_name(k->list[i].alg));
	json_write_string(w, "state", states[signing_keys_state(k, i, now)]);
	timefmt_utc(when, k->list[i].created_at);
	json_write_string(w, "created_at", when);
	timefmt_utc(when, k->list[i].signs_at);
	json_write_string(w, "signs_at", when);
	output_end(output);
}

int
key_cmd_list(const struct command_line *line)
{
	struct output output = { 0 };
	struct context context;
	int status = context_open(line, &context);

	if (status == EXIT_GO_ON) {
		const struct signing_keys *k = &context.app->keys;

		for (size_t i = 0; i < k->count; i++)
			add_key(&output, k, i, context.now);
		status =
		    output_list(&output, columns, command_flag(line, "json"));
	}
	context_close(&context);
	return status;
}

static int
report_rotation(const struct context *context, enum err err, const char *kid,
    const char *when)
{
	if (err == ERR_CONFLICT)
		return exit_failed("key rotate: a new key is already "
				   "waiting to sign; see key list");
	if (err == ERR_LIMITED)
		return exit_failed("key rotate: too many keys may still be "
				   "needed; see key list");
	if (err != ERR_OK)
		return context_failed(context, err, "keys");
	printf("%s %s\n", kid, when);
	return exit_finish();
}

static int
rotate(const struct command_line *line)
{
	char kid[SIGNING_KEY_KID_SIZE], when[64];
	struct context context;
	enum err err;
	int status = context_open(line, &context);

	if (status == EXIT_GO_ON) {
		struct signing_keys *k = &context.app->keys;

		err = signing_keys_rotate(k, context.now, kid);
		(void)snprintf(when, sizeof(when), "signs in %jd s",
		    (intmax_t)k->options.publish);
		status = report_rotation(&context, err, kid, when);
	}
	context_close(&context);
	return status;
}

/* Opens no services: they would fail on keys that cannot be read. */
static int
replace(const struct command_line *line)
{
	char kid[SIGNING_KEY_KID_SIZE] = "";
	struct context context;
	enum err err;
	int status = context_config(line, &context);

	if (status == EXIT_GO_ON) {
		err = shared_open(context.config, &context.shared);
		if (err == ERR_OK)
			err =
			    wiring_replace_keys(context.config, context.shared,
				shm_time(shared_shm(context.shared),
				    clock_system.wall()),
				kid);
		status = report_rotation(
		    &context, err, kid, "signs now; all tokens ended");
	}
	context_close(&context);
	return status;
}

int
key_cmd_rotate(const struct command_line *line)
{
	return command_flag(line, "replace") ? replace(line) : rotate(line);
}
