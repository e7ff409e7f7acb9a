/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/writer.h"
#include "cache/redis.h"
#include "routes/handlers.h"
#include "routes/key_sets.h"
#include "routes/services.h"
#include "store/store.h"

static enum err
status_ok(struct response *res)
{
	struct writer w;

	response_begin(res, &w);
	writer_string(&w, "status", "ok");
	return response_end(res, &w);
}

static enum err
check_store(struct services *sv, struct response *res)
{
	if (store_ping(sv->store) == ERR_OK)
		return ERR_OK;
	return response_refuse(
	    res, PROBLEM_UNAVAILABLE, "The store cannot be read.");
}

/*
 * GET: 200 how store and Redis are; 503 without the store.  Redis is an aid:
 * without it every answer is the same, so its loss is no 503.
 */
enum err
route_health(struct services *sv, struct request *req, struct response *res)
{
	const char *redis = "off", *jwks;
	int64_t latency_us = 0;
	struct writer w;
	bool well;
	enum err err;

	err = check_store(sv, res);
	if (err != ERR_OK)
		return err;
	if (sv->redis != NULL)
		redis = redis_ping(sv->redis, &latency_us) == ERR_OK ? "ok"
								     : "down";
	jwks = key_sets_health(sv, req->received_at);
	well = strcmp(redis, "down") != 0 &&
	    (jwks == NULL || strcmp(jwks, "ok") == 0);

	response_begin(res, &w);
	writer_string(&w, "status", well ? "ok" : "degraded");
	writer_string(&w, "store", "ok");
	writer_object(&w, "redis_cache");
	writer_string(&w, "status", redis);
	if (strcmp(redis, "ok") == 0)
		writer_int(&w, "latency_ms", latency_us / 1000);
	else
		writer_null(&w, "latency_ms");
	writer_close(&w);
	if (jwks != NULL)
		writer_string(&w, "jwks", jwks);
	return response_end(res, &w);
}

/* GET: 200, this process answers; asks nobody. */
enum err
route_healthz(struct services *sv, struct request *req, struct response *res)
{
	(void)sv;
	(void)req;
	return status_ok(res);
}

/* GET: 200 if requests can be served; 503. */
enum err
route_readyz(struct services *sv, struct request *req, struct response *res)
{
	enum err err;

	(void)req;
	err = check_store(sv, res);
	if (err != ERR_OK)
		return err;
	return status_ok(res);
}

/* GET: 200 name and version. */
enum err
route_version(struct services *sv, struct request *req, struct response *res)
{
	struct writer w;

	(void)sv;
	(void)req;
	response_begin(res, &w);
	writer_string(&w, "name", "latchkey");
	writer_string(&w, "version", PACKAGE_VERSION);
	return response_end(res, &w);
}
