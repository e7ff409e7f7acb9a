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
 * From now on our mounts are nobody else's, and go with us.  False if that is
 * not allowed here.
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
 * What the kernel does to an ext4 that it finds damaged: from now on it can
 * only be read, whoever has files of it open for writing.
 */
void disk_break(const struct disk *d);
/* Check and mount it anew; nobody may be using it. */
void disk_mend(struct disk *d);

/* disk_unmount(d): nobody may be using it any more; it is gone then. */
void disk_unmount(struct disk *d);

#endif
