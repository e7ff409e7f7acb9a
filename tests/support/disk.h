/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_DISK_H
#define SUPPORT_DISK_H

#include <stdbool.h>

/*
 * A small disk of the test's own, to be filled or broken.  Needs root, and
 * disk_private() once, at the start of main().
 */
struct disk {
	char dir[64];   /* where it is mounted */
	char image[80]; /* empty: it lies in memory */
};

/**
 * disk_private():
 * Move the process to a mount namespace of its own, whose mounts end with it.
 * Return false if that is not allowed here.
 */
bool disk_private(void);

/* disk_mount(d, mib): one in memory, of so many MiB. */
void disk_mount(struct disk *d, int mib);

/**
 * disk_mount_image(d, mib):
 * An ext4 of so many MiB in an image file.  False if this machine has no loop
 * device for it.
 */
bool disk_mount_image(struct disk *d, int mib);

/* Write until nothing more fits; take that away again. */
void disk_fill(const struct disk *d);
void disk_empty(const struct disk *d);

/*
 * Make it read-only, as the kernel does to an ext4 that it finds damaged, even
 * for files that are open for writing.
 */
void disk_break(const struct disk *d);
/* Check it and mount it again; no process may be using it. */
void disk_mend(struct disk *d);

/* disk_unmount(d): remove it; no process may be using it. */
void disk_unmount(struct disk *d);

#endif
