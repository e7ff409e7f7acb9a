/* SPDX-License-Identifier: ISC */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/err.h"

/* problem.def is the one table of them: code, status, title. */
enum problem {
	PROBLEM_NONE = 0,
#define PROBLEM(id, code, status, err, title) PROBLEM_##id,
#include "http/problem.def"
#undef PROBLEM
	PROBLEM_COUNT
};

struct problem_info {
	const char *code; /* stable, for programs */
	int status;
	enum err err;      /* what a route returns with it */
	const char *title; /* for people */
};

/* problem_info(p): the row of ${p}; of INTERNAL if ${p} is none. */
const struct problem_info *problem_info(enum problem p);
/* problem_of(err): the problem that an error without one of its own means. */
enum problem problem_of(enum err err);

#endif
