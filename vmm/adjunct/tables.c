// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of an adjunct, the same for all of its vCPUs. Addresses are physical ones, but
 * for the image, which has its own; the image cannot be written there where it is executed,
 * and nothing else can be executed. Not mapped are the page tables, the image's own pages at
 * their physical addresses and the lowest page of each stack.
 */
#include <string.h>

#include "adjunct/internal.h"
#include "mem.h"

#define PRESENT (1ULL << 0)
#define WRITE (1ULL << 1)
#define UNCACHED (1ULL << 4 | 1ULL << 3)
#define ACCESSED (1ULL << 5)
#define DIRTY (1ULL << 6)
#define LARGE (1ULL << 7)
#define NO_EXEC (1ULL << 63)
#define LINK (PRESENT | WRITE | ACCESSED)
#define DATA (PRESENT | WRITE | ACCESSED | DIRTY | NO_EXEC)

#define ENTRIES 512

struct tables {
	struct adjunct *adj;
	u64 used;
};

static u64 ram_gibs(const struct tarn_mem *mem)
{
	const struct mem_range *last = &mem->range[mem->nr - 1];

	return ALIGN_UP(last->gpa + last->size, GIB(1)) / GIB(1);
}

u64 adjunct_tables_count(const struct tarn_mem *mem, u64 size, bool huge)
{
	/* PML4 and its PDPT; of the memory, the BAR; three of the image. */
	return 2 + (huge ? 0 : ram_gibs(mem)) + 1 + ALIGN_UP(size, MIB(2)) / MIB(2) + 1 + 3;
}

static u64 *table_at(const struct adjunct *adj, u64 addr)
{
	return (u64 *)(adj->memory.hva + (addr - adj->map.base));
}

/* The table below an entry, made if there is none. */
static u64 *below(struct tables *t, u64 *entry)
{
	const struct adjunct_map *map = &t->adj->map;

	if (!*entry)
		*entry = (map->base + map->tables + t->used++ * ADJUNCT_PAGE) | LINK;
	return table_at(t->adj, ALIGN_DOWN(*entry, ADJUNCT_PAGE));
}

static unsigned int index_of(u64 va, unsigned int level)
{
	return va >> (12 + 9 * level) & (ENTRIES - 1);
}

/* Map a page of 4 KiB (level 0), 2 MiB (1) or 1 GiB (2). */
static void map_page(struct tables *t, u64 va, u64 pa, unsigned int level, u64 flags)
{
	u64 *table = table_at(t->adj, t->adj->map.base + t->adj->map.tables);
	unsigned int i;

	for (i = 3; i > level; i--)
		table = below(t, &table[index_of(va, i)]);
	table[index_of(va, level)] = pa | flags | (level ? LARGE : 0);
}

static void map_run(struct tables *t, u64 va, u64 pa, u64 size, u64 flags)
{
	u64 off;

	for (off = 0; off < size; off += ADJUNCT_PAGE)
		map_page(t, va + off, pa + off, 0, flags);
}

/* What is no RAM in a page here is in no memory slot: who touches it comes to the VMM. */
static void map_ram(struct tables *t)
{
	const struct tarn_mem *mem = t->adj->mem;
	bool huge = t->adj->huge;
	u64 page = huge ? GIB(1) : MIB(2), at;
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		const struct mem_range *r = &mem->range[i];

		for (at = ALIGN_DOWN(r->gpa, page); at < r->gpa + r->size; at += page)
			map_page(t, at, at, huge ? 2 : 1, DATA);
	}
}

static void map_memory(struct tables *t)
{
	const struct adjunct_map *map = &t->adj->map;
	unsigned int i;

	map_run(t, map->base, map->base, ADJUNCT_PAGE, DATA & ~WRITE);
	map_run(t, map->base + ADJUNCT_PAGE, map->base + ADJUNCT_PAGE,
		map->image - ADJUNCT_PAGE, DATA);
	for (i = 0; i < ADJUNCT_CPUS; i++) {
		u64 at = map->base + map->stacks + i * ADJUNCT_STACK + ADJUNCT_PAGE;

		map_run(t, at, at, ADJUNCT_STACK - ADJUNCT_PAGE, DATA);
	}
	map_run(t, map->base + map->gdt, map->base + map->gdt, ADJUNCT_PAGE, DATA & ~WRITE);
	map_run(t, map->base + map->dma, map->base + map->dma, map->size - map->dma, DATA);
}

static void map_image(struct tables *t)
{
	const struct adjunct_image *image = &t->adj->image;
	const struct adjunct_map *map = &t->adj->map;
	unsigned int i;

	for (i = 0; i < image->nr; i++) {
		const struct adjunct_segment *s = &image->segment[i];
		u64 flags = DATA;

		if (!s->write)
			flags &= ~WRITE;
		if (s->exec)
			flags &= ~NO_EXEC;
		map_run(t, ADJUNCT_IMAGE_VA + s->off, map->base + map->image + s->off,
			ALIGN_UP(s->size, ADJUNCT_PAGE), flags);
	}
}

static void map_bar(struct tables *t)
{
	const struct adjunct_map *map = &t->adj->map;
	u64 off;

	for (off = 0; off < map->bar_size; off += MIB(2))
		map_page(t, map->bar + off, map->bar + off, 1, DATA | UNCACHED);
}

/* Marked as accessed and busy, so that no processor wants to write there. */
static void make_gdt(struct adjunct *adj)
{
	const u64 gdt[] = {
		[ADJUNCT_CS / 8] = 0x00af9b000000ffff,
		[ADJUNCT_DS / 8] = 0x00cf93000000ffff,
		[ADJUNCT_TR / 8] = 0x00008b0000000067,
		[ADJUNCT_TR / 8 + 1] = 0,
	};

	memset(adj->memory.hva + adj->map.gdt, 0, ADJUNCT_PAGE);
	memcpy(adj->memory.hva + adj->map.gdt, gdt, sizeof(gdt));
}

void adjunct_tables_make(struct adjunct *adj)
{
	struct tables t = {.adj = adj, .used = 1};

	memset(adj->memory.hva + adj->map.tables, 0, adj->map.nr_tables * ADJUNCT_PAGE);
	map_ram(&t);
	map_memory(&t);
	map_image(&t);
	map_bar(&t);
	make_gdt(adj);
}
