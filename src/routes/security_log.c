/* SPDX-License-Identifier: ISC */
#include "routes/security_log.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "host/stats.h"
#include "http/request.h"
#include "routes/services.h"

/* What a new event is counted as, if anything, is a row here. */
static const struct {
	const char *event;
	enum stats_counter counter;
} counted[] = {
	{ "login_ok", STATS_LOGINS_OK },
	{ "login_refused", STATS_LOGINS_REFUSED },
	{ "login_limited", STATS_LOGINS_LIMITED },
	{ "login_limited", STATS_LIMITED_LOGIN },
	{ "register_limited", STATS_LIMITED_REGISTER },
	{ "default_limited", STATS_LIMITED_DEFAULT },
	{ "register", STATS_REGISTERED },
	{ "outside_created", STATS_REGISTERED },
	{ "logout", STATS_LOGOUTS },
	{ "logout_all", STATS_LOGOUTS_ALL },
	{ "session_ended", STATS_SESSIONS_ENDED },
	{ "password_changed", STATS_PASSWORDS_CHANGED },
	{ "account_deactivated", STATS_DEACTIVATED },
	{ "account_deleted", STATS_DELETED },
};

static void
count(const struct services *sv, const char *event)
{
	for (size_t i = 0; i < NELEMS(counted); i++)
		if (strcmp(counted[i].event, event) == 0)
			stats_add(sv->mapped, counted[i].counter, 1);
}

void
security_log(const struct services *sv, const struct request *req,
    const char *event, int64_t user_id)
{
	const char *address = req->address[0] != '\0' ? req->address : "-";

	count(sv, event);
	if (user_id == 0)
		log_event(LOG_LEVEL_INFO, event, "request_id=%s address=%s",
		    req->request_id, address);
	else
		log_event(LOG_LEVEL_INFO, event,
		    "request_id=%s address=%s user=%" PRId64, req->request_id,
		    address, user_id);
}
