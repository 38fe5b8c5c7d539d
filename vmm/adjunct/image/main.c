// SPDX-License-Identifier: GPL-2.0-only
/* The entry of the image: what start.S goes on with, on each vCPU. */
#include "adjunct/image/image.h"

/* Called by start.S. */
__attribute__((noreturn)) void adjunct_main(u32 cpu, const struct adjunct_config *config);

void adjunct_main(u32 cpu, const struct adjunct_config *config)
{
	struct adjunct_shared *shared = (struct adjunct_shared *)config->shared;

	exception_setup();
	for (;;) {
		image_run(config, &shared->mailbox[cpu]);
		/* The VMM goes on behind it, when there is something to do. */
		asm volatile("hlt" : : : "memory");
	}
}
