// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory in a pool is saved and restored; this file is the module. Content stays in
 * the file of the saved guest, shared pages are written once, and a module that does none
 * of this, or not always, costs nothing but time.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/tarn.h>
#include <linux/tarn_pager.h>

#include "fake_error.h"
#include "tap.h"

static int fake_ioctl(int fd, unsigned long request, ...);
static int fake_fstatfs(int fd, struct statfs *fs);

#define ioctl fake_ioctl
#define fstatfs fake_fstatfs
#include "../../vmm/mem.c"
#include "../../vmm/save/pool.c"
#undef ioctl
#undef fstatfs

#include "sandbox.h"
#include "save/memory.h"
#include "save/prefetch.h"
#include "save/same.h"
#include "save/source.h"
#include "save/workers.h"
#include "saved.h"

#include <pthread.h>

#define PAGE STREAM_PAGE_SIZE
/* Of the partition: a range, and another one that begins in the middle of a chunk. */
#define LOW_PAGES 600
#define PAGES (20 * STREAM_PAGES_MAX)
#define HIGH 0x100000000ULL
#define MAX_CHUNKS 6 /* of two workers */

/**
 * struct fake_page - of the partition.
 * @pos: where it is in a file; 0: it is in none
 * @copy: it was there, and that is not forgotten
 */
struct fake_page {
	u8 state;
	u8 heat;
	u64 id;
	u64 pos;
	u32 sum;
	bool copy;
};

/**
 * module - what it does.
 * @old: it knows no call that is new
 * @import_error: what all imports fail with
 * @copy_error: likewise
 * @busy: a page that has to have a frame, -1: none
 * @restless: pages cease to share all the time
 * @no_pager: what is paged cannot be read
 * @read_error: nothing can
 * @spare: frames that nobody needs
 * @slow: so many calls find that the file is slow
 * @held: so many calls find pages in somebody's hand, and have none forget its copy
 * @waited: sources that were in the file when they were copied
 * @last_heat: of the page that was brought last
 */
static struct {
	pthread_mutex_t lock;
	struct fake_page page[PAGES];
	bool old;
	int import_error;
	int copy_error;
	s64 busy;
	bool restless;
	bool no_pager;
	int read_error;
	u64 spare;
	unsigned int slow;
	unsigned int held;
	unsigned int waited;
	u64 left;
	int file;
	unsigned int read_pages;
	unsigned int imports;
	unsigned int imported;
	unsigned int filled;
	unsigned int copied;
	unsigned int paged_out;
	unsigned int brought;
	u8 last_heat;
	bool in_order;
} module = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct mem_backend backend;
static struct tarn_mem mem;
static u8 *ram;
static struct workers *workers;
static struct prefetch *background;

int sandbox_enter(enum sandbox_kind kind) { return 0; }

static int fake_fstatfs(int fd, struct statfs *fs)
{
	CHECK_EQ(fd, backend.fd);
	fs->f_type = TARN_SUPER_MAGIC;
	return 0;
}

/* The module */

static u8 *at(u64 page)
{
	return ram + page * PAGE;
}

/* What the first page fails with, or how many were done. */
static int done(u64 *nr, u64 n, int error)
{
	*nr = n;
	errno = error;
	return n || !error ? 0 : -1;
}

/* What was put there through the mapping has a frame. */
static u8 state_of(u64 page)
{
	static const u8 zeroes[PAGE];

	return module.page[page].state == TARN_PAGE_EMPTY &&
	       memcmp(at(page), zeroes, PAGE) ? TARN_PAGE_RESIDENT :
						module.page[page].state;
}

static int do_read(struct tarn_partition_read *r)
{
	u64 i;

	for (i = 0; i < r->count; i++) {
		const struct fake_page *page = &module.page[r->start + i];

		if (module.read_error)
			return done((u64 *)&r->count, i, module.read_error);
		if (module.no_pager && page->state == TARN_PAGE_PAGED)
			return done((u64 *)&r->count, i, EAGAIN);
		if (page->pos)
			CHECK_EQ(pread(module.file, at(r->start + i), PAGE,
				       page->pos), PAGE);
		((u8 *)r->states)[i] = state_of(r->start + i);
		if (state_of(r->start + i) != TARN_PAGE_EMPTY &&
		    page->state != TARN_PAGE_BALLOON)
			memcpy((u8 *)r->data + i * PAGE, at(r->start + i), PAGE);
		module.read_pages++;
	}
	return 0;
}

static int do_shared(struct tarn_partition_shared *s)
{
	u64 i;

	for (i = 0; i < s->count; i++)
		((u64 *)s->ids)[i] = module.page[s->start + i].id;
	module.left += module.restless;
	s->left = module.left;
	return 0;
}

static int do_heat(struct tarn_partition_heat *h)
{
	u64 i;

	for (i = 0; i < h->count; i++)
		((u8 *)h->heat)[i] = module.page[h->start + i].heat |
				     TARN_HEAT_RESIDENT;
	return 0;
}

static int claim(u64 page)
{
	if (module.page[page].state != TARN_PAGE_EMPTY)
		return -EEXIST;
	return (s64)page == module.busy ? -EBUSY : 0;
}

static int do_fill(struct tarn_partition_fill *f)
{
	int error = 0;
	u64 i, j;

	CHECK(f->word);
	for (i = 0; i < f->count && !error; i += !error) {
		error = -claim(f->start + i);
		if (error)
			break;
		module.page[f->start + i].state = TARN_PAGE_PATTERN;
		module.filled++;
		for (j = 0; j < PAGE; j += sizeof(u64))
			memcpy(at(f->start + i) + j, &f->word, sizeof(u64));
	}
	return done((u64 *)&f->done, i, error);
}

static void bring(u64 index)
{
	struct fake_page *page = &module.page[index];

	if (page->state != TARN_PAGE_PAGED)
		return;
	if (page->pos) {
		CHECK_EQ(pread(module.file, at(index), PAGE, page->pos), PAGE);
		CHECK_EQ(tarn_page_sum(at(index)), page->sum);
	}
	page->pos = 0;
	page->state = TARN_PAGE_RESIDENT;
}

static int do_copy(struct tarn_partition_copy *c)
{
	int error = module.copy_error;
	u64 i;

	for (i = 0; i < c->count && !error; i++) {
		/* Here a touch brings nothing. */
		module.waited += module.page[c->source + i].state == TARN_PAGE_PAGED;
		bring(c->source + i);
		error = -claim(c->start + i);
		if (error)
			break;
		memcpy(at(c->start + i), at(c->source + i), PAGE);
		module.page[c->start + i].state = TARN_PAGE_SHARED;
		module.copied++;
	}
	return done((u64 *)&c->done, i, error);
}

static int do_import(struct tarn_partition_import *im)
{
	int error = module.import_error;
	u64 i;

	module.imports++;
	CHECK(im->fd >= 0 && IS_ALIGNED(im->offset, (u64)PAGE));
	CHECK(!im->reserved && !im->flags);
	for (i = 0; i < im->count && !error; i++) {
		struct fake_page *page = &module.page[im->start + i];

		error = -claim(im->start + i);
		if (error)
			break;
		page->state = TARN_PAGE_PAGED;
		page->pos = im->offset + i * PAGE;
		page->sum = ((u32 *)im->sums)[i];
		page->copy = true;
		module.imported++;
	}
	if (i && module.file < 0)
		module.file = fcntl(im->fd, F_DUPFD_CLOEXEC, 3);
	return done((u64 *)&im->done, i, error);
}

static int do_range(unsigned long request, struct tarn_partition_range *r)
{
	u64 i;

	r->done = r->count;
	if (request == TARN_PARTITION_PATTERNS)
		return 0;
	if (request == TARN_PARTITION_PAGE_OUT) {
		module.paged_out += r->count;
		for (i = 0; i < r->count; i++)
			module.page[r->start + i].state = TARN_PAGE_PAGED;
		return 0;
	}
	CHECK(r->flags & TARN_PAGE_IN_SPARE);
	if (module.slow) {
		module.slow--;
		return done((u64 *)&r->done, 0, ETIME);
	}
	for (i = 0; i < r->count; i++) {
		struct fake_page *page = &module.page[r->start + i];

		if (page->state != TARN_PAGE_PAGED) {
			page->copy &= !(r->flags & TARN_PAGE_IN_OWN) || module.held;
			continue;
		}
		if (!module.spare)
			break;
		module.in_order &= page->heat <= module.last_heat;
		/* What nobody knows of counts as cold. */
		module.last_heat = max_t(u8, page->heat, TARN_ACTIVITY_COLD);
		module.spare--;
		module.brought++;
		bring(r->start + i);
	}
	if (r->flags & TARN_PAGE_IN_OWN && module.held)
		module.held--;
	r->done = i;
	return 0;
}

static int do_info(struct tarn_partition_info *info)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		info->imported_pages += module.page[i].copy;
	return 0;
}

static int call(unsigned long request, void *arg)
{
	switch (request) {
	case TARN_PARTITION_READ:
		return do_read(arg);
	case TARN_PARTITION_PAGE_OUT:
	case TARN_PARTITION_PATTERNS:
		return do_range(request, arg);
	case TARN_PARTITION_HEAT:
		return do_heat(arg);
	case TARN_PARTITION_INFO:
		return do_info(arg);
	}
	if (module.old)
		return done(&(u64){0}, 0, ENOTTY);
	switch (request) {
	case TARN_PARTITION_PAGE_IN:
		return do_range(request, arg);
	case TARN_PARTITION_SHARED:
		return do_shared(arg);
	case TARN_PARTITION_FILL:
		return do_fill(arg);
	case TARN_PARTITION_COPY:
		return do_copy(arg);
	case TARN_PARTITION_IMPORT:
		return do_import(arg);
	}
	CHECK(!"it is known");
	return done(&(u64){0}, 0, ENOTTY);
}

static int fake_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	CHECK_EQ(fd, backend.fd);
	pthread_mutex_lock(&module.lock);
	ret = call(request, arg);
	pthread_mutex_unlock(&module.lock);
	return ret;
}

/* The guest */

static void make_memory(void)
{
	backend = (struct mem_backend){
		.fd = memfd_create("ram", MFD_CLOEXEC), .share = true,
	};
	if (backend.fd < 0 || ftruncate(backend.fd, PAGES * PAGE))
		abort();
	ram = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   backend.fd, 0);
	if (ram == MAP_FAILED)
		abort();
	mem.nr = 2;
	mem.size = PAGES * PAGE;
	mem.range[0] = (struct mem_range){0, LOW_PAGES * PAGE, ram, backend.fd,
					  0, 0, &backend};
	mem.range[1] = (struct mem_range){HIGH, (PAGES - LOW_PAGES) * PAGE,
					  at(LOW_PAGES), backend.fd,
					  LOW_PAGES * PAGE, 0, &backend};
	memset(&module.page, 0, sizeof(module.page));
	module.busy = module.file = -1;
	module.old = module.restless = module.no_pager = false;
	module.import_error = module.copy_error = 0;
	module.spare = PAGES;
}

static void free_memory(void)
{
	munmap(ram, PAGES * PAGE);
	close(backend.fd);
	if (module.file >= 0)
		close(module.file);
}

static void page_set(u64 page, u8 state, u8 heat, u64 content)
{
	module.page[page].state = state;
	module.page[page].heat = heat;
	memset(at(page), 0, PAGE);
	memcpy(at(page) + 8, &content, sizeof(content));
	at(page)[PAGE - 1] = content * 7 + 1;
}

/* Content of all classes of heat, paged and not; patterns; what is shared in three places. */
static void make_guest(void)
{
	u64 i;

	make_memory();
	for (i = 0; i < 560; i++)
		page_set(i, i % 7 ? TARN_PAGE_RESIDENT : TARN_PAGE_PAGED,
			 i % TARN_ACTIVITY_CLASSES, i);
	for (i = 560; i < 580; i++) {
		module.page[i].state = i < 575 ? TARN_PAGE_RESIDENT
					       : TARN_PAGE_PAGED;
		memset(at(i), 0x5a, PAGE);
	}
	module.page[585].state = TARN_PAGE_BALLOON;
	for (i = 0; i < 30; i++) {
		page_set(100 + i, TARN_PAGE_SHARED, TARN_ACTIVITY_HOT, 9000 + i);
		page_set(300 + i, TARN_PAGE_SHARED, TARN_ACTIVITY_HOT, 9000 + i);
		page_set(590 + i, TARN_PAGE_SHARED, TARN_ACTIVITY_HOT, 9000 + i);
		module.page[100 + i].id = module.page[300 + i].id =
			module.page[590 + i].id = 77 + i;
	}
	for (i = 1000; i < 1300; i++)
		page_set(i, TARN_PAGE_RESIDENT, TARN_ACTIVITY_COLD, i);
}

#define SHARED 60 /* pages that are the same as others */

/* Behind @lead bytes of somebody else. */
static int save_as(size_t lead, bool compress, struct memory_progress *progress,
		   int *result)
{
	static const u8 zeroes[5000];
	struct stream s = {.ch = {.fd = memfd_create("saved", MFD_CLOEXEC)}};

	module.read_pages = 0;
	CHECK_EQ(write(s.ch.fd, zeroes, lead), lead);
	CHECK_EQ(stream_begin(&s), 0);
	*result = memory_save(&s, &mem, workers, background, compress,
			      progress);
	CHECK_EQ(stream_end(&s), 0);
	CHECK_EQ(stream_flush(&s), 0);
	stream_close(&s);
	lseek(s.ch.fd, lead, SEEK_SET);
	return s.ch.fd;
}

static int save_behind(size_t lead, bool compress, int *result)
{
	struct memory_progress progress = {0};

	return save_as(lead, compress, &progress, result);
}

static int save_counted(struct memory_progress *progress)
{
	int ret, fd = save_as(0, false, progress, &ret);

	CHECK_EQ(ret, 0);
	return fd;
}

static int save(void)
{
	int ret, fd = save_behind(0, false, &ret);

	CHECK_EQ(ret, 0);
	return fd;
}

/* Nothing is left of it in memory. */
static void empty(void)
{
	u64 i;

	for (i = 0; i < PAGES; i++) {
		module.page[i].state = TARN_PAGE_EMPTY;
		module.page[i].id = module.page[i].pos = 0;
		module.page[i].copy = false;
	}
	CHECK_EQ(memory_clear(&mem), 0);
	module.imports = module.imported = module.filled = module.copied = 0;
	module.paged_out = module.brought = module.waited = 0;
	module.last_heat = TARN_ACTIVITY_HOT;
	module.in_order = true;
}

static int restore(int fd, struct prefetch *p)
{
	static u8 buffer[STREAM_MAX];
	struct memory_progress progress = {.total = mem.size};
	struct stream s = {.ch = {.fd = fd}};
	struct stream_record rec = {.data = buffer};
	struct memory_loader *l = memory_loader_create(&s, &mem, workers, p,
						       &progress);
	int ret = stream_open(&s);

	while (!ret && (ret = stream_get(&s, &rec)) > 0)
		ret = memory_load(l, &rec);
	ret = ret ?: memory_load_end(l);
	CHECK_EQ(progress.imported_pages, module.imported);
	memory_loader_destroy(l);
	stream_close(&s);
	close(fd);
	return ret;
}

/* Restore from @fd what is in memory now; the result is compared with that. */
static bool comes_back(int fd)
{
	struct prefetch *p = prefetch_create(&mem);
	u8 *before = malloc(PAGES * PAGE);
	bool same;
	u64 i;

	memcpy(before, ram, PAGES * PAGE);
	empty();
	CHECK_EQ(restore(fd, p), 0);
	for (i = 0; i < PAGES; i++)
		if (module.page[i].pos)
			bring(i);
	same = !memcmp(before, ram, PAGES * PAGE);
	prefetch_destroy(p);
	free(before);
	return same;
}

/* Tests */

static void test_import(void)
{
	int fd;

	make_guest();
	fd = save();
	CHECK_EQ(module.read_pages, PAGES - SHARED);
	CHECK(comes_back(fd));
	/* 30 of the 560 are the same as others, and 30 behind them. */
	CHECK_EQ(module.imported, 530 + 300);
	CHECK_EQ(module.filled, 20);
	CHECK_EQ(module.copied, SHARED);
	/* What they copy was asked for before. */
	CHECK_EQ(module.waited, 0);
	CHECK_EQ(module.paged_out, 0);
	CHECK(module.in_order);
	free_memory();
}

static void test_lead(void)
{
	int fd, ret;

	make_guest();
	fd = save_behind(4999, false, &ret);
	CHECK_EQ(ret, 0);
	CHECK(comes_back(fd));
	CHECK_EQ(module.imported, 530 + 300);
	free_memory();
}

static void test_old_module(void)
{
	int fd;

	make_guest();
	module.old = true;
	fd = save();
	CHECK_EQ(module.read_pages, PAGES);
	CHECK(comes_back(fd));
	CHECK_EQ(module.imported + module.filled + module.copied, 0);
	CHECK(module.paged_out > 0);
	free_memory();
}

static void test_compressed(void)
{
	int fd, ret;

	make_guest();
	fd = save_behind(0, true, &ret);
	CHECK_EQ(ret, 0);
	CHECK(comes_back(fd));
	CHECK_EQ(module.imports, 0);
	CHECK_EQ(module.copied, SHARED);
	free_memory();
}

/* Each range is asked once. */
static void test_no_import(void)
{
	static const int errors[] = {EOPNOTSUPP, ENOTTY, ENODEV, EMFILE, EFBIG};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		make_guest();
		module.import_error = errors[i];
		CHECK(comes_back(save()));
		CHECK_EQ(module.imports, 2);
		CHECK_EQ(module.imported, 0);
		CHECK_EQ(module.copied, SHARED);
		free_memory();
	}
}

static void test_busy(void)
{
	make_guest();
	module.busy = 200;
	CHECK(comes_back(save()));
	CHECK_EQ(module.imported, 530 + 300 - 1);
	free_memory();
	make_guest();
	module.busy = 565;
	CHECK(comes_back(save()));
	CHECK_EQ(module.filled, 20 - 1);
	free_memory();
	make_guest();
	module.busy = 310;
	CHECK(comes_back(save()));
	CHECK_EQ(module.copied, SHARED - 1);
	free_memory();
}

static void test_no_copy(void)
{
	static const int errors[] = {EINVAL, ENOENT, EAGAIN, ENOMEM};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		make_guest();
		module.import_error = ENODEV;
		module.copy_error = errors[i];
		CHECK(comes_back(save()));
		CHECK_EQ(module.copied, 0);
		free_memory();
	}
}

/* Touching it would be the end, or have it wait for a pager. */
static void test_lost(void)
{
	static const int errors[] = {EIO, EAGAIN};
	struct prefetch *p;
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		make_guest();
		p = prefetch_create(&mem);
		fd = save();
		empty();
		module.copy_error = EBUSY;
		module.read_error = errors[i];
		CHECK_EQ(restore(fd, p), -errors[i]);
		module.copy_error = module.read_error = 0;
		prefetch_destroy(p);
		free_memory();
	}
}

/* Numbers that may mean something else by now are none. */
static void test_restless(void)
{
	make_guest();
	module.restless = true;
	CHECK(comes_back(save()));
	CHECK_EQ(module.copied, 0);
	free_memory();
}

static void test_no_pager(void)
{
	int fd, ret;

	make_guest();
	module.no_pager = true;
	fd = save_behind(0, false, &ret);
	CHECK_EQ(ret, -EAGAIN);
	CHECK(strstr(fake_error, "start tarn-pager"));
	close(fd);
	free_memory();
}

static void *save_to_pipe(void *arg)
{
	struct memory_progress progress = {0};
	struct stream *s = arg;

	CHECK_EQ(memory_save(s, &mem, workers, NULL, false, &progress), -ECANCELED);
	return NULL;
}

static unsigned int pages_read(void)
{
	unsigned int n;

	pthread_mutex_lock(&module.lock);
	n = module.read_pages;
	pthread_mutex_unlock(&module.lock);
	return n;
}

/* Nobody reads: no more is in hand than there are chunks, and what went into the pipe. */
static void test_bounded(void)
{
	bool cancel = false;
	struct stream s = {.ch = {.cancel = &cancel}};
	unsigned int before, now = 0;
	pthread_t thread;
	int fds[2];
	u64 i;

	make_memory();
	for (i = 0; i < PAGES; i++)
		page_set(i, TARN_PAGE_RESIDENT, TARN_ACTIVITY_COLD, i);
	CHECK_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	s.ch.fd = fds[1];
	CHECK_EQ(stream_begin(&s), 0);
	module.read_pages = 0;
	CHECK_EQ(pthread_create(&thread, NULL, save_to_pipe, &s), 0);
	/* It is about what does not happen. */
	do {
		before = now;
		usleep(200000);
		now = pages_read();
	} while (!now || now != before);
	CHECK(now <= (MAX_CHUNKS + 2) * STREAM_PAGES_MAX);
	WRITE_ONCE(cancel, true);
	pthread_join(thread, NULL);
	stream_close(&s);
	close(fds[0]);
	close(fds[1]);
	free_memory();
}

static unsigned int left_in_file(void)
{
	unsigned int n = 0;
	u64 i;

	pthread_mutex_lock(&module.lock);
	for (i = 0; i < PAGES; i++)
		n += !!module.page[i].pos;
	pthread_mutex_unlock(&module.lock);
	return n;
}

static unsigned int copies(void)
{
	unsigned int n = 0;
	u64 i;

	pthread_mutex_lock(&module.lock);
	for (i = 0; i < PAGES; i++)
		n += module.page[i].copy;
	pthread_mutex_unlock(&module.lock);
	return n;
}

/* Pages of the guest that were paged. */
#define PAGED 71

/* Some frames are to spare before it runs, some more later. */
static void test_prefetch(void)
{
	struct prefetch *p;
	unsigned int left;
	int fd;

	make_guest();
	p = prefetch_create(&mem);
	fd = save();
	empty();
	module.spare = 20;
	module.slow = 3;
	CHECK_EQ(restore(fd, p), 0);
	CHECK_EQ(module.slow, 0);
	left = left_in_file();
	CHECK_EQ(module.brought, 20);
	prefetch_begin(p);
	usleep(100000);
	CHECK_EQ(left_in_file(), left);
	pthread_mutex_lock(&module.lock);
	module.spare = PAGES;
	module.slow = 3;
	pthread_mutex_unlock(&module.lock);
	while (left_in_file() > PAGED)
		usleep(10000);
	CHECK(module.in_order);
	/* Pages are in somebody's hand for some looks; then it is over. */
	pthread_mutex_lock(&module.lock);
	module.held = 90;
	pthread_mutex_unlock(&module.lock);
	while (copies() > PAGED)
		usleep(10000);
	prefetch_destroy(p);
	CHECK_EQ(left_in_file(), PAGED);
	CHECK_EQ(copies(), PAGED);
	free_memory();
}

static void test_prefetch_stops(void)
{
	struct prefetch *p;
	int fd;

	make_guest();
	p = prefetch_create(&mem);
	fd = save();
	empty();
	module.spare = 0;
	CHECK_EQ(restore(fd, p), 0);
	prefetch_begin(p);
	prefetch_stop(p);
	prefetch_destroy(p);
	CHECK_EQ(module.brought, 0);
	free_memory();
	/* Nor does a file keep it that answers nobody. */
	make_guest();
	p = prefetch_create(&mem);
	fd = save();
	empty();
	module.spare = 0;
	CHECK_EQ(restore(fd, p), 0);
	pthread_mutex_lock(&module.lock);
	module.spare = PAGES;
	module.slow = UINT_MAX;
	pthread_mutex_unlock(&module.lock);
	prefetch_begin(p);
	usleep(20000);
	prefetch_destroy(p);
	CHECK_EQ(module.brought, 0);
	CHECK(module.slow < UINT_MAX);
	module.slow = 0;
	free_memory();
}

/* Saved before they have come, they are no pages that were paged. */
static void test_saved_again(void)
{
	struct memory_progress progress = {0};
	int fd;

	make_guest();
	background = prefetch_create(&mem);
	fd = save();
	empty();
	module.spare = 0;
	CHECK_EQ(restore(fd, background), 0);
	CHECK(left_in_file() > PAGED);
	fd = save_counted(&progress);
	/* And patterns, which are no paged pages any more. */
	CHECK_EQ(progress.paged_pages, PAGED);
	prefetch_destroy(background);
	background = NULL;
	close(fd);
	free_memory();
}

static bool is_source(const struct source *source, int fd)
{
	struct stat st;

	CHECK_EQ(fstat(fd, &st), 0);
	return source_is(source, &st, &mem);
}

/* It is not to be written to, as long as pages are in it. */
static void test_source(void)
{
	int fd, copy, other = memfd_create("other", MFD_CLOEXEC);
	struct source source = {0};
	struct prefetch *p;
	u64 i;

	make_guest();
	p = prefetch_create(&mem);
	fd = save();
	copy = dup(fd);
	empty();
	CHECK(!is_source(&source, copy));
	CHECK_EQ(restore(fd, p), 0);
	source_set(&source, copy);
	CHECK(is_source(&source, copy));
	CHECK(!is_source(&source, other));
	for (i = 0; i < PAGES; i++) {
		bring(i);
		module.page[i].copy = false;
	}
	CHECK(!is_source(&source, copy));
	prefetch_destroy(p);
	close(copy);
	close(other);
	free_memory();
}

static void test_same_list(void)
{
	struct same_list list = {0};
	u64 i;

	for (i = 0; i < 1000; i++)
		CHECK_EQ(same_add(&list, (2 * i + 10) * PAGE, i * PAGE, 1), 0);
	CHECK_EQ(list.nr, 1000);
	CHECK_EQ(list.pages, 1000);
	CHECK_EQ(same_find(&list, 0), 0);
	CHECK_EQ(same_find(&list, 10 * PAGE), 0);
	CHECK_EQ(same_find(&list, 11 * PAGE), 1);
	CHECK_EQ(same_find(&list, 12 * PAGE), 1);
	CHECK_EQ(same_find(&list, 2008 * PAGE), 999);
	CHECK_EQ(same_find(&list, 2009 * PAGE), 1000);
	same_free(&list);
	CHECK_EQ(same_add(&list, 10 * PAGE, PAGE, 1), 0);
	CHECK_EQ(same_add(&list, 11 * PAGE, 2 * PAGE, 3), 0);
	CHECK_EQ(same_add(&list, 14 * PAGE, 6 * PAGE, 1), 0);
	CHECK_EQ(list.nr, 2);
	CHECK_EQ(list.run[0].count, 4);
	same_free(&list);
}

static const struct tap_test tests[] = {
	{"runs of equal pages", test_same_list},
	{"content stays in the file", test_import},
	{"behind a header", test_lead},
	{"a module that knows nothing of it", test_old_module},
	{"compressed content", test_compressed},
	{"a pool that takes nothing from the file", test_no_import},
	{"a page that has to have a frame", test_busy},
	{"what cannot be shared is copied", test_no_copy},
	{"a page that is lost", test_lost},
	{"pages that cease to share", test_restless},
	{"no pager", test_no_pager},
	{"what is in hand is bounded", test_bounded},
	{"what is used most comes first", test_prefetch},
	{"and nothing when it is to stop", test_prefetch_stops},
	{"pages on their way are no paged ones", test_saved_again},
	{"the file is not saved to again", test_source},
};

int main(void)
{
	int ret;

	workers = workers_create(2);
	if (!workers)
		return EXIT_FAILURE;
	ret = tap_run(tests, ARRAY_SIZE(tests));
	workers_destroy(workers);
	return ret;
}
