/* SPDX-License-Identifier: ISC */
#include "model/issuer.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static const struct column issuer_keys_columns[] = {
	{ COLUMN(TEXT, struct issuer_keys, issuer) },
	{ OWNED_TEXT_COLUMN(struct issuer_keys, jwks, ISSUER_JWKS_MAX) },
	{ COLUMN(INTEGER, struct issuer_keys, fetched_at) },
	{ COLUMN(INTEGER, struct issuer_keys, fresh_until) },
	{ COLUMN(INTEGER, struct issuer_keys, tried_at) },
	{ COLUMN(INTEGER, struct issuer_keys, failures) },
	{ COLUMN(TEXT, struct issuer_keys, error) },
};

static const struct column subject_columns[] = {
	{ COLUMN(TEXT, struct subject, issuer) },
	{ COLUMN(TEXT, struct subject, subject) },
	{ COLUMN(INTEGER, struct subject, user_id) },
	{ COLUMN(BOOL, struct subject, linked) },
	{ COLUMN(BYTES, struct subject, digest) },
	{ COLUMN(INTEGER, struct subject, claims_at) },
	{ COLUMN(INTEGER, struct subject, ended_at) },
};

static bool
subject_is_valid(const void *record)
{
	const struct subject *subject = record;

	return subject->user_id >= 0;
}

const struct record_type issuer_keys_record_type = { .table = "issuer_keys",
	.columns = issuer_keys_columns,
	.columns_n = NELEMS(issuer_keys_columns),
	.size = sizeof(struct issuer_keys) };

const struct record_type subject_record_type = { .table = "subjects",
	.columns = subject_columns,
	.columns_n = NELEMS(subject_columns),
	.size = sizeof(struct subject),
	.is_valid = subject_is_valid };

void
issuer_keys_clear(struct issuer_keys *keys)
{
	free(keys->jwks);
	memset(keys, 0, sizeof(*keys));
}
