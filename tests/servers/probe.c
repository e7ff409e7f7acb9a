/* SPDX-License-Identifier: ISC */
/*
 * A FastCGI program in Latchkey's place.  It answers with the status that the
 * browser names in X-Answer, and with headers and a body that show whether the
 * web server passes them on.
 */
#include <fcgiapp.h>
#include <stdlib.h>
#include <string.h>

/* The headers that Latchkey sends, and one that it never sends. */
static const char identity[] = "Variable-REMOTE_USER: 7\r\n"
			       "Variable-AUTH_ID: 7\r\n"
			       "Remote-User: 7\r\n"
			       "X-Auth-Id: 7\r\n";

static void
answer(FCGX_Request *req)
{
	const char *want = FCGX_GetParam("HTTP_X_ANSWER", req->envp);
	int status = want != NULL ? (int)strtol(want, NULL, 10) : 200;

	FCGX_FPrintF(req->out, "Status: %d Probe\r\n", status);
	if (status == 200 || status == 204)
		FCGX_PutS(identity, req->out);
	if (status == 302)
		FCGX_PutS("Location: /?rd=%2Fguarded%2F\r\n", req->out);
	if (status == 401)
		FCGX_PutS("WWW-Authenticate: Bearer\r\n", req->out);
	if (status == 429 || status == 503)
		FCGX_PutS("Retry-After: 7\r\n", req->out);
	FCGX_PutS("X-Probe: yes\r\n", req->out);
	if (status != 200 && status != 204)
		FCGX_PutS("Content-Type: application/problem+json\r\n"
			  "X-Request-Id: 7\r\n",
		    req->out);
	FCGX_PutS("\r\n", req->out);
	if (status != 200 && status != 204)
		FCGX_PutS("said by the probe\n", req->out);
}

int
main(void)
{
	FCGX_Request req;

	if (FCGX_Init() != 0 || FCGX_InitRequest(&req, 0, 0) != 0)
		return 1;
	while (FCGX_Accept_r(&req) == 0) {
		answer(&req);
		FCGX_Finish_r(&req);
	}
	return 0;
}
