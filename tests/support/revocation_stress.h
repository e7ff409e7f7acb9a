/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_REVOCATION_STRESS_H
#define TESTS_SUPPORT_REVOCATION_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/session.h"
#include "model/token.h"

/*
 * Processes that check sessions without pause over kept FastCGI connections,
 * while another ends these sessions and says so, and hold the site to its
 * word.  All of them look at one struct revocation_stress in shared memory.
 */
#define REVOCATION_STRESS_PLACES 100

/*
 * A place has one session after the other.  Its turn is their number, doubled;
 * odd while the next one moves in.
 */
struct revocation_stress_place {
	_Atomic uint64_t turn;
	_Atomic uint64_t ending; /* the end of this turn's was asked for */
	_Atomic uint64_t ended;  /* and acknowledged */
	char session[SESSION_ID_SIZE];
	char token[TOKEN_TEXT_SIZE];
};

struct revocation_stress {
	struct revocation_stress_place places[REVOCATION_STRESS_PLACES];
	const char *socket;     /* of the site; borrowed */
	_Atomic unsigned focus; /* the place that every other check is about */
	bool rough;             /* workers die: answers may be missing or 503 */
	_Atomic int stop;
	_Atomic uint64_t checks;   /* with an answer */
	_Atomic uint64_t accepted; /* of these */
	_Atomic uint64_t late;     /* begun after an acknowledged end */
	/* what must not be */
	_Atomic uint64_t revived; /* late, or after a refusal, and accepted */
	_Atomic uint64_t denied;  /* refused though no end was asked for */
	_Atomic uint64_t lost;    /* without an answer, or a wrong one */
};

/* revocation_stress_start(h, seed): a process that besieges until ->stop, then
 * exits 0. */
pid_t revocation_stress_start(struct revocation_stress *h, unsigned seed);

/* revocation_stress_renew(h, i, session, token): another session moves in. */
void revocation_stress_renew(struct revocation_stress *h, unsigned i,
    const char *session, const char *token);

/* revocation_stress_quiet(h): the test fails if what must not be was. */
void revocation_stress_quiet(const struct revocation_stress *h);

#endif
