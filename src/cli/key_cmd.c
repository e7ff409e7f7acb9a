/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <stdio.h>

#include "auth/keys.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/writer.h"
#include "cli/desk.h"
#include "cli/sheet.h"
#include "cli/usage.h"
#include "host/mapped.h"
#include "pool/services.h"

static const struct sheet_column columns[] = {
	{ "KID", "kid" },
	{ "ALG", "alg" },
	{ "STATE", "state" },
	{ "CREATED", "created_at" },
	{ "SIGNS FROM", "signs_at" },
	{ NULL, NULL },
};

static void
add_key(struct sheet *sheet, const struct keys *k, size_t i, int64_t now)
{
	static const char *const states[] = {
		[KEYS_NEXT] = "next",
		[KEYS_SIGNS] = "signs",
		[KEYS_VERIFIES] = "verifies",
		[KEYS_OVER] = "over",
	};
	struct writer *w = sheet_begin(sheet);
	char when[TEXT_TIME_SIZE];

	writer_string(w, "kid", k->list[i].kid);
	writer_string(w, "alg", keys_alg_name(k->list[i].alg));
	writer_string(w, "state", states[keys_state(k, i, now)]);
	text_time(when, k->list[i].created_at);
	writer_string(w, "created_at", when);
	text_time(when, k->list[i].signs_at);
	writer_string(w, "signs_at", when);
	sheet_end(sheet);
}

int
key_cmd_list(const struct command_line *line)
{
	struct sheet sheet = { 0 };
	struct desk desk;
	int status = desk_open(line, &desk);

	if (status == USAGE_GO_ON) {
		const struct keys *k = &desk.services->keys;

		for (size_t i = 0; i < k->count; i++)
			add_key(&sheet, k, i, desk.now);
		status =
		    sheet_list(&sheet, columns, command_flag(line, "json"));
	}
	desk_close(&desk);
	return status;
}

static int
made(const struct desk *desk, enum err err, const char *kid, const char *when)
{
	if (err == ERR_CONFLICT)
		return usage_failed("key rotate: a new key is on its way "
				    "already; see key list");
	if (err == ERR_LIMITED)
		return usage_failed("key rotate: there are too many keys that "
				    "may still be needed; see key list");
	if (err != ERR_OK)
		return desk_failed(desk, err, "keys");
	printf("%s %s\n", kid, when);
	return usage_finish();
}

static int
rotate(const struct command_line *line)
{
	char kid[SIGNING_KEY_KID_SIZE], when[64];
	struct desk desk;
	enum err err;
	int status = desk_open(line, &desk);

	if (status == USAGE_GO_ON) {
		struct keys *k = &desk.services->keys;

		err = keys_rotate(k, desk.now, kid);
		(void)snprintf(when, sizeof(when), "signs in %jd s",
		    (intmax_t)k->options.publish);
		status = made(&desk, err, kid, when);
	}
	desk_close(&desk);
	return status;
}

/* Without the services, which want to read the keys that there are. */
static int
replace(const struct command_line *line)
{
	char kid[SIGNING_KEY_KID_SIZE] = "";
	struct desk desk;
	enum err err;
	int status = desk_config(line, &desk);

	if (status == USAGE_GO_ON) {
		err = shared_open(desk.config, &desk.shared);
		if (err == ERR_OK)
			err = services_replace_keys(desk.config, desk.shared,
			    mapped_time(shared_mapped(desk.shared),
				clock_system.wall()),
			    kid);
		status = made(
		    &desk, err, kid, "signs from now on; all tokens ended");
	}
	desk_close(&desk);
	return status;
}

int
key_cmd_rotate(const struct command_line *line)
{
	return command_flag(line, "replace") ? replace(line) : rotate(line);
}
