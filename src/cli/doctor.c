/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json_writer.h"
#include "cli/exit.h"
#include "cli/handlers.h"
#include "config/config.h"

static const char *const verdicts[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

void
doctor_report(struct doctor *d, enum doctor_verdict verdict,
    const char *subject, const char *cure, const char *fmt, ...)
{
	char text[1024];
	struct json_writer *w;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (verdict == DOCTOR_FAIL)
		d->failures++;
	if (!d->json) {
		printf("%-5s %s: %s%s%s\n", verdicts[verdict], subject, text,
		    cure != NULL ? "; cure: " : "", cure != NULL ? cure : "");
		(void)fflush(stdout);
		return;
	}
	w = output_begin(&d->output);
	json_write_string(w, "verdict", verdicts[verdict]);
	json_write_string(w, "subject", subject);
	json_write_string(w, "finding", text);
	if (cure != NULL)
		json_write_string(w, "cure", cure);
	else
		json_write_null(w, "cure");
	output_end(&d->output);
}

/* In this order: later checks depend on the results of earlier ones. */
static doctor_check_fn *const checks[] = { doctor_files, doctor_store,
	doctor_redis, doctor_issuers, doctor_socket, doctor_url, doctor_guard };

/* A bad configuration is a finding here, not bad usage. */
static bool
read_config(struct doctor *d, const struct command_line *line)
{
	struct config *config = NULL;
	char why[512];

	if (config_load(command_value(line, "config"), why, sizeof(why),
		&config) != ERR_OK) {
		doctor_report(d, DOCTOR_FAIL, "configuration",
		    "correct it in the file or the environment; latchkey "
		    "config "
		    "--options lists every option",
		    "%s", why);
		return false;
	}
	config_free(config);
	doctor_report(d, DOCTOR_OK, "configuration", NULL, "is valid");
	return true;
}

int
doctor_run(const struct command_line *line)
{
	static const struct output_column columns[] = { { NULL, NULL } };
	struct doctor d = { .json = command_flag(line, "json") };
	int status = EXIT_GO_ON;

	if (command_flag(line, "guarded") && !command_flag(line, "url"))
		return exit_usage("doctor: --guarded needs --url");
	if (read_config(&d, line))
		status = context_config(line, &d.context);
	for (size_t i = 0; status == EXIT_GO_ON && d.context.config != NULL &&
	     i < NELEMS(checks);
	     i++)
		checks[i](&d);
	if (status == EXIT_GO_ON)
		status = d.json ? output_list(&d.output, columns, true)
				: exit_finish();
	output_clear(&d.output);
	context_close(&d.context);
	return status == EXIT_DONE && d.failures > 0 ? EXIT_FAILED : status;
}
