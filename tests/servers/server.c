/* SPDX-License-Identifier: ISC */
#include "servers/server.h"

#include <string.h>

#include "base/err.h"

const struct server_ops *const servers[] = {
	&server_apache_mod_fcgid,
	&server_apache_proxy_fcgi,
	&server_caddy,
	&server_lighttpd,
	&server_nginx,
};
const size_t servers_count = NELEMS(servers);

const struct server_ops *
server_named(const char *name)
{
	for (size_t i = 0; i < servers_count; i++) {
		if (strcmp(servers[i]->name, name) == 0)
			return servers[i];
	}
	return NULL;
}
