/* SPDX-License-Identifier: GPL-2.0-only */
/* Shadows <linux/file.h>: 6.10 hid the file of a struct fd behind fd_file(). */
#ifndef TARN_COMPAT_FILE_H
#define TARN_COMPAT_FILE_H

#include_next <linux/file.h>

#ifdef HAVE_FD_FIELD
#define fd_file(f)	((f).file)
#endif

#endif
