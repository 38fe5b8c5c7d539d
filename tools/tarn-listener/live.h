/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running domains whose memory may be in pools. Their vCPUs are put on processors of
 * the nodes where it is at home, as long as no tarn-balanced does that (follow.h), and what
 * libvirt tells nobody of is looked at: the nodes of <numatune>.
 */
#ifndef TARN_LISTENER_LIVE_H
#define TARN_LISTENER_LIVE_H

#include <libvirt/libvirt.h>

#include "domain.h"
#include "follow.h"

/**
 * struct live_domain - a domain
 * @uuid: its
 * @pid: of its VMM
 * @nodeset: nodes of <numatune>, as libvirt has it; empty: none
 */
struct live_domain {
	char uuid[VIR_UUID_STRING_BUFLEN];
	pid_t pid;
	char nodeset[256];
};

/**
 * struct live - all of them
 * @items: @count
 * @host: its nodes
 * @users: their processes
 * @dispatch: how vCPUs follow, where a domain says nothing
 * @took: processor time of the last look, in seconds
 * @looks: so far
 */
struct live {
	struct live_domain *items;
	size_t count;
	struct host host;
	struct users users;
	enum home_dispatch dispatch;
	double took;
	unsigned int looks;
};

/** live_init() - Begin. */
void live_init(struct live *live, enum home_dispatch dispatch);

/** live_exit() - Let vCPUs run where they might at first. */
void live_exit(struct live *live);

/**
 * live_add() - A domain runs, or is otherwise by now.
 * @domain: of libvirt
 * @dom: what its XML says
 */
void live_add(struct live *live, virDomainPtr domain, const struct domain *dom);

/** live_again() - Its vCPUs may have been pinned otherwise. */
void live_again(struct live *live, virDomainPtr domain);

/** live_look() - Have vCPUs follow. Return: milliseconds until the next look. */
int live_look(struct live *live);

/**
 * live_tuned() - Look whether <numatune> has become another one.
 * @conn: to libvirt
 * @changed: is called for a domain where it has
 */
void live_tuned(struct live *live, virConnectPtr conn,
		void (*changed)(virDomainPtr domain, void *arg), void *arg);

#endif
