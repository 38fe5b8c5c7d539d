// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-net on a socket that keeps frames apart, as a tap does: sizes of frames
 * and of buffers, drivers that never stop, unplugging in the middle of it. Of vhost
 * there is a model that knows which queue has which backend.
 */
#include <sys/ioctl.h>

static int vhost_ioctl(int fd, unsigned long request, ...);

#define ioctl vhost_ioctl
#include "../../vmm/virtio/net.c"
#include "../../vmm/virtio/vhost.c"
#undef ioctl
#include "hostile.h"
#include "paged.h"
#include "virtio/virtio-pci.h"

#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#define QSIZE 64
#define BASE(i) (0x100000ULL + 0x10000 * (i))
#define TX_DATA 0x380000ULL
#define RX_DATA(i) (0x400000ULL + 0x10000 * (i))
#define SLOT 5
#define SMALL_BUFFER 1526

static struct driver drv;
static struct ring rings[NR_QUEUES];
static struct virtio_net *net;
static struct netdev backend;
static int far_end;
static struct ring *endless; /* always has one frame more to send */
static unsigned long sent;
static u8 frame[70000];

/* The backend */

static int fake_send(struct netdev *nd, struct iovec *iov, unsigned int nr)
{
	__atomic_add_fetch(&sent, 1, __ATOMIC_SEQ_CST);
	if (READ_ONCE(endless)) {
		ring_offer(endless, 0);
		return 0;
	}
	return writev(nd->fd, iov, nr) < 0 ? -errno : 0;
}

static ssize_t fake_receive(struct netdev *nd, struct iovec *iov,
			    unsigned int nr)
{
	ssize_t n = readv(nd->fd, iov, nr);

	return n < 0 ? -errno : n;
}

static int fake_offload(struct netdev *nd, unsigned int offload)
{
	return 0;
}

static const struct net_ops fake_ops = {
	.name = "fake",
	.send = fake_send,
	.receive = fake_receive,
	.set_offload = fake_offload,
};

struct netdev *netdev_attach(const char *id, const char *user)
{
	backend.user = user;
	return &backend;
}

void netdev_detach(struct netdev *nd)
{
	nd->user = NULL;
}

/* Of each queue, what vhost was told last. */
static int vhost_backend[NR_QUEUES];

/*
 * Its worker waits for a page of the guest, with a mutex of the queue that some
 * requests take, too.
 */
static struct gate vhost_gate;

static bool takes_mutex(unsigned long request)
{
	return request == VHOST_NET_SET_BACKEND ||
	       request == VHOST_GET_VRING_BASE ||
	       request == VHOST_SET_VRING_CALL;
}

static int vhost_ioctl(int fd, unsigned long request, ...)
{
	struct vhost_vring_file *file;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	CHECK_EQ(fd, backend.vhost_fd);
	if (takes_mutex(request))
		gate_pass(&vhost_gate);
	if (request == VHOST_GET_FEATURES)
		*(u64 *)arg = ~0ULL;
	if (request == VHOST_NET_SET_BACKEND) {
		file = arg;
		vhost_backend[file->index] = file->fd;
	}
	return 0;
}

static const struct device_ops pci_ops = VIRTIO_PCI_DEVICE_OPS("net");

static void plug(const char *text)
{
	struct opts *opts = opts_of(text, NULL);
	struct virtio_dev *vdev;

	vm_lock(&vm);
	CHECK_EQ(virtio_net_create(&vm, opts, &vdev), 0);
	CHECK_EQ(virtio_pci_create(&vm, vdev, &pci_ops, opts), 0);
	CHECK_EQ(opts_check_used(opts), 0);
	vm_unlock(&vm);
	opts_destroy(opts);
	net = to_net(vdev);
	driver_probe(&drv, SLOT);
}

static void unplug(void)
{
	struct device *dev;

	vm_lock(&vm);
	dev = TAILQ_LAST(&vm.devices, device_list);
	dev->ops->destroy(dev);
	vm_unlock(&vm);
}

/* The driver */

static u64 features = 1ULL << VIRTIO_NET_F_MRG_RXBUF;

static void queues_up(void)
{
	u16 i;

	CHECK(driver_negotiate(&drv, features));
	msix_on(&drv);
	for (i = 0; i < NR_QUEUES; i++)
		driver_queue(&drv, &rings[i], i, QSIZE, BASE(i));
}

static void bring_up(void)
{
	queues_up();
	driver_ok(&drv);
}

static void offer_rx(unsigned int nr, u32 len)
{
	while (nr--) {
		u16 slot = rings[RX].idx % QSIZE;

		ring_desc(&rings[RX], slot, RX_DATA(slot), len,
			  VRING_DESC_F_WRITE, 0);
		ring_offer(&rings[RX], slot);
	}
	driver_kick(&drv, RX);
}

static void send_in(u32 len, u8 fill)
{
	memset(frame, 0, NET_HDR_LEN);
	memset(frame + NET_HDR_LEN, fill, len);
	CHECK_EQ(send(far_end, frame, NET_HDR_LEN + len, 0),
		 NET_HDR_LEN + len);
}

/* Take the next frame; its length without the header. */
static u32 receive_frame(u16 *at, u8 fill)
{
	struct vring_used_elem elem;
	u32 len = 0, i, n;
	u16 nr = 1, left;
	u8 *data;

	for (left = 1; left; left--) {
		used_wait(&drv, &rings[RX], RX, *at + 1);
		elem = ring_used(&rings[RX], (*at)++);
		data = tarn_mem_ptr(&vm.mem, RX_DATA(elem.id), elem.len);
		if (!len) {
			memcpy(&nr, data + offsetof(struct virtio_net_hdr_v1,
						    num_buffers), 2);
			left = nr;
		}
		for (i = len ? 0 : NET_HDR_LEN, n = 0; i < elem.len; i++)
			n += data[i] != fill;
		CHECK_EQ(n, 0);
		len += elem.len;
	}
	return len - NET_HDR_LEN;
}

/* The device has seen all that was sent to it, and done what it can. */
static void settle(void)
{
	struct pollfd p = {.fd = backend.fd, .events = POLLIN};

	while (poll(&p, 1, 0) == 1)
		sched_yield();
	driver_kick(&drv, RX);
	(void)status_in(&drv);
}

static void nothing(void *arg)
{
}

/* The loop, and whoever needs the VM's lock, have their turns. */
static void check_served(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		(void)status_in(&drv);
		loop_call(net->vdev.loop, nothing, NULL);
	}
}

static void test_begin(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds))
		abort();
	backend = (struct netdev){
		.ops = &fake_ops,
		.id = "n0",
		.fd = fds[0],
		.vhost_fd = -1,
		.vnet_hdr = true,
	};
	far_end = fds[1];
	/* What stands still ends the test. */
	alarm(60);
	machine_start();
	machine_run();
	plug("addr=5,netdev=n0");
	CHECK(!(features_in(&drv) & 1ULL << VIRTIO_NET_F_MTU));
}

static void test_both_ways(void)
{
	u8 buf[2000];
	u16 at = 0;

	bring_up();
	while (recv(far_end, buf, sizeof(buf), 0) > 0)
		;
	memset(frame, 0x5a, 1000);
	tarn_mem_write(&vm.mem, TX_DATA, frame, 1000);
	ring_desc(&rings[TX], 0, TX_DATA, 1000, 0, 0);
	ring_offer(&rings[TX], 0);
	driver_kick(&drv, TX);
	used_wait(&drv, &rings[TX], TX, 1);
	CHECK_EQ(recv(far_end, buf, sizeof(buf), 0), 1000);
	offer_rx(QSIZE, SMALL_BUFFER);
	send_in(1514, 1);
	CHECK_EQ(receive_frame(&at, 1), 1514);
	send_in(60, 2);
	CHECK_EQ(receive_frame(&at, 2), 60);
}

/* A driver that adds frames as fast as they are sent. */
static void test_endless_tx(void)
{
	bring_up();
	ring_desc(&rings[TX], 0, TX_DATA, 100, 0, 0);
	endless = &rings[TX];
	ring_offer(&rings[TX], 0);
	driver_kick(&drv, TX);
	check_served();
	while (__atomic_load_n(&sent, __ATOMIC_SEQ_CST) < 4 * VIRTIO_BUDGET)
		sched_yield();
	check_served();
	WRITE_ONCE(endless, NULL);
	used_wait(&drv, &rings[TX], TX, rings[TX].idx);
}

/* The card goes while it has frames left to send. */
static void test_unplug(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		queues_up();
		ring_desc(&rings[TX], 0, TX_DATA, 100, 0, 0);
		endless = &rings[TX];
		ring_offer(&rings[TX], 0);
		driver_ok(&drv);
		if (i % 2)
			driver_kick(&drv, TX);
		unplug();
		endless = NULL;
		plug("addr=5,netdev=n0");
	}
	test_both_ways();
}

/* Somebody on the host raises the MTU; merged buffers have room for that. */
static void test_jumbo_merged(void)
{
	u16 at = 0;

	bring_up();
	offer_rx(QSIZE, SMALL_BUFFER);
	/* The first may be lost, as nobody has said that such come. */
	send_in(9000, 3);
	settle();
	send_in(9000, 4);
	CHECK_EQ(receive_frame(&at, 4), 9000);
	send_in(60, 5);
	CHECK_EQ(receive_frame(&at, 5), 60);
	CHECK_EQ(net->rx_oversize, 1);
	check_served();
}

/* A ring with all its buffers in the window, which are too few. */
static void test_jumbo_short(void)
{
	u64 lost = net->rx_oversize;
	u16 at = 0;

	bring_up();
	offer_rx(2, SMALL_BUFFER);
	send_in(9000, 6);
	check_served();
	/* More buffers come, and the frame that waits goes there. */
	offer_rx(QSIZE - 2, SMALL_BUFFER);
	settle();
	send_in(60, 7);
	if (net->rx_oversize == lost)
		CHECK_EQ(receive_frame(&at, 6), 9000);
	CHECK_EQ(receive_frame(&at, 7), 60);
	check_served();
}

static void test_jumbo_single(void)
{
	u64 lost = net->rx_oversize;
	u16 at = 0;

	features = 0;
	bring_up();
	offer_rx(QSIZE, SMALL_BUFFER + 4);
	send_in(9000, 8);
	send_in(1514, 9);
	CHECK_EQ(receive_frame(&at, 9), 1514);
	CHECK_EQ(net->rx_oversize, lost + 1);
	/* A byte too many, and one that fits. */
	send_in(SMALL_BUFFER + 4 - NET_HDR_LEN + 1, 10);
	send_in(SMALL_BUFFER + 4 - NET_HDR_LEN, 11);
	CHECK_EQ(receive_frame(&at, 11), SMALL_BUFFER + 4 - NET_HDR_LEN);
	CHECK_EQ(net->rx_oversize, lost + 2);
	features = 1ULL << VIRTIO_NET_F_MRG_RXBUF;
}

static void test_mtu(void)
{
	u64 cfg;
	u16 at = 0;

	unplug();
	plug("addr=5,netdev=n0,host_mtu=9000");
	cfg = drv.regs[VIRTIO_PCI_CAP_DEVICE_CFG];
	CHECK(features_in(&drv) & 1ULL << VIRTIO_NET_F_MTU);
	CHECK_EQ(guest_read(BUS_MMIO, cfg + offsetof(struct virtio_net_config,
						     mtu), 2), 9000);
	features |= 1ULL << VIRTIO_NET_F_MTU;
	bring_up();
	offer_rx(QSIZE, SMALL_BUFFER);
	send_in(9014, 12);
	CHECK_EQ(receive_frame(&at, 12), 9014);
	CHECK_EQ(net->rx_oversize, 0);
}

static u16 status_of_link(void)
{
	return guest_read(BUS_MMIO, drv.regs[VIRTIO_PCI_CAP_DEVICE_CFG] +
				    offsetof(struct virtio_net_config, status),
			  2);
}

/* A cable that is pulled stays so over a save. */
static void test_link_saved(void)
{
	struct state_out *out = state_out_create();
	struct state_in in;
	size_t len, off = 0;
	const void *data;

	CHECK_EQ(virtio_net_set_link("n0", false), 0);
	CHECK_EQ(state_section(out, "net", 1), 0);
	CHECK_EQ(net_ops.save(&net->vdev, out), 0);
	CHECK_EQ(virtio_net_set_link("n0", true), 0);
	CHECK_EQ(status_of_link(), VIRTIO_NET_S_LINK_UP);
	data = state_out_data(out, &len);
	CHECK_EQ(state_next(data, len, &off, &in), 1);
	CHECK_EQ(net_ops.load(&net->vdev, &in, 1), 0);
	CHECK_EQ(status_of_link(), 0);
	CHECK(net->unplugged);
	CHECK_EQ(virtio_net_set_link("n0", true), 0);
	state_out_destroy(out);
}

static void set_link(bool up)
{
	vm_lock(&vm);
	CHECK_EQ(virtio_net_set_link("n0", up), 0);
	vm_unlock(&vm);
}

static bool on_vhost(int fd)
{
	return vhost_backend[RX] == fd && vhost_backend[TX] == fd;
}

/* Kicks that vhost has not looked at, as there is none. */
static eventfd_t kicks(u16 index)
{
	struct pollfd p = {
		.fd = net->vdev.queues[index].kick_fd,
		.events = POLLIN,
	};
	eventfd_t n = 0;

	if (poll(&p, 1, 0) == 1)
		eventfd_read(p.fd, &n);
	return n;
}

/* Without a cable vhost has no backend, whoever comes first. */
static void test_link_vhost(void)
{
	unplug();
	backend.vhost_fd = 1000;
	plug("addr=5,netdev=n0,host_mtu=9000");
	bring_up();
	CHECK(on_vhost(backend.fd));
	set_link(false);
	CHECK(on_vhost(-1));
	kicks(RX);
	kicks(TX);
	send_in(60, 15);
	set_link(true);
	CHECK(on_vhost(backend.fd));
	CHECK(kicks(RX) && kicks(TX));
	/* The frame is lost, not late. */
	CHECK_EQ(recv(backend.fd, frame, 1, MSG_DONTWAIT), -1);

	set_link(false);
	bring_up();
	CHECK(on_vhost(-1));
	set_link(true);
	CHECK(on_vhost(backend.fd));
	/* Nothing changes: what is there is the driver's. */
	send_in(60, 15);
	set_link(true);
	CHECK_EQ(recv(backend.fd, frame, 1, MSG_DONTWAIT), 1);

	unplug();
	backend.vhost_fd = -1;
	plug("addr=5,netdev=n0,host_mtu=9000");
}

/* What waits for vhost waits alone. */

static void vcpu_resets(void)
{
	status_out(&drv, 0);
}

static void vcpu_moves_vector(void)
{
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SELECT, TX, 2);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_MSIX, 0, 2);
}

static void vcpu_leaves_msix(void)
{
	u16 ctrl = cfg_in(drv.slot, drv.msix + 2, 2);

	cfg_out(drv.slot, drv.msix + 2, ctrl & ~PCI_MSIX_FLAGS_ENABLE, 2);
}

static void *vcpu(void *arg)
{
	void (**access)(void) = arg;

	(*access)();
	return NULL;
}

static sem_t job_over;

static void job_done(struct vm *v, struct vm_job *job)
{
	sem_post(&job_over);
}

static void job_stop(struct vm *v, struct vm_job *job)
{
	struct device *dev = TAILQ_LAST(&v->devices, device_list);

	CHECK_EQ(dev->ops->pause(dev), 0);
}

static void job_link(struct vm *v, struct vm_job *job)
{
	CHECK_EQ(virtio_net_set_link("n0", net->unplugged), 0);
}

static void wait_at_vhost(void)
{
	CHECK(comes(&vhost_gate.come));
	CHECK(lock_is_free());
	CHECK(main_loop_answers());
	gate_open(&vhost_gate);
}

static void vcpu_waits(void (*access)(void))
{
	pthread_t thread;

	WRITE_ONCE(vhost_gate.shut, true);
	pthread_create(&thread, NULL, vcpu, &access);
	wait_at_vhost();
	pthread_join(thread, NULL);
}

static void worker_waits_in(void (*fn)(struct vm *v, struct vm_job *job))
{
	struct vm_job job = {.run = fn, .done = job_done};

	WRITE_ONCE(vhost_gate.shut, true);
	vm_lock(&vm);
	worker_post(&vm, &job);
	vm_unlock(&vm);
	wait_at_vhost();
	CHECK(comes(&job_over));
}

static void test_vhost_waits(void)
{
	struct device *dev;

	sem_init(&vhost_gate.come, 0, 0);
	sem_init(&vhost_gate.open, 0, 0);
	sem_init(&job_over, 0, 0);
	unplug();
	backend.vhost_fd = 1000;
	plug("addr=5,netdev=n0");
	features &= ~(1ULL << VIRTIO_NET_F_MTU);
	bring_up();
	vcpu_waits(vcpu_moves_vector);
	vcpu_waits(vcpu_leaves_msix);
	vcpu_waits(vcpu_resets);
	CHECK(on_vhost(-1));
	bring_up();
	worker_waits_in(job_link);
	CHECK(on_vhost(-1));
	worker_waits_in(job_link);
	CHECK(on_vhost(backend.fd));
	worker_waits_in(job_stop);
	CHECK(on_vhost(-1));
	vm_lock(&vm);
	dev = TAILQ_LAST(&vm.devices, device_list);
	dev->ops->resume(dev);
	vm_unlock(&vm);
	CHECK(on_vhost(backend.fd));
	unplug();
	backend.vhost_fd = -1;
	plug("addr=5,netdev=n0");
}

/* Merged buffers of many descriptors each: the window takes what it can. */
static void test_long_buffers(void)
{
	u16 at = 0, i;

	features |= 1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	bring_up();
	for (i = 0; i < QSIZE; i++)
		table_set(&rings[RX], HOSTILE_TABLE, i, RX_DATA(0) + 32 * i, 32,
			  VRING_DESC_F_WRITE |
				  (i < QSIZE - 1 ? VRING_DESC_F_NEXT : 0),
			  i + 1);
	for (i = 0; i < QSIZE; i++) {
		ring_desc(&rings[RX], i, HOSTILE_TABLE, 16 * QSIZE,
			  VRING_DESC_F_INDIRECT, 0);
		ring_offer(&rings[RX], i);
	}
	driver_kick(&drv, RX);
	send_in(1000, 13);
	CHECK_EQ(receive_frame(&at, 13), 1000);
	CHECK(!(status_in(&drv) & VIRTIO_CONFIG_S_NEEDS_RESET));
}

static void more_frames(void)
{
	static u64 seed = 0x2545f4914f6cdd1dULL;
	u8 buf[64];

	send(far_end, frame,
	     NET_HDR_LEN + 1 + hostile_random(&seed) % 20000, 0);
	while (recv(far_end, buf, sizeof(buf), 0) > 0)
		;
}

static void test_hostile(void)
{
	u16 at = 0;

	hostile(&drv, rings, NR_QUEUES, bring_up, more_frames);
	while (recv(backend.fd, frame, 1, MSG_DONTWAIT) > 0)
		;
	bring_up();
	offer_rx(QSIZE, SMALL_BUFFER);
	send_in(60, 14);
	CHECK_EQ(receive_frame(&at, 14), 60);
}

static void test_end(void)
{
	machine_end();
	close(far_end);
	close(backend.fd);
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"frames in both directions", test_both_ways},
	{"a driver that always has one frame more", test_endless_tx},
	{"unplugging with frames to send", test_unplug},
	{"large frames and merged buffers", test_jumbo_merged},
	{"large frames and few buffers", test_jumbo_short},
	{"large frames and single buffers", test_jumbo_single},
	{"an MTU", test_mtu},
	{"a cable that is pulled", test_link_saved},
	{"on vhost, too", test_link_vhost},
	{"what waits for vhost waits alone", test_vhost_waits},
	{"buffers of many parts", test_long_buffers},
	{"a hostile driver", test_hostile},
	{"destruction", test_end},
};

TAP_MAIN(tests)
