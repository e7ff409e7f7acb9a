/* SPDX-License-Identifier: ISC */
#include "base/line_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One that others may write to says what others want. */
static const char *
file_flaw(FILE *file)
{
	struct stat st;

	if (fstat(fileno(file), &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is no file";
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "may be written by others: chmod go-w it";
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return "belongs to someone else";
	return NULL;
}

static char *
trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static const char *
take_line(const struct line_file *l, char *line, size_t len)
{
	if (strlen(line) != len)
		return "holds a zero byte";
	if (len > LINE_FILE_LENGTH_MAX)
		return "is too long";
	line = trim(line);
	return line[0] == '\0' || line[0] == '#' ? NULL : l->take(l->ctx, line);
}

static enum err
read_file(const struct line_file *l, FILE *file)
{
	const char *flaw = file_flaw(file);
	char *line = NULL;
	size_t size = 0;
	int number = 0;
	ssize_t len;

	if (flaw != NULL) {
		(void)snprintf(l->why, l->why_size, "%.256s %s", l->path, flaw);
		return ERR_INVALID;
	}
	while (flaw == NULL && (len = getline(&line, &size, file)) >= 0) {
		number++;
		flaw = take_line(l, line, (size_t)len);
	}
	free(line);
	if (flaw != NULL)
		(void)snprintf(l->why, l->why_size, "line %d of %.256s %s",
		    number, l->path, flaw);
	else if (ferror(file))
		(void)snprintf(
		    l->why, l->why_size, "cannot read %.256s", l->path);
	else
		return ERR_OK;
	return ERR_INVALID;
}

enum err
line_file_read(const struct line_file *l)
{
	int fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	enum err err;

	if (file == NULL) {
		(void)snprintf(l->why, l->why_size, "cannot open %.256s: %s",
		    l->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ERR_INVALID;
	}
	err = read_file(l, file);
	fclose(file);
	return err;
}
