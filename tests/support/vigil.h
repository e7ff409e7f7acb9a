/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_VIGIL_H
#define SUPPORT_VIGIL_H

struct member;

/*
 * A thread that asks over and over, in every way, whether somebody is signed
 * in, and notes how it was answered.
 */
struct vigil;

struct vigil_report {
	unsigned asked;
	unsigned accepted;
	long other;     /* a status that was not 200, rather below 500 */
	double slowest; /* in seconds */
};

struct vigil *vigil_start(const char *base, const struct member *m);

/* vigil_end(v, report_out): stop it; how was it? */
void vigil_end(struct vigil *v, struct vigil_report *report_out);

/* Each was answered, and yes; there were at least ${asked}. */
void vigil_end_well(struct vigil *v, unsigned asked);

#endif
