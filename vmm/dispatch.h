/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory in a pool can have home nodes, which an operator changes while the guest
 * runs. Here the vCPUs follow them: their threads are put on processors of the nodes
 * where the memory is, as -machine dispatch= says. Where a guest has NUMA nodes
 * itself, each vCPU follows the memory of its own.
 *
 * A guest without memory in a pool, and a module that knows no homes, cost nothing.
 *
 * All is done by the main thread, by a timer of its loop; no memory of the guest is
 * touched, and nothing is waited for.
 */
#ifndef TARN_DISPATCH_H
#define TARN_DISPATCH_H

struct vm;

/**
 * dispatch_create() - put the vCPUs where their memory is, and keep them there.
 * @vm: its vCPUs have threads; the main thread is not confined yet
 *
 * Return: 0, also where there is nothing to do, or -errno, reported.
 */
int dispatch_create(struct vm *vm);

/** dispatch_destroy() - leave them where they are. */
void dispatch_destroy(struct vm *vm);

#endif
