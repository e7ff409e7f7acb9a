/* SPDX-License-Identifier: ISC */
#include "model/signing_key.h"

#include "base/err.h"

static const struct column columns[] = {
	{ COLUMN(TEXT, struct signing_key_row, kid) },
	{ COLUMN(TEXT, struct signing_key_row, alg) },
	{ BLOB_COLUMN(struct signing_key_row, sealed, sealed_len) },
	{ COLUMN(INTEGER, struct signing_key_row, created_at) },
	{ COLUMN(INTEGER, struct signing_key_row, signs_at) },
	{ COLUMN(INTEGER, struct signing_key_row, lifetime) },
};

const struct record_type signing_key_record_type = { .table = "signing_keys",
	.columns = columns,
	.columns_n = NELEMS(columns),
	.size = sizeof(struct signing_key_row) };
