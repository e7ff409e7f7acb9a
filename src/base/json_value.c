/* SPDX-License-Identifier: ISC */
#include "base/json_value.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <jansson.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"

/* cJSON copies a number into 64 bytes and silently truncates it. */
#define NUMBER_CHARS_MAX 63

/* A struct json_value is a cJSON item. */
static cJSON *
item_of(const struct json_value *v)
{
	return (cJSON *)v;
}

static struct json_value *
value_of(cJSON *item)
{
	return (struct json_value *)item;
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
 * Session ids and passwords pass through both libraries, which would leave them
 * in freed memory.
 */
static void
hooks_ensure(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, hooks_install);
}

/*
 * Check what neither library does: nesting, the length of numbers, and NUL,
 * which jansson takes for the end of the text.  Strings are skipped; the
 * parsers check the rest.
 */
static bool
within_bounds(const char *text, size_t len)
{
	size_t depth = 0, number = 0;
	bool in_string = false;

	if (len == 0 || len > JSON_VALUE_BYTES_MAX ||
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
		else if ((c == '[' || c == '{') &&
		    ++depth > JSON_VALUE_DEPTH_MAX)
			return false;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return true;
}

/*
 * Validate with jansson: cJSON accepts invalid UTF-8, NUL in strings, duplicate
 * names and control characters.
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
json_value_parse(const char *text, size_t len, struct json_value **root_out)
{
	cJSON *item;
	enum err err;

	*root_out = NULL;
	hooks_ensure();
	if (!within_bounds(text, len))
		return ERR_INVALID;
	if ((err = check_strictly(text, len)) != ERR_OK)
		return err;
	/*
	 * cJSON accepts all that jansson does, so it fails only without memory.
	 * It writes the position of errors to a global, which is harmless while
	 * no thread reads it: never call cJSON_GetErrorPtr().
	 */
	item = cJSON_ParseWithLength(text, len);
	if (item == NULL)
		return ERR_INTERNAL;
	*root_out = value_of(item);
	return ERR_OK;
}

void
json_value_free(struct json_value *root)
{
	cJSON_Delete(item_of(root)); /* wipes: hooks_ensure() */
}

bool
json_value_is_object(const struct json_value *v)
{
	return cJSON_IsObject(item_of(v)) != 0;
}

bool
json_value_is_array(const struct json_value *v)
{
	return cJSON_IsArray(item_of(v)) != 0;
}

const struct json_value *
json_value_member(const struct json_value *v, const char *name)
{
	if (!json_value_is_object(v))
		return NULL;
	return value_of(cJSON_GetObjectItemCaseSensitive(item_of(v), name));
}

size_t
json_value_size(const struct json_value *v)
{
	if (!json_value_is_object(v) && !json_value_is_array(v))
		return 0;
	return (size_t)cJSON_GetArraySize(item_of(v));
}

const struct json_value *
json_value_at(const struct json_value *v, size_t i)
{
	if (!json_value_is_array(v) || i > INT32_MAX)
		return NULL;
	return value_of(cJSON_GetArrayItem(item_of(v), (int)i));
}

const char *
json_value_string(const struct json_value *v)
{
	return cJSON_GetStringValue(item_of(v));
}

enum err
json_value_floor(const struct json_value *v, int64_t *value_out)
{
	double value;

	*value_out = 0;
	if (!cJSON_IsNumber(item_of(v)))
		return ERR_INVALID;
	value = floor(item_of(v)->valuedouble);
	if (!(fabs(value) <= (double)JSON_VALUE_INT_MAX))
		return ERR_INVALID;
	*value_out = (int64_t)value;
	return ERR_OK;
}

enum err
json_value_int(const struct json_value *v, int64_t *value_out)
{
	enum err err = json_value_floor(v, value_out);

	if (err == ERR_OK && (double)*value_out != item_of(v)->valuedouble) {
		*value_out = 0;
		err = ERR_INVALID;
	}
	return err;
}

enum err
json_value_bool(const struct json_value *v, bool *value_out)
{
	*value_out = false;
	if (!cJSON_IsBool(item_of(v)))
		return ERR_INVALID;
	*value_out = cJSON_IsTrue(item_of(v)) != 0;
	return ERR_OK;
}

bool
json_value_is_null(const struct json_value *v)
{
	return cJSON_IsNull(item_of(v)) != 0;
}

enum err
json_value_copy_string(
    const struct json_value *v, const char *name, char *dst, size_t size)
{
	const char *text = json_value_string(json_value_member(v, name));

	dst[0] = '\0';
	return text == NULL ? ERR_INVALID : str_copy(dst, size, text);
}

struct json_value *
json_value_object(void)
{
	hooks_ensure();
	return value_of(cJSON_CreateObject());
}

bool
json_value_put_string(struct json_value *v, const char *name, const char *value)
{
	cJSON *item;

	assert(json_value_is_object(v));
	item = cJSON_CreateString(value);
	if (item != NULL && cJSON_AddItemToObject(item_of(v), name, item))
		return true;
	cJSON_Delete(item);
	return false;
}
