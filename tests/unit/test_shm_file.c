/* SPDX-License-Identifier: ISC */
#include "shm/shm_file.h"

#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"
#include "support/child.h"
#include "support/shm_fixture.h"

#define SIZE (SHM_LAYOUT_REGION + (SHM_FIXTURE_MB << 20))

static int
set_up(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	shm_fixture_make(t);
	*state = t;
	return 0;
}

static int
tear_down(void **state)
{
	shm_fixture_remove(*state);
	free(*state);
	return 0;
}

TEST_FIXTURE(set_up, tear_down);

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
same_table(const struct shm *a, const struct shm *b)
{
	return memcmp(shm_layout(a)->shm_id, shm_layout(b)->shm_id,
		   SHM_ID_BYTES) == 0;
}

/* A file in use by another version is neither reset nor used. */
TEST(another_versions_file_in_use_is_refused, struct table *t)
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
		{ SHM_LAYOUT_MAGIC, SHM_LAYOUT_VERSION + 1, 0, SIZE, SIZE },
		{ SHM_LAYOUT_MAGIC, SHM_LAYOUT_VERSION, 0, 4096, SIZE },
		{ SHM_LAYOUT_MAGIC, SHM_LAYOUT_VERSION, 0, SIZE, 4096 },
		{ SHM_LAYOUT_MAGIC, SHM_LAYOUT_VERSION, 0, SHM_LAYOUT_REGION,
		    SHM_LAYOUT_REGION },
		{ SHM_LAYOUT_MAGIC, SHM_LAYOUT_VERSION, 0, SIZE + 64,
		    SIZE + 64 },
		{ SHM_LAYOUT_MAGIC, SHM_LAYOUT_VERSION, 0,
		    SHM_LAYOUT_REGION + ((SHM_MEMORY_CACHE_MB_MAX + 1L) << 20),
		    SHM_LAYOUT_REGION +
			((SHM_MEMORY_CACHE_MB_MAX + 1L) << 20) },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct stat st;
		struct shm *m;
		int fd;

		write_table(t, &cases[i], 24, 0600);
		assert_int_equal(truncate(t->path, cases[i].length), 0);
		fd = open(t->path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(
		    shm_file_lock(fd, F_RDLCK, SHM_LAYOUT_LOCK_LIFE), 0);
		assert_int_equal(
		    shm_attach(t->dir, SHM_FIXTURE_MB, &m), ERR_INVALID);
		assert_null(m);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, cases[i].length);
		assert_int_equal(close(fd), 0);
		/* And once they are gone, it is ours. */
		m = shm_fixture_open(t);
		assert_int_equal(shm_layout(m)->version, SHM_LAYOUT_VERSION);
		shm_detach(m);
	}
}

TEST(a_file_that_others_may_have_is_refused, struct table *t)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0601 };
	char elsewhere[PATH_MAX + 8];
	struct stat st;
	struct shm *m;

	for (size_t i = 0; i < NELEMS(modes); i++) {
		write_table(t, "", 0, modes[i]);
		assert_int_equal(
		    shm_attach(t->dir, SHM_FIXTURE_MB, &m), ERR_UNAVAILABLE);
		assert_null(m);
		assert_int_equal(stat(t->path, &st), 0);
		assert_int_equal(st.st_size, 0);
	}
	assert_int_equal(unlink(t->path), 0);
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s-else", t->path);
	assert_int_equal(symlink(elsewhere, t->path), 0);
	assert_int_equal(
	    shm_attach(t->dir, SHM_FIXTURE_MB, &m), ERR_UNAVAILABLE);
	assert_int_equal(access(elsewhere, F_OK), -1);
	assert_int_equal(unlink(t->path), 0);
	assert_int_equal(mkfifo(t->path, 0600), 0);
	assert_int_equal(
	    shm_attach(t->dir, SHM_FIXTURE_MB, &m), ERR_UNAVAILABLE);
	assert_int_equal(unlink(t->path), 0);
	assert_int_equal(mkdir(t->path, 0700), 0);
	assert_int_equal(
	    shm_attach(t->dir, SHM_FIXTURE_MB, &m), ERR_UNAVAILABLE);
	assert_null(m);
}

TEST(the_file_belongs_to_the_owner_of_the_folder, struct table *t)
{
	struct shm *m;
	struct stat st;

	if (geteuid() != 0)
		skip(); /* only root can give files away */
	assert_int_equal(chown(t->dir, 1234, 1235), 0);
	for (int i = 0; i < 2; i++) {
		m = shm_fixture_open(t);
		assert_int_equal(stat(t->path, &st), 0);
		assert_int_equal(st.st_uid, 1234);
		assert_int_equal(st.st_gid, 1235);
		assert_int_equal(st.st_mode & 07777, 0600);
		shm_detach(m);
	}
	assert_int_equal(chown(t->path, 4321, 4321), 0);
	assert_int_equal(
	    shm_attach(t->dir, SHM_FIXTURE_MB, &m), ERR_UNAVAILABLE);
}

static void
open_with_little_room(void *ctx)
{
	struct table *t = ctx;
	struct rlimit limit = { 1 << 20, 1 << 20 };
	struct shm *m;

	child_check(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	child_check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	child_check(shm_attach(t->dir, SHM_FIXTURE_MB, &m) == ERR_UNAVAILABLE);
	child_check(m == NULL);
}

TEST(every_byte_has_its_place_on_the_disk, struct table *t)
{
	unsigned char *area;
	size_t area_size;
	struct shm *m;
	struct stat st;

	child_passed(child_start(open_with_little_room, t));
	/* What was full, sparse, or too long, is none of it afterwards. */
	for (int i = 0; i < 3; i++) {
		m = shm_fixture_open(t);
		assert_int_equal(stat(t->path, &st), 0);
		assert_int_equal(st.st_size, SIZE);
		assert_true(st.st_blocks * 512 >= (blkcnt_t)SIZE);
		area = shm_region(m, &area_size);
		assert_int_equal(area_size, SHM_FIXTURE_MB << 20);
		for (size_t k = 0; k < area_size; k++)
			assert_true(area[k] == 0);
		memset(area, 7, area_size);
		for (size_t k = 0; k < SHM_LAYOUT_GENERATIONS; k++)
			assert_true(shm_layout(m)->generation[k] == 0);
		shm_layout(m)->generation[7] = 7;
		shm_detach(m);
		if (i == 1)
			assert_int_equal(truncate(t->path, 0), 0);
		if (i >= 1)
			assert_int_equal(truncate(t->path, 2 * (off_t)SIZE), 0);
	}
}

TEST(the_first_one_says_how_large_the_area_is, struct table *t)
{
	static const int wrong[] = { -1, 0, SHM_MEMORY_CACHE_MB_MAX + 1 };
	struct shm *first, *other;
	size_t first_size, size;

	for (size_t i = 0; i < NELEMS(wrong); i++) {
		assert_int_equal(
		    shm_attach(t->dir, wrong[i], &first), ERR_INVALID);
		assert_null(first);
	}
	assert_int_equal(shm_attach(t->dir, 3, &first), ERR_OK);
	assert_int_equal(shm_attach(t->dir, 5, &other), ERR_OK);
	((char *)shm_region(first, &first_size))[(3 << 20) - 1] = 'x';
	assert_int_equal(first_size, 3 << 20);
	assert_int_equal(
	    ((char *)shm_region(other, &size))[first_size - 1], 'x');
	assert_int_equal(size, first_size);
	assert_true(shm_is_current(first));
	assert_true(shm_is_current(other));
	shm_detach(first);
	shm_detach(other);
	assert_int_equal(shm_attach(t->dir, 2, &first), ERR_OK);
	assert_int_equal((uintptr_t)shm_region(first, &size) % 4096, 0);
	assert_int_equal(size, 2 << 20);
	shm_detach(first);
}

static void
attach_from_its_folder(void *ctx)
{
	struct table *t = ctx;
	struct shm *m, *other;

	child_check(shm_attach(t->dir, SHM_FIXTURE_MB, &other) == ERR_OK);
	child_check(chdir(t->dir) == 0);
	child_check(shm_attach(".", SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(same_table(m, other));
	child_check(chdir("/") == 0);
	child_check(shm_is_current(m));
}

TEST(every_name_of_a_folder_leads_to_its_one_file, struct table *t)
{
	char link[PATH_MAX / 2], none[PATH_MAX / 2];
	struct shm *m, *other;

	(void)snprintf(link, sizeof(link), "%s/alias", t->dir);
	assert_int_equal(symlink(t->dir, link), 0);
	m = shm_fixture_open(t);
	assert_int_equal(shm_attach(link, SHM_FIXTURE_MB, &other), ERR_OK);
	assert_true(same_table(m, other));
	shm_detach(other);
	child_passed(child_start(attach_from_its_folder, t));
	shm_detach(m);

	(void)snprintf(none, sizeof(none), "%s/none", t->dir);
	assert_int_equal(shm_attach(none, SHM_FIXTURE_MB, &m), ERR_UNAVAILABLE);
	assert_int_equal(shm_attach("", SHM_FIXTURE_MB, &m), ERR_UNAVAILABLE);
	assert_null(m);
}

static void
open_without_standard_error(void *ctx)
{
	struct table *t = ctx;
	struct shm *m;
	int fd;

	child_check(close(0) == 0 && close(1) == 0 && close(2) == 0);
	child_check(shm_attach(t->dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	log_event(LOG_LEVEL_ERROR, "into_the_file", "this=goes=nowhere");
	child_check(shm_layout(m)->magic == SHM_LAYOUT_MAGIC);
	child_check(shm_reopen(m, &fd) == ERR_OK);
	child_check(fd > 2);
}

TEST(no_log_line_lands_in_the_file)
{
	child_passed(child_start(open_without_standard_error, *state));
}
