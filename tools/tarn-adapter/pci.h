/* SPDX-License-Identifier: GPL-2.0-only */
/* A PCI function as sysfs shows it: its virtual functions, its driver, its IOMMU group. */
#ifndef TARN_ADAPTER_PCI_H
#define TARN_ADAPTER_PCI_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "bdf.h"

/**
 * struct pci_roots - where the kernel shows what it has
 * @sysfs: "/sys", if it is no test
 * @dev: "/dev", likewise
 */
struct pci_roots {
	const char *sysfs;
	const char *dev;
};

extern const struct pci_roots pci_roots;

#define PCI_NAME_MAX 64

/**
 * struct pci_function - a function
 * @bdf: its address
 * @name: the same as text
 * @roots: where it is shown
 */
struct pci_function {
	struct bdf bdf;
	char name[BDF_TEXT_MAX];
	const struct pci_roots *roots;
};

void pci_init(struct pci_function *fn, const struct pci_roots *roots, const struct bdf *bdf);
bool pci_exists(const struct pci_function *fn);

/** pci_number() - The number in a file of it. Return: it, or an errno, not reported. */
long pci_number(const struct pci_function *fn, const char *file);

/** pci_write() - Write to a file of it. Return: 0 or an errno, reported. */
int pci_write(const struct pci_function *fn, const char *file, const char *text);

/**
 * pci_link() - The last name of what a link of it leads to: "driver", "iommu_group".
 * @name: of PCI_NAME_MAX; "" where there is no link
 */
void pci_link(const struct pci_function *fn, const char *link, char *name);

/** pci_virtual() - Its virtual function @index, from 0. Return: 0 or an errno, reported. */
int pci_virtual(const struct pci_function *fn, unsigned int index,
		struct pci_function *virtual);

/**
 * pci_bind_vfio() - Have vfio-pci drive a function that has no driver.
 * Return: 0 or an errno, reported. -EBUSY: another driver has it, which is left alone.
 */
int pci_bind_vfio(const struct pci_function *fn);

/**
 * pci_check_group() - See that its IOMMU group is there and has no other function.
 * Return: the number of the group, or an errno, reported.
 */
int pci_check_group(const struct pci_function *fn);

/** pci_reset() - Reset it. Return: 0 or an errno, reported. */
int pci_reset(const struct pci_function *fn);

/**
 * pci_nvme() - Open the controller that the nvme driver made of it.
 * Return: a descriptor; -ENODEV: another driver has it, or an errno, reported.
 */
int pci_nvme(const struct pci_function *fn);

#endif
