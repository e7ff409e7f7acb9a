/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/text.h"
#include "cache/redis.h"
#include "host/breaker.h"
#include "host/mapped.h"
#include "support/process.h"
#include "support/redis_server.h"

#define DEADLINE_MS 100
#define SECOND_US ((int64_t)1000 * 1000)

/* The host's clock, which a test may set forward. */
static int64_t ahead_us;

static int64_t
mono_us(void)
{
	return clock_system.mono_us() + ahead_us;
}

struct fixture {
	char dir[32];
	struct mapped *m;
	struct redis_server *server;
	struct redis_options options;
	struct clock clock;
	struct redis *redis;
};

static void
reopen(struct fixture *f)
{
	redis_free(f->redis);
	assert_int_equal(
	    redis_new(&f->options, f->m, &f->clock, &f->redis), ERR_OK);
}

static int
setup(void **state)
{
	static const char *const args[] = { "--enable-debug-command", "local",
		NULL };
	struct fixture *f = calloc(1, sizeof(*f));
	char path[64];

	assert_non_null(f);
	memcpy(f->dir, "/tmp/latchkey-XXXXXX", 21);
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof(path), "%s/db", f->dir);
	assert_int_equal(mapped_open(path, &f->m), ERR_OK);
	f->server = redis_server_new_with(f->dir, args);
	f->clock = clock_system;
	f->clock.mono_us = mono_us;
	f->options.deadline_ms = DEADLINE_MS;
	assert_int_equal(text_copy(f->options.socket, sizeof(f->options.socket),
			     redis_server_socket(f->server)),
	    ERR_OK);
	assert_int_equal(
	    text_copy(f->options.prefix, sizeof(f->options.prefix), "site:"),
	    ERR_OK);
	reopen(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	redis_free(f->redis);
	redis_server_free(f->server);
	mapped_close(f->m);
	process_remove_tree(f->dir);
	free(f);
	return 0;
}

static void
assert_value(struct fixture *f, const char *key, const char *expect)
{
	struct buf value = { 0 };

	assert_int_equal(redis_get(f->redis, key, &value), ERR_OK);
	assert_int_equal(value.len, strlen(expect));
	assert_memory_equal(value.data, expect, value.len);
	buf_clear(&value);
}

static enum err
get(struct fixture *f, const char *key)
{
	struct buf value = { 0 };
	enum err err = redis_get(f->redis, key, &value);

	buf_clear(&value);
	return err;
}

static enum err
set(struct fixture *f, const char *key, const char *value)
{
	return redis_set(f->redis, key, value, strlen(value), 60);
}

/* The breaker is open; let its back-off pass and probe. */
static void
probe_later(struct fixture *f)
{
	ahead_us += BREAKER_BACK_OFF_MAX_US + SECOND_US;
	redis_probe(f->redis);
}

static void
keeps_any_bytes_under_the_prefixed_key(void **state)
{
	struct fixture *f = *state;
	struct buf value = { 0 };
	unsigned char bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	assert_int_equal(redis_set(f->redis, "user:1", bytes, 256, 77), ERR_OK);
	assert_int_equal(redis_get(f->redis, "user:1", &value), ERR_OK);
	assert_int_equal(value.len, sizeof(bytes));
	assert_memory_equal(value.data, bytes, sizeof(bytes));
	buf_clear(&value);

	assert_string_equal(
	    redis_server_ask(f->server, "KEYS *"), "site:user:1");
	assert_in_range(redis_server_int(f->server, "TTL site:user:1"), 70, 77);
}

static void
tells_missing_from_empty(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, "user:1"), ERR_NOT_FOUND);
	assert_int_equal(set(f, "user:1", ""), ERR_OK);
	assert_value(f, "user:1", "");
	assert_int_equal(
	    redis_del(f->redis, (const char *[]){ "user:1", "user:2" }, 2),
	    ERR_OK);
	assert_int_equal(get(f, "user:1"), ERR_NOT_FOUND);
}

/* As many and as long as it gets: more than the socket takes at once. */
static void
carries_many_at_once(void **state)
{
	struct fixture *f = *state;
	static char names[REDIS_KEYS_MAX][16], text[4096];
	struct redis_item items[REDIS_KEYS_MAX];
	const char *keys[REDIS_KEYS_MAX];
	struct buf values[REDIS_KEYS_MAX] = { { 0 } };

	f->options.deadline_ms = 5000;
	reopen(f);
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < REDIS_KEYS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "user:%zu", i);
		keys[i] = names[i];
		items[i] =
		    (struct redis_item){ names[i], text, sizeof(text) - i, 60 };
	}
	assert_int_equal(
	    redis_set_many(f->redis, items, REDIS_KEYS_MAX), ERR_OK);
	assert_int_equal(redis_del(f->redis, &keys[5], 1), ERR_OK);
	assert_int_equal(
	    redis_mget(f->redis, keys, REDIS_KEYS_MAX, values), ERR_OK);
	for (size_t i = 0; i < REDIS_KEYS_MAX; i++) {
		assert_int_equal(values[i].len, i == 5 ? 0 : sizeof(text) - i);
		buf_clear(&values[i]);
	}
}

static void
refuses_what_cannot_be_asked(void **state)
{
	struct fixture *f = *state;
	char longest[REDIS_KEY_SIZE];
	const char *keys[REDIS_KEYS_MAX + 1];
	struct buf values[1] = { { 0 } };
	struct redis *none;

	memset(longest, 'k', sizeof(longest));
	longest[REDIS_KEY_SIZE - strlen("site:") - 1] = '\0';
	assert_int_equal(set(f, longest, "1"), ERR_OK);
	longest[REDIS_KEY_SIZE - strlen("site:") - 1] = 'k';
	longest[REDIS_KEY_SIZE - strlen("site:")] = '\0';
	assert_int_equal(set(f, longest, "1"), ERR_INVALID);
	assert_int_equal(get(f, longest), ERR_INVALID);
	for (size_t i = 0; i < NELEMS(keys); i++)
		keys[i] = "k";
	assert_int_equal(redis_mget(f->redis, keys, 0, values), ERR_INVALID);
	assert_int_equal(
	    redis_mget(f->redis, keys, NELEMS(keys), values), ERR_INVALID);
	assert_int_equal(redis_set(f->redis, "k", "1", 1, 0), ERR_INVALID);
	assert_int_equal(redis_set_many(f->redis, NULL, 0), ERR_INVALID);
	assert_true(breaker_closed(f->m));

	f->options.deadline_ms = 0;
	assert_int_equal(
	    redis_new(&f->options, f->m, &f->clock, &none), ERR_INVALID);
	f->options.deadline_ms = 50;
	f->options.socket[0] = '\0';
	assert_int_equal(
	    redis_new(&f->options, f->m, &f->clock, &none), ERR_INVALID);
	assert_null(none);
}

static void
a_restart_between_two_commands_costs_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "user:1", "one"), ERR_OK);
	redis_server_stop(f->server);
	redis_server_start(f->server);
	assert_int_equal(get(f, "user:1"), ERR_NOT_FOUND);
	assert_int_equal(set(f, "user:1", "one"), ERR_OK);
	/* it hangs up for a reason of its own */
	redis_server_ask(f->server, "CLIENT KILL TYPE normal SKIPME yes");
	assert_value(f, "user:1", "one");
	assert_true(breaker_closed(f->m));
}

static void
an_outage_is_over_when_a_probe_says_so(void **state)
{
	struct fixture *f = *state;
	int64_t latency;

	redis_probe(f->redis); /* nothing to do */
	assert_int_equal(set(f, "user:1", "one"), ERR_OK);
	redis_server_kill(f->server);
	assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
	assert_false(breaker_closed(f->m));

	/* nobody looks before the back-off is over, nor then by himself */
	redis_server_start(f->server);
	redis_probe(f->redis);
	assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
	assert_int_equal(set(f, "user:1", "two"), ERR_UNAVAILABLE);
	assert_int_equal(redis_ping(f->redis, &latency), ERR_UNAVAILABLE);

	redis_server_kill(f->server);
	probe_later(f);
	assert_false(breaker_closed(f->m));
	redis_server_start(f->server);
	probe_later(f);
	assert_true(breaker_closed(f->m));
	assert_int_equal(get(f, "user:1"), ERR_NOT_FOUND);
	assert_int_equal(redis_ping(f->redis, &latency), ERR_OK);
	assert_in_range(latency, 0, DEADLINE_MS * 1000);
	assert_int_equal(redis_server_int(f->server, "DBSIZE"), 0);
}

/* One deadline for the host, then nothing; and the late reply is nobody's. */
static void
a_late_reply_answers_nothing(void **state)
{
	struct fixture *f = *state;
	struct redis *other;
	struct buf value = { 0 };
	int64_t start;

	assert_int_equal(
	    redis_new(&f->options, f->m, &f->clock, &other), ERR_OK);
	assert_int_equal(set(f, "user:1", "ann"), ERR_OK);
	assert_int_equal(set(f, "user:2", "ben"), ERR_OK);
	assert_int_equal(redis_get(other, "user:1", &value), ERR_OK);

	redis_server_pause(f->server);
	start = mono_us();
	assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
	assert_in_range(
	    mono_us() - start, DEADLINE_MS * 1000, 10 * DEADLINE_MS * 1000);
	start = mono_us();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
		assert_int_equal(
		    redis_get(other, "user:1", &value), ERR_UNAVAILABLE);
	}
	assert_true(mono_us() - start < DEADLINE_MS * 1000);

	redis_server_resume(f->server);
	breaker_reset(f->m);
	assert_value(f, "user:2", "ben");
	assert_value(f, "user:1", "ann");
	assert_true(breaker_closed(f->m));
	buf_clear(&value);
	redis_free(other);
}

static void
log_to(const char *path, int *saved_out)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	*saved_out = dup(STDERR_FILENO);
	assert_true(*saved_out >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	close(fd);
}

static void
log_back(int saved)
{
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
}

static size_t
log_count(const char *path, const char *text)
{
	char line[1024];
	size_t n = 0;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		n += strstr(line, text) != NULL;
	fclose(file);
	return n;
}

/* ---- replies that mean an outage ---- */

static void
assert_outage_until(struct fixture *f, enum err now, const char *recover)
{
	assert_int_equal(now, ERR_UNAVAILABLE);
	assert_false(breaker_closed(f->m));
	probe_later(f);
	assert_false(breaker_closed(f->m)); /* a probe is not fooled */
	redis_server_ask(f->server, recover);
	probe_later(f);
	assert_true(breaker_closed(f->m));
	assert_int_equal(set(f, "user:1", "one"), ERR_OK);
	assert_value(f, "user:1", "one");
}

static void
read_only_and_full_are_outages(void **state)
{
	struct fixture *f = *state;

	redis_server_ask(f->server, "REPLICAOF 127.0.0.1 1");
	assert_outage_until(f, set(f, "user:1", "one"), "REPLICAOF NO ONE");
	redis_server_ask(f->server, "CONFIG SET maxmemory 1");
	assert_outage_until(
	    f, set(f, "user:1", "one"), "CONFIG SET maxmemory 0");
}

static bool
bgsave_failed(void *ctx)
{
	return strstr(redis_server_ask(ctx, "INFO persistence"),
		   "rdb_last_bgsave_status:err") != NULL;
}

static void
a_server_that_cannot_save_is_an_outage(void **state)
{
	struct fixture *f = *state;
	char path[64];

	/* a folder where its file should go */
	snprintf(path, sizeof(path), "%s/dump.rdb", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	redis_server_ask(f->server, "CONFIG SET save %s", "3600 1000");
	redis_server_ask(f->server, "BGSAVE");
	assert_true(process_until(bgsave_failed, f->server, 10000));
	assert_outage_until(f, set(f, "user:1", "one"),
	    "CONFIG SET stop-writes-on-bgsave-error no");
}

/* Send a command that does not come back for a while. */
static redisContext *
send_long(struct fixture *f, const char *command)
{
	redisContext *c = redisConnectUnix(redis_server_socket(f->server));
	int done = 0;

	assert_non_null(c);
	assert_int_equal(c->err, 0);
	assert_int_equal(redisAppendCommand(c, command), REDIS_OK);
	while (!done)
		assert_int_equal(redisBufferWrite(c, &done), REDIS_OK);
	return c;
}

struct reply_wish {
	struct redis_server *server;
	const char *start;
};

static bool
replies_with(void *ctx)
{
	const struct reply_wish *w = ctx;

	return strncmp(redis_server_try(w->server, "GET site:user:1"), w->start,
		   strlen(w->start)) == 0;
}

static void
a_busy_server_is_an_outage(void **state)
{
	struct fixture *f = *state;
	struct reply_wish busy = { f->server, "-BUSY" };
	redisContext *c;

	redis_server_ask(f->server, "CONFIG SET busy-reply-threshold 1");
	c = send_long(f, "EVAL while(true)do(function()end)()end 0");
	assert_true(process_until(replies_with, &busy, 10000));
	assert_outage_until(f, get(f, "user:1"), "SCRIPT KILL");
	redisFree(c);
}

/* It looks at its clients every so many bytes of the file. */
static void
a_loading_server_is_an_outage(void **state)
{
	struct fixture *f = *state;
	struct reply_wish loading = { f->server, "-LOADING" };
	redisContext *c;
	char path[64];
	int saved;

	f->options.deadline_ms = 5000;
	reopen(f);
	redis_server_ask(f->server, "DEBUG POPULATE 5000 filler 20");
	redis_server_ask(f->server,
	    "CONFIG SET key-load-delay 300 "
	    "loading-process-events-interval-bytes 1024");
	c = send_long(f, "DEBUG RELOAD");
	assert_true(process_until(replies_with, &loading, 10000));
	snprintf(path, sizeof(path), "%s/stderr.log", f->dir);
	log_to(path, &saved);
	assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
	log_back(saved);
	assert_int_equal(log_count(path, "LOADING"), 1);
	assert_false(breaker_closed(f->m));
	redis_server_kill(f->server);
	redisFree(c);
}

static void
a_value_of_another_type_is_an_outage(void **state)
{
	struct fixture *f = *state;

	redis_server_ask(f->server, "LPUSH site:user:1 x");
	assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
	assert_false(breaker_closed(f->m));
}

/* ---- who we are ---- */

static void
as(struct fixture *f, const char *user, const char *password)
{
	assert_int_equal(
	    text_copy(f->options.user, sizeof(f->options.user), user), ERR_OK);
	assert_int_equal(text_copy(f->options.password,
			     sizeof(f->options.password), password),
	    ERR_OK);
	breaker_reset(f->m);
	reopen(f);
}

static void
signs_in_before_it_asks(void **state)
{
	struct fixture *f = *state;

	redis_server_ask(
	    f->server, "ACL SETUSER ann on >hunter2 ~site:* +get +set +select");
	redis_server_ask(f->server, "CONFIG SET requirepass %s", "p s\r\n");
	as(f, "", "p s\r\n");
	assert_int_equal(set(f, "user:1", "one"), ERR_OK);
	f->options.db = 3;
	as(f, "ann", "hunter2");
	assert_int_equal(get(f, "user:1"), ERR_NOT_FOUND);
	assert_int_equal(set(f, "user:1", "three"), ERR_OK);
	assert_value(f, "user:1", "three");
	/* -NOPERM */
	assert_int_equal(redis_del(f->redis, (const char *[]){ "user:1" }, 1),
	    ERR_UNAVAILABLE);
	f->options.db = 16; /* one more than there are */
	as(f, "", "p s\r\n");
	assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
}

static void
logs_an_outage_once_and_never_the_password(void **state)
{
	struct fixture *f = *state;
	char path[64];
	int saved;

	snprintf(path, sizeof(path), "%s/stderr.log", f->dir);
	redis_server_ask(f->server, "CONFIG SET requirepass hunter2");
	log_to(path, &saved);
	as(f, "", "letmein");
	for (int i = 0; i < 5; i++)
		assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
	as(f, "", ""); /* -NOAUTH; the second line */
	assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
	as(f, "", "hunter2");
	breaker_trip(f->m, mono_us());
	probe_later(f);
	log_back(saved);

	assert_true(breaker_closed(f->m));
	assert_int_equal(log_count(path, "event=redis_down"), 2);
	assert_int_equal(log_count(path, "WRONGPASS"), 1);
	assert_int_equal(log_count(path, "NOAUTH"), 1);
	assert_int_equal(log_count(path, "event=redis_up"), 1);
	assert_int_equal(log_count(path, "letmein"), 0);
	assert_int_equal(log_count(path, "hunter2"), 0);
}

static void
reaches_a_host_by_name(void **state)
{
	struct fixture *f = *state;
	int port = process_free_port();

	redis_server_ask(f->server, "CONFIG SET bind 127.0.0.1 port %d", port);
	f->options.socket[0] = '\0';
	f->options.port = port;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    text_copy(f->options.host, sizeof(f->options.host),
			i == 0 ? "localhost" : "127.0.0.1"),
		    ERR_OK);
		reopen(f);
		assert_int_equal(set(f, "user:1", "one"), ERR_OK);
		assert_value(f, "user:1", "one");
	}
}

/* One process's want of an address says nothing about Redis. */
static void
a_name_without_address_opens_no_breaker(void **state)
{
	struct fixture *f = *state;

	f->options.socket[0] = '\0';
	memset(f->options.host, 'a', 64); /* no label is that long */
	f->options.port = 6379;
	reopen(f);
	assert_int_equal(get(f, "user:1"), ERR_UNAVAILABLE);
	assert_true(breaker_closed(f->m));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(keeps_any_bytes_under_the_prefixed_key),
		TEST(tells_missing_from_empty),
		TEST(carries_many_at_once),
		TEST(refuses_what_cannot_be_asked),
		TEST(a_restart_between_two_commands_costs_nothing),
		TEST(an_outage_is_over_when_a_probe_says_so),
		TEST(a_late_reply_answers_nothing),
		TEST(read_only_and_full_are_outages),
		TEST(a_server_that_cannot_save_is_an_outage),
		TEST(a_busy_server_is_an_outage),
		TEST(a_loading_server_is_an_outage),
		TEST(a_value_of_another_type_is_an_outage),
		TEST(signs_in_before_it_asks),
		TEST(logs_an_outage_once_and_never_the_password),
		TEST(reaches_a_host_by_name),
		TEST(a_name_without_address_opens_no_breaker),
	};

	alarm(300); /* a wait without end is a failure too */
	if (secret_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
