// SPDX-License-Identifier: GPL-2.0-only
/* See adapter.h: what adapters of all kinds have in common, and whole functions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter.h"
#include "error.h"

/* ---- whole functions ---------------------------------------------------------------- */

/* Nothing tells which of them are at work: those that somebody has open may be. */
static int whole_read(struct adapter *adapter)
{
	unsigned int i;

	for (i = 0; i < adapter->nr_vfs; i++) {
		struct vf *vf = &adapter->vfs[i];

		if (vf->state == VF_FREE && vf_is_open(vf))
			vf_move(vf, VF_ORPHAN);
	}
	return 0;
}

static int whole_assign(struct adapter *adapter, struct vf *vf, const struct amount *amount,
			const uint32_t *nsids, size_t count)
{
	if (!count)
		return 0;
	err("%s has no namespaces that could be given to one function", adapter->pf.name);
	return -EOPNOTSUPP;
}

static int whole_nothing(struct adapter *adapter, struct vf *vf)
{
	return 0;
}

static int whole_has_only(struct adapter *adapter, const struct vf *vf, const uint32_t *nsids,
			  size_t count)
{
	return !count;
}

static int whole_reset(struct adapter *adapter)
{
	return pci_reset(&adapter->pf);
}

static int whole_keep(struct adapter *adapter, const struct amount *amount)
{
	return 0;
}

/* Their reset is what stops them: vf_stop(). */
const struct adapter_ops adapter_whole_ops = {
	.name = "whole functions",
	.whole = true,
	.read = whole_read,
	.assign = whole_assign,
	.online = whole_nothing,
	.offline = whole_nothing,
	.detach = whole_nothing,
	.has_only = whole_has_only,
	.reset = whole_reset,
	.keep = whole_keep,
};

/* ---- all ------------------------------------------------------------------------------ */

long adapter_most_vfs(const struct adapter *adapter)
{
	long most = pci_number(&adapter->pf, "sriov_totalvfs");

	return most < 0 ? 0 : most;
}

int adapter_open(struct adapter *adapter, const struct pci_roots *roots,
		 const struct bdf *bdf)
{
	int ret;

	*adapter = (struct adapter){ .ops = &adapter_whole_ops };
	pci_init(&adapter->pf, roots, bdf);
	adapter->nvme = -1;
	if (!pci_exists(&adapter->pf)) {
		err("there is no device %s ('lspci' lists them)", adapter->pf.name);
		return -ENODEV;
	}
	if (!adapter_most_vfs(adapter)) {
		err("%s has no virtual functions: it is no adapter that can be divided",
		    adapter->pf.name);
		return -EOPNOTSUPP;
	}
	adapter->nvme = pci_nvme(&adapter->pf);
	if (adapter->nvme < 0)
		return adapter->nvme == -ENODEV ? 0 : adapter->nvme;
	ret = nvme_primary(adapter->nvme, &adapter->primary);
	if (!ret)
		adapter->ops = &adapter_nvme_ops;
	return ret == -EOPNOTSUPP ? 0 : ret;
}

void adapter_close(struct adapter *adapter)
{
	if (adapter->nvme >= 0)
		close(adapter->nvme);
	adapter->nvme = -1;
	free(adapter->vfs);
	adapter->vfs = NULL;
	adapter->nr_vfs = 0;
}

/* A function that cannot be given to anybody says why; others can all the same. */
static void look_at(struct vf *vf)
{
	vf->iommu_group = pci_check_group(&vf->fn);
	if (vf->iommu_group < 0)
		snprintf(vf->why, sizeof(vf->why), "it has no IOMMU group of its own");
	else if (pci_bind_vfio(&vf->fn))
		snprintf(vf->why, sizeof(vf->why), "vfio-pci does not drive it");
	else
		vf->state = VF_FREE;
}

static int find_vfs(struct adapter *adapter, unsigned int count)
{
	unsigned int i;
	int ret;

	free(adapter->vfs);
	adapter->nr_vfs = 0;
	adapter->vfs = calloc(count, sizeof(*adapter->vfs));
	if (!adapter->vfs)
		return err_nomem();
	for (i = 0; i < count; i++) {
		struct vf *vf = &adapter->vfs[i];

		vf->index = i;
		vf->state = VF_UNUSABLE;
		ret = pci_virtual(&adapter->pf, i, &vf->fn);
		if (ret)
			return ret;
		look_at(vf);
	}
	adapter->nr_vfs = count;
	return 0;
}

/* The host's drivers are to leave them alone. */
static int make_vfs(struct adapter *adapter, unsigned int count, const struct amount *keep)
{
	char text[16];
	int ret = adapter->ops->keep(adapter, keep);

	if (!ret)
		ret = pci_write(&adapter->pf, "sriov_drivers_autoprobe", "0");
	snprintf(text, sizeof(text), "%u", count);
	return ret ? ret : pci_write(&adapter->pf, "sriov_numvfs", text);
}

int adapter_prepare(struct adapter *adapter, unsigned int vfs, const struct amount *keep)
{
	long there = pci_number(&adapter->pf, "sriov_numvfs");
	int ret = 0;

	if (there < 0)
		return err_errno(there, "%s: how many virtual functions it has", adapter->pf.name);
	if (there && there < vfs) {
		err("%s has %ld virtual functions, and %u are needed; end the guests that use them, and: echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs",
		    adapter->pf.name, there, vfs, adapter->pf.name);
		return -EBUSY;
	}
	if (!there) {
		ret = make_vfs(adapter, vfs, keep);
		there = vfs;
	}
	if (!ret)
		ret = find_vfs(adapter, there);
	return ret ? ret : adapter->ops->read(adapter);
}

void adapter_describe(const struct adapter *adapter, const struct amount *spare,
		      struct plan_adapter *plan)
{
	unsigned int i;
	enum resource r;

	*plan = (struct plan_adapter){ .whole = adapter->ops->whole };
	for (i = 0; i < adapter->nr_vfs; i++)
		plan->vfs += adapter->vfs[i].state != VF_UNUSABLE;
	if (plan->whole)
		return;
	for_each_resource(r) {
		const struct nvme_flexible *flexible = &adapter->primary.of[r];

		plan->pools[r] = (struct plan_pool){
			.total = flexible->total > flexible->primary ?
				 flexible->total - flexible->primary : 0,
			.max = flexible->max,
			.step = flexible->step,
			.spare = spare->of[r],
		};
	}
}

struct vf *adapter_find(struct adapter *adapter, const struct bdf *bdf, bool any_domain)
{
	unsigned int i;

	for (i = 0; i < adapter->nr_vfs; i++) {
		struct bdf at = adapter->vfs[i].fn.bdf;

		if (any_domain)
			at.domain = bdf->domain;
		if (bdf_equal(&at, bdf))
			return &adapter->vfs[i];
	}
	return NULL;
}
