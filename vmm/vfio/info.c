// SPDX-License-Identifier: GPL-2.0-only
/* See info.h. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vfio/info.h"

/* A kernel that wants more than this for an answer is not understood. */
#define INFO_MAX 65536U

/* All of these structures begin with it. */
static u32 *argsz(void *info)
{
	return info;
}

int vfio_info_get(int fd, unsigned long request, const void *question,
		  size_t size, void **info)
{
	u32 room = size, wanted;
	void *buf;
	int ret;

	for (;;) {
		buf = calloc(1, room);
		if (!buf)
			return -ENOMEM;
		memcpy(buf, question, size);
		*argsz(buf) = room;
		ret = ioctl(fd, request, buf) ? -errno : 0;
		wanted = *argsz(buf);
		if (ret || wanted <= room)
			break;
		free(buf);
		if (wanted > INFO_MAX)
			return -E2BIG;
		room = wanted;
	}
	if (ret) {
		free(buf);
		return ret;
	}
	*argsz(buf) = room;
	*info = buf;
	return 0;
}

const void *vfio_info_cap(const void *info, u32 first, u16 id, size_t size)
{
	const u32 room = *(const u32 *)info;
	const struct vfio_info_cap_header *cap;
	u32 at = first;
	unsigned int left;

	/* A chain that bites its tail has no more links than fit. */
	for (left = room / sizeof(*cap); at && left; left--) {
		if (at % sizeof(u32) || at > room - sizeof(*cap))
			return NULL;
		cap = (const void *)((const u8 *)info + at);
		if (cap->id == id)
			return size <= room - at ? cap : NULL;
		at = cap->next;
	}
	return NULL;
}

size_t vfio_info_room(const void *info, const void *from)
{
	const size_t at = (const u8 *)from - (const u8 *)info;

	return *(const u32 *)info - at;
}
