/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows <asm/ibt.h>: from 6.15 on is_endbr() takes an address, and is not for
 * modules; what looks at a word that was read has another name.
 */
#ifndef TARN_COMPAT_IBT_H
#define TARN_COMPAT_IBT_H

#include_next <asm/ibt.h>

#ifdef HAVE_ENDBR_VALUE
#define __is_endbr(val)	is_endbr(val)
#endif

#endif
