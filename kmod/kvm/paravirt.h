/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Areas that a guest told KVM of, by KVM's own MSRs: clock, steal time, the area of
 * asynchronous page faults, end of interrupt. KVM writes to them without a fault of
 * the guest.
 */
#ifndef TARN_PARAVIRT_H
#define TARN_PARAVIRT_H

struct tarn_vm;

void tarn_paravirt_look(struct tarn_vm *vm);

#endif
