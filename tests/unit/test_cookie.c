/* SPDX-License-Identifier: ISC */
#include "http/cookie.h"

#include "base/secret.h"
#include "http/request.h"
#include "http/response.h"
#include "support/test.h"

#define ID "0e3fd6b1-6d0c-4f7e-9a55-0a3d4b1c2d3e"
#define OTHER "1e3fd6b1-6d0c-4f7e-9a55-0a3d4b1c2d3e"
#define LOCAL "REMOTE_ADDR=127.0.0.1"
#define REMOTE "REMOTE_ADDR=192.0.2.1"

static void
init(struct request *req, const char *remote, const char *https,
    const char *cookie)
{
	/* The request keeps pointing at these. */
	static const char *params[4];

	params[0] = remote;
	params[1] = https;
	params[2] = cookie;
	request_init(req, (char *const *)params, NULL, 0);
}

TEST(a_cookie_is_read_strictly)
{
	static const struct {
		const char *cookie, *expect;
	} cases[] = {
		{ "HTTP_COOKIE=latchkey=" ID, ID },
		{ "HTTP_COOKIE=a=b; latchkey=" ID "; c=d", ID },
		{ "HTTP_COOKIE=a=b;latchkey=" ID, ID },
		{ "HTTP_COOKIE=latchkey=" ID "; latchkey=" ID, ID },
		{ "HTTP_COOKIE=latchkey=" ID "; latchkey=" OTHER, "" },
		{ "HTTP_COOKIE=latchkey=" ID "; latchkey=x", "" },
		{ "HTTP_COOKIE=latchkey=x; latchkey=" ID, "" },
		{ "HTTP_COOKIE=latchkey=; latchkey=" ID, "" },
		{ "HTTP_COOKIE=Latchkey=" ID, "" },
		{ "HTTP_COOKIE=xlatchkey=" ID, "" },
		{ "HTTP_COOKIE=latchkeyx=" ID, "" },
		{ "HTTP_COOKIE=x=latchkey=" ID, "" },
		{ "HTTP_COOKIE=latchkey", "" },
		{ "HTTP_COOKIE=latchkey=", "" },
		{ "HTTP_COOKIE=latchkey=\"" ID "\"", "" },
		{ "HTTP_COOKIE=latchkey=" ID "0", "" },
		{ "HTTP_COOKIE=latchkey=" ID " ", "" },
		{ "HTTP_COOKIE=latchkey= " ID, "" },
		{ "HTTP_COOKIE=latchkey=0E3FD6B1-6D0C-4F7E-9A55-0A3D4B1C2D3E",
		    "" },
		{ "HTTP_COOKIE=__Host-latchkey=" ID, "" },
		{ "HTTP_COOKIE=;;; ;latchkey=" ID, ID },
		{ "HTTP_COOKIE=", "" },
		{ "OTHER=latchkey=" ID, "" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char id[SESSION_ID_SIZE];
		struct request req;

		init(&req, LOCAL, "HTTPS=off", cases[i].cookie);
		cookie_session_id(&req, id);
		assert_string_equal(id, cases[i].expect);
	}
}

TEST(the_name_goes_with_the_scheme)
{
	static const struct {
		const char *remote, *https;
		const char *plain, *host;
	} cases[] = {
		{ LOCAL, "HTTPS=off", ID, "" },
		{ LOCAL, "HTTPS=on", "", ID },
		{ REMOTE, "HTTPS=on", "", ID },
		{ REMOTE, "HTTPS=off", "", "" },
		{ "REMOTE_ADDR=", "HTTPS=off", "", "" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char id[SESSION_ID_SIZE];
		struct request req;

		init(&req, cases[i].remote, cases[i].https,
		    "HTTP_COOKIE=latchkey=" ID);
		cookie_session_id(&req, id);
		assert_string_equal(id, cases[i].plain);
		init(&req, cases[i].remote, cases[i].https,
		    "HTTP_COOKIE=__Host-latchkey=" ID);
		cookie_session_id(&req, id);
		assert_string_equal(id, cases[i].host);
	}
}

TEST(the_attributes_go_with_the_scheme)
{
	static const struct {
		const char *remote, *https;
		const char *set, *removed;
	} cases[] = {
		{ REMOTE, "HTTPS=on",
		    "Set-Cookie: __Host-latchkey=" ID
		    "; Path=/; Secure; HttpOnly; SameSite=Lax; "
		    "Max-Age=604800\r\n",
		    "Set-Cookie: __Host-latchkey="
		    "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0\r\n" },
		{ LOCAL, "HTTPS=off",
		    "Set-Cookie: latchkey=" ID
		    "; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800\r\n",
		    "Set-Cookie: latchkey="
		    "; Path=/; HttpOnly; SameSite=Lax; Max-Age=0\r\n" },
		{ REMOTE, "HTTPS=off", NULL, NULL },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct response set = { 0 }, removed = { 0 };
		struct request req;

		init(&req, cases[i].remote, cases[i].https, "X=");
		cookie_set(&req, &set, ID, 604800);
		cookie_remove(&req, &removed);
		if (cases[i].set == NULL) {
			assert_int_equal(set.headers.len, 0);
			assert_int_equal(removed.headers.len, 0);
		} else {
			assert_string_equal(set.headers.data, cases[i].set);
			assert_string_equal(
			    removed.headers.data, cases[i].removed);
		}
		response_clear(&set);
		response_clear(&removed);
	}
}
