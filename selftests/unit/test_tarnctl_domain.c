// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl: settings in the XML of a domain. Each text goes through the reader,
 * whose messages users see, and through the schema, and both must agree.
 */
#include "../../tools/tarnctl/domain.c"
#include "../../tools/tarnctl/domain_home.c"
#include "../../tools/tarnctl/domain_rules.c"
#include "../../tools/tarnctl/domain_schema.c"
#include "../../tools/tarnctl/domain_settings.c"
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
			     "<tarn:paging class='normal'/>");

	CHECK_EQ(read_settings(domain_of(all, "")), 0);
	CHECK_STR(set.pool, "pool0");
	CHECK_EQ(set.weight, 300);
	CHECK_EQ(set.min, 64 * MIB);
	CHECK_EQ(set.desired, 128 * MIB);
	CHECK_EQ(set.home, 0xd);
	CHECK_STR(set.sharing, "web.1");
	CHECK(!set.attach);
	CHECK_EQ(dom.id, 7);
	CHECK_EQ(dom.memory, 512 * MIB);
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
	{ "", "<tarn:sharing domain='-'/>", "a name has" },
	{ "", "<tarn:sharing domain='a b'/>", "a name has" },
	{ "", "<tarn:pins policy='all'/>", "'pool'" },
	{ "", "<tarn:paging class='fast'/>", "'normal'" },
	{ "", "<tarn:paging class='normal' more='1'/>", "means nothing here" },
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
	if (!ret)
		ret = domain_home_check(&dom, &set, NULL);
	forget();
	return ret;
}

#define FILES "<source type='file'/>"
#define SHARED "<access mode='shared'/>"

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

static const struct tap_test tests[] = {
	{ "all settings", test_good },
	{ "defaults", test_defaults },
	{ "paging classes", test_classes },
	{ "the soft limit of libvirt", test_memtune },
	{ "bad settings, by reader and schema", test_bad },
	{ "rules between settings", test_rules },
	{ "bad documents", test_documents },
	{ "the domain around them", test_around },
	{ "sets of processors", test_cpus },
};

TAP_MAIN(tests)
