/* SPDX-License-Identifier: ISC */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/err.h"

/* The refusals; problem.def is the one table of them. */
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
	enum err err;      /* returned by a route that refuses with it */
	const char *title; /* for people */
};

/* problem_info(p): the row of ${p}, or of INTERNAL if ${p} is not valid. */
const struct problem_info *problem_info(enum problem p);
/* problem_of(err): the problem of an ${err} that a route did not explain. */
enum problem problem_of(enum err err);

#endif
