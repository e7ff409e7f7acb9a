/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config/config.h"
#include "shm/shm.h"
#include "store/store_url.h"

#define SPACE_LOW                                                              \
	(64 * 1024 * 1024) /* bytes; enough for days of changes, not weeks */
#define WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)
#define OPEN_TO_OTHERS (S_IRWXG | S_IRWXO)

/* ---- folders ---- */

static void
check_space(struct doctor *d, const char *folder)
{
	struct statvfs disk;
	uint64_t space;

	if (statvfs(folder, &disk) != 0)
		return;
	space = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (space < SPACE_LOW)
		doctor_report(d, DOCTOR_WARN, "folder",
		    "free disk space, or move the database to a larger disk",
		    "%s has only %ju MiB left", folder,
		    (uintmax_t)(space >> 20));
}

/* A user who can write to the folder can replace the files in it. */
static void
check_folder(struct doctor *d, const char *folder)
{
	struct stat st;

	if (stat(folder, &st) != 0) {
		doctor_report(d, DOCTOR_FAIL, "folder",
		    "create it with mode 700 for the user latchkey runs as",
		    "%s: %s", folder, strerror(errno));
		return;
	}
	if (!S_ISDIR(st.st_mode))
		doctor_report(d, DOCTOR_FAIL, "folder",
		    "name a folder in DATABASE_URL and LATCHKEY_STATE_DIR",
		    "%s is not a folder", folder);
	else if ((st.st_mode & WRITABLE_BY_OTHERS) != 0)
		doctor_report(d, DOCTOR_FAIL, "folder", "chmod 700 it",
		    "other users may write to %s (mode %03o)", folder,
		    (unsigned)st.st_mode & 07777);
	else if (access(folder, R_OK | W_OK | X_OK) != 0)
		doctor_report(d, DOCTOR_FAIL, "folder",
		    "chown it to the user latchkey runs as",
		    "user %u cannot write to %s", (unsigned)geteuid(), folder);
	else
		doctor_report(d, DOCTOR_OK, "folder", NULL, "%s", folder);
	check_space(d, folder);
}

/* ---- files ---- */

static void
check_file(struct doctor *d, const char *path, uid_t owner, int *bad)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	if (!S_ISREG(st.st_mode))
		doctor_report(d, DOCTOR_FAIL, "files", "move it away",
		    "%s is not a regular file", path);
	else if ((st.st_mode & OPEN_TO_OTHERS) != 0)
		doctor_report(d, DOCTOR_FAIL, "files", "chmod 600 it",
		    "other users may open %s (mode %03o)", path,
		    (unsigned)st.st_mode & 07777);
	else if (st.st_uid != owner && st.st_uid != 0)
		doctor_report(d, DOCTOR_FAIL, "files",
		    "chown it to the owner of the database",
		    "%s belongs to user %u, not %u", path, (unsigned)st.st_uid,
		    (unsigned)owner);
	else
		return;
	++*bad;
}

static void
check_files(struct doctor *d, const char *url, const char *state)
{
	char path[PATH_MAX + 16];
	struct stat st;
	int bad = 0;

	if (!store_url_stat(url, &st)) {
		st.st_uid = geteuid();
		doctor_report(d, DOCTOR_WARN, "files",
		    "start the pool or add an account; either creates it",
		    "there is no database yet: %s", url);
		bad++;
	}
	for (size_t i = 0; store_url_file(url, i, path); i++)
		check_file(d, path, st.st_uid, &bad);
	(void)snprintf(path, sizeof(path), "%s/master.key", state);
	check_file(d, path, st.st_uid, &bad);
	(void)snprintf(path, sizeof(path), "%s/" SHM_FILE_NAME,
	    config_state_dir(d->context.config));
	check_file(d, path, st.st_uid, &bad);
	if (bad == 0)
		doctor_report(d, DOCTOR_OK, "files", NULL,
		    "only their owner may open them");
}

void
doctor_files(struct doctor *d)
{
	const char *url = config_text(d->context.config, CONFIG_DATABASE_URL);
	const char *state = config_text(d->context.config, CONFIG_STATE_DIR);
	char folder[PATH_MAX];

	if (store_url_folder(url, false, folder) != ERR_OK)
		return; /* config_load() refused it */
	check_folder(d, folder);
	if (state[0] != '\0' && strcmp(state, folder) != 0)
		check_folder(d, state);
	check_files(d, url, state[0] != '\0' ? state : folder);
}
