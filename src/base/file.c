/* SPDX-License-Identifier: ISC */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/str.h"

static enum err
fail(struct file *f, enum err err, const char *doing)
{
	(void)snprintf(f->why, sizeof(f->why), "cannot %s %.256s: %s", doing,
	    f->path, strerror(errno));
	return err;
}

static enum err
refuse(struct file *f, const char *reason)
{
	(void)snprintf(f->why, sizeof(f->why), "%.256s %s", f->path, reason);
	return ERR_INVALID;
}

static enum err
check_access(struct file *f, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail(f, ERR_UNAVAILABLE, "examine");
	if (!S_ISREG(st.st_mode))
		return refuse(f, "is not a regular file");
	f->mode = st.st_mode;
	f->group = st.st_gid;
	if (f->access == FILE_ANY)
		return ERR_OK;
	if (f->access == FILE_PRIVATE &&
	    (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return refuse(f, "can be opened by others: chmod 600 it");
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(f, "can be written by others: chmod go-w it");
	if (st.st_uid != geteuid() && st.st_uid != 0 &&
	    (geteuid() != 0 || f->access == FILE_PRIVATE))
		return refuse(f, "belongs to another user");
	return ERR_OK;
}

static enum err
read_text(struct file *f, int fd)
{
	enum err err = ERR_OK;
	char chunk[4096];
	ssize_t n;

	while (err == ERR_OK && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = fail(f, ERR_UNAVAILABLE, "read");
		else if ((size_t)n > f->max - f->text.len)
			err = refuse(f, "is too long");
		else
			buf_append(&f->text, chunk, (size_t)n);
	}
	buf_puts(&f->text, ""); /* an empty file is "", not NULL */
	secret_wipe(chunk, sizeof(chunk));
	if (err == ERR_OK && f->text.failed)
		err = fail(f, ERR_UNAVAILABLE, "read");
	return err;
}

bool
file_group_is_ours(gid_t group)
{
	return group == getegid() || group_member(group);
}

enum err
file_read(struct file *f)
{
	/* O_NONBLOCK: opening a pipe must not wait for its writer. */
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum err err;

	if (fd < 0)
		return fail(f,
		    errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "open");
	err = check_access(f, fd);
	if (err == ERR_OK)
		err = read_text(f, fd);
	if (err != ERR_OK)
		buf_clear(&f->text);
	(void)close(fd);
	return err;
}

enum err
file_folder(char dst[PATH_MAX], const char *path)
{
	char copy[PATH_MAX];

	errno = ENAMETOOLONG;
	if (str_copy(copy, sizeof(copy), path) != ERR_OK)
		return ERR_INVALID;
	return str_copy(dst, PATH_MAX, dirname(copy));
}

static bool
same_inode(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 &&
	    one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

bool
file_same(const char *a, const char *b)
{
	char folder_a[PATH_MAX], folder_b[PATH_MAX];

	return same_inode(a, b) ||
	    (strcmp(last_part(a), last_part(b)) == 0 &&
		file_folder(folder_a, a) == ERR_OK &&
		file_folder(folder_b, b) == ERR_OK &&
		same_inode(folder_a, folder_b));
}

static bool
sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	bool synced;

	if (fd < 0)
		return false;
	synced = fsync(fd) == 0;
	(void)close(fd);
	return synced;
}

bool
file_sync(const char *path)
{
	return sync_path(path, 0);
}

bool
file_sync_folder(const char *path)
{
	char folder[PATH_MAX];

	return file_folder(folder, path) == ERR_OK &&
	    sync_path(folder, O_DIRECTORY);
}
