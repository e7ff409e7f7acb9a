/* SPDX-License-Identifier: ISC */
#include "base/document.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <jansson.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "base/writer.h"

/* cJSON reads a number into 64 bytes and silently cuts a longer one. */
#define NUMBER_CHARS_MAX 63

/*
 * A struct document is a cJSON item.  Of an object the member valueint is not
 * used by cJSON: there we note that a put has failed.
 */
static cJSON *
item_of(const struct document *doc)
{
	return (cJSON *)doc;
}

static struct document *
document_of(cJSON *item)
{
	return (struct document *)item;
}

static void
wiping_free(void *p)
{
	if (p == NULL)
		return;
	secret_wipe(p, malloc_usable_size(p));
	free(p);
}

static void
hooks_install(void)
{
	cJSON_Hooks hooks = { .malloc_fn = malloc, .free_fn = wiping_free };

	cJSON_InitHooks(&hooks);
	json_set_alloc_funcs(malloc, wiping_free);
}

/*
 * Session ids and passwords pass through both libraries, which leave them
 * behind in freed memory unless the freeing is ours.
 */
static void
hooks_ensure(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, hooks_install);
}

/*
 * What neither library bounds as we need it: nesting, the length of a number,
 * and a NUL, which jansson takes for the end of the text.  Knows just enough of
 * JSON to skip strings; the loaders judge the rest.
 */
static bool
within_bounds(const char *text, size_t len)
{
	size_t depth = 0, number = 0;
	bool in_string = false;

	if (len == 0 || len > DOCUMENT_BYTES_MAX ||
	    memchr(text, 0, len) != NULL)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if ((c >= '0' && c <= '9') || c == '-' || c == '+' ||
		    c == '.' || c == 'e' || c == 'E')
			number++;
		else
			number = 0;
		if (number > NUMBER_CHARS_MAX)
			return false;
		if (c == '"')
			in_string = true;
		else if ((c == '[' || c == '{') && ++depth > DOCUMENT_DEPTH_MAX)
			return false;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return true;
}

/*
 * Is this JSON and nothing else?  cJSON alone takes invalid UTF-8, strings
 * that hold NUL, duplicate names, and control characters.
 */
static enum err
check_strictly(const char *text, size_t len)
{
	json_error_t error = { 0 };
	json_t *json;

	json = json_loadb(
	    text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (json == NULL)
		return json_error_code(&error) == json_error_out_of_memory
		    ? ERR_INTERNAL
		    : ERR_INVALID;
	json_decref(json);
	return ERR_OK;
}

enum err
document_parse(const char *text, size_t len, struct document **doc_out)
{
	cJSON *item;
	enum err err;

	*doc_out = NULL;
	hooks_ensure();
	if (!within_bounds(text, len))
		return ERR_INVALID;
	if ((err = check_strictly(text, len)) != ERR_OK)
		return err;
	/*
	 * Nothing is left that cJSON could refuse, so only memory can lack.
	 * It notes an error's place in a global, which threads may do at once
	 * because nobody reads it: never call cJSON_GetErrorPtr().
	 */
	item = cJSON_ParseWithLength(text, len);
	if (item == NULL)
		return ERR_INTERNAL;
	*doc_out = document_of(item);
	return ERR_OK;
}

void
document_free(struct document *doc)
{
	cJSON_Delete(item_of(doc)); /* wipes: hooks_ensure() */
}

bool
document_is_object(const struct document *doc)
{
	return cJSON_IsObject(item_of(doc)) != 0;
}

bool
document_is_array(const struct document *doc)
{
	return cJSON_IsArray(item_of(doc)) != 0;
}

const struct document *
document_member(const struct document *doc, const char *name)
{
	if (!document_is_object(doc))
		return NULL;
	return document_of(
	    cJSON_GetObjectItemCaseSensitive(item_of(doc), name));
}

size_t
document_size(const struct document *doc)
{
	if (!document_is_object(doc) && !document_is_array(doc))
		return 0;
	return (size_t)cJSON_GetArraySize(item_of(doc));
}

const struct document *
document_at(const struct document *doc, size_t i)
{
	if (!document_is_array(doc) || i > INT32_MAX)
		return NULL;
	return document_of(cJSON_GetArrayItem(item_of(doc), (int)i));
}

const char *
document_string(const struct document *doc)
{
	return cJSON_GetStringValue(item_of(doc));
}

enum err
document_int(const struct document *doc, int64_t *value_out)
{
	double value;

	*value_out = 0;
	if (!cJSON_IsNumber(item_of(doc)))
		return ERR_INVALID;
	value = item_of(doc)->valuedouble;
	if (!(fabs(value) <= (double)DOCUMENT_INT_MAX) || value != trunc(value))
		return ERR_INVALID;
	*value_out = (int64_t)value;
	return ERR_OK;
}

enum err
document_bool(const struct document *doc, bool *value_out)
{
	*value_out = false;
	if (!cJSON_IsBool(item_of(doc)))
		return ERR_INVALID;
	*value_out = cJSON_IsTrue(item_of(doc)) != 0;
	return ERR_OK;
}

bool
document_is_null(const struct document *doc)
{
	return cJSON_IsNull(item_of(doc)) != 0;
}

enum err
document_read_text(
    const struct document *doc, const char *name, char *dst, size_t size)
{
	const char *text = document_string(document_member(doc, name));

	dst[0] = '\0';
	return text == NULL ? ERR_INVALID : text_copy(dst, size, text);
}

enum err
document_read_int(
    const struct document *doc, const char *name, int64_t *value_out)
{
	return document_int(document_member(doc, name), value_out);
}

struct document *
document_object(void)
{
	hooks_ensure();
	return document_of(cJSON_CreateObject());
}

/* Add ${item}, and take it; a failure is noted on ${doc}. */
static bool
add(struct document *doc, const char *name, cJSON *item)
{
	assert(document_is_object(doc));
	if (item != NULL && cJSON_AddItemToObject(item_of(doc), name, item))
		return true;
	cJSON_Delete(item);
	item_of(doc)->valueint = 1;
	return false;
}

bool
document_put_string(struct document *doc, const char *name, const char *value)
{
	if (doc == NULL)
		return false;
	return add(doc, name, value != NULL ? cJSON_CreateString(value) : NULL);
}

bool
document_put_int(struct document *doc, const char *name, int64_t value)
{
	bool exact = value >= -DOCUMENT_INT_MAX && value <= DOCUMENT_INT_MAX;

	if (doc == NULL)
		return false;
	return add(doc, name, exact ? cJSON_CreateNumber((double)value) : NULL);
}

/* Recursion is bounded by the parser. */
static void
print_item(const cJSON *item, const char *name, struct writer *w)
{
	if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
		bool object = cJSON_IsObject(item) != 0;

		if (item->valueint != 0)
			w->failed = true; /* a put had failed: add() */
		if (object)
			writer_object(w, name);
		else
			writer_array(w, name);
		for (const cJSON *at = item->child; at; at = at->next)
			print_item(at, object ? at->string : NULL, w);
		writer_close(w);
	} else if (cJSON_IsString(item)) {
		writer_string(w, name, item->valuestring);
	} else if (cJSON_IsNumber(item)) {
		writer_real(w, name, item->valuedouble);
	} else if (cJSON_IsBool(item)) {
		writer_bool(w, name, cJSON_IsTrue(item) != 0);
	} else {
		writer_null(w, name);
	}
}

/*
 * Not by cJSON's printer: that writes 1e+15 for a whole number, passes on text
 * that is not UTF-8, and copies secrets about as it grows.
 */
enum err
document_print(const struct document *doc, struct buf *out)
{
	struct writer w;

	if (doc == NULL)
		return ERR_INTERNAL;
	writer_begin(&w, out);
	print_item(item_of(doc), NULL, &w);
	return writer_end(&w);
}
