/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "cache/redis.h"
#include "shm/circuit_breaker.h"
#include "support/process.h"
#include "support/redis_client.h"
#include "support/redis_server.h"

TEST_FIXTURE(redis_client_setup, redis_client_teardown);

TEST(values_of_any_bytes_are_stored_under_the_prefix, struct redis_client *f)
{
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

TEST(a_missing_value_is_not_an_empty_one, struct redis_client *f)
{
	assert_int_equal(redis_client_get(f, "user:1"), ERR_NOT_FOUND);
	assert_int_equal(redis_client_set(f, "user:1", ""), ERR_OK);
	redis_client_expect(f, "user:1", "");
	assert_int_equal(
	    redis_del(f->redis, (const char *[]){ "user:1", "user:2" }, 2),
	    ERR_OK);
	assert_int_equal(redis_client_get(f, "user:1"), ERR_NOT_FOUND);
}

/* The most keys of the largest values: more than the socket takes at once. */
TEST(the_largest_batch_is_carried, struct redis_client *f)
{
	static char names[REDIS_KEYS_MAX][16], text[4096];
	struct redis_item items[REDIS_KEYS_MAX];
	const char *keys[REDIS_KEYS_MAX];
	struct buf values[REDIS_KEYS_MAX] = { { 0 } };

	f->options.deadline_ms = 5000;
	redis_client_reopen(f);
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

TEST(invalid_arguments_are_refused, struct redis_client *f)
{
	char longest[REDIS_KEY_SIZE];
	const char *keys[REDIS_KEYS_MAX + 1];
	struct buf values[1] = { { 0 } };
	struct redis *none;

	memset(longest, 'k', sizeof(longest));
	longest[REDIS_KEY_SIZE - strlen("site:") - 1] = '\0';
	assert_int_equal(redis_client_set(f, longest, "1"), ERR_OK);
	longest[REDIS_KEY_SIZE - strlen("site:") - 1] = 'k';
	longest[REDIS_KEY_SIZE - strlen("site:")] = '\0';
	assert_int_equal(redis_client_set(f, longest, "1"), ERR_INVALID);
	assert_int_equal(redis_client_get(f, longest), ERR_INVALID);
	for (size_t i = 0; i < NELEMS(keys); i++)
		keys[i] = "k";
	assert_int_equal(redis_mget(f->redis, keys, 0, values), ERR_INVALID);
	assert_int_equal(
	    redis_mget(f->redis, keys, NELEMS(keys), values), ERR_INVALID);
	assert_int_equal(redis_set(f->redis, "k", "1", 1, 0), ERR_INVALID);
	assert_int_equal(redis_set_many(f->redis, NULL, 0), ERR_INVALID);
	assert_true(circuit_breaker_closed(f->m));

	f->options.deadline_ms = 0;
	assert_int_equal(
	    redis_new(&f->options, f->m, &f->clock, &none), ERR_INVALID);
	f->options.deadline_ms = 50;
	f->options.socket[0] = '\0';
	assert_int_equal(
	    redis_new(&f->options, f->m, &f->clock, &none), ERR_INVALID);
	assert_null(none);
}

TEST(a_restart_between_commands_is_no_outage, struct redis_client *f)
{
	assert_int_equal(redis_client_set(f, "user:1", "one"), ERR_OK);
	redis_server_stop(f->server);
	redis_server_start(f->server);
	assert_int_equal(redis_client_get(f, "user:1"), ERR_NOT_FOUND);
	assert_int_equal(redis_client_set(f, "user:1", "one"), ERR_OK);
	/* the server closes the connection */
	redis_server_ask(f->server, "CLIENT KILL TYPE normal SKIPME yes");
	redis_client_expect(f, "user:1", "one");
	assert_true(circuit_breaker_closed(f->m));
}

TEST(a_connection_authenticates_first, struct redis_client *f)
{
	redis_server_ask(
	    f->server, "ACL SETUSER ann on >hunter2 ~site:* +get +set +select");
	redis_server_ask(f->server, "CONFIG SET requirepass %s", "p s\r\n");
	redis_client_as(f, "", "p s\r\n");
	assert_int_equal(redis_client_set(f, "user:1", "one"), ERR_OK);
	f->options.db = 3;
	redis_client_as(f, "ann", "hunter2");
	assert_int_equal(redis_client_get(f, "user:1"), ERR_NOT_FOUND);
	assert_int_equal(redis_client_set(f, "user:1", "three"), ERR_OK);
	redis_client_expect(f, "user:1", "three");
	/* -NOPERM */
	assert_int_equal(redis_del(f->redis, (const char *[]){ "user:1" }, 1),
	    ERR_UNAVAILABLE);
	f->options.db = 16; /* the server has 16: 0 to 15 */
	redis_client_as(f, "", "p s\r\n");
	assert_int_equal(redis_client_get(f, "user:1"), ERR_UNAVAILABLE);
}

TEST(a_host_is_found_by_name, struct redis_client *f)
{
	int port = process_free_port();
	struct addrinfo *found = NULL;
	const char *name = "localhost";

	/* A machine without /etc/hosts has no such name. */
	if (getaddrinfo(name, NULL, NULL, &found) != 0)
		name = "127.1";
	else
		freeaddrinfo(found);
	redis_server_ask(f->server, "CONFIG SET bind 127.0.0.1 port %d", port);
	f->options.socket[0] = '\0';
	f->options.port = port;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    str_copy(f->options.host, sizeof(f->options.host),
			i == 0 ? name : "127.0.0.1"),
		    ERR_OK);
		redis_client_reopen(f);
		assert_int_equal(redis_client_set(f, "user:1", "one"), ERR_OK);
		redis_client_expect(f, "user:1", "one");
	}
}

/* A name without an address is a fault of this process, not of Redis. */
TEST(a_name_without_address_leaves_the_circuit_breaker_closed,
    struct redis_client *f)
{
	f->options.socket[0] = '\0';
	memset(f->options.host, 'a', 64); /* labels have at most 63 */
	f->options.port = 6379;
	redis_client_reopen(f);
	assert_int_equal(redis_client_get(f, "user:1"), ERR_UNAVAILABLE);
	assert_true(circuit_breaker_closed(f->m));
}

TEST(the_size_of_the_server_is_reported, struct redis_client *f)
{
	int64_t entries, bytes, empty;

	f->options.db = 3;
	redis_client_reopen(f);
	assert_int_equal(redis_size(f->redis, &entries, &empty), ERR_OK);
	assert_int_equal(entries, 0);
	assert_in_range(empty, 100000, 1000000000);
	redis_server_ask(f->server, "DEBUG POPULATE 70");
	assert_int_equal(redis_client_set(f, "user:1", "one"), ERR_OK);
	assert_int_equal(redis_client_set(f, "user:2", "two"), ERR_OK);
	/* It counts the keys of the selected database only. */
	assert_int_equal(redis_size(f->redis, &entries, &bytes), ERR_OK);
	assert_int_equal(entries, 2);
	assert_true(bytes > 0);

	/* A server that forbids INFO is not an outage. */
	redis_server_ask(f->server, "ACL SETUSER default -info");
	assert_int_equal(
	    redis_size(f->redis, &entries, &bytes), ERR_UNAVAILABLE);
	assert_int_equal(entries, 0);
	assert_int_equal(bytes, 0);
	assert_true(circuit_breaker_closed(f->m));
	redis_client_expect(f, "user:2", "two");
}
