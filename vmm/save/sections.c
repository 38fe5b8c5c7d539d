// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "error.h"
#include "save/sections.h"

int sections_parse(struct sections *s, const void *data, size_t len)
{
	size_t off = 0;
	int ret;

	s->nr = 0;
	while (s->nr < SECTIONS_MAX) {
		ret = state_next(data, len, &off, &s->sec[s->nr].in);
		if (!ret)
			return 0;
		if (ret < 0)
			break;
		s->sec[s->nr++].taken = false;
	}
	err("the saved guest is damaged: its sections make no sense");
	return -EINVAL;
}

struct state_in *sections_take(struct sections *s, const char *name,
			       u32 version)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++) {
		struct state_in *in = &s->sec[i].in;

		if (s->sec[i].taken || strcmp(in->name, name))
			continue;
		s->sec[i].taken = true;
		if (in->version && in->version <= version)
			return in;
		err("'%s' was saved in version %u, this tarn-vmm knows %u: restore the guest with a newer one",
		    name, in->version, version);
		return NULL;
	}
	err("the saved guest has no '%s', but this machine does: start it with the options that the saved one had",
	    name);
	return NULL;
}

int sections_check(const struct sections *s)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++) {
		if (s->sec[i].taken)
			continue;
		err("the saved guest has a '%s', which this machine lacks: start it with the options that the saved one had",
		    s->sec[i].in.name);
		return -EINVAL;
	}
	return 0;
}
