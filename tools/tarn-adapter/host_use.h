/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the host itself uses what is to be a guest's. */
#ifndef TARN_ADAPTER_HOST_USE_H
#define TARN_ADAPTER_HOST_USE_H

#include <stdint.h>

#include "pci.h"

/**
 * host_use_check() - See that nothing of the host has the disk open that a namespace is:
 * a filesystem, RAID, swap.
 * @pf: function of the controller that the kernel drives
 * Return: 0, or -EBUSY, reported.
 */
int host_use_check(const struct pci_function *pf, uint32_t nsid);

#endif
