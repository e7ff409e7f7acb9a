/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_HTTP_GET_H
#define ISSUERS_HTTP_GET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A GET over the network, by libcurl: from somebody who may be slow, wrong or
 * hostile, so everything about it has a bound.  Nothing that runs beside
 * requests may call this; only one process of the host does (pool/keeper).
 */
struct http_client;

#define HTTP_GET_BODY_MAX ((size_t)64 * 1024)
#define HTTP_GET_CONNECT_MS 5000L
#define HTTP_GET_ERROR_SIZE 64

/**
 * http_libcurl_new(fetch_out):
 * Load libcurl.  It is not linked: with all that it needs it would cost every
 * process of the pool 5 ms of its start and more than 1 MiB of memory.  Return
 * ERR_UNAVAILABLE, with one log line, if it is not there.
 */
enum err http_libcurl_new(struct http_client **fetch_out) MUST_CHECK;
void http_libcurl_free(struct http_client *f);

struct http_request {
	const char *url;
	const char
	    *ca_file;     /* who vouches for it; "": whom the system trusts */
	int64_t until_us; /* by the monotonic clock; then it is over */
	const atomic_bool *stop; /* give up, within a second; NULL: never */
};

struct http_reply {
	struct buf body;
	char type[64]; /* media type in lower case, without parameters */
	int64_t fresh; /* seconds it may be kept; -1: it does not say */
	char error[HTTP_GET_ERROR_SIZE]; /* one word */
	char detail[256]; /* for the log; may hold what they sent */
};

/**
 * http_get(f, ask, reply):
 * Get what is there.  ${url} is https, or http to this very machine; redirects
 * are followed, three at most, to where scheme, host and port are the same.  No
 * proxy, no credentials, no cookies, whatever the environment says.  ERR_OK
 * only if all of it came with status 200 and is no larger than
 * HTTP_GET_BODY_MAX; else ERR_UNAVAILABLE with ->error: "address", "resolve",
 * "connect", "tls", "timeout", "too_large", "redirect", "status_404" and its
 * like, "broken", "stopped".  http_get_reply_clear() always.
 */
enum err http_get(const struct http_client *f, const struct http_request *ask,
    struct http_reply *reply) MUST_CHECK;
void http_get_reply_clear(struct http_reply *reply);

/* http_get_fail(reply, error, fmt, ...): say why; return ERR_UNAVAILABLE. */
enum err http_get_fail(struct http_reply *reply, const char *error,
    const char *fmt, ...) __attribute__((format(printf, 3, 4))) MUST_CHECK;

/**
 * http_url_is_local(f, url): is ${url} http to this machine, as http_get()
 * allows?
 */
bool http_url_is_local(const struct http_client *f, const char *url);

/**
 * http_cache_control(cache_control):
 * How many seconds an answer may be kept by the value of a Cache-Control header
 * (RFC 9111 section 5.2.2): 0 for no-store, no-cache and what cannot be
 * understood, -1 if it does not say.
 */
int64_t http_cache_control(const char *cache_control);

#endif
