/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>

#include "servers/cases.h"
#include "servers/ground.h"
#include "servers/server.h"

/*
 * One list of cases against every web server with its recipe.  Arguments name
 * the servers; none: all of them; --list: print their names.
 */

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(registering_signs_in),
	cmocka_unit_test(bearer_reaches_latchkey),
	cmocka_unit_test(guarded_page_wants_a_session),
	cmocka_unit_test(application_is_told_who_it_is),
	cmocka_unit_test(proxied_application_is_told_too),
	cmocka_unit_test(example_page_escapes_names),
	cmocka_unit_test(identity_cannot_be_sent_along),
	cmocka_unit_test(what_is_missing_cannot_be_sent_either),
	cmocka_unit_test(browser_sees_no_variables),
	cmocka_unit_test(role_is_required),
	cmocka_unit_test(logout_counts_in_every_process),
	cmocka_unit_test(logout_everywhere_counts_too),
	cmocka_unit_test(guard_changes_no_answer),
	cmocka_unit_test(head_and_options_are_guarded),
	cmocka_unit_test(no_spelling_goes_around_the_guard),
	cmocka_unit_test(large_bodies_are_refused),
	cmocka_unit_test(chunked_bodies_are_taken_or_refused),
	cmocka_unit_test(browsers_are_led_to_the_login_page),
	cmocka_unit_test(many_at_once_are_served),
	cmocka_unit_test(dead_pool_lets_nobody_in),
};

/* cmocka's group set-up takes no argument. */
static const struct server_ops *chosen;

static int
set_up(void **state)
{
	*state = ground_new(chosen, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	ground_free(*state);
	return 0;
}

static int
run(const struct server_ops *server)
{
	chosen = server;
	return _cmocka_run_group_tests(
	    server->name, cases, NELEMS(cases), set_up, tear_down);
}

int
main(int argc, char **argv)
{
	int failed = 0;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < servers_count; i++)
			puts(servers[i]->name);
		return 0;
	}
	ground_drop_root(argv);
	for (int i = 1; i < argc; i++) {
		const struct server_ops *server = server_named(argv[i]);

		if (server == NULL) {
			fprintf(stderr, "no server \"%s\"\n", argv[i]);
			return 2;
		}
		failed += run(server);
	}
	for (size_t i = 0; argc == 1 && i < servers_count; i++)
		failed += run(servers[i]);
	return failed != 0;
}
