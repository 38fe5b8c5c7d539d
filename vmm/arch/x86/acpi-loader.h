/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables for firmware, which chooses where they are: two files of fw_cfg, and
 * a third with commands that have them placed, their pointers and checksums set.
 */
#ifndef TARN_ACPI_LOADER_H
#define TARN_ACPI_LOADER_H

struct fwcfg;
struct vm;

int acpi_loader_add(struct vm *vm, struct fwcfg *fwcfg);

#endif
