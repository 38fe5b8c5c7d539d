// SPDX-License-Identifier: GPL-2.0-only
/* Compressed content and sums; see content.h. */
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include <linux/tarn.h>
#include <linux/tarn_pager.h>

#include "save/content.h"

/* Memory is written no faster by less effort, and little smaller by more. */
#define LEVEL 1

/** struct content_codec - contexts, each made when it is needed first. */
struct content_codec {
	ZSTD_CCtx *out;
	ZSTD_DCtx *in;
};

struct content_codec *content_codec_create(void)
{
	return calloc(1, sizeof(struct content_codec));
}

void content_codec_destroy(struct content_codec *codec)
{
	if (!codec)
		return;
	ZSTD_freeCCtx(codec->out);
	ZSTD_freeDCtx(codec->in);
	free(codec);
}

u32 content_compress(struct content_codec *codec, const u8 *plain, u32 len,
		     u8 *room)
{
	size_t n;

	if (!codec->out)
		codec->out = ZSTD_createCCtx();
	if (!codec->out)
		return 0;
	n = ZSTD_compressCCtx(codec->out, room, len, plain, len, LEVEL);
	return ZSTD_isError(n) || n >= len ? 0 : n;
}

int content_decompress(struct content_codec *codec,
		       const struct stream_content *head, const u8 *frame,
		       u8 *plain)
{
	size_t len = (size_t)head->count << STREAM_PAGE_SHIFT;

	if (!codec->in)
		codec->in = ZSTD_createDCtx();
	if (!codec->in)
		return -ENOMEM;
	return ZSTD_decompressDCtx(codec->in, plain, len, frame,
				   head->bytes) == len ? 0 : -EBADMSG;
}

void content_sum(struct stream_entry *entries, u32 count, const u8 *plain)
{
	u32 i;

	for (i = 0; i < count; i++)
		entries[i].sum = tarn_page_sum(plain + i * STREAM_PAGE_SIZE);
}

u32 content_check(const struct stream_entry *entries, u32 count,
		  const u8 *plain)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (entries[i].sum != tarn_page_sum(plain + i * STREAM_PAGE_SIZE))
			break;
	return i;
}
