// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl domain hook: what libvirt runs when domains start and end. A failure
 * before a domain runs stops its start, and what is said on stderr is what the
 * user sees. It must not call libvirt, which waits for it. Doing the same twice
 * changes nothing.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "domain_apply.h"
#include "domain_oom.h"
#include "domain_place.h"
#include "domain_pool.h"
#include "domain_rules.h"

#define QEMU_CONF "/etc/libvirt/qemu.conf"

/**
 * struct job - a domain that is to be handled
 * @dom: the domain
 * @set: its settings
 * @place: where libvirt puts memory
 * @pool: where it is to be, if @mount is not NULL
 */
struct job {
	struct domain dom;
	struct domain_settings set;
	struct domain_place place;
	struct pool pool;
};

/*
 * Whose memory is in files comes to be in a pool if all such memory does. Others
 * are none of Tarn's business unless they have settings.
 */
static bool is_ours(const struct job *job)
{
	if (job->dom.settings)
		return true;
	return domain_in_files(&job->dom) &&
	       (job->place.links || job->place.in_pool);
}

/* Before anything is done for it. */
static int hook_prepare(struct job *job)
{
	int score, ret;

	ret = domain_oom_read(DOMAIN_OOM_FILE, &score);
	if (ret < 0)
		return ret;
	ret = domain_rules_check(&job->dom, &job->set);
	if (!ret)
		ret = domain_home_check(&job->dom, &job->set, "/sys");
	if (!ret)
		ret = domain_pool_check(&job->pool, &job->dom, &job->set);
	if (!ret)
		ret = domain_place_check(&job->place, &job->dom, &job->pool);
	return ret;
}

/* Its directory is there, its process is not. */
static int hook_start(struct job *job)
{
	return job->place.links ?
		domain_place_link(&job->place, &job->dom, &job->pool) : 0;
}

static int hook_started(struct job *job)
{
	int ret;

	domain_home_note(&job->dom, &job->set, "/sys");
	ret = domain_apply(&job->dom, &job->set);
	return ret ? ret : domain_oom_apply(&job->dom);
}

static const struct operation {
	const char *name;
	const char *phase;
	int (*run)(struct job *job);
} operations[] = {
	/* A saved domain may have been changed since: refuse that early. */
	{ "restore", "begin", hook_prepare },
	{ "prepare", "begin", hook_prepare },
	{ "start", "begin", hook_start },
	{ "started", "begin", hook_started },
};

#define NR_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static const struct operation *find_operation(const char *name,
					      const char *phase)
{
	size_t i;

	for (i = 0; i < NR_OPERATIONS; i++) {
		if (!strcmp(operations[i].name, name) &&
		    !strcmp(operations[i].phase, phase))
			return &operations[i];
	}
	return NULL;
}

static int run(struct job *job, const struct operation *op)
{
	int ret;

	ret = domain_settings_read(&job->set, &job->dom);
	if (!ret)
		ret = domain_schema_check(&job->dom);
	if (ret)
		return ret;
	/* Without a name it is the pool of all domains, if there is one. */
	if (!job->set.pool && job->place.in_pool)
		ret = pool_get(&job->pool, job->place.dir);
	else
		ret = domain_pool_get(&job->pool, &job->dom, &job->set);
	if (ret)
		return ret;
	ret = op->run(job);
	pool_put(&job->pool);
	return ret;
}

int domain_hook_main(int argc, char **argv, const struct options *opts)
{
	const char *phase = argc > 2 ? argv[2] : "";
	const struct operation *op = find_operation(argv[1], phase);
	bool release = !strcmp(argv[1], "release");
	struct job job = { 0 };
	int ret;

	if (!op && !release)
		return 0;
	ret = domain_read(&job.dom, "-");
	if (!ret)
		ret = domain_place_read(&job.place, QEMU_CONF);
	if (!ret && release && job.place.links)
		domain_place_unlink(&job.place, &job.dom);
	if (!ret && op && is_ours(&job))
		ret = run(&job, op);
	domain_settings_free(&job.set);
	domain_free(&job.dom);
	return ret;
}
