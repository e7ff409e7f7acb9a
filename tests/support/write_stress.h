/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_WRITE_STRESS_H
#define TESTS_SUPPORT_WRITE_STRESS_H

#include <stdbool.h>
#include <stddef.h>

struct web;

/*
 * Threads of users who register, sign in again, take another name and sign the
 * first device out, one after the other, while the test disturbs the site, and
 * the answers that each got.  After a 503 the thread checks that the change was
 * not made, and tries again.
 */
struct write_stress;

/* The answer to a change. */
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

/* write_stress_start(base, tag): ${tag} is part of all e-mail addresses. */
struct write_stress *write_stress_start(const char *base, const char *tag);

/* write_stress_wait(b, n): until ${n} more changes were acknowledged. */
void write_stress_wait(struct write_stress *b, unsigned n);

/* write_stress_refused(b): how many answers were 503. */
unsigned write_stress_refused(struct write_stress *b);

/* write_stress_slowest(b): the slowest answer, in seconds. */
double write_stress_slowest(struct write_stress *b);

/**
 * write_stress_ask_to_stop(b): send no further requests.
 * write_stress_stop(b):
 * Do that and wait for the threads.  The test fails if an answer was untrue: a
 * right password refused, a live session called over, 503 for a change that was
 * made.
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
