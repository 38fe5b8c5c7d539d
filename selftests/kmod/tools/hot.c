// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps all of a partition hot, for ever: hot FILE [NAME]. The thread that does it is
 * called NAME, such as "CPU 0/KVM", which makes it the vCPU of a guest to those who go by
 * names. It says "hot" when it has been through once.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096
/* Accessed bits are cleared without a flush of the TLB; to unmap so many pages does it. */
#define MANY (64 * PAGE)

static volatile char *map;
static size_t bytes;

static void flush_tlb(void)
{
	void *p = mmap(NULL, MANY, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p != MAP_FAILED)
		munmap(p, MANY);
}

static void *touch(void *arg)
{
	size_t at;

	if (arg)
		pthread_setname_np(pthread_self(), arg);
	for (;;) {
		for (at = 0; at < bytes; at += PAGE)
			map[at]++;
		flush_tlb();
		if (arg != touch) {
			puts("hot");
			fflush(stdout);
			arg = touch;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	struct stat st;
	int fd;

	if (argc < 2)
		errx(2, "usage: hot FILE [NAME]");
	fd = open(argv[1], O_RDWR);
	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", argv[1]);
	bytes = st.st_size;
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "map %s", argv[1]);
	if (pthread_create(&thread, NULL, touch, argc > 2 ? argv[2] : NULL))
		errx(1, "no thread");
	pthread_join(thread, NULL);
	return 0;
}
