/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "cache/redis.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/issuer_keys.h"
#include "store/store.h"

static enum err
answer_ok(struct response *res)
{
	struct json_writer w;

	response_begin(res, &w);
	json_write_string(&w, "status", "ok");
	return response_end(res, &w);
}

static enum err
check_store(struct app *app, struct response *res)
{
	if (store_ping(app->store) == ERR_OK)
		return ERR_OK;
	return response_refuse(
	    res, PROBLEM_UNAVAILABLE, "The store cannot be read.");
}

/*
 * GET: 200 the state of store, Redis and clock; 503 without the store.  Without
 * Redis every answer stays the same, so its loss is no 503.
 */
enum err
route_health(struct app *app, struct request *req, struct response *res)
{
	const char *redis = "off", *clock, *jwks;
	int64_t latency_us = 0;
	struct json_writer w;
	bool ok;
	enum err err;

	err = check_store(app, res);
	if (err != ERR_OK)
		return err;
	if (app->redis != NULL)
		redis = redis_ping(app->redis, &latency_us) == ERR_OK ? "ok"
								      : "down";
	clock =
	    clock_behind(app->clock, req->received_at) == 0 ? "ok" : "behind";
	jwks = issuer_keys_health(app, req->received_at);
	ok = strcmp(redis, "down") != 0 && strcmp(clock, "ok") == 0 &&
	    (jwks == NULL || strcmp(jwks, "ok") == 0);

	response_begin(res, &w);
	json_write_string(&w, "status", ok ? "ok" : "degraded");
	json_write_string(&w, "store", "ok");
	json_write_object(&w, "redis_cache");
	json_write_string(&w, "status", redis);
	if (strcmp(redis, "ok") == 0)
		json_write_int(&w, "latency_ms", latency_us / 1000);
	else
		json_write_null(&w, "latency_ms");
	json_write_close(&w);
	json_write_string(&w, "clock", clock);
	if (jwks != NULL)
		json_write_string(&w, "jwks", jwks);
	return response_end(res, &w);
}

/* GET: 200 if this process answers; depends on nothing else. */
enum err
route_healthz(struct app *app, struct request *req, struct response *res)
{
	(void)app;
	(void)req;
	return answer_ok(res);
}

/* GET: 200 if requests can be served; 503. */
enum err
route_readyz(struct app *app, struct request *req, struct response *res)
{
	enum err err;

	(void)req;
	err = check_store(app, res);
	if (err != ERR_OK)
		return err;
	return answer_ok(res);
}

/* GET: 200 name and version. */
enum err
route_version(struct app *app, struct request *req, struct response *res)
{
	struct json_writer w;

	(void)app;
	(void)req;
	response_begin(res, &w);
	json_write_string(&w, "name", "latchkey");
	json_write_string(&w, "version", PACKAGE_VERSION);
	return response_end(res, &w);
}
