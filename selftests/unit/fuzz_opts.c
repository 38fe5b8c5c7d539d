// SPDX-License-Identifier: GPL-2.0-only
/* libFuzzer entry: any text is an option, any key is asked for. */
#include "../../vmm/lib/opts.c"
#include "../../vmm/lib/amount.c"
#include "fake_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct opts *opts, *sub;
	const char *str = NULL;
	uint64_t num;
	bool flag;

	if (!text)
		return 0;
	if (!opts_parse(&opts, NULL, text, size & 1 ? "driver" : NULL)) {
		opts_get_str(opts, "driver", &str);
		opts_get_bool(opts, "a", &flag);
		opts_get_uint(opts, "b", 100, &num);
		opts_get_size(opts, "c.d", &num);
		opts_get_dict(opts, "c", &sub);
		opts_check_used(opts);
	}
	opts_parse_size(text, 1 << 20, &num);
	opts_destroy(opts);
	free(text);
	return 0;
}
