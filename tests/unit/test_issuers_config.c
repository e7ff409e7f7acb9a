/* SPDX-License-Identifier: ISC */
#include "issuers/issuers_config.h"

#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "support/shm_fixture.h"

#define HOME "[https://id.example]\n"
#define AUDIENCE "audience = latchkey\n"

struct fixture {
	struct table table;
	char path[2048];
	char why[512];
	struct issuers_config *config;
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	(void)snprintf(f->path, sizeof(f->path), "%s/issuers", f->table.dir);
}

static void
tear_down(struct fixture *f)
{
	issuers_config_free(f->config);
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
	issuers_config_free(f->config);
	return issuers_config_load(f->path, f->why, sizeof(f->why), &f->config);
}

TEST(without_a_file_there_are_no_issuers, struct fixture *f)
{
	assert_int_equal(
	    issuers_config_load("", f->why, sizeof(f->why), &f->config),
	    ERR_OK);
	assert_int_equal(f->config->count, 0);
	assert_null(issuers_config_find(f->config, ""));
}

TEST(a_block_overrides_the_defaults, struct fixture *f)
{
	const struct issuer *b;
	char text[4096];

	(void)snprintf(text, sizeof(text),
	    "# who else\n"
	    "; and another remark\n"
	    "  [https://id.example/realms/one]  \r\n"
	    "audience=latchkey\n"
	    "\n"
	    "[login.example]\n"
	    "\tjwks_uri   =\thttp://127.0.0.1:8000/keys?a=b \n"
	    "authorized_party = https://one.example https://two.example\n"
	    "algorithms = ES256\n"
	    "leeway = 60\n"
	    "claim_email = https://login.example/email\n"
	    "claim_email_verified =\n"
	    "claim_name = nickname\n"
	    "claim_avatar = image_url\n"
	    "link_by_email = yes\n"
	    "ca_file = %s",
	    f->path);
	assert_int_equal(load(f, 0644, text), ERR_OK);
	assert_int_equal(f->config->count, 2);

	b = issuers_config_find(f->config, "https://id.example/realms/one");
	assert_non_null(b);
	assert_string_equal(b->jwks_uri, "");
	assert_string_equal(b->ca_file, "");
	assert_int_equal(b->audience.count, 1);
	assert_string_equal(b->audience.list[0], "latchkey");
	assert_int_equal(b->authorized_party.count, 0);
	assert_int_equal(b->algorithms, JWK_RS256 | JWK_ES256);
	assert_int_equal(b->leeway, 5);
	assert_string_equal(b->claim_email, "email");
	assert_string_equal(b->claim_email_verified, "email_verified");
	assert_string_equal(b->claim_name, "name");
	assert_string_equal(b->claim_avatar, "picture");
	assert_false(b->link_by_email);

	b = issuers_config_find(f->config, "login.example");
	assert_non_null(b);
	assert_string_equal(b->jwks_uri, "http://127.0.0.1:8000/keys?a=b");
	assert_string_equal(b->ca_file, f->path);
	assert_int_equal(b->audience.count, 0);
	assert_int_equal(b->authorized_party.count, 2);
	assert_string_equal(b->authorized_party.list[1], "https://two.example");
	assert_int_equal(b->algorithms, JWK_ES256);
	assert_int_equal(b->leeway, 60);
	assert_string_equal(b->claim_email, "https://login.example/email");
	assert_string_equal(b->claim_email_verified, "");
	assert_string_equal(b->claim_name, "nickname");
	assert_string_equal(b->claim_avatar, "image_url");
	assert_true(b->link_by_email);

	assert_null(
	    issuers_config_find(f->config, "https://id.example/realms"));
}

TEST(errors_name_the_line, struct fixture *f)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ AUDIENCE, "line 1 of " },
		{ AUDIENCE, "before the first" },
		{ HOME "audience\n", "line 2 of " },
		{ HOME "audience latchkey\n", "NAME = value" },
		{ HOME "\n\nAudience = latchkey\n", "line 4 of " },
		{ HOME "issuer = https://id.example\n", "an unknown name" },
		{ HOME AUDIENCE AUDIENCE, "sets a name twice" },
		{ HOME AUDIENCE HOME AUDIENCE, "names an issuer twice" },
		{ "[https://id.example\n" AUDIENCE, "[ISSUER]" },
		{ "[]\n" AUDIENCE, "no issuer in its brackets" },
		{ "[https://id.example ]\n" AUDIENCE, "no issuer" },
		{ "[https://\xc3\xa9.example]\n" AUDIENCE, "no issuer" },
		{ HOME "audience =\n", "no value" },
		{ HOME "audience = 1 2 3 4 5 6 7 8 9\n", "too many values" },
		{ HOME "algorithms = HS256\n", "other than RS256" },
		{ HOME "algorithms = RS256 none\n", "other than RS256" },
		{ HOME "algorithms = rs256\n", "other than RS256" },
		{ HOME "algorithms =\n", "no value" },
		{ HOME "leeway = 61\n", "from 0 to 60" },
		{ HOME "leeway = -1\n", "from 0 to 60" },
		{ HOME "leeway = 5s\n", "from 0 to 60" },
		{ HOME "link_by_email = true\n", "yes or no" },
		{ HOME "claim_email = e mail\n", "name of a claim" },
		{ HOME "ca_file = ca.pem\n", "path of a readable file" },
		{ HOME "ca_file = /nowhere/ca.pem\n", "readable file" },
		{ HOME "jwks_uri =\n", "needs an https URL" },
		{ HOME "jwks_uri = http://id.example/keys\n",
		    "needs an https URL" },
		{ HOME, "neither audience nor authorized_party" },
		{ "[login.example]\n" AUDIENCE, "no jwks_uri" },
		{ "[http://id.example]\n" AUDIENCE, "no jwks_uri" },
		{ "[https://id.example?a]\n" AUDIENCE, "no jwks_uri" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		assert_int_equal(load(f, 0600, cases[i].text), ERR_INVALID);
		assert_null(f->config);
		assert_null(strchr(f->why, '\n'));
		if (strstr(f->why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].text, f->why);
	}
}

TEST(different_files_have_different_digests, struct fixture *f)
{
	static const struct {
		const char *text;
		bool same;
	} cases[] = {
		{ "# a remark\n\n  " HOME AUDIENCE "; another", true },
		{ HOME "audience = other\n", false },
		{ HOME AUDIENCE "leeway = 4\n", false },
		{ HOME AUDIENCE "[https://two.example]\n" AUDIENCE, false },
	};
	char digest[ISSUERS_DIGEST_SIZE];

	assert_int_equal(load(f, 0600, HOME AUDIENCE), ERR_OK);
	memcpy(digest, f->config->digest, sizeof(digest));
	assert_int_equal(strlen(digest), ISSUERS_DIGEST_SIZE - 1);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		assert_int_equal(load(f, 0600, cases[i].text), ERR_OK);
		assert_int_equal(
		    strcmp(f->config->digest, digest) == 0, cases[i].same);
	}
}

TEST(the_number_of_issuers_is_bounded, struct fixture *f)
{
	struct buf text = { 0 };

	for (int i = 0; i < ISSUERS_MAX; i++)
		buf_printf(&text, "[https://%d.example]\n" AUDIENCE, i);
	assert_int_equal(load(f, 0600, text.data), ERR_OK);
	assert_int_equal(f->config->count, ISSUERS_MAX);
	buf_puts(&text, "[https://another.example]\n" AUDIENCE);
	assert_int_equal(load(f, 0600, text.data), ERR_INVALID);
	assert_non_null(strstr(f->why, "too many"));
	buf_clear(&text);
}

/* ${size} - 1 characters fit. */
TEST(values_that_do_not_fit_are_refused, struct fixture *f)
{
	static const struct {
		const char *before, *after;
		int size;
	} cases[] = {
		{ "[https://", "]\n" AUDIENCE, ISSUER_NAME_SIZE - 8 },
		{ HOME AUDIENCE "jwks_uri = https://", "\n",
		    ISSUER_URL_SIZE - 8 },
		{ HOME "audience = ", "\n", ISSUER_TEXT_SIZE },
		{ HOME AUDIENCE "claim_name = ", "\n", ISSUER_CLAIM_SIZE },
	};
	char text[2048];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		for (int more = 0; more < 2; more++) {
			(void)snprintf(text, sizeof(text), "%s%0*d%s",
			    cases[i].before, cases[i].size - 1 + more, 0,
			    cases[i].after);
			assert_int_equal(load(f, 0600, text),
			    more == 0 ? ERR_OK : ERR_INVALID);
		}
	}
}

TEST(a_file_that_others_can_write_is_refused, struct fixture *f)
{
	assert_int_equal(load(f, 0644, HOME AUDIENCE), ERR_OK);
	assert_int_equal(load(f, 0664, HOME AUDIENCE), ERR_INVALID);
	assert_non_null(strstr(f->why, "others"));
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(
	    issuers_config_load(f->path, f->why, sizeof(f->why), &f->config),
	    ERR_INVALID);
	assert_non_null(strstr(f->why, "cannot open"));
}

TEST(keys_come_from_https_or_loopback_only)
{
	static const struct {
		const char *url;
		enum err expect;
	} cases[] = {
		{ "https://id.example", ERR_OK },
		{ "HTTPS://id.example:8443/a/b?c=d", ERR_OK },
		{ "https://[2001:db8::1]:443/", ERR_OK },
		{ "https://192.0.2.1?a", ERR_OK },
		{ "http://localhost", ERR_OK },
		{ "http://LOCALHOST:80/", ERR_OK },
		{ "http://127.0.0.1:8000/keys", ERR_OK },
		{ "http://[::1]/keys", ERR_OK },
		{ "http://id.example/", ERR_INVALID },
		{ "http://localhost.example/", ERR_INVALID },
		{ "http://localhost@id.example/", ERR_INVALID },
		{ "http://127.0.0.1.id.example/", ERR_INVALID },
		{ "https://user:secret@id.example/", ERR_INVALID },
		{ "https://id.example/#keys", ERR_INVALID },
		{ "https://id.example\\@evil.example/", ERR_INVALID },
		{ "https://id.example:a/", ERR_INVALID },
		{ "https://id.example/ keys", ERR_INVALID },
		{ "https://id.example/\x01", ERR_INVALID },
		{ "https://\xc3\xa9.example/", ERR_INVALID },
		{ "https://[::1", ERR_INVALID },
		{ "https://", ERR_INVALID },
		{ "https:/id.example", ERR_INVALID },
		{ "ftp://id.example/", ERR_INVALID },
		{ "file:///etc/passwd", ERR_INVALID },
		{ "/keys", ERR_INVALID },
		{ "", ERR_INVALID },
	};

	struct fixture *f = *state;
	char text[512];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		(void)snprintf(text, sizeof(text),
		    HOME AUDIENCE "jwks_uri = %s\n", cases[i].url);
		if (load(f, 0600, text) != cases[i].expect)
			fail_msg("%s", cases[i].url);
	}
}
