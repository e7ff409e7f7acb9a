/* SPDX-License-Identifier: ISC */
#include "issuers/discovery.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_value.h"
#include "issuers/issuers_config.h"

#define WELL_KNOWN "/.well-known/openid-configuration"

/* application/json, application/jwk-set+json and the like. */
static bool
is_json(const char *media_type)
{
	static const char family[] = "application/", suffix[] = "+json";
	size_t len = strlen(media_type);

	if (strncmp(media_type, family, sizeof(family) - 1) != 0)
		return false;
	return strcmp(media_type + sizeof(family) - 1, "json") == 0 ||
	    (len > sizeof(suffix) - 1 &&
		strcmp(media_type + len - (sizeof(suffix) - 1), suffix) == 0);
}

/* Refuse error pages, which some servers send with status 200. */
static enum err
get_json(const struct http_client *client, const struct http_request *request,
    struct http_reply *reply)
{
	enum err err = http_get(client, request, reply);
	char media_type[sizeof(reply->media_type)];

	if (err != ERR_OK || is_json(reply->media_type))
		return err;
	memcpy(media_type, reply->media_type, sizeof(media_type));
	http_get_reply_clear(reply);
	return http_get_fail(
	    reply, "type", "\"%s\" at %s", media_type, request->url);
}

static enum err
read_jwks_uri(const struct http_client *client, const struct issuer *issuer,
    struct http_reply *reply, char url[ISSUER_URL_SIZE])
{
	struct json_value *document = NULL;
	const char *name;
	enum err err = ERR_OK;

	if (json_value_parse(reply->body.data, reply->body.len, &document) !=
	    ERR_OK)
		return http_get_fail(reply, "discovery", "no JSON document");
	/* Section 4.3: otherwise any page there could speak for the issuer. */
	name = json_value_string(json_value_member(document, "issuer"));
	if (name == NULL || strcmp(name, issuer->name) != 0)
		err = http_get_fail(reply, "discovery", "of issuer \"%s\"",
		    name != NULL ? name : "");
	else if (json_value_copy_string(
		     document, "jwks_uri", url, ISSUER_URL_SIZE) != ERR_OK)
		err = http_get_fail(reply, "discovery", "without a jwks_uri");
	/* A remote issuer must not send us to a service of this machine. */
	else if (http_url_is_loopback(client, url) &&
	    !http_url_is_loopback(client, issuer->name))
		err = http_get_fail(reply, "address", "%s", url);
	json_value_free(document);
	return err;
}

static enum err
discover(const struct http_client *client, const struct issuer *issuer,
    struct http_request *request, struct http_reply *reply,
    char url[ISSUER_URL_SIZE])
{
	size_t len = strlen(issuer->name);
	struct buf document_url = { 0 };
	enum err err;

	/* "Any terminating / MUST be removed." */
	buf_append(&document_url, issuer->name,
	    len > 0 && issuer->name[len - 1] == '/' ? len - 1 : len);
	buf_puts(&document_url, WELL_KNOWN);
	if (document_url.failed) {
		err = http_get_fail(reply, "broken", "out of memory");
	} else {
		request->url = document_url.data;
		err = get_json(client, request, reply);
	}
	if (err == ERR_OK)
		err = read_jwks_uri(client, issuer, reply, url);
	request->url = url;
	buf_clear(&document_url);
	return err;
}

enum err
discovery_fetch(const struct http_client *client, const struct issuer *issuer,
    const atomic_bool *stop, struct http_reply *reply)
{
	struct http_request request = {
		.url = issuer->jwks_uri,
		.ca_file = issuer->ca_file,
		.deadline_us =
		    clock_system.mono_us() + (int64_t)DISCOVERY_MS * 1000,
		.stop = stop,
	};
	char url[ISSUER_URL_SIZE];
	enum err err;

	memset(reply, 0, sizeof(*reply));
	if (issuer->jwks_uri[0] == '\0') {
		err = discover(client, issuer, &request, reply, url);
		buf_clear(&reply->body);
		if (err != ERR_OK)
			return err;
	}
	return get_json(client, &request, reply);
}
