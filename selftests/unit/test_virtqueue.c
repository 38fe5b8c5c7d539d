// SPDX-License-Identifier: GPL-2.0-only
/* Split rings, honest and hostile. */
#include "../../vmm/lib/iov.c"
#include "../../vmm/mem.c"
#include "../../vmm/virtio/virtqueue.c"
#include "fake_error.h"
#include "ring.h"
#include "tap.h"

#define F_NEXT VRING_DESC_F_NEXT
#define F_WRITE VRING_DESC_F_WRITE
#define F_IND VRING_DESC_F_INDIRECT

#define SIZE 8
#define LOW_RAM 0x20000
#define TOP_RAM 0x10000
#define TOP_GPA (0ULL - TOP_RAM) /* ends with the address space */
#define BIG_GPA 0x100000000ULL
#define BIG_RAM (6ULL << 30)

static struct tarn_mem mem;
static struct ring ring;
static struct virtqueue vq;
static struct iovec iov[SIZE + VQ_IOV_SPARE];
static struct vq_chain chain;

/*
 * 128 KiB in two ranges that meet in guest physical addresses but not in the
 * host, a large one that is never touched, and one up to the last address.
 */
static void setup(void)
{
	static u8 *low, *high, *top, *big;

	if (!low) {
		low = ram_alloc(LOW_RAM / 2);
		ram_alloc(4096);
		high = ram_alloc(LOW_RAM / 2);
		top = ram_alloc(TOP_RAM);
		big = mmap(NULL, BIG_RAM, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	}
	memset(low, 0, LOW_RAM / 2);
	memset(high, 0, LOW_RAM / 2);
	memset(&mem, 0, sizeof(mem));
	ram_add(&mem, 0, LOW_RAM / 2, low);
	ram_add(&mem, LOW_RAM / 2, LOW_RAM / 2, high);
	ram_add(&mem, BIG_GPA, BIG_RAM, big);
	ram_add(&mem, TOP_GPA, TOP_RAM, top);

	ring_init(&ring, &mem, SIZE);
	vq_init(&vq, &mem, SIZE);
	vq.desc_gpa = ring.desc;
	vq.avail_gpa = ring.avail;
	vq.used_gpa = ring.used;
	vq.indirect = true;
	CHECK_EQ(vq_enable(&vq), 0);
	chain.iov = iov;
	chain.iov_max = ARRAY_SIZE(iov);
}

/* What is there breaks the queue, and it stays broken. */
static void expect_broken(const char *why)
{
	CHECK_EQ(vq_pop(&vq, &chain), -EIO);
	CHECK_STR(vq.broken, why);
	CHECK_EQ(vq_pop(&vq, &chain), -EIO);
	CHECK(vq_empty(&vq));
	CHECK(!vq_kick_on(&vq));
	CHECK_EQ(vq.last_avail, 0);
}

static void test_chain(void)
{
	struct vring_used_elem elem;

	setup();
	CHECK(vq_empty(&vq));
	CHECK_EQ(vq_pop(&vq, &chain), 0);
	ring_desc(&ring, 3, RING_DATA, 16, F_NEXT, 5);
	ring_desc(&ring, 5, RING_DATA + 16, 100, F_NEXT, 0);
	ring_desc(&ring, 0, RING_DATA + 512, 512, F_NEXT | F_WRITE, 7);
	ring_desc(&ring, 7, RING_DATA + 1024, 1, F_WRITE, 99);
	ring_offer(&ring, 3);
	CHECK(!vq_empty(&vq));
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	CHECK_EQ(chain.head, 3);
	CHECK_EQ(chain.nr_out, 2);
	CHECK_EQ(chain.nr_in, 2);
	CHECK_EQ(chain.out_len, 116);
	CHECK_EQ(chain.in_len, 513);
	CHECK(iov[1].iov_base == tarn_mem_ptr(&mem, RING_DATA + 16, 1));
	CHECK(vq_chain_in(&chain)[1].iov_len == 1);
	CHECK_EQ(vq.inflight, 1);

	vq_push(&vq, chain.head, 513);
	CHECK_EQ(ring_used_idx(&ring), 0);
	CHECK(vq_publish(&vq));
	CHECK_EQ(ring_used_idx(&ring), 1);
	elem = ring_used(&ring, 0);
	CHECK_EQ(elem.id, 3);
	CHECK_EQ(elem.len, 513);
	CHECK_EQ(vq.inflight, 0);
	CHECK(!vq_publish(&vq));
}

static void test_unpop(void)
{
	setup();
	ring_desc(&ring, 1, RING_DATA, 1, 0, 0);
	ring_desc(&ring, 2, RING_DATA, 2, 0, 0);
	ring_offer(&ring, 1);
	ring_offer(&ring, 2);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	CHECK_EQ(vq_pop(&vq, &chain), 0);
	vq_unpop(&vq, 2);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	CHECK_EQ(chain.head, 1);
	CHECK_EQ(vq.inflight, 1);
}

/* Indices count modulo 65536, which is no multiple of what is in flight. */
static void test_wrap(void)
{
	u16 i, idx = 65530;

	setup();
	CHECK_EQ(vq_restore(&vq, idx, idx), 0);
	ring_set_idx(&ring, idx);
	for (i = 0; i < SIZE; i++)
		ring_desc(&ring, i, RING_DATA + i, 1, F_WRITE, 0);
	for (i = 0; i < 5 * SIZE; i++) {
		ring_offer(&ring, (i * 3) % SIZE);
		CHECK_EQ(vq_pop(&vq, &chain), 1);
		CHECK_EQ(chain.head, (i * 3) % SIZE);
		vq_push(&vq, chain.head, i);
		CHECK(vq_publish(&vq));
		CHECK_EQ(ring_used_idx(&ring), (u16)(idx + i + 1));
		CHECK_EQ(ring_used(&ring, idx + i).len, i);
	}
	CHECK_EQ(vq_pop(&vq, &chain), 0);
}

static void test_loops(void)
{
	setup();
	ring_desc(&ring, 0, RING_DATA, 1, F_NEXT, 0);
	ring_offer(&ring, 0);
	expect_broken("endless chain");

	setup();
	ring_desc(&ring, 0, RING_DATA, 1, F_NEXT, 1);
	ring_desc(&ring, 1, RING_DATA, 1, F_NEXT, 2);
	ring_desc(&ring, 2, RING_DATA, 1, F_NEXT, 1);
	ring_offer(&ring, 0);
	expect_broken("endless chain");

	setup();
	table_set(&ring, RING_TABLE, 0, RING_DATA, 1, F_NEXT, 1);
	table_set(&ring, RING_TABLE, 1, RING_DATA, 1, F_NEXT, 0);
	ring_desc(&ring, 0, RING_TABLE, 32, F_IND, 0);
	ring_offer(&ring, 0);
	expect_broken("endless chain");
}

static void test_full_ring(void)
{
	u16 i;

	/* As long as the ring is just right... */
	setup();
	for (i = 0; i < SIZE; i++)
		ring_desc(&ring, i, RING_DATA + i, 1,
			  i < SIZE - 1 ? F_NEXT : 0, i + 1);
	ring_offer(&ring, 0);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	CHECK_EQ(chain.nr_out, SIZE);

	/* ... but not what exceeds the caller's iovec. */
	setup();
	for (i = 0; i < SIZE; i++)
		ring_desc(&ring, i, RING_DATA + i, 1,
			  i < SIZE - 1 ? F_NEXT : 0, i + 1);
	chain.iov_max = SIZE - 1;
	ring_offer(&ring, 0);
	expect_broken("chain too long");

	setup();
	for (i = 0; i < 64; i++)
		table_set(&ring, RING_TABLE, i, RING_DATA, 1,
			  i < 63 ? F_NEXT : 0, i + 1);
	ring_desc(&ring, 0, RING_TABLE, 64 * 16, F_IND, 0);
	ring_offer(&ring, 0);
	expect_broken("chain too long");
}

static void test_indices(void)
{
	u16 i;

	setup();
	ring_offer(&ring, SIZE);
	expect_broken("head outside the ring");

	setup();
	ring_offer(&ring, 0xffff);
	expect_broken("head outside the ring");

	setup();
	ring_desc(&ring, 0, RING_DATA, 1, F_NEXT, SIZE);
	ring_offer(&ring, 0);
	expect_broken("successor outside the table");

	setup();
	table_set(&ring, RING_TABLE, 0, RING_DATA, 1, F_NEXT, 1);
	ring_desc(&ring, 0, RING_TABLE, 16, F_IND, 0);
	ring_offer(&ring, 0);
	expect_broken("successor outside the table");

	setup();
	ring_set_idx(&ring, SIZE + 1);
	expect_broken("more entries than the ring has");

	setup();
	ring_set_idx(&ring, 0xffff);
	expect_broken("more entries than the ring has");

	/* The same descriptors offered again and again, never returned. */
	setup();
	ring_desc(&ring, 0, RING_DATA, 1, 0, 0);
	for (i = 0; i < SIZE; i++) {
		ring_offer(&ring, 0);
		CHECK_EQ(vq_pop(&vq, &chain), 1);
	}
	ring_offer(&ring, 0);
	CHECK_EQ(vq_pop(&vq, &chain), -EIO);
	CHECK_STR(vq.broken, "more chains than descriptors");
}

static void test_indirect(void)
{
	setup();
	table_set(&ring, RING_TABLE, 0, RING_DATA, 4, F_NEXT, 2);
	table_set(&ring, RING_TABLE, 2, RING_DATA + 8, 8, F_WRITE, 0);
	ring_desc(&ring, 4, RING_TABLE, 48, F_IND | F_WRITE, 0);
	ring_offer(&ring, 4);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	CHECK_EQ(chain.head, 4);
	CHECK_EQ(chain.out_len, 4);
	CHECK_EQ(chain.in_len, 8);
}

static void offer_indirect(u64 addr, u32 len, u16 flags)
{
	setup();
	table_set(&ring, RING_TABLE, 0, RING_DATA, 4, 0, 0);
	ring_desc(&ring, 0, addr, len, F_IND | flags, 1);
	ring_offer(&ring, 0);
}

static void test_bad_indirect(void)
{
	offer_indirect(RING_TABLE, 16, 0);
	vq.indirect = false;
	expect_broken("indirect table was not negotiated");

	offer_indirect(RING_TABLE, 16, F_NEXT);
	expect_broken("indirect table with a successor");

	offer_indirect(RING_TABLE, 0, 0);
	expect_broken("indirect table of a bad length");
	offer_indirect(RING_TABLE, 8, 0);
	expect_broken("indirect table of a bad length");
	offer_indirect(RING_TABLE, 33, 0);
	expect_broken("indirect table of a bad length");
	offer_indirect(BIG_GPA, 0xfffffff0, 0);
	expect_broken("indirect table too long");

	offer_indirect(0x50000000, 16, 0);
	expect_broken("indirect table outside RAM");
	offer_indirect(LOW_RAM - 8, 16, 0);
	expect_broken("indirect table outside RAM");
	offer_indirect(UINT64_MAX - 7, 16, 0);
	expect_broken("indirect table outside RAM");

	offer_indirect(RING_TABLE, 16, 0);
	table_set(&ring, RING_TABLE, 0, RING_TABLE, 16, F_IND, 0);
	expect_broken("nested indirect table");

	offer_indirect(RING_TABLE, 32, 0);
	table_set(&ring, RING_TABLE, 0, RING_DATA, 1, F_NEXT, 1);
	table_set(&ring, RING_TABLE, 1, RING_TABLE, 16, F_IND, 0);
	expect_broken("nested indirect table");

	setup();
	ring_desc(&ring, 0, RING_DATA, 4, F_NEXT, 1);
	ring_desc(&ring, 1, RING_TABLE, 16, F_IND, 0);
	ring_offer(&ring, 0);
	expect_broken("indirect table in a chain");
}

static void offer_one(u64 addr, u32 len)
{
	setup();
	ring_desc(&ring, 0, addr, len, F_WRITE, 0);
	ring_offer(&ring, 0);
}

static void test_buffers(void)
{
	offer_one(RING_DATA, 0);
	expect_broken("buffer of no length");
	offer_one(LOW_RAM, 1);
	expect_broken("buffer outside RAM");
	offer_one(LOW_RAM - 1, 2);
	expect_broken("buffer outside RAM");
	offer_one(0x50000000, 512);
	expect_broken("buffer outside RAM");
	offer_one(0, 0xffffffff);
	expect_broken("buffer outside RAM");
	offer_one(UINT64_MAX, 2);
	expect_broken("buffer outside RAM");
	offer_one(UINT64_MAX - 0xfff, 0xffffffff);
	expect_broken("buffer outside RAM");
	offer_one(TOP_GPA - 1, 4);
	expect_broken("buffer outside RAM");

	/* Up to the very last byte of the address space is RAM here. */
	offer_one(UINT64_MAX, 1);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	CHECK(iov[0].iov_base == mem.range[3].hva + TOP_RAM - 1);
	offer_one(TOP_GPA, TOP_RAM);
	CHECK_EQ(vq_pop(&vq, &chain), 1);

	setup();
	ring_desc(&ring, 0, RING_DATA, 1, F_WRITE | F_NEXT, 1);
	ring_desc(&ring, 1, RING_DATA, 1, 0, 0);
	ring_offer(&ring, 0);
	expect_broken("readable buffer behind a writable one");

	setup();
	ring_desc(&ring, 0, BIG_GPA, 0xffffffff, F_NEXT, 1);
	ring_desc(&ring, 1, RING_DATA, 1, F_WRITE, 0);
	ring_offer(&ring, 0);
	expect_broken("chain of more than 4 GiB");

	setup();
	ring_desc(&ring, 0, BIG_GPA, 0xfffffffe, F_NEXT, 1);
	ring_desc(&ring, 1, RING_DATA, 1, F_WRITE, 0);
	ring_offer(&ring, 0);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
}

static void test_split_buffer(void)
{
	u64 seam = LOW_RAM / 2;

	offer_one(seam - 3, 10);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	CHECK_EQ(chain.nr_in, 2);
	CHECK_EQ(chain.in_len, 10);
	CHECK_EQ(iov[0].iov_len, 3);
	CHECK_EQ(iov[1].iov_len, 7);
	CHECK(iov[0].iov_base == mem.range[0].hva + seam - 3);
	CHECK(iov[1].iov_base == mem.range[1].hva);

	offer_one(seam - 3, 10);
	chain.iov_max = 1;
	expect_broken("chain too long");
}

static int enable(u16 size, u64 desc, u64 avail, u64 used)
{
	vq_reset(&vq);
	vq.size = size;
	vq.desc_gpa = desc;
	vq.avail_gpa = avail;
	vq.used_gpa = used;
	return vq_enable(&vq);
}

static void test_enable(void)
{
	u64 end = LOW_RAM;

	setup();
	CHECK_EQ(enable(0, RING_DESC, RING_AVAIL, RING_USED), -EINVAL);
	CHECK_EQ(enable(3, RING_DESC, RING_AVAIL, RING_USED), -EINVAL);
	CHECK_EQ(enable(SIZE * 2, RING_DESC, RING_AVAIL, RING_USED), -EINVAL);
	CHECK_EQ(enable(0xffff, RING_DESC, RING_AVAIL, RING_USED), -EINVAL);
	CHECK_EQ(enable(1, RING_DESC, RING_AVAIL, RING_USED), 0);
	CHECK_EQ(enable(SIZE, RING_DESC + 8, RING_AVAIL, RING_USED), -EINVAL);
	CHECK_EQ(enable(SIZE, RING_DESC, RING_AVAIL + 1, RING_USED), -EINVAL);
	CHECK_EQ(enable(SIZE, RING_DESC, RING_AVAIL, RING_USED + 2), -EINVAL);
	CHECK_EQ(enable(SIZE, end - 16 * SIZE, RING_AVAIL, RING_USED), 0);
	CHECK_EQ(enable(SIZE, end - 16 * SIZE + 16, RING_AVAIL, RING_USED),
		 -EFAULT);
	/* The event index behind the ring must lie in RAM, too. */
	CHECK_EQ(enable(SIZE, RING_DESC, end - (6 + 2 * SIZE), RING_USED), 0);
	CHECK_EQ(enable(SIZE, RING_DESC, end - (4 + 2 * SIZE), RING_USED),
		 -EFAULT);
	CHECK_EQ(enable(SIZE, RING_DESC, RING_AVAIL, end - (8 + 8 * SIZE)), 0);
	CHECK_EQ(enable(SIZE, RING_DESC, RING_AVAIL, end - (4 + 8 * SIZE)),
		 -EFAULT);
	CHECK_EQ(enable(SIZE, UINT64_MAX - 15, RING_AVAIL, RING_USED), -EFAULT);
	CHECK_EQ(enable(SIZE, LOW_RAM / 2 - 16, RING_AVAIL, RING_USED),
		 -EFAULT);
	/* What could not be enabled has nothing to take. */
	CHECK_EQ(vq_pop(&vq, &chain), 0);
	CHECK(!vq.enabled);
}

static bool return_one(void)
{
	ring_offer(&ring, 0);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	vq_push(&vq, chain.head, 0);
	return vq_publish(&vq);
}

static void test_interrupt_flags(void)
{
	setup();
	ring_desc(&ring, 0, RING_DATA, 1, 0, 0);
	CHECK(return_one());
	ring_avail_flags(&ring, VRING_AVAIL_F_NO_INTERRUPT);
	CHECK(!return_one());
	ring_avail_flags(&ring, 0);
	CHECK(return_one());

	vq_kick_off(&vq);
	CHECK_EQ(ring_used_flags(&ring), VRING_USED_F_NO_NOTIFY);
	CHECK(!vq_kick_on(&vq));
	CHECK_EQ(ring_used_flags(&ring), 0);
	vq_kick_off(&vq);
	ring_offer(&ring, 0);
	CHECK(vq_kick_on(&vq));
}

static void test_event_idx(void)
{
	unsigned int i, told = 0;

	setup();
	vq.event_idx = true;
	ring_desc(&ring, 0, RING_DATA, 1, 0, 0);
	/* The first one is always told: nothing is known of the driver yet. */
	ring_used_event(&ring, 1000);
	CHECK(return_one());
	CHECK(!return_one());
	/* Told when the entry with the index asked for comes, and only then. */
	ring_used_event(&ring, 4);
	for (i = 0; i < 8; i++)
		told += return_one();
	CHECK_EQ(told, 1);
	/* One interrupt for a batch that jumps over it. */
	ring_used_event(&ring, ring_used_idx(&ring) + 2);
	for (i = 0; i < 5; i++) {
		ring_offer(&ring, 0);
		CHECK_EQ(vq_pop(&vq, &chain), 1);
		vq_push(&vq, 0, 0);
	}
	CHECK(vq_publish(&vq));

	CHECK(!vq_kick_on(&vq));
	CHECK_EQ(ring_avail_event(&ring), vq.last_avail);
	ring_offer(&ring, 0);
	CHECK(vq_kick_on(&vq));
	CHECK_EQ(ring_used_flags(&ring), 0);
}

static void test_resume_at(void)
{
	setup();
	ring_desc(&ring, 0, RING_DATA, 1, 0, 0);
	return_one();
	return_one();
	ring_offer(&ring, 0);
	/* Somebody else returned a third entry and took a fourth. */
	tarn_mem_write(&mem, RING_USED + 2, &(u16){3}, 2);
	vq_resume_at(&vq, 3);
	CHECK_EQ(vq_pop(&vq, &chain), 0);
	ring_offer(&ring, 0);
	CHECK_EQ(vq_pop(&vq, &chain), 1);
	vq_push(&vq, 0, 7);
	vq_publish(&vq);
	CHECK_EQ(ring_used_idx(&ring), 4);
	CHECK_EQ(ring_used(&ring, 3).len, 7);
}

static bool in_ram(const struct iovec *v)
{
	const u8 *p = v->iov_base;
	unsigned int i;

	for (i = 0; i < mem.nr; i++) {
		struct mem_range *r = &mem.range[i];

		if (p >= r->hva && p < r->hva + r->size)
			return v->iov_len <= (u64)(r->hva + r->size - p);
	}
	return false;
}

/* Whatever is in the ring: chains of buffers in RAM, or a broken queue. */
static void test_random(void)
{
	unsigned int round, i, taken = 0, broken = 0;
	u32 sum;
	int ret;

	srandom(20240229);
	for (round = 0; round < 3000; round++) {
		setup();
		for (i = 0; i < SIZE; i++) {
			ring_desc(&ring, i, random() % (LOW_RAM + 0x1000),
				  random() % 5 ? random() % 0x3000 : random(),
				  random() % 8, random() % (SIZE + 1));
			table_set(&ring, RING_TABLE, i, random() % LOW_RAM,
				  random() % 0x1000, random() % 4,
				  random() % SIZE);
			if (!(random() % 3))
				ring_desc(&ring, i, RING_TABLE,
					  16 * (random() % SIZE), F_IND, 0);
			ring_offer(&ring, random() % (SIZE + !(random() % 9)));
		}
		while ((ret = vq_pop(&vq, &chain)) > 0) {
			taken++;
			sum = 0;
			CHECK(chain.nr_out + chain.nr_in <= chain.iov_max);
			for (i = 0; i < chain.nr_out + chain.nr_in; i++) {
				CHECK(in_ram(&iov[i]));
				sum += iov[i].iov_len;
			}
			CHECK_EQ(sum, chain.out_len + chain.in_len);
			vq_push(&vq, chain.head, 1);
		}
		broken += ret < 0;
		CHECK(!!vq.broken == (ret < 0));
	}
	/* Both happen often, or the test tests nothing. */
	CHECK(taken > 1000 && broken > 1000);
}

static void test_iov(void)
{
	char a[4] = "abcd", b[1] = "e", c[5] = "fghij", out[16] = "";
	struct iovec v[] = {{a, 4}, {b, 1}, {c, 5}}, *p = v;
	unsigned int nr = 3;

	CHECK_EQ(iov_to_buf(v, 3, 3, out, 4), 4);
	CHECK(!memcmp(out, "defg", 4));
	CHECK_EQ(iov_to_buf(v, 3, 8, out, 16), 2);
	CHECK_EQ(iov_to_buf(v, 3, 10, out, 16), 0);
	CHECK_EQ(iov_from_buf(v, 3, 4, "XYZ", 3), 3);
	CHECK(b[0] == 'X' && !memcmp(c, "YZhij", 5));
	CHECK_EQ(iov_from_buf(v, 3, 9, "123", 3), 1);

	CHECK_EQ(iov_skip(&p, &nr, 5), 5);
	CHECK(nr == 1 && p->iov_base == c);
	CHECK_EQ(iov_skip(&p, &nr, 2), 2);
	CHECK(nr == 1 && p->iov_base == c + 2 && p->iov_len == 3);
	CHECK_EQ(iov_skip(&p, &nr, 9), 3);
	CHECK_EQ(nr, 0);

	v[0] = (struct iovec){a, 4};
	v[1] = (struct iovec){b, 1};
	nr = 2;
	CHECK_EQ(iov_trim(v, &nr, 2), 2);
	CHECK(nr == 1 && v[0].iov_len == 3);
	CHECK_EQ(iov_trim(v, &nr, 9), 3);
	CHECK_EQ(nr, 0);
}

static const struct tap_test tests[] = {
	{"a chain and its return", test_chain},
	{"unpop", test_unpop},
	{"indices wrap", test_wrap},
	{"loops", test_loops},
	{"full rings and chains too long", test_full_ring},
	{"indices out of range", test_indices},
	{"indirect table", test_indirect},
	{"bad indirect tables", test_bad_indirect},
	{"bad buffers and the limits of addresses", test_buffers},
	{"buffers over a seam of RAM", test_split_buffer},
	{"enabling", test_enable},
	{"suppression by flags", test_interrupt_flags},
	{"suppression by event index", test_event_idx},
	{"resuming where somebody else stopped", test_resume_at},
	{"random rings", test_random},
	{"iovecs", test_iov},
};

TAP_MAIN(tests)
