/* SPDX-License-Identifier: ISC */
#include "auth/password.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/secret.h"
#include "base/str.h"
#include "base/unicode.h"

#define CHARS_MAX 128
/*
 * NFKC may compose several characters into one (a Hangul syllable from three
 * jamo, nine bytes), so this allows more than 128, but not a body of 64 KiB.
 */
#define TYPED_MAX 2048

#define TAG_BYTES 32 /* what crypto_pwhash_str() makes */
#define ENCODED_PREFIX "$argon2id$v=19$m="

/* Limits, so that a damaged row cannot use up all memory or time. */
#define STORED_KIB_MAX (4 * 1024 * 1024) /* as LATCHKEY_ARGON2_KIB */
#define STORED_PASSES_MAX 1000
#define STORED_LANES_MAX 255
#define STORED_BYTES_MAX 64 /* of salt or tag */

struct encoded {
	uint32_t kib, passes, lanes;
	unsigned char salt[STORED_BYTES_MAX];
	size_t salt_len;
	unsigned char tag[STORED_BYTES_MAX];
	size_t tag_len;
};

enum err
password_normal(char dst[PASSWORD_NORMAL_SIZE], const char *text)
{
	size_t chars;
	enum err err;

	dst[0] = '\0';
	if (strnlen(text, TYPED_MAX + 1) > TYPED_MAX)
		return ERR_INVALID;
	err = unicode_nfkc(dst, PASSWORD_NORMAL_SIZE, text);
	if (err == ERR_OK)
		err = str_utf8_chars(dst, strlen(dst), &chars);
	if (err == ERR_OK && chars > CHARS_MAX)
		err = ERR_INVALID;
	if (err != ERR_OK)
		secret_wipe(dst, PASSWORD_NORMAL_SIZE);
	return err;
}

/* libsodium fails for lack of memory, or for a mistake in the arguments. */
static enum err
sodium_failure(void)
{
	return errno == ENOMEM ? ERR_UNAVAILABLE : ERR_INTERNAL;
}

enum err
password_hash(const struct password_params *params, const char *normal,
    char hash_out[USER_HASH_SIZE])
{
	_Static_assert(
	    USER_HASH_SIZE >= crypto_pwhash_STRBYTES, "a hash fits its column");

	memset(hash_out, 0, USER_HASH_SIZE);
	errno = 0;
	if (crypto_pwhash_str_alg(hash_out, normal, strlen(normal),
		(unsigned long long)params->passes, (size_t)params->kib * 1024,
		crypto_pwhash_ALG_ARGON2ID13) == 0)
		return ERR_OK;
	secret_wipe(hash_out, USER_HASH_SIZE);
	return sodium_failure();
}

/* Parse a decimal number up to ${max} without leading zeros, at *${p}. */
static bool
parse_number(const char **p, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (**p < '1' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		n = n * 10 + (uint64_t)(**p - '0');
		if (n > max)
			return false;
	}
	*out = (uint32_t)n;
	return true;
}

static bool
parse_text(const char **p, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*p, text, len) != 0)
		return false;
	*p += len;
	return true;
}

/* Parse canonical base64, up to a '$' or the end. */
static bool
parse_base64(
    const char **p, unsigned char out[STORED_BYTES_MAX], size_t *len_out)
{
	size_t len = strcspn(*p, "$");

	if (sodium_base642bin(out, STORED_BYTES_MAX, *p, len, NULL, len_out,
		NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    *len_out == 0)
		return false;
	*p += len;
	return true;
}

static bool
encoded_parse(const char *p, struct encoded *e)
{
	memset(e, 0, sizeof(*e));
	return strnlen(p, crypto_pwhash_STRBYTES) < crypto_pwhash_STRBYTES &&
	    parse_text(&p, ENCODED_PREFIX) &&
	    parse_number(&p, STORED_KIB_MAX, &e->kib) &&
	    parse_text(&p, ",t=") &&
	    parse_number(&p, STORED_PASSES_MAX, &e->passes) &&
	    parse_text(&p, ",p=") &&
	    parse_number(&p, STORED_LANES_MAX, &e->lanes) &&
	    parse_text(&p, "$") && parse_base64(&p, e->salt, &e->salt_len) &&
	    parse_text(&p, "$") && parse_base64(&p, e->tag, &e->tag_len) &&
	    *p == '\0' && e->kib >= 8 * e->lanes;
}

static enum err
derive(unsigned char tag[TAG_BYTES], const char *normal,
    const unsigned char salt[crypto_pwhash_SALTBYTES], uint32_t kib,
    uint32_t passes)
{
	errno = 0;
	if (crypto_pwhash(tag, TAG_BYTES, normal, strlen(normal), salt, passes,
		(size_t)kib * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return sodium_failure();
	return ERR_OK;
}

/*
 * Verify an imported hash that crypto_pwhash() cannot make: with other lengths
 * of salt and tag, or more lanes.  crypto_pwhash_str_verify() reports a
 * mismatch for lack of memory too, so first check that there is enough.
 */
static enum err
verify_foreign(const char *hash, uint32_t kib, const char *normal)
{
	char padded[crypto_pwhash_STRBYTES] = { 0 };
	size_t size = (size_t)kib * 1024;
	void *area;

	area = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return ERR_UNAVAILABLE;
	munmap(area, size);

	if (str_copy(padded, sizeof(padded), hash) != ERR_OK)
		return ERR_INTERNAL;
	return crypto_pwhash_str_verify(padded, normal, strlen(normal)) == 0
	    ? ERR_OK
	    : ERR_DENIED;
}

enum err
password_verify(
    const struct password_params *params, const char *hash, const char *normal)
{
	static const unsigned char no_salt[crypto_pwhash_SALTBYTES] = { 0 };
	unsigned char tag[TAG_BYTES];
	struct encoded e = { 0 };
	enum err err;

	if (hash[0] == '\0') {
		err = derive(tag, normal, no_salt, (uint32_t)params->kib,
		    (uint32_t)params->passes);
		if (err == ERR_OK)
			err = ERR_DENIED;
		goto out;
	}
	if (!encoded_parse(hash, &e)) {
		err = ERR_INTERNAL; /* a damaged row is no denial */
		goto out;
	}
	if (e.lanes != 1 || e.salt_len != crypto_pwhash_SALTBYTES ||
	    e.tag_len != TAG_BYTES) {
		err = verify_foreign(hash, e.kib, normal);
		goto out;
	}

	/*
	 * crypto_pwhash_str_verify() does not distinguish a wrong password
	 * from a lack of memory.
	 */
	err = derive(tag, normal, e.salt, e.kib, e.passes);
	if (err == ERR_OK && !secret_equal(tag, e.tag, TAG_BYTES))
		err = ERR_DENIED;
out:
	secret_wipe(tag, sizeof(tag));
	secret_wipe(&e, sizeof(e));
	return err;
}

bool
password_outdated(const struct password_params *params, const char *hash)
{
	struct encoded e;
	bool outdated;

	outdated = encoded_parse(hash, &e) &&
	    (e.kib < (uint32_t)params->kib ||
		e.passes < (uint32_t)params->passes);
	secret_wipe(&e, sizeof(e));
	return outdated;
}
