#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's cloud kernels reach user space, by both entries, from both kinds of root.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

plan 9

for kernel in 6.1-cloud 6.12-cloud; do
	images "$kernel"
	make_disk

	guest "" -kernel "$bzimage" && said "guest: up on ${kernel%-cloud}"
	ok "$kernel: bzImage, initramfs"

	guest "" -kernel "$elf" && said "guest: up on ${kernel%-cloud}"
	ok "$kernel: ELF by PVH, initramfs"

	guest "disk=/dev/vda test=grep+vda+/proc/mounts;echo+kept>/mark;sync" \
		-kernel "$bzimage" -device virtio-blk-pci,drive=d \
		-blockdev "file,node-name=f,filename=$disk" \
		-blockdev raw,node-name=d,file=f && said "guest: status 0"
	ok "$kernel: ext4 on virtio-blk"

	guest "disk=/dev/vda test=grep+kept+/mark" -kernel "$elf" \
		-object iothread,id=io0 \
		-device virtio-blk-pci,drive=d,iothread=io0 \
		-blockdev "file,node-name=f,filename=$disk" \
		-blockdev raw,node-name=d,file=f && said "guest: status 0"
	ok "$kernel: the same disk again, on an iothread"
done

uuid=a3e80547-eddc-4829-9735-e9a4899f6f44
dmi=/sys/class/dmi/id
guest "test=cat+$dmi/product_uuid+$dmi/sys_vendor" -kernel "$elf" -uuid $uuid &&
	said $uuid && said Tarn
ok "the machine's UUID"
finish
