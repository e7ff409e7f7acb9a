/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/exit.h"
#include "config/config.h"
#include "routes/context.h"

/* More than that is no drift: somebody has set a clock. */
#define DRIFT_SECONDS 60
/* A machine without a battery starts in 1970: nobody was here before 2024. */
#define EARLIEST INT64_C(1704067200)

static void
check_clock(struct doctor *d)
{
	static const char cure[] =
	    "set the clock and keep it right (timedatectl set-ntp true); "
	    "nothing expires until it has caught up";
	int64_t wall = clock_system.wall(), latest = 0;

	if (store_latest_time(d->context.services->store, &latest) != ERR_OK)
		return; /* the store was found wanting already */
	if (wall < EARLIEST)
		doctor_say(d, DOCTOR_FAIL, "clock", cure,
		    "it shows a time before this program was written");
	else if (latest > wall + DRIFT_SECONDS)
		doctor_say(d, DOCTOR_FAIL, "clock", cure,
		    "it is %" PRId64 " s behind a time the store has seen",
		    latest - wall);
	else
		doctor_say(d, DOCTOR_OK, "clock", NULL,
		    "is not behind the latest time the store has seen");
}

static void
check_writable(struct doctor *d)
{
	struct store_actor actor = context_actor(&d->context);

	if (store_write_check(d->context.services->store, &actor) == ERR_OK)
		doctor_say(d, DOCTOR_OK, "store", NULL, "can be written to");
	else
		doctor_say(d, DOCTOR_FAIL, "store",
		    "look at the log line above: make room on the disk, make "
		    "it writable, or end who holds the database locked",
		    "a change cannot be written");
}

static void
check_whole(struct doctor *d)
{
	switch (store_check(d->context.services->store)) {
	case ERR_OK:
		doctor_say(
		    d, DOCTOR_OK, "store", NULL, "is whole (quick_check)");
		break;
	case ERR_INVALID:
		doctor_say(d, DOCTOR_FAIL, "store",
		    "stop the pool and restore the latest backup: "
		    "latchkey restore FILE",
		    "is damaged");
		break;
	default:
		doctor_say(d, DOCTOR_FAIL, "store",
		    "look at the log line above", "cannot be read");
	}
}

void
doctor_store(struct doctor *d)
{
	const char *database = config_database(d->context.config);

	/* To look is not to make one. */
	if (access(database, F_OK) != 0)
		return;
	if (context_app(&d->context) != EXIT_GO_ON) {
		doctor_say(d, DOCTOR_FAIL, "store",
		    "look at the log lines above; of a damaged database: "
		    "latchkey restore FILE",
		    "%s, or what belongs to it, cannot be opened", database);
		return;
	}
	d->store_good = true;
	check_whole(d);
	check_writable(d);
	check_clock(d);
}
