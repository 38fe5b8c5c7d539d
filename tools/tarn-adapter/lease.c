// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases: who has a virtual function, from the grant to the end. A lease is a connection;
 * when that closes, however its process ends, the function is taken offline and reset.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "error.h"
#include "manager.h"

/**
 * struct open_file - what fdinfo says of a descriptor, all of one moment
 * @flags: that it was opened with
 * @mount: number of the mount that it is on
 * @inode: of it there
 */
struct open_file {
	unsigned int flags;
	uint64_t mount;
	uint64_t inode;
};

static bool read_fdinfo(pid_t pid, const char *number, struct open_file *file)
{
	char path[64], line[128];
	unsigned int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.20s", pid, number);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		found += sscanf(line, "flags: %o", &file->flags) == 1 ||
			 sscanf(line, "mnt_id: %" SCNu64, &file->mount) == 1 ||
			 sscanf(line, "ino: %" SCNu64, &file->inode) == 1;
	if (f)
		fclose(f);
	return found == 3;
}

/* By its name alone, so that no file system of others is asked, which may not answer. */
static bool has_name(const char *path, const char *name)
{
	char target[PATH_MAX], *slash;
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	if (len < 0)
		return false;
	target[len] = '\0';
	slash = strrchr(target, '/');
	return slash && !strcmp(slash + 1, name);
}

/*
 * Anybody can have a device open by O_PATH, which gives no access to it. What descriptor it
 * was may change while it is looked at: what fdinfo and statx() say has to be of one file.
 */
static bool is_device(pid_t pid, const char *number, const char *name, dev_t device)
{
	struct open_file file;
	struct statx st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%.20s", pid, number);
	if (!has_name(path, name) || !read_fdinfo(pid, number, &file) || file.flags & O_PATH ||
	    statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		  STATX_BASIC_STATS | STATX_MNT_ID, &st))
		return false;
	return S_ISCHR(st.stx_mode) && st.stx_mask & STATX_MNT_ID &&
	       makedev(st.stx_rdev_major, st.stx_rdev_minor) == device &&
	       st.stx_mnt_id == file.mount && st.stx_ino == file.inode;
}

/* Whether a process has the function's group open. */
static bool holds_group(pid_t pid, const struct vf *vf)
{
	char path[PATH_MAX], real[PATH_MAX];
	struct dirent *entry;
	struct stat group;
	bool holds = false;
	DIR *dir;

	vf_group_path(vf, path);
	if (!realpath(path, real) || stat(real, &group))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && !holds && (entry = readdir(dir)))
		holds = is_device(pid, entry->d_name, strrchr(real, '/') + 1, group.st_rdev);
	if (dir)
		closedir(dir);
	return holds;
}

/* ---- who may ------------------------------------------------------------------------------ */

/* Return: whether it may; else it was told why not. */
static bool may_have(struct peer *peer, const struct group *group, const char *name)
{
	if (!group) {
		peer_error(peer, -ENOENT, "there is no group '%s'", name);
		return false;
	}
	if (peer->uid && peer->uid != group->user) {
		peer_error(peer, -EPERM, "group '%s' is not for user %u", group->name, peer->uid);
		return false;
	}
	if (*group->guest && strcmp(group->guest, peer->guest)) {
		peer_error(peer, -EPERM, "group '%s' is for guest '%s', not for '%s'",
			   group->name, group->guest, peer->guest);
		return false;
	}
	return true;
}

static json_t *granted(const struct vf *vf)
{
	const struct group *group = vf->group;
	json_t *namespaces = json_array();
	size_t i;

	for (i = 0; i < group->nr_namespaces; i++)
		json_array_append_new(namespaces, json_integer(group->namespaces[i]));
	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I}", "type", "granted",
			 "group", group->name, "bdf", vf->fn.name, "namespaces", namespaces,
			 "queues", (json_int_t)vf->has.of[RESOURCE_QUEUES],
			 "interrupts", (json_int_t)vf->has.of[RESOURCE_INTERRUPTS],
			 "generation", (json_int_t)vf->gen);
}

static void begin(struct manager *m, struct peer *peer, struct vf *vf, const char *kind)
{
	vf_move(vf, VF_LEASED);
	vf->peer = peer;
	peer->vf = vf;
	vf->gen = ++m->gen;
	/* What the last owner did is not held against this one. */
	vf->window = 0;
	vf->recent = 0;
	notice(m, vf, kind, NULL, "guest '%s' (pid %d, user %u) has group '%s'", peer->guest,
	       peer->pid, peer->uid, vf->group->name);
}

/* ---- hello ---------------------------------------------------------------------------------- */

/*
 * What it held before this manager began is its own again if it may have the group, the
 * function is online, nobody's, and attached to what the group has now, and its process has
 * that open.
 */
static void take_up(struct manager *m, struct peer *peer, const struct wire_message *msg)
{
	struct group *group = group_find(&m->file, msg->group);
	struct vf *vf = NULL;
	struct bdf bdf;

	if (!may_have(peer, group, msg->group))
		return;
	if (!bdf_parse(msg->holding, &bdf))
		vf = adapter_find(&m->adapter, &bdf, false);
	if (!vf || vf->state != VF_ORPHAN || group->vf) {
		peer_error(peer, -ESTALE, "'%s' is not to be had any more, or is somebody else's: ask anew",
			   msg->holding);
		return;
	}
	if (m->adapter.ops->has_only(&m->adapter, vf, group->namespaces,
				     group->nr_namespaces) != 1) {
		peer_error(peer, -ESTALE, "%s is not attached to the namespaces of group '%s': ask anew",
			   vf->fn.name, group->name);
		return;
	}
	if (!holds_group(peer->pid, vf)) {
		peer_error(peer, -EPERM, "process %d does not have VFIO group %d open, which is %s",
			   peer->pid, vf->iommu_group, vf->fn.name);
		return;
	}
	vf->group = group;
	group->vf = vf;
	group->gets = vf->has;
	begin(m, peer, vf, "rejoined");
	peer_send(peer, granted(vf), -1);
}

void lease_hello(struct manager *m, struct peer *peer, const struct wire_message *msg)
{
	if (*peer->guest) {
		peer_error(peer, -EALREADY, "hello was said already");
		return;
	}
	strcpy(peer->guest, msg->guest);
	strcpy(peer->name, msg->name);
	/* A manager that begins goes on where the last one was, as far as anybody knows. */
	if (msg->generation > (int64_t)m->gen && msg->generation < INT64_MAX / 2 && !m->settled)
		m->gen = msg->generation;
	peer_send(peer, json_pack("{s:s, s:s, s:I}", "type", "hello", "adapter",
				  m->adapter.pf.name, "generation", (json_int_t)m->gen), -1);
	if (*msg->holding)
		take_up(m, peer, msg);
}

/* ---- grant ------------------------------------------------------------------------------------ */

/* What comes first gets what is left now. */
static int take_rest(struct manager *m, struct group *group, char *why)
{
	struct plan_adapter adapter;
	struct plan_group groups[NVME_SECONDARIES + 1] = { 0 };
	size_t i, mine = group - m->file.groups;

	if (m->file.count > NVME_SECONDARIES)
		return -EINVAL;
	adapter_describe(&m->adapter, &m->file.spare, &adapter);
	for (i = 0; i < m->file.count; i++)
		groups[i].gets = m->file.groups[i].gets;
	groups[mine].name = group->name;
	groups[mine].want = group->want;
	if (plan_first(&adapter, groups, m->file.count, &groups[mine], why))
		return -EINVAL;
	group->gets = groups[mine].gets;
	return 0;
}

int lease_online(struct manager *m, struct vf *vf)
{
	const struct group *group = vf->group;
	int ret = 0;

	if (!amount_equal(&vf->has, &group->gets))
		ret = m->adapter.ops->assign(&m->adapter, vf, &group->gets, group->namespaces,
					     group->nr_namespaces);
	return ret ? ret : m->adapter.ops->online(&m->adapter, vf);
}

static bool is_to_be_had(const struct manager *m, struct peer *peer, const struct group *group)
{
	const struct vf *vf = group->vf;

	if (vf && vf->peer)
		peer_error(peer, -EBUSY, "group '%s' is leased by guest '%s' (pid %d)",
			   group->name, vf->peer->guest, vf->peer->pid);
	else if (*group->barred)
		peer_error(peer, -EPERM, "group '%s' is barred: %s", group->name, group->barred);
	else if (m->change.kind)
		peer_error(peer, -EAGAIN, "the adapter is busy: %s; try again", change_why(m->change.kind));
	else if (*m->no_plan)
		peer_error(peer, m->settled ? -ENOSPC : -EAGAIN, "there is no plan: %s", m->no_plan);
	else if (!vf)
		peer_error(peer, -ENOSPC, "group '%s' has no virtual function; 'tarnctl adapter show' says why",
			   group->name);
	else
		return true;
	return false;
}

static int bring_up(struct manager *m, struct peer *peer, struct vf *vf)
{
	char why[PLAN_WHY_MAX] = "";

	if (vf->state == VF_PLANNED) {
		if (take_rest(m, vf->group, why)) {
			peer_error(peer, -ENOSPC, "%s", why);
			return -ENOSPC;
		}
		vf_move(vf, VF_ASSIGNED);
	}
	if (lease_online(m, vf)) {
		peer_error(peer, -EIO, "the adapter refuses it; the journal of tarn-adapter@%s says why",
			   m->adapter.pf.name);
		vf_stop(&m->adapter, vf);
		vf_move(vf, VF_FREE);
		manager_arrange(m);
		return -EIO;
	}
	vf_move(vf, VF_ONLINE);
	return 0;
}

void lease_grant(struct manager *m, struct peer *peer, const struct wire_message *msg)
{
	struct group *group = group_find(&m->file, msg->group);
	int fd;

	if (peer->vf) {
		peer_error(peer, -EBUSY, "this connection has group '%s' already; open one for each",
			   peer->vf->group->name);
		return;
	}
	if (!may_have(peer, group, msg->group) || !is_to_be_had(m, peer, group))
		return;
	fd = vf_open_group(group->vf);
	if (fd < 0) {
		peer_error(peer, fd, "the VFIO group of %s cannot be opened: %s%s",
			   group->vf->fn.name, strerror(-fd),
			   fd == -EBUSY ? "; its last owner has it still" : "");
		return;
	}
	if (!bring_up(m, peer, group->vf)) {
		begin(m, peer, group->vf, "leased");
		peer_send(peer, granted(group->vf), msg->open ? fd : -1);
	}
	close(fd);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void leave(struct vf *vf)
{
	if (vf->peer)
		vf->peer->vf = NULL;
	vf->peer = NULL;
	if (vf->group) {
		vf->group->vf = NULL;
		vf->group->gets = (struct amount){ 0 };
	}
	vf->group = NULL;
}

static void stop(struct manager *m, struct vf *vf)
{
	vf_move(vf, VF_REVOKING);
	if (!vf_stop(&m->adapter, vf)) {
		vf_move(vf, VF_FREE);
		return;
	}
	vf_move(vf, VF_UNUSABLE);
	snprintf(vf->why, sizeof(vf->why), "it could not be taken offline and reset, or has its namespaces still");
}

void lease_end(struct manager *m, struct vf *vf, const char *why, const char *event)
{
	int64_t began = clock_ms();

	if (vf->peer && why)
		peer_send(vf->peer, json_pack("{s:s, s:s}", "type", "destroy", "why", why), -1);
	stop(m, vf);
	notice(m, vf, event, json_pack("{s:I}", "took_ms", (json_int_t)(clock_ms() - began)),
	       "group '%s' of guest '%s' is offline: %s", vf->group ? vf->group->name : "?",
	       vf->peer ? vf->peer->guest : "?", why ? why : "its connection has closed");
	change_leave(m, vf);
	leave(vf);
	if (!m->change.kind)
		manager_arrange(m);
}

/* Its guest would only ask anew. */
void lease_bar(struct manager *m, struct vf *vf, const char *why, const char *event)
{
	snprintf(vf->group->barred, sizeof(vf->group->barred), "%s", why);
	lease_end(m, vf, why, event);
}

void lease_end_orphans(struct manager *m)
{
	unsigned int i;

	for (i = 0; i < m->adapter.nr_vfs; i++) {
		struct vf *vf = &m->adapter.vfs[i];

		if (vf->state != VF_ORPHAN)
			continue;
		stop(m, vf);
		notice(m, vf, "orphan-ended", NULL, "nobody has said that it is his, and it is offline");
	}
}
