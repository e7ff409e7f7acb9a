/* SPDX-License-Identifier: ISC */
#include "auth/clients.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"

#define CLIENTS_MAX 256
#define HASH_BYTES 32
#define LINE_MAX_BYTES 256

struct client {
	char id[CLIENTS_ID_SIZE];
	unsigned char hash[HASH_BYTES];
};

struct clients {
	struct client list[CLIENTS_MAX];
	size_t count;
};

/* ---- the file ---- */

/* One that others may write to says what others want. */
static const char *
file_flaw(FILE *file)
{
	struct stat st;

	if (fstat(fileno(file), &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is no file";
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "may be written by others: chmod go-w it";
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return "belongs to someone else";
	return NULL;
}

static bool
is_id(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strspn(text, letters);

	return len > 0 && len < CLIENTS_ID_SIZE && text[len] == '\0';
}

static const struct client *
find(const struct clients *c, const char *id)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->list[i].id, id) == 0)
			return &c->list[i];
	return NULL;
}

/* What is wrong with ${line}, which is cut to pieces; NULL if nothing. */
static const char *
take_line(struct clients *c, char *line)
{
	struct client *client = &c->list[c->count];
	char *rest = NULL;
	const char *id = strtok_r(line, " \t\r\n", &rest);
	const char *hash = strtok_r(NULL, " \t\r\n", &rest);

	if (id == NULL || id[0] == '#')
		return NULL;
	if (hash == NULL || strtok_r(NULL, " \t\r\n", &rest) != NULL)
		return "is not \"ID HASH\"";
	if (!is_id(id))
		return "has an id of other characters than A-Z a-z 0-9 . _ -";
	if (!text_is_hex(hash, (size_t)2 * HASH_BYTES))
		return "has no BLAKE2b-256 in lower-case hex";
	if (find(c, id) != NULL)
		return "names a client twice";
	if (c->count == CLIENTS_MAX - 1)
		return "is one client too many";
	/* Both are as long as they must be. */
	memcpy(client->id, id, strlen(id) + 1);
	(void)sodium_hex2bin(
	    client->hash, HASH_BYTES, hash, strlen(hash), NULL, NULL, NULL);
	c->count++;
	return NULL;
}

static enum err
take_file(
    struct clients *c, FILE *file, const char *path, char *why, size_t why_size)
{
	char line[LINE_MAX_BYTES];
	const char *flaw = file_flaw(file);
	int number = 0;

	if (flaw != NULL) {
		(void)snprintf(why, why_size, "%.256s %s", path, flaw);
		return ERR_INVALID;
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		number++;
		flaw = strchr(line, '\n') == NULL && !feof(file)
		    ? "is too long"
		    : take_line(c, line);
		if (flaw != NULL) {
			(void)snprintf(why, why_size, "line %d of %.256s %s",
			    number, path, flaw);
			return ERR_INVALID;
		}
	}
	if (!ferror(file))
		return ERR_OK;
	(void)snprintf(why, why_size, "cannot read %.256s", path);
	return ERR_INVALID;
}

enum err
clients_load(
    const char *path, char *why, size_t why_size, struct clients **clients_out)
{
	struct clients *c = calloc(1, sizeof(*c));
	FILE *file = NULL;
	enum err err = ERR_OK;

	*clients_out = NULL;
	if (c == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return ERR_INTERNAL;
	}
	if (path[0] != '\0') {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

		file = fd >= 0 ? fdopen(fd, "r") : NULL;
		if (file == NULL) {
			(void)snprintf(why, why_size, "cannot open %.256s: %s",
			    path, strerror(errno));
			err = ERR_INVALID;
		} else {
			err = take_file(c, file, path, why, why_size);
			fclose(file);
		}
	}
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

/* ---- who asks ---- */

enum err
clients_check(const struct clients *c, const struct clients_claim *claim)
{
	static const struct client nobody;
	const struct client *client = find(c, claim->id);
	unsigned char hash[HASH_BYTES];
	bool same;

	/* Ids are no secrets; hashing is most of what there is to time. */
	secret_hash(hash, sizeof(hash), claim->secret, strlen(claim->secret));
	same = secret_equal(
	    hash, client != NULL ? client->hash : nobody.hash, sizeof(hash));
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
	err = text_copy(claim_out->id, sizeof(claim_out->id), text);
	if (err == ERR_OK)
		err = text_copy(
		    claim_out->secret, sizeof(claim_out->secret), colon + 1);
	if (err != ERR_OK)
		secret_wipe(claim_out, sizeof(*claim_out));
out:
	secret_wipe(text, sizeof(text));
	return err;
}
