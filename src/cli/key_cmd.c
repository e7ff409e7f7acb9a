/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <stdio.h>

#include "auth/keys.h"
#include "auth/master.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/writer.h"
#include "cli/desk.h"
#include "cli/sheet.h"
#include "cli/usage.h"
#include "config/config.h"
#include "host/mapped.h"
#include "pool/services.h"
#include "store/store.h"

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
static enum err
replace_in(const struct config *config, struct mapped *m,
    char kid_out[SIGNING_KEY_KID_SIZE])
{
	const struct store_options options = { .write_wait_ms = (int)config_int(
						   config, CONFIG_WRITE_WAIT) };
	struct keys_options keys;
	struct master master = { 0 };
	struct store *st = NULL;
	char path[PATH_MAX];
	enum err err;

	err = config_master_path(config, path, sizeof(path));
	if (err == ERR_OK)
		err = master_load(
		    config_text(config, CONFIG_JWT_SECRET), path, &master);
	if (err == ERR_NOT_FOUND)
		err = master_make(&master);
	if (err == ERR_OK)
		err = store_open_sqlite(
		    config_database(config), m, &options, &st);
	if (err == ERR_OK)
		err = services_keys(config,
		    &(struct keys_options){
			.store = st, .mapped = m, .master = &master },
		    &keys);
	if (err == ERR_OK)
		err = keys_replace(
		    &keys, mapped_time(m, clock_system.wall()), kid_out);
	store_close(st);
	master_clear(&master);
	return err;
}

static int
replace(const struct command_line *line)
{
	char kid[SIGNING_KEY_KID_SIZE] = "";
	struct mapped *m = NULL;
	struct desk desk;
	enum err err;
	int status = desk_config(line, &desk);

	if (status != USAGE_GO_ON)
		goto out;
	err = mapped_open(config_database(desk.config),
	    (int)config_int(desk.config, CONFIG_TABLE_MB), &m);
	if (err == ERR_OK)
		err = replace_in(desk.config, m, kid);
	status = made(&desk, err, kid, "signs from now on; all tokens ended");
out:
	mapped_close(m);
	desk_close(&desk);
	return status;
}

int
key_cmd_rotate(const struct command_line *line)
{
	return command_flag(line, "replace") ? replace(line) : rotate(line);
}
