// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI-X: the vector table, the pending bits and the eventfd of each vector.
 *
 * A vector that the guest can receive has its eventfd attached to KVM as an
 * irqfd. Masking detaches it; events then stay in the eventfd's counter, which
 * is the pending bit, and KVM finds them there when it is attached again. So
 * raising a vector is one write whoever does it, vhost included.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "error.h"
#include "irq.h"
#include "pci-internal.h"
#include "state.h"
#include "vm.h"

#define MSIX_MAX_VECTORS 2048

/* Offsets in the capability, behind its two bytes of header. */
struct msix_cap {
	u16 control;
	u32 table;
	u32 pba;
} __attribute__((packed));

struct msix_vector {
	u32 entry[4]; /* address low, high, data, control */
	int fd;
	int gsi; /* -1 until first used */
	bool attached;
};

struct pci_msix {
	unsigned int nvec;
	u8 cap;
	u64 pba_off;
	bool enabled;
	bool masked;
	struct msix_vector vec[];
};

static bool vector_live(const struct pci_msix *msix,
			const struct msix_vector *vec)
{
	return msix->enabled && !msix->masked &&
	       !(vec->entry[3] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

static void vector_detach(struct vm *vm, struct msix_vector *vec)
{
	if (!vec->attached)
		return;
	irq_fd_del(vm, vec->gsi, vec->fd);
	vec->attached = false;
}

static void vector_attach(struct vm *vm, struct msix_vector *vec)
{
	u64 addr = vec->entry[0] | (u64)vec->entry[1] << 32;

	if (vec->gsi < 0)
		vec->gsi = irq_msi_alloc(vm);
	if (vec->gsi < 0 || irq_msi_update(vm, vec->gsi, addr, vec->entry[2]))
		return;
	if (!vec->attached)
		vec->attached = !irq_fd_add(vm, vec->gsi, vec->fd);
}

static void vector_update(struct pci_device *pdev, unsigned int i)
{
	struct msix_vector *vec = &pdev->msix->vec[i];

	if (vector_live(pdev->msix, vec))
		vector_attach(pdev->dev.vm, vec);
	else
		vector_detach(pdev->dev.vm, vec);
}

/* An event that the guest has not been told. */
static bool vector_pending(const struct msix_vector *vec)
{
	struct pollfd pfd = {vec->fd, POLLIN, 0};

	return !vec->attached && poll(&pfd, 1, 0) == 1;
}

static u64 pba_read(struct pci_msix *msix, u64 off, unsigned int size)
{
	u64 bits = 0;
	unsigned int i;

	for (i = 0; i < size * 8; i++) {
		u64 n = off * 8 + i;

		if (n >= msix->nvec)
			break;
		if (vector_pending(&msix->vec[n]))
			bits |= 1ULL << i;
	}
	return bits;
}

static u64 table_read(struct pci_device *pdev, u64 off, unsigned int size)
{
	struct pci_msix *msix = pdev->msix;
	u64 val = 0, nr = off / PCI_MSIX_ENTRY_SIZE;

	if (off >= msix->pba_off)
		return pba_read(msix, off - msix->pba_off, size);
	if (nr < msix->nvec && off % 16 + size <= 16)
		memcpy(&val, (u8 *)msix->vec[nr].entry + off % 16, size);
	return val;
}

static void table_write(struct pci_device *pdev, u64 off, u64 val,
			unsigned int size)
{
	struct pci_msix *msix = pdev->msix;
	u64 nr = off / PCI_MSIX_ENTRY_SIZE;

	/* The pending bits are read-only, entries take whole double words. */
	if (nr >= msix->nvec || off % 4 || size < 4 || off % 16 + size > 16)
		return;
	memcpy((u8 *)msix->vec[nr].entry + off % 16, &val, size);
	vector_update(pdev, nr);
}

static const struct pci_bar_ops table_ops = {
	.read = table_read,
	.write = table_write,
};

void pci_msix_cfg_written(struct pci_device *pdev, u32 off, unsigned int size)
{
	struct pci_msix *msix = pdev->msix;
	unsigned int i;
	u8 high;

	if (!msix)
		return;
	high = pdev->cfg[msix->cap + PCI_MSIX_FLAGS + 1];
	if (msix->enabled == !!(high & (PCI_MSIX_FLAGS_ENABLE >> 8)) &&
	    msix->masked == !!(high & (PCI_MSIX_FLAGS_MASKALL >> 8)))
		return;
	WRITE_ONCE(msix->enabled, !!(high & (PCI_MSIX_FLAGS_ENABLE >> 8)));
	msix->masked = high & (PCI_MSIX_FLAGS_MASKALL >> 8);
	for (i = 0; i < msix->nvec; i++)
		vector_update(pdev, i);
}

bool pci_msix_enabled(const struct pci_device *pdev)
{
	return pdev->msix && READ_ONCE(pdev->msix->enabled);
}

unsigned int pci_msix_nvec(const struct pci_device *pdev)
{
	return pdev->msix ? pdev->msix->nvec : 0;
}

int pci_msix_fd(const struct pci_device *pdev, unsigned int vec)
{
	return vec < pci_msix_nvec(pdev) ? pdev->msix->vec[vec].fd : -EINVAL;
}

void pci_msix_notify(const struct pci_device *pdev, unsigned int vec)
{
	int fd = pci_msix_fd(pdev, vec);

	if (fd >= 0)
		eventfd_write(fd, 1);
}

static int vectors_open(struct pci_msix *msix)
{
	unsigned int i;

	for (i = 0; i < msix->nvec; i++)
		msix->vec[i].fd = msix->vec[i].gsi = -1;
	for (i = 0; i < msix->nvec; i++) {
		/* Non-blocking: a masked counter that is full must not stop. */
		msix->vec[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (msix->vec[i].fd < 0)
			return err_errno(-errno, "eventfd");
	}
	return 0;
}

static u64 bar_size(unsigned int nvec, u64 *pba_off)
{
	u64 size = 4096, need;

	*pba_off = ALIGN_UP(nvec * PCI_MSIX_ENTRY_SIZE, 2048);
	need = *pba_off + ALIGN_UP(nvec, 64) / 8;
	while (size < need)
		size *= 2;
	return size;
}

int pci_msix_init(struct pci_device *pdev, unsigned int nvec, unsigned int bar)
{
	struct msix_cap cap;
	struct pci_msix *msix;
	u64 size;
	int ret;

	if (!nvec || nvec > MSIX_MAX_VECTORS || pdev->msix)
		return -EINVAL;
	msix = calloc(1, sizeof(*msix) + nvec * sizeof(msix->vec[0]));
	if (!msix)
		return -ENOMEM;
	msix->nvec = nvec;
	pdev->msix = msix;
	ret = vectors_open(msix);
	if (ret)
		goto err_exit;
	size = bar_size(nvec, &msix->pba_off);
	ret = pci_bar_add(pdev, bar, size, PCI_BAR_MEM, &table_ops);
	if (ret)
		goto err_exit;

	cap.control = htole16(nvec - 1);
	cap.table = htole32(bar);
	cap.pba = htole32(msix->pba_off | bar);
	ret = pci_cap_add(pdev, PCI_CAP_ID_MSIX, &cap, sizeof(cap));
	if (ret < 0)
		goto err_exit;
	msix->cap = ret;
	pdev->wmask[msix->cap + PCI_MSIX_FLAGS + 1] =
		(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	pci_msix_reset(pdev);
	return 0;

err_exit:
	pci_msix_exit(pdev);
	return ret;
}

void pci_msix_reset(struct pci_device *pdev)
{
	struct pci_msix *msix = pdev->msix;
	unsigned int i;
	eventfd_t count;

	if (!msix)
		return;
	pdev->cfg[msix->cap + PCI_MSIX_FLAGS + 1] &=
		~((PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8);
	WRITE_ONCE(msix->enabled, false);
	msix->masked = false;
	for (i = 0; i < msix->nvec; i++) {
		struct msix_vector *vec = &msix->vec[i];

		vector_detach(pdev->dev.vm, vec);
		eventfd_read(vec->fd, &count);
		memset(vec->entry, 0, sizeof(vec->entry));
		vec->entry[3] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	}
}

void pci_msix_exit(struct pci_device *pdev)
{
	struct pci_msix *msix = pdev->msix;
	unsigned int i;

	if (!msix)
		return;
	for (i = 0; i < msix->nvec; i++) {
		struct msix_vector *vec = &msix->vec[i];

		vector_detach(pdev->dev.vm, vec);
		if (vec->gsi >= 0)
			irq_msi_free(pdev->dev.vm, vec->gsi);
		if (vec->fd >= 0)
			close(vec->fd);
	}
	free(msix);
	pdev->msix = NULL;
}

int pci_msix_save(struct pci_device *pdev, struct state_out *out)
{
	struct pci_msix *msix = pdev->msix;
	unsigned int i;
	char tag[24];
	int ret = state_put_u64(out, "vectors", pci_msix_nvec(pdev));

	for (i = 0; i < pci_msix_nvec(pdev) && !ret; i++) {
		const struct msix_vector *vec = &msix->vec[i];

		snprintf(tag, sizeof(tag), "v%u.entry", i);
		ret = state_put_bytes(out, tag, vec->entry,
				      sizeof(vec->entry));
		if (ret || !vector_pending(vec))
			continue;
		snprintf(tag, sizeof(tag), "v%u.pending", i);
		ret = state_put_u64(out, tag, 1);
	}
	return ret;
}

static int vector_load(struct msix_vector *vec, unsigned int i,
		       struct state_in *in)
{
	u64 pending = 0;
	char tag[24];
	int ret;

	snprintf(tag, sizeof(tag), "v%u.entry", i);
	ret = state_get_bytes(in, tag, vec->entry, sizeof(vec->entry));
	if (ret)
		return ret;
	/* Written only where there is something to say. */
	snprintf(tag, sizeof(tag), "v%u.pending", i);
	ret = state_get_u64(in, tag, &pending, 1);
	if (!ret && pending)
		eventfd_write(vec->fd, 1);
	return ret == -ENOENT ? 0 : ret;
}

int pci_msix_load(struct pci_device *pdev, struct state_in *in)
{
	struct pci_msix *msix = pdev->msix;
	unsigned int i;
	u64 nvec;
	int ret = state_get_u64(in, "vectors", &nvec, MSIX_MAX_VECTORS);

	if (!ret && nvec != pci_msix_nvec(pdev)) {
		err("the saved '%s' has %llu interrupt vectors, that of this machine %u",
		    in->name, (unsigned long long)nvec, pci_msix_nvec(pdev));
		return -EINVAL;
	}
	for (i = 0; i < pci_msix_nvec(pdev) && !ret; i++)
		ret = vector_load(&msix->vec[i], i, in);
	if (ret)
		return err_errno(ret, "saved state of '%s'", in->name);
	if (msix)
		pci_msix_cfg_written(pdev, msix->cap, 4);
	return 0;
}
