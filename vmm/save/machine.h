/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a saved machine is not memory: what it is made of, so that a wrong one
 * is refused before anything changes, and the state of its devices and vCPUs.
 */
#ifndef TARN_SAVE_MACHINE_H
#define TARN_SAVE_MACHINE_H

#include "lib/types.h"

struct state_out;
struct stream_record;
struct vm;

/**
 * machine_can_save() - whether every device has state that can be saved.
 *
 * Return: 0, or -EOPNOTSUPP, reported with the device's name.
 */
int machine_can_save(struct vm *vm);

/** machine_describe() - the sections of a MACHINE record. */
int machine_describe(struct vm *vm, struct state_out *out);

/** machine_check() - -errno, reported, when @rec is of another machine. */
int machine_check(struct vm *vm, const struct stream_record *rec);

/**
 * machine_save() - the sections of a DEVICES record.
 *
 * vCPUs are parked and devices are paused. VM's lock held.
 */
int machine_save(struct vm *vm, struct state_out *out);

/**
 * machine_load() - take the sections of @rec, on a machine that was just reset.
 *
 * When it fails the machine is in no state to run. VM's lock held.
 */
int machine_load(struct vm *vm, const struct stream_record *rec);

#endif
