/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tarn_guest.ko: what a Linux guest tells Tarn on its host.
 *
 * Everything here is advice. A guest without it runs as well, and one with it is
 * not less safe: the host checks what it is told and decides by itself what to
 * do about it. The calls are those of linux/tarn_para.h.
 */
#ifndef TARN_GUEST_H
#define TARN_GUEST_H

#include <linux/types.h>

#include <linux/tarn_para.h>

/* para.c: is there a Tarn, and one call of it */
long tarn_para_detect(void);
long tarn_para_call(unsigned long nr, u64 a, u64 b, u64 c);
long tarn_para_call_patient(unsigned long nr, u64 a, u64 b, u64 c);

/* areas.c: memory that the host may want to pin */
int tarn_areas_start(bool cpu_data);
void tarn_areas_stop(void);

/* metrics.c: the page of numbers that the host may read */
int tarn_metrics_start(unsigned int period_ms);
void tarn_metrics_stop(void);

/* hints.c: free memory whose content the host may forget */
#ifdef CONFIG_PAGE_REPORTING
int tarn_hints_start(void);
void tarn_hints_stop(void);
#else
static inline int tarn_hints_start(void)
{
	return -EOPNOTSUPP;
}

static inline void tarn_hints_stop(void)
{
}
#endif

/* procfile.c: numbers that the kernel exports to nobody else */
ssize_t tarn_procfile_read(const char *path, char *text, size_t size);

#endif
