/* SPDX-License-Identifier: ISC */
#include "http/records.h"

#include <fastcgi.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* One record, whole, in the caller's bytes. */
struct record {
	unsigned type;
	unsigned id;
	const unsigned char *content;
	size_t len;
};

enum step {
	STEP_BROKEN = 0,
	STEP_KEEP,   /* part of the request */
	STEP_DROP,   /* answered, or nobody's business */
	STEP_DONE,   /* part of the request, and its last */
	STEP_FORGET, /* the request is over without having been one */
	STEP_CLOSE   /* the same, and the connection is not to be kept */
};

/* A name-value pair of FastCGI 1.0 section 3.4, within the record. */
struct pair {
	const unsigned char *name;
	size_t name_len;
	const unsigned char *value;
	size_t value_len;
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

/* One byte, or four with the highest bit set, which is masked. */
static bool
take_length(const unsigned char *data, size_t len, size_t *at, size_t *out)
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

/* The pair at *at; false if it runs past the end. */
static bool
take_pair(const unsigned char *data, size_t len, size_t *at, struct pair *out)
{
	if (!take_length(data, len, at, &out->name_len) ||
	    !take_length(data, len, at, &out->value_len))
		return false;
	/* Each is below 2^31, so the sum cannot wrap. */
	if (out->name_len + out->value_len > len - *at)
		return false;
	out->name = data + *at;
	out->value = out->name + out->name_len;
	*at += out->name_len + out->value_len;
	return true;
}

/*
 * libfcgi makes one string NAME=value of each pair.  A zero byte or an equals
 * sign in the wrong place would make it another pair than the web server
 * meant, so such a request is none.
 */
static bool
params_are_sound(const unsigned char *data, size_t len)
{
	struct pair pair;
	size_t at = 0;

	while (at < len) {
		if (!take_pair(data, len, &at, &pair))
			return false;
		if (pair.name_len == 0 ||
		    memchr(pair.name, '=', pair.name_len) != NULL ||
		    memchr(pair.name, 0, pair.name_len + pair.value_len) !=
			NULL)
			return false;
	}
	return true;
}

static void
put_record(struct buf *reply, unsigned type, unsigned id, const void *content,
    size_t len)
{
	static const unsigned char zeros[8];
	size_t padding = (8 - len % 8) % 8;
	unsigned char header[FCGI_HEADER_LEN] = {
		FCGI_VERSION_1,
		(unsigned char)type,
		(unsigned char)(id >> 8),
		(unsigned char)id,
		(unsigned char)(len >> 8),
		(unsigned char)len,
		(unsigned char)padding,
		0,
	};

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
 * Each name is answered once however often it is asked for: libfcgi has room
 * for three answers and writes as many as there are questions.
 */
static enum step
get_values(const struct record *rec, struct records *r, struct buf *reply)
{
	static const char *const names[] = {
		FCGI_MAX_CONNS,
		FCGI_MAX_REQS,
		FCGI_MPXS_CONNS,
	};
	bool asked[3] = { false };
	struct buf result = { 0 };
	struct pair pair;
	char value[16];
	size_t at = 0;

	while (at < rec->len) {
		if (!take_pair(rec->content, rec->len, &at, &pair))
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
		/* Requests are not multiplexed: one for each connection. */
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
manage(const struct record *rec, struct records *r, struct buf *reply)
{
	unsigned char body[8] = { 0 };

	if (rec->type == FCGI_BEGIN_REQUEST)
		return broken(r, "id");
	if (rec->type == FCGI_GET_VALUES)
		return get_values(rec, r, reply);
	body[0] = (unsigned char)rec->type;
	put_record(reply, FCGI_UNKNOWN_TYPE, 0, body, sizeof(body));
	return STEP_DROP;
}

static enum step
begin(const struct record *rec, struct records *r, struct buf *reply)
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

/* The request is over before it was one; what it sent has been read. */
static enum step
end(struct records *r, unsigned char status, struct buf *reply)
{
	put_end(reply, r->id, status);
	return r->keep ? STEP_FORGET : STEP_CLOSE;
}

/* The type of the stream whose end is the end of a request of ${role}. */
static unsigned
last_stream(unsigned role)
{
	switch (role) {
	case FCGI_RESPONDER: return FCGI_STDIN;
	case FCGI_FILTER: return FCGI_DATA;
	/*
	 * An AUTHORIZER is sent nothing more (FastCGI 1.0 section 6.3).  Some
	 * web servers end an empty STDIN all the same: it comes when no request
	 * is active any more, and is ignored as such.
	 */
	default: return FCGI_PARAMS;
	}
}

/* The one place that knows which roles we play. */
static bool
role_is_served(unsigned role)
{
	return role == FCGI_RESPONDER || role == FCGI_AUTHORIZER;
}

/* A record of a stream ended the whole request, or only itself. */
static enum step
stream_end(unsigned type, struct records *r, struct buf *reply)
{
	if (type != last_stream(r->role))
		return role_is_served(r->role) ? STEP_KEEP : STEP_DROP;
	if (!role_is_served(r->role))
		return end(r, FCGI_UNKNOWN_ROLE, reply);
	return STEP_DONE;
}

static enum step
params(const struct record *rec, struct records *r, const unsigned char *data,
    struct buf *reply)
{
	size_t start = r->last + FCGI_HEADER_LEN;
	size_t have = r->kept - start; /* none behind BEGIN_REQUEST */

	if (r->params_done)
		return broken(r, "order");
	if (data[r->last + 1] != FCGI_PARAMS)
		have = 0;
	if (rec->len > 0)
		return have + rec->len <= RECORDS_PARAMS_MAX
		    ? STEP_KEEP
		    : broken(r, "params_too_large");
	if (!params_are_sound(data + start, have))
		return broken(r, "params");
	r->params_done = true;
	return stream_end(FCGI_PARAMS, r, reply);
}

/* A body beyond the limit is read on, so that its sender gets an answer. */
static enum step
input(const struct record *rec, struct records *r, struct buf *reply)
{
	if (!r->params_done)
		return broken(r, "order");
	if (rec->len == 0)
		return stream_end(rec->type, r, reply);
	if (role_is_served(r->role) &&
	    rec->len <= RECORDS_BODY_MAX - r->body_len && !r->too_large) {
		r->body_len += rec->len;
		return STEP_KEEP;
	}
	r->too_large = true;
	r->dropped += rec->len;
	if (r->dropped > RECORDS_DISCARD_MAX)
		return broken(r, "body_too_large");
	return STEP_DROP;
}

static enum step
check_records(const struct record *rec, struct records *r,
    const unsigned char *data, struct buf *reply)
{
	if (rec->id == FCGI_NULL_REQUEST_ID)
		return manage(rec, r, reply);
	switch (rec->type) {
	case FCGI_BEGIN_REQUEST: return begin(rec, r, reply);
	case FCGI_ABORT_REQUEST:
	case FCGI_PARAMS:
	case FCGI_STDIN:
	case FCGI_DATA: break;
	default: return broken(r, "type"); /* not for an application */
	}
	/* Section 3.3: records of a request that is not active are ignored. */
	if (!r->active || rec->id != r->id)
		return STEP_DROP;
	switch (rec->type) {
	case FCGI_ABORT_REQUEST: return end(r, FCGI_REQUEST_COMPLETE, reply);
	case FCGI_PARAMS: return params(rec, r, data, reply);
	case FCGI_DATA:
		if (r->role != FCGI_FILTER)
			return broken(r, "type");
		return input(rec, r, reply);
	default: return input(rec, r, reply);
	}
}

/*
 * Put the record behind the request's others, into the last of them if that
 * is of the same stream.  There is always room: no record grows, and every
 * one before it has been read already.
 */
static void
keep(const struct record *rec, struct records *r, unsigned char *data)
{
	unsigned char *last = data + r->last;
	size_t old = (size_t)last[4] << 8 | last[5];
	unsigned char header[FCGI_HEADER_LEN] = {
		FCGI_VERSION_1,
		(unsigned char)rec->type,
		(unsigned char)(rec->id >> 8),
		(unsigned char)rec->id,
		(unsigned char)(rec->len >> 8),
		(unsigned char)rec->len,
		0,
		0,
	};

	if (r->kept > 0 && last[1] == rec->type && rec->len > 0 &&
	    old + rec->len <= FCGI_MAX_LENGTH) {
		last[4] = (unsigned char)((old + rec->len) >> 8);
		last[5] = (unsigned char)(old + rec->len);
	} else {
		r->last = r->kept;
		memmove(
		    data + r->kept + FCGI_HEADER_LEN, rec->content, rec->len);
		memcpy(data + r->kept, header, sizeof(header));
		r->kept += FCGI_HEADER_LEN + rec->len;
		return;
	}
	memmove(data + r->kept, rec->content, rec->len);
	r->kept += rec->len;
}

/* Read the record at ${at}; 0 if it is not all there, else its length. */
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
		switch (check_records(&rec, r, data, reply)) {
		case STEP_BROKEN: verdict = RECORDS_BROKEN; break;
		case STEP_KEEP: keep(&rec, r, data); break;
		case STEP_DROP: break;
		case STEP_DONE:
			keep(&rec, r, data);
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
