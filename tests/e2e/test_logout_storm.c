/* SPDX-License-Identifier: ISC */
/*
 * Final logout at full speed: eight workers, two processes that check a
 * hundred sessions without pause, and one that ends these sessions one by one
 * and marks the moment of each acknowledged answer; then the same while
 * workers are killed and Redis is restarted.  The long form, after
 * tests/run e2e:
 *   LATCHKEY_STORM=100000 LATCHKEY_PROGRAM=build/gcc/latchkey \
 *       build/gcc/tests/e2e/test_logout_storm
 */
#include "support/stack.h"

#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/json_value.h"
#include "base/random.h"
#include "base/secret.h"
#include "cache/memory_cache.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/child.h"
#include "support/fcgi_client.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/revocation_stress.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

#define API "/api/v1"
#define WORKERS 8
#define SIEGES 2
#define ENDS 10000
#define ROUGH_SHARE 10 /* a tenth of them while workers are killed */
#define WAIT_MS 60000
#define LIFETIME (7 * 24 * 3600)
#define HASH "$argon2id$no password has this"

/* How a session is ended; in turns. */
enum ending { LOGOUT_BY_ID, LOGOUT_BY_TOKEN, LOGOUT_ALL, END_DEVICE, ENDINGS };

struct storm {
	struct stack *stack;
	char dir[64];
	char socket[128];
	struct shm *m; /* to sign people in without a password */
	struct store *st;
	struct user users[REVOCATION_STRESS_PLACES];
	struct session sessions[REVOCATION_STRESS_PLACES];
	struct revocation_stress *stress;
	unsigned long ends; /* that there shall be */
	int fd;             /* kept, to the site; -1: none */
};

static struct storm storm = { .ends = ENDS, .fd = -1 };

/* ---- asking ---- */

/* Until there is an answer other than 503: what was not, is asked again. */
static int
ask(const struct fcgi_ask *ask, struct fcgi_reply *reply)
{
	const struct timespec tick = { .tv_nsec = 1000000 };

	for (int ms = 0; ms < WAIT_MS; ms++) {
		if (storm.fd < 0)
			storm.fd = fcgi_connect_unix(storm.socket);
		*reply = (struct fcgi_reply){ 0 };
		if (storm.fd >= 0 &&
		    fcgi_ask_on(storm.fd, ask, WAIT_MS, reply) &&
		    reply->http_status != 503)
			return reply->http_status;
		if (!storm.stress->rough)
			fail_msg("%s: status %d", ask->uri, reply->http_status);
		if (!reply->ended && storm.fd >= 0) {
			close(storm.fd);
			storm.fd = -1;
		}
		fcgi_reply_free(reply);
		nanosleep(&tick, NULL);
	}
	fail_msg("%s: no answer", ask->uri);
	return 0;
}

static void
fetch_token(const char *session, char token[TOKEN_TEXT_SIZE])
{
	char body[128];
	const struct fcgi_ask question = { .keep = true,
		.method = "POST",
		.uri = API "/auth/validate-session",
		.content_type = "application/json",
		.body = body };
	struct json_value *json = NULL;
	struct fcgi_reply reply;
	const char *text;

	snprintf(body, sizeof(body), "{\"session_id\":\"%s\"}", session);
	assert_int_equal(ask(&question, &reply), 200);
	assert_int_equal(
	    json_value_parse(reply.body, strlen(reply.body), &json), ERR_OK);
	text = json_value_string(json_value_member(json, "access_token"));
	assert_non_null(text);
	snprintf(token, TOKEN_TEXT_SIZE, "%s", text);
	json_value_free(json);
	fcgi_reply_free(&reply);
}

static int
end_session(unsigned i, enum ending how)
{
	const struct revocation_stress_place *p = &storm.stress->places[i];
	char credential[TOKEN_TEXT_SIZE + 64], path[128], body[128];
	const char *params[] = { credential, "HTTPS=on",
		"HTTP_SEC_FETCH_SITE=same-origin", NULL };
	struct fcgi_ask question = { .keep = true,
		.method = "POST",
		.uri = API "/auth/logout",
		.params = params };
	struct fcgi_reply reply;
	int status;

	snprintf(credential, sizeof(credential), "HTTP_AUTHORIZATION=Bearer %s",
	    p->token);
	if (how == LOGOUT_BY_ID) {
		snprintf(
		    body, sizeof(body), "{\"session_id\":\"%s\"}", p->session);
		question.content_type = "application/json";
		question.body = body;
		params[0] = "HTTP_ACCEPT=*/*";
	} else if (how == LOGOUT_ALL) {
		question.uri = API "/auth/logout-all-devices";
	} else if (how == END_DEVICE) {
		snprintf(path, sizeof(path), API "/auth/sessions/%s",
		    storm.sessions[i].handle);
		question.method = "DELETE";
		question.uri = path;
		snprintf(credential, sizeof(credential),
		    "HTTP_COOKIE=__Host-latchkey=%s", p->session);
	}
	status = ask(&question, &reply);
	fcgi_reply_free(&reply);
	return status;
}

/* ---- people ---- */

static struct store_actor
actor(void)
{
	return (struct store_actor){ .address = "192.0.2.1",
		.now = (int64_t)time(NULL) };
}

static void
make_session(unsigned i, char id[SESSION_ID_SIZE])
{
	struct session *s = &storm.sessions[i];
	int64_t now = (int64_t)time(NULL);

	memset(s, 0, sizeof(*s));
	random_uuid(id);
	assert_int_equal(session_handle(s->handle, id), ERR_OK);
	s->created_at = s->last_seen_at = now;
	s->expires_at = now + LIFETIME;
}

/* Of the same user, who may have another epoch by now. */
static void
sign_in(unsigned i)
{
	const struct store_actor a = actor();
	struct user *u = &storm.users[i];
	char id[SESSION_ID_SIZE], token[TOKEN_TEXT_SIZE];

	make_session(i, id);
	assert_int_equal(store_user_by_id(storm.st, u->id, u), ERR_OK);
	assert_int_equal(store_session_open(storm.st, &a, TEST_USERS_PROOF(u),
			     &storm.sessions[i]),
	    ERR_OK);
	fetch_token(id, token);
	revocation_stress_renew(storm.stress, i, id, token);
}

static void
register_all_users(void)
{
	for (unsigned i = 0; i < REVOCATION_STRESS_PLACES; i++) {
		const struct store_actor a = actor();
		struct user *u = &storm.users[i];

		if (u->id == 0) {
			snprintf(u->email, sizeof(u->email),
			    "user%u@example.org", i);
			snprintf(u->name, sizeof(u->name), "User %u", i);
			assert_int_equal(store_register(storm.st, &a, u,
					     u->email, HASH, NULL),
			    ERR_OK);
		}
		sign_in(i);
	}
}

/* ---- the storm ---- */

static void
forget(unsigned i)
{
	char session[SESSION_KEY_SIZE], user[USER_KEY_SIZE];
	const char *const keys[] = { session, user };
	struct memory_cache t;

	session_key(session, storm.sessions[i].handle);
	user_key(user, storm.users[i].id);
	memory_cache_init(&t, storm.m);
	for (size_t k = 0; k < NELEMS(keys); k++) {
		struct memory_cache_name name =
		    memory_cache_name(&t, keys[k], strlen(keys[k]));

		memory_cache_drop(&t, &name, (int64_t)time(NULL));
	}
}

/*
 * Every other place is ended once its session was checked for half a round,
 * and renewed once that was refused for the other half.  Those between are
 * ended as soon as they are renewed, and forgotten, so that checks find them
 * in no table and fill that while it happens.
 */
static void
end_one(unsigned long n)
{
	unsigned i = (unsigned)(n % REVOCATION_STRESS_PLACES);
	unsigned other =
	    (i + REVOCATION_STRESS_PLACES / 2) % REVOCATION_STRESS_PLACES;
	struct revocation_stress_place *p = &storm.stress->places[i];
	uint64_t turn;
	enum ending how = (enum ending)(n / REVOCATION_STRESS_PLACES % ENDINGS);
	int status;

	atomic_store(&storm.stress->focus, i);
	if (n % 2 == 1) {
		sign_in(i);
		forget(i);
	}
	turn = atomic_load(&p->turn);
	atomic_store(&p->ending, turn);
	status = end_session(i, how);
	/*
	 * A lost answer may have acknowledged the end; the second request then
	 * has no session any more, which is equally right.
	 */
	if (status != 401 || !storm.stress->rough)
		assert_int_equal(status, how == END_DEVICE ? 204 : 200);
	atomic_store(&p->ended, turn);
	if (n % 2 == 0 && n >= REVOCATION_STRESS_PLACES / 2)
		sign_in(other);
}

static bool
more_checks(void *ctx)
{
	return atomic_load(&storm.stress->checks) >= *(uint64_t *)ctx;
}

static void
wait_for_checks(uint64_t n)
{
	uint64_t until = atomic_load(&storm.stress->checks) + n;

	assert_true(process_until(more_checks, &until, WAIT_MS));
}

static void
disturb(unsigned long n)
{
	struct redis_server *redis = stack_redis(storm.stack);
	pid_t pids[WORKERS];
	size_t count = stack_workers(storm.stack, pids, WORKERS);

	if (count > 0)
		(void)kill(pids[n / 20 % count], SIGKILL);
	if (n % 100 == 40)
		redis_server_kill(redis);
	if (n % 100 == 60)
		redis_server_start(redis);
	if (n % 100 == 80)
		redis_server_ask(redis, "FLUSHALL");
}

static void
let_loose(unsigned long ends, bool rough)
{
	struct revocation_stress *h = storm.stress;
	pid_t pids[SIEGES];

	memset(h, 0, sizeof(*h));
	h->socket = storm.socket;
	h->rough = rough;
	register_all_users();
	for (unsigned i = 0; i < SIEGES; i++)
		pids[i] = revocation_stress_start(h, i + 1);
	wait_for_checks(10 * REVOCATION_STRESS_PLACES);
	for (unsigned long n = 0; n < ends; n++) {
		if (rough && n % 20 == 0)
			disturb(n);
		end_one(n);
		if (n % REVOCATION_STRESS_PLACES == 0)
			revocation_stress_quiet(h);
	}
	wait_for_checks(10 * REVOCATION_STRESS_PLACES);
	atomic_store(&h->stop, 1);
	for (unsigned i = 0; i < SIEGES; i++)
		child_passed(pids[i]);
	revocation_stress_quiet(h);
	/* They did look, before and after. */
	assert_true(atomic_load(&h->late) > ends);
	assert_true(atomic_load(&h->accepted) > ends);
	print_message("%lu ended, %llu checks, %llu of them afterwards\n", ends,
	    (unsigned long long)atomic_load(&h->checks),
	    (unsigned long long)atomic_load(&h->late));
}

TEST(no_session_is_accepted_after_an_acknowledged_end)
{
	let_loose(storm.ends, false);
}

TEST(nor_while_workers_are_killed_and_redis_restarts)
{
	let_loose(storm.ends / ROUGH_SHARE, true);
}

/* ---- the site ---- */

/*
 * In memory, where there is such a place: it is the order of things that is
 * looked at here, not the disk.
 */
static int
set_up(void **state)
{
	static const struct store_options options = { .write_wait_ms =
							  WAIT_MS };
	/* A line for each request would be more than all the rest. */
	static const char *const env[] = { "LATCHKEY_LOG_LEVEL=warn", NULL };
	struct stack_options o = { .workers = WORKERS,
		.no_lighttpd = true,
		.product = true,
		.env = env };
	char database[128];

	(void)state;
	snprintf(storm.dir, sizeof(storm.dir), "%s/latchkey-storm.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(storm.dir));
	o.dir = storm.dir;
	storm.stack = stack_new(&o);
	snprintf(storm.socket, sizeof(storm.socket), "%s",
	    stack_socket(storm.stack));
	snprintf(database, sizeof(database), "%s/latchkey.db", storm.dir);
	storm.m = shm_fixture_of(database);
	assert_int_equal(
	    store_open(database, storm.m, &options, &storm.st), ERR_OK);
	storm.stress = child_shared(sizeof(*storm.stress));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (storm.fd >= 0)
		close(storm.fd);
	child_unshare(storm.stress, sizeof(*storm.stress));
	store_close(storm.st);
	shm_detach(storm.m);
	stack_free(storm.stack);
	process_remove_tree(storm.dir);
	return 0;
}

TEST_RUN()
{
	const char *ends = getenv("LATCHKEY_STORM");

	if (ends != NULL)
		storm.ends = strtoul(ends, NULL, 10);
	if (storm.ends < 1000) {
		fprintf(stderr, "LATCHKEY_STORM: at least 1000\n");
		return 2;
	}
	(void)unsetenv("LATCHKEY_STORM"); /* it is no option of the site's */
	return test_run("tests", TEST_ALL, set_up, tear_down);
}
