/* SPDX-License-Identifier: ISC */
#include "cli/context.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"
#include "cli/exit.h"
#include "config/config.h"
#include "pool/wiring.h"
#include "shm/shm.h"
#include "store/store_url.h"

#define LIMIT_DEFAULT 1000
#define LIMIT_MAX 1000000

/* ---- the user who owns the database ---- */

/* The owner of the database or, before it exists, of its folder. */
static bool
read_owner(const char *url, struct stat *owner)
{
	char folder[PATH_MAX];

	return store_url_stat(url, owner) ||
	    (store_url_folder(url, false, folder) == ERR_OK &&
		stat(folder, owner) == 0);
}

static bool
change_user(const struct stat *owner)
{
	const struct passwd *pw = getpwuid(owner->st_uid);
	gid_t group = pw != NULL ? pw->pw_gid : owner->st_gid;

	if (pw != NULL ? initgroups(pw->pw_name, group) != 0
		       : setgroups(0, NULL) != 0)
		return false;
	return setresgid(group, group, group) == 0 &&
	    setresuid(owner->st_uid, owner->st_uid, owner->st_uid) == 0;
}

static int
change_to_owner(const struct context *context)
{
	struct stat owner;

	if (geteuid() != 0 ||
	    !read_owner(
		config_text(context->config, CONFIG_DATABASE_URL), &owner) ||
	    owner.st_uid == 0 || change_user(&owner))
		return EXIT_GO_ON;
	fprintf(stderr,
	    "latchkey: cannot change to user %u, the owner of the database: "
	    "%s\n",
	    (unsigned)owner.st_uid, strerror(errno));
	return EXIT_FAILED;
}

/* ---- opening ---- */

int
context_config(const struct command_line *line, struct context *context)
{
	char why[512];

	*context = (struct context){ .line = line };
	if (secret_init() != ERR_OK) {
		fputs("latchkey: the system provides no random numbers\n",
		    stderr);
		return EXIT_FAILED;
	}
	if (config_load(command_value(line, "config"), why, sizeof(why),
		&context->config) != ERR_OK)
		return exit_usage("%s", why);
	return change_to_owner(context);
}

int
context_app(struct context *context)
{
	enum err err = shared_open(context->config, &context->shared);

	if (err == ERR_OK)
		err = wiring_open(context->config, context->shared,
		    WIRING_BACKGROUND, &context->app);
	/* The reason is in the log. */
	if (err != ERR_OK)
		return EXIT_FAILED;
	context->now = shm_time(context->app->shm, clock_system.wall());
	return EXIT_GO_ON;
}

int
context_open(const struct command_line *line, struct context *context)
{
	int status = context_config(line, context);

	return status == EXIT_GO_ON ? context_app(context) : status;
}

void
context_close(struct context *context)
{
	wiring_close(context->app);
	if (context->app != NULL)
		store_url_settle(
		    config_text(context->config, CONFIG_DATABASE_URL),
		    shared_shm(context->shared));
	shared_close(context->shared);
	config_free(context->config);
	*context = (struct context){ 0 };
}

struct store_actor
context_actor(const struct context *context)
{
	return (struct store_actor){ .address = "", .now = context->now };
}

/* ---- for several commands ---- */

int
context_failed(const struct context *context, enum err err, const char *what)
{
	const char *why = "internal error";

	switch (err) {
	case ERR_NOT_FOUND: why = "not found"; break;
	case ERR_CONFLICT: why = "already exists"; break;
	case ERR_BUSY:
	case ERR_UNAVAILABLE:
		why = "the database is temporarily unavailable";
		break;
	case ERR_INVALID:
	case ERR_DENIED: why = "not allowed"; break;
	case ERR_OK:
	case ERR_LIMITED:
	case ERR_INTERNAL: break;
	}
	fprintf(stderr, "latchkey: %s: %.254s: %s\n",
	    command_title(context->line->command), what, why);
	return EXIT_FAILED;
}

static enum err
find_user(
    const struct context *context, const char *text, struct user *user_out)
{
	char normal[USER_EMAIL_SIZE];
	int64_t id;
	enum err err;

	memset(user_out, 0, sizeof(*user_out));
	if (str_to_int64(text, 1, INT64_MAX, &id) == ERR_OK)
		return store_user_by_id(context->app->store, id, user_out);
	err = user_email_normal(normal, text);
	if (err == ERR_INVALID)
		return ERR_NOT_FOUND;
	if (err == ERR_OK)
		err =
		    store_user_by_email(context->app->store, normal, user_out);
	return err;
}

int
context_user(
    const struct context *context, const char *text, struct user *user_out)
{
	enum err err = find_user(context, text, user_out);

	if (err == ERR_OK)
		return EXIT_GO_ON;
	if (err != ERR_NOT_FOUND)
		return context_failed(context, err, text);
	fprintf(stderr, "latchkey: %s: account \"%.254s\" not found\n",
	    command_title(context->line->command), text);
	return EXIT_FAILED;
}

int
context_limit(const struct context *context, size_t *limit_out)
{
	const char *text = command_value(context->line, "limit");
	int64_t limit = LIMIT_DEFAULT;

	*limit_out = LIMIT_DEFAULT;
	if (text != NULL && str_to_int64(text, 1, LIMIT_MAX, &limit) != ERR_OK)
		return exit_usage("%s: --limit must be between 1 and %d",
		    command_title(context->line->command), LIMIT_MAX);
	*limit_out = (size_t)limit;
	return EXIT_GO_ON;
}
