/* SPDX-License-Identifier: ISC */
#include "base/machine.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define LINE_SIZE 512

/* Read the first line of a file of the group ${path} below ${mount}. */
static bool
read_line(const char *root, const char *mount, const char *path,
    const char *file, char line[LINE_SIZE])
{
	char name[PATH_MAX];
	FILE *f;
	bool read;

	if (snprintf(name, sizeof(name), "%s/sys/fs/cgroup%s%s/%s", root, mount,
		path, file) >= (int)sizeof(name))
		return false;
	f = fopen(name, "re");
	if (f == NULL)
		return false;
	read = fgets(line, LINE_SIZE, f) != NULL;
	line[strcspn(line, "\n")] = '\0';
	(void)fclose(f);
	return read;
}

/* Lower *${limit} to ${value}, unless that is no limit. */
static void
lower(int64_t *limit, int64_t value)
{
	if (value > 0 && (*limit == 0 || value < *limit))
		*limit = value;
}

static int64_t
number(const char *text)
{
	int64_t value;

	return str_to_int64(text, 1, INT64_MAX, &value) == ERR_OK ? value : 0;
}

static void
lower_cpus(int64_t *limit, const char *quota, const char *period)
{
	int64_t q = number(quota), p = number(period);

	if (q > 0 && p > 0)
		lower(limit, q / p + (q % p != 0));
}

/* Version 2: "QUOTA PERIOD" or "max PERIOD"; bytes or "max". */
static void
read_unified(const char *root, const char *path, struct machine_limits *limits)
{
	char line[LINE_SIZE], *space;

	if (read_line(root, "", path, "cpu.max", line) &&
	    (space = strchr(line, ' ')) != NULL) {
		*space = '\0';
		lower_cpus(&limits->cpus, line, space + 1);
	}
	if (read_line(root, "", path, "memory.max", line))
		lower(&limits->memory, number(line));
}

/* Version 1, whose "no limit" is the largest number of pages. */
#define MEMORY_MAX (INT64_MAX / 2)

static void
read_separate(const char *root, const char *controller, const char *path,
    struct machine_limits *limits)
{
	char quota[LINE_SIZE], period[LINE_SIZE];

	if (strcmp(controller, "/cpu") == 0 &&
	    read_line(root, controller, path, "cpu.cfs_quota_us", quota) &&
	    read_line(root, controller, path, "cpu.cfs_period_us", period))
		lower_cpus(&limits->cpus, quota, period);
	if (strcmp(controller, "/memory") == 0 &&
	    read_line(root, controller, path, "memory.limit_in_bytes", quota) &&
	    number(quota) < MEMORY_MAX)
		lower(&limits->memory, number(quota));
}

/* Is ${name} one of the ${controllers} separated by commas? */
static bool
has_controller(const char *controllers, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = controllers; at != NULL;
	     at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, name, len) == 0 &&
		    (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

/* The groups from ${path} up to the root, each of which may have a limit. */
static void
read_groups(const char *root, const char *controllers, char *path,
    struct machine_limits *limits)
{
	static const char *const separate[] = { "/cpu", "/memory" };
	char *slash;

	for (;;) {
		const char *at = strcmp(path, "/") == 0 ? "" : path;

		if (controllers[0] == '\0')
			read_unified(root, at, limits);
		for (size_t i = 0; i < NELEMS(separate); i++)
			if (has_controller(controllers, separate[i] + 1))
				read_separate(root, separate[i], at, limits);
		slash = strrchr(path, '/');
		if (slash == NULL || path[0] == '\0')
			return;
		*slash = '\0';
	}
}

void
machine_limits(const char *root, struct machine_limits *limits_out)
{
	char name[PATH_MAX], line[LINE_SIZE];
	FILE *f;

	*limits_out = (struct machine_limits){ 0 };
	(void)snprintf(name, sizeof(name), "%s/proc/self/cgroup", root);
	if ((f = fopen(name, "re")) == NULL)
		return;
	/* "HIERARCHY:CONTROLLERS:PATH" each; no controllers: version 2. */
	while (fgets(line, sizeof(line), f) != NULL) {
		char *controllers = strchr(line, ':'), *path;

		line[strcspn(line, "\n")] = '\0';
		path =
		    controllers != NULL ? strchr(controllers + 1, ':') : NULL;
		if (path == NULL)
			continue;
		*path = '\0';
		read_groups(root, controllers + 1, path + 1, limits_out);
	}
	(void)fclose(f);
}

int
machine_cpus(void)
{
	struct machine_limits limits;
	cpu_set_t set;
	int n = 1;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	machine_limits("", &limits);
	if (limits.cpus > 0 && limits.cpus < n)
		n = (int)limits.cpus;
	return n > 0 ? n : 1;
}

int64_t
machine_memory(void)
{
	struct machine_limits limits;

	machine_limits("", &limits);
	return limits.memory;
}
