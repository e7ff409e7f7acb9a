/* SPDX-License-Identifier: ISC */
#ifndef AUTH_FETCH_H
#define AUTH_FETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/*
 * A GET over the network, by libcurl: from somebody who may be slow, wrong or
 * hostile, so everything about it has a bound.  Nothing that runs beside
 * requests may call this; only one process of the host does (pool/keeper).
 */
struct fetch;

#define FETCH_BODY_MAX ((size_t)64 * 1024)
#define FETCH_CONNECT_MS 5000L
#define FETCH_ERROR_SIZE 64

/**
 * fetch_new(fetch_out):
 * Load libcurl.  It is not linked: with all that it needs it would cost every
 * process of the pool 5 ms of its start and more than 1 MiB of memory.  Return
 * ERR_UNAVAILABLE, with one log line, if it is not there.
 */
enum err fetch_new(struct fetch **fetch_out) MUST_CHECK;
void fetch_free(struct fetch *f);

struct fetch_ask {
	const char *url;
	const char
	    *ca_file;     /* who vouches for it; "": whom the system trusts */
	int64_t until_us; /* by the monotonic clock; then it is over */
	const atomic_bool *stop; /* give up, within a second; NULL: never */
};

struct fetch_reply {
	struct buf body;
	char type[64]; /* media type in lower case, without parameters */
	int64_t fresh; /* seconds it may be kept; -1: it does not say */
	char error[FETCH_ERROR_SIZE]; /* one word */
	char detail[256];             /* for the log; may hold what they sent */
};

/**
 * fetch_get(f, ask, reply):
 * Get what is there.  ${url} is https, or http to this very machine; redirects
 * are followed, three at most, to where scheme, host and port are the same.  No
 * proxy, no credentials, no cookies, whatever the environment says.  ERR_OK
 * only if all of it came with status 200 and is no larger than FETCH_BODY_MAX;
 * else ERR_UNAVAILABLE with ->error: "address", "resolve", "connect", "tls",
 * "timeout", "too_large", "redirect", "status_404" and its like, "broken",
 * "stopped".  fetch_reply_clear() always.
 */
enum err fetch_get(const struct fetch *f, const struct fetch_ask *ask,
    struct fetch_reply *reply) MUST_CHECK;
void fetch_reply_clear(struct fetch_reply *reply);

/* fetch_fail(reply, error, fmt, ...): say why; return ERR_UNAVAILABLE. */
enum err fetch_fail(struct fetch_reply *reply, const char *error,
    const char *fmt, ...) __attribute__((format(printf, 3, 4))) MUST_CHECK;

/**
 * fetch_is_local(f, url): is ${url} http to this machine, as fetch_get()
 * allows?
 */
bool fetch_is_local(const struct fetch *f, const char *url);

/**
 * fetch_fresh(cache_control):
 * How many seconds an answer may be kept by the value of a Cache-Control header
 * (RFC 9111 section 5.2.2): 0 for no-store, no-cache and what cannot be
 * understood, -1 if it does not say.
 */
int64_t fetch_fresh(const char *cache_control);

#endif
