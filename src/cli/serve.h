/* SPDX-License-Identifier: ISC */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include <stdbool.h>

/* serve_socket_given(): is descriptor 0 a listening socket? */
bool serve_socket_given(void);

#endif
