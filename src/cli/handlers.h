/* SPDX-License-Identifier: ISC */
#ifndef CLI_HANDLERS_H
#define CLI_HANDLERS_H

#include "cli/command.h"

/* The handlers of the sub-commands in commands.c, by file. */

extern command_fn backup_cmd_make, backup_cmd_restore;
extern command_fn clock_cmd_run;
extern command_fn config_cmd_run;
extern command_fn doctor_run;
extern command_fn key_cmd_list, key_cmd_rotate;
extern command_fn serve_run;
extern command_fn session_cmd_list, session_cmd_revoke;
extern command_fn stats_cmd_run;
extern command_fn user_cmd_add, user_cmd_change, user_cmd_list, user_cmd_passwd,
    user_cmd_show;

#endif
