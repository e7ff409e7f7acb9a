/* SPDX-License-Identifier: ISC */
/*
 * Reads and changes held at every step in turn, by test points: what is over
 * stays over, and what was refused once is never accepted again.  All of it
 * with the table in front of Redis, and each verdict asked for twice: with
 * whatever lies in the table, and with that gone, so that Redis is asked.
 */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/secret.h"
#include "cache/cache.h"
#include "shm/generation.h"
#include "shm/shm.h"
#include "support/cache_fixture.h"
#include "support/child.h"
#include "support/redis_server.h"

struct fixture {
	struct caching_site site;
	struct caching c;
	struct user ann, ben;
	struct session ann_s, ben_s;
	char ann_key[64]; /* of the session in Redis */
	char ann_user_key[64];
};

static void
setup(struct fixture *f)
{
	caching_site_make(&f->site, true);
	assert_true(caching_open(&f->site, CACHING_SQLITE, &f->c));
}

static void
teardown(struct fixture *f)
{
	caching_close(&f->c);
	caching_site_remove(&f->site);
}

TEST_FIXTURE(struct fixture, setup, teardown);

static bool
exists(struct fixture *f, const char *key)
{
	return redis_server_int(f->site.server, "EXISTS %s", key) == 1;
}

/* A new user to log out: independent of the one before. */
static void
renew_ann(struct fixture *f)
{
	char name[40];

	snprintf(name, sizeof(name), "ann%lld", (long long)f->ben.id);
	caching_register(&f->c, name, &f->ann, &f->ann_s);
	snprintf(name, sizeof(name), "ben%lld", (long long)f->ann.id);
	caching_register(&f->c, name, &f->ben, &f->ben_s);
	snprintf(
	    f->ann_key, sizeof(f->ann_key), "test:session:%s", f->ann_s.handle);
	snprintf(f->ann_user_key, sizeof(f->ann_user_key), "test:user:%lld",
	    (long long)f->ann.id);
}

/* A token of ann's that is verified already. */
static void
digest_of(const struct fixture *f, unsigned char digest[TOKEN_DIGEST_BYTES])
{
	memset(digest, 0, TOKEN_DIGEST_BYTES);
	memcpy(digest, &f->ann.id, sizeof(f->ann.id));
}

static struct claims
claims_of(const struct fixture *f)
{
	struct claims c = { .origin = TOKEN_OF_THIS_SITE,
		.user_id = f->ann.id,
		.expires_at = CACHING_NOW + 900 };

	snprintf(c.jti, sizeof(c.jti), "11111111-1111-4111-8111-%012lld",
	    (long long)f->ann.id);
	memcpy(c.handle, f->ann_s.handle, sizeof(c.handle));
	return c;
}

/* ---- the actors, each a process of its own ---- */

/*
 * No process can open the store while a writer is held, so an actor opens it
 * and then stops until it is told to act.
 */
typedef void act_fn(struct caching *c, const struct fixture *f);

struct actor {
	const struct fixture *f;
	act_fn *act;
};

static void
play(void *ctx)
{
	const struct actor *actor = ctx;
	struct caching c;

	child_check(caching_open(&actor->f->site, CACHING_SQLITE, &c));
	raise(SIGSTOP);
	actor->act(&c, actor->f);
	caching_close(&c);
}

static pid_t
cast(struct fixture *f, act_fn *act)
{
	struct actor actor = { f, act };
	pid_t pid = child_start(play, &actor);

	child_stopped(pid);
	return pid;
}

static void
go(pid_t pid)
{
	assert_int_equal(kill(pid, SIGCONT), 0);
}

static void
read_session(struct caching *c, const struct fixture *f)
{
	struct session s;

	child_check(cache_session(c->cache, f->ann_s.handle, CACHING_NOW, &s) ==
	    ERR_OK);
}

static void
read_user(struct caching *c, const struct fixture *f)
{
	struct user u;

	child_check(cache_user(c->cache, f->ann.id, CACHING_NOW, &u) == ERR_OK);
}

static void
read_users(struct caching *c, const struct fixture *f)
{
	const int64_t ids[] = { f->ben.id, f->ann.id };
	struct user users[2];

	child_check(
	    cache_users(c->cache, ids, 2, CACHING_NOW, users) == ERR_OK);
}

static void
log_out(struct caching *c, const struct fixture *f)
{
	child_check(store_logout(c->st, &caching_actor, f->ann_s.handle,
			NULL) == ERR_OK);
}

static void
log_out_all(struct caching *c, const struct fixture *f)
{
	int64_t epoch, ended;

	child_check(store_logout_all(c->st, &caching_actor, f->ann.id, NULL,
			&epoch, &ended) == ERR_OK);
}

static void
must_refuse(struct caching *c, const struct fixture *f)
{
	for (int i = 0; i < 2; i++)
		child_check(caching_check(c, f->ann_s.handle, CACHING_NOW) ==
		    CACHING_REFUSED);
}

static void
judge_token(struct caching *c, const struct fixture *f)
{
	const struct claims claims = claims_of(f);
	unsigned char digest[TOKEN_DIGEST_BYTES];
	bool revoked;

	digest_of(f, digest);
	child_check(cache_token_judge(c->cache, digest, &claims, CACHING_NOW,
			&revoked) == ERR_OK);
}

static void
revoke_token(struct caching *c, const struct fixture *f)
{
	const struct claims claims = claims_of(f);

	child_check(
	    store_logout(c->st, &caching_actor, NULL, &claims) == ERR_OK);
}

static bool
token_is_known(struct caching *c, const struct fixture *f)
{
	unsigned char digest[TOKEN_DIGEST_BYTES];
	struct claims claims;

	digest_of(f, digest);
	return cache_token_known(c->cache, digest, CACHING_NOW, &claims);
}

static void
must_not_know_token(struct caching *c, const struct fixture *f)
{
	child_check(!token_is_known(c, f));
}

static void
perform(struct fixture *f, act_fn *act)
{
	pid_t pid = cast(f, act);

	go(pid);
	child_passed(pid);
}

/* The table as it is, and the table without this entry. */
static void
assert_verdict(struct fixture *f, enum caching_verdict expect)
{
	for (int i = 0; i < 4; i++) {
		if (i == 2)
			shm_fixture_forget(f->c.m);
		assert_int_equal(
		    caching_check(&f->c, f->ann_s.handle, CACHING_NOW), expect);
	}
}

/* By one who comes now, and by us, who were there all the time. */
static void
assert_refused(struct fixture *f)
{
	perform(f, must_refuse);
	assert_verdict(f, CACHING_REFUSED);
}

/* Let ${pid} act; as the first to come to ${point} it is held there. */
static void
go_and_hold(pid_t pid, const char *point)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.once-hold", point);
	child_arm(file);
	go(pid);
	child_reached(point);
}

static void
let_go(pid_t pid, const char *point)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.hold.%ld", point, (long)pid);
	child_disarm(file);
	child_passed(pid);
}

static void
go_and_die(pid_t pid, const char *point)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.once-kill", point);
	child_arm(file);
	go(pid);
	child_killed(pid);
}

static const char *const read_points[] = { "read:generation",
	"read:table-missed", "read:cache-missed", "read:store-read",
	"read:filled", "table:claimed", "table:half", "table:written" };

/* ---- a fill that lands late ---- */

/*
 * The mistake "generation read after the database" accepts here: the late
 * fill would carry the generation of after the logout.
 */
TEST(a_session_fill_after_a_logout_revives_no_session, struct fixture *f)
{
	for (size_t i = 0; i < NELEMS(read_points); i++) {
		pid_t filler;

		renew_ann(f);
		filler = cast(f, read_session);
		go_and_hold(filler, read_points[i]);
		perform(f, log_out);
		assert_refused(f);
		let_go(filler, read_points[i]);
		/* read before the logout, written after it: there it lies */
		if (strcmp(read_points[i], "read:store-read") == 0)
			assert_true(exists(f, f->ann_key));
		assert_refused(f);
	}
}

/* The same for the epoch, which comes with the user. */
static void
user_fills_after_a_logout(struct fixture *f, act_fn *reader)
{
	for (size_t i = 0; i < NELEMS(read_points); i++) {
		pid_t filler;

		renew_ann(f);
		filler = cast(f, reader);
		go_and_hold(filler, read_points[i]);
		perform(f, log_out_all);
		let_go(filler, read_points[i]);
		if (strcmp(read_points[i], "read:store-read") == 0)
			assert_true(exists(f, f->ann_user_key));
		assert_refused(f);
	}
}

TEST(a_user_fill_after_a_logout_everywhere_revives_no_session)
{
	user_fills_after_a_logout(*state, read_user);
}

TEST(a_fill_of_many_after_a_logout_everywhere_revives_no_session)
{
	user_fills_after_a_logout(*state, read_users);
}

/* ---- a change that is slow ---- */

/*
 * The mistake "generation bumped only before commit" accepts here: the fill
 * reads the old row, and carries the generation that is to stay.
 */
static void
fill_between_mark_and_commit(struct fixture *f, act_fn *reader, act_fn *change)
{
	pid_t filler, json_writer;

	renew_ann(f);
	filler = cast(f, reader);
	json_writer = cast(f, change);
	go_and_hold(json_writer, "change:marked");
	go_and_hold(filler, "read:store-read");
	let_go(json_writer, "change:marked");
	let_go(filler, "read:store-read");
	assert_refused(f);
}

TEST(a_fill_between_mark_and_commit_revives_no_session)
{
	fill_between_mark_and_commit(*state, read_session, log_out);
	fill_between_mark_and_commit(*state, read_user, log_out_all);
	fill_between_mark_and_commit(*state, read_users, log_out_all);
}

/*
 * The mistake "generation bumped only after the commit" accepts here, after a
 * refusal: the late fill still finds its generation in place.
 */
static void
refused_between_commit_and_settling(
    struct fixture *f, act_fn *reader, act_fn *change)
{
	pid_t filler, json_writer;

	renew_ann(f);
	filler = cast(f, reader);
	json_writer = cast(f, change);
	go_and_hold(filler, "read:store-read");
	go_and_hold(json_writer, "change:committed");
	assert_verdict(f, CACHING_REFUSED);
	let_go(filler, "read:store-read");
	assert_verdict(f, CACHING_REFUSED);
	let_go(json_writer, "change:committed");
	assert_refused(f);
}

TEST(what_a_change_refuses_before_its_end_stays_refused)
{
	refused_between_commit_and_settling(*state, read_session, log_out);
	refused_between_commit_and_settling(*state, read_user, log_out_all);
	refused_between_commit_and_settling(*state, read_users, log_out_all);
}

/*
 * The mistake "an odd generation is as good as any" accepts here, after a
 * refusal: what was read before the commit is filled after it.
 */
static void
filled_in_flight(struct fixture *f, act_fn *reader, act_fn *change)
{
	pid_t filler, json_writer;

	renew_ann(f);
	filler = cast(f, reader);
	json_writer = cast(f, change);
	go_and_hold(json_writer, "change:marked");
	go_and_hold(filler, "read:store-read");
	child_arm("change:committed.once-hold");
	child_release("change:marked", json_writer);
	child_reached("change:committed");
	assert_verdict(f, CACHING_REFUSED);
	let_go(filler, "read:store-read");
	assert_verdict(f, CACHING_REFUSED);
	let_go(json_writer, "change:committed");
	assert_refused(f);
}

TEST(what_is_filled_in_flight_is_not_believed)
{
	filled_in_flight(*state, read_session, log_out);
	filled_in_flight(*state, read_user, log_out_all);
	filled_in_flight(*state, read_users, log_out_all);
}

/* ---- a writer that dies ---- */

/*
 * What holds once the writer is dead holds for good, although the old entry
 * lies in Redis and a fill of the old row is still to come; and the next
 * change of any user closes what it left open.
 */
static void
writer_dies(struct fixture *f, const char *point, enum caching_verdict expect)
{
	char key[SESSION_KEY_SIZE];
	pid_t filler, json_writer;
	struct user u;

	renew_ann(f);
	session_key(key, f->ann_s.handle);
	filler = cast(f, read_session);
	json_writer = cast(f, log_out);
	go_and_hold(filler, "read:store-read");
	assert_verdict(f, CACHING_ACCEPTED);
	go_and_die(json_writer, point);
	assert_verdict(f, expect);
	let_go(filler, "read:store-read");
	assert_verdict(f, expect);
	assert_int_equal(
	    store_profile_update(f->c.st, &caching_actor, f->ben.id,
		&(struct user_patch){ .name = "Ben" }, &u),
	    ERR_OK);
	assert_true(generation_quiet(generation_read(f->c.m, key)));
	assert_verdict(f, expect);
	if (expect == CACHING_REFUSED)
		assert_refused(f);
}

TEST(a_writer_that_dies_before_its_commit_changes_nothing)
{
	writer_dies(*state, "change:begun", CACHING_ACCEPTED);
	writer_dies(*state, "change:marked", CACHING_ACCEPTED);
	writer_dies(*state, "change:written", CACHING_ACCEPTED);
}

TEST(a_writer_that_dies_after_its_commit_has_changed_it)
{
	writer_dies(*state, "change:committed", CACHING_REFUSED);
	writer_dies(*state, "change:settled", CACHING_REFUSED);
	writer_dies(*state, "table:claimed", CACHING_REFUSED);
	writer_dies(*state, "change:tidied", CACHING_REFUSED);
}

/* ---- verified tokens ---- */

static const char *const token_points[] = { "token:store-read", "table:claimed",
	"table:half", "table:written", "token:filled" };

/* The blacklist was read before the token was put on it. */
TEST(a_late_fill_makes_no_revoked_token_known, struct fixture *f)
{
	for (size_t i = 0; i < NELEMS(token_points); i++) {
		pid_t filler;

		renew_ann(f);
		filler = cast(f, judge_token);
		go_and_hold(filler, token_points[i]);
		perform(f, revoke_token);
		assert_false(token_is_known(&f->c, f));
		let_go(filler, token_points[i]);
		assert_false(token_is_known(&f->c, f));
		perform(f, must_not_know_token);
	}
}

/* What is known is looked up while the token is revoked. */
TEST(a_token_revoked_while_it_is_looked_up_is_not_known, struct fixture *f)
{
	pid_t caller;

	renew_ann(f);
	perform(f, judge_token);
	assert_true(token_is_known(&f->c, f));
	caller = cast(f, must_not_know_token);
	go_and_hold(caller, "token:entry");
	perform(f, revoke_token);
	let_go(caller, "token:entry");
}

TEST(a_fill_between_mark_and_commit_makes_no_token_known, struct fixture *f)
{
	pid_t filler, json_writer;

	renew_ann(f);
	filler = cast(f, judge_token);
	json_writer = cast(f, revoke_token);
	go_and_hold(json_writer, "change:marked");
	go_and_hold(filler, "token:store-read");
	assert_false(token_is_known(&f->c, f));
	let_go(json_writer, "change:marked");
	let_go(filler, "token:store-read");
	assert_false(token_is_known(&f->c, f));
}
