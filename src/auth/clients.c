/* SPDX-License-Identifier: ISC */
#include "auth/clients.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/kdf.h"
#include "base/line_file.h"
#include "base/percent.h"
#include "base/secret.h"
#include "base/str.h"

#define CLIENTS_MAX 256
#define HASH_BYTES 32

struct client {
	char id[CLIENTS_ID_SIZE];
	unsigned char hash[HASH_BYTES];
};

struct clients {
	struct client list[CLIENTS_MAX];
	size_t count;
};

/* ---- the file ---- */

static bool
is_id(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strspn(text, letters);

	return len > 0 && len < CLIENTS_ID_SIZE && text[len] == '\0';
}

static const struct client *
find_client(const struct clients *c, const char *id)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->list[i].id, id) == 0)
			return &c->list[i];
	return NULL;
}

/* A line_file_parse_fn. */
static const char *
parse_line(void *ctx, char *line)
{
	struct clients *c = ctx;
	struct client *client = &c->list[c->count];
	char *rest = NULL;
	const char *id = strtok_r(line, " \t", &rest);
	const char *hash = strtok_r(NULL, " \t", &rest);

	if (hash == NULL || strtok_r(NULL, " \t", &rest) != NULL)
		return "must be \"ID HASH\"";
	if (!is_id(id))
		return "has an id with other characters than A-Z a-z 0-9 . _ -";
	if (find_client(c, id) != NULL)
		return "names a client twice";
	if (c->count == CLIENTS_MAX - 1)
		return "is one client too many";
	if (str_from_hex(client->hash, HASH_BYTES, hash) != ERR_OK)
		return "needs a BLAKE2b-256 in lower-case hex";
	memcpy(client->id, id, strlen(id) + 1); /* is_id() checked the size */
	c->count++;
	return NULL;
}

enum err
clients_load(
    const char *path, char *why, size_t why_size, struct clients **clients_out)
{
	struct clients *c = calloc(1, sizeof(*c));
	struct line_file file = { .path = path,
		.parse = parse_line,
		.ctx = c,
		.why = why,
		.why_size = why_size };
	enum err err = ERR_OK;

	*clients_out = NULL;
	if (c == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return ERR_INTERNAL;
	}
	if (path[0] != '\0')
		err = line_file_read(&file);
	if (err == ERR_OK)
		*clients_out = c;
	else
		clients_free(c);
	return err;
}

void
clients_free(struct clients *c)
{
	free(c);
}

/* ---- authentication ---- */

enum err
clients_check(const struct clients *c, const struct clients_claim *claim)
{
	static const struct client none;
	const struct client *client = find_client(c, claim->id);
	unsigned char hash[HASH_BYTES];
	bool same;

	/* Ids are not secret; hashing takes most of the time. */
	kdf_hash(hash, sizeof(hash), claim->secret, strlen(claim->secret));
	same = secret_equal(
	    hash, client != NULL ? client->hash : none.hash, sizeof(hash));
	secret_wipe(hash, sizeof(hash));
	return same && client != NULL ? ERR_OK : ERR_DENIED;
}

enum err
clients_basic(const char *header, struct clients_claim *claim_out)
{
	static const char scheme[] = "Basic ";
	char text[CLIENTS_ID_SIZE + CLIENTS_SECRET_SIZE];
	enum err err = ERR_INVALID;
	char *colon;
	size_t len;

	memset(claim_out, 0, sizeof(*claim_out));
	if (header == NULL ||
	    strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return ERR_NOT_FOUND;
	header += sizeof(scheme) - 1;
	header += strspn(header, " ");
	if (sodium_base642bin((unsigned char *)text, sizeof(text) - 1, header,
		strlen(header), NULL, &len, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0)
		goto out;
	text[len] = '\0';
	colon = strchr(text, ':');
	if (strlen(text) != len || colon == NULL)
		goto out;
	*colon = '\0';
	err = str_copy(claim_out->id, sizeof(claim_out->id), text);
	if (err == ERR_OK)
		err = str_copy(
		    claim_out->secret, sizeof(claim_out->secret), colon + 1);
	if (err != ERR_OK)
		secret_wipe(claim_out, sizeof(*claim_out));
out:
	secret_wipe(text, sizeof(text));
	return err;
}

enum err
clients_form_decode(
    const struct clients_claim *claim, struct clients_claim *decoded_out)
{
	struct clients_claim *d = decoded_out;
	enum err err;

	memset(d, 0, sizeof(*d));
	err = percent_decode(
	    claim->id, strlen(claim->id), ' ', sizeof(d->id), d->id);
	if (err == ERR_OK)
		err = percent_decode(claim->secret, strlen(claim->secret), ' ',
		    sizeof(d->secret), d->secret);
	if (err != ERR_OK)
		secret_wipe(d, sizeof(*d));
	return err;
}
