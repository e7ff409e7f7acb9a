/* SPDX-License-Identifier: ISC */
#include "support/files.h"

#include "base/err.h"
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void
files_read(const char *path, struct buf *all)
{
	char block[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		fail_msg("cannot read %s", path);
	while ((n = read(fd, block, sizeof(block))) > 0)
		buf_append(all, block, (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(close(fd), 0);
}

void
files_write(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(close(fd), 0);
}

void
files_copy(const char *from, const char *to)
{
	struct buf all = { 0 };

	files_read(from, &all);
	files_write(to, all.data, all.len);
	buf_clear(&all);
}

bool
files_hold(const char *path, const struct buf *all)
{
	struct buf now = { 0 };
	bool same;

	files_read(path, &now);
	same = now.len == all->len &&
	    (all->len == 0 || memcmp(now.data, all->data, all->len) == 0);
	buf_clear(&now);
	return same;
}

void
files_put(const char *path, off_t at, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), len);
	assert_int_equal(close(fd), 0);
}

void
files_move_database(const char *from, const char *to)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < NELEMS(suffixes); i++) {
		char a[256], b[256];

		snprintf(a, sizeof(a), "%s%s", from, suffixes[i]);
		snprintf(b, sizeof(b), "%s%s", to, suffixes[i]);
		assert_int_equal(rename(a, b), 0);
	}
}
