/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TARN_DEV_H
#define TARN_DEV_H

int tarn_dev_init(void);
void tarn_dev_exit(void);

#endif
