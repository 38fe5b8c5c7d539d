/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM's worker for asynchronous page faults. It brings a page on behalf of a guest
 * and asks for it as if it were to be written, whatever the guest did, but does
 * not look at the answer: KVM maps the page afterwards, by a fault of its own.
 * Served as a write, each page that comes back to a guest would be dirty, and be
 * written out again though it has not changed.
 */
#ifndef TARN_ASYNCPF_H
#define TARN_ASYNCPF_H

#include <linux/types.h>

struct vm_fault;

bool tarn_asyncpf_is_worker(const struct vm_fault *vmf);
int tarn_asyncpf_init(void);
void tarn_asyncpf_exit(void);

#endif
