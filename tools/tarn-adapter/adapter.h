/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The adapter itself: its physical function, its virtual ones, and how resources are given
 * to these. Nothing here knows who has a lease.
 */
#ifndef TARN_ADAPTER_ADAPTER_H
#define TARN_ADAPTER_ADAPTER_H

#include "nvme.h"
#include "pci.h"
#include "plan.h"

struct group;
struct peer;

/** Room for why a virtual function is as it is. */
#define VF_WHY_MAX 200

/** enum vf_state - the life of a virtual adapter; vf_move() has what leads where */
enum vf_state {
	/** it can be given to nobody: @why says what is wrong with it */
	VF_UNUSABLE,
	/** offline, for no group */
	VF_FREE,
	/** offline, for a group; it has no resources yet */
	VF_PLANNED,
	/** offline, with the resources of its group */
	VF_ASSIGNED,
	/** online, for a moment: somebody is about to get it */
	VF_ONLINE,
	/** online, and somebody has it */
	VF_LEASED,
	/** offline while something changes; its owner has acknowledged, and waits */
	VF_QUIESCED,
	/** offline, as its owner has not acknowledged; it has it back when it does */
	VF_FENCED,
	/** it is being taken from its owner */
	VF_REVOKING,
	/** online when the manager began; nobody has said yet that it is his */
	VF_ORPHAN,
	VF_STATES,
};

/**
 * struct vf - a virtual function
 * @index: from 0
 * @fn: as a PCI function
 * @cntlid: its controller
 * @iommu_group: of it, -1: none that it has alone
 * @state: where it is in its life
 * @why: of VF_UNUSABLE
 * @has: what the adapter has assigned to it
 * @attached: it may be attached to namespaces
 * @group: that it is for, or NULL
 * @peer: who has the lease, or NULL
 * @gen: the last change that its owner was told of
 * @faults: transactions that were blocked
 * @window: when the minute began in which they are counted
 * @recent: how many in that
 */
struct vf {
	unsigned int index;
	struct pci_function fn;
	uint16_t cntlid;
	int iommu_group;
	enum vf_state state;
	char why[VF_WHY_MAX];
	struct amount has;
	bool attached;
	struct group *group;
	struct peer *peer;
	uint64_t gen;
	uint64_t faults;
	int64_t window;
	unsigned int recent;
};

struct adapter;

/**
 * struct adapter_ops - how an adapter is divided
 * @name: for people
 * @whole: nothing but whole functions can be given
 * @read: fill in what it has to give, and what its functions have; those of VF_FREE that
 *	are at work become VF_ORPHAN
 * @assign: give an offline function what it is to have
 * @online: have it work
 * @offline: have it stop, whatever it is at, and take all from it
 * @detach: take all namespaces from an offline function
 * @has_only: whether a function is attached to these namespaces and no others: 1 or 0
 * @reset: reset the adapter, after which all functions are offline
 * @keep: change what the primary function keeps for itself, which resets it
 *
 * Each returns 0, or what it says, or an errno, reported.
 */
struct adapter_ops {
	const char *name;
	bool whole;
	int (*read)(struct adapter *adapter);
	int (*assign)(struct adapter *adapter, struct vf *vf, const struct amount *amount,
		      const uint32_t *nsids, size_t count);
	int (*online)(struct adapter *adapter, struct vf *vf);
	int (*offline)(struct adapter *adapter, struct vf *vf);
	int (*detach)(struct adapter *adapter, struct vf *vf);
	int (*has_only)(struct adapter *adapter, const struct vf *vf, const uint32_t *nsids,
			size_t count);
	int (*reset)(struct adapter *adapter);
	int (*keep)(struct adapter *adapter, const struct amount *amount);
};

/**
 * struct adapter - an adapter
 * @pf: its physical function
 * @ops: how it is divided
 * @nvme: descriptor of its controller, -1: the nvme driver has it not
 * @primary: what NVMe says of it
 * @vfs: its virtual functions
 * @nr_vfs: how many
 */
struct adapter {
	struct pci_function pf;
	const struct adapter_ops *ops;
	int nvme;
	struct nvme_primary primary;
	struct vf *vfs;
	unsigned int nr_vfs;
};

extern const struct adapter_ops adapter_nvme_ops;
extern const struct adapter_ops adapter_whole_ops;

/** adapter_open() - Find out what it is. Return: 0 or an errno, reported. */
int adapter_open(struct adapter *adapter, const struct pci_roots *roots,
		 const struct bdf *bdf);
void adapter_close(struct adapter *adapter);

/** adapter_most_vfs() - How many virtual functions it can have. */
long adapter_most_vfs(const struct adapter *adapter);

/**
 * adapter_prepare() - Have at least @vfs virtual functions, on vfio-pci, and know how they are.
 * @keep: what the primary function is to keep, while none of them is at work
 * Return: 0 or an errno, reported.
 */
int adapter_prepare(struct adapter *adapter, unsigned int vfs, const struct amount *keep);

/** adapter_describe() - What there is to plan with. @spare: for those who come first */
void adapter_describe(const struct adapter *adapter, const struct amount *spare,
		      struct plan_adapter *plan);

/** adapter_find() - The virtual function of an address, or NULL. @any_domain: in any */
struct vf *adapter_find(struct adapter *adapter, const struct bdf *bdf, bool any_domain);

/* ---- a virtual function (vf.c) ------------------------------------------------------ */

const char *vf_state_name(enum vf_state state);

/** vf_group_path() - The file of its VFIO group. @path: of PATH_MAX */
void vf_group_path(const struct vf *vf, char *path);

/**
 * vf_open_group() - Open the VFIO group of a function, which can be open once: that it can be
 * opened shows that nobody has it, whatever connections say.
 * Return: a descriptor, or an errno, not reported; -EBUSY: somebody has it.
 */
int vf_open_group(const struct vf *vf);

/** vf_is_open() - Whether somebody has its VFIO group open. */
bool vf_is_open(const struct vf *vf);

/** vf_is_let() - Whether it is in somebody's hands, online or not. */
bool vf_is_let(const struct vf *vf);

/** vf_move() - Its next state. One that does not follow is our bug: it is reported. */
void vf_move(struct vf *vf, enum vf_state to);

/**
 * vf_stop() - Take it offline and reset it, so that nothing that it began goes on, and take
 * its namespaces from it, so that they can be somebody else's.
 */
int vf_stop(struct adapter *adapter, struct vf *vf);

#endif
