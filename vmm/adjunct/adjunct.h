/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Adjuncts: a device's driver that runs in a virtual machine of its own, beside the guest
 * that it serves (its client) and mostly on the time of that guest's vCPUs. It has memory
 * that the guest cannot open, the guest's own memory, and the registers of one PCI function;
 * the guest sees a virtio device. Documentation/design/adjuncts.rst tells of the whole.
 *
 * Life: adjunct_create() by a block node -> adjunct_place(), where the guest's RAM is laid
 * out -> adjunct_start(), before there are devices -> adjunct_attach() by the device, queues
 * that start and stop, adjunct_detach() -> adjuncts_stop(), where the program ends ->
 * adjunct_destroy().
 *
 * Threads. An adjunct has a thread of its own with a loop (the service thread). What says
 * "loop" is called there; what says "any thread" takes no lock that could be held over it.
 */
#ifndef TARN_ADJUNCT_H
#define TARN_ADJUNCT_H

#include "lib/types.h"

struct adjunct;
struct loop;
struct opts;
struct virtqueue;
struct vm;

/**
 * struct adjunct_client_ops - what an adjunct tells the device that it serves.
 * @notify: the driver wants an interrupt for queue @index. Any thread.
 * @broken: the ring of queue @index makes no sense. Loop.
 * @more: queue @index has more than the budget let be taken: serve it again. Loop.
 * @failed: it will not do any more: what is in flight and what comes is the device's. Loop.
 */
struct adjunct_client_ops {
	void (*notify)(void *arg, u16 index);
	void (*broken)(void *arg, u16 index);
	void (*more)(void *arg, u16 index);
	void (*failed)(void *arg);
};

/**
 * struct adjunct_disk - what is at the other end.
 * @size: in bytes
 * @block: smallest unit of a transfer
 * @nr_queues: most queues that the device can have
 * @cache: writes may be lost until a flush
 * @discard, @zeroes, @unmap: can be discarded, zeroed, and zeroed by discarding
 */
struct adjunct_disk {
	u64 size;
	u32 block;
	u16 nr_queues;
	bool cache;
	bool discard;
	bool zeroes;
	bool unmap;
};

/** struct adjunct_stats - counters since it was started. */
struct adjunct_stats {
	u64 donated;	 /* entries by threads of vCPUs */
	u64 service;	 /* entries by the service thread */
	u64 requests;	 /* that were returned to the driver */
	u64 donated_ns;	 /* time in these entries */
	u64 service_ns;
	u64 errors;	 /* requests that the device has failed */
	u64 stray;	 /* completions of what nobody asked for */
	u64 restarts;
};

/**
 * adjunct_settings_create() - -object tarn-adjunct: how that of a function is to be.
 *
 * Takes id, device, dispatch, poll-us, budget, memory, image, watchdog-ms. A node that
 * has the function, later on the command line, uses them.
 */
int adjunct_settings_create(struct opts *opts);

/** adjunct_settings_destroy_all() - forget them. */
void adjunct_settings_destroy_all(void);

/**
 * adjunct_create() - take the function at @device for a block node.
 * @node: for messages
 * @namespace: NVMe's
 *
 * Return: 0 or -errno, reported.
 */
int adjunct_create(const char *node, const char *device, u32 namespace, bool read_only,
		   struct adjunct **adj);

/** adjunct_destroy() - end it; it is attached to nothing. NULL is let pass. */
void adjunct_destroy(struct adjunct *adj);

/**
 * adjuncts_place() - give all of them memory, perhaps of the guest's RAM.
 * @vm: with its RAM placed and not yet known to KVM
 */
int adjuncts_place(struct vm *vm);

/** adjuncts_start() - bring all of them up; the vCPUs of @vm do not run. */
int adjuncts_start(struct vm *vm);

/**
 * adjuncts_stop() - have all tell their devices that they go, and run no more.
 *
 * There are no devices any more, and the guest's RAM, which they have, still is.
 */
void adjuncts_stop(void);

/** adjunct_disk() - what it has found; NULL before it was started. */
const struct adjunct_disk *adjunct_disk(const struct adjunct *adj);

/** adjunct_loop() - the service thread's. */
struct loop *adjunct_loop(struct adjunct *adj);

/** adjunct_is_donated() - whether threads of vCPUs dispatch it. */
bool adjunct_is_donated(const struct adjunct *adj);

/** adjunct_has_donated_memory() - whether its memory was taken off the guest's. */
bool adjunct_has_donated_memory(const struct adjunct *adj);

/** adjunct_is_up() - whether it can be entered; it cannot while it is started anew. */
bool adjunct_is_up(const struct adjunct *adj);

/** adjunct_has_failed() - whether @failed has been or is being called. */
bool adjunct_has_failed(const struct adjunct *adj);

/** adjunct_for_each() - visit all, under the VM's lock. */
void adjunct_for_each(void (*fn)(struct adjunct *adj, void *arg), void *arg);
void adjunct_get_stats(const struct adjunct *adj, struct adjunct_stats *stats);
const char *adjunct_device(const struct adjunct *adj);
const char *adjunct_node(const struct adjunct *adj);
/** adjunct_pinned() - bytes of memory that its function reaches, which stay in. */
u64 adjunct_pinned(const struct adjunct *adj);

/* For its client; all but what says otherwise in the loop */

/**
 * struct adjunct_client_config - what requests are done by.
 * @nr_queues: of the device; memory is shared out by them
 * @read_only: nothing is written, although its own node may be
 * @writeback: the driver flushes; otherwise each write has to last
 * @discard, @zeroes: were negotiated
 * @serial: of the disk, 20 bytes
 */
struct adjunct_client_config {
	u16 nr_queues;
	bool read_only;
	bool writeback;
	bool discard;
	bool zeroes;
	const char *serial;
};

/** adjunct_attach() - become its client; any thread, once. */
int adjunct_attach(struct adjunct *adj, const struct adjunct_client_ops *ops, void *arg);

/** adjunct_detach() - the reverse; no queue is live. Any thread but the loop's. */
void adjunct_detach(struct adjunct *adj);

/** adjunct_configure() - what holds from the next request on. Any thread. */
void adjunct_configure(struct adjunct *adj, const struct adjunct_client_config *config);

/**
 * adjunct_queue_start() - serve a ring from where it stands.
 * @vq: enabled
 * @kept: heads of chains that were taken and are to be done first
 */
void adjunct_queue_start(struct adjunct *adj, u16 index, const struct virtqueue *vq,
			 const u16 *kept, u16 nr_kept);

/** adjunct_queue_resume() - take from one again that was stopped and could not be drained. */
void adjunct_queue_resume(struct adjunct *adj, u16 index);

/** adjunct_queues_attached() - those that were started and not drained. Any thread. */
u32 adjunct_queues_attached(const struct adjunct *adj);

/** adjunct_queue_stop() - take no more from it. */
void adjunct_queue_stop(struct adjunct *adj, u16 index);

/**
 * adjunct_queues_drain() - wait until nothing is in flight in @queues, which were stopped.
 * @queues: a bit each
 * @ms: at most
 *
 * Any thread but the loop's. 0 or -ETIMEDOUT.
 */
int adjunct_queues_drain(struct adjunct *adj, u32 queues, unsigned int ms);

/**
 * adjunct_queues_end() - the same, and it comes to an end: an adjunct that has not done with
 * them by @ms is started anew, and given up after as long again. Without the VM's lock, if
 * that can be: the loop may be busy with the device.
 */
void adjunct_queues_end(struct adjunct *adj, u32 queues, unsigned int ms);

/**
 * adjunct_queue_left() - what is left of a queue that nobody serves any more.
 * @vq: the same that it was started with
 * @heads: of what was taken and not returned, in their order; room for @vq->size
 * @nr: of these
 *
 * What was returned to the driver is not among them, although the image may not have come to
 * note it. Any thread.
 *
 * Return: the next entry of the used ring.
 */
u16 adjunct_queue_left(const struct adjunct *adj, u16 index, const struct virtqueue *vq,
		       u16 *heads, u16 *nr);

/** adjunct_serve() - have the service thread take what is in a queue. */
void adjunct_serve(struct adjunct *adj, u16 index);

/** adjunct_sync() - flush the device's cache; 0 or -errno. Any thread but the loop's. */
int adjunct_sync(struct adjunct *adj);

/* For vCPUs */

/**
 * adjunct_note() - a driver has kicked queue @index, and this vCPU is to serve it.
 *
 * Under the VM's lock, which is why no more than that is done. False: this thread has no vCPU
 * of the adjunct's, so the service thread has to.
 */
bool adjunct_note(struct adjunct *adj, u16 index);

/**
 * adjunct_serve_noted() - serve what this thread has noted, on its own time.
 *
 * Without the VM's lock: other vCPUs and the monitor go on.
 */
void adjunct_serve_noted(void);

/** adjunct_thread_is() - this thread is that of vCPU @cpu. */
void adjunct_thread_is(unsigned int cpu);

#endif
