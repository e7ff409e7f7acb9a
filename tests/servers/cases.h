/* SPDX-License-Identifier: ISC */
#ifndef SERVERS_CASES_H
#define SERVERS_CASES_H

#include "support/test.h"

/*
 * What must be so behind every web server; *state is a struct ground.  A case
 * leaves everything running.
 */

/* cases_identity.c */
void registering_signs_in(void **state);
void bearer_reaches_latchkey(void **state);
void guarded_page_wants_a_session(void **state);
void application_is_told_who_it_is(void **state);
void proxied_application_is_told_too(void **state);
void example_page_escapes_names(void **state);
void identity_cannot_be_sent_along(void **state);
void what_is_missing_cannot_be_sent_either(void **state);
void browser_sees_no_variables(void **state);
void role_is_required(void **state);
void logout_counts_in_every_process(void **state);
void logout_everywhere_counts_too(void **state);

/* cases_requests.c */
void guard_changes_no_answer(void **state);
void head_and_options_are_guarded(void **state);
void no_spelling_goes_around_the_guard(void **state);
void large_bodies_are_refused(void **state);
void chunked_bodies_are_taken_or_refused(void **state);
void browsers_are_led_to_the_login_page(void **state);

/* cases_pool.c */
void many_at_once_are_served(void **state);
void dead_pool_lets_nobody_in(void **state);

#endif
