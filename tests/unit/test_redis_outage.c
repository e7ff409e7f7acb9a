/* SPDX-License-Identifier: ISC */
/* Outages of a real server, and how they end. */
#include "support/test.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "cache/redis.h"
#include "shm/circuit_breaker.h"
#include "support/process.h"
#include "support/redis_client.h"
#include "support/redis_server.h"

#define SECOND_US ((int64_t)1000 * 1000)
#define HOUR_US (3600 * SECOND_US)

/* Let the back-off of the open circuit breaker pass and probe. */
static void
probe_later(struct redis_client *f)
{
	redis_client_ahead_us += CIRCUIT_BREAKER_BACK_OFF_MAX_US + SECOND_US;
	redis_probe(f->redis);
}

TEST_FIXTURE(redis_client_setup, redis_client_teardown);

TEST(an_outage_ends_with_a_probe, struct redis_client *f)
{
	int64_t latency;

	redis_probe(f->redis); /* nothing to do */
	assert_int_equal(redis_client_set(f, "user:1", "one"), ERR_OK);
	redis_server_kill(f->server);
	assert_int_equal(redis_client_get(f, "user:1"), ERR_UNAVAILABLE);
	assert_false(circuit_breaker_closed(f->m));

	/* no probe before the back-off is over, and none without a call */
	redis_server_start(f->server);
	redis_client_ahead_us -= HOUR_US; /* however long the start took */
	redis_probe(f->redis);
	redis_client_ahead_us += HOUR_US;
	assert_int_equal(redis_client_get(f, "user:1"), ERR_UNAVAILABLE);
	assert_int_equal(redis_client_set(f, "user:1", "two"), ERR_UNAVAILABLE);
	assert_int_equal(redis_ping(f->redis, &latency), ERR_UNAVAILABLE);

	redis_server_kill(f->server);
	probe_later(f);
	assert_false(circuit_breaker_closed(f->m));
	redis_server_start(f->server);
	probe_later(f);
	assert_true(circuit_breaker_closed(f->m));
	assert_int_equal(redis_client_get(f, "user:1"), ERR_NOT_FOUND);
	assert_int_equal(redis_ping(f->redis, &latency), ERR_OK);
	assert_in_range(latency, 0, REDIS_CLIENT_DEADLINE_MS * 1000);
	assert_int_equal(redis_server_int(f->server, "DBSIZE"), 0);
}

/* An outage costs the host one deadline; the late reply is discarded. */
TEST(a_late_reply_answers_nothing, struct redis_client *f)
{
	struct redis *other;
	struct buf value = { 0 };
	int64_t start;

	assert_int_equal(
	    redis_new(&f->options, f->m, &f->clock, &other), ERR_OK);
	assert_int_equal(redis_client_set(f, "user:1", "ann"), ERR_OK);
	assert_int_equal(redis_client_set(f, "user:2", "ben"), ERR_OK);
	assert_int_equal(redis_get(other, "user:1", &value), ERR_OK);

	redis_server_pause(f->server);
	start = redis_client_mono_us();
	assert_int_equal(redis_client_get(f, "user:1"), ERR_UNAVAILABLE);
	assert_in_range(redis_client_mono_us() - start,
	    REDIS_CLIENT_DEADLINE_MS * 1000,
	    10 * REDIS_CLIENT_DEADLINE_MS * 1000);
	start = redis_client_mono_us();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(
		    redis_client_get(f, "user:1"), ERR_UNAVAILABLE);
		assert_int_equal(
		    redis_get(other, "user:1", &value), ERR_UNAVAILABLE);
	}
	assert_true(
	    redis_client_mono_us() - start < REDIS_CLIENT_DEADLINE_MS * 1000);

	redis_server_resume(f->server);
	circuit_breaker_reset(f->m);
	redis_client_expect(f, "user:2", "ben");
	redis_client_expect(f, "user:1", "ann");
	assert_true(circuit_breaker_closed(f->m));
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

static bool
takes_writes(void *server)
{
	return strcmp(redis_server_try(server, "SET none x XX"), "(nil)") == 0;
}

static void
assert_outage_until(struct redis_client *f, enum err now, const char *recover)
{
	assert_int_equal(now, ERR_UNAVAILABLE);
	assert_false(circuit_breaker_closed(f->m));
	probe_later(f);
	assert_false(
	    circuit_breaker_closed(f->m)); /* PING alone would succeed */
	redis_server_ask(f->server, recover);
	/* A script ends some time after SCRIPT KILL. */
	assert_true(process_until(takes_writes, f->server, 10000));
	probe_later(f);
	assert_true(circuit_breaker_closed(f->m));
	assert_int_equal(redis_client_set(f, "user:1", "one"), ERR_OK);
	redis_client_expect(f, "user:1", "one");
}

TEST(read_only_and_full_are_outages, struct redis_client *f)
{
	redis_server_ask(f->server, "REPLICAOF 127.0.0.1 1");
	assert_outage_until(
	    f, redis_client_set(f, "user:1", "one"), "REPLICAOF NO ONE");
	redis_server_ask(f->server, "CONFIG SET maxmemory 1");
	assert_outage_until(
	    f, redis_client_set(f, "user:1", "one"), "CONFIG SET maxmemory 0");
}

static bool
bgsave_failed(void *ctx)
{
	return strstr(redis_server_ask(ctx, "INFO persistence"),
		   "rdb_last_bgsave_status:err") != NULL;
}

TEST(a_server_that_cannot_save_is_an_outage, struct redis_client *f)
{
	char path[64];

	/* a folder in place of its file */
	snprintf(path, sizeof(path), "%s/dump.rdb", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	redis_server_ask(f->server, "CONFIG SET save %s", "3600 1000");
	redis_server_ask(f->server, "BGSAVE");
	assert_true(process_until(bgsave_failed, f->server, 10000));
	assert_outage_until(f, redis_client_set(f, "user:1", "one"),
	    "CONFIG SET stop-writes-on-bgsave-error no");
}

/* Send a command that runs for a while. */
static redisContext *
send_long(struct redis_client *f, const char *command)
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

struct awaited_reply {
	struct redis_server *server;
	const char *start;
};

static bool
replies_with(void *ctx)
{
	const struct awaited_reply *w = ctx;

	return strncmp(redis_server_try(w->server, "GET site:user:1"), w->start,
		   strlen(w->start)) == 0;
}

TEST(a_busy_server_is_an_outage, struct redis_client *f)
{
	struct awaited_reply busy = { f->server, "-BUSY" };
	redisContext *c;

	redis_server_ask(f->server, "CONFIG SET busy-reply-threshold 1");
	c = send_long(f, "EVAL while(true)do(function()end)()end 0");
	assert_true(process_until(replies_with, &busy, 10000));
	assert_outage_until(f, redis_client_get(f, "user:1"), "SCRIPT KILL");
	redisFree(c);
}

/* While loading, it serves clients every so many bytes of the file. */
TEST(a_loading_server_is_an_outage, struct redis_client *f)
{
	struct awaited_reply loading = { f->server, "-LOADING" };
	redisContext *c;
	char path[64];
	int saved;

	f->options.deadline_ms = 5000;
	redis_client_reopen(f);
	redis_server_ask(f->server, "DEBUG POPULATE 5000 filler 20");
	redis_server_ask(f->server,
	    "CONFIG SET key-load-delay 300 "
	    "loading-process-events-interval-bytes 1024");
	c = send_long(f, "DEBUG RELOAD");
	assert_true(process_until(replies_with, &loading, 10000));
	snprintf(path, sizeof(path), "%s/stderr.log", f->dir);
	log_to(path, &saved);
	assert_int_equal(redis_client_get(f, "user:1"), ERR_UNAVAILABLE);
	log_back(saved);
	assert_int_equal(log_count(path, "LOADING"), 1);
	assert_false(circuit_breaker_closed(f->m));
	redis_server_kill(f->server);
	redisFree(c);
}

TEST(a_value_of_another_type_is_a_miss, struct redis_client *f)
{
	redis_server_ask(f->server, "LPUSH site:user:1 x");
	assert_int_equal(redis_client_get(f, "user:1"), ERR_NOT_FOUND);
	assert_true(circuit_breaker_closed(f->m));
	assert_int_equal(redis_client_set(f, "user:1", "one"), ERR_OK);
	redis_client_expect(f, "user:1", "one");
}

TEST(logs_an_outage_once_and_never_the_password, struct redis_client *f)
{
	char path[64];
	int saved;

	snprintf(path, sizeof(path), "%s/stderr.log", f->dir);
	redis_server_ask(f->server, "CONFIG SET requirepass hunter2");
	log_to(path, &saved);
	redis_client_as(f, "", "letmein");
	for (int i = 0; i < 5; i++)
		assert_int_equal(
		    redis_client_get(f, "user:1"), ERR_UNAVAILABLE);
	redis_client_as(f, "", ""); /* -NOAUTH; the second line */
	assert_int_equal(redis_client_get(f, "user:1"), ERR_UNAVAILABLE);
	redis_client_as(f, "", "hunter2");
	circuit_breaker_trip(f->m, redis_client_mono_us());
	probe_later(f);
	log_back(saved);

	assert_true(circuit_breaker_closed(f->m));
	assert_int_equal(log_count(path, "event=redis_down"), 2);
	assert_int_equal(log_count(path, "WRONGPASS"), 1);
	assert_int_equal(log_count(path, "NOAUTH"), 1);
	assert_int_equal(log_count(path, "event=redis_up"), 1);
	assert_int_equal(log_count(path, "letmein"), 0);
	assert_int_equal(log_count(path, "hunter2"), 0);
}
