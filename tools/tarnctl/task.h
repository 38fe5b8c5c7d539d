/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads of processes that have partitions mapped, guests as a rule: what they have
 * worked, where they ran, and which of them are vCPUs.
 *
 * QEMU, under libvirt or with -name debug-threads=on, and tarn-vmm call the thread of
 * vCPU n "CPU n/KVM". Other sources are worse: QMP has the numbers, but libvirt has QMP;
 * KVM's debugfs has them from 6.2 on, for who may read it, which a locked down kernel
 * lets nobody; what calls KVM_RUN shows in /proc/PID/task/TID/syscall only while it
 * sleeps. A guest can give its threads any names, but they are its own all the same.
 */
#ifndef TARNCTL_TASK_H
#define TARNCTL_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "maps.h"
#include "pool.h"

/**
 * struct task - a thread
 * @tid: its id
 * @vcpu: it is one, by its name
 * @start: when it began, in ticks since the host did
 * @ticks: it has worked, of sysconf(_SC_CLK_TCK) a second
 * @cpu: where it ran last
 */
struct task {
	pid_t tid;
	bool vcpu;
	uint64_t start;
	uint64_t ticks;
	unsigned int cpu;
};

/** tasks_each() - Call @fn for each thread of a process. @dir: of it in /proc. */
void tasks_each(int dir, void (*fn)(const struct task *task, void *arg),
		void *arg);

/** task_parse() - Read a line of /proc/PID/task/TID/stat, which is changed. */
int task_parse(char *line, struct task *task);

/**
 * task_maps() - What a process has mapped of pools.
 * @pid: its id, as text
 * @files: other files are among them; to be freed if this returns true
 * Return: whether there is anything; false as well where it may not be looked at.
 */
bool task_maps(const char *pid, const struct pool_list *pools,
	       struct mapped_files *files);

#endif
