// SPDX-License-Identifier: GPL-2.0-only
/* The command line: what libvirt passes, and what must be refused by name. */
#define TARN_VERSION "test"
#include "../../vmm/advice.c"
#include "../../vmm/config.c"
#include "../../vmm/lib/json.c"
#include "../../vmm/lib/opts.c"
#include "fake_error.h"
#include "tap.h"

static struct vm_config cfg;

static int parse(const char *const *args)
{
	char *argv[64] = {(char *)"tarn-vmm"};
	int argc = 1;

	while (*args)
		argv[argc++] = (char *)*args++;
	fake_error[0] = '\0';
	return config_parse(&cfg, argc, argv);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static int count(struct config_list *list)
{
	struct config_item *item;
	int n = 0;

	STAILQ_FOREACH(item, list, link)
		n++;
	return n;
}

static void test_libvirt(void)
{
	int ret = PARSE(
		"-name", "guest=xpc,debug-threads=on", "-S", "-machine",
		"pc,usb=off,dump-guest-core=off,memory-backend=tarn.ram",
		"-accel", "kvm", "-cpu", "host", "-m", "size=262144k",
		"-object",
		"{\"qom-type\":\"memory-backend-file\",\"id\":\"tarn.ram\","
		"\"share\":true,\"size\":268435456,\"host-nodes\":[0]}",
		"-overcommit", "mem-lock=off", "-smp",
		"1,maxcpus=2,sockets=2,cores=1,threads=1", "-uuid",
		"a3e80547-eddc-4829-9735-e9a4899f6f44", "-display", "none",
		"-no-user-config", "-nodefaults", "-rtc", "base=utc",
		"-no-shutdown", "-boot", "strict=on", "-kernel", "/k",
		"-audiodev", "{\"id\":\"audio1\",\"driver\":\"none\"}",
		"-device",
		"{\"driver\":\"virtio-balloon-pci\",\"addr\":\"0x4\"}", "-msg",
		"timestamp=on");

	CHECK_EQ(ret, 0);
	CHECK_STR(cfg.name, "xpc");
	CHECK(cfg.start_paused && cfg.no_shutdown && !cfg.no_reboot);
	CHECK_EQ(cfg.mem_size, MIB(256));
	CHECK_STR(cfg.memory_backend, "tarn.ram");
	CHECK_EQ(cfg.cpus, 1);
	CHECK_EQ(cfg.max_cpus, 2);
	CHECK_EQ(cfg.uuid[0], 0xa3);
	CHECK_EQ(cfg.uuid[15], 0x44);
	CHECK_EQ(count(&cfg.objects), 1);
	CHECK_EQ(count(&cfg.devices), 1);
	config_exit(&cfg);
}

static void test_unknown(void)
{
	CHECK_EQ(PARSE("-bogus"), -EINVAL);
	CHECK(strstr(fake_error, "'-bogus'"));
	config_exit(&cfg);
	CHECK_EQ(PARSE("stray"), -EINVAL);
	CHECK(strstr(fake_error, "'stray'"));
	config_exit(&cfg);
	CHECK_EQ(PARSE("-m"), -EINVAL);
	CHECK(strstr(fake_error, "-m"));
	config_exit(&cfg);
	CHECK_EQ(PARSE("-m", "64,slots=3"), -EINVAL);
	CHECK(strstr(fake_error, "slots"));
	config_exit(&cfg);
	CHECK_EQ(PARSE("-machine", "q35"), -EINVAL);
	CHECK(strstr(fake_error, "q35"));
	config_exit(&cfg);
	CHECK_EQ(PARSE("-cpu", "EPYC"), -EINVAL);
	CHECK(strstr(fake_error, "EPYC"));
	config_exit(&cfg);
	CHECK_EQ(PARSE("-machine", "pc,tarn=maybe"), -EINVAL);
	CHECK(strstr(fake_error, "tarn"));
	config_exit(&cfg);
	CHECK_EQ(PARSE("-cpu", "host,tarn=auto"), -EINVAL);
	CHECK(strstr(fake_error, "tarn"));
	config_exit(&cfg);
	CHECK_EQ(PARSE("-machine", "pc,usb=on"), -EINVAL);
	CHECK(strstr(fake_error, "usb"));
	config_exit(&cfg);
}

static void test_tarn(void)
{
	CHECK_EQ(PARSE("-machine", "pc"), 0);
	CHECK_EQ(cfg.tarn, CONFIG_TARN_AUTO);
	CHECK(!cfg.tarn_hidden);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-machine", "pc,tarn=off", "-cpu", "host,tarn=on"), 0);
	CHECK_EQ(cfg.tarn, CONFIG_TARN_OFF);
	CHECK(!cfg.tarn_hidden);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-machine", "pc,tarn=on", "-cpu", "host,tarn=off"), 0);
	CHECK_EQ(cfg.tarn, CONFIG_TARN_ON);
	CHECK(cfg.tarn_hidden);
	config_exit(&cfg);
}

static void test_dispatch(void)
{
	CHECK_EQ(PARSE("-machine", "pc"), 0);
	CHECK_EQ(cfg.dispatch, CONFIG_DISPATCH_SOFT);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-machine", "pc,dispatch=off"), 0);
	CHECK_EQ(cfg.dispatch, CONFIG_DISPATCH_OFF);
	config_exit(&cfg);
	/* What libvirt passes on comes as an option of its own. */
	CHECK_EQ(PARSE("-machine", "pc", "-machine", "dispatch=strict"), 0);
	CHECK_EQ(cfg.dispatch, CONFIG_DISPATCH_STRICT);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-machine", "pc,dispatch=on"), -EINVAL);
	CHECK(strstr(fake_error, "dispatch"));
	config_exit(&cfg);
}

static void test_cpu(void)
{
	CHECK_EQ(PARSE("-cpu", "host"), 0);
	CHECK(!cfg.vmx_hidden && !cfg.svm_hidden);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-cpu", "host,-vmx"), 0);
	CHECK(cfg.vmx_hidden && !cfg.svm_hidden);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-cpu", "host,vmx=on,svm=off"), 0);
	CHECK(!cfg.vmx_hidden && cfg.svm_hidden);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-cpu", "host,-svm,vmx=off"), 0);
	CHECK(cfg.vmx_hidden && cfg.svm_hidden);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-cpu", "host,vmx=perhaps"), -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-cpu", "host,-avx"), -EINVAL);
	config_exit(&cfg);
}

static void test_mem(void)
{
	static const char *const bad[] = {"0",	"x",  "1T2", "-1", "",
					  "1k", "4G,"};
	unsigned int i;

	CHECK_EQ(PARSE("-m", "1.5G"), 0);
	CHECK_EQ(cfg.mem_size, MIB(1536));
	config_exit(&cfg);
	CHECK_EQ(PARSE("-m", "300"), 0);
	CHECK_EQ(cfg.mem_size, MIB(300));
	config_exit(&cfg);
	CHECK_EQ(PARSE("-nodefaults"), 0);
	CHECK_EQ(cfg.mem_size, MIB(128));
	config_exit(&cfg);
	for (i = 0; i < ARRAY_SIZE(bad) - 1; i++) {
		if (PARSE("-m", bad[i]) != -EINVAL)
			printf("# -m %s\n", bad[i]);
		CHECK(fake_error[0]);
		config_exit(&cfg);
	}
}

static void test_smp(void)
{
	static const struct {
		const char *text;
		int ret;
		unsigned int cpus, sockets, cores, threads;
	} cases[] = {
		{"4", 0, 4, 1, 4, 1},
		{"4,sockets=2", 0, 4, 2, 2, 1},
		{"4,threads=2", 0, 4, 1, 2, 2},
		{"sockets=2,cores=2,threads=2", 0, 8, 2, 2, 2},
		{"2,maxcpus=8,cores=4", 0, 2, 2, 4, 1},
		{"cpus=3,sockets=2", -EINVAL, 0, 0, 0, 0},
		{"0", -EINVAL, 0, 0, 0, 0},
		{"4,maxcpus=2", -EINVAL, 0, 0, 0, 0},
		{"4,sockets=3,cores=3", -EINVAL, 0, 0, 0, 0},
		{"300", -EINVAL, 0, 0, 0, 0},
		{"sockets=255,cores=255,threads=255", -EINVAL, 0, 0, 0, 0},
		{"4,clusters=2", -EINVAL, 0, 0, 0, 0},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int ret = PARSE("-smp", cases[i].text);

		if (ret != cases[i].ret)
			printf("# -smp %s\n", cases[i].text);
		CHECK_EQ(ret, cases[i].ret);
		if (!ret) {
			CHECK_EQ(cfg.cpus, cases[i].cpus);
			CHECK_EQ(cfg.sockets, cases[i].sockets);
			CHECK_EQ(cfg.cores, cases[i].cores);
			CHECK_EQ(cfg.threads, cases[i].threads);
		}
		config_exit(&cfg);
	}
}

static void test_numa(void)
{
	CHECK_EQ(PARSE("-smp", "4", "-numa", "node,cpus=0-1,memdev=a", "-numa",
		       "node,nodeid=1,cpus=2-3,memdev=b", "-numa",
		       "dist,src=0,dst=1,val=25"),
		 0);
	CHECK_EQ(cfg.nr_nodes, 2);
	CHECK(cfg.node[0].cpu[1] && !cfg.node[0].cpu[2] &&
	      cfg.node[1].cpu[3]);
	CHECK_STR(cfg.node[1].memdev, "b");
	CHECK_EQ(cfg.node[1].dist[0], 25);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-numa", "node,nodeid=0", "-numa", "node,nodeid=0"),
		 -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-numa", "node,nodeid=16"), -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-numa", "node,cpus=3-1"), -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-numa", "node,cpus=0-255"), -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-numa", "dist,src=0,dst=0,val=20"), -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-numa", "dist,src=0,val=20"), -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-numa", "hmat-lb"), -EINVAL);
	config_exit(&cfg);
}

static void test_misc(void)
{
	CHECK_EQ(PARSE("-uuid", "123"), -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-uuid", "a3e80547-eddc-4829-9735-e9a4899f6f4g"),
		 -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-serial", "a", "-serial", "b", "-serial", "c",
		       "-serial", "d", "-serial", "e"),
		 -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-sandbox", "off", "--no-reboot"), 0);
	CHECK(!cfg.sandbox && cfg.no_reboot);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-device", "{\"driver\":"), -EINVAL);
	config_exit(&cfg);
}

/* What monitors are told that an option takes is what it takes. */
static void test_keys(void)
{
	struct config_option_info info;
	char option[40], value[80];
	unsigned int i, n = 0;
	const char *key;
	size_t len;

	for (i = 0; config_option_info(i, &info); i++) {
		snprintf(option, sizeof(option), "-%s", info.name);
		for (key = info.keys; *key; key += len + !!key[len], n++) {
			len = strcspn(key, " ");
			snprintf(value, sizeof(value), "%.*s=1", (int)len, key);
			PARSE(option, value);
			CHECK(!strstr(fake_error, "not known"));
			CHECK(!strstr(fake_error, "unknown"));
			config_exit(&cfg);
		}
		if (!*info.keys)
			continue;
		CHECK_EQ(PARSE(option, "bogus=1"), -EINVAL);
		CHECK(strstr(fake_error, "bogus"));
		config_exit(&cfg);
	}
	CHECK(n > 50);
}

/* What virt-install asks for by itself gets a sentence that says what to add. */
static void test_advice(void)
{
	CHECK_EQ(PARSE("-machine", "q35,accel=kvm"), -EINVAL);
	config_exit(&cfg);
	CHECK(strstr(fake_error, "--machine pc"));
	CHECK_EQ(PARSE("-M", "pc-i440fx-7.2"), -EINVAL);
	config_exit(&cfg);
	CHECK(strstr(fake_error, "--machine pc"));
	CHECK_EQ(PARSE("-cpu", "EPYC,x2apic=on"), -EINVAL);
	config_exit(&cfg);
	CHECK_EQ(PARSE("-cpu", "EPYC"), -EINVAL);
	config_exit(&cfg);
	CHECK(strstr(fake_error, "--cpu host-passthrough"));
	CHECK_EQ(PARSE("-vnc", "127.0.0.1:0"), -EINVAL);
	config_exit(&cfg);
	CHECK(strstr(fake_error, "--graphics none"));
	CHECK_EQ(PARSE("-frobnicate"), -EINVAL);
	config_exit(&cfg);
	CHECK(strstr(fake_error, "-help lists all"));
	CHECK(strstr(advice_find(ADVICE_DEVICE, "qemu-xhci"), "usb,model=none"));
	CHECK(strstr(advice_find(ADVICE_DEVICE, "qxl-vga"), "--graphics none"));
	CHECK(strstr(advice_find(ADVICE_DEVICE, "pcie-root-port"), "--machine pc"));
	CHECK(!advice_find(ADVICE_DEVICE, "virtio-nonsense"));
	CHECK_EQ(PARSE("-bios", "/b"), 0);
	CHECK_STR(cfg.bios, "/b");
	CHECK(!cfg.kernel);
	config_exit(&cfg);
}

static const struct tap_test tests[] = {
	{"a command line of libvirt's", test_libvirt},
	{"what is unknown is named", test_unknown},
	{"attaching to pools", test_tarn},
	{"dispatch to home nodes", test_dispatch},
	{"the processor", test_cpu},
	{"memory sizes", test_mem},
	{"topologies", test_smp},
	{"NUMA nodes", test_numa},
	{"other options", test_misc},
	{"keys of options", test_keys},
	{"advice", test_advice},
};

TAP_MAIN(tests)
