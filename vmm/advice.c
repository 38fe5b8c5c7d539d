// SPDX-License-Identifier: GPL-2.0-only
/* See advice.h. */
#include <string.h>

#include "advice.h"
#include "lib/types.h"

#define NO_GRAPHICS                                                            \
	"there are no graphics: for virt-install, --graphics none --video none; for libvirt, no <graphics> and <video>"
#define NO_USB                                                                 \
	"there is no USB: for virt-install, --controller usb,model=none; for libvirt, <controller type='usb' model='none'/> and no <input bus='usb'>"
#define NO_SOUND "there is no sound: for virt-install, --sound none"
#define NO_BUS                                                                 \
	"disks are virtio: for virt-install, --disk ...,bus=virtio; for libvirt, <target bus='virtio'/>"
#define NO_NIC                                                                 \
	"network cards are virtio: for virt-install, --network ...,model=virtio; for libvirt, <model type='virtio'/>"
#define ONE_BUS                                                                \
	"the machine has one PCI bus: for virt-install, --machine pc; for libvirt, machine='pc' and no <controller type='pci'>"
#define WITH_NODES "disks are given by -blockdev and -device virtio-blk-pci"

/** struct advice - names that begin like @prefix, and the sentence. */
struct advice {
	enum advice_kind kind;
	const char *prefix;
	const char *text;
};

static const struct advice advices[] = {
	{ADVICE_OPTION, "vnc", NO_GRAPHICS},
	{ADVICE_OPTION, "spice", NO_GRAPHICS},
	{ADVICE_OPTION, "sdl", NO_GRAPHICS},
	{ADVICE_OPTION, "usb", NO_USB},
	{ADVICE_OPTION, "drive", WITH_NODES},
	{ADVICE_OPTION, "hd", WITH_NODES},
	{ADVICE_OPTION, "cdrom", WITH_NODES},
	{ADVICE_OPTION, "fd", WITH_NODES},
	{ADVICE_OPTION, "net", "network cards are given by -netdev and -device virtio-net-pci"},
	{ADVICE_OPTION, "nic", "network cards are given by -netdev and -device virtio-net-pci"},
	{ADVICE_OPTION, "pflash", "there is no UEFI firmware: for virt-install, leave --boot uefi out"},
	{ADVICE_OPTION, "smbios", "SMBIOS cannot be set: for virt-install, leave --sysinfo out; for libvirt, <sysinfo>"},
	{ADVICE_OPTION, "monitor", "there is no monitor for people: -qmp is one for programs"},
	{ADVICE_OPTION, "virtfs", "there are no shared directories"},
	{ADVICE_OPTION, "fsdev", "there are no shared directories"},
	{ADVICE_OPTION, "tpmdev", "there is no TPM: for virt-install, --tpm none"},
	{ADVICE_OPTION, "watchdog", "there is no watchdog: for virt-install, --watchdog none"},
	{ADVICE_DEVICE, "usb-", NO_USB},
	{ADVICE_DEVICE, "qemu-xhci", NO_USB},
	{ADVICE_DEVICE, "nec-usb", NO_USB},
	{ADVICE_DEVICE, "piix3-usb", NO_USB},
	{ADVICE_DEVICE, "piix4-usb", NO_USB},
	{ADVICE_DEVICE, "ich9-usb", NO_USB},
	{ADVICE_DEVICE, "VGA", NO_GRAPHICS},
	{ADVICE_DEVICE, "cirrus-vga", NO_GRAPHICS},
	{ADVICE_DEVICE, "qxl", NO_GRAPHICS},
	{ADVICE_DEVICE, "virtio-vga", NO_GRAPHICS},
	{ADVICE_DEVICE, "virtio-gpu", NO_GRAPHICS},
	{ADVICE_DEVICE, "bochs-display", NO_GRAPHICS},
	{ADVICE_DEVICE, "ramfb", NO_GRAPHICS},
	{ADVICE_DEVICE, "virtio-tablet", NO_GRAPHICS},
	{ADVICE_DEVICE, "virtio-keyboard", NO_GRAPHICS},
	{ADVICE_DEVICE, "virtio-mouse", NO_GRAPHICS},
	{ADVICE_DEVICE, "intel-hda", NO_SOUND},
	{ADVICE_DEVICE, "ich9-intel-hda", NO_SOUND},
	{ADVICE_DEVICE, "hda-", NO_SOUND},
	{ADVICE_DEVICE, "AC97", NO_SOUND},
	{ADVICE_DEVICE, "ide-", NO_BUS},
	{ADVICE_DEVICE, "ahci", NO_BUS},
	{ADVICE_DEVICE, "ich9-ahci", NO_BUS},
	{ADVICE_DEVICE, "scsi-", NO_BUS},
	{ADVICE_DEVICE, "virtio-scsi", NO_BUS},
	{ADVICE_DEVICE, "lsi", NO_BUS},
	{ADVICE_DEVICE, "nvme", NO_BUS},
	{ADVICE_DEVICE, "e1000", NO_NIC},
	{ADVICE_DEVICE, "rtl8139", NO_NIC},
	{ADVICE_DEVICE, "pcie-", ONE_BUS},
	{ADVICE_DEVICE, "pci-bridge", ONE_BUS},
	{ADVICE_DEVICE, "i82801b11", ONE_BUS},
	{ADVICE_DEVICE, "tpm-", "there is no TPM: for virt-install, --tpm none"},
	{ADVICE_DEVICE, "i6300esb", "there is no watchdog: for virt-install, --watchdog none"},
	{ADVICE_DEVICE, "ib700", "there is no watchdog: for virt-install, --watchdog none"},
	{ADVICE_MACHINE, "q35", "the only machine is pc: for virt-install, --machine pc; for libvirt, <type machine='pc'>"},
	{ADVICE_MACHINE, "pc-", "the only machine is pc: for virt-install, --machine pc; for libvirt, <type machine='pc'>"},
	{ADVICE_MACHINE, "microvm", "the only machine is pc"},
	{ADVICE_CPU, "", "the only processor is that of the host: for virt-install, --cpu host-passthrough; for libvirt, <cpu mode='host-passthrough'/>"},
};

const char *advice_find(enum advice_kind kind, const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].kind == kind &&
		    !strncmp(name, advices[i].prefix,
			     strlen(advices[i].prefix)))
			return advices[i].text;
	return NULL;
}
