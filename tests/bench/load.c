/* SPDX-License-Identifier: ISC */
/*
 * usage: load [options] SOCKET JOBS
 * Load a FastCGI responder on a unix socket and print what came of it as one
 * line of JSON.  JOBS holds whole requests, each behind its length (32 bits,
 * little endian); they are sent in turn, one at a time on each connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SECOND ((int64_t)1000000000)
#define PATIENCE (10 * SECOND) /* for what is under way at the end */
#define ERRORS_MAX 100
#define CONNECTIONS_MAX 4096
#define EVENTS_MAX 256

#define HEADER_BYTES 8
#define TYPE_END_REQUEST 3
#define TYPE_STDOUT 6

/* 32 steps to each power of two: within 3 %. */
#define STEP_BITS 5
#define STEPS (1 << STEP_BITS)
#define BUCKETS ((64 - STEP_BITS) * STEPS)

struct job {
	const unsigned char *data;
	size_t len;
};

struct peer {
	int fd;
	bool busy;
	const struct job *job;
	size_t sent;
	int64_t began;
	unsigned char header[HEADER_BYTES];
	size_t header_len;
	size_t left; /* of the record's content and padding */
	size_t content_left;
	char start[16]; /* of the answer: its status */
	size_t start_len;
};

struct load {
	const char *path;
	struct job *jobs;
	size_t job_count;
	size_t next_job;
	long connections;
	double seconds;
	uint64_t requests_max; /* 0: as many as there is time for */
	bool reconnect;
	int epoll_fd;
	struct peer *peers;
	long busy;
	int64_t start, until, last;
	uint64_t begun, done, errors;
	int64_t worst;
	uint64_t bucket[BUCKETS];
};

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

/* ---- how long things took ---- */

static size_t
bucket_of(int64_t ns)
{
	uint64_t v = ns > 0 ? (uint64_t)ns : 0;
	unsigned power;

	if (v < STEPS)
		return (size_t)v;
	power = 63 - (unsigned)__builtin_clzll(v);
	return ((size_t)(power - STEP_BITS + 1) << STEP_BITS) +
	    ((v >> (power - STEP_BITS)) & (STEPS - 1));
}

static double
bucket_us(size_t i)
{
	size_t power = i >> STEP_BITS;
	uint64_t low = i & (STEPS - 1);

	if (power > 0)
		low = (low | STEPS) << (power - 1);
	return (double)low / 1000;
}

static double
quantile_us(const struct load *l, double q)
{
	uint64_t want = (uint64_t)((double)l->done * q), seen = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		seen += l->bucket[i];
		if (seen > want)
			return bucket_us(i);
	}
	return (double)l->worst / 1000;
}

/* ---- connections ---- */

static void
peer_connect(struct load *l, struct peer *p)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = p };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(l->path) >= sizeof(address.sun_path))
		die("the path of the socket is too long");
	memcpy(address.sun_path, l->path, strlen(l->path) + 1);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0 ||
	    connect(p->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("cannot connect");
	if (fcntl(p->fd, F_SETFL, O_NONBLOCK) != 0 ||
	    epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, p->fd, &event) != 0)
		die("cannot watch a connection");
}

static void
peer_close(struct peer *p)
{
	close(p->fd);
	p->fd = -1;
}

static bool
may_begin(const struct load *l, int64_t now)
{
	return now < l->until &&
	    (l->requests_max == 0 || l->begun < l->requests_max);
}

static void peer_fail(struct load *l, struct peer *p);

static void
peer_send(struct load *l, struct peer *p)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = p };
	ssize_t n = send(
	    p->fd, p->job->data + p->sent, p->job->len - p->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		peer_fail(l, p);
		return;
	}
	if (n > 0)
		p->sent += (size_t)n;
	if (p->sent == p->job->len)
		return;
	event.events |= EPOLLOUT | EPOLLONESHOT;
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, p->fd, &event);
}

static void
peer_begin(struct load *l, struct peer *p)
{
	int64_t now = now_ns();

	if (!may_begin(l, now))
		return;
	p->began = now;
	if (p->fd < 0)
		peer_connect(l, p);
	p->job = &l->jobs[l->next_job];
	l->next_job = (l->next_job + 1) % l->job_count;
	p->sent = 0;
	p->header_len = 0;
	p->left = 0;
	p->content_left = 0;
	p->start_len = 0;
	p->busy = true;
	l->busy++;
	l->begun++;
	peer_send(l, p);
}

static void
peer_rest(struct load *l, struct peer *p)
{
	p->busy = false;
	l->busy--;
	l->last = now_ns();
}

static void
peer_fail(struct load *l, struct peer *p)
{
	if (++l->errors > ERRORS_MAX)
		die("too many errors");
	peer_close(p);
	peer_rest(l, p);
	peer_begin(l, p);
}

static bool
is_good(const struct peer *p)
{
	static const char status[] = "Status: ";

	if (p->start_len < sizeof(p->start))
		return false;
	if (strncmp(p->start, status, sizeof(status) - 1) != 0)
		return true; /* without one it is 200 */
	return p->start[sizeof(status) - 1] == '2';
}

static void
peer_done(struct load *l, struct peer *p)
{
	int64_t took;

	peer_rest(l, p);
	took = l->last - p->began;
	l->done++;
	l->bucket[bucket_of(took)]++;
	if (took > l->worst)
		l->worst = took;
	if (!is_good(p) && ++l->errors > ERRORS_MAX)
		die("too many refusals");
	if (l->reconnect)
		peer_close(p);
	peer_begin(l, p);
}

/* ---- what comes back ---- */

static size_t
take_header(struct peer *p, const unsigned char *data, size_t len)
{
	size_t n = HEADER_BYTES - p->header_len;

	if (n > len)
		n = len;
	memcpy(p->header + p->header_len, data, n);
	p->header_len += n;
	if (p->header_len == HEADER_BYTES) {
		p->content_left =
		    (size_t)p->header[4] << 8 | (size_t)p->header[5];
		p->left = p->content_left + p->header[6];
	}
	return n;
}

static size_t
take_content(struct peer *p, const unsigned char *data, size_t len)
{
	size_t n = p->left < len ? p->left : len;
	size_t content = p->content_left < n ? p->content_left : n;
	size_t room = sizeof(p->start) - p->start_len;

	if (p->header[1] == TYPE_STDOUT && room > 0) {
		if (room > content)
			room = content;
		memcpy(p->start + p->start_len, data, room);
		p->start_len += room;
	}
	p->content_left -= content;
	p->left -= n;
	return n;
}

/* True once the request has ended; nothing may follow that. */
static bool
take_bytes(struct peer *p, const unsigned char *data, size_t len)
{
	size_t at = 0;

	while (at < len) {
		if (p->header_len < HEADER_BYTES)
			at += take_header(p, data + at, len - at);
		else
			at += take_content(p, data + at, len - at);
		if (p->header_len < HEADER_BYTES || p->left > 0)
			continue;
		if (p->header[1] == TYPE_END_REQUEST)
			return true;
		p->header_len = 0;
	}
	return false;
}

static void
peer_read(struct load *l, struct peer *p)
{
	unsigned char data[65536];
	ssize_t n = recv(p->fd, data, sizeof(data), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (!p->busy) {
		peer_close(p); /* between requests it may */
		peer_begin(l, p);
	} else if (n <= 0) {
		peer_fail(l, p);
	} else if (take_bytes(p, data, (size_t)n)) {
		peer_done(l, p);
	}
}

static void
take_event(struct load *l, const struct epoll_event *event)
{
	struct peer *p = event->data.ptr;

	if ((event->events & EPOLLOUT) != 0 && p->busy)
		peer_send(l, p);
	if (p->fd >= 0 && (event->events & ~(uint32_t)EPOLLOUT) != 0)
		peer_read(l, p);
}

static void
run(struct load *l)
{
	struct epoll_event events[EVENTS_MAX];

	l->start = now_ns();
	l->last = l->start;
	l->until = l->start + (int64_t)(l->seconds * (double)SECOND);
	for (long i = 0; i < l->connections; i++) {
		l->peers[i].fd = -1;
		peer_begin(l, &l->peers[i]);
	}
	while (l->busy > 0) {
		int n = epoll_wait(l->epoll_fd, events, EVENTS_MAX, 1000);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++)
			take_event(l, &events[i]);
		if (now_ns() > l->until + PATIENCE)
			die("requests without an answer");
	}
}

/* ---- what it is given ---- */

static unsigned char *
read_file(const char *path, size_t *len_out)
{
	unsigned char *data = NULL;
	struct stat st;
	FILE *f = fopen(path, "rb");

	if (f == NULL || fstat(fileno(f), &st) != 0 || st.st_size <= 0)
		die("cannot read the requests");
	*len_out = (size_t)st.st_size;
	data = malloc(*len_out);
	if (data == NULL || fread(data, 1, *len_out, f) != *len_out)
		die("cannot read the requests");
	(void)fclose(f);
	return data;
}

static size_t
length_at(const unsigned char *p)
{
	return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 |
	    (size_t)p[3] << 24;
}

static void
read_jobs(struct load *l, const char *path)
{
	size_t len, at, n = 0;
	unsigned char *data = read_file(path, &len);

	for (at = 0; at + 4 <= len; at += 4 + length_at(data + at))
		n++;
	if (at != len || n == 0)
		die("the file of requests is not whole");
	l->jobs = calloc(n, sizeof(*l->jobs));
	if (l->jobs == NULL)
		die("no memory");
	at = 0;
	for (size_t i = 0; i < n; i++) {
		l->jobs[i].len = length_at(data + at);
		l->jobs[i].data = data + at + 4;
		at += 4 + l->jobs[i].len;
	}
	l->job_count = n;
}

static void
take_options(struct load *l, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "requests", required_argument, NULL, 'n' },
		{ "reconnect", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (letter) {
		case 'c': l->connections = strtol(optarg, NULL, 10); break;
		case 's': l->seconds = strtod(optarg, NULL); break;
		case 'n': l->requests_max = strtoull(optarg, NULL, 10); break;
		case 'r': l->reconnect = true; break;
		default: exit(2);
		}
	}
	if (argc - optind != 2 || l->connections < 1 ||
	    l->connections > CONNECTIONS_MAX || !(l->seconds > 0) ||
	    l->seconds > 600) {
		fputs("usage: load [--connections N] [--seconds S]"
		      " [--requests N] [--reconnect] SOCKET JOBS\n",
		    stderr);
		exit(2);
	}
	l->path = argv[optind];
	read_jobs(l, argv[optind + 1]);
}

int
main(int argc, char **argv)
{
	static struct load l = { .connections = 1, .seconds = 1 };

	take_options(&l, argc, argv);
	l.peers = calloc((size_t)l.connections, sizeof(*l.peers));
	l.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l.peers == NULL || l.epoll_fd < 0)
		die("no memory");
	run(&l);
	printf("{\"requests\":%llu,\"errors\":%llu,\"seconds\":%.6f,"
	       "\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n",
	    (unsigned long long)l.done, (unsigned long long)l.errors,
	    (double)(l.last - l.start) / (double)SECOND, quantile_us(&l, 0.50),
	    quantile_us(&l, 0.99), (double)l.worst / 1000);
	return 0;
}
