/* SPDX-License-Identifier: ISC */
#include "support/write_stress.h"

#include "base/err.h"
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "support/async_request.h"
#include "support/process.h"
#include "support/web.h"

#define API "/api/v1/auth"
#define THREADS 4
#define PEOPLE_MAX 400 /* of each thread */
#define WAIT_MS 60000

struct crowd {
	struct write_stress *burst;
	pthread_t thread;
	struct web *web;
	int number;
	int count; /* of people; the last one may be on the way */
	struct write_stress_person people[PEOPLE_MAX];
};

struct write_stress {
	char tag[32];
	atomic_bool stop;
	atomic_uint done, refused;
	pthread_mutex_t mutex; /* over all that follows */
	double slowest;
	char wrong[512]; /* the first answer that cannot be */
	bool running;
	struct crowd crowds[THREADS];
};

/* ---- one request, and what its answer means ---- */

static void
complain(
    struct write_stress *b, const char *what, const struct web_reply *reply)
{
	pthread_mutex_lock(&b->mutex);
	if (b->wrong[0] == '\0')
		snprintf(b->wrong, sizeof(b->wrong), "%s: %ld %.300s", what,
		    reply->status,
		    reply->body.data != NULL ? reply->body.data : "");
	pthread_mutex_unlock(&b->mutex);
}

static bool
has_retry_after(const struct web_reply *reply)
{
	return reply->headers.data != NULL &&
	    strcasestr(reply->headers.data, "\nRetry-After:") != NULL;
}

/* A web server without a worker says 5xx as well, but in other words. */
static bool
is_refusal(const struct web_reply *reply)
{
	return reply->status == 503 && web_text(reply, "code") != NULL;
}

static enum write_stress_word
word_of(struct write_stress *b, const char *what, const struct web_reply *reply)
{
	pthread_mutex_lock(&b->mutex);
	if (reply->seconds > b->slowest)
		b->slowest = reply->seconds;
	pthread_mutex_unlock(&b->mutex);
	if (reply->status >= 200 && reply->status < 300)
		return WRITE_STRESS_DONE;
	if (is_refusal(reply) && has_retry_after(reply)) {
		atomic_fetch_add(&b->refused, 1);
		return WRITE_STRESS_NOT_DONE;
	}
	if (reply->status == 0 || (reply->status >= 500 && !is_refusal(reply)))
		return WRITE_STRESS_UNKNOWN;
	complain(b, what, reply);
	return WRITE_STRESS_UNKNOWN;
}

static long
ask_me(struct web *web, const char *session, struct web_reply *reply)
{
	const struct web_call me = { .path = API "/me" };

	return web_as(web, &me, session, reply);
}

/* ---- the changes ---- */

/* One change: how it is asked for, and how it shows that it was not done. */
struct step {
	const char *what;
	const char *path;
	const char
	    *rest;   /* of the body, after the address if no session asks */
	size_t word; /* offset of what was said */
	size_t as;   /* offset of the session that asks; 0: none */
	size_t gets; /* offset of the session that it gives; 0: none */
	bool (*undone)(struct web_reply *reply); /* of me; NULL: cannot look */
};

static bool
is_still_in(struct web_reply *reply)
{
	return reply->status == 200;
}

static bool
has_old_name(struct web_reply *reply)
{
	const char *name = web_text(reply, "user.name");

	return name != NULL && strcmp(name, "Old") == 0;
}

#define AT(member) offsetof(struct write_stress_person, member)

/* A registration that was done after all makes the next one a 409. */
static const struct step steps[] = {
	{ "register", API "/register",
	    "\"password\":\"" WEB_PASSWORD "\",\"name\":\"Old\"}",
	    AT(registered), 0, AT(first), NULL },
	{ "login", API "/login", "\"password\":\"" WEB_PASSWORD "\"}",
	    AT(signed_in), 0, AT(second), NULL },
	{ "rename", API "/update-profile", "\"name\":\"New\"}", AT(renamed),
	    AT(second), 0, has_old_name },
	{ "logout", API "/logout", "}", AT(signed_out), AT(first), 0,
	    is_still_in },
};

static void
write_body(const struct step *step, const struct write_stress_person *p,
    char body[256])
{
	int n = 0;

	if (step->as == 0)
		n = snprintf(
		    body, 256, "{\"email\":\"%s\",%s", p->email, step->rest);
	else
		n = snprintf(body, 256, "{%s", step->rest);
	assert_in_range(n, 1, 255);
}

static const char *
text_at(const struct write_stress_person *p, size_t offset)
{
	return offset != 0 ? (const char *)p + offset : NULL;
}

static void
note(struct write_stress *b, struct write_stress_person *p,
    const struct step *step, enum write_stress_word word,
    const struct web_reply *reply)
{
	const char *session = web_text(reply, "session_id");

	pthread_mutex_lock(&b->mutex);
	if (word == WRITE_STRESS_DONE && step->gets != 0)
		snprintf((char *)p + step->gets, sizeof(p->first), "%s",
		    session != NULL ? session : "");
	memcpy((char *)p + step->word, &word, sizeof(word));
	pthread_mutex_unlock(&b->mutex);
	if (word == WRITE_STRESS_DONE)
		atomic_fetch_add(&b->done, 1);
}

static void
look_undone(struct crowd *c, const struct write_stress_person *p,
    const struct step *step, struct web_reply *reply)
{
	if (step->undone == NULL)
		return;
	ask_me(c->web, text_at(p, step->as), reply);
	/* A check may be told 503 as well. */
	if (reply->status < 500 && reply->status != 0 && !step->undone(reply))
		complain(c->burst, "done, though it said 503", reply);
}

static bool
take_step(
    struct crowd *c, struct write_stress_person *p, const struct step *step)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct web_reply reply = { 0 };
	struct web_call call = { .path = step->path };
	enum write_stress_word word = WRITE_STRESS_NOT_DONE;
	char body[256];

	write_body(step, p, body);
	call.body = body;
	while (word == WRITE_STRESS_NOT_DONE && !atomic_load(&c->burst->stop)) {
		/* For who looks at it before the answer is here. */
		note(c->burst, p, step, WRITE_STRESS_UNKNOWN, &reply);
		web_as(c->web, &call, text_at(p, step->as), &reply);
		word = word_of(c->burst, step->what, &reply);
		note(c->burst, p, step, word, &reply);
		if (word == WRITE_STRESS_NOT_DONE) {
			look_undone(c, p, step, &reply);
			nanosleep(&pause, NULL);
		}
	}
	web_reply_clear(&reply);
	return word == WRITE_STRESS_DONE;
}

static bool
live(struct crowd *c)
{
	struct write_stress_person *p = &c->people[c->count];

	snprintf(p->email, sizeof(p->email), "%s-%d-%d@example.org",
	    c->burst->tag, c->number, c->count);
	pthread_mutex_lock(&c->burst->mutex);
	c->count++;
	pthread_mutex_unlock(&c->burst->mutex);
	for (size_t i = 0; i < NELEMS(steps); i++) {
		if (!take_step(c, p, &steps[i]))
			return false;
	}
	return true;
}

/* Who got no answer does not ask again: the site is down. */
static void *
run(void *arg)
{
	struct crowd *c = arg;

	while (!atomic_load(&c->burst->stop) && c->count < PEOPLE_MAX)
		if (!live(c))
			break;
	return NULL;
}

/* ---- from outside ---- */

struct write_stress *
write_stress_start(const char *base, const char *tag)
{
	struct write_stress *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	snprintf(b->tag, sizeof(b->tag), "%s", tag);
	assert_int_equal(pthread_mutex_init(&b->mutex, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		struct crowd *c = &b->crowds[i];

		c->burst = b;
		c->number = i;
		c->web = web_new(base);
		assert_int_equal(pthread_create(&c->thread, NULL, run, c), 0);
	}
	b->running = true;
	return b;
}

struct wanted {
	struct write_stress *burst;
	unsigned done;
};

static bool
has_done(void *ctx)
{
	struct wanted *w = ctx;

	return atomic_load(&w->burst->done) >= w->done;
}

void
write_stress_wait(struct write_stress *b, unsigned n)
{
	struct wanted w = { b, atomic_load(&b->done) + n };

	if (!process_until(has_done, &w, WAIT_MS))
		fail_msg("only %u of %u changes were made; %s",
		    atomic_load(&b->done), w.done, b->wrong);
}

unsigned
write_stress_refused(struct write_stress *b)
{
	return atomic_load(&b->refused);
}

double
write_stress_slowest(struct write_stress *b)
{
	return b->slowest;
}

void
write_stress_ask_to_stop(struct write_stress *b)
{
	atomic_store(&b->stop, true);
}

void
write_stress_stop(struct write_stress *b)
{
	write_stress_ask_to_stop(b);
	for (int i = 0; b->running && i < THREADS; i++) {
		assert_int_equal(pthread_join(b->crowds[i].thread, NULL), 0);
		web_free(b->crowds[i].web);
	}
	b->running = false;
	if (b->wrong[0] != '\0')
		fail_msg("%s", b->wrong);
}

void
write_stress_free(struct write_stress *b)
{
	if (b == NULL)
		return;
	write_stress_stop(b);
	pthread_mutex_destroy(&b->mutex);
	free(b);
}

/* Between now and the answer it may have been done. */
static void
allow_for_more(enum write_stress_word *word)
{
	if (*word == WRITE_STRESS_NOT_DONE)
		*word = WRITE_STRESS_UNKNOWN;
}

size_t
write_stress_people(
    struct write_stress *b, struct write_stress_person **people_out)
{
	struct write_stress_person *all =
	    calloc((size_t)THREADS * PEOPLE_MAX, sizeof(*all));
	size_t n = 0;

	assert_non_null(all);
	pthread_mutex_lock(&b->mutex);
	for (int i = 0; i < THREADS; i++) {
		struct crowd *c = &b->crowds[i];

		memcpy(all + n, c->people,
		    (size_t)c->count * sizeof(c->people[0]));
		n += (size_t)c->count;
	}
	pthread_mutex_unlock(&b->mutex);
	for (size_t i = 0; b->running && i < n; i++) {
		allow_for_more(&all[i].registered);
		allow_for_more(&all[i].signed_in);
		allow_for_more(&all[i].renamed);
		allow_for_more(&all[i].signed_out);
	}
	*people_out = all;
	return n;
}

/* ---- was it true? ---- */

/* "Cannot tell" is no untruth: the thread asks again. */
static long
ask(struct web *web, const struct web_call *call, const char *session,
    struct web_reply *reply)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	long status = web_as(web, call, session, reply);

	for (int i = 0; i < 50 && is_refusal(reply); i++) {
		nanosleep(&pause, NULL);
		status = web_as(web, call, session, reply);
	}
	return status;
}

static void
check_session(struct web *web, const struct write_stress_person *p,
    const char *session, enum write_stress_word ended, struct web_reply *reply)
{
	const struct web_call me = { .path = API "/me" };
	long status = ask(web, &me, session, reply);
	bool good = status == 200
	    ? ended != WRITE_STRESS_DONE
	    : status == 401 && ended != WRITE_STRESS_NOT_DONE;

	if (!good)
		fail_msg("%s: a session %s gets %ld", p->email,
		    ended == WRITE_STRESS_DONE ? "that was ended" : "", status);
}

static void
check_name(const struct write_stress_person *p, const struct web_reply *reply)
{
	const char *name = web_text(reply, "user.name");

	assert_non_null(name);
	if (p->renamed == WRITE_STRESS_UNKNOWN)
		return;
	assert_string_equal(
	    name, p->renamed == WRITE_STRESS_DONE ? "New" : "Old");
}

/* There are the sessions that are known of, and no others. */
static void
check_list(struct web *web, const struct write_stress_person *p,
    struct web_reply *reply)
{
	const struct web_call list = { .path = API "/sessions" };
	bool second = p->signed_in == WRITE_STRESS_DONE;
	bool both = second && p->signed_out == WRITE_STRESS_NOT_DONE;

	if (p->signed_in == WRITE_STRESS_UNKNOWN ||
	    p->signed_out == WRITE_STRESS_UNKNOWN)
		return;
	assert_int_equal(
	    ask(web, &list, second ? p->second : p->first, reply), 200);
	assert_non_null(web_text(reply, "sessions.0.handle"));
	if (both)
		assert_non_null(web_text(reply, "sessions.1.handle"));
	assert_null(
	    web_text(reply, both ? "sessions.2.handle" : "sessions.1.handle"));
}

/* Leaves no session behind, so that all can be asked again. */
static void
check_login(struct web *web, const struct write_stress_person *p,
    struct web_reply *reply)
{
	const struct web_call logout = { .path = API "/logout", .body = "{}" };
	char body[256];
	struct web_call login = { .path = API "/login", .body = body };
	char session[64];
	long status;

	write_body(&steps[1], p, body);
	status = ask(web, &login, NULL, reply);
	if (p->registered == WRITE_STRESS_DONE ? status != 200
		: p->registered == WRITE_STRESS_NOT_DONE
		? status != 401
		: status != 200 && status != 401)
		fail_msg("%s: a login gets %ld", p->email, status);
	if (status != 200)
		return;
	snprintf(session, sizeof(session), "%s", web_text(reply, "session_id"));
	assert_int_equal(ask(web, &logout, session, reply), 200);
}

void
write_stress_check(
    const struct write_stress_person *people, size_t n, struct web *web)
{
	struct web_reply reply = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct write_stress_person *p = &people[i];

		if (p->registered == WRITE_STRESS_DONE) {
			check_session(web, p, p->first, p->signed_out, &reply);
			check_list(web, p, &reply);
		}
		if (p->signed_in == WRITE_STRESS_DONE) {
			check_session(
			    web, p, p->second, WRITE_STRESS_NOT_DONE, &reply);
			check_name(p, &reply);
		}
		check_login(web, p, &reply);
	}
	web_reply_clear(&reply);
}
