/* SPDX-License-Identifier: ISC */
#include "http/response.h"
#include "routes/handlers.h"

/* docs/openapi.yaml, as JSON. */
static const char contract[] = {
#include "routes/openapi.inc"
};

/* GET: 200 what all routes take and answer. */
enum err
route_openapi(struct app *app, struct request *req, struct response *res)
{
	(void)app;
	(void)req;
	res->content_type = "application/json";
	buf_append(&res->body, contract, sizeof(contract) - 1);
	return ERR_OK;
}
