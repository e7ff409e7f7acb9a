/* SPDX-License-Identifier: ISC */
#include "base/machine.h"

#include <stdio.h>
#include <sys/stat.h>

#include "support/files.h"
#include "support/process.h"
#include "support/test.h"

struct fixture {
	char root[64];
};

static void
set_up(struct fixture *f)
{
	(void)snprintf(
	    f->root, sizeof(f->root), "/tmp/latchkey-machine.XXXXXX");
	assert_non_null(mkdtemp(f->root));
}

static void
tear_down(struct fixture *f)
{
	process_remove_tree(f->root);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

/* Write ${text} to the file ${path} below the root, making its folders. */
static void
put(struct fixture *f, const char *path, const char *text)
{
	char name[256];

	(void)snprintf(name, sizeof(name), "%s%s", f->root, path);
	for (char *slash = strchr(name + strlen(f->root) + 1, '/');
	     slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(name, 0755);
		*slash = '/';
	}
	files_write(name, text, strlen(text));
}

static void
expect(struct fixture *f, int64_t cpus, int64_t memory)
{
	struct machine_limits limits;

	machine_limits(f->root, &limits);
	assert_int_equal(limits.cpus, cpus);
	assert_int_equal(limits.memory, memory);
}

#define GROUPS "/sys/fs/cgroup"

TEST(limits_of_version_2_are_the_least_up_to_the_root, struct fixture *f)
{
	expect(f, 0, 0);
	put(f, "/proc/self/cgroup", "0::/a/b\n");
	expect(f, 0, 0);
	put(f, GROUPS "/a/b/cpu.max", "max 100000\n");
	put(f, GROUPS "/a/b/memory.max", "max\n");
	expect(f, 0, 0);
	put(f, GROUPS "/a/b/cpu.max", "250000 100000\n");
	put(f, GROUPS "/a/b/memory.max", "134217728\n");
	expect(f, 3, 134217728);
	put(f, GROUPS "/a/cpu.max", "50000 100000\n");
	put(f, GROUPS "/a/memory.max", "1000000000\n");
	expect(f, 1, 134217728);
}

/* In a container the group is the root of what it sees. */
TEST(limits_at_the_root_count, struct fixture *f)
{
	put(f, "/proc/self/cgroup", "0::/\n");
	put(f, GROUPS "/cpu.max", "200000 100000\n");
	put(f, GROUPS "/memory.max", "268435456\n");
	expect(f, 2, 268435456);
}

TEST(limits_of_version_1_are_read, struct fixture *f)
{
	put(f, "/proc/self/cgroup",
	    "5:cpuset:/c\n4:cpu,cpuacct:/x\n3:memory:/y\n1:name=systemd:/\n");
	put(f, GROUPS "/cpu/c/cpu.cfs_quota_us", "100000\n");
	put(f, GROUPS "/cpu/c/cpu.cfs_period_us", "100000\n");
	put(f, GROUPS "/cpu/x/cpu.cfs_quota_us", "-1\n");
	put(f, GROUPS "/cpu/x/cpu.cfs_period_us", "100000\n");
	put(f, GROUPS "/memory/y/memory.limit_in_bytes",
	    "9223372036854771712\n");
	expect(f, 0, 0);
	put(f, GROUPS "/cpu/x/cpu.cfs_quota_us", "150000\n");
	put(f, GROUPS "/memory/y/memory.limit_in_bytes", "134217728\n");
	expect(f, 2, 134217728);
}

TEST(this_machine_has_a_processor)
{
	assert_true(machine_cpus() >= 1);
	assert_true(machine_memory() >= 0);
}
