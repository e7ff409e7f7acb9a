/* SPDX-License-Identifier: ISC */
#include "routes/security_log.h"

#include <inttypes.h>

#include "base/log.h"
#include "http/request.h"
#include "routes/context.h"
#include "shm/counters.h"

void
security_log(const struct app *app, const struct request *req, enum event event,
    int64_t user_id)
{
	const char *address = req->address[0] != '\0' ? req->address : "-";
	const char *name = event_log_name(event);

	counters_event(app->shm, event);
	if (user_id == 0)
		log_event(LOG_LEVEL_INFO, name, "request_id=%s address=%s",
		    req->request_id, address);
	else
		log_event(LOG_LEVEL_INFO, name,
		    "request_id=%s address=%s user=%" PRId64, req->request_id,
		    address, user_id);
}
