// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio over PCI, version 1.x; see virtio-pci.h.
 *
 * One memory BAR carries the four structures that the capabilities point to,
 * another the MSI-X table. A driver that cannot map BARs may reach the same
 * registers through the capability VIRTIO_PCI_CAP_PCI_CFG.
 *
 * Registers may be read in any size at any offset: a read takes its bytes from
 * an image of the structure. Writes count only in the width of the field, as
 * the specification demands of drivers; a 64-bit write is two of 32 bits.
 */
#include <errno.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "lib/opts.h"
#include "pci.h"
#include "state.h"
#include "virtio/virtio-pci.h"
#include "vm.h"

#define VIRTIO_VENDOR 0x1af4
#define VIRTIO_SUBSYS 0x1100
#define VIRTIO_MODERN_BASE 0x1040

#define MSIX_BAR 1
#define REGS_BAR 4

/* Layout of REGS_BAR; a page each keeps doorbells apart from the rest. */
#define REGS_BAR_SIZE 0x4000
#define COMMON_OFF 0x0000
#define ISR_OFF 0x1000
#define DEVICE_OFF 0x2000
#define NOTIFY_OFF 0x3000
#define REGION_SIZE 0x1000
#define REGION(off) ((off) & ~(u64)(REGION_SIZE - 1))

#define NOTIFY_STRIDE 4
#define MAX_QUEUES (REGION_SIZE / NOTIFY_STRIDE)

/* struct virtio_pci_common_cfg and what later revisions added behind it. */
struct common_regs {
	struct virtio_pci_common_cfg v1;
	u16 queue_notify_data;
	u16 queue_reset;
} __attribute__((packed));

struct virtio_pci {
	struct pci_device pdev;
	struct virtio_dev *vdev;
	u32 device_feature_select;
	u32 driver_feature_select;
	u16 queue_select;
	u16 config_vector;
	u8 isr; /* changed atomically */
	bool msix; /* the queues know it as enabled */
	u32 cfg_cap; /* offset of VIRTIO_PCI_CAP_PCI_CFG */
};

static struct virtio_pci *to_virtio_pci(struct pci_device *pdev)
{
	return container_of(pdev, struct virtio_pci, pdev);
}

static struct virtio_pci *transport_of(struct virtio_dev *vdev)
{
	return vdev->transport_data;
}

/* Interrupts */

static void isr_raise(struct virtio_pci *vp, u8 bit)
{
	__atomic_or_fetch(&vp->isr, bit, __ATOMIC_SEQ_CST);
	pci_intx_set(&vp->pdev, true);
}

/* Reading acknowledges. A bit set meanwhile raises the line again. */
static u8 isr_read(struct virtio_pci *vp)
{
	u8 isr = __atomic_exchange_n(&vp->isr, 0, __ATOMIC_SEQ_CST);

	pci_intx_set(&vp->pdev, false);
	if (__atomic_load_n(&vp->isr, __ATOMIC_SEQ_CST))
		pci_intx_set(&vp->pdev, true);
	return isr;
}

static void notify(struct virtio_pci *vp, u16 vector, u8 isr)
{
	if (!pci_msix_enabled(&vp->pdev))
		isr_raise(vp, isr);
	else if (vector != VIRTIO_MSI_NO_VECTOR)
		pci_msix_notify(&vp->pdev, vector);
}

static void notify_queue(struct virtio_queue *q)
{
	notify(transport_of(q->dev), READ_ONCE(q->vector), 1);
}

static void notify_config(struct virtio_dev *vdev)
{
	struct virtio_pci *vp = transport_of(vdev);

	notify(vp, READ_ONCE(vp->config_vector), VIRTIO_PCI_ISR_CONFIG);
}

static int vector_fd(struct virtio_queue *q)
{
	struct virtio_pci *vp = transport_of(q->dev);

	if (!pci_msix_enabled(&vp->pdev) || q->vector == VIRTIO_MSI_NO_VECTOR)
		return -ENOENT;
	return pci_msix_fd(&vp->pdev, q->vector);
}

static const struct virtio_transport_ops pci_transport = {
	.notify_queue = notify_queue,
	.notify_config = notify_config,
	.vector_fd = vector_fd,
};

/* Common configuration */

static struct virtio_queue *selected(struct virtio_pci *vp)
{
	if (vp->queue_select >= vp->vdev->nr_queues)
		return NULL;
	return &vp->vdev->queues[vp->queue_select];
}

static u32 features_half(u64 features, u32 select)
{
	return select < 2 ? features >> (32 * select) : 0;
}

static void common_image_queue(const struct virtio_queue *q,
			       struct common_regs *regs)
{
	const struct virtqueue *vq = &q->vq;

	regs->v1.queue_size = htole16(vq->size);
	regs->v1.queue_msix_vector = htole16(q->vector);
	regs->v1.queue_enable = htole16(q->enabled);
	regs->v1.queue_notify_off = htole16(q->index);
	regs->v1.queue_desc_lo = htole32(vq->desc_gpa);
	regs->v1.queue_desc_hi = htole32(vq->desc_gpa >> 32);
	regs->v1.queue_avail_lo = htole32(vq->avail_gpa);
	regs->v1.queue_avail_hi = htole32(vq->avail_gpa >> 32);
	regs->v1.queue_used_lo = htole32(vq->used_gpa);
	regs->v1.queue_used_hi = htole32(vq->used_gpa >> 32);
}

static void common_image(struct virtio_pci *vp, struct common_regs *regs)
{
	const struct virtio_dev *vdev = vp->vdev;
	const struct virtio_queue *q = selected(vp);

	memset(regs, 0, sizeof(*regs));
	regs->v1.device_feature_select = htole32(vp->device_feature_select);
	regs->v1.device_feature = htole32(features_half(
		vdev->host_features, vp->device_feature_select));
	regs->v1.guest_feature_select = htole32(vp->driver_feature_select);
	regs->v1.guest_feature = htole32(
		features_half(vdev->features, vp->driver_feature_select));
	regs->v1.msix_config = htole16(vp->config_vector);
	regs->v1.num_queues = htole16(vdev->nr_queues);
	regs->v1.device_status = READ_ONCE(vdev->status);
	regs->v1.config_generation = vdev->config_gen;
	regs->v1.queue_select = htole16(vp->queue_select);
	if (q)
		common_image_queue(q, regs);
}

static u64 common_read(struct virtio_pci *vp, u32 off, unsigned int size)
{
	struct common_regs regs;
	u64 val = 0;

	common_image(vp, &regs);
	if (off < sizeof(regs))
		memcpy(&val, (u8 *)&regs + off,
		       min_t(size_t, size, sizeof(regs) - off));
	return le64toh(val);
}

static u16 check_vector(struct virtio_pci *vp, u16 vector)
{
	return vector < pci_msix_nvec(&vp->pdev) ? vector :
						   VIRTIO_MSI_NO_VECTOR;
}

static void set_features_half(struct virtio_pci *vp, u32 val)
{
	u32 select = vp->driver_feature_select;
	u64 mask = 0xffffffffULL << (32 * (select & 1));

	if (select < 2)
		virtio_set_features(vp->vdev,
				    (vp->vdev->features & ~mask) |
					    (u64)val << (32 * select));
}

static void common_write8(struct virtio_pci *vp, u32 off, u8 val)
{
	if (off != VIRTIO_PCI_COMMON_STATUS)
		return;
	if (val) {
		virtio_set_status(vp->vdev, val);
		return;
	}
	virtio_reset(vp->vdev);
	vp->config_vector = VIRTIO_MSI_NO_VECTOR;
	vp->device_feature_select = 0;
	vp->driver_feature_select = 0;
	vp->queue_select = 0;
	isr_read(vp);
}

/* Fields of a queue that is enabled belong to the device. */
static void set_queue_size(struct virtio_queue *q, u16 val)
{
	if (!q->enabled)
		q->vq.size = val;
}

static void queue_write16(struct virtio_pci *vp, struct virtio_queue *q,
			  u32 off, u16 val)
{
	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		set_queue_size(q, val);
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		WRITE_ONCE(q->vector, check_vector(vp, val));
		virtio_vector_changed(q);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (val == 1)
			virtio_queue_enable(q);
		break;
	case VIRTIO_PCI_COMMON_Q_RESET:
		if (val == 1 && virtio_has(vp->vdev, VIRTIO_F_RING_RESET))
			virtio_queue_reset(q);
		break;
	}
}

static void common_write16(struct virtio_pci *vp, u32 off, u16 val)
{
	struct virtio_queue *q = selected(vp);

	if (off == VIRTIO_PCI_COMMON_MSIX)
		WRITE_ONCE(vp->config_vector, check_vector(vp, val));
	else if (off == VIRTIO_PCI_COMMON_Q_SELECT)
		vp->queue_select = val;
	else if (q)
		queue_write16(vp, q, off, val);
}

static void set_half(u64 *addr, bool high, u32 val)
{
	u64 mask = 0xffffffffULL << (32 * high);

	*addr = (*addr & ~mask) | (u64)val << (32 * high);
}

static void queue_write32(struct virtio_queue *q, u32 off, u32 val)
{
	if (q->enabled)
		return;
	switch (off) {
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_half(&q->vq.desc_gpa, off != VIRTIO_PCI_COMMON_Q_DESCLO,
			 val);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_half(&q->vq.avail_gpa, off != VIRTIO_PCI_COMMON_Q_AVAILLO,
			 val);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_half(&q->vq.used_gpa, off != VIRTIO_PCI_COMMON_Q_USEDLO,
			 val);
		break;
	}
}

static void common_write32(struct virtio_pci *vp, u32 off, u32 val)
{
	struct virtio_queue *q = selected(vp);

	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		vp->device_feature_select = val;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		vp->driver_feature_select = val;
		break;
	case VIRTIO_PCI_COMMON_GF:
		set_features_half(vp, val);
		break;
	default:
		if (q)
			queue_write32(q, off, val);
	}
}

static void common_write(struct virtio_pci *vp, u32 off, u64 val,
			 unsigned int size)
{
	switch (size) {
	case 1:
		common_write8(vp, off, val);
		break;
	case 2:
		common_write16(vp, off, val);
		break;
	case 4:
		common_write32(vp, off, val);
		break;
	case 8:
		common_write32(vp, off, val);
		common_write32(vp, off + 4, val >> 32);
		break;
	}
}

/* The BAR */

static void doorbell(struct virtio_pci *vp, u32 off)
{
	u32 index = off / NOTIFY_STRIDE;

	if (off % NOTIFY_STRIDE == 0 && index < vp->vdev->nr_queues)
		virtio_kick(&vp->vdev->queues[index]);
}

static u64 read_region(struct virtio_pci *vp, u64 off, unsigned int size)
{
	u64 val = 0;

	switch (REGION(off)) {
	case COMMON_OFF:
		return common_read(vp, off - COMMON_OFF, size);
	case ISR_OFF:
		return off == ISR_OFF ? isr_read(vp) : 0;
	case DEVICE_OFF:
		virtio_config_read(vp->vdev, off - DEVICE_OFF, &val, size);
		return le64toh(val);
	default:
		return 0;
	}
}

static void write_region(struct virtio_pci *vp, u64 off, u64 val,
			 unsigned int size)
{
	u64 le = htole64(val);

	switch (REGION(off)) {
	case COMMON_OFF:
		common_write(vp, off - COMMON_OFF, val, size);
		break;
	case DEVICE_OFF:
		virtio_config_write(vp->vdev, off - DEVICE_OFF, &le, size);
		break;
	case NOTIFY_OFF:
		doorbell(vp, off - NOTIFY_OFF);
		break;
	}
}

static u64 regs_read(struct pci_device *pdev, u64 off, unsigned int size)
{
	struct virtio_pci *vp = to_virtio_pci(pdev);
	u64 val;

	virtio_access_begin(vp->vdev);
	val = read_region(vp, off, size);
	virtio_access_end(vp->vdev);
	return val;
}

static void regs_write(struct pci_device *pdev, u64 off, u64 val,
		       unsigned int size)
{
	struct virtio_pci *vp = to_virtio_pci(pdev);

	virtio_access_begin(vp->vdev);
	write_region(vp, off, val, size);
	virtio_access_end(vp->vdev);
}

static const struct pci_bar_ops regs_ops = {
	.read = regs_read,
	.write = regs_write,
};

/* The window in configuration space */

/* Where the window points to now; false when that is nowhere. */
static bool window_target(struct virtio_pci *vp, u32 *off, u32 *len)
{
	struct virtio_pci_cap cap;

	memcpy(&cap, vp->pdev.cfg + vp->cfg_cap, sizeof(cap));
	*off = le32toh(cap.offset);
	*len = le32toh(cap.length);
	return cap.bar == REGS_BAR &&
	       (*len == 1 || *len == 2 || *len == 4) &&
	       *off <= REGS_BAR_SIZE - *len && *off % *len == 0;
}

static bool touches_window(const struct virtio_pci *vp, u32 off,
			   unsigned int size)
{
	u32 data = vp->cfg_cap +
		   offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);

	return vp->cfg_cap && off < data + 4 && off + size > data;
}

static u8 *window_data(struct virtio_pci *vp)
{
	return vp->pdev.cfg + vp->cfg_cap +
	       offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);
}

static void cfg_read(struct pci_device *pdev, u32 off, unsigned int size)
{
	struct virtio_pci *vp = to_virtio_pci(pdev);
	u32 at, len, val;

	if (!touches_window(vp, off, size) || !window_target(vp, &at, &len))
		return;
	val = htole32(regs_read(pdev, at, len));
	memcpy(window_data(vp), &val, len);
}

static void tell_vectors(struct virtio_pci *vp)
{
	u16 i;

	if (vp->msix == pci_msix_enabled(&vp->pdev))
		return;
	virtio_access_begin(vp->vdev);
	vp->msix = pci_msix_enabled(&vp->pdev);
	for (i = 0; i < vp->vdev->nr_queues; i++)
		virtio_vector_changed(&vp->vdev->queues[i]);
	virtio_access_end(vp->vdev);
}

static void cfg_write(struct pci_device *pdev, u32 off, unsigned int size)
{
	struct virtio_pci *vp = to_virtio_pci(pdev);
	u32 at, len, val = 0;

	tell_vectors(vp);
	if (!touches_window(vp, off, size) || !window_target(vp, &at, &len))
		return;
	memcpy(&val, window_data(vp), len);
	regs_write(pdev, at, le32toh(val), len);
}

/* Creation */

static int add_cap(struct virtio_pci *vp, u8 type, u32 off, u32 len)
{
	struct virtio_pci_notify_cap cap = {
		.cap.cap_len = sizeof(cap.cap),
		.cap.cfg_type = type,
		.cap.bar = REGS_BAR,
		.cap.offset = htole32(off),
		.cap.length = htole32(len),
		.notify_off_multiplier = htole32(NOTIFY_STRIDE),
	};

	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
		cap.cap.cap_len = sizeof(cap);
	/* The two bytes of the header are pci_cap_add()'s. */
	return pci_cap_add(&vp->pdev, PCI_CAP_ID_VNDR, (u8 *)&cap + 2,
			   cap.cap.cap_len - 2);
}

static int add_window(struct virtio_pci *vp)
{
	struct virtio_pci_cfg_cap cap = {
		.cap.cap_len = sizeof(cap),
		.cap.cfg_type = VIRTIO_PCI_CAP_PCI_CFG,
	};
	int off = pci_cap_add(&vp->pdev, PCI_CAP_ID_VNDR, (u8 *)&cap + 2,
			      sizeof(cap) - 2);

	if (off < 0)
		return off;
	vp->cfg_cap = off;
	pci_cfg_writable(&vp->pdev, off + offsetof(struct virtio_pci_cap, bar),
			 1);
	pci_cfg_writable(&vp->pdev,
			 off + offsetof(struct virtio_pci_cap, offset),
			 sizeof(cap) - offsetof(struct virtio_pci_cap, offset));
	vp->pdev.cfg_read = cfg_read;
	vp->pdev.cfg_write = cfg_write;
	return 0;
}

static int add_caps(struct virtio_pci *vp)
{
	struct virtio_dev *vdev = vp->vdev;
	int ret;

	if ((ret = add_cap(vp, VIRTIO_PCI_CAP_COMMON_CFG, COMMON_OFF,
			   sizeof(struct common_regs))) < 0 ||
	    (ret = add_cap(vp, VIRTIO_PCI_CAP_ISR_CFG, ISR_OFF, 1)) < 0 ||
	    (ret = add_cap(vp, VIRTIO_PCI_CAP_NOTIFY_CFG, NOTIFY_OFF,
			   vdev->nr_queues * NOTIFY_STRIDE)) < 0)
		return ret;
	if (vdev->config_len) {
		ret = add_cap(vp, VIRTIO_PCI_CAP_DEVICE_CFG, DEVICE_OFF,
			      vdev->config_len);
		if (ret < 0)
			return ret;
	}
	return add_window(vp);
}

static int add_doorbells(struct virtio_pci *vp)
{
	struct virtio_dev *vdev = vp->vdev;
	int ret;
	u16 i;

	/* An exit each, then. */
	if (vdev->doorbells)
		return 0;
	for (i = 0; i < vdev->nr_queues; i++) {
		ret = pci_ioeventfd_add(&vp->pdev, REGS_BAR,
					NOTIFY_OFF + i * NOTIFY_STRIDE, 0,
					vdev->queues[i].kick_fd);
		if (ret)
			return ret;
	}
	return 0;
}

static void del_doorbells(struct virtio_pci *vp)
{
	u16 i;

	if (vp->vdev->doorbells)
		return;
	for (i = 0; i < vp->vdev->nr_queues; i++)
		pci_ioeventfd_del(&vp->pdev, REGS_BAR,
				  NOTIFY_OFF + i * NOTIFY_STRIDE,
				  vp->vdev->queues[i].kick_fd);
}

static u32 class_of(u16 id)
{
	switch (id) {
	case VIRTIO_ID_NET:
		return 0x020000;
	case VIRTIO_ID_BLOCK:
		return 0x010000;
	case VIRTIO_ID_CONSOLE:
		return 0x078000;
	default:
		return 0x00ff00;
	}
}

static int setup(struct virtio_pci *vp, struct opts *opts)
{
	struct virtio_dev *vdev = vp->vdev;
	u64 vectors = vdev->nr_queues + 1;
	int ret;

	ret = opts_get_uint(opts, "vectors", 2048, &vectors);
	if (ret)
		return ret;
	ret = pci_bar_add(&vp->pdev, REGS_BAR, REGS_BAR_SIZE,
			  PCI_BAR_64 | PCI_BAR_PREFETCH, &regs_ops);
	if (ret)
		return ret;
	if (vectors) {
		ret = pci_msix_init(&vp->pdev, vectors, MSIX_BAR);
		if (ret)
			return ret;
	}
	ret = add_caps(vp);
	if (ret)
		return ret;
	ret = add_doorbells(vp);
	if (ret)
		del_doorbells(vp);
	return ret;
}

int virtio_pci_create(struct vm *vm, struct virtio_dev *vdev,
		      const struct device_ops *ops, struct opts *opts)
{
	const struct pci_device_info info = {
		.vendor = VIRTIO_VENDOR,
		.device = VIRTIO_MODERN_BASE + vdev->ops->id,
		.subsys_vendor = VIRTIO_VENDOR,
		.subsys = VIRTIO_SUBSYS,
		.class = class_of(vdev->ops->id),
		.revision = 1,
		.intx = true,
	};
	struct virtio_pci *vp;
	int ret;

	if (vdev->nr_queues > MAX_QUEUES)
		return opts_fail(opts, "at most %u queues are possible",
				 (unsigned int)MAX_QUEUES);
	vp = calloc(1, sizeof(*vp));
	if (!vp)
		return -ENOMEM;
	vp->vdev = vdev;
	vp->config_vector = VIRTIO_MSI_NO_VECTOR;
	vdev->transport = &pci_transport;
	vdev->transport_data = vp;
	ret = pci_device_init(&vp->pdev, vm, ops, &info, opts);
	if (ret)
		goto err_free;
	ret = setup(vp, opts);
	if (ret)
		goto err_exit;
	return 0;

err_exit:
	pci_device_exit(&vp->pdev);
err_free:
	free(vp);
	return ret;
}

/* What the machine asks for */

static struct virtio_pci *dev_to_vp(struct device *dev)
{
	return to_virtio_pci(to_pci_device(dev));
}

struct virtio_dev *virtio_pci_dev(struct device *dev)
{
	return dev_to_vp(dev)->vdev;
}

void virtio_pci_reset(struct device *dev)
{
	struct virtio_pci *vp = dev_to_vp(dev);

	common_write8(vp, VIRTIO_PCI_COMMON_STATUS, 0);
	pci_device_reset(&vp->pdev);
}

int virtio_pci_pause(struct device *dev)
{
	return virtio_pause(dev_to_vp(dev)->vdev);
}

void virtio_pci_resume(struct device *dev)
{
	virtio_resume(dev_to_vp(dev)->vdev);
}

int virtio_pci_save(struct device *dev, struct state_out *out)
{
	struct virtio_pci *vp = dev_to_vp(dev);
	int ret;

	if ((ret = pci_device_save(&vp->pdev, out)) ||
	    (ret = state_put_u64(out, "dfselect",
				 vp->device_feature_select)) ||
	    (ret = state_put_u64(out, "gfselect",
				 vp->driver_feature_select)) ||
	    (ret = state_put_u64(out, "qselect", vp->queue_select)) ||
	    (ret = state_put_u64(out, "config.vector", vp->config_vector)) ||
	    (ret = state_put_u64(out, "isr", vp->isr)))
		return ret;
	return virtio_save(vp->vdev, out);
}

int virtio_pci_load(struct device *dev, struct state_in *in, u32 version)
{
	struct virtio_pci *vp = dev_to_vp(dev);
	u64 dfs, gfs, qs, cv, isr;
	int ret;

	if ((ret = state_get_u64(in, "dfselect", &dfs, UINT32_MAX)) ||
	    (ret = state_get_u64(in, "gfselect", &gfs, UINT32_MAX)) ||
	    (ret = state_get_u64(in, "qselect", &qs, UINT16_MAX)) ||
	    (ret = state_get_u64(in, "config.vector", &cv, UINT16_MAX)) ||
	    (ret = state_get_u64(in, "isr", &isr, UINT8_MAX)))
		return ret;
	vp->device_feature_select = dfs;
	vp->driver_feature_select = gfs;
	vp->queue_select = qs;
	vp->config_vector = cv;
	vp->isr = isr;
	/* Its queues first: a BAR that comes to life has doorbells. */
	ret = virtio_load(vp->vdev, in);
	return ret ?: pci_device_load(&vp->pdev, in);
}

void virtio_pci_destroy(struct device *dev)
{
	struct virtio_pci *vp = dev_to_vp(dev);

	del_doorbells(vp);
	virtio_destroy(vp->vdev);
	pci_device_exit(&vp->pdev);
	free(vp);
}
