// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that this kernel can't do without for an instant: the tables that the
 * processor itself reads when it takes an interrupt, and the kernel's own data of
 * each processor. The host pins what its policy says, and lists the rest.
 *
 * A processor's areas are registered when it comes online and given back when it
 * goes, by a callback of CPU hotplug, which runs on that processor. KVM's own areas
 * (clock, steal time, ...) need nothing of this: the host sees where they are.
 */
#include <linux/cpuhotplug.h>
#include <linux/hardirq.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <asm/desc.h>
#include <asm/processor.h>

#include "guest.h"

/* GDT, TSS, IDT, data */
#define AREAS_MAX	4

struct cpu_areas {
	unsigned int nr;
	u32 handle[AREAS_MAX];
};

static DEFINE_PER_CPU(struct cpu_areas, cpu_areas);
static enum cpuhp_state hotplug_state;
static bool with_data;

/* Whole pages, as nothing smaller can be pinned. A refusal costs nothing but the pin. */
static void add_area(struct cpu_areas *areas, enum tarn_area_type type,
		     phys_addr_t start, size_t bytes)
{
	phys_addr_t first = start & PAGE_MASK;
	long handle;

	bytes = PAGE_ALIGN(start + bytes) - first;
	if (WARN_ON_ONCE(areas->nr == AREAS_MAX) || bytes > TARN_AREA_MAX_BYTES)
		return;
	handle = tarn_para_call_patient(TARN_HC_REGISTER, type, first, bytes);
	if (handle > 0)
		areas->handle[areas->nr++] = handle;
	else
		pr_debug("area %d at %pa: %ld\n", type, &first, handle);
}

/* For what lies in the direct mapping, as data of a processor nearly always does. */
static void add_mapped(struct cpu_areas *areas, enum tarn_area_type type,
		       void *start, size_t bytes)
{
	if (virt_addr_valid(start))
		add_area(areas, type, virt_to_phys(start), bytes);
}

static void add_tables(struct cpu_areas *areas, unsigned int cpu)
{
	struct desc_ptr idt;

	add_mapped(areas, TARN_AREA_TABLES, per_cpu_ptr(&gdt_page, cpu),
		   sizeof(struct gdt_page));
	add_mapped(areas, TARN_AREA_TABLES, per_cpu_ptr(&cpu_tss_rw, cpu),
		   sizeof(struct tss_struct));
	/* One for all, mapped read-only outside of the direct mapping. */
	store_idt(&idt);
	add_area(areas, TARN_AREA_TABLES, slow_virt_to_phys((void *)idt.address),
		 idt.size + 1);
}

/*
 * Where the static data of a processor begins and ends is not told to modules. Of
 * the variables that are, some lie near the begin and some near the end, and what
 * is between them is most of it.
 */
static void add_data(struct cpu_areas *areas, unsigned int cpu)
{
	void *known[] = {
		per_cpu_ptr(&gdt_page, cpu),
		per_cpu_ptr(&cpu_tss_rw, cpu),
		per_cpu_ptr(&this_cpu_off, cpu),
		per_cpu_ptr(&cpu_info, cpu),
		per_cpu_ptr(&irq_stat, cpu),
	};
	void *first = known[0], *last = known[0];
	int i;

	for (i = 1; i < ARRAY_SIZE(known); i++) {
		first = min(first, known[i]);
		last = max(last, known[i]);
	}
	add_mapped(areas, TARN_AREA_CPU, first, last - first + 1);
}

static int cpu_comes(unsigned int cpu)
{
	struct cpu_areas *areas = per_cpu_ptr(&cpu_areas, cpu);

	add_tables(areas, cpu);
	if (with_data)
		add_data(areas, cpu);
	return 0;
}

static int cpu_goes(unsigned int cpu)
{
	struct cpu_areas *areas = per_cpu_ptr(&cpu_areas, cpu);
	long ret;

	while (areas->nr) {
		ret = tarn_para_call_patient(TARN_HC_UNREGISTER,
					     areas->handle[--areas->nr], 0, 0);
		if (ret)
			pr_debug("handle %u: %ld\n", areas->handle[areas->nr], ret);
	}
	return 0;
}

/**
 * tarn_areas_start() - register areas of all processors, now and later
 * @cpu_data: not only the tables
 */
int tarn_areas_start(bool cpu_data)
{
	int ret;

	with_data = cpu_data;
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "tarn_guest:online",
				cpu_comes, cpu_goes);
	if (ret < 0)
		return ret;
	hotplug_state = ret;
	return 0;
}

/** tarn_areas_stop() - give them all back */
void tarn_areas_stop(void)
{
	cpuhp_remove_state(hotplug_state);
}
