/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/office.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/writer.h"
#include "cli/desk.h"
#include "cli/prompt.h"
#include "cli/sheet.h"
#include "cli/usage.h"
#include "host/stats.h"
#include "routes/services.h"

/* ---- showing ---- */

static const struct sheet_column columns[] = {
	{ "ID", "id" },
	{ "EMAIL", "email" },
	{ "NAME", "name" },
	{ "ROLE", "role" },
	{ "STATUS", "status" },
	{ "CREATED", "created_at" },
	{ NULL, NULL },
};

static const struct sheet_column fields[] = {
	{ "ID", "id" },
	{ "Email", "email" },
	{ "Name", "name" },
	{ "Picture", "avatar_url" },
	{ "Role", "role" },
	{ "Status", "status" },
	{ "Created", "created_at" },
	{ "Changed", "updated_at" },
	{ "Sessions", "sessions" },
	{ NULL, NULL },
};

static struct writer *
begin_user(struct sheet *sheet, const struct user *u)
{
	struct writer *w = sheet_begin(sheet);

	user_write_own(u, w);
	writer_string(w, "status", user_status_name(u->status));
	return w;
}

/* What people call it; one of an outside issuer may have neither. */
static const char *
name_of(const struct user *u)
{
	if (u->email[0] != '\0')
		return u->email;
	return u->name[0] != '\0' ? u->name : "-";
}

static int
show(const struct desk *desk, const struct user *u)
{
	struct session *live = calloc(SESSION_MAX_PER_USER, sizeof(*live));
	struct sheet sheet = { 0 };
	size_t n = 0;
	enum err err = ERR_INTERNAL;

	if (live != NULL)
		err = store_sessions_live(
		    desk->services->store, u->id, desk->now, live, &n);
	free(live);
	if (err != ERR_OK)
		return desk_failed(desk, err, name_of(u));
	writer_int(begin_user(&sheet, u), "sessions", (int64_t)n);
	sheet_end(&sheet);
	return sheet_one(&sheet, fields, command_flag(desk->line, "json"));
}

int
user_cmd_show(const struct command_line *line)
{
	struct desk desk;
	struct user u;
	int status = desk_open(line, &desk);

	if (status == USAGE_GO_ON)
		status = desk_user(&desk, line->operands[0], &u);
	if (status == USAGE_GO_ON)
		status = show(&desk, &u);
	desk_close(&desk);
	return status;
}

/* Page after page, so that others get their turn at the store in between. */
static enum err
collect(
    const struct desk *desk, int64_t after, size_t limit, struct sheet *sheet)
{
	const char *text = desk->line->count > 0 ? desk->line->operands[0] : "";
	struct user *page = calloc(STORE_LIST_MAX, sizeof(*page));
	size_t n = STORE_LIST_MAX;
	enum err err = page != NULL ? ERR_OK : ERR_INTERNAL;

	while (err == ERR_OK && limit > 0 && n == STORE_LIST_MAX) {
		err = store_users_list(
		    desk->services->store, text, after, page, &n);
		for (size_t i = 0; i < n && limit > 0; i++, limit--) {
			(void)begin_user(sheet, &page[i]);
			sheet_end(sheet);
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
	struct sheet sheet = { 0 };
	struct desk desk;
	int64_t after = 0;
	size_t limit;
	enum err err;
	int status = desk_open(line, &desk);

	if (status == USAGE_GO_ON)
		status = desk_limit(&desk, &limit);
	if (status == USAGE_GO_ON && text != NULL &&
	    text_to_int64(text, 0, INT64_MAX, &after) != ERR_OK)
		status = usage_wrong("user list: --after must be a number");
	if (status != USAGE_GO_ON)
		goto out;
	err = collect(&desk, after, limit, &sheet);
	if (err != ERR_OK) {
		status = desk_failed(&desk, err, "accounts");
		goto out;
	}
	status = sheet_list(&sheet, columns, command_flag(line, "json"));
out:
	sheet_clear(&sheet);
	desk_close(&desk);
	return status;
}

/* ---- accounts and passwords ---- */

/* What is no address or name is bad usage; a password is only refused. */
static int
refused(const struct desk *desk, enum err err, const char *why, const char *who)
{
	int status;

	if (why == NULL)
		return desk_failed(desk, err, who);
	status = usage_wrong("%s: %s", command_title(desk->line->command), why);
	return err == ERR_INVALID ? status : USAGE_FAILED;
}

/* An address without anything before the @ is refused for that. */
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
add(const struct desk *desk, enum user_role role, const char *password)
{
	const struct command_line *line = desk->line;
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
	err = office_add(
	    &desk->services->login, &cred, role, desk->now, &u, &why);
	if (err != ERR_OK)
		return refused(desk, err, why, cred.email);
	stats_add(desk->services->mapped, STATS_REGISTERED, 1);
	return show(desk, &u);
}

int
user_cmd_add(const struct command_line *line)
{
	const char *word = command_value(line, "role");
	enum user_role role = user_role_from(word != NULL ? word : "user");
	char password[PROMPT_SIZE] = { 0 };
	struct desk desk = { 0 };
	int status;

	if (role == USER_ROLE_NONE)
		return usage_wrong("user add: --role must be user or admin, "
				   "not \"%.64s\"",
		    word);
	status = prompt_password(password);
	if (status == USAGE_GO_ON)
		status = desk_open(line, &desk);
	if (status == USAGE_GO_ON)
		status = add(&desk, role, password);
	secret_wipe(password, sizeof(password));
	desk_close(&desk);
	return status;
}

static int
ended(const char *what, const struct user *u, int64_t sessions)
{
	printf("%s %s (%" PRId64 "); sessions ended: %" PRId64 "\n", what,
	    name_of(u), u->id, sessions);
	return usage_finish();
}

int
user_cmd_passwd(const struct command_line *line)
{
	char password[PROMPT_SIZE] = { 0 };
	struct desk desk;
	const char *why;
	int64_t sessions;
	struct user u;
	enum err err;
	int status = desk_open(line, &desk);

	if (status == USAGE_GO_ON)
		status = desk_user(&desk, line->operands[0], &u);
	if (status == USAGE_GO_ON)
		status = prompt_password(password);
	if (status != USAGE_GO_ON)
		goto out;
	err = office_password(
	    &desk.services->login, &u, password, desk.now, &sessions, &why);
	if (err != ERR_OK) {
		status = refused(&desk, err, why, name_of(&u));
		goto out;
	}
	stats_add(desk.services->mapped, STATS_PASSWORDS_CHANGED, 1);
	status = ended("new password for", &u, sessions);
out:
	secret_wipe(password, sizeof(password));
	desk_close(&desk);
	return status;
}

/* ---- changes of one account ---- */

typedef enum err change_fn(
    const struct desk *desk, const struct user *u, int64_t *ended_out);

static int
change(const struct command_line *line, change_fn *fn, const char *what)
{
	struct desk desk;
	int64_t sessions = 0;
	struct user u;
	enum err err;
	int status = desk_open(line, &desk);

	if (status == USAGE_GO_ON)
		status = desk_user(&desk, line->operands[0], &u);
	if (status == USAGE_GO_ON) {
		err = fn(&desk, &u, &sessions);
		status = err == ERR_OK ? ended(what, &u, sessions)
				       : desk_failed(&desk, err, name_of(&u));
	}
	desk_close(&desk);
	return status;
}

static enum err
set_standing(const struct desk *desk, const struct user *u,
    const struct user_standing *standing, int64_t *ended_out)
{
	struct store_actor actor = desk_actor(desk);

	return store_user_standing(
	    desk->services->store, &actor, u->id, standing, ended_out);
}

static enum err
disable(const struct desk *desk, const struct user *u, int64_t *ended_out)
{
	static const struct user_standing out = { .status =
						      USER_STATUS_INACTIVE };
	enum err err = set_standing(desk, u, &out, ended_out);

	if (err == ERR_OK)
		stats_add(desk->services->mapped, STATS_DEACTIVATED, 1);
	return err;
}

static enum err
enable(const struct desk *desk, const struct user *u, int64_t *ended_out)
{
	static const struct user_standing in = { .status = USER_STATUS_ACTIVE };

	return set_standing(desk, u, &in, ended_out);
}

static enum err delete (
    const struct desk *desk, const struct user *u, int64_t *ended_out) {
	struct store_actor actor = desk_actor(desk); enum err err;

	err = store_user_remove(
	    desk->services->store, &actor, u->id, ended_out);
	if (err == ERR_OK) stats_add(desk->services->mapped, STATS_DELETED, 1);
	return err;
}

static enum err
promote(const struct desk *desk, const struct user *u, int64_t *ended_out)
{
	static const struct user_standing up = { .role = USER_ROLE_ADMIN };

	return set_standing(desk, u, &up, ended_out);
}

static enum err
demote(const struct desk *desk, const struct user *u, int64_t *ended_out)
{
	static const struct user_standing down = { .role = USER_ROLE_USER };

	return set_standing(desk, u, &down, ended_out);
}

int
user_cmd_disable(const struct command_line *line)
{
	return change(line, disable, "disabled");
}

int
user_cmd_enable(const struct command_line *line)
{
	return change(line, enable, "enabled");
}

int
user_cmd_delete(const struct command_line *line)
{
	return change(line, delete, "deleted");
}

int
user_cmd_promote(const struct command_line *line)
{
	return change(line, promote, "admin now:");
}

int
user_cmd_demote(const struct command_line *line)
{
	return change(line, demote, "no admin any more:");
}
