/* SPDX-License-Identifier: ISC */
#include "pool/connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/secret.h"

/* Most requests that arrive in pieces are small. */
#define DATA_FIRST ((size_t)4096)

void
connections_init(struct connections *cs, int epoll_fd, int max)
{
	for (int i = 0; i < CONNECTION_WHERES; i++)
		TAILQ_INIT(&cs->lists[i]);
	TAILQ_INIT(&cs->again);
	cs->epoll_fd = epoll_fd;
	cs->count = 0;
	cs->max = max;
}

void
connections_reap(struct connections *cs)
{
	struct connection_list *closed = &cs->lists[CONNECTION_CLOSED];
	struct connection *c;

	while ((c = TAILQ_FIRST(closed)) != NULL) {
		TAILQ_REMOVE(closed, c, link);
		free(c);
	}
}

void
connections_clear(struct connections *cs)
{
	for (int i = 0; i < CONNECTION_CLOSED; i++) {
		while (!TAILQ_EMPTY(&cs->lists[i]))
			connection_close(cs, TAILQ_FIRST(&cs->lists[i]));
	}
	connections_reap(cs);
}

/* All have the same time to arrive, so the list is ordered by deadline. */
void
connections_expire(struct connections *cs, int64_t now)
{
	struct connection *c;

	while ((c = TAILQ_FIRST(&cs->lists[CONNECTION_ARRIVING])) != NULL &&
	    c->deadline <= now)
		connection_close(cs, c);
}

int64_t
connections_wait(const struct connections *cs, int64_t now)
{
	const struct connection *c =
	    TAILQ_FIRST(&cs->lists[CONNECTION_ARRIVING]);

	if (c == NULL)
		return -1;
	return c->deadline > now ? c->deadline - now : 0;
}

bool
connections_drop_idle(struct connections *cs)
{
	struct connection *c = TAILQ_FIRST(&cs->lists[CONNECTION_IDLE]);

	if (c == NULL)
		return false;
	connection_close(cs, c);
	return true;
}

struct connection *
connection_new(struct connections *cs, int fd, int64_t deadline)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->fd = fd;
	c->fresh = true;
	c->deadline = deadline;
	c->where = CONNECTION_ARRIVING;
	records_init(&c->records, (unsigned)cs->max);
	TAILQ_INSERT_TAIL(&cs->lists[c->where], c, link);
	cs->count++;
	return c;
}

void
connection_move(
    struct connections *cs, struct connection *c, enum connection_where where)
{
	TAILQ_REMOVE(&cs->lists[c->where], c, link);
	c->where = where;
	TAILQ_INSERT_TAIL(&cs->lists[where], c, link);
}

static void
free_data(struct connection *c)
{
	if (c->data != NULL)
		secret_wipe(c->data, c->cap);
	free(c->data);
	c->data = NULL;
	c->len = 0;
	c->cap = 0;
}

void
connection_close(struct connections *cs, struct connection *c)
{
	if (c->fd < 0)
		return;
	close(c->fd); /* which removes it from epoll, too */
	c->fd = -1;
	c->watched = false;
	if (c->again)
		TAILQ_REMOVE(&cs->again, c, again_link);
	c->again = false;
	free_data(c);
	connection_move(cs, c, CONNECTION_CLOSED);
	cs->count--;
}

void
connection_again(struct connections *cs, struct connection *c)
{
	if (c->again)
		return;
	c->again = true;
	TAILQ_INSERT_TAIL(&cs->again, c, again_link);
}

enum err
connection_watch(struct connections *cs, struct connection *c)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
		.data.ptr = c,
	};

	if (c->watched)
		return ERR_OK;
	if (epoll_ctl(cs->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
		return ERR_UNAVAILABLE;
	c->watched = true;
	return ERR_OK;
}

void
connection_unwatch(struct connections *cs, struct connection *c)
{
	if (c->watched)
		(void)epoll_ctl(cs->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	c->watched = false;
}

/* Not realloc(3), which could leave a copy of a password behind. */
static enum err
resize(struct connection *c, size_t cap)
{
	unsigned char *data = malloc(cap);

	if (data == NULL)
		return ERR_UNAVAILABLE;
	if (c->data != NULL) {
		memcpy(data, c->data, c->len);
		secret_wipe(c->data, c->cap);
		free(c->data);
	}
	c->data = data;
	c->cap = cap;
	return ERR_OK;
}

enum err
connection_save(struct connection *c, const unsigned char *data, size_t len)
{
	size_t cap = DATA_FIRST;
	enum err err;

	if (len == 0) {
		free_data(c);
		return ERR_OK;
	}
	if (data == c->data) {
		c->len = len;
		return ERR_OK;
	}
	while (cap < len)
		cap *= 2;
	if (cap > CONNECTION_DATA_MAX)
		cap = CONNECTION_DATA_MAX;
	c->len = 0;
	err = resize(c, cap);
	if (err != ERR_OK)
		return err;
	memcpy(c->data, data, len);
	c->len = len;
	return ERR_OK;
}

enum err
connection_grow(struct connection *c)
{
	size_t cap = c->cap * 2;

	if (c->cap >= CONNECTION_DATA_MAX)
		return ERR_INVALID;
	return resize(c, cap < CONNECTION_DATA_MAX ? cap : CONNECTION_DATA_MAX);
}
