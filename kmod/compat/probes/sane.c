// SPDX-License-Identifier: GPL-2.0-only
/* Compiles on every kernel: otherwise it is the compiler that is wrong. */
#include <linux/module.h>

MODULE_LICENSE("GPL");
