/* SPDX-License-Identifier: ISC */
#include "support/fcgi_site.h"

#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "support/process.h"
#include "support/web.h"

/* Whatever is stuck is stuck for longer: a request's deadline is 10 s. */
#define AT_ONCE_MS 30000
#define START_MS 60000

/* cmocka's group set-up takes no argument. */
static struct stack_options chosen;

static int
set_up(void **state)
{
	struct fcgi_site *site = calloc(1, sizeof(*site));

	assert_non_null(site);
	*state = site;
	fcgi_site_open(site, &chosen);
	return 0;
}

static int
tear_down(void **state)
{
	struct fcgi_site *site = *state;

	if (site != NULL)
		fcgi_site_close(site);
	free(site);
	return 0;
}

int
fcgi_site_run(
    const char *name, unsigned groups, const struct stack_options *options)
{
	chosen = *options;
	return test_run(name, groups, set_up, tear_down);
}

void
fcgi_site_open(struct fcgi_site *site, const struct stack_options *options)
{
	struct stack_options o = *options;

	o.no_lighttpd = true;
	site->worker_count = o.workers == 0 ? 2 : (size_t)o.workers;
	assert_in_range(site->worker_count, 1, FCGI_SITE_WORKERS);
	site->stack = stack_new(&o);
	fcgi_site_account(site);
	fcgi_site_note_workers(site);
	fcgi_site_serves(site);
}

void
fcgi_site_close(struct fcgi_site *site)
{
	stack_free(site->stack);
	site->stack = NULL;
}

int
fcgi_site_connect(const struct fcgi_site *site)
{
	int fd = stack_connect(site->stack);

	assert_true(fd >= 0);
	return fd;
}

struct fcgi_ask
fcgi_site_me(
    const struct fcgi_site *site, bool keep, const char *params_out[static 2])
{
	params_out[0] = site->bearer;
	params_out[1] = NULL;
	return (struct fcgi_ask){
		.uri = "/auth/me", .keep = keep, .params = params_out
	};
}

int
fcgi_site_check(const struct fcgi_site *site, int fd, int wait_ms)
{
	const char *params[2];
	struct fcgi_ask ask = fcgi_site_me(site, fd >= 0, params);
	struct fcgi_reply reply;
	int own = fd < 0 ? stack_connect(site->stack) : fd;
	int status = 0;

	if (own < 0)
		return 0;
	if (fcgi_ask_on(own, &ask, wait_ms, &reply))
		status = reply.http_status;
	fcgi_reply_free(&reply);
	if (fd < 0)
		close(own);
	return status;
}

bool
fcgi_site_post(const struct fcgi_site *site, const char *path, const char *json,
    int wait_ms, struct fcgi_reply *reply_out)
{
	const struct fcgi_ask ask = { .method = "POST",
		.uri = path,
		.content_type = "application/json",
		.body = json };
	int fd = stack_connect(site->stack);
	bool ended;

	*reply_out = (struct fcgi_reply){ 0 };
	if (fd < 0)
		return false;
	ended = fcgi_ask_on(fd, &ask, wait_ms, reply_out);
	close(fd);
	return ended;
}

bool
fcgi_site_login(
    const struct fcgi_site *site, int wait_ms, struct fcgi_reply *reply_out)
{
	char json[256];

	snprintf(json, sizeof(json),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}",
	    site->email);
	return fcgi_site_post(site, "/auth/login", json, wait_ms, reply_out);
}

/* The string member ${name}; the answers of a login have each name once. */
static void
copy_member(const char *body, const char *name, char *dst, size_t size)
{
	char pattern[64];
	const char *at;
	size_t len;

	snprintf(pattern, sizeof(pattern), "\"%s\":\"", name);
	at = body != NULL ? strstr(body, pattern) : NULL;
	if (at == NULL) {
		fail_msg("no %s in the answer", name);
		return;
	}
	at += strlen(pattern);
	len = strcspn(at, "\"");
	assert_true(len > 0 && len < size);
	memcpy(dst, at, len);
	dst[len] = '\0';
}

void
fcgi_site_account(struct fcgi_site *site)
{
	struct fcgi_reply reply;
	char json[256];

	snprintf(site->email, sizeof(site->email), "user%d@example.org",
	    ++site->serial);
	snprintf(json, sizeof(json),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD
	    "\",\"name\":\"Test\"}",
	    site->email);
	assert_true(
	    fcgi_site_post(site, "/auth/register", json, START_MS, &reply));
	assert_int_equal(reply.http_status, 201);
	copy_member(
	    reply.body, "access_token", site->token, sizeof(site->token));
	copy_member(
	    reply.body, "session_id", site->session, sizeof(site->session));
	fcgi_reply_free(&reply);
	snprintf(site->bearer, sizeof(site->bearer),
	    "HTTP_AUTHORIZATION=Bearer %s", site->token);
}

/* ---- every worker ---- */

static bool
all_are_there(void *ctx)
{
	struct fcgi_site *site = ctx;
	size_t n = stack_workers(site->stack, site->workers, FCGI_SITE_WORKERS);

	for (size_t i = 0; i < n; i++) {
		if (!process_alive(site->workers[i]))
			return false; /* not reaped yet */
	}
	return n == site->worker_count;
}

void
fcgi_site_note_workers(struct fcgi_site *site)
{
	if (!process_until(all_are_there, site, START_MS))
		fail_msg("not %zu workers", site->worker_count);
}

static bool
is_noted(const struct fcgi_site *site, pid_t pid)
{
	for (size_t i = 0; i < site->worker_count; i++) {
		if (site->workers[i] == pid)
			return true;
	}
	return false;
}

/* A process that is about to become the JWKS refresher looks like a worker. */
static bool
has_its_workers(void *ctx)
{
	const struct fcgi_site *site = ctx;
	pid_t now[FCGI_SITE_WORKERS];

	return stack_workers(site->stack, now, FCGI_SITE_WORKERS) ==
	    site->worker_count;
}

static void
assert_same_workers(struct fcgi_site *site)
{
	pid_t now[FCGI_SITE_WORKERS];
	size_t n;

	assert_true(process_until(has_its_workers, site, START_MS));
	n = stack_workers(site->stack, now, FCGI_SITE_WORKERS);
	assert_int_equal(n, site->worker_count);
	for (size_t i = 0; i < n; i++) {
		if (!is_noted(site, now[i]))
			fail_msg("a worker was replaced by %d", (int)now[i]);
	}
}

static void
expect_answer(int fd)
{
	struct fcgi_reply reply;

	if (!fcgi_receive(fd, AT_ONCE_MS, &reply))
		fail_msg("no answer within %d ms", AT_ONCE_MS);
	assert_int_equal(reply.http_status, 200);
	fcgi_reply_free(&reply);
}

/*
 * One worker is held with a request of ours in its hands, so that the next one
 * must be answered by the other; the first is when it is let go.
 */
static void
ask_both_workers(struct fcgi_site *site)
{
	const char *params[2];
	struct fcgi_ask ask = fcgi_site_me(site, false, params);
	struct fcgi_bytes bytes = { 0 };
	int held = fcgi_site_connect(site);
	int other;

	fcgi_put_request(&bytes, &ask);
	stack_point(site->stack, "worker:request", "once-hold");
	assert_true(fcgi_send(held, bytes.data, bytes.len, AT_ONCE_MS));
	(void)stack_point_wait(site->stack, "worker:request");
	/* Not before: it could be the one that is held who accepts it. */
	other = fcgi_site_connect(site);
	assert_true(fcgi_send(other, bytes.data, bytes.len, AT_ONCE_MS));
	expect_answer(other);
	stack_point_release(site->stack, "worker:request");
	expect_answer(held);
	close(held);
	close(other);
	fcgi_bytes_free(&bytes);
}

void
fcgi_site_serves(struct fcgi_site *site)
{
	if (site->worker_count == 2)
		ask_both_workers(site);
	else
		assert_int_equal(fcgi_site_check(site, -1, AT_ONCE_MS), 200);
	assert_same_workers(site);
}
