/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include "support/store_cases.h"

#define NOW TEST_USERS_NOW
#define LEEWAY 5
#define LIFE_MAX (90 * 24 * 3600) /* of a token */

/* A token issued at ${issued_at} with the claims number ${claims}. */
static struct external_profile
token(const char *subject, int64_t issued_at, int claims)
{
	return (struct external_profile){ .issuer = "https://a.example",
		.subject = subject,
		.issued_at = issued_at,
		.leeway = LEEWAY,
		.name = claims == 0 ? "Zoe" : "Zoe B.",
		.avatar_url = claims == 0 ? "" : "https://a.example/zoe.png",
		.digest = { (unsigned char)claims } };
}

static struct external_profile
with_email(struct external_profile p, const char *email, const char *normal)
{
	p.email = email;
	p.normal = normal;
	return p;
}

static int64_t
adopt(struct fixture *f, const struct external_profile *p,
    enum external_done expected)
{
	enum external_done done = EXTERNAL_NONE;
	int64_t id = 0, found = 0;

	gives(
	    ERR_OK, store_external_provision(f->st, &f->actor, p, &id, &done));
	assert_int_equal(done, expected);
	assert_true(id > 0);
	gives(ERR_OK, store_external_user(f->st, p, &found));
	assert_int_equal(found, id);
	return id;
}

static void
not_provisioned(struct fixture *f, const struct external_profile *p)
{
	enum external_done done;
	int64_t id;

	gives(ERR_DENIED,
	    store_external_provision(f->st, &f->actor, p, &id, &done));
}

static void
denied(struct fixture *f, const struct external_profile *p)
{
	enum external_done done = EXTERNAL_FOUND;
	size_t before = f->tidied;
	int64_t id = 77;

	gives(ERR_DENIED, store_external_user(f->st, p, &id));
	assert_int_equal(id, 0);
	id = 77;
	gives(ERR_DENIED,
	    store_external_provision(f->st, &f->actor, p, &id, &done));
	assert_int_equal(id, 0);
	assert_int_equal(done, EXTERNAL_NONE);
	assert_int_equal(f->tidied, before);
}

static struct user
user_of(struct fixture *f, int64_t id)
{
	struct user u;

	gives(ERR_OK, store_user_by_id(f->st, id, &u));
	return u;
}

static enum err
set_status(
    struct fixture *f, int64_t id, enum user_status status, int64_t *ended_out)
{
	const struct user_role_and_status to = { .status = status };

	return store_user_role_and_status(f->st, &f->actor, id, &to, ended_out);
}

static enum err
set_role(struct fixture *f, int64_t id, enum user_role role)
{
	const struct user_role_and_status to = { .role = role };
	int64_t ended = 9;
	enum err err =
	    store_user_role_and_status(f->st, &f->actor, id, &to, &ended);

	assert_int_equal(ended, 0);
	return err;
}

/* ---- a new account ---- */

TEST(a_new_subject_gets_an_account_without_password, struct fixture *f)
{
	struct external_profile p = token("zoe", NOW, 1);
	char hash[USER_HASH_SIZE];
	struct user u;
	int64_t id = 77;

	gives(ERR_NOT_FOUND, store_external_user(f->st, &p, &id));
	assert_int_equal(id, 0);
	id = adopt(f, &p, EXTERNAL_CREATED);
	u = user_of(f, id);
	assert_string_equal(u.email, "");
	assert_string_equal(u.name, "Zoe B.");
	assert_string_equal(u.avatar_url, "https://a.example/zoe.png");
	assert_int_equal(u.role, USER_ROLE_USER);
	assert_int_equal(u.status, USER_STATUS_ACTIVE);
	assert_int_equal(u.epoch, 1);
	assert_int_equal(u.epoch_at, 0);
	assert_int_equal(u.version, 1);
	assert_int_equal(u.created_at, NOW);
	assert_int_equal(u.updated_at, NOW);
	gives(ERR_NOT_FOUND, store_password_hash(f->st, id, hash));
	/* The next token with the same claims finds it. */
	p.issued_at++;
	assert_int_equal(adopt(f, &p, EXTERNAL_FOUND), id);
}

/* The first administrator is a user that registered. */
TEST(a_new_subject_is_never_an_administrator, struct fixture *f)
{
	struct external_profile p = token("zoe", NOW, 0);
	int64_t id;

	store_first_admin(f->st);
	id = adopt(f, &p, EXTERNAL_CREATED);
	assert_int_equal(user_of(f, id).role, USER_ROLE_USER);
}

TEST(subjects_differ_by_issuer_and_name, struct fixture *f)
{
	struct external_profile p[] = { token("zoe", NOW, 0),
		token("zoE", NOW, 0), token("zoe", NOW, 0) };
	int64_t ids[NELEMS(p)];

	p[2].issuer = "https://b.example";
	for (size_t i = 0; i < NELEMS(p); i++)
		ids[i] = adopt(f, &p[i], EXTERNAL_CREATED);
	for (size_t i = 0; i < NELEMS(p); i++) {
		assert_int_equal(adopt(f, &p[i], EXTERNAL_FOUND), ids[i]);
		assert_true(ids[i] != ids[(i + 1) % NELEMS(p)]);
	}
}

/* ---- addresses ---- */

TEST(an_address_is_copied_if_it_is_free, struct fixture *f)
{
	struct external_profile zoe = with_email(
	    token("zoe", NOW, 0), "Zoe@Example.org", "zoe@example.org");
	struct external_profile ann = with_email(
	    token("ann", NOW, 0), "Ann@Example.org", "ann@example.org");
	struct user u;
	int64_t id;

	id = adopt(f, &zoe, EXTERNAL_CREATED);
	gives(ERR_OK, store_user_by_email(f->st, "zoe@example.org", &u));
	assert_int_equal(u.id, id);
	assert_string_equal(u.email, "Zoe@Example.org");
	/* This address is taken. */
	id = adopt(f, &ann, EXTERNAL_CREATED);
	assert_string_equal(user_of(f, id).email, "");
	gives(ERR_OK, store_user_by_email(f->st, "ann@example.org", &u));
	assert_int_equal(u.id, f->ann.user.id);
}

TEST(
    whose_address_is_free_again_gets_it_with_the_next_claims, struct fixture *f)
{
	struct external_profile p = with_email(
	    token("ann", NOW, 0), "Ann@Example.org", "ann@example.org");
	int64_t id = adopt(f, &p, EXTERNAL_CREATED), ended;

	gives(ERR_OK,
	    store_user_remove(f->st, &f->actor, f->ann.user.id, &ended));
	p.digest[0] = 9;
	assert_int_equal(adopt(f, &p, EXTERNAL_UPDATED), id);
	assert_string_equal(user_of(f, id).email, "Ann@Example.org");
	/* Removed when the issuer no longer calls the address verified. */
	p = token("ann", NOW, 0);
	assert_int_equal(adopt(f, &p, EXTERNAL_UPDATED), id);
	assert_string_equal(user_of(f, id).email, "");
}

/* No search finds the placeholder of an account without an address. */
TEST(a_missing_address_is_never_found, struct fixture *f)
{
	static struct user users[STORE_LIST_MAX];
	static const char *const texts[] = { "none", ":", "0" };
	struct external_profile p = token("zoe", NOW, 0);
	struct user u;
	int64_t id = adopt(f, &p, EXTERNAL_CREATED);
	size_t n;

	gives(ERR_NOT_FOUND, store_user_by_email(f->st, "", &u));
	for (size_t i = 0; i < NELEMS(texts); i++) {
		gives(ERR_OK, store_users_list(f->st, texts[i], 0, users, &n));
		assert_int_equal(n, 0);
	}
	gives(ERR_OK, store_users_list(f->st, "zoe", 0, users, &n));
	assert_int_equal(n, 1);
	assert_int_equal(users[0].id, id);
	gives(ERR_OK, store_users_list(f->st, "", 0, users, &n));
	assert_int_equal(n, 2);
}

/* ---- existing accounts ---- */

TEST(an_account_is_linked_only_with_the_option, struct fixture *f)
{
	struct external_profile p = with_email(
	    token("ann", NOW, 1), "ann@example.org", "ann@example.org");
	char hash[USER_HASH_SIZE];
	struct user u, linked;
	int64_t id;

	p.link = true;
	id = adopt(f, &p, EXTERNAL_LINKED);
	assert_int_equal(id, f->ann.user.id);
	/* The access of the earlier registration has ended. */
	gives(ERR_NOT_FOUND, store_password_hash(f->st, id, hash));
	assert_false(live(f, handle_of(1), NOW));
	assert_true(tidied_user(f, id));
	linked = user_of(f, id);
	assert_int_equal(linked.epoch, f->ann.user.epoch + 1);
	assert_int_equal(linked.epoch_at, f->ann.user.epoch_at);
	assert_string_equal(linked.email, f->ann.user.email);
	/* A linked account keeps its own profile. */
	p.digest[0] = 9;
	p.issued_at += 100;
	assert_int_equal(adopt(f, &p, EXTERNAL_FOUND), id);
	u = user_of(f, id);
	assert_true(test_users_same_user(&u, &linked));
}

TEST(links_are_listed_and_removed, struct fixture *f)
{
	struct external_profile ann = with_email(
	    token("ann", NOW, 1), "ann@example.org", "ann@example.org");
	struct external_profile again = with_email(
	    token("ann", NOW, 2), "ann@example.org", "ann@example.org");
	static struct subject links[STORE_LINKS_MAX];
	int64_t id, ended;
	size_t n;

	ann.link = again.link = true;
	again.subject = "ann2";
	id = adopt(f, &again, EXTERNAL_LINKED);
	assert_int_equal(adopt(f, &ann, EXTERNAL_LINKED), id);
	gives(ERR_OK, store_external_links(f->st, id, links, &n));
	assert_int_equal(n, 2);
	assert_string_equal(links[0].subject, "ann");
	assert_string_equal(links[1].subject, "ann2");
	gives(ERR_OK, store_external_unlink(f->st, &f->actor, id, &ended));
	gives(ERR_OK, store_external_links(f->st, id, links, &n));
	assert_int_equal(n, 0);
	denied(f, &ann);
	assert_int_equal(user_of(f, id).epoch_at, NOW);
	/* A new token may be linked again. */
	ann.issued_at = NOW + LEEWAY + 1;
	assert_int_equal(adopt(f, &ann, EXTERNAL_LINKED), id);
	gives(
	    ERR_NOT_FOUND, store_external_unlink(f->st, &f->actor, 99, &ended));
}

TEST(a_disabled_account_is_not_linked, struct fixture *f)
{
	struct external_profile p = with_email(
	    token("ann", NOW, 1), "ann@example.org", "ann@example.org");
	int64_t id, ended;

	gives(ERR_OK,
	    set_status(f, f->ann.user.id, USER_STATUS_INACTIVE, &ended));
	p.link = true;
	p.issued_at = NOW + 100;
	not_provisioned(f, &p);
	gives(ERR_NOT_FOUND, store_external_user(f->st, &p, &id));
}

TEST(an_administrator_is_never_linked, struct fixture *f)
{
	struct external_profile p = with_email(
	    token("ann", NOW, 1), "ann@example.org", "ann@example.org");
	int64_t id;

	gives(ERR_OK, set_role(f, f->ann.user.id, USER_ROLE_ADMIN));
	p.link = true;
	id = adopt(f, &p, EXTERNAL_CREATED);
	assert_true(id != f->ann.user.id);
	assert_string_equal(user_of(f, id).email, "");
}

TEST(no_account_is_linked_without_an_address, struct fixture *f)
{
	struct external_profile p = token("ann", NOW, 1);

	p.link = true;
	assert_true(adopt(f, &p, EXTERNAL_CREATED) != f->ann.user.id);
}

/* ---- claims that change ---- */

TEST(changed_claims_update_the_profile, struct fixture *f)
{
	struct external_profile p = token("zoe", NOW, 0);
	int64_t id = adopt(f, &p, EXTERNAL_CREATED), found = 77;
	struct user u;

	f->actor.now = NOW + 9;
	p = token("zoe", NOW, 1);
	gives(ERR_NOT_FOUND, store_external_user(f->st, &p, &found));
	assert_int_equal(found, 0);
	assert_int_equal(adopt(f, &p, EXTERNAL_UPDATED), id);
	assert_int_equal(f->tidied, 1);
	assert_int_equal(f->key_count, 1);
	assert_true(tidied_user(f, id));
	u = user_of(f, id);
	assert_string_equal(u.name, "Zoe B.");
	assert_string_equal(u.avatar_url, "https://a.example/zoe.png");
	assert_int_equal(u.version, 2);
	assert_int_equal(u.updated_at, NOW + 9);
	assert_int_equal(u.epoch, 1);
}

TEST(older_claims_update_nothing, struct fixture *f)
{
	struct external_profile old = token("zoe", NOW - 1, 0);
	struct external_profile new = token("zoe", NOW, 1);
	int64_t id = adopt(f, &new, EXTERNAL_CREATED);

	assert_int_equal(adopt(f, &old, EXTERNAL_FOUND), id);
	assert_string_equal(user_of(f, id).name, "Zoe B.");
	assert_int_equal(f->tidied, 0);
}

/* New claims leave the role and status that an administrator set. */
TEST(claims_change_neither_role_nor_status, struct fixture *f)
{
	struct external_profile p = token("zoe", NOW, 0);
	int64_t id = adopt(f, &p, EXTERNAL_CREATED), ended;
	struct user u;

	gives(ERR_OK, set_role(f, id, USER_ROLE_ADMIN));
	p = token("zoe", NOW + 1, 1);
	assert_int_equal(adopt(f, &p, EXTERNAL_UPDATED), id);
	u = user_of(f, id);
	assert_int_equal(u.role, USER_ROLE_ADMIN);
	assert_int_equal(u.status, USER_STATUS_ACTIVE);
	assert_int_equal(u.epoch, 1);
	/* A token that is over, or of a disabled account, changes nothing. */
	gives(ERR_OK, set_status(f, id, USER_STATUS_INACTIVE, &ended));
	p = token("zoe", NOW + 100, 0);
	not_provisioned(f, &p);
	gives(ERR_OK, set_status(f, id, USER_STATUS_ACTIVE, &ended));
	p = token("zoe", NOW + LEEWAY, 0);
	not_provisioned(f, &p);
	assert_string_equal(user_of(f, id).name, u.name);
}

/* ---- accounts that were deleted ---- */

TEST(an_old_token_does_not_revive_a_deleted_account, struct fixture *f)
{
	struct external_profile p = token("zoe", NOW, 0);
	int64_t id = adopt(f, &p, EXTERNAL_CREATED), again, ended;

	f->actor.now = NOW + 100;
	gives(ERR_OK, store_user_remove(f->st, &f->actor, id, &ended));
	denied(f, &p);
	/* Nor a token from before, issued by a clock ahead of ours. */
	p.issued_at = NOW + 100 + LEEWAY;
	denied(f, &p);
	p.issued_at++;
	again = adopt(f, &p, EXTERNAL_CREATED);
	assert_true(again > id);
	/* Nor do old tokens pass for the new account. */
	p.issued_at--;
	denied(f, &p);
}

/* U+FF41 looks like an a, but the mailbox may have another owner. */
TEST(an_address_that_only_looks_the_same_is_not_linked, struct fixture *f)
{
	struct external_profile eve = with_email(token("eve", NOW, 1),
				    "\xef\xbd\x81nn@example.org",
				    "ann@example.org"),
				ann = with_email(token("ann", NOW, 1),
				    "Ann@Example.ORG", "ann@example.org");
	struct user u;
	int64_t id;

	eve.link = ann.link = true;
	id = adopt(f, &eve, EXTERNAL_CREATED);
	assert_int_not_equal(id, f->ann.user.id);
	u = user_of(f, id);
	assert_string_equal(u.email, "");
	assert_int_equal(adopt(f, &ann, EXTERNAL_LINKED), f->ann.user.id);
}

TEST(a_linked_account_that_is_deleted_ends_its_tokens_too, struct fixture *f)
{
	struct external_profile p = with_email(
	    token("ann", NOW, 1), "ann@example.org", "ann@example.org");

	struct user linked;

	p.link = true;
	linked = user_of(f, adopt(f, &p, EXTERNAL_LINKED));
	gives(
	    ERR_OK, store_delete(f->st, &f->actor, TEST_USERS_PROOF(&linked)));
	denied(f, &p);
}

TEST(maintenance_removes_subjects_of_deleted_accounts, struct fixture *f)
{
	struct external_profile zoe = token("zoe", NOW, 0),
				bob = token("bob", NOW, 0);
	int64_t id = adopt(f, &zoe, EXTERNAL_CREATED), ended, removed;
	int64_t other = adopt(f, &bob, EXTERNAL_CREATED);

	gives(ERR_OK, store_user_remove(f->st, &f->actor, id, &ended));
	/* Kept as long as the tokens that it ended are valid, plus a leeway. */
	zoe.issued_at = NOW + LEEWAY;
	gives(ERR_OK,
	    store_maintenance(f->st, NOW + LIFE_MAX + 2 * LEEWAY, &removed));
	denied(f, &zoe);
	gives(
	    ERR_OK, store_maintenance(f->st, NOW + LIFE_MAX + 3600, &removed));
	assert_true(adopt(f, &zoe, EXTERNAL_CREATED) > other);
	assert_int_equal(adopt(f, &bob, EXTERNAL_FOUND), other);
}

/* ---- failures ---- */

TEST(a_failure_is_no_account, struct fixture *f)
{
	struct external_profile p = token("zoe", NOW, 0);
	enum external_done done = EXTERNAL_FOUND;
	int64_t id = 77;

	break_store(f);
	gives(ERR_UNAVAILABLE, store_external_user(f->st, &p, &id));
	assert_int_equal(id, 0);
	break_store(f);
	id = 77;
	gives(ERR_UNAVAILABLE,
	    store_external_provision(f->st, &f->actor, &p, &id, &done));
	assert_int_equal(id, 0);
	assert_int_equal(done, EXTERNAL_NONE);
	mend_store(f);
	(void)adopt(f, &p, EXTERNAL_CREATED);
}

TEST(texts_that_are_too_long_change_nothing, struct fixture *f)
{
	struct external_profile p = token("zoe", NOW, 0);
	char text[USER_AVATAR_SIZE + 1];
	enum external_done done;
	int64_t id;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	p.subject = text;
	gives(ERR_INVALID,
	    store_external_provision(f->st, &f->actor, &p, &id, &done));
	p = token("zoe", NOW, 0);
	p.avatar_url = text;
	gives(ERR_INVALID,
	    store_external_provision(f->st, &f->actor, &p, &id, &done));
	gives(ERR_NOT_FOUND, store_external_user(f->st, &p, &id));
}

STORE_FIXTURES;
