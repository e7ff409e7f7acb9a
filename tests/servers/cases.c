/* SPDX-License-Identifier: ISC */
#include "servers/cases.h"

#include "support/test.h"

#include "base/text.h"
#include "servers/ground.h"

void
registering_signs_in(void **state)
{
	struct ground *g = *state;

	ground_account(g);
	ground_get(g, "/api/v1/auth/me");
	web_expect(&g->reply, 200, NULL);
	assert_string_equal(web_text(&g->reply, "user.email"), g->email);
}

const struct CMUnitTest cases[] = {
	cmocka_unit_test(registering_signs_in),
};
const size_t cases_count = NELEMS(cases);
