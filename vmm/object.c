// SPDX-License-Identifier: GPL-2.0-only
/* What -object can make, in one table. */
#include <errno.h>
#include <string.h>

#include "adjunct/adjunct.h"
#include "backend/rng.h"
#include "backend/secret.h"
#include "error.h"
#include "iothread.h"
#include "lib/opts.h"
#include "lib/words.h"
#include "mem.h"
#include "object.h"

#define MEM_PROPS                                                              \
	"size share prealloc merge dump host-nodes policy discard-data "       \
	"x-use-canonical-path-for-ramblock-id"

const struct object_class object_classes[] = {
	{"memory-backend-ram", MEM_PROPS, mem_backend_create, NULL, false},
	{"memory-backend-memfd", MEM_PROPS " seal", mem_backend_create, NULL,
	 false},
	{"memory-backend-file", MEM_PROPS " mem-path align", mem_backend_create,
	 NULL, false},
	{"iothread", "", iothread_create, iothread_destroy, true},
	{"rng-random", "filename", rng_create, NULL, true},
	{"rng-builtin", "", rng_create, NULL, true},
	{"tarn-adjunct", "device dispatch poll-us budget memory image watchdog-ms",
	 adjunct_settings_create, NULL, false},
	{"secret", "data file format", secret_create, secret_destroy, true},
};

const unsigned int nr_object_classes = ARRAY_SIZE(object_classes);

const struct object_class *object_class_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_object_classes; i++)
		if (!strcmp(object_classes[i].name, name))
			return &object_classes[i];
	return NULL;
}

static int check_prop(const char *key, struct opts *opts, void *arg)
{
	const struct object_class *class = arg;

	if (words_have("qom-type id", key) || words_have(class->props, key))
		return 0;
	return opts_fail(opts, "object '%s' has no property '%s'", class->name,
			 key);
}

int object_create(struct opts *opts)
{
	const struct object_class *class;
	const char *type = NULL;
	int ret = opts_need_str(opts, "qom-type", &type);

	if (ret)
		return ret;
	class = object_class_find(type);
	if (!class) {
		err("unknown object type '%s'", type);
		return -ENODEV;
	}
	ret = opts_for_each(opts, check_prop, (void *)class);
	return ret ? ret : class->create(opts);
}
