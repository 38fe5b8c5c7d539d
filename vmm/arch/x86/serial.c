// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A serial port on a chardev. Bytes leave at once when the chardev takes
 * them; otherwise they wait in the transmit FIFO, whose emptiness is all that
 * a guest looks at, so the line has no speed.
 */
#include <errno.h>
#include <linux/serial_reg.h>
#include <stdlib.h>
#include <string.h>

#include "../../bus.h"
#include "../../chardev.h"
#include "../../device.h"
#include "../../error.h"
#include "../../fields.h"
#include "../../irq.h"
#include "../../vm.h"
#include "x86.h"

#define FIFO_SIZE 16
#define NR_PORTS 4

struct fifo {
	u8 data[FIFO_SIZE];
	u8 head;
	u8 count;
};

struct serial {
	struct device dev;
	struct chardev *chr;
	u16 port;
	u8 irq;
	u8 ier;
	u8 fcr;
	u8 lcr;
	u8 mcr;
	u8 scr;
	u8 dll;
	u8 dlm;
	bool overrun;
	bool brk;
	bool thri; /* transmitter-empty interrupt pending */
	bool irq_level;
	struct fifo rx;
	struct fifo tx;
};

static const struct {
	u16 port;
	u8 irq;
} com[NR_PORTS] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

static void fifo_put(struct fifo *f, u8 byte)
{
	f->data[(f->head + f->count++) % FIFO_SIZE] = byte;
}

static u8 fifo_get(struct fifo *f)
{
	u8 byte = f->data[f->head];

	f->head = (f->head + 1) % FIFO_SIZE;
	f->count--;
	return byte;
}

static unsigned int rx_size(const struct serial *s)
{
	return s->fcr & UART_FCR_ENABLE_FIFO ? FIFO_SIZE : 1;
}

/* The pending interrupt of the highest priority. */
static u8 irq_id(const struct serial *s)
{
	static const u8 trigger[] = {1, 4, 8, 14};

	if (s->ier & UART_IER_RLSI && (s->overrun || s->brk))
		return UART_IIR_RLSI;
	if (s->ier & UART_IER_RDI && s->rx.count) {
		/* The line has no speed, so a time-out is immediate. */
		if (s->fcr & UART_FCR_ENABLE_FIFO &&
		    s->rx.count < trigger[s->fcr >> 6])
			return UART_IIR_RX_TIMEOUT;
		return UART_IIR_RDI;
	}
	if (s->ier & UART_IER_THRI && s->thri)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void irq_update(struct serial *s)
{
	bool level = irq_id(s) != UART_IIR_NO_INT;

	if (level == s->irq_level)
		return;
	s->irq_level = level;
	irq_set(s->dev.vm, s->irq, level);
}

static void tx_flush(struct serial *s)
{
	while (s->tx.count) {
		u8 n = min_t(u8, s->tx.count, FIFO_SIZE - s->tx.head);
		size_t taken =
			s->chr ? chardev_write(s->chr, s->tx.data + s->tx.head,
					       n)
			       : n;

		s->tx.head = (s->tx.head + taken) % FIFO_SIZE;
		s->tx.count -= taken;
		if (taken < n)
			return;
	}
	s->thri = true;
}

static void tx_byte(struct serial *s, u8 byte)
{
	s->thri = false;
	if (s->mcr & UART_MCR_LOOP) {
		if (s->rx.count < rx_size(s))
			fifo_put(&s->rx, byte);
		else
			s->overrun = true;
		s->thri = true;
	} else {
		/* A guest that ignores THRE loses what does not fit. */
		if (s->tx.count < FIFO_SIZE)
			fifo_put(&s->tx, byte);
		tx_flush(s);
	}
	irq_update(s);
}

static u8 rx_byte(struct serial *s)
{
	bool was_full = s->rx.count >= rx_size(s);
	u8 byte = s->rx.count ? fifo_get(&s->rx) : 0;

	irq_update(s);
	if ((was_full || !s->rx.count) && s->chr)
		chardev_accept_input(s->chr);
	return byte;
}

static u8 lsr(struct serial *s)
{
	u8 val = s->tx.count ? 0 : UART_LSR_THRE | UART_LSR_TEMT;

	if (s->rx.count)
		val |= UART_LSR_DR;
	if (s->overrun)
		val |= UART_LSR_OE;
	if (s->brk)
		val |= UART_LSR_BI;
	s->overrun = s->brk = false;
	irq_update(s);
	return val;
}

static u8 msr(const struct serial *s)
{
	u8 val = 0;

	if (!(s->mcr & UART_MCR_LOOP))
		return s->chr && s->chr->open
			       ? UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS
			       : UART_MSR_DSR | UART_MSR_CTS;
	if (s->mcr & UART_MCR_RTS)
		val |= UART_MSR_CTS;
	if (s->mcr & UART_MCR_DTR)
		val |= UART_MSR_DSR;
	if (s->mcr & UART_MCR_OUT1)
		val |= UART_MSR_RI;
	if (s->mcr & UART_MCR_OUT2)
		val |= UART_MSR_DCD;
	return val;
}

static u8 iir(struct serial *s)
{
	u8 id = irq_id(s);

	if (id == UART_IIR_THRI) {
		s->thri = false;
		irq_update(s);
	}
	return id | (s->fcr & UART_FCR_ENABLE_FIFO ? 0xc0 : 0);
}

static u64 port_read(void *arg, u64 off, unsigned int size)
{
	struct serial *s = arg;
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (off) {
	case UART_RX:
		return dlab ? s->dll : rx_byte(s);
	case UART_IER:
		return dlab ? s->dlm : s->ier;
	case UART_IIR:
		return iir(s);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return lsr(s);
	case UART_MSR:
		return msr(s);
	default:
		return s->scr;
	}
}

static void set_fcr(struct serial *s, u8 val)
{
	if ((val ^ s->fcr) & UART_FCR_ENABLE_FIFO)
		val |= UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT;
	if (val & UART_FCR_CLEAR_RCVR)
		s->rx.count = 0;
	if (val & UART_FCR_CLEAR_XMIT && s->tx.count) {
		s->tx.count = 0;
		s->thri = true;
	}
	s->fcr = val & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK);
	irq_update(s);
	if (s->chr)
		chardev_accept_input(s->chr);
}

static void set_ier(struct serial *s, u8 val)
{
	/* Enabling it with an empty transmitter raises it. */
	if (val & ~s->ier & UART_IER_THRI && !s->tx.count)
		s->thri = true;
	s->ier = val & 0x0f;
	irq_update(s);
}

static void port_write(void *arg, u64 off, u64 val, unsigned int size)
{
	struct serial *s = arg;
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (off) {
	case UART_TX:
		if (dlab)
			s->dll = val;
		else
			tx_byte(s, val);
		break;
	case UART_IER:
		if (dlab)
			s->dlm = val;
		else
			set_ier(s, val);
		break;
	case UART_FCR:
		set_fcr(s, val);
		break;
	case UART_LCR:
		s->lcr = val;
		break;
	case UART_MCR:
		s->mcr = val & 0x1f;
		break;
	case UART_SCR:
		s->scr = val;
		break;
	}
}

static const struct bus_ops port_ops = {
	.read = port_read,
	.write = port_write,
};

/* The chardev's side */

static size_t chr_can_read(void *arg)
{
	struct serial *s = arg;
	unsigned int size = rx_size(s);

	if (s->mcr & UART_MCR_LOOP || s->rx.count >= size)
		return 0;
	return size - s->rx.count;
}

static void chr_read(void *arg, const u8 *buf, size_t len)
{
	struct serial *s = arg;
	size_t i;

	for (i = 0; i < len && s->rx.count < FIFO_SIZE; i++)
		fifo_put(&s->rx, buf[i]);
	irq_update(s);
}

static void chr_writable(void *arg)
{
	struct serial *s = arg;

	if (s->tx.count)
		tx_flush(s);
	irq_update(s);
}

static const struct chardev_handler chr_handler = {
	.can_read = chr_can_read,
	.read = chr_read,
	.writable = chr_writable,
};

/* The machine's side */

static void serial_reset(struct device *dev)
{
	struct serial *s = container_of(dev, struct serial, dev);

	s->ier = s->fcr = s->lcr = s->mcr = s->scr = s->dlm = 0;
	s->dll = 12; /* 9600 baud */
	s->overrun = s->brk = s->thri = false;
	s->rx.count = s->tx.count = 0;
	irq_update(s);
}

static const struct field serial_fields[] = {
	FIELD("port", struct serial, port),
	FIELD("ier", struct serial, ier),
	FIELD("fcr", struct serial, fcr),
	FIELD("lcr", struct serial, lcr),
	FIELD("mcr", struct serial, mcr),
	FIELD("scr", struct serial, scr),
	FIELD("dll", struct serial, dll),
	FIELD("dlm", struct serial, dlm),
	FIELD_BOOL("overrun", struct serial, overrun),
	FIELD_BOOL("brk", struct serial, brk),
	FIELD_BOOL("thri", struct serial, thri),
	FIELD_BYTES("rx.data", struct serial, rx.data),
	FIELD("rx.head", struct serial, rx.head),
	FIELD("rx.count", struct serial, rx.count),
	FIELD_BYTES("tx.data", struct serial, tx.data),
	FIELD("tx.head", struct serial, tx.head),
	FIELD("tx.count", struct serial, tx.count),
};

static int serial_save(struct device *dev, struct state_out *out)
{
	return fields_put(out, "", container_of(dev, struct serial, dev),
			  serial_fields, ARRAY_SIZE(serial_fields));
}

static bool fifo_fits(const struct fifo *f)
{
	return f->head < FIFO_SIZE && f->count <= FIFO_SIZE;
}

static int serial_load(struct device *dev, struct state_in *in, u32 version)
{
	struct serial *s = container_of(dev, struct serial, dev);
	struct serial fresh = *s;
	int ret = fields_get(in, "", &fresh, serial_fields,
			     ARRAY_SIZE(serial_fields));

	if (ret)
		return ret;
	if (fresh.port != s->port || !fifo_fits(&fresh.rx) ||
	    !fifo_fits(&fresh.tx)) {
		err("the saved serial port at %#x does not fit to the one at %#x",
		    fresh.port, s->port);
		return -EINVAL;
	}
	*s = fresh;
	if (s->tx.count)
		tx_flush(s);
	irq_update(s);
	return 0;
}

static void serial_destroy(struct device *dev)
{
	struct serial *s = container_of(dev, struct serial, dev);

	if (s->chr)
		chardev_detach(s->chr);
	bus_del(dev->vm, BUS_PIO, s->port);
	device_remove(dev);
	free(s);
}

static const struct device_ops serial_ops = {
	.name = "isa-serial",
	.reset = serial_reset,
	.version = 1,
	.save = serial_save,
	.load = serial_load,
	.destroy = serial_destroy,
};

int serial_create(struct vm *vm, unsigned int index, struct chardev *chr,
		  const char *id)
{
	struct serial *s;
	int ret;

	if (index >= NR_PORTS) {
		err("there are %d serial ports, no index %u", NR_PORTS, index);
		return -EINVAL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->port = com[index].port;
	s->irq = com[index].irq;
	ret = device_init(&s->dev, vm, &serial_ops, id);
	if (ret)
		goto err_free;
	ret = bus_add(vm, BUS_PIO, s->port, 8, &port_ops, s);
	if (ret) {
		err("serial port %u exists already", index);
		goto err_remove;
	}
	s->chr = chr;
	ret = chr ? chardev_attach(chr, &chr_handler, s) : 0;
	if (ret) {
		err("chardev '%s' is in use", chr->id);
		goto err_bus;
	}
	vm->arch->serial_mask |= 1U << index;
	return 0;

err_bus:
	bus_del(vm, BUS_PIO, s->port);
err_remove:
	device_remove(&s->dev);
err_free:
	free(s);
	return ret;
}
