/* SPDX-License-Identifier: ISC */
#include "support/issuer_key_rows.h"

#include "support/test.h"

#include "base/clock.h"
#include "shm/jwks_refresh_request.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/shm_fixture.h"

static void
age(struct issuer_keys *row, int64_t seconds)
{
	row->tried_at -= seconds;
	if (row->fetched_at == 0)
		return;
	row->fetched_at -= seconds;
	row->fresh_until -= seconds;
}

void
issuer_key_rows_age(const char *database, int64_t seconds)
{
	static const struct store_options options = { .write_wait_ms = 15000 };
	struct store_actor actor = { .address = "",
		.now = clock_system.wall() };
	struct issuer_keys rows[ISSUERS_MAX];
	struct shm *m;
	struct store *st;
	size_t n;

	m = shm_fixture_of(database);
	assert_int_equal(store_open(database, m, &options, &st), ERR_OK);
	assert_int_equal(store_issuers(st, rows, &n), ERR_OK);
	for (size_t i = 0; i < n; i++) {
		age(&rows[i], seconds);
		assert_int_equal(
		    store_issuer_put(st, &actor, &rows[i]), ERR_OK);
		issuer_keys_clear(&rows[i]);
	}
	store_close(st);
	shm_detach(m);
}

void
issuer_key_rows_wake(const char *database)
{
	struct shm *m;

	m = shm_fixture_of(database);
	jwks_refresh_request_wake(m);
	shm_detach(m);
}
