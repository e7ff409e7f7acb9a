/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/secret.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/database.h"
#include "support/fcgi_site.h"
#include "support/files.h"
#include "support/process.h"
#include "support/shm_fixture.h"
#include "token/master_secret.h"
#include "token/signing_keys.h"

/*
 * Signing keys change, by configuration and by another process, while several
 * workers check tokens at full speed: no good token is refused, no bad one
 * accepted. Then the master secret is removed, changed or invalid.
 */
#define WAIT_MS 60000
#define WORKERS 4
#define CLIENTS 4
#define KEPT 8 /* tokens that a client was given */
#define TOKEN_MAX 1536
#define CONF "LATCHKEY_KEY_PUBLISH_SECONDS = 1\nJWT_ALGORITHM = "

struct fixture {
	char dir[32];
	char conf[64];
	char secret[64];
	char database[64];
	const char *args[4];
	struct fcgi_site site;
};

static void
configure(const struct fixture *f, const char *algorithm)
{
	char text[128];
	int n = snprintf(text, sizeof(text), CONF "%s\n", algorithm);

	files_write(f->conf, text, (size_t)n);
}

static void
set_up(struct fixture *f)
{
	struct stack_options o = {
		.kind = STACK_POOL, .workers = WORKERS, .no_redis = true
	};

	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->conf, sizeof(f->conf), "%s/latchkey.conf", f->dir);
	snprintf(f->secret, sizeof(f->secret), "%s/master.key", f->dir);
	snprintf(f->database, sizeof(f->database), "%s/latchkey.db", f->dir);
	configure(f, "HS256");
	f->args[0] = "--config";
	f->args[1] = f->conf;
	o.args = f->args;
	o.dir = f->dir;
	fcgi_site_open(&f->site, &o);
}

static void
tear_down(struct fixture *f)
{
	fcgi_site_close(&f->site);
	process_remove_tree(f->dir);
}

/* ---- fetching ---- */

/* The status of one request with ${token} as its access token. */
static int
me(const struct fixture *f, const char *token)
{
	char bearer[TOKEN_MAX + 64];
	const char *const params[] = { bearer, NULL };
	const struct fcgi_ask ask = { .uri = "/auth/me", .params = params };
	struct fcgi_reply reply = { 0 };
	int fd = stack_connect(f->site.stack);
	int status = 0;

	snprintf(bearer, sizeof(bearer), "HTTP_AUTHORIZATION=Bearer %s", token);
	if (fd >= 0 && fcgi_ask_on(fd, &ask, WAIT_MS, &reply))
		status = reply.http_status;
	fcgi_reply_free(&reply);
	if (fd >= 0)
		close(fd);
	return status;
}

/* Return the member ${name} of an answer. */
static bool
member(const char *body, const char *name, char *dst, size_t size)
{
	char start[64];
	const char *at;
	size_t len;

	snprintf(start, sizeof(start), "\"%s\":\"", name);
	if (body == NULL || (at = strstr(body, start)) == NULL)
		return false;
	at += strlen(start);
	len = strcspn(at, "\"");
	if (len >= size)
		return false;
	memcpy(dst, at, len);
	dst[len] = '\0';
	return true;
}

/* Get a token of the session. */
static bool
token_of(const struct fixture *f, const char *session, char token[TOKEN_MAX])
{
	struct fcgi_reply reply;
	char json[128];
	bool got;

	snprintf(json, sizeof(json), "{\"session_id\":\"%s\"}", session);
	got = fcgi_site_post(
		  &f->site, "/auth/validate-session", json, WAIT_MS, &reply) &&
	    reply.http_status == 200 &&
	    member(reply.body, "access_token", token, TOKEN_MAX);
	fcgi_reply_free(&reply);
	return got;
}

/* Number of published keys. */
static int
published(const struct fixture *f)
{
	const struct fcgi_ask ask = { .uri = "/.well-known/jwks.json" };
	struct fcgi_reply reply = { 0 };
	int fd = stack_connect(f->site.stack);
	int n = -1;

	if (fd >= 0 && fcgi_ask_on(fd, &ask, WAIT_MS, &reply) &&
	    reply.http_status == 200) {
		n = 0;
		for (const char *p = reply.body;
		     (p = strstr(p, "\"kid\"")) != NULL; p++)
			n++;
		assert_null(strstr(reply.body, "\"d\""));
	}
	fcgi_reply_free(&reply);
	if (fd >= 0)
		close(fd);
	return n;
}

/* ---- checks without pause ---- */

struct client {
	struct load *load;
	pthread_t thread;
	char session[64];
	char tokens[KEPT][TOKEN_MAX];
	size_t count;
	unsigned seed;
};

struct load {
	const struct fixture *f;
	struct client clients[CLIENTS];
	atomic_bool over;
	atomic_int good;                 /* checks of good tokens */
	atomic_int bad;                  /* and of bad ones */
	atomic_int refused, taken, lost; /* must stay 0 */
	atomic_int newest;               /* tokens given to every client */
};

/* Change the payload or the signature, or remove it, under the same kid. */
static void
corrupt_token(char *dst, const char *token, unsigned *seed)
{
	size_t from, to;

	snprintf(dst, TOKEN_MAX, "%s", token);
	to = strlen(dst);
	from = (size_t)(strchr(dst, '.') - dst) + 1;
	/* Not the last character, which may have unused bits. */
	from += (size_t)rand_r(seed) % (to - from - 1);
	if (dst[from] == '.')
		from++;
	dst[from] = dst[from] == 'A' ? 'B' : 'A';
	if (rand_r(seed) % 8 == 0)
		strrchr(dst, '.')[1] = '\0';
}

static void
note(struct load *l, int status, bool good)
{
	atomic_fetch_add(good ? &l->good : &l->bad, 1);
	if (status == 200 && !good)
		atomic_fetch_add(&l->taken, 1);
	else if (status == 401 && good)
		atomic_fetch_add(&l->refused, 1);
	else if (status != 200 && status != 401)
		atomic_fetch_add(&l->lost, 1);
}

/* Do both headers name the same key? */
static bool
same_key(const char *a, const char *b)
{
	size_t len = strcspn(a, ".");

	return strncmp(a, b, len + 1) == 0;
}

static void *
client_main(void *arg)
{
	struct client *c = arg;
	struct load *l = c->load;
	char token[TOKEN_MAX], bad[TOKEN_MAX];

	while (!atomic_load(&l->over)) {
		if (!token_of(l->f, c->session, token)) {
			atomic_fetch_add(&l->lost, 1);
			continue;
		}
		if (c->count == 0 ||
		    !same_key(token, c->tokens[(c->count - 1) % KEPT]))
			memcpy(
			    c->tokens[c->count++ % KEPT], token, sizeof(token));
		for (size_t i = 0; i < c->count && i < KEPT; i++) {
			note(l, me(l->f, c->tokens[i]), true);
			corrupt_token(bad, c->tokens[i], &c->seed);
			note(l, me(l->f, bad), false);
		}
	}
	return NULL;
}

static void
load_start(struct load *l, const struct fixture *f)
{
	struct fcgi_reply reply;

	l->f = f;
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &l->clients[i];

		c->load = l;
		c->seed = (unsigned)i;
		assert_true(fcgi_site_login(&f->site, WAIT_MS, &reply));
		assert_true(member(
		    reply.body, "session_id", c->session, sizeof(c->session)));
		fcgi_reply_free(&reply);
	}
	for (size_t i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&l->clients[i].thread, NULL,
				     client_main, &l->clients[i]),
		    0);
}

struct wanted {
	const struct fixture *f;
	const char *start; /* of the header's text: {"alg":"..." */
	char last[TOKEN_MAX];
};

/* Has a client been given a token of a new key of that algorithm? */
static bool
is_signed_anew(void *ctx)
{
	struct wanted *w = ctx;
	char token[TOKEN_MAX];

	if (!token_of(w->f, w->f->site.session, token) ||
	    same_key(token, w->last))
		return false;
	assert_int_equal(strncmp(token, w->start, strlen(w->start)), 0);
	memcpy(w->last, token, sizeof(token));
	return true;
}

static bool
is_checked(void *ctx)
{
	struct load *l = ctx;

	return atomic_load(&l->good) > atomic_load(&l->newest) + 200;
}

/* Wait until clients have been given and have checked new tokens. */
static void
load_continues(struct load *l)
{
	atomic_store(&l->newest, atomic_load(&l->good));
	assert_true(process_until(is_checked, l, WAIT_MS));
}

/* ---- another process that changes the keys ---- */

static void
rotate(const struct fixture *f, enum signing_keys_alg alg, bool replace)
{
	static const struct store_options options = { .write_wait_ms = 5000 };
	struct signing_keys_options o = {
		.alg = alg, .lifetime = 900, .publish = 1
	};
	char kid[SIGNING_KEY_KID_SIZE];
	struct master_secret master;
	struct store *store;
	struct shm *m;
	struct signing_keys keys;

	m = shm_fixture_of(f->database);
	assert_int_equal(store_open(f->database, m, &options, &store), ERR_OK);
	assert_int_equal(master_secret_load("", f->secret, &master), ERR_OK);
	o.store = store;
	o.master = &master;
	if (replace) {
		assert_int_equal(
		    signing_keys_replace(&o, time(NULL), kid), ERR_OK);
	} else {
		assert_int_equal(
		    signing_keys_open(&o, time(NULL), &keys), ERR_OK);
		assert_int_equal(
		    signing_keys_rotate(&keys, time(NULL), kid), ERR_OK);
		signing_keys_close(&keys);
	}
	master_secret_clear(&master);
	store_close(store);
	shm_detach(m);
}

#define HEADER_HS256 "eyJhbGciOiJIUzI1NiIs"
#define HEADER_RS256 "eyJhbGciOiJSUzI1NiIs"
#define HEADER_ES256 "eyJhbGciOiJFUzI1NiIs"

static void
reload(const struct fixture *f)
{
	assert_int_equal(kill(stack_supervisor(f->site.stack), SIGHUP), 0);
}

TEST(no_good_token_is_refused_while_keys_change, struct fixture *f)
{
	static const struct {
		const char *algorithm, *start;
	} turns[] = { { "RS256", HEADER_RS256 }, { "ES256", HEADER_ES256 } };
	struct load *l = calloc(1, sizeof(*l));
	struct wanted w = { .f = f, .start = HEADER_HS256 };

	assert_non_null(l);
	load_start(l, f);
	assert_true(process_until(is_signed_anew, &w, WAIT_MS));
	load_continues(l);
	for (size_t i = 0; i < NELEMS(turns); i++) {
		configure(f, turns[i].algorithm);
		reload(f);
		w.start = "";
		assert_true(process_until(is_signed_anew, &w, WAIT_MS));
		assert_int_equal(
		    strncmp(w.last, turns[i].start, strlen(turns[i].start)), 0);
		load_continues(l);
	}
	/* the same algorithm, and no reload */
	rotate(f, SIGNING_KEYS_ES256, false);
	w.start = HEADER_ES256;
	assert_true(process_until(is_signed_anew, &w, WAIT_MS));
	load_continues(l);
	atomic_store(&l->over, true);
	for (size_t i = 0; i < CLIENTS; i++) {
		assert_int_equal(pthread_join(l->clients[i].thread, NULL), 0);
		assert_int_equal(l->clients[i].count, 4);
	}
	if (l->refused + l->taken + l->lost != 0)
		fail_msg("%d refused, %d taken, %d lost of %d and %d",
		    l->refused, l->taken, l->lost, l->good, l->bad);
	print_message("%d good, %d bad\n", l->good, l->bad);
	assert_int_equal(published(f), 3);
	free(l);
	fcgi_site_note_workers(&f->site);
}

static bool
is_one_published(void *ctx)
{
	return published(ctx) == 1;
}

/* Move the times in the rows by a day. */
TEST(an_old_key_is_deleted_when_retired, struct fixture *f)
{
	char before[TOKEN_MAX], now[TOKEN_MAX];

	assert_true(token_of(f, f->site.session, before));
	rotate(f, SIGNING_KEYS_ES256, false);
	assert_int_equal(me(f, before), 200);
	stack_stop_pool(f->site.stack, SIGTERM);
	database_run(f->database,
	    "UPDATE signing_keys SET created_at = created_at - 86400,"
	    " signs_at = signs_at - 86400");
	stack_start_pool(f->site.stack);
	assert_true(process_until(is_one_published, f, WAIT_MS));
	assert_int_equal(
	    database_int(f->database, "SELECT count(*) FROM signing_keys"), 1);
	assert_int_equal(me(f, before), 401);
	assert_true(token_of(f, f->site.session, now));
	assert_int_equal(me(f, now), 200);
	fcgi_site_note_workers(&f->site);
}

/* Every worker refuses its tokens from the answer on, cached or not. */
TEST(a_replaced_key_ends_its_tokens_at_once, struct fixture *f)
{
	char before[TOKEN_MAX], now[TOKEN_MAX];

	assert_true(token_of(f, f->site.session, before));
	for (int i = 0; i < 8 * WORKERS; i++)
		assert_int_equal(me(f, before), 200);
	rotate(f, SIGNING_KEYS_ES256, true);
	for (int i = 0; i < 8 * WORKERS; i++)
		assert_int_equal(me(f, before), 401);
	assert_true(token_of(f, f->site.session, now));
	assert_string_not_equal(now, before);
	assert_int_equal(me(f, now), 200);
	fcgi_site_account(&f->site);
}

/* ---- the secret ---- */

static int
lines_in_log(const struct fixture *f, const char *text)
{
	struct buf all = { 0 };
	int n = 0;

	files_read(stack_log(f->site.stack), &all);
	for (const char *p = all.data;
	     p != NULL && (p = strstr(p, text)) != NULL; p++)
		n++;
	buf_clear(&all);
	return n;
}

struct line {
	const struct fixture *f;
	const char *text;
	int count;
};

static bool
is_logged(void *ctx)
{
	const struct line *line = ctx;

	return lines_in_log(line->f, line->text) >= line->count;
}

/* The old keys stay, and one line gives the reason. */
TEST(a_reload_without_its_secret_changes_nothing, struct fixture *f)
{
	static const struct {
		const char *text; /* NULL: no file */
		mode_t mode;
		const char *line;
	} cases[] = {
		{ "", 0600, "event=secret_refused" },
		{ "0123456789abcdef\n", 0600, "event=secret_refused" },
		{ NULL, 0, "the master secret is missing" },
		{ "00112233445566778899aabbccddeeff"
		  "00112233445566778899aabbccddeeff\n",
		    0600, "the master secret has changed" },
		{ "SAME", 0644, "event=secret_refused" },
	};
	struct buf good = { 0 };
	char token[TOKEN_MAX];

	files_read(f->secret, &good);
	fcgi_site_note_workers(&f->site);
	assert_true(token_of(f, f->site.session, token));
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct line line = { .f = f, .text = cases[i].line };
		const char *text = cases[i].text;
		int errors = lines_in_log(f, "level=error");

		line.count = lines_in_log(f, line.text) + 1;
		if (text == NULL)
			assert_int_equal(unlink(f->secret), 0);
		else if (strcmp(text, "SAME") == 0)
			files_write(f->secret, good.data, good.len);
		else
			files_write(f->secret, text, strlen(text));
		if (text != NULL)
			assert_int_equal(chmod(f->secret, cases[i].mode), 0);
		reload(f);
		assert_true(process_until(is_logged, &line, WAIT_MS));
		assert_int_equal(me(f, token), 200);
		assert_int_equal(lines_in_log(f, "level=error"), errors + 1);
	}
	fcgi_site_serves(&f->site);
	assert_int_equal(chmod(f->secret, 0600), 0);
	files_write(f->secret, good.data, good.len);
	buf_clear(&good);
}

/* Run serve on ${f}'s folder until it exits; return its log. */
static int
serve(const struct fixture *f, const char *secret, struct buf *log)
{
	char path[96], listen[96], database[96], jwt[600];
	const char *const argv[] = { getenv("LATCHKEY_PROGRAM"), "serve",
		"--listen", listen, NULL };
	const char *env[] = { database, "REDIS_ENABLED=false", jwt, NULL };
	const struct process_options o = {
		.argv = argv, .env = env, .log = path, .stdin_fd = -1
	};

	snprintf(path, sizeof(path), "%s/other.log", f->dir);
	(void)unlink(path);
	snprintf(listen, sizeof(listen), "unix:%s/other.sock", f->dir);
	snprintf(
	    database, sizeof(database), "DATABASE_URL=sqlite:%s", f->database);
	if (secret == NULL)
		env[2] = NULL;
	else
		snprintf(jwt, sizeof(jwt), "JWT_SECRET=%s", secret);
	if (process_stop(process_start(&o), 0, WAIT_MS) >> 8 == 0)
		fail_msg("it started");
	files_read(path, log);
	return 0;
}

static void
assert_one_line(const struct buf *log, const char *text)
{
	assert_non_null(log->data);
	if (strstr(log->data, text) == NULL ||
	    strchr(log->data, '\n') != log->data + log->len - 1)
		fail_msg("%s", log->data);
}

/* One line, and nothing was changed. */
TEST(a_weak_secret_starts_nothing, struct fixture *f)
{
	static const char *const weak[] = { "short",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"changemechangemechangemechangeme",
		"a-string-secret-at-least-256-bits-long" };
	struct buf good = { 0 };

	stack_stop_pool(f->site.stack, SIGTERM);
	files_read(f->secret, &good);
	for (size_t i = 0; i < NELEMS(weak); i++) {
		struct buf log = { 0 };

		serve(f, weak[i], &log);
		assert_one_line(&log, "JWT_SECRET: must ");
		buf_clear(&log);
	}
	for (int i = 0; i < 3; i++) {
		struct buf log = { 0 };

		if (i == 0)
			assert_int_equal(chmod(f->secret, 0644), 0);
		else if (i == 1)
			files_write(f->secret, good.data, 20);
		else
			files_write(f->secret,
			    "00000000000000000000000000000000"
			    "00000000000000000000000000000000\n",
			    65);
		serve(f, NULL, &log);
		assert_one_line(&log, "event=secret_refused");
		buf_clear(&log);
		assert_int_equal(chmod(f->secret, 0600), 0);
	}
	/* not the one the keys are sealed under */
	{
		struct buf log = { 0 };

		serve(f, "one that is long enough, but not theirs", &log);
		assert_non_null(strstr(log.data, "event=keys_refused"));
		buf_clear(&log);
		assert_int_equal(unlink(f->secret), 0);
		serve(f, NULL, &log);
		assert_non_null(strstr(log.data, "event=keys_refused"));
		assert_int_not_equal(access(f->secret, F_OK), 0);
		buf_clear(&log);
	}
	files_write(f->secret, good.data, good.len);
	buf_clear(&good);
	stack_start_pool(f->site.stack);
	fcgi_site_note_workers(&f->site);
	fcgi_site_serves(&f->site);
}

TEST_GROUP_FIXTURE(struct fixture, set_up, tear_down);
