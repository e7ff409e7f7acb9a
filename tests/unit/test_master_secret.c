/* SPDX-License-Identifier: ISC */
#include "token/master_secret.h"

#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/child.h"
#include "support/shm_fixture.h"

#define MAKERS 12
#define SECRET "0123456789abcdef0123456789abcdeF"
#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct fixture {
	struct table folder;
	char path[4096 / 2];
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->folder);
	(void)snprintf(f->path, sizeof(f->path), "%s/secret", f->folder.dir);
}

static void
tear_down(struct fixture *f)
{
	shm_fixture_remove(&f->folder);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static void
put_file(const char *path, const char *text, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* Number of files in the folder whose names do not begin with a dot. */
static int
count_files(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	int n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			n++;
	closedir(d);
	return n;
}

static bool
is_zero(const void *p, size_t len)
{
	const unsigned char *bytes = p;

	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* As a process does that finds no sealed key. */
static enum err
load_or_make(const char *jwt_secret, const char *path, struct master_secret *m)
{
	enum err err = master_secret_load(jwt_secret, path, m);

	return err == ERR_NOT_FOUND ? master_secret_make(m) : err;
}

static bool
is_without_secret(const struct master_secret *m)
{
	return m->len == 0 && is_zero(m->secret, sizeof(m->secret));
}

TEST(uses_jwt_secret_unchanged, struct fixture *f)
{
	unsigned char key[SECRET_KEY_BYTES], other_key[SECRET_KEY_BYTES];
	struct master_secret m, other;

	assert_int_equal(load_or_make(SECRET, f->path, &m), ERR_OK);
	assert_true(m.given);
	assert_int_equal(m.len, strlen(SECRET));
	assert_memory_equal(m.secret, SECRET, strlen(SECRET));

	/* keys differ by purpose and by secret */
	master_secret_derive(&m, "this", key);
	master_secret_derive(&m, "that", other_key);
	assert_memory_not_equal(key, other_key, sizeof(key));
	assert_int_equal(load_or_make(SECRET "x", f->path, &other), ERR_OK);
	master_secret_derive(&other, "this", other_key);
	assert_memory_not_equal(key, other_key, sizeof(key));
	master_secret_derive(&m, "this", other_key);
	assert_memory_equal(key, other_key, sizeof(key));
	/* no file was created */
	assert_int_equal(count_files(f->folder.dir), 0);

	master_secret_clear(&m);
	assert_true(is_zero(&m, sizeof(m)));
}

TEST(reports_the_flaw_of_a_secret)
{
	static const struct {
		const char *secret, *flaw;
	} cases[] = {
		{ "", "must have at least 32 characters" },
		{ "0123456789012345678901234567890",
		    "must have at least 32 characters" },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		    "must not be a few characters repeated" },
		{ "changemechangemechangemechangeme",
		    "must not be a few characters repeated" },
		{ "abcabcabcabcabcabcabcabcabcabcabcabcab",
		    "must not be a few characters repeated" },
		{ "a-string-secret-at-least-256-bits-long",
		    "must not be a published example" },
		{ "A-String-Secret-At-Least-256-Bits-Long",
		    "must not be a published example" },
		{ SECRET, NULL },
		{ "abcabcabcabcabcabcabcabcabcabcabcabcd", NULL },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		const char *flaw = master_secret_flaw(cases[i].secret);

		if (cases[i].flaw == NULL)
			assert_null(flaw);
		else
			assert_string_equal(flaw, cases[i].flaw);
	}
}

TEST(refuses_a_bad_jwt_secret, struct fixture *f)
{
	char text[MASTER_SECRET_MAX + 2];
	struct master_secret k;

	assert_int_equal(master_secret_load("short", f->path, &k), ERR_INVALID);
	assert_int_equal(
	    master_secret_load("0123456789012345678901234567890", f->path, &k),
	    ERR_INVALID); /* 31 bytes */
	assert_true(is_without_secret(&k));
	assert_int_equal(
	    master_secret_load(
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", f->path, &k),
	    ERR_INVALID);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	text[MASTER_SECRET_MAX + 1] = '\0';
	assert_int_equal(master_secret_load(text, f->path, &k), ERR_INVALID);
	text[MASTER_SECRET_MAX] = '\0';
	assert_int_equal(master_secret_load(text, f->path, &k), ERR_OK);
	assert_int_equal(k.len, MASTER_SECRET_MAX);
	/* a bad secret never falls back to a generated one */
	assert_int_equal(count_files(f->folder.dir), 0);
}

/* The caller decides whether to create one. */
TEST(has_no_secret_until_one_is_created, struct fixture *f)
{
	struct master_secret m;

	assert_int_equal(master_secret_load("", f->path, &m), ERR_NOT_FOUND);
	assert_true(is_without_secret(&m));
	assert_string_equal(m.path, f->path);
	assert_int_equal(count_files(f->folder.dir), 0);
}

TEST(creates_the_file_once, struct fixture *f)
{
	struct master_secret k, again;
	struct stat st;
	char text[80] = { 0 };
	FILE *file;

	assert_int_equal(load_or_make("", f->path, &k), ERR_OK);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 65);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(count_files(f->folder.dir), 1);

	file = fopen(f->path, "re");
	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text), file), 65);
	fclose(file);
	assert_int_equal(strspn(text, "0123456789abcdef"), 64);
	assert_int_equal(text[64], '\n');

	assert_int_equal(k.len, SECRET_KEY_BYTES);
	assert_false(k.given);
	assert_int_equal(load_or_make(NULL, f->path, &again), ERR_OK);
	assert_memory_equal(&k, &again, sizeof(k));

	/* another folder, another secret */
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(load_or_make("", f->path, &again), ERR_OK);
	assert_memory_not_equal(k.secret, again.secret, SECRET_KEY_BYTES);
}

TEST(reads_an_existing_file, struct fixture *f)
{
	struct master_secret k, again;

	put_file(f->path, HEX64 "\n", 65, 0600);
	assert_int_equal(load_or_make("", f->path, &k), ERR_OK);
	put_file(f->path, HEX64, 64, 0400);
	assert_int_equal(load_or_make("", f->path, &again), ERR_OK);
	assert_memory_equal(&k, &again, sizeof(k));
}

TEST(refuses_a_malformed_file_and_keeps_it, struct fixture *f)
{
	static const char *const bad[] = { "", "\n", "secret\n", HEX64 "\n\n",
		HEX64 " \n", " " HEX64, HEX64 "0",
		"00112233445566778899AABBCCDDEEFF"
		"00112233445566778899AABBCCDDEEFF\n",
		"0000000000000000000000000000000000000000000000000000000000000"
		"000\n",
		"abababababababababababababababababababababababababababababa"
		"babab\n" };
	struct master_secret k;
	struct stat st;

	for (size_t i = 0; i < NELEMS(bad); i++) {
		put_file(f->path, bad[i], strlen(bad[i]), 0600);
		if (load_or_make("", f->path, &k) != ERR_INVALID)
			fail_msg("taken: %s", bad[i]);
		assert_true(is_without_secret(&k));
		assert_int_equal(stat(f->path, &st), 0);
		assert_int_equal(st.st_size, strlen(bad[i]));
	}
	put_file(f->path, HEX64 "\0", 65, 0600);
	assert_int_equal(load_or_make("", f->path, &k), ERR_INVALID);
}

TEST(refuses_a_file_that_is_open_to_others, struct fixture *f)
{
	static const mode_t bad[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0660,
		0644 };
	struct master_secret k;

	for (size_t i = 0; i < NELEMS(bad); i++) {
		put_file(f->path, HEX64 "\n", 65, bad[i]);
		assert_int_equal(load_or_make("", f->path, &k), ERR_INVALID);
		assert_true(is_without_secret(&k));
	}
	put_file(f->path, HEX64 "\n", 65, 0600);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->path, 65534, 65534), 0);
		assert_int_equal(load_or_make("", f->path, &k), ERR_INVALID);
	}
}

TEST(refuses_what_is_not_a_regular_file, struct fixture *f)
{
	char inside[4096];
	struct master_secret k;

	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(load_or_make("", f->path, &k), ERR_INVALID);
	assert_int_equal(rmdir(f->path), 0);

	/* it has no writer: opening must not block */
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(load_or_make("", f->path, &k), ERR_INVALID);
	assert_int_equal(unlink(f->path), 0);

	assert_int_equal(symlink("loop", f->path), 0);
	(void)snprintf(inside, sizeof(inside), "%s/loop", f->folder.dir);
	assert_int_equal(symlink("secret", inside), 0);
	assert_int_equal(load_or_make("", f->path, &k), ERR_UNAVAILABLE);

	(void)snprintf(inside, sizeof(inside), "%s/no/secret", f->folder.dir);
	assert_int_equal(load_or_make("", inside, &k), ERR_UNAVAILABLE);
	assert_true(is_without_secret(&k));
}

static void
create_secret(void *ctx)
{
	struct fixture *f = ctx;
	struct master_secret k;

	child_check(load_or_make("", f->path, &k) == ERR_OK);
}

TEST(a_killed_process_leaves_no_file, struct fixture *f)
{
	struct master_secret k;

	child_points(f->folder.dir);
	child_arm("master:written.kill");
	child_killed(child_start(create_secret, f));
	assert_int_equal(count_files(f->folder.dir), 0);
	assert_int_equal(load_or_make("", f->path, &k), ERR_OK);
	assert_int_equal(count_files(f->folder.dir), 1);
}

static void
create_by_named_file(void *ctx)
{
	child_refuse(SYS_openat, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP);
	create_secret(ctx);
}

TEST(works_without_o_tmpfile, struct fixture *f)
{
	struct master_secret k;
	struct stat st;

	child_passed(child_start(create_by_named_file, f));
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(count_files(f->folder.dir), 1);
	assert_int_equal(load_or_make("", f->path, &k), ERR_OK);
}

struct race {
	const char *path;
	int start[2];
	struct master_secret *made; /* MAKERS entries, in shared memory */
};

struct racer {
	struct race *race;
	int number;
};

static void
race_to_create(void *ctx)
{
	struct racer *r = ctx;
	char c;

	close(r->race->start[1]);
	child_check(read(r->race->start[0], &c, 1) == 0); /* the signal */
	child_check(load_or_make("", r->race->path,
			&r->race->made[r->number]) == ERR_OK);
}

TEST(of_many_processes_one_wins, struct fixture *f)
{
	struct race race = { .path = f->path };
	pid_t pids[MAKERS];

	race.made = child_shared(MAKERS * sizeof(*race.made));
	assert_int_equal(pipe2(race.start, O_CLOEXEC), 0);
	for (int i = 0; i < MAKERS; i++) {
		struct racer r = { &race, i };

		pids[i] = child_start(race_to_create, &r);
	}
	close(race.start[0]);
	close(race.start[1]);
	for (int i = 0; i < MAKERS; i++)
		child_passed(pids[i]);
	assert_false(is_zero(&race.made[0], sizeof(race.made[0])));
	for (int i = 1; i < MAKERS; i++)
		assert_memory_equal(
		    &race.made[0], &race.made[i], sizeof(race.made[0]));
	assert_int_equal(count_files(f->folder.dir), 1);
	child_unshare(race.made, MAKERS * sizeof(*race.made));
}
