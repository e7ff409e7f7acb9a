/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <zxcvbn.h>

#include "auth/password.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/unicode.h"

#define CHARS_MIN 8

/* zxcvbn scores below 2 what takes fewer than 10^6 guesses: log2(10^6). */
#define BITS_MIN 19.93

/*
 * On alternating digits, zxcvbn's time grows with the fifth power of the
 * length: 6 ms at 32 bytes, 160 at 64, 1500 at 100 (its limit).  So it rates up
 * to four pieces of 32 bytes, and the best piece counts for the password:
 * repeating a piece gains nothing, a weak beginning spoils no strong end.
 */
#define PIECE_MAX 32
#define PIECES_MAX 4

/* Sorted bytewise, which test_password.c checks. */
static const char *const common[] = {
#include "auth/common_passwords.inc"
};

static bool
is_common(const char *folded)
{
	size_t low = 0, high = NELEMS(common);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(folded, common[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* Is ${c} a continuation byte of UTF-8? */
static bool
continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static bool
is_guessable(const char *normal, const char *words[])
{
	char piece[PIECE_MAX + 1];
	double best = 0;

	for (int i = 0; i < PIECES_MAX && *normal != '\0'; i++) {
		size_t len = strnlen(normal, PIECE_MAX);
		double bits;

		while (len > 1 && continues(normal[len]))
			len--;
		memcpy(piece, normal, len);
		piece[len] = '\0';
		bits = ZxcvbnMatch(piece, words, NULL);
		if (bits > best)
			best = bits;
		normal += len;
	}
	secret_wipe(piece, sizeof(piece));
	return best < BITS_MIN;
}

/* What an attacker knows about the owner, case-folded like the password. */
struct known {
	char email[USER_EMAIL_SIZE * 3];
	char local[USER_EMAIL_SIZE * 3];
	char name[USER_NAME_SIZE * 3];
};

static enum err
known_fold(struct known *k, const char *email, const char *name)
{
	enum err err;

	err = unicode_nfkc_casefold(k->email, sizeof(k->email), email);
	if (err == ERR_OK)
		err = unicode_nfkc_casefold(k->name, sizeof(k->name), name);
	if (err != ERR_OK)
		return err;
	memcpy(k->local, k->email, sizeof(k->local));
	k->local[strcspn(k->local, "@")] = '\0';
	return ERR_OK;
}

static const char *
reason(const char *normal, const char *folded, const struct known *k)
{
	const char *words[4] = { 0 };
	size_t n = 0;

	if (is_common(folded))
		return "This password is one of the most used ones; "
		       "choose another.";
	if (strcmp(folded, k->email) == 0 || strcmp(folded, k->local) == 0)
		return "The password must not be your email address.";
	if (strcmp(folded, k->name) == 0)
		return "The password must not be your name.";

	/* To zxcvbn, an empty word matches everywhere. */
	if (k->email[0] != '\0')
		words[n++] = k->email;
	if (k->local[0] != '\0')
		words[n++] = k->local;
	if (k->name[0] != '\0')
		words[n++] = k->name;
	if (is_guessable(normal, words))
		return "This password is easy to guess; "
		       "use more words or characters.";
	return NULL;
}

enum err
password_policy(const char *normal, const char *email, const char *name,
    const char **why_out)
{
	char folded[PASSWORD_NORMAL_SIZE * 3];
	struct known known = { 0 };
	size_t chars;
	enum err err;

	*why_out = NULL;
	folded[0] = '\0';
	err = str_utf8_chars(normal, strlen(normal), &chars);
	if (err != ERR_OK)
		goto out;
	if (chars < CHARS_MIN) {
		*why_out = "The password must have at least 8 characters.";
		err = ERR_DENIED;
		goto out;
	}
	err = unicode_nfkc_casefold(folded, sizeof(folded), normal);
	if (err == ERR_OK)
		err = known_fold(&known, email, name);
	if (err != ERR_OK)
		goto out;
	*why_out = reason(normal, folded, &known);
	if (*why_out != NULL)
		err = ERR_DENIED;
out:
	secret_wipe(folded, sizeof(folded));
	secret_wipe(&known, sizeof(known));
	return err;
}
