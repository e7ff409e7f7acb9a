/* SPDX-License-Identifier: ISC */
#include "cache/seal.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/secret.h"

/*
 * A sealed value is nonce, ciphertext, tag.  24 random bytes of nonce never
 * repeat, even if several hosts seal under one key.
 */
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(SECRET_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    "SECRET_KEY_BYTES is the key size of the cipher");
_Static_assert(SEAL_BYTES == NONCE_BYTES + TAG_BYTES, "what sealing adds");

/* Separates this use of the key from all others. */
static const char purpose[] = "latchkey cache entry 1";

/*
 * Append the associated data.  Fixed-size parts come first, so that no two
 * bindings give the same bytes.
 */
static void
append_binding(const struct seal_binding *binding, struct buf *out)
{
	buf_append(out, purpose, sizeof(purpose));
	buf_append(out, binding->version, sizeof(binding->version));
	buf_puts(out, binding->key);
}

/* Wipe and remove what ${b} holds behind its first ${len} bytes. */
static void
truncate_to(struct buf *b, size_t len)
{
	if (b->data == NULL || b->len <= len)
		return;
	secret_wipe(b->data + len, b->len - len);
	b->len = len;
}

enum err
seal_close(const unsigned char key[SECRET_KEY_BYTES],
    const struct seal_binding *binding, const void *plain, size_t len,
    struct buf *sealed)
{
	static const unsigned char no_tag[TAG_BYTES];
	unsigned char nonce[NONCE_BYTES];
	struct buf bound = { 0 };
	size_t start = sealed->len;
	unsigned char *text;
	enum err err = ERR_INTERNAL;
	int rc;

	random_fill(nonce, sizeof(nonce));
	append_binding(binding, &bound);
	buf_append(sealed, nonce, sizeof(nonce));
	buf_append(sealed, plain, len);
	buf_append(sealed, no_tag, sizeof(no_tag));
	if (bound.failed || sealed->failed) {
		truncate_to(sealed, start); /* it may hold plain text */
		goto out;
	}

	/* Encrypt in place, so that no plain text is left behind. */
	text = (unsigned char *)sealed->data + start + NONCE_BYTES;
	rc = crypto_aead_xchacha20poly1305_ietf_encrypt_detached(text,
	    text + len, NULL, text, len, (unsigned char *)bound.data, bound.len,
	    NULL, nonce, key);
	assert(rc == 0); /* libsodium documents no failure */
	err = ERR_OK;
out:
	buf_clear(&bound);
	return err;
}

enum err
seal_open(const unsigned char key[SECRET_KEY_BYTES],
    const struct seal_binding *binding, const void *sealed, size_t len,
    struct buf *plain)
{
	const unsigned char *nonce = sealed;
	struct buf bound = { 0 };
	size_t start = plain->len;
	size_t text_len;
	unsigned char *text;
	enum err err = ERR_DENIED;

	if (len < NONCE_BYTES + TAG_BYTES)
		goto out;
	text_len = len - NONCE_BYTES - TAG_BYTES;

	append_binding(binding, &bound);
	buf_append(plain, nonce + NONCE_BYTES, text_len);
	if (bound.failed || plain->failed) {
		truncate_to(plain, start);
		err = ERR_INTERNAL;
		goto out;
	}
	text = (unsigned char *)plain->data + start;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(text, NULL,
		text, text_len, nonce + NONCE_BYTES + text_len,
		(unsigned char *)bound.data, bound.len, nonce, key) != 0) {
		truncate_to(plain, start);
		goto out;
	}
	err = ERR_OK;
out:
	buf_clear(&bound);
	return err;
}
