/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

/* Run once in years, so the statements are not prepared with the others. */

/* ?1: the new time; ?2: when the last token from before it has expired. */
static const char *const steps[] = {
	"DELETE FROM sessions",
	"UPDATE users SET epoch = epoch + 1, epoch_at = ?1,"
	" version = version + 1, created_at = min(created_at, ?1),"
	" updated_at = min(updated_at, ?1)",
	"UPDATE credentials SET created_at = min(created_at, ?1),"
	" used_at = min(used_at, ?1)",
	"UPDATE signing_keys SET created_at = min(created_at, ?1),"
	" signs_at = min(signs_at, ?1)",
	"UPDATE revoked_tokens SET expires_at = min(expires_at, ?2)",
	"UPDATE subjects SET claims_at = min(claims_at, ?1),"
	" ended_at = min(ended_at, ?1)",
	"UPDATE issuer_keys SET fetched_at = min(fetched_at, ?1),"
	" fresh_until = min(fresh_until, ?1), tried_at = min(tried_at, ?1)",
	"UPDATE audit SET at = ?1 WHERE at > ?1",
	"UPDATE latest SET time = ?1, external_since = ?1 WHERE id = 1",
};

static enum err
run_step(struct sqlite_store *s, const char *sql, int64_t now)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(stmt) > 0)
		rc = sqlite3_bind_int64(stmt, 1, now);
	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(stmt) > 1)
		rc = sqlite3_bind_int64(stmt, 2, now + STORE_ENDED_SECONDS);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? ERR_OK : sqlite_failed(s, rc, "clock reset");
}

enum err
sqlite_clock_reset(struct store *st, int64_t now, int64_t *ended_out)
{
	struct sqlite_store *s = sqlite_store(st);

	for (size_t i = 0; i < NELEMS(steps); i++) {
		enum err err = run_step(s, steps[i], now);

		if (err != ERR_OK)
			return err;
		if (i == 0)
			*ended_out = sqlite3_changes(s->db);
	}
	return ERR_OK;
}
