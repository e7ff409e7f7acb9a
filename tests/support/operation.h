/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_OPERATION_H
#define SUPPORT_OPERATION_H

#include <stdbool.h>
#include <stddef.h>

struct site;

/*
 * The operations of docs/openapi.yaml, as far as their refusals are alike, for
 * tests that ask each of them.
 */
struct operation {
	const char *method, *path;
	const char *wrong; /* a body with a member of the wrong type */
	unsigned flags;
};

enum {
	OP_SIGNED = 1 << 0,  /* for signed-in users */
	OP_ADMIN = 1 << 1,   /* and only for admins */
	OP_SITE = 1 << 2,    /* with a cookie, of the same origin only */
	OP_TYPE = 1 << 3,    /* and as JSON only */
	OP_BODY = 1 << 4,    /* reads it */
	OP_NEEDS = 1 << 5,   /* and some member must be there */
	OP_SLOW = 1 << 6,    /* in the background queue */
	OP_STORE = 1 << 7,   /* not without the store */
	OP_GUESSED = 1 << 8, /* limited, and told so */
	OP_FORMS = 1 << 9    /* takes a form */
};

extern const struct operation operations[];
extern const size_t operations_count;

/* An id in their paths that no user has. */
#define OPERATION_NO_USER "999999"
/* What all that take a password can make something of. */
#define OPERATION_GUESS                                                        \
	"{\"email\":\"a@example.org\",\"password\":\"not mine at all\","       \
	"\"name\":\"A\",\"current_password\":\"not mine at all\","             \
	"\"new_password\":\"purple monkey dishwasher 7\"}"

/* How an operation is asked; the rest is as it should be. */
struct operation_manner {
	const char *bearer;
	const char *session; /* in the cookie */
	const char *body;    /* NULL: {}; a GET has none, and forms their own */
	const char *type;
	bool cross_site;
};

/**
 * operation_ask(s, op, m): the answer is ${s}->reply.
 *
 * operation_each(s, flags, m, status, code):
 * Ask each operation that has all of ${flags}; it must answer ${status} with
 * the problem ${code}.
 *
 * operation_expect(s, method, path, m, status): ask another one.
 */
void operation_ask(struct site *s, const struct operation *op,
    const struct operation_manner *m);
void operation_each(struct site *s, unsigned flags,
    const struct operation_manner *m, long status, const char *code);
void operation_expect(struct site *s, const char *method, const char *path,
    const struct operation_manner *m, long status);

/* site_account() of an admin of whom nothing is cached yet. */
void operation_admin(struct site *s);

#define OPERATION_FORM "application/x-www-form-urlencoded"
/* As fields of a form: a client which may ask about tokens, where ... */
#define OPERATION_CLIENT "client_id=shop&client_secret=s3cret-of-a-machine"
/* ... LATCHKEY_CLIENTS_FILE is this one.  The caller removes it. */
#define OPERATION_CLIENTS_SIZE 32
void operation_clients(char path_out[OPERATION_CLIENTS_SIZE]);

#endif
