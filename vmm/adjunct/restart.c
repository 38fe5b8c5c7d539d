// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing an adjunct up, for the first time or after it has crashed.
 *
 * A restart: nobody is let in, and who is inside leaves; interrupts are off; the function is
 * reset, by which all DMA of before has ended; the image is loaded anew, with its memory
 * zeroed but for the log, and brings the device up. A disk of another size is another disk.
 * Then queues are served again, and the image finds in the log what was in flight and does
 * it once more. The guest sees requests that take longer.
 *
 * An adjunct that crashes again and again, or whose device does not come up any more, is
 * given up: the client fails its requests.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "adjunct/internal.h"
#include "error.h"
#include "vfio/vfio.h"

#define SECOND 1000000000ULL
/* So many restarts in that time are too many. */
#define RESTARTS_NS (10 * SECOND)
/* A device that does not come up is tried so often, and for so long. */
#define RETRY_NS (1 * SECOND)
#define DOWN_NS (30 * SECOND)

static const char *words(int ret)
{
	switch (ret) {
	case -EIO:
		return "the device has failed";
	case -ETIMEDOUT:
		return "the device does not answer";
	case -EREMOTEIO:
		return "the device refuses a command";
	case -ENODEV:
		return "the device does not have this namespace";
	case -EMEDIUMTYPE:
		return "the namespace has metadata, or blocks of more than 4 KiB";
	case -EOPNOTSUPP:
		return "the device wants pages of more than 4 KiB, or has no room for a queue";
	}
	return strerror(-ret);
}

/* The image's own account of the disk, as far as it can be one. */
static int read_disk(struct adjunct *adj, struct adjunct_disk *disk)
{
	struct adjunct_info info;

	memcpy(&info, &adj->shared->info, sizeof(info));
	if (!info.size || info.size % 512 || info.block < 512 || info.block > ADJUNCT_PAGE ||
	    info.block & (info.block - 1) || !info.nr_queues)
		return -EPROTO;
	*disk = (struct adjunct_disk){
		.size = info.size,
		.block = info.block,
		.nr_queues = min_t(u32, info.nr_queues, ADJUNCT_QUEUES),
		.cache = info.features & ADJUNCT_HAS_CACHE,
		.discard = info.features & ADJUNCT_HAS_DISCARD,
		.zeroes = info.features & ADJUNCT_HAS_ZEROES,
		.unmap = info.features & ADJUNCT_ZEROES_UNMAP,
	};
	return 0;
}

static int check_disk(struct adjunct *adj)
{
	struct adjunct_disk disk;
	int ret = read_disk(adj, &disk);

	if (ret)
		return err_errno(ret, "adjunct of '%s'", adj->device);
	if (!adj->started) {
		adj->disk = disk;
		adj->started = true;
		return 0;
	}
	if (disk.size == adj->disk.size && disk.block == adj->disk.block &&
	    disk.nr_queues >= adj->config->nr_queues)
		return 0;
	err("adjunct of '%s': the disk is another one: %llu bytes in blocks of %u, it had %llu in blocks of %u",
	    adj->device, (unsigned long long)disk.size, disk.block,
	    (unsigned long long)adj->disk.size, adj->disk.block);
	return -EMEDIUMTYPE;
}

static int reset_function(struct adjunct *adj)
{
	int ret;

	vfio_function_interrupts(adj->fn, NULL, 0);
	ret = vfio_function_reset(adj->fn);
	/* Without, DMA of before could come into what is used anew. */
	if (ret)
		return ret;
	ret = vfio_function_enable(adj->fn, true);
	return ret ?: vfio_function_interrupts(adj->fn, &adj->irq_fd, 1);
}

int adjunct_up(struct adjunct *adj)
{
	int ret = reset_function(adj);

	if (ret)
		return ret;
	memset(adj->shared, 0, sizeof(*adj->shared));
	adjunct_image_load(&adj->image, adj->memory.hva + adj->map.image);
	ret = adjunct_vm_reset(adj);
	if (ret)
		return ret;
	ret = __adjunct_enter(adjunct_service(adj), ADJUNCT_INIT, 0);
	if (ret == -EFAULT || ret == -ECANCELED)
		return ret;
	if (ret) {
		err("adjunct of '%s': %s", adj->device, words(ret));
		return ret;
	}
	return check_disk(adj);
}

/* The client's requests fail from now on, and the device reaches no memory. */
static void give_up(struct adjunct *adj, const char *why)
{
	err("adjunct of '%s': %s: its requests fail from now on", adj->device, why);
	__atomic_store_n(&adj->failed, 1, __ATOMIC_SEQ_CST);
	vfio_function_interrupts(adj->fn, NULL, 0);
	vfio_function_reset(adj->fn);
	if (adj->ops)
		adj->ops->failed(adj->arg);
	adjunct_wake_waiters(adj);
}

struct end {
	struct adjunct *adj;
	const char *why;
};

static void give_up_in_loop(void *arg)
{
	struct end *end = arg;

	if (adjunct_has_failed(end->adj))
		return;
	adjunct_close_gate(end->adj);
	give_up(end->adj, end->why);
}

void adjunct_give_up(struct adjunct *adj, const char *why)
{
	struct end end = {.adj = adj, .why = why};

	loop_call(adj->loop, give_up_in_loop, &end);
}

static bool too_often(struct adjunct *adj, u64 now)
{
	u64 *oldest = &adj->restarted[adj->restarts++ % ADJUNCT_RESTARTS];
	/* With this one, what has been there since is one less. */
	u64 before = adj->restarts < ADJUNCT_RESTARTS ?
			     0 :
			     adj->restarted[adj->restarts % ADJUNCT_RESTARTS];

	*oldest = now;
	return before && now - before < RESTARTS_NS;
}

/*
 * What was kicked meanwhile, and what is in flight. The image before may have returned chains
 * and not come to say so: an interrupt too many makes the driver look, one too few makes it
 * wait for ever.
 */
static void serve_all(struct adjunct *adj)
{
	u32 queues = adj->attached;
	u16 i;

	if (!queues)
		return;
	adjunct_enter(adjunct_service(adj), ADJUNCT_SERVE, queues);
	for (i = 0; queues; i++, queues >>= 1)
		if (queues & 1)
			adj->ops->notify(adj->arg, i);
}

static void bring_up(struct adjunct *adj)
{
	u64 now = loop_now();
	int ret = adjunct_up(adj);

	if (!ret) {
		adj->down_since = 0;
		adjunct_open_gate(adj);
		serve_all(adj);
		return;
	}
	if (!adj->down_since)
		adj->down_since = now;
	if (ret == -EMEDIUMTYPE || now - adj->down_since >= DOWN_NS)
		give_up(adj, "it does not come up again");
	else
		loop_timer_set(adj->retry, now + RETRY_NS);
}

static void restart(struct loop_work *work)
{
	struct adjunct *adj = container_of(work, struct adjunct, restart_work);

	if (adjunct_has_failed(adj))
		return;
	adjunct_close_gate(adj);
	if (too_often(adj, loop_now()))
		give_up(adj, "it has crashed too often");
	else
		bring_up(adj);
}

static void retry(void *arg)
{
	struct adjunct *adj = arg;

	if (!adjunct_has_failed(adj))
		bring_up(adj);
}

void adjunct_crashed(struct adjunct *adj, const char *fmt, ...)
{
	char why[160];
	va_list ap;

	/* The first one tells. */
	if (__atomic_exchange_n(&adj->closed, 1, __ATOMIC_SEQ_CST))
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	warn("adjunct of '%s': %s: it is started anew", adj->device, why);
	loop_post(adj->loop, &adj->restart_work);
}

static void on_error(void *arg)
{
	struct adjunct *adj = arg;

	adjunct_crashed(adj, "the host tells of an error of the device");
}

int adjunct_restart_start(struct adjunct *adj)
{
	adj->restart_work.fn = restart;
	adj->retry = loop_timer_add(adj->loop, retry, adj);
	adj->err_event = loop_event_add(adj->loop, adj->err_fd, on_error, adj);
	return adj->retry && adj->err_event ? 0 : -ENOMEM;
}

void adjunct_restart_stop(struct adjunct *adj)
{
	loop_work_cancel(adj->loop, &adj->restart_work);
	if (adj->retry)
		loop_timer_del(adj->retry);
	if (adj->err_event)
		loop_event_del(adj->err_event);
	adj->retry = NULL;
	adj->err_event = NULL;
}
