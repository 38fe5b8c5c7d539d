/* SPDX-License-Identifier: GPL-2.0-only */
/* Telling the service manager how we are: sd_notify(3), the datagram alone. */
#ifndef TARN_PAGER_NOTIFY_H
#define TARN_PAGER_NOTIFY_H

void notify_init(void);
void notify(const char *state);

#endif
