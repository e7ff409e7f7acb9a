/* SPDX-License-Identifier: ISC */
#include "host/mapped_file.h"

#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "host/layout.h"
#include "host/mapped.h"
#include "support/child.h"
#include "support/table.h"

#define SIZE (LAYOUT_AREA + (TABLE_MB << 20))

static int
set_up(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	table_make(t);
	*state = t;
	return 0;
}

static int
tear_down(void **state)
{
	table_remove(*state);
	free(*state);
	return 0;
}

static void
write_table(const struct table *t, const void *data, size_t len, mode_t mode)
{
	int fd = open(t->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static bool
same_table(const struct mapped *a, const struct mapped *b)
{
	return memcmp(mapped_layout(a)->table_id, mapped_layout(b)->table_id,
		   MAPPED_TABLE_ID_BYTES) == 0;
}

/* Somebody uses the file, but not as we do: it is neither reset nor used. */
static void
another_versions_file_in_use_is_refused(void **state)
{
	static const struct {
		uint64_t magic;
		uint32_t version, pad;
		uint64_t size;
		off_t length;
	} cases[] = {
		{ 0, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, 100 },
		{ 0x6761726261676521, 0x21212121, 0, 0x2121212121, 5000 },
		{ LAYOUT_MAGIC, LAYOUT_VERSION + 1, 0, SIZE, SIZE },
		{ LAYOUT_MAGIC, LAYOUT_VERSION, 0, 4096, SIZE },
		{ LAYOUT_MAGIC, LAYOUT_VERSION, 0, SIZE, 4096 },
		{ LAYOUT_MAGIC, LAYOUT_VERSION, 0, LAYOUT_AREA, LAYOUT_AREA },
		{ LAYOUT_MAGIC, LAYOUT_VERSION, 0, SIZE + 64, SIZE + 64 },
		{ LAYOUT_MAGIC, LAYOUT_VERSION, 0,
		    LAYOUT_AREA + ((MAPPED_TABLE_MB_MAX + 1L) << 20),
		    LAYOUT_AREA + ((MAPPED_TABLE_MB_MAX + 1L) << 20) },
	};
	struct table *t = *state;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct stat st;
		struct mapped *m;
		int fd;

		write_table(t, &cases[i], 24, 0600);
		assert_int_equal(truncate(t->path, cases[i].length), 0);
		fd = open(t->path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(
		    mapped_file_lock(fd, F_RDLCK, LAYOUT_LOCK_LIFE), 0);
		assert_int_equal(mapped_open(t->db, TABLE_MB, &m), ERR_INVALID);
		assert_null(m);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, cases[i].length);
		assert_int_equal(close(fd), 0);
		/* And once they are gone, it is ours. */
		m = table_open(t);
		assert_int_equal(mapped_layout(m)->version, LAYOUT_VERSION);
		mapped_close(m);
	}
}

static void
a_file_that_others_may_have_is_refused(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0601 };
	struct table *t = *state;
	char elsewhere[PATH_MAX + 8];
	struct stat st;
	struct mapped *m;

	for (size_t i = 0; i < NELEMS(modes); i++) {
		write_table(t, "", 0, modes[i]);
		assert_int_equal(
		    mapped_open(t->db, TABLE_MB, &m), ERR_UNAVAILABLE);
		assert_null(m);
		assert_int_equal(stat(t->path, &st), 0);
		assert_int_equal(st.st_size, 0);
	}
	assert_int_equal(unlink(t->path), 0);
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s-else", t->path);
	assert_int_equal(symlink(elsewhere, t->path), 0);
	assert_int_equal(mapped_open(t->db, TABLE_MB, &m), ERR_UNAVAILABLE);
	assert_int_equal(access(elsewhere, F_OK), -1);
	assert_int_equal(unlink(t->path), 0);
	assert_int_equal(mkfifo(t->path, 0600), 0);
	assert_int_equal(mapped_open(t->db, TABLE_MB, &m), ERR_UNAVAILABLE);
	assert_int_equal(unlink(t->path), 0);
	assert_int_equal(mkdir(t->path, 0700), 0);
	assert_int_equal(mapped_open(t->db, TABLE_MB, &m), ERR_UNAVAILABLE);
	assert_null(m);
}

static void
the_table_belongs_to_the_databases_owner(void **state)
{
	struct table *t = *state;
	struct mapped *m;
	struct stat st;
	int fd;

	if (geteuid() != 0)
		skip(); /* only root can give files away */
	fd = open(t->db, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, 1234, 1235), 0);
	assert_int_equal(close(fd), 0);
	for (int i = 0; i < 2; i++) {
		m = table_open(t);
		assert_int_equal(stat(t->path, &st), 0);
		assert_int_equal(st.st_uid, 1234);
		assert_int_equal(st.st_gid, 1235);
		assert_int_equal(st.st_mode & 07777, 0600);
		mapped_close(m);
	}
	assert_int_equal(chown(t->path, 4321, 4321), 0);
	assert_int_equal(mapped_open(t->db, TABLE_MB, &m), ERR_UNAVAILABLE);
	/* Without a database, ours alone will do. */
	assert_int_equal(unlink(t->db), 0);
	assert_int_equal(mapped_open(t->db, TABLE_MB, &m), ERR_UNAVAILABLE);
}

static void
open_with_little_room(void *ctx)
{
	struct table *t = ctx;
	struct rlimit limit = { 1 << 20, 1 << 20 };
	struct mapped *m;

	child_check(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	child_check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	child_check(mapped_open(t->db, TABLE_MB, &m) == ERR_UNAVAILABLE);
	child_check(m == NULL);
}

static void
every_byte_has_its_place_on_the_disk(void **state)
{
	struct table *t = *state;
	unsigned char *area;
	size_t area_size;
	struct mapped *m;
	struct stat st;

	child_passed(child_start(open_with_little_room, t));
	/* What was full, sparse, or too long, is none of it afterwards. */
	for (int i = 0; i < 3; i++) {
		m = table_open(t);
		assert_int_equal(stat(t->path, &st), 0);
		assert_int_equal(st.st_size, SIZE);
		assert_true(st.st_blocks * 512 >= (blkcnt_t)SIZE);
		area = mapped_area(m, &area_size);
		assert_int_equal(area_size, TABLE_MB << 20);
		for (size_t k = 0; k < area_size; k++)
			assert_true(area[k] == 0);
		memset(area, 7, area_size);
		for (size_t k = 0; k < LAYOUT_GENERATIONS; k++)
			assert_true(mapped_layout(m)->generation[k] == 0);
		mapped_layout(m)->generation[7] = 7;
		mapped_close(m);
		if (i == 1)
			assert_int_equal(truncate(t->path, 0), 0);
		if (i >= 1)
			assert_int_equal(truncate(t->path, 2 * (off_t)SIZE), 0);
	}
}

static void
the_first_one_says_how_large_the_area_is(void **state)
{
	static const int wrong[] = { -1, 0, MAPPED_TABLE_MB_MAX + 1 };
	struct table *t = *state;
	struct mapped *first, *other;
	size_t first_size, size;

	for (size_t i = 0; i < NELEMS(wrong); i++) {
		assert_int_equal(
		    mapped_open(t->db, wrong[i], &first), ERR_INVALID);
		assert_null(first);
	}
	assert_int_equal(mapped_open(t->db, 3, &first), ERR_OK);
	assert_int_equal(mapped_open(t->db, 5, &other), ERR_OK);
	((char *)mapped_area(first, &first_size))[(3 << 20) - 1] = 'x';
	assert_int_equal(first_size, 3 << 20);
	assert_int_equal(
	    ((char *)mapped_area(other, &size))[first_size - 1], 'x');
	assert_int_equal(size, first_size);
	assert_true(mapped_is_current(first));
	assert_true(mapped_is_current(other));
	mapped_close(first);
	mapped_close(other);
	assert_int_equal(mapped_open(t->db, 2, &first), ERR_OK);
	assert_int_equal((uintptr_t)mapped_area(first, &size) % 4096, 0);
	assert_int_equal(size, 2 << 20);
	mapped_close(first);
}

static void
open_from_its_folder(void *ctx)
{
	struct table *t = ctx;
	struct mapped *m, *other;

	child_check(mapped_open(t->db, TABLE_MB, &other) == ERR_OK);
	child_check(chdir(t->dir) == 0);
	child_check(mapped_open("latchkey.db", TABLE_MB, &m) == ERR_OK);
	child_check(same_table(m, other));
	child_check(chdir("/") == 0);
	child_check(mapped_is_current(m));
}

static void
every_way_to_a_database_leads_to_its_one_table(void **state)
{
	struct table *t = *state;
	char link[PATH_MAX / 2 + 8], none[PATH_MAX];
	struct mapped *m, *other;

	(void)snprintf(link, sizeof(link), "%s/alias", t->dir);
	assert_int_equal(symlink("latchkey.db", link), 0);
	/* As yet it leads nowhere. */
	assert_int_equal(mapped_open(link, TABLE_MB, &other), ERR_UNAVAILABLE);
	m = table_open(t);
	assert_int_equal(
	    close(open(t->db, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
	assert_int_equal(mapped_open(link, TABLE_MB, &other), ERR_OK);
	assert_true(same_table(m, other));
	mapped_close(other);
	child_passed(child_start(open_from_its_folder, t));
	mapped_close(m);

	(void)snprintf(none, sizeof(none), "%s/none/latchkey.db", t->dir);
	assert_int_equal(mapped_open(none, TABLE_MB, &m), ERR_UNAVAILABLE);
	assert_int_equal(mapped_open("", TABLE_MB, &m), ERR_UNAVAILABLE);
	assert_null(m);
}

static void
open_without_standard_error(void *ctx)
{
	struct table *t = ctx;
	struct mapped *m;
	int fd;

	child_check(close(0) == 0 && close(1) == 0 && close(2) == 0);
	child_check(mapped_open(t->db, TABLE_MB, &m) == ERR_OK);
	log_event(LOG_LEVEL_ERROR, "into_the_file", "this=goes=nowhere");
	child_check(mapped_layout(m)->magic == LAYOUT_MAGIC);
	child_check(mapped_open_again(m, &fd) == ERR_OK);
	child_check(fd > 2);
}

static void
no_log_line_lands_in_the_file(void **state)
{
	child_passed(child_start(open_without_standard_error, *state));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_versions_file_in_use_is_refused),
		TEST(a_file_that_others_may_have_is_refused),
		TEST(the_table_belongs_to_the_databases_owner),
		TEST(every_byte_has_its_place_on_the_disk),
		TEST(the_first_one_says_how_large_the_area_is),
		TEST(every_way_to_a_database_leads_to_its_one_table),
		TEST(no_log_line_lands_in_the_file),
	};

	if (secret_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
