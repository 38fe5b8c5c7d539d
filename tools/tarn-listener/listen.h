/* SPDX-License-Identifier: GPL-2.0-only */
/* A connection to libvirt that tells of domains that start and change. */
#ifndef TARN_LISTENER_LISTEN_H
#define TARN_LISTENER_LISTEN_H

#include "home_mark.h"

/**
 * listen_run() - Serve until a signal ends it; libvirt may come and go meanwhile.
 * @uri: of libvirt
 * @once: apply what running domains have, and return
 * @dispatch: how vCPUs follow homes, where a domain says nothing
 * Return: 0, or an errno, reported.
 */
int listen_run(const char *uri, int once, enum home_dispatch dispatch);

#endif
