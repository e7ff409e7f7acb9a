/* SPDX-License-Identifier: ISC */
#include "shm/mutex.h"

#include "support/test.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <unistd.h>

#include "support/child.h"
#include "support/process.h"

/* Longer than any of these tests has to wait. */
#define LONG_MS 10000

struct shared {
	pthread_mutex_t mutex;
	int expect; /* of the child's mutex_take() */
};

static int
setup(void **state)
{
	struct shared *s = child_shared(sizeof(*s));

	assert_int_equal(mutex_make(&s->mutex), 0);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	child_unshare(*state, sizeof(struct shared));
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void
take(void *ctx)
{
	struct shared *s = ctx;

	child_check(mutex_take(&s->mutex, LONG_MS) == s->expect);
	if (s->expect == EOWNERDEAD)
		child_check(pthread_mutex_consistent(&s->mutex) == 0);
	mutex_give(&s->mutex);
}

static void
take_and_die(void *ctx)
{
	struct shared *s = ctx;

	child_check(mutex_take(&s->mutex, 0) == 0);
	(void)raise(SIGKILL);
}

TEST(one_at_a_time_has_it, struct shared *s)
{
	pid_t pid;

	assert_int_equal(mutex_take(&s->mutex, 0), 0);
	pid = child_start(take, s);
	assert_int_equal(mutex_take(&s->mutex, 0), EBUSY);
	assert_int_equal(mutex_take(&s->mutex, 30), ETIMEDOUT);
	mutex_give(&s->mutex);
	child_passed(pid);
	assert_int_equal(mutex_take(&s->mutex, 0), 0);
	mutex_give(&s->mutex);
}

TEST(the_next_is_told_of_a_dead_owner, struct shared *s)
{
	child_killed(child_start(take_and_die, s));
	s->expect = EOWNERDEAD;
	child_passed(child_start(take, s));
	s->expect = 0;
	child_passed(child_start(take, s));
}

static bool
a_waiter_sleeps(void *ctx)
{
	struct shared *s = ctx;

	return (__atomic_load_n(&s->mutex.__data.__lock, __ATOMIC_SEQ_CST) &
		   (int)FUTEX_WAITERS) != 0;
}

/*
 * As it is when a waiter was woken, overtaken and killed: nothing says that
 * another sleeps, so that releasing it wakes no process.
 */
TEST(a_waiter_polls_without_a_wake_up, struct shared *s)
{
	pid_t pid;

	assert_int_equal(mutex_take(&s->mutex, 0), 0);
	pid = child_start(take, s);
	/* He sets it each time before he sleeps, so he is about to. */
	for (int i = 0; i < 20; i++) {
		assert_true(process_until(a_waiter_sleeps, s, LONG_MS));
		__atomic_fetch_and(&s->mutex.__data.__lock, ~(int)FUTEX_WAITERS,
		    __ATOMIC_SEQ_CST);
	}
	mutex_give(&s->mutex);
	child_passed(pid);
}
