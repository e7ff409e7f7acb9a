/* SPDX-License-Identifier: ISC */
#include "routes/security_log.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "http/request.h"
#include "routes/context.h"
#include "shm/counters.h"

/* What a new event is counted as, if anything, is a row here. */
static const struct {
	const char *event;
	enum counters_id counter;
} counted[] = {
	{ "login_ok", COUNTERS_LOGINS_OK },
	{ "login_refused", COUNTERS_LOGINS_REFUSED },
	{ "login_limited", COUNTERS_LOGINS_LIMITED },
	{ "login_limited", COUNTERS_LIMITED_LOGIN },
	{ "register_limited", COUNTERS_LIMITED_REGISTER },
	{ "default_limited", COUNTERS_LIMITED_DEFAULT },
	{ "register", COUNTERS_REGISTERED },
	{ "outside_created", COUNTERS_REGISTERED },
	{ "logout", COUNTERS_LOGOUTS },
	{ "logout_all", COUNTERS_LOGOUTS_ALL },
	{ "session_ended", COUNTERS_SESSIONS_ENDED },
	{ "password_changed", COUNTERS_PASSWORDS_CHANGED },
	{ "account_deactivated", COUNTERS_DEACTIVATED },
	{ "account_deleted", COUNTERS_DELETED },
};

static void
count(const struct app *app, const char *event)
{
	for (size_t i = 0; i < NELEMS(counted); i++)
		if (strcmp(counted[i].event, event) == 0)
			counters_add(app->shm, counted[i].counter, 1);
}

void
security_log(const struct app *app, const struct request *req,
    const char *event, int64_t user_id)
{
	const char *address = req->address[0] != '\0' ? req->address : "-";

	count(app, event);
	if (user_id == 0)
		log_event(LOG_LEVEL_INFO, event, "request_id=%s address=%s",
		    req->request_id, address);
	else
		log_event(LOG_LEVEL_INFO, event,
		    "request_id=%s address=%s user=%" PRId64, req->request_id,
		    address, user_id);
}
