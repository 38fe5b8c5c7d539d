// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of a virtio-blk device, by commands of an NVMe function. A request is done piece
 * by piece, one command at a time; data goes through bounce pages.
 *
 * Nothing of a chain is kept from one piece to the next but its head: the chain is looked at
 * again each time, and checked again, so that a driver that changes it meanwhile gets its own
 * data in the wrong place and no more.
 */
#include <errno.h>
#include <linux/virtio_blk.h>
#include <string.h>

#include "adjunct/image/queue.h"
#include "lib/iov.h"

#define SECTOR 512
#define PIECE_PAGES 32
#define ZERO_BLOCKS 0x10000U
#define RANGES_MAX 16
#define RANGE_SECTORS_MAX 0x3fffff

/* What became of a request for now. */
enum step {
	STEP_SENT,
	STEP_WAIT,
	STEP_DONE, /* all of it is */
	STEP_FAILED,
	STEP_UNSUPPORTED,
};

static u16 number(const struct queue *q, const struct request *req)
{
	return req - q->requests;
}

/* Waiting */

static void wait_add(struct queue *q, struct request *req)
{
	u16 i = number(q, req);

	req->state = REQUEST_WAITING;
	req->next = REQUEST_NONE;
	if (q->wait_first == REQUEST_NONE)
		q->wait_first = i;
	else
		q->requests[q->wait_last].next = i;
	q->wait_last = i;
}

static void wait_add_first(struct queue *q, struct request *req)
{
	u16 i = number(q, req);

	req->state = REQUEST_WAITING;
	req->next = q->wait_first;
	if (q->wait_first == REQUEST_NONE)
		q->wait_last = i;
	q->wait_first = i;
}

/* Ends */

static void release(struct queue *q, struct request *req)
{
	bounce_put(&q->bounce, &req->data);
	bounce_put(&q->bounce, &req->list);
	req->nr_data = 0;
}

static void drop(struct queue *q, struct request *req)
{
	release(q, req);
	req->state = REQUEST_FREE;
	q->busy--;
}

/* The chain in @q is that of the request. */
static void complete(struct queue *q, struct request *req, u8 status)
{
	struct vq_chain *chain = &q->chain;
	u32 written = 1;

	if (status == VIRTIO_BLK_S_OK &&
	    (req->type == VIRTIO_BLK_T_IN || req->type == VIRTIO_BLK_T_GET_ID))
		written += req->len;
	iov_from_buf(vq_chain_in(chain), chain->nr_in, chain->in_len - 1, &status, 1);
	vq_push(&q->vq, chain->head, written);
	log_return(q, chain->head);
	q->dirty = true;
	q->returned++;
	drop(q, req);
}

/* Commands */

static u64 to_block(const struct queue *q, u64 bytes)
{
	return bytes >> q->shift;
}

static void send(struct queue *q, struct request *req, struct nvme_command *cmd)
{
	cmd->cid = number(q, req);
	cmd->nsid = q->config->namespace;
	req->state = REQUEST_SENT;
	req->sent = clock_cycles();
	nvme_add(q->io, cmd);
}

static void set_place(const struct queue *q, struct nvme_command *cmd, u64 byte, u32 len)
{
	u64 block = to_block(q, byte);

	cmd->cdw10 = block;
	cmd->cdw11 = block >> 32;
	cmd->cdw12 = to_block(q, len) - 1;
}

/* Pages for @len bytes, or for fewer; returns for how many. */
static u32 get_pages(struct queue *q, struct request *req, u32 len)
{
	u32 most = min_t(u32, q->transfer / ADJUNCT_PAGE, PIECE_PAGES);
	u32 nr = (len + ADJUNCT_PAGE - 1) / ADJUNCT_PAGE, has = q->bounce.nr_free;

	nr = min_t(u32, nr, most);
	/* More than two are named in a page of their own. */
	if (nr + (nr > 2) > has)
		nr = has > 3 ? has - 1 : min_t(u32, has, 2);
	if (!nr)
		return 0;
	if (nr > 2)
		bounce_get(&q->bounce, &req->list);
	for (req->nr_data = 0; req->nr_data < nr; req->nr_data++)
		bounce_get(&q->bounce, &req->data);
	return min_t(u32, len, nr * ADJUNCT_PAGE);
}

/* Call @fn for each page of a piece, from the last to the first. */
static void each_page(struct queue *q, struct request *req,
		      void (*fn)(struct queue *q, struct request *req, void *page, u32 off,
				 u32 len))
{
	u16 page = req->data, i;

	for (i = req->nr_data; i > 0; i--) {
		u32 off = (i - 1U) * ADJUNCT_PAGE;

		fn(q, req, bounce_page(&q->bounce, page), off,
		   min_t(u32, ADJUNCT_PAGE, req->piece - off));
		page = q->bounce.next[page];
	}
}

static void copy_in(struct queue *q, struct request *req, void *page, u32 off, u32 len)
{
	size_t got = iov_to_buf(q->chain.iov, q->chain.nr_out,
				sizeof(struct virtio_blk_outhdr) + req->done + off, page, len);

	/* A driver that has shortened its chain writes zeroes, not another one's data. */
	memset((u8 *)page + got, 0, len - got);
}

static void copy_out(struct queue *q, struct request *req, void *page, u32 off, u32 len)
{
	u32 at = req->done + off, room = q->chain.in_len - 1;

	if (at < room)
		iov_from_buf(vq_chain_in(&q->chain), q->chain.nr_in, at, page,
			     min_t(u32, len, room - at));
}

/* Name the pages: one or two in the command itself, more in a list. */
static void set_pages(struct queue *q, struct request *req, struct nvme_command *cmd)
{
	u64 *list = req->list != BOUNCE_NONE ? bounce_page(&q->bounce, req->list) : NULL;
	u16 page = req->data, i;

	for (i = req->nr_data; i > 0; i--, page = q->bounce.next[page]) {
		u64 addr = (uintptr_t)bounce_page(&q->bounce, page);

		if (i == 1)
			cmd->prp1 = addr;
		else if (list)
			list[i - 2] = addr;
		else
			cmd->prp2 = addr;
	}
	if (list)
		cmd->prp2 = (uintptr_t)list;
}

static u32 fua(const struct queue *q)
{
	return q->config->writeback || !(q->features & ADJUNCT_HAS_CACHE) ? 0 : NVME_FUA;
}

static enum step transfer(struct queue *q, struct request *req)
{
	bool write = req->type == VIRTIO_BLK_T_OUT;
	struct nvme_command cmd = {.opcode = write ? NVME_WRITE : NVME_READ};

	if (req->done == req->len)
		return STEP_DONE;
	if (nvme_full(q->io))
		return STEP_WAIT;
	req->piece = get_pages(q, req, req->len - req->done);
	if (!req->piece)
		return STEP_WAIT;
	if (write)
		each_page(q, req, copy_in);
	set_pages(q, req, &cmd);
	set_place(q, &cmd, req->sector * SECTOR + req->done, req->piece);
	if (write)
		cmd.cdw12 |= fua(q);
	send(q, req, &cmd);
	return STEP_SENT;
}

static enum step flush(struct queue *q, struct request *req)
{
	struct nvme_command cmd = {.opcode = NVME_FLUSH};

	if (req->done || !(q->features & ADJUNCT_HAS_CACHE))
		return STEP_DONE;
	if (nvme_full(q->io))
		return STEP_WAIT;
	/* Of one thing that has to be done; it is when this is completed. */
	req->piece = 1;
	send(q, req, &cmd);
	return STEP_SENT;
}

/* Ranges of a discard or of zeroes */

static u64 disk_sectors(const struct queue *q)
{
	const struct adjunct_shared *shared = (void *)q->config->shared;

	return shared->info.size / SECTOR;
}

/* 1 with the range, 0 behind the last, or -errno. */
static int get_range(struct queue *q, u16 i, struct virtio_blk_discard_write_zeroes *r,
		     bool zeroes)
{
	size_t at = sizeof(struct virtio_blk_outhdr) + i * sizeof(*r);
	u64 sectors = disk_sectors(q);

	if (i >= RANGES_MAX ||
	    iov_to_buf(q->chain.iov, q->chain.nr_out, at, r, sizeof(*r)) < sizeof(*r))
		return 0;
	r->sector = le64toh(r->sector);
	r->num_sectors = le32toh(r->num_sectors);
	r->flags = le32toh(r->flags);
	if (r->flags & ~(zeroes ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0))
		return -EOPNOTSUPP;
	if (r->num_sectors > RANGE_SECTORS_MAX || r->sector > sectors ||
	    r->num_sectors > sectors - r->sector)
		return -EINVAL;
	return 1;
}

static enum step failed_range(int ret)
{
	return ret == -EOPNOTSUPP ? STEP_UNSUPPORTED : STEP_FAILED;
}

/* A hint: what is no whole block at the ends of a range is left as it is. */
static bool discard_range(const struct queue *q, struct nvme_range *to,
			  const struct virtio_blk_discard_write_zeroes *r)
{
	u64 unit = 1ULL << q->shift;
	u64 start = ALIGN_UP(r->sector * SECTOR, unit);
	u64 end = ALIGN_DOWN((r->sector + r->num_sectors) * SECTOR, unit);

	if (start >= end)
		return false;
	*to = (struct nvme_range){
		.blocks = to_block(q, end - start),
		.start = to_block(q, start),
	};
	return true;
}

static enum step discard(struct queue *q, struct request *req)
{
	struct nvme_command cmd = {
		.opcode = NVME_DATASET,
		.cdw11 = NVME_DATASET_DEALLOCATE,
	};
	struct virtio_blk_discard_write_zeroes r;
	struct nvme_range *ranges;
	u32 nr = 0;
	u16 i;
	int ret;

	if (req->done)
		return STEP_DONE;
	if (nvme_full(q->io) || !q->bounce.nr_free)
		return STEP_WAIT;
	bounce_get(&q->bounce, &req->list);
	ranges = bounce_page(&q->bounce, req->list);
	for (i = 0; (ret = get_range(q, i, &r, false)) > 0; i++)
		nr += discard_range(q, &ranges[nr], &r);
	if (ret || !nr) {
		release(q, req);
		return ret ? failed_range(ret) : STEP_DONE;
	}
	cmd.prp1 = (uintptr_t)ranges;
	cmd.cdw10 = nr - 1;
	req->piece = 1;
	send(q, req, &cmd);
	return STEP_SENT;
}

static enum step zeroes(struct queue *q, struct request *req)
{
	struct nvme_command cmd = {.opcode = NVME_WRITE_ZEROES};
	struct virtio_blk_discard_write_zeroes r;
	u64 bytes, unit = 1ULL << q->shift;
	int ret;

	for (;; req->range++, req->done = 0) {
		ret = get_range(q, req->range, &r, true);
		if (ret <= 0)
			return ret ? failed_range(ret) : STEP_DONE;
		bytes = r.num_sectors * (u64)SECTOR;
		if (!IS_ALIGNED(r.sector * SECTOR | bytes, unit))
			return STEP_FAILED;
		if (req->done < bytes)
			break;
	}
	if (nvme_full(q->io))
		return STEP_WAIT;
	req->piece = min_t(u64, bytes - req->done, (u64)ZERO_BLOCKS << q->shift);
	set_place(q, &cmd, r.sector * SECTOR + req->done, req->piece);
	cmd.cdw12 |= fua(q);
	if (r.flags && q->features & ADJUNCT_ZEROES_UNMAP)
		cmd.cdw12 |= NVME_DEALLOCATE;
	send(q, req, &cmd);
	return STEP_SENT;
}

static enum step get_id(struct queue *q, struct request *req)
{
	struct vq_chain *chain = &q->chain;
	u32 room = chain->in_len - 1;

	req->len = min_t(u32, room, sizeof(q->config->serial));
	iov_from_buf(vq_chain_in(chain), chain->nr_in, 0, q->config->serial, req->len);
	return STEP_DONE;
}

static enum step next_step(struct queue *q, struct request *req)
{
	if (req->flushing)
		return flush(q, req);
	switch (req->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		return transfer(q, req);
	case VIRTIO_BLK_T_FLUSH:
		return flush(q, req);
	case VIRTIO_BLK_T_GET_ID:
		return get_id(q, req);
	case VIRTIO_BLK_T_DISCARD:
		return discard(q, req);
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return zeroes(q, req);
	default:
		return STEP_UNSUPPORTED;
	}
}

/* A discard has no bit that makes it last; where writes have to, it is flushed. */
static bool wants_flush(const struct queue *q, const struct request *req)
{
	return req->type == VIRTIO_BLK_T_DISCARD && !req->flushing && fua(q);
}

static enum step advance(struct queue *q, struct request *req)
{
	enum step step = next_step(q, req);

	if (step == STEP_DONE && wants_flush(q, req)) {
		req->flushing = true;
		req->done = 0;
		step = next_step(q, req);
	}
	switch (step) {
	case STEP_SENT:
	case STEP_WAIT:
		break;
	case STEP_DONE:
		complete(q, req, VIRTIO_BLK_S_OK);
		break;
	case STEP_FAILED:
		complete(q, req, VIRTIO_BLK_S_IOERR);
		break;
	case STEP_UNSUPPORTED:
		complete(q, req, VIRTIO_BLK_S_UNSUPP);
		break;
	}
	return step;
}

/* Beginning */

static bool in_disk(const struct queue *q, const struct request *req)
{
	u64 sectors = disk_sectors(q), unit = 1ULL << q->shift;

	return req->len % SECTOR == 0 && req->sector <= sectors &&
	       req->len / SECTOR <= sectors - req->sector &&
	       IS_ALIGNED(req->sector * SECTOR | req->len, unit);
}

/* What can be told of a request before any of it is done: VIRTIO_BLK_S_*. */
static u8 check(const struct queue *q, const struct request *req)
{
	const struct adjunct_config *config = q->config;
	u32 size = sizeof(struct virtio_blk_discard_write_zeroes);
	bool list = false;

	switch (req->type) {
	case VIRTIO_BLK_T_IN:
		return in_disk(q, req) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	case VIRTIO_BLK_T_OUT:
		return !config->read_only && in_disk(q, req) ? VIRTIO_BLK_S_OK
							     : VIRTIO_BLK_S_IOERR;
	case VIRTIO_BLK_T_DISCARD:
		list = config->discard;
		break;
	case VIRTIO_BLK_T_WRITE_ZEROES:
		list = config->zeroes;
		break;
	default:
		return VIRTIO_BLK_S_OK;
	}
	if (!list)
		return VIRTIO_BLK_S_UNSUPP;
	return config->read_only || !req->len || req->len % size ||
			       req->len / size > RANGES_MAX
		       ? VIRTIO_BLK_S_IOERR
		       : VIRTIO_BLK_S_OK;
}

int request_begin(struct queue *q)
{
	struct request *req = &q->requests[q->chain.head];
	struct virtio_blk_outhdr hdr;
	u8 status;

	/* A driver may offer a chain again that it has not got back. */
	if (req->state != REQUEST_FREE)
		return vq_break(&q->vq, "a chain that is in flight");
	if (q->chain.out_len < sizeof(hdr) || !q->chain.in_len)
		return vq_break(&q->vq, "a request without its header");
	iov_to_buf(q->chain.iov, q->chain.nr_out, 0, &hdr, sizeof(hdr));
	*req = (struct request){
		.state = REQUEST_WAITING,
		.next = REQUEST_NONE,
		.data = BOUNCE_NONE,
		.list = BOUNCE_NONE,
		.type = le32toh(hdr.type),
		.sector = le64toh(hdr.sector),
	};
	req->len = req->type == VIRTIO_BLK_T_IN ? q->chain.in_len - 1
						: q->chain.out_len - sizeof(hdr);
	q->busy++;
	status = check(q, req);
	if (status == VIRTIO_BLK_S_OK &&
	    clock_past(q->log->entry[q->chain.head].taken, q->config->give_up))
		status = VIRTIO_BLK_S_IOERR;
	if (status != VIRTIO_BLK_S_OK)
		complete(q, req, status);
	else if (q->wait_first != REQUEST_NONE || advance(q, req) == STEP_WAIT)
		wait_add(q, req);
	return 0;
}

/* The chain again; false: it makes no sense any more, and the request is gone. */
static bool look_again(struct queue *q, struct request *req)
{
	q->chain.head = number(q, req);
	if (!vq_reread(&q->vq, &q->chain) &&
	    q->chain.out_len >= sizeof(struct virtio_blk_outhdr) && q->chain.in_len)
		return true;
	vq_break(&q->vq, "a chain that has changed");
	drop(q, req);
	return false;
}

void request_completed(struct queue *q, const struct nvme_completion *cqe)
{
	u16 status = NVME_STATUS(cqe->status);
	struct request *req;

	if (cqe->cid == QUEUE_SYNC) {
		q->synced = status ? -EIO : 0;
		return;
	}
	if (cqe->cid >= ADJUNCT_QUEUE_SIZE ||
	    q->requests[cqe->cid].state != REQUEST_SENT) {
		q->stray++;
		return;
	}
	req = &q->requests[cqe->cid];
	if (!look_again(q, req))
		return;
	if (status) {
		q->errors++;
		complete(q, req, status == NVME_INVALID_OPCODE ? VIRTIO_BLK_S_UNSUPP
							       : VIRTIO_BLK_S_IOERR);
		return;
	}
	if (req->type == VIRTIO_BLK_T_IN)
		each_page(q, req, copy_out);
	release(q, req);
	req->done += req->piece;
	/* It has begun, so it goes on before those that have not. */
	if (advance(q, req) == STEP_WAIT)
		wait_add_first(q, req);
}

void request_retry(struct queue *q)
{
	while (q->wait_first != REQUEST_NONE) {
		struct request *req = &q->requests[q->wait_first];

		q->wait_first = req->next;
		if (!look_again(q, req))
			continue;
		if (advance(q, req) != STEP_WAIT)
			continue;
		wait_add_first(q, req);
		return;
	}
}

bool request_late(const struct queue *q)
{
	u16 i;

	for (i = 0; i < ADJUNCT_QUEUE_SIZE; i++)
		if (q->requests[i].state == REQUEST_SENT &&
		    clock_past(q->requests[i].sent, q->config->late))
			return true;
	return false;
}
