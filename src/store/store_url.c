/* SPDX-License-Identifier: ISC */
#include "store/store_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "shm/shm.h"
#include "store/backend.h"

static const struct store_backend *const backends[] = { &sqlite_backend };

const struct store_backend *
store_backend_of(const char *url, const char **path_out)
{
	size_t len = strcspn(url, ":/");

	*path_out = url;
	if (url[len] != ':')
		return &sqlite_backend;
	*path_out = url + len + 1;
	for (size_t i = 0; i < NELEMS(backends); i++)
		if (strlen(backends[i]->scheme) == len &&
		    strncmp(url, backends[i]->scheme, len) == 0)
			return backends[i];
	return NULL;
}

const char *
store_url_flaw(const char *url)
{
	const char *path;
	const struct store_backend *backend = store_backend_of(url, &path);

	return backend != NULL && path != url
	    ? backend->flaw(path)
	    : "must be sqlite:PATH, as in "
	      "sqlite:/var/lib/latchkey/latchkey.db";
}

bool
store_url_file(const char *url, size_t i, char file_out[PATH_MAX])
{
	const char *path;
	const struct store_backend *backend = store_backend_of(url, &path);
	int len;

	for (size_t n = 0; n <= i; n++)
		if (backend == NULL || backend->suffixes == NULL ||
		    backend->suffixes[n] == NULL)
			return false;
	len = snprintf(file_out, PATH_MAX, "%s%s", path, backend->suffixes[i]);
	return len >= 0 && len < PATH_MAX;
}

bool
store_url_stat(const char *url, struct stat *file_out)
{
	char path[PATH_MAX];

	return store_url_file(url, 0, path) && stat(path, file_out) == 0;
}

enum err
store_url_folder(const char *url, bool resolve, char folder_out[PATH_MAX])
{
	char path[PATH_MAX], real[PATH_MAX];

	if (!store_url_file(url, 0, path))
		return ERR_NOT_FOUND;
	return file_folder(
	    folder_out, resolve && realpath(path, real) != NULL ? real : path);
}

void
store_url_settle(const char *url, struct shm *shm)
{
	char why[STORE_WHY_SIZE], quoted[LOG_QUOTED_SIZE];
	const char *path;
	const struct store_backend *backend = store_backend_of(url, &path);
	struct stat file;

	if (backend == NULL || backend->settle == NULL ||
	    stat(path, &file) != 0 || !shm_alone(shm))
		return;
	if (backend->settle(path, why) != ERR_OK)
		log_event(LOG_LEVEL_WARN, "database_not_settled", "reason=%s",
		    log_quote(quoted, why));
}

enum err
store_url_backup(
    const char *url, const char *file, bool replace, char why[STORE_WHY_SIZE])
{
	const char *path;

	return store_backend_of(url, &path)->backup(path, file, replace, why);
}

enum err
store_url_restore(const char *url, const char *file, struct shm *shm,
    int64_t now, struct store_restored *restored_out, char why[STORE_WHY_SIZE])
{
	const char *path;

	return store_backend_of(url, &path)
	    ->restore(file, path, shm, now, restored_out, why);
}
