/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets that listen: of systemd, or of the command line. */
#ifndef TARN_EXPORTER_LISTEN_ON_H
#define TARN_EXPORTER_LISTEN_ON_H

#include <stdbool.h>

/**
 * listen_on() - Make a socket.
 * @where: "127.0.0.1:9871", "[::1]:9871", or the path of a unix socket, which may be
 *	   there from before if nobody listens on it
 * Return: a descriptor, or an errno, reported.
 */
int listen_on(const char *where);

/** listen_is_local() - Whether it is a unix socket. */
bool listen_is_local(int fd);

#endif
