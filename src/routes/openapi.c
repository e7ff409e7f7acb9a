/* SPDX-License-Identifier: ISC */
#include "http/response.h"
#include "routes/handlers.h"

/* docs/openapi.yaml, as JSON. */
static const char document[] = {
#include "routes/openapi.inc"
};

/* GET: 200 the description of all routes. */
enum err
route_openapi(struct app *app, struct request *req, struct response *res)
{
	(void)app;
	(void)req;
	res->content_type = "application/json";
	buf_append(&res->body, document, sizeof(document) - 1);
	return ERR_OK;
}
