/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_MEMBER_H
#define SUPPORT_MEMBER_H

#include <stddef.h>

#include "support/web.h"

/* Somebody signed in on one device, with all that proves it. */
struct member {
	char email[64];
	char user_id[32];
	char session[64];
	char handle[40];
	char token[1100];
	char second[1100]; /* another token of the same session */
};

/* The ways of asking whether somebody is still signed in. */
enum member_way {
	MEMBER_COOKIE,  /* GET me with the cookie */
	MEMBER_TOKEN,   /* GET me with the access token */
	MEMBER_SESSION, /* validate-session with the id in the body */
	MEMBER_SECOND,  /* GET me with the second token */
	MEMBER_GUARDED, /* GET a guarded file with the cookie */
	MEMBER_WAYS
};

/* Room for what a call points to. */
struct member_call {
	struct web_call call;
	const char *cookie;
	char path[128];
	char body[256];
};

/* Register ${email}, or sign in to it: another device of the same account. */
void member_register(struct web *web, const char *email, struct member *m);
void member_login(struct web *web, const char *email, struct member *m);

/* The request that asks in the way ${way}; and the same carried out. */
void member_question(
    const struct member *m, enum member_way way, struct member_call *call);
long member_ask(struct web *web, const struct member *m, enum member_way way);

/* What ends a session, of oneself or of another device of the account. */
enum member_who {
	MEMBER_SELF, /* asked with the very session that ends */
	MEMBER_OTHER /* with another device's */
};

struct member_ending {
	const char *name;
	const char *method;
	const char *path;
	const char *body; /* %s: the session id */
	long status;
	enum member_who who;
	enum member_way by;
	unsigned flags;
};
#define MEMBER_USER_KEY 1u /* it is the user's row that changes */
#define MEMBER_SLOW 2u     /* it passes the slow lane */
#define MEMBER_ACCOUNT 4u  /* nobody can sign in afterwards */

extern const struct member_ending member_endings[];
extern const size_t member_endings_count;
/* The one called ${name}; an unknown one fails the test. */
const struct member_ending *member_ending(const char *name);

/* The request of ${ending} for ${m}; ${other} is another device. */
void member_end(const struct member_ending *ending, const struct member *m,
    const struct member *other, struct member_call *call);

#define MEMBER_NEW_PASSWORD "purple monkey dishwasher 7"

#endif
