/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>

#include "support/async_request.h"
#include "support/database.h"
#include "support/disk.h"
#include "support/login_poller.h"
#include "support/process.h"
#include "support/signed_in_user.h"
#include "support/stack.h"
#include "support/write_stress.h"

/*
 * The kernel finds the disk of the database damaged and lets no process write
 * to it any more, as ext4 does with errors=remount-ro: checks go on, changes
 * are 503, no answer is untrue, and once the disk is back so is the site. Not
 * that all acknowledged changes are there then: a sync that meets the abort may
 * well have said that all is fine when it was not.
 */

#define DISK_MIB 160

struct fixture {
	struct disk disk;
	char db[160], db_env[200];
	const char *env[2];
	struct stack *stack;
	struct web *web;
};

static bool may_mount; /* else there is nothing to try it with */

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct stack_options options = { .workers = 2, .no_redis = true };

	assert_non_null(f);
	if (!may_mount || !disk_mount_image(&f->disk, DISK_MIB)) {
		free(f);
		return 0; /* *state stays NULL */
	}
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", f->disk.dir);
	snprintf(f->db_env, sizeof(f->db_env), "DATABASE_URL=sqlite:%s", f->db);
	f->env[0] = f->db_env;
	options.env = f->env;
	f->stack = stack_new(&options);
	f->web = web_new(stack_base(f->stack));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	if (f == NULL)
		return 0;
	stack_stop_pool(f->stack, SIGTERM);
	database_check(f->db);
	web_free(f->web);
	stack_free(f->stack);
	disk_unmount(&f->disk);
	free(f);
	return 0;
}

/* Both threads of each worker have tried to write, and failed. */
static void
all_changes_fail(struct fixture *f, const struct signed_in_user *m)
{
	struct web_reply reply = { 0 };
	struct signed_in_user_call c;

	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < signed_in_user_endings_count; i++) {
			signed_in_user_end(
			    &signed_in_user_endings[i], m, m, &c);
			web_as(f->web, &c.call, c.cookie, &reply);
			web_expect(&reply, 503, "unavailable");
		}
		for (enum signed_in_user_way credential_source = 0;
		     credential_source < SIGNED_IN_USER_WAYS;
		     credential_source++)
			assert_int_equal(
			    signed_in_user_ask(f->web, m, credential_source),
			    200);
	}
	web_reply_clear(&reply);
}

TEST(a_disk_that_turns_read_only, struct fixture *f)
{
	struct signed_in_user survivor;
	struct write_stress *b;
	struct login_poller *v;

	if (f == NULL)
		skip();
	signed_in_user_register(f->web, "survivor@example.org", &survivor);
	b = write_stress_start(stack_base(f->stack), "ro");
	write_stress_wait(b, 40);
	v = login_poller_start(stack_base(f->stack), &survivor);
	disk_break(&f->disk);
	all_changes_fail(f, &survivor);
	login_poller_end_well(v, 1);
	assert_true(write_stress_refused(b) > 0);
	write_stress_free(b);

	stack_stop_pool(f->stack, SIGKILL);
	disk_mend(&f->disk);
	database_check(f->db);
	stack_start_pool(f->stack);
	for (enum signed_in_user_way credential_source = 0;
	     credential_source < SIGNED_IN_USER_WAYS; credential_source++)
		assert_int_equal(
		    signed_in_user_ask(f->web, &survivor, credential_source),
		    200);
}

TEST_RUN()
{
	may_mount = disk_private();
	return test_run("read-only disk", TEST_ALL, set_up, tear_down);
}
