/* SPDX-License-Identifier: ISC */
#include "support/keyring.h"

#include "support/test.h"

void
keyring_open(const char *secret, struct keys *keys_out)
{
	struct master master;

	assert_int_equal(master_load(secret, "", &master), ERR_OK);
	assert_int_equal(keys_alone(&master, keys_out), ERR_OK);
	master_clear(&master);
}

void
keyring_seal(const char *secret, unsigned char seal_out[SECRET_KEY_BYTES])
{
	struct master master;

	assert_int_equal(master_load(secret, "", &master), ERR_OK);
	master_derive(&master, "latchkey cache seal", seal_out);
	master_clear(&master);
}
