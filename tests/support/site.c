/* SPDX-License-Identifier: ISC */
#include "support/site.h"

#include "base/err.h"
#include "support/test.h"

#include <stdio.h>

/* cmocka's group set-up takes no argument. */
static struct stack_options chosen;

static int
set_up(void **state)
{
	struct site *site = calloc(1, sizeof(*site));

	assert_non_null(site);
	site->stack = stack_new(&chosen);
	site->web = web_new(stack_base(site->stack));
	*state = site;
	return 0;
}

static int
tear_down(void **state)
{
	struct site *site = *state;

	if (site == NULL)
		return 0; /* the set-up failed */
	web_reply_clear(&site->reply);
	web_free(site->web);
	stack_free(site->stack);
	free(site);
	return 0;
}

int
site_run(const char *name, unsigned groups, const struct stack_options *options)
{
	chosen = *options;
	return test_run(name, groups, set_up, tear_down);
}

int
site_run_everywhere(const char *name, unsigned groups, const char *const *env)
{
	const struct {
		const char *where;
		struct stack_options options;
	} places[] = {
		{ "pool with Redis", { .kind = STACK_POOL } },
		{ "pool without Redis",
		    { .kind = STACK_POOL, .no_redis = true } },
		{ "spawn-fcgi", { .kind = STACK_SPAWN_FCGI } },
	};
	int failed = 0;

	for (size_t i = 0; i < NELEMS(places); i++) {
		struct stack_options options = places[i].options;
		char title[128];

		options.env = env;
		snprintf(title, sizeof(title), "%s, %s", name, places[i].where);
		failed += site_run(title, groups, &options);
	}
	return failed;
}

void
site_keep(struct site *site)
{
	const char *token = web_text(&site->reply, "access_token");
	const char *session = web_text(&site->reply, "session_id");
	const char *id = web_text(&site->reply, "user.id");

	assert_non_null(token);
	assert_non_null(session);
	assert_non_null(id);
	snprintf(site->token, sizeof(site->token), "%s", token);
	snprintf(site->session, sizeof(site->session), "%s", session);
	snprintf(site->user_id, sizeof(site->user_id), "%s", id);
}

void
site_account(struct site *site)
{
	web_forget(site->web);
	snprintf(site->email, sizeof(site->email), "user%d@example.org",
	    ++site->serial);
	web_register(site->web, site->email, &site->reply);
	site_keep(site);
}
