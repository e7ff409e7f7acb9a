/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_WRITE_STRESS_H
#define TESTS_SUPPORT_WRITE_STRESS_H

#include <stdbool.h>
#include <stddef.h>

struct web;

/*
 * Threads of people who register, sign in again, take another name and sign
 * the first device out, one after the other, while the test does something to
 * the site; and what each was told.  Who is told 503 looks whether it was
 * really not done, and tries again.
 */
struct write_stress;

/* What was said of a change. */
enum write_stress_word {
	WRITE_STRESS_NOT_DONE, /* not asked for yet, or 503 each time */
	WRITE_STRESS_DONE,
	WRITE_STRESS_UNKNOWN /* there was no answer of ours */
};

struct write_stress_person {
	char email[64];
	enum write_stress_word registered, signed_in, renamed, signed_out;
	char first[64], second[64]; /* session ids */
};

/* write_stress_start(base, tag): ${tag} tells the addresses from other bursts'.
 */
struct write_stress *write_stress_start(const char *base, const char *tag);

/* write_stress_wait(b, n): until ${n} more changes were acknowledged. */
void write_stress_wait(struct write_stress *b, unsigned n);

/* write_stress_refused(b): how often somebody was told 503. */
unsigned write_stress_refused(struct write_stress *b);

/* write_stress_slowest(b): the longest that anybody waited, in seconds. */
double write_stress_slowest(struct write_stress *b);

/**
 * write_stress_ask_to_stop(b): nobody asks for anything more from now on.
 * write_stress_stop(b):
 * That, and wait for the threads.  The test fails if anybody was told what
 * cannot be: that a right password is wrong, that a session is over which is
 * not, 503 for what was done.
 */
void write_stress_ask_to_stop(struct write_stress *b);
void write_stress_stop(struct write_stress *b);
void write_stress_free(struct write_stress *b);

/**
 * write_stress_people(b, people_out):
 * As of now; while it runs, what is not done yet may be done in the next
 * moment, and is unknown.  free() them.  Returns how many.
 */
size_t write_stress_people(
    struct write_stress *b, struct write_stress_person **people_out);

/* All that these people were told is true at the site of ${web}. */
void write_stress_check(
    const struct write_stress_person *people, size_t n, struct web *web);

#endif
