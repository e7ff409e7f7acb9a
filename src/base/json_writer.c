/* SPDX-License-Identifier: ISC */
#include "base/json_writer.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_value.h"
#include "base/str.h"

void
json_write_begin(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){ .out = out };
}

enum err
json_write_end(struct json_writer *w)
{
	if (w->failed || w->out->failed || w->depth != 0 || !w->more)
		return ERR_INTERNAL;
	return ERR_OK;
}

/* ---- strings ---- */

/* ASCII that needs no escape: all but controls, '"' and '\'. */
static bool
is_plain(unsigned char c)
{
	static const bool plain[256] = {
		[' ' ... '!'] = true,
		['#' ... '['] = true,
		[']' ... '~'] = true,
	};

	return plain[c];
}

/* Length of the non-ASCII character at ${p}; 0 if it is not UTF-8. */
static size_t
utf8_length(const char *p)
{
	unsigned char c = (unsigned char)*p;
	size_t len, chars;

	len = strnlen(p, c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4);
	return str_utf8_chars(p, len, &chars) == ERR_OK && chars == 1 ? len : 0;
}

static void
put_escaped(struct buf *out, char c)
{
	unsigned char byte = (unsigned char)c;
	char code[] = "\\u00xx";

	switch (c) {
	case '"': buf_puts(out, "\\\""); break;
	case '\\': buf_puts(out, "\\\\"); break;
	case '\n': buf_puts(out, "\\n"); break;
	case '\r': buf_puts(out, "\\r"); break;
	case '\t': buf_puts(out, "\\t"); break;
	default:
		str_hex(code + 4, &byte, 1);
		buf_append(out, code, sizeof(code) - 1);
	}
}

/* Copy runs that need no escape at once. */
static void
put_runs(struct buf *out, const char *text)
{
	const char *run = text, *p = text;

	buf_append(out, "\"", 1);
	for (;;) {
		size_t len = 0;

		while (is_plain((unsigned char)*p))
			p++;
		if ((unsigned char)*p >= 0x80)
			len = utf8_length(p);
		if (len > 0) {
			p += len;
			continue;
		}
		buf_append(out, run, (size_t)(p - run));
		if (*p == '\0')
			break;
		if ((unsigned char)*p >= 0x80)
			buf_puts(out, "\xef\xbf\xbd"); /* U+FFFD: not UTF-8 */
		else
			put_escaped(out, *p);
		run = ++p;
	}
	buf_append(out, "\"", 1);
}

/*
 * Append ${text} as a string, with a comma before it and a colon behind it if
 * wanted.  Most strings are one run.
 */
static void
put_string(struct buf *out, bool comma, const char *text, bool colon)
{
	size_t len = 0;
	char *p;

	while (is_plain((unsigned char)text[len]))
		len++;
	if (text[len] != '\0') {
		buf_append(out, ",", comma);
		put_runs(out, text);
		buf_append(out, ":", colon);
		return;
	}
	p = buf_extend(out, comma + len + 2 + colon);
	if (p == NULL)
		return;
	if (comma)
		*p++ = ',';
	*p++ = '"';
	p = mempcpy(p, text, len);
	*p++ = '"';
	if (colon)
		*p = ':';
}

/* ---- structure ---- */

static bool
in_array(const struct json_writer *w)
{
	return (w->arrays >> (w->depth - 1) & 1) != 0;
}

/* Write comma and name of the next value; false if none may follow. */
static bool
begin_value(struct json_writer *w, const char *name)
{
	bool needs_name = w->depth > 0 && !in_array(w);

	if (w->failed || needs_name != (name != NULL) ||
	    (w->depth == 0 && w->more))
		w->failed = true;
	if (w->failed)
		return false;
	if (name != NULL)
		put_string(w->out, w->more, name, true);
	else if (w->more)
		buf_append(w->out, ",", 1);
	w->more = true;
	return true;
}

static void
begin_nested(struct json_writer *w, const char *name, bool array)
{
	if (w->depth == JSON_WRITER_DEPTH_MAX)
		w->failed = true;
	if (!begin_value(w, name))
		return;
	buf_append(w->out, array ? "[" : "{", 1);
	w->arrays &= ~((uint64_t)1 << w->depth);
	w->arrays |= (uint64_t)array << w->depth;
	w->depth++;
	w->more = false;
}

void
json_write_object(struct json_writer *w, const char *name)
{
	begin_nested(w, name, false);
}

void
json_write_array(struct json_writer *w, const char *name)
{
	begin_nested(w, name, true);
}

void
json_write_close(struct json_writer *w)
{
	if (w->depth == 0)
		w->failed = true;
	if (w->failed)
		return;
	buf_append(w->out, in_array(w) ? "]" : "}", 1);
	w->depth--;
	w->more = true;
}

/* ---- values ---- */

void
json_write_string(struct json_writer *w, const char *name, const char *value)
{
	if (value == NULL)
		w->failed = true;
	if (begin_value(w, name))
		put_string(w->out, false, value, false);
}

void
json_write_int(struct json_writer *w, const char *name, int64_t value)
{
	char digits[STR_INT_SIZE];

	if (value < -JSON_VALUE_INT_MAX || value > JSON_VALUE_INT_MAX)
		w->failed = true;
	if (begin_value(w, name))
		buf_append(w->out, digits, str_int(digits, value));
}

void
json_write_real(struct json_writer *w, const char *name, double value)
{
	if (fabs(value) <= (double)JSON_VALUE_INT_MAX &&
	    value == trunc(value)) {
		json_write_int(w, name, (int64_t)value);
		return;
	}
	if (!isfinite(value))
		w->failed = true;
	if (begin_value(w, name))
		buf_printf(w->out, "%.17g", value);
}

void
json_write_bool(struct json_writer *w, const char *name, bool value)
{
	if (begin_value(w, name))
		buf_puts(w->out, value ? "true" : "false");
}

void
json_write_null(struct json_writer *w, const char *name)
{
	if (begin_value(w, name))
		buf_puts(w->out, "null");
}
