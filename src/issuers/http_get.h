/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_HTTP_GET_H
#define ISSUERS_HTTP_GET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * HTTP GET by libcurl.  The server may be slow, broken or hostile, so time,
 * size and redirects have bounds.  Only the JWKS refresher and "latchkey
 * doctor" may call this: it blocks.
 */
struct http_client;

#define HTTP_GET_BODY_MAX ((size_t)64 * 1024)
#define HTTP_GET_CONNECT_MS 5000L
#define HTTP_GET_ERROR_SIZE 64

/**
 * http_libcurl_new(client_out):
 * Load libcurl.  It is not linked, because that would cost every process 5 ms
 * of its start and more than 1 MiB of memory.  Return ERR_UNAVAILABLE, with one
 * log line, if it cannot be loaded.
 */
enum err http_libcurl_new(struct http_client **client_out) MUST_CHECK;
void http_libcurl_free(struct http_client *client);

struct http_request {
	const char *url;
	const char *ca_file; /* trusted authorities; "": those of the system */
	int64_t deadline_us; /* monotonic clock, microseconds */
	const atomic_bool
	    *stop; /* when true, give up within 1 s; NULL: never */
};

struct http_reply {
	struct buf body;
	char media_type[64]; /* in lower case, without parameters */
	int64_t max_age;     /* seconds it may be cached; -1: not stated */
	char error[HTTP_GET_ERROR_SIZE]; /* one word */
	char detail[256]; /* for the log; may hold text of the server */
};

/**
 * http_get(client, request, reply):
 * Fetch ${request}->url, which must be https, or http to a loopback address.
 * At most three redirects are followed, to the same scheme, host and port.  No
 * proxy, credentials or cookies are used, whatever the environment contains.
 * Return ERR_OK only for a complete answer with status 200 of at most
 * HTTP_GET_BODY_MAX bytes, else ERR_UNAVAILABLE with ${reply}->error "address",
 * "resolve", "connect", "tls", "timeout", "too_large", "redirect",
 * "status_404" and the like, "broken" or "stopped".  The caller calls
 * http_get_reply_clear() in every case.
 */
enum err http_get(const struct http_client *client,
    const struct http_request *request, struct http_reply *reply) MUST_CHECK;
void http_get_reply_clear(struct http_reply *reply);

/* http_get_fail(reply, error, fmt, ...): set both; return ERR_UNAVAILABLE. */
enum err http_get_fail(struct http_reply *reply, const char *error,
    const char *fmt, ...) __attribute__((format(printf, 3, 4))) MUST_CHECK;

/* http_url_is_loopback(client, url): true for http to a loopback address. */
bool http_url_is_loopback(const struct http_client *client, const char *url);

/**
 * http_cache_control(cache_control):
 * Return the seconds for which the value of a Cache-Control header (RFC 9111
 * section 5.2.2) allows caching: 0 for no-store, no-cache and what cannot be
 * parsed, -1 if it does not say.
 */
int64_t http_cache_control(const char *cache_control);

#endif
