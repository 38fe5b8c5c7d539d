// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only program of a guest: writes memory, verifies it in several orders,
 * prints a verdict on the console and powers off. Static, PID 1.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096UL
#define WORDS (PAGE / 8)

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	return x ^ x >> 29;
}

static void fill(uint64_t *page, uint64_t index, uint64_t version)
{
	uint64_t i;

	page[0] = version;
	for (i = 1; i < WORDS; i++)
		page[i] = mix(index * WORDS + i + (version << 40));
}

static int check(const uint64_t *page, uint64_t index)
{
	uint64_t i;

	for (i = 1; i < WORDS; i++) {
		if (page[i] != mix(index * WORDS + i + (page[0] << 40)))
			return 1;
	}
	return 0;
}

static uint64_t mib_from_command_line(void)
{
	char line[2048] = "";
	char *p;
	FILE *f;

	mkdir("/proc", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL))
		return 0;
	f = fopen("/proc/cmdline", "r");
	if (!f || !fgets(line, sizeof(line), f))
		return 0;
	p = strstr(line, "check_mib=");
	return p ? strtoull(p + 10, NULL, 10) : 0;
}

static uint64_t exercise(uint64_t *mem, uint64_t pages)
{
	uint64_t wrong = 0, i, round, at;

	for (i = 0; i < pages; i++)
		fill(mem + i * WORDS, i, 1);
	for (round = 2; round < 4; round++) {
		/* every third page anew, then all in a scattered order */
		for (i = round; i < pages; i += 3)
			fill(mem + i * WORDS, i, round);
		for (i = 0; i < pages; i++) {
			at = i * 7919 % pages;
			wrong += check(mem + at * WORDS, at);
		}
	}
	return wrong;
}

int main(void)
{
	uint64_t pages = mib_from_command_line() * 256, wrong;
	uint64_t *mem = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!pages || mem == MAP_FAILED) {
		printf("NO MEMORY\n");
	} else {
		wrong = exercise(mem, pages);
		if (wrong)
			printf("CHECKSUM WRONG: %llu pages\n",
			       (unsigned long long)wrong);
		else
			printf("CHECKSUM OK: %llu pages\n",
			       (unsigned long long)pages);
	}
	fflush(stdout);
	sync();
	reboot(RB_AUTOBOOT);
	return 1;
}
