/* SPDX-License-Identifier: ISC */
#include "support/external_issuer_site.h"

#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/files.h"
#include "support/process.h"
#include "support/shm_fixture.h"

#define API "/api/v1"
#define WAIT_MS 60000
#define WORKERS_MAX 16
#define UNLOCKED_TRIES 10
#define UNLOCKED_WAIT_MS 200

/* cmocka's group set-up takes no argument. */
static struct external_site_options chosen;

/* ---- the fixture ---- */

static void
write_issuers(const struct external_site *f)
{
	struct buf text = { 0 };

	buf_printf(&text,
	    "[%s]\njwks_uri = %s" TEST_ISSUER_JWKS "\naudience = latchkey\n%s"
	    "[%s]\naudience = latchkey\n%s",
	    test_issuer_url(f->first), test_issuer_url(f->first),
	    chosen.first != NULL ? chosen.first : "",
	    test_issuer_url(f->second),
	    chosen.second != NULL ? chosen.second : "");
	files_write(f->file, text.data, text.len);
	buf_clear(&text);
}

static int
set_up(void **state)
{
	struct external_site *f = calloc(1, sizeof(*f));
	struct stack_options o = chosen.stack;
	size_t n = 0;

	assert_non_null(f);
	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/issuers", f->dir);
	f->first = test_issuer_new(false);
	f->second = test_issuer_new(false);
	write_issuers(f);
	snprintf(f->file_env, sizeof(f->file_env), "LATCHKEY_ISSUERS_FILE=%s",
	    f->file);
	f->env[n++] = f->file_env;
	for (size_t i = 0; o.env != NULL && o.env[i] != NULL; i++) {
		assert_true(n + 1 < NELEMS(f->env));
		f->env[n++] = o.env[i];
	}
	o.env = f->env;
	o.dir = f->dir;
	f->site.stack = stack_new(&o);
	f->site.web = web_new(stack_base(f->site.stack));
	external_site_wait(f, f->first);
	external_site_wait(f, f->second);
	return 0;
}

static int
tear_down(void **state)
{
	struct external_site *f = *state;

	if (f == NULL)
		return 0; /* setup had failed */
	web_reply_clear(&f->site.reply);
	web_free(f->site.web);
	stack_free(f->site.stack);
	test_issuer_free(f->first);
	test_issuer_free(f->second);
	process_remove_tree(f->dir);
	free(f);
	return 0;
}

int
external_site_run(const char *name, unsigned groups,
    const struct external_site_options *options)
{
	chosen = *options;
	if (chosen.stack.workers == 0)
		chosen.stack.workers = 2;
	return test_run(name, groups, set_up, tear_down);
}

/* ---- asking ---- */

long
external_site_ask(
    struct external_site *f, enum external_site_way way, const char *token)
{
	static const char *const paths[] = {
		[EXTERNAL_SITE_ME] = API "/auth/me",
		[EXTERNAL_SITE_CHECK] = API "/auth/check",
		[EXTERNAL_SITE_GUARDED] = STACK_GUARDED,
		[EXTERNAL_SITE_VALIDATE] = API "/auth/validate-session",
	};
	const struct web_call call = {
		.method = way == EXTERNAL_SITE_VALIDATE ? "POST" : "GET",
		.path = paths[way],
		.bearer = token,
		.no_cookies = true,
	};

	web_call(f->site.web, &call, &f->site.reply);
	return f->site.reply.status;
}

long
external_site_post(struct external_site *f, const char *path, const char *token,
    const char *body)
{
	const struct web_call call = {
		.path = path, .body = body, .bearer = token, .no_cookies = true
	};

	web_call(f->site.web, &call, &f->site.reply);
	return f->site.reply.status;
}

long long
external_site_id(struct external_site *f, const char *token)
{
	const char *id;

	external_site_ask(f, EXTERNAL_SITE_ME, token);
	web_expect(&f->site.reply, 200, NULL);
	id = web_text(&f->site.reply, "user.id");
	assert_non_null(id);
	return strtoll(id, NULL, 10);
}

void
external_site_expect(struct external_site *f, const char *token, long status)
{
	for (int credential_source = 0; credential_source < EXTERNAL_SITE_WAYS;
	     credential_source++) {
		long got = external_site_ask(
		    f, (enum external_site_way)credential_source, token);
		const char *code = web_text(&f->site.reply, "code");

		if (got != status ||
		    (status == 401 &&
			(code == NULL || strcmp(code, "invalid_token") != 0)))
			fail_msg("asked in way %d: %ld instead of %ld\n%s%s",
			    credential_source, got, status,
			    f->site.reply.headers.data,
			    f->site.reply.body.data);
	}
}

/* The workers: the pool's other children keep keys, or are gone. */
static size_t
ready_workers(const struct external_site *f, pid_t workers[WORKERS_MAX])
{
	pid_t all[2 * WORKERS_MAX];
	size_t n = stack_workers(f->site.stack, all, NELEMS(all));
	size_t ready = 0;
	char line[64];

	for (size_t i = 0; i < n && ready < WORKERS_MAX; i++) {
		snprintf(line, sizeof(line), "event=worker_ready pid=%d ",
		    (int)all[i]);
		if (stack_file_contains(stack_log(f->site.stack), line))
			workers[ready++] = all[i];
	}
	return ready;
}

static bool
all_ready(void *ctx)
{
	pid_t workers[WORKERS_MAX];

	return ready_workers(ctx, workers) == (size_t)chosen.stack.workers;
}

void
external_site_open_store(const struct external_site *f, int wait_ms,
    struct shm **m_out, struct store **store_out)
{
	const struct store_options options = { .write_wait_ms = wait_ms };
	char path[64];

	snprintf(path, sizeof(path), "%s/latchkey.db", f->dir);
	*m_out = shm_fixture_of(path);
	assert_int_equal(store_open(path, *m_out, &options, store_out), ERR_OK);
}

/* A worker stopped while it holds the write lock would stop the others. */
static void
pause_unlocked(struct store *store, pid_t pid)
{
	static const struct timespec a_while = { .tv_nsec = 50000000 };
	const struct store_actor actor = { .address = "", .now = time(NULL) };

	process_pause(pid);
	for (int i = 0; i < UNLOCKED_TRIES; i++) {
		if (store_write_check(store, &actor) == ERR_OK)
			return;
		process_resume(pid);
		nanosleep(&a_while, NULL);
		process_pause(pid);
	}
}

void
external_site_each_worker(struct external_site *f, const char *token,
    external_site_worker_fn *fn, const void *ctx)
{
	pid_t workers[WORKERS_MAX];
	struct store *store;
	struct shm *m;
	size_t n;

	if (!process_until(all_ready, f, WAIT_MS))
		fail_msg("not all workers are ready");
	n = ready_workers(f, workers);
	external_site_open_store(f, UNLOCKED_WAIT_MS, &m, &store);
	for (size_t i = 0; i < n; i++)
		pause_unlocked(store, workers[i]);
	for (size_t i = 0; i < n; i++) {
		process_resume(workers[i]);
		fn(f, token, ctx);
		pause_unlocked(store, workers[i]);
	}
	for (size_t i = 0; i < n; i++)
		process_resume(workers[i]);
	store_close(store);
	shm_detach(m);
}

static void
expect(struct external_site *f, const char *token, const void *ctx)
{
	const long *status = ctx;

	external_site_expect(f, token, *status);
}

void
external_site_expect_everywhere(
    struct external_site *f, const char *token, long status)
{
	external_site_each_worker(f, token, expect, &status);
}

struct worker_group {
	pid_t pids[WORKERS_MAX];
	size_t n;
};

static bool
all_gone(void *ctx)
{
	const struct worker_group *worker_group = ctx;

	for (size_t i = 0; i < worker_group->n; i++)
		if (process_alive(worker_group->pids[i]))
			return false;
	return true;
}

void
external_site_reload(struct external_site *f, const char *issuers)
{
	struct worker_group old;

	if (issuers != NULL)
		files_write(f->file, issuers, strlen(issuers));
	else
		write_issuers(f);
	assert_true(process_until(all_ready, f, WAIT_MS));
	old.n = ready_workers(f, old.pids);
	assert_int_equal(kill(stack_supervisor(f->site.stack), SIGHUP), 0);
	assert_true(process_until(all_gone, &old, WAIT_MS));
	assert_true(process_until(all_ready, f, WAIT_MS));
}

struct taken {
	struct external_site *f;
	struct test_issuer *p;
};

static bool
is_taken(void *ctx)
{
	const struct taken *t = ctx;
	char token[TEST_ISSUER_TOKEN_SIZE];
	long status;

	test_issuer_token(t->p, token, "'ec', claims={'sub': 'first'}");
	status = external_site_ask(t->f, EXTERNAL_SITE_ME, token);
	if (status != 200)
		web_expect(&t->f->site.reply, 503, "unavailable");
	return status == 200;
}

void
external_site_wait(struct external_site *f, struct test_issuer *p)
{
	struct taken t = { f, p };

	if (!process_until(is_taken, &t, WAIT_MS))
		fail_msg("no keys of %s: %s", test_issuer_url(p),
		    f->site.reply.body.data);
}
