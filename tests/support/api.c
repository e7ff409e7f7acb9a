/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#include <stdio.h>

#include "auth/clients.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json_value.h"
#include "base/secret.h"
#include "base/str.h"
#include "cache/cache.h"
#include "cache/redis.h"
#include "http/request.h"
#include "routes/dispatch.h"
#include "routes/routes.h"
#include "shm/semaphore.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/keyring.h"
#include "support/redis_server.h"
#include "support/store_memory.h"

#define SECRET "0123456789abcdef0123456789abcdeF"
#define PARAMS_MAX 24

static void
count_touch(void *ctx, const char *handle)
{
	struct api *api = ctx;

	assert_true(str_is_hex(handle, SESSION_HANDLE_SIZE - 1));
	api->touched++;
}

static void
end_it(void *ctx, const char *handle)
{
	struct api *api = ctx;
	const struct store_actor actor = { .address = "", .now = api->now };

	assert_int_equal(
	    store_logout(api->app.store, &actor, handle, NULL), ERR_OK);
	api->app.touch = count_touch;
}

void
api_overtake(struct api *api)
{
	api->now += SESSION_TOUCH_SECONDS;
	api->app.touch = end_it;
}

static void
open_redis(struct api *api)
{
	struct redis_options options = { .deadline_ms = 2000 };

	api->redis = redis_server_new(api->table.dir);
	assert_int_equal(str_copy(options.socket, sizeof(options.socket),
			     redis_server_socket(api->redis)),
	    ERR_OK);
	assert_int_equal(
	    redis_new(&options, api->app.shm, &clock_system, &api->app.redis),
	    ERR_OK);
}

/* The wall clock of the latest api; a clock's functions take no argument. */
static const struct api *clock_api;
static struct clock api_clock;

static int64_t
get_wall(void)
{
	return clock_api->now - clock_api->clock_behind;
}

static void
open_clock(struct api *api)
{
	clock_api = api;
	api_clock = clock_system;
	api_clock.wall = get_wall;
	api->app.clock = &api_clock;
}

static void
open_services(struct api *api, bool with_redis)
{
	static const struct cache_options options = { .user_ttl = API_USER_TTL,
		.session_ttl = API_SESSION_LIFE,
		.token_ttl = 300,
		.clock = &clock_system };
	struct app *app = &api->app;
	unsigned char seal[SECRET_KEY_BYTES];
	char why[64];

	*api = (struct api){ .now = API_EPOCH };
	open_clock(api);
	request_ids_init(&api->names);
	shm_fixture_make(&api->table);
	assert_int_equal(
	    clients_load("", why, sizeof(why), &api->clients), ERR_OK);
	app->clients = api->clients;
	keyring_open(SECRET, &app->keys);
	keyring_seal(SECRET, seal);
	app->shm = shm_fixture_open(&api->table);
	assert_int_equal(store_open_memory(app->shm, &app->store), ERR_OK);
	if (with_redis)
		open_redis(api);
	assert_int_equal(cache_new(app->shm, app->store, app->redis, seal,
			     &options, &app->cache),
	    ERR_OK);
	app->sessions = (struct sessions){
		.cache = app->cache,
		.store = app->store,
		.tokens = { .keys = &app->keys,
		    .issuer = "issuer",
		    .audience = "audience",
		    .lifetime = API_TOKEN_LIFE,
		    .clock = app->clock },
		.lifetime = API_SESSION_LIFE,
	};
	app->login = (struct login){
		.store = app->store,
		.sessions = &app->sessions,
		.params = { .kib = 8, .passes = 1 },
		.semaphore_wait_ms = 100,
	};
	assert_int_equal(
	    semaphore_new(app->shm, 1, &app->login.semaphore), ERR_OK);
	app->rate_limits =
	    (struct rate_limits){ .shm = app->shm, .redis = app->redis };
	for (size_t i = 0; i < RATE_LIMIT_NAMES; i++)
		app->rate_limits.rules[i] =
		    (struct rate_limit_shm_rule){ 1000, RATE_LIMIT_SHM_MAX };
	app->login_page = "/sign-in";
	app->touch = count_touch;
	app->touch_ctx = api;
}

void
api_open(struct api *api)
{
	open_services(api, false);
}

void
api_open_with_redis(struct api *api)
{
	open_services(api, true);
}

void
api_close(struct api *api)
{
	semaphore_free(api->app.login.semaphore);
	cache_free(api->app.cache);
	redis_free(api->app.redis);
	redis_server_free(api->redis);
	store_close(api->app.store);
	shm_detach(api->app.shm);
	signing_keys_close(&api->app.keys);
	clients_free(api->clients);
	shm_fixture_remove(&api->table);
}

/* The parameters of one request; NULL at the end. */
struct params {
	char *list[PARAMS_MAX + 1];
	size_t n;
};

static void
add(struct params *p, const char *name, const char *between, const char *value)
{
	struct buf text = { 0 };

	if (value == NULL)
		return;
	assert_true(p->n < PARAMS_MAX);
	buf_printf(&text, "%s%s%s", name, between, value);
	assert_false(text.failed);
	p->list[p->n++] = text.data;
}

static void
fill(struct params *p, const struct api_call *call)
{
	const char *type = call->type;
	char length[24];

	if (type == NULL && call->body != NULL)
		type = "application/json";
	/* The extra one first: the first of a name is what counts. */
	add(p, "", "", call->param);
	for (size_t i = 0; call->params != NULL && call->params[i] != NULL; i++)
		add(p, "", "", call->params[i]);
	add(p, "REQUEST_METHOD", "=", call->method);
	add(p, "REQUEST_URI", "=", call->uri);
	add(p, "REMOTE_ADDR", "=", "127.0.0.1");
	add(p, "HTTP_HOST", "=", "example.org");
	add(p, "HTTP_USER_AGENT", "=", "test/1");
	add(p, "CONTENT_TYPE", "=", type);
	add(p, "HTTPS", "=", call->https ? "on" : NULL);
	add(p, "HTTP_AUTHORIZATION", "=Bearer ", call->token);
	add(p, "HTTP_COOKIE",
	    call->https ? "=a=b; __Host-latchkey=" : "=a=b; latchkey=",
	    call->cookie);
	add(p, "HTTP_SEC_FETCH_SITE", "=", call->site);
	snprintf(length, sizeof(length), "%zu",
	    call->body != NULL ? strlen(call->body) : 0);
	add(p, "CONTENT_LENGTH", "=", length);
}

/* The one answer that is no JSON. */
static bool
is_metrics(const struct request *req, const struct api_answer *a)
{
	return a->status == 200 && strcmp(req->path, "/metrics") == 0 &&
	    api_has(
		a, "Content-Type: text/plain; version=0.0.4; charset=utf-8");
}

/* The one that caches may keep. */
static bool
is_jwks(const struct request *req, const struct api_answer *a)
{
	return a->status == 200 && strstr(req->path, "/jwks.json") != NULL &&
	    api_has(a, "Content-Type: application/jwk-set+json") &&
	    strstr(a->text.data, "\r\nCache-Control: public, max-age=") != NULL;
}

/* A refusal in the words of RFC 6749 section 5.2. */
static bool
is_oauth_error(const struct api_answer *a)
{
	if (json_value_string(json_value_member(a->json, "error")) == NULL)
		return false;
	assert_true(api_has(a, "Content-Type: application/json"));
	assert_int_equal(a->status == 401,
	    api_has(a, "WWW-Authenticate: Basic realm=\"latchkey\""));
	return a->status == 400 || a->status == 401;
}

/* What every answer has, whatever it says. */
static void
check_form(
    struct api_answer *a, const struct request *req, unsigned route_flags)
{
	char line[64];

	/* The identity alone, or it would get into the guarded answer. */
	if (req->authorizer && a->status == 200) {
		assert_string_equal(a->body, "");
		return;
	}
	snprintf(line, sizeof(line), "X-Request-Id: %s", req->request_id);
	assert_true(api_has(a, line));
	assert_int_not_equal(
	    is_jwks(req, a), api_has(a, "Cache-Control: no-store"));
	assert_true(api_has(a, "X-Content-Type-Options: nosniff"));
	if (a->status == 204 || a->status == 303) {
		assert_string_equal(a->body, "");
		return;
	}
	/* An authorization decision is its status and headers. */
	if ((route_flags & ROUTE_AUTHORIZE) != 0 && a->status < 400) {
		assert_string_equal(a->body, "");
		assert_true(api_has(a, "Content-Length: 0"));
		return;
	}
	if (!req->head) {
		snprintf(
		    line, sizeof(line), "Content-Length: %zu", strlen(a->body));
		assert_true(api_has(a, line));
		if (is_metrics(req, a))
			return;
		assert_int_equal(
		    json_value_parse(a->body, strlen(a->body), &a->json),
		    ERR_OK);
	}
	if (is_jwks(req, a) || is_oauth_error(a))
		return;
	if (a->status < 400) {
		assert_true(api_has(a, "Content-Type: application/json"));
		return;
	}
	assert_true(api_has(a, "Content-Type: application/problem+json"));
	assert_int_equal(a->status == 401,
	    strstr(a->text.data, "\r\nWWW-Authenticate: Bearer") != NULL);
	assert_int_equal(
	    a->status == 405, strstr(a->text.data, "\r\nAllow: ") != NULL);
	assert_true(a->status != 503 || api_has(a, "Retry-After: 1"));
	assert_int_equal(a->status == 503 || a->status == 429,
	    strstr(a->text.data, "\r\nRetry-After: ") != NULL);
	/* A refusal leaves the browser's cookie alone. */
	assert_null(strstr(a->text.data, "\r\nSet-Cookie:"));
	if (req->head)
		return;
	assert_string_equal(api_text(a, "type"), "about:blank");
	assert_string_equal(api_text(a, "request_id"), req->request_id);
	assert_int_equal(api_int(a, "status"), a->status);
	assert_true(api_text(a, "title")[0] != '\0');
	assert_true(api_text(a, "detail")[0] != '\0');
}

void
api_run(struct api *api, const struct api_call *call, struct api_answer *a)
{
	struct params p = { .n = 0 };
	struct routes_match match;
	struct request req;
	char *end;

	*a = (struct api_answer){ 0 };
	fill(&p, call);
	request_init(&req, p.list, call->body,
	    call->body != NULL ? strlen(call->body) : 0);
	request_set_id(&req, &api->names);
	req.received_at = api->now;
	match = routes_find(&req);
	assert_int_equal(
	    dispatch_run(&api->app, &req, &match, &a->text), ERR_OK);

	assert_int_equal(strncmp(a->text.data, "Status: ", 8), 0);
	a->status = (int)strtol(a->text.data + 8, &end, 10);
	a->body = strstr(a->text.data, "\r\n\r\n");
	assert_non_null(a->body);
	a->body += 4;
	check_form(a, &req, match.route != NULL ? match.route->flags : 0);
	request_clear(&req);
	for (size_t i = 0; i < p.n; i++)
		free(p.list[i]);
}

void
api_free(struct api_answer *a)
{
	json_value_free(a->json);
	buf_clear(&a->text);
}

const char *
api_text(const struct api_answer *a, const char *name)
{
	const char *text = json_value_string(json_value_member(a->json, name));

	return text != NULL ? text : "(none)";
}

const char *
api_text_in(const struct api_answer *a, const char *parent, const char *name)
{
	const char *text = json_value_string(
	    json_value_member(json_value_member(a->json, parent), name));

	return text != NULL ? text : "(none)";
}

int64_t
api_int(const struct api_answer *a, const char *name)
{
	int64_t value;

	if (json_value_int(json_value_member(a->json, name), &value) != ERR_OK)
		fail_msg("no number \"%s\" in %s", name, a->body);
	return value;
}

bool
api_has(const struct api_answer *a, const char *line)
{
	size_t len = strlen(line);

	for (const char *p = a->text.data; p < a->body - 2;
	     p = strstr(p, "\r\n") + 2) {
		if (strncmp(p, line, len) == 0 &&
		    strncmp(p + len, "\r\n", 2) == 0)
			return true;
	}
	return false;
}

void
api_expect_at(struct api *api, const struct api_call *call, int status,
    const char *code, const char *file, int line)
{
	struct api_answer a;

	api_run(api, call, &a);
	if (a.status != status ||
	    (code != NULL && strcmp(api_text(&a, "code"), code) != 0)) {
		print_error(
		    "%s %s: %s\n", call->method, call->uri, a.text.data);
		_fail(file, line);
	}
	api_free(&a);
}

static void
take_login(const struct api_answer *a, struct api_login *login)
{
	assert_int_equal(str_copy(login->id, sizeof(login->id),
			     api_text_in(a, "user", "id")),
	    ERR_OK);
	assert_int_equal(str_copy(login->session_id, SESSION_ID_SIZE,
			     api_text(a, "session_id")),
	    ERR_OK);
	assert_int_equal(str_copy(login->token, sizeof(login->token),
			     api_text(a, "access_token")),
	    ERR_OK);
	assert_int_equal(
	    session_handle(login->handle, login->session_id), ERR_OK);
}

static void
sign_in(struct api *api, const char *uri, const char *email, int status,
    struct api_login *login)
{
	struct api_answer a;
	char body[256];

	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"password\":\"" API_PASSWORD
	    "\",\"name\":\"Ada\"}",
	    email);
	api_run(api,
	    &(struct api_call){ .method = "POST", .uri = uri, .body = body },
	    &a);
	assert_int_equal(a.status, status);
	take_login(&a, login);
	api_free(&a);
}

void
api_register(struct api *api, const char *email, struct api_login *login)
{
	sign_in(api, "/auth/register", email, 201, login);
}

void
api_login(struct api *api, const char *email, struct api_login *login)
{
	sign_in(api, "/auth/login", email, 200, login);
}
