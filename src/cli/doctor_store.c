/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <inttypes.h>

#include "base/clock.h"
#include "cli/exit.h"
#include "config/config.h"
#include "routes/context.h"
#include "store/store_url.h"

static void
check_clock(struct doctor *d)
{
	static const char cure[] =
	    "set the clock and keep it synchronized (timedatectl set-ntp "
	    "true); no session expires until it has caught up; if it is right "
	    "and was ahead before, stop the pool and run latchkey clock reset";
	int64_t latest = 0, behind;

	if (store_latest_time(d->context.app->store, &latest) != ERR_OK)
		return; /* reported already */
	behind = clock_behind(&clock_system, latest);
	if (clock_system.wall() < CLOCK_EARLIEST)
		doctor_report(d, DOCTOR_FAIL, "clock", cure,
		    "it shows a time before the first release of latchkey");
	else if (behind > 0)
		doctor_report(d, DOCTOR_FAIL, "clock", cure,
		    "it is %" PRId64 " s behind the latest time in the store",
		    behind);
	else
		doctor_report(d, DOCTOR_OK, "clock", NULL,
		    "is not behind the latest time in the store");
}

static void
check_writable(struct doctor *d)
{
	struct store_actor actor = context_actor(&d->context);

	if (store_write_check(d->context.app->store, &actor) == ERR_OK)
		doctor_report(d, DOCTOR_OK, "store", NULL, "is writable");
	else
		doctor_report(d, DOCTOR_FAIL, "store",
		    "see the log line above: free disk space, make the file "
		    "writable, or end the process that locks the database",
		    "cannot write a change");
}

static void
check_integrity(struct doctor *d)
{
	switch (store_check(d->context.app->store)) {
	case ERR_OK:
		doctor_report(
		    d, DOCTOR_OK, "store", NULL, "is intact (quick_check)");
		break;
	case ERR_INVALID:
		doctor_report(d, DOCTOR_FAIL, "store",
		    "stop the pool and restore the latest backup: "
		    "latchkey restore FILE",
		    "is damaged");
		break;
	default:
		doctor_report(d, DOCTOR_FAIL, "store", "see the log line above",
		    "cannot be read");
	}
}

void
doctor_store(struct doctor *d)
{
	const char *url = config_text(d->context.config, CONFIG_DATABASE_URL);
	struct stat file;

	/* A check must not create the database. */
	if (!store_url_stat(url, &file))
		return;
	if (context_app(&d->context) != EXIT_GO_ON) {
		doctor_report(d, DOCTOR_FAIL, "store",
		    "see the log lines above; if the database is damaged: "
		    "latchkey restore FILE",
		    "%s or one of its files cannot be opened", url);
		return;
	}
	d->store_good = true;
	check_integrity(d);
	check_writable(d);
	check_clock(d);
}
