/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all devices have in common: a name, a place in the machine's list and
 * the operations on the machine as a whole. Buses embed struct device (struct
 * pci_device does), devices embed their bus's structure.
 *
 * Also the table of what -device can make: device_classes[] in devices.c, one
 * explicit array, no registration by constructors.
 */
#ifndef TARN_DEVICE_H
#define TARN_DEVICE_H

#include <sys/queue.h>

#include "lib/types.h"

struct device;
struct opts;
struct state_in;
struct state_out;
struct vm;

/**
 * struct device_ops - what the machine asks of a device. All are called by the
 * worker under the VM's lock, with every vCPU stopped, or before and after the main
 * loop runs. Where they wait the worker lets go of the lock (wait.h). All but
 * @destroy may be NULL.
 * @name: type of the device, as in -device
 * @reset: back to the state after power-on; also called once before first use
 * @pause: finish or park what is in flight; afterwards the device touches no
 *	   guest memory until @resume. -errno refuses.
 * @resume: undo @pause
 * @version: of the saved fields
 * @save: write all guest-visible state; the device is paused
 * @load: the reverse, on a device that was just reset. A device without @save
 *	  and @load makes the whole machine refuse to be saved, by its name.
 * @destroy: release everything, the structure included
 */
struct device_ops {
	const char *name;
	void (*reset)(struct device *dev);
	int (*pause)(struct device *dev);
	void (*resume)(struct device *dev);
	u32 version;
	int (*save)(struct device *dev, struct state_out *out);
	int (*load)(struct device *dev, struct state_in *in, u32 version);
	void (*destroy)(struct device *dev);
};

/**
 * struct device - the part that every device has.
 * @ops: its operations
 * @vm: the machine
 * @id: from id=, or NULL
 * @link: in vm->devices, in the order of creation
 */
struct device {
	const struct device_ops *ops;
	struct vm *vm;
	char *id;
	TAILQ_ENTRY(device) link;
};

TAILQ_HEAD(device_list, device);

/**
 * device_init() - fill in @dev and put it at the end of the machine's list.
 * @id: copied, may be NULL
 */
int device_init(struct device *dev, struct vm *vm, const struct device_ops *ops,
		const char *id);

/** device_remove() - undo device_init(). */
void device_remove(struct device *dev);

/** device_find() - by id, or NULL. */
struct device *device_find(struct vm *vm, const char *id);

/**
 * struct device_class - something that -device can make.
 * @name: first word of -device
 * @help: one line
 * @props: what it takes beside driver= and id=, with blanks between. It is
 *	   checked before @create runs and is what monitors tell.
 * @pci: it sits on pci.0, so it takes bus= and addr=, too, and can be plugged in
 *	 and out
 * @create: makes it from @opts, which it must use up completely: an option
 *	    that nobody asked for is reported by name and is an error
 */
struct device_class {
	const char *name;
	const char *help;
	const char *props;
	bool pci;
	int (*create)(struct vm *vm, struct opts *opts);
};

/* What every device on pci.0 takes, and virtio's transport there. */
#define DEVICE_PCI_PROPS "bus addr vectors"

extern const struct device_class device_classes[];
extern const unsigned int nr_device_classes;

/** device_class_find() - by the name of -device, or NULL. */
const struct device_class *device_class_find(const char *name);

/** device_class_has() - whether the class has the property @prop. */
bool device_class_has(const struct device_class *class, const char *prop);

/** device_create() - make what a -device option describes. */
int device_create(struct vm *vm, struct opts *opts);

#endif
