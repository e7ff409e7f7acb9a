/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_SIGNED_IN_USER_H
#define TESTS_SUPPORT_SIGNED_IN_USER_H

#include <stddef.h>

#include "support/web.h"

/* A session of a user, with all its credentials. */
struct signed_in_user {
	char email[64];
	char user_id[32];
	char session[64];
	char handle[40];
	char token[1100];
	char second[1100]; /* another token of the same session */
};

/* Requests that check the session. */
enum signed_in_user_way {
	SIGNED_IN_USER_COOKIE,  /* GET me with the cookie */
	SIGNED_IN_USER_TOKEN,   /* GET me with the access token */
	SIGNED_IN_USER_SESSION, /* validate-session with the id in the body */
	SIGNED_IN_USER_SECOND,  /* GET me with the second token */
	SIGNED_IN_USER_GUARDED, /* GET a guarded file with the cookie */
	SIGNED_IN_USER_WAYS
};

/* Room for what a call points to. */
struct signed_in_user_call {
	struct web_call call;
	const char *cookie;
	char path[128];
	char body[256];
};

/* Register ${email}, or sign in to it: another device of the same account. */
void signed_in_user_register(
    struct web *web, const char *email, struct signed_in_user *m);
void signed_in_user_login(
    struct web *web, const char *email, struct signed_in_user *m);

/* The request that asks in the way ${credential_source}; and the same carried
 * out. */
void signed_in_user_question(const struct signed_in_user *m,
    enum signed_in_user_way credential_source,
    struct signed_in_user_call *call);
long signed_in_user_ask(struct web *web, const struct signed_in_user *m,
    enum signed_in_user_way credential_source);

/* What ends a session, of oneself or of another device of the account. */
enum signed_in_user_who {
	SIGNED_IN_USER_SELF, /* asked with the very session that ends */
	SIGNED_IN_USER_OTHER /* with another device's */
};

struct signed_in_user_ending {
	const char *name;
	const char *method;
	const char *path;
	const char *body; /* %s: the session id */
	long status;
	enum signed_in_user_who who;
	enum signed_in_user_way by;
	unsigned flags;
};
#define SIGNED_IN_USER_USER_KEY 1u /* it is the user's row that changes */
#define SIGNED_IN_USER_SLOW 2u     /* runs in the background queue */
#define SIGNED_IN_USER_ACCOUNT 4u  /* the account cannot sign in again */

extern const struct signed_in_user_ending signed_in_user_endings[];
extern const size_t signed_in_user_endings_count;
/* The one called ${name}; an unknown one fails the test. */
const struct signed_in_user_ending *signed_in_user_ending(const char *name);

/* The request of ${ending} for ${m}; ${other} is another device. */
void signed_in_user_end(const struct signed_in_user_ending *ending,
    const struct signed_in_user *m, const struct signed_in_user *other,
    struct signed_in_user_call *call);

#define SIGNED_IN_USER_NEW_PASSWORD "purple monkey dishwasher 7"

#endif
