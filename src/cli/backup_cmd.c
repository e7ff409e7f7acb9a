/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/desk.h"
#include "cli/usage.h"
#include "config/config.h"
#include "host/mapped.h"
#include "store/sqlite_copy.h"

static int
say(const struct desk *desk, const char *why, const char *cure)
{
	fprintf(stderr, "latchkey: %s: %s%s\n",
	    command_title(desk->line->command), why, cure);
	return USAGE_FAILED;
}

int
backup_cmd_make(const struct command_line *line)
{
	const char *file = line->operands[0];
	char why[SQLITE_COPY_WHY_SIZE];
	struct desk desk;
	struct stat st;
	enum err err;
	/* Open as any other: a foreign or damaged database is refused. */
	int status = desk_open(line, &desk);

	if (status != USAGE_GO_ON)
		goto out;
	err = sqlite_copy_backup(config_database(desk.config), file,
	    command_flag(line, "force"), why);
	if (err != ERR_OK) {
		status = say(&desk, why,
		    err == ERR_CONFLICT ? "; --force overwrites it" : "");
		goto out;
	}
	printf("%s: %jd bytes, checked\n", file,
	    stat(file, &st) == 0 ? (intmax_t)st.st_size : 0);
	status = usage_finish();
out:
	desk_close(&desk);
	return status;
}

static int
restore(const struct desk *desk, const char *file, const char *database)
{
	struct sqlite_copy_restored restored;
	char why[SQLITE_COPY_WHY_SIZE];

	if (sqlite_copy_restore(
		file, database, clock_system.wall(), &restored, why) != ERR_OK)
		return say(desk, why, "");
	printf("%s: accounts: %" PRId64 "; sessions ended: %" PRId64 "\n",
	    database, restored.users, restored.sessions);
	if (restored.kept[0] != '\0')
		printf("what was there before is %s\n", restored.kept);
	return usage_finish();
}

int
backup_cmd_restore(const struct command_line *line)
{
	struct mapped *m = NULL;
	const char *database;
	struct desk desk;
	int status = desk_config(line, &desk);

	if (status != USAGE_GO_ON)
		goto out;
	/*
	 * Whoever comes while we have it to ourselves waits two seconds, and
	 * then tries again later, as a pool does with its workers.
	 */
	if (mapped_open(config_database(desk.config), 1, &m) != ERR_OK) {
		status = USAGE_FAILED; /* the log has said why */
		goto out;
	}
	if (!mapped_alone(m)) {
		status = say(&desk, config_database(desk.config),
		    ": in use; stop the pool, and whatever else has it open");
		goto out;
	}
	database = mapped_database(m);
	status = restore(&desk, line->operands[0], database);
out:

	mapped_close(m);
	desk_close(&desk);
	return status;
}
