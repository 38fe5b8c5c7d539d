// SPDX-License-Identifier: GPL-2.0-only
/*
 * NVMe with Virtualization Management: queues and interrupts of the primary controller are
 * moved among the secondary ones, which are the virtual functions. The kernel's driver has
 * the primary.
 */
#include <errno.h>
#include <stdio.h>

#include "adapter.h"
#include "error.h"
#include "host_use.h"

static struct vf *vf_of(struct adapter *adapter, unsigned int number)
{
	/* Those of the list that are not enabled have no function here. */
	return number && number <= adapter->nr_vfs ? &adapter->vfs[number - 1] : NULL;
}

static int detach(struct adapter *adapter, struct vf *vf)
{
	int ret = 0;

	if (vf->attached)
		ret = nvme_attach_only(adapter->nvme, vf->cntlid, NULL, 0);
	if (!ret)
		vf->attached = false;
	return ret;
}

static int has_only(struct adapter *adapter, const struct vf *vf, const uint32_t *nsids,
		    size_t count)
{
	return nvme_has_only(adapter->nvme, vf->cntlid, nsids, count);
}

static int read_all(struct adapter *adapter)
{
	struct nvme_secondary list[NVME_SECONDARIES];
	int count, i, ret = nvme_primary(adapter->nvme, &adapter->primary);

	if (ret)
		return ret == -EOPNOTSUPP ?
			err_errno(ret, "%s has lost its Virtualization Management",
				  adapter->pf.name) : ret;
	count = nvme_secondaries(adapter->nvme, list);
	for (i = 0; i < count; i++) {
		struct vf *vf = vf_of(adapter, list[i].vf);

		if (!vf)
			continue;
		vf->cntlid = list[i].cntlid;
		vf->has = list[i].has;
		vf->attached = true;
		/* It is at nothing, and will be nobody's: its namespaces can be others'. */
		if (!list[i].online && vf->state == VF_UNUSABLE)
			detach(adapter, vf);
		if (list[i].online && vf->state == VF_FREE)
			vf_move(vf, VF_ORPHAN);
	}
	return count < 0 ? count : 0;
}

/*
 * Whatever is thought here, the adapter knows who has a namespace: two functions write to
 * one disk only if it is asked to let them.
 */
static int check_alone(struct adapter *adapter, const struct vf *vf, uint32_t nsid)
{
	uint8_t page[NVME_PAGE];
	int ret = nvme_controllers(adapter->nvme, nsid, page);
	unsigned int i;

	for (i = 0; !ret && i < adapter->nr_vfs; i++) {
		const struct vf *other = &adapter->vfs[i];

		/* One that the list has not has no controller, and 0 may be the primary. */
		if (other == vf || other->cntlid == adapter->primary.cntlid ||
		    !nvme_has_controller(page, other->cntlid))
			continue;
		err("namespace %u is attached to %s: it is not given to %s, too", nsid,
		    other->fn.name, vf->fn.name);
		ret = -EBUSY;
	}
	return ret;
}

static int assign(struct adapter *adapter, struct vf *vf, const struct amount *amount,
		  const uint32_t *nsids, size_t count)
{
	enum resource r;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < count; i++)
		ret = host_use_check(&adapter->pf, nsids[i]);
	for (i = 0; !ret && i < count; i++)
		ret = check_alone(adapter, vf, nsids[i]);
	if (ret)
		return ret;
	vf->attached = true;
	ret = nvme_attach_only(adapter->nvme, vf->cntlid, nsids, count);
	for_each_resource(r) {
		if (ret)
			break;
		ret = nvme_manage(adapter->nvme, NVME_SECONDARY_ASSIGN, vf->cntlid, r,
				  amount->of[r]);
		if (!ret)
			vf->has.of[r] = amount->of[r];
	}
	return ret;
}

static int online(struct adapter *adapter, struct vf *vf)
{
	return nvme_manage(adapter->nvme, NVME_SECONDARY_ONLINE, vf->cntlid, 0, 0);
}

static int offline(struct adapter *adapter, struct vf *vf)
{
	int ret = nvme_manage(adapter->nvme, NVME_SECONDARY_OFFLINE, vf->cntlid, 0, 0);

	if (!ret)
		vf->has = (struct amount){ 0 };
	return ret;
}

static int reset(struct adapter *adapter)
{
	unsigned int i;
	int ret = nvme_reset(adapter->nvme);

	for (i = 0; !ret && i < adapter->nr_vfs; i++)
		adapter->vfs[i].has = (struct amount){ 0 };
	return ret;
}

/*
 * It takes effect when the function is reset. A reset of the controller alone would do by
 * the specification, and does not for QEMU's.
 */
static int keep(struct adapter *adapter, const struct amount *amount)
{
	struct nvme_primary *primary = &adapter->primary;
	bool changes = false;
	enum resource r;
	int ret = 0;

	for_each_resource(r) {
		if (ret || primary->of[r].primary == amount->of[r])
			continue;
		ret = nvme_manage(adapter->nvme, NVME_PRIMARY_ALLOCATE, primary->cntlid, r,
				  amount->of[r]);
		changes = true;
	}
	if (!ret && changes)
		ret = pci_reset(&adapter->pf);
	if (!ret)
		ret = nvme_primary(adapter->nvme, primary);
	for_each_resource(r) {
		if (!ret && primary->of[r].primary != amount->of[r])
			err("note: the adapter keeps %u %s for its physical function, not %u",
			    primary->of[r].primary, resource_name(r), amount->of[r]);
	}
	return ret;
}

const struct adapter_ops adapter_nvme_ops = {
	.name = "NVMe Virtualization Management",
	.read = read_all,
	.assign = assign,
	.online = online,
	.offline = offline,
	.detach = detach,
	.has_only = has_only,
	.reset = reset,
	.keep = keep,
};
