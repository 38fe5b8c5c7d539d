// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saved state of PCI functions. Only what the guest can write of configuration
 * space is taken from a saved machine; what it cannot has to be the same.
 */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "pci-internal.h"
#include "state.h"
#include "vm.h"

int pci_device_save(struct pci_device *pdev, struct state_out *out)
{
	int ret = state_put_bytes(out, "cfg", pdev->cfg, PCI_CFG_SIZE);

	if (!ret)
		ret = state_put_u64(out, "intx", pci_intx_get(pdev));
	return ret ?: pci_msix_save(pdev, out);
}

/* Vendor, device, class, subsystem and the list of capabilities. */
static bool same_device(const struct pci_device *pdev, const u8 *cfg)
{
	static const struct {
		u8 off;
		u8 len;
	} ids[] = {
		{PCI_VENDOR_ID, 4},
		{PCI_CLASS_REVISION, 4},
		{PCI_SUBSYSTEM_VENDOR_ID, 4},
		{PCI_CAPABILITY_LIST, 1},
		{PCI_INTERRUPT_PIN, 1},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		if (memcmp(pdev->cfg + ids[i].off, cfg + ids[i].off,
			   ids[i].len))
			return false;
	return true;
}

int pci_device_load(struct pci_device *pdev, struct state_in *in)
{
	u8 cfg[PCI_CFG_SIZE];
	unsigned int i;
	u64 intx;
	int ret;

	if ((ret = state_get_bytes(in, "cfg", cfg, sizeof(cfg))) ||
	    (ret = state_get_u64(in, "intx", &intx, 1)))
		return err_errno(ret, "saved state of '%s'", in->name);
	if (!same_device(pdev, cfg)) {
		err("the saved '%s' is another kind of device than the one of this machine",
		    in->name);
		return -EINVAL;
	}
	for (i = 0; i < PCI_CFG_SIZE; i++)
		pdev->cfg[i] = (pdev->cfg[i] & ~pdev->wmask[i]) |
			       (cfg[i] & pdev->wmask[i]);
	pci_bar_update(pdev);
	pci_intx_set(pdev, intx);
	return pci_msix_load(pdev, in);
}

int pci_slot_of(struct vm *vm, const struct device *dev)
{
	int i;

	for (i = 0; vm->pci && i < PCI_NR_SLOTS; i++)
		if (vm->pci->slot[i] && &vm->pci->slot[i]->dev == dev)
			return i;
	return -ENOENT;
}
