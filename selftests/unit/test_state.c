// SPDX-License-Identifier: GPL-2.0-only
/* The stream of saved state, whole and damaged. */
#include "../../vmm/state.c"
#include "tap.h"

static struct state_out *out;

static const u8 *sample(size_t *len)
{
	out = state_out_create();
	CHECK_EQ(state_put_u64(out, "early", 1), -EINVAL);
	CHECK_EQ(state_section(out, "one", 3), 0);
	CHECK_EQ(state_put_u64(out, "a", 0x1122334455667788ULL), 0);
	CHECK_EQ(state_put_bytes(out, "raw", "hello", 5), 0);
	CHECK_EQ(state_section(out, "two", 1), 0);
	CHECK_EQ(state_put_u64(out, "a", 7), 0);
	return state_out_data(out, len);
}

static void test_roundtrip(void)
{
	struct state_in in;
	size_t len, off = 0;
	const u8 *data = sample(&len);
	char buf[5];
	u64 val;

	CHECK_EQ(state_next(data, len, &off, &in), 1);
	CHECK_STR(in.name, "one");
	CHECK_EQ(in.version, 3);
	CHECK_EQ(state_get_bytes(&in, "raw", buf, 5), 0);
	CHECK(!memcmp(buf, "hello", 5));
	CHECK_EQ(state_get_bytes(&in, "raw", buf, 4), -EINVAL);
	CHECK_EQ(state_get_u64(&in, "raw", &val, ~0ULL), -EINVAL);
	CHECK_EQ(state_get_u64(&in, "a", &val, ~0ULL), 0);
	CHECK_EQ(val, 0x1122334455667788ULL);
	CHECK_EQ(state_get_u64(&in, "a", &val, 255), -ERANGE);
	CHECK_EQ(state_get_u64(&in, "b", &val, 255), -ENOENT);
	CHECK_EQ(state_next(data, len, &off, &in), 1);
	CHECK_STR(in.name, "two");
	CHECK_EQ(state_get_u64(&in, "a", &val, 255), 0);
	CHECK_EQ(val, 7);
	CHECK_EQ(state_next(data, len, &off, &in), 0);
	state_out_destroy(out);
}

/* Read all there is from a copy that ends where its allocation ends. */
static void read_all(const u8 *data, size_t len)
{
	u8 *copy = malloc(len ?: 1);
	struct state_in in;
	size_t off = 0;
	u64 val;
	char buf[5];

	memcpy(copy, data, len);
	while (state_next(copy, len, &off, &in) == 1) {
		state_get_u64(&in, "a", &val, ~0ULL);
		state_get_u64(&in, "nothing", &val, ~0ULL);
		state_get_bytes(&in, "raw", buf, 5);
	}
	CHECK(off <= len + sizeof(struct section_header));
	free(copy);
}

static void test_truncated(void)
{
	size_t len, i;
	const u8 *data = sample(&len);

	for (i = 0; i < len; i++)
		read_all(data, i);
	state_out_destroy(out);
}

static void test_flipped(void)
{
	size_t len, i;
	const u8 *data = sample(&len);
	u8 *copy = malloc(len);
	unsigned int bit;

	for (i = 0; i < len; i++) {
		for (bit = 0; bit < 8; bit++) {
			memcpy(copy, data, len);
			copy[i] ^= 1 << bit;
			read_all(copy, len);
		}
	}
	free(copy);
	state_out_destroy(out);
}

static const struct tap_test tests[] = {
	{"what was written is read", test_roundtrip},
	{"streams cut short", test_truncated},
	{"streams with a bit flipped", test_flipped},
};

TAP_MAIN(tests)
