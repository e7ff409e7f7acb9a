/* SPDX-License-Identifier: ISC */
#include "support/test_issuer.h"

#include "support/test.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json_value.h"
#include "support/files.h"
#include "support/process.h"

#define WAIT_MS 60000

struct test_issuer {
	char dir[32];
	char ca[48];
	char log[48];
	char url[64];
	pid_t pid;
	int control;
	struct buf line; /* its last answer */
	struct json_value *answer;
};

/* Read its next line; fail with its log if there is none. */
static void
listen_to(struct test_issuer *p)
{
	struct pollfd ready = { .fd = p->control, .events = POLLIN };
	char data[4096];
	ssize_t n;

	buf_reset(&p->line);
	json_value_free(p->answer);
	p->answer = NULL;
	while (p->line.len == 0 || p->line.data[p->line.len - 1] != '\n') {
		if (poll(&ready, 1, WAIT_MS) != 1)
			fail_msg("the issuer does not answer");
		n = recv(p->control, data, sizeof(data), 0);
		if (n <= 0) {
			files_read(p->log, &p->line);
			fail_msg("the issuer has ended:\n%s", p->line.data);
		}
		buf_append(&p->line, data, (size_t)n);
	}
	assert_int_equal(
	    json_value_parse(p->line.data, p->line.len - 1, &p->answer),
	    ERR_OK);
}

struct test_issuer *
test_issuer_new(bool tls)
{
	struct test_issuer *p = calloc(1, sizeof(*p));
	char script[256], port[16];
	const char *argv[] = { "/usr/bin/python3", script, p->dir, port,
		tls ? "tls" : NULL, NULL };
	struct process_options o = { .argv = argv };
	int ends[2];

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->ca, sizeof(p->ca), "%s/ca.pem", p->dir);
	snprintf(p->log, sizeof(p->log), "%s/log", p->dir);
	snprintf(script, sizeof(script), "%s/tests/e2e/issuer.py",
	    getenv("top_srcdir"));
	snprintf(port, sizeof(port), "%d", process_free_port());
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	o.log = p->log;
	o.stdin_fd = ends[0];
	p->pid = process_start(&o);
	close(ends[0]);
	p->control = ends[1];
	listen_to(p);
	assert_int_equal(
	    json_value_copy_string(p->answer, "url", p->url, sizeof(p->url)),
	    ERR_OK);
	test_issuer_tell(p, "key('rsa', 'RSA')");
	test_issuer_tell(p, "key('ec', 'EC')");
	test_issuer_tell(p, "publish('rsa', 'ec')");
	return p;
}

void
test_issuer_free(struct test_issuer *p)
{
	if (p == NULL)
		return;
	close(p->control);
	process_stop(p->pid, 0, WAIT_MS);
	process_remove_tree(p->dir);
	json_value_free(p->answer);
	buf_clear(&p->line);
	free(p);
}

const char *
test_issuer_url(const struct test_issuer *p)
{
	return p->url;
}

const char *
test_issuer_ca(const struct test_issuer *p)
{
	return p->ca;
}

/* Send the line in ${command} and clear it. */
static void
say(struct test_issuer *p, struct buf *command)
{
	buf_puts(command, "\n");
	assert_int_equal(
	    send(p->control, command->data, command->len, MSG_NOSIGNAL),
	    command->len);
	buf_clear(command);
	listen_to(p);
}

__attribute__((format(printf, 2, 0))) static void
put(struct buf *command, const char *format, va_list args)
{
	char text[2 * TEST_ISSUER_TOKEN_SIZE];
	int n = vsnprintf(text, sizeof(text), format, args);

	assert_true(n >= 0 && (size_t)n < sizeof(text));
	buf_append(command, text, (size_t)n);
}

const struct json_value *
test_issuer_tell(struct test_issuer *p, const char *format, ...)
{
	struct buf command = { 0 };
	va_list args;

	va_start(args, format);
	put(&command, format, args);
	va_end(args);
	say(p, &command);
	return p->answer;
}

void
test_issuer_token(struct test_issuer *p, char dst[TEST_ISSUER_TOKEN_SIZE],
    const char *format, ...)
{
	struct buf command = { 0 };
	va_list args;

	buf_puts(&command, "token(");
	va_start(args, format);
	put(&command, format, args);
	va_end(args);
	buf_puts(&command, ")");
	say(p, &command);
	assert_int_equal(json_value_copy_string(
			     p->answer, "token", dst, TEST_ISSUER_TOKEN_SIZE),
	    ERR_OK);
}

long
test_issuer_count(struct test_issuer *p, const char *path)
{
	int64_t count;

	test_issuer_tell(p, "count('%s')", path);
	assert_int_equal(
	    json_value_int(json_value_member(p->answer, "count"), &count),
	    ERR_OK);
	return count;
}
