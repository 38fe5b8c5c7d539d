/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Port and memory-mapped I/O: who answers an access that left the guest.
 * Handlers run in the vCPU's thread under the VM's lock. Nobody there: reads
 * give all ones, writes vanish, as on a PC.
 */
#ifndef TARN_BUS_H
#define TARN_BUS_H

#include "lib/types.h"

struct vm;

enum bus_kind {
	BUS_PIO,
	BUS_MMIO,
	BUS_NR,
};

/**
 * struct bus_ops - a handler.
 * @read: the value at @off, in its low @size bytes; @size is 1, 2, 4 or 8
 * @write: the reverse; bits above @size are zero
 */
struct bus_ops {
	u64 (*read)(void *arg, u64 off, unsigned int size);
	void (*write)(void *arg, u64 off, u64 val, unsigned int size);
};

/**
 * bus_add() - @ops answer [@addr, @addr + @len) from now on.
 *
 * Return: 0, -EEXIST when it overlaps another handler, -ENOMEM.
 */
int bus_add(struct vm *vm, enum bus_kind kind, u64 addr, u64 len,
	    const struct bus_ops *ops, void *arg);

/** bus_del() - undo bus_add(). */
void bus_del(struct vm *vm, enum bus_kind kind, u64 addr);

/** bus_access() - for vcpu.c: route one access. VM's lock held. */
void bus_access(struct vm *vm, enum bus_kind kind, u64 addr, void *data,
		unsigned int size, bool write);

/** bus_exit() - forget all handlers. */
void bus_exit(struct vm *vm);

#endif
