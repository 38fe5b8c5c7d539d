/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Network backends (-netdev): where a network card's frames go. A frame is an
 * array of buffers that begins with a struct virtio_net_hdr_v1, on every
 * backend; one that knows no such header drops and makes it up.
 */
#ifndef TARN_BACKEND_NET_H
#define TARN_BACKEND_NET_H

#include <sys/uio.h>

#include "lib/types.h"

struct netdev;
struct opts;

/* Length of struct virtio_net_hdr_v1. */
#define NET_HDR_LEN 12

/**
 * struct net_ops - a kind of backend.
 * @name: first word of -netdev
 * @send: one frame, without blocking: 0, -EAGAIN to try again when @fd polls
 *	  writable, other errors mean that the frame is lost
 * @receive: one frame into @iov: its length with the header, -EAGAIN when there
 *	     is none; a frame that is longer than @iov is cut
 * @set_offload: what the guest takes: TUN_F_*
 * @destroy: close it; the structure is the core's
 */
struct net_ops {
	const char *name;
	int (*send)(struct netdev *nd, struct iovec *iov, unsigned int nr);
	ssize_t (*receive)(struct netdev *nd, struct iovec *iov,
			   unsigned int nr);
	int (*set_offload)(struct netdev *nd, unsigned int offload);
	void (*destroy)(struct netdev *nd);
};

/**
 * struct netdev - a backend.
 * @fd: to poll, and what vhost takes
 * @vhost_fd: /dev/vhost-net, or -1: frames go through this process
 * @vhost_owned: this process has become the owner of @vhost_fd, which can be
 *		 done once
 * @mtu: of the interface when it was opened, 0 if nobody knows
 * @vnet_hdr: the other end understands the header, so offloads are possible
 * @user: the device that it is attached to, or NULL
 */
struct netdev {
	const struct net_ops *ops;
	char *id;
	char *ifname;
	int fd;
	int vhost_fd;
	bool vhost_owned;
	u32 mtu;
	bool vnet_hdr;
	const char *user;
	struct netdev *next;
};

/**
 * netdev_create() - make what a -netdev option describes.
 *
 * Descriptors that it names (fd=, vhostfd=) are the backend's where 0 is returned, and
 * are left as they are, open, otherwise.
 */
int netdev_create(struct opts *opts);

/** netdev_delete() - remove one: 0, -ENOENT, or -EBUSY while it is in use. */
int netdev_delete(const char *id);

/** netdev_find() - by id, or NULL. */
struct netdev *netdev_find(const char *id);

/** netdev_attach() - become the one user; NULL, reported, when impossible. */
struct netdev *netdev_attach(const char *id, const char *user);
void netdev_detach(struct netdev *nd);

/** netdev_destroy_all() - at the end. */
void netdev_destroy_all(void);

/**
 * tap_open() - for net.c: fill in @nd from ifname=, fd=, vhost= and so on, which are the
 * last of @opts. As netdev_create() about descriptors.
 */
int tap_open(struct netdev *nd, struct opts *opts);

#endif
