// SPDX-License-Identifier: GPL-2.0-only
/* libFuzzer entry: the input is guest memory with a ring at fixed places. */
#include "../../vmm/lib/iov.c"
#include "../../vmm/mem.c"
#include "../../vmm/virtio/virtqueue.c"
#include "fake_error.h"
#include "ring.h"

#define SIZE 16
#define RAM 0x10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static u8 *ram;
	struct iovec iov[SIZE + VQ_IOV_SPARE];
	struct vq_chain chain = {.iov = iov, .iov_max = ARRAY_SIZE(iov)};
	struct tarn_mem mem = {0};
	struct virtqueue vq;
	size_t i;

	if (!ram)
		ram = malloc(RAM);
	memset(ram, 0, RAM);
	/* Descriptors, then the available ring, then whatever follows. */
	memcpy(ram + RING_DESC, data, min_t(size_t, size, 16 * SIZE));
	if (size > 16 * SIZE)
		memcpy(ram + RING_AVAIL, data + 16 * SIZE,
		       min_t(size_t, size - 16 * SIZE, 6 + 2 * SIZE));
	for (i = 0; i < size; i++)
		ram[RING_TABLE + i % 0x1000] ^= data[i];
	ram_add(&mem, 0, RAM, ram);
	vq_init(&vq, &mem, SIZE);
	vq.desc_gpa = RING_DESC;
	vq.avail_gpa = RING_AVAIL;
	vq.used_gpa = RING_USED;
	vq.indirect = true;
	vq.event_idx = size & 1;
	if (vq_enable(&vq))
		abort();
	while (vq_pop(&vq, &chain) > 0) {
		for (i = 0; i < chain.nr_out + chain.nr_in; i++)
			if ((u8 *)iov[i].iov_base < ram ||
			    (u8 *)iov[i].iov_base + iov[i].iov_len > ram + RAM)
				abort();
		vq_push(&vq, chain.head, 0);
	}
	if (!vq.broken) {
		vq_publish(&vq);
		vq_kick_on(&vq);
	}
	return 0;
}
