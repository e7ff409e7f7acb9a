/* SPDX-License-Identifier: ISC */
#include "support/revocation_stress.h"

#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fcgi_client.h"

#define API "/api/v1"
#define CONNECTIONS 16 /* of each process, so that all workers have some */
#define WAIT_MS 60000

enum credential_source { BY_COOKIE, BY_TOKEN, BY_SESSION, CREDENTIAL_SOURCES };

/* One check on its way. */
struct check {
	int fd;
	unsigned place;
	uint64_t turn;
	bool late;    /* begun after the end was acknowledged */
	bool refused; /* begun after another was refused */
	bool sent;
};

struct process {
	struct revocation_stress *h;
	unsigned seed;
	struct check checks[CONNECTIONS];
	uint64_t refused[REVOCATION_STRESS_PLACES]; /* the turn that was refused
						       here */
};

void
revocation_stress_renew(struct revocation_stress *h, unsigned i,
    const char *session, const char *token)
{
	struct revocation_stress_place *p = &h->places[i];

	(void)atomic_fetch_add(&p->turn, 1);
	atomic_thread_fence(memory_order_seq_cst);
	snprintf(p->session, sizeof(p->session), "%s", session);
	snprintf(p->token, sizeof(p->token), "%s", token);
	(void)atomic_fetch_add(&p->turn, 1);
}

/* The session and token of one turn; 0 while one moves in. */
static uint64_t
lookup(const struct revocation_stress_place *p,
    struct revocation_stress_place *copy)
{
	uint64_t turn = atomic_load(&p->turn);

	memcpy(copy->session, p->session, sizeof(copy->session));
	memcpy(copy->token, p->token, sizeof(copy->token));
	atomic_thread_fence(memory_order_seq_cst);
	return turn % 2 == 0 && atomic_load(&p->turn) == turn ? turn : 0;
}

static void
put_question(struct fcgi_bytes *bytes, const struct revocation_stress_place *p,
    enum credential_source credential_source)
{
	char cookie[128], bearer[TOKEN_TEXT_SIZE + 64], body[128];
	const char *params[] = { NULL, "HTTPS=on", NULL };
	struct fcgi_ask ask = {
		.keep = true, .uri = API "/auth/me", .params = params
	};

	if (credential_source == BY_COOKIE) {
		snprintf(cookie, sizeof(cookie),
		    "HTTP_COOKIE=__Host-latchkey=%s", p->session);
		params[0] = cookie;
	} else if (credential_source == BY_TOKEN) {
		snprintf(bearer, sizeof(bearer), "HTTP_AUTHORIZATION=Bearer %s",
		    p->token);
		params[0] = bearer;
	} else {
		snprintf(
		    body, sizeof(body), "{\"session_id\":\"%s\"}", p->session);
		params[0] = "HTTP_ACCEPT=*/*";
		ask.method = "POST";
		ask.uri = API "/auth/validate-session";
		ask.content_type = "application/json";
		ask.body = body;
	}
	fcgi_put_request(bytes, &ask);
}

static void
begin(struct process *me, struct check *c)
{
	struct revocation_stress_place copy = { 0 };
	struct fcgi_bytes bytes = { 0 };
	const struct revocation_stress_place *p;

	c->sent = false;
	c->place = rand_r(&me->seed) % 2 == 0
	    ? atomic_load(&me->h->focus)
	    : (unsigned)rand_r(&me->seed) % REVOCATION_STRESS_PLACES;
	p = &me->h->places[c->place];
	c->turn = lookup(p, &copy);
	if (c->turn == 0)
		return;
	/* Before a byte is sent: what comes back was decided later. */
	c->late = atomic_load(&p->ended) == c->turn;
	c->refused = me->refused[c->place] == c->turn;
	if (c->fd < 0)
		c->fd = fcgi_connect_unix(me->h->socket);
	put_question(&bytes, &copy,
	    (enum credential_source)(rand_r(&me->seed) % CREDENTIAL_SOURCES));
	c->sent =
	    c->fd >= 0 && fcgi_send(c->fd, bytes.data, bytes.len, WAIT_MS);
	fcgi_bytes_free(&bytes);
	if (!c->sent && !me->h->rough)
		(void)atomic_fetch_add(&me->h->lost, 1);
}

static void
check_records(struct process *me, const struct check *c, int status)
{
	struct revocation_stress *h = me->h;

	if (status == 200) {
		(void)atomic_fetch_add(&h->accepted, 1);
		if (c->late || c->refused)
			(void)atomic_fetch_add(&h->revived, 1);
	} else if (status == 401) {
		if (atomic_load(&h->places[c->place].ending) != c->turn &&
		    atomic_load(&h->places[c->place].turn) == c->turn)
			(void)atomic_fetch_add(&h->denied, 1);
		me->refused[c->place] = c->turn;
	} else {
		if (!h->rough || (status != 0 && status != 503))
			(void)atomic_fetch_add(&h->lost, 1);
		return;
	}
	(void)atomic_fetch_add(&h->checks, 1);
	if (c->late)
		(void)atomic_fetch_add(&h->late, 1);
}

static void
end(struct process *me, struct check *c)
{
	struct fcgi_reply reply = { 0 };
	bool ended = false;

	if (c->sent) {
		ended = fcgi_receive(c->fd, WAIT_MS, &reply);
		check_records(me, c, ended ? reply.http_status : 0);
		fcgi_reply_free(&reply);
	}
	if (!ended && c->fd >= 0 && c->turn != 0) {
		close(c->fd);
		c->fd = -1;
	}
}

/* One on each connection at a time, so that all workers are at it. */
static void
stress_on(void *ctx)
{
	struct process *me = ctx;

	for (int i = 0; i < CONNECTIONS; i++)
		me->checks[i].fd = -1;
	while (atomic_load(&me->h->stop) == 0) {
		for (int i = 0; i < CONNECTIONS; i++)
			begin(me, &me->checks[i]);
		for (int i = 0; i < CONNECTIONS; i++)
			end(me, &me->checks[i]);
	}
	for (int i = 0; i < CONNECTIONS; i++)
		if (me->checks[i].fd >= 0)
			close(me->checks[i].fd);
}

pid_t
revocation_stress_start(struct revocation_stress *h, unsigned seed)
{
	static struct process me; /* a child has its own */

	me.h = h;
	me.seed = seed;
	return child_start(stress_on, &me);
}

void
revocation_stress_quiet(const struct revocation_stress *h)
{
	uint64_t revived = atomic_load(&h->revived);
	uint64_t denied = atomic_load(&h->denied);
	uint64_t lost = atomic_load(&h->lost);

	if (revived + denied + lost > 0)
		fail_msg("%llu revived, %llu denied, %llu lost",
		    (unsigned long long)revived, (unsigned long long)denied,
		    (unsigned long long)lost);
}
