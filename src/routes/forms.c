/* SPDX-License-Identifier: ISC */
#include "routes/forms.h"

#include <string.h>

#include "base/json_value.h"
#include "http/local_path.h"
#include "http/query.h"
#include "routes/context.h"
#include "routes/handlers.h"

/*
 * What a page's own forms post where scripts are off.  The route that takes
 * JSON does the work; the answer is a page to go to, always by GET: where the
 * person wanted to go, or back to the login page, where the code of the problem
 * is the fragment, and so shows the sentence of that name.
 *
 * A form can be posted by the page of any site, so that the same-origin rule
 * holds for all of these, whether or not there is a cookie.
 */

/* The way on that was asked for: a field, or the rd of the page with the form.
 */
static void
read_return(const struct request *req, char path[LOCAL_PATH_MAX + 1])
{
	const char *referer = request_param(req, "HTTP_REFERER");
	const char *query = referer != NULL ? strchr(referer, '?') : NULL;

	if (query == NULL ||
	    query_value(query + 1, "rd", LOCAL_PATH_MAX + 1, path) != ERR_OK)
		path[0] = '\0';
	if (path[0] == '\0' && req->json != NULL &&
	    json_value_read_text(req->json, "rd", path, LOCAL_PATH_MAX + 1) !=
		ERR_OK)
		path[0] = '\0';
	if (!local_path_check(path))
		path[0] = '\0';
}

/* Back to the login page, which says why by the name of ${problem}. */
static void
go_back(struct app *app, struct response *res, enum problem problem,
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
	read_return(req, path);
	if (err == ERR_OK)
		response_see_other(
		    res, path[0] != '\0' ? path : app->login_page);
	else
		go_back(app, res,
		    res->problem != PROBLEM_NONE ? res->problem
						 : problem_of(err),
		    path);
	return ERR_OK;
}

static enum err
run_form(
    struct app *app, struct request *req, struct response *res, route_fn *run)
{
	enum err err = forms_read(req, res);

	if (err == ERR_OK)
		err = run(app, req, res);
	return forms_answer(app, req, res, err);
}

/* POST email, password, rd?: 303; 403. */
enum err
route_form_login(struct app *app, struct request *req, struct response *res)
{
	return run_form(app, req, res, route_login);
}

/* POST email, password, name, rd?: 303; 403. */
enum err
route_form_register(struct app *app, struct request *req, struct response *res)
{
	return run_form(app, req, res, route_register);
}

/* POST rd?: 303; 403. */
enum err
route_form_logout(struct app *app, struct request *req, struct response *res)
{
	return run_form(app, req, res, route_logout);
}
