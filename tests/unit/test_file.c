/* SPDX-License-Identifier: ISC */
#include "base/file.h"

#include "support/child.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/latchkey-file.XXXXXX";
static char path[64];

static int
set_up(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

TEST_FIXTURE(set_up, tear_down);

static void
write_file(const char *text, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
expect_error(struct file f, enum err expect, const char *why)
{
	assert_int_equal(file_read(&f), expect);
	assert_null(f.text.data);
	if (strstr(f.why, why) == NULL || strstr(f.why, f.path) == NULL)
		fail_msg("%s", f.why);
}

TEST(a_file_is_read_whole_up_to_its_bound)
{
	struct file f = { .path = path, .max = 5 };

	write_file("a\0b\n\n", 5, 0600);
	assert_int_equal(file_read(&f), ERR_OK);
	assert_int_equal(f.text.len, 5);
	assert_memory_equal(f.text.data, "a\0b\n\n", 6);
	buf_clear(&f.text);
	f.max = 4;
	expect_error(f, ERR_INVALID, "too long");
	write_file("", 0, 0600);
	assert_int_equal(file_read(&f), ERR_OK);
	assert_string_equal(f.text.data, "");
	buf_clear(&f.text);
}

TEST(permissions_follow_the_rule)
{
	static const struct {
		mode_t mode;
		enum file_access access;
		enum err expect;
	} cases[] = {
		{ 0600, FILE_PRIVATE, ERR_OK },
		{ 0400, FILE_PRIVATE, ERR_OK },
		{ 0640, FILE_PRIVATE, ERR_INVALID },
		{ 0604, FILE_PRIVATE, ERR_INVALID },
		{ 0601, FILE_PRIVATE, ERR_INVALID },
		{ 0644, FILE_READABLE, ERR_OK },
		{ 0664, FILE_READABLE, ERR_INVALID },
		{ 0602, FILE_READABLE, ERR_INVALID },
		{ 0666, FILE_ANY, ERR_OK },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct file f = {
			.path = path, .access = cases[i].access, .max = 10
		};

		write_file("x", 1, cases[i].mode);
		assert_int_equal(file_read(&f), cases[i].expect);
		assert_int_equal(f.mode & 0777, cases[i].mode);
		buf_clear(&f.text);
	}
}

static void
read_as_other_user(void *ctx)
{
	struct file f = { .path = path, .access = FILE_READABLE, .max = 10 };

	(void)ctx;
	child_check(chmod(folder, 0755) == 0 && chmod(path, 0644) == 0);
	child_check(setresuid(54321, 54321, 54321) == 0);
	child_check(file_read(&f) == ERR_INVALID);
	child_check(strstr(f.why, "another user") != NULL);
}

TEST(the_owner_must_be_this_user_or_root)
{
	struct file f = { .path = path, .max = 10 };

	if (geteuid() != 0)
		skip();
	write_file("x", 1, 0600);
	assert_int_equal(chown(path, 12345, 12345), 0);
	expect_error(f, ERR_INVALID, "another user");
	/* What is of the service's user serves the commands of root, too. */
	f.access = FILE_READABLE;
	assert_int_equal(file_read(&f), ERR_OK);
	buf_clear(&f.text);
	child_passed(child_start(read_as_other_user, NULL));
	f.access = FILE_ANY;
	assert_int_equal(file_read(&f), ERR_OK);
	buf_clear(&f.text);
}

TEST(only_regular_files_are_read)
{
	struct file f = { .path = path, .access = FILE_ANY, .max = 10 };

	expect_error(f, ERR_NOT_FOUND, "cannot open");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_error(f, ERR_INVALID, "not a regular file");
	f.path = folder;
	expect_error(f, ERR_INVALID, "not a regular file");
}

TEST(the_folder_of_a_path_is_found_and_synced)
{
	char dst[PATH_MAX], too_long[PATH_MAX + 1];

	assert_int_equal(file_folder(dst, "name"), ERR_OK);
	assert_string_equal(dst, ".");
	assert_int_equal(file_folder(dst, "/name"), ERR_OK);
	assert_string_equal(dst, "/");
	assert_int_equal(file_folder(dst, "/a/b/c"), ERR_OK);
	assert_string_equal(dst, "/a/b");
	memset(too_long, 'a', sizeof(too_long));
	too_long[PATH_MAX] = '\0';
	errno = 0;
	assert_int_equal(file_folder(dst, too_long), ERR_INVALID);
	assert_int_equal(errno, ENAMETOOLONG);

	write_file("x", 1, 0600);
	assert_true(file_sync(path));
	assert_true(file_sync_folder(path));
	assert_false(file_sync("/nowhere/x"));
	assert_false(file_sync_folder("/nowhere/x"));
	assert_int_equal(errno, ENOENT);
}

TEST(two_names_of_one_file_are_found)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "file", "file", true },
		{ "file", "./file", true },
		{ "file", "link", true },
		{ "file", "hard", true },
		{ "file", "y", false },
		{ "new", "./new", true },
		{ "new", "old", false },
		{ "new", "/../new", false },
		{ "new", "nowhere/new", false },
	};
	static const char *const made[] = { "y", "link", "hard" };
	char a[PATH_MAX], b[PATH_MAX];

	write_file("x", 1, 0600);
	(void)snprintf(a, sizeof(a), "%s/y", folder);
	assert_int_equal(symlink("/dev/null", a), 0);
	(void)snprintf(b, sizeof(b), "%s/link", folder);
	assert_int_equal(symlink(path, b), 0);
	(void)snprintf(b, sizeof(b), "%s/hard", folder);
	assert_int_equal(link(path, b), 0);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		(void)snprintf(a, sizeof(a), "%s/%s", folder, cases[i].a);
		(void)snprintf(b, sizeof(b), "%s/%s", folder, cases[i].b);
		if (file_same(a, b) != cases[i].same)
			fail_msg("%s %s", a, b);
	}
	for (size_t i = 0; i < NELEMS(made); i++) {
		(void)snprintf(a, sizeof(a), "%s/%s", folder, made[i]);
		assert_int_equal(unlink(a), 0);
	}
}
