/* SPDX-License-Identifier: ISC */
#include "support/disk.h"

#include "support/test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "support/process.h"

#define TOOL_MS 60000

bool
disk_private(void)
{
	if (unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return true;
	perror("a mount namespace of our own");
	return false;
}

static void
make_folder(struct disk *d)
{
	memset(d, 0, sizeof(*d));
	snprintf(d->dir, sizeof(d->dir), "/tmp/latchkey-disk-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
}

void
disk_mount(struct disk *d, int mib)
{
	char options[64];

	make_folder(d);
	snprintf(options, sizeof(options), "size=%dm,mode=0700", mib);
	assert_int_equal(mount("none", d->dir, "tmpfs", 0, options), 0);
}

static bool
tool(const char *const *argv)
{
	struct process_options p = { .argv = argv, .stdin_fd = -1 };

	return process_stop(process_start(&p), 0, TOOL_MS) == 0;
}

static bool
attach(const struct disk *d)
{
	const char *const mount[] = { "mount", "-o", "loop,errors=remount-ro",
		d->image, d->dir, NULL };

	return tool(mount);
}

bool
disk_mount_image(struct disk *d, int mib)
{
	const char *const mkfs[] = { "/sbin/mkfs.ext4", "-q", d->image, NULL };
	int fd;

	make_folder(d);
	snprintf(d->image, sizeof(d->image), "%s.img", d->dir);
	fd = open(d->image, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)mib << 20), 0);
	assert_int_equal(close(fd), 0);
	if (tool(mkfs) && attach(d))
		return true;
	assert_int_equal(unlink(d->image), 0);
	assert_int_equal(rmdir(d->dir), 0);
	return false;
}

static void
filler_path(const struct disk *d, char path[80])
{
	snprintf(path, 80, "%s/filler", d->dir);
}

void
disk_fill(const struct disk *d)
{
	static const char block[4096] = { 1 };
	char path[80];
	int fd;

	filler_path(d, path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		continue;
	assert_int_equal(close(fd), 0);
}

void
disk_empty(const struct disk *d)
{
	char path[80];

	filler_path(d, path);
	assert_int_equal(unlink(path), 0);
}

void
disk_break(const struct disk *d)
{
	assert_int_equal(mount("none", d->dir, NULL, MS_REMOUNT, "abort"), 0);
}

/* A process that was killed may have a thread that is not through yet. */
static bool
let_go(void *ctx)
{
	const struct disk *d = ctx;

	return umount(d->dir) == 0;
}

void
disk_mend(struct disk *d)
{
	const char *const fsck[] = { "/sbin/e2fsck", "-fy", d->image, NULL };

	assert_true(process_until(let_go, d, TOOL_MS));
	(void)tool(fsck); /* 1 says that something was mended */
	assert_true(attach(d));
}

void
disk_unmount(struct disk *d)
{
	assert_true(process_until(let_go, d, TOOL_MS));
	assert_int_equal(rmdir(d->dir), 0);
	if (d->image[0] != '\0')
		assert_int_equal(unlink(d->image), 0);
}
