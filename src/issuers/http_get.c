/* SPDX-License-Identifier: ISC */
#include "issuers/http_get.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "issuers/http_libcurl.h"

#define REDIRECTS_MAX 3
#define HEADERS_MAX ((size_t)64 * 1024)

/* A GET in progress. */
struct get {
	const struct http_client *client;
	CURL *handle;
	const struct http_request *request;
	struct http_reply *reply;
	size_t header_bytes; /* of all answers, redirects included */
	size_t body_bytes;   /* of the last answer */
	int64_t age;         /* value of its Age header, seconds */
	bool too_large;
};

void
http_get_reply_clear(struct http_reply *reply)
{
	buf_clear(&reply->body);
	memset(reply, 0, sizeof(*reply));
}

enum err
http_get_fail(struct http_reply *reply, const char *error, const char *fmt, ...)
{
	va_list ap;

	(void)snprintf(reply->error, sizeof(reply->error), "%s", error);
	va_start(ap, fmt);
	(void)vsnprintf(reply->detail, sizeof(reply->detail), fmt, ap);
	va_end(ap);
	return ERR_UNAVAILABLE;
}

/* ---- receiving ---- */

/* If ${line} is the header ${name}, copy its value, cut to fit. */
static bool
read_header(
    const char *line, size_t len, const char *name, char *value, size_t size)
{
	size_t skip = strlen(name);
	size_t n;

	if (len <= skip || strncasecmp(line, name, skip) != 0 ||
	    line[skip] != ':')
		return false;
	n = len - skip - 1 < size ? len - skip - 1 : size - 1;
	memcpy(value, line + skip + 1, n);
	value[n] = '\0';
	return true;
}

static size_t
on_header(char *line, size_t unit, size_t n, void *ctx)
{
	struct get *g = ctx;
	size_t len = unit * n;
	char value[1024];
	int64_t max_age;

	g->header_bytes += len;
	g->too_large = g->header_bytes > HEADERS_MAX;
	if (g->too_large)
		return 0;
	if (len > 5 && strncmp(line, "HTTP/", 5) == 0) {
		g->reply->max_age = -1;
		g->age = 0;
	}
	if (read_header(line, len, "age", value, sizeof(value)))
		g->age = strtoll(value, NULL, 10);
	if (!read_header(line, len, "cache-control", value, sizeof(value)))
		return len;
	max_age = http_cache_control(value);
	/* Of several such headers the shortest counts. */
	if (max_age >= 0 &&
	    (g->reply->max_age < 0 || max_age < g->reply->max_age))
		g->reply->max_age = max_age;
	return len;
}

static long
read_status(const struct get *g)
{
	long status = 0;

	(void)g->client->easy_getinfo(
	    g->handle, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t
on_body(char *data, size_t unit, size_t n, void *ctx)
{
	struct get *g = ctx;
	size_t len = unit * n;

	g->body_bytes += len;
	/* Bodies of redirects must be read and are discarded. */
	if (read_status(g) != 200)
		return g->body_bytes > HTTP_GET_BODY_MAX ? 0 : len;
	g->too_large = g->body_bytes > HTTP_GET_BODY_MAX;
	if (g->too_large)
		return 0;
	buf_append(&g->reply->body, data, len);
	return g->reply->body.failed ? 0 : len;
}

/* Called at least once a second. */
static int
on_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
    curl_off_t up)
{
	const struct get *g = ctx;

	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	return g->request->stop != NULL && atomic_load(g->request->stop);
}

static void
read_media_type(struct get *g)
{
	char *type = g->reply->media_type;
	char *text = NULL;
	size_t n;

	(void)g->client->easy_getinfo(g->handle, CURLINFO_CONTENT_TYPE, &text);
	n = text != NULL ? strcspn(text, "; \t") : 0;
	if (n >= sizeof(g->reply->media_type))
		n = 0;
	for (size_t i = 0; i < n; i++)
		type[i] = (char)tolower((unsigned char)text[i]);
	type[n] = '\0';
}

/* ---- one request ---- */

static bool
set_limits(const struct get *g)
{
	static const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_NOSIGNAL, 1 }, /* the process may have threads */
		/* Without this it waits for a slow name server. */
		{ CURLOPT_QUICK_EXIT, 1 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_CONNECTTIMEOUT_MS, HTTP_GET_CONNECT_MS },
		{ CURLOPT_SSL_VERIFYPEER, 1 },
		{ CURLOPT_SSL_VERIFYHOST, 2 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_NOPROGRESS, 0 },
	};
	bool good = true;

	for (size_t i = 0; i < NELEMS(numbers); i++)
		good &= g->client->easy_setopt(g->handle, numbers[i].option,
			    numbers[i].value) == CURLE_OK;
	return good;
}

static bool
set_callbacks(struct get *g, char error[CURL_ERROR_SIZE])
{
	const struct {
		CURLoption option;
		const void *value;
	} others[] = {
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
		/* NULL would mean: as the environment says. */
		{ CURLOPT_PROXY, "" },
		{ CURLOPT_USERAGENT, "latchkey/" PACKAGE_VERSION },
		{ CURLOPT_HEADERDATA, g },
		{ CURLOPT_WRITEDATA, g },
		{ CURLOPT_XFERINFODATA, g },
		{ CURLOPT_ERRORBUFFER, error },
	};
	const struct http_client *client = g->client;
	CURL *h = g->handle;
	bool good = true;

	for (size_t i = 0; i < NELEMS(others); i++)
		good &= client->easy_setopt(
			    h, others[i].option, others[i].value) == CURLE_OK;
	good &= client->easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header) ==
	    CURLE_OK;
	good &=
	    client->easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
	good &= client->easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress) ==
	    CURLE_OK;
	if (g->request->ca_file[0] != '\0')
		good &= client->easy_setopt(
			    h, CURLOPT_CAINFO, g->request->ca_file) == CURLE_OK;
	return good;
}

static const char *
error_word(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST: return "resolve";
	case CURLE_COULDNT_CONNECT: return "connect";
	case CURLE_OPERATION_TIMEDOUT: return "timeout";
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION: return "tls";
	case CURLE_ABORTED_BY_CALLBACK: return "stopped";
	default: return "broken";
	}
}

/* Send one request; ERR_OK if there was an answer, of *status_out. */
static enum err
request_once(struct get *g, const char *url, long *status_out)
{
	int64_t left_ms =
	    (g->request->deadline_us - clock_system.mono_us()) / 1000;
	char error[CURL_ERROR_SIZE] = "";
	struct http_reply *reply = g->reply;
	const struct http_client *client = g->client;
	CURLcode code;

	*status_out = 0;
	g->body_bytes = 0;
	if (left_ms < 1)
		return http_get_fail(reply, "timeout", "%s", url);
	if (http_url_scheme(client, url) == HTTP_URL_REFUSED)
		return http_get_fail(reply, "address", "%s", url);
	if (!set_limits(g) || !set_callbacks(g, error) ||
	    client->easy_setopt(g->handle, CURLOPT_URL, url) != CURLE_OK ||
	    client->easy_setopt(g->handle, CURLOPT_TIMEOUT_MS, (long)left_ms) !=
		CURLE_OK)
		return http_get_fail(reply, "broken", "libcurl is too old");
	code = client->easy_perform(g->handle);
	(void)client->easy_setopt(g->handle, CURLOPT_ERRORBUFFER, NULL);
	*status_out = read_status(g);
	if (g->too_large)
		return http_get_fail(reply, "too_large", "%s", url);
	if (*status_out < 200 || (*status_out == 200 && code != CURLE_OK))
		return http_get_fail(reply, error_word(code), "%s",
		    error[0] != '\0' ? error : client->easy_strerror(code));
	return ERR_OK;
}

/* Return the target of a redirect, owned by the handle, or NULL. */
static const char *
redirect_target(const struct get *g, long status)
{
	char *url = NULL;

	if (status / 100 == 3)
		(void)g->client->easy_getinfo(
		    g->handle, CURLINFO_REDIRECT_URL, &url);
	return url;
}

static enum err
follow_redirects(struct get *g, struct buf *url)
{
	struct http_reply *reply = g->reply;
	char word[HTTP_GET_ERROR_SIZE];
	const char *next;
	long status;
	enum err err;

	for (int i = 0; i <= REDIRECTS_MAX; i++) {
		if ((err = request_once(g, url->data, &status)) != ERR_OK)
			return err;
		next = redirect_target(g, status);
		if (next == NULL)
			break;
		if (!http_url_is_same_origin(g->client, g->request->url, next))
			return http_get_fail(reply, "redirect", "to %s", next);
		/* The next request on the handle frees ${next}. */
		buf_reset(url);
		buf_puts(url, next);
		if (url->failed)
			return http_get_fail(reply, "broken", "out of memory");
	}
	if (next != NULL)
		return http_get_fail(reply, "redirect", "more than three");
	if (status == 200)
		return ERR_OK;
	(void)snprintf(word, sizeof(word), "status_%ld", status);
	return http_get_fail(reply, word, "%s", url->data);
}

enum err
http_get(const struct http_client *client, const struct http_request *request,
    struct http_reply *reply)
{
	struct get g = { .client = client, .request = request, .reply = reply };
	struct buf url = { 0 };
	enum err err;

	memset(reply, 0, sizeof(*reply));
	buf_puts(&url, request->url);
	g.handle = client->easy_init();
	if (g.handle == NULL || url.failed)
		err = http_get_fail(reply, "broken", "out of memory");
	else
		err = follow_redirects(&g, &url);
	if (err == ERR_OK) {
		read_media_type(&g);
		if (reply->max_age > 0 && g.age > 0)
			reply->max_age =
			    reply->max_age > g.age ? reply->max_age - g.age : 0;
	} else {
		buf_clear(&reply->body);
	}
	client->easy_cleanup(g.handle);
	buf_clear(&url);
	return err;
}
