/* SPDX-License-Identifier: ISC */
#include "base/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

bool
net_is_loopback(int family, const void *address)
{
	struct in_addr v4;

	if (family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)address);
	memcpy(&v4, address, sizeof(v4));
	return ntohl(v4.s_addr) >> 24 == 127;
}

bool
net_is_loopback_host(const char *host, size_t len)
{
	bool brackets = len > 2 && host[0] == '[' && host[len - 1] == ']';
	struct in6_addr address; /* or an in_addr */
	char text[INET6_ADDRSTRLEN];

	if (brackets) {
		host++;
		len -= 2;
	}
	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	if (!brackets && strcasecmp(text, "localhost") == 0)
		return true;
	if (!brackets && inet_pton(AF_INET, text, &address) == 1)
		return net_is_loopback(AF_INET, &address);
	return inet_pton(AF_INET6, text, &address) == 1 &&
	    net_is_loopback(AF_INET6, &address);
}
