/* SPDX-License-Identifier: ISC */
#include "support/web.h"

#include "support/test.h"

#include <curl/curl.h>
#include <stdio.h>

#include "base/json_value.h"
#include "support/web_log.h"

struct web {
	CURL *curl;
	char *base;
	struct buf url;
};

static char web_header_value[2048];

struct web *
web_new(const char *base)
{
	struct web *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	curl_global_init(CURL_GLOBAL_ALL);
	w->curl = curl_easy_init();
	assert_non_null(w->curl);
	w->base = strdup(base);
	curl_easy_setopt(w->curl, CURLOPT_COOKIEFILE, "");
	return w;
}

void
web_free(struct web *w)
{
	if (w == NULL)
		return;
	curl_easy_cleanup(w->curl);
	buf_clear(&w->url);
	free(w->base);
	free(w);
}

void
web_forget(struct web *w)
{
	curl_easy_setopt(w->curl, CURLOPT_COOKIELIST, "ALL");
}

void
web_reply_clear(struct web_reply *reply)
{
	buf_clear(&reply->headers);
	buf_clear(&reply->body);
	json_value_free(reply->json);
	memset(reply, 0, sizeof(*reply));
}

static size_t
take(char *data, size_t size, size_t n, void *ctx)
{
	buf_append(ctx, data, size * n);
	return size * n;
}

static struct curl_slist *
call_headers(const struct web_call *call)
{
	struct curl_slist *list = NULL;
	char line[10240];

	list = curl_slist_append(list, "Expect:");
	if (!call->no_site)
		list = curl_slist_append(list, "Sec-Fetch-Site: same-origin");
	if (call->bearer != NULL) {
		snprintf(line, sizeof(line), "Authorization: Bearer %s",
		    call->bearer);
		list = curl_slist_append(list, line);
	}
	if (call->body != NULL) {
		snprintf(line, sizeof(line), "Content-Type:%s%s",
		    call->type != NULL && *call->type == '\0' ? "" : " ",
		    call->type != NULL ? call->type : "application/json");
		list = curl_slist_append(list, line);
	} else {
		list = curl_slist_append(list, "Content-Type:");
	}
	for (size_t i = 0; call->headers != NULL && call->headers[i]; i++)
		list = curl_slist_append(list, call->headers[i]);
	return list;
}

static void
set_method(CURL *c, const struct web_call *call)
{
	const char *method = call->method != NULL ? call->method
	    : call->body != NULL                  ? "POST"
						  : "GET";

	const char *body = call->body;
	size_t len = call->body_len;

	/* As browsers do: a POST without a body has Content-Length: 0. */
	if (body == NULL && strcmp(method, "POST") == 0)
		body = "";
	if (body != NULL) {
		if (len == 0)
			len = strlen(body);
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(
		    c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	} else {
		curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	}
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
}

void
web_call(struct web *w, const struct web_call *call, struct web_reply *reply)
{
	struct curl_slist *headers = call_headers(call);
	CURL *c = w->curl;

	web_reply_clear(reply);
	buf_reset(&w->url);
	buf_printf(&w->url, "%s%s", w->base, call->path);
	if (call->no_cookies) {
		c = curl_easy_init();
		assert_non_null(c);
	}
	curl_easy_setopt(c, CURLOPT_NOBODY, 0L);
	set_method(c, call);
	curl_easy_setopt(c, CURLOPT_URL, w->url.data);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_INTERFACE, call->from);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &reply->body);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &reply->headers);
	curl_easy_setopt(
	    c, CURLOPT_TIMEOUT_MS, call->wait_ms != 0 ? call->wait_ms : 60000L);
	if (curl_easy_perform(c) == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &reply->status);
	curl_easy_getinfo(c, CURLINFO_TOTAL_TIME, &reply->seconds);
	curl_slist_free_all(headers);
	if (call->no_cookies)
		curl_easy_cleanup(c);
	if (reply->body.len > 0 &&
	    json_value_parse(reply->body.data, reply->body.len, &reply->json) !=
		ERR_OK)
		reply->json = NULL;
	web_log(call, reply);
}

static const struct json_value *
find(const struct web_reply *reply, const char *path)
{
	const struct json_value *at = reply->json;
	char name[64];

	while (at != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");

		assert_true(n < sizeof(name));
		memcpy(name, path, n);
		name[n] = '\0';
		path += n + (path[n] == '.');
		at = json_value_is_array(at)
		    ? json_value_at(at, strtoul(name, NULL, 10))
		    : json_value_member(at, name);
	}
	return at;
}

const char *
web_text(const struct web_reply *reply, const char *path)
{
	return json_value_string(find(reply, path));
}

long long
web_number(const struct web_reply *reply, const char *path)
{
	int64_t value;

	if (json_value_int(find(reply, path), &value) != ERR_OK)
		fail_msg("no number %s in: %s", path,
		    reply->body.data != NULL ? reply->body.data : "");
	return value;
}

const char *
web_header(struct web_reply *reply, const char *name)
{
	const char *line = reply->headers.data;
	size_t n = strlen(name);

	for (; line != NULL && *line != '\0';
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *value = line + n + 1;

		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		value += strspn(value, " ");
		snprintf(web_header_value, sizeof(web_header_value), "%.*s",
		    (int)strcspn(value, "\r\n"), value);
		return web_header_value;
	}
	return NULL;
}

static bool
is_problem(struct web_reply *reply, long status, const char *code)
{
	const char *type = web_header(reply, "Content-Type");
	const char *got = web_text(reply, "code");

	return type != NULL && strcmp(type, "application/problem+json") == 0 &&
	    got != NULL && strcmp(got, code) == 0 &&
	    web_text(reply, "title") != NULL &&
	    web_text(reply, "detail") != NULL &&
	    web_number(reply, "status") == status;
}

void
web_expect_at(struct web_reply *reply, long status, const char *code,
    const char *file, int line)
{
	const char *control = web_header(reply, "Cache-Control");
	bool good = reply->status == status && control != NULL &&
	    strcmp(control, "no-store") == 0;

	if (good && status == 401)
		good = web_header(reply, "WWW-Authenticate") != NULL;
	if (good && (status == 429 || status == 503))
		good = web_header(reply, "Retry-After") != NULL;
	if (good && status == 405)
		good = web_header(reply, "Allow") != NULL;
	if (good && code != NULL)
		good = is_problem(reply, status, code);
	if (good)
		return;
	print_error("expected %ld %s, got %ld\n%s%s\n", status,
	    code != NULL ? code : "", reply->status,
	    reply->headers.data != NULL ? reply->headers.data : "",
	    reply->body.data != NULL ? reply->body.data : "");
	_fail(file, line);
}

void
web_post(
    struct web *w, const char *path, const char *body, struct web_reply *reply)
{
	struct web_call call = { .path = path, .body = body };

	web_call(w, &call, reply);
}

void
web_get(struct web *w, const char *path, struct web_reply *reply)
{
	struct web_call call = { .path = path };

	web_call(w, &call, reply);
}

void
web_register(struct web *w, const char *email, struct web_reply *reply)
{
	struct buf body = { 0 };

	buf_printf(&body,
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD
	    "\",\"name\":\"Test\"}",
	    email);
	web_post(w, "/api/v1/auth/register", body.data, reply);
	buf_clear(&body);
	web_expect(reply, 201, NULL);
}

void
web_login(struct web *w, const char *email, struct web_reply *reply)
{
	struct buf body = { 0 };

	buf_printf(&body,
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}", email);
	web_post(w, "/api/v1/auth/login", body.data, reply);
	buf_clear(&body);
	web_expect(reply, 200, NULL);
}
