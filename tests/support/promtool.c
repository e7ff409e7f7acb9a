/* SPDX-License-Identifier: ISC */
#include "support/promtool.h"

#include "support/test.h"

#include <stdio.h>

#include "base/buf.h"
#include "support/process.h"

void
promtool_check(const char *dir, const struct buf *text)
{
	char path[256], log[256];
	const char *argv[] = { "promtool", "check", "metrics", NULL };
	struct process_options p = { .argv = argv, .log = log };
	FILE *in;
	int status;

	snprintf(path, sizeof(path), "%s/metrics.txt", dir);
	snprintf(log, sizeof(log), "%s/promtool.log", dir);
	in = fopen(path, "w+");
	assert_non_null(in);
	assert_int_equal(fwrite(text->data, 1, text->len, in), text->len);
	rewind(in);
	p.stdin_fd = fileno(in);
	status = process_stop(process_start(&p), 0, 15000);
	fclose(in);
	/* It exits with 1 for what it cannot read, 3 for what it dislikes. */
	if (status != 0) {
		char line[256];
		FILE *f = fopen(log, "r");

		while (f != NULL && fgets(line, sizeof(line), f) != NULL)
			print_error("%s", line);
		if (f != NULL)
			fclose(f);
		fail_msg("promtool: status %d", status);
	}
}
