// SPDX-License-Identifier: GPL-2.0-only
/* See huge.h. */
#include <errno.h>
#include <string.h>

#include <linux/tarn.h>

#include "error.h"
#include "huge.h"

#define HUGE_NAMES (TARN_HUGE_ALWAYS + 1)

/* As the mount option has them. */
static const char *const huge_names[HUGE_NAMES] = {
	[TARN_HUGE_AUTO] = "auto",
	[TARN_HUGE_NEVER] = "never",
	[TARN_HUGE_ADVISE] = "advise",
	[TARN_HUGE_ALWAYS] = "always",
};

const char *huge_name(uint64_t huge)
{
	return huge < HUGE_NAMES ? huge_names[huge] : "?";
}

int huge_find(const char *text, uint32_t *huge)
{
	uint32_t i;

	for (i = 0; i < HUGE_NAMES; i++) {
		if (strcmp(huge_names[i], text))
			continue;
		*huge = i;
		return 0;
	}
	return -EINVAL;
}

int huge_parse(const char *what, const char *text, uint32_t *huge)
{
	if (!huge_find(text, huge))
		return 0;
	err("%s=%s: wants auto, never, advise or always", what, text);
	return -EINVAL;
}
