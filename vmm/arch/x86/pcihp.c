// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plugging PCI devices in and out by ACPI: a general purpose event makes the
 * guest run the DSDT's method, which reads here what has changed in which slot.
 *
 * A device is made and reset by the worker, with all vCPUs stopped, and the guest
 * is told then. It goes when the guest writes its slot to the eject register. That
 * happens in a vCPU's exit, so taking the device down is left to the worker,
 * with all vCPUs stopped. A guest that was asked and does not answer
 * keeps its device until it reboots.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../bus.h"
#include "../../device.h"
#include "../../irq.h"
#include "../../lib/opts.h"
#include "../../pci-internal.h"
#include "../../state.h"
#include "../../vcpu.h"
#include "../../vm.h"
#include "x86.h"

#define REG_UP 0
#define REG_DOWN 4
#define REG_EJECT 8
#define REGS_LEN 12

#define GPE_HOTPLUG (1U << 1) /* its method is _E01 */
#define GPE_EN_OFF 2

/**
 * struct pcihp - the registers.
 * @up: slots with something new, until the guest has read it
 * @down: slots to be let go, until the guest has read it
 * @asked: slots that the guest was asked to let go
 * @eject: slots that it did let go, for the worker
 * @sts: pending general purpose events
 * @en: those that raise the interrupt
 */
struct pcihp {
	struct device dev;
	u32 up;
	u32 down;
	u32 asked;
	u32 eject;
	u16 sts;
	u16 en;
	struct vm_job job;
};

static void sci_update(struct pcihp *hp)
{
	x86_sci_set(hp->dev.vm, X86_SCI_GPE, hp->sts & hp->en);
}

/* Coming */

static void tell_added(struct vm *vm, unsigned int slot)
{
	struct pcihp *hp = vm->arch->pcihp;

	hp->up |= 1U << slot;
	hp->sts |= GPE_HOTPLUG;
	sci_update(hp);
}

/*
 * A guest may look at its slots at any time. A device that it finds there has been
 * reset, and one that goes again at once it does not find: no vCPU runs meanwhile.
 */
int x86_pci_plug(struct vm *vm, struct opts *opts)
{
	struct device *last = TAILQ_LAST(&vm->devices, device_list), *dev;
	int ret;

	vcpus_stop(vm);
	ret = device_create(vm, opts);
	ret = ret ?: opts_check_used(opts);
	dev = TAILQ_LAST(&vm->devices, device_list);
	/* It was made, but of options that nobody knew. */
	if (ret && dev != last)
		dev->ops->destroy(dev);
	if (!ret) {
		if (dev->ops->reset)
			dev->ops->reset(dev);
		tell_added(vm, to_pci_device(dev)->slot);
	}
	vm_go_on(vm);
	return ret;
}

/* Removing */

static void remove_device(struct vm *vm, struct pci_device *pdev)
{
	char *id = pdev->dev.id ? strdup(pdev->dev.id) : NULL;
	struct device *dev = &pdev->dev;

	/* A driver that let go has reset it; nothing relies on that. */
	if (dev->ops->reset)
		dev->ops->reset(dev);
	dev->ops->destroy(dev);
	if (vm->on_unplug)
		vm->on_unplug(vm, id);
	free(id);
}

static void eject_job(struct vm *vm, struct vm_job *job)
{
	struct pcihp *hp = container_of(job, struct pcihp, job);
	u32 slots = hp->eject;
	unsigned int slot;

	hp->eject = 0;
	vcpus_stop(vm);
	for (slot = 1; slot < PCI_NR_SLOTS; slot++)
		if (slots & 1U << slot && vm->pci->slot[slot]) {
			remove_device(vm, vm->pci->slot[slot]);
			/* Whoever asked once more meanwhile meant that one. */
			hp->down &= ~(1U << slot);
			hp->asked &= ~(1U << slot);
		}
	vm_go_on(vm);
}

/* A guest can only eject what somebody wants to take away. */
static void eject(struct pcihp *hp, u32 slots)
{
	slots &= hp->asked;
	if (!slots)
		return;
	hp->asked &= ~slots;
	hp->eject |= slots;
	worker_post(hp->dev.vm, &hp->job);
}

bool x86_pci_asked(struct vm *vm, unsigned int slot)
{
	return vm->arch->pcihp->asked & 1U << slot;
}

bool x86_pci_ejects(struct vm *vm)
{
	return vm->arch->pcihp->eject;
}

void x86_pci_remove(struct vm *vm, unsigned int slot)
{
	struct pcihp *hp = vm->arch->pcihp;

	hp->down |= 1U << slot;
	hp->asked |= 1U << slot;
	hp->sts |= GPE_HOTPLUG;
	sci_update(hp);
}

/* Registers */

static u64 regs_read(void *arg, u64 off, unsigned int size)
{
	struct pcihp *hp = arg;
	u32 val = 0;

	if (size != 4)
		return 0;
	if (off == REG_UP) {
		val = hp->up;
		hp->up = 0;
	} else if (off == REG_DOWN) {
		val = hp->down;
		hp->down = 0;
	}
	return val;
}

static void regs_write(void *arg, u64 off, u64 val, unsigned int size)
{
	if (off == REG_EJECT && size == 4)
		eject(arg, val);
}

static const struct bus_ops regs_ops = {
	.read = regs_read,
	.write = regs_write,
};

static u64 gpe_read(void *arg, u64 off, unsigned int size)
{
	const struct pcihp *hp = arg;
	u64 regs = hp->sts | (u64)hp->en << 16;

	return off < GPE_LEN ? regs >> off * 8 : 0;
}

/* Status bits are cleared by ones. */
static void gpe_write(void *arg, u64 off, u64 val, unsigned int size)
{
	struct pcihp *hp = arg;
	unsigned int i;

	for (i = 0; i < size && off + i < GPE_LEN; i++, val >>= 8) {
		unsigned int shift = (off + i) % 2 * 8;
		u16 mask = 0xff << shift, byte = (val & 0xff) << shift;

		if (off + i < GPE_EN_OFF)
			hp->sts &= ~byte;
		else
			hp->en = (hp->en & ~mask) | byte;
	}
	sci_update(hp);
}

static const struct bus_ops gpe_ops = {
	.read = gpe_read,
	.write = gpe_write,
};

/* The device */

static void pcihp_reset(struct device *dev)
{
	struct pcihp *hp = container_of(dev, struct pcihp, dev);

	/* The next kernel never saw what was to go. */
	eject(hp, hp->asked);
	hp->up = hp->down = 0;
	hp->sts = hp->en = 0;
	sci_update(hp);
}

static int pcihp_save(struct device *dev, struct state_out *out)
{
	struct pcihp *hp = container_of(dev, struct pcihp, dev);
	int ret;

	if ((ret = state_put_u64(out, "up", hp->up)) ||
	    (ret = state_put_u64(out, "down", hp->down)) ||
	    (ret = state_put_u64(out, "asked", hp->asked)) ||
	    (ret = state_put_u64(out, "sts", hp->sts)))
		return ret;
	return state_put_u64(out, "en", hp->en);
}

static int pcihp_load(struct device *dev, struct state_in *in, u32 version)
{
	struct pcihp *hp = container_of(dev, struct pcihp, dev);
	u64 up, down, asked, sts, en;
	int ret;

	if ((ret = state_get_u64(in, "up", &up, UINT32_MAX)) ||
	    (ret = state_get_u64(in, "down", &down, UINT32_MAX)) ||
	    (ret = state_get_u64(in, "asked", &asked, UINT32_MAX)) ||
	    (ret = state_get_u64(in, "sts", &sts, UINT16_MAX)) ||
	    (ret = state_get_u64(in, "en", &en, UINT16_MAX)))
		return ret;
	hp->up = up;
	hp->down = down;
	hp->asked = asked;
	hp->sts = sts;
	hp->en = en;
	sci_update(hp);
	return 0;
}

static void pcihp_destroy(struct device *dev)
{
	struct pcihp *hp = container_of(dev, struct pcihp, dev);

	dev->vm->arch->pcihp = NULL;
	bus_del(dev->vm, BUS_PIO, PCIHP_PORT);
	bus_del(dev->vm, BUS_PIO, GPE_PORT);
	device_remove(dev);
	free(hp);
}

static const struct device_ops pcihp_ops = {
	.name = "pci-hotplug",
	.reset = pcihp_reset,
	.version = 1,
	.save = pcihp_save,
	.load = pcihp_load,
	.destroy = pcihp_destroy,
};

int pcihp_create(struct vm *vm)
{
	struct pcihp *hp = calloc(1, sizeof(*hp));
	int ret;

	if (!hp)
		return -ENOMEM;
	hp->job.run = eject_job;
	ret = device_init(&hp->dev, vm, &pcihp_ops, NULL);
	if (ret)
		goto err_free;
	ret = bus_add(vm, BUS_PIO, GPE_PORT, GPE_LEN, &gpe_ops, hp);
	if (ret)
		goto err_remove;
	ret = bus_add(vm, BUS_PIO, PCIHP_PORT, REGS_LEN, &regs_ops, hp);
	if (ret)
		goto err_gpe;
	vm->arch->pcihp = hp;
	return 0;

err_gpe:
	bus_del(vm, BUS_PIO, GPE_PORT);
err_remove:
	device_remove(&hp->dev);
err_free:
	free(hp);
	return ret;
}
