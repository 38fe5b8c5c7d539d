#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Domains that boot from their disk, a qcow2 image with a backing file: by virt-install, saved
# and restored.

# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
command -v virt-install >/dev/null || skip_all "virt-install is not installed"
[ -e /usr/share/seabios/bios-256k.bin ] || skip_all "seabios is not here"
command -v qemu-nbd >/dev/null || skip_all "qemu-utils is not here"
plan 8

# A disk that stands still when it has said so, and an image on top of it.
cp "$top/build/selftests/guest/sector" "$tmp/base.img"
printf 'Halted\r\n\0' | dd of="$tmp/base.img" bs=512 seek=1 conv=notrunc status=none
truncate -s 1M "$tmp/base.img"
qemu-img create -q -f qcow2 -F raw -b "$tmp/base.img" "$tmp/top.qcow2"
qemu-img create -q -f qcow2 "$tmp/late.qcow2" 1M

is()
{
	[ "$(virsh -q domstate "$1" 2>/dev/null)" = "$2" ]
}

# install NAME OPTION...: a domain of the image, with what virt-install must be told.
install()
{
	virt-install --name "$1" --memory 64 --vcpus 1 --import --osinfo linux2022 \
		--xml ./devices/emulator=$emulator --network none --noautoconsole \
		--serial "file,path=$tmp/out" --disk "path=$tmp/top.qcow2,format=qcow2,bus=virtio" \
		"${@:2}" >"$tmp/install" 2>&1
}

libvirtd_config
libvirtd_start || exit 1
: >"$tmp/out"
install disk --machine pc --cpu host-passthrough --controller usb,model=none --graphics none
status 0 && within 60 said "^Halted"
ok "virt-install --import of a qcow2 image, without a kernel"
said "guest: up on firmware" && said "RSD PTR"
ok "firmware has started it"
virsh -q domblkinfo disk vda >"$tmp/info" && grep -q "^Capacity: *1048576" "$tmp/info"
ok "libvirt knows the size of its disk"
! virsh -q attach-disk disk "$tmp/late.qcow2" vdb --driver qemu --subdriver qcow2 --live \
	>"$tmp/attach" 2>&1 && grep -q "only be opened at start-up" "$tmp/attach"
ok "a qcow2 disk that is attached later is refused, and the reason told"
virsh -q managedsave disk && is disk "shut off"
ok "it is saved"
qemu-img check -q "$tmp/top.qcow2"
ok "its image is whole, and nobody's"
virsh -q start disk && is disk running
ok "it is restored"
virsh -q destroy disk && qemu-img check -q "$tmp/top.qcow2"
ok "and ended"
virsh -q undefine disk
libvirtd_stop
finish
