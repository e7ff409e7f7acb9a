/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/writer.h"
#include "cli/desk.h"
#include "cli/sheet.h"
#include "cli/usage.h"
#include "host/stats.h"
#include "routes/services.h"

static const struct sheet_column columns[] = {
	{ "HANDLE", "handle" },
	{ "USER", "user_id" },
	{ "EMAIL", "email" },
	{ "ADDRESS", "address" },
	{ "LAST SEEN", "last_seen_at" },
	{ "EXPIRES", "expires_at" },
	{ "DEVICE", "device" },
	{ "BROWSER", "user_agent" },
	{ NULL, NULL },
};

/* ---- list ---- */

static void
add_session(
    struct sheet *sheet, const struct desk *desk, const struct session *s)
{
	struct writer *w = sheet_begin(sheet);
	struct user u;
	char id[24];

	session_write_device(s, false, w);
	(void)snprintf(id, sizeof(id), "%" PRId64, s->user_id);
	writer_string(w, "user_id", id);
	if (store_user_by_id(desk->services->store, s->user_id, &u) == ERR_OK &&
	    u.email[0] != '\0')
		writer_string(w, "email", u.email);
	else
		writer_null(w, "email");
	sheet_end(sheet);
}

static enum err
collect(const struct desk *desk, const struct user *u, size_t limit,
    struct sheet *sheet)
{
	size_t room =
	    limit > SESSION_MAX_PER_USER ? limit : SESSION_MAX_PER_USER;
	struct session *sessions = calloc(room, sizeof(*sessions));
	struct store *st = desk->services->store;
	size_t n = 0;
	enum err err = ERR_INTERNAL;

	if (sessions != NULL && u != NULL)
		err = store_sessions_live(st, u->id, desk->now, sessions, &n);
	else if (sessions != NULL)
		err = store_sessions_list(st, desk->now, limit, sessions, &n);
	for (size_t i = 0; i < n && i < limit; i++)
		add_session(sheet, desk, &sessions[i]);
	free(sessions);
	return err;
}

int
session_cmd_list(const struct command_line *line)
{
	const char *who = command_value(line, "user");
	struct sheet sheet = { 0 };
	struct desk desk;
	struct user u;
	size_t limit;
	enum err err;
	int status = desk_open(line, &desk);

	if (status == USAGE_GO_ON)
		status = desk_limit(&desk, &limit);
	if (status == USAGE_GO_ON && who != NULL)
		status = desk_user(&desk, who, &u);
	if (status != USAGE_GO_ON)
		goto out;
	err = collect(&desk, who != NULL ? &u : NULL, limit, &sheet);
	if (err != ERR_OK) {
		status = desk_failed(&desk, err, "sessions");
		goto out;
	}
	status = sheet_list(&sheet, columns, command_flag(line, "json"));
out:
	sheet_clear(&sheet);
	desk_close(&desk);
	return status;
}

/* ---- revoke ---- */

static int
revoke_one(const struct desk *desk, const char *handle)
{
	struct store_actor actor = desk_actor(desk);
	struct store *st = desk->services->store;
	struct session s;
	enum err err;

	if (!text_is_hex(handle, SESSION_HANDLE_SIZE - 1))
		return usage_wrong("session revoke: \"%.64s\" is not a handle; "
				   "session list prints them",
		    handle);
	err = store_session_by_handle(st, handle, &s);
	if (err == ERR_OK)
		err = store_session_end(st, &actor, s.user_id, handle);
	if (err != ERR_OK)
		return desk_failed(desk, err, handle);
	stats_add(desk->services->mapped, STATS_SESSIONS_ENDED, 1);
	printf("ended %s\n", handle);
	return USAGE_GO_ON;
}

static int
revoke_all_of(const struct desk *desk, const char *who)
{
	struct store_actor actor = desk_actor(desk);
	int64_t epoch, sessions;
	struct user u;
	enum err err;
	int status = desk_user(desk, who, &u);

	if (status != USAGE_GO_ON)
		return status;
	err = store_logout_all(
	    desk->services->store, &actor, u.id, NULL, &epoch, &sessions);
	if (err != ERR_OK)
		return desk_failed(desk, err, who);
	stats_add(desk->services->mapped, STATS_LOGOUTS_ALL, 1);
	printf("sessions ended: %" PRId64 "\n", sessions);
	return USAGE_GO_ON;
}

int
session_cmd_revoke(const struct command_line *line)
{
	const char *who = command_value(line, "user");
	struct desk desk;
	int status;

	if ((who != NULL) == (line->count > 0))
		return usage_wrong("session revoke: needs either handles or "
				   "--user");
	status = desk_open(line, &desk);
	if (status == USAGE_GO_ON && who != NULL)
		status = revoke_all_of(&desk, who);
	for (int i = 0; status == USAGE_GO_ON && i < line->count; i++)
		status = revoke_one(&desk, line->operands[i]);
	desk_close(&desk);
	return status == USAGE_GO_ON ? usage_finish() : status;
}
