/* SPDX-License-Identifier: ISC */
#include "support/finality.h"

#include "support/test.h"

#include <stdio.h>

#include "base/err.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/table.h"

/* How the tests of final logout force what they test. */

#define WAIT_MS 30000

/* A key of ${m} as it is in Redis. */
static void
key_name(const struct member *m, enum finality_key key, char name[80])
{
	if (key == FINALITY_SESSION)
		snprintf(name, 80, "session:%s", m->handle);
	else
		snprintf(name, 80, "user:%s", m->user_id);
}

static void
uncache_in_table(struct finality *f, const char *key)
{
	char database[128];

	snprintf(
	    database, sizeof(database), "%s/latchkey.db", stack_dir(f->stack));
	table_uncache(database, key);
}

void
finality_uncache(
    struct finality *f, const struct member *m, enum finality_key key)
{
	char name[80];

	key_name(m, key, name);
	uncache_in_table(f, name);
	if (stack_redis(f->stack) != NULL)
		redis_server_ask(stack_redis(f->stack), "DEL %s", name);
}

void
finality_ask_redis(struct finality *f, const struct member *m)
{
	char name[80];

	key_name(m, FINALITY_SESSION, name);
	uncache_in_table(f, name);
	key_name(m, FINALITY_USER, name);
	uncache_in_table(f, name);
}

bool
finality_cached(
    struct finality *f, const struct member *m, enum finality_key key)
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
struct errand *
finality_hold_check(struct finality *f, const struct member *m,
    enum member_way way, enum finality_key key, const char *point,
    pid_t *held_out)
{
	struct member_call c;
	struct errand *e;

	assert_int_equal(member_ask(f->web, m, MEMBER_COOKIE), 200);
	finality_uncache(f, m, key);
	stack_point(f->stack, point, "once-hold");
	member_question(m, way, &c);
	e = errand_start(stack_base(f->stack), &c.call, c.cookie);
	*held_out = stack_point_wait(f->stack, point);
	if (key == FINALITY_USER && strcmp(point, "read:generation") == 0)
		*held_out = stack_point_again(f->stack, point);
	return e;
}

long
finality_end(struct finality *f, const struct member_ending *ending,
    const struct member *m, const struct member *other)
{
	struct web_reply reply = { 0 };
	struct member_call c;
	long status;

	member_end(ending, m, other, &c);
	status = web_as(f->web, &c.call, c.cookie, &reply);
	web_reply_clear(&reply);
	return status;
}

struct errand *
finality_end_start(struct finality *f, const struct member_ending *ending,
    const struct member *m, const struct member *other)
{
	struct member_call c;

	member_end(ending, m, other, &c);
	return errand_start(stack_base(f->stack), &c.call, c.cookie);
}

struct errand *
finality_login_start(
    struct finality *f, const struct member *m, const char *password)
{
	struct web_call call = { .path = "/api/v1/auth/login" };
	char body[256];

	snprintf(body, sizeof(body), "{\"email\":\"%s\",\"password\":\"%s\"}",
	    m->email, password);
	call.body = body;
	return errand_start(stack_base(f->stack), &call, NULL);
}

void
finality_crew(struct finality *f, struct finality_crew *crew)
{
	crew->n = stack_workers(f->stack, crew->workers, NELEMS(crew->workers));
}

struct replaced {
	struct finality *f;
	const struct finality_crew *before;
};

static bool
stood_before(const struct finality_crew *crew, pid_t pid)
{
	for (size_t i = 0; i < crew->n; i++) {
		if (crew->workers[i] == pid)
			return true;
	}
	return false;
}

/* A killed worker is listed until its parent has seen it. */
static bool
is_replaced(void *ctx)
{
	struct replaced *r = ctx;
	struct finality_crew now;
	size_t fresh = 0;

	finality_crew(r->f, &now);
	for (size_t i = 0; i < now.n; i++) {
		if (!process_alive(now.workers[i]))
			return false;
		if (!stood_before(r->before, now.workers[i]))
			fresh++;
	}
	return now.n == FINALITY_WORKERS && fresh > 0;
}

void
finality_wait_replaced(struct finality *f, const struct finality_crew *before)
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
	struct finality *f = ctx;

	finality_uncache(f, &f->survivor, FINALITY_SESSION);
	return member_ask(f->web, &f->survivor, MEMBER_COOKIE) == 200 &&
	    finality_cached(f, &f->survivor, FINALITY_SESSION);
}

void
finality_wait_redis(struct finality *f)
{
	if (!process_until(redis_used, f, WAIT_MS))
		fail_msg("Redis is not used again");
}
