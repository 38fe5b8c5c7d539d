// SPDX-License-Identifier: GPL-2.0-only
/* Network backends by their id; see net.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net.h"
#include "error.h"
#include "lib/opts.h"

static struct netdev *netdevs;

struct netdev *netdev_find(const char *id)
{
	struct netdev *nd;

	for (nd = netdevs; nd; nd = nd->next)
		if (!strcmp(nd->id, id))
			return nd;
	return NULL;
}

static void netdev_free(struct netdev *nd)
{
	if (nd->ops)
		nd->ops->destroy(nd);
	free(nd->ifname);
	free(nd->id);
	free(nd);
}

int netdev_create(struct opts *opts)
{
	static const char *const types[] = {"tap", NULL};
	struct netdev *nd;
	const char *type, *id;
	int ret, index;

	if ((ret = opts_need_str(opts, "type", &type)) ||
	    (ret = opts_get_enum(opts, "type", types, &index)) ||
	    (ret = opts_need_str(opts, "id", &id)))
		return ret;
	if (netdev_find(id))
		return opts_fail(opts, "duplicate id '%s'", id);
	nd = calloc(1, sizeof(*nd));
	if (!nd)
		return -ENOMEM;
	nd->fd = -1;
	nd->vhost_fd = -1;
	ret = -ENOMEM;
	nd->id = strdup(id);
	if (!nd->id)
		goto err_free;
	ret = tap_open(nd, opts);
	if (ret)
		goto err_free;
	nd->next = netdevs;
	netdevs = nd;
	return 0;

err_free:
	netdev_free(nd);
	return ret;
}

int netdev_delete(const char *id)
{
	struct netdev *nd = netdev_find(id), **pos = &netdevs;

	if (!nd)
		return -ENOENT;
	if (nd->user)
		return -EBUSY;
	while (*pos != nd)
		pos = &(*pos)->next;
	*pos = nd->next;
	netdev_free(nd);
	return 0;
}

struct netdev *netdev_attach(const char *id, const char *user)
{
	struct netdev *nd = netdev_find(id);

	if (!nd) {
		err("there is no netdev '%s'", id);
		return NULL;
	}
	if (nd->user) {
		err("netdev '%s' is in use by %s", id, nd->user);
		return NULL;
	}
	nd->user = user;
	return nd;
}

void netdev_detach(struct netdev *nd)
{
	nd->user = NULL;
}

void netdev_destroy_all(void)
{
	struct netdev *nd;

	while ((nd = netdevs)) {
		netdevs = nd->next;
		netdev_free(nd);
	}
}
