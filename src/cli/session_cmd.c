/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/str.h"
#include "cli/context.h"
#include "cli/exit.h"
#include "cli/output.h"
#include "routes/context.h"
#include "shm/counters.h"

static const struct output_column columns[] = {
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
add_session(struct output *output, const struct context *context,
    const struct session *s)
{
	struct json_writer *w = output_begin(output);
	struct user u;
	char id[24];

	session_write_device(s, false, w);
	(void)snprintf(id, sizeof(id), "%" PRId64, s->user_id);
	json_write_string(w, "user_id", id);
	if (store_user_by_id(context->app->store, s->user_id, &u) == ERR_OK &&
	    u.email[0] != '\0')
		json_write_string(w, "email", u.email);
	else
		json_write_null(w, "email");
	output_end(output);
}

static enum err
collect(const struct context *context, const struct user *u, size_t limit,
    struct output *output)
{
	size_t room =
	    limit > SESSION_MAX_PER_USER ? limit : SESSION_MAX_PER_USER;
	struct session *sessions = calloc(room, sizeof(*sessions));
	struct store *st = context->app->store;
	size_t n = 0;
	enum err err = ERR_INTERNAL;

	if (sessions != NULL && u != NULL)
		err =
		    store_sessions_live(st, u->id, context->now, sessions, &n);
	else if (sessions != NULL)
		err =
		    store_sessions_list(st, context->now, limit, sessions, &n);
	for (size_t i = 0; i < n && i < limit; i++)
		add_session(output, context, &sessions[i]);
	free(sessions);
	return err;
}

int
session_cmd_list(const struct command_line *line)
{
	const char *who = command_value(line, "user");
	struct output output = { 0 };
	struct context context;
	struct user u;
	size_t limit;
	enum err err;
	int status = context_open(line, &context);

	if (status == EXIT_GO_ON)
		status = context_limit(&context, &limit);
	if (status == EXIT_GO_ON && who != NULL)
		status = context_user(&context, who, &u);
	if (status != EXIT_GO_ON)
		goto out;
	err = collect(&context, who != NULL ? &u : NULL, limit, &output);
	status = err != ERR_OK
	    ? context_failed(&context, err, "sessions")
	    : output_list(&output, columns, command_flag(line, "json"));
out:
	output_clear(&output);
	context_close(&context);
	return status;
}

/* ---- revoke ---- */

static int
revoke_one(const struct context *context, const char *handle)
{
	struct store_actor actor = context_actor(context);
	struct store *st = context->app->store;
	struct session s;
	enum err err;

	if (!str_is_hex(handle, SESSION_HANDLE_SIZE - 1))
		return exit_usage("session revoke: \"%.64s\" is not a handle; "
				  "session list prints them",
		    handle);
	err = store_session_by_handle(st, handle, &s);
	if (err == ERR_OK)
		err = store_session_end(st, &actor, s.user_id, handle);
	if (err != ERR_OK)
		return context_failed(context, err, handle);
	counters_event(context->app->shm, EVENT_SESSION_END);
	printf("ended %s\n", handle);
	return EXIT_GO_ON;
}

static int
revoke_all_of(const struct context *context, const char *who)
{
	struct store_actor actor = context_actor(context);
	int64_t epoch, sessions;
	struct user u;
	enum err err;
	int status = context_user(context, who, &u);

	if (status != EXIT_GO_ON)
		return status;
	err = store_logout_all(
	    context->app->store, &actor, u.id, NULL, &epoch, &sessions);
	if (err != ERR_OK)
		return context_failed(context, err, who);
	counters_event(context->app->shm, EVENT_LOGOUT_ALL);
	printf("sessions ended: %" PRId64 "\n", sessions);
	return EXIT_GO_ON;
}

int
session_cmd_revoke(const struct command_line *line)
{
	const char *who = command_value(line, "user");
	struct context context;
	int status;

	if ((who != NULL) == (line->count > 0))
		return exit_usage("session revoke: name either handles or "
				  "--user");
	status = context_open(line, &context);
	if (status == EXIT_GO_ON && who != NULL)
		status = revoke_all_of(&context, who);
	for (int i = 0; status == EXIT_GO_ON && i < line->count; i++)
		status = revoke_one(&context, line->operands[i]);
	context_close(&context);
	return status == EXIT_GO_ON ? exit_finish() : status;
}
