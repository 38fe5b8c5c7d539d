// SPDX-License-Identifier: GPL-2.0-only
/*
 * The board: what KVM emulates itself (interrupt controllers and the PIT, with
 * the state that reset brings back) and the list of devices that every "pc"
 * has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../config.h"
#include "../../error.h"
#include "../../irq.h"
#include "../../pci.h"
#include "../../vcpu.h"
#include "../../vm.h"
#include "../../wait.h"
#include "firmware.h"
#include "x86.h"

static int chips_create(struct vm *vm)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	u64 identity = IDENTITY_ADDR;

	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity))
		return err_errno(-errno, "KVM_SET_IDENTITY_MAP_ADDR");
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDR))
		return err_errno(-errno, "KVM_SET_TSS_ADDR");
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return err_errno(-errno, "KVM_CREATE_IRQCHIP");
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		return err_errno(-errno, "KVM_CREATE_PIT2");
	return 0;
}

static int chips_save(struct vm *vm)
{
	struct x86_machine *m = vm->arch;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(m->irqchip); i++) {
		m->irqchip[i].chip_id = i;
		if (ioctl(vm->fd, KVM_GET_IRQCHIP, &m->irqchip[i]))
			return err_errno(-errno, "KVM_GET_IRQCHIP");
	}
	if (ioctl(vm->fd, KVM_GET_PIT2, &m->pit))
		return err_errno(-errno, "KVM_GET_PIT2");
	return 0;
}

static int chips_restore(struct vm *vm)
{
	struct x86_machine *m = vm->arch;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(m->irqchip); i++)
		if (ioctl(vm->fd, KVM_SET_IRQCHIP, &m->irqchip[i]))
			return err_errno(-errno, "KVM_SET_IRQCHIP");
	if (ioctl(vm->fd, KVM_SET_PIT2, &m->pit))
		return err_errno(-errno, "KVM_SET_PIT2");
	return 0;
}

static int open_image(const char *path, int *fd)
{
	if (!path)
		return 0;
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? err_errno(-errno, "cannot open '%s'", path) : 0;
}

int x86_machine_create(struct vm *vm)
{
	struct x86_machine *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return -ENOMEM;
	m->kernel_fd = m->initrd_fd = -1;
	vm->arch = m;
	if (vm->config->kernel && vm->config->bios) {
		err("a kernel is started without firmware: leave -bios or -kernel out");
		return -EINVAL;
	}
	if (!vm->config->kernel && (vm->config->initrd || vm->config->append)) {
		err("-initrd and -append are for a kernel, and no -kernel is given");
		return -EINVAL;
	}
	if (!vm->config->kernel && (ret = firmware_open(vm)))
		return ret;
	/* They stay open: a reboot reads them again, inside the sandbox. */
	if ((ret = open_image(vm->config->kernel, &m->kernel_fd)) ||
	    (ret = open_image(vm->config->initrd, &m->initrd_fd)) ||
	    (ret = chips_create(vm)))
		return ret;
	return chips_save(vm);
}

int x86_board_create(struct vm *vm)
{
	int ret;

	if ((ret = pci_init(vm)) || (ret = rtc_create(vm)) ||
	    (ret = i8042_create(vm)) || (ret = pm_create(vm)) ||
	    (ret = pcihp_create(vm)))
		return ret;
	return firmware_create(vm);
}

void x86_machine_destroy(struct vm *vm)
{
	struct x86_machine *m = vm->arch;

	if (!m)
		return;
	if (m->kernel_fd >= 0)
		close(m->kernel_fd);
	if (m->initrd_fd >= 0)
		close(m->initrd_fd);
	firmware_close(vm);
	free(m);
	vm->arch = NULL;
}

int x86_machine_reset(struct vm *vm)
{
	unsigned int i;
	int ret = chips_restore(vm);

	/* KVM forgets what it has in guest memory. */
	wait_begin(WAIT_PAGES);
	for (i = 0; i < vm->nr_vcpus && !ret; i++)
		ret = x86_vcpu_reset(&vm->vcpus[i]);
	wait_end();
	return ret ? ret : firmware_describe(vm);
}

void x86_sci_set(struct vm *vm, enum x86_sci who, bool level)
{
	struct x86_machine *m = vm->arch;
	u8 old = m->sci;

	m->sci = level ? old | 1U << who : old & ~(1U << who);
	if (!old != !m->sci)
		irq_set(vm, IRQ_SCI, m->sci);
}

void x86_power_button(struct vm *vm)
{
	pm_power_button(vm->arch->pm);
}

/* Its watchdogs shall not take the time that has passed for a hang. */
void x86_resumed(struct vm *vm)
{
	unsigned int i;

	/* A guest that does not use KVM's clock cannot be told. */
	for (i = 0; i < vm->nr_vcpus; i++)
		ioctl(vm->vcpus[i].fd, KVM_KVMCLOCK_CTRL, 0);
}
