/* SPDX-License-Identifier: ISC */
#include "support/logout_fixture.h"

#include "base/err.h"
#include "support/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "support/process.h"
#include "support/redis_server.h"

#define WAIT_MS 60000

/* cmocka's group set-up takes no argument. */
static struct stack_options chosen;

/* ---- the fixture ---- */

static int
set_up(void **state)
{
	struct logout_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->stack = stack_new(&chosen);
	f->web = web_new(stack_base(f->stack));
	logout_fixture_member(f, &f->survivor);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct logout_fixture *f = *state;

	if (f == NULL)
		return 0; /* it was not set up */
	web_free(f->web);
	stack_free(f->stack);
	free(f);
	return 0;
}

/* A test that failed leaves its points armed and its workers stopped. */
static void
clear_points(struct logout_fixture *f)
{
	pid_t workers[LOGOUT_FIXTURE_WORKERS * 2];
	char path[512];
	size_t n = stack_workers(f->stack, workers, NELEMS(workers));
	struct dirent *entry;
	DIR *dir;

	for (size_t i = 0; i < n; i++)
		process_resume(workers[i]);
	snprintf(path, sizeof(path), "%s/points", stack_dir(f->stack));
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/points/%s",
		    stack_dir(f->stack), entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	closedir(dir);
}

static int
begin_test(void **state)
{
	struct logout_fixture *f = *state;

	clear_points(f);
	if (stack_redis(f->stack) != NULL)
		logout_fixture_wait_redis(f);
	return 0;
}

TEST_FIXTURE(begin_test, NULL);

/* These two are the last of every group, after those of the program. */
TEST(the_dead_stay_dead_after_a_restart, struct logout_fixture *f)
{
	static const int signals[] = { SIGTERM, SIGKILL };

	logout_fixture_all_refused(f);
	for (size_t i = 0; i < NELEMS(signals); i++) {
		stack_stop_pool(f->stack, signals[i]);
		stack_start_pool(f->stack);
		logout_fixture_all_refused(f);
	}
}

TEST(the_dead_stay_dead_after_redis_restarts, struct logout_fixture *f)
{
	struct redis_server *redis = stack_redis(f->stack);

	if (redis == NULL)
		skip();
	redis_server_keep(redis);
	redis_server_bring_back(redis);
	logout_fixture_all_refused(f);
	stack_stop_pool(f->stack, SIGKILL);
	redis_server_bring_back(redis);
	stack_start_pool(f->stack);
	logout_fixture_all_refused(f);
}

int
logout_fixture_run(const char *name, unsigned groups, bool with_redis)
{
	/*
	 * A second writer waits while the first is held; and Redis is not
	 * taken for dead because this machine is busy.
	 */
	static const char *const env[] = { "LATCHKEY_WRITE_WAIT_MS=20000",
		"LATCHKEY_REDIS_DEADLINE_MS=500", NULL };

	chosen = (struct stack_options){
		.workers = LOGOUT_FIXTURE_WORKERS,
		.no_redis = !with_redis,
		.env = env,
	};
	return test_run(name, groups, set_up, tear_down);
}

void
logout_fixture_member(struct logout_fixture *f, struct signed_in_user *m)
{
	char email[64];

	snprintf(email, sizeof(email), "member%d@example.org", ++f->serial);
	signed_in_user_register(f->web, email, m);
}

void
logout_fixture_device(struct logout_fixture *f, const struct signed_in_user *m,
    struct signed_in_user *device)
{
	signed_in_user_login(f->web, m->email, device);
}

void
logout_fixture_pair(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, struct signed_in_user *m,
    struct signed_in_user *other)
{
	logout_fixture_member(f, m);
	if (ending->who == SIGNED_IN_USER_OTHER)
		logout_fixture_device(f, m, other);
	else
		*other = *m;
}

/* ---- asking ---- */

void
logout_fixture_expect(
    struct logout_fixture *f, const struct signed_in_user *m, long status)
{
	for (int credential_source = 0; credential_source < SIGNED_IN_USER_WAYS;
	     credential_source++) {
		long got = signed_in_user_ask(
		    f->web, m, (enum signed_in_user_way)credential_source);

		if (got != status)
			fail_msg("%s asked in way %d: %ld instead of %ld",
			    m->email, credential_source, got, status);
	}
}

typedef void solo_fn(
    struct logout_fixture *f, const struct signed_in_user *m, void *ctx);

static bool
is_ready(struct logout_fixture *f, pid_t pid)
{
	char line[64];

	for (size_t i = 0; i < NELEMS(f->ready); i++) {
		if (f->ready[i] == pid)
			return true;
	}
	snprintf(line, sizeof(line), "event=worker_ready pid=%d ", (int)pid);
	if (!stack_file_contains(stack_log(f->stack), line))
		return false;
	f->ready[f->ready_next++ % NELEMS(f->ready)] = pid;
	return true;
}

static bool
all_ready(void *ctx)
{
	struct logout_fixture *f = ctx;
	pid_t workers[LOGOUT_FIXTURE_WORKERS * 2];
	size_t n = stack_workers(f->stack, workers, NELEMS(workers));

	for (size_t i = 0; i < n; i++) {
		if (!is_ready(f, workers[i]))
			return false;
	}
	return n == (size_t)chosen.workers;
}

/*
 * Run ${fn} once for each worker that is not ${held}, alone with it.  None may
 * be starting: it would wait for a database that a stopped one has locked.
 */
static void
with_each_worker(struct logout_fixture *f, const struct signed_in_user *m,
    pid_t held, solo_fn *fn, void *ctx)
{
	pid_t workers[LOGOUT_FIXTURE_WORKERS * 2];
	size_t n;

	if (!process_until(all_ready, f, WAIT_MS))
		fail_msg("not all workers are ready");
	n = stack_workers(f->stack, workers, NELEMS(workers));
	for (size_t i = 0; i < n; i++)
		process_pause(workers[i]);
	for (size_t i = 0; i < n; i++) {
		if (workers[i] == held)
			continue;
		process_resume(workers[i]);
		fn(f, m, ctx);
		process_pause(workers[i]);
	}
	for (size_t i = 0; i < n; i++)
		process_resume(workers[i]);
}

static void
expect(struct logout_fixture *f, const struct signed_in_user *m, void *ctx)
{
	const long *status = ctx;

	logout_fixture_expect(f, m, *status);
}

void
logout_fixture_expect_everywhere(struct logout_fixture *f,
    const struct signed_in_user *m, long status, pid_t held)
{
	with_each_worker(f, m, held, expect, &status);
}

static void
watch_refusals(
    struct logout_fixture *f, const struct signed_in_user *m, void *ctx)
{
	bool *refused = ctx;

	for (int credential_source = 0; credential_source < SIGNED_IN_USER_WAYS;
	     credential_source++) {
		long got = signed_in_user_ask(
		    f->web, m, (enum signed_in_user_way)credential_source);

		if (got != 200 && got != 401)
			fail_msg("%s: status %ld", m->email, got);
		if (got == 200 && *refused)
			fail_msg("%s accepted after a refusal", m->email);
		if (got == 401)
			*refused = true;
	}
}

bool
logout_fixture_consistent_everywhere(
    struct logout_fixture *f, const struct signed_in_user *m, pid_t held)
{
	bool refused = false;

	with_each_worker(f, m, held, watch_refusals, &refused);
	return refused;
}

void
logout_fixture_dead(struct logout_fixture *f, const struct signed_in_user *m)
{
	logout_fixture_expect_everywhere(f, m, 401, 0);
	assert_true(f->dead_count < LOGOUT_FIXTURE_DEAD_MAX);
	f->dead[f->dead_count++] = *m;
}

void
logout_fixture_all_refused(struct logout_fixture *f)
{
	for (size_t i = 0; i < f->dead_count; i++)
		logout_fixture_expect(f, &f->dead[i], 401);
	logout_fixture_expect_everywhere(f, &f->survivor, 200, 0);
}
