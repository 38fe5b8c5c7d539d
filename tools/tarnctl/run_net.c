// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network cards of a guest: on a tap interface that is there, or on a bridge, to which a
 * tap is added that goes with the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- addresses ---------------------------------------------------------- */

/* The same card at each start, and another one for each host, guest and card. */
static void derive_mac(struct run_net *net, const char *host, const char *guest,
		       unsigned int index)
{
	unsigned long sum = crc32(0, (const void *)host, strlen(host) + 1);

	sum = crc32(sum, (const void *)guest, strlen(guest) + 1);
	sum = crc32(sum, (const void *)&index, sizeof(index));
	snprintf(net->mac, sizeof(net->mac), "52:54:00:%02lx:%02lx:%02lx",
		 sum >> 16 & 0xff, sum >> 8 & 0xff, sum & 0xff);
}

/* What this host has since it was installed; its name, if there is nothing of that. */
static void read_host(char *host, size_t size)
{
	FILE *f = fopen("/etc/machine-id", "re");

	*host = '\0';
	if (f && !fgets(host, size, f))
		*host = '\0';
	if (f)
		fclose(f);
	host[strcspn(host, "\n")] = '\0';
	if (!*host && gethostname(host, size - 1))
		*host = '\0';
}

static int set_mac(struct run_net *net, const char *mac, const char *guest,
		   unsigned int index)
{
	unsigned int b[6];
	char host[65] = "";
	int n = 0;

	if (!mac) {
		read_host(host, sizeof(host));
		derive_mac(net, host, guest, index);
		return 0;
	}
	if (strlen(mac) != 17 ||
	    sscanf(mac, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
		   &b[4], &b[5], &n) != 6 || n != 17 || b[0] & 1) {
		err("'%s' is no address of a card: six bytes as 52:54:00:12:34:56 are, the first of which is even",
		    mac);
		return ERR_USAGE;
	}
	snprintf(net->mac, sizeof(net->mac), "%s", mac);
	return 0;
}

/* ---- cards -------------------------------------------------------------- */

static int find(struct run_net *net, const char *name, bool dry)
{
	if (!*name || strlen(name) >= IFNAMSIZ || strchr(name, '/') ||
	    !has(name, "ifindex")) {
		err("there is no interface '%s': --net takes a bridge, or a tap (ip tuntap add tap0 mode tap)",
		    name);
		return -ENODEV;
	}
	if (has(name, "bridge") && dry) {
		net->fd = RUN_FD_DRY;
		return 0;
	}
	if (has(name, "bridge"))
		return open_bridge(net, name);
	if (!has(name, "tun_flags")) {
		err("'%s' is neither a tap nor a bridge", name);
		return -EINVAL;
	}
	snprintf(net->tap, sizeof(net->tap), "%s", name);
	return 0;
}

int run_net_open(struct run_net *net, const char *text, const char *guest,
		 unsigned int index, bool dry)
{
	const char *mac = strstr(text, ",mac=");
	char *name = mac ? strndup(text, mac - text) : strdup(text);
	int ret;

	net->tap[0] = '\0';
	net->fd = -1;
	if (!name)
		return err_nomem();
	ret = set_mac(net, mac ? mac + strlen(",mac=") : NULL, guest, index);
	if (!ret)
		ret = find(net, name, dry);
	free(name);
	return ret;
}

void run_net_close(struct run_net *net)
{
	if (net->fd >= 0)
		close(net->fd);
	net->fd = -1;
}
