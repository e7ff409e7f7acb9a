/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/account_admin.h"
#include "base/buf.h"
#include "base/json_writer.h"
#include "base/secret.h"
#include "base/str.h"
#include "cli/context.h"
#include "cli/exit.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "routes/context.h"
#include "shm/counters.h"

/* ---- showing ---- */

static const struct output_column columns[] = {
	{ "ID", "id" },
	{ "EMAIL", "email" },
	{ "NAME", "name" },
	{ "ROLE", "role" },
	{ "STATUS", "status" },
	{ "CREATED", "created_at" },
	{ NULL, NULL },
};

static const struct output_column fields[] = {
	{ "ID", "id" },
	{ "Email", "email" },
	{ "Name", "name" },
	{ "Picture", "avatar_url" },
	{ "Role", "role" },
	{ "Status", "status" },
	{ "Created", "created_at" },
	{ "Changed", "updated_at" },
	{ "Sessions", "sessions" },
	{ "Issuers", "external" },
	{ NULL, NULL },
};

static struct json_writer *
begin_user(struct output *output, const struct user *u)
{
	struct json_writer *w = output_begin(output);

	user_write_own(u, w);
	json_write_string(w, "status", user_status_name(u->status));
	return w;
}

/* For messages; an account of another issuer may have no address, no name. */
static const char *
display_name(const struct user *u)
{
	if (u->email[0] != '\0')
		return u->email;
	return u->name[0] != '\0' ? u->name : "-";
}

/* "ISSUER SUBJECT", separated by commas. */
static enum err
list_links(const struct context *context, const struct user *u, struct buf *out)
{
	struct subject *links = calloc(STORE_LINKS_MAX, sizeof(*links));
	size_t n = 0;
	enum err err = ERR_INTERNAL;

	if (links != NULL)
		err =
		    store_external_links(context->app->store, u->id, links, &n);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s %s", i > 0 ? ", " : "", links[i].issuer,
		    links[i].subject);
	free(links);
	buf_puts(out, "");
	return out->failed ? ERR_INTERNAL : err;
}

static int
show(const struct context *context, const struct user *u)
{
	struct session *live = calloc(SESSION_MAX_PER_USER, sizeof(*live));
	struct output output = { 0 };
	struct buf links = { 0 };
	struct json_writer *w;
	size_t n = 0;
	enum err err = ERR_INTERNAL;

	if (live != NULL)
		err = store_sessions_live(
		    context->app->store, u->id, context->now, live, &n);
	free(live);
	if (err == ERR_OK)
		err = list_links(context, u, &links);
	if (err != ERR_OK) {
		buf_clear(&links);
		return context_failed(context, err, display_name(u));
	}
	w = begin_user(&output, u);
	json_write_int(w, "sessions", (int64_t)n);
	json_write_string(w, "external", links.data);
	output_end(&output);
	buf_clear(&links);
	return output_one(&output, fields, command_flag(context->line, "json"));
}

int
user_cmd_show(const struct command_line *line)
{
	struct context context;
	struct user u;
	int status = context_open(line, &context);

	if (status == EXIT_GO_ON)
		status = context_user(&context, line->operands[0], &u);
	if (status == EXIT_GO_ON)
		status = show(&context, &u);
	context_close(&context);
	return status;
}

/* Read page by page, so that other processes can use the store in between. */
static enum err
collect(const struct context *context, int64_t after, size_t limit,
    struct output *output)
{
	const char *text =
	    context->line->count > 0 ? context->line->operands[0] : "";
	struct user *page = calloc(STORE_LIST_MAX, sizeof(*page));
	size_t n = STORE_LIST_MAX;
	enum err err = page != NULL ? ERR_OK : ERR_INTERNAL;

	while (err == ERR_OK && limit > 0 && n == STORE_LIST_MAX) {
		err = store_users_list(
		    context->app->store, text, after, page, &n);
		for (size_t i = 0; i < n && limit > 0; i++, limit--) {
			(void)begin_user(output, &page[i]);
			output_end(output);
			after = page[i].id;
		}
	}
	free(page);
	return err;
}

int
user_cmd_list(const struct command_line *line)
{
	const char *text = command_value(line, "after");
	struct output output = { 0 };
	struct context context;
	int64_t after = 0;
	size_t limit;
	enum err err;
	int status = context_open(line, &context);

	if (status == EXIT_GO_ON)
		status = context_limit(&context, &limit);
	if (status == EXIT_GO_ON && text != NULL &&
	    str_to_int64(text, 0, INT64_MAX, &after) != ERR_OK)
		status = exit_usage("user list: --after must be a number");
	if (status != EXIT_GO_ON)
		goto out;
	err = collect(&context, after, limit, &output);
	status = err != ERR_OK
	    ? context_failed(&context, err, "accounts")
	    : output_list(&output, columns, command_flag(line, "json"));
out:
	output_clear(&output);
	context_close(&context);
	return status;
}

/* ---- accounts and passwords ---- */

/* A bad address or name is bad usage; a refused password is a failure. */
static int
report_refusal(const struct context *context, enum err err, const char *why,
    const char *who)
{
	int status;

	if (why == NULL)
		return context_failed(context, err, who);
	status =
	    exit_usage("%s: %s", command_title(context->line->command), why);
	return err == ERR_INVALID ? status : EXIT_FAILED;
}

/* The part before the @; an empty one is refused later. */
static void
default_name(const char *email, char name[USER_EMAIL_SIZE])
{
	size_t len = strcspn(email, "@");

	if (len >= USER_EMAIL_SIZE)
		len = USER_EMAIL_SIZE - 1;
	memcpy(name, email, len);
	name[len] = '\0';
}

static int
add(const struct context *context, enum user_role role, const char *password)
{
	const struct command_line *line = context->line;
	char name[USER_EMAIL_SIZE];
	struct login_credentials cred = { .email = line->operands[0],
		.password = password,
		.name = command_value(line, "name") };
	const char *why;
	struct user u;
	enum err err;

	default_name(cred.email, name);
	if (cred.name == NULL)
		cred.name = name;
	err = account_admin_add(
	    &context->app->login, &cred, role, context->now, &u, &why);
	if (err != ERR_OK)
		return report_refusal(context, err, why, cred.email);
	counters_event(context->app->shm, EVENT_REGISTER);
	return show(context, &u);
}

int
user_cmd_add(const struct command_line *line)
{
	const char *word = command_value(line, "role");
	enum user_role role = user_role_from(word != NULL ? word : "user");
	char password[PROMPT_SIZE] = { 0 };
	struct context context = { 0 };
	int status;

	if (role == USER_ROLE_NONE)
		return exit_usage("user add: --role must be user or admin, "
				  "not \"%.64s\"",
		    word);
	status = prompt_password(password);
	if (status == EXIT_GO_ON)
		status = context_open(line, &context);
	if (status == EXIT_GO_ON)
		status = add(&context, role, password);
	secret_wipe(password, sizeof(password));
	context_close(&context);
	return status;
}

static int
report_ended(const char *what, const struct user *u, int64_t sessions)
{
	printf("%s %s (%" PRId64 "); sessions ended: %" PRId64 "\n", what,
	    display_name(u), u->id, sessions);
	return exit_finish();
}

int
user_cmd_passwd(const struct command_line *line)
{
	char password[PROMPT_SIZE] = { 0 };
	struct context context;
	const char *why;
	int64_t sessions;
	struct user u;
	enum err err;
	int status = context_open(line, &context);

	if (status == EXIT_GO_ON)
		status = context_user(&context, line->operands[0], &u);
	if (status == EXIT_GO_ON)
		status = prompt_password(password);
	if (status != EXIT_GO_ON)
		goto out;
	err = account_admin_password(
	    &context.app->login, &u, password, context.now, &sessions, &why);
	if (err != ERR_OK) {
		status = report_refusal(&context, err, why, display_name(&u));
		goto out;
	}
	counters_event(context.app->shm, EVENT_PASSWORD_SET);
	status = report_ended("new password for", &u, sessions);
out:
	secret_wipe(password, sizeof(password));
	context_close(&context);
	return status;
}

/* ---- changes of one account ---- */

static const struct account_change {
	const char *command, *done;
	struct user_role_and_status set;
	/* To count.  EVENT_REMOVE deletes, EVENT_EXTERNAL_UNLINKED unlinks. */
	enum event event;
	bool has_force; /* the option --force */
} changes[] = {
	{ "disable", "disabled", { .status = USER_STATUS_INACTIVE },
	    EVENT_DISABLE, true },
	{ "enable", "enabled", { .status = USER_STATUS_ACTIVE }, EVENT_NONE,
	    false },
	{ "delete", "deleted", { 0 }, EVENT_REMOVE, true },
	{ "unlink", "no longer linked:", { 0 }, EVENT_EXTERNAL_UNLINKED,
	    false },
	{ "promote", "now an administrator:", { .role = USER_ROLE_ADMIN },
	    EVENT_NONE, false },
	{ "demote", "no longer an administrator:", { .role = USER_ROLE_USER },
	    EVENT_NONE, true },
};

static int
change(const struct context *context, const struct account_change *change,
    const struct user *u)
{
	struct store_actor actor = context_actor(context);
	struct store *st = context->app->store;
	int64_t ended = 0;
	enum err err;

	actor.even_last_admin =
	    change->has_force && command_flag(context->line, "force");
	if (change->event == EVENT_REMOVE)
		err = store_user_remove(st, &actor, u->id, &ended);
	else if (change->event == EVENT_EXTERNAL_UNLINKED)
		err = store_external_unlink(st, &actor, u->id, &ended);
	else
		err = store_user_role_and_status(
		    st, &actor, u->id, &change->set, &ended);
	if (err == ERR_CONFLICT)
		return exit_failed("%s: %.254s is the last administrator; "
				   "--force does it all the same",
		    command_title(context->line->command), display_name(u));
	if (err != ERR_OK)
		return context_failed(context, err, display_name(u));
	if (change->event != EVENT_NONE)
		counters_event(context->app->shm, change->event);
	return report_ended(change->done, u, ended);
}

int
user_cmd_change(const struct command_line *line)
{
	const struct account_change *row = changes;
	struct context context;
	struct user u;
	int status = context_open(line, &context);

	while (strcmp(row->command, line->command->name) != 0)
		row++;
	if (status == EXIT_GO_ON)
		status = context_user(&context, line->operands[0], &u);
	if (status == EXIT_GO_ON)
		status = change(&context, row, &u);
	context_close(&context);
	return status;
}
