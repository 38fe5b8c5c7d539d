/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module is told of the pager's state: room, full, degraded. The main
 * loop sends it when it has changed, about once a second, or at once when a
 * queue pokes it.
 */
#ifndef TARN_PAGER_STATUS_H
#define TARN_PAGER_STATUS_H

#include "report.h"

struct attachment;
struct devices;

int status_init(struct attachment *at, struct devices *devices);
int status_fd(void);
void status_poke(void);
void status_note_full(void);
void status_note_room(void);
void status_refresh(void);
const struct status_report *status_current(void);

#endif
