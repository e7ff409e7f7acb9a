/* SPDX-License-Identifier: ISC */
#include "http/records.h"

#include <fastcgi.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* A complete record; the content lies in the caller's buffer. */
struct record {
	unsigned type;
	unsigned id;
	const unsigned char *content;
	size_t len;
};

enum step {
	STEP_BROKEN = 0,
	STEP_KEEP,   /* the record is part of the request */
	STEP_DROP,   /* the record is answered or ignored */
	STEP_DONE,   /* the record completes the request */
	STEP_FORGET, /* the request ends here, without an answer of ours */
	STEP_CLOSE   /* the same, and the connection is closed */
};

void
records_init(struct records *r, unsigned max_conns)
{
	memset(r, 0, sizeof(*r));
	r->max_conns = max_conns;
}

void
records_next(struct records *r)
{
	records_init(r, r->max_conns);
}

bool
records_quiet(const struct records *r, size_t len)
{
	return !r->active && len == 0;
}

static enum step
broken(struct records *r, const char *why)
{
	r->why = why;
	return STEP_BROKEN;
}

/* Read a length: one byte, or four if the highest bit is set. */
static bool
read_length(const unsigned char *data, size_t len, size_t *at, size_t *out)
{
	const unsigned char *p = data + *at;

	if (*at >= len)
		return false;
	if ((p[0] & 0x80) == 0) {
		*out = p[0];
		*at += 1;
		return true;
	}
	if (len - *at < 4)
		return false;
	*out = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 |
	    (size_t)p[2] << 8 | p[3];
	*at += 4;
	return true;
}

bool
records_read_pair(const unsigned char *data, size_t len, size_t *at,
    struct records_pair *pair_out)
{
	struct records_pair *p = pair_out;

	if (!read_length(data, len, at, &p->name_len) ||
	    !read_length(data, len, at, &p->value_len))
		return false;
	/* Each is below 2^31, so the sum cannot wrap. */
	if (p->name_len + p->value_len > len - *at)
		return false;
	p->name = data + *at;
	p->value = p->name + p->name_len;
	*at += p->name_len + p->value_len;
	return true;
}

/*
 * Parameters are stored as strings NAME=value.  A NUL, or an equals sign in the
 * name, would turn a pair into another one than the web server sent.
 */
static bool
pair_is_valid(const struct records_pair *pair)
{
	return pair->name_len > 0 &&
	    memchr(pair->name, '=', pair->name_len) == NULL &&
	    memchr(pair->name, 0, pair->name_len + pair->value_len) == NULL;
}

static bool
params_are_valid(const unsigned char *data, size_t len)
{
	struct records_pair pair;
	size_t at = 0;

	while (at < len) {
		if (!records_read_pair(data, len, &at, &pair) ||
		    !pair_is_valid(&pair))
			return false;
	}
	return true;
}

static void
put_header(unsigned char dst[FCGI_HEADER_LEN], unsigned type, unsigned id,
    size_t len, size_t padding)
{
	dst[0] = FCGI_VERSION_1;
	dst[1] = (unsigned char)type;
	dst[2] = (unsigned char)(id >> 8);
	dst[3] = (unsigned char)id;
	dst[4] = (unsigned char)(len >> 8);
	dst[5] = (unsigned char)len;
	dst[6] = (unsigned char)padding;
	dst[7] = 0;
}

static void
put_record(struct buf *reply, unsigned type, unsigned id, const void *content,
    size_t len)
{
	static const unsigned char zeros[8];
	unsigned char header[FCGI_HEADER_LEN];
	size_t padding = (8 - len % 8) % 8;

	put_header(header, type, id, len, padding);
	buf_append(reply, header, sizeof(header));
	buf_append(reply, content, len);
	buf_append(reply, zeros, padding);
}

static void
put_end(struct buf *reply, unsigned id, unsigned char status)
{
	unsigned char body[8] = { 0, 0, 0, 0, status, 0, 0, 0 };

	put_record(reply, FCGI_END_REQUEST, id, body, sizeof(body));
}

/*
 * Answer each name once, however often it is asked for.  (libfcgi's own answer
 * overflows its buffer when names repeat.)
 */
static enum step
answer_values(const struct record *rec, struct records *r, struct buf *reply)
{
	static const char *const names[] = {
		FCGI_MAX_CONNS,
		FCGI_MAX_REQS,
		FCGI_MPXS_CONNS,
	};
	bool asked[3] = { false };
	struct buf result = { 0 };
	struct records_pair pair;
	char value[16];
	size_t at = 0;

	while (at < rec->len) {
		if (!records_read_pair(rec->content, rec->len, &at, &pair))
			return broken(r, "values");
		for (size_t i = 0; i < 3; i++) {
			if (pair.name_len == strlen(names[i]) &&
			    memcmp(pair.name, names[i], pair.name_len) == 0)
				asked[i] = true;
		}
	}
	for (size_t i = 0; i < 3; i++) {
		if (!asked[i])
			continue;
		/* A connection carries one request at a time. */
		(void)snprintf(
		    value, sizeof(value), "%u", i < 2 ? r->max_conns : 0);
		buf_printf(&result, "%c%c%s%s", (int)strlen(names[i]),
		    (int)strlen(value), names[i], value);
	}
	if (result.failed)
		reply->failed = true;
	put_record(reply, FCGI_GET_VALUES_RESULT, 0, result.data, result.len);
	buf_clear(&result);
	return STEP_DROP;
}

static enum step
answer_management(
    const struct record *rec, struct records *r, struct buf *reply)
{
	unsigned char body[8] = { 0 };

	if (rec->type == FCGI_BEGIN_REQUEST)
		return broken(r, "id");
	if (rec->type == FCGI_GET_VALUES)
		return answer_values(rec, r, reply);
	body[0] = (unsigned char)rec->type;
	put_record(reply, FCGI_UNKNOWN_TYPE, 0, body, sizeof(body));
	return STEP_DROP;
}

static enum step
begin_request(const struct record *rec, struct records *r, struct buf *reply)
{
	if (rec->len != sizeof(FCGI_BeginRequestBody))
		return broken(r, "begin");
	if (r->active && rec->id == r->id)
		return broken(r, "begin");
	if (r->active) {
		put_end(reply, rec->id, FCGI_CANT_MPX_CONN);
		return STEP_DROP;
	}
	r->active = true;
	r->id = rec->id;
	r->role = (unsigned)rec->content[0] << 8 | rec->content[1];
	r->keep = (rec->content[2] & FCGI_KEEP_CONN) != 0;
	return STEP_KEEP;
}

/* End a request that is not handled; all its records have been read. */
static enum step
end_request(struct records *r, unsigned char status, struct buf *reply)
{
	put_end(reply, r->id, status);
	return r->keep ? STEP_FORGET : STEP_CLOSE;
}

/* The type of the last stream of a request in ${role}. */
static unsigned
last_stream(unsigned role)
{
	switch (role) {
	case FCGI_RESPONDER: return FCGI_STDIN;
	case FCGI_FILTER: return FCGI_DATA;
	/*
	 * An AUTHORIZER gets nothing else (FastCGI 1.0 section 6.3).  Some web
	 * servers send an empty STDIN too; no request is active by then, so it
	 * is ignored.
	 */
	default: return FCGI_PARAMS;
	}
}

/* The only place that lists the supported roles. */
static bool
role_is_served(unsigned role)
{
	return role == FCGI_RESPONDER || role == FCGI_AUTHORIZER;
}

/* A stream of ${type} has ended, and the request with its last stream. */
static enum step
end_stream(unsigned type, struct records *r, struct buf *reply)
{
	if (type != last_stream(r->role))
		return role_is_served(r->role) ? STEP_KEEP : STEP_DROP;
	if (!role_is_served(r->role))
		return end_request(r, FCGI_UNKNOWN_ROLE, reply);
	return STEP_DONE;
}

/* Drop a record of a stream that exceeds its limit. */
static enum step
drop_record(const struct record *rec, struct records *r, const char *why)
{
	r->dropped += rec->len;
	return r->dropped <= RECORDS_DISCARD_MAX ? STEP_DROP : broken(r, why);
}

/* Drop all parameters: a cut list could be taken for another request. */
static enum step
drop_params(const struct record *rec, struct records *r, bool first)
{
	if (!first) {
		r->kept = r->last;
		r->last = 0; /* BEGIN_REQUEST */
	}
	r->params_too_large = true;
	return drop_record(rec, r, "params_too_large");
}

/* Parameters beyond the limit are read to their end; the answer is 431. */
static enum step
accept_params(const struct record *rec, struct records *r,
    const unsigned char *data, struct buf *reply)
{
	bool first = data[r->last + 1] != FCGI_PARAMS;
	const unsigned char *pairs = data + r->last + FCGI_HEADER_LEN;
	size_t have = first ? 0 : r->kept - r->last - FCGI_HEADER_LEN;

	if (r->params_done)
		return broken(r, "order");
	if (rec->len > 0 && !r->params_too_large &&
	    have + rec->len <= RECORDS_PARAMS_MAX)
		return STEP_KEEP;
	if (rec->len > 0)
		return drop_params(rec, r, first);
	if (!params_are_valid(pairs, have))
		return broken(r, "params");
	r->params_done = true;
	return end_stream(FCGI_PARAMS, r, reply);
}

/* A body beyond the limit is read to its end, so that its sender reads 413. */
static enum step
accept_body(const struct record *rec, struct records *r, struct buf *reply)
{
	if (!r->params_done)
		return broken(r, "order");
	if (rec->len == 0)
		return end_stream(rec->type, r, reply);
	if (role_is_served(r->role) &&
	    rec->len <= RECORDS_BODY_MAX - r->body_len && !r->too_large) {
		r->body_len += rec->len;
		return STEP_KEEP;
	}
	r->too_large = true;
	return drop_record(rec, r, "body_too_large");
}

static enum step
check_record(const struct record *rec, struct records *r,
    const unsigned char *data, struct buf *reply)
{
	if (rec->id == FCGI_NULL_REQUEST_ID)
		return answer_management(rec, r, reply);
	switch (rec->type) {
	case FCGI_BEGIN_REQUEST: return begin_request(rec, r, reply);
	case FCGI_ABORT_REQUEST:
	case FCGI_PARAMS:
	case FCGI_STDIN:
	case FCGI_DATA: break;
	default: return broken(r, "type"); /* only applications send it */
	}
	/* Section 3.3: ignore records of requests that are not active. */
	if (!r->active || rec->id != r->id)
		return STEP_DROP;
	switch (rec->type) {
	case FCGI_ABORT_REQUEST:
		return end_request(r, FCGI_REQUEST_COMPLETE, reply);
	case FCGI_PARAMS: return accept_params(rec, r, data, reply);
	case FCGI_DATA:
		if (r->role != FCGI_FILTER)
			return broken(r, "type");
		return accept_body(rec, r, reply);
	default: return accept_body(rec, r, reply);
	}
}

/*
 * Append the record to the request, into its last record if that is of the same
 * stream.  The copy never overtakes its source: no record grows, and all bytes
 * before it have been read.
 */
static void
keep_record(const struct record *rec, struct records *r, unsigned char *data)
{
	unsigned char *last = data + r->last;
	size_t len = rec->len + ((size_t)last[4] << 8 | last[5]);

	if (r->kept > 0 && last[1] == rec->type && rec->len > 0 &&
	    len <= FCGI_MAX_LENGTH) {
		last[4] = (unsigned char)(len >> 8);
		last[5] = (unsigned char)len;
		memmove(data + r->kept, rec->content, rec->len);
		r->kept += rec->len;
		return;
	}
	r->last = r->kept;
	memmove(data + r->kept + FCGI_HEADER_LEN, rec->content, rec->len);
	put_header(data + r->kept, rec->type, rec->id, rec->len, 0);
	r->kept += FCGI_HEADER_LEN + rec->len;
}

/* Read the record at ${data}; return its length, 0 if it is not complete. */
static size_t
read_record(const unsigned char *data, size_t len, struct record *rec_out)
{
	size_t size;

	if (len < FCGI_HEADER_LEN)
		return 0;
	rec_out->type = data[1];
	rec_out->id = (unsigned)data[2] << 8 | data[3];
	rec_out->len = (size_t)data[4] << 8 | data[5];
	rec_out->content = data + FCGI_HEADER_LEN;
	size = FCGI_HEADER_LEN + rec_out->len + data[6];
	return size <= len ? size : 0;
}

enum records_verdict
records_scan(
    struct records *r, unsigned char *data, size_t *len, struct buf *reply)
{
	enum records_verdict verdict = RECORDS_MORE;
	size_t at = r->kept;
	struct record rec;

	while (verdict == RECORDS_MORE) {
		size_t size;

		if (at < *len && data[at] != FCGI_VERSION_1) {
			r->why = "version";
			verdict = RECORDS_BROKEN;
			break;
		}
		size = read_record(data + at, *len - at, &rec);
		if (size == 0)
			break;
		at += size;
		switch (check_record(&rec, r, data, reply)) {
		case STEP_BROKEN: verdict = RECORDS_BROKEN; break;
		case STEP_KEEP: keep_record(&rec, r, data); break;
		case STEP_DROP: break;
		case STEP_DONE:
			keep_record(&rec, r, data);
			verdict = RECORDS_REQUEST;
			break;
		case STEP_FORGET: records_next(r); break;
		case STEP_CLOSE:
			records_next(r);
			verdict = RECORDS_CLOSE;
			break;
		}
	}
	if (at != r->kept)
		memmove(data + r->kept, data + at, *len - at);
	*len -= at - r->kept;
	return verdict;
}
