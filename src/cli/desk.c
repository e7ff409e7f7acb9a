/* SPDX-License-Identifier: ISC */
#include "cli/desk.h"

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
#include "base/text.h"
#include "cli/usage.h"
#include "config/config.h"
#include "host/mapped.h"
#include "pool/services.h"

#define LIMIT_DEFAULT 1000
#define LIMIT_MAX 1000000

/* ---- whose files these are ---- */

/* Who owns the database, or the folder where it is going to be. */
static bool
find_owner(const char *database, struct stat *owner)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(database, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - database);

	if (stat(database, owner) == 0)
		return true;
	if (len >= sizeof(folder))
		return false;
	memcpy(folder, database, len);
	folder[len] = '\0';
	return stat(slash == NULL          ? "."
		       : slash == database ? "/"
					   : folder,
		   owner) == 0;
}

static bool
become(const struct stat *owner)
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
become_owner(const struct desk *desk)
{
	struct stat owner;

	if (geteuid() != 0 ||
	    !find_owner(config_database(desk->config), &owner) ||
	    owner.st_uid == 0 || become(&owner))
		return USAGE_GO_ON;
	fprintf(stderr,
	    "latchkey: cannot become user %u, who owns the database: %s\n",
	    (unsigned)owner.st_uid, strerror(errno));
	return USAGE_FAILED;
}

/* ---- opening ---- */

int
desk_config(const struct command_line *line, struct desk *desk)
{
	char why[512];

	*desk = (struct desk){ .line = line };
	if (secret_init() != ERR_OK) {
		fputs("latchkey: the system has no random numbers\n", stderr);
		return USAGE_FAILED;
	}
	if (config_load(command_value(line, "config"), why, sizeof(why),
		&desk->config) != ERR_OK)
		return usage_wrong("%s", why);
	return become_owner(desk);
}

int
desk_services(struct desk *desk)
{
	enum err err = shared_open(desk->config, &desk->shared);

	if (err == ERR_OK)
		err = services_open(
		    desk->config, desk->shared, SERVICES_SLOW, &desk->services);
	/* The log has said why. */
	if (err != ERR_OK)
		return USAGE_FAILED;
	desk->now = mapped_time(desk->services->mapped, clock_system.wall());
	return USAGE_GO_ON;
}

int
desk_open(const struct command_line *line, struct desk *desk)
{
	int status = desk_config(line, desk);

	return status == USAGE_GO_ON ? desk_services(desk) : status;
}

void
desk_close(struct desk *desk)
{
	services_close(desk->services);
	shared_close(desk->shared);
	config_free(desk->config);
	*desk = (struct desk){ 0 };
}

struct store_actor
desk_actor(const struct desk *desk)
{
	return (struct store_actor){ .address = "", .now = desk->now };
}

/* ---- what many commands need ---- */

int
desk_failed(const struct desk *desk, enum err err, const char *what)
{
	const char *why = "something went wrong";

	switch (err) {
	case ERR_NOT_FOUND: why = "there is no such thing"; break;
	case ERR_CONFLICT: why = "there is one already"; break;
	case ERR_BUSY:
	case ERR_UNAVAILABLE:
		why = "the store cannot be had at the moment";
		break;
	case ERR_INVALID:
	case ERR_DENIED: why = "that cannot be"; break;
	case ERR_OK:
	case ERR_LIMITED:
	case ERR_INTERNAL: break;
	}
	fprintf(stderr, "latchkey: %s: %.254s: %s\n",
	    command_title(desk->line->command), what, why);
	return USAGE_FAILED;
}

static enum err
find_user(const struct desk *desk, const char *text, struct user *user_out)
{
	char normal[USER_EMAIL_SIZE], hash[USER_HASH_SIZE];
	int64_t id;
	enum err err;

	memset(user_out, 0, sizeof(*user_out));
	if (text_to_int64(text, 1, INT64_MAX, &id) == ERR_OK)
		return store_user_by_id(desk->services->store, id, user_out);
	err = user_email_normal(normal, text);
	if (err == ERR_INVALID)
		return ERR_NOT_FOUND;
	if (err == ERR_OK)
		err = store_user_by_email(
		    desk->services->store, normal, user_out, hash);
	secret_wipe(hash, sizeof(hash));
	return err;
}

int
desk_user(const struct desk *desk, const char *text, struct user *user_out)
{
	enum err err = find_user(desk, text, user_out);

	if (err == ERR_OK)
		return USAGE_GO_ON;
	if (err != ERR_NOT_FOUND)
		return desk_failed(desk, err, text);
	fprintf(stderr, "latchkey: %s: there is no account \"%.254s\"\n",
	    command_title(desk->line->command), text);
	return USAGE_FAILED;
}

int
desk_limit(const struct desk *desk, size_t *limit_out)
{
	const char *text = command_value(desk->line, "limit");
	int64_t limit = LIMIT_DEFAULT;

	*limit_out = LIMIT_DEFAULT;
	if (text != NULL && text_to_int64(text, 1, LIMIT_MAX, &limit) != ERR_OK)
		return usage_wrong("%s: --limit must be between 1 and %d",
		    command_title(desk->line->command), LIMIT_MAX);
	*limit_out = (size_t)limit;
	return USAGE_GO_ON;
}
