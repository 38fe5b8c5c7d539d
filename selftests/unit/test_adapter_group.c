// SPDX-License-Identifier: GPL-2.0-only
/* tarn-adapter: files of adapters, and what is found of functions and of disks. */
#include "adapter_guests.h"

static void check_file(const char *text, const char *complaint)
{
	struct group_file file;
	char path[128];

	snprintf(path, sizeof(path), "%s/wrong.conf", root);
	write_file(path, text);
	CHECK_EQ(group_file_read(&file, path), -EINVAL);
	CHECK(strstr(said, complaint));
	if (!strstr(said, complaint))
		printf("# %s\n", said);
}

static void test_files(void)
{
	begin(two_groups);
	CHECK_EQ(m.file.groups[1].nr_namespaces, 2);
	CHECK_EQ(m.file.groups[1].namespaces[1], 3);
	CHECK_STR(m.file.groups[1].guest, "gb");
	CHECK_EQ(m.file.groups[2].share, PLAN_FIRST_COME);
	check_file("[adapter]\n", "there is no [group]");
	check_file("[pool]\nsize=5M\n[group]\nname=a\n", "there is no section [pool]");
	check_file("[group]\nweight=5\n", "has no name=");
	check_file("[group]\nname=a\n[group]\nname=a\n", "two groups 'a'");
	check_file("[group]\nname=a\nnamespaces=1,2\n[group]\nname=b\nnamespaces=2\n",
		   "groups 'a' and 'b' both have namespace 2");
	check_file("[group]\nname=a\nshare=absolute\n", "no queues=");
	check_file("[group]\nname=a\nqueues=4\n", "relative share, and queues=");
	check_file("[group]\nname=a\nshare=first-come\nweight=4\n", "for share=relative");
	check_file("[group]\nname=a\nnamespaces=1,x\n", "wants numbers of namespaces");
	check_file("[group]\nname=a/b\n", "letters");
	check_file("[group]\nname=a\nuser=nobody-is-this\n", "there is no such user");
	check_file("[adapter]\ndeadline=0\n[group]\nname=a\n", "wants seconds");
	end();
}

static void test_reload(void)
{
	struct peer *pa;
	int a;

	begin(two_groups);
	a = lease("ga", "a", &pa);
	CHECK(heard(a, "granted", NULL));
	/* Oversubscribed: nothing changes. */
	write_file(m.path, "[group]\nname=a\nnamespaces=1\n[group]\nname=c\nshare=absolute\nqueues=7\n");
	CHECK_EQ(manager_reload(&m), -EINVAL);
	CHECK(strstr(said, "groups want 13 queues in all"));
	HAS(1, 3, 2);
	CHECK_EQ(m.file.count, 3);
	/* A group that somebody has cannot go. */
	write_file(m.path, "[group]\nname=c\n");
	CHECK_EQ(manager_reload(&m), -EBUSY);
	CHECK(strstr(said, "group 'a' is in use and has gone"));
	write_file(m.path, "[group]\nname=c\nshare=absolute\nqueues=4\n[group]\nname=a\nnamespaces=1\n");
	CHECK_EQ(manager_reload(&m), 0);
	CHECK_STR(vf_at(0)->group->name, "a");
	HAS(0, 6, 4);
	CHECK_STR(vf_at(1)->group->name, "c");
	HAS(1, 4, 4);
	CHECK_EQ(vf_at(2)->state, VF_FREE);
	close(a);
	end();
}

/* Three, of which one shares its IOMMU group and one has another driver. */
static void make_functions(void)
{
	static const char setup[] =
		"cd %s && pf=bus/pci/devices/0000:02:00.0 && mkdir -p $pf groups drivers/vfio-pci drivers/igb && "
		"echo 3 > $pf/sriov_totalvfs && echo 3 > $pf/sriov_numvfs && for i in 0 1 2; do "
		"vf=bus/pci/devices/0000:02:00.$((i + 1)); ln -s ../0000:02:00.$((i + 1)) $pf/virtfn$i; "
		"mkdir -p groups/$i/devices/$i; ln -s ../../../../groups/$i $vf/iommu_group; "
		"ln -s ../../../../drivers/$([ $i = 2 ] && echo igb || echo vfio-pci) $vf/driver; done; "
		"mkdir groups/1/devices/other%s";

	shell(setup, sysfs, "");
}

static void test_whole(void)
{
	const struct bdf pf = { .bus = 2 };
	const struct amount none = { 0 };

	make_host();
	make_adapter();
	free(m.adapter.vfs);
	make_functions();
	CHECK_EQ(adapter_open(&m.adapter, &roots, &pf), 0);
	CHECK(m.adapter.ops->whole);
	CHECK_EQ(adapter_most_vfs(&m.adapter), 3);
	CHECK_EQ(adapter_prepare(&m.adapter, 1, &none), 0);
	CHECK_EQ(m.adapter.nr_vfs, 3);
	CHECK_EQ(vf_at(0)->state, VF_FREE);
	CHECK_EQ(vf_at(0)->iommu_group, 0);
	CHECK_EQ(vf_at(1)->state, VF_UNUSABLE);
	CHECK_STR(vf_at(1)->why, "it has no IOMMU group of its own");
	CHECK_EQ(vf_at(2)->state, VF_UNUSABLE);
	CHECK_STR(vf_at(2)->why, "vfio-pci does not drive it");
	CHECK(strstr(said, "is driven by igb, and may be in use"));
	CHECK_EQ(adapter_prepare(&m.adapter, 4, &none), -EBUSY);
	CHECK(strstr(said, "has 3 virtual functions, and 4 are needed"));
	/* One function is left, so there can be one group. */
	read_groups("[group]\nname=a\n[group]\nname=b\n");
	manager_init(&m);
	CHECK(strstr(m.no_plan, "2 groups and 1 virtual functions"));
	write_file(m.path, "[group]\nname=a\n");
	CHECK_EQ(manager_reload(&m), 0);
	CHECK_EQ(vf_at(0)->state, VF_ASSIGNED);
	end();
}

static void test_none(void)
{
	const struct bdf pf = { .bus = 2 }, other = { .bus = 3 };

	make_host();
	make_adapter();
	free(m.adapter.vfs);
	CHECK_EQ(adapter_open(&m.adapter, &roots, &other), -ENODEV);
	shell("mkdir %s/bus/pci/devices/0000:02:00.0%s", sysfs, "");
	CHECK_EQ(adapter_open(&m.adapter, &roots, &pf), -EOPNOTSUPP);
	end();
}

/* That a disk is in use shows by O_EXCL, which only block devices heed: L1 shows that. */
static void test_host_use(void)
{
	begin(two_groups);
	shell("mkdir -p %s/bus/pci/devices/0000:02:00.0/nvme/nvme5 %s/block", sysfs, sysfs);
	shell("mkdir -p %s/sub/nvme5n1 && mkdir %s/sub/nvme5", sysfs, sysfs);
	shell("ln -s ../sub/nvme5n1 %s/block/ && echo 7 > %s/sub/nvme5n1/nsid", sysfs, sysfs);
	CHECK_EQ(host_use_check(&m.adapter.pf, 7), 0);
	CHECK_EQ(host_use_check(&m.adapter.pf, 8), 0);
	/* What cannot be looked at may be in use. */
	shell("ln -s nvme5n1 %s/nvme5n1%s", dev, "");
	CHECK_EQ(host_use_check(&m.adapter.pf, 7), -ELOOP);
	CHECK(strstr(said, "whether this host uses namespace 7"));
	end();
}

static const struct tap_test tests[] = {
	{ "files that make no sense", test_files },
	{ "a file that is read anew", test_reload },
	{ "functions that are had as a whole", test_whole },
	{ "what is no adapter", test_none },
	{ "disks that the host has, and does not use", test_host_use },
};

TAP_MAIN(tests)
