/* SPDX-License-Identifier: ISC */
#ifndef HTTP_RECORDS_H
#define HTTP_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * The FastCGI 1.0 records that have arrived on a connection, looked at before
 * libfcgi may see them: version, types, ids, lengths and limits.
 */
#define RECORDS_PARAMS_MAX ((size_t)32 * 1024)
#define RECORDS_BODY_MAX ((size_t)64 * 1024)
#define RECORDS_REQUEST_MAX                                                    \
	(RECORDS_PARAMS_MAX + RECORDS_BODY_MAX + (size_t)32 * 1024)

enum records_verdict {
	RECORDS_BROKEN = 0, /* close the connection */
	RECORDS_MORE,       /* wait for more bytes */
	RECORDS_REQUEST,    /* a whole request of .length bytes lies ready */
	RECORDS_REPLY       /* read .length bytes, send .reply; then go on */
};

struct records {
	enum records_verdict verdict;
	size_t length;
	unsigned char reply[32]; /* management answer or END_REQUEST */
	size_t reply_len;
	bool close_after; /* after .reply */
};

/**
 * records_check(data, len, records_out):
 * Judge the ${len} bytes that lie on the connection, from the start of a
 * record that begins a request or stands between requests.
 */
void records_check(
    const unsigned char *data, size_t len, struct records *records_out);

#endif
