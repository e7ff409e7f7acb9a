/* SPDX-License-Identifier: ISC */
#include "support/keyring.h"

#include "support/test.h"

void
keyring_open(const char *secret, struct signing_keys *keys_out)
{
	struct master_secret master;
	struct signing_key_row row;

	memset(keys_out, 0, sizeof(*keys_out));
	assert_int_equal(master_secret_load(secret, "", &master), ERR_OK);
	assert_int_equal(signing_keys_row_first(&master, &row), ERR_OK);
	assert_int_equal(
	    signing_keys_row_open(&row, &master, &keys_out->list[0]), ERR_OK);
	keys_out->count = 1;
	master_secret_clear(&master);
}

void
keyring_seal(const char *secret, unsigned char seal_out[SECRET_KEY_BYTES])
{
	struct master_secret master;

	assert_int_equal(master_secret_load(secret, "", &master), ERR_OK);
	master_secret_derive(&master, "latchkey cache seal", seal_out);
	master_secret_clear(&master);
}
