// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page of metrics: how this guest is off, as struct tarn_metrics. The host is
 * told its address once and reads it when it likes; this side writes it now and
 * then. The timer is deferrable: it does not wake a processor that sleeps, and while
 * all sleep there is nothing new to tell.
 */
#include <linux/ctype.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "guest.h"

#define TEXT_SIZE	4096

static struct tarn_metrics *page;
static char *text;
static unsigned long period;
static struct delayed_work work;

/* Pages of memory by what they are used for. */
static void fill_memory(struct tarn_metrics *m)
{
	m->total_pages = totalram_pages();
	m->free_pages = global_zone_page_state(NR_FREE_PAGES);
	m->active_pages = global_node_page_state(NR_ACTIVE_ANON) +
			  global_node_page_state(NR_ACTIVE_FILE);
	m->inactive_pages = global_node_page_state(NR_INACTIVE_ANON) +
			    global_node_page_state(NR_INACTIVE_FILE);
	m->file_pages = global_node_page_state(NR_FILE_PAGES);
	m->dirty_pages = global_node_page_state(NR_FILE_DIRTY) +
			 global_node_page_state(NR_WRITEBACK);
	m->refaults = global_node_page_state(WORKINGSET_REFAULT_ANON) +
		      global_node_page_state(WORKINGSET_REFAULT_FILE);
}

/* What reclaim and swap have done since boot. */
static void fill_events(struct tarn_metrics *m)
{
#ifdef CONFIG_VM_EVENT_COUNTERS
	static unsigned long events[NR_VM_EVENT_ITEMS];

	all_vm_events(events);
	m->scanned = events[PGSCAN_KSWAPD] + events[PGSCAN_DIRECT];
#ifdef CONFIG_SWAP
	m->swap_ins = events[PSWPIN];
	m->swap_outs = events[PSWPOUT];
#endif
#endif
}

/* The number behind the next @key from *@at on; 0 if there is none. */
static u64 take_number(char **at, const char *key)
{
	char *found = strstr(*at, key);
	u64 value = 0;

	if (!found)
		return 0;
	for (found = skip_spaces(found + strlen(key)); isdigit(*found); found++)
		value = value * 10 + (*found - '0');
	*at = found;
	return value;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and a line "full ..." */
static void fill_pressure(struct tarn_metrics *m)
{
	char *at = text;

	if (tarn_procfile_read("/proc/pressure/memory", text, TEXT_SIZE) <= 0)
		return;
	m->psi_some_us = take_number(&at, "total=");
	m->psi_full_us = take_number(&at, "total=");
}

static void fill_swap(struct tarn_metrics *m)
{
	char *at = text;
	u64 total, left;

	if (tarn_procfile_read("/proc/meminfo", text, TEXT_SIZE) <= 0)
		return;
	total = take_number(&at, "SwapTotal:");
	left = take_number(&at, "SwapFree:");
	m->swap_pages = (total - min(left, total)) >> (PAGE_SHIFT - 10);
}

/*
 * One who reads an odd sequence, or another one after than before, reads again. The
 * barriers are for a processor that runs the host, so they are needed on a guest
 * with one processor too.
 */
static void publish(const struct tarn_metrics *m)
{
	const size_t first = offsetof(struct tarn_metrics, time_ns);
	u32 sequence = page->sequence;

	WRITE_ONCE(page->sequence, sequence + 1);
	/* Odd first: with the host's read of it before its copy. */
	virt_wmb();
	page->updates++;
	memcpy((char *)page + first, (const char *)m + first, sizeof(*m) - first);
	/* Even last: with the host's read of it after its copy. */
	virt_wmb();
	WRITE_ONCE(page->sequence, sequence + 2);
}

static void update(struct work_struct *unused)
{
	struct tarn_metrics m = { .time_ns = ktime_get_ns() };

	fill_memory(&m);
	fill_events(&m);
	fill_pressure(&m);
	fill_swap(&m);
	publish(&m);
	schedule_delayed_work(&work, period);
}

static void free_pages_of_both(void)
{
	free_page((unsigned long)page);
	free_page((unsigned long)text);
}

/**
 * tarn_metrics_start() - share the page and write it from now on
 * @period_ms: how often
 */
int tarn_metrics_start(unsigned int period_ms)
{
	int ret = -ENOMEM;

	page = (struct tarn_metrics *)get_zeroed_page(GFP_KERNEL);
	text = (char *)__get_free_page(GFP_KERNEL);
	if (!page || !text)
		goto err_free;
	page->magic = TARN_METRICS_MAGIC;
	page->version = TARN_METRICS_VERSION;
	period = msecs_to_jiffies(period_ms);
	INIT_DEFERRABLE_WORK(&work, update);
	ret = tarn_para_call_patient(TARN_HC_METRICS, virt_to_phys(page), 0, 0);
	if (ret)
		goto err_free;
	schedule_delayed_work(&work, 0);
	return 0;

err_free:
	free_pages_of_both();
	return ret;
}

/** tarn_metrics_stop() - share it no more; the page is the guest's again */
void tarn_metrics_stop(void)
{
	cancel_delayed_work_sync(&work);
	tarn_para_call_patient(TARN_HC_METRICS, TARN_METRICS_OFF, 0, 0);
	free_pages_of_both();
}
