/* SPDX-License-Identifier: ISC */
#ifndef AUTH_FETCH_LIBRARY_H
#define AUTH_FETCH_LIBRARY_H

/* Its checks of types are macros, which calls by pointer do not pass. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>

/* libcurl as it was loaded; for the files of auth/fetch only. */
#define FETCH_FUNCTIONS(X)                                                     \
	X(global_init)                                                         \
	X(global_cleanup)                                                      \
	X(easy_init)                                                           \
	X(easy_cleanup)                                                        \
	X(easy_setopt)                                                         \
	X(easy_perform)                                                        \
	X(easy_getinfo)                                                        \
	X(easy_strerror)                                                       \
	X(url)                                                                 \
	X(url_cleanup)                                                         \
	X(url_set)                                                             \
	X(url_get)                                                             \
	X(free)

struct fetch {
#define MEMBER(name) __typeof__(curl_##name) *name;
	FETCH_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* ---- fetch_address.c ---- */

enum fetch_scheme {
	FETCH_OTHER, /* we do not go there */
	FETCH_LOCAL, /* http, to this machine */
	FETCH_HTTPS
};

enum fetch_scheme fetch_scheme(const struct fetch *f, const char *url);

/**
 * fetch_is_same_origin(f, one, other): have they scheme, host and port in
 * common?  Nothing else says whose an address is.
 */
bool fetch_is_same_origin(
    const struct fetch *f, const char *one, const char *other);

#endif
