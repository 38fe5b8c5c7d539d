// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card on vhost-net and a real tap: plugged in again, with interrupts that move
 * while it runs, and with its cable pulled. Needs root, and both devices.
 */
#include "../../vmm/virtio/net.c"
#include "machine.h"
#include "tap.h"
#include "virtio/virtio-pci.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#define QSIZE 64
#define BASE(i) (0x100000ULL + 0x10000 * (i))
#define RX_DATA(i) (0x400000ULL + 0x1000 * (i))
#define TX_DATA(i) (0x600000ULL + 0x1000 * (i))
#define SLOT 5
#define IFNAME "tarnvhost"

static struct driver drv;
static struct ring rings[NR_QUEUES];
static const struct device_ops pci_ops = VIRTIO_PCI_DEVICE_OPS("net");

static void plug(void)
{
	struct opts *opts = opts_of("addr=5,netdev=n0", NULL);
	struct virtio_dev *vdev;
	int ret;

	vm_lock(&vm);
	ret = virtio_net_create(&vm, opts, &vdev);
	CHECK_EQ(ret, 0);
	if (ret)
		exit(EXIT_FAILURE);
	CHECK_EQ(virtio_pci_create(&vm, vdev, &pci_ops, opts), 0);
	vm_unlock(&vm);
	opts_destroy(opts);
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

static void bring_up(bool msix)
{
	u16 i;

	CHECK(driver_negotiate(&drv, 1ULL << VIRTIO_NET_F_MRG_RXBUF));
	if (msix)
		msix_on(&drv);
	for (i = 0; i < NR_QUEUES; i++)
		driver_queue(&drv, &rings[i], i, QSIZE, BASE(i));
	for (i = 0; i < QSIZE; i++) {
		ring_desc(&rings[RX], i, RX_DATA(i), 2048, VRING_DESC_F_WRITE,
			  0);
		ring_offer(&rings[RX], i);
	}
	driver_ok(&drv);
	driver_kick(&drv, RX);
}

/* A frame with this mark goes out of the interface, which is into the card. */
static void send_marked(u8 mark)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(IFNAME),
		.sll_halen = ETH_ALEN,
	};
	u8 frame[64] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1,
			0x88, 0xb5, mark};
	int s = socket(AF_PACKET, SOCK_RAW, 0);

	CHECK_EQ(sendto(s, frame, sizeof(frame), 0, (struct sockaddr *)&to,
			sizeof(to)), sizeof(frame));
	close(s);
}

static void send_frame(void)
{
	send_marked(0);
}

/* Frames until one interrupts by @vec; others may come by themselves. */
static bool interrupts(unsigned int vec)
{
	struct pollfd p = {.fd = irq_fd(&drv, vec), .events = POLLIN};
	int i;

	irq_clear(&drv, vec);
	for (i = 0; i < 20; i++) {
		send_frame();
		if (poll(&p, 1, 500) == 1)
			return true;
	}
	return false;
}

static void vector_out(u16 vector)
{
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SELECT, RX, 2);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_MSIX, vector, 2);
}

static void test_begin(void)
{
	machine_start();
	machine_run();
	plug();
	bring_up(true);
	CHECK(interrupts(RX + 1));
}

static void test_vector(void)
{
	vector_out(0);
	CHECK(interrupts(0));
	vector_out(RX + 1);
	CHECK(interrupts(RX + 1));
}

/* Without MSI-X the interrupt is a line, which the VMM pulls. */
static void test_line(void)
{
	u16 ctrl = cfg_in(SLOT, drv.msix + 2, 2);
	unsigned int i;
	bool high = false;

	memset(line, 0, sizeof(line));
	cfg_out(SLOT, drv.msix + 2, ctrl & ~PCI_MSIX_FLAGS_ENABLE, 2);
	for (i = 0; i < 20 && !high; i++) {
		unsigned int pin;

		send_frame();
		usleep(100000);
		for (pin = 0; pin < IRQ_NR_PINS; pin++)
			high |= __atomic_load_n(&line[pin], __ATOMIC_SEQ_CST);
	}
	CHECK(high);
	cfg_out(SLOT, drv.msix + 2, ctrl, 2);
	CHECK(interrupts(RX + 1));
}

static void test_again(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		unplug();
		plug();
		bring_up(true);
		CHECK(interrupts(RX + 1));
	}
}

/* Frames with this mark that the driver has got. */
static unsigned int received(u8 mark)
{
	static const u8 type[] = {0x88, 0xb5};
	unsigned int i, nr = 0;
	u8 frame[64];

	for (i = 0; i < QSIZE; i++) {
		tarn_mem_read(&vm.mem, RX_DATA(i) + NET_HDR_LEN, frame,
			      sizeof(frame));
		nr += !memcmp(frame + 12, type, sizeof(type)) && frame[14] == mark;
	}
	return nr;
}

/* One way or the other, there are a few frames at most that nobody sent here. */
static void send_until_received(u8 mark)
{
	int i;

	for (i = 0; i < 20 && !received(mark); i++) {
		send_marked(mark);
		usleep(100000);
	}
	CHECK(received(mark));
}

static void set_link(bool up)
{
	vm_lock(&vm);
	CHECK_EQ(virtio_net_set_link("n0", up), 0);
	vm_unlock(&vm);
}

/* What the card sends comes in of the interface. */
static int listen_to_card(void)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(0x88b5),
		.sll_ifindex = if_nametoindex(IFNAME),
	};
	int s = socket(AF_PACKET, SOCK_RAW, htons(0x88b5));

	CHECK_EQ(bind(s, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return s;
}

static void offer_frame(u16 i, u8 mark)
{
	u8 frame[NET_HDR_LEN + 64] = {};

	memset(frame + NET_HDR_LEN, 0xff, ETH_ALEN);
	frame[NET_HDR_LEN + 6] = 2;
	frame[NET_HDR_LEN + 12] = 0x88;
	frame[NET_HDR_LEN + 13] = 0xb5;
	frame[NET_HDR_LEN + 14] = mark;
	tarn_mem_write(&vm.mem, TX_DATA(i), frame, sizeof(frame));
	ring_desc(&rings[TX], i, TX_DATA(i), sizeof(frame), 0, 0);
	ring_offer(&rings[TX], i);
	driver_kick(&drv, TX);
}

/* The mark of the next frame that the card sent; those of the host are no matter. */
static u8 sent_by_card(int s)
{
	struct pollfd p = {.fd = s, .events = POLLIN};
	struct sockaddr_ll from;
	socklen_t len;
	u8 frame[64];

	while (poll(&p, 1, 10000) == 1) {
		len = sizeof(from);
		if (recvfrom(s, frame, sizeof(frame), 0, (struct sockaddr *)&from,
			     &len) == sizeof(frame) &&
		    from.sll_pkttype != PACKET_OUTGOING)
			return frame[14];
	}
	return 0;
}

/* Frames that came while it was pulled never arrive, those of the card late. */
static void pull_and_plug(u8 mark)
{
	int s = listen_to_card(), i;

	for (i = 0; i < 5; i++)
		send_marked(mark);
	offer_frame(0, mark + 1);
	set_link(true);
	send_until_received(mark + 2);
	CHECK_EQ(received(mark), 0);
	CHECK_EQ(sent_by_card(s), mark + 1);
	offer_frame(1, mark + 3);
	CHECK_EQ(sent_by_card(s), mark + 3);
	close(s);
}

static void plug_anew(void)
{
	static const u8 zeros[2048];
	int i;

	unplug();
	plug();
	for (i = 0; i < QSIZE; i++)
		tarn_mem_write(&vm.mem, RX_DATA(i), zeros, sizeof(zeros));
}

static void test_link(void)
{
	plug_anew();
	bring_up(true);
	send_until_received(9);
	set_link(false);
	pull_and_plug(10);
}

/* Before the driver, and over a reset by it. */
static void test_link_at_start(void)
{
	plug_anew();
	set_link(false);
	bring_up(true);
	pull_and_plug(20);
	set_link(false);
	bring_up(true);
	pull_and_plug(30);
}

static void test_end(void)
{
	machine_end();
	netdev_destroy_all();
}

static const struct tap_test tests[] = {
	{"interrupts of a card on vhost", test_begin},
	{"a vector that changes", test_vector},
	{"MSI-X is turned off, and on", test_line},
	{"plugged in again", test_again},
	{"a cable that is pulled", test_link},
	{"one that is not there when the driver comes", test_link_at_start},
	{"destruction", test_end},
};

int main(void)
{
	struct opts *opts = opts_of("tap,id=n0,ifname=" IFNAME
				    ",vhost=on,vhostforce=on", "type");
	int ret;

	if (access("/dev/vhost-net", R_OK | W_OK) ||
	    access("/dev/net/tun", R_OK | W_OK)) {
		printf("1..0 # SKIP there is no vhost-net\n");
		return 4;
	}
	ret = netdev_create(opts);
	opts_destroy(opts);
	if (ret) {
		printf("1..1\nnot ok 1 a tap\n");
		return EXIT_FAILURE;
	}
	return tap_run(tests, ARRAY_SIZE(tests));
}
