/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths of the machine's parts in QMP's object model. */
#ifndef TARN_QMP_QOM_H
#define TARN_QMP_QOM_H

#include "arch/x86/x86.h"

#define QOM_PERIPHERAL "/machine/peripheral"
#define QOM_CPU_FORMAT "/machine/unattached/device[%u]"

#endif
