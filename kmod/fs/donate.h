/* SPDX-License-Identifier: GPL-2.0-only */
/* TARN_PARTITION_DONATE, and the files of children (pool/donation.h). */
#ifndef TARN_DONATE_H
#define TARN_DONATE_H

#include <linux/types.h>

struct file;
struct tarn_donate_call;
union tarn_ctl_arg;

long tarn_donate(struct file *file, struct tarn_donate_call *call);
void tarn_donate_settle(union tarn_ctl_arg *arg, bool told);

#endif
