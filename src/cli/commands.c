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
#define FORCE { "force", NULL, "even if it is the last administrator" }
#define USER_IS " USER is an email address or the number of the account."

const struct command commands[] = {
	/* serve.c */
	{ "", "serve", "", 0, 0, serve_run,
	    "serve FastCGI requests with a pool of workers",
	    "Without --listen, latchkey serves the listening socket that it "
	    "is started with: the one from systemd (LISTEN_FDS), or the one on "
	    "descriptor 0 as from spawn-fcgi, mod_fcgid and lighttpd.  It has "
	    "one worker then, unless --workers asks for more.  On SIGTERM or "
	    "SIGQUIT the pool finishes the requests that have arrived and ends; on "
	    "SIGHUP it reads the configuration again and replaces the workers.",
	    { { "listen", "unix:PATH|HOST:PORT", "listen on this socket" },
	      { "workers", "N|auto",
		"worker processes, 1 to 512; auto: use LATCHKEY_WORKERS" },
	      CONFIG,
	      { "pid-file", "FILE", "write the pid of the pool to FILE" },
	      { "allow-remote", NULL, "allow a HOST other than loopback; "
		"FastCGI has no authentication" } } },
	/* config_cmd.c */
	{ "", "config", "", 0, 0, config_cmd_run,
	    "print every option, its value and its source",
	    "Sources are the environment, a systemd credential, the "
	    "configuration file and the default.  Secrets are not printed.",
	    { CONFIG,
	      { "options", NULL, "list and explain the options instead" } } },
	/* user_cmd.c */
	{ "user", "add", "EMAIL", 1, 1, user_cmd_add,
	    "create an account",
	    "The password is read from the terminal without echo, or from the "
	    "first line of standard input if that is not a terminal.  The same "
	    "rules apply as on the registration page.",
	    { { "name", "NAME", "by default the part before the @" },
	      { "role", "user|admin", "by default user" },
	      JSON, CONFIG } },
	{ "user", "list", "[TEXT]", 0, 1, user_cmd_list,
	    "list accounts, or those whose address or name contains TEXT",
	    "",
	    { { "after", "ID", "start after this account" },
	      { "limit", "N", "the most to list; by default 1000" },
	      JSON, CONFIG } },
	{ "user", "show", "USER", 1, 1, user_cmd_show,
	    "show an account, the number of its sessions, and its issuers",
	    USER_IS, { JSON, CONFIG } },
	{ "user", "passwd", "USER", 1, 1, user_cmd_passwd,
	    "set the password of an account and end its sessions",
	    "The password is read as for user add." USER_IS, { CONFIG } },
	{ "user", "disable", "USER", 1, 1, user_cmd_change,
	    "end the sessions of an account and refuse new sign-ins",
	    USER_IS, { FORCE, CONFIG } },
	{ "user", "enable", "USER", 1, 1, user_cmd_change,
	    "allow an account to sign in again",
	    "Ended sessions stay ended." USER_IS, { CONFIG } },
	{ "user", "unlink", "USER", 1, 1, user_cmd_change,
	    "remove the links of an account to subjects of other issuers",
	    "Its sessions end.  A subject that signs in later is linked again "
	    "if its issuer may link by email, or gets an account of its own."
	    USER_IS, { CONFIG } },
	{ "user", "delete", "USER", 1, 1, user_cmd_change,
	    "delete an account and its sessions for good",
	    "The number of the account is never reused." USER_IS, { FORCE, CONFIG } },
	{ "user", "promote", "USER", 1, 1, user_cmd_change,
	    "make an account an administrator",
	    USER_IS, { CONFIG } },
	{ "user", "demote", "USER", 1, 1, user_cmd_change,
	    "make an administrator an ordinary account",
	    USER_IS, { FORCE, CONFIG } },
	/* session_cmd.c */
	{ "session", "list", "", 0, 0, session_cmd_list,
	    "list live sessions, newest first",
	    "",
	    { { "user", "USER", "only the sessions of this account" },
	      { "limit", "N", "the most to list; by default 1000" },
	      JSON, CONFIG } },
	{ "session", "revoke", "[HANDLE...]", 0, 1000, session_cmd_revoke,
	    "end sessions and every token issued for them",
	    "session list prints the handles.  Ending a session twice is not "
	    "an error; an unknown handle is.",
	    { { "user", "USER", "all sessions of this account" }, CONFIG } },
	/* key_cmd.c */
	{ "key", "list", "", 0, 0, key_cmd_list,
	    "list the keys that sign tokens, and their states",
	    "next: published, will sign later; signs: signs new tokens; "
	    "verifies: tokens it signed may still be valid; over: will be "
	    "deleted by the next maintenance run.",
	    { JSON, CONFIG } },
	{ "key", "rotate", "", 0, 0, key_cmd_rotate,
	    "create a new key to sign tokens",
	    "The key signs after it has been published for "
	    "LATCHKEY_KEY_PUBLISH_SECONDS; tokens of the previous key stay valid "
	    "until they expire.  With --replace the key signs at once and all "
	    "other keys are deleted, which ends every access token but no "
	    "session.  Use it after a secret was disclosed or lost.",
	    { { "replace", NULL, "delete all other keys now" }, CONFIG } },
	/* stats_cmd.c */
	{ "", "stats", "", 0, 0, stats_cmd_run,
	    "show request rates, latency and cache hit rates of the pool",
	    "The figures of all processes of this host, read from their shared "
	    "memory.  With --watch each update shows the time since the one "
	    "before.  If standard output is not a terminal, stats prints once.",
	    { { "watch", NULL, "update until Ctrl-C or the end of the pool" },
	      { "interval", "SECONDS", "between two updates; by default 2" },
	      JSON, CONFIG } },
	/* doctor.c */
	{ "", "doctor", "", 0, 0, doctor_run,
	    "check this installation and suggest how to fix it",
	    "Prints one line for each finding: ok, warn or fail.  The exit "
	    "status is 1 if any check fails.  Configuration, permissions, store, "
	    "clock and Redis are always checked, the FastCGI socket and the site "
	    "if they are named.  The site is asked by curl(1), as a browser "
	    "would.  With --guarded a temporary account asks for the page.",
	    { { "listen", "unix:PATH|HOST:PORT", "the socket, as for serve" },
	      { "url", "URL", "the site, for example https://www.example.org" },
	      { "guarded", "PATH", "the path of a page that requires a sign-in" },
	      JSON, CONFIG } },
	/* backup_cmd.c */
	{ "", "backup", "FILE", 1, 1, backup_cmd_make,
	    "copy the database to FILE while the pool runs",
	    "The copy is one file, checked before it gets its name, that only "
	    "its owner may read.  It does not contain the secret (master.key).",
	    { { "force", NULL, "overwrite FILE" }, CONFIG } },
	{ "", "restore", "FILE", 1, 1, backup_cmd_restore,
	    "replace the database by a backup",
	    "No process may have the database open.  The old database is kept "
	    "under another name.  All sessions end, because sessions revoked "
	    "since the backup are not known.  Passwords, roles and accounts "
	    "become those of the backup.",
	    { CONFIG } },
	/* clock_cmd.c */
	{ "", "clock", "[reset]", 0, 1, clock_cmd_run,
	    "compare the clock with the latest time in the database",
	    "Expiry follows the later of the two, so nothing that has expired "
	    "becomes valid again when the clock is set back.  If the clock was "
	    "ahead once, clock reset makes the time of the database that of the "
	    "clock.  All sessions end, all tokens end, and a new key signs.  No "
	    "process may have the database open.",
	    { { "yes", NULL, "with reset: do not ask" }, JSON, CONFIG } },
	/* here */
	{ "", "help", "[COMMAND...]", 0, 2, help_run,
	    "print this text, or the help of a command", "",
	    { { "source", "PART", "print a generated part of the manual" } } },
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
	      "A sign-in server: accounts, sessions and final logout over "
	      "FastCGI.\n"
	      "\n",
	    stdout);
	list_commands(NULL);
	fputs("\n"
	      "latchkey COMMAND --help explains a command; latchkey --version "
	      "prints the version.\n"
	      "Without a command, but started with a listening socket, "
	      "latchkey runs serve.\n"
	      "Exit status: 0 success, 1 failure, 2 bad usage or "
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
	printf("\nlatchkey %s COMMAND --help explains a command.\n", group);
	return exit_finish();
}

static int
version(void)
{
	puts("latchkey " PACKAGE_VERSION);
	return exit_finish();
}

/* ---- finding ---- */

/* Find the command that ${words} begin with, and count the words of its name.
 */
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
	return exit_usage(
	    "help: unknown command \"%.64s\"", line->operands[line->count - 1]);
}

static bool
is_one_of(const char *word, const char *one, const char *other)
{
	return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

static int
run_other(int count, char **words)
{
	if (is_one_of(words[0], "--help", "-h"))
		return help_all();
	if (is_one_of(words[0], "--version", "-V"))
		return version();
	if (!is_group(words[0]))
		return exit_usage(
		    "unknown command \"%.64s\"; try --help", words[0]);
	if (count > 1 && is_one_of(words[1], "--help", "-h"))
		return help_group(words[0]);
	if (count > 1)
		return exit_usage("unknown command \"%.64s %.64s\"; try "
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
		return run_other(argc, argv);
	status =
	    command_parse(command, argc - used + 1, argv + used - 1, &line);
	return status == EXIT_GO_ON ? command->run(&line) : status;
}
