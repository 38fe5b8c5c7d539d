// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network cards of a guest: on a tap interface that is there, or on a bridge, to which a
 * tap is added that goes with the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <linux/if_tun.h>
#include <linux/sockios.h>

#include "error.h"
#include "run.h"

#define SYS_NET "/sys/class/net/"

static bool has(const char *name, const char *file)
{
	char path[sizeof(SYS_NET) + IFNAMSIZ + 16];

	snprintf(path, sizeof(path), SYS_NET "%s/%s", name, file);
	return !access(path, F_OK);
}

/* A tap without a name of ours; the kernel chooses one. */
static int tap_open(struct ifreq *ifr)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK), ret;

	if (fd < 0)
		return -errno;
	memset(ifr, 0, sizeof(*ifr));
	snprintf(ifr->ifr_name, IFNAMSIZ, "tarn%%d");
	ifr->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (!ioctl(fd, TUNSETIFF, ifr))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int bridge_add(const char *bridge, struct ifreq *tap)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;
	struct ifreq ifr = { .ifr_ifindex = if_nametoindex(tap->ifr_name) };

	if (sock < 0)
		return -errno;
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", bridge);
	if (!ifr.ifr_ifindex || ioctl(sock, SIOCBRADDIF, &ifr) ||
	    ioctl(sock, SIOCGIFFLAGS, tap))
		ret = -errno;
	tap->ifr_flags |= IFF_UP;
	if (!ret && ioctl(sock, SIOCSIFFLAGS, tap))
		ret = -errno;
	close(sock);
	return ret;
}

static int open_bridge(struct run_net *net, const char *bridge)
{
	struct ifreq tap;
	int ret;

	net->fd = tap_open(&tap);
	if (net->fd >= 0) {
		ret = bridge_add(bridge, &tap);
		if (!ret)
			return 0;
		close(net->fd);
		net->fd = -1;
	} else {
		ret = net->fd;
	}
	if (ret == -EPERM || ret == -EACCES) {
		err("this user may not add a tap to bridge '%s': run it as root, or have a tap made: ip tuntap add tap0 mode tap user NAME; ip link set tap0 master %s up",
		    bridge, bridge);
		return ret;
	}
	return err_errno(ret, "cannot add a tap to bridge '%s'", bridge);
}

/* The same card at each start, and another one for each guest and card. */
static void set_mac(struct run_net *net, const char *guest, unsigned int index)
{
	unsigned long sum = crc32(0, (const void *)guest, strlen(guest));

	sum = crc32(sum, (const void *)&index, sizeof(index));
	snprintf(net->mac, sizeof(net->mac), "52:54:00:%02lx:%02lx:%02lx",
		 sum >> 16 & 0xff, sum >> 8 & 0xff, sum & 0xff);
}

int run_net_open(struct run_net *net, const char *name, const char *guest,
		 unsigned int index)
{
	net->tap = NULL;
	net->fd = -1;
	set_mac(net, guest, index);
	if (!*name || strlen(name) >= IFNAMSIZ || strchr(name, '/') ||
	    !has(name, "ifindex")) {
		err("there is no interface '%s': --net takes a bridge, or a tap (ip tuntap add tap0 mode tap)",
		    name);
		return -ENODEV;
	}
	if (has(name, "bridge"))
		return open_bridge(net, name);
	if (!has(name, "tun_flags")) {
		err("'%s' is neither a tap nor a bridge", name);
		return -EINVAL;
	}
	net->tap = name;
	return 0;
}

void run_net_close(struct run_net *net)
{
	if (net->fd >= 0)
		close(net->fd);
	net->fd = -1;
}
