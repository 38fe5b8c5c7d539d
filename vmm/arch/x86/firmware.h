/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starting by firmware (SeaBIOS) where no kernel is given: its image in a ROM below
 * 4 GiB and, as a PC has it, below 1 MiB, and what it is told of the machine by fw_cfg.
 * The firmware then finds what to start on the disks.
 */
#ifndef TARN_FIRMWARE_H
#define TARN_FIRMWARE_H

struct firmware;
struct vm;

/** firmware_open() - read the image, of -bios or the default one, into its ROM. */
int firmware_open(struct vm *vm);
void firmware_close(struct vm *vm);

/** firmware_create() - after the board: the device that it reads. */
int firmware_create(struct vm *vm);

/** firmware_describe() - at each reset: tell it of the machine as it is. */
int firmware_describe(struct vm *vm);

/** firmware_load() - put the image below 1 MiB, where the boot CPU begins. */
int firmware_load(struct vm *vm);

#endif
