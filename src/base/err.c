/* SPDX-License-Identifier: ISC */
#include "base/err.h"

const char *
err_name(enum err err)
{
	switch (err) {
	case ERR_OK: return "ok";
	case ERR_NOT_FOUND: return "not_found";
	case ERR_DENIED: return "denied";
	case ERR_LIMITED: return "limited";
	case ERR_INVALID: return "invalid";
	case ERR_CONFLICT: return "conflict";
	case ERR_UNAVAILABLE: return "unavailable";
	case ERR_BUSY: return "busy";
	case ERR_INTERNAL: return "internal";
	}
	return "unknown"; /* memory is broken, but a log line must not be */
}
