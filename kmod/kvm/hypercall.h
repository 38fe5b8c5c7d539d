/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls of guests (uapi/linux/tarn_para.h), answered in the vCPU's thread.
 */
#ifndef TARN_HYPERCALL_H
#define TARN_HYPERCALL_H

int tarn_hypercall_init(void);
int tarn_hypercall_get(void);
void tarn_hypercall_put(void);
void tarn_hypercall_settle(void);
void tarn_hypercall_exit(void);

#endif
