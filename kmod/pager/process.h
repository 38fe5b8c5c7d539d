/* SPDX-License-Identifier: GPL-2.0-only */
/* The process that attached, and whether it still serves. */
#ifndef TARN_PAGER_PROCESS_H
#define TARN_PAGER_PROCESS_H

struct tarn_pager;

void tarn_process_watch(struct tarn_pager *pager);
void tarn_process_forget(struct tarn_pager *pager);

#endif
