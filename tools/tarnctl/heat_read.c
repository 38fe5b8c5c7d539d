// SPDX-License-Identifier: GPL-2.0-only
/* Reading the activity of a partition, see heatmap.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "heatmap.h"

/* Pages a call; the kernel takes up to 2^20. */
#define CHUNK_PAGES (1ULL << 18)

int heat_read(int fd, uint64_t start, uint64_t count, struct heat_sums *sums,
	      struct heatmap *const *maps, unsigned int nr_maps)
{
	uint8_t *buf = malloc(CHUNK_PAGES);
	uint64_t at = start, end = start + count;
	int ret = buf ? 0 : -ENOMEM;
	unsigned int i;

	while (!ret) {
		struct tarn_partition_heat call = {
			.size = sizeof(call),
			.start = at,
			.count = end - at < CHUNK_PAGES ? end - at :
							  CHUNK_PAGES,
			.heat = (uintptr_t)buf,
		};

		if (ioctl(fd, TARN_PARTITION_HEAT, &call)) {
			ret = -errno;
			break;
		}
		memcpy(sums->by_class, call.by_class, sizeof(sums->by_class));
		sums->working_set = call.working_set;
		sums->rounds = call.rounds;
		/* All was read, or the file was made shorter meanwhile. */
		if (!call.count)
			break;
		for (i = 0; !ret && i < nr_maps; i++)
			ret = heatmap_add(maps[i], buf, call.count);
		at += call.count;
	}
	free(buf);
	return ret;
}
