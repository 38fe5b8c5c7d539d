// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl: settings in the XML of a domain. Each text goes through the reader,
 * whose messages users see, and through the schema, and both must agree.
 */
#include <stdarg.h>
#include <sys/ioctl.h>

static int fake_ioctl(int fd, unsigned long request, ...);

#include "../../tools/tarnctl/domain.c"
#include "../../tools/tarnctl/domain_apply.c"
#include "../../tools/tarnctl/domain_home.c"
#include "../../tools/tarnctl/domain_oom.c"
#include "../../tools/tarnctl/domain_pool.c"
#include "../../tools/tarnctl/domain_rules.c"
#include "../../tools/tarnctl/domain_schema.c"
#include "../../tools/tarnctl/domain_settings.c"
#define ioctl fake_ioctl
#include "../../tools/tarnctl/domain_share.c"
#include "../../tools/tarnctl/sharing.c"
#undef ioctl
#include "../../tools/tarnctl/error.c"
#include "../../tools/tarnctl/suggest.c"
#include "../../tools/tarnctl/text.c"
#include "tap.h"

#define NS "xmlns:tarn='urn:tarn:partition:1'"
#define MIB (1ULL << 20)

static char xml[8192];

/* A domain of 512 MiB whose metadata is @settings and that has @more. */
static const char *domain_of(const char *settings, const char *more)
{
	snprintf(xml, sizeof(xml),
		 "<domain type='kvm' id='7'><name>web</name>"
		 "<memory unit='MiB'>512</memory><vcpu cpuset='0-3'>2</vcpu>"
		 "<metadata>%s</metadata>%s</domain>", settings, more);
	return xml;
}

static const char *partition_of(const char *attributes, const char *inside)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "<tarn:partition " NS " %s>%s</tarn:partition>", attributes,
		 inside);
	return text;
}

static struct domain dom;
static struct domain_settings set;

static void forget(void)
{
	domain_settings_free(&set);
	domain_free(&dom);
}

/* What the reader says to a text, its message kept back. */
static int read_settings(const char *text)
{
	int ret;

	err_defer(true);
	ret = domain_parse(&dom, NULL, text, strlen(text));
	return ret ? ret : domain_settings_read(&set, &dom);
}

static void test_good(void)
{
	const char *all =
		partition_of("pool='pool0'",
			     "<tarn:weight>300</tarn:weight>"
			     "<tarn:min unit='MiB'>64</tarn:min>"
			     "<tarn:desired>131072</tarn:desired>"
			     "<tarn:home nodes='0,2-3'/>"
			     "<tarn:sharing domain='web.1'/>"
			     "<tarn:pins policy='none'/>"
			     "<tarn:paging class='normal'/>"
			     "<tarn:huge blocks='never'/>");

	CHECK_EQ(read_settings(domain_of(all, "")), 0);
	CHECK_STR(set.pool, "pool0");
	CHECK_EQ(set.weight, 300);
	CHECK_EQ(set.min, 64 * MIB);
	CHECK_EQ(set.desired, 128 * MIB);
	CHECK_EQ(set.home, 0xd);
	CHECK_STR(set.sharing, "web.1");
	CHECK(!set.attach);
	CHECK_EQ(set.huge, TARN_HUGE_NEVER);
	CHECK_EQ(dom.id, 7);
	CHECK_EQ(dom.memory, 512 * MIB);
	CHECK_EQ(domain_schema_check(&dom), 0);
	forget();
}

/* As tarnctl's commands take them. */
static void test_amounts(void)
{
	const char *home = partition_of(
		"", "<tarn:home nodes='0=1.5GiB,1=512m,2=.5M,3=8192B'/>");

	CHECK_EQ(read_settings(domain_of(home, "")), 0);
	CHECK_EQ(set.home, 0xf);
	CHECK_EQ(set.home_bytes[0], 1536 * MIB);
	CHECK_EQ(set.home_bytes[1], 512 * MIB);
	CHECK_EQ(set.home_bytes[2], MIB / 2);
	CHECK_EQ(set.home_bytes[3], 8192);
	CHECK_EQ(domain_schema_check(&dom), 0);
	forget();
}

static void test_defaults(void)
{
	CHECK_EQ(read_settings(domain_of("", "")), 0);
	CHECK(!dom.settings);
	CHECK_EQ(set.weight, TARN_WEIGHT_DEFAULT);
	CHECK_EQ(set.min, 0);
	CHECK(set.attach);
	CHECK_EQ(set.huge, DOMAIN_HUGE_POOL);
	forget();
	CHECK_EQ(read_settings(domain_of(partition_of("", "<!-- none -->"), "")), 0);
	CHECK(!set.pool);
	CHECK_EQ(domain_schema_check(&dom), 0);
	forget();
}

static void test_classes(void)
{
	CHECK_EQ(read_settings(domain_of(partition_of(
			 "", "<tarn:paging class='resident'/>"), "")), 0);
	CHECK_EQ(set.min, 512 * MIB);
	forget();
	CHECK_EQ(read_settings(domain_of(partition_of(
			 "", "<tarn:min unit='MiB'>8</tarn:min><tarn:paging class='spare'/>"), "")), 0);
	CHECK_EQ(set.desired, 8 * MIB);
	forget();
	CHECK_EQ(read_settings(domain_of(partition_of(
			 "", "<tarn:paging class='spare'/>"), "")), 0);
	CHECK_EQ(set.desired, PAGE_BYTES);
	forget();
}

static void test_memtune(void)
{
	CHECK_EQ(read_settings(domain_of("",
		 "<memtune><soft_limit unit='M'>100</soft_limit></memtune>")), 0);
	CHECK_EQ(set.desired, 100 * MIB);
	forget();
	CHECK_EQ(read_settings(domain_of("",
		 "<memtune><soft_limit>9007199254740991</soft_limit></memtune>")), 0);
	CHECK_EQ(set.desired, 0);
	forget();
}

/* Settings that the schema refuses as the reader does, and part of its message. */
static const struct {
	const char *attributes;
	const char *inside;
	const char *says;
} bad[] = {
	{ "pool='../x'", "", "is no pool" },
	{ "pool=''", "", "is no pool" },
	{ "pool='/'", "", "is no pool" },
	{ "weight='5'", "", "means nothing here" },
	{ "", "text", "has text" },
	{ "", "<weight>5</weight>", "namespace" },
	{ "", "<tarn:wait>5</tarn:wait>", "unknown setting" },
	{ "", "<tarn:weight>0</tarn:weight>", "1 to 10000" },
	{ "", "<tarn:weight>10001</tarn:weight>", "1 to 10000" },
	{ "", "<tarn:weight>-1</tarn:weight>", "1 to 10000" },
	{ "", "<tarn:weight>99999999999999999999999</tarn:weight>", "1 to 10000" },
	{ "", "<tarn:weight>5x</tarn:weight>", "1 to 10000" },
	{ "", "<tarn:weight/>", "1 to 10000" },
	{ "", "<tarn:weight>5</tarn:weight><tarn:weight>5</tarn:weight>", "twice" },
	{ "", "<tarn:weight><b/></tarn:weight>", "means nothing here" },
	{ "", "<tarn:min>-4</tarn:min>", "no amount" },
	{ "", "<tarn:min unit='miles'>4</tarn:min>", "no amount" },
	{ "", "<tarn:min>99999999999999999999999</tarn:min>", "more than any host" },
	{ "", "<tarn:home/>", "wants the attribute" },
	{ "", "<tarn:home nodes=''/>", "NUMA nodes" },
	{ "", "<tarn:home nodes='1-'/>", "NUMA nodes" },
	{ "", "<tarn:home nodes='100'/>", "NUMA nodes" },
	{ "", "<tarn:home nodes='1,,2'/>", "NUMA nodes" },
	{ "", "<tarn:home nodes='1'>x</tarn:home>", "text in it" },
	{ "", "<tarn:home nodes='1' more='2'/>", "it takes 'nodes' and 'dispatch'" },
	{ "", "<tarn:home nodes='1=4'/>", "NUMA nodes" },
	{ "", "<tarn:home nodes='1=0G'/>", "NUMA nodes" },
	{ "", "<tarn:home nodes='1=4gg'/>", "NUMA nodes" },
	{ "", "<tarn:home nodes='0-1=4G'/>", "NUMA nodes" },
	{ "", "<tarn:home nodes='auto,1'/>", "NUMA nodes" },
	{ "", "<tarn:home nodes='none'/>", "NUMA nodes" },
	{ "", "<tarn:home dispatch='default'/>", "'strict'" },
	{ "", "<tarn:home nodes='1' dispatch=''/>", "'strict'" },
	{ "", "<tarn:home nodes='' dispatch='off'/>", "NUMA nodes" },
	{ "", "<tarn:sharing domain='-'/>", "a name has" },
	{ "", "<tarn:sharing domain='a b'/>", "a name has" },
	/* A character more than the module has room for. */
	{ "", "<tarn:sharing domain='a1234567890123456789012345678901'/>", "a name has 1 to 31" },
	{ "", "<tarn:pins policy='all'/>", "'pool'" },
	{ "", "<tarn:paging class='fast'/>", "'normal'" },
	{ "", "<tarn:paging class='normal' more='1'/>", "means nothing here" },
	{ "", "<tarn:huge/>", "wants the attribute" },
	{ "", "<tarn:huge blocks='yes'/>", "'advise'" },
	{ "", "<tarn:huge blocks=''/>", "'advise'" },
};

static void test_bad(void)
{
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *text = domain_of(
			partition_of(bad[i].attributes, bad[i].inside), "");

		CHECK_EQ(read_settings(text), -EINVAL);
		if (!strstr(deferred, bad[i].says))
			printf("# %s: %s", bad[i].inside, deferred);
		CHECK(strstr(deferred, bad[i].says));
		CHECK_EQ(domain_schema_check(&dom), -EINVAL);
		forget();
	}
}

/* Rules that no schema has. */
static void test_rules(void)
{
	static const char *const texts[] = {
		"<tarn:min unit='MiB'>513</tarn:min>",
		"<tarn:min>3</tarn:min>",
		"<tarn:min unit='TiB'>9999999</tarn:min>",
		"<tarn:desired unit='GiB'>1</tarn:desired>",
		"<tarn:min unit='MiB'>9</tarn:min><tarn:desired unit='MiB'>8</tarn:desired>",
		"<tarn:min unit='MiB'>9</tarn:min><tarn:paging class='resident'/>",
		"<tarn:desired unit='MiB'>9</tarn:desired><tarn:paging class='spare'/>",
		"<tarn:home nodes='3-1'/>",
		"<tarn:home nodes='64'/>",
		"<tarn:home nodes='1,0-2'/>",
		"<tarn:home nodes='1=1G,1=2G'/>",
		"<tarn:home nodes='1=2K'/>",
		"<tarn:home nodes='1=1..5G'/>",
		"<tarn:home nodes='1=1.G'/>",
		"<tarn:home nodes='1=99999999999999T'/>",
		"<tarn:home nodes='1=99999999999999999999999T'/>",
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CHECK_EQ(read_settings(domain_of(partition_of("", texts[i]),
						 "")), -EINVAL);
		forget();
	}
}

static void test_documents(void)
{
	static const char *const texts[] = {
		"", "x", "<domain", "<network/>", "<domain type='kvm'/>",
		"<domain><name>a</name></domain>",
		"<domain><name>a</name><memory>x</memory></domain>",
		"<domain><name>a</name><uuid>../../../../../../../../../etc/passwd</uuid><memory>4096</memory></domain>",
		"<domain><name>a</name><memory unit='TiB'>99999999999</memory></domain>",
		"<!DOCTYPE domain [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
		"<domain><name>&e;</name><memory>4096</memory></domain>",
	};
	static char deep[400000];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CHECK_EQ(read_settings(texts[i]), -EINVAL);
		forget();
	}
	for (i = 0; i < 100000; i++)
		memcpy(deep + 3 * i, "<a>", 3);
	CHECK_EQ(read_settings(deep), -EINVAL);
	forget();
	CHECK_EQ(read_settings(domain_of("<tarn:partition " NS "/><tarn:partition " NS "/>", "")),
		 -EINVAL);
	CHECK(strstr(deferred, "twice"));
	forget();
}

static int rules_of(const char *inside, const char *more)
{
	int ret = read_settings(domain_of(partition_of("", inside), more));

	if (!ret)
		ret = domain_rules_check(&dom, &set);
	forget();
	return ret;
}

#define FILES "<source type='file'/>"
#define SHARED "<access mode='shared'/>"

static int check_namespace(const char *settings)
{
	int ret;

	CHECK_EQ(read_settings(domain_of(settings, "")), 0);
	ret = domain_namespace_check(&dom);
	forget();
	return ret;
}

/* Settings that nobody would see. */
static void test_namespace(void)
{
	CHECK_EQ(check_namespace(""), 0);
	CHECK_EQ(check_namespace(partition_of("", "")), 0);
	CHECK_EQ(check_namespace("<x:disk xmlns:x='urn:other'><x:partition/></x:disk>"),
		 0);
	CHECK_EQ(check_namespace("<partition/>"), -EINVAL);
	CHECK(strstr(deferred, "xmlns:tarn='urn:tarn:partition:1'"));
	CHECK_EQ(check_namespace("<t:partition xmlns:t='urn:tarn:partition'/>"),
		 -EINVAL);
	CHECK_EQ(read_settings(""), -EINVAL);
	CHECK(strstr(deferred, "it is empty"));
	forget();
}

static void test_around(void)
{
	const char *good = "<memoryBacking>" FILES SHARED "</memoryBacking>";

	CHECK_EQ(rules_of("", good), 0);
	CHECK_EQ(rules_of("", "<memoryBacking>" FILES "</memoryBacking><cpu><numa>"
			  "<cell memAccess='shared'/></numa></cpu>"), 0);
	CHECK_EQ(rules_of("", ""), -EINVAL);
	CHECK_EQ(rules_of("", "<memoryBacking>" FILES "</memoryBacking>"), -EINVAL);
	CHECK_EQ(rules_of("", "<memoryBacking>" FILES SHARED "<hugepages/></memoryBacking>"),
		 -EINVAL);
	CHECK_EQ(rules_of("", "<memoryBacking>" FILES SHARED "<locked/></memoryBacking>"),
		 -EINVAL);
	CHECK_EQ(rules_of("<tarn:paging class='resident'/>",
			  "<memoryBacking>" FILES SHARED "<locked/></memoryBacking>"), 0);
	CHECK_EQ(rules_of("", "<memoryBacking>" FILES SHARED "</memoryBacking>"
			  "<memtune><min_guarantee>4</min_guarantee></memtune>"), -EINVAL);
	CHECK_EQ(rules_of("<tarn:home nodes='0'/>", good), 0);
}

static bool in_files(const char *more)
{
	bool ret;

	CHECK_EQ(read_settings(domain_of("", more)), 0);
	ret = domain_in_files(&dom);
	forget();
	return ret;
}

#define MEMFD "<source type='memfd'/>"
#define CELL(attribute) "<cpu><numa><cell id='0' " attribute "/></numa></cpu>"
#define DEVICE(attributes) "<devices><memory " attributes "/></devices>"

/* As libvirt does it: below memory_backing_dir is more than says so. */
static void test_in_files(void)
{
	CHECK(!in_files(""));
	CHECK(!in_files("<memoryBacking><locked/></memoryBacking>"));
	CHECK(!in_files("<memoryBacking><source type='anonymous'/></memoryBacking>"));
	CHECK(in_files("<memoryBacking>" FILES "</memoryBacking>"));
	CHECK(in_files("<memoryBacking>" SHARED "</memoryBacking>"));
	CHECK(in_files("<memoryBacking><access mode='private'/></memoryBacking>"));
	CHECK(in_files("<memoryBacking><source type='anonymous'/>" SHARED "</memoryBacking>"));
	CHECK(in_files(CELL("memAccess='shared'")));
	CHECK(!in_files(CELL("memory='4'")));
	CHECK(!in_files("<memoryBacking>" MEMFD SHARED "</memoryBacking>"));
	CHECK(!in_files("<memoryBacking>" MEMFD "</memoryBacking>" CELL("memAccess='shared'")));
	CHECK(!in_files("<memoryBacking><hugepages/>" SHARED "</memoryBacking>"));
	CHECK(in_files("<memoryBacking>" FILES "<hugepages/></memoryBacking>"));
	CHECK(in_files(DEVICE("model='dimm' access='shared'")));
	CHECK(!in_files(DEVICE("model='dimm'")));
	CHECK(!in_files(DEVICE("model='nvdimm' access='shared'")));

	CHECK_EQ(rules_of("", "<memoryBacking>" SHARED "</memoryBacking>"), 0);
	CHECK_EQ(rules_of("", CELL("memAccess='shared'")), 0);
	CHECK_EQ(rules_of("", "<memoryBacking><access mode='private'/></memoryBacking>"),
		 -EINVAL);
	CHECK(strstr(deferred, "<source type='memfd'/>"));
	CHECK_EQ(rules_of("", "<memoryBacking>" SHARED "</memoryBacking>"
			  DEVICE("model='dimm' access='private'")), -EINVAL);
	CHECK_EQ(rules_of("", "<memoryBacking>" MEMFD SHARED "</memoryBacking>"), -EINVAL);
}

static int read_home_of(const char *home, const char *more)
{
	int ret = read_settings(domain_of(partition_of("", home), more));

	CHECK_EQ(domain_schema_check(&dom), 0);
	return ret;
}

static void test_homes(void)
{
	CHECK_EQ(read_home_of("<tarn:home nodes='0=4G,63=512M,2-3'/>", ""), 0);
	CHECK_EQ(set.home, 0x800000000000000dULL);
	CHECK_EQ(set.home_bytes[0], 4096 * MIB);
	CHECK_EQ(set.home_bytes[63], 512 * MIB);
	CHECK_EQ(set.home_bytes[2], 0);
	CHECK_EQ(set.dispatch, HOME_DISPATCH_DEFAULT);
	CHECK(!set.home_auto);
	forget();
	CHECK_EQ(read_home_of("<tarn:home dispatch='strict' nodes='auto'/>", ""), 0);
	CHECK(set.home_auto);
	CHECK_EQ(set.home, 0);
	CHECK_EQ(set.dispatch, HOME_DISPATCH_STRICT);
	forget();
	CHECK_EQ(read_home_of("<tarn:home dispatch='off'/>", ""), 0);
	CHECK(!set.home_auto);
	CHECK_EQ(set.dispatch, HOME_DISPATCH_OFF);
	forget();
}

static const char *tuned(const char *nodeset)
{
	static char text[128];

	snprintf(text, sizeof(text),
		 "<numatune><memory mode='strict' nodeset='%s'/></numatune>",
		 nodeset);
	return text;
}

/* What is said of a domain's homes on a host with the nodes in @sysfs. */
static const char *note_of(const char *home, const char *more, const char *sysfs)
{
	static char said[sizeof(deferred)];

	CHECK_EQ(read_home_of(home, more), 0);
	err_defer(true);
	domain_home_note(&dom, &set, sysfs);
	strcpy(said, deferred);
	forget();
	return said;
}

/* <numatune> holds. */
static void test_numatune(void)
{
	CHECK_EQ(read_settings(domain_of("", tuned("1-3,^2"))), 0);
	CHECK_EQ(set.home, 0xa);
	CHECK(!set.home_tuned);
	forget();
	CHECK_EQ(read_home_of("<tarn:home nodes='0=1G'/>", tuned("1")), 0);
	CHECK_EQ(set.home, 2);
	CHECK_EQ(set.home_bytes[0], 0);
	CHECK(set.home_tuned);
	forget();
	/* The same, with sizes. */
	CHECK_EQ(read_home_of("<tarn:home nodes='0=1G,1=2G'/>", tuned("0-1")), 0);
	CHECK_EQ(set.home_bytes[1], 2048 * MIB);
	CHECK(!set.home_tuned);
	forget();
	CHECK_EQ(read_home_of("<tarn:home nodes='auto' dispatch='soft'/>", tuned("0")), 0);
	CHECK(!set.home_auto);
	CHECK_EQ(set.dispatch, HOME_DISPATCH_SOFT);
	CHECK(set.home_tuned);
	forget();
	CHECK_EQ(read_settings(domain_of("", tuned("x"))), -EINVAL);
	forget();
	CHECK_EQ(read_settings(domain_of(
		"", "<numatune><memory mode='strict' placement='auto'/></numatune>")), 0);
	CHECK_EQ(set.home, 0);
	forget();
	CHECK(strstr(note_of("<tarn:home nodes='0'/>", tuned("1"), NULL),
		     "<numatune> has other nodes"));
}

/* One of a node of the guest holds for that. */
static void test_memnode(void)
{
	static const char both[] =
		"<numatune><memory mode='strict' nodeset='0-1'/>"
		"<memnode cellid='0' mode='strict' nodeset='0'/>"
		"<memnode cellid='2' mode='strict' nodeset='1,3'/></numatune>";
	static const char one[] =
		"<numatune><memnode cellid='1' mode='strict' nodeset='1'/></numatune>";

	CHECK_EQ(read_settings(domain_of("", both)), 0);
	CHECK_EQ(set.home, 3);
	CHECK_EQ(set.nr_cells, 2);
	CHECK_EQ(domain_home_cell(&set, 0)->home, 1);
	CHECK_EQ(domain_home_cell(&set, 2)->home, 0xa);
	CHECK(!domain_home_cell(&set, 1));
	CHECK_EQ(all_homes(&set), 0xb);
	forget();
	CHECK_EQ(read_home_of("<tarn:home nodes='auto'/>", one), 0);
	CHECK(set.home_auto);
	CHECK(set.home_tuned);
	CHECK_EQ(domain_home_cell(&set, 1)->home, 2);
	forget();
	CHECK_EQ(read_home_of("<tarn:home nodes='1'/>", one), 0);
	CHECK(!set.home_tuned);
	forget();
	CHECK_EQ(read_settings(domain_of(
		"", "<numatune><memnode cellid='x' nodeset='0'/></numatune>")), -EINVAL);
	forget();
	CHECK_EQ(read_settings(domain_of(
		"", "<numatune><memnode cellid='0' nodeset='x'/></numatune>")), -EINVAL);
	forget();
}

/* Two nodes, with processors 0-3 and 4-7. The domain's vCPUs may be on the first four. */
static void test_cputune(void)
{
	char sysfs[] = "/tmp/test_domain.XXXXXX", command[512];
	const char *pin = "<cputune><vcpupin vcpu='1' cpuset='7'/></cputune>";

	CHECK(mkdtemp(sysfs));
	snprintf(command, sizeof(command),
		 "cd %s && mkdir -p devices/system/node/node0 devices/system/node/node1 && echo 0-3 >devices/system/node/node0/cpulist && echo 4-7 >devices/system/node/node1/cpulist",
		 sysfs);
	CHECK(!system(command));
	CHECK_STR(note_of("<tarn:home nodes='0'/>", "", sysfs), "");
	CHECK_STR(note_of("<tarn:home nodes='auto'/>", pin, sysfs), "");
	CHECK(strstr(note_of("<tarn:home nodes='1'/>", "", sysfs),
		     "<vcpu cpuset='0-3'> has no processor"));
	CHECK(strstr(note_of("<tarn:home nodes='0'/>", pin, sysfs),
		     "<vcpupin cpuset='7'> has no processor"));
	CHECK_EQ(read_home_of("<tarn:home nodes='0-1'/>", ""), 0);
	CHECK_EQ(domain_home_check(&dom, &set, sysfs), 0);
	forget();
	CHECK_EQ(read_home_of("<tarn:home nodes='2'/>", ""), 0);
	CHECK_EQ(domain_home_check(&dom, &set, NULL), 0);
	CHECK_EQ(domain_home_check(&dom, &set, sysfs), -EINVAL);
	CHECK(strstr(deferred, "no NUMA node 2"));
	forget();
	snprintf(command, sizeof(command), "rm -r %s", sysfs);
	CHECK(!system(command));
}

static void test_cpus(void)
{
	struct cpus *cpus = calloc(1, sizeof(*cpus));

	CHECK_EQ(parse_cpus("0-3, ^2,9\n", cpus), 0);
	CHECK(cpus->in[0] && cpus->in[3] && cpus->in[9] && !cpus->in[2]);
	CHECK(parse_cpus("", cpus));
	CHECK(parse_cpus("3-1", cpus));
	CHECK(parse_cpus("8192", cpus));
	CHECK(parse_cpus("1;2", cpus));
	CHECK(parse_cpus("99999999999999999999", cpus));
	free(cpus);
}

/* What becomes of huge, of a partition that has @has in a pool that has @pool. */
static struct tarn_partition_set huge_of(const char *inside, __u32 has, __u32 pool)
{
	struct tarn_partition_set share = { 0 };
	struct before b = { .info.huge = has, .huge = pool };

	CHECK_EQ(read_settings(domain_of(partition_of("", inside), "")), 0);
	share_huge(&share, &set, &b);
	forget();
	return share;
}

static void test_huge(void)
{
	struct tarn_partition_set share;

	/* A field that must be 0 without its flag. */
	share = huge_of("", TARN_HUGE_NEVER, TARN_HUGE_NEVER);
	CHECK(!share.flags && !share.huge);
	share = huge_of("<tarn:huge blocks='always'/>", TARN_HUGE_NEVER,
			TARN_HUGE_NEVER);
	CHECK_EQ(share.flags, TARN_PARTITION_SET_HUGE);
	CHECK_EQ(share.huge, TARN_HUGE_ALWAYS);
	share = huge_of("<tarn:huge blocks='always'/>", TARN_HUGE_ALWAYS,
			TARN_HUGE_NEVER);
	CHECK(!share.flags && !share.huge);
	/* Taken away. */
	share = huge_of("", TARN_HUGE_ALWAYS, TARN_HUGE_NEVER);
	CHECK_EQ(share.flags, TARN_PARTITION_SET_HUGE);
	CHECK_EQ(share.huge, TARN_HUGE_NEVER);
}

/* ---- sharing, in a module that is not there ---------------------------------- */

#define PARTS 3

/*
 * struct fake - partitions of that module, by the numbers of their files
 * @name: the domain of each
 * @leaves: it is leaving that
 * @error: what to set it fails with
 * @sets: how often something was set
 * @missing: the module knows no domains
 */
static struct fake {
	char name[PARTS][TARN_DOMAIN_NAME];
	bool leaves[PARTS];
	int error[PARTS];
	unsigned int sets;
	bool missing;
} fake;

static int fake_ioctl(int fd, unsigned long request, ...)
{
	struct tarn_partition_domain *call;
	va_list args;

	va_start(args, request);
	call = va_arg(args, void *);
	va_end(args);
	CHECK_EQ(request, TARN_PARTITION_DOMAIN);
	errno = fake.missing ? ENOTTY : 0;
	if (call->flags & TARN_DOMAIN_SET && !errno) {
		fake.sets++;
		errno = fake.error[fd];
		if (!errno)
			memcpy(fake.name[fd], call->name, TARN_DOMAIN_NAME);
	} else if (!errno) {
		memcpy(call->name, fake.name[fd], TARN_DOMAIN_NAME);
		call->flags = fake.leaves[fd] ? TARN_DOMAIN_LEAVING : 0;
	}
	return errno ? -1 : 0;
}

static int share_as(const char *inside)
{
	static struct process_part items[PARTS];
	const struct process_parts parts = { .items = items, .count = PARTS };
	int i, ret = read_settings(domain_of(partition_of("", inside), ""));

	for (i = 0; i < PARTS; i++) {
		items[i].fd = i;
		items[i].file.path = (char *)"ram";
	}
	CHECK_EQ(ret, 0);
	fake.sets = 0;
	ret = domain_share(&dom, &set, &parts);
	forget();
	return ret;
}

static void check_names(const char *a, const char *b, const char *c)
{
	CHECK_STR(fake.name[0], a);
	CHECK_STR(fake.name[1], b);
	CHECK_STR(fake.name[2], c);
}

static void test_sharing(void)
{
	memset(&fake, 0, sizeof(fake));
	CHECK_EQ(share_as(""), 0);
	CHECK_EQ(fake.sets, 0);
	CHECK_EQ(share_as("<tarn:sharing domain='a123456789012345678901234567890'/>"), 0);
	check_names("a123456789012345678901234567890", "a123456789012345678901234567890",
		    "a123456789012345678901234567890");
	CHECK_EQ(share_as("<tarn:sharing domain='web'/>"), 0);
	check_names("web", "web", "web");
	CHECK_EQ(fake.sets, PARTS);
	CHECK_EQ(share_as("<tarn:sharing domain='web'/>"), 0);
	CHECK_EQ(fake.sets, 0);
	/* One that is on its way out is brought back. */
	fake.leaves[1] = true;
	CHECK_EQ(share_as("<tarn:sharing domain='web'/>"), 0);
	CHECK_EQ(fake.sets, 1);
	fake.leaves[1] = false;
	CHECK_EQ(share_as("<tarn:sharing domain='none'/>"), 0);
	check_names("", "", "");
	CHECK_EQ(share_as("<tarn:sharing domain='db'/>"), 0);
	CHECK_EQ(share_as(""), 0);
	check_names("", "", "");
}

/* All of them, or none. */
static void test_sharing_fails(void)
{
	memset(&fake, 0, sizeof(fake));
	strcpy(fake.name[0], "db");
	strcpy(fake.name[1], "web");
	fake.error[2] = ENOSPC;
	CHECK_EQ(share_as("<tarn:sharing domain='web'/>"), -ENOSPC);
	check_names("db", "web", "");
	CHECK_EQ(fake.sets, 3);
	fake.error[2] = 0;
	fake.error[0] = EINTR;
	CHECK_EQ(share_as(""), -EINTR);
	check_names("db", "web", "");
	memset(&fake, 0, sizeof(fake));
	fake.missing = true;
	CHECK_EQ(share_as(""), 0);
	CHECK_EQ(share_as("<tarn:sharing domain='web'/>"), -ENOTTY);
}

/* What domain_oom_read() makes of a file with @text. */
static int oom_of(const char *text, int *score)
{
	char path[] = "/tmp/tarn-test-oom-XXXXXX";
	int fd = mkstemp(path), ret;

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	err_defer(true);
	ret = domain_oom_read(path, score);
	unlink(path);
	return ret;
}

static void test_oom(void)
{
	static const char *const bad[] = { "", "\n", "low", "-1001", "1001",
					   "5 5", "99999999999999999999", "5x" };
	char had[32] = "", now[32] = "";
	int score = 1, dir, fd;
	size_t i;

	CHECK_EQ(domain_oom_read("/nowhere/oom-score-adj", &score), 0);
	CHECK_EQ(oom_of("-500\n", &score), 1);
	CHECK_EQ(score, -500);
	CHECK_EQ(oom_of("1000", &score), 1);
	CHECK_EQ(score, 1000);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(oom_of(bad[i], &score), -EINVAL);

	/* Everybody may make himself a better one to be killed. */
	dir = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir, "oom_score_adj", O_RDONLY | O_CLOEXEC);
	CHECK(pread(fd, had, sizeof(had) - 1, 0) > 0);
	score = atoi(had) < 999 ? atoi(had) + 1 : 1000;
	CHECK_EQ(domain_oom_set(dir, score), 0);
	CHECK(pread(fd, now, sizeof(now) - 1, 0) > 0);
	CHECK_EQ(atoi(now), score);
	CHECK(domain_oom_set(dir, 1001));
	close(fd);
	close(dir);
}

static const struct tap_test tests[] = {
	{ "settings of another namespace", test_namespace },
	{ "all settings", test_good },
	{ "amounts with any unit", test_amounts },
	{ "defaults", test_defaults },
	{ "paging classes", test_classes },
	{ "the soft limit of libvirt", test_memtune },
	{ "bad settings, by reader and schema", test_bad },
	{ "rules between settings", test_rules },
	{ "bad documents", test_documents },
	{ "the domain around them", test_around },
	{ "memory in files", test_in_files },
	{ "home nodes", test_homes },
	{ "nodes by libvirt's own settings", test_numatune },
	{ "and those of a node of the guest", test_memnode },
	{ "and its processors", test_cputune },
	{ "sets of processors", test_cpus },
	{ "2 MiB frames", test_huge },
	{ "a domain of sharing", test_sharing },
	{ "of which a partition cannot be", test_sharing_fails },
	{ "what the OOM killer is told", test_oom },
};

TAP_MAIN(tests)
