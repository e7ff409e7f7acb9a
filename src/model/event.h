/* SPDX-License-Identifier: ISC */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

/* The security events; events.def is the one table of them. */
enum event {
	EVENT_NONE,
#define EVENT(id, audit, log, counter) EVENT_##id,
#include "model/events.def"
#undef EVENT
	EVENT_COUNT
};

/**
 * event_audit_name(event), event_log_name(event):
 * The text of ${event} in the audit table or in the log; NULL if it has none
 * there.
 */
const char *event_audit_name(enum event event);
const char *event_log_name(enum event event);

#endif
