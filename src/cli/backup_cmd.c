/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/context.h"
#include "cli/exit.h"
#include "config/config.h"
#include "shm/shm.h"
#include "store/store_url.h"

static const char *
database_url(const struct context *context)
{
	return config_text(context->config, CONFIG_DATABASE_URL);
}

static int
print_failure(const struct context *context, const char *why, const char *hint)
{
	fprintf(stderr, "latchkey: %s: %s%s\n",
	    command_title(context->line->command), why, hint);
	return EXIT_FAILED;
}

/* Does ${file} name a file of the site that is backed up? */
static bool
belongs_to_site(const struct context *context, const char *file)
{
	char path[PATH_MAX];

	for (size_t i = 0; store_url_file(database_url(context), i, path); i++)
		if (file_same(file, path))
			return true;
	return config_master_path(context->config, path, sizeof(path)) ==
	    ERR_OK &&
	    file_same(file, path);
}

int
backup_cmd_make(const struct command_line *line)
{
	const char *file = line->operands[0];
	char why[STORE_WHY_SIZE];
	struct context context;
	struct stat st;
	enum err err;
	/* As for any command, a foreign or damaged database is refused. */
	int status = context_open(line, &context);

	if (status != EXIT_GO_ON)
		goto out;
	if (belongs_to_site(&context, file)) {
		status = exit_usage("backup: %.254s is a file of the site "
				    "itself; choose another name",
		    file);
		goto out;
	}
	err = store_url_backup(
	    database_url(&context), file, command_flag(line, "force"), why);
	if (err != ERR_OK) {
		status = print_failure(&context, why,
		    err == ERR_CONFLICT ? "; --force overwrites it" : "");
		goto out;
	}
	printf("%s: %jd bytes, checked\n", file,
	    stat(file, &st) == 0 ? (intmax_t)st.st_size : 0);
	status = exit_finish();
out:
	context_close(&context);
	return status;
}

static int
restore(const struct context *context, const char *file, struct shm *shm)
{
	struct store_restored restored;
	char why[STORE_WHY_SIZE];

	if (store_url_restore(database_url(context), file, shm,
		clock_system.wall(), &restored, why) != ERR_OK)
		return print_failure(context, why, "");
	printf("%s: accounts: %" PRId64 "; sessions ended: %" PRId64 "\n",
	    database_url(context), restored.users, restored.sessions);
	if (restored.kept[0] != '\0')
		printf("the old database is now %s\n", restored.kept);
	return exit_finish();
}

int
backup_cmd_restore(const struct command_line *line)
{
	struct shm *m = NULL;
	struct context context;
	int status = context_config(line, &context);

	if (status != EXIT_GO_ON)
		goto out;
	/*
	 * A process that starts while this one is alone waits two seconds and
	 * fails; a pool then starts its workers again later.
	 */
	if (shm_attach(config_state_dir(context.config), 1, &m) != ERR_OK) {
		status = EXIT_FAILED; /* the reason is in the log */
		goto out;
	}
	if (!shm_alone(m)) {
		status = print_failure(&context, database_url(&context),
		    " is in use; stop the pool and every other latchkey "
		    "process");
		goto out;
	}
	status = restore(&context, line->operands[0], m);
out:
	shm_detach(m);
	context_close(&context);
	return status;
}
