#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Where guest memory comes from, and what the VMM itself takes.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

plan 8
images 6.12-cloud
mkdir -p "$tmp/mem"
ram="-machine pc,memory-backend=ram0"

# Words are wanted.
# shellcheck disable=SC2086
{
	guest "" -kernel "$elf" $ram \
		-object memory-backend-memfd,id=ram0,size=256M &&
		said "guest: up"
	ok "memfd"

	guest "" -kernel "$elf" $ram -object \
		"memory-backend-file,id=ram0,size=256M,mem-path=$tmp/mem,share=on" &&
		said "guest: up" && [ -z "$(ls -A "$tmp/mem")" ]
	ok "a file in a directory, which leaves no name"

	guest "" -kernel "$elf" $ram -object \
		"memory-backend-file,id=ram0,size=256M,mem-path=$tmp/mem/a,share=on" &&
		said "guest: up" && [ ! -e "$tmp/mem/a" ]
	ok "a file that was made goes away"

	truncate -s 256M "$tmp/mem/b"
	guest "" -kernel "$elf" $ram -object \
		"memory-backend-file,id=ram0,size=256M,mem-path=$tmp/mem/b,share=on" &&
		grep -aq "Linux version 6.12" "$tmp/mem/b"
	ok "a file that was there holds the guest's memory"

	truncate -s 128M "$tmp/mem/c"
	guest "" -kernel "$elf" $ram -object \
		"memory-backend-file,id=ram0,size=256M,mem-path=$tmp/mem/c,share=on"
	status 1 && said "smaller"
	ok "a file that is too small is refused"

	guest "" -kernel "$elf" $ram \
		-object memory-backend-memfd,id=ram0,size=200M
	status 1 && said "ram0"
	ok "a size that is not that of -m is refused"
}

guest "test=grep+MemTotal+/proc/meminfo;tail+-n+20+/proc/iomem" -kernel "$elf" \
	-m 3500 && said "100000000-11abfffff : System RAM"
ok "memory goes on above 4 GiB"

# All that is private to the process but the guest's RAM.
make_disk
guest_start "end=halt disk=/dev/vda" -kernel "$elf" -smp 2 \
	-object iothread,id=io0 -blockdev "file,node-name=f,filename=$disk" \
	-blockdev raw,node-name=d,file=f \
	-device virtio-blk-pci,drive=d,iothread=io0 -device virtio-balloon-pci \
	-device virtio-rng-pci
await "guest: up"
private=$(python3 - "/proc/$pid/smaps" <<'PY'
import re, sys
skip, kib = False, 0
for line in open(sys.argv[1]):
    area = re.match("([0-9a-f]+)-([0-9a-f]+) ", line)
    if area:
        skip = int(area[2], 16) - int(area[1], 16) >= 256 << 20
    elif line.startswith(("Private_Clean:", "Private_Dirty:")) and not skip:
        kib += int(line.split()[1])
print(kib)
PY
)
echo "# $private KiB are private to the VMM"
kill "$pid"
wait "$pid"
[ "$private" -gt 0 ] && [ "$private" -le 8192 ]
ok "the VMM itself takes at most 8 MiB"
finish
