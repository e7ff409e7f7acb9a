/* SPDX-License-Identifier: ISC */
#include "base/net.h"

#include "support/test.h"

#include <arpa/inet.h>

#include "base/err.h"

TEST(only_loopback_hosts_are_loopback)
{
	static const struct {
		const char *host;
		bool loopback;
	} cases[] = {
		{ "localhost", true },
		{ "LocalHost", true },
		{ "127.0.0.1", true },
		{ "127.255.255.254", true },
		{ "::1", true },
		{ "[::1]", true },
		{ "[0:0:0:0:0:0:0:1]", true },
		{ "", false },
		{ "[]", false },
		{ "[localhost]", false },
		{ "[127.0.0.1]", false },
		{ "127.example.org", false },
		{ "127.1", false },
		{ "127.0.0.1.example.org", false },
		{ "localhost.example.org", false },
		{ "128.0.0.1", false },
		{ "0.0.0.0", false },
		{ "::", false },
		{ "::2", false },
		{ "::ffff:127.0.0.1", false },
	};

	for (size_t i = 0; i < NELEMS(cases); i++)
		if (net_is_loopback_host(cases[i].host,
			strlen(cases[i].host)) != cases[i].loopback)
			fail_msg("%s", cases[i].host);
	assert_true(net_is_loopback_host("localhost:80", 9));
	assert_false(net_is_loopback_host("localhost:80", 12));
}

TEST(addresses_are_checked_by_family)
{
	struct in6_addr v6;
	struct in_addr v4;

	assert_int_equal(inet_pton(AF_INET, "127.9.9.9", &v4), 1);
	assert_true(net_is_loopback(AF_INET, &v4));
	assert_int_equal(inet_pton(AF_INET, "10.0.0.127", &v4), 1);
	assert_false(net_is_loopback(AF_INET, &v4));
	assert_int_equal(inet_pton(AF_INET6, "::1", &v6), 1);
	assert_true(net_is_loopback(AF_INET6, &v6));
	assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6), 1);
	assert_false(net_is_loopback(AF_INET6, &v6));
}
