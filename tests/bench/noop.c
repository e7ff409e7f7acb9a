/* SPDX-License-Identifier: ISC */
/*
 * usage: noop [BYTES]
 * The loop that a first program with libfcgi has, on the listening socket that
 * is descriptor 0: reads the body, answers a fixed JSON document of BYTES bytes
 * (400).  What Latchkey is measured against.  Asked whether a request may pass,
 * it says yes, and always the same name.
 */
#include <fastcgi.h>
#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MIN 16
#define BYTES_MAX 65536

static char json_value[BYTES_MAX + 1];

/* As long as the identity that Latchkey sends. */
#define IDENTITY(user, prefix)                                                 \
	user ": 1000\r\n" prefix "User: Username Longname\r\n" prefix          \
	     "Id: 1000\r\n" prefix "Email: username@example.org\r\n" prefix    \
	     "Role: user\r\n" prefix                                           \
	     "Session: 0123456789abcdef0123456789abcdef\r\n\r\n"

/*
 * Does a web server ask whether another request may pass?  Then answer.  Such
 * a question has no body, and mod_fcgid does not even say that it has ended.
 */
static int
decided(FCGX_Request *request)
{
	if (request->role == FCGI_AUTHORIZER)
		(void)FCGX_FPrintF(request->out,
		    "Status: 200 OK\r\n" IDENTITY(
			"Variable-REMOTE_USER", "Variable-AUTH_"));
	else if (FCGX_GetParam("LATCHKEY_AUTHORIZE_PROTOCOL", request->envp) !=
	    NULL)
		(void)FCGX_FPrintF(request->out,
		    "Status: 200 OK\r\n" IDENTITY("Remote-User", "X-Auth-"));
	else
		return 0;
	return 1;
}

static void
make_document(size_t bytes)
{
	static const char head[] = "{\"padding\":\"";
	static const char tail[] = "\"}";

	memset(json_value, 'x', bytes);
	memcpy(json_value, head, sizeof(head) - 1);
	memcpy(json_value + bytes - (sizeof(tail) - 1), tail, sizeof(tail));
}

static void
respond(FCGX_Request *request, long bytes)
{
	char body[8192];

	while (
	    FCGX_GetStr(body, sizeof(body), request->in) == (int)sizeof(body))
		continue;
	(void)FCGX_FPrintF(request->out,
	    "Content-Type: application/json\r\n"
	    "Cache-Control: no-store\r\n\r\n");
	(void)FCGX_PutStr(json_value, (int)bytes, request->out);
}

int
main(int argc, char **argv)
{
	long bytes = argc > 1 ? strtol(argv[1], NULL, 10) : 400;
	FCGX_Request request;

	if (bytes < BYTES_MIN || bytes > BYTES_MAX) {
		fprintf(
		    stderr, "noop: BYTES is %d to %d\n", BYTES_MIN, BYTES_MAX);
		return 2;
	}
	make_document((size_t)bytes);
	if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
		return 1;
	while (FCGX_Accept_r(&request) == 0) {
		if (!decided(&request))
			respond(&request, bytes);
		FCGX_Finish_r(&request);
	}
	return 0;
}
