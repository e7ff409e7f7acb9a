/* SPDX-License-Identifier: ISC */
#include "model/event.h"

#include "base/err.h"
#include "support/test.h"

/* Log watchers and operators match these: fail2ban's filter, old audit rows. */
TEST(published_texts_never_change)
{
	static const struct {
		enum event event;
		const char *audit, *log;
	} rows[] = {
		{ EVENT_LOGIN, "login", "login_ok" },
		{ EVENT_LOGIN_REFUSED, NULL, "login_refused" },
		{ EVENT_LOGIN_LIMITED, NULL, "login_limited" },
		{ EVENT_REGISTER_LIMITED, NULL, "register_limited" },
		{ EVENT_DEFAULT_LIMITED, NULL, "default_limited" },
		{ EVENT_CLIENT_REFUSED, NULL, "client_refused" },
		{ EVENT_LOGOUT, "logout", "logout" },
		{ EVENT_SESSION_END, "session_end", "session_ended" },
		{ EVENT_PASSWORD_CHANGE, "password", "password_changed" },
		{ EVENT_EXTERNAL_CREATED, "outside_created",
		    "outside_created" },
		{ EVENT_RESTORE, "restore", NULL },
		{ EVENT_CLOCK_JUMP, "clock_jump", "clock_jump" },
	};

	for (size_t i = 0; i < NELEMS(rows); i++) {
		const char *audit = event_audit_name(rows[i].event);
		const char *log = event_log_name(rows[i].event);

		assert_int_equal(audit == NULL, rows[i].audit == NULL);
		assert_int_equal(log == NULL, rows[i].log == NULL);
		if (audit != NULL)
			assert_string_equal(audit, rows[i].audit);
		if (log != NULL)
			assert_string_equal(log, rows[i].log);
	}
}

TEST(each_text_belongs_to_one_event)
{
	const char *(*const columns[])(
	    enum event) = { event_audit_name, event_log_name };

	for (size_t c = 0; c < NELEMS(columns); c++)
		for (int i = 0; i < EVENT_COUNT; i++)
			for (int j = 0; j < i; j++) {
				const char *a = columns[c]((enum event)i);
				const char *b = columns[c]((enum event)j);

				if (a != NULL && b != NULL)
					assert_string_not_equal(a, b);
			}
	for (int i = EVENT_NONE + 1; i < EVENT_COUNT; i++)
		assert_true(event_audit_name((enum event)i) != NULL ||
		    event_log_name((enum event)i) != NULL);
	assert_null(event_audit_name(EVENT_NONE));
	assert_null(event_log_name(EVENT_COUNT));
}
