/* SPDX-License-Identifier: ISC */
#ifndef SHM_SHM_INTERNAL_H
#define SHM_SHM_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What shm.c and shm_claim.c share; no other file includes this. */
struct shm {
	int fd;
	struct shm_layout *layout;
	struct shm_layout_slot *slot;
	size_t size; /* of the file */
	char *path;  /* absolute: the working directory may change */
	dev_t dev;
	ino_t ino;
	atomic_bool trusted;

	_Atomic int claim_fd; /* -1: no store is claimed */
	char *claim_path;
	dev_t claim_dev;
	ino_t claim_ino;
};

/* shm_release_claim(shm): let other processes claim the store. */
void shm_release_claim(struct shm *shm);

/* shm_has_claim(shm): false if the store's lock file was replaced. */
bool shm_has_claim(const struct shm *shm);

#endif
