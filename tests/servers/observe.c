/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>

#include "servers/server.h"
#include "servers/server_site.h"

/*
 * Prints docs/SERVERS.md: the observed behaviour of each web server.
 */

#define SERVERS_MAX 8
#define LARGE ((size_t)2 * 1024 * 1024)

struct cell {
	char text[160];
};

static const char start[] = "# How web servers treat Latchkey's answers\n"
			    "\n"
			    "For operators who choose or configure a web "
			    "server.  It shows how each one\n"
			    "treats the answers of the guard and of the API.\n"
			    "\n"
			    "`tests/servers/observe` prints this page, and "
			    "`tests/run servers` fails if the\n"
			    "two differ.  Each server is the one of Debian 12 "
			    "with its recipe of `deploy/`.\n";

static const char answers_text[] =
    "\n"
    "## Answers of the guard\n"
    "\n"
    "A probe answers in Latchkey's place.  Each cell shows what a browser "
    "receives\n"
    "for a guarded page: the page, or the status and the parts of the answer "
    "that\n"
    "arrive (headers, body).  \"Others\" are headers of a grant other than\n"
    "`Variable-*`; Latchkey sends none.\n"
    "\n";

static const char requests_text[] = "\n"
				    "## Answers to requests\n"
				    "\n"
				    "With Latchkey.  `/guarded/` requires a "
				    "sign-in, `/admin/` the role `admin`.\n"
				    "\n";

/* ---- the probe's answers ---- */

static const int answers[] = { 200, 204, 302, 400, 401, 403, 429, 500, 503 };

static bool
has(struct server_site *g, const char *header, const char *value)
{
	const char *got = web_header(&g->reply, header);

	return got != NULL && strstr(got, value) != NULL;
}

static void
add(struct cell *cell, bool seen, const char *what)
{
	size_t len = strlen(cell->text);

	if (seen)
		snprintf(
		    cell->text + len, sizeof(cell->text) - len, ", %s", what);
}

static void
describe_answer(struct server_site *g, struct cell *cell)
{
	const char *body = g->reply.body.data;
	bool said = body != NULL && strstr(body, "said by the probe") != NULL;
	bool html = has(g, "Content-Type", "html");

	if (server_site_shown(g)) {
		snprintf(cell->text, sizeof(cell->text), "the page");
		add(cell, has(g, "X-Probe", "yes"), "others");
	} else {
		snprintf(
		    cell->text, sizeof(cell->text), "%ld", g->reply.status);
		add(cell, has(g, "X-Probe", "yes"), "headers");
	}
	add(cell, has(g, "Location", "rd="), "`Location`");
	add(cell, has(g, "WWW-Authenticate", "Bearer"), "`WWW-Authenticate`");
	add(cell, has(g, "Retry-After", "7"), "`Retry-After`");
	add(cell, has(g, "Variable-REMOTE_USER", "7"), "`Variable-*`");
	add(cell, said, html ? "body as HTML" : "body");
	add(cell, body != NULL && strstr(body, "id=\"login\"") != NULL,
	    "login page");
}

static void
observe_answers(const struct server_ops *server, size_t column,
    struct cell cells[][SERVERS_MAX])
{
	struct server_site *g = server_site_probe(server);

	for (size_t i = 0; i < NELEMS(answers); i++) {
		char header[32];
		const char *const headers[] = { header,
			"Sec-Fetch-Mode: navigate", "Accept: text/html", NULL };
		const struct web_call call = { .path = "/guarded/page.txt",
			.headers = headers };

		snprintf(header, sizeof(header), "X-Answer: %d", answers[i]);
		web_call(g->web, &call, &g->reply);
		describe_answer(g, &cells[i][column]);
	}
	server_site_free(g);
}

/* ---- requests ---- */

static char large[LARGE];

static const char *const navigation[] = { "Sec-Fetch-Mode: navigate",
	"Accept: text/html", NULL };
static const char *const chunked[] = { "Transfer-Encoding: chunked", NULL };

static const struct request_row {
	const char *name;
	struct web_call call;
	bool signed_in;
	bool dead; /* with Latchkey killed; these come last */
} rows[] = {
	{ "guarded, not signed in", { .path = "/guarded/page.txt" }, false,
	    false },
	{ "the same in a browser",
	    { .path = "/guarded/page.txt", .headers = navigation }, false,
	    false },
	{ "guarded, signed in", { .path = "/guarded/page.txt" }, true, false },
	{ "without the role", { .path = "/admin/page.txt" }, true, false },
	{ "guarded and missing", { .path = "/guarded/missing" }, true, false },
	{ "`HEAD`, not signed in",
	    { .method = "HEAD", .path = "/guarded/page.txt" }, false, false },
	{ "`OPTIONS`, not signed in",
	    { .method = "OPTIONS", .path = "/guarded/page.txt" }, false,
	    false },
	{ "`OPTIONS` of the API",
	    { .method = "OPTIONS", .path = "/api/v1/auth/me" }, false, false },
	{ "`//guarded//page.txt`, not signed in",
	    { .path = "//guarded//page.txt" }, false, false },
	{ "the same, signed in", { .path = "//guarded//page.txt" }, true,
	    false },
	{ "`/x/../guarded/page.txt`, signed in",
	    { .path = "/x/../guarded/page.txt" }, true, false },
	{ "`/guarded%2fpage.txt`, signed in", { .path = "/guarded%2fpage.txt" },
	    true, false },
	{ "`/%67uarded/page.txt`, signed in", { .path = "/%67uarded/page.txt" },
	    true, false },
	{ "`/GUARDED/page.txt`, signed in", { .path = "/GUARDED/page.txt" },
	    true, false },
	{ "body of 70 KB",
	    { .path = "/api/v1/auth/login", .body = large, .body_len = 70000 },
	    false, false },
	{ "body of 2 MiB",
	    { .path = "/api/v1/auth/login", .body = large, .body_len = LARGE },
	    false, false },
	{ "body in chunks",
	    { .path = "/api/v1/auth/logout", .body = "{}", .headers = chunked },
	    false, false },
	{ "guarded, Latchkey down", { .path = "/guarded/page.txt" }, true,
	    true },
	{ "API, Latchkey down", { .path = "/api/v1/auth/me" }, true, true },
};

static void
describe_request(struct server_site *g, struct cell *cell)
{
	const char *body = g->reply.body.data;

	if (server_site_shown(g))
		snprintf(cell->text, sizeof(cell->text), "the page");
	else if (g->reply.status >= 500 && g->server->starts_latchkey)
		/* Either, depending on which attempt to start it fails. */
		snprintf(cell->text, sizeof(cell->text), "500 or 503");
	else
		snprintf(
		    cell->text, sizeof(cell->text), "%ld", g->reply.status);
	add(cell, has(g, "Location", "rd="), "`Location`");
	add(cell,
	    has(g, "Content-Type", "application/problem+json") &&
		body != NULL && *body != '\0',
	    "problem");
	add(cell, body != NULL && strstr(body, "id=\"login\"") != NULL,
	    "login page");
}

static void
observe_requests(const struct server_ops *server, size_t column,
    struct cell cells[][SERVERS_MAX])
{
	struct server_site *g = server_site_new(server, NULL);
	bool killed = false;

	memset(large, ' ', sizeof(large));
	server_site_account(g);
	for (size_t i = 0; i < NELEMS(rows); i++) {
		struct web_call call = rows[i].call;

		if (rows[i].dead && !killed)
			server_site_kill_latchkey(g);
		killed = rows[i].dead;
		call.no_cookies = !rows[i].signed_in;
		call.wait_ms = 120000;
		web_call(g->web, &call, &g->reply);
		describe_request(g, &cells[i][column]);
	}
	server_site_free(g);
}

/* ---- the page ---- */

static void
print_head(const char *what)
{
	printf("| %s |", what);
	for (size_t i = 0; i < servers_count; i++)
		printf(" %s |", servers[i]->name);
	printf("\n|---|");
	for (size_t i = 0; i < servers_count; i++)
		printf("---|");
	printf("\n");
}

static void
print_row(const char *name, const struct cell cells[SERVERS_MAX])
{
	printf("| %s |", name);
	for (size_t i = 0; i < servers_count; i++)
		printf(" %s |", cells[i].text);
	printf("\n");
}

int
main(int argc, char **argv)
{
	static struct cell of_answers[NELEMS(answers)][SERVERS_MAX];
	static struct cell of_requests[NELEMS(rows)][SERVERS_MAX];

	(void)argc;
	server_site_drop_root(argv);
	assert_true(servers_count <= SERVERS_MAX);
	for (size_t i = 0; i < servers_count; i++) {
		observe_answers(servers[i], i, of_answers);
		observe_requests(servers[i], i, of_requests);
	}
	fputs(start, stdout);
	fputs(answers_text, stdout);
	print_head("answer of the guard");
	for (size_t i = 0; i < NELEMS(answers); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", answers[i]);
		print_row(name, of_answers[i]);
	}
	fputs(requests_text, stdout);
	print_head("request");
	for (size_t i = 0; i < NELEMS(rows); i++)
		print_row(rows[i].name, of_requests[i]);
	return 0;
}
