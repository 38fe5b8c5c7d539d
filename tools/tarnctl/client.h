/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Client of a pager's control socket: a request and an answer, one JSON object
 * a line each. vmm/pager/control.h has the commands.
 */
#ifndef TARNCTL_CLIENT_H
#define TARNCTL_CLIENT_H

#include <jansson.h>

#include "option.h"
#include "pool.h"

/**
 * client_socket() - Where the pager of a pool listens.
 * @pool: NULL if only @opts->socket counts
 * Return: memory to be freed, or NULL, reported.
 */
char *client_socket(const struct pool *pool, const struct options *opts);

/**
 * client_open() - Connect to a pager.
 * Return: a descriptor, or a negative errno that is not reported.
 */
int client_open(const char *path);

/** client_open_fail() - Report why client_open() returned @ret. */
int client_open_fail(const char *path, int ret);

/**
 * client_call() - Ask a pager.
 * @sock: from client_open()
 * @request: an object; freed
 * @pass: a descriptor to pass along, or -1
 * @answer: result, an object to be freed, when 0 is returned
 * Return: 0, or an errno, reported. -EREMOTEIO: the pager says no; after any other
 * error it may have done what was asked, or may do so yet.
 */
int client_call(int sock, json_t *request, int pass, json_t **answer);

/* A member of an answer, 0, false or "-" where it is missing. */
json_int_t client_number(const json_t *object, const char *key);
bool client_flag(const json_t *object, const char *key);
const char *client_text(const json_t *object, const char *key);

#endif
