// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-net: a network card with one pair of queues on a network backend.
 *
 * Frames go either through vhost-net in the kernel or through this process,
 * there too without a copy: the backend writes straight into the guest's
 * buffers. For that a window of chains is kept taken from the receive queue,
 * enough for the largest frame that may come; a frame uses up the first ones
 * and the window is filled again.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include "backend/net.h"
#include "error.h"
#include "lib/iov.h"
#include "lib/opts.h"
#include "loop.h"
#include "virtio/devices.h"
#include "virtio/vhost.h"
#include "virtio/virtio.h"
#include "vm.h"

#define QUEUE_SIZE 256
#define RX 0
#define TX 1
#define NR_QUEUES 2

/* Largest frames with the header: with and without segmentation offload. */
#define FRAME_MAX (65550 + NET_HDR_LEN)
#define FRAME_SMALL (1518 + NET_HDR_LEN)

#define WINDOW_CHAINS 64
#define WINDOW_IOVS (VQ_SIZE_MAX + VQ_IOV_SPARE)

/* Frames a turn; others want the thread, too. */
#define BATCH 128

/* A chain of the window: its part of @iov and how much fits in. */
struct rx_chain {
	u16 head;
	u16 nr_iov;
	u32 len;
};

struct virtio_net {
	struct virtio_dev vdev;
	struct virtio_net_config config;
	struct netdev *nd;
	struct vhost *vhost;
	struct loop_poll *rx_poll;
	struct loop_poll *tx_poll;
	struct loop_work more;
	char *id;
	bool unplugged; /* no cable: frames are lost in both directions */
	bool rx_again; /* the batch was full */
	bool tx_again;
	u32 frame_max;
	/* The window. */
	struct rx_chain chains[WINDOW_CHAINS];
	unsigned int nr_chains;
	unsigned int nr_iovs;
	u32 window_len;
	struct iovec iov[WINDOW_IOVS];
	struct iovec tx_iov[WINDOW_IOVS];
	/* For frames when the window is too small for the largest. */
	u8 *bounce;
	u32 pending; /* length of the frame that waits there, 0 for none */
	LIST_ENTRY(virtio_net) link;
};

static LIST_HEAD(, virtio_net) nets = LIST_HEAD_INITIALIZER(nets);

static struct virtio_net *to_net(struct virtio_dev *vdev)
{
	return container_of(vdev, struct virtio_net, vdev);
}

/* Receiving */

static bool window_full(const struct virtio_net *net)
{
	return net->window_len >= net->frame_max ||
	       net->nr_chains == WINDOW_CHAINS;
}

static void window_fill(struct virtio_net *net)
{
	struct virtio_queue *q = &net->vdev.queues[RX];
	struct vq_chain chain;

	while (!window_full(net)) {
		chain.iov = net->iov + net->nr_iovs;
		chain.iov_max = WINDOW_IOVS - net->nr_iovs;
		if (!virtio_pop(q, &chain))
			return;
		if (chain.nr_out || chain.in_len <= NET_HDR_LEN) {
			vq_unpop(&q->vq, 1);
			virtio_break(&net->vdev, "a useless receive buffer");
			return;
		}
		net->chains[net->nr_chains++] = (struct rx_chain){
			.head = chain.head,
			.nr_iov = chain.nr_in,
			.len = chain.in_len,
		};
		net->nr_iovs += chain.nr_in;
		net->window_len += chain.in_len;
	}
}

static void window_drop(struct virtio_net *net)
{
	vq_unpop(&net->vdev.queues[RX].vq, net->nr_chains);
	net->nr_chains = 0;
	net->nr_iovs = 0;
	net->window_len = 0;
}

/* The first @nr chains are used up. */
static void window_shift(struct virtio_net *net, unsigned int nr)
{
	unsigned int i, iovs = 0;

	for (i = 0; i < nr; i++) {
		iovs += net->chains[i].nr_iov;
		net->window_len -= net->chains[i].len;
	}
	net->nr_chains -= nr;
	net->nr_iovs -= iovs;
	memmove(net->chains, net->chains + nr,
		net->nr_chains * sizeof(net->chains[0]));
	memmove(net->iov, net->iov + iovs, net->nr_iovs * sizeof(net->iov[0]));
}

/* How many chains one frame may use. */
static unsigned int frame_chains(const struct virtio_net *net)
{
	return virtio_has(&net->vdev, VIRTIO_NET_F_MRG_RXBUF) ?
		       net->nr_chains :
		       1;
}

static u32 frame_room(const struct virtio_net *net, unsigned int *nr_iov)
{
	unsigned int i, n = frame_chains(net);
	u32 len = 0;

	*nr_iov = 0;
	for (i = 0; i < n; i++) {
		len += net->chains[i].len;
		*nr_iov += net->chains[i].nr_iov;
	}
	return len;
}

static void rx_return(struct virtio_net *net, u32 len)
{
	struct virtqueue *vq = &net->vdev.queues[RX].vq;
	unsigned int nr = 0;
	u16 num_buffers;
	u32 part;

	do {
		part = min_t(u32, len, net->chains[nr].len);
		vq_push(vq, net->chains[nr].head, part);
		len -= part;
		nr++;
	} while (len);
	num_buffers = htole16(nr);
	iov_from_buf(net->iov, net->nr_iovs,
		     offsetof(struct virtio_net_hdr_v1, num_buffers),
		     &num_buffers, sizeof(num_buffers));
	window_shift(net, nr);
}

/* The guest cannot offer more room for one frame than it does now. */
static bool window_at_limit(const struct virtio_net *net)
{
	const struct virtqueue *vq = &net->vdev.queues[RX].vq;

	return !virtio_has(&net->vdev, VIRTIO_NET_F_MRG_RXBUF) ||
	       net->nr_chains == WINDOW_CHAINS || vq->inflight == vq->size;
}

/*
 * Too little room for the largest frame: see in a buffer of our own how large
 * this one is. It stays there until the guest has offered enough.
 */
static int receive_bounced(struct virtio_net *net, unsigned int nr_iov,
			   u32 room)
{
	struct iovec iov = {.iov_len = FRAME_MAX};
	ssize_t n;

	if (!net->bounce)
		net->bounce = malloc(FRAME_MAX);
	if (!net->bounce)
		return -ENOMEM;
	if (!net->pending) {
		iov.iov_base = net->bounce;
		n = net->nd->ops->receive(net->nd, &iov, 1);
		if (n < 0)
			return n;
		net->pending = net->unplugged ? 0 : n;
		if (!net->pending)
			return 0;
	}
	if (net->pending > room) {
		if (!window_at_limit(net))
			return -ENOBUFS;
		/* It will never fit, so it is lost, as on any card. */
		net->pending = 0;
		return 0;
	}
	n = iov_from_buf(net->iov, nr_iov, 0, net->bounce, net->pending);
	net->pending = 0;
	rx_return(net, n);
	return 0;
}

static int receive_one(struct virtio_net *net)
{
	unsigned int nr_iov;
	u32 room = frame_room(net, &nr_iov);
	ssize_t n;

	if (!net->nr_chains)
		return -ENOBUFS;
	if (net->pending || room < net->frame_max)
		return receive_bounced(net, nr_iov, room);
	n = net->nd->ops->receive(net->nd, net->iov, nr_iov);
	if (n < 0)
		return n;
	if (n > NET_HDR_LEN && !net->unplugged)
		rx_return(net, n);
	return 0;
}

static void receive(struct virtio_net *net)
{
	struct virtio_queue *q = &net->vdev.queues[RX];
	unsigned int budget = BATCH;
	int ret;

	vq_kick_off(&q->vq);
	while (budget && q->live) {
		window_fill(net);
		if (!q->live)
			break;
		ret = receive_one(net);
		if (ret == -ENOBUFS && vq_kick_on(&q->vq))
			continue;
		if (ret)
			break;
		budget--;
	}
	virtio_notify(q);
	if (!budget) {
		net->rx_again = true;
		loop_post(net->vdev.loop, &net->more);
	}
}

static void rx_ready(void *arg, int revents)
{
	receive(arg);
}

/* Sending */

static void transmit(struct virtio_net *net);

static void tx_ready(void *arg, int revents)
{
	struct virtio_net *net = arg;

	loop_poll_del(net->tx_poll);
	net->tx_poll = NULL;
	transmit(net);
}

/* 1: sent or lost, 0: nothing there, -EAGAIN: no room. */
static int transmit_one(struct virtio_net *net, struct virtio_queue *q)
{
	struct vq_chain chain = {
		.iov = net->tx_iov,
		.iov_max = WINDOW_IOVS,
	};

	if (!virtio_pop(q, &chain))
		return 0;
	if (chain.nr_in || chain.out_len <= NET_HDR_LEN) {
		vq_unpop(&q->vq, 1);
		virtio_break(&net->vdev, "a frame without its header");
		return 0;
	}
	if (!net->unplugged &&
	    net->nd->ops->send(net->nd, chain.iov, chain.nr_out) == -EAGAIN) {
		vq_unpop(&q->vq, 1);
		return -EAGAIN;
	}
	vq_push(&q->vq, chain.head, 0);
	return 1;
}

static void transmit(struct virtio_net *net)
{
	struct virtio_queue *q = &net->vdev.queues[TX];
	unsigned int budget = BATCH;
	int ret = 0;

	if (net->tx_poll)
		return;
	do {
		vq_kick_off(&q->vq);
		while (budget && (ret = transmit_one(net, q)) > 0)
			budget--;
	} while (budget && !ret && q->live && vq_kick_on(&q->vq));
	virtio_notify(q);
	if (ret == -EAGAIN) {
		net->tx_poll = loop_poll_add(net->vdev.loop, net->nd->fd,
					     POLLOUT | LOOP_POLL_LEVEL,
					     tx_ready, net);
	} else if (!budget) {
		net->tx_again = true;
		loop_post(net->vdev.loop, &net->more);
	}
}

static void more(struct loop_work *work)
{
	struct virtio_net *net = container_of(work, struct virtio_net, more);
	bool rx = net->rx_again, tx = net->tx_again;

	net->rx_again = false;
	net->tx_again = false;
	if (rx && net->vdev.queues[RX].live)
		receive(net);
	if (tx && net->vdev.queues[TX].live)
		transmit(net);
}

static void net_kick(struct virtio_dev *vdev, struct virtio_queue *q)
{
	if (q->index == RX)
		receive(to_net(vdev));
	else
		transmit(to_net(vdev));
}

/* Life cycle */

static const struct {
	unsigned int feature;
	unsigned int tun;
} offloads[] = {
	{VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM},
	{VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4},
	{VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6},
	{VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN},
};

static unsigned int wanted_offload(const struct virtio_dev *vdev)
{
	unsigned int flags = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offloads); i++)
		if (virtio_has(vdev, offloads[i].feature))
			flags |= offloads[i].tun;
	return flags & TUN_F_CSUM ? flags : 0;
}

static int set_vhost_backend(struct virtio_net *net, u16 index, int fd)
{
	struct vhost_vring_file file = {index, fd};

	return ioctl(net->nd->vhost_fd, VHOST_NET_SET_BACKEND, &file) ? -errno :
									0;
}

static int net_queue_start(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct virtio_net *net = to_net(vdev);
	int ret;

	if (!net->vhost)
		return 0;
	ret = vhost_queue_start(net->vhost, q);
	if (ret)
		return ret;
	ret = set_vhost_backend(net, q->index, net->nd->fd);
	return ret ? err_errno(ret, "vhost refuses netdev '%s'", net->nd->id) :
		     0;
}

static void net_queue_stop(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct virtio_net *net = to_net(vdev);

	if (net->vhost) {
		if (q->enabled) {
			set_vhost_backend(net, q->index, -1);
			vhost_queue_stop(net->vhost, q);
		}
		return;
	}
	if (q->index == RX) {
		window_drop(net);
	} else {
		loop_poll_del(net->tx_poll);
		net->tx_poll = NULL;
	}
}

static int net_start(struct virtio_dev *vdev)
{
	struct virtio_net *net = to_net(vdev);
	unsigned int offload = wanted_offload(vdev);
	int ret;
	u16 i;

	ret = net->nd->ops->set_offload(net->nd, offload);
	if (ret)
		return err_errno(ret, "netdev '%s' refuses offloads",
				 net->nd->id);
	net->frame_max = offload & (TUN_F_TSO4 | TUN_F_TSO6) ? FRAME_MAX :
							       FRAME_SMALL;
	if (!net->vhost)
		return 0;
	ret = vhost_start(net->vhost, vdev->features);
	for (i = 0; !ret && i < NR_QUEUES; i++)
		if (vdev->queues[i].enabled)
			ret = net_queue_start(vdev, &vdev->queues[i]);
	return ret;
}

static void net_stop(struct virtio_dev *vdev)
{
	u16 i;

	for (i = 0; i < NR_QUEUES; i++)
		net_queue_stop(vdev, &vdev->queues[i]);
}

static void net_reset(struct virtio_dev *vdev)
{
	to_net(vdev)->pending = 0;
}

static bool net_external_kick(struct virtio_dev *vdev, u16 index)
{
	return to_net(vdev)->nd->vhost_fd >= 0;
}

static int net_save(struct virtio_dev *vdev, struct state_out *out)
{
	return 0;
}

static int net_load(struct virtio_dev *vdev, struct state_in *in, u32 version)
{
	return 0;
}

static void net_destroy(struct virtio_dev *vdev)
{
	struct virtio_net *net = to_net(vdev);

	loop_poll_del(net->rx_poll);
	loop_poll_del(net->tx_poll);
	vhost_destroy(net->vhost);
	virtio_dev_exit(vdev);
	if (net->nd)
		netdev_detach(net->nd);
	LIST_REMOVE(net, link);
	free(net->id);
	free(net->bounce);
	free(net);
}

static const struct virtio_dev_ops net_ops = {
	.name = "virtio-net",
	.id = VIRTIO_ID_NET,
	.external_kick = net_external_kick,
	.start = net_start,
	.stop = net_stop,
	.queue_start = net_queue_start,
	.queue_stop = net_queue_stop,
	.kick = net_kick,
	.reset = net_reset,
	.version = 1,
	.save = net_save,
	.load = net_load,
	.destroy = net_destroy,
};

/* Creation */

static int parse_mac(struct opts *opts, u8 *mac)
{
	static u8 count;
	const char *text = NULL;
	unsigned int v[6];
	int i, end = 0, ret;

	ret = opts_get_str(opts, "mac", &text);
	if (ret)
		return ret;
	if (!text) {
		memcpy(mac, (const u8[]){0x52, 0x54, 0, 0x12, 0x34, 0x56}, 6);
		mac[5] += count++;
		return 0;
	}
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2],
		   &v[3], &v[4], &v[5], &end) != 6 || text[end] || v[0] & 1)
		return opts_fail(opts, "mac=%s is no address of a card", text);
	for (i = 0; i < 6; i++)
		mac[i] = v[i];
	return 0;
}

static void set_features(struct virtio_net *net)
{
	static const u8 offered[] = {
		VIRTIO_NET_F_CSUM,	 VIRTIO_NET_F_HOST_TSO4,
		VIRTIO_NET_F_HOST_TSO6,	 VIRTIO_NET_F_HOST_ECN,
		VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4,
		VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_ECN,
	};
	u64 *f = &net->vdev.host_features;
	size_t i;

	*f |= 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS |
	      1ULL << VIRTIO_NET_F_MRG_RXBUF;
	for (i = 0; net->nd->vnet_hdr && i < ARRAY_SIZE(offered); i++)
		*f |= 1ULL << offered[i];
}

/* With vhost, what concerns the rings must be possible in the kernel. */
static int setup_vhost(struct virtio_net *net)
{
	static const u8 ring[] = {
		VIRTIO_RING_F_INDIRECT_DESC,
		VIRTIO_RING_F_EVENT_IDX,
		VIRTIO_NET_F_MRG_RXBUF,
		VIRTIO_F_VERSION_1,
	};
	size_t i;

	if (net->nd->vhost_fd < 0)
		return 0;
	net->vhost = vhost_create(&net->vdev, net->nd->vhost_fd, 0, NR_QUEUES);
	if (!net->vhost)
		return -EIO;
	for (i = 0; i < ARRAY_SIZE(ring); i++)
		if (!(vhost_features(net->vhost) & 1ULL << ring[i]))
			net->vdev.host_features &= ~(1ULL << ring[i]);
	return 0;
}

static int net_setup(struct virtio_net *net, struct vm *vm, struct opts *opts,
		     u64 queue_size)
{
	int ret;

	ret = virtio_dev_init(&net->vdev, vm, &net_ops, NULL, NR_QUEUES,
			      queue_size);
	if (ret)
		return ret;
	set_features(net);
	net->config.status = htole16(VIRTIO_NET_S_LINK_UP);
	net->config.max_virtqueue_pairs = htole16(1);
	net->vdev.config = &net->config;
	net->vdev.config_len = offsetof(struct virtio_net_config, mtu);
	net->more.fn = more;
	ret = setup_vhost(net);
	if (ret || net->vhost)
		return ret;
	net->rx_poll = loop_poll_add(vm->loop, net->nd->fd, POLLIN, rx_ready,
				     net);
	return net->rx_poll ? 0 : -ENOMEM;
}

int virtio_net_create(struct vm *vm, struct opts *opts, struct virtio_dev **out)
{
	struct virtio_net *net;
	u64 queue_size = QUEUE_SIZE;
	const char *netdev, *id = NULL;
	int ret;

	opts_ignore(opts, "bootindex");
	if ((ret = opts_get_str(opts, "id", &id)) ||
	    (ret = opts_need_str(opts, "netdev", &netdev)) ||
	    (ret = opts_get_uint(opts, "rx_queue_size", VQ_SIZE_MAX,
				 &queue_size)) ||
	    (ret = opts_get_uint(opts, "tx_queue_size", VQ_SIZE_MAX,
				 &queue_size)))
		return ret;
	if (queue_size < 64 || queue_size & (queue_size - 1))
		return opts_fail(opts, "a queue size is no power of two from "
				       "64");
	net = calloc(1, sizeof(*net));
	if (!net)
		return -ENOMEM;
	net->id = id ? strdup(id) : NULL;
	ret = parse_mac(opts, net->config.mac);
	if (ret)
		goto err_free;
	net->nd = netdev_attach(netdev, "virtio-net");
	if (!net->nd) {
		ret = -ENODEV;
		goto err_free;
	}
	LIST_INSERT_HEAD(&nets, net, link);
	ret = net_setup(net, vm, opts, queue_size);
	if (ret) {
		net_destroy(&net->vdev);
		return ret;
	}
	*out = &net->vdev;
	return 0;

err_free:
	free(net->id);
	free(net);
	return ret;
}

static bool net_is(const struct virtio_net *net, const char *name)
{
	return (net->id && !strcmp(net->id, name)) ||
	       !strcmp(net->nd->id, name);
}

int virtio_net_set_link(const char *name, bool up)
{
	struct virtio_net *net;

	LIST_FOREACH(net, &nets, link) {
		if (!net_is(net, name))
			continue;
		net->unplugged = !up;
		net->config.status = htole16(up ? VIRTIO_NET_S_LINK_UP : 0);
		virtio_config_changed(&net->vdev);
		return 0;
	}
	return -ENODEV;
}
