/* SPDX-License-Identifier: ISC */
#include "support/operation.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/kdf.h"
#include "base/str.h"
#include "support/database.h"
#include "support/files.h"
#include "support/site.h"

#define API "/api/v1"
#define HANDLE "0123456789abcdef0123456789abcdef"

#define OPEN                                                                   \
	(OP_BODY | OP_TYPE | OP_NEEDS | OP_SITE | OP_SLOW | OP_STORE |         \
	    OP_GUESSED)
#define OWN (OP_SIGNED | OP_BODY | OP_TYPE | OP_NEEDS | OP_SITE | OP_STORE)

const struct operation operations[] = {
	{ "POST", "/auth/register", "{\"email\":1}", OPEN },
	{ "POST", "/auth/signup", "{\"email\":1}", OPEN },
	{ "POST", "/auth/login", "{\"email\":1}", OPEN },
	{ "POST", "/auth/change-password", "{\"current_password\":1}",
	    OWN | OP_SLOW | OP_GUESSED },
	{ "POST", "/auth/deactivate", "{\"password\":1}",
	    OWN | OP_SLOW | OP_GUESSED },
	{ "DELETE", "/auth/account", "{\"password\":1}",
	    OWN | OP_SLOW | OP_GUESSED },
	{ "PUT", "/auth/update-profile", "{\"name\":1}",
	    OWN | OP_SLOW | OP_GUESSED },
	{ "PATCH", "/auth/update-profile", "{\"name\":1}",
	    OWN | OP_SLOW | OP_GUESSED },
	{ "POST", "/auth/update-profile", "{\"name\":1}",
	    OWN | OP_SLOW | OP_GUESSED },
	{ "POST", "/auth/validate-session", "{\"session_id\":1}",
	    OP_SIGNED | OP_BODY | OP_TYPE | OP_SITE | OP_STORE },
	{ "POST", "/auth/logout", "{\"session_id\":1}",
	    OP_BODY | OP_TYPE | OP_SITE | OP_STORE },
	{ "POST", "/auth/logout-all-devices", "{\"session_id\":1}",
	    OP_SIGNED | OP_BODY | OP_TYPE | OP_SITE | OP_STORE },
	{ "GET", "/auth/me", NULL, OP_SIGNED | OP_STORE },
	{ "GET", "/auth/sessions", NULL, OP_SIGNED | OP_STORE },
	{ "DELETE", "/auth/sessions/" HANDLE, NULL,
	    OP_SIGNED | OP_SITE | OP_STORE },
	{ "GET", "/auth/check", NULL, OP_SIGNED | OP_STORE },
	{ "GET", "/users?ids=1", NULL, OP_SIGNED | OP_STORE },
	{ "GET", "/users/1", NULL, OP_SIGNED | OP_STORE },
	{ "POST", "/forms/login", NULL, OP_SITE | OP_SLOW | OP_FORMS },
	{ "POST", "/forms/register", NULL, OP_SITE | OP_SLOW | OP_FORMS },
	{ "POST", "/forms/logout", NULL, OP_SITE | OP_FORMS },
	{ "GET", "/admin/users", NULL,
	    OP_SIGNED | OP_ADMIN | OP_SLOW | OP_STORE },
	{ "PUT", "/admin/users/" OPERATION_NO_USER, "{\"role\":1}",
	    OWN | OP_ADMIN },
	{ "PATCH", "/admin/users/" OPERATION_NO_USER, "{\"role\":1}",
	    OWN | OP_ADMIN },
	{ "POST", "/admin/users/" OPERATION_NO_USER, "{\"role\":1}",
	    OWN | OP_ADMIN },
	{ "DELETE", "/admin/user-sessions/" OPERATION_NO_USER, NULL,
	    OP_SIGNED | OP_ADMIN | OP_SITE | OP_STORE },
	{ "GET", "/cache/stats", NULL,
	    OP_SIGNED | OP_ADMIN | OP_SLOW | OP_STORE },
	{ "GET", "/cache/health", NULL, OP_SIGNED | OP_ADMIN | OP_STORE },
	{ "POST", "/cache/cleanup", NULL,
	    OP_SIGNED | OP_ADMIN | OP_SITE | OP_TYPE | OP_SLOW | OP_STORE },
	{ "POST", "/cache/jwks/refresh", NULL,
	    OP_SIGNED | OP_ADMIN | OP_SITE | OP_TYPE | OP_STORE },
	{ "GET", "/metrics", NULL, OP_SIGNED | OP_ADMIN | OP_STORE },
	{ "GET", "/health", NULL, OP_STORE },
	{ "GET", "/readyz", NULL, OP_STORE },
};
const size_t operations_count = NELEMS(operations);

void
operation_ask(struct site *s, const struct operation *op,
    const struct operation_manner *m)
{
	char path[128], cookie[128];
	const char *headers[] = { m->cross_site ? "Sec-Fetch-Site: cross-site"
						: "Sec-Fetch-Site: same-origin",
		/* /metrics answers a user who is on this machine. */
		"X-Forwarded-For: 192.0.2.1",
		m->session != NULL ? cookie : NULL, NULL };
	struct web_call call = {
		.method = op->method,
		.path = path,
		.body = m->body,
		.type = m->type,
		.bearer = m->bearer,
		.headers = headers,
		.no_cookies = true,
		.no_site = true,
	};

	if (strcmp(op->method, "GET") == 0)
		call.body = NULL;
	else if (call.body == NULL)
		call.body = "{}";
	if ((op->flags & OP_FORMS) != 0) {
		call.type = OPERATION_FORM;
		call.body = "email=a%40example.org&password=x&name=A";
	}
	snprintf(path, sizeof(path), API "%s", op->path);
	snprintf(cookie, sizeof(cookie), "Cookie: latchkey=%s",
	    m->session != NULL ? m->session : "");
	web_call(s->web, &call, &s->reply);
}

/* For each operation with all of ${flags}: asked so, it answers this. */
void
operation_each(struct site *s, unsigned flags, const struct operation_manner *m,
    long status, const char *code)
{
	int asked = 0;

	for (size_t i = 0; i < operations_count; i++) {
		if ((operations[i].flags & flags) != flags)
			continue;
		operation_ask(s, &operations[i], m);
		if (s->reply.status != status)
			print_error("%s %s\n", operations[i].method,
			    operations[i].path);
		web_expect(&s->reply, status, code);
		asked++;
	}
	assert_true(asked > 0);
}

void
operation_expect(struct site *s, const char *method, const char *path,
    const struct operation_manner *m, long status)
{
	const struct operation op = { method, path, NULL, 0 };

	operation_ask(s, &op, m);
	if (s->reply.status != status)
		fail_msg("%s %s %s: %ld", method, path,
		    m->body != NULL ? m->body : "", s->reply.status);
}

void
operation_admin(struct site *s)
{
	char path[256], sql[128];

	site_account(s);
	snprintf(path, sizeof(path), "%s/latchkey.db", stack_dir(s->stack));
	snprintf(sql, sizeof(sql),
	    "UPDATE users SET role = 'admin' WHERE id = %s", s->user_id);
	database_run(path, sql);
}

/* The one client; what is said of it is what b2sum -l 256 prints. */
void
operation_clients(char path_out[OPERATION_CLIENTS_SIZE])
{
	unsigned char hash[32];
	char hex[65], line[128];

	kdf_hash(hash, sizeof(hash), "s3cret-of-a-machine", 19);
	str_hex(hex, hash, sizeof(hash));
	snprintf(line, sizeof(line), "shop %s\n", hex);
	snprintf(
	    path_out, OPERATION_CLIENTS_SIZE, "/tmp/latchkey-clients-XXXXXX");
	close(mkstemp(path_out));
	files_write(path_out, line, strlen(line));
}
