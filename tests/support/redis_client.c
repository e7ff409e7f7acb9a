/* SPDX-License-Identifier: ISC */
#include "support/redis_client.h"

#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "shm/circuit_breaker.h"
#include "shm/shm.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/shm_fixture.h"

int64_t redis_client_ahead_us;

int64_t
redis_client_mono_us(void)
{
	return clock_system.mono_us() + redis_client_ahead_us;
}

void
redis_client_reopen(struct redis_client *f)
{
	redis_free(f->redis);
	assert_int_equal(
	    redis_new(&f->options, f->m, &f->clock, &f->redis), ERR_OK);
}

int
redis_client_setup(void **state)
{
	static const char *const args[] = { "--enable-debug-command", "local",
		NULL };
	struct redis_client *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	memcpy(f->dir, "/tmp/latchkey-XXXXXX", 21);
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(shm_attach(f->dir, SHM_FIXTURE_MB, &f->m), ERR_OK);
	f->server = redis_server_new_with(f->dir, args);
	f->clock = clock_system;
	f->clock.mono_us = redis_client_mono_us;
	f->options.deadline_ms = REDIS_CLIENT_DEADLINE_MS;
	assert_int_equal(str_copy(f->options.socket, sizeof(f->options.socket),
			     redis_server_socket(f->server)),
	    ERR_OK);
	assert_int_equal(
	    str_copy(f->options.prefix, sizeof(f->options.prefix), "site:"),
	    ERR_OK);
	redis_client_reopen(f);
	*state = f;
	return 0;
}

int
redis_client_teardown(void **state)
{
	struct redis_client *f = *state;

	redis_free(f->redis);
	redis_server_free(f->server);
	shm_detach(f->m);
	process_remove_tree(f->dir);
	free(f);
	return 0;
}

void
redis_client_expect(struct redis_client *f, const char *key, const char *expect)
{
	struct buf value = { 0 };

	assert_int_equal(redis_get(f->redis, key, &value), ERR_OK);
	assert_int_equal(value.len, strlen(expect));
	assert_memory_equal(value.data, expect, value.len);
	buf_clear(&value);
}

enum err
redis_client_get(struct redis_client *f, const char *key)
{
	struct buf value = { 0 };
	enum err err = redis_get(f->redis, key, &value);

	buf_clear(&value);
	return err;
}

enum err
redis_client_set(struct redis_client *f, const char *key, const char *value)
{
	return redis_set(f->redis, key, value, strlen(value), 60);
}

void
redis_client_as(struct redis_client *f, const char *user, const char *password)
{
	assert_int_equal(
	    str_copy(f->options.user, sizeof(f->options.user), user), ERR_OK);
	assert_int_equal(str_copy(f->options.password,
			     sizeof(f->options.password), password),
	    ERR_OK);
	circuit_breaker_reset(f->m);
	redis_client_reopen(f);
}
