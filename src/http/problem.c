/* SPDX-License-Identifier: ISC */
#include "http/problem.h"

static const struct problem_info problems[PROBLEM_COUNT] = {
#define PROBLEM(id, code, status, err, title)                                  \
	[PROBLEM_##id] = { code, status, err, title },
#include "http/problem.def"
#undef PROBLEM
};

const struct problem_info *
problem_info(enum problem p)
{
	if (p <= PROBLEM_NONE || p >= PROBLEM_COUNT)
		p = PROBLEM_INTERNAL;
	return &problems[p];
}

enum problem
problem_of(enum err err)
{
	switch (err) {
	case ERR_OK: return PROBLEM_NONE;
	case ERR_NOT_FOUND: return PROBLEM_NOT_FOUND;
	case ERR_DENIED: return PROBLEM_NOT_SIGNED_IN;
	case ERR_LIMITED: return PROBLEM_RATE_LIMITED;
	case ERR_INVALID: return PROBLEM_MALFORMED_REQUEST;
	case ERR_CONFLICT: return PROBLEM_EMAIL_TAKEN;
	case ERR_UNAVAILABLE: return PROBLEM_UNAVAILABLE;
	case ERR_BUSY: return PROBLEM_BUSY;
	case ERR_INTERNAL: return PROBLEM_INTERNAL;
	}
	return PROBLEM_INTERNAL;
}
