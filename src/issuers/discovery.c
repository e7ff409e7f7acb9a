/* SPDX-License-Identifier: ISC */
#include "issuers/discovery.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_value.h"
#include "issuers/issuers_config.h"

#define WELL_KNOWN "/.well-known/openid-configuration"

/* application/json, application/jwk-set+json and their like. */
static bool
is_json(const char *type)
{
	static const char family[] = "application/", suffix[] = "+json";
	size_t len = strlen(type);

	if (strncmp(type, family, sizeof(family) - 1) != 0)
		return false;
	return strcmp(type + sizeof(family) - 1, "json") == 0 ||
	    (len > sizeof(suffix) - 1 &&
		strcmp(type + len - (sizeof(suffix) - 1), suffix) == 0);
}

/* A page that says that something went wrong is no set, and is said to be. */
static enum err
get_json(const struct http_client *f, const struct http_request *ask,
    struct http_reply *reply)
{
	enum err err = http_get(f, ask, reply);
	char type[sizeof(reply->type)];

	if (err != ERR_OK || is_json(reply->type))
		return err;
	memcpy(type, reply->type, sizeof(type));
	http_get_reply_clear(reply);
	return http_get_fail(reply, "type", "\"%s\" at %s", type, ask->url);
}

static enum err
take_address(const struct http_client *f, const struct issuer *issuer,
    struct http_reply *reply, char url[ISSUER_URL_SIZE])
{
	struct json_value *doc = NULL;
	const char *name;
	enum err err = ERR_OK;

	if (json_value_parse(reply->body.data, reply->body.len, &doc) != ERR_OK)
		return http_get_fail(reply, "discovery", "no JSON document");
	/* Or whoever has a page there could speak for the issuer. */
	name = json_value_string(json_value_member(doc, "issuer"));
	if (name == NULL || strcmp(name, issuer->name) != 0)
		err = http_get_fail(reply, "discovery", "of issuer \"%s\"",
		    name != NULL ? name : "");
	else if (json_value_read_text(doc, "jwks_uri", url, ISSUER_URL_SIZE) !=
	    ERR_OK)
		err = http_get_fail(reply, "discovery", "without a jwks_uri");
	/* Nobody elsewhere sends us to what listens on this machine. */
	else if (http_url_is_local(f, url) &&
	    !http_url_is_local(f, issuer->name))
		err = http_get_fail(reply, "address", "%s", url);
	json_value_free(doc);
	return err;
}

static enum err
discover(const struct http_client *f, const struct issuer *issuer,
    struct http_request *ask, struct http_reply *reply,
    char url[ISSUER_URL_SIZE])
{
	size_t len = strlen(issuer->name);
	struct buf from = { 0 };
	enum err err;

	/* "Any terminating / MUST be removed." */
	buf_append(&from, issuer->name,
	    len > 0 && issuer->name[len - 1] == '/' ? len - 1 : len);
	buf_puts(&from, WELL_KNOWN);
	if (from.failed) {
		err = http_get_fail(reply, "broken", "out of memory");
	} else {
		ask->url = from.data;
		err = get_json(f, ask, reply);
	}
	if (err == ERR_OK)
		err = take_address(f, issuer, reply, url);
	ask->url = url;
	buf_clear(&from);
	return err;
}

enum err
discovery_fetch(const struct http_client *f, const struct issuer *issuer,
    const atomic_bool *stop, struct http_reply *reply)
{
	struct http_request ask = {
		.url = issuer->jwks_uri,
		.ca_file = issuer->ca_file,
		.until_us =
		    clock_system.mono_us() + (int64_t)DISCOVERY_MS * 1000,
		.stop = stop,
	};
	char url[ISSUER_URL_SIZE];
	enum err err;

	memset(reply, 0, sizeof(*reply));
	if (issuer->jwks_uri[0] == '\0') {
		err = discover(f, issuer, &ask, reply, url);
		buf_clear(&reply->body);
		if (err != ERR_OK)
			return err;
	}
	return get_json(f, &ask, reply);
}
