// SPDX-License-Identifier: GPL-2.0-only
/* Choice of a pager. */
#include <errno.h>
#include <stdlib.h>

#include "client.h"
#include "error.h"
#include "pager.h"

static int open_socket(char *path)
{
	int sock;

	if (!path)
		return -ENOMEM;
	sock = client_open(path);
	if (sock < 0)
		client_open_fail(path, sock);
	free(path);
	return sock;
}

int pager_open(const char *name, const struct options *opts)
{
	struct pool pool;
	int ret;

	if (opts->socket)
		return open_socket(client_socket(NULL, opts));
	ret = pool_get(&pool, name);
	if (ret)
		return ret;
	if (pool.info.flags & TARN_POOL_PAGING) {
		ret = open_socket(client_socket(&pool, opts));
	} else {
		err("%s was mounted with paging=none, so it has no pager",
		    pool.mount);
		ret = -ENODEV;
	}
	pool_put(&pool);
	return ret;
}
