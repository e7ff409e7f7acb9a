/* SPDX-License-Identifier: ISC */
#include "support/logout_fixture.h"

#include "support/test.h"

#include <stdio.h>

#include "base/err.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/shm_fixture.h"

/* How the tests of final logout force what they test. */

#define WAIT_MS 60000

/* A key of ${m} as it is in Redis. */
static void
key_name(
    const struct signed_in_user *m, enum logout_fixture_key key, char name[80])
{
	if (key == LOGOUT_FIXTURE_SESSION)
		snprintf(name, 80, "session:%s", m->handle);
	else
		snprintf(name, 80, "user:%s", m->user_id);
}

static void
uncache_in_table(struct logout_fixture *f, const char *key)
{
	char database[128];

	snprintf(
	    database, sizeof(database), "%s/latchkey.db", stack_dir(f->stack));
	shm_fixture_uncache(database, key);
}

void
logout_fixture_uncache(struct logout_fixture *f, const struct signed_in_user *m,
    enum logout_fixture_key key)
{
	char name[80];

	key_name(m, key, name);
	uncache_in_table(f, name);
	if (stack_redis(f->stack) != NULL)
		redis_server_ask(stack_redis(f->stack), "DEL %s", name);
}

void
logout_fixture_ask_redis(
    struct logout_fixture *f, const struct signed_in_user *m)
{
	char name[80];

	key_name(m, LOGOUT_FIXTURE_SESSION, name);
	uncache_in_table(f, name);
	key_name(m, LOGOUT_FIXTURE_USER, name);
	uncache_in_table(f, name);
}

bool
logout_fixture_cached(struct logout_fixture *f, const struct signed_in_user *m,
    enum logout_fixture_key key)
{
	char name[80];

	key_name(m, key, name);
	return redis_server_int(stack_redis(f->stack), "EXISTS %s", name) == 1;
}

/*
 * A check reads the session and then the user, so both pass the same points.
 * To hold it at the second reading the session is made to come from Redis;
 * the point before Redis is passed nevertheless, and let go once.
 */
struct async_request *
logout_fixture_hold_check(struct logout_fixture *f,
    const struct signed_in_user *m, enum signed_in_user_way credential_source,
    enum logout_fixture_key key, const char *point, pid_t *held_out)
{
	struct signed_in_user_call c;
	struct async_request *e;

	assert_int_equal(
	    signed_in_user_ask(f->web, m, SIGNED_IN_USER_COOKIE), 200);
	logout_fixture_uncache(f, m, key);
	stack_point(f->stack, point, "once-hold");
	signed_in_user_question(m, credential_source, &c);
	e = async_request_start(stack_base(f->stack), &c.call, c.cookie);
	*held_out = stack_point_wait(f->stack, point);
	if (key == LOGOUT_FIXTURE_USER && strcmp(point, "read:generation") == 0)
		*held_out = stack_point_again(f->stack, point);
	return e;
}

long
logout_fixture_end(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, const struct signed_in_user *m,
    const struct signed_in_user *other)
{
	struct web_reply reply = { 0 };
	struct signed_in_user_call c;
	long status;

	signed_in_user_end(ending, m, other, &c);
	status = web_as(f->web, &c.call, c.cookie, &reply);
	web_reply_clear(&reply);
	return status;
}

struct async_request *
logout_fixture_end_start(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, const struct signed_in_user *m,
    const struct signed_in_user *other)
{
	struct signed_in_user_call c;

	signed_in_user_end(ending, m, other, &c);
	return async_request_start(stack_base(f->stack), &c.call, c.cookie);
}

struct async_request *
logout_fixture_login_start(struct logout_fixture *f,
    const struct signed_in_user *m, const char *password)
{
	struct web_call call = { .path = "/api/v1/auth/login" };
	char body[256];

	snprintf(body, sizeof(body), "{\"email\":\"%s\",\"password\":\"%s\"}",
	    m->email, password);
	call.body = body;
	return async_request_start(stack_base(f->stack), &call, NULL);
}

void
logout_fixture_workers(
    struct logout_fixture *f, struct logout_fixture_workers *worker_group)
{
	worker_group->n = stack_workers(
	    f->stack, worker_group->workers, NELEMS(worker_group->workers));
}

struct replaced {
	struct logout_fixture *f;
	const struct logout_fixture_workers *before;
};

static bool
stood_before(const struct logout_fixture_workers *worker_group, pid_t pid)
{
	for (size_t i = 0; i < worker_group->n; i++) {
		if (worker_group->workers[i] == pid)
			return true;
	}
	return false;
}

/* A killed worker is listed until its parent has seen it. */
static bool
is_replaced(void *ctx)
{
	struct replaced *r = ctx;
	struct logout_fixture_workers now;
	size_t fresh = 0;

	logout_fixture_workers(r->f, &now);
	for (size_t i = 0; i < now.n; i++) {
		if (!process_alive(now.workers[i]))
			return false;
		if (!stood_before(r->before, now.workers[i]))
			fresh++;
	}
	return now.n == LOGOUT_FIXTURE_WORKERS && fresh > 0;
}

void
logout_fixture_wait_replaced(
    struct logout_fixture *f, const struct logout_fixture_workers *before)
{
	struct replaced r = { f, before };

	if (!process_until(is_replaced, &r, WAIT_MS))
		fail_msg("the worker was not replaced");
	if (!stack_ready(f->stack, WAIT_MS))
		fail_msg("no answer after a worker was replaced");
}

/* A check of the survivor that comes from the store fills Redis. */
static bool
redis_used(void *ctx)
{
	struct logout_fixture *f = ctx;

	logout_fixture_uncache(f, &f->survivor, LOGOUT_FIXTURE_SESSION);
	return signed_in_user_ask(
		   f->web, &f->survivor, SIGNED_IN_USER_COOKIE) == 200 &&
	    logout_fixture_cached(f, &f->survivor, LOGOUT_FIXTURE_SESSION);
}

void
logout_fixture_wait_redis(struct logout_fixture *f)
{
	if (!process_until(redis_used, f, WAIT_MS))
		fail_msg("Redis is not used again");
}
