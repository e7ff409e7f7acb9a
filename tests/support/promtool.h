/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_PROMTOOL_H
#define SUPPORT_PROMTOOL_H

struct buf;

/* promtool_check(dir, text): Prometheus' own tool finds no fault in ${text}. */
void promtool_check(const char *dir, const struct buf *text);

#endif
