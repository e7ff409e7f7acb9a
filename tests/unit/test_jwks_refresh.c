/* SPDX-License-Identifier: ISC */
#include "issuers/jwks_refresh.h"

#include "support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "issuers/http_get.h"
#include "issuers/issuers_config.h"
#include "shm/counters.h"
#include "shm/jwks_refresh_request.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/shm_fixture.h"
#include "support/store_memory.h"

#define NOW INT64_C(1800000000)
#define HOUR 3600
#define ISSUERS 3
#define FLOOR JWKS_REFRESH_FLOOR_SECONDS

/* RFC 7517 appendix A.1, and the point of RFC 7515 appendix A.3. */
#define GOOD                                                                   \
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\",\"x\":"    \
	"\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"               \
	"\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"

/* A thread that sends the same answer to every request. */
struct fixture {
	struct table table;
	struct shm *m;
	struct store *store;
	struct http_client *http_client;
	struct issuers_config issuers;
	struct jwks_refresh jwks_refresh;
	atomic_bool stop;
	int64_t next;
	int listen_fd;
	pthread_t thread;
	atomic_int asked;
	const char *_Atomic headers, *_Atomic body;
};

/* ---- the issuer ---- */

static void
answer(struct fixture *f, int fd)
{
	const char *headers = atomic_load(&f->headers);
	const char *body = atomic_load(&f->body);
	char text[4096];
	size_t got = 0;
	ssize_t n;
	int len;

	do {
		n = recv(fd, text + got, sizeof(text) - 1 - got, 0);
		if (n <= 0)
			return;
		got += (size_t)n;
		text[got] = '\0';
	} while (strstr(text, "\r\n\r\n") == NULL);
	len = snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    "Connection: close\r\n%s\r\n%s",
	    headers, body);
	(void)send(fd, text, (size_t)len, MSG_NOSIGNAL);
}

static void *
issuer_main(void *arg)
{
	struct fixture *f = arg;
	int fd;

	while ((fd = accept(f->listen_fd, NULL, NULL)) >= 0) {
		(void)atomic_fetch_add(&f->asked, 1);
		answer(f, fd);
		(void)close(fd);
	}
	return NULL;
}

static int
start_issuer(struct fixture *f)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	f->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->listen_fd >= 0);
	assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(f->listen_fd, 16), 0);
	assert_int_equal(
	    getsockname(f->listen_fd, (struct sockaddr *)&sin, &len), 0);
	atomic_store(&f->headers, "");
	atomic_store(&f->body, GOOD);
	assert_int_equal(pthread_create(&f->thread, NULL, issuer_main, f), 0);
	return ntohs(sin.sin_port);
}

/* ---- the fixture ---- */

static const char *
name(int i)
{
	static const char *const names[ISSUERS] = { "https://one.example",
		"https://two.example", "https://three.example" };

	return names[i];
}

static void
set_up(struct fixture *f)
{
	int port;

	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	assert_int_equal(store_open_memory(f->m, &f->store), ERR_OK);
	assert_int_equal(http_libcurl_new(&f->http_client), ERR_OK);
	port = start_issuer(f);
	f->issuers.count = 1;
	for (int i = 0; i < ISSUERS; i++) {
		struct issuer *issuer = &f->issuers.list[i];

		issuer->algorithms = JWK_ALGS_ALL;
		strcpy(issuer->name, name(i)); /* NOLINT: it fits */
		snprintf(issuer->jwks_uri, sizeof(issuer->jwks_uri),
		    "http://127.0.0.1:%d/%d", port, i);
	}
	f->jwks_refresh = (struct jwks_refresh){ .store = f->store,
		.shm = f->m,
		.issuers = &f->issuers,
		.http_client = f->http_client,
		.stop = &f->stop,
		.interval = 2 * HOUR };
}

static void
tear_down(struct fixture *f)
{
	(void)shutdown(f->listen_fd, SHUT_RDWR);
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	(void)close(f->listen_fd);
	http_libcurl_free(f->http_client);
	store_close(f->store);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static void
step(struct fixture *f, int64_t now)
{
	assert_int_equal(
	    jwks_refresh_step(&f->jwks_refresh, now, &f->next), ERR_OK);
}

/* Find the row of issuer ${i}; the caller clears it. False if none. */
static bool
find(struct fixture *f, const char *issuer, struct issuer_keys *row)
{
	struct issuer_keys rows[ISSUERS_MAX];
	bool found = false;
	size_t n;

	memset(row, 0, sizeof(*row));
	assert_int_equal(store_issuers(f->store, rows, &n), ERR_OK);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].issuer, issuer) == 0) {
			*row = rows[i];
			found = true;
		} else {
			issuer_keys_clear(&rows[i]);
		}
	}
	return found;
}

static void
expect_tried(struct fixture *f, int i, int64_t tried_at, int64_t failures)
{
	struct issuer_keys row;

	assert_true(find(f, name(i), &row));
	assert_int_equal(row.tried_at, tried_at);
	assert_int_equal(row.failures, failures);
	issuer_keys_clear(&row);
}

/* Store a set fetched at ${fetched} that is fresh for ${span} seconds. */
static void
put(struct fixture *f, const char *issuer, int64_t fetched, int64_t span)
{
	struct store_actor actor = { .address = "", .now = NOW };
	char jwks[] = GOOD;
	struct issuer_keys row = { .jwks = jwks,
		.fetched_at = fetched,
		.fresh_until = fetched + span,
		.tried_at = fetched };

	assert_true(strlen(issuer) < sizeof(row.issuer));
	strcpy(row.issuer, issuer); /* NOLINT: it fits */
	assert_int_equal(store_issuer_put(f->store, &actor, &row), ERR_OK);
}

/* ---- results ---- */

TEST(a_set_is_stored, struct fixture *f)
{
	struct issuer_keys row;
	struct counters counters;

	step(f, NOW);
	assert_int_equal(atomic_load(&f->asked), 1);
	assert_true(find(f, name(0), &row));
	assert_string_equal(row.jwks, GOOD);
	assert_string_equal(row.error, "");
	assert_int_equal(row.fetched_at, NOW);
	assert_int_equal(row.tried_at, NOW);
	assert_int_equal(row.fresh_until, NOW + 2 * HOUR);
	assert_int_equal(row.failures, 0);
	issuer_keys_clear(&row);
	assert_in_range(
	    f->next, NOW + 2 * HOUR * 9 / 10, NOW + 2 * HOUR * 19 / 20);
	counters_read(f->m, &counters);
	assert_int_equal(counters.counter[COUNTERS_JWKS_FETCHED], 1);
	assert_int_equal(counters.counter[COUNTERS_JWKS_FAILED], 0);
}

TEST(freshness_follows_the_issuer_within_bounds, struct fixture *f)
{
	static const struct {
		const char *headers;
		int64_t interval, fresh;
	} cases[] = {
		{ "", 7200, 7200 },
		{ "", 300, 300 },
		{ "", 86400, 86400 },
		{ "Cache-Control: max-age=600\r\n", 7200, 600 },
		{ "Cache-Control: max-age=7201\r\n", 7200, 7200 },
		{ "Cache-Control: max-age=0\r\n", 7200, 300 },
		{ "Cache-Control: max-age=299\r\n", 7200, 300 },
		{ "Cache-Control: no-store\r\n", 7200, 300 },
		{ "Cache-Control: max-age=9999999\r\n", 86400, 86400 },
		{ "Cache-Control: max-age=600\r\nAge: 200\r\n", 7200, 400 },
	};
	struct issuer_keys row;
	int64_t now = NOW;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		atomic_store(&f->headers, cases[i].headers);
		f->jwks_refresh.interval = cases[i].interval;
		now += 2 * JWKS_REFRESH_FRESH_MAX;
		step(f, now);
		assert_true(find(f, name(0), &row));
		assert_int_equal(row.fresh_until - now, cases[i].fresh);
		assert_in_range(f->next - now,
		    cases[i].fresh - cases[i].fresh / 10,
		    cases[i].fresh - cases[i].fresh / 20);
		issuer_keys_clear(&row);
	}
}

TEST(an_answer_without_keys_changes_nothing, struct fixture *f)
{
	static const char *const bodies[] = { "", "x", "[]", "{}",
		"{\"keys\":[]}",
		"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}" };
	struct issuer_keys row;
	struct counters counters;
	int64_t now = NOW + 4 * HOUR;

	put(f, name(0), NOW, 2 * HOUR);
	for (size_t i = 0; i < NELEMS(bodies); i++, now += HOUR) {
		atomic_store(&f->body, bodies[i]);
		step(f, now);
		assert_int_equal(atomic_load(&f->asked), i + 1);
		assert_true(find(f, name(0), &row));
		assert_string_equal(row.jwks, GOOD);
		assert_string_equal(row.error, "no_keys");
		assert_int_equal(row.fetched_at, NOW);
		assert_int_equal(row.fresh_until, NOW + 2 * HOUR);
		assert_int_equal(row.tried_at, now);
		assert_int_equal(row.failures, i + 1);
		issuer_keys_clear(&row);
	}
	counters_read(f->m, &counters);
	assert_int_equal(
	    counters.counter[COUNTERS_JWKS_FAILED], NELEMS(bodies));
	atomic_store(&f->body, GOOD);
	step(f, now);
	expect_tried(f, 0, now, 0);
}

/* ---- scheduling ---- */

TEST(failures_delay_the_next_attempt, struct fixture *f)
{
	static const int waits[] = { 30, 60, 120, 240, 300, 300, 300 };
	int64_t now = NOW;

	atomic_store(&f->body, "");
	for (size_t i = 0; i < NELEMS(waits); i++) {
		step(f, now);
		assert_int_equal(atomic_load(&f->asked), i + 1);
		assert_int_equal(f->next, now + waits[i]);
		step(f, f->next - 1);
		assert_int_equal(atomic_load(&f->asked), i + 1);
		now = f->next;
	}
}

/* A request leads to another attempt even after a failure. */
TEST(a_request_is_served_but_not_at_once, struct fixture *f)
{
	int64_t now = NOW;

	step(f, now);
	for (int i = 1; i < 5; i++) {
		if (i == 2)
			atomic_store(&f->body, "");
		/* A request from the second of the attempt counts as served. */
		jwks_refresh_request_issuer(f->m, name(0), now);
		step(f, now + FLOOR);
		assert_int_equal(atomic_load(&f->asked), i);
		for (int64_t at = now + 1; at < now + FLOOR; at++) {
			jwks_refresh_request_issuer(f->m, name(0), at);
			step(f, at);
			assert_int_equal(f->next, now + FLOOR);
		}
		assert_int_equal(atomic_load(&f->asked), i);
		now += FLOOR;
		step(f, now);
		assert_int_equal(atomic_load(&f->asked), i + 1);
	}
}

/* The time is the same for a set, and differs between sets and hosts. */
TEST(refresh_times_are_spread, struct fixture *f)
{
	int64_t first, later = 0, elsewhere = 0;

	put(f, name(0), NOW, 2 * HOUR);
	step(f, NOW + 1);
	first = f->next;
	for (int i = 0; i < 20; i++) {
		step(f, NOW + 1 + i);
		assert_int_equal(f->next, first);
	}
	for (int i = 1; i <= 20; i++) {
		put(f, name(0), NOW + i, 2 * HOUR);
		step(f, NOW + i);
		assert_in_range(
		    f->next - NOW - i, 2 * HOUR * 9 / 10, 2 * HOUR * 19 / 20);
		later += f->next - i != first;
		f->jwks_refresh.seed[0]++;
		put(f, name(0), NOW, 2 * HOUR);
		step(f, NOW + 1);
		elsewhere += f->next != first;
	}
	assert_true(later > 10);
	assert_true(elsewhere > 10);
	assert_int_equal(atomic_load(&f->asked), 0);
	step(f, f->next - 1);
	assert_int_equal(atomic_load(&f->asked), 0);
	step(f, f->next);
	assert_int_equal(atomic_load(&f->asked), 1);
}

/* A shorter interval also applies to sets fetched before. */
TEST(a_shorter_interval_applies_to_stored_sets, struct fixture *f)
{
	put(f, name(0), NOW, 24 * HOUR);
	f->jwks_refresh.interval = HOUR;
	step(f, NOW + 1);
	assert_in_range(f->next, NOW + HOUR * 9 / 10, NOW + HOUR * 19 / 20);
}

/* ---- several issuers ---- */

TEST(each_step_fetches_one_set, struct fixture *f)
{
	f->issuers.count = ISSUERS;
	put(f, name(1), NOW - 3 * HOUR, 2 * HOUR);
	put(f, name(2), NOW - 4 * HOUR, 2 * HOUR);
	step(f, NOW); /* never fetched */
	expect_tried(f, 0, NOW, 0);
	assert_true(f->next <= NOW);
	step(f, NOW + 1); /* the oldest */
	expect_tried(f, 1, NOW - 3 * HOUR, 0);
	expect_tried(f, 2, NOW + 1, 0);
	assert_true(f->next <= NOW);
	step(f, NOW + 2);
	expect_tried(f, 1, NOW + 2, 0);
	assert_true(f->next > NOW + HOUR);
	assert_int_equal(atomic_load(&f->asked), 3);
	step(f, NOW + 3);
	assert_int_equal(atomic_load(&f->asked), 3);
}

/* Rows of former issuers leave room for all that are configured. */
TEST(rows_of_unconfigured_issuers_are_removed, struct fixture *f)
{
	struct issuer_keys row;
	char other[64];

	for (int i = 0; i < ISSUERS_MAX; i++) {
		snprintf(other, sizeof(other), "https://other%d.example", i);
		put(f, i == 7 ? name(1) : other, NOW, 2 * HOUR);
	}
	f->issuers.count = 2;
	step(f, NOW + 1);
	assert_int_equal(atomic_load(&f->asked), 1);
	assert_false(find(f, "https://other0.example", &row));
	assert_false(find(f, "https://other15.example", &row));
	expect_tried(f, 0, NOW + 1, 0);
	expect_tried(f, 1, NOW, 0);
	f->issuers.count = 0;
	step(f, NOW + 2);
	assert_false(find(f, name(0), &row));
	assert_false(find(f, name(1), &row));
	assert_int_equal(f->next, NOW + 2 + FLOOR);
}

/* ---- failures ---- */

/* Without a recorded attempt no request is sent. */
TEST(without_the_store_nothing_is_fetched, struct fixture *f)
{
	store_memory_fail_next(f->store, ERR_UNAVAILABLE);
	assert_int_equal(jwks_refresh_step(&f->jwks_refresh, NOW, &f->next),
	    ERR_UNAVAILABLE);
	store_memory_fail_commit(f->store, ERR_UNAVAILABLE);
	assert_int_equal(jwks_refresh_step(&f->jwks_refresh, NOW, &f->next),
	    ERR_UNAVAILABLE);
	assert_int_equal(f->next, NOW + JWKS_REFRESH_RETRY_SECONDS);
	assert_int_equal(atomic_load(&f->asked), 0);
	step(f, NOW);
	assert_int_equal(atomic_load(&f->asked), 1);
}

/* Not a failure of the issuer, but an attempt is recorded. */
TEST(a_stopped_fetch_is_not_a_failure, struct fixture *f)
{
	atomic_store(&f->stop, true);
	step(f, NOW);
	expect_tried(f, 0, NOW, 0);
	atomic_store(&f->stop, false);
	step(f, NOW + FLOOR - 1);
	expect_tried(f, 0, NOW, 0);
	step(f, NOW + FLOOR);
	expect_tried(f, 0, NOW + FLOOR, 0);
}
