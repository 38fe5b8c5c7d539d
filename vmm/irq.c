// SPDX-License-Identifier: GPL-2.0-only
/*
 * The routing table of KVM's interrupt controllers. The first entries are the
 * pins of the PICs and the I/O APIC as a PC wires them; behind them every MSI
 * vector in use has one. KVM takes the table as a whole, so a copy is kept
 * here.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "error.h"
#include "irq.h"
#include "vm.h"

#define IRQ_MAX_GSI 1024
#define IRQ_PIC_ROUTES 15 /* the cascade has none */
#define IRQ_FIXED_ROUTES (IRQ_PIC_ROUTES + IRQ_NR_PINS - 1)

struct irq_state {
	struct kvm_irq_routing *table;
	unsigned int room; /* entries allocated in the table */
	u8 used[IRQ_MAX_GSI]; /* MSI GSIs handed out */
};

void irq_set(struct vm *vm, unsigned int gsi, bool level)
{
	struct kvm_irq_level irq = {.irq = gsi, .level = level};

	if (ioctl(vm->fd, KVM_IRQ_LINE, &irq))
		guest_warn("cannot set interrupt line %u: %s", gsi,
			   strerror(errno));
}

static int table_grow(struct irq_state *irq)
{
	unsigned int room = irq->room ? irq->room * 2 : 64;
	struct kvm_irq_routing *table;

	table = realloc(irq->table,
			sizeof(*table) + room * sizeof(table->entries[0]));
	if (!table)
		return -ENOMEM;
	if (!irq->table)
		memset(table, 0, sizeof(*table));
	irq->table = table;
	irq->room = room;
	return 0;
}

static struct kvm_irq_routing_entry *entry_add(struct irq_state *irq)
{
	struct kvm_irq_routing_entry *e;

	if ((!irq->table || irq->table->nr == irq->room) && table_grow(irq))
		return NULL;
	e = &irq->table->entries[irq->table->nr++];
	memset(e, 0, sizeof(*e));
	return e;
}

static struct kvm_irq_routing_entry *entry_find(struct irq_state *irq, int gsi)
{
	unsigned int i;

	for (i = IRQ_FIXED_ROUTES; i < irq->table->nr; i++)
		if (irq->table->entries[i].gsi == (u32)gsi)
			return &irq->table->entries[i];
	return NULL;
}

static int table_commit(struct vm *vm)
{
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, vm->irq->table))
		return err_errno(-errno, "KVM_SET_GSI_ROUTING");
	return 0;
}

static int add_pin(struct irq_state *irq, u32 gsi, u32 chip, u32 pin)
{
	struct kvm_irq_routing_entry *e = entry_add(irq);

	if (!e)
		return -ENOMEM;
	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_IRQCHIP;
	e->u.irqchip.irqchip = chip;
	e->u.irqchip.pin = pin;
	return 0;
}

int irq_init(struct vm *vm)
{
	struct irq_state *irq = calloc(1, sizeof(*irq));
	u32 i;
	int ret = 0;

	if (!irq)
		return -ENOMEM;
	vm->irq = irq;
	for (i = 0; i < 16 && !ret; i++)
		if (i != 2)
			ret = add_pin(irq, i,
				      i < 8 ? KVM_IRQCHIP_PIC_MASTER
					    : KVM_IRQCHIP_PIC_SLAVE,
				      i & 7);
	/* The timer sits on pin 2, as every PC has it and the MADT says. */
	for (i = 0; i < IRQ_NR_PINS && !ret; i++)
		if (i != 2)
			ret = add_pin(irq, i, KVM_IRQCHIP_IOAPIC, i ? i : 2);
	return ret ?: table_commit(vm);
}

void irq_exit(struct vm *vm)
{
	if (!vm->irq)
		return;
	free(vm->irq->table);
	free(vm->irq);
	vm->irq = NULL;
}

int irq_msi_alloc(struct vm *vm)
{
	int gsi;

	for (gsi = IRQ_NR_PINS; gsi < IRQ_MAX_GSI; gsi++) {
		if (!vm->irq->used[gsi]) {
			vm->irq->used[gsi] = 1;
			return gsi;
		}
	}
	guest_warn("more than %d MSI vectors in use",
		   IRQ_MAX_GSI - IRQ_NR_PINS);
	return -ENOSPC;
}

void irq_msi_free(struct vm *vm, int gsi)
{
	struct kvm_irq_routing_entry *e = entry_find(vm->irq, gsi);
	struct kvm_irq_routing *table = vm->irq->table;

	if (e)
		*e = table->entries[--table->nr];
	vm->irq->used[gsi] = 0;
}

int irq_msi_update(struct vm *vm, int gsi, u64 addr, u32 data)
{
	struct kvm_irq_routing_entry *e = entry_find(vm->irq, gsi);

	if (e && e->u.msi.address_lo == (u32)addr &&
	    e->u.msi.address_hi == addr >> 32 && e->u.msi.data == data)
		return 0;
	if (!e)
		e = entry_add(vm->irq);
	if (!e)
		return -ENOMEM;
	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_MSI;
	e->u.msi.address_lo = addr;
	e->u.msi.address_hi = addr >> 32;
	e->u.msi.data = data;
	return table_commit(vm);
}

static int irq_fd(struct vm *vm, int gsi, int fd, u32 flags)
{
	struct kvm_irqfd irqfd = {.fd = fd, .gsi = gsi, .flags = flags};

	int ret;

	if (!ioctl(vm->fd, KVM_IRQFD, &irqfd))
		return 0;
	ret = -errno;
	guest_warn("KVM_IRQFD: %s", strerror(-ret));
	return ret;
}

int irq_fd_add(struct vm *vm, int gsi, int fd)
{
	return irq_fd(vm, gsi, fd, 0);
}

int irq_fd_del(struct vm *vm, int gsi, int fd)
{
	return irq_fd(vm, gsi, fd, KVM_IRQFD_FLAG_DEASSIGN);
}
