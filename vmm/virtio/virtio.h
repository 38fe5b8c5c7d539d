/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtio device model: what a device (blk.c, net.c, ...) is to a transport
 * (virtio-pci.c) and the other way round. Neither sees the other's structures. A
 * device owns its queues' contents and its configuration space; feature
 * negotiation, status, queue set-up and the passing of kicks and interrupts
 * are done here once for all.
 *
 * Threads. Registers are accessed under the VM's lock. A device's queues run
 * in its loop, that of an iothread; where vhost serves them, they are set up and taken
 * down there. @start, @stop, @kick and @queue_stop are called in that loop's
 * thread or while it cannot run, so what they share needs no lock. What a
 * driver asks for and must be complete when the register write returns (reset,
 * queue reset) first stops the queue there and then waits in @drain, in the
 * caller's thread, for requests in flight.
 *
 * An iothread may wait for a page of the guest for as long as nobody brings it.
 * Whoever waits for the iothread has let go of the VM's lock meanwhile (wait.h): a
 * vCPU, while accesses of others to registers of that device wait, too
 * (virtio_access_begin()), or the worker, while no vCPU runs. The same goes for
 * queues that are set up or taken down, as their rings are pinned then.
 */
#ifndef TARN_VIRTIO_VIRTIO_H
#define TARN_VIRTIO_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "loop.h"
#include "partition.h"
#include "virtio/virtqueue.h"

#define VIRTIO_NO_VECTOR 0xffff

/* Descriptors, available ring, used ring. */
#define VIRTIO_QUEUE_AREAS 3

/*
 * Chains that a queue may take in one turn of its loop. A driver can add them
 * as fast as they are taken, and others want the thread, too.
 */
#define VIRTIO_BUDGET 256

struct opts;
struct state_in;
struct state_out;
struct virtio_dev;
struct vm;

/**
 * struct virtio_queue - a queue of a device.
 * @vq: the ring
 * @dev: whose it is
 * @index: its number
 * @vector: where the transport sends its interrupts
 * @enabled: the driver enabled it
 * @live: the device may take from it; changes in the loop's thread only
 * @kick_fd: an eventfd that the driver's notifications arrive at
 */
struct virtio_queue {
	struct virtqueue vq;
	struct virtio_dev *dev;
	u16 index;
	u16 vector;
	bool enabled;
	bool live;
	int kick_fd;
	/* private: */
	struct loop_event *kick_event;
	struct loop_work again;
	u16 budget; /* left in this turn */
	struct partition_area areas[VIRTIO_QUEUE_AREAS];
};

/**
 * struct virtio_dev_ops - a type of device. Instances are static const.
 * @name: for messages
 * @id: VIRTIO_ID_*
 * @external_kick: queues whose kicks are not for the VMM (vhost); optional
 * @doorbell: the driver kicks a queue of a device with @doorbells: in the thread of the
 *	      vCPU, under the VM's lock; optional
 * @config_read: called before the driver reads the configuration; optional
 * @config_write: the driver writes [@off, @off + @len) of the configuration,
 *		  all inside; the device stores what may be written. Optional.
 * @start: the driver is ready (DRIVER_OK), @dev->features are final. Every
 *	   live queue gets a @kick afterwards.
 * @stop: no queue is live any more; optional
 * @queue_start: one queue becomes live again while the others go on; optional
 * @queue_stop: one queue ceased to be live while the others go on; optional
 * @vector_changed: interrupts of @q go elsewhere from now on, for a device that
 *		    does not send them itself. Under the VM's lock, which it may let
 *		    go of; optional.
 * @drain: wait until requests of @q (NULL: of all queues) in flight are
 *	   complete. Called outside the loop's thread, after @stop or
 *	   @queue_stop. What hangs is made to fail with @give_up, else it is
 *	   left and the result is -ETIMEDOUT, reported. Optional for devices
 *	   that finish requests at once.
 * @kick: take what is in @q, as virtio_pop() gives it
 * @reset: forget what the driver set; called after @stop and @drain
 * @version: of what @save writes
 * @save: write the fields of this type of device; it is stopped. Optional.
 * @load: the reverse
 * @destroy: release the device, its structure included
 */
struct virtio_dev_ops {
	const char *name;
	u16 id;
	bool (*external_kick)(struct virtio_dev *dev, u16 index);
	void (*doorbell)(struct virtio_dev *dev, struct virtio_queue *q);
	void (*config_read)(struct virtio_dev *dev);
	void (*config_write)(struct virtio_dev *dev, u32 off, const void *buf,
			     u32 len);
	int (*start)(struct virtio_dev *dev);
	void (*stop)(struct virtio_dev *dev);
	int (*queue_start)(struct virtio_dev *dev, struct virtio_queue *q);
	void (*queue_stop)(struct virtio_dev *dev, struct virtio_queue *q);
	void (*vector_changed)(struct virtio_dev *dev, struct virtio_queue *q);
	int (*drain)(struct virtio_dev *dev, struct virtio_queue *q,
		     bool give_up);
	void (*kick)(struct virtio_dev *dev, struct virtio_queue *q);
	void (*reset)(struct virtio_dev *dev);
	u32 version;
	int (*save)(struct virtio_dev *dev, struct state_out *out);
	int (*load)(struct virtio_dev *dev, struct state_in *in, u32 version);
	void (*destroy)(struct virtio_dev *dev);
};

/**
 * struct virtio_transport_ops - what a device may ask of its transport.
 * @notify_queue: interrupt the driver for @q. Any thread.
 * @notify_config: interrupt it for a change of status or configuration. Any
 *		   thread.
 * @vector_fd: an eventfd that raises the interrupt of @q without the VMM, or
 *	       -errno when there is none
 */
struct virtio_transport_ops {
	void (*notify_queue)(struct virtio_queue *q);
	void (*notify_config)(struct virtio_dev *dev);
	int (*vector_fd)(struct virtio_queue *q);
};

/**
 * struct virtio_dev - a device. Embed it.
 * @ops: its type
 * @vm: the machine
 * @loop: where its queues run
 * @transport: set by the transport
 * @transport_data: the transport's own
 * @host_features: what is offered
 * @features: what was negotiated
 * @status: VIRTIO_CONFIG_S_*; changed atomically
 * @config: configuration space, little endian, owned by the device
 * @config_len: its size
 * @config_gen: counts changes of @config
 * @queues: the queues
 * @nr_queues: their number
 * @started: between @start and @stop
 * @doorbells: kicks come to @doorbell and not by @kick_fd; set before a transport takes it
 * @accessed: a vCPU is at its registers, and may be waiting without the lock
 * @paused: stopped by the machine, not by the driver
 * @loaded: restored, and not resumed since
 */
struct virtio_dev {
	const struct virtio_dev_ops *ops;
	struct vm *vm;
	struct loop *loop;
	const struct virtio_transport_ops *transport;
	void *transport_data;
	u64 host_features;
	u64 features;
	u8 status;
	u8 config_gen;
	void *config;
	u32 config_len;
	struct virtio_queue *queues;
	u16 nr_queues;
	bool started;
	bool doorbells;
	bool accessed;
	bool paused;
	bool loaded;
};

static inline bool virtio_has(const struct virtio_dev *dev, unsigned int bit)
{
	return dev->features & (1ULL << bit);
}

static inline struct virtio_queue *to_virtio_queue(struct virtqueue *vq)
{
	return container_of(vq, struct virtio_queue, vq);
}

/* For devices */

/**
 * virtio_dev_init() - set up the common part.
 * @dev: with @host_features, @config and @config_len to be set by the caller
 *	 before a transport takes it
 * @loop: the loop of its queues, NULL for the main loop
 * @nr_queues: their number
 * @queue_size: largest size of each, a power of two up to VQ_SIZE_MAX
 *
 * The features that virtqueue.c implements are offered by itself.
 */
int virtio_dev_init(struct virtio_dev *dev, struct vm *vm,
		    const struct virtio_dev_ops *ops, struct loop *loop,
		    u16 nr_queues, u16 queue_size);
void virtio_dev_exit(struct virtio_dev *dev);

/** virtio_notify() - interrupt the driver for @q if it wants that. */
void virtio_notify(struct virtio_queue *q);

/**
 * virtio_break() - the driver did what cannot be answered: NEEDS_RESET.
 *
 * In the loop's thread or under the VM's lock. Reports @why in the guest's name
 * and stops all queues.
 */
void virtio_break(struct virtio_dev *dev, const char *why);

/**
 * virtio_call() - run @fn(@arg) where the queues of @dev run, and wait.
 *
 * For what a device sets up or takes down there. Under the VM's lock, which the
 * caller may let go of meanwhile.
 */
void virtio_call(struct virtio_dev *dev, void (*fn)(void *arg), void *arg);

/**
 * virtio_pop() - vq_pop() for a live queue; a broken ring breaks the device.
 *
 * Return: 1 with a chain; 0 when there is none, or when the queue has had its
 * share of this turn, in which case it is kicked again in the next one.
 */
int virtio_pop(struct virtio_queue *q, struct vq_chain *chain);

/** virtio_unpop() - put the chain that was just taken back, unused. */
void virtio_unpop(struct virtio_queue *q);

/**
 * virtio_kick_on() - vq_kick_on() for a live queue that has a share left.
 *
 * Return: true when the caller has to look again.
 */
bool virtio_kick_on(struct virtio_queue *q);

/** virtio_kick_loop() - have the loop's thread kick @q. Any thread. */
void virtio_kick_loop(struct virtio_queue *q);

/** virtio_again() - kick @q in the next turn of its loop. In its thread. */
void virtio_again(struct virtio_queue *q);

/** virtio_config_changed() - tell the driver to read @config again. */
void virtio_config_changed(struct virtio_dev *dev);

/* For transports; all under the VM's lock */

/**
 * virtio_access_begin() - a vCPU accesses registers, one at a time.
 *
 * Everything below that a driver asks for may let go of the VM's lock and take
 * it again until virtio_access_end().
 */
void virtio_access_begin(struct virtio_dev *dev);
void virtio_access_end(struct virtio_dev *dev);

void virtio_reset(struct virtio_dev *dev);
/** virtio_set_status() - the driver wrote @status, never 0. */
void virtio_set_status(struct virtio_dev *dev, u8 status);
/** virtio_set_features() - the driver accepts @features. */
void virtio_set_features(struct virtio_dev *dev, u64 features);
/** virtio_vector_changed() - vector_fd() of @q has another answer. */
void virtio_vector_changed(struct virtio_queue *q);
/** virtio_queue_enable() - the driver set the queue up and wants it used. */
void virtio_queue_enable(struct virtio_queue *q);
void virtio_queue_reset(struct virtio_queue *q);
/** virtio_kick() - a notification that did not come through @kick_fd. */
void virtio_kick(struct virtio_queue *q);
void virtio_config_read(struct virtio_dev *dev, u32 off, void *buf, u32 len);
void virtio_config_write(struct virtio_dev *dev, u32 off, const void *buf,
			 u32 len);
/** virtio_pause() - 0, or -errno, reported: it goes on as before. */
int virtio_pause(struct virtio_dev *dev);
void virtio_resume(struct virtio_dev *dev);
int virtio_save(struct virtio_dev *dev, struct state_out *out);
int virtio_load(struct virtio_dev *dev, struct state_in *in);
void virtio_destroy(struct virtio_dev *dev);

#endif
