/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page of the machine of machine.h that has been paged out while nobody brings it,
 * and whether the machine answers meanwhile. userfaultfd is the one who does not.
 */
#ifndef TARN_UNIT_PAGED_H
#define TARN_UNIT_PAGED_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <semaphore.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "tap.h"

#define PAGED 0x400000ULL
#define PAGE_SIZE 4096ULL

static int uffd = -1;

/*
 * Far more than an answer takes, and less than a wait that has no end. What it took
 * is printed.
 */
static inline unsigned int limit_seconds(void)
{
	const char *slow = getenv("TARN_SLOW");

	return 10 * (slow ? atoi(slow) : 1);
}

static inline struct timespec limit(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += limit_seconds();
	return ts;
}

static inline bool comes(sem_t *sem)
{
	struct timespec ts = limit();

	return !sem_timedwait(sem, &ts);
}

/* Whoever comes to it waits there until the test lets it go. */
struct gate {
	bool shut;
	sem_t come;
	sem_t open;
};

static inline void gate_pass(struct gate *g)
{
	if (!READ_ONCE(g->shut))
		return;
	sem_post(&g->come);
	while (sem_wait(&g->open))
		;
}

static inline void gate_open(struct gate *g)
{
	WRITE_ONCE(g->shut, false);
	sem_post(&g->open);
}

static inline void say_time(const char *what, u64 start)
{
	printf("# %s after %llu us\n", what,
	       (unsigned long long)(loop_now() - start) / 1000);
}

/* A vCPU's exit and a monitor's command need that much. */
static inline bool lock_is_free(void)
{
	struct timespec ts = limit();
	u64 start = loop_now();

	if (pthread_mutex_timedlock(&vm.lock, &ts))
		return false;
	vm_unlock(&vm);
	say_time("the lock", start);
	return true;
}

struct answer {
	struct loop_work work;
	sem_t sem;
};

static inline void answer(struct loop_work *work)
{
	sem_post(&container_of(work, struct answer, work)->sem);
}

static inline bool main_loop_answers(void)
{
	/* Stays where it is: the loop may come to it after this has given up. */
	struct answer *a = calloc(1, sizeof(*a));
	u64 start = loop_now();
	bool ok;

	a->work.fn = answer;
	sem_init(&a->sem, 0, 0);
	loop_post(vm.loop, &a->work);
	ok = comes(&a->sem);
	if (!ok)
		return false;
	say_time("an answer", start);
	free(a);
	return true;
}

static inline bool fault_comes(void)
{
	struct pollfd p = {.fd = uffd, .events = POLLIN};
	struct uffd_msg msg;

	return poll(&p, 1, limit_seconds() * 1000) == 1 &&
	       read(uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT;
}

static inline void bring_page(void)
{
	struct uffdio_zeropage zero = {
		.range = {(uintptr_t)tarn_mem_ptr(&vm.mem, PAGED, PAGE_SIZE),
			  PAGE_SIZE},
	};

	CHECK(!ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
}

static inline bool page_out(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register reg = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	void *page = tarn_mem_ptr(&vm.mem, PAGED, PAGE_SIZE);

	if (uffd < 0) {
		uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
		if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api)) {
			TAP_SKIP("no userfaultfd here");
			return false;
		}
	}
	reg.range.start = (uintptr_t)page;
	reg.range.len = PAGE_SIZE;
	return !madvise(page, PAGE_SIZE, MADV_DONTNEED) &&
	       !ioctl(uffd, UFFDIO_REGISTER, &reg);
}

#endif
