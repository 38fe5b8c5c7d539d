/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI function that the VMM drives from user space, by way of the kernel's VFIO: its
 * registers are mapped, its interrupts come as eventfds, and its DMA reaches what
 * vfio_function_map() has mapped for it and nothing else, by the host's IOMMU.
 *
 * A function has an IOMMU domain of its own (a container with one group with one
 * function in it), so what is mapped for one is not mapped for another. It is opened
 * before the sandbox is entered, after which nothing new can be; all else that is
 * declared here is possible inside it, too.
 *
 * Life: open -> (map, interrupts, enable) in any order -> use -> close. A function that
 * was opened or reset has memory space, bus mastering and interrupts off. What was
 * mapped outlives a reset, and ends with close.
 *
 * Locking: who uses a function sees to it that no two calls for it are made at once, but
 * for those that look (getters, vfio_function_bar(), vfio_function_iova_usable()) and
 * vfio_function_map() and _unmap(), which any thread may make at any time.
 *
 * Functions that return int return 0 or -errno, and report a failure by err(), in a
 * sentence that says what to do about it.
 */
#ifndef TARN_VFIO_VFIO_H
#define TARN_VFIO_VFIO_H

#include "lib/types.h"

struct vfio_function;

/* How many pieces of a BAR can be mapped apart, and how many BARs a function has. */
#define VFIO_BAR_PIECES 8
#define VFIO_BARS 6

/**
 * vfio_function_open() - take a function for this process.
 * @bdf: its address, as sysfs writes it: "0000:01:00.0"
 * @fn: the function
 *
 * It has to be bound to vfio-pci, and to be alone in its IOMMU group, bridges aside: who
 * has one of several in a group can reach the others past the IOMMU. The kernel resets it,
 * where it can.
 *
 * Return: 0; -EINVAL (@bdf is no address), -ENODEV (none there, or none with an IOMMU),
 * -EBUSY (another process has it), -EXDEV (it is not alone), -ENXIO (it has another
 * driver), -EPERM (the VMM is confined already), or another -errno; reported.
 */
int vfio_function_open(const char *bdf, struct vfio_function **fn);

/**
 * vfio_function_close() - end it: DMA, interrupts, mappings. NULL is let pass.
 *
 * The kernel resets the function. Whoever has a BAR's piece in a memory slot of KVM has
 * taken it out of there before.
 */
void vfio_function_close(struct vfio_function *fn);

/** vfio_function_name() - the address that it was opened by. */
const char *vfio_function_name(const struct vfio_function *fn);

/* What configuration space says it is; of a virtual function, too. */
u16 vfio_function_vendor(const struct vfio_function *fn);
u16 vfio_function_device(const struct vfio_function *fn);
/* Base class, subclass, programming interface: 0x010802 is NVMe. */
u32 vfio_function_class(const struct vfio_function *fn);

/**
 * vfio_function_map() - let the function reach memory of this process by DMA.
 * @iova: the address that the function uses
 * @hva: the memory, in pages of 4 KiB as @iova and @size are
 * @size: in bytes
 * @writable: by the function; otherwise it can read
 *
 * All of it is brought in and stays in, until it is unmapped, and counts against
 * RLIMIT_MEMLOCK where there is one. @hva has to be such memory as can stay in: anonymous
 * or of a memfd; files that keep track of what is written refuse it (-EFAULT). May sleep
 * for as long as that takes.
 *
 * Return: 0; -EINVAL (no pages, or no address that the IOMMU has), -EEXIST (something of it
 * is mapped already), -ENOMEM (the limit), -EFAULT, or another -errno; reported.
 */
int vfio_function_map(struct vfio_function *fn, u64 iova, void *hva, u64 size, bool writable);

/**
 * vfio_function_unmap() - undo vfio_function_map().
 *
 * @iova and @size are those of one mapping, or of several that lie side by side; none is
 * cut. When it returns, the function reaches the memory no more. -ENOENT if there was less
 * than that; what there was is unmapped.
 */
int vfio_function_unmap(struct vfio_function *fn, u64 iova, u64 size);

/** vfio_function_iova_usable() - whether the IOMMU has these addresses for us. */
bool vfio_function_iova_usable(const struct vfio_function *fn, u64 iova, u64 size);

/**
 * vfio_function_iova_end() - the first address behind the last that is usable.
 *
 * Not all below are: x86 has interrupts at 0xfee00000 to 0xfeefffff, and firmware may have
 * reserved more. U64_MAX if there is no end.
 */
u64 vfio_function_iova_end(const struct vfio_function *fn);

/**
 * struct vfio_bar_piece - a run of a BAR that is mapped.
 * @off: where in the BAR it begins; a multiple of 4 KiB, as @size is
 * @size: in bytes
 * @hva: its first byte
 */
struct vfio_bar_piece {
	u64 off;
	u64 size;
	void *hva;
};

/**
 * struct vfio_bar - a BAR, and what of it can be reached by loads and stores.
 * @size: of all of it; 0 if the function has no such BAR
 * @msix_off: where the MSI-X table begins, if it is in this BAR
 * @msix_len: its size; 0 if it is not
 * @nr: number of pieces
 * @piece: in order, none touching another
 *
 * What is in no piece is a hole: the pages of the MSI-X table, which are the kernel's to
 * write, and what it lets nobody map. A memory slot of KVM is made of a piece, never
 * across a hole, which is thereby an MMIO exit. Holes are reached by
 * vfio_function_bar_read() and _write(), where the kernel answers for the table: it reads
 * as all-ones and is not written.
 *
 * While memory space is off, who touches a piece gets SIGBUS, and a vCPU's KVM_RUN ends
 * with -EFAULT; that goes for the time of a reset, too. Pieces stay where they are until
 * vfio_function_close().
 */
struct vfio_bar {
	u64 size;
	u64 msix_off;
	u64 msix_len;
	unsigned int nr;
	struct vfio_bar_piece piece[VFIO_BAR_PIECES];
};

/** vfio_function_bar() - BAR @bar; NULL if @bar is none. It lives as long as @fn. */
const struct vfio_bar *vfio_function_bar(const struct vfio_function *fn, unsigned int bar);

/**
 * vfio_bar_ptr() - @len bytes at @off of a BAR, or NULL if one of them is in a hole.
 *
 * Registers are read and written by loads and stores of their width.
 */
volatile void *vfio_bar_ptr(const struct vfio_bar *bar, u64 off, u64 len);

/** vfio_function_bar_read() - @len bytes at @off, by the kernel; holes, too. */
int vfio_function_bar_read(struct vfio_function *fn, unsigned int bar, u64 off, void *buf,
			   size_t len);
int vfio_function_bar_write(struct vfio_function *fn, unsigned int bar, u64 off,
			    const void *buf, size_t len);

/**
 * vfio_function_config_read() - configuration space, as the kernel lets us see it.
 *
 * Return: 0, -EINVAL (it has no such bytes), or another -errno; reported.
 */
int vfio_function_config_read(struct vfio_function *fn, u32 off, void *buf, size_t len);
int vfio_function_config_write(struct vfio_function *fn, u32 off, const void *buf, size_t len);

/** vfio_function_enable() - memory space and bus mastering, on or off. */
int vfio_function_enable(struct vfio_function *fn, bool on);

/** vfio_function_vectors() - how many MSI-X vectors it has; 0: it has no MSI-X. */
unsigned int vfio_function_vectors(const struct vfio_function *fn);

/**
 * vfio_function_interrupts() - have MSI-X vectors 0 to @nr - 1 signal eventfds.
 * @eventfds: one a vector, -1 for one that is not used; the caller's to close, at any time
 * @nr: 0: MSI-X off
 *
 * Those that there were before end first, so that an interrupt may be lost in between: look
 * whether there is work afterwards. A device may look once only, when it makes a queue,
 * whether it is to interrupt for it (QEMU's NVMe does): so first this, then the queues.
 *
 * Return: 0, -EINVAL (more than there are), or another -errno; reported.
 */
int vfio_function_interrupts(struct vfio_function *fn, const int *eventfds, unsigned int nr);

/**
 * vfio_function_on_error() - an eventfd for errors of the function that PCI Express tells
 * of (AER), after which it wants a reset; -1: none any more.
 *
 * Return: 0, -EOPNOTSUPP (it is no PCI Express function), or another -errno; reported.
 */
int vfio_function_on_error(struct vfio_function *fn, int eventfd);

/** vfio_function_on_request() - likewise, for when the host wants the function back. */
int vfio_function_on_request(struct vfio_function *fn, int eventfd);

/**
 * vfio_function_reset() - stop all DMA and begin anew, as after vfio_function_open().
 *
 * Memory space, bus mastering and MSI-X are off afterwards, whether it could be reset or
 * not; eventfds of errors and requests stay.
 *
 * Return: 0; -EOPNOTSUPP (neither it nor its slot can be reset alone), or another
 * -errno; reported.
 */
int vfio_function_reset(struct vfio_function *fn);

#endif
