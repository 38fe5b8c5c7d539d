// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routing of port and memory-mapped accesses: one array a bus, sorted by
 * address, searched by bisection.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "vm.h"

struct bus_region {
	u64 addr;
	u64 len;
	const struct bus_ops *ops;
	void *arg;
};

/* Index of the first region that ends behind addr. */
static unsigned int find(struct vm *vm, enum bus_kind kind, u64 addr)
{
	const struct bus_region *r = vm->bus[kind];
	unsigned int lo = 0, hi = vm->bus_nr[kind];

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (addr - r[mid].addr < r[mid].len)
			return mid;
		if (r[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int bus_add(struct vm *vm, enum bus_kind kind, u64 addr, u64 len,
	    const struct bus_ops *ops, void *arg)
{
	unsigned int nr = vm->bus_nr[kind], i;
	struct bus_region *r;

	if (!len || addr + len - 1 < addr)
		return -EINVAL;
	i = find(vm, kind, addr);
	if (i < nr && vm->bus[kind][i].addr <= addr + len - 1)
		return -EEXIST;
	r = reallocarray(vm->bus[kind], nr + 1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	vm->bus[kind] = r;
	memmove(&r[i + 1], &r[i], (nr - i) * sizeof(*r));
	r[i] = (struct bus_region){addr, len, ops, arg};
	vm->bus_nr[kind]++;
	return 0;
}

void bus_del(struct vm *vm, enum bus_kind kind, u64 addr)
{
	unsigned int i = find(vm, kind, addr);
	struct bus_region *r = vm->bus[kind];

	if (i == vm->bus_nr[kind] || r[i].addr != addr)
		return;
	vm->bus_nr[kind]--;
	memmove(&r[i], &r[i + 1], (vm->bus_nr[kind] - i) * sizeof(*r));
}

void bus_access(struct vm *vm, enum bus_kind kind, u64 addr, void *data,
		unsigned int size, bool write)
{
	unsigned int i = find(vm, kind, addr);
	const struct bus_region *r = &vm->bus[kind][i];
	u64 val = ~0ULL;

	/* An access that runs past the end of its region has no answer. */
	if (i == vm->bus_nr[kind] || addr < r->addr ||
	    size > r->len - (addr - r->addr)) {
		if (!write)
			memset(data, 0xff, size);
		return;
	}
	if (write) {
		val = 0;
		memcpy(&val, data, size);
		r->ops->write(r->arg, addr - r->addr, val, size);
	} else {
		val = r->ops->read(r->arg, addr - r->addr, size);
		memcpy(data, &val, size);
	}
}

void bus_exit(struct vm *vm)
{
	int kind;

	for (kind = 0; kind < BUS_NR; kind++) {
		free(vm->bus[kind]);
		vm->bus[kind] = NULL;
		vm->bus_nr[kind] = 0;
	}
}
