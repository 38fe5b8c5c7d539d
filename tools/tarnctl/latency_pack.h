/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms of latency as they are kept in the history: most buckets are empty,
 * so each number takes as few bytes as it needs (LEB128), and the empty ones at
 * the end none.
 */
#ifndef TARNCTL_LATENCY_PACK_H
#define TARNCTL_LATENCY_PACK_H

#include <stddef.h>

#include <linux/tarn.h>

/** Most bytes that a histogram takes. */
#define LATENCY_PACK_MAX (TARN_LATENCY_BUCKETS * 10)

/** latency_pack() - Write @buckets to @buf. Return: bytes. */
size_t latency_pack(unsigned char *buf, const __u64 *buckets);

/**
 * latency_unpack() - Read them back.
 * Return: 0, or -EINVAL if these bytes are no histogram; @buckets are 0 then.
 */
int latency_unpack(__u64 *buckets, const unsigned char *buf, size_t len);

#endif
