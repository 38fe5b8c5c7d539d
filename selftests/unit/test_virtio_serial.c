// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-serial on chardevs of the test: what nobody reads, long buffers, the
 * control channel, resets in the middle of a buffer.
 */
#include "../../vmm/virtio/serial.c"
#include "hostile.h"
#include "machine.h"
#include "tap.h"
#include "virtio/virtio-pci.h"

#define QSIZE 64
#define BASE(i) (0x100000ULL + 0x10000 * (i))
#define CONTROL 0x280000ULL
#define DATA 0x400000ULL
#define NR_QUEUES 6 /* port 0, control, port 1 */
#define TX(port) ((port) ? 5 : 1)
#define RX(port) ((port) ? 4 : 0)

static struct driver drv;
static struct ring rings[NR_QUEUES];
static const struct device_ops pci_ops = VIRTIO_PCI_DEVICE_OPS("serial");

/* The other ends: each takes @room bytes more, and keeps what it took. */

struct end {
	struct chardev chr;
	size_t room;
	size_t taken;
	u8 last;
	unsigned int offered; /* times that it had input */
	unsigned int given; /* and the guest got it */
};

static struct end ends[2];

static size_t end_write(struct chardev *chr, const void *buf, size_t len)
{
	struct end *end = container_of(chr, struct end, chr);

	len = min_t(size_t, len, end->room);
	end->room -= len;
	if (len)
		end->last = ((const u8 *)buf)[len - 1];
	__atomic_add_fetch(&end->taken, len, __ATOMIC_SEQ_CST);
	return len;
}

static void end_accept_input(struct chardev *chr)
{
}

static const struct chardev_ops end_ops = {
	.name = "end",
	.write = end_write,
	.accept_input = end_accept_input,
};

struct chardev *chardev_find(const char *id)
{
	return &ends[*id - '0'].chr;
}

int chardev_attach(struct chardev *chr, const struct chardev_handler *handler,
		   void *arg)
{
	chr->handler = handler;
	chr->arg = arg;
	handler->event(arg, CHARDEV_OPENED);
	return 0;
}

void chardev_detach(struct chardev *chr)
{
	chr->handler = NULL;
}

void chardev_move(struct vm *v, struct chardev *chr, struct loop *loop)
{
	chr->loop = loop;
}

size_t chardev_write(struct chardev *chr, const void *buf, size_t len)
{
	return chr->ops->write(chr, buf, len);
}

void chardev_accept_input(struct chardev *chr)
{
	chr->ops->accept_input(chr);
}

/* In the thread of the queues, as chardevs live there. */

struct grant {
	struct end *end;
	size_t room;
};

static void give_room(void *arg)
{
	struct grant *g = arg;

	g->end->room = g->room;
	if (g->room)
		g->end->chr.handler->writable(g->end->chr.arg);
}

static void set_room(unsigned int port, size_t room)
{
	struct grant g = {&ends[port], room};

	loop_call(ends[port].chr.loop, give_room, &g);
}

static void do_input(void *arg)
{
	struct end *end = arg;
	u8 buf[4096];
	size_t n = end->chr.handler->can_read(end->chr.arg);
	u16 before;

	memset(buf, 0x77, sizeof(buf));
	if (!n)
		return;
	before = ring_used_idx(&rings[RX(end - ends)]);
	end->chr.handler->read(end->chr.arg, buf,
			       min_t(size_t, n, sizeof(buf)));
	end->offered++;
	end->given += ring_used_idx(&rings[RX(end - ends)]) != before;
}

static void input(unsigned int port)
{
	loop_call(ends[port].chr.loop, do_input, &ends[port]);
}

/* The driver */

static void bring_up_with(u64 features)
{
	u16 i;

	CHECK(driver_negotiate(&drv, features));
	msix_on(&drv);
	for (i = 0; i < NR_QUEUES; i++)
		driver_queue(&drv, &rings[i], i, QSIZE, BASE(i));
	driver_ok(&drv);
}

static void bring_up(void)
{
	bring_up_with(1ULL << VIRTIO_CONSOLE_F_MULTIPORT |
		      1ULL << VIRTIO_RING_F_INDIRECT_DESC |
		      1ULL << VIRTIO_F_RING_RESET);
}

static void give(u16 queue, u64 addr, u32 len, u16 flags)
{
	struct ring *r = &rings[queue];
	u16 slot = r->idx % QSIZE;

	ring_desc(r, slot, addr, len, flags, 0);
	ring_offer(r, slot);
	driver_kick(&drv, queue);
}

static void await_all(u16 queue)
{
	used_wait(&drv, &rings[queue], queue, rings[queue].idx);
}

static void control(u32 id, u16 event, u16 value)
{
	struct virtio_console_control msg = {id, event, value};

	tarn_mem_write(&vm.mem, CONTROL, &msg, sizeof(msg));
	give(Q_CTRL_TX, CONTROL, sizeof(msg), 0);
	await_all(Q_CTRL_TX);
}

static void test_begin(void)
{
	static const char *const ports[] = {"chardev=0,id=p0",
					    "chardev=1,id=p1,name=port"};
	struct opts *opts = opts_of("addr=5,max_ports=2", NULL);
	struct virtio_dev *vdev;
	int i;

	alarm(60);
	machine_start();
	CHECK_EQ(virtio_serial_create(&vm, opts, &vdev), 0);
	CHECK_EQ(virtio_pci_create(&vm, vdev, &pci_ops, opts), 0);
	opts_destroy(opts);
	for (i = 0; i < 2; i++) {
		ends[i].chr.ops = &end_ops;
		ends[i].room = SIZE_MAX;
		opts = opts_of(ports[i], NULL);
		CHECK_EQ(i ? virtserialport_create(&vm, opts)
			   : virtconsole_create(&vm, opts), 0);
		opts_destroy(opts);
	}
	CHECK(ends[0].chr.loop != vm.loop);
	machine_run();
	driver_probe(&drv, 5);
}

/* A console nobody reads loses what does not fit; its driver spins meanwhile. */
static void test_console_drops(void)
{
	bring_up();
	set_room(0, 100);
	ends[0].taken = 0;
	give(TX(0), DATA, 1000, 0);
	give(TX(0), DATA, 1000, 0);
	await_all(TX(0));
	CHECK_EQ(ends[0].taken, 100);
	set_room(0, SIZE_MAX);
	give(TX(0), DATA, 10, 0);
	await_all(TX(0));
	CHECK_EQ(ends[0].taken, 110);
}

/* A port waits, and goes on where it was. */
static void test_port_waits(void)
{
	u8 *data = tarn_mem_ptr(&vm.mem, DATA, 1000);
	int i;

	bring_up();
	for (i = 0; i < 1000; i++)
		data[i] = i;
	set_room(1, 100);
	ends[1].taken = 0;
	give(TX(1), DATA, 1000, 0);
	while (__atomic_load_n(&ends[1].taken, __ATOMIC_SEQ_CST) < 100)
		sched_yield();
	set_room(1, 50);
	CHECK_EQ(ends[1].taken, 150);
	CHECK_EQ(ends[1].last, 149);
	CHECK_EQ(ring_used_idx(&rings[TX(1)]), 0);
	set_room(1, SIZE_MAX);
	await_all(TX(1));
	CHECK_EQ(ends[1].taken, 1000);
	CHECK_EQ(ends[1].last, (u8)999);
}

/* A queue that is reset has no buffer that was sent in part. */
static void test_queue_reset(void)
{
	bring_up();
	set_room(1, 100);
	ends[1].taken = 0;
	give(TX(1), DATA, 1000, 0);
	while (__atomic_load_n(&ends[1].taken, __ATOMIC_SEQ_CST) < 100)
		sched_yield();
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SELECT, TX(1), 2);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_RESET, 1, 2);
	set_room(1, SIZE_MAX);
	ends[1].taken = 0;
	driver_queue(&drv, &rings[TX(1)], TX(1), QSIZE, BASE(TX(1)));
	give(TX(1), DATA, 300, 0);
	await_all(TX(1));
	CHECK_EQ(ends[1].taken, 300);
}

/* Longer than the ring, which Linux makes of a splice() into a port. */
static void test_long_chain(void)
{
	u16 i, nr = 200;

	bring_up();
	for (i = 0; i < nr; i++)
		table_set(&rings[0], HOSTILE_TABLE, i, DATA + 16 * i, 16,
			  i < nr - 1 ? VRING_DESC_F_NEXT : 0, i + 1);
	ends[1].taken = 0;
	give(TX(1), HOSTILE_TABLE, 16 * nr, VRING_DESC_F_INDIRECT);
	await_all(TX(1));
	CHECK_EQ(ends[1].taken, 16 * nr);
	CHECK(!(status_in(&drv) & VIRTIO_CONFIG_S_NEEDS_RESET));
}

/* More than a turn's share, in one buffer. */
static void test_large_buffer(void)
{
	bring_up();
	ends[1].taken = 0;
	give(TX(1), DATA, 3 * SHARE + 5, 0);
	await_all(TX(1));
	CHECK_EQ(ends[1].taken, 3 * SHARE + 5);
}

static void test_input(void)
{
	u8 *data = tarn_mem_ptr(&vm.mem, DATA, 200);

	bring_up();
	/* Nobody in the guest has the port open. */
	give(RX(1), DATA, 100, VRING_DESC_F_WRITE);
	input(1);
	CHECK_EQ(ring_used_idx(&rings[RX(1)]), 0);
	control(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	input(1);
	await_all(RX(1));
	CHECK_EQ(ring_used(&rings[RX(1)], 0).len, 100);
	CHECK(data[0] == 0x77 && data[99] == 0x77 && data[100] != 0x77);
}

/* Each byte of the other end arrives, however many turns it takes. */
static void test_much_input(void)
{
	unsigned int end = ends[1].offered + 3 * VIRTIO_BUDGET;
	struct ring *r = &rings[RX(1)];

	bring_up();
	control(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	while (ends[1].offered < end) {
		if ((u16)(r->idx - ring_used_idx(r)) < QSIZE)
			give(RX(1), DATA, 10, VRING_DESC_F_WRITE);
		input(1);
	}
	CHECK_EQ(ends[1].offered, ends[1].given);
}

static unsigned int opens, closes;

static void on_port(const char *id, bool open)
{
	CHECK_STR(id, "p1");
	if (open)
		opens++;
	else
		closes++;
}

/* The order of messages, with one buffer at a time to send them in. */
static void test_control(void)
{
	static const u16 want[] = {
		VIRTIO_CONSOLE_PORT_ADD, VIRTIO_CONSOLE_PORT_ADD,
		VIRTIO_CONSOLE_CONSOLE_PORT, VIRTIO_CONSOLE_PORT_OPEN,
		VIRTIO_CONSOLE_PORT_NAME, VIRTIO_CONSOLE_PORT_OPEN,
	};
	struct virtio_console_control msg;
	size_t i;

	vm_lock(&vm);
	virtio_serial_set_listener(on_port);
	vm_unlock(&vm);
	bring_up();
	control(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		if (i == 2) {
			control(0, VIRTIO_CONSOLE_PORT_READY, 1);
			control(1, VIRTIO_CONSOLE_PORT_READY, 1);
		}
		give(Q_CTRL_RX, CONTROL + 64, 64, VRING_DESC_F_WRITE);
		await_all(Q_CTRL_RX);
		tarn_mem_read(&vm.mem, CONTROL + 64, &msg, sizeof(msg));
		CHECK_EQ(msg.event, want[i]);
	}
	control(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	status_out(&drv, 0);
	/* Both were posted to the main loop, of which the last is told. */
	do {
		vm_lock(&vm);
		i = closes;
		vm_unlock(&vm);
	} while (!i);
	vm_lock(&vm);
	virtio_serial_set_listener(NULL);
	vm_unlock(&vm);
}

static void talk(void)
{
	static unsigned int n;

	set_room(n % 2, n % 300);
	input(!(n % 2));
	n++;
}

static void test_hostile(void)
{
	hostile(&drv, rings, NR_QUEUES, bring_up, talk);
	set_room(0, SIZE_MAX);
	set_room(1, SIZE_MAX);
	bring_up();
	test_long_chain();
}

static void test_end(void)
{
	machine_end();
	CHECK(ends[0].chr.loop == vm.loop && !ends[0].chr.handler);
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"a console that nobody reads", test_console_drops},
	{"a port that nobody reads", test_port_waits},
	{"a queue reset within a buffer", test_queue_reset},
	{"a chain longer than the ring", test_long_chain},
	{"a large buffer", test_large_buffer},
	{"input", test_input},
	{"much input", test_much_input},
	{"the control channel", test_control},
	{"a hostile driver", test_hostile},
	{"destruction", test_end},
};

TAP_MAIN(tests)
