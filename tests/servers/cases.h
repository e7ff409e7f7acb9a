/* SPDX-License-Identifier: ISC */
#ifndef SERVERS_CASES_H
#define SERVERS_CASES_H

#include "support/test.h"

/* What must be so behind every web server; *state is a struct ground. */
extern const struct CMUnitTest cases[];
extern const size_t cases_count;

void registering_signs_in(void **state);

#endif
