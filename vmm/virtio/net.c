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
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include "backend/net.h"
#include "error.h"
#include "iothread.h"
#include "lib/iov.h"
#include "lib/opts.h"
#include "loop.h"
#include "state.h"
#include "virtio/devices.h"
#include "virtio/vhost.h"
#include "virtio/virtio.h"
#include "vm.h"

#define QUEUE_SIZE 256
#define RX 0
#define TX 1
#define NR_QUEUES 2

/*
 * Largest frames with the header: with segmentation offload, and without it
 * what goes around an MTU (Ethernet's header, a VLAN's tag).
 */
#define FRAME_MAX (65550 + NET_HDR_LEN)
#define FRAME_AROUND (14 + 4 + NET_HDR_LEN)
#define MTU_DEFAULT 1500
#define MTU_MIN 68
#define MTU_MAX 65535

/* A window that is not full has room for one more chain of any length. */
#define WINDOW_CHAINS 64
#define CHAIN_IOVS (VQ_SIZE_MAX + VQ_IOV_SPARE)
#define WINDOW_IOVS (VQ_SIZE_MAX + CHAIN_IOVS)

/* No interface of the host keeps more frames for its reader. */
#define QUEUE_LEN_MAX 1024

/* Frames a turn, as those that are lost use up no chain. */
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
	char *id;
	bool own_thread; /* its loop is a reference to the common one */
	bool unplugged; /* no cable: frames are lost in both directions */
	u32 frame_max; /* a window of that size takes what comes */
	u64 rx_oversize; /* frames lost, as the guest has no room for such */
	/* The window. */
	struct rx_chain chains[WINDOW_CHAINS];
	unsigned int nr_chains;
	unsigned int nr_iovs;
	u32 window_len;
	struct iovec iov[WINDOW_IOVS + 1];
	struct iovec tx_iov[CHAIN_IOVS];
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

/* No more of the guest's chains are taken than that. */
static bool window_at_end(const struct virtio_net *net)
{
	return net->nr_chains == WINDOW_CHAINS || net->nr_iovs >= VQ_SIZE_MAX;
}

static bool window_full(const struct virtio_net *net)
{
	return net->window_len >= net->frame_max || window_at_end(net);
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

/* A frame for which the guest has no room: cut, it would be worse than lost. */
static void rx_lost(struct virtio_net *net)
{
	if (!net->rx_oversize++)
		guest_warn("virtio-net: frames from netdev '%s' are larger than what the guest offers for one; they are lost",
			   net->nd->id);
}

/* Somebody has changed the MTU: a guest that can offer more room does so. */
static void frames_grow(struct virtio_net *net, u32 len)
{
	if (virtio_has(&net->vdev, VIRTIO_NET_F_MRG_RXBUF))
		net->frame_max = max_t(u32, net->frame_max, len);
}

/* The guest cannot offer more room for one frame than it does now. */
static bool window_at_limit(const struct virtio_net *net)
{
	const struct virtqueue *vq = &net->vdev.queues[RX].vq;

	return !virtio_has(&net->vdev, VIRTIO_NET_F_MRG_RXBUF) ||
	       window_at_end(net) || vq->inflight == vq->size;
}

/*
 * Too little room for the largest frame: see in a buffer of our own how large
 * this one is. It stays there until the guest has offered enough.
 */
static ssize_t read_bounced(struct virtio_net *net)
{
	struct iovec iov;
	ssize_t n;

	if (!net->bounce)
		net->bounce = malloc(FRAME_MAX + 1);
	if (!net->bounce)
		return -ENOMEM;
	iov = (struct iovec){net->bounce, FRAME_MAX + 1};
	n = net->nd->ops->receive(net->nd, &iov, 1);
	if (n < 0)
		return n;
	if (n > FRAME_MAX) {
		rx_lost(net);
	} else if (n > NET_HDR_LEN && !READ_ONCE(net->unplugged)) {
		net->pending = n;
		frames_grow(net, n);
	}
	return 0;
}

static int receive_bounced(struct virtio_net *net, unsigned int nr_iov,
			   u32 room)
{
	ssize_t n;

	if (!net->pending) {
		n = read_bounced(net);
		if (n || !net->pending)
			return n;
	}
	if (net->pending > room) {
		if (!window_at_limit(net))
			return -ENOBUFS;
		/* It will never fit, so it is lost, as on any card. */
		rx_lost(net);
		net->pending = 0;
		return 0;
	}
	n = iov_from_buf(net->iov, nr_iov, 0, net->bounce, net->pending);
	net->pending = 0;
	rx_return(net, n);
	return 0;
}

/* A byte behind the room tells a frame that fills it from one that is cut. */
static ssize_t read_direct(struct virtio_net *net, unsigned int nr_iov)
{
	static u8 spill;
	struct iovec *behind = &net->iov[nr_iov], kept = *behind;
	ssize_t n;

	*behind = (struct iovec){&spill, sizeof(spill)};
	n = net->nd->ops->receive(net->nd, net->iov, nr_iov + 1);
	*behind = kept;
	return n;
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
	n = read_direct(net, nr_iov);
	if (n < 0)
		return n;
	if (n > room) {
		rx_lost(net);
		frames_grow(net, FRAME_MAX);
	} else if (n > NET_HDR_LEN && !READ_ONCE(net->unplugged)) {
		rx_return(net, n);
	}
	return 0;
}

static void receive(struct virtio_net *net)
{
	struct virtio_queue *q = &net->vdev.queues[RX];
	unsigned int budget = BATCH;
	int ret;

	/* A frame can come at any time, while the queue is not there, too. */
	if (!q->live)
		return;
	vq_kick_off(&q->vq);
	while (budget && q->live) {
		window_fill(net);
		if (!q->live)
			break;
		ret = receive_one(net);
		if (ret == -ENOBUFS && virtio_kick_on(q))
			continue;
		if (ret)
			break;
		budget--;
	}
	virtio_notify(q);
	if (!budget)
		virtio_again(q);
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
		.iov_max = CHAIN_IOVS,
	};

	if (!virtio_pop(q, &chain))
		return 0;
	if (chain.nr_in || chain.out_len <= NET_HDR_LEN) {
		vq_unpop(&q->vq, 1);
		virtio_break(&net->vdev, "a frame without its header");
		return 0;
	}
	if (!READ_ONCE(net->unplugged) &&
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
	int ret = 0;

	if (net->tx_poll)
		return;
	do {
		vq_kick_off(&q->vq);
		while ((ret = transmit_one(net, q)) > 0)
			;
	} while (!ret && virtio_kick_on(q));
	virtio_notify(q);
	if (ret == -EAGAIN)
		net->tx_poll = loop_poll_add(net->vdev.loop, net->nd->fd,
					     POLLOUT | LOOP_POLL_LEVEL,
					     tx_ready, net);
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

/* The largest that the host sends, as far as anybody has said. */
static u32 net_mtu(const struct virtio_net *net)
{
	return max_t(u32, le16toh(net->config.mtu),
		     net->nd->mtu ? net->nd->mtu : MTU_DEFAULT);
}

static int set_vhost_backend(struct virtio_net *net, u16 index, int fd)
{
	struct vhost_vring_file file = {index, fd};

	return ioctl(net->nd->vhost_fd, VHOST_NET_SET_BACKEND, &file) ? -errno :
									0;
}

/* Without a cable vhost has no backend, and leaves a queue alone. */
static int connect_vhost(struct virtio_net *net, struct virtio_queue *q)
{
	int ret = set_vhost_backend(net, q->index,
				    net->unplugged ? -1 : net->nd->fd);

	if (ret)
		guest_warn("vhost refuses netdev '%s': %s", net->nd->id,
			   strerror(-ret));
	return ret;
}

static int net_queue_start(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct virtio_net *net = to_net(vdev);
	int ret;

	if (!net->vhost)
		return 0;
	ret = vhost_queue_start(net->vhost, q);
	return ret ? ret : connect_vhost(net, q);
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

static void move_interrupt(void *arg)
{
	struct virtio_queue *q = arg;

	if (q->live)
		vhost_queue_call(to_net(q->dev)->vhost, q);
}

static void net_vector_changed(struct virtio_dev *vdev, struct virtio_queue *q)
{
	if (to_net(vdev)->vhost)
		virtio_call(vdev, move_interrupt, q);
}

static int net_start(struct virtio_dev *vdev)
{
	struct virtio_net *net = to_net(vdev);
	unsigned int offload = wanted_offload(vdev);
	int ret;
	u16 i;

	ret = net->nd->ops->set_offload(net->nd, offload);
	if (ret) {
		guest_warn("netdev '%s' refuses offloads: %s", net->nd->id,
			   strerror(-ret));
		return ret;
	}
	net->frame_max = offload & (TUN_F_TSO4 | TUN_F_TSO6) ?
				 FRAME_MAX :
				 min_t(u32, net_mtu(net) + FRAME_AROUND,
				       FRAME_MAX);
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

static void set_cable(struct virtio_net *net, bool up)
{
	WRITE_ONCE(net->unplugged, !up);
	net->config.status = htole16(up ? VIRTIO_NET_S_LINK_UP : 0);
}

/* What came while there was no cable is lost; what comes now is not waited for. */
static void lose_frames(struct virtio_net *net)
{
	u8 head[NET_HDR_LEN + 64];
	struct iovec iov = {head, sizeof(head)};
	unsigned int i;

	for (i = 0; i < QUEUE_LEN_MAX; i++)
		if (net->nd->ops->receive(net->nd, &iov, 1) < 0)
			break;
}

/*
 * The cable of a card on vhost was plugged in or out. What the driver had to send
 * meanwhile is in its queue still, and its kicks were for nobody.
 */
static void reconnect_vhost(void *arg)
{
	struct virtio_net *net = arg;
	struct virtio_queue *q;
	u16 i;

	if (!net->unplugged)
		lose_frames(net);
	for (i = 0; i < NR_QUEUES; i++) {
		q = &net->vdev.queues[i];
		if (q->live && !connect_vhost(net, q) && !net->unplugged)
			eventfd_write(q->kick_fd, 1);
	}
}

static int net_save(struct virtio_dev *vdev, struct state_out *out)
{
	return state_put_u64(out, "link", !to_net(vdev)->unplugged);
}

static int net_load(struct virtio_dev *vdev, struct state_in *in, u32 version)
{
	u64 up;
	int ret = state_get_u64(in, "link", &up, 1);

	/* Who saved without it knew of no cable that is pulled. */
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	set_cable(to_net(vdev), up);
	return 0;
}

static void polls_begin(void *arg)
{
	struct virtio_net *net = arg;

	net->rx_poll = loop_poll_add(net->vdev.loop, net->nd->fd, POLLIN,
				     rx_ready, net);
}

static void polls_end(void *arg)
{
	struct virtio_net *net = arg;

	loop_poll_del(net->rx_poll);
	loop_poll_del(net->tx_poll);
}

static void net_destroy(struct virtio_dev *vdev)
{
	struct virtio_net *net = to_net(vdev);

	if (net->rx_poll)
		virtio_call(vdev, polls_end, net);
	vhost_destroy(net->vhost);
	virtio_dev_exit(vdev);
	if (net->own_thread)
		iothread_common_put(IOTHREAD_DEVICES);
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
	.vector_changed = net_vector_changed,
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
	net->vhost = vhost_create(&net->vdev, net->nd->vhost_fd,
				  &net->nd->vhost_owned, 0, NR_QUEUES);
	if (!net->vhost)
		return -EIO;
	for (i = 0; i < ARRAY_SIZE(ring); i++)
		if (!(vhost_features(net->vhost) & 1ULL << ring[i]))
			net->vdev.host_features &= ~(1ULL << ring[i]);
	return 0;
}

static int net_setup(struct virtio_net *net, struct vm *vm, u64 queue_size,
		     u16 mtu)
{
	struct loop *loop = iothread_common_get(IOTHREAD_DEVICES);
	int ret;

	net->own_thread = loop;
	if (!loop)
		return -EIO;
	ret = virtio_dev_init(&net->vdev, vm, &net_ops, loop, NR_QUEUES,
			      queue_size);
	if (ret)
		return ret;
	set_features(net);
	net->config.status = htole16(VIRTIO_NET_S_LINK_UP);
	net->config.max_virtqueue_pairs = htole16(1);
	net->vdev.config = &net->config;
	net->vdev.config_len = offsetof(struct virtio_net_config, mtu);
	if (mtu) {
		net->vdev.host_features |= 1ULL << VIRTIO_NET_F_MTU;
		net->config.mtu = htole16(mtu);
		net->vdev.config_len += sizeof(net->config.mtu);
	}
	ret = setup_vhost(net);
	if (ret || net->vhost)
		return ret;
	virtio_call(&net->vdev, polls_begin, net);
	return net->rx_poll ? 0 : -ENOMEM;
}

int virtio_net_create(struct vm *vm, struct opts *opts, struct virtio_dev **out)
{
	struct virtio_net *net;
	u64 queue_size = QUEUE_SIZE, mtu = 0;
	const char *netdev, *id = NULL;
	int ret;

	opts_ignore(opts, "bootindex");
	if ((ret = opts_get_str(opts, "id", &id)) ||
	    (ret = opts_need_str(opts, "netdev", &netdev)) ||
	    (ret = opts_get_uint(opts, "rx_queue_size", VQ_SIZE_MAX,
				 &queue_size)) ||
	    (ret = opts_get_uint(opts, "tx_queue_size", VQ_SIZE_MAX,
				 &queue_size)) ||
	    (ret = opts_get_uint(opts, "host_mtu", MTU_MAX, &mtu)))
		return ret;
	if (mtu && mtu < MTU_MIN)
		return opts_fail(opts, "host_mtu is below %d", MTU_MIN);
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
	ret = net_setup(net, vm, queue_size, mtu);
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
	bool changed;

	LIST_FOREACH(net, &nets, link) {
		if (!net_is(net, name))
			continue;
		changed = net->unplugged == up;
		set_cable(net, up);
		if (net->vhost && changed)
			virtio_call(&net->vdev, reconnect_vhost, net);
		virtio_config_changed(&net->vdev);
		return 0;
	}
	return -ENODEV;
}
