/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that have partitions mapped: guests, and other programs. What their threads
 * work is added up by node. Which of them are vCPUs, task.h knows.
 *
 * Descriptors of partitions are kept while their process has them mapped, and the
 * pool so is in use anyway; when a process ends its pidfd tells at once.
 */
#ifndef TARN_FOLLOW_USERS_H
#define TARN_FOLLOW_USERS_H

#include <stdbool.h>

#include "host.h"
#include "kept.h"
#include "lib/affinity.h"
#include "pool.h"
#include "process.h"

/**
 * struct user_thread - a thread
 * @affinity: its masks
 * @start: when it began
 * @vcpu: it is one
 * @node: where it ran last, by index; HOST_NONE: not known
 * @cpu: there
 * @ticks: it has worked so far
 * @narrow: it was put on processors, and not let go yet
 * @seen: of the scan
 */
struct user_thread {
	struct affinity affinity;
	uint64_t start;
	bool vcpu;
	size_t node;
	unsigned int cpu;
	uint64_t ticks;
	bool narrow;
	bool seen;
};

/**
 * struct user - a process
 * @proc: it
 * @parts: its partitions
 * @follows: it puts its vCPUs by itself, as tarn-vmm does
 * @threads: @nr_threads
 * @worked: ticks of threads that are no vCPUs, by node, since the last round
 * @ran: those of vCPUs
 * @since: when the first of these was counted, in seconds; 0: nothing yet
 * @goal: where its vCPUs are put; empty: they may be anywhere
 * @warned: it was said that some stay elsewhere
 * @seen: of the scan
 */
struct user {
	struct process proc;
	struct process_parts parts;
	bool follows;
	struct user_thread *threads;
	size_t nr_threads;
	uint64_t worked[HOST_NODES];
	uint64_t ran[HOST_NODES];
	double since;
	struct cpus goal;
	bool warned;
	bool seen;
};

/**
 * struct users - all of them
 * @items: @count
 * @kept: threads that one before this has put on processors
 * @charge: lock of who puts vCPUs on processors, if @in_charge (follow.h)
 * @in_charge: it is held here
 */
struct users {
	struct user *items;
	size_t count;
	struct kept_list kept;
	int charge;
	bool in_charge;
};

/** users_scan() - Look for them anew. Return: 0 or an errno, reported. */
int users_scan(struct users *users, const struct pool_list *pools,
	       const struct host *host, double now);

/**
 * users_add() - Have a process among them, or look anew at what it has mapped.
 * @pid: its id, as text
 * Return: 0 or an errno, reported.
 */
int users_add(struct users *users, const char *pid, double now);

/** users_refresh() - Look anew at what those that are known have mapped. */
void users_refresh(struct users *users);

/** users_find() - That of a process, or NULL. */
struct user *users_find(struct users *users, pid_t pid);

/** users_look() - Add up what their threads have worked, and drop who has ended. */
void users_look(struct users *users, const struct host *host);

/**
 * users_renew() - What masks are now, they had before anybody here set any; but for those
 * that are kept.
 */
void users_renew(struct users *users);

/** users_begin() - Begin a new round of adding up. */
void users_begin(struct users *users, double now);

void users_free(struct users *users);

/** user_has_vcpus() - Whether some of its threads are vCPUs. */
bool user_has_vcpus(const struct user *user);

#endif
