/* SPDX-License-Identifier: ISC */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include <stdbool.h>

/**
 * serve_main(argc, argv):
 * "latchkey serve [options]": read the configuration and run the pool.
 * Return the exit status; 2, after one line on stderr, for bad usage or a bad
 * configuration.
 */
int serve_main(int argc, char **argv);

/* serve_socket_given(): is descriptor 0 a listening socket? */
bool serve_socket_given(void);

#endif
