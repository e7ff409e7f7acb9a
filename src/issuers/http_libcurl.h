/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_HTTP_LIBCURL_H
#define ISSUERS_HTTP_LIBCURL_H

/* curl's type checks are macros, which calls through pointers do not pass. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>

/* The functions of libcurl as loaded; for issuers/http_*.c only. */
struct http_client {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_global_cleanup) *global_cleanup;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_url) *url;
	__typeof__(curl_url_cleanup) *url_cleanup;
	__typeof__(curl_url_set) *url_set;
	__typeof__(curl_url_get) *url_get;
	__typeof__(curl_free) *free;
};

enum http_url_scheme {
	HTTP_URL_REFUSED = 0,
	HTTP_URL_LOOPBACK, /* http to a loopback address */
	HTTP_URL_HTTPS
};

/* http_url_scheme(client, url): what may be fetched from ${url}, if anything.
 */
enum http_url_scheme http_url_scheme(
    const struct http_client *client, const char *url);

/* http_url_is_same_origin(client, one, other): same scheme, host and port. */
bool http_url_is_same_origin(
    const struct http_client *client, const char *one, const char *other);

#endif
