// SPDX-License-Identifier: GPL-2.0-only
/* See live.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/virterror.h>

#include "domain_apply.h"
#include "domain_rules.h"
#include "error.h"
#include "live.h"
#include "sample.h"

/* Looks after which processors of the host, and what guests have mapped, are looked at anew. */
#define REFRESH_LOOKS 30

/* Settings are applied also where nodes can't be read. */
void live_init(struct live *live, enum home_dispatch dispatch)
{
	*live = (struct live){ .dispatch = dispatch };
	if (host_read(&live->host))
		live->host = (struct host){ 0 };
}

void live_exit(struct live *live)
{
	follow_end(&live->users);
	users_free(&live->users);
	host_free(&live->host);
	free(live->items);
}

/* ---- which there are ----------------------------------------------------- */

static struct live_domain *find(struct live *live, const char *uuid)
{
	size_t i;

	for (i = 0; i < live->count; i++) {
		if (!strcmp(live->items[i].uuid, uuid))
			return &live->items[i];
	}
	return NULL;
}

static struct live_domain *get(struct live *live, const char *uuid)
{
	struct live_domain *d = find(live, uuid), *items;

	if (d)
		return d;
	items = reallocarray(live->items, live->count + 1, sizeof(*items));
	if (!items) {
		err_nomem();
		return NULL;
	}
	live->items = items;
	d = &items[live->count++];
	*d = (struct live_domain){ 0 };
	strcpy(d->uuid, uuid);
	return d;
}

/* It may run no more, which is no fault. */
static void read_nodeset(virDomainPtr domain, char *nodeset, size_t size)
{
	virTypedParameterPtr params;
	const char *text;
	int n = 0;

	nodeset[0] = '\0';
	if (virDomainGetNumaParameters(domain, NULL, &n, 0) || n <= 0)
		return;
	params = calloc(n, sizeof(*params));
	if (params && !virDomainGetNumaParameters(domain, params, &n, 0) &&
	    virTypedParamsGetString(params, n, VIR_DOMAIN_NUMA_NODESET,
				    &text) == 1)
		snprintf(nodeset, size, "%s", text);
	virTypedParamsFree(params, n);
}

void live_add(struct live *live, virDomainPtr domain, const struct domain *dom)
{
	char uuid[VIR_UUID_STRING_BUFLEN], pid[32];
	struct live_domain *d;

	/* With one node there is nothing to follow. */
	if (live->host.nodes.nr < 2 || !domain_in_files(dom) ||
	    virDomainGetUUIDString(domain, uuid) ||
	    domain_pid(dom, pid, sizeof(pid)))
		return;
	d = get(live, uuid);
	if (!d)
		return;
	d->pid = atoi(pid);
	read_nodeset(domain, d->nodeset, sizeof(d->nodeset));
	users_add(&live->users, pid, sample_clock() / 1e9);
}

void live_again(struct live *live, virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct live_domain *d;
	struct user *user;

	if (virDomainGetUUIDString(domain, uuid))
		return;
	d = find(live, uuid);
	user = d ? users_find(&live->users, d->pid) : NULL;
	if (user)
		follow_again(user);
}

/* ---- looking ------------------------------------------------------------- */

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* tarn-balanced knows of all guests, so it goes first. */
static void look(struct live *live)
{
	struct pool_list pools = { 0 };

	if (home_mark_served(NULL)) {
		follow_leave(&live->users);
		return;
	}
	if (live->looks++ % REFRESH_LOOKS == 0) {
		host_refresh(&live->host);
		users_refresh(&live->users);
	}
	users_look(&live->users, &live->host);
	if (!pool_list_read(&pools))
		follow(&live->users, &pools, &live->host, live->dispatch);
	pool_list_free(&pools);
}

int live_look(struct live *live)
{
	double began = cpu_seconds();

	if (live->users.count)
		look(live);
	else
		follow_leave(&live->users);
	live->took = cpu_seconds() - began;
	return follow_pause(live->took) * 1000;
}

/* Return: whether it still runs. @domain: to be freed, if it is not NULL. */
static bool look_at(struct live_domain *d, virConnectPtr conn, char *nodeset,
		    size_t size, virDomainPtr *domain)
{
	*domain = virDomainLookupByUUIDString(conn, d->uuid);
	if (!*domain || virDomainIsActive(*domain) != 1)
		return false;
	read_nodeset(*domain, nodeset, size);
	return true;
}

void live_tuned(struct live *live, virConnectPtr conn,
		void (*changed)(virDomainPtr domain, void *arg), void *arg)
{
	char nodeset[sizeof(live->items->nodeset)];
	size_t i;

	for (i = 0; i < live->count;) {
		virDomainPtr domain;

		if (!look_at(&live->items[i], conn, nodeset, sizeof(nodeset),
			     &domain)) {
			live->items[i] = live->items[--live->count];
		} else if (strcmp(nodeset, live->items[i].nodeset)) {
			strcpy(live->items[i].nodeset, nodeset);
			changed(domain, arg);
			i++;
		} else {
			i++;
		}
		if (domain)
			virDomainFree(domain);
	}
}
