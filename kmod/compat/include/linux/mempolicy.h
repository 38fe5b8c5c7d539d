/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows <linux/mempolicy.h>.
 *
 * 6.7 has ->get_policy() of a mapping tell where it interleaves, too.
 */
#ifndef TARN_COMPAT_MEMPOLICY_H
#define TARN_COMPAT_MEMPOLICY_H

#include_next <linux/mempolicy.h>

#ifdef HAVE_VMA_POLICY_TWO
#define TARN_GET_POLICY_ILX
#else
#define TARN_GET_POLICY_ILX	, pgoff_t *ilx
#endif

#endif
