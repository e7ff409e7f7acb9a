/* SPDX-License-Identifier: ISC */
#include "issuers/issuers_config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/line_file.h"
#include "base/net.h"
#include "base/str.h"

#define LEEWAY_DEFAULT 5
#define LEEWAY_MAX 60

struct reader {
	struct issuers_config *config;
	struct issuer *block; /* being read; NULL before the first */
	unsigned seen;        /* bit i: members[i] is set in it */
};

/* ---- values ---- */

/* Set the member at ${value}; return NULL, or what is wrong with ${text}. */
typedef const char *value_fn(void *value, size_t size, char *text);

/* Length of a host name or address, IPv6 in brackets; 0 if there is none. */
static size_t
host_length(const char *at)
{
	size_t len;

	if (*at != '[')
		return strspn(at,
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		    "0123456789.-");
	len = 1 + strspn(at + 1, "0123456789abcdefABCDEF:.");
	return at[len] == ']' ? len + 1 : 0;
}

/* https, or http on loopback; without user, fragment and white space. */
static bool
is_fetchable_url(const char *url)
{
	bool secure = strncasecmp(url, "https://", 8) == 0;
	const char *host = url + (secure ? 8 : 7);
	size_t len;

	if (!secure && strncasecmp(url, "http://", 7) != 0)
		return false;
	len = host_length(host);
	if (len == 0 || !str_is_visible(host) ||
	    strpbrk(host, "#\\\"<>") != NULL ||
	    (!secure && !net_is_loopback_host(host, len)))
		return false;
	host += len;
	if (*host == ':')
		host += 1 + strspn(host + 1, "0123456789");
	return *host == '\0' || *host == '/' || *host == '?';
}

static const char *
set_url(void *value, size_t size, char *text)
{
	if (!is_fetchable_url(text))
		return "needs an https URL (http on loopback only)";
	return str_copy(value, size, text) == ERR_OK ? NULL
						     : "has too long a URL";
}

static const char *
set_file(void *value, size_t size, char *text)
{
	if (text[0] != '/' || access(text, R_OK) != 0)
		return "needs the absolute path of a readable file";
	return str_copy(value, size, text) == ERR_OK ? NULL
						     : "has too long a path";
}

static const char *
set_claim(void *value, size_t size, char *text)
{
	if (!str_is_visible(text) || str_copy(value, size, text) != ERR_OK)
		return "needs the name of a claim";
	return NULL;
}

static const char *
set_texts(void *value, size_t size, char *text)
{
	struct issuer_texts *texts = value;
	char *rest = NULL;

	(void)size;
	for (char *word = strtok_r(text, " \t", &rest); word != NULL;
	     word = strtok_r(NULL, " \t", &rest)) {
		if (texts->count == ISSUER_TEXTS_MAX)
			return "has too many values";
		if (str_copy(texts->list[texts->count], ISSUER_TEXT_SIZE,
			word) != ERR_OK)
			return "has a value that is too long";
		texts->count++;
	}
	return texts->count > 0 ? NULL : "has no value";
}

static const char *
set_algorithms(void *value, size_t size, char *text)
{
	unsigned *algorithms = value;
	char *rest = NULL;

	(void)size;
	*algorithms = 0;
	for (char *word = strtok_r(text, " \t", &rest); word != NULL;
	     word = strtok_r(NULL, " \t", &rest)) {
		if (strcmp(word, "RS256") == 0)
			*algorithms |= JWK_RS256;
		else if (strcmp(word, "ES256") == 0)
			*algorithms |= JWK_ES256;
		else
			return "has an algorithm other than RS256 and ES256";
	}
	return *algorithms != 0 ? NULL : "has no value";
}

static const char *
set_leeway(void *value, size_t size, char *text)
{
	(void)size;
	if (str_to_int64(text, 0, LEEWAY_MAX, value) != ERR_OK)
		return "needs a number of seconds from 0 to 60";
	return NULL;
}

static const char *
set_switch(void *value, size_t size, char *text)
{
	bool *on = value;

	(void)size;
	*on = strcmp(text, "yes") == 0;
	return *on || strcmp(text, "no") == 0 ? NULL : "must be yes or no";
}

/* ---- names ---- */

#define MEMBER(set, member)                                                    \
	{                                                                      \
#member, set, offsetof(struct issuer, member),                 \
		    sizeof(((struct issuer *)NULL)->member)                    \
	}
static const struct {
	const char *name;
	value_fn *set;
	size_t offset;
	size_t size;
} members[] = {
	MEMBER(set_url, jwks_uri),
	MEMBER(set_file, ca_file),
	MEMBER(set_texts, audience),
	MEMBER(set_texts, authorized_party),
	MEMBER(set_algorithms, algorithms),
	MEMBER(set_leeway, leeway),
	MEMBER(set_claim, claim_email),
	MEMBER(set_claim, claim_email_verified),
	MEMBER(set_claim, claim_name),
	MEMBER(set_claim, claim_avatar),
	MEMBER(set_switch, link_by_email),
};

static const char *
set_member(struct reader *r, const char *name, char *text)
{
	for (size_t i = 0; i < NELEMS(members); i++) {
		if (strcmp(members[i].name, name) != 0)
			continue;
		if ((r->seen & 1u << i) != 0)
			return "sets a name twice in its block";
		r->seen |= 1u << i;
		return members[i].set((char *)r->block + members[i].offset,
		    members[i].size, text);
	}
	return "has an unknown name";
}

/* ---- blocks ---- */

static const char *
begin_block(struct reader *r, char *line)
{
	static const struct issuer defaults = {
		.algorithms = JWK_ALGS_ALL,
		.leeway = LEEWAY_DEFAULT,
		.claim_email = "email",
		.claim_email_verified = "email_verified",
		.claim_name = "name",
		.claim_avatar = "picture",
	};
	size_t len = strlen(line);

	if (line[len - 1] != ']')
		return "is not \"[ISSUER]\"";
	line[len - 1] = '\0';
	if (line[1] == '\0' || !str_is_visible(line + 1))
		return "has no issuer in its brackets";
	if (issuers_config_find(r->config, line + 1) != NULL)
		return "names an issuer twice";
	if (r->config->count == ISSUERS_MAX)
		return "is one issuer too many";
	r->seen = 0;
	r->block = &r->config->list[r->config->count];
	*r->block = defaults;
	if (str_copy(r->block->name, sizeof(r->block->name), line + 1) !=
	    ERR_OK)
		return "has too long a name";
	r->config->count++;
	return NULL;
}

/* Extend the digest of the file by ${line}. */
static void
digest_line(struct issuers_config *config, const char *line)
{
	const char *const texts[] = { config->digest, line };
	unsigned char digest[DIGEST_BYTES];

	digest_texts(digest, texts, NELEMS(texts));
	str_hex(config->digest, digest, sizeof(digest));
}

/* A line_file_parse_fn. */
static const char *
parse_line(void *ctx, char *line)
{
	struct reader *r = ctx;
	char *equals;

	if (line[0] == ';')
		return NULL;
	digest_line(r->config, line);
	if (line[0] == '[')
		return begin_block(r, line);
	equals = strchr(line, '=');
	if (equals == NULL)
		return "is neither \"[ISSUER]\" nor \"NAME = value\"";
	if (r->block == NULL)
		return "is before the first \"[ISSUER]\"";
	*equals = '\0';
	return set_member(r, str_trim(line), str_trim(equals + 1));
}

/* Checks that need the whole block. */
static const char *
block_flaw(const struct issuer *b)
{
	if (b->audience.count == 0 && b->authorized_party.count == 0)
		return "has neither audience nor authorized_party, so tokens "
		       "for any site would be accepted";
	if (b->jwks_uri[0] == '\0' &&
	    (!is_fetchable_url(b->name) || strchr(b->name, '?') != NULL))
		return "has no jwks_uri and is not an https URL for discovery";
	return NULL;
}

enum err
issuers_config_load(const char *path, char *why, size_t why_size,
    struct issuers_config **config_out)
{
	struct issuers_config *config = calloc(1, sizeof(*config));
	struct reader r = { .config = config };
	struct line_file file = { .path = path,
		.parse = parse_line,
		.ctx = &r,
		.why = why,
		.why_size = why_size };
	enum err err = ERR_OK;

	*config_out = NULL;
	if (config == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return ERR_INTERNAL;
	}
	if (path[0] != '\0')
		err = line_file_read(&file);
	for (size_t i = 0; err == ERR_OK && i < config->count; i++) {
		const char *flaw = block_flaw(&config->list[i]);

		if (flaw == NULL)
			continue;
		(void)snprintf(why, why_size, "[%.256s] in %.256s %s",
		    config->list[i].name, path, flaw);
		err = ERR_INVALID;
	}
	if (err == ERR_OK)
		*config_out = config;
	else
		issuers_config_free(config);
	return err;
}

void
issuers_config_free(struct issuers_config *config)
{
	free(config);
}

const struct issuer *
issuers_config_find(const struct issuers_config *config, const char *name)
{
	for (size_t i = 0; i < config->count; i++)
		if (strcmp(config->list[i].name, name) == 0)
			return &config->list[i];
	return NULL;
}
