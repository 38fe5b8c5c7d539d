// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl run: start a guest of tarn-vmm. What can be wrong is looked for before the
 * VMM is, so that the message says what to do; then this process becomes the VMM.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "pool.h"
#include "run.h"
#include "size.h"

#define MEMORY_DEFAULT "1G"
#define MEMORY_MIN (16ULL << 20)
#define CPUS_DEFAULT 2
#define CPUS_MAX 255
#define NAME_LEN_MAX 63

/* A name is that of a file, of a thread and of a host: it has what all of them may. */
static const char name_chars[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

static int check_name(const char *name)
{
	size_t len = strlen(name);

	if (len && len <= NAME_LEN_MAX && *name != '-' && *name != '.' &&
	    strspn(name, name_chars) == len)
		return 0;
	err("'%s' is no name for a guest: up to %d letters, digits and -_. are; give one by --name",
	    name, NAME_LEN_MAX);
	return ERR_USAGE;
}

/* debian.qcow2 is called debian. */
static int default_name(char *name, size_t size, const char *image)
{
	const char *base = strrchr(image, '/'), *dot;

	base = base ? base + 1 : image;
	dot = strrchr(base, '.');
	if (!dot || dot == base)
		dot = base + strlen(base);
	snprintf(name, size, "%.*s", (int)(dot - base), base);
	while (name[strspn(name, name_chars)])
		name[strspn(name, name_chars)] = '-';
	return check_name(name);
}

static int check_kvm(void)
{
	if (!access("/dev/kvm", R_OK | W_OK))
		return 0;
	if (errno == EACCES || errno == EPERM)
		err("this user may not use /dev/kvm: run it as root, or as one of the group kvm");
	else
		err("there is no /dev/kvm: load KVM (modprobe kvm_intel or kvm_amd), or turn virtualization on in the firmware of this machine ('tarnctl doctor' says more)");
	return -ENODEV;
}

static int parse_numbers(struct run_plan *plan, const struct run *run)
{
	const char *memory = run->memory ? run->memory : MEMORY_DEFAULT;
	unsigned long cpus = CPUS_DEFAULT;
	char *end;

	if (size_parse_bytes(memory, &plan->memory) ||
	    plan->memory % (1 << 12) || plan->memory < MEMORY_MIN) {
		err("'%s' is no size for the memory of a guest: from 16M, with a suffix, as 512M or 4G",
		    memory);
		return ERR_USAGE;
	}
	if (run->cpus) {
		errno = 0;
		cpus = strtoul(run->cpus, &end, 10);
		if (errno || end == run->cpus || *end || !cpus ||
		    cpus > CPUS_MAX || *run->cpus == '-') {
			err("'%s' is no number of CPUs: 1 to %d are", run->cpus,
			    CPUS_MAX);
			return ERR_USAGE;
		}
	}
	plan->cpus = cpus;
	return 0;
}

static int check_free(const char *dir, const char *name)
{
	char *path;
	struct stat st;
	int ret = 0;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return err_nomem();
	if (!lstat(path, &st)) {
		err("%s exists: a guest of that name runs, or left its memory there; give another by --name, or remove it",
		    path);
		ret = -EEXIST;
	}
	free(path);
	return ret;
}

static int find_pool(struct run_plan *plan, struct pool *pool)
{
	const struct run *run = plan->run;
	int ret;

	if (run->pool && !strcmp(run->pool, "none"))
		return 0;
	ret = pool_get(pool, run->pool);
	if (ret) {
		if (!run->pool)
			err("--pool none starts a guest whose memory is in no pool");
		return ret;
	}
	plan->dir = pool->mount;
	return check_free(pool->mount, run->name);
}

/* The image is the first disk, unless it is a kernel. */
static int find_disks(struct run_plan *plan, struct run_disk *disks)
{
	const struct run *run = plan->run;
	unsigned int i;
	int ret;

	ret = run_disk_parse(&disks[0], run->image);
	if (ret)
		return ret;
	plan->nr_disks = 1;
	if (disks[0].kind == RUN_KERNEL) {
		if (run->kernel) {
			err("'%s' is a kernel, and --kernel names another", run->image);
			return ERR_USAGE;
		}
		plan->kernel = disks[0].path;
		/* It stays in the array to be freed. */
		plan->disks = disks + 1;
		plan->nr_disks = 0;
	} else {
		plan->disks = disks;
		plan->kernel = run->kernel;
	}
	for (i = 0; i < run->disks.count; i++) {
		struct run_disk *disk = &disks[i + 1];

		ret = run_disk_parse(disk, run->disks.items[i]);
		if (ret)
			return ret;
		if (disk->kind == RUN_KERNEL)
			disk->kind = RUN_RAW;
		plan->nr_disks++;
	}
	return 0;
}

static int check_start(const struct run_plan *plan)
{
	const struct run *run = plan->run;

	if (!plan->kernel && (run->append || run->initrd)) {
		err("--%s is for a kernel: give one by --kernel, '%s' is a disk",
		    run->append ? "append" : "initrd", run->image);
		return ERR_USAGE;
	}
	if (plan->kernel && run->firmware) {
		err("a kernel is started without firmware: leave --firmware out");
		return ERR_USAGE;
	}
	return 0;
}

/* Becomes the VMM, or prints what it would become. */
static int go(const struct run_plan *plan)
{
	struct run_words words;
	int ret;

	ret = run_command_make(&words, plan);
	if (!ret && plan->run->dry_run) {
		run_words_print(&words);
	} else if (!ret) {
		if (!plan->run->console && !plan->run->daemon &&
		    isatty(STDIN_FILENO))
			fprintf(stderr, "The console of '%s'; ^] ends the guest.\n",
				plan->run->name);
		execvp(words.items[0], words.items);
		if (errno == ENOENT) {
			err("tarn-vmm is not installed: apt install tarn-vmm, or make install");
			ret = -ENOENT;
		} else {
			ret = err_errno(-errno, "cannot run tarn-vmm");
		}
	}
	run_words_free(&words);
	return ret;
}

static int find_nets(struct run_plan *plan, struct run_net *nets)
{
	const struct run *run = plan->run;
	unsigned int i;
	int ret;

	for (i = 0; i < run->nets.count; i++) {
		ret = run_net_open(&nets[i], run->nets.items[i], run->name, i,
				   run->dry_run);
		if (ret)
			return ret;
	}
	plan->nets = nets;
	plan->vhost = !access("/dev/vhost-net", R_OK | W_OK);
	return 0;
}

static int plan_and_go(struct run_plan *plan, struct run_disk *disks,
		       struct run_net *nets, struct pool *pool)
{
	const struct run *run = plan->run;
	int ret;

	if ((ret = parse_numbers(plan, run)) ||
	    (ret = find_disks(plan, disks)) || (ret = check_start(plan)) ||
	    (ret = run->dry_run ? 0 : check_kvm()) ||
	    (ret = find_pool(plan, pool)) || (ret = find_nets(plan, nets)))
		return ret;
	if (run->user_data || run->ssh_keys.count) {
		plan->seed = run_seed_make(run);
		if (plan->seed < 0 && plan->seed != RUN_FD_DRY)
			return plan->seed;
	}
	ret = go(plan);
	if (plan->seed >= 0)
		close(plan->seed);
	return ret;
}

int run_main(int argc, char **argv, const struct options *opts)
{
	struct run_disk disks[OPTION_LIST_MAX + 1] = { 0 };
	struct run_net nets[OPTION_LIST_MAX];
	struct run_plan plan = { .seed = -1 };
	struct pool pool = { 0 };
	char name[NAME_LEN_MAX + 2];
	struct run run;
	size_t i;
	int ret;

	if (run_options_parse(&run, argc, argv))
		return EXIT_USAGE;
	if (run.help) {
		run_options_help();
		return 0;
	}
	ret = run.name ? check_name(run.name)
		       : default_name(name, sizeof(name), run.image);
	if (ret)
		return ret;
	if (!run.name)
		run.name = name;
	plan.run = &run;
	for (i = 0; i < OPTION_LIST_MAX; i++)
		nets[i].fd = -1;
	ret = plan_and_go(&plan, disks, nets, &pool);
	for (i = 0; i < OPTION_LIST_MAX; i++)
		run_net_close(&nets[i]);
	for (i = 0; i <= OPTION_LIST_MAX; i++)
		run_disk_free(&disks[i]);
	pool_put(&pool);
	return ret;
}
