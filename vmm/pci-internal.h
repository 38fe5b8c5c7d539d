/* SPDX-License-Identifier: GPL-2.0-only */
/* What pci.c, pci-bar.c and pci-msix.c share and devices do not see. */
#ifndef TARN_PCI_INTERNAL_H
#define TARN_PCI_INTERNAL_H

#include <pthread.h>

#include "pci.h"

/*
 * Windows for BARs: what the DSDT announces. The memory window ends where the
 * I/O APIC and the local APIC begin.
 */
#define PCI_MEM_START MEM_LOW_END
#define PCI_MEM_END 0xfec00000ULL
#define PCI_IO_START 0xc000U
#define PCI_IO_END 0x10000U

/**
 * struct pci_bus - pci.0.
 * @cfg_addr: the address register at port 0xcf8
 * @accessed: a vCPU is at configuration space, and may be waiting without the lock
 * @access_ended: it is not any more
 * @intx_lock: innermost, guards @intx
 * @intx: for each line, the slots that raise it
 */
struct pci_bus {
	struct vm *vm;
	struct pci_device *slot[PCI_NR_SLOTS];
	u32 cfg_addr;
	bool accessed;
	pthread_cond_t access_ended;
	pthread_mutex_t intx_lock;
	u32 intx[8];
};

/* Follow a change of the command register or of a BAR. */
void pci_bar_update(struct pci_device *pdev);
/* Back to the addresses that were given out first, disabled. */
void pci_bar_reset(struct pci_device *pdev);
void pci_bar_exit(struct pci_device *pdev);

void pci_msix_cfg_written(struct pci_device *pdev, u32 off, unsigned int size);
void pci_msix_reset(struct pci_device *pdev);
void pci_msix_exit(struct pci_device *pdev);
int pci_msix_save(struct pci_device *pdev, struct state_out *out);
/* With configuration space loaded, but MSI-X still off. */
int pci_msix_load(struct pci_device *pdev, struct state_in *in);

/* Whether the device drives its INTx line. */
bool pci_intx_get(struct pci_device *pdev);

#endif
