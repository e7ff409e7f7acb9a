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
 * What a sub-command works with: the configuration and, over the same shared
 * memory, the same services as a worker, so that workers see its changes at
 * once.
 */
struct context {
	const struct command_line *line;
	struct config *config;
	struct shared *shared;
	struct app *app;
	int64_t now;
};

/**
 * context_config(line, context), context_open(line, context):
 * Read the configuration (--config); context_open() also opens the services.
 * A process of root becomes the owner of the database first, so that the
 * workers can use every file it creates.  Return EXIT_GO_ON, or an exit status
 * after one line on stderr or in the log.  Call context_close() in every case.
 */
int context_config(const struct command_line *line, struct context *context);
int context_open(const struct command_line *line, struct context *context);
void context_close(struct context *context);

/* context_app(context): open the services, after context_config(). */
int context_app(struct context *context);

/* context_actor(context): the command line, which acts without a session. */
struct store_actor context_actor(const struct context *context);

/**
 * context_user(context, text, user_out):
 * Find the account with the number or e-mail address ${text}.  Return
 * EXIT_GO_ON, or an exit status after one line on stderr.
 */
int context_user(
    const struct context *context, const char *text, struct user *user_out);

/**
 * context_failed(context, err, what):
 * Print that the command failed for ${what} because of ${err}.  Return
 * EXIT_FAILED.
 *
 * context_limit(context, limit_out):
 * Read --limit, by default 1000.  Return EXIT_GO_ON, or EXIT_WRONG after one
 * line on stderr.
 */
int context_failed(
    const struct context *context, enum err err, const char *what);
int context_limit(const struct context *context, size_t *limit_out);

#endif
