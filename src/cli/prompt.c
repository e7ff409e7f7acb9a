/* SPDX-License-Identifier: ISC */
#include "cli/prompt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"
#include "cli/exit.h"

/*
 * Read a line without its end, byte by byte: the rest of the input belongs to
 * another reader, and a stdio buffer would keep the password in memory.
 */
static int
read_line(char dst[PROMPT_SIZE])
{
	size_t len = 0;
	ssize_t n;
	char c;

	for (;;) {
		n = read(STDIN_FILENO, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == '\n')
			break;
		if (len == PROMPT_SIZE - 1)
			return exit_usage("the password is too long");
		if (c == '\0')
			return exit_usage("the password contains a zero byte");
		dst[len++] = c;
	}
	dst[len] = '\0';
	if (len == 0)
		return exit_usage("standard input contains no password");
	return EXIT_GO_ON;
}

/* Turn off echo, and Ctrl-C with it, which would leave echo off. */
static int
read_hidden(const char *question, char dst[PROMPT_SIZE])
{
	struct termios before, quiet;
	int status;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return exit_usage(
		    "cannot set up the terminal: %s", strerror(errno));
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) != 0)
		return exit_usage(
		    "cannot set up the terminal: %s", strerror(errno));
	fputs(question, stderr);
	status = read_line(dst);
	fputc('\n', stderr);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	return status;
}

int
prompt_password(char dst[PROMPT_SIZE])
{
	char again[PROMPT_SIZE] = { 0 };
	int status;

	memset(dst, 0, PROMPT_SIZE);
	if (!isatty(STDIN_FILENO))
		return read_line(dst);
	status = read_hidden("New password: ", dst);
	if (status == EXIT_GO_ON)
		status = read_hidden("Repeat the password: ", again);
	if (status == EXIT_GO_ON && strcmp(dst, again) != 0)
		status = exit_usage("the passwords differ");
	secret_wipe(again, sizeof(again));
	return status;
}

int
prompt_confirm(const char *command, const char *question)
{
	char answer = '\0', c = '\0';

	if (isatty(STDIN_FILENO)) {
		fprintf(stderr, "%s [y/N] ", question);
		/* Read the whole line; its first character decides. */
		if (read(STDIN_FILENO, &answer, 1) == 1 && answer != '\n')
			while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
				continue;
	}
	if (answer == 'y' || answer == 'Y')
		return EXIT_GO_ON;
	return exit_usage("%s: not confirmed; --yes confirms it", command);
}
