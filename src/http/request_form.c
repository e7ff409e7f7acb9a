/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json_value.h"
#include "base/percent.h"
#include "base/secret.h"
#include "base/str.h"
#include "http/response.h"

#define FORM "application/x-www-form-urlencoded"
#define NAME_SIZE 64

static bool
is_form(const struct request *req)
{
	const char *type = req->content_type;
	size_t len = strlen(FORM);

	return strncasecmp(type, FORM, len) == 0 &&
	    strchr("; \t", type[len]) != NULL; /* also at the end of type */
}

/* Decode a part of the form to new text, which the caller wipes and frees. */
static enum err
decode(const char *part, size_t len, char **text_out)
{
	size_t chars;
	char *text;
	enum err err;

	*text_out = NULL;
	text = malloc(len + 1);
	if (text == NULL)
		return ERR_INTERNAL;
	err = percent_decode(part, len, ' ', len + 1, text);
	if (err == ERR_OK)
		err = str_utf8_chars(text, strlen(text), &chars);
	if (err != ERR_OK) {
		secret_wipe(text, len + 1);
		free(text);
		return err;
	}
	*text_out = text;
	return ERR_OK;
}

/* Add the field "name=value" of ${len} bytes to ${json}. */
static enum err
add_field(struct json_value *json, const char *field, size_t len)
{
	const char *end = field + len;
	const char *equals = memchr(field, '=', len);
	const char *value = equals != NULL ? equals + 1 : end;
	char name[NAME_SIZE];
	char *text;
	enum err err;

	err = percent_decode(field,
	    (size_t)((equals != NULL ? equals : end) - field), ' ',
	    sizeof(name), name);
	if (err != ERR_OK)
		return err;
	/* Two values of one field are ambiguous. */
	if (json_value_member(json, name) != NULL)
		return ERR_INVALID;
	err = decode(value, (size_t)(end - value), &text);
	if (err != ERR_OK)
		return err;
	if (!json_value_put_string(json, name, text))
		err = ERR_INTERNAL;
	secret_wipe(text, strlen(text));
	free(text);
	return err;
}

static enum err
read_fields(const struct request *req, struct json_value *json)
{
	const char *at = req->body;
	const char *end = at + req->body_len;
	enum err err = ERR_OK;

	while (err == ERR_OK && at < end) {
		const char *amp = memchr(at, '&', (size_t)(end - at));
		const char *stop = amp != NULL ? amp : end;

		if (stop > at)
			err = add_field(json, at, (size_t)(stop - at));
		at = stop + 1;
	}
	return err;
}

enum err
request_form(struct request *req, struct response *res)
{
	struct json_value *json;
	enum err err;

	if (req->body_too_long)
		return response_refuse(res, PROBLEM_BODY_TOO_LARGE, NULL);
	if (!is_form(req))
		return response_refuse(res, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
		    "The body must be " FORM ".");
	json = json_value_object();
	if (json == NULL)
		return ERR_INTERNAL;
	err = read_fields(req, json);
	if (err != ERR_OK) {
		json_value_free(json);
		return err == ERR_INVALID
		    ? response_refuse(res, PROBLEM_MALFORMED_FORM, NULL)
		    : err;
	}
	req->json = json;
	req->content_type = "application/json";
	return ERR_OK;
}
