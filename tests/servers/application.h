/* SPDX-License-Identifier: ISC */
#ifndef SERVERS_APPLICATION_H
#define SERVERS_APPLICATION_H

/*
 * An application behind a proxying web server, in a thread.  It answers every
 * request with the head of that request as text/plain.
 */
struct application;

/* application_start(): start one; application_stop(app) stops it. */
struct application *application_start(void);
void application_stop(struct application *app);

/* application_port(app): its port on loopback. */
int application_port(const struct application *app);

#endif
