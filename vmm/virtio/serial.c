// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-serial: consoles and ports on chardevs.
 *
 * Port 0 has the first two queues, then come the two of the control channel,
 * then two for each further port. With max_ports=1 there is no control channel
 * and port 0 is a console that is always there.
 *
 * What the guest sends and the chardev cannot take stays in the guest's buffer:
 * the chain is held with the number of bytes that went out. In the other
 * direction a chain is held while bytes may come.
 */
#include <errno.h>
#include <linux/virtio_console.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chardev.h"
#include "error.h"
#include "lib/iov.h"
#include "lib/opts.h"
#include "state.h"
#include "virtio/devices.h"
#include "virtio/virtio.h"
#include "vm.h"

#define QUEUE_SIZE 64
#define IOVS (QUEUE_SIZE + VQ_IOV_SPARE)
#define PORTS_MAX 31
#define PORTS_DEFAULT 4
#define Q_CTRL_RX 2
#define Q_CTRL_TX 3
#define NAME_MAX_LEN 64

struct virtio_serial;

/* A chain that stays here for a while. */
struct held {
	bool valid;
	struct vq_chain chain;
	struct iovec iov[IOVS];
};

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
	struct held rx;
	struct held tx;
	u32 tx_done; /* bytes of the first transmit chain that went out */
};

struct virtio_serial {
	struct virtio_dev vdev;
	struct virtio_console_config config;
	u16 nr_ports;
	struct port *ports;
	char *id;
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

static bool hold(struct virtio_queue *q, struct held *held)
{
	if (held->valid)
		return true;
	held->chain.iov = held->iov;
	held->chain.iov_max = IOVS;
	held->valid = virtio_pop(q, &held->chain);
	return held->valid;
}

static void unhold(struct virtio_queue *q, struct held *held)
{
	if (held->valid)
		vq_unpop(&q->vq, 1);
	held->valid = false;
}

/* Host to guest */

static size_t port_can_read(void *arg)
{
	struct port *port = arg;
	struct virtio_queue *q = rx_queue(port);

	if (!q->live || (multiport(port->vs) && !port->guest_open))
		return 0;
	while (!hold(q, &port->rx))
		if (!q->live || !vq_kick_on(&q->vq))
			return 0;
	if (!port->rx.chain.in_len)
		virtio_break(&port->vs->vdev, "a useless receive buffer");
	return port->rx.chain.in_len;
}

static void port_read(void *arg, const u8 *buf, size_t len)
{
	struct port *port = arg;
	struct vq_chain *chain = &port->rx.chain;
	size_t n;

	if (!port->rx.valid)
		return;
	n = iov_from_buf(vq_chain_in(chain), chain->nr_in, 0, buf, len);
	port->rx.valid = false;
	vq_push(&rx_queue(port)->vq, chain->head, n);
	virtio_notify(rx_queue(port));
}

/* Guest to host */

/* Send the rest of the held chain; false when the chardev is full. */
static bool port_send(struct port *port)
{
	struct vq_chain *chain = &port->tx.chain;
	size_t off = 0, len, part;
	u16 i;

	for (i = 0; i < chain->nr_out; i++, off += len) {
		len = chain->iov[i].iov_len;
		if (port->tx_done >= off + len)
			continue;
		part = off + len - port->tx_done;
		if (port->chr)
			part = chardev_write(port->chr,
					     (u8 *)chain->iov[i].iov_base +
						     (port->tx_done - off),
					     part);
		port->tx_done += part;
		if (port->tx_done < off + len)
			return false;
	}
	return true;
}

static void port_transmit(struct port *port)
{
	struct virtio_queue *q = tx_queue(port);

	do {
		vq_kick_off(&q->vq);
		while (hold(q, &port->tx)) {
			if (!port_send(port)) {
				virtio_notify(q);
				return;
			}
			port->tx.valid = false;
			port->tx_done = 0;
			vq_push(&q->vq, port->tx.chain.head, 0);
		}
	} while (q->live && vq_kick_on(&q->vq));
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
	struct iovec iov[IOVS];
	struct vq_chain chain = {.iov = iov, .iov_max = IOVS};
	size_t len;

	if (!virtio_pop(q, &chain))
		return false;
	len = iov_from_buf(vq_chain_in(&chain), chain.nr_in, 0, &msg,
			   sizeof(msg));
	if (event == VIRTIO_CONSOLE_PORT_NAME)
		len += iov_from_buf(vq_chain_in(&chain), chain.nr_in, len,
				    port->name, strlen(port->name));
	vq_push(&q->vq, chain.head, len);
	return true;
}

/* In this order, for the guest takes names and opens of known ports only. */
static void flush_messages(struct virtio_serial *vs)
{
	static const u16 order[] = {
		VIRTIO_CONSOLE_PORT_ADD,
		VIRTIO_CONSOLE_CONSOLE_PORT,
		VIRTIO_CONSOLE_PORT_NAME,
		VIRTIO_CONSOLE_PORT_OPEN,
	};
	struct virtio_queue *q = &vs->vdev.queues[Q_CTRL_RX];
	size_t i;
	u16 nr;

	if (!multiport(vs) || !q->live)
		return;
	for (nr = 0; nr < vs->nr_ports; nr++) {
		struct port *port = &vs->ports[nr];

		for (i = 0; i < ARRAY_SIZE(order); i++) {
			if (!(port->pending & 1U << order[i]))
				continue;
			if (!send_message(vs, port, order[i]))
				goto out;
			port->pending &= ~(1U << order[i]);
		}
	}
out:
	vq_kick_on(&q->vq);
	virtio_notify(q);
}

static void announce(struct virtio_serial *vs)
{
	u16 nr;

	for (nr = 0; nr < vs->nr_ports; nr++)
		if (vs->ports[nr].used)
			vs->ports[nr].pending |= 1U << VIRTIO_CONSOLE_PORT_ADD;
}

static void (*port_listener)(const char *id, bool open);

void virtio_serial_set_listener(void (*fn)(const char *id, bool open))
{
	port_listener = fn;
}

/* A program in the guest has opened or closed the port. */
static void set_guest_open(struct port *port, bool open)
{
	if (port->guest_open == open)
		return;
	port->guest_open = open;
	if (port->console || !port->chr)
		return;
	port->chr->unheard = !open;
	if (port->id && port_listener)
		port_listener(port->id, open);
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
	struct iovec iov[IOVS];
	struct vq_chain chain = {.iov = iov, .iov_max = IOVS};

	do {
		while (virtio_pop(q, &chain)) {
			if (iov_to_buf(iov, chain.nr_out, 0, &msg,
				       sizeof(msg)) == sizeof(msg))
				got_message(vs, &msg);
			vq_push(&q->vq, chain.head, 0);
		}
	} while (q->live && vq_kick_on(&q->vq));
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

static void serial_queue_stop(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct port *port = port_of(to_serial(vdev), q->index);

	if (port)
		unhold(q, q->index & 1 ? &port->tx : &port->rx);
}

static void serial_stop(struct virtio_dev *vdev)
{
	u16 i;

	for (i = 0; i < vdev->nr_queues; i++)
		serial_queue_stop(vdev, &vdev->queues[i]);
}

static void serial_reset(struct virtio_dev *vdev)
{
	struct virtio_serial *vs = to_serial(vdev);
	u16 nr;

	for (nr = 0; nr < vs->nr_ports; nr++) {
		set_guest_open(&vs->ports[nr], false);
		vs->ports[nr].pending = 0;
		vs->ports[nr].tx_done = 0;
	}
}

static void serial_config_write(struct virtio_dev *vdev, u32 off,
				const void *buf, u32 len)
{
	struct port *port = &to_serial(vdev)->ports[0];
	u32 c;

	/* Emergency write: one character without any queue. */
	if (off != offsetof(struct virtio_console_config, emerg_wr) || len != 4)
		return;
	memcpy(&c, buf, sizeof(c));
	c = le32toh(c);
	if (port->chr)
		chardev_write(port->chr, &(u8){c}, 1);
}

static int serial_save(struct virtio_dev *vdev, struct state_out *out)
{
	struct virtio_serial *vs = to_serial(vdev);
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

static int serial_load(struct virtio_dev *vdev, struct state_in *in,
		       u32 version)
{
	struct virtio_serial *vs = to_serial(vdev);
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

static void serial_destroy(struct virtio_dev *vdev)
{
	struct virtio_serial *vs = to_serial(vdev), **pos;
	u16 nr;

	for (pos = &serials; *pos; pos = &(*pos)->next) {
		if (*pos == vs) {
			*pos = vs->next;
			break;
		}
	}
	for (nr = 0; nr < vs->nr_ports; nr++) {
		if (vs->ports[nr].chr)
			chardev_detach(vs->ports[nr].chr);
		free(vs->ports[nr].name);
		free(vs->ports[nr].id);
	}
	virtio_dev_exit(vdev);
	free(vs->ports);
	free(vs->id);
	free(vs);
}

static const struct virtio_dev_ops serial_ops = {
	.name = "virtio-serial",
	.id = VIRTIO_ID_CONSOLE,
	.config_write = serial_config_write,
	.stop = serial_stop,
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
	vs->id = strdup(id ? id : "");
	vs->ports = calloc(nr_ports, sizeof(*vs->ports));
	if (!vs->id || !vs->ports)
		return -ENOMEM;
	vs->nr_ports = nr_ports;
	for (nr = 0; nr < nr_ports; nr++) {
		vs->ports[nr].vs = vs;
		vs->ports[nr].nr = nr;
	}
	vs->vdev.host_features = 1ULL << VIRTIO_CONSOLE_F_EMERG_WRITE;
	if (nr_ports > 1)
		vs->vdev.host_features |= 1ULL << VIRTIO_CONSOLE_F_MULTIPORT;
	vs->config.max_nr_ports = htole32(nr_ports);
	vs->vdev.config = &vs->config;
	vs->vdev.config_len = sizeof(vs->config);
	return virtio_dev_init(&vs->vdev, vm, &serial_ops, NULL,
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
	port->used = true;
	port->console = console;
	if (chardev_attach(chr, &port_handler, port)) {
		port->used = false;
		return opts_fail(opts, "chardev '%s' is in use", chr_id);
	}
	port->chr = chr;
	chr->unheard = !console;
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
