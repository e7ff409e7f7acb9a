/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/net.h"
#include "base/random.h"
#include "base/str.h"

#define ADDRESS_SIZE 1024

static bool
is_https(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0;
}

/* The hosts that browsers and the pool treat as this machine. */
static bool
is_this_machine(const char *url)
{
	const char *host = strstr(url, "://");
	size_t len;

	host = host != NULL ? host + 3 : url;
	len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	return net_is_loopback_host(host, len);
}

static bool
is_url(const char *url)
{
	return (is_https(url) || strncasecmp(url, "http://", 7) == 0) &&
	    str_is_visible(url);
}

/* ---- does the URL lead to this pool? ---- */

static bool
check_reachable(struct doctor *d, const char *url)
{
	char address[ADDRESS_SIZE];
	struct doctor_answer answer;
	bool good = false;

	if (!doctor_http_address(d, "/readyz", address, sizeof(address)))
		return false;
	doctor_http(&(struct doctor_request){ .url = address }, &answer);
	good = answer.status == 200;
	if (good)
		doctor_report(d, DOCTOR_OK, "url", NULL, "%s answers", url);
	else if (answer.status == 0)
		doctor_report(d, DOCTOR_FAIL, "url",
		    "start the web server, or correct its name, port or "
		    "certificate",
		    "%s cannot be reached: %s", url, answer.why);
	else if (answer.status == 503)
		doctor_report(d, DOCTOR_FAIL, "url",
		    "start the pool, and check that the web server may open "
		    "its "
		    "socket",
		    "%s is not ready (status 503)", address);
	else
		doctor_report(d, DOCTOR_FAIL, "url",
		    "let the web server pass the paths of the API to the "
		    "pool, as deploy/ shows",
		    "%s answers with status %d, not 200", address,
		    answer.status);
	doctor_http_clear(&answer);
	return good;
}

/* ---- would a browser accept the cookie? ---- */

static void
check_attributes(struct doctor *d, const char *url, const char *cookie)
{
	bool secure = strstr(cookie, "; Secure") != NULL;
	bool host = strncmp(cookie, "__Host-latchkey=", 16) == 0;

	if (is_https(url) && !(secure && host))
		doctor_report(d, DOCTOR_FAIL, "cookie",
		    "let the web server pass HTTPS=on, or set "
		    "LATCHKEY_ALWAYS_HTTPS=true where TLS ends in front of it",
		    "the pool mistakes https for plain http");
	else if (!is_https(url) && secure)
		doctor_report(d, DOCTOR_FAIL, "cookie",
		    "use https, or unset LATCHKEY_ALWAYS_HTTPS",
		    "it is Secure, and a browser rejects that over plain http");
	else
		doctor_report(d, DOCTOR_OK, "cookie", NULL,
		    "a browser accepts it over %s",
		    is_https(url) ? "https" : "http from this machine");
}

/* Signing out an unknown session deletes the cookie, and so shows it. */
static void
check_cookie(struct doctor *d, const char *url)
{
	char address[ADDRESS_SIZE], body[80], id[RANDOM_UUID_SIZE];
	char cookie[512];
	struct doctor_answer answer;

	if (!is_https(url) && !is_this_machine(url)) {
		doctor_report(d, DOCTOR_FAIL, "cookie",
		    "serve the site over https",
		    "not set over plain http from another machine");
		return;
	}
	if (!doctor_http_address(
		d, "/api/v1/auth/logout", address, sizeof(address)))
		return;
	random_uuid(id);
	(void)snprintf(body, sizeof(body), "{\"session_id\":\"%s\"}", id);
	doctor_http(
	    &(struct doctor_request){ .url = address, .body = body }, &answer);
	if (doctor_http_header(&answer, "Set-Cookie", cookie, sizeof(cookie)))
		check_attributes(d, url, cookie);
	else
		doctor_report(d, DOCTOR_FAIL, "cookie",
		    is_https(url) ? "let the web server pass HTTPS=on (or set "
				    "LATCHKEY_ALWAYS_HTTPS=true) and return "
				    "Set-Cookie"
				  : "let the web server pass REMOTE_ADDR and "
				    "return Set-Cookie",
		    "not set on signing out (status %d)", answer.status);
	doctor_http_clear(&answer);
}

void
doctor_url(struct doctor *d)
{
	const char *url = command_value(d->context.line, "url");

	if (url == NULL) {
		doctor_report(d, DOCTOR_WARN, "url",
		    "add --url https://www.example.org", "not checked");
		return;
	}
	if (!is_url(url)) {
		doctor_report(d, DOCTOR_FAIL, "url",
		    "use an address that begins with https:// or http://",
		    "\"%s\" is not a URL", url);
		return;
	}
	d->site_good = check_reachable(d, url);
	if (d->site_good)
		check_cookie(d, url);
}
