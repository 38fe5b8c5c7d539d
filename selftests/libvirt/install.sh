#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# virt-install makes a domain of a disk image and a kernel; virsh console speaks
# with it.

# shellcheck disable=SC2034 # the variables set here describe domains
# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
command -v virt-install >/dev/null || skip_all "virt-install is not installed"
plan 4

images 6.12-cloud
make_disk
libvirtd_config
libvirtd_start || exit 1
# A shell on the console, that answers. Who hangs up may leave an end of file behind.
line="console=ttyS0 quiet test=while+:;do+read+w&&echo+heard+\$w.;done</dev/ttyS0"
virt-install --name made --memory 256 --vcpus 1 --import --osinfo linux2022 \
	--disk "path=$disk,format=raw,bus=virtio" --network none --graphics none \
	--controller usb,model=none --machine pc --cpu host-passthrough --noautoconsole \
	--boot "kernel=$bzimage,initrd=$initrd,kernel_args=\"$line\"" \
	--xml ./devices/emulator=$emulator >"$tmp/install" 2>&1
status 0 && state_is made running
ok "virt-install --import --boot kernel="
sed 's/^/# /' "$tmp/install"
[ -s "$tmp/install" ] && tail -n 40 /var/log/libvirt/qemu/made.log | sed 's/^/# /'

tells 'rng' virsh -q dumpxml made && grep -q 'org.qemu.guest_agent.0' <<<"$told"
ok "it has what virt-install gives a Linux guest"

# A terminal is needed; what is typed comes back with a word in front.
talk()
{
	(sleep 3; echo hello; sleep 3; printf '\035') |
		timeout 30 script -qec "virsh console made --force" /dev/null >"$tmp/console"
	grep -aq 'heard hello' "$tmp/console"
}
within 240 talk
ok "virsh console"
virsh -q destroy made && virsh -q undefine made
ok "destroy and undefine"
libvirtd_stop
finish
