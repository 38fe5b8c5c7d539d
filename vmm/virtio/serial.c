// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-serial: consoles and ports on chardevs.
 *
 * Port 0 has the first two queues, then come the two of the control channel,
 * then two for each further port. With max_ports=1 there is no control channel
 * and port 0 is a console that is always there.
 *
 * What the guest sends and the chardev cannot take stays in the guest's ring,
 * with the number of bytes of its first buffer that went out. That is for ports,
 * whose programs can wait. A console's kernel waits with interrupts off, so what
 * nobody reads there is lost.
 *
 * The chardevs of the ports live where the queues run, in an iothread. Only that
 * the guest has opened or closed a port is told in the main thread.
 */
#include <errno.h>
#include <linux/virtio_console.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chardev.h"
#include "error.h"
#include "iothread.h"
#include "lib/iov.h"
#include "lib/opts.h"
#include "loop.h"
#include "state.h"
#include "virtio/devices.h"
#include "virtio/virtio.h"
#include "vm.h"

#define QUEUE_SIZE 64
/* Indirect tables may be longer than the ring; Linux does that. */
#define IOVS (VQ_SIZE_MAX + VQ_IOV_SPARE)
/* Bytes that a port sends in a turn of the loop. */
#define SHARE (256U << 10)
#define PORTS_MAX 31
#define PORTS_DEFAULT 4
#define Q_CTRL_RX 2
#define Q_CTRL_TX 3
#define NAME_MAX_LEN 64

struct virtio_serial;

struct port {
	struct virtio_serial *vs;
	u16 nr;
	bool used; /* configured */
	bool console;
	char *name;
	char *id; /* or NULL */
	struct chardev *chr;
	bool host_open;
	bool guest_open;
	u32 pending; /* control messages to send, a bit an event */
	u32 tx_done; /* bytes of the first transmit chain that went out */
	struct loop_work tell; /* in the main loop: of guest_open */
};

struct virtio_serial {
	struct virtio_dev vdev;
	struct virtio_console_config config;
	u16 nr_ports;
	struct port *ports;
	char *id;
	bool own_thread; /* its loop is a reference to the common one */
	struct iovec iov[IOVS];
	struct virtio_serial *next;
};

static struct virtio_serial *serials;

static struct virtio_serial *to_serial(struct virtio_dev *vdev)
{
	return container_of(vdev, struct virtio_serial, vdev);
}

static bool multiport(const struct virtio_serial *vs)
{
	return virtio_has(&vs->vdev, VIRTIO_CONSOLE_F_MULTIPORT);
}

static struct virtio_queue *rx_queue(const struct port *port)
{
	return &port->vs->vdev.queues[port->nr ? 2 * port->nr + 2 : 0];
}

static struct virtio_queue *tx_queue(const struct port *port)
{
	return rx_queue(port) + 1;
}

/* Take a chain; its iovec is good until the next one. */
static bool pop(struct virtio_serial *vs, struct virtio_queue *q,
		struct vq_chain *chain)
{
	chain->iov = vs->iov;
	chain->iov_max = IOVS;
	return virtio_pop(q, chain);
}

/* Host to guest */

static size_t port_can_read(void *arg)
{
	struct port *port = arg;
	struct virtio_queue *q = rx_queue(port);
	struct vq_chain chain;

	if (!q->live || (multiport(port->vs) && !port->guest_open))
		return 0;
	while (!pop(port->vs, q, &chain))
		if (!virtio_kick_on(q))
			return 0;
	virtio_unpop(q);
	if (!chain.in_len)
		virtio_break(&port->vs->vdev, "a useless receive buffer");
	return chain.in_len;
}

/* As much as was there a moment ago, unless the guest has changed it since. */
static void port_read(void *arg, const u8 *buf, size_t len)
{
	struct port *port = arg;
	struct virtio_queue *q = rx_queue(port);
	struct vq_chain chain;

	if (!pop(port->vs, q, &chain))
		return;
	vq_push(&q->vq, chain.head,
		iov_from_buf(vq_chain_in(&chain), chain.nr_in, 0, buf, len));
	virtio_notify(q);
}

/* Guest to host */

/*
 * Send what is left of the first chain, and *@share bytes at most; false when
 * it has to stay.
 */
static bool port_send(struct port *port, struct vq_chain *chain, size_t *share)
{
	struct iovec *iov = chain->iov;
	unsigned int nr = chain->nr_out;
	size_t len, sent;

	if (!port->chr)
		return true;
	for (iov_skip(&iov, &nr, port->tx_done); nr; iov_skip(&iov, &nr, len)) {
		len = min_t(size_t, iov->iov_len, *share);
		if (!len) {
			virtio_again(tx_queue(port));
			return false;
		}
		sent = chardev_write(port->chr, iov->iov_base, len);
		port->tx_done += sent;
		*share -= sent;
		/* A port goes on when there is room: port_writable(). */
		if (sent < len)
			return port->console;
	}
	return true;
}

static void port_transmit(struct port *port)
{
	struct virtio_queue *q = tx_queue(port);
	size_t share = SHARE;
	struct vq_chain chain;

	do {
		vq_kick_off(&q->vq);
		while (pop(port->vs, q, &chain)) {
			if (!port_send(port, &chain, &share)) {
				vq_unpop(&q->vq, 1);
				goto out;
			}
			port->tx_done = 0;
			vq_push(&q->vq, chain.head, 0);
		}
	} while (virtio_kick_on(q));
out:
	virtio_notify(q);
}

static void port_writable(void *arg)
{
	struct port *port = arg;

	if (tx_queue(port)->live)
		port_transmit(port);
}

/* Control channel */

static bool send_message(struct virtio_serial *vs, struct port *port, u16 event)
{
	struct virtio_queue *q = &vs->vdev.queues[Q_CTRL_RX];
	struct virtio_console_control msg = {
		.id = htole32(port->nr),
		.event = htole16(event),
		.value = htole16(event == VIRTIO_CONSOLE_PORT_OPEN ?
					 port->host_open :
					 1),
	};
	struct vq_chain chain;
	size_t len;

	if (!pop(vs, q, &chain))
		return false;
	len = iov_from_buf(vq_chain_in(&chain), chain.nr_in, 0, &msg,
			   sizeof(msg));
	if (event == VIRTIO_CONSOLE_PORT_NAME)
		len += iov_from_buf(vq_chain_in(&chain), chain.nr_in, len,
				    port->name, strlen(port->name));
	vq_push(&q->vq, chain.head, len);
	return true;
}

/* False when messages are left. In this order: names and opens come after ports. */
static bool send_pending(struct virtio_serial *vs, struct port *port)
{
	static const u16 order[] = {
		VIRTIO_CONSOLE_PORT_ADD,
		VIRTIO_CONSOLE_CONSOLE_PORT,
		VIRTIO_CONSOLE_PORT_NAME,
		VIRTIO_CONSOLE_PORT_OPEN,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		if (!(port->pending & 1U << order[i]))
			continue;
		if (!send_message(vs, port, order[i]))
			return false;
		port->pending &= ~(1U << order[i]);
	}
	return true;
}

static void flush_messages(struct virtio_serial *vs)
{
	struct virtio_queue *q = &vs->vdev.queues[Q_CTRL_RX];
	u16 nr = 0;

	if (!multiport(vs) || !q->live)
		return;
	do {
		while (nr < vs->nr_ports && send_pending(vs, &vs->ports[nr]))
			nr++;
	} while (nr < vs->nr_ports && virtio_kick_on(q));
	virtio_notify(q);
}

static void announce(struct virtio_serial *vs)
{
	u16 nr;

	for (nr = 0; nr < vs->nr_ports; nr++)
		if (vs->ports[nr].used)
			vs->ports[nr].pending |= 1U << VIRTIO_CONSOLE_PORT_ADD;
}

/* In the main thread */

static void (*port_listener)(const char *id, bool open);

void virtio_serial_set_listener(void (*fn)(const char *id, bool open))
{
	port_listener = fn;
}

static void tell(struct loop_work *work)
{
	struct port *port = container_of(work, struct port, tell);

	if (port_listener)
		port_listener(port->id, READ_ONCE(port->guest_open));
}

/* In the loop's thread again: a program has opened or closed the port. */
static void set_guest_open(struct port *port, bool open)
{
	if (port->guest_open == open)
		return;
	WRITE_ONCE(port->guest_open, open);
	if (port->console || !port->chr)
		return;
	WRITE_ONCE(port->chr->unheard, !open);
	if (port->id)
		loop_post(port->vs->vdev.vm->loop, &port->tell);
}

static void port_is_ready(struct port *port)
{
	if (port->console)
		port->pending |= 1U << VIRTIO_CONSOLE_CONSOLE_PORT;
	if (port->name)
		port->pending |= 1U << VIRTIO_CONSOLE_PORT_NAME;
	if (port->host_open)
		port->pending |= 1U << VIRTIO_CONSOLE_PORT_OPEN;
}

static void got_message(struct virtio_serial *vs,
			const struct virtio_console_control *msg)
{
	u16 event = le16toh(msg->event), value = le16toh(msg->value);
	u32 id = le32toh(msg->id);
	struct port *port = NULL;

	if (event == VIRTIO_CONSOLE_DEVICE_READY) {
		if (value)
			announce(vs);
		return;
	}
	if (id < vs->nr_ports && vs->ports[id].used)
		port = &vs->ports[id];
	if (!port)
		return;
	if (event == VIRTIO_CONSOLE_PORT_READY && value) {
		port_is_ready(port);
	} else if (event == VIRTIO_CONSOLE_PORT_OPEN) {
		set_guest_open(port, value);
		if (value && port->chr)
			chardev_accept_input(port->chr);
	}
}

static void read_messages(struct virtio_serial *vs, struct virtio_queue *q)
{
	struct virtio_console_control msg;
	struct vq_chain chain;
	size_t len;

	do {
		while (pop(vs, q, &chain)) {
			len = iov_to_buf(chain.iov, chain.nr_out, 0, &msg,
					 sizeof(msg));
			vq_push(&q->vq, chain.head, 0);
			if (len == sizeof(msg))
				got_message(vs, &msg);
		}
	} while (virtio_kick_on(q));
	virtio_notify(q);
	flush_messages(vs);
}

/* The device */

static struct port *port_of(struct virtio_serial *vs, u16 index)
{
	u16 nr = index < 2 ? 0 : index / 2 - 1;

	if (index == Q_CTRL_RX || index == Q_CTRL_TX || nr >= vs->nr_ports)
		return NULL;
	return &vs->ports[nr];
}

static void serial_kick(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct virtio_serial *vs = to_serial(vdev);
	struct port *port = port_of(vs, q->index);

	if (!port) {
		if (q->index == Q_CTRL_TX)
			read_messages(vs, q);
		else
			flush_messages(vs);
	} else if (q->index & 1) {
		port_transmit(port);
	} else if (port->chr) {
		chardev_accept_input(port->chr);
	}
}

/* A pause comes by without this: the first chain is then gone on with. */
static void serial_queue_stop(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct port *port = port_of(to_serial(vdev), q->index);

	if (port && q->index & 1)
		port->tx_done = 0;
}

static void reset_ports(void *arg)
{
	struct virtio_serial *vs = arg;
	u16 nr;

	for (nr = 0; nr < vs->nr_ports; nr++) {
		set_guest_open(&vs->ports[nr], false);
		vs->ports[nr].pending = 0;
		vs->ports[nr].tx_done = 0;
	}
}

static void serial_reset(struct virtio_dev *vdev)
{
	virtio_call(vdev, reset_ports, to_serial(vdev));
}

/* Emergency write: one character without any queue. */
struct emergency {
	struct port *port;
	u8 c;
};

static void emergency_write(void *arg)
{
	struct emergency *e = arg;

	if (e->port->chr)
		chardev_write(e->port->chr, &e->c, 1);
}

static void serial_config_write(struct virtio_dev *vdev, u32 off,
				const void *buf, u32 len)
{
	struct emergency e = {.port = &to_serial(vdev)->ports[0]};
	u32 c;

	if (off != offsetof(struct virtio_console_config, emerg_wr) || len != 4)
		return;
	memcpy(&c, buf, sizeof(c));
	e.c = le32toh(c);
	virtio_call(vdev, emergency_write, &e);
}

/* The other end of a port comes and goes also while the guest stands still. */
struct port_state {
	struct virtio_serial *vs;
	struct state_out *out;
	struct state_in *in;
	int ret;
};

static int ports_save(struct virtio_serial *vs, struct state_out *out)
{
	char tag[24];
	int ret;
	u16 nr;

	for (nr = 0; nr < vs->nr_ports; nr++) {
		struct port *port = &vs->ports[nr];

		snprintf(tag, sizeof(tag), "p%u.open", nr);
		ret = state_put_u64(out, tag, port->guest_open);
		if (ret)
			return ret;
		snprintf(tag, sizeof(tag), "p%u.pending", nr);
		ret = state_put_u64(out, tag, port->pending);
		if (ret)
			return ret;
		snprintf(tag, sizeof(tag), "p%u.done", nr);
		ret = state_put_u64(out, tag, port->tx_done);
		if (ret)
			return ret;
	}
	return 0;
}

static int ports_load(struct virtio_serial *vs, struct state_in *in)
{
	u64 open, pending, done;
	char tag[24];
	int ret;
	u16 nr;

	for (nr = 0; nr < vs->nr_ports; nr++) {
		snprintf(tag, sizeof(tag), "p%u.open", nr);
		ret = state_get_u64(in, tag, &open, 1);
		if (ret)
			return ret;
		snprintf(tag, sizeof(tag), "p%u.pending", nr);
		ret = state_get_u64(in, tag, &pending, UINT32_MAX);
		if (ret)
			return ret;
		snprintf(tag, sizeof(tag), "p%u.done", nr);
		ret = state_get_u64(in, tag, &done, UINT32_MAX);
		if (ret)
			return ret;
		set_guest_open(&vs->ports[nr], open);
		vs->ports[nr].pending = pending;
		vs->ports[nr].tx_done = done;
	}
	return 0;
}

static void save_in_loop(void *arg)
{
	struct port_state *ps = arg;

	ps->ret = ports_save(ps->vs, ps->out);
}

static void load_in_loop(void *arg)
{
	struct port_state *ps = arg;

	ps->ret = ports_load(ps->vs, ps->in);
}

static int serial_save(struct virtio_dev *vdev, struct state_out *out)
{
	struct port_state ps = {.vs = to_serial(vdev), .out = out};

	virtio_call(vdev, save_in_loop, &ps);
	return ps.ret;
}

static int serial_load(struct virtio_dev *vdev, struct state_in *in,
		       u32 version)
{
	struct port_state ps = {.vs = to_serial(vdev), .in = in};

	virtio_call(vdev, load_in_loop, &ps);
	return ps.ret;
}

static void ports_detach(void *arg)
{
	struct virtio_serial *vs = arg;
	u16 nr;

	for (nr = 0; nr < vs->nr_ports; nr++)
		if (vs->ports[nr].chr)
			chardev_detach(vs->ports[nr].chr);
}

static void ports_destroy(struct virtio_serial *vs)
{
	struct vm *vm = vs->vdev.vm;
	u16 nr;

	for (nr = 0; nr < vs->nr_ports; nr++) {
		struct port *port = &vs->ports[nr];

		loop_work_cancel(vm->loop, &port->tell);
		if (port->chr)
			chardev_move(vm, port->chr, vm->loop);
		free(port->name);
		free(port->id);
	}
	free(vs->ports);
}

static void serial_destroy(struct virtio_dev *vdev)
{
	struct virtio_serial *vs = to_serial(vdev), **pos;

	for (pos = &serials; *pos; pos = &(*pos)->next) {
		if (*pos == vs) {
			*pos = vs->next;
			break;
		}
	}
	if (vs->own_thread) {
		virtio_call(vdev, ports_detach, vs);
		ports_destroy(vs);
	}
	virtio_dev_exit(vdev);
	if (vs->own_thread)
		iothread_common_put(IOTHREAD_DEVICES);
	free(vs->id);
	free(vs);
}

static const struct virtio_dev_ops serial_ops = {
	.name = "virtio-serial",
	.id = VIRTIO_ID_CONSOLE,
	.config_write = serial_config_write,
	.queue_stop = serial_queue_stop,
	.kick = serial_kick,
	.reset = serial_reset,
	.version = 1,
	.save = serial_save,
	.load = serial_load,
	.destroy = serial_destroy,
};

static int serial_setup(struct virtio_serial *vs, struct vm *vm,
			struct opts *opts, u16 nr_ports)
{
	const char *id = NULL;
	u16 nr;
	int ret;

	ret = opts_get_str(opts, "id", &id);
	if (ret)
		return ret;
	vs->vdev.vm = vm;
	vs->id = strdup(id ? id : "");
	vs->ports = calloc(nr_ports, sizeof(*vs->ports));
	if (!vs->id || !vs->ports)
		return -ENOMEM;
	vs->nr_ports = nr_ports;
	for (nr = 0; nr < nr_ports; nr++) {
		vs->ports[nr].vs = vs;
		vs->ports[nr].nr = nr;
		vs->ports[nr].tell.fn = tell;
	}
	vs->vdev.loop = iothread_common_get(IOTHREAD_DEVICES);
	vs->own_thread = vs->vdev.loop;
	if (!vs->own_thread)
		return -EIO;
	vs->vdev.host_features = 1ULL << VIRTIO_CONSOLE_F_EMERG_WRITE;
	if (nr_ports > 1)
		vs->vdev.host_features |= 1ULL << VIRTIO_CONSOLE_F_MULTIPORT;
	vs->config.max_nr_ports = htole32(nr_ports);
	vs->vdev.config = &vs->config;
	vs->vdev.config_len = sizeof(vs->config);
	return virtio_dev_init(&vs->vdev, vm, &serial_ops, vs->vdev.loop,
			       nr_ports > 1 ? 2 * nr_ports + 2 : 2, QUEUE_SIZE);
}

int virtio_serial_create(struct vm *vm, struct opts *opts,
			 struct virtio_dev **out)
{
	struct virtio_serial *vs;
	u64 ports = PORTS_DEFAULT;
	int ret;

	ret = opts_get_uint(opts, "max_ports", PORTS_MAX, &ports);
	if (ret)
		return ret;
	if (!ports)
		return opts_fail(opts, "max_ports is 0");
	vs = calloc(1, sizeof(*vs));
	if (!vs)
		return -ENOMEM;
	ret = serial_setup(vs, vm, opts, ports);
	if (ret) {
		serial_destroy(&vs->vdev);
		return ret;
	}
	vs->next = serials;
	serials = vs;
	*out = &vs->vdev;
	return 0;
}

/* Ports: -device virtconsole and virtserialport */

static void port_event(void *arg, enum chardev_event event)
{
	struct port *port = arg;

	port->host_open = event == CHARDEV_OPENED;
	port->pending |= 1U << VIRTIO_CONSOLE_PORT_OPEN;
	flush_messages(port->vs);
}

static const struct chardev_handler port_handler = {
	.can_read = port_can_read,
	.read = port_read,
	.writable = port_writable,
	.event = port_event,
};

/* bus=ID.0 names the device; without it the last one made. */
static struct virtio_serial *find_serial(const char *bus)
{
	struct virtio_serial *vs;
	size_t len;

	for (vs = serials; vs && bus; vs = vs->next) {
		len = strlen(vs->id);
		if (len && !strncmp(vs->id, bus, len) &&
		    (!bus[len] || !strcmp(bus + len, ".0")))
			break;
	}
	return vs;
}

static struct port *find_port(struct virtio_serial *vs, bool console, u64 nr)
{
	u16 i;

	if (nr < PORTS_MAX)
		return nr < vs->nr_ports && !vs->ports[nr].used ?
			       &vs->ports[nr] :
			       NULL;
	/* Port 0 is what an early console expects; others leave it free. */
	for (i = !console && vs->nr_ports > 1; i < vs->nr_ports; i++)
		if (!vs->ports[i].used)
			return &vs->ports[i];
	return NULL;
}

struct port_attach {
	struct port *port;
	struct chardev *chr;
	int ret;
};

static void port_attach(void *arg)
{
	struct port_attach *pa = arg;
	struct port *port = pa->port;

	pa->ret = chardev_attach(pa->chr, &port_handler, port);
	if (pa->ret)
		return;
	port->used = true;
	port->chr = pa->chr;
	WRITE_ONCE(port->chr->unheard, !port->console);
}

static int port_connect(struct port *port, struct chardev *chr)
{
	struct virtio_dev *vdev = &port->vs->vdev;
	struct port_attach pa = {port, chr, 0};

	if (chr->handler)
		return -EBUSY;
	chardev_move(vdev->vm, chr, vdev->loop);
	virtio_call(vdev, port_attach, &pa);
	return pa.ret;
}

static int port_create(struct opts *opts, bool console)
{
	const char *bus = NULL, *chr_id = NULL, *name = NULL, *id = NULL;
	struct virtio_serial *vs;
	struct chardev *chr;
	struct port *port;
	u64 nr = PORTS_MAX;
	int ret;

	if ((ret = opts_get_str(opts, "id", &id)) ||
	    (ret = opts_get_str(opts, "bus", &bus)) ||
	    (ret = opts_need_str(opts, "chardev", &chr_id)) ||
	    (ret = opts_get_str(opts, "name", &name)) ||
	    (ret = opts_get_uint(opts, "nr", PORTS_MAX - 1, &nr)))
		return ret;
	if (name && strlen(name) >= NAME_MAX_LEN)
		return opts_fail(opts, "the name is too long");
	vs = find_serial(bus);
	if (!vs)
		return opts_fail(opts, "there is no virtio-serial-pci for it");
	port = find_port(vs, console, nr);
	if (!port)
		return opts_fail(opts, "there is no such port free");
	chr = chardev_find(chr_id);
	if (!chr)
		return opts_fail(opts, "there is no chardev '%s'", chr_id);
	if ((name && !(port->name = strdup(name))) ||
	    (id && !(port->id = strdup(id))))
		return -ENOMEM;
	port->console = console;
	if (port_connect(port, chr))
		return opts_fail(opts, "chardev '%s' is in use", chr_id);
	return 0;
}

int virtconsole_create(struct vm *vm, struct opts *opts)
{
	return port_create(opts, true);
}

int virtserialport_create(struct vm *vm, struct opts *opts)
{
	return port_create(opts, false);
}
