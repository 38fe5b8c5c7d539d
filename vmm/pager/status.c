// SPDX-License-Identifier: GPL-2.0-only
/* See status.h. */
#include "status.h"
#include "attach.h"
#include "devices.h"
#include "log.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/tarn_pager.h>

static struct {
	struct attachment *at;
	struct devices *devices;
	int fd;
	/* A store got ENOSPC: the module takes us for full until told. */
	atomic_bool refused;
	bool sent;
	struct status_report last;
} status = { .fd = -1 };

int status_init(struct attachment *at, struct devices *devices)
{
	status.at = at;
	status.devices = devices;
	status.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return status.fd < 0 ? -errno : 0;
}

/* Readable when status_refresh() is due. */
int status_fd(void)
{
	return status.fd;
}

void status_poke(void)
{
	const u64 one = 1;

	/* EAGAIN: poked enough. */
	if (write(status.fd, &one, sizeof(one)) < 0)
		return;
}

/* A store is being answered with ENOSPC. */
void status_note_full(void)
{
	if (!atomic_exchange(&status.refused, true))
		status_poke();
}

/* Slots were freed; the module may be waiting to hear of it. */
void status_note_room(void)
{
	if (atomic_load_explicit(&status.refused, memory_order_relaxed))
		status_poke();
}

const struct status_report *status_current(void)
{
	return &status.last;
}

static void log_change(const struct status_report *now)
{
	if (now->full != status.last.full)
		log_at(now->full ? LOG_WARNING : LOG_INFO,
		       now->full ? "no room: %llu of %llu pages used" :
				   "room again: %llu of %llu pages used",
		       (unsigned long long)now->used,
		       (unsigned long long)now->capacity);
	if (now->degraded != status.last.degraded)
		log_at(now->degraded ? LOG_WARNING : LOG_INFO,
		       now->degraded ? "degraded" : "no longer degraded");
}

/* Tell the module, if there is news. For the main thread. */
void status_refresh(void)
{
	struct status_report now = {};
	struct device_totals totals;
	struct device *dev;
	unsigned int i;
	bool refused;
	u32 flags = 0;
	u64 count;
	int ret;

	/* EAGAIN: it was the second that passed. */
	if (read(status.fd, &count, sizeof(count)) < 0)
		count = 0;
	devices_for_each(status.devices, dev, i) {
		device_retry_space(dev);
		device_retry_stamp(dev);
	}
	refused = atomic_exchange(&status.refused, false);
	devices_sum(status.devices, &totals);
	report_decide(&totals, status.last.full, refused, &now);
	if (now.full && refused)
		atomic_store(&status.refused, true);
	if (status.sent && !refused &&
	    now.full == status.last.full && now.degraded == status.last.degraded &&
	    now.capacity == status.last.capacity && now.used == status.last.used)
		return;
	if (now.full)
		flags |= TARN_PAGER_IS_FULL;
	if (now.degraded)
		flags |= TARN_PAGER_IS_DEGRADED;
	ret = attach_status(status.at, flags, now.capacity, now.used);
	if (ret)
		log_limited(LOG_ERR, "can't report the status: %s",
			    strerror(-ret));
	log_change(&now);
	status.last = now;
	status.sent = !ret;
}
