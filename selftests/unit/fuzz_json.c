// SPDX-License-Identifier: GPL-2.0-only
/* Any text as a JSON option value. */
#include "../../vmm/lib/json.c"
#include "../../vmm/lib/opts.c"
#include "../../vmm/lib/amount.c"
#include "fake_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct opts *opts;

	memcpy(text, data, size);
	text[size] = '\0';
	if (!json_to_opts(&opts, text))
		opts_destroy(opts);
	free(text);
	return 0;
}
