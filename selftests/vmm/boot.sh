#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's cloud kernels reach user space, by both entries, from both kinds of root.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

plan 9
uuid=a3e80547-eddc-4829-9735-e9a4899f6f44
dmi=/sys/class/dmi/id

# The kernel has come to both roots.
up()
{
	said "guest: initramfs on ${kernel%-cloud}" && said "guest: up on ${kernel%-cloud}"
}

for kernel in 6.1-cloud 6.12-cloud; do
	images "$kernel"
	make_disk

	# As it comes, with all that it does when nobody tells it not to.
	quick='' guest "disk=/dev/vda test=grep+vda+/proc/mounts;echo+kept>/mark;sync" \
		-kernel "$bzimage" -device virtio-blk-pci,drive=d \
		-blockdev "file,node-name=f,filename=$disk" \
		-blockdev raw,node-name=d,file=f
	was=$?
	[ $was = 0 ] && up
	ok "$kernel: bzImage, initramfs"
	[ $was = 0 ] && said "guest: status 0" && said "^/dev/vda / ext4"
	ok "$kernel: ext4 on virtio-blk"

	guest "disk=/dev/vda test=cat+$dmi/product_uuid+$dmi/sys_vendor;grep+kept+/mark" \
		-kernel "$elf" -uuid $uuid -object iothread,id=io0 \
		-device virtio-blk-pci,drive=d,iothread=io0 \
		-blockdev "file,node-name=f,filename=$disk" \
		-blockdev raw,node-name=d,file=f
	was=$?
	[ $was = 0 ] && up
	ok "$kernel: ELF by PVH, initramfs"
	[ $was = 0 ] && said "guest: status 0" && said "^kept"
	ok "$kernel: the same disk again, on an iothread"
done
[ "$was" = 0 ] && said "^$uuid" && said "^Tarn"
ok "the machine's UUID"
finish
