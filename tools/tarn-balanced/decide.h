/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which home nodes the partitions of a pool are to have, and how many frames on each.
 * It is a function of what it is given: nothing is read, remembered or reported here.
 *
 * All that a place costs or saves has one unit, seconds of processor time, in each
 * second: what threads wait longer for memory that is far away, and what they wait
 * for processors of a node that has more to do than it can. What a move costs is in
 * seconds, once. Documentation/admin/numa.rst has the model.
 */
#ifndef TARN_BALANCED_DECIDE_H
#define TARN_BALANCED_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most nodes of a host: a bit each in a mask. */
#define DECIDE_NODES 64

/** Seconds in which a move has to pay for itself, twice. */
#define DECIDE_HORIZON 60.0
#define DECIDE_PAYS 2.0
/** Rounds that a partition is left alone after its homes were changed. */
#define DECIDE_REST 4
/**
 * What a place elsewhere is taken to cost, of what it would by the model, and the load
 * that comes there: what is measured may be off by a tenth, either way.
 */
#define DECIDE_MARGIN 1.25
/** Utilisation of a node's processors from which threads wait for each other. */
#define DECIDE_BUSY 0.8
/** Seconds of an access that misses the caches, to memory of the same node. */
#define DECIDE_ACCESS 90e-9
/** Such accesses a second of a processor that does nothing else. */
#define DECIDE_ACCESSES 5e6
/** Such accesses a second to a page that is hot. */
#define DECIDE_PAGE_ACCESSES 640.0
/** Seconds to move a page, and one for which there is no frame until another went out. */
#define DECIDE_MOVE 3e-6
#define DECIDE_MOVE_FULL 60e-6

/** enum decide_reason - why a partition gets what it gets */
enum decide_reason {
	/** No place is better, or not by enough. */
	DECIDE_GOOD,
	/** One is, and it was moved a short while ago. */
	DECIDE_RESTS,
	/** Its homes stay; it needs more frames there, or fewer. */
	DECIDE_SIZE,
	/** It had no homes. */
	DECIDE_NEW,
	/** What it needs does not fit on its homes any more. */
	DECIDE_ROOM,
	/** It is used from there. */
	DECIDE_NEARER,
	/** Processors where it is have too much to do. */
	DECIDE_LOAD,
	/** It made room for another one, which takes its place. */
	DECIDE_SWAP,
	/** All frames are promised to others. */
	DECIDE_FULL,
};

/**
 * struct decide_node - a node of the host
 * @nid: the kernel's number
 * @frames: of the pool
 * @reserve: of these, what reclaim keeps free
 * @free: of these, free now
 * @cpus: its processors
 * @busy: how many of them are, with all but threads that follow the homes here
 */
struct decide_node {
	unsigned int nid;
	uint64_t frames;
	uint64_t reserve;
	uint64_t free;
	double cpus;
	double busy;
};

/**
 * struct decide_place - where a partition is to be
 * @homes: a bit a node, by index
 * @frames: wanted there; of homes that were set by hand 0: what comes
 */
struct decide_place {
	uint64_t homes;
	uint64_t frames[DECIDE_NODES];
};

/**
 * struct decide_part - a partition
 * @automatic: its homes are decided here; others have what they have
 * @now: its homes
 * @resident: pages, by node
 * @logical: pages that it may have at most
 * @desired: see struct tarn_partition_info; 0: none
 * @min: likewise
 * @working_set: likewise
 * @hot: pages that are hot, and of others as many as are used as much together
 * @ran: by node, processors that are busy with threads that follow the homes
 * @may: nodes where these may run, a bit each
 * @fixed: by node, processors that are busy with threads that stay where they are
 * @age: rounds since its homes were changed here
 * @then: out: its homes
 * @reason: out
 * @cost: out: of @now, a second; of a new one as it lies and runs
 * @cost_then: out: of @then
 * @moves: out: pages that are to be moved for it
 * @moving: out: what that costs
 */
struct decide_part {
	bool automatic;
	struct decide_place now;
	uint64_t resident[DECIDE_NODES];
	uint64_t logical;
	uint64_t desired;
	uint64_t min;
	uint64_t working_set;
	double hot;
	double ran[DECIDE_NODES];
	uint64_t may;
	double fixed[DECIDE_NODES];
	unsigned int age;

	struct decide_place then;
	enum decide_reason reason;
	double cost;
	double cost_then;
	uint64_t moves;
	double moving;
};

/**
 * struct decide - a pool
 * @nodes: of the host, @nr_nodes
 * @distance: as the kernel has it, 10 to itself
 * @parts: @nr_parts
 */
struct decide {
	size_t nr_nodes;
	struct decide_node nodes[DECIDE_NODES];
	unsigned int distance[DECIDE_NODES][DECIDE_NODES];
	size_t nr_parts;
	struct decide_part *parts;
};

/**
 * decide() - Fill in what is to be of all automatic partitions.
 *
 * What is wanted of a node, by all partitions together, is never more than it has
 * beyond the reserve; what those need whose homes are set by hand comes first.
 */
void decide(struct decide *d);

/** decide_changes() - Whether the homes of a partition are to be set. */
bool decide_changes(const struct decide_part *part);

#endif
