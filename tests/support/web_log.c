/* SPDX-License-Identifier: ISC */
#include "support/web_log.h"

#include "support/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "support/web.h"

static const char *
method_of(const struct web_call *call)
{
	if (call->method != NULL)
		return call->method;
	return call->body != NULL ? "POST" : "GET";
}

void
web_log(const struct web_call *call, const struct web_reply *reply)
{
	const char *path = getenv("WEB_LOG");
	struct buf line = { 0 };
	struct json_writer w;
	int fd;

	if (path == NULL || path[0] == '\0' || reply->status == 0)
		return;
	json_write_begin(&w, &line);
	json_write_object(&w, NULL);
	json_write_string(&w, "method", method_of(call));
	json_write_string(&w, "path", call->path);
	json_write_int(&w, "status", reply->status);
	json_write_string(&w, "headers",
	    reply->headers.data != NULL ? reply->headers.data : "");
	if (reply->json != NULL)
		json_write_string(&w, "body", reply->body.data);
	json_write_close(&w);
	assert_int_equal(json_write_end(&w), ERR_OK);
	buf_puts(&line, "\n");
	/* In one piece: others write there too. */
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, line.data, line.len), line.len);
	close(fd);
	buf_clear(&line);
}
