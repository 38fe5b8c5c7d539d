// SPDX-License-Identifier: GPL-2.0-only
/* See ring.h. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error.h"
#include "ring.h"

/* Rings of the reserve, and how large each is. */
#define RESERVE_MAX 16
#define RESERVE_ENTRIES 256

/* Rings for loops to come, once no more can be made. */
static struct {
	pthread_mutex_t lock;
	bool sealed;
	unsigned int made;
	unsigned int nr;
	struct io_uring rings[RESERVE_MAX];
} reserve = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Not every liburing exports the functions for what is needed here. */
static int ring_register(struct io_uring *ring, unsigned int op, void *arg,
			 unsigned int nr)
{
	if (syscall(SYS_io_uring_register, ring->ring_fd, op, arg, nr) < 0)
		return -errno;
	return 0;
}

/*
 * The system call filter does not see what a ring is asked to do, so the ring
 * itself refuses whatever opens, connects or renames.
 */
static int ring_restrict(struct io_uring *ring)
{
	static const u8 ops[] = {
		IORING_OP_READ,		IORING_OP_WRITE,
		IORING_OP_READV,	IORING_OP_WRITEV,
		IORING_OP_READ_FIXED,	IORING_OP_WRITE_FIXED,
		IORING_OP_FSYNC,	IORING_OP_FALLOCATE,
		IORING_OP_POLL_ADD,	IORING_OP_POLL_REMOVE,
		IORING_OP_RECVMSG,	IORING_OP_SENDMSG,
		IORING_OP_ASYNC_CANCEL,
	};
	struct io_uring_restriction res[ARRAY_SIZE(ops) + 3];
	unsigned int i;
	int ret;

	memset(res, 0, sizeof(res));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		res[i].opcode = IORING_RESTRICTION_SQE_OP;
		res[i].sqe_op = ops[i];
	}
	res[i].opcode = IORING_RESTRICTION_REGISTER_OP;
	res[i++].register_op = IORING_REGISTER_ENABLE_RINGS;
	res[i].opcode = IORING_RESTRICTION_REGISTER_OP;
	res[i++].register_op = IORING_REGISTER_BUFFERS;
	res[i].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	res[i++].sqe_flags = IOSQE_ASYNC;
	ret = ring_register(ring, IORING_REGISTER_RESTRICTIONS, res, i);
	return ret
		       ?: ring_register(ring, IORING_REGISTER_ENABLE_RINGS,
					NULL, 0);
}

static int ring_make(struct io_uring *ring, unsigned int entries)
{
	/* Completions wait for the loop instead of interrupting it. */
	struct io_uring_params p = {
		.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN,
	};
	int ret = io_uring_queue_init_params(entries, ring, &p);

	if (ret == -EINVAL) {
		p = (struct io_uring_params){.flags = IORING_SETUP_R_DISABLED};
		ret = io_uring_queue_init_params(entries, ring, &p);
	}
	if (ret)
		return ret;
	ret = ring_restrict(ring);
	if (ret)
		io_uring_queue_exit(ring);
	return ret;
}

int ring_seal(unsigned int nr)
{
	int ret = 0;

	pthread_mutex_lock(&reserve.lock);
	while (!ret && reserve.nr < min_t(unsigned int, nr, RESERVE_MAX)) {
		ret = ring_make(&reserve.rings[reserve.nr], RESERVE_ENTRIES);
		if (!ret)
			reserve.nr++;
	}
	reserve.made = reserve.nr;
	WRITE_ONCE(reserve.sealed, true);
	pthread_mutex_unlock(&reserve.lock);
	return ret ? err_errno(ret, "cannot set up an io_uring") : 0;
}

int ring_get(struct io_uring *ring, unsigned int entries)
{
	int ret = -ENOSPC;

	if (!READ_ONCE(reserve.sealed))
		return ring_make(ring, entries);
	pthread_mutex_lock(&reserve.lock);
	if (reserve.nr) {
		*ring = reserve.rings[--reserve.nr];
		ret = 0;
	}
	pthread_mutex_unlock(&reserve.lock);
	return ret;
}

/* Keep a ring that has nothing in flight; false when it is to be closed. */
static bool ring_keep(struct io_uring *ring)
{
	bool kept = false;

	if (!READ_ONCE(reserve.sealed))
		return false;
	pthread_mutex_lock(&reserve.lock);
	if (reserve.nr < RESERVE_MAX) {
		reserve.rings[reserve.nr++] = *ring;
		kept = true;
	}
	pthread_mutex_unlock(&reserve.lock);
	return kept;
}

void ring_put(struct io_uring *ring, bool idle)
{
	if (!idle || !ring_keep(ring))
		io_uring_queue_exit(ring);
}

bool ring_sealed(void)
{
	return READ_ONCE(reserve.sealed);
}

void ring_report(int ret)
{
	if (ret == -ENOSPC && ring_sealed())
		err("no ring is left: at most %u threads can be added to a VMM that runs with -sandbox on",
		    reserve.made);
	else
		err_errno(ret, "cannot set up an io_uring");
}
