/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "support/async_request.h"
#include "support/database.h"
#include "support/disk.h"
#include "support/login_poller.h"
#include "support/process.h"
#include "support/signed_in_user.h"
#include "support/stack.h"

/*
 * The disk of the database is full: no user can sign in, every session is still
 * checked, and every user can still sign out, for good.
 */

#define API "/api/v1/auth"
#define DISK_MIB 96 /* shared memory, the reserve, and more */
#define RESERVE_BYTES (4 * 1024 * 1024)
#define LEAVERS_MAX 16

struct fixture {
	struct disk disk;
	char db[160], db_env[200];
	const char *env[2];
	struct stack *stack;
	struct web *web;
	struct web_reply reply;
	struct signed_in_user survivor;
	struct signed_in_user leavers[LEAVERS_MAX], others[LEAVERS_MAX];
	int serial;
};

static bool may_mount; /* else there is nothing to try it with */

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct stack_options options = { .workers = 2 };

	assert_non_null(f);
	if (!may_mount) {
		free(f);
		return 0; /* *state stays NULL */
	}
	disk_mount(&f->disk, DISK_MIB);
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
	web_reply_clear(&f->reply);
	web_free(f->web);
	stack_free(f->stack);
	disk_unmount(&f->disk);
	free(f);
	return 0;
}

static off_t
reserve_size(const struct fixture *f)
{
	struct stat st;
	char path[200];

	snprintf(path, sizeof(path), "%s-ballast", f->db);
	assert_int_equal(stat(path, &st), 0);
	return st.st_blocks * 512 < st.st_size ? st.st_blocks * 512
					       : st.st_size;
}

static void
post(struct fixture *f, const char *path, const char *body)
{
	const struct web_call call = {
		.path = path, .body = body, .no_cookies = true
	};

	web_call(f->web, &call, &f->reply);
}

static long
login(struct fixture *f, const char *email)
{
	char body[160];

	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}", email);
	post(f, API "/login", body);
	return f->reply.status;
}

static void
all_logins_fail(struct fixture *f)
{
	char body[160];

	for (int i = 0; i < 6; i++) {
		login(f, f->survivor.email);
		web_expect(&f->reply, 503, "unavailable");
		snprintf(body, sizeof(body),
		    "{\"email\":\"late%d@example.org\",\"password\":"
		    "\"" WEB_PASSWORD "\",\"name\":\"Late\"}",
		    ++f->serial);
		post(f, API "/register", body);
		web_expect(&f->reply, 503, "unavailable");
	}
}

static void
expect(struct fixture *f, const struct signed_in_user *m, long status)
{
	for (int round = 0; round < 2; round++) {
		for (enum signed_in_user_way credential_source = 0;
		     credential_source < SIGNED_IN_USER_WAYS;
		     credential_source++)
			assert_int_equal(
			    signed_in_user_ask(f->web, m, credential_source),
			    status);
	}
}

/* What room there is in the log is used up, too. */
static void
fill(struct fixture *f)
{
	int i;

	disk_fill(&f->disk);
	for (i = 0; i < 2000 && login(f, f->survivor.email) == 200; i++)
		continue;
	assert_true(i < 2000);
	web_expect(&f->reply, 503, "unavailable");
}

static void
all_sign_out(struct fixture *f)
{
	struct signed_in_user_call c;

	for (size_t i = 0; i < signed_in_user_endings_count; i++) {
		const struct signed_in_user_ending *ending =
		    &signed_in_user_endings[i];

		signed_in_user_end(ending, &f->leavers[i], &f->others[i], &c);
		if (web_as(f->web, &c.call, c.cookie, &f->reply) !=
		    ending->status)
			fail_msg("%s: %ld", ending->name, f->reply.status);
		expect(f, &f->leavers[i], 401);
	}
}

static void
all_are_gone(struct fixture *f)
{
	for (size_t i = 0; i < signed_in_user_endings_count; i++)
		expect(f, &f->leavers[i], 401);
	expect(f, &f->survivor, 200);
}

static bool
lets_in_again(void *ctx)
{
	struct fixture *f = ctx;
	long status = login(f, f->survivor.email);

	assert_true(status == 200 || status == 503);
	return status == 200;
}

static bool
reserve_is_whole(void *ctx)
{
	return reserve_size(ctx) == RESERVE_BYTES;
}

TEST(a_full_disk_lets_out_but_not_in, struct fixture *f)
{
	struct login_poller *v;
	char email[64];

	if (f == NULL)
		skip();
	assert_true(signed_in_user_endings_count <= LEAVERS_MAX);
	assert_int_equal(reserve_size(f), RESERVE_BYTES);
	signed_in_user_register(f->web, "survivor@example.org", &f->survivor);
	for (size_t i = 0; i < signed_in_user_endings_count; i++) {
		snprintf(email, sizeof(email), "user%zu@example.org", i);
		signed_in_user_register(f->web, email, &f->leavers[i]);
		signed_in_user_login(f->web, email, &f->others[i]);
	}

	fill(f);
	v = login_poller_start(stack_base(f->stack), &f->survivor);
	all_logins_fail(f);
	all_sign_out(f);
	all_logins_fail(f);
	all_are_gone(f);
	login_poller_end_well(v, 20);

	/* Nor does a start need room. */
	stack_stop_pool(f->stack, SIGKILL);
	database_check(f->db);
	stack_start_pool(f->stack);
	all_are_gone(f);
	all_logins_fail(f);
	stack_stop_pool(f->stack, SIGTERM);
	stack_start_pool(f->stack);
	all_are_gone(f);

	disk_empty(&f->disk);
	assert_true(process_until(lets_in_again, f, 15000));
	assert_true(process_until(reserve_is_whole, f, 15000));
	signed_in_user_register(f->web, "new@example.org", &f->others[0]);
	expect(f, &f->others[0], 200);
	all_are_gone(f);
}

TEST_RUN()
{
	may_mount = disk_private();
	return test_run("full disk", TEST_ALL, set_up, tear_down);
}
