/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/random.h"

#define ADDRESS_SIZE 1024

static bool
is_https(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0;
}

/* Browsers take these for this machine, and so does the application. */
static bool
is_this_machine(const char *url)
{
	const char *host = strstr(url, "://");
	size_t len;

	host = host != NULL ? host + 3 : url;
	len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	return (len == 9 && strncasecmp(host, "localhost", 9) == 0) ||
	    strncmp(host, "127.", 4) == 0 ||
	    (len == 5 && strncmp(host, "[::1]", 5) == 0);
}

static bool
is_url(const char *url)
{
	if (!is_https(url) && strncasecmp(url, "http://", 7) != 0)
		return false;
	for (; *url != '\0'; url++) {
		if (*url <= ' ' || *url > '~')
			return false;
	}
	return true;
}

/* ---- does it lead to us? ---- */

static bool
check_reachable(struct doctor *d, const char *url)
{
	char address[ADDRESS_SIZE];
	struct doctor_answer answer;
	bool good = false;

	if (!doctor_http_address(d, "/readyz", address, sizeof(address)))
		return false;
	doctor_http(&(struct doctor_ask){ .url = address }, &answer);
	good = answer.status == 200;
	if (good)
		doctor_say(d, DOCTOR_OK, "url", NULL, "%s answers", url);
	else if (answer.status == 0)
		doctor_say(d, DOCTOR_FAIL, "url",
		    "start the web server, or correct its name, port or "
		    "certificate",
		    "%s cannot be reached: %s", url, answer.why);
	else if (answer.status == 503)
		doctor_say(d, DOCTOR_FAIL, "url",
		    "start the pool, and see that the web server may open its "
		    "socket",
		    "%s is not ready (status 503)", address);
	else
		doctor_say(d, DOCTOR_FAIL, "url",
		    "have the web server hand the paths of the API to the "
		    "pool, as deploy/ shows",
		    "%s gives status %d, not 200", address, answer.status);
	doctor_http_clear(&answer);
	return good;
}

/* ---- would a browser keep the cookie? ---- */

static void
judge_cookie(struct doctor *d, const char *url, const char *cookie)
{
	bool secure = strstr(cookie, "; Secure") != NULL;
	bool host = strncmp(cookie, "__Host-latchkey=", 16) == 0;

	if (is_https(url) && !(secure && host))
		doctor_say(d, DOCTOR_FAIL, "cookie",
		    "have the web server pass HTTPS=on, or set "
		    "LATCHKEY_ALWAYS_HTTPS=true where TLS ends in front of it",
		    "the application takes https for plain http");
	else if (!is_https(url) && secure)
		doctor_say(d, DOCTOR_FAIL, "cookie",
		    "use https, or unset LATCHKEY_ALWAYS_HTTPS",
		    "it is Secure, and a browser drops that over plain http");
	else
		doctor_say(d, DOCTOR_OK, "cookie", NULL,
		    "a browser keeps it over %s",
		    is_https(url) ? "https" : "http from this machine");
}

/* Signing out what is signed in nowhere takes the cookie away: so it shows. */
static void
check_cookie(struct doctor *d, const char *url)
{
	char address[ADDRESS_SIZE], body[80], id[RANDOM_UUID_SIZE];
	char cookie[512];
	struct doctor_answer answer;

	if (!is_https(url) && !is_this_machine(url)) {
		doctor_say(d, DOCTOR_FAIL, "cookie",
		    "serve the site over https",
		    "there is none over plain http from another machine");
		return;
	}
	if (!doctor_http_address(
		d, "/api/v1/auth/logout", address, sizeof(address)))
		return;
	random_uuid(id);
	(void)snprintf(body, sizeof(body), "{\"session_id\":\"%s\"}", id);
	doctor_http(
	    &(struct doctor_ask){ .url = address, .body = body }, &answer);
	if (doctor_http_header(&answer, "Set-Cookie", cookie, sizeof(cookie)))
		judge_cookie(d, url, cookie);
	else
		doctor_say(d, DOCTOR_FAIL, "cookie",
		    is_https(url) ? "have the web server pass HTTPS=on (or set "
				    "LATCHKEY_ALWAYS_HTTPS=true), and let "
				    "Set-Cookie through"
				  : "have the web server pass REMOTE_ADDR, and "
				    "let Set-Cookie through",
		    "signing out sets none (status %d)", answer.status);
	doctor_http_clear(&answer);
}

void
doctor_url(struct doctor *d)
{
	const char *url = command_value(d->context.line, "url");

	if (url == NULL) {
		doctor_say(d, DOCTOR_WARN, "url",
		    "name it: --url https://www.example.org", "was not asked");
		return;
	}
	if (!is_url(url)) {
		doctor_say(d, DOCTOR_FAIL, "url",
		    "it begins with https:// or http://", "\"%s\" is none",
		    url);
		return;
	}
	d->site_good = check_reachable(d, url);
	if (d->site_good)
		check_cookie(d, url);
}
