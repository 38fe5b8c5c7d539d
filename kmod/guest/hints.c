// SPDX-License-Identifier: GPL-2.0-only
/*
 * Free memory is worth nothing, but the host can't see that it is free. The kernel
 * has a way to tell one who asks: page reporting takes larger blocks (2 MiB) off the
 * free lists, hands them out and puts them back, each block once until it was used
 * again. The balloon's free page reporting asks in the same way; there is room for
 * one only, and who comes first has it.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/page_reporting.h>
#include <linux/printk.h>

#include "guest.h"

/*
 * Up to 7.0 an order of 0 left it to the kernel how large a block is that is
 * reported. From 7.1 on 0 is a page, and the kernel's own choice has a name.
 */
#ifndef PAGE_REPORTING_ORDER_UNSPECIFIED
#define PAGE_REPORTING_ORDER_UNSPECIFIED	0
#endif

/* Give up the content of a range of pages; the host takes a part with each call. */
static int hint_unused(u64 address, u64 pages)
{
	long done;

	while (pages) {
		done = tarn_para_call_patient(TARN_HC_HINT, TARN_HINT_UNUSED, address,
					      min_t(u64, pages, TARN_HINT_MAX_PAGES));
		if (done <= 0)
			return done;
		if (done > pages)
			return -EPROTO;
		address += done << PAGE_SHIFT;
		pages -= done;
	}
	return 0;
}

/* Blocks of which this returns 0 count as told; after an error all come again. */
static int report(struct page_reporting_dev_info *dev, struct scatterlist *list,
		  unsigned int nr)
{
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	for_each_sg(list, sg, nr, i) {
		ret = hint_unused(sg_phys(sg), sg->length >> PAGE_SHIFT);
		/* Memory that is not the host's to page, a device's for instance. */
		if (ret == -EFAULT)
			continue;
		if (ret)
			return ret;
	}
	return 0;
}

static struct page_reporting_dev_info reporting = {
	.report = report,
	.order = PAGE_REPORTING_ORDER_UNSPECIFIED,
};

/**
 * tarn_hints_start() - tell the host of free memory from now on
 *
 * Return: 0, -EBUSY if somebody else does, -EOPNOTSUPP if the kernel checks what
 * free pages contain: the host is free to make them zero.
 */
int tarn_hints_start(void)
{
	if (page_poisoning_enabled_static())
		return -EOPNOTSUPP;
	return page_reporting_register(&reporting);
}

/** tarn_hints_stop() - no report is under way when it returns */
void tarn_hints_stop(void)
{
	page_reporting_unregister(&reporting);
}
