/* SPDX-License-Identifier: ISC */
#include "routes/forms.h"

#include <string.h>

#include "base/json_value.h"
#include "http/local_path.h"
#include "http/query.h"
#include "routes/context.h"

/* The page to go to next: the rd of the page with the form, or a field. */
static void
read_next_page(const struct request *req, char path[LOCAL_PATH_MAX + 1])
{
	const char *referer = request_param(req, PARAM_HTTP_REFERER);
	const char *query = referer != NULL ? strchr(referer, '?') : NULL;

	if (query == NULL ||
	    query_value(query + 1, "rd", LOCAL_PATH_MAX + 1, path) != ERR_OK)
		path[0] = '\0';
	if (path[0] == '\0' && req->json != NULL &&
	    json_value_copy_string(req->json, "rd", path, LOCAL_PATH_MAX + 1) !=
		ERR_OK)
		path[0] = '\0';
	if (!local_path_check(path))
		path[0] = '\0';
}

static void
redirect_to_login(struct app *app, struct response *res, enum problem problem,
    const char *path)
{
	struct buf url = { 0 };

	buf_puts(&url, app->login_page);
	if (path[0] != '\0')
		local_path_put(&url, "rd", path);
	buf_puts(&url, "#");
	buf_puts(&url, problem_info(problem)->code);
	response_see_other(res, url.failed ? app->login_page : url.data);
	buf_clear(&url);
}

enum err
forms_read(struct request *req, struct response *res)
{
	if (!request_same_origin(req))
		return response_refuse(res, PROBLEM_CROSS_SITE, NULL);
	return req->json != NULL ? ERR_OK : request_form(req, res);
}

enum err
forms_answer(struct app *app, const struct request *req, struct response *res,
    enum err err)
{
	char path[LOCAL_PATH_MAX + 1];

	if (err == ERR_INTERNAL || res->problem == PROBLEM_CROSS_SITE)
		return err;
	res->outcome = err;
	read_next_page(req, path);
	if (err == ERR_OK)
		response_see_other(
		    res, path[0] != '\0' ? path : app->login_page);
	else
		redirect_to_login(app, res,
		    res->problem != PROBLEM_NONE ? res->problem
						 : problem_of(err),
		    path);
	return ERR_OK;
}
