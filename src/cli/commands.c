/* SPDX-License-Identifier: ISC */
#include "cli/commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/docgen.h"
#include "cli/exit.h"
#include "cli/handlers.h"

#define NAME_WIDTH 18

static command_fn help_run;

/* clang-format off */
#define CONFIG { "config", "FILE", "instead of /etc/latchkey/latchkey.conf" }
#define JSON { "json", NULL, "print JSON instead of columns" }
#define USER_IS " USER is an email address or the number of the account."

const struct command commands[] = {
	/* serve.c */
	{ "", "serve", "", 0, 0, serve_run,
	    "serve FastCGI requests with a pool of workers",
	    "Without --listen the socket is the one on descriptor 0, as "
	    "spawn-fcgi, mod_fcgid, lighttpd and systemd hand it over, and one "
	    "worker serves it unless --workers asks for more.  SIGTERM "
	    "finishes what has arrived and ends; SIGHUP reads the "
	    "configuration again and replaces the workers.",
	    { { "listen", "unix:PATH|HOST:PORT", "listen there" },
	      { "workers", "N|auto",
		"worker processes, 1 to 512; auto: as LATCHKEY_WORKERS says" },
	      CONFIG,
	      { "pid-file", "FILE", "write the pid of the pool there" },
	      { "allow-remote", NULL, "let HOST be other than loopback; "
		"FastCGI trusts whoever connects" } } },
	/* config_cmd.c */
	{ "", "config", "", 0, 0, config_cmd_run,
	    "print every option, its value and where it came from",
	    "That is the environment, a systemd credential, the configuration "
	    "file or the default.  Secrets are not printed.",
	    { CONFIG,
	      { "options", NULL, "what options there are, not their values" } } },
	/* user_cmd.c */
	{ "user", "add", "EMAIL", 1, 1, user_cmd_add,
	    "create an account",
	    "The password is asked for on the terminal, or is the first line "
	    "of standard input where that is no terminal; it must be as good "
	    "as one that is chosen by its owner.",
	    { { "name", "NAME", "by default what stands before the @" },
	      { "role", "user|admin", "what it may do; by default user" },
	      JSON, CONFIG } },
	{ "user", "list", "[TEXT]", 0, 1, user_cmd_list,
	    "list accounts, of which address or name has TEXT in it",
	    "",
	    { { "after", "ID", "begin behind that account" },
	      { "limit", "N", "at most so many; by default 1000" },
	      JSON, CONFIG } },
	{ "user", "show", "USER", 1, 1, user_cmd_show,
	    "show an account and how many sessions it has",
	    USER_IS, { JSON, CONFIG } },
	{ "user", "passwd", "USER", 1, 1, user_cmd_passwd,
	    "give an account another password and end its sessions",
	    "The password is read as by user add." USER_IS, { CONFIG } },
	{ "user", "disable", "USER", 1, 1, user_cmd_disable,
	    "end the sessions of an account and let it sign in no more",
	    USER_IS, { CONFIG } },
	{ "user", "enable", "USER", 1, 1, user_cmd_enable,
	    "let an account sign in again",
	    "Sessions it had do not come back." USER_IS, { CONFIG } },
	{ "user", "delete", "USER", 1, 1, user_cmd_delete,
	    "remove an account and its sessions for good",
	    "Its number is never used again." USER_IS, { CONFIG } },
	{ "user", "promote", "USER", 1, 1, user_cmd_promote,
	    "make an account an admin",
	    USER_IS, { CONFIG } },
	{ "user", "demote", "USER", 1, 1, user_cmd_demote,
	    "make an admin an account like any other",
	    USER_IS, { CONFIG } },
	/* session_cmd.c */
	{ "session", "list", "", 0, 0, session_cmd_list,
	    "list live sessions, newest first",
	    "",
	    { { "user", "USER", "only those of that account" },
	      { "limit", "N", "at most so many; by default 1000" },
	      JSON, CONFIG } },
	{ "session", "revoke", "[HANDLE...]", 0, 1000, session_cmd_revoke,
	    "end sessions, with every token issued under them",
	    "HANDLE is what session list prints.  A session that is over "
	    "already is no error; one that never was is.",
	    { { "user", "USER", "all sessions of that account" }, CONFIG } },
	/* key_cmd.c */
	{ "key", "list", "", 0, 0, key_cmd_list,
	    "list the keys that sign tokens, and what each does now",
	    "next: is published, and signs later; signs; verifies: tokens it "
	    "signed may still be good; over: goes with the next upkeep.",
	    { JSON, CONFIG } },
	{ "key", "rotate", "", 0, 0, key_cmd_rotate,
	    "make a new key that signs tokens",
	    "It signs once it has been published for "
	    "LATCHKEY_KEY_PUBLISH_SECONDS; tokens of the key before it are good "
	    "until they expire.  With --replace it signs at once and all others "
	    "are forgotten, which ends every access token (sessions go on): for "
	    "a secret that got out or was lost.",
	    { { "replace", NULL, "forget all other keys, now" }, CONFIG } },
	/* stats_cmd.c */
	{ "", "stats", "", 0, 0, stats_cmd_run,
	    "show what the pool does: rates, latency, hits of the caches",
	    "All processes of this host together, from the file they share; "
	    "nothing is asked of them.  --watch begins anew each time, so what "
	    "is shown is the last moment; where standard output is no terminal "
	    "it prints once.",
	    { { "watch", NULL, "refresh until ^C or the end of the pool" },
	      { "interval", "SECONDS", "between two pictures; by default 2" },
	      JSON, CONFIG } },
	/* doctor.c */
	{ "", "doctor", "", 0, 0, doctor_run,
	    "find what is wrong with this installation, and name the cure",
	    "One line for each finding: ok, warn or fail; the exit status is 1 "
	    "if anything fails.  Configuration, permissions, store, clock and "
	    "Redis are looked at always, the FastCGI socket and the site when "
	    "they are named; the site is asked by curl(1), as a browser would. "
	    "With --guarded an account is made for a moment, to ask for that "
	    "page with.",
	    { { "listen", "unix:PATH|HOST:PORT", "the socket, as for serve" },
	      { "url", "URL", "the site, as in https://www.example.org" },
	      { "guarded", "PATH", "a page only those signed in may see" },
	      JSON, CONFIG } },
	/* backup_cmd.c */
	{ "", "backup", "FILE", 1, 1, backup_cmd_make,
	    "copy the database to FILE while everything runs",
	    "The copy is checked before it gets its name, and is one file that "
	    "only its owner may read.  The secret (master.key) is not in it.",
	    { { "force", NULL, "overwrite FILE" }, CONFIG } },
	{ "", "restore", "FILE", 1, 1, backup_cmd_restore,
	    "put a backup in the place of the database",
	    "Nothing may have the database open.  What was there is kept under "
	    "another name.  Everybody has to sign in again: nobody can tell "
	    "which sessions were revoked since the backup was made.  Passwords, "
	    "roles and accounts are as they were then.",
	    { CONFIG } },
	/* the rest */
	{ "", "help", "[COMMAND...]", 0, 2, help_run,
	    "print this text, or that of a command", "",
	    { { "source", "PART", "what the manual pages are made of" } } },
};
/* clang-format on */
const size_t commands_count = NELEMS(commands);

/* ---- help ---- */

static void
list_commands(const char *group)
{
	for (size_t i = 0; i < commands_count; i++) {
		if (group == NULL || strcmp(commands[i].group, group) == 0)
			printf("  %-*s%s\n", NAME_WIDTH,
			    command_title(&commands[i]), commands[i].help);
	}
}

static int
help_all(void)
{
	fputs("usage: latchkey COMMAND [options]\n"
	      "\n"
	      "Sign people in, keep them signed in, sign them out for good.\n"
	      "\n",
	    stdout);
	list_commands(NULL);
	fputs("\n"
	      "latchkey COMMAND --help says more; latchkey --version prints "
	      "the version.\n"
	      "Without a command, but with a listening socket on descriptor "
	      "0, it is latchkey\n"
	      "serve.  Exit status: 0 done, 1 it did not work, 2 bad usage or "
	      "configuration.\n",
	    stdout);
	return exit_finish();
}

static bool
is_group(const char *word)
{
	bool found = false;

	for (size_t i = 0; i < commands_count; i++)
		found |=
		    word[0] != '\0' && strcmp(commands[i].group, word) == 0;
	return found;
}

static int
help_group(const char *group)
{
	printf("usage: latchkey %s COMMAND [options]\n\n", group);
	list_commands(group);
	printf("\nlatchkey %s COMMAND --help says more.\n", group);
	return exit_finish();
}

static int
version(void)
{
	puts("latchkey " PACKAGE_VERSION);
	return exit_finish();
}

/* ---- finding ---- */

/* The command that ${words} begin with, and how many of them name it. */
static const struct command *
find(int count, char **words, int *used_out)
{
	bool grouped = is_group(words[0]);

	*used_out = grouped ? 2 : 1;
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];

		if (!grouped && c->group[0] == '\0' &&
		    strcmp(c->name, words[0]) == 0)
			return c;
		if (grouped && count > 1 && strcmp(c->group, words[0]) == 0 &&
		    strcmp(c->name, words[1]) == 0)
			return c;
	}
	return NULL;
}

static int
help_run(const struct command_line *line)
{
	const struct command *command;
	int used;

	if (command_flag(line, "source"))
		return docgen_print(command_value(line, "source"));
	if (line->count == 0)
		return help_all();
	command = find(line->count, line->operands, &used);
	if (command != NULL && used == line->count) {
		command_help(command, stdout);
		return exit_finish();
	}
	if (line->count == 1 && is_group(line->operands[0]))
		return help_group(line->operands[0]);
	return exit_usage("help: there is no command \"%.64s\"",
	    line->operands[line->count - 1]);
}

static bool
is_one_of(const char *word, const char *one, const char *other)
{
	return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

static int
unknown(int count, char **words)
{
	if (is_one_of(words[0], "--help", "-h"))
		return help_all();
	if (is_one_of(words[0], "--version", "-V"))
		return version();
	if (!is_group(words[0]))
		return exit_usage(
		    "there is no command \"%.64s\"; try --help", words[0]);
	if (count > 1 && is_one_of(words[1], "--help", "-h"))
		return help_group(words[0]);
	if (count > 1)
		return exit_usage("there is no command \"%.64s %.64s\"; try "
				  "latchkey %.64s --help",
		    words[0], words[1], words[0]);
	return exit_usage("%.64s: needs a command; try --help", words[0]);
}

int
commands_run(int argc, char **argv)
{
	const struct command *command;
	struct command_line line;
	int status, used;

	command = find(argc, argv, &used);
	if (command == NULL)
		return unknown(argc, argv);
	status =
	    command_parse(command, argc - used + 1, argv + used - 1, &line);
	return status == EXIT_GO_ON ? command->run(&line) : status;
}
