/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>

#include "servers/server.h"
#include "servers/server_site.h"

/*
 * Runs one list of cases against every web server with its recipe.  Arguments
 * name the servers, by default all; --list prints their names.
 */

/* cmocka's group set-up takes no argument. */
static const struct server_ops *chosen;

static int
set_up(void **state)
{
	*state = server_site_new(chosen, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	server_site_free(*state);
	return 0;
}

static int
run(const struct server_ops *server)
{
	chosen = server;
	return test_run(server->name, TEST_ALL, set_up, tear_down);
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
	server_site_drop_root(argv);
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
