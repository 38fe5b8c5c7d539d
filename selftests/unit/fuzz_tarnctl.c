// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzer of tarnctl's readers: mountinfo, amounts of memory, names. */
#include "../../tools/tarnctl/mountinfo.c"
#include "../../tools/tarnctl/size.c"
#include "../../vmm/lib/amount.c"
#include "../../tools/tarnctl/text.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_mountinfo(char *text, size_t size)
{
	struct mount_list list;
	FILE *f = fmemopen(text, size + 1, "r");

	if (!f)
		return;
	mountinfo_read(f, "tarnfs", &list);
	mountinfo_free(&list);
	fclose(f);
}

static void fuzz_text(char *text)
{
	char buf[64], *clean = text_clean(text);
	size_t width;

	if (!clean)
		return;
	for (width = 0; width < 20; width++) {
		text_fit(buf, sizeof(buf), clean, width);
		if (text_width(buf) > width)
			abort();
	}
	text_cut(clean, 10);
	if (text_width(clean) > 10)
		abort();
	free(clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	uint64_t val;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	size_parse_pages(text, 1000, &val);
	size_parse_bytes(text, &val);
	fuzz_text(text);
	fuzz_mountinfo(text, size);
	free(text);
	return 0;
}
