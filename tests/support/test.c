/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"

#define SELECTED_MAX 32
#define NAME_SIZE 160
#define FAILED_MAX 100 /* above are statuses with a meaning of their own */

static struct test *tests;
static struct test_fixture *fixtures;
static int (*run_file)(void);
static const char *selected[SELECTED_MAX];
static size_t selected_count;

/* The compiler decides in which order the constructors of a file run. */
void
test_add(struct test *test)
{
	struct test **at = &tests;

	while (*at != NULL &&
	    (strcmp((*at)->file, test->file) != 0 || (*at)->line < test->line))
		at = &(*at)->next;
	test->next = *at;
	*at = test;
}

void
test_add_fixture(struct test_fixture *fixture)
{
	struct test_fixture **at = &fixtures;

	while (*at != NULL && (*at)->order < fixture->order)
		at = &(*at)->next;
	fixture->next = *at;
	*at = fixture;
}

void
test_set_run(int (*run)(void))
{
	run_file = run;
}

void *
test_allocate(size_t size)
{
	void *memory = calloc(1, size);

	assert_non_null(memory);
	return memory;
}

bool
test_select(const char *name)
{
	const struct test *t = tests;

	while (t != NULL && strcmp(t->name, name) != 0)
		t = t->next;
	if (t == NULL || selected_count == SELECTED_MAX)
		return false;
	selected[selected_count++] = name;
	return true;
}

static bool
is_selected(const struct test *t)
{
	for (size_t i = 0; i < selected_count; i++) {
		if (strcmp(selected[i], t->name) == 0)
			return true;
	}
	return selected_count == 0;
}

/* A list for cmocka: what is counted first is then written to ${out}. */
struct run {
	const struct test_fixture *fixture;
	char name[NAME_SIZE];
};

struct runs {
	struct CMUnitTest *out; /* NULL while they are counted */
	struct run *runs;
	size_t n;
};

/*
 * cmocka calls a tear-down even if the set-up has failed, and its fixture is
 * half made then.  Its functions have no argument: what runs is here.
 */
static struct {
	struct runs runs;
	size_t next;
	test_fixture_fn *group_set_up, *group_tear_down;
	bool group_is_up, is_up;
} running;

static int
set_up(void **state)
{
	const struct test_fixture *f = running.runs.runs[running.next].fixture;
	int status = 0;

	running.is_up = false;
	if (f->set_up != NULL)
		status = f->set_up(state);
	running.is_up = status == 0;
	return status;
}

static int
tear_down(void **state)
{
	const struct test_fixture *f =
	    running.runs.runs[running.next++].fixture;

	return running.is_up && f->tear_down != NULL ? f->tear_down(state) : 0;
}

static int
set_up_group(void **state)
{
	int status = 0;

	running.group_is_up = false;
	if (running.group_set_up != NULL)
		status = running.group_set_up(state);
	running.group_is_up = status == 0;
	return status;
}

static int
tear_down_group(void **state)
{
	return running.group_is_up && running.group_tear_down != NULL
	    ? running.group_tear_down(state)
	    : 0;
}

static void
add_run(struct runs *r, const struct test *t, const struct test_fixture *f)
{
	static const struct test_fixture none;
	struct CMUnitTest *run;

	if (r->out == NULL) {
		r->n++;
		return;
	}
	run = &r->out[r->n];
	*run = (struct CMUnitTest){ .name = t->name,
		.test_func = t->run,
		.setup_func = set_up,
		.teardown_func = tear_down };
	r->runs[r->n].fixture = f != NULL ? f : &none;
	if (f != NULL && f->title != NULL) {
		(void)snprintf(
		    r->runs[r->n].name, NAME_SIZE, "%s: %s", f->title, t->name);
		run->name = r->runs[r->n].name;
	}
	r->n++;
}

static void
add_runs(struct runs *r, unsigned groups)
{
	r->n = 0;
	for (const struct test *t = tests; t != NULL; t = t->next) {
		if ((t->groups & groups) == 0 || !is_selected(t))
			continue;
		if (fixtures == NULL)
			add_run(r, t, NULL);
		for (const struct test_fixture *f = fixtures; f != NULL;
		     f = f->next) {
			if ((f->groups & t->groups & groups) != 0)
				add_run(r, t, f);
		}
	}
}

int
test_run(const char *title, unsigned groups, test_fixture_fn *group_set_up,
    test_fixture_fn *group_tear_down)
{
	struct runs *r = &running.runs;
	int failed;

	memset(&running, 0, sizeof(running));
	running.group_set_up = group_set_up;
	running.group_tear_down = group_tear_down;
	add_runs(r, groups);
	if (r->n == 0)
		return 0;
	r->out = calloc(r->n, sizeof(*r->out));
	r->runs = calloc(r->n, sizeof(*r->runs));
	if (r->out == NULL || r->runs == NULL)
		abort();
	add_runs(r, groups);
	failed = _cmocka_run_group_tests(
	    title, r->out, r->n, set_up_group, tear_down_group);
	free(r->out);
	free(r->runs);
	return failed;
}

int
test_main(int argc, char **argv)
{
	int failed;

	for (int i = 1; i < argc; i++) {
		if (!test_select(argv[i])) {
			fprintf(
			    stderr, "%s: no test \"%s\"\n", argv[0], argv[i]);
			return 2;
		}
	}
	if (secret_init() != ERR_OK)
		return 1;
	alarm(300); /* a wait without end is a failure too */
	failed = run_file != NULL ? run_file()
				  : test_run("tests", TEST_ALL, NULL, NULL);
	return failed > FAILED_MAX ? FAILED_MAX : failed;
}
