// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzer of what tarn-adapter reads: messages of anybody, lines of the kernel's log. */
#include "../../tools/tarn-adapter/bdf.c"
#include "../../tools/tarn-adapter/kmsg.c"
#include "../../tools/tarn-adapter/wire.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void err(const char *fmt, ...)
{
}

int err_errno(int ret, const char *fmt, ...)
{
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_message msg;
	struct kmsg_fault fault;
	const char *why = NULL;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (wire_parse(text, size, &msg, &why) == -EPROTO && !why)
		abort();
	kmsg_parse(text, &fault);
	free(text);
	return 0;
}
