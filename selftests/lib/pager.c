// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test pager's process and its handling by the test. One thread serves
 * all queues: it takes requests, keeps them until nothing holds them back,
 * does them, and returns completions, riding on the parking command when none
 * is parked and on commands of their own otherwise.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pager.h"

#define USER_PARK 0x1000
#define USER_COMPLETE 0x2000

struct pending {
	struct tarn_request req;
	u64 due_ms;
};

struct queue {
	struct pending *pending;
	u32 count;
	u32 seen;
	/* requests that the last STORE said belong to its run */
	u32 run_left;
	struct tarn_request run_last;
	bool parked;
};

struct server {
	struct pager_ctl *ctl;
	struct pager_end end;
	struct queue queue[PAGER_QUEUES];
	struct rng rng;
	u32 hint;
	int store;
};

static void __attribute__((format(printf, 2, 3)))
protocol_error(struct pager_ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	if (atomic_fetch_add(&ctl->protocol_errors, 1))
		return;
	va_start(ap, fmt);
	vsnprintf(ctl->protocol_error, sizeof(ctl->protocol_error), fmt, ap);
	va_end(ap);
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* A cookie is its slot plus one, marked so that a wrong one shows. */
#define COOKIE_MARK (0xc0ULL << 40)

static u64 slot_to_cookie(u32 slot)
{
	return COOKIE_MARK | (slot + 1);
}

static long cookie_to_slot(u64 cookie)
{
	u64 slot = (cookie & ~COOKIE_MARK) - 1;

	if ((cookie & COOKIE_MARK) != COOKIE_MARK || slot >= PAGER_SLOTS)
		return -1;
	return slot;
}

static u32 pages_of(const struct tarn_request *r)
{
	return r->flags & TARN_REQ_WIDE ? r->run + 1U : 1;
}

static long slot_of(struct server *s, const struct tarn_request *r)
{
	long slot = cookie_to_slot(r->cookie);
	u32 i;

	for (i = 0; i < pages_of(r); i++)
		if (slot < 0 || slot + i >= PAGER_SLOTS ||
		    !s->ctl->slot_used[slot + i]) {
			protocol_error(s->ctl,
				       "op %u of %u:%llu: cookie %llx + %u is free",
				       r->op, r->partition, r->index, r->cookie, i);
			return -1;
		}
	return slot;
}

static void slots_free(struct server *s, u32 slot, u32 count)
{
	memset(s->ctl->slot_used + slot, 0, count);
	s->ctl->used -= count;
}

static void slot_free(struct server *s, u32 slot)
{
	slots_free(s, slot, 1);
}

/* Slots in a row. */
static long slots_alloc(struct server *s, u32 count)
{
	u32 i, slot = s->hint, run = 0;

	if (s->ctl->used + count > s->ctl->capacity)
		return -ENOSPC;
	for (i = 0; i < 2 * PAGER_SLOTS && run < count; i++, slot++) {
		if (slot >= PAGER_SLOTS)
			slot = run = 0;
		run = s->ctl->slot_used[slot] ? 0 : run + 1;
	}
	if (run < count)
		return -ENOSPC;
	s->hint = slot % PAGER_SLOTS;
	memset(s->ctl->slot_used + slot - count, 1, count);
	s->ctl->used += count;
	return slot - count;
}

static bool matches(struct server *s, const struct tarn_request *r)
{
	s64 index = s->ctl->match_index;
	u32 partition = s->ctl->match_partition;

	return (!partition || partition == r->partition) &&
	       (index < 0 || (u64)index - r->index < pages_of(r));
}

/* Where the module looks, too, when it is granted the device. */
static off_t place(u32 slot)
{
	return (slot_to_cookie(slot) & ((1ULL << TARN_COOKIE_SLOT_BITS) - 1))
	       << TARN_PAGE_SHIFT;
}

static int slots_read(struct server *s, u32 slot, u32 count, u8 *frame)
{
	const ssize_t bytes = (size_t)count * PAGE_SIZE;

	if (s->store < 0) {
		memcpy(frame, s->ctl->slots[slot], bytes);
		return 0;
	}
	return pread(s->store, frame, bytes, place(slot)) == bytes ? 0 : -EIO;
}

static int slots_write(struct server *s, u32 slot, u32 count, const u8 *frame)
{
	const ssize_t bytes = (size_t)count * PAGE_SIZE;

	if (s->store < 0) {
		memcpy(s->ctl->slots[slot], frame, bytes);
		return 0;
	}
	return pwrite(s->store, frame, bytes, place(slot)) == bytes ? 0 : -EIO;
}

/* What is wrong with the page that a test means. */
static void spoil(struct server *s, const struct tarn_request *r, u8 *frame)
{
	u32 corrupt = matches(s, r) ? atomic_load(&s->ctl->corrupt) : 0;
	u64 at = s->ctl->match_index < 0 ? 0 : s->ctl->match_index - r->index;
	u64 poison = s->ctl->poison_index - r->index;

	if (s->ctl->poison_index >= 0 && poison < pages_of(r)) {
		s->ctl->poison_index = -1;
		madvise(frame + poison * PAGE_SIZE, PAGE_SIZE, MADV_HWPOISON);
	}
	if (corrupt == PAGER_CORRUPT_ALWAYS ||
	    (corrupt && !(r->flags & TARN_REQ_MISMATCH)))
		frame[at * PAGE_SIZE + 1234] ^= 0x10;
}

static int do_load(struct server *s, const struct tarn_request *r, u8 *frame)
{
	u32 corrupt = matches(s, r) ? atomic_load(&s->ctl->corrupt) : 0;
	bool again = r->flags & TARN_REQ_MISMATCH;
	bool wide = r->flags & TARN_REQ_WIDE;
	long slot = slot_of(s, r);
	int ret;

	s->ctl->loads += pages_of(r);
	s->ctl->wide_loads += wide;
	s->ctl->readaheads += !!(r->flags & TARN_REQ_READAHEAD);
	s->ctl->mismatches += again;
	if (slot < 0)
		return -EIO;
	/* Of a page that is truncated meanwhile it may be the next content's. */
	if (s->store < 0 && !s->ctl->truncates && !wide &&
	    r->sum != tarn_page_sum(s->ctl->slots[slot]))
		protocol_error(s->ctl, "load of %u:%llu: sum %x is wrong",
			       r->partition, r->index, r->sum);
	if (s->ctl->load_error && matches(s, r))
		return -(int)s->ctl->load_error;
	if (wide && s->ctl->wide_error && matches(s, r))
		return -(int)s->ctl->wide_error;
	if (again && corrupt == PAGER_CORRUPT_EILSEQ)
		return -EILSEQ;
	ret = slots_read(s, slot, pages_of(r), frame);
	spoil(s, r, frame);
	return ret;
}

static int do_store(struct server *s, const struct tarn_request *r, u8 *frame,
		    u64 *cookie)
{
	bool wide = r->flags & TARN_REQ_WIDE;
	u32 count = pages_of(r);
	long old = -1, slot;
	int ret;

	s->ctl->stores += count;
	s->ctl->wide_stores += wide;
	if (r->cookie != TARN_COOKIE_NONE) {
		s->ctl->restores++;
		old = slot_of(s, r);
	}
	if (s->ctl->store_error && matches(s, r))
		return -(int)s->ctl->store_error;
	if (wide && s->ctl->wide_error && matches(s, r))
		return -(int)s->ctl->wide_error;
	slot = old >= 0 && s->ctl->in_place ? old : slots_alloc(s, count);
	if (slot < 0)
		return slot;
	ret = slots_write(s, slot, count, frame);
	if (ret) {
		if (slot != old)
			slots_free(s, slot, count);
		return ret;
	}
	if (old >= 0 && old != slot)
		slots_free(s, old, count);
	*cookie = slot_to_cookie(slot);
	return 0;
}

static int do_drop(struct server *s, const struct tarn_request *r)
{
	long slot = slot_of(s, r);

	s->ctl->drops += pages_of(r);
	s->ctl->wide_drops += !!(r->flags & TARN_REQ_WIDE);
	if (slot >= 0)
		slots_free(s, slot, pages_of(r));
	return 0;
}

static void perform(struct server *s, const struct tarn_request *r,
		    struct tarn_completion *c)
{
	u8 *frame = s->end.window + (r->frame << TARN_PAGE_SHIFT);
	long slot = cookie_to_slot(r->cookie);

	if (slot >= 0)
		memset(s->ctl->slot_busy + slot, 0, pages_of(r));
	*c = (struct tarn_completion){ .tag = r->tag };
	if (r->op == TARN_OP_LOAD) {
		c->result = do_load(s, r, frame);
	} else if (r->op == TARN_OP_STORE) {
		u64 cookie = 0;

		c->result = do_store(s, r, frame, &cookie);
		c->cookie = cookie;
	} else {
		c->result = do_drop(s, r);
	}
	s->ctl->completed += pages_of(r);
}

static bool overlap(u64 a, u64 na, u64 b, u64 nb)
{
	return a < b + nb && b < a + na;
}

static void check_wide(struct server *s, const struct tarn_request *r)
{
	u32 count = pages_of(r);

	if (s->ctl->narrow)
		protocol_error(s->ctl, "op %u is wide", r->op);
	if (count < 2 || count > TARN_WIDE_PAGES ||
	    r->flags & (TARN_REQ_MISMATCH | TARN_REQ_READAHEAD) || r->sum)
		protocol_error(s->ctl, "op %u about %u pages, flags %x, sum %x",
			       r->op, count, r->flags, r->sum);
	if (r->op != TARN_OP_DROP && (count & (count - 1) || r->frame % count))
		protocol_error(s->ctl, "op %u about %u frames from %llx on",
			       r->op, count, r->frame);
}

/* What a request must be, whatever the state of the store. */
static void check_request(struct server *s, struct queue *q,
			  const struct tarn_request *r)
{
	struct pager_ctl *ctl = s->ctl;
	long slot = cookie_to_slot(r->cookie);
	u32 i;

	for (i = 0; slot >= 0 && i < pages_of(r); i++)
		if (slot + i < PAGER_SLOTS && ctl->slot_busy[slot + i]++)
			protocol_error(ctl, "op %u: cookie %llx + %u is in flight",
				       r->op, r->cookie, i);
	if (r->flags & TARN_REQ_WIDE)
		check_wide(s, r);
	if (r->op < TARN_OP_LOAD || r->op > TARN_OP_DROP)
		protocol_error(ctl, "op %u", r->op);
	if ((r->flags & ~7) || !r->partition != (r->op == TARN_OP_DROP))
		protocol_error(ctl, "op %u flags %x partition %u", r->op,
			       r->flags, r->partition);
	if (r->sum && r->op != TARN_OP_LOAD)
		protocol_error(ctl, "op %u has sum %x", r->op, r->sum);
	if (r->flags & 3 && r->op != TARN_OP_LOAD)
		protocol_error(ctl, "op %u has flags %x", r->op, r->flags);
	if (r->op != TARN_OP_DROP &&
	    r->frame + pages_of(r) > s->end.window_bytes >> TARN_PAGE_SHIFT)
		protocol_error(ctl, "frame %llx is beyond the window", r->frame);
	for (i = 0; i < q->count; i++) {
		const struct tarn_request *o = &q->pending[i].req;

		if (o->tag == r->tag)
			protocol_error(ctl, "tag %u is in flight", r->tag);
		if (r->op != TARN_OP_DROP && o->op != TARN_OP_DROP &&
		    overlap(o->frame, pages_of(o), r->frame, pages_of(r)))
			protocol_error(ctl, "frame %llx is in flight", r->frame);
		if (!ctl->truncates && r->op != TARN_OP_DROP &&
		    o->op != TARN_OP_DROP && o->partition == r->partition &&
		    overlap(o->index, pages_of(o), r->index, pages_of(r)))
			protocol_error(ctl, "page %u:%llu in flight: ops %u, %u",
				       r->partition, r->index, o->op, r->op);
	}
	if (q->run_left) {
		if (r->op != TARN_OP_STORE ||
		    r->partition != q->run_last.partition ||
		    r->index <= q->run_last.index)
			protocol_error(ctl, "op %u of %u:%llu in a run of %u:%llu",
				       r->op, r->partition, r->index,
				       q->run_last.partition,
				       q->run_last.index);
		q->run_left--;
		ctl->in_runs++;
	} else if (r->run && !(r->flags & TARN_REQ_WIDE)) {
		if (r->op != TARN_OP_STORE)
			protocol_error(ctl, "op %u has a run", r->op);
		q->run_left = r->run;
		ctl->in_runs++;
	}
	q->run_last = *r;
}

static void take(struct server *s, u32 n)
{
	struct queue *q = &s->queue[n];
	u32 tail = pager_end_tail(&s->end, n);
	u64 due = now_ms() + s->ctl->delay_ms, taken;
	struct tarn_request r;

	if (tail - q->seen > s->end.depth)
		protocol_error(s->ctl, "tail %u, seen %u", tail, q->seen);
	for (; q->seen != tail; q->seen++) {
		if (q->count == s->end.depth) {
			protocol_error(s->ctl, "more than depth in flight");
			break;
		}
		r = *pager_end_request(&s->end, n, q->seen);
		check_request(s, q, &r);
		q->pending[q->count++] = (struct pending){ r, due };
		taken = s->ctl->taken += pages_of(&r);
		if (s->ctl->die_after && taken >= s->ctl->die_after)
			kill(getpid(), SIGKILL);
	}
}

static bool held(struct server *s, const struct pending *p, u64 now)
{
	return (s->ctl->hold & (1U << p->req.op)) || p->due_ms > now;
}

/* Do what may be done; completions made, at most depth. */
static u32 finish(struct server *s, u32 n)
{
	struct tarn_completion *c = pager_end_completions(&s->end, n);
	struct queue *q = &s->queue[n];
	u32 i, kept = 0, made = 0;
	u64 now = now_ms();

	if (s->ctl->reorder) {
		for (i = q->count; i > 1; i--) {
			u32 j = rng_below(&s->rng, i);
			struct pending t = q->pending[i - 1];

			q->pending[i - 1] = q->pending[j];
			q->pending[j] = t;
		}
	}
	for (i = 0; i < q->count; i++) {
		if (held(s, &q->pending[i], now))
			q->pending[kept++] = q->pending[i];
		else
			perform(s, &q->pending[i].req, &c[made++]);
	}
	q->count = kept;
	return made;
}

static void serve(struct server *s, u32 n, bool park, u32 completions)
{
	const struct tarn_serve serve = {
		.queue = n,
		.flags = park ? TARN_SERVE_PARK : 0,
		.completions = completions,
		.seen = s->queue[n].seen,
	};
	int ret = pager_end_submit(&s->end, &serve,
				   (park ? USER_PARK : USER_COMPLETE) + n);

	if (ret)
		protocol_error(s->ctl, "submit: %d", ret);
	s->queue[n].parked |= park;
}

/* As a pager that looks after its devices would tell. */
static int tell_status(struct server *s)
{
	u32 wanted = s->ctl->status_wanted;
	struct tarn_pager_status status = {
		.size = sizeof(status),
		.flags = s->ctl->status_flags,
		.capacity_pages = s->ctl->capacity,
		.used_pages = s->ctl->used,
	};
	int ret = __tarn_op(s->end.fd, TARN_PAGER_STATUS, &status);

	s->ctl->status_told = wanted;
	return ret;
}

static int turn(struct server *s)
{
	bool waiting = false;
	u64 user;
	u32 n;
	int ret;

	if (s->ctl->status_wanted != s->ctl->status_told &&
	    (ret = tell_status(s)))
		return ret;

	for (n = 0; n < s->end.queues; n++) {
		struct queue *q = &s->queue[n];
		u32 made;

		take(s, n);
		made = finish(s, n);
		waiting |= q->count;
		if (made || !q->parked)
			serve(s, n, !q->parked, made);
	}
	ret = pager_end_wait(&s->end, &user, waiting ? 1 : 20);
	while (ret != -ETIME) {
		if (user & USER_PARK)
			s->queue[user & 0xff].parked = false;
		if (ret < 0)
			return ret;
		ret = pager_end_wait(&s->end, &user, 0);
	}
	return 0;
}

static int learn_stored(struct server *s)
{
	static struct tarn_stored_page page[1024];
	struct tarn_pager_stored stored = { .size = sizeof(stored) };
	u32 i;
	int ret;

	memset(s->ctl->slot_used, 0, sizeof(s->ctl->slot_used));
	memset(s->ctl->slot_busy, 0, sizeof(s->ctl->slot_busy));
	s->ctl->used = 0;
	s->ctl->listed = 0;
	do {
		stored.pages = (uintptr_t)page;
		stored.count = ARRAY_SIZE(page);
		ret = __tarn_op(s->end.fd, TARN_PAGER_STORED, &stored);
		if (ret)
			return ret;
		for (i = 0; i < stored.count; i++) {
			long slot = cookie_to_slot(page[i].cookie);

			if (slot < 0 || s->ctl->slot_used[slot]) {
				protocol_error(s->ctl, "STORED lists cookie %llx%s",
					       page[i].cookie,
					       slot < 0 ? "" : " twice");
				continue;
			}
			s->ctl->slot_used[slot] = 1;
			s->ctl->used++;
			s->ctl->listed++;
		}
	} while (stored.count);
	if (s->ctl->listed > s->end.stored_pages)
		protocol_error(s->ctl, "%llu pages stored, %llu listed",
			       (unsigned long long)s->end.stored_pages,
			       (unsigned long long)s->ctl->listed);
	return 0;
}

/* What was dropped since it was asked what is stored; it may not be listed. */
static int start(struct server *s)
{
	static u64 dropped[PAGER_SLOTS];
	u32 i, count = ARRAY_SIZE(dropped);
	int ret = pager_end_start_with(&s->end, dropped, &count);

	for (i = 0; i < count && !ret; i++) {
		long slot = cookie_to_slot(dropped[i]);

		if (slot < 0)
			protocol_error(s->ctl, "START tells cookie %llx",
				       (unsigned long long)dropped[i]);
		else if (s->ctl->slot_used[slot])
			slot_free(s, slot);
	}
	return ret;
}

static int grant(struct server *s)
{
	struct tarn_pager_grant g = {
		.size = sizeof(g),
		.device = COOKIE_MARK >> TARN_COOKIE_SLOT_BITS,
		.fd = s->store,
	};

	return __tarn_op(s->end.fd, TARN_PAGER_GRANT, &g);
}

static int server_begin(struct server *s)
{
	int pool, ret;
	u32 n;

	ret = pager_end_open(&s->end);
	if (ret)
		return ret;
	pool = SYS(open(s->ctl->pool, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (pool < 0)
		return pool;
	s->end.flags = s->ctl->narrow ? 0 : TARN_PAGER_WIDE;
	ret = pager_end_attach(&s->end, pool, s->ctl->queues, s->ctl->depth);
	close(pool);
	if (!ret)
		ret = pager_end_map(&s->end);
	for (n = 0; n < s->end.queues; n++) {
		s->queue[n].pending = calloc(s->end.depth,
					     sizeof(struct pending));
	}
	s->store = -1;
	if (s->ctl->file[0]) {
		s->store = SYS(open(s->ctl->file,
				    O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC,
				    0600));
		if (s->store < 0)
			return s->store;
	}
	s->rng.state = getpid();
	if (!ret && s->ctl->grant)
		ret = grant(s);
	/* EAGAIN: more copies were dropped meanwhile than START could tell */
	while (!ret) {
		ret = learn_stored(s);
		if (ret)
			break;
		ret = start(s);
		if (ret != -EAGAIN)
			break;
		s->ctl->relisted++;
		ret = 0;
	}
	return ret;
}

int pager_main(int memfd)
{
	static struct server server;
	struct server *s = &server;
	int ret;

	s->ctl = mmap(NULL, sizeof(*s->ctl), PROT_READ | PROT_WRITE, MAP_SHARED,
		      memfd, 0);
	if (s->ctl == MAP_FAILED)
		return 1;
	ret = server_begin(s);
	s->ctl->failed = ret;
	s->ctl->ready = 1;
	while (!ret && !s->ctl->stop)
		ret = turn(s);
	if (ret && ret != -ENOTCONN)
		protocol_error(s->ctl, "served until error %d", ret);
	pager_end_close(&s->end);
	return ret ? 1 : 0;
}

void pager_init(struct pager *pg, struct pool *p)
{
	pg->memfd = ASSERT_OK(memfd_create("pager", MFD_CLOEXEC));
	ASSERT_OK(ftruncate(pg->memfd, sizeof(*pg->ctl)));
	pg->ctl = mmap(NULL, sizeof(*pg->ctl), PROT_READ | PROT_WRITE,
		       MAP_SHARED, pg->memfd, 0);
	ASSERT(pg->ctl != MAP_FAILED);
	strcpy(pg->ctl->pool, p->dir);
	pg->ctl->capacity = PAGER_SLOTS;
	pg->ctl->match_index = -1;
	pg->ctl->poison_index = -1;
	pg->ctl->queues = 2;
	pg->ctl->depth = 64;
	pg->pid = 0;
}

/*
 * A new program, not only a process: it must not inherit the test's mappings
 * and descriptors, which would keep what the test gives up alive.
 */
void pager_launch(struct pager *pg)
{
	char arg[16];

	pg->ctl->ready = 0;
	pg->ctl->stop = 0;
	pg->pid = fork();
	ASSERT(pg->pid >= 0);
	if (!pg->pid) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (dup2(pg->memfd, 3) < 0 || close_range(4, ~0U, 0))
			_exit(1);
		if (pg->memfd == 3)
			fcntl(3, F_SETFD, 0);
		strcpy(arg, "3");
		execl("/proc/self/exe", "pager", PAGER_ARG, arg, NULL);
		_exit(1);
	}
	WAIT_FOR(pg->ctl->ready || proc_state(pg->pid) == 'Z');
	if (!pg->ctl->ready || pg->ctl->failed)
		FAIL("the pager did not start: %s",
		     strerror(-atomic_load(&pg->ctl->failed)));
}

void pager_start(struct pager *pg, struct pool *p)
{
	pager_init(pg, p);
	pager_launch(pg);
}

void pager_kill(struct pager *pg)
{
	ASSERT_OK(kill(pg->pid, SIGKILL));
	ASSERT_EQ(reap(pg->pid), 256 + SIGKILL);
	pg->pid = 0;
}

void pager_lose(struct pager *pg, struct pool *p)
{
	pager_kill(pg);
	WAIT_FOR(!(pool_info(p).flags & TARN_POOL_SERVED));
}

void pager_status(struct pager *pg, u32 flags)
{
	pg->ctl->status_flags = flags;
	pg->ctl->status_wanted++;
	WAIT_FOR(pg->ctl->status_told == pg->ctl->status_wanted);
}

void pager_assert_protocol(struct pager *pg)
{
	if (pg->ctl->protocol_errors)
		FAIL("protocol: %s (and %u more)", pg->ctl->protocol_error,
		     pg->ctl->protocol_errors - 1);
}

void pager_stop(struct pager *pg)
{
	if (pg->pid) {
		pg->ctl->stop = 1;
		reap(pg->pid);
		pg->pid = 0;
	}
	pager_assert_protocol(pg);
	pager_free(pg);
}

void pager_free(struct pager *pg)
{
	munmap(pg->ctl, sizeof(*pg->ctl));
	close(pg->memfd);
}
