/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http/fcgi.h"
#include "http/records.h"

struct outcome {
	struct buf requests;
	struct buf replies;
	int verdict;
};

/* libfcgi accepts every request that the scanner accepts. */
static void
offer(const unsigned char *data, size_t len, const struct records *r)
{
	static struct fcgi_feed *feed;
	struct fcgi *f;
	size_t body_len;

	if (feed == NULL && fcgi_feed_new(&feed) != ERR_OK)
		abort();
	if (fcgi_new(feed, data, len, -1, &f) != ERR_OK)
		abort();
	(void)fcgi_body(f, &body_len);
	if (body_len != r->body_len || fcgi_keep(f) != r->keep)
		abort();
	fcgi_free(f);
}

static void
scan(const uint8_t *in, size_t in_len, size_t step, struct outcome *out)
{
	const size_t size = RECORDS_REQUEST_MAX + RECORDS_RECORD_MAX;
	unsigned char *data = malloc(size);
	struct records r;
	size_t len = 0;
	size_t at = 0;

	if (data == NULL)
		abort();
	*out = (struct outcome){ .verdict = RECORDS_MORE };
	records_init(&r, 9);
	while (at < in_len || out->verdict == RECORDS_REQUEST) {
		size_t n = in_len - at < step ? in_len - at : step;

		if (n > size - len)
			n = size - len;
		/* There is always room for one more record. */
		if (n == 0 && at < in_len && out->verdict == RECORDS_MORE)
			abort();
		memcpy(data + len, in + at, n);
		len += n;
		at += n;
		out->verdict = (int)records_scan(&r, data, &len, &out->replies);
		if (out->verdict == RECORDS_BROKEN ||
		    out->verdict == RECORDS_CLOSE)
			break;
		if (out->verdict != RECORDS_REQUEST)
			continue;
		if (r.kept > RECORDS_REQUEST_MAX || r.kept > len)
			abort();
		offer(data, r.kept, &r);
		buf_append(&out->requests, data, r.kept);
		memmove(data, data + r.kept, len - r.kept);
		len -= r.kept;
		records_next(&r);
	}
	free(data);
}

static void
expect_same(const struct buf *a, const struct buf *b)
{
	if (a->len != b->len ||
	    (a->len > 0 && memcmp(a->data, b->data, a->len) != 0))
		abort();
}

/*
 * FastCGI records: the same bytes give the same requests and replies whether
 * they arrive at once or in pieces, and libfcgi accepts what passes.  The first
 * byte selects the sizes of the pieces.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outcome whole, dealt;

	if (len == 0)
		return 0;
	scan(data + 1, len - 1, len, &whole);
	scan(data + 1, len - 1, (size_t)data[0] + 1, &dealt);
	if (whole.verdict != dealt.verdict)
		abort();
	expect_same(&whole.requests, &dealt.requests);
	expect_same(&whole.replies, &dealt.replies);
	buf_clear(&whole.requests);
	buf_clear(&whole.replies);
	buf_clear(&dealt.requests);
	buf_clear(&dealt.replies);
	return 0;
}
