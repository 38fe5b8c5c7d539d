// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool pins: which types of areas a pool pins. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "area.h"
#include "command.h"
#include "commands.h"
#include "error.h"
#include "json.h"
#include "pool.h"
#include "setting.h"
#include "table.h"

static bool is_pinned(const struct tarn_pool_pin_policy *policy,
		      unsigned int type)
{
	return policy->policy[type] == TARN_PIN_ALWAYS ||
	       (policy->policy[type] == TARN_PIN_CRITICAL &&
		policy->critical[type]);
}

static int print_table(const struct tarn_pool_pin_policy *policy)
{
	static const struct table_column columns[] = {
	{ .title = "TYPE", .left = true },
	{ .title = "POLICY", .left = true },
	{ .title = "CRITICAL", .left = true },
	{ .title = "PINNED", .left = true },
};
	struct table *table = table_create(columns, 4, NULL);
	unsigned int type;
	int ret;

	if (!table)
		return err_nomem();
	for (type = 1; type < TARN_AREA_TYPES; type++) {
		table_cell(table, "%s", area_type_name(type));
		table_cell(table, "%s", pin_policy_name(policy->policy[type]));
		table_cell(table, "%s", policy->critical[type] ? "yes" : "no");
		table_cell(table, "%s", is_pinned(policy, type) ? "yes" : "no");
	}
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret;
}

static int print_json(const struct tarn_pool_pin_policy *policy)
{
	json_t *types = json_object();
	unsigned int type;

	for (type = 1; type < TARN_AREA_TYPES; type++)
		json_object_set_new(types, area_type_name(type), json_pack(
			"{s:s, s:b, s:b}",
			"policy", pin_policy_name(policy->policy[type]),
			"critical", policy->critical[type],
			"pinned", is_pinned(policy, type)));
	return json_print(types, JSON_INDENT(2));
}

/* The names of the types are the keys. */
static void fill_keys(struct setting *settings)
{
	unsigned int type;

	for (type = 1; type < TARN_AREA_TYPES; type++)
		settings[type - 1].key = area_type_name(type);
}

static int check_policies(const struct setting *settings)
{
	for (; settings->key; settings++) {
		if (!settings->value || pin_policy_find(settings->value) >= 0)
			continue;
		err("%s=%s: wants always, critical or never", settings->key,
		    settings->value);
		return -EINVAL;
	}
	return 0;
}

static int call(int fd, struct tarn_pool_pin_policy *policy, __u32 flags)
{
	policy->size = sizeof(*policy);
	policy->flags = flags;
	return ioctl(fd, TARN_POOL_PIN_POLICY, policy) ? -errno : 0;
}

/* Those types that are not named stay as they are. */
static int change(int fd, struct tarn_pool_pin_policy *policy,
		  const struct setting *settings)
{
	bool changed = false;
	unsigned int type;

	for (type = 1; type < TARN_AREA_TYPES; type++) {
		const char *value = settings[type - 1].value;

		if (!value)
			continue;
		policy->policy[type] = pin_policy_find(value);
		changed = true;
	}
	/* What the module decides is not ours to say. */
	memset(policy->critical, 0, sizeof(policy->critical));
	return changed ? call(fd, policy, TARN_PIN_POLICY_SET) : 0;
}

static int work(const struct pool *pool, const struct setting *settings,
		bool set, bool json)
{
	struct tarn_pool_pin_policy policy = { 0 };
	int fd, ret;

	fd = pool_open(pool);
	if (fd < 0)
		return fd;
	ret = call(fd, &policy, 0);
	if (ret)
		pool_fail(pool, ret, "read the pin policy of");
	else if (!set)
		ret = json ? print_json(&policy) : print_table(&policy);
	else if ((ret = change(fd, &policy, settings)))
		pool_fail(pool, ret, "change the pin policy of");
	close(fd);
	return ret;
}

int pool_pins_main(int argc, char **argv, const struct options *opts)
{
	struct setting settings[TARN_AREA_TYPES] = { 0 };
	const char *name = NULL;
	struct pool pool;
	int ret;

	fill_keys(settings);
	if (argc && !setting_is(argv[0])) {
		name = *argv++;
		argc--;
	}
	if (settings_parse(settings, "tarnctl pool pins", argc, argv) ||
	    check_policies(settings))
		return EXIT_USAGE;
	ret = pool_get(&pool, name);
	if (ret)
		return ret;
	ret = work(&pool, settings, argc, opts->json);
	pool_put(&pool);
	return ret;
}
