/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_HTTP_LIBCURL_H
#define ISSUERS_HTTP_LIBCURL_H

/* Its checks of types are macros, which calls by pointer do not pass. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>

/* libcurl as it was loaded; for the files of auth/fetch only. */
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

/* ---- fetch_address.c ---- */

enum http_url_scheme {
	FETCH_OTHER, /* we do not go there */
	FETCH_LOCAL, /* http, to this machine */
	FETCH_HTTPS
};

enum http_url_scheme http_url_scheme(
    const struct http_client *f, const char *url);

/**
 * http_url_is_same_origin(f, one, other): have they scheme, host and port in
 * common?  Nothing else says whose an address is.
 */
bool http_url_is_same_origin(
    const struct http_client *f, const char *one, const char *other);

#endif
