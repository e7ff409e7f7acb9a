/* SPDX-License-Identifier: ISC */
#include "pool/connection_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/testpoint.h"
#include "http/fcgi.h"
#include "pool/background_queue.h"
#include "routes/dispatch.h"
#include "shm/shm.h"

/*
 * Reads of one connection before the others get a turn: a refused body may have
 * 16 MiB, and a peer may send for ever.
 */
#define TURN_READS 8

/* Up to this size the memory of an answer is kept for the next one. */
#define ANSWER_KEPT ((size_t)64 * 1024)

enum step { STEP_DONE, STEP_READ };

/* After an answer: close the connection, read on, or make it idle. */
static void
after_request(
    struct connection_io *x, struct connection *c, bool keep, bool more)
{
	if (!keep) {
		connection_close(x->conns, c);
		return;
	}
	if (c->unscanned || more) {
		c->deadline = x->clock->mono_us() + x->deadline_us;
		connection_move(x->conns, c, CONNECTION_ARRIVING);
		connection_again(x->conns, c);
		return;
	}
	connection_move(x->conns, c, CONNECTION_IDLE);
	x->lasting = x->lasting || !c->watched;
	if (x->draining)
		connection_io_close(x, c);
	else if (connection_watch(x->conns, c) != ERR_OK)
		connection_close(x->conns, c);
}

static bool
send_answer(struct connection_io *x, struct fcgi *f, enum err made)
{
	bool sent = made == ERR_OK && fcgi_answer(f, &x->answer) == ERR_OK;

	secret_wipe(x->answer.data, x->answer.len);
	if (x->answer.cap > ANSWER_KEPT)
		buf_clear(&x->answer);
	buf_reset(&x->answer);
	return sent;
}

/* Pass the request to the background queue; false if that is full. */
static bool
submit(struct connection_io *x, struct connection *c, struct fcgi *f,
    const struct request *req, const struct rate_limit_admission *ad)
{
	struct background_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return false;
	job->fcgi = f;
	job->request = *req;
	job->rate_limit_admission = *ad;
	job->connection = c;
	if (background_queue_submit(x->background_queue, job) != ERR_OK) {
		free(job);
		return false;
	}
	/* Until the job returns, only the background thread uses it. */
	connection_unwatch(x->conns, c);
	connection_move(x->conns, c, CONNECTION_BUSY);
	x->lasting = true;
	return true;
}

static void
parse_request(struct connection_io *x, const struct fcgi *f,
    const struct records *records, struct request *req_out)
{
	size_t len;
	const char *body = fcgi_body(f, &len);

	/* A body above the limit was cut: pass none of it on. */
	request_init(
	    req_out, fcgi_params(f), body, records->too_large ? 0 : len);
	req_out->params_too_long = records->params_too_large;
	if (records->too_large) {
		req_out->body_too_long = true;
		req_out->malformed = false;
	}
	request_set_id(req_out, &x->request_ids);
	req_out->received_at = shm_time(x->shm, x->clock->wall());
}

/* Answer ${f} or pass it to the background queue; owns ${f}. */
static void
serve(struct connection_io *x, struct connection *c, struct fcgi *f,
    const struct records *records, bool more)
{
	struct request req;
	struct routes_match match;
	struct rate_limit_admission ad;
	bool keep = fcgi_keep(f);
	enum err err;

	parse_request(x, f, records, &req);
	match = routes_find(&req);
	if (dispatch_is_slow(&match)) {
		err = dispatch_admit(x->app, &req, &match, &ad, &x->answer);
		if (err == ERR_OK) {
			if (submit(x, c, f, &req, &ad))
				return;
			err = dispatch_busy(x->app, &req, &ad, &x->answer);
		} else if (err == ERR_DENIED) {
			err = ERR_OK; /* the answer is a refusal */
		}
	} else {
		TESTPOINT("worker:request");
		err = dispatch_run(x->app, &req, &match, &x->answer);
	}
	keep = send_answer(x, f, err) && keep;
	request_clear(&req);
	fcgi_free(f);
	after_request(x, c, keep, more);
}

void
connection_io_returned(struct connection_io *x, struct background_job *job)
{
	struct connection *c = job->connection;
	bool keep = job->answered && fcgi_keep(job->fcgi);

	request_clear(&job->request);
	fcgi_free(job->fcgi);
	free(job);
	after_request(x, c, keep, false);
}

/*
 * After shutdown(SHUT_RD) a unix socket refuses further writes of its peer with
 * EPIPE, and the web server uses another connection.  So no request is lost
 * between the second look at the socket and close(2).
 */
void
connection_io_close(struct connection_io *x, struct connection *c)
{
	char byte;

	if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
		(void)shutdown(c->fd, SHUT_RD);
		if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
			connection_close(x->conns, c);
			return;
		}
	}
	connection_again(x->conns, c);
}

/* Wait for the rest of a request, or for the next one. */
static void
wait_for_more(struct connection_io *x, struct connection *c)
{
	if (!records_quiet(&c->records, c->len)) {
		if (c->where == CONNECTION_IDLE) {
			c->deadline = x->clock->mono_us() + x->deadline_us;
			connection_move(x->conns, c, CONNECTION_ARRIVING);
		}
	} else if (!c->fresh) {
		if (x->draining) {
			connection_io_close(x, c);
			return;
		}
		if (c->where != CONNECTION_IDLE)
			connection_move(x->conns, c, CONNECTION_IDLE);
	}
	if (connection_watch(x->conns, c) != ERR_OK)
		connection_close(x->conns, c);
}

static bool
send_reply(struct connection_io *x, struct connection *c)
{
	bool sent = true;

	if (x->reply.failed) {
		buf_clear(&x->reply);
		return false;
	}
	if (x->reply.len > 0)
		sent =
		    send(c->fd, x->reply.data, x->reply.len,
			MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)x->reply.len;
	buf_reset(&x->reply);
	return sent;
}

/* Serve the complete request at ${data}; bytes of the next one may follow. */
static void
start_request(struct connection_io *x, struct connection *c,
    unsigned char *data, size_t len, bool more)
{
	const struct records records = c->records;
	size_t kept = records.kept;
	struct fcgi *f;
	enum err err;

	err = fcgi_new(x->feed, data, kept, c->fd, &f);
	if (err != ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "request_refused", "reason=%s",
		    err_name(err));
		connection_close(x->conns, c);
		return;
	}
	records_next(&c->records);
	memmove(data, data + kept, len - kept);
	c->unscanned = len > kept;
	if (connection_save(c, data, len - kept) != ERR_OK) {
		fcgi_free(f);
		connection_close(x->conns, c);
		return;
	}
	serve(x, c, f, &records, more);
}

/* Check the records at ${data}; STEP_READ if more is to be read. */
static enum step
check_records(struct connection_io *x, struct connection *c,
    unsigned char *data, size_t len, bool more)
{
	enum records_verdict verdict;

	c->unscanned = false;
	verdict = records_scan(&c->records, data, &len, &x->reply);
	if (!send_reply(x, c))
		verdict = RECORDS_CLOSE;
	switch (verdict) {
	case RECORDS_REQUEST: start_request(x, c, data, len, more); break;
	case RECORDS_MORE:
		if (connection_save(c, data, len) != ERR_OK) {
			connection_close(x->conns, c);
			break;
		}
		if (more)
			return STEP_READ;
		wait_for_more(x, c);
		break;
	case RECORDS_BROKEN:
		log_event(LOG_LEVEL_WARN, "connection_broken", "reason=%s",
		    c->records.why);
		connection_close(x->conns, c);
		break;
	case RECORDS_CLOSE: connection_close(x->conns, c); break;
	}
	return STEP_DONE;
}

/* Read once and check the records. */
static enum step
read_once(struct connection_io *x, struct connection *c)
{
	unsigned char *data = x->scratch;
	size_t cap = CONNECTION_DATA_MAX;
	size_t had = c->len;
	enum step step;
	ssize_t n;

	if (c->data != NULL) {
		if (c->len == c->cap && connection_grow(c) != ERR_OK) {
			connection_close(x->conns, c);
			return STEP_DONE;
		}
		data = c->data;
		cap = c->cap;
	}
	n = recv(c->fd, data + had, cap - had, 0);
	if (n < 0 && errno == EINTR)
		return STEP_READ;
	if (n < 0 && errno == EAGAIN) {
		wait_for_more(x, c);
		return STEP_DONE;
	}
	if (n <= 0) {
		connection_close(x->conns, c);
		return STEP_DONE;
	}
	c->fresh = false;
	/*
	 * A short read has emptied the socket, and epoll reports what follows;
	 * but it has reported an end that came together with the bytes.
	 */
	step = check_records(
	    x, c, data, had + (size_t)n, (size_t)n == cap - had || c->hung_up);
	if (data == x->scratch)
		secret_wipe(x->scratch, (size_t)n);
	return step;
}

void
connection_io_ready(struct connection_io *x, struct connection *c)
{
	enum step step = STEP_READ;

	if (c->where == CONNECTION_BUSY || c->where == CONNECTION_CLOSED)
		return;
	if (c->unscanned)
		step = check_records(x, c, c->data, c->len, true);
	for (int i = 0; step == STEP_READ && i < TURN_READS; i++)
		step = read_once(x, c);
	if (step == STEP_READ)
		connection_again(x->conns, c);
}
