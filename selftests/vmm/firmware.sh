#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Disks that boot by themselves, through SeaBIOS: their order, reboot, qcow2, what is refused.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

[ -e /usr/share/seabios/bios-256k.bin ] || skip_all "seabios is not here"
plan 16
sector=$top/build/selftests/guest/sector

# make_boot TEXT OUT: a disk that says it.
make_boot()
{
	cp "$sector" "$2"
	printf '%s\r\n\0' "$1" | dd of="$2" bs=512 seek=1 conv=notrunc status=none
	truncate -s 1M "$2"
}

# boot [OPTION...]: a guest by firmware to its end. Returns the VMM's status.
boot()
{
	guest_command=(tarn-vmm -m 64 -cpu host -display none -serial stdio "$@")
	guest_tries=1
	launch
	await_end
}

# drive FILE ID [PROPERTIES]: sets $drive to the options of a disk.
drive()
{
	drive=(-blockdev "raw,node-name=$2,file.driver=file,file.filename=$1"
		-device "virtio-blk-pci,drive=$2${3-}")
}

make_boot "disk one" "$tmp/one.img"
make_boot "disk two" "$tmp/two.img"
make_boot "Reboots" "$tmp/reboot.img"

drive "$tmp/one.img" d
boot "${drive[@]}"
status 0 && said "^SeaBIOS\|mSeaBIOS" && said "guest: up on firmware"
ok "SeaBIOS starts a disk, and shows itself on the serial port"
said "^disk one"
ok "its BIOS reads the disk"
said "^RSD PTR"
ok "ACPI's tables are found"
# Above 16 MiB, in units of 64 KiB, without what the firmware keeps for itself.
said "^memory 02[ef]"
ok "it knows how much memory there is"

drive "$tmp/one.img" d ,bootindex=2
first=("${drive[@]}")
drive "$tmp/two.img" e ,bootindex=1
boot "${first[@]}" "${drive[@]}" -smp 3
status 0 && said "^disk two" && ! said "^disk one"
ok "the lowest bootindex is started, with several processors"

drive "$tmp/reboot.img" d
boot "${drive[@]}"
status 0 && [ "$(grep -ac "guest: up on firmware" "$tmp/out")" = 2 ]
ok "a reboot goes through it again"

qemu-img convert -f raw -O qcow2 "$tmp/one.img" "$tmp/one.qcow2" &&
	boot -device virtio-blk-pci,drive=d \
		-blockdev "qcow2,node-name=d,file.driver=file,file.filename=$tmp/one.qcow2"
status 0 && said "^disk one"
ok "so is a qcow2 image"

if [ -x "$top/build/bin/tarnctl" ]; then
	guest_command=(tarnctl run --pool none -m 64M "$tmp/one.qcow2")
	launch
	await_end
	status 0 && said "^disk one"
	ok "tarnctl run IMAGE"
else
	skip "tarnctl run IMAGE" "tarnctl is not built"
fi

# Linux, by a boot loader that reads it from a file system.
linux_disk()
{
	images 6.12-cloud
	truncate -s 64M "$tmp/linux.img"
	printf '%s\n' "SERIAL 0 115200" "DEFAULT linux" "LABEL linux" "KERNEL vmlinuz" "INITRD initrd" \
		"APPEND console=ttyS0 quiet $quick test=$1" >"$tmp/syslinux.cfg"
	mformat -i "$tmp/linux.img" -F :: &&
		mcopy -i "$tmp/linux.img" "$bzimage" ::vmlinuz &&
		mcopy -i "$tmp/linux.img" "$initrd" ::initrd &&
		mcopy -i "$tmp/linux.img" "$tmp/syslinux.cfg" :: &&
		syslinux -i "$tmp/linux.img"
}

if command -v syslinux >/dev/null && command -v mcopy >/dev/null; then
	uuid=a3e80547-eddc-4829-9735-e9a4899f6f44
	linux_disk "ls+/sys/firmware/acpi/tables;cat+/sys/class/dmi/id/product_uuid;echo+cpus+\$(nproc);dd+if=/dev/vda+of=/dev/null+bs=1M+count=8"
	drive "$tmp/linux.img" d
	boot "${drive[@]}" -m 256 -smp 2 -uuid $uuid -device virtio-rng-pci
	status 0 && said "guest: up on 6.12" && said "guest: status 0"
	ok "a boot loader starts Linux, which finds its disk"
	said "FACP" && said "APIC" && said "^cpus 2" && said "^$uuid"
	ok "it has ACPI, its processors and SMBIOS by the firmware"
else
	skip "a boot loader starts Linux, which finds its disk" "syslinux or mtools are not here"
	skip "it has ACPI, its processors and SMBIOS by the firmware" "likewise"
fi

tarn-vmm -m 64 -bios /nonexistent >"$tmp/out" 2>&1
status 1 && said "cannot open '/nonexistent'"
ok "firmware that is not there"
tarn-vmm -m 64 -bios "$tmp/one.qcow2" -kernel "$bare_kernel" >"$tmp/out" 2>&1
status 1 && said "leave -bios or -kernel out"
ok "firmware and a kernel"
# A guest that was saved has pointers into its ROM.
if command -v socat >/dev/null; then
	cp /usr/share/seabios/bios-256k.bin "$tmp/same.bin"
	cp /usr/share/seabios/bios-256k.bin "$tmp/other.bin"
	printf x | dd of="$tmp/other.bin" bs=1 seek=5000 conv=notrunc 2>/dev/null
	drive "$tmp/one.img" d
	guest_command=(tarn-vmm -m 64 -S -qmp "unix:$tmp/qmp,server=on,wait=off" "${drive[@]}")
	launch
	for ((i = 0; i < 50; i++)); do
		printf '%s\n' '{"execute":"qmp_capabilities"}' \
			'{"execute":"migrate","arguments":{"uri":"file:'"$tmp/state"'"}}' |
			socat -t 2 - "UNIX-CONNECT:$tmp/qmp" >/dev/null 2>&1 && break
		pause 0.2
	done
	for ((i = 0; i < 50; i++)); do
		printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"query-migrate"}' |
			socat -t 2 - "UNIX-CONNECT:$tmp/qmp" 2>/dev/null | grep -q '"completed"' && break
		pause 0.2
	done
	kill "$pid"
	wait "$pid"
	timeout 20 tarn-vmm -m 64 -bios "$tmp/other.bin" "${drive[@]}" -S -incoming "file:$tmp/state" \
		-qmp "unix:$tmp/qmp,server=on,wait=off" >"$tmp/out" 2>&1
	said "the saved guest has other firmware"
	ok "it is not restored with other firmware"
	timeout 20 tarn-vmm -m 64 -bios "$tmp/same.bin" "${drive[@]}" -S -incoming "file:$tmp/state" \
		-qmp "unix:$tmp/qmp,server=on,wait=off" >"$tmp/out" 2>&1 &
	pid=$!
	for ((i = 0; i < 50; i++)); do
		printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"query-status"}' |
			socat -t 2 - "UNIX-CONNECT:$tmp/qmp" 2>/dev/null | grep -q '"paused"' && break
		pause 0.2
	done
	[ "$i" -lt 50 ] && ! said "other firmware"
	ok "a copy of the same will do"
	kill "$pid"
	wait "$pid"
else
	skip "it is not restored with other firmware" "socat is not here"
	skip "a copy of the same will do" "likewise"
fi
head -c 1000 "$tmp/one.img" >"$tmp/small"
tarn-vmm -m 64 -bios "$tmp/small" >"$tmp/out" 2>&1
status 1 && said "is no firmware"
ok "a file that is none"
drive "$tmp/one.img" d ,bootindex=1
first=("${drive[@]}")
drive "$tmp/two.img" e ,bootindex=1
tarn-vmm -m 64 "${first[@]}" "${drive[@]}" >"$tmp/out" 2>&1
status 1 && said "another device has bootindex 1"
ok "one bootindex twice"
finish
