/* SPDX-License-Identifier: GPL-2.0-only */
/* A connection to libvirt that tells of changed metadata. */
#ifndef TARN_LISTENER_LISTEN_H
#define TARN_LISTENER_LISTEN_H

/**
 * listen_run() - Serve until a signal ends it; libvirt may come and go meanwhile.
 * @uri: of libvirt
 * @once: apply what running domains have, and return
 * Return: 0, or an errno, reported.
 */
int listen_run(const char *uri, int once);

#endif
