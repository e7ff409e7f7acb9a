/* SPDX-License-Identifier: ISC */
#include "auth/clients.h"

#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "support/shm_fixture.h"

/* printf %s the-secret-of-one | b2sum -l 256, and so on */
#define ONE "a2a513cced25a2a4539f6e720da439f53b33ec0e5b8cfb4ac672223a693895c5"
#define TWO "0000000000000000000000000000000000000000000000000000000000000000"

struct fixture {
	struct table table;
	char path[2048];
	char why[512];
	struct clients *clients;
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	(void)snprintf(f->path, sizeof(f->path), "%s/clients", f->table.dir);
}

static void
tear_down(struct fixture *f)
{
	clients_free(f->clients);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static enum err
load(struct fixture *f, mode_t mode, const char *text)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	clients_free(f->clients);
	return clients_load(f->path, f->why, sizeof(f->why), &f->clients);
}

static enum err
check(const struct fixture *f, const char *id, const char *secret)
{
	struct clients_claim claim = { 0 };

	(void)snprintf(claim.id, sizeof(claim.id), "%s", id);
	(void)snprintf(claim.secret, sizeof(claim.secret), "%s", secret);
	return clients_check(f->clients, &claim);
}

/* The hashes as b2sum(1) of coreutils prints them. */
TEST(a_client_authenticates_by_its_secret, struct fixture *f)
{
	assert_int_equal(load(f, 0644,
			     "# made by a machine\n"
			     "\n"
			     "one " ONE "\n"
			     "  two-2.x\t" TWO "  \r\n"
			     "   # none\n"
			     "last " ONE),
	    ERR_OK);
	assert_int_equal(check(f, "one", "the-secret-of-one"), ERR_OK);
	assert_int_equal(check(f, "last", "the-secret-of-one"), ERR_OK);
	assert_int_equal(check(f, "one", "the-secret-of-onE"), ERR_DENIED);
	assert_int_equal(check(f, "one", ""), ERR_DENIED);
	assert_int_equal(check(f, "two-2.x", "the-secret-of-one"), ERR_DENIED);
	assert_int_equal(check(f, "three", "the-secret-of-one"), ERR_DENIED);
	assert_int_equal(check(f, "", ""), ERR_DENIED);
	assert_int_equal(check(f, "#", "none"), ERR_DENIED);
}

TEST(without_a_file_there_are_no_clients, struct fixture *f)
{
	assert_int_equal(
	    clients_load("", f->why, sizeof(f->why), &f->clients), ERR_OK);
	assert_int_equal(check(f, "one", "the-secret-of-one"), ERR_DENIED);
	assert_int_equal(check(f, "", ""), ERR_DENIED);
}

TEST(invalid_lines_are_refused, struct fixture *f)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "one\n", "line 1 of " },
		{ "a " ONE "\none " ONE " more\n", "line 2 of " },
		{ "one the-secret-of-one\n", "BLAKE2b-256" },
		{ "one " ONE "0\n", "BLAKE2b-256" },
		{ "a:b " ONE "\n", "other characters" },
		{ "a " ONE "\na " TWO "\n", "twice" },
	};
	char text[3000];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		assert_int_equal(load(f, 0600, cases[i].text), ERR_INVALID);
		assert_null(f->clients);
		if (strstr(f->why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].text, f->why);
		assert_null(strstr(f->why, "the-secret"));
	}
	memset(text, ' ', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(load(f, 0600, text), ERR_INVALID);
	assert_non_null(strstr(f->why, "too long"));
}

TEST(a_file_that_others_can_write_is_refused, struct fixture *f)
{
	assert_int_equal(load(f, 0640, "one " ONE "\n"), ERR_OK);
	assert_int_equal(load(f, 0620, "one " ONE "\n"), ERR_INVALID);
	assert_int_equal(load(f, 0602, "one " ONE "\n"), ERR_INVALID);
	assert_non_null(strstr(f->why, "others"));
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(
	    clients_load(f->path, f->why, sizeof(f->why), &f->clients),
	    ERR_INVALID);
	assert_non_null(strstr(f->why, "cannot open"));
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(
	    clients_load(f->path, f->why, sizeof(f->why), &f->clients),
	    ERR_INVALID);
	assert_non_null(strstr(f->why, "not a regular file"));
}

TEST(basic_credentials_are_parsed)
{
	/* From RFC 7617 section 2. */
	static const char good[] = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
	static const char *const bad[] = {
		"Basic",
		"Basic ",
		"Basic QWxhZGRpbg==", /* no colon */
		"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",
		"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== ",
		"Basic QWxhZGRpb=jpvcGVuIHNlc2FtZQ==",
		"Basic YTpiAGM=", /* a zero byte */
		"Basic ////",
	};
	struct clients_claim claim;
	char text[2048];

	assert_int_equal(clients_basic(good, &claim), ERR_OK);
	assert_string_equal(claim.id, "Aladdin");
	assert_string_equal(claim.secret, "open sesame");
	assert_int_equal(clients_basic("basic  YTpiOmM=", &claim), ERR_OK);
	assert_string_equal(claim.id, "a");
	assert_string_equal(claim.secret, "b:c");
	for (size_t i = 0; i < NELEMS(bad); i++) {
		enum err err = clients_basic(bad[i], &claim);

		/* without a space it is another scheme */
		if (err != (i == 0 ? ERR_NOT_FOUND : ERR_INVALID))
			fail_msg("%s: %s", bad[i], err_name(err));
		assert_string_equal(claim.secret, "");
	}
	assert_int_equal(clients_basic(NULL, &claim), ERR_NOT_FOUND);
	assert_int_equal(clients_basic("Bearer abc", &claim), ERR_NOT_FOUND);
	memset(text, 'A', sizeof(text) - 1);
	memcpy(text, "Basic ", 6);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(clients_basic(text, &claim), ERR_INVALID);
}

TEST(the_form_encoding_is_undone)
{
	static const struct {
		const char *id, *secret, *decoded_id, *decoded_secret;
		enum err expect;
	} cases[] = {
		{ "shop", "s%2Fe+c%3Dret", "shop", "s/e c=ret", ERR_OK },
		{ "sh%6Fp", "plain", "shop", "plain", ERR_OK },
		{ "shop", "50%", "", "", ERR_INVALID },
		{ "sh%op", "s", "", "", ERR_INVALID },
		{ "shop", "a%00b", "", "", ERR_INVALID },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct clients_claim claim = { 0 }, decoded;

		(void)snprintf(claim.id, sizeof(claim.id), "%s", cases[i].id);
		(void)snprintf(
		    claim.secret, sizeof(claim.secret), "%s", cases[i].secret);
		assert_int_equal(
		    clients_form_decode(&claim, &decoded), cases[i].expect);
		assert_string_equal(decoded.id, cases[i].decoded_id);
		assert_string_equal(decoded.secret, cases[i].decoded_secret);
	}
}
