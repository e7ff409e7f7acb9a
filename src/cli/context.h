/* SPDX-License-Identifier: ISC */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/command.h"
#include "model/user.h"
#include "store/store.h"

struct config;
struct app;
struct shared;

/*
 * What a sub-command works at: the configuration, and the same services over
 * the same mapped file as a worker has, so that what it changes the workers
 * know at once.
 */
struct context {
	const struct command_line *line;
	struct config *config;
	struct shared *shared;
	struct app *services;
	int64_t now;
};

/**
 * context_config(line, desk), context_open(line, desk):
 * Read the configuration (--config); the same, and open the services.  Root
 * becomes the owner of the database first, so that nothing it makes is out of
 * the workers' reach.  Return EXIT_GO_ON, or an exit status after one line on
 * stderr (or what the log has to say).  context_close() always.
 */
int context_config(const struct command_line *line, struct context *context);
int context_open(const struct command_line *line, struct context *context);
void context_close(struct context *context);

/* context_app(desk): open them behind context_config(). */
int context_app(struct context *context);

/* The command line acts with nobody's session. */
struct store_actor context_actor(const struct context *context);

/**
 * context_user(desk, text, user_out):
 * The account whose number or address ${text} is; EXIT_GO_ON, or an exit
 * status after one line on stderr.
 */
int context_user(
    const struct context *context, const char *text, struct user *user_out);

/**
 * context_failed(desk, err, what): say why not; return EXIT_FAILED.
 * context_limit(desk, limit_out): the number that --limit says, or 1000;
 * EXIT_GO_ON, or EXIT_WRONG after one line.
 */
int context_failed(
    const struct context *context, enum err err, const char *what);
int context_limit(const struct context *context, size_t *limit_out);

#endif
