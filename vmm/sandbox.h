/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Confinement after start-up: each kind of thread keeps the system calls that
 * it needs to run a guest that is already there, and no others.
 */
#ifndef TARN_SANDBOX_H
#define TARN_SANDBOX_H

#include "lib/types.h"

/** enum sandbox_kind - what a thread does. */
enum sandbox_kind {
	SANDBOX_VCPU, /* runs the guest, handles its exits */
	SANDBOX_IO, /* an iothread: io_uring and memory */
	SANDBOX_DEVICES, /* the one of cards and ports: their other ends, too */
	SANDBOX_ADJUNCT, /* an iothread that runs a VM of its own, and a device's function */
	SANDBOX_MAIN, /* the event loop, and taking everything down */
	SANDBOX_MONITOR, /* the same where a monitor may add disks and cards */
	SANDBOX_TRANSFER, /* moves guest memory to or from a file */
	SANDBOX_SIGNALS, /* sees to it that the process ends */
};

/** sandbox_init() - once, before the first thread; @on: -sandbox. */
int sandbox_init(bool on);

/**
 * sandbox_enter() - confine the calling thread for good.
 *
 * A call that is not on the list ends the process with a message that names
 * it. Return: 0 or -errno, reported.
 */
int sandbox_enter(enum sandbox_kind kind);

/* As many vCPUs as there can be. */
#define SANDBOX_MAX_AFFINE 255

/**
 * sandbox_allow_affinity() - let the main thread put thread @tid on processors.
 *
 * Before it enters. Nobody else may do it, nor to another thread: the kernel lets a
 * user do that to each of its threads, and so to those of other guests.
 */
void sandbox_allow_affinity(pid_t tid);

/* As many functions of devices as there can be. */
#define SANDBOX_MAX_OFFSETS 32

/**
 * sandbox_allow_offsets() - let what reaches devices read and write @fd at offsets.
 *
 * Before the first thread enters: registers of a function of a device, which the kernel
 * has there. It stays open as long as there are threads that may. Return: 0 or -ENOSPC,
 * reported.
 */
int sandbox_allow_offsets(int fd);

/** sandbox_confined() - is the calling thread? */
bool sandbox_confined(void);

#endif
