/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_BURST_H
#define SUPPORT_BURST_H

#include <stdbool.h>
#include <stddef.h>

struct web;

/*
 * Threads of people who register, sign in again, take another name and sign
 * the first device out, one after the other, while the test does something to
 * the site; and what each was told.  Who is told 503 looks whether it was
 * really not done, and tries again.
 */
struct burst;

/* What was said of a change. */
enum burst_word {
	BURST_NOT_DONE, /* not asked for yet, or 503 each time */
	BURST_DONE,
	BURST_UNKNOWN /* there was no answer of ours */
};

struct burst_person {
	char email[64];
	enum burst_word registered, signed_in, renamed, signed_out;
	char first[64], second[64]; /* session ids */
};

/* burst_start(base, tag): ${tag} tells the addresses from other bursts'. */
struct burst *burst_start(const char *base, const char *tag);

/* burst_wait(b, n): until ${n} more changes were acknowledged. */
void burst_wait(struct burst *b, unsigned n);

/* burst_refused(b): how often somebody was told 503. */
unsigned burst_refused(struct burst *b);

/* burst_slowest(b): the longest that anybody waited, in seconds. */
double burst_slowest(struct burst *b);

/**
 * burst_ask_to_stop(b): nobody asks for anything more from now on.
 * burst_stop(b):
 * That, and wait for the threads.  The test fails if anybody was told what
 * cannot be: that a right password is wrong, that a session is over which is
 * not, 503 for what was done.
 */
void burst_ask_to_stop(struct burst *b);
void burst_stop(struct burst *b);
void burst_free(struct burst *b);

/**
 * burst_people(b, people_out):
 * As of now; while it runs, what is not done yet may be done in the next
 * moment, and is unknown.  free() them.  Returns how many.
 */
size_t burst_people(struct burst *b, struct burst_person **people_out);

/* All that these people were told is true at the site of ${web}. */
void burst_check(const struct burst_person *people, size_t n, struct web *web);

#endif
