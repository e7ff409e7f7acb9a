/* SPDX-License-Identifier: ISC */
/*
 * usage: argon2 KIB PASSES SECONDS
 * Argon2id and nothing else, one hash after the other; prints hashes and
 * seconds as JSON.  What logins are measured against.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static const char password[] = "correct horse battery staple";
	unsigned char salt[crypto_pwhash_SALTBYTES] = { 0 };
	unsigned char tag[32];
	unsigned long hashes = 0;
	double start, took, most;
	long kib, passes;

	if (argc != 4) {
		fputs("usage: argon2 KIB PASSES SECONDS\n", stderr);
		return 2;
	}
	kib = strtol(argv[1], NULL, 10);
	passes = strtol(argv[2], NULL, 10);
	most = strtod(argv[3], NULL);
	if (sodium_init() < 0 || kib < 8 || passes < 1)
		return 1;
	start = seconds();
	do {
		if (crypto_pwhash(tag, sizeof(tag), password, strlen(password),
			salt, (unsigned long long)passes, (size_t)kib * 1024,
			crypto_pwhash_ALG_ARGON2ID13) != 0)
			return 1;
		hashes++;
		took = seconds() - start;
	} while (took < most);
	printf("{\"hashes\":%lu,\"seconds\":%.6f}\n", hashes, took);
	return 0;
}
