// SPDX-License-Identifier: GPL-2.0-only
/*
 * -netdev tap: a tap interface, opened by its name or inherited as a file
 * descriptor, and the vhost-net descriptor that goes with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/net.h"
#include "error.h"
#include "lib/iov.h"
#include "lib/opts.h"
#include "sandbox.h"

struct tap_opts {
	const char *ifname;
	u64 fd;
	u64 vhost_fd;
	bool vhost;
	bool vhost_force;
	bool vnet_hdr;
};

static int tap_send(struct netdev *nd, struct iovec *iov, unsigned int nr)
{
	ssize_t n;

	if (!nd->vnet_hdr)
		iov_skip(&iov, &nr, NET_HDR_LEN);
	do
		n = writev(nd->fd, iov, min_t(unsigned int, nr, IOV_MAX));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static ssize_t receive(int fd, struct iovec *iov, unsigned int nr)
{
	ssize_t n;

	do
		n = readv(fd, iov, min_t(unsigned int, nr, IOV_MAX));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t tap_receive(struct netdev *nd, struct iovec *iov,
			   unsigned int nr)
{
	static const u8 hdr[NET_HDR_LEN];
	struct iovec first = *iov, *rest = iov;
	ssize_t n;

	if (nd->vnet_hdr)
		return receive(nd->fd, iov, nr);
	/* No header comes, so one that says "nothing special" is written. */
	if (iov_from_buf(iov, nr, 0, hdr, sizeof(hdr)) < sizeof(hdr) ||
	    iov->iov_len <= sizeof(hdr))
		return -EINVAL;
	iov_skip(&rest, &nr, sizeof(hdr));
	n = receive(nd->fd, rest, nr);
	*iov = first;
	return n < 0 ? n : n + (ssize_t)sizeof(hdr);
}

static int tap_set_offload(struct netdev *nd, unsigned int offload)
{
	if (!nd->vnet_hdr)
		return offload ? -EOPNOTSUPP : 0;
	return ioctl(nd->fd, TUNSETOFFLOAD, (unsigned long)offload) ? -errno :
								      0;
}

static void tap_destroy(struct netdev *nd)
{
	if (nd->fd >= 0)
		close(nd->fd);
	if (nd->vhost_fd >= 0)
		close(nd->vhost_fd);
}

static const struct net_ops tap_ops = {
	.name = "tap",
	.send = tap_send,
	.receive = tap_receive,
	.set_offload = tap_set_offload,
	.destroy = tap_destroy,
};

/* A socket to ask about interfaces with; a VMM that runs makes none. */
static int interface_socket(void)
{
	return sandbox_confined() ?
		       -1 :
		       socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void read_mtu(struct netdev *nd)
{
	struct ifreq ifr = {0};
	int s = interface_socket();

	if (s < 0)
		return;
	strncpy(ifr.ifr_name, nd->ifname, IFNAMSIZ - 1);
	if (!ioctl(s, SIOCGIFMTU, &ifr))
		nd->mtu = ifr.ifr_mtu;
	close(s);
}

/* Bring the interface up; without the right to do so somebody else did. */
static void interface_up(const char *name)
{
	struct ifreq ifr = {0};
	int s = interface_socket();

	if (s < 0)
		return;
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (!ioctl(s, SIOCGIFFLAGS, &ifr) && !(ifr.ifr_flags & IFF_UP)) {
		ifr.ifr_flags |= IFF_UP;
		if (ioctl(s, SIOCSIFFLAGS, &ifr))
			info("cannot bring %s up: %s", name, strerror(errno));
	}
	close(s);
}

static int open_by_name(struct netdev *nd, const struct tap_opts *to)
{
	const char *name = to->ifname ? to->ifname : "tap%d";
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int ret;

	/* What makes an interface could make others as well. */
	if (sandbox_confined()) {
		err("netdev '%s': a VMM that runs opens no card by name, hand one over that is open (fd=)",
		    nd->id);
		return -EPERM;
	}
	if (strlen(name) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	strcpy(ifr.ifr_name, name);
	if (to->vnet_hdr)
		ifr.ifr_flags |= IFF_VNET_HDR;
	nd->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (nd->fd < 0)
		return err_errno(-errno, "cannot open /dev/net/tun");
	if (ioctl(nd->fd, TUNSETIFF, &ifr)) {
		ret = -errno;
		return err_errno(ret, "cannot open tap interface '%s'", name);
	}
	nd->ifname = strdup(ifr.ifr_name);
	if (!nd->ifname)
		return -ENOMEM;
	interface_up(nd->ifname);
	return 0;
}

static int open_by_fd(struct netdev *nd, int fd)
{
	int flags;

	nd->fd = fd;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC))
		return err_errno(-errno, "cannot use descriptor %d", fd);
	return 0;
}

static int setup_header(struct netdev *nd)
{
	struct ifreq ifr = {0};
	int len = NET_HDR_LEN;

	if (ioctl(nd->fd, TUNGETIFF, &ifr))
		return err_errno(-errno, "netdev '%s' is no tap interface",
				 nd->id);
	nd->vnet_hdr = ifr.ifr_flags & IFF_VNET_HDR;
	if (!nd->ifname)
		nd->ifname = strdup(ifr.ifr_name);
	if (!nd->ifname)
		return -ENOMEM;
	read_mtu(nd);
	if (nd->vnet_hdr && ioctl(nd->fd, TUNSETVNETHDRSZ, &len))
		return err_errno(-errno, "cannot set the header of '%s'",
				 nd->id);
	return 0;
}

static int open_vhost(struct netdev *nd, const struct tap_opts *to)
{
	if (to->vhost_fd != INT_MAX) {
		nd->vhost_fd = to->vhost_fd;
		fcntl(nd->vhost_fd, F_SETFD, FD_CLOEXEC);
		return 0;
	}
	nd->vhost_fd = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
	if (nd->vhost_fd >= 0)
		return 0;
	if (to->vhost_force)
		return err_errno(-errno, "cannot open /dev/vhost-net");
	warn("netdev '%s' goes without vhost: /dev/vhost-net: %s", nd->id,
	     strerror(errno));
	return 0;
}

static int no_script(struct opts *opts, const char *key)
{
	const char *script = "no";
	int ret = opts_get_str(opts, key, &script);

	if (ret)
		return ret;
	/* The interface is set up by whoever makes it; nothing is run here. */
	if (*script && strcmp(script, "no"))
		return opts_fail(opts, "%s=%s: only 'no' is possible", key,
				 script);
	return 0;
}

static int get_opts(struct opts *opts, struct tap_opts *to)
{
	int ret;

	if ((ret = opts_get_str(opts, "ifname", &to->ifname)) ||
	    (ret = opts_get_uint(opts, "fd", INT_MAX - 1, &to->fd)) ||
	    (ret = opts_get_uint(opts, "vhostfd", INT_MAX - 1,
				 &to->vhost_fd)) ||
	    (ret = opts_get_bool(opts, "vhost", &to->vhost)) ||
	    (ret = opts_get_bool(opts, "vhostforce", &to->vhost_force)) ||
	    (ret = opts_get_bool(opts, "vnet_hdr", &to->vnet_hdr)) ||
	    (ret = no_script(opts, "script")) ||
	    (ret = no_script(opts, "downscript")))
		return ret;
	if (to->ifname && to->fd != INT_MAX)
		return opts_fail(opts, "give either ifname= or fd=");
	return 0;
}

static int open_all(struct netdev *nd, const struct tap_opts *to)
{
	int ret = to->fd == INT_MAX ? open_by_name(nd, to) :
				      open_by_fd(nd, to->fd);

	if (!ret)
		ret = setup_header(nd);
	if (ret)
		return ret;
	/* vhost reads and writes the header itself. */
	if ((to->vhost || to->vhost_force) && nd->vnet_hdr)
		return open_vhost(nd, to);
	return 0;
}

/* Descriptors that were given are closed by who gave them, as nothing came of it. */
static void leave_given(struct netdev *nd, const struct tap_opts *to)
{
	if (to->fd != INT_MAX)
		nd->fd = -1;
	if (to->vhost_fd != INT_MAX)
		nd->vhost_fd = -1;
}

int tap_open(struct netdev *nd, struct opts *opts)
{
	struct tap_opts to = {
		.fd = INT_MAX,
		.vhost_fd = INT_MAX,
		.vnet_hdr = true,
	};
	int ret;

	if ((ret = get_opts(opts, &to)) || (ret = opts_check_used(opts)))
		return ret;
	nd->ops = &tap_ops;
	ret = open_all(nd, &to);
	if (ret)
		leave_given(nd, &to);
	else if (to.vhost_fd != INT_MAX && nd->vhost_fd < 0)
		close(to.vhost_fd);
	return ret;
}
