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

int huge_parse(const char *what, const char *text, uint32_t *huge)
{
	for (*huge = 0; *huge < HUGE_NAMES; (*huge)++)
		if (!strcmp(huge_names[*huge], text))
			return 0;
	err("%s=%s: wants auto, never, advise or always", what, text);
	return -EINVAL;
}
