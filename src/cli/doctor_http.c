/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * curl(1) and not libcurl: the workers run the same program, and linking the
 * library with its TLS would cost each of them memory.
 */
#define ANSWER_MAX ((size_t)256 * 1024)

extern char **environ;

/* ---- curl's configuration, on its standard input to hide the session ---- */

static void
put_option(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "%s = \"", name);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_puts(b, "\\");
		buf_append(b, p, 1);
	}
	buf_puts(b, "\"\n");
}

static void
put_request(struct buf *b, const struct doctor_request *request)
{
	char cookie[256];

	put_option(b, "url", request->url);
	for (size_t i = 0;
	     request->headers != NULL && request->headers[i] != NULL; i++)
		put_option(b, "header", request->headers[i]);
	if (request->session != NULL) {
		/* Both names of the cookie; the pool reads the right one. */
		(void)snprintf(cookie, sizeof(cookie),
		    "Cookie: __Host-latchkey=%s; latchkey=%s", request->session,
		    request->session);
		put_option(b, "header", cookie);
	}
	if (request->body != NULL) {
		put_option(b, "header", "Content-Type: application/json");
		put_option(b, "header", "Sec-Fetch-Site: same-origin");
		put_option(b, "data-raw", request->body);
	}
}

/* ---- running curl ---- */

static int
spawn(int in, int out, pid_t *pid_out)
{
	static const char *const argv[] = { "curl", "--disable", "--silent",
		"--show-error", "--stderr", "-", "--include", "--http1.1",
		"--max-time", "20", "--noproxy", "*", "--config", "-", NULL };
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(
		    &actions, out, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawnp(pid_out, "curl", &actions, NULL,
		    (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return error;
}

static void
read_all(int fd, struct buf *text)
{
	char block[4096];
	ssize_t n;

	buf_puts(text, "");
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		/* Read to the end, or curl would block. */
		if (text->len < ANSWER_MAX)
			buf_append(text, block, (size_t)n);
	}
}

/* Return curl's exit status; -1, with errno set, without one. */
static int
run(const struct buf *input, struct buf *text)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, status = 0, error = 0;
	pid_t pid = -1;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		error = errno;
	/* The request fits into the pipe's buffer. */
	if (error == 0 &&
	    write(in[1], input->data, input->len) != (ssize_t)input->len)
		error = EIO;
	if (error == 0)
		error = spawn(in[0], out[1], &pid);
	for (int i = 0; i < 2; i++) {
		if (in[i] >= 0)
			(void)close(in[i]);
	}
	if (out[1] >= 0)
		(void)close(out[1]);
	if (error == 0) {
		read_all(out[0], text);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (out[0] >= 0)
		(void)close(out[0]);
	errno = error;
	return error == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- the answer ---- */

static void
parse(struct doctor_answer *answer)
{
	const char *text = answer->text.data, *end;

	if (strncmp(text, "HTTP/", 5) != 0)
		return;
	end = strstr(text, "\r\n\r\n");
	answer->body = end != NULL ? end + 4 : "";
	text = strchr(text, ' ');
	answer->status = text != NULL ? (int)strtol(text + 1, NULL, 10) : 0;
}

void
doctor_http(const struct doctor_request *request, struct doctor_answer *answer)
{
	struct buf input = { 0 };
	int status;

	*answer = (struct doctor_answer){ .body = "" };
	put_request(&input, request);
	status = input.failed ? -1 : run(&input, &answer->text);
	if (status < 0 && errno == ENOENT)
		(void)snprintf(
		    answer->why, sizeof(answer->why), "curl is not installed");
	else if (status < 0)
		(void)snprintf(answer->why, sizeof(answer->why), "curl: %s",
		    strerror(errno));
	else if (status != 0)
		(void)snprintf(answer->why, sizeof(answer->why), "%.*s",
		    (int)strcspn(answer->text.data, "\r\n"), answer->text.data);
	else if (!answer->text.failed)
		parse(answer);
	buf_clear(&input);
}

void
doctor_http_clear(struct doctor_answer *answer)
{
	buf_clear(&answer->text);
	*answer = (struct doctor_answer){ .body = "" };
}

bool
doctor_http_header(const struct doctor_answer *answer, const char *name,
    char *dst, size_t size)
{
	const char *at = answer->text.data;
	size_t len = strlen(name);

	dst[0] = '\0';
	while (at != NULL && at < answer->body) {
		if (strncasecmp(at, name, len) == 0 && at[len] == ':') {
			at += len + 1;
			at += strspn(at, " \t");
			(void)snprintf(
			    dst, size, "%.*s", (int)strcspn(at, "\r\n"), at);
			return true;
		}
		at = strstr(at, "\r\n");
		at = at != NULL ? at + 2 : NULL;
	}
	return false;
}

bool
doctor_http_address(
    const struct doctor *d, const char *path, char *dst, size_t size)
{
	const char *url = command_value(d->context.line, "url");
	size_t len = strlen(url);
	int n;

	while (len > 0 && url[len - 1] == '/')
		len--;
	n = snprintf(dst, size, "%.*s%s", (int)len, url, path);
	return n >= 0 && (size_t)n < size;
}
