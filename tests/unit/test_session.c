/* SPDX-License-Identifier: ISC */
#include "model/session.h"

#include "base/buf.h"
#include "base/json_writer.h"
#include "base/secret.h"
#include "model/token.h"
#include "model/user.h"
#include "support/test.h"

#define NOW INT64_C(1800000000)
#define HANDLE "0123456789abcdef0123456789abcdef"

static struct session
sample(void)
{
	struct session s = {
		.handle = HANDLE,
		.user_id = 42,
		.epoch = 3,
		.created_at = 951782400,
		.last_seen_at = 951782500,
		.expires_at = NOW + 10,
		.device = "phone",
		.user_agent = "curl/7.88 \"x\"",
		.address = "2001:db8::1",
	};

	return s;
}

static struct user
owner(void)
{
	struct user u = { .id = 42, .epoch = 3, .status = USER_STATUS_ACTIVE };

	return u;
}

TEST(the_handle_hides_the_id)
{
	char handle[SESSION_HANDLE_SIZE] = "left over";
	char key[SESSION_KEY_SIZE], jti_key[TOKEN_KEY_SIZE];

	/* BLAKE2b-128, as b2sum -l 128 prints it */
	assert_int_equal(
	    session_handle(handle, "f47ac10b-58cc-4372-a567-0e02b2c3d479"),
	    ERR_OK);
	assert_string_equal(handle, "969e402ee6d68dd2dc63d9e1b2eb9427");
	assert_int_equal(
	    session_handle(handle, "F47AC10B-58CC-4372-A567-0E02B2C3D479"),
	    ERR_INVALID);
	assert_string_equal(handle, "");
	assert_int_equal(session_handle(handle, ""), ERR_INVALID);

	session_key(key, HANDLE);
	assert_string_equal(key, "session:" HANDLE);
	token_key(jti_key, "f47ac10b-58cc-4372-a567-0e02b2c3d479");
	assert_string_equal(
	    jti_key, "blacklist:f47ac10b-58cc-4372-a567-0e02b2c3d479");
}

TEST(a_session_lives_only_if_all_holds)
{
	struct session s = sample();
	struct user u = owner();
	static const struct session no_session;
	static const struct user no_user;

	assert_true(session_live(&s, &u, NOW));
	assert_true(session_live(&s, &u, s.expires_at - 1));
	assert_false(session_live(&s, &u, s.expires_at));
	assert_false(session_live(&s, &u, INT64_MAX));

	s.revoked_at = 1;
	assert_false(session_live(&s, &u, NOW));
	s = sample();
	s.user_id = 41;
	assert_false(session_live(&s, &u, NOW));
	s = sample();
	s.epoch = 2; /* before a logout everywhere */
	assert_false(session_live(&s, &u, NOW));
	s.epoch = 4; /* of a change that was never committed */
	assert_false(session_live(&s, &u, NOW));
	s = sample();
	u.status = USER_STATUS_INACTIVE;
	assert_false(session_live(&s, &u, NOW));
	u.status = USER_STATUS_NONE;
	assert_false(session_live(&s, &u, NOW));
	assert_false(session_live(&no_session, &no_user, -1));
}

TEST(the_device_list_shows_no_secret)
{
	struct session s = sample();
	struct buf out = { 0 };
	struct json_writer w;

	json_write_begin(&w, &out);
	json_write_object(&w, NULL);
	session_write_device(&s, true, &w);
	json_write_close(&w);
	assert_int_equal(json_write_end(&w), ERR_OK);
	assert_string_equal(out.data,
	    "{\"handle\":\"" HANDLE "\",\"device\":\"phone\","
	    "\"user_agent\":\"curl/7.88 \\\"x\\\"\","
	    "\"address\":\"2001:db8::1\","
	    "\"created_at\":\"2000-02-29T00:00:00Z\","
	    "\"last_seen_at\":\"2000-02-29T00:01:40Z\","
	    "\"expires_at\":\"2027-01-15T08:00:10Z\",\"current\":true}");
	buf_clear(&out);
}

TEST(a_session_shows_when_it_expires)
{
	struct session s = sample();
	struct buf out = { 0 };
	struct json_writer w;

	json_write_begin(&w, &out);
	json_write_object(&w, NULL);
	session_write(&s, &w);
	json_write_close(&w);
	assert_int_equal(json_write_end(&w), ERR_OK);
	assert_string_equal(out.data,
	    "{\"handle\":\"" HANDLE "\","
	    "\"created_at\":\"2000-02-29T00:00:00Z\","
	    "\"expires_at\":\"2027-01-15T08:00:10Z\"}");
	buf_clear(&out);
}
