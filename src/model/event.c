/* SPDX-License-Identifier: ISC */
#include "model/event.h"

#include <stddef.h>

static const struct {
	const char *audit, *log;
} names[EVENT_COUNT] = {
#define EVENT(id, audit, log, counter) [EVENT_##id] = { audit, log },
#include "model/events.def"
#undef EVENT
};

const char *
event_audit_name(enum event event)
{
	return event < EVENT_COUNT ? names[event].audit : NULL;
}

const char *
event_log_name(enum event event)
{
	return event < EVENT_COUNT ? names[event].log : NULL;
}
