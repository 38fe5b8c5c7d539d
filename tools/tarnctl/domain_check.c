// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl domain check */
#include <errno.h>
#include <stdio.h>

#include "commands.h"
#include "domain_pool.h"
#include "domain_rules.h"

/* On this host, with this pool. */
static int check_here(const struct domain *dom,
		      const struct domain_settings *set)
{
	struct pool pool;
	int ret;

	ret = domain_pool_get(&pool, dom, set);
	if (ret)
		return ret;
	ret = domain_pool_check(&pool, dom, set);
	if (!ret)
		ret = domain_home_check(dom, set, "/sys");
	pool_put(&pool);
	return ret;
}

static int check(const struct domain *dom, struct domain_settings *set,
		 const struct options *opts)
{
	int ret;

	ret = domain_namespace_check(dom);
	if (!ret)
		ret = domain_settings_read(set, dom);
	if (!ret)
		ret = domain_schema_check(dom);
	if (!ret)
		ret = domain_rules_check(dom, set);
	if (!ret && opts->here)
		ret = check_here(dom, set);
	return ret;
}

int domain_check_main(int argc, char **argv, const struct options *opts)
{
	struct domain_settings set = { 0 };
	struct domain dom;
	int ret;

	ret = domain_read(&dom, argv[0]);
	if (!ret)
		ret = check(&dom, &set, opts);
	if (!ret) {
		domain_rules_note(&dom, &set);
		domain_home_note(&dom, &set, opts->here ? "/sys" : NULL);
		printf("%s: good%s\n", dom.source, dom.settings ? "" :
		       ", and without settings of Tarn");
	}
	domain_settings_free(&set);
	domain_free(&dom);
	return ret;
}
