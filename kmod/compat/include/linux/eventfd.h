/* SPDX-License-Identifier: GPL-2.0-only */
/* Shadows <linux/eventfd.h>: up to 6.7 a signal says how much is added, later 1. */
#ifndef TARN_COMPAT_EVENTFD_H
#define TARN_COMPAT_EVENTFD_H

#include_next <linux/eventfd.h>

#ifdef HAVE_EVENTFD_SIGNAL_COUNT
#define eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#endif

#endif
