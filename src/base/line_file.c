/* SPDX-License-Identifier: ISC */
#include "base/line_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

/* Parse the line at ${line}, which ends at ${len} and is NUL-terminated. */
static const char *
parse_line(const struct line_file *l, char *line, size_t len)
{
	if (strlen(line) != len)
		return "holds a zero byte";
	if (len > LINE_FILE_LENGTH_MAX)
		return "is too long";
	line = str_trim(line);
	if (line[0] == '\0' || line[0] == '#')
		return NULL;
	return l->parse(l->ctx, line);
}

static enum err
parse_lines(const struct line_file *l, struct buf *text)
{
	static const char mark[] = "\xef\xbb\xbf";
	char *line = text->data, *last = text->data + text->len;

	if (strncmp(line, mark, strlen(mark)) == 0)
		line += strlen(mark);
	for (int number = 1; line < last; number++) {
		char *end = memchr(line, '\n', (size_t)(last - line));
		const char *flaw;

		if (end == NULL)
			end = last;
		*end = '\0';
		flaw = parse_line(l, line, (size_t)(end - line));
		if (flaw != NULL) {
			(void)snprintf(l->why, l->why_size,
			    "line %d of %.256s %s", number, l->path, flaw);
			return ERR_INVALID;
		}
		line = end + 1;
	}
	return ERR_OK;
}

enum err
line_file_read(struct line_file *l)
{
	struct file file = { .path = l->path,
		.access = FILE_READABLE,
		.max = LINE_FILE_BYTES_MAX };
	enum err err = file_read(&file);

	if (err == ERR_NOT_FOUND && l->optional)
		return ERR_OK;
	if (err != ERR_OK) {
		(void)snprintf(l->why, l->why_size, "%s", file.why);
		return ERR_INVALID;
	}
	l->others_may_read = (file.mode & S_IROTH) != 0;
	err = parse_lines(l, &file.text);
	buf_clear(&file.text);
	return err;
}
