/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts into the in-kernel irqchip: level lines of the I/O APIC and PIC,
 * and MSI messages, each with a GSI of its own, that an eventfd raises
 * (irqfd). Raising is possible from any thread; the rest happens under the
 * VM's lock.
 */
#ifndef TARN_IRQ_H
#define TARN_IRQ_H

#include "lib/types.h"

struct vm;

/* Pins of the I/O APIC; 0-15 are ISA, 16-23 carry PCI INTx. */
#define IRQ_NR_PINS 24
#define IRQ_PCI_FIRST 16
#define IRQ_NR_PCI 8

#define IRQ_RTC 8
#define IRQ_SCI 9
#define IRQ_COM1 4

/** irq_set() - drive the level of an I/O APIC pin. Any thread. */
void irq_set(struct vm *vm, unsigned int gsi, bool level);

/** irq_init() - set up the default routes; before the first vCPU runs. */
int irq_init(struct vm *vm);
void irq_exit(struct vm *vm);

/** irq_msi_alloc() - a GSI for one MSI vector, or -errno. */
int irq_msi_alloc(struct vm *vm);
void irq_msi_free(struct vm *vm, int gsi);

/** irq_msi_update() - set the message that @gsi sends. */
int irq_msi_update(struct vm *vm, int gsi, u64 addr, u32 data);

/**
 * irq_fd_add() - let writes to eventfd @fd raise @gsi without the VMM.
 *
 * What was written before counts: KVM looks at the counter when it attaches.
 */
int irq_fd_add(struct vm *vm, int gsi, int fd);
int irq_fd_del(struct vm *vm, int gsi, int fd);

#endif
