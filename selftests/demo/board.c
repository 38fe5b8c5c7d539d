// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table. See board.h.
 */
#include <stdarg.h>
#include <stdio.h>

#include "board.h"

static double mib(uint64_t pages)
{
	return (double)pages * 4096 / (1 << 20);
}

static void __attribute__((format(printf, 2, 3)))
board_line(struct board *board, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(board->terminal ? "\033[K\n" : "\n");
	board->drawn++;
}

static void board_guest(struct board *board, const struct guest *guest)
{
	const struct tarn_partition_info *info = &guest->info;
	char phase[24];

	if (guest->phase == GUEST_FILLING)
		snprintf(phase, sizeof(phase), "filling %u%%",
			 guest->filled_percent);
	else
		snprintf(phase, sizeof(phase), "%s", guest_phase_name(guest));
	board_line(board, "%-8s %-12s %8.0f %9.1f %8.1f %10.0f %9.0f",
		   guest->name, phase, mib(info->logical_pages),
		   mib(info->resident_pages), mib(info->paged_pages),
		   guest->page_in_rate, guest->rate);
}

void board_draw(struct board *board, double elapsed)
{
	const struct tarn_pool_info *pool = &board->pool;
	double ins = 0, work = 0;
	unsigned int i;

	if (board->terminal && board->drawn)
		printf("\033[%uA", board->drawn);
	board->drawn = 0;
	board_line(board, "%-8s %-12s %8s %9s %8s %10s %9s   (%.0f s)", "guest",
		   "state", "logical", "resident", "paged", "page-ins/s",
		   "work/s", elapsed);
	for (i = 0; i < board->count; i++) {
		board_guest(board, &board->guests[i]);
		ins += board->guests[i].page_in_rate;
		work += board->guests[i].rate;
	}
	board_line(board, "%-8s %-12s %8.0f %9.1f %8.1f %10.0f %9.0f", "all",
		   "", mib(pool->logical_pages), mib(pool->resident_pages),
		   mib(pool->paged_pages), ins, work);
	board_line(board, "pool of %.0f MiB, %.1f free; sizes in MiB",
		   mib(pool->frames), mib(pool->free_frames));
	board_line(board, "%s", "");
	fflush(stdout);
}

/* Upper end, in ms, of the highest bucket that holds something. */
static double slowest_ms(const struct tarn_pool_info *pool)
{
	unsigned int i;

	for (i = TARN_LATENCY_BUCKETS; i > 0; i--)
		if (pool->latency[i - 1])
			return (double)(2ULL << (i - 1)) / 1000000;
	return 0;
}

bool board_summary(const struct board *board, double elapsed)
{
	const struct tarn_pool_info *pool = &board->pool;
	uint64_t ops = 0, wrong = 0;
	unsigned int dead = 0, i;

	for (i = 0; i < board->count; i++) {
		const struct guest *guest = &board->guests[i];

		ops += guest->ops;
		wrong += guest->wrong;
		if (guest->phase == GUEST_DONE)
			continue;
		dead++;
		printf("%s ended while %s; its last words: %s\n", guest->name,
		       guest_phase_name(guest), guest->last_words);
	}
	printf("%u guests of %.0f MiB each, together %.1f times the pool, %.0f s\n",
	       board->count, mib(board->guests[0].info.logical_pages),
	       (double)pool->logical_pages / (double)pool->frames, elapsed);
	printf("work done:        %llu checked accesses to 4 KiB pages\n",
	       (unsigned long long)ops);
	printf("pages in:         %llu (%llu of them soon after they had gone)\n",
	       (unsigned long long)pool->page_ins,
	       (unsigned long long)pool->refaults);
	printf("pages out:        %llu written, %llu dropped clean, %llu zero\n",
	       (unsigned long long)pool->page_outs,
	       (unsigned long long)pool->clean_drops,
	       (unsigned long long)pool->zero_drops);
	printf("slowest page-in:  under %.1f ms\n", slowest_ms(pool));
	printf("errors:           %llu loads, %llu stores, %llu checksums\n",
	       (unsigned long long)pool->load_errors,
	       (unsigned long long)pool->store_errors,
	       (unsigned long long)pool->checksum_errors);
	printf("wrong bytes:      %llu\n", (unsigned long long)wrong);
	if (dead)
		printf("DEAD GUESTS:      %u\n", dead);
	return !dead && !wrong && ops && !pool->load_errors &&
	       !pool->checksum_errors;
}
