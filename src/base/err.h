/* SPDX-License-Identifier: ISC */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define NELEMS(a) (sizeof(a) / sizeof((a)[0]))

/*
 * The only status type.  An answer is known to be so; after a failure nothing
 * is known, and it must never be turned into an answer.
 */
enum err {
	ERR_OK = 0,
	/* answers */
	ERR_NOT_FOUND,
	ERR_DENIED,
	ERR_LIMITED,
	ERR_INVALID,
	ERR_CONFLICT,
	/* failures */
	ERR_UNAVAILABLE,
	ERR_BUSY, /* unavailable because of too many requests */
	ERR_INTERNAL
};

/**
 * err_name(err):
 * Return the name of ${err} for logs and test output: "ok", "not_found", ...
 */
const char *err_name(enum err err);

#endif
