/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include "base/err.h"
#include "cache/redis.h"

TEST(every_part_is_parsed)
{
	static const struct {
		const char *url;
		struct redis_options expect;
	} cases[] = {
		{ "redis://localhost", { .host = "localhost", .port = 6379 } },
		{ "redis://localhost/", { .host = "localhost", .port = 6379 } },
		{ "REDIS://cache.example.org:6380/3",
		    { .host = "cache.example.org", .port = 6380, .db = 3 } },
		{ "redis://127.0.0.1:6379/0",
		    { .host = "127.0.0.1", .port = 6379 } },
		{ "redis://127.0.0.1:/0",
		    { .host = "127.0.0.1", .port = 6379 } },
		{ "redis://[::1]:7000/1",
		    { .host = "::1", .port = 7000, .db = 1 } },
		{ "redis://[2001:db8::2]",
		    { .host = "2001:db8::2", .port = 6379 } },
		{ "redis://:secret@host",
		    { .host = "host", .port = 6379, .password = "secret" } },
		{ "redis://ann:secret@host:1/2",
		    { .host = "host",
			.port = 1,
			.user = "ann",
			.password = "secret",
			.db = 2 } },
		/* only the first : divides, and + is literal */
		{ "redis://ann:a:b+c@host",
		    { .host = "host",
			.port = 6379,
			.user = "ann",
			.password = "a:b+c" } },
		{ "redis://a%6En:p%40ss%2Fw%3A%25%C3%A9%20@host",
		    { .host = "host",
			.port = 6379,
			.user = "ann",
			.password = "p@ss/w:%\xc3\xa9 " } },
		{ "unix:///run/redis/redis.sock",
		    { .socket = "/run/redis/redis.sock" } },
		{ "unix:///run/a%20b.sock?db=15",
		    { .socket = "/run/a b.sock", .db = 15 } },
		{ "unix://ann:secret@/run/r.sock?db=0",
		    { .socket = "/run/r.sock",
			.user = "ann",
			.password = "secret" } },
		{ "unix://:secret@/run/r.sock",
		    { .socket = "/run/r.sock", .password = "secret" } },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		const struct redis_options *e = &cases[i].expect;
		struct redis_options o;
		const char *why = "untouched";

		if (redis_parse_url(cases[i].url, &o, &why) != ERR_OK)
			fail_msg("%s: %s", cases[i].url, why);
		assert_null(why);
		assert_string_equal(o.socket, e->socket);
		assert_string_equal(o.host, e->host);
		assert_int_equal(o.port, e->port);
		assert_string_equal(o.user, e->user);
		assert_string_equal(o.password, e->password);
		assert_int_equal(o.db, e->db);
		assert_int_equal(o.deadline_ms, 0);
		assert_string_equal(o.prefix, "");
	}
}

TEST(invalid_urls_are_refused_with_a_reason)
{
	static const struct {
		const char *url, *why;
	} cases[] = {
		{ "", "start with" },
		{ "localhost:6379", "start with" },
		{ "http://localhost", "start with" },
		{ "redis:/localhost", "start with" },
		{ "rediss://localhost", "TLS" },
		{ "redis://", "host" },
		{ "redis:///0", "host" },
		{ "redis://:6379", "host" },
		{ "redis://-x", "host" },
		{ "redis://ho%00st", "host" },
		{ "redis://ho%20st", "host" },
		{ "redis://::1", "host" },
		{ "redis://[::1", "IPv6" },
		{ "redis://[127.0.0.1]", "IPv6" },
		{ "redis://[::1]6379", "port" },
		{ "redis://h:0", "port" },
		{ "redis://h:65536", "port" },
		{ "redis://h:-1", "port" },
		{ "redis://h:6379x", "port" },
		{ "redis://h:99999999999999999999", "port" },
		{ "redis://h/x", "database" },
		{ "redis://h/-1", "database" },
		{ "redis://h/65536", "database" },
		{ "redis://h/1/2", "database" },
		{ "redis://h/1?db=2", "parameters" },
		{ "redis://h?", "parameters" },
		{ "redis://ann@h", "password" },
		{ "redis://ann:@h", "password" },
		{ "redis://@h", "password" },
		{ "redis://a:b@c@h", "%40" },
		{ "redis://a:%zz@h", "percent" },
		{ "redis://a:%4@h", "percent" },
		{ "redis://a:%00@h", "percent" },
		{ "redis://a:b c@h", "percent" },
		{ "redis://a:\xc3\xa9@h", "percent" },
		{ "redis://h#x", "percent" },
		{ "redis://a:b\n@h", "percent" },
		{ "unix://", "absolute" },
		{ "unix://run/redis.sock", "absolute" },
		{ "unix:///", "path" },
		{ "unix:///run/%00", "path" },
		{ "unix:///run/r.sock?", "db=N" },
		{ "unix:///run/r.sock?db", "db=N" },
		{ "unix:///run/r.sock?db=", "db=N" },
		{ "unix:///run/r.sock?db=1&x=2", "number" },
		{ "unix:///run/r.sock?DB=1", "db=N" },
	};
	static const struct redis_options zero;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct redis_options o;
		const char *why = NULL;

		memset(&o, 0x5a, sizeof(o));
		if (redis_parse_url(cases[i].url, &o, &why) != ERR_INVALID)
			fail_msg("%s was taken", cases[i].url);
		assert_non_null(why);
		if (strstr(why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].url, why);
		/* no part of a password is left */
		assert_memory_equal(&o, &zero, sizeof(o));
	}
}

TEST(every_part_is_bounded)
{
	static const struct {
		const char *before, *after;
		size_t fits;
	} cases[] = {
		{ "redis://", "", 255 },
		{ "redis://:", "@h", 255 },
		{ "redis://", ":p@h", 127 },
		{ "unix:///", "", 106 },
	};
	struct redis_options o;
	const char *why;
	char url[512];

	for (size_t i = 0; i < NELEMS(cases); i++)
		for (size_t more = 0; more < 2; more++) {
			size_t n = cases[i].fits + more;
			size_t start = strlen(cases[i].before);

			memcpy(url, cases[i].before, start);
			memset(url + start, 'a', n);
			memcpy(url + start + n, cases[i].after,
			    strlen(cases[i].after) + 1);
			assert_int_equal(redis_parse_url(url, &o, &why),
			    more ? ERR_INVALID : ERR_OK);
		}
}
