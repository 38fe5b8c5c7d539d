/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of this folder share.
 *
 * Entering. A vCPU of the adjunct is entered by the one thread that it belongs to. Whoever
 * changes something under all of them (restart.c) closes the gate, sends out who is inside
 * and waits for them: who enters sets @inside and then looks at @closed, who closes sets
 * @closed and then looks at @inside, so that one of the two sees the other. What an entry has
 * to tell the client it tells while it is inside.
 *
 * Life. A vCPU notes an adjunct under the VM's lock and serves it without: it holds a
 * reference in between (@users), and the adjunct and its client wait for that to go before
 * they do. Who holds one takes no lock that could be held over this wait.
 *
 * Locks: @lock of an adjunct is a leaf: it covers waiting for vCPUs and queues, nothing is
 * called with it held. All else belongs to the loop, or does not change after the start.
 */
#ifndef TARN_ADJUNCT_INTERNAL_H
#define TARN_ADJUNCT_INTERNAL_H

#include <pthread.h>

#include "adjunct/adjunct.h"
#include "adjunct/layout.h"
#include "loop.h"

struct iothread;
struct kvm_run;
struct tarn_mem;
struct vfio_function;

#define ADJUNCT_MEMORY_MIN MIB(2)
#define ADJUNCT_MEMORY_MAX MIB(64)
#define ADJUNCT_SEGMENTS 8
#define ADJUNCT_ANY_QUEUE 0xffffffffU
#define ADJUNCT_RESTARTS 3

/**
 * struct adjunct_settings - of -object tarn-adjunct, or what holds without.
 * @id: NULL: nobody's
 * @device: the function that they are for
 * @donated: dispatch=donated
 * @poll_us: how long an entry waits for the device
 * @budget: chains that an entry takes from a queue
 * @memory: bytes of its memory
 * @image: file, NULL: the one that comes with the VMM
 * @watchdog_ms: CPU time of an entry at most
 */
struct adjunct_settings {
	char *id;
	char *device;
	bool donated;
	u32 poll_us;
	u32 budget;
	u64 memory;
	char *image;
	u32 watchdog_ms;
	struct adjunct_settings *next;
};

/**
 * struct adjunct_memory - memory that is the adjunct's alone.
 * @fd: behind it
 * @hva: where it is mapped
 * @size: in bytes
 * @donated: taken off the guest's RAM
 */
struct adjunct_memory {
	int fd;
	u8 *hva;
	u64 size;
	bool donated;
};

/**
 * struct adjunct_map - what lies where, see layout.h. Offsets from @base.
 * @base: physical address of the memory, and its IOVA
 * @bar: physical address of BAR 0
 * @tables, @nr_tables: pages for page tables
 * @dma: from there to the end it is mapped for DMA
 */
struct adjunct_map {
	u64 base;
	u64 bar;
	u64 bar_size;
	u64 log;
	u64 image;
	u64 stacks;
	u64 gdt;
	u64 tables;
	u64 nr_tables;
	u64 dma;
	u64 bounce;
	u64 size;
};

/** struct adjunct_segment - of the image, in pages of its own. */
struct adjunct_segment {
	u64 off; /* from ADJUNCT_IMAGE_VA */
	u64 size;
	bool write;
	bool exec;
};

/**
 * struct adjunct_image - the file, kept to be loaded again.
 * @data, @len: all of it
 * @entry: virtual address
 */
struct adjunct_image {
	u8 *data;
	u64 len;
	u64 entry;
	unsigned int nr;
	struct adjunct_segment segment[ADJUNCT_SEGMENTS];
};

/**
 * struct adjunct_cpu - a vCPU of the adjunct's.
 * @fd, @run: KVM's
 * @thread: who was the last to enter
 * @queues: what it was entered for
 * @inside: is entered, or about to be
 * @evict: the entry that has to leave; never less than it was
 * @slow: may take as long as a controller does to get ready
 * @entries: counted, which numbers them; those that the gate let in are @dispatches
 * @seen, @seen_ns: the watchdog's: the entry that it saw, and the thread's CPU time then
 */
struct adjunct_cpu {
	struct adjunct *adj;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	u32 queues;
	u32 inside;
	u32 slow;
	u64 evict;
	u64 entries;
	u64 dispatches;
	u64 requests;
	u64 ns;
	u64 seen;
	u64 seen_ns;
} __attribute__((aligned(64)));

/**
 * struct adjunct - see adjunct.h.
 * @settings: how it is to be
 * @fn: the function
 * @irq_fd: its interrupt
 * @err_fd: what PCI Express tells of it
 * @config, @shared: in its memory
 * @huge: its page tables have pages of 1 GiB
 * @nr_client: vCPUs that threads of the client's dispatch; one more is the loop's
 * @closed: nobody may enter
 * @failed: for good
 * @ops, @arg: the client's
 * @attached: queues that are served, a bit each
 * @users: threads of vCPUs that have noted it and not served it yet
 * @more, @broken: queues, from whoever was inside to the loop
 * @waiting: somebody waits for vCPUs or queues to be done
 * @watch: the watchdog's thread
 * @watching: it looks
 */
struct adjunct {
	struct adjunct_settings settings;
	char *node;
	char *device;
	u32 namespace;
	bool read_only;
	struct vfio_function *fn;
	int irq_fd;
	int err_fd;
	struct adjunct_memory memory;
	struct adjunct_map map;
	struct adjunct_image image;
	struct adjunct_config *config;
	struct adjunct_shared *shared;
	struct adjunct_disk disk;
	bool started;
	bool huge;

	int vm_fd;
	struct tarn_mem *mem;
	u64 tsc_khz;
	unsigned int nr_client;
	struct adjunct_cpu cpu[ADJUNCT_CPUS];

	struct iothread *thread;
	struct loop *loop;
	const struct adjunct_client_ops *ops;
	void *arg;
	u32 attached;
	u32 users;

	u32 closed;
	u32 failed;
	u32 more;
	u32 broken;
	struct loop_work told_work;

	/* Waiting for interrupts (reap.c) */
	struct loop_work reap_work;
	struct loop_op irq_op;
	struct loop_timer *tick;
	struct loop_event *err_event;
	bool armed;   /* polls the interrupt; the loop changes both */
	bool ticking; /* the timer is set */

	/* Restarts (restart.c) */
	struct loop_work restart_work;
	struct loop_timer *retry;
	u64 restarts;
	u64 restarted[ADJUNCT_RESTARTS];
	u64 down_since; /* 0: it is up */

	pthread_mutex_t lock;
	pthread_cond_t cond;
	u32 waiting;

	pthread_t watch;
	bool has_watch;
	bool watch_end;
	u32 watching;
	pthread_cond_t watch_cond;

	struct adjunct *next;
};

/* The vCPU of the service thread. */
static inline struct adjunct_cpu *adjunct_service(struct adjunct *adj)
{
	return &adj->cpu[adj->nr_client];
}

static inline struct adjunct_log *adjunct_log(const struct adjunct *adj, u16 index)
{
	return (struct adjunct_log *)(adj->memory.hva + adj->map.log) + index;
}

/* adjunct.c */

/** adjunct_forget_machine() - adjuncts can be made for another one. For tests. */
void adjunct_forget_machine(void);

/* settings.c */

/** adjunct_settings_get() - a copy of those for @device, or of the defaults. */
int adjunct_settings_get(const char *device, struct adjunct_settings *settings);
void adjunct_settings_free(struct adjunct_settings *settings);

/* memory.c */

/** adjunct_memory_get() - of the end of the guest's RAM, or, where that is in no pool, any. */
int adjunct_memory_get(struct adjunct_memory *memory, u64 size, struct tarn_mem *mem);
void adjunct_memory_put(struct adjunct_memory *memory);

/* map.c */

/** adjunct_map_make() - lay the memory out behind the guest's RAM. */
int adjunct_map_make(struct adjunct *adj, const struct tarn_mem *mem);

/* tables.c */

/** adjunct_tables_count() - pages that the page tables take. */
u64 adjunct_tables_count(const struct tarn_mem *mem, u64 size, bool huge);
/** adjunct_tables_make() - write them, and the descriptor table. */
void adjunct_tables_make(struct adjunct *adj);

/* image.c */

/** adjunct_image_open() - read and check the image @path; NULL: the usual one. */
int adjunct_image_open(struct adjunct_image *image, const char *path);
/** adjunct_image_check() - the same for bytes that are there; 0 or -EINVAL, reported. */
int adjunct_image_check(struct adjunct_image *image);
/** adjunct_image_load() - put it where it runs, as if it never had. */
void adjunct_image_load(const struct adjunct_image *image, u8 *to);
void adjunct_image_close(struct adjunct_image *image);

/* vm.c */

/** adjunct_vm_huge() - whether its vCPUs have pages of 1 GiB. 1, 0 or -errno. */
int adjunct_vm_huge(struct vm *vm);
int adjunct_vm_create(struct adjunct *adj, struct vm *vm);
/** adjunct_vm_reset() - all vCPUs at the entry of the image. None is inside. */
int adjunct_vm_reset(struct adjunct *adj);
void adjunct_vm_destroy(struct adjunct *adj);

/* dispatch.c */

/** adjunct_dispatch_init() - once, before the first vCPU is entered. */
int adjunct_dispatch_init(void);

/**
 * adjunct_enter() - have @cpu carry out a command; its own thread.
 *
 * With the gate closed nothing happens. What the image says of queues is passed on.
 *
 * Return: the command's result; -EAGAIN when nothing happened, -EFAULT when the image
 * has crashed, which has been told to adjunct_crashed().
 */
int adjunct_enter(struct adjunct_cpu *cpu, u32 command, u32 argument);

/** __adjunct_enter() - the same past the gate, and a crash is just returned. Loop. */
int __adjunct_enter(struct adjunct_cpu *cpu, u32 command, u32 argument);

/** adjunct_close_gate() - let nobody in, and have who is inside leave. Loop. */
void adjunct_close_gate(struct adjunct *adj);
void adjunct_open_gate(struct adjunct *adj);

/** adjunct_anybody_inside() - whether a vCPU is entered, for one of @queues. */
bool adjunct_anybody_inside(struct adjunct *adj, u32 queues);

/** adjunct_wait_unused() - until no vCPU has noted it. Nobody can note it any more. */
void adjunct_wait_unused(struct adjunct *adj);

/** adjunct_evict() - have @cpu leave, if it is in its entry number @entry. Any thread. */
void adjunct_evict(struct adjunct_cpu *cpu, u64 entry);

/** adjunct_wake_waiters() - something has become idle, perhaps. */
void adjunct_wake_waiters(struct adjunct *adj);

/* watchdog.c */

int adjunct_watchdog_start(struct adjunct *adj);
void adjunct_watchdog_stop(struct adjunct *adj);
/** adjunct_watchdog_wake() - somebody is inside. */
void adjunct_watchdog_wake(struct adjunct *adj);

/* reap.c */

int adjunct_reap_start(struct adjunct *adj);
/** adjunct_reap_stop() - wait for nothing any more. Loop. */
void adjunct_reap_stop(struct adjunct *adj);
/** adjunct_reap() - the device has something to do: wait for its interrupt. Any thread. */
void adjunct_reap(struct adjunct *adj);

/* queue.c */

/** adjunct_tell() - pass on what was told of queues. Loop. */
void adjunct_tell(struct loop_work *work);

/* restart.c */

/** adjunct_up() - reset the function, load the image, have it bring the function up. Loop. */
int adjunct_up(struct adjunct *adj);
/** adjunct_crashed() - it has to be started anew. Any thread. */
void adjunct_crashed(struct adjunct *adj, const char *fmt, ...) __printf(2, 3);
/** adjunct_give_up() - start it anew no more: its requests fail. Any thread but the loop's. */
void adjunct_give_up(struct adjunct *adj, const char *why);
/* Not in the loop, which is confined; it may be up already. */
int adjunct_restart_start(struct adjunct *adj);
/** adjunct_restart_stop() - start it anew no more. Loop. */
void adjunct_restart_stop(struct adjunct *adj);

#endif
