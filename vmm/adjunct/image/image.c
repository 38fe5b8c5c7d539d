// SPDX-License-Identifier: GPL-2.0-only
/* What the image does when it is entered; see image.h and enum adjunct_command. */
#include <errno.h>
#include <string.h>

#include "adjunct/image/queue.h"

static struct image image;

void image_reset(void)
{
	memset(&image, 0, sizeof(image));
}

static int init(const struct adjunct_config *config)
{
	struct adjunct_shared *shared = (struct adjunct_shared *)config->shared;
	int ret;

	memory_setup(&image.mem, config);
	ret = nvme_init(&image.nvme, config, &shared->info);
	image.ready = !ret;
	return ret;
}

static int each_queue(const struct adjunct_config *config, struct adjunct_mailbox *box,
		      u32 queues, u64 poll, bool tick)
{
	int ret, first = 0;
	u16 i;

	for (i = 0; i < ADJUNCT_QUEUES; i++) {
		if (!(queues & 1U << i))
			continue;
		ret = queue_serve(&image, i, config, box, poll, tick);
		if (!first)
			first = ret;
	}
	return first;
}

static int run(const struct adjunct_config *config, struct adjunct_mailbox *box, u32 command,
	       u32 queues)
{
	if (command == ADJUNCT_INIT)
		return init(config);
	if (!image.ready)
		return -EAGAIN;
	switch (command) {
	case ADJUNCT_SERVE:
		image_fault(config, queues);
		return each_queue(config, box, queues, config->poll, false);
	case ADJUNCT_REAP:
		return each_queue(config, box, queues, 0, false);
	case ADJUNCT_TICK:
		return each_queue(config, box, queues, 0, true);
	case ADJUNCT_SYNC:
		return image.nvme.nr_queues ? queue_sync(&image, 0, config) : -ENODEV;
	case ADJUNCT_SHUTDOWN:
		return nvme_shutdown(&image.nvme);
	}
	return -ENOSYS;
}

void image_run(const struct adjunct_config *config, struct adjunct_mailbox *box)
{
	box->result = run(config, box, READ_ONCE(box->command), READ_ONCE(box->argument));
}
