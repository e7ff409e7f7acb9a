/* SPDX-License-Identifier: ISC */
#ifndef CLI_DESK_H
#define CLI_DESK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/command.h"
#include "model/user.h"
#include "store/store.h"

struct config;
struct services;
struct shared;

/*
 * What a sub-command works at: the configuration, and the same services over
 * the same mapped file as a worker has, so that what it changes the workers
 * know at once.
 */
struct desk {
	const struct command_line *line;
	struct config *config;
	struct shared *shared;
	struct services *services;
	int64_t now;
};

/**
 * desk_config(line, desk), desk_open(line, desk):
 * Read the configuration (--config); the same, and open the services.  Root
 * becomes the owner of the database first, so that nothing it makes is out of
 * the workers' reach.  Return USAGE_GO_ON, or an exit status after one line on
 * stderr (or what the log has to say).  desk_close() always.
 */
int desk_config(const struct command_line *line, struct desk *desk);
int desk_open(const struct command_line *line, struct desk *desk);
void desk_close(struct desk *desk);

/* desk_services(desk): open them behind desk_config(). */
int desk_services(struct desk *desk);

/* The command line acts with nobody's session. */
struct store_actor desk_actor(const struct desk *desk);

/**
 * desk_user(desk, text, user_out):
 * The account whose number or address ${text} is; USAGE_GO_ON, or an exit
 * status after one line on stderr.
 */
int desk_user(const struct desk *desk, const char *text, struct user *user_out);

/**
 * desk_failed(desk, err, what): say why not; return USAGE_FAILED.
 * desk_limit(desk, limit_out): the number that --limit says, or 1000;
 * USAGE_GO_ON, or USAGE_WRONG after one line.
 */
int desk_failed(const struct desk *desk, enum err err, const char *what);
int desk_limit(const struct desk *desk, size_t *limit_out);

#endif
