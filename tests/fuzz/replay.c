/* SPDX-License-Identifier: ISC */
/*
 * Runs a fuzz target over every file of the given folders, so that "make check"
 * repeats earlier findings with any compiler.
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Allocate exactly the size, so that a sanitizer notices an overrun. */
static bool
replay_file(const char *path)
{
	bool done = false;
	uint8_t *data = NULL;
	struct stat st;
	size_t size;
	FILE *file;

	file = fopen(path, "re");
	if (file == NULL || fstat(fileno(file), &st) != 0)
		goto out;
	size = (size_t)st.st_size;
	data = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, file) != size)
		goto out;
	LLVMFuzzerTestOneInput(data, size);
	done = true;
out:
	if (!done)
		perror(path);
	free(data);
	if (file != NULL)
		fclose(file);
	return done;
}

/* Return the number of files replayed, or -1. */
static long
replay_folder(const char *folder)
{
	struct dirent *entry;
	char path[4096];
	long count = 0;
	DIR *dir;

	dir = opendir(folder);
	if (dir == NULL) {
		perror(folder);
		return -1;
	}
	while (count >= 0 && (entry = readdir(dir)) != NULL) {
		int n;

		if (entry->d_name[0] == '.')
			continue;
		n = snprintf(
		    path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (n < 0 || n >= (int)sizeof(path) || !replay_file(path))
			count = -1;
		else
			count++;
	}
	closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	long total = 0;

	for (int i = 1; i < argc; i++) {
		long count = replay_folder(argv[i]);

		if (count < 0)
			return 1;
		total += count;
	}
	printf("%ld inputs replayed\n", total);
	return total > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
