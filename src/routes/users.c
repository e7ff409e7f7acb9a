/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/str.h"
#include "cache/cache.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/handlers.h"

#define IDS_MAX CACHE_USERS_MAX
#define ID_SIZE 20 /* 19 digits of 2^63 - 1, and NUL */
#define IDS_SIZE (IDS_MAX * ID_SIZE)

/* GET /users/{id}: 200 the public view; 401 404 503. */
enum err
route_user(struct app *app, struct request *req, struct response *res)
{
	char text[ID_SIZE];
	struct identity identity;
	struct json_writer w;
	struct user user;
	int64_t id;
	enum err err;

	err = authenticate(app, req, res, &identity);
	if (err != ERR_OK)
		return err;
	if (routes_segment(req, text, sizeof(text)) != ERR_OK ||
	    str_to_int64(text, 1, INT64_MAX, &id) != ERR_OK)
		return ERR_NOT_FOUND;
	err = cache_user(app->cache, id, req->received_at, &user);
	if (err != ERR_OK)
		return err;
	response_begin(res, &w);
	user_write_public(&user, &w);
	return response_end(res, &w);
}

static bool
contains(const int64_t *ids, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

/* Parse "1,2,3" to distinct ids; overwrites ${text}. */
static enum err
parse_ids(char *text, int64_t ids[IDS_MAX], size_t *n_out)
{
	size_t given = 0;
	char *piece;
	int64_t id;

	*n_out = 0;
	while ((piece = strsep(&text, ",")) != NULL) {
		if (++given > IDS_MAX ||
		    str_to_int64(piece, 1, INT64_MAX, &id) != ERR_OK)
			return ERR_INVALID;
		if (!contains(ids, *n_out, id))
			ids[(*n_out)++] = id;
	}
	return ERR_OK;
}

static enum err
answer_users(struct response *res, const int64_t *ids, size_t n,
    const struct user *users)
{
	struct json_writer w;

	response_begin(res, &w);
	json_write_object(&w, "users");
	for (size_t i = 0; i < n; i++) {
		char name[STR_INT_SIZE];

		str_int(name, ids[i]);
		if (users[i].id == 0) {
			json_write_null(&w, name);
			continue;
		}
		json_write_object(&w, name);
		user_write_public(&users[i], &w);
		json_write_close(&w);
	}
	json_write_close(&w);
	return response_end(res, &w);
}

/* GET /users?ids=1,2,3: 200 the public view of each, or null; 400 401 503. */
enum err
route_users(struct app *app, struct request *req, struct response *res)
{
	char text[IDS_SIZE];
	int64_t ids[IDS_MAX];
	struct identity identity;
	struct user *users;
	size_t n = 0;
	enum err err;

	err = authenticate(app, req, res, &identity);
	if (err != ERR_OK)
		return err;
	if (request_query(req, "ids", sizeof(text), text) != ERR_OK ||
	    parse_ids(text, ids, &n) != ERR_OK)
		return response_refuse(res, PROBLEM_INVALID_FIELD,
		    "\"ids\" must be 1 to %d numbers separated by commas.",
		    IDS_MAX);

	users = calloc(n, sizeof(*users));
	if (users == NULL)
		return ERR_INTERNAL;
	err = cache_users(app->cache, ids, n, req->received_at, users);
	if (err == ERR_OK)
		err = answer_users(res, ids, n, users);
	free(users);
	return err;
}
