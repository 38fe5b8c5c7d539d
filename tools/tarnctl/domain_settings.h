/* SPDX-License-Identifier: GPL-2.0-only */
/* Tarn's own settings in the <metadata> of a domain. */
#ifndef TARNCTL_DOMAIN_SETTINGS_H
#define TARNCTL_DOMAIN_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "domain.h"
#include "home_mark.h"

/** Most NUMA nodes that settings can name. */
#define DOMAIN_NODES 64

/** Most NUMA nodes of a guest of which <numatune> says where their memory is. */
#define DOMAIN_CELLS 64

/** Where blocks get 2 MiB frames as the pool has it. */
#define DOMAIN_HUGE_POOL UINT32_MAX

/** enum domain_paging - how frames are taken from the domain */
enum domain_paging {
	/** as weight, minimum and desired amount say */
	DOMAIN_PAGING_NORMAL,
	/** its minimum is all of its memory */
	DOMAIN_PAGING_RESIDENT,
	/** what it has beyond its minimum is taken before that of others */
	DOMAIN_PAGING_SPARE,
};

/**
 * struct domain_cell - a <memnode> of <numatune>
 * @cell: number of the guest's node
 * @home: where its memory shall lie, as struct domain_settings has it
 */
struct domain_cell {
	unsigned int cell;
	uint64_t home;
};

/**
 * struct domain_settings - the settings, with what is not there at its default
 * @pool: a mount point or the name of one below /run/tarn; NULL: the only pool
 * @weight: see struct tarn_partition_set
 * @min: in bytes, see there
 * @desired: in bytes, 0: none, see there
 * @home: a bit a NUMA node where its frames shall lie; 0: anywhere
 * @home_bytes: how much on each of them; 0: what comes
 * @home_auto: they are computed
 * @dispatch: how its vCPUs follow them
 * @home_tuned: <numatune> says otherwise than the settings, and holds
 * @cells: @nr_cells nodes of the guest that have other homes, without numbers
 * @sharing: the domain of sharing in which its partitions are; NULL or "none": they share
 *	with nobody
 * @attach: its VM is named to the module, which pins what must not be paged
 * @paging: how frames are taken
 * @huge: which blocks get 2 MiB frames, enum tarn_huge or DOMAIN_HUGE_POOL
 */
struct domain_settings {
	char *pool;
	uint32_t weight;
	uint64_t min;
	uint64_t desired;
	uint64_t home;
	uint64_t home_bytes[DOMAIN_NODES];
	bool home_auto;
	enum home_dispatch dispatch;
	bool home_tuned;
	struct domain_cell cells[DOMAIN_CELLS];
	unsigned int nr_cells;
	char *sharing;
	bool attach;
	enum domain_paging paging;
	uint32_t huge;
};

/**
 * domain_settings_read() - Read and check the settings of a domain.
 * @set: to be freed by domain_settings_free() whatever is returned
 *
 * Where <memtune> has a soft limit and no desired amount is set, that is it. The nodes
 * that <numatune> has for the memory, of all or of a node of the guest, are its homes,
 * whatever the settings say.
 *
 * Return: 0, also if there are none; or an errno, reported.
 */
int domain_settings_read(struct domain_settings *set, const struct domain *dom);
void domain_settings_free(struct domain_settings *set);

/**
 * domain_schema_check() - Have the settings checked by the schema as well.
 * Return: 0, or an errno, reported.
 */
int domain_schema_check(const struct domain *dom);

#endif
