/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>

#include "servers/ground.h"
#include "servers/server.h"

/*
 * Print docs/SERVERS.md: what each web server was seen to do.
 */

#define SERVERS_MAX 8
#define LARGE ((size_t)2 * 1024 * 1024)

struct cell {
	char text[160];
};

static const char start[] =
    "# What web servers do\n"
    "\n"
    "Observed by `tests/servers/observe`, which prints this page; `tests/run "
    "servers`\n"
    "fails if it says anything else.  Each is the server of Debian 12 with its "
    "recipe\n"
    "of `deploy/`.\n";

static const char answers_text[] =
    "\n"
    "## What becomes of the guard's answer\n"
    "\n"
    "Here a probe stands in Latchkey's place, and the cell is what the browser "
    "gets\n"
    "that asked for a guarded page: the page, or the status and what else "
    "arrives of\n"
    "the answer (its own headers, its body).  \"Others\" are headers of a "
    "grant that are\n"
    "no `Variable-*`; Latchkey sends none.\n"
    "\n";

static const char requests_text[] =
    "\n"
    "## What becomes of a request\n"
    "\n"
    "With Latchkey.  `/guarded/` wants somebody who is signed in, `/admin/` "
    "the role\n"
    "`admin`.\n"
    "\n";

/* ---- the probe's answers ---- */

static const int answers[] = { 200, 204, 302, 400, 401, 403, 429, 500, 503 };

static bool
has(struct ground *g, const char *header, const char *value)
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
describe_answer(struct ground *g, struct cell *cell)
{
	const char *body = g->reply.body.data;
	bool said = body != NULL && strstr(body, "said by the probe") != NULL;
	bool html = has(g, "Content-Type", "html");

	if (ground_shown(g)) {
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
	struct ground *g = ground_probe(server);

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
	ground_free(g);
}

/* ---- requests ---- */

static char large[LARGE];

static const char *const navigation[] = { "Sec-Fetch-Mode: navigate",
	"Accept: text/html", NULL };
static const char *const chunked[] = { "Transfer-Encoding: chunked", NULL };

static const struct request_row {
	const char *name;
	struct web_call call;
	bool member; /* somebody is signed in */
	bool dead;   /* all of Latchkey's processes are; these come last */
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
	{ "guarded, Latchkey dead", { .path = "/guarded/page.txt" }, true,
	    true },
	{ "API, Latchkey dead", { .path = "/api/v1/auth/me" }, true, true },
};

static void
describe_request(struct ground *g, struct cell *cell)
{
	const char *body = g->reply.body.data;

	if (ground_shown(g))
		snprintf(cell->text, sizeof(cell->text), "the page");
	else if (g->reply.status >= 500 && g->server->starts_latchkey)
		/* One or the other, as its attempts to start one fail. */
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
	struct ground *g = ground_new(server, NULL);
	bool killed = false;

	memset(large, ' ', sizeof(large));
	ground_account(g);
	for (size_t i = 0; i < NELEMS(rows); i++) {
		struct web_call call = rows[i].call;

		if (rows[i].dead && !killed)
			ground_kill_latchkey(g);
		killed = rows[i].dead;
		call.no_cookies = !rows[i].member;
		call.wait_ms = 120000;
		web_call(g->web, &call, &g->reply);
		describe_request(g, &cells[i][column]);
	}
	ground_free(g);
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
	ground_drop_root(argv);
	assert_true(servers_count <= SERVERS_MAX);
	for (size_t i = 0; i < servers_count; i++) {
		observe_answers(servers[i], i, of_answers);
		observe_requests(servers[i], i, of_requests);
	}
	fputs(start, stdout);
	fputs(answers_text, stdout);
	print_head("the guard says");
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
