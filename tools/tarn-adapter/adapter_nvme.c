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
		if (list[i].online && vf->state == VF_FREE)
			vf_move(vf, VF_ORPHAN);
	}
	return count < 0 ? count : 0;
}

static int assign(struct adapter *adapter, struct vf *vf, const struct amount *amount,
		  const uint32_t *nsids, size_t count)
{
	enum resource r;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < count; i++)
		ret = host_use_check(&adapter->pf, nsids[i]);
	if (!ret)
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
	.reset = reset,
	.keep = keep,
};
