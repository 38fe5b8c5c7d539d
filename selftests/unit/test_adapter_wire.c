// SPDX-License-Identifier: GPL-2.0-only
/* tarn-adapter: messages of anybody, lines of the kernel's log, pages of Identify. */
#include "../../tools/tarn-adapter/bdf.c"
#include "../../tools/tarn-adapter/kmsg.c"
#include "../../tools/tarn-adapter/nvme.c"
#include "../../tools/tarn-adapter/wire.c"
#include "tap.h"

static struct wire_message msg;
static const char *why;

static int parse(const char *text)
{
	return wire_parse(text, strlen(text), &msg, &why);
}

#define REFUSED(text, reason)                                                          \
	do {                                                                           \
		CHECK_EQ(parse(text), -EPROTO);                                        \
		CHECK_STR(why, reason);                                                \
	} while (0)

static void test_hello(void)
{
	CHECK_EQ(parse("{\"type\":\"hello\",\"guest\":\"web\",\"name\":\"disk0\",\"generation\":7,\"holding\":\"0000:02:00.1\",\"group\":\"a\"}"), 0);
	CHECK_EQ(msg.type, WIRE_HELLO);
	CHECK_STR(msg.guest, "web");
	CHECK_STR(msg.name, "disk0");
	CHECK_STR(msg.holding, "0000:02:00.1");
	CHECK_STR(msg.group, "a");
	CHECK_EQ(msg.generation, 7);
	CHECK_EQ(parse("{\"type\":\"hello\",\"guest\":\"web\"}"), 0);
	CHECK_EQ(msg.generation, -1);
	CHECK_STR(msg.holding, "");
	REFUSED("{\"type\":\"hello\"}", "it lacks a member that its type has");
}

static void test_others(void)
{
	CHECK_EQ(parse("{\"type\":\"grant\",\"group\":\"a\",\"open\":true}"), 0);
	CHECK(msg.open);
	CHECK_EQ(parse("{\"type\":\"ack\",\"gen\":9223372036854775807}"), 0);
	CHECK_EQ(msg.gen, INT64_MAX);
	CHECK_EQ(parse("{\"type\":\"share\",\"group\":\"a\",\"queues\":3,\"from\":\"b\",\"dry\":true}"), 0);
	CHECK_EQ(msg.queues, 3);
	CHECK_EQ(msg.interrupts, -1);
	CHECK_EQ(parse(" { \"type\" : \"show\" } "), 0);
	CHECK_EQ(msg.type, WIRE_SHOW);
}

static void test_nonsense(void)
{
	REFUSED("", "it is no flat object");
	REFUSED("x", "it is no flat object");
	REFUSED("{", "it is no JSON");
	REFUSED("{}", "it has no type");
	REFUSED("{}{}", "it is no flat object");
	REFUSED("{\"type\":5}", "it has no type");
	REFUSED("{\"type\":\"frob\"}", "its type is not known");
	REFUSED("{\"type\":\"show\",\"x\":1}", "it has a member that its type has not");
	REFUSED("{\"type\":\"ack\",\"gen\":1,\"guest\":\"a\"}", "it has a member that its type has not");
	REFUSED("{\"type\":\"ack\",\"gen\":-1}", "a number is whole and not negative");
	REFUSED("{\"type\":\"ack\",\"gen\":1.5}", "a number is whole and not negative");
	REFUSED("{\"type\":\"ack\",\"gen\":1e3}", "a number is whole and not negative");
	REFUSED("{\"type\":\"ack\",\"gen\":9223372036854775808}", "it is no JSON");
	REFUSED("{\"type\":\"ack\",\"gen\":1,\"gen\":2}", "it is no JSON");
	REFUSED("{\"type\":\"ack\",\"gen\":null}", "a number is whole and not negative");
	REFUSED("{\"type\":\"grant\",\"group\":\"a\",\"open\":1}", "a member is to be true or false");
	REFUSED("{\"type\":\"grant\",\"group\":\"\"}",
		"a name is at most 64 letters, digits and any of . _ - : @ +");
	REFUSED("{\"type\":\"grant\",\"group\":\"a/b\"}",
		"a name is at most 64 letters, digits and any of . _ - : @ +");
	REFUSED("{\"type\":\"grant\",\"group\":\"a\\u0000b\"}", "it is no JSON");
	REFUSED("{\"type\":\"grant\",\"group\":[\"a\"]}", "it is no flat object");
	REFUSED("{\"type\":\"grant\",\"group\":{\"a\":1}}", "it is no flat object");
}

/* What is in a text does not nest. */
static void test_texts(void)
{
	CHECK(is_flat("{\"a\":\"[{\\\"{\"}", 13));
	CHECK(!is_flat("{\"a\":\"\\\"\",[", 12));
	CHECK(is_flat("{\"\\", 3));
}

static void test_long(void)
{
	char text[WIRE_MAX + 2], name[80];

	memset(name, 'a', sizeof(name));
	snprintf(text, sizeof(text), "{\"type\":\"grant\",\"group\":\"%.64s\"}", name);
	CHECK_EQ(parse(text), 0);
	CHECK_EQ(strlen(msg.group), 64);
	snprintf(text, sizeof(text), "{\"type\":\"grant\",\"group\":\"%.65s\"}", name);
	CHECK_EQ(parse(text), -EPROTO);
	memset(text, ' ', sizeof(text));
	memcpy(text, "{\"type\":\"show\"}", 15);
	CHECK_EQ(wire_parse(text, WIRE_MAX, &msg, &why), 0);
	CHECK_EQ(wire_parse(text, WIRE_MAX + 1, &msg, &why), -EPROTO);
	CHECK_STR(why, "it is too long");
	/* What recursion would cost is not paid. */
	memset(text, '[', sizeof(text));
	CHECK_EQ(wire_parse(text, WIRE_MAX, &msg, &why), -EPROTO);
	memset(text, '{', sizeof(text));
	CHECK_EQ(wire_parse(text, WIRE_MAX, &msg, &why), -EPROTO);
}

/* Good messages with some bytes changed: ASan looks on, and names stay within limits. */
static void test_mutated(void)
{
	static const char *const seeds[] = {
		"{\"type\":\"hello\",\"guest\":\"web\",\"name\":\"d\",\"generation\":7,\"holding\":\"0000:02:00.1\"}",
		"{\"type\":\"share\",\"group\":\"a\",\"queues\":3,\"from\":\"b\",\"dry\":true}",
		"{\"type\":\"ack\",\"gen\":12}",
	};
	unsigned int round, i, seed = 1;
	char text[200];

	for (round = 0; round < 200000; round++) {
		const char *from = seeds[round % 3];
		size_t len = strlen(from);
		char *exact;

		memcpy(text, from, len);
		for (i = 0; i < 1 + round % 4; i++)
			text[rand_r(&seed) % len] = rand_r(&seed);
		exact = malloc(len);
		memcpy(exact, text, len);
		if (!wire_parse(exact, len, &msg, &why)) {
			CHECK(strlen(msg.guest) < WIRE_NAME_MAX && strlen(msg.group) < WIRE_NAME_MAX);
			CHECK(msg.gen >= -1 && msg.queues >= -1);
		}
		free(exact);
	}
}

/* ---- the kernel's log ----------------------------------------------------------------- */

static struct kmsg_fault fault;

static void check_fault(const char *line, enum kmsg_kind kind, const char *bdf, uint64_t address,
			bool write)
{
	char text[BDF_TEXT_MAX];

	kmsg_parse(line, &fault);
	CHECK_EQ(fault.kind, kind);
	CHECK_STR(bdf_format(text, &fault.bdf), bdf);
	CHECK_EQ(fault.address, address);
	CHECK_EQ(fault.write, write);
}

static void test_intel(void)
{
	check_fault("DMAR: [DMA Write NO_PASID] Request device [02:00.1] fault addr 0xdead000 [fault reason 0x05] PTE Write access is not set",
		    KMSG_DMA, "0000:02:00.1", 0xdead000, true);
	CHECK(fault.any_domain);
	CHECK_EQ(fault.reason, 5);
	check_fault("DMAR: [DMA Read PASID 0x3] Request device [ff:1f.7] fault addr 0xffffffff000 [fault reason 0x06] PTE Read access is not set",
		    KMSG_DMA, "0000:ff:1f.7", 0xffffffff000, false);
	check_fault("DMAR: [DMA Read] Request device [02:00.1] PASID ffffffff fault addr 7000 [fault reason 06] x",
		    KMSG_DMA, "0000:02:00.1", 0x7000, false);
	check_fault("DMAR: [INTR-REMAP] Request device [02:00.2] fault index 0x21 [fault reason 0x26] Blocked an interrupt request due to source-id verification failure",
		    KMSG_INTERRUPT, "0000:02:00.2", 0x21, false);
	CHECK_EQ(fault.reason, 0x26);
}

static void test_amd(void)
{
	check_fault("vfio-pci 0001:02:00.1: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0010 address=0x7000 flags=0x0020]",
		    KMSG_DMA, "0001:02:00.1", 0x7000, true);
	CHECK(!fault.any_domain);
	check_fault("AMD-Vi: Event logged [IO_PAGE_FAULT device=02:00.1 domain=0x0010 address=0x7000 flags=0x0000]",
		    KMSG_DMA, "0000:02:00.1", 0x7000, false);
	CHECK(fault.any_domain);
	check_fault("AMD-Vi: Event logged [IO_PAGE_FAULT device=0003:02:00.1 domain=0x0010 address=0x10 flags=0x0028]",
		    KMSG_INTERRUPT, "0003:02:00.1", 0x10, true);
}

static void test_suppressed(void)
{
	kmsg_parse("dmar_fault: 42 callbacks suppressed", &fault);
	CHECK_EQ(fault.kind, KMSG_SUPPRESSED);
	CHECK_EQ(fault.count, 42);
	kmsg_parse("amd_iommu_report_page_fault: 7 callbacks suppressed", &fault);
	CHECK_EQ(fault.kind, KMSG_SUPPRESSED);
}

static void test_other_lines(void)
{
	static const char *const lines[] = {
		"", "x", "net_ratelimit: 42 callbacks suppressed", "dmar_fault: x callbacks suppressed",
		"dmar_fault: -1", "DMAR: IOMMU enabled", "DMAR: DRHD: handling fault status reg 2",
		"DMAR: Request device [", "DMAR: [DMA Write] Request device [02:00.1", "DMAR: [DMA Write] Request device [zz:00.1] fault addr 0x1",
		"DMAR: [DMA Write] Request device [02:20.1] fault addr 0x1", "DMAR: [DMA Write] Request device [02:00.8] fault addr 0x1",
		"DMAR: [DMA Write] Request device [02:00.1] fault addr", "AMD-Vi: Event logged [IO_PAGE_FAULT",
		"AMD-Vi: Event logged [IO_PAGE_FAULT device= address=0x1", "a: AMD-Vi: Event logged [IO_PAGE_FAULT address=0x1",
		/* Kernel lines that quote what somebody has chosen. */
		"overlayfs: failed to resolve '/DMAR: [DMA Write NO_PASID] Request device [02:00.1] fault addr 0x1000 [fault reason 0x05] x': -2",
		" DMAR: [DMA Write NO_PASID] Request device [02:00.1] fault addr 0x1000 [fault reason 0x05] x",
		"overlayfs: failed to resolve '/AMD-Vi: Event logged [IO_PAGE_FAULT device=02:00.1 domain=0x0010 address=0x7000 flags=0x0000]': -2",
		"overlayfs: x 0000:02:00.1: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0010 address=0x7000 flags=0x0020]",
		"x 0000:02:00.1: y: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0010 address=0x7000 flags=0x0020]",
		"x y 0000:02:00.1: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0010 address=0x7000 flags=0x0020]",
		" 0000:02:00.1: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0010 address=0x7000 flags=0x0020]",
		"dmar_fault: 42 callbacks suppressed by x", "dmar_faulty x: 42 callbacks suppressed",
		"a b: AMD-Vi: Event logged [IO_PAGE_FAULT address=0x1",
	};
	unsigned int i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		kmsg_parse(lines[i], &fault);
		CHECK_EQ(fault.kind, KMSG_OTHER);
		if (fault.kind)
			printf("# %s\n", lines[i]);
	}
}

static void test_records(void)
{
	static const char records[] = "6,1,1,-;DMAR: [DMA Write NO_PASID] Request device [02:00.1] fault addr 0x1000 [fault reason 0x05] x\n SUBSYSTEM=pci\n";
	static const char forged[] = "14,1,1,-;DMAR: [DMA Write NO_PASID] Request device [02:00.1] fault addr 0x1000 [fault reason 0x05] x\n";
	int fds[2];

	/* A packet is a record, as of /dev/kmsg. */
	if (pipe2(fds, O_DIRECT | O_NONBLOCK)) {
		CHECK(!"pipe2");
		return;
	}
	CHECK_EQ(kmsg_read(fds[0], &fault), 0);
	CHECK(write(fds[1], records, strlen(records)) > 0);
	CHECK_EQ(kmsg_read(fds[0], &fault), 1);
	CHECK_EQ(fault.kind, KMSG_DMA);
	/* What processes write there has another facility. */
	CHECK(write(fds[1], forged, strlen(forged)) > 0);
	CHECK_EQ(kmsg_read(fds[0], &fault), 1);
	CHECK_EQ(fault.kind, KMSG_OTHER);
	close(fds[0]);
	close(fds[1]);
}

/* ---- addresses and pages -------------------------------------------------------------- */

static void test_addresses(void)
{
	static const char *const bad[] = { "", "02:00", "02:00.", "2:00.0", "00002:00.1", "02:00.0 ",
					   "0000:02:00.8", "0000:02:20.0", "g000:02:00.0", "02:00.00" };
	char text[BDF_TEXT_MAX];
	struct bdf bdf;
	unsigned int i;

	CHECK_EQ(bdf_parse("0000:02:00.1", &bdf), 0);
	CHECK_EQ(bdf_parse("AbCd:eF:1f.7", &bdf), 0);
	CHECK_STR(bdf_format(text, &bdf), "abcd:ef:1f.7");
	CHECK_EQ(bdf_parse("02:10.3", &bdf), 0);
	CHECK_STR(bdf_format(text, &bdf), "0000:02:10.3");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_EQ(bdf_parse(bad[i], &bdf), -EINVAL);
}

static void test_identify(void)
{
	uint8_t page[NVME_PAGE] = { 0 };
	struct nvme_secondary list[NVME_SECONDARIES];
	struct nvme_primary primary;

	page[0] = 7;
	page[32] = 12;
	page[40] = 3;
	page[44] = 9;
	page[46] = 1;
	page[64] = 8;
	page[65] = 1;
	nvme_decode_primary(page, &primary);
	CHECK_EQ(primary.cntlid, 7);
	CHECK_EQ(primary.of[RESOURCE_QUEUES].total, 12);
	CHECK_EQ(primary.of[RESOURCE_QUEUES].primary, 3);
	CHECK_EQ(primary.of[RESOURCE_QUEUES].max, 9);
	CHECK_EQ(primary.of[RESOURCE_QUEUES].step, 1);
	CHECK_EQ(primary.of[RESOURCE_INTERRUPTS].total, 264);
	memset(page, 0, sizeof(page));
	page[0] = 2;
	page[64] = 5;
	page[68] = 1;
	page[72] = 2;
	page[74] = 4;
	page[76] = 3;
	CHECK_EQ(nvme_decode_secondaries(page, list), 2);
	CHECK(!list[0].online);
	CHECK_EQ(list[1].cntlid, 5);
	CHECK(list[1].online);
	CHECK_EQ(list[1].vf, 2);
	CHECK_EQ(list[1].has.of[RESOURCE_QUEUES], 4);
	CHECK_EQ(list[1].has.of[RESOURCE_INTERRUPTS], 3);
	/* An adapter that says nonsense does no harm. */
	memset(page, 0xff, sizeof(page));
	CHECK_EQ(nvme_decode_secondaries(page, list), NVME_SECONDARIES);
	CHECK(nvme_has_controller(page, 0xffff));
	CHECK(!nvme_has_controller(page, 1));
}

static void test_namespaces(void)
{
	uint8_t page[NVME_PAGE] = { 1, 0, 0, 0, 4 };
	uint32_t list[NVME_LIST];

	CHECK_EQ(nvme_decode_list(page, list), 2);
	CHECK_EQ(list[1], 4);
	memset(page, 1, sizeof(page));
	CHECK_EQ(nvme_decode_list(page, list), NVME_LIST);
}

/* Of error.c, which says nothing here. */
void err(const char *fmt, ...)
{
}

int err_errno(int ret, const char *fmt, ...)
{
	return ret;
}

static const struct tap_test tests[] = {
	{ "hello", test_hello },
	{ "other messages", test_others },
	{ "what makes no sense", test_nonsense },
	{ "texts with brackets", test_texts },
	{ "what is long or deep", test_long },
	{ "messages with bytes changed", test_mutated },
	{ "lines of Intel's IOMMU", test_intel },
	{ "lines of AMD's", test_amd },
	{ "lines that were left out", test_suppressed },
	{ "other lines", test_other_lines },
	{ "records of the log", test_records },
	{ "addresses", test_addresses },
	{ "what an adapter says of itself", test_identify },
	{ "lists of namespaces", test_namespaces },
};

TAP_MAIN(tests)
