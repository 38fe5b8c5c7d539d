// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of writes to an image whose blocks are larger than a sector. A write
 * of a part of a block reads the block and writes it back whole, so nothing else
 * may write to that block meanwhile. Writes of whole blocks never wait for each
 * other.
 *
 * A request waits for the first one before it that it must not overlap with, and
 * looks again when that one is complete: requests that came later never overtake.
 */
#include "backend/block-file.h"

static bool conflict(const struct block_req *a, const struct block_req *b)
{
	return (a->edges || b->edges) && a->begin < b->end && b->begin < a->end;
}

/* Wait for one that came before, or go. */
static bool may_go(struct block_file *bf, struct block_req *req)
{
	struct block_req *before;

	TAILQ_FOREACH(before, &bf->writes, ranges) {
		if (before == req)
			return true;
		if (conflict(before, req))
			break;
	}
	TAILQ_INSERT_TAIL(&before->waiters, req, waits);
	return false;
}

bool block_range_begin(struct block_file *bf, struct block_req *req)
{
	req->begin = ALIGN_DOWN(req->off, bf->off_align);
	req->end = ALIGN_UP(req->off + req->len, bf->off_align);
	req->edges = req->begin != req->off || req->end != req->off + req->len;
	req->ranged = true;
	TAILQ_INIT(&req->waiters);
	TAILQ_INSERT_TAIL(&bf->writes, req, ranges);
	return may_go(bf, req);
}

void block_range_end(struct block_file *bf, struct block_req *req)
{
	struct block_req *next;

	TAILQ_REMOVE(&bf->writes, req, ranges);
	req->ranged = false;
	while ((next = TAILQ_FIRST(&req->waiters))) {
		TAILQ_REMOVE(&req->waiters, next, waits);
		if (may_go(bf, next))
			block_file_go(next);
	}
}
