/* SPDX-License-Identifier: GPL-2.0-only */
/* Groups of an adapter's resources, from its file in /etc/tarn/adapters.d. */
#ifndef TARN_ADAPTER_GROUP_H
#define TARN_ADAPTER_GROUP_H

#include <sys/types.h>

#include "plan.h"
#include "wire.h"

#define GROUP_DIR "/etc/tarn/adapters.d"
#define GROUP_NAMESPACES 16

struct vf;

/**
 * struct group - a part of an adapter, for one guest at a time
 * @name: of it
 * @share, @weight, @want: as in struct plan_group
 * @guest: whose it is, "": anybody's whom @user lets
 * @user: who may lease it besides root
 * @namespaces: what its function is attached to
 * @nr_namespaces: how many
 * @gets: what it has in the present plan, of the adapter or yet to come
 * @vf: that is for it, or NULL
 * @barred: why nobody may lease it, or "": root lets it go by 'tarnctl adapter grant'; it has
 *	nothing of the adapter until then
 */
struct group {
	char name[WIRE_NAME_MAX];
	enum plan_share share;
	uint32_t weight;
	struct amount want;
	char guest[WIRE_NAME_MAX];
	uid_t user;
	uint32_t namespaces[GROUP_NAMESPACES];
	size_t nr_namespaces;
	struct amount gets;
	struct vf *vf;
	char barred[PLAN_WHY_MAX];
};

/**
 * struct group_file - what a file says
 * @vfs: virtual functions to have, 0: one for each group
 * @keep: of the physical function
 * @spare: for those who come first
 * @rejoin_ms: how long owners have to say that they are there, after a start
 * @deadline_ms: how long they have to acknowledge
 * @faults: blocked transactions in a minute for which a function is fenced, 0: never
 * @groups: in the order of the file
 * @count: how many
 */
struct group_file {
	unsigned int vfs;
	struct amount keep;
	struct amount spare;
	int64_t rejoin_ms;
	int64_t deadline_ms;
	unsigned int faults;
	struct group *groups;
	size_t count;
};

/** group_file_read() - Return: 0; -EINVAL: it is wrong; another errno; all reported. */
int group_file_read(struct group_file *file, const char *path);
void group_file_free(struct group_file *file);

/** group_find() - By name, or NULL. */
struct group *group_find(const struct group_file *file, const char *name);

/** group_has_same() - Whether both have the same namespaces, in any order. */
bool group_has_same(const struct group *a, const struct group *b);

const char *group_share_name(enum plan_share share);

#endif
