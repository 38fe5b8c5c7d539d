/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Demotion: blocks in use that are one 2 MiB frame are parted while memory is short.
 */
#ifndef TARN_DEMOTE_H
#define TARN_DEMOTE_H

#include <linux/types.h>

struct tarn_leaf;
struct tarn_partition;

void tarn_demote(struct tarn_partition *part, int nid);
bool tarn_demote_wanted(struct tarn_partition *part, const struct tarn_leaf *leaf);
void tarn_demote_note(struct tarn_partition *part, struct tarn_leaf *leaf, u64 first);
bool tarn_demoted(const struct tarn_leaf *leaf);

#endif
