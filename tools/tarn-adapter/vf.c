// SPDX-License-Identifier: GPL-2.0-only
/* The life of a virtual function: see enum vf_state. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "adapter.h"
#include "error.h"

#define BIT(state) (1u << VF_##state)

static const struct {
	const char *name;
	unsigned int next;
} states[VF_STATES] = {
	[VF_UNUSABLE] = { "unusable", BIT(FREE) | BIT(ORPHAN) },
	[VF_FREE] = { "free", BIT(PLANNED) | BIT(UNUSABLE) | BIT(ORPHAN) },
	[VF_PLANNED] = { "planned", BIT(ASSIGNED) | BIT(FREE) | BIT(UNUSABLE) },
	[VF_ASSIGNED] = { "assigned", BIT(ONLINE) | BIT(FREE) | BIT(UNUSABLE) },
	[VF_ONLINE] = { "online", BIT(LEASED) | BIT(REVOKING) },
	[VF_LEASED] = { "leased", BIT(QUIESCED) | BIT(FENCED) | BIT(REVOKING) },
	[VF_QUIESCED] = { "quiesced", BIT(LEASED) | BIT(FENCED) | BIT(REVOKING) },
	[VF_FENCED] = { "fenced", BIT(LEASED) | BIT(QUIESCED) | BIT(REVOKING) },
	[VF_REVOKING] = { "revoking", BIT(FREE) | BIT(UNUSABLE) },
	[VF_ORPHAN] = { "orphan", BIT(LEASED) | BIT(REVOKING) },
};

const char *vf_state_name(enum vf_state state)
{
	return states[state].name;
}

bool vf_is_let(const struct vf *vf)
{
	return (BIT(LEASED) | BIT(QUIESCED) | BIT(FENCED)) & 1u << vf->state;
}

void vf_move(struct vf *vf, enum vf_state to)
{
	if (!(states[vf->state].next & 1u << to))
		err("bug: %s went from %s to %s", vf->fn.name, vf_state_name(vf->state),
		    vf_state_name(to));
	vf->state = to;
}

void vf_group_path(const struct vf *vf, char *path)
{
	snprintf(path, PATH_MAX, "%s/vfio/%d", vf->fn.roots->dev, vf->iommu_group);
}

int vf_open_group(const struct vf *vf)
{
	char path[PATH_MAX];
	int fd;

	vf_group_path(vf, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool vf_is_open(const struct vf *vf)
{
	int fd = vf_open_group(vf);

	if (fd >= 0)
		close(fd);
	return fd == -EBUSY;
}

/* Offline first: that is at once, and a reset waits for what is under way. */
int vf_stop(struct adapter *adapter, struct vf *vf)
{
	int ret = adapter->ops->offline(adapter, vf);
	int reset = pci_reset(&vf->fn);

	vf->has = (struct amount){ 0 };
	if (!ret)
		ret = adapter->ops->detach(adapter, vf);
	return ret ? ret : reset;
}
