/* SPDX-License-Identifier: ISC */
#ifndef BASE_NET_H
#define BASE_NET_H

#include <stdbool.h>
#include <stddef.h>

/**
 * net_is_loopback(family, address):
 * Return true if ${address}, a struct in_addr (${family} AF_INET) or in6_addr
 * (AF_INET6), is in 127.0.0.0/8 or is ::1.  ::ffff:127.0.0.1 is not.
 */
bool net_is_loopback(int family, const void *address);

/**
 * net_is_loopback_host(host, len):
 * Return true if the ${len} bytes at ${host}, as in a URL, are "localhost" or a
 * loopback address, IPv6 with or without brackets.  127.example.org is not.
 */
bool net_is_loopback_host(const char *host, size_t len);

#endif
