/* SPDX-License-Identifier: GPL-2.0-only */
/* Events of disks. */
#ifndef TARN_QMP_BLOCK_H
#define TARN_QMP_BLOCK_H

/** qmp_block_listen() - send an event when a disk fails. */
void qmp_block_listen(void);

#endif
