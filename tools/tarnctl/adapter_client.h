/* SPDX-License-Identifier: GPL-2.0-only */
/* Talking to managers of adapters: ../tarn-adapter/wire.h has what is said. */
#ifndef TARNCTL_ADAPTER_CLIENT_H
#define TARNCTL_ADAPTER_CLIENT_H

#include <jansson.h>

#include "option.h"

/**
 * struct adapter_names - adapters that have a manager
 * @items: addresses of their physical functions
 */
struct adapter_names {
	char **items;
	size_t count;
};

/** adapter_names_read() - Return: 0 or an errno, reported. */
int adapter_names_read(struct adapter_names *names);
void adapter_names_free(struct adapter_names *names);

/**
 * adapter_client_open() - Connect to the manager that is meant.
 * @name: the address, of which the domain may be left out; NULL: the only one that there is
 * Return: a descriptor, or an errno, reported.
 */
int adapter_client_open(const char *name);

/**
 * adapter_client_ask() - Ask it, and wait until it has done what is asked.
 * @request: freed
 * Return: the answer, to be freed, or NULL, reported.
 */
json_t *adapter_client_ask(int sock, json_t *request);

/** adapter_client_read() - The next message. Return: it, or NULL, reported but at the end. */
json_t *adapter_client_read(int sock);

/** adapter_client_once() - Connect, ask and leave. Return: as adapter_client_ask(). */
json_t *adapter_client_once(const char *name, json_t *request);

/** adapter_print_plan() - Print the plan that an answer has. Return: 0 or an errno, reported. */
int adapter_print_plan(json_t *answer, const struct options *opts);

#endif
