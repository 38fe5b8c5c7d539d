// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space and BARs by way of the kernel, which lets us see and change of them
 * what is safe: MSI-X, addresses and links are its own.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <unistd.h>

#include "error.h"
#include "vfio/function.h"

static int check(const struct vfio_function *fn, const struct vfio_region *region,
		 const char *name, u64 off, size_t len)
{
	if (len && len <= region->size && off <= region->size - len)
		return 0;
	err("%s has no %zu bytes at %llx of %s", fn->bdf, len, (unsigned long long)off, name);
	return -EINVAL;
}

/* All of it or nothing: what is cut short was not done as it was meant. */
static int outcome(const struct vfio_function *fn, ssize_t n, const char *name, u64 off,
		   size_t len)
{
	int ret = -EIO;

	if (n >= 0 && (size_t)n == len)
		return 0;
	if (n < 0)
		ret = -errno;
	return err_errno(ret, "%s: no access to %zu bytes at %llx of %s", fn->bdf, len,
			 (unsigned long long)off, name);
}

static int read_region(struct vfio_function *fn, const struct vfio_region *region,
		       const char *name, u64 off, void *buf, size_t len)
{
	int ret = check(fn, region, name, off, len);

	if (ret)
		return ret;
	return outcome(fn, pread(fn->device, buf, len, region->offset + off), name, off, len);
}

static int write_region(struct vfio_function *fn, const struct vfio_region *region,
			const char *name, u64 off, const void *buf, size_t len)
{
	int ret = check(fn, region, name, off, len);

	if (ret)
		return ret;
	return outcome(fn, pwrite(fn->device, buf, len, region->offset + off), name, off, len);
}

int vfio_function_config_read(struct vfio_function *fn, u32 off, void *buf, size_t len)
{
	return read_region(fn, &fn->config, "configuration space", off, buf, len);
}

int vfio_function_config_write(struct vfio_function *fn, u32 off, const void *buf, size_t len)
{
	return write_region(fn, &fn->config, "configuration space", off, buf, len);
}

int vfio_function_bar_read(struct vfio_function *fn, unsigned int bar, u64 off, void *buf,
			   size_t len)
{
	static const struct vfio_region none;

	return read_region(fn, bar < VFIO_BARS ? &fn->bar_region[bar] : &none, "its BAR", off,
			   buf, len);
}

int vfio_function_bar_write(struct vfio_function *fn, unsigned int bar, u64 off,
			    const void *buf, size_t len)
{
	static const struct vfio_region none;

	return write_region(fn, bar < VFIO_BARS ? &fn->bar_region[bar] : &none, "its BAR", off,
			    buf, len);
}

int vfio_function_enable(struct vfio_function *fn, bool on)
{
	const u16 both = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	u16 command;
	int ret;

	ret = vfio_function_config_read(fn, PCI_COMMAND, &command, sizeof(command));
	if (ret)
		return ret;
	command = le16toh(command);
	command = htole16(on ? command | both : command & ~both);
	ret = vfio_function_config_write(fn, PCI_COMMAND, &command, sizeof(command));
	if (!ret)
		ret = vfio_function_config_read(fn, PCI_COMMAND, &command, sizeof(command));
	if (ret)
		return ret;
	command = le16toh(command);
	/* One that is gone from its bus reads as all-ones. */
	if (command == 0xffff || (on && (command & both) != both)) {
		err("%s does not answer: its command register is %04x", fn->bdf, command);
		return -EIO;
	}
	return 0;
}
