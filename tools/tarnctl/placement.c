// SPDX-License-Identifier: GPL-2.0-only
/* See placement.h. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "placement.h"

static const char *const names[TARN_PLACEMENTS] = {
	[TARN_PLACE_CLASS] = "class",
	[TARN_PLACE_DENSITY] = "density",
	[TARN_PLACE_REFAULT] = "refault",
};

const char *placement_name(__u32 placement)
{
	return placement < TARN_PLACEMENTS ? names[placement] : "?";
}

int placement_parse(const char *what, const char *text, __u32 *placement)
{
	__u32 i;

	for (i = 0; i < TARN_PLACEMENTS; i++) {
		if (!strcmp(text, names[i])) {
			*placement = i;
			return 0;
		}
	}
	err("%s: wants class, density or refault, not '%s'", what, text);
	return -EINVAL;
}
