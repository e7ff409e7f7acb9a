/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include <string.h>
#include <strings.h>

#include "base/json_value.h"
#include "http/response.h"

/* False for a charset other than UTF-8; other parameters are ignored. */
static bool
parameter_is_valid(const char *text, size_t len)
{
	static const char charset[] = "charset=";
	const size_t name_len = sizeof(charset) - 1;

	if (len < name_len || strncasecmp(text, charset, name_len) != 0)
		return true;
	text += name_len;
	len -= name_len;
	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	return len == 5 && strncasecmp(text, "utf-8", len) == 0;
}

bool
request_is_json(const struct request *req)
{
	static const char blank[] = " \t";
	static const char type[] = "application/json";
	const char *text = req->content_type;

	if (text == NULL || strncasecmp(text, type, sizeof(type) - 1) != 0)
		return false;
	text += sizeof(type) - 1;
	text += strspn(text, blank);
	while (*text == ';') {
		size_t len;

		text++;
		text += strspn(text, blank);
		len = strcspn(text, "; \t");
		if (!parameter_is_valid(text, len))
			return false;
		text += len;
		text += strspn(text, blank);
	}
	return *text == '\0';
}

static enum err
parse_body(
    struct request *req, struct response *res, struct json_value **json_out)
{
	enum err err;

	if (req->body_too_long)
		return response_refuse(res, PROBLEM_BODY_TOO_LARGE, NULL);
	if (!request_is_json(req) &&
	    (req->body_len > 0 || req->content_type[0] != '\0'))
		return response_refuse(res, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
		    "The body must be application/json in UTF-8.");
	if (req->body_len == 0) {
		*json_out = json_value_object();
		return *json_out != NULL ? ERR_OK : ERR_INTERNAL;
	}
	err = json_value_parse(req->body, req->body_len, json_out);
	if (err == ERR_INVALID)
		return response_refuse(res, PROBLEM_MALFORMED_JSON, NULL);
	return err;
}

enum err
request_json(struct request *req, struct response *res,
    const struct json_value **json_out)
{
	struct json_value *json = NULL;
	enum err err;

	*json_out = NULL;
	if (req->json == NULL) {
		err = parse_body(req, res, &json);
		if (err != ERR_OK)
			return err;
		req->json = json;
	}
	if (!json_value_is_object(req->json))
		return response_refuse(res, PROBLEM_NOT_AN_OBJECT, NULL);
	*json_out = req->json;
	return ERR_OK;
}

bool
request_is_null(const struct json_value *json, const char *name)
{
	return json_value_is_null(json_value_member(json, name));
}

enum err
request_string(const struct json_value *json, const struct request_field *field,
    struct response *res, const char **text_out)
{
	const struct json_value *member = json_value_member(json, field->name);
	const char *text = json_value_string(member);

	*text_out = NULL;
	if (member == NULL || request_is_null(json, field->name)) {
		if (!field->required)
			return ERR_OK;
		return response_refuse_field(res, PROBLEM_MISSING_FIELD,
		    field->name, "The field \"%s\" is missing.", field->name);
	}
	if (text == NULL)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD,
		    field->name, "The field \"%s\" must be a string.",
		    field->name);
	if (strlen(text) > field->max_bytes)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD,
		    field->name, "The field \"%s\" is longer than %zu bytes.",
		    field->name, field->max_bytes);
	*text_out = text;
	return ERR_OK;
}

enum err
request_texts(struct request *req, struct response *res,
    const struct request_text texts[], size_t n)
{
	const struct json_value *json;
	enum err err;

	for (size_t i = 0; i < n; i++)
		*texts[i].text_out = NULL;
	err = request_json(req, res, &json);
	for (size_t i = 0; err == ERR_OK && i < n; i++)
		err = request_string(
		    json, &texts[i].field, res, texts[i].text_out);
	return err;
}
