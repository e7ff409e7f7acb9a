/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <stdio.h>
#include <string.h>

#include "auth/registration.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "config/config.h"
#include "routes/context.h"

/*
 * Requests a guarded page as a browser would, without a session and with one.
 * The session belongs to a temporary account that is deleted again.
 */
#define ADDRESS_SIZE 1024
#define HOPS_MAX 6
#define HEADERS 12

/* Headers by which applications learn the identity of the user. */
static const char *const identity_headers[] = { "Remote-User", "X-Remote-User",
	"X-Forwarded-User", "X-Auth-User", "X-Auth-Id", "X-Auth-Email",
	"X-Auth-Role", "X-Auth-Session", "Auth-User" };

struct spoof {
	char mark[RANDOM_UUID_SIZE]; /* a random text to search for */
	char text[HEADERS][80];
	const char *headers[HEADERS + 1];
};

static void
make_spoof(struct spoof *s)
{
	size_t n = 0;

	*s = (struct spoof){ 0 };
	random_uuid(s->mark);
	for (; n < NELEMS(identity_headers); n++)
		(void)snprintf(s->text[n], sizeof(s->text[n]), "%s: %s",
		    identity_headers[n], s->mark);
	(void)snprintf(s->text[n++], sizeof(s->text[0]),
	    "Accept: text/html,application/xhtml+xml");
	(void)snprintf(
	    s->text[n++], sizeof(s->text[0]), "Sec-Fetch-Mode: navigate");
	(void)snprintf(
	    s->text[n++], sizeof(s->text[0]), "Sec-Fetch-Dest: document");
	for (size_t i = 0; i < n; i++)
		s->headers[i] = s->text[i];
}

/* ---- without a session ---- */

/* mod_fcgid copies these headers to the browser unless they are unset. */
static void
check_leak(struct doctor *d, const struct doctor_answer *answer)
{
	if (answer->text.data != NULL &&
	    strcasestr(answer->text.data, "\nVariable-") != NULL)
		doctor_report(d, DOCTOR_FAIL, "guard",
		    "unset the Variable-* headers by name, as deploy/ shows",
		    "the browser receives headers for the application");
}

static void
check_signed_out(struct doctor *d, const char *address)
{
	struct doctor_answer answer;
	struct spoof spoof;

	make_spoof(&spoof);
	doctor_http(&(struct doctor_request){ .url = address,
			.headers = spoof.headers },
	    &answer);
	if (answer.status >= 200 && answer.status < 300)
		doctor_report(d, DOCTOR_FAIL, "guard",
		    "put the guard in front of it, as deploy/ shows",
		    "%s is served without a sign-in", address);
	else if (answer.status == 0 || answer.status >= 404)
		doctor_report(d, DOCTOR_FAIL, "guard",
		    "see the web server's log",
		    "%s answers with status %d without a sign-in", address,
		    answer.status);
	else
		doctor_report(d, DOCTOR_OK, "guard", NULL,
		    "%s requires a sign-in (status %d)", address,
		    answer.status);
	check_leak(d, &answer);
	doctor_http_clear(&answer);
}

/* ---- with a session ---- */

static void
check_session(struct doctor *d, const char *address, const char *session)
{
	struct doctor_answer answer;
	struct spoof spoof;

	make_spoof(&spoof);
	doctor_http(
	    &(struct doctor_request){
		.url = address, .session = session, .headers = spoof.headers },
	    &answer);
	if (answer.status != 200)
		doctor_report(d, DOCTOR_FAIL, "guard",
		    "pass the browser's cookie to the guard, and use the same "
		    "host name for the page and for signing in",
		    "%s answers with status %d to a signed-in user", address,
		    answer.status);
	else if (strstr(answer.body, spoof.mark) != NULL)
		doctor_report(d, DOCTOR_FAIL, "identity",
		    "let the web server overwrite or remove them, as deploy/ "
		    "shows",
		    "the application receives identity headers that the "
		    "browser "
		    "sent");
	else
		doctor_report(d, DOCTOR_OK, "identity", NULL,
		    "%s ignores identity headers sent by a browser", address);
	check_leak(d, &answer);
	doctor_http_clear(&answer);
}

static bool
has_accounts(struct doctor *d)
{
	struct user users[STORE_LIST_MAX];
	size_t n = 0;

	return store_users_list(d->context.app->store, "", 0, users, &n) ==
	    ERR_OK &&
	    n > 0;
}

static void
check_signed_in(struct doctor *d, const char *address)
{
	const struct session_origin origin = { .address = "",
		.device = "latchkey doctor",
		.user_agent = "latchkey doctor" };
	char email[64], password[RANDOM_UUID_SIZE];
	struct login_credentials cred = {
		.email = email, .password = password, .name = "doctor"
	};
	struct store_actor actor = context_actor(&d->context);
	struct login_grant grant;
	int64_t ended;
	const char *why;
	enum err err;

	random_uuid(password);
	(void)snprintf(email, sizeof(email), "doctor-%.8s@localhost", password);
	random_uuid(password);
	err = registration_create(&d->context.app->login, &cred, &origin,
	    d->context.now, &grant, &why);
	if (err == ERR_OK) {
		check_session(d, address, grant.session_id);
		err = store_user_remove(
		    d->context.app->store, &actor, grant.user.id, &ended);
	}
	if (err != ERR_OK)
		doctor_report(d, DOCTOR_FAIL, "guard",
		    "see the log lines above; latchkey user list doctor-",
		    "the temporary account cannot be created or deleted");
	secret_wipe(password, sizeof(password));
	secret_wipe(&grant, sizeof(grant));
}

/* ---- redirects to the login page ---- */

/* Resolve the target of a redirect; false if it is another site's. */
static bool
resolve_redirect(
    const struct doctor *d, const char *location, char address[ADDRESS_SIZE])
{
	char root[ADDRESS_SIZE];
	size_t len;

	if (!doctor_http_address(d, "/", root, sizeof(root)))
		return false;
	if (location[0] == '/' && location[1] != '/')
		return doctor_http_address(d, location, address, ADDRESS_SIZE);
	len = strlen(root);
	return strncmp(location, root, len) == 0 &&
	    str_copy(address, ADDRESS_SIZE, location) == ERR_OK;
}

static bool
same_page(const char *a, const char *b)
{
	size_t len = strcspn(a, "?#");

	return strcspn(b, "?#") == len && strncmp(a, b, len) == 0;
}

/* Follow redirects from ${address}; they must end on a sign-in page. */
static void
check_redirects(struct doctor *d, char address[ADDRESS_SIZE])
{
	char pages[HOPS_MAX][ADDRESS_SIZE], location[ADDRESS_SIZE];
	struct doctor_answer answer = { 0 };
	struct spoof plain;
	bool more = true, loop = false;
	int hops = 0;

	make_spoof(&plain);
	while (more && !loop && hops < HOPS_MAX) {
		for (int i = 0; i < hops; i++)
			loop |= same_page(pages[i], address);
		if (loop)
			break;
		memcpy(pages[hops++], address, ADDRESS_SIZE);
		doctor_http_clear(&answer);
		doctor_http(
		    &(struct doctor_request){ .url = address,
			.headers = plain.headers + NELEMS(identity_headers) },
		    &answer);
		more = answer.status >= 300 && answer.status < 400 &&
		    doctor_http_header(
			&answer, "Location", location, sizeof(location)) &&
		    resolve_redirect(d, location, address);
	}
	if (loop || hops == HOPS_MAX)
		doctor_report(d, DOCTOR_FAIL, "login page",
		    "exclude the login page (LATCHKEY_LOGIN_PAGE) and the "
		    "files "
		    "it loads from the guard",
		    "the redirects to it form a loop at %s", address);
	else if (hops > 1 && answer.status != 200)
		doctor_report(d, DOCTOR_FAIL, "login page",
		    "exclude the login page (LATCHKEY_LOGIN_PAGE) from the "
		    "guard, and check that it exists",
		    "%s answers with status %d", address, answer.status);
	else
		doctor_report(d, DOCTOR_OK, "login page", NULL,
		    "the redirects end at %s", pages[hops - 1]);
	doctor_http_clear(&answer);
}

static void
check_login_page(struct doctor *d)
{
	const char *page = config_text(d->context.config, CONFIG_LOGIN_PAGE);
	char address[ADDRESS_SIZE];
	struct doctor_answer answer;

	if (!doctor_http_address(d, page, address, sizeof(address)))
		return;
	doctor_http(&(struct doctor_request){ .url = address }, &answer);
	if (answer.status == 200) {
		doctor_report(d, DOCTOR_OK, "login page", NULL,
		    "%s needs no sign-in", address);
	} else if (answer.status >= 300 && answer.status < 400) {
		check_redirects(d, address);
	} else {
		doctor_report(d, DOCTOR_FAIL, "login page",
		    "let the web server serve it without a guard, or name "
		    "another in LATCHKEY_LOGIN_PAGE",
		    "%s answers with status %d", address, answer.status);
	}
	doctor_http_clear(&answer);
}

void
doctor_guard(struct doctor *d)
{
	const char *path = command_value(d->context.line, "guarded");
	char address[ADDRESS_SIZE];

	if (!d->site_good)
		return;
	check_login_page(d);
	if (path == NULL)
		return;
	if (path[0] != '/' ||
	    !doctor_http_address(d, path, address, sizeof(address))) {
		doctor_report(d, DOCTOR_FAIL, "guard",
		    "name a path of the site, as in --guarded /private/",
		    "\"%s\" is not a path", path);
		return;
	}
	check_signed_out(d, address);
	/* The first account of a new site belongs to its owner. */
	if (d->store_good && has_accounts(d))
		check_signed_in(d, address);
	else
		doctor_report(d, DOCTOR_WARN, "identity",
		    "repeat when there is an account", "not checked");
	check_redirects(d, address);
}
