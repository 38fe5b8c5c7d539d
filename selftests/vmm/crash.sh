#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Guests that crash, kernels that are none, options that do not exist.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

plan 14
images 6.12-cloud

guest "end=crash" -kernel "$elf" -device pvpanic
status 3 && said "guest crashed: its kernel panicked"
ok "a panic is reported through pvpanic, status 3"

bare "reboot=t end=reboot"
status 3 && said "guest crashed: triple fault on CPU 0, rip "
ok "a triple fault is reported with registers, status 3"

guest "end=crash panic=1" -kernel "$elf" -no-reboot
status 0 && said "Kernel panic"
ok "a panic that reboots is a reboot"

# Machine code that jumps into the void: an ELF kernel of one page.
python3 - "$tmp/wild" <<'PY'
import struct, sys
code = b"\xb8\x00\x00\x00\xd0" + b"\xff\xe0"          # jump to 0xd0000000
note = struct.pack("<III4sI", 4, 4, 18, b"Xen\0", 0x200000)
base = 64 + 2 * 56
eh = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0, 64, 0, 0,
                 64, 56, 2, 0, 0, 0)
load = struct.pack("<IIQQQQQQ", 1, 5, base + len(note), 0x200000, 0x200000,
                   len(code), 4096, 4096)
notes = struct.pack("<IIQQQQQQ", 4, 4, base, 0, 0, len(note), len(note), 4)
open(sys.argv[1], "wb").write(eh + load + notes + note + code)
PY
guest "" -kernel "$tmp/wild"
status 3 && said "guest crashed: "
ok "code outside of memory is reported, status 3"

for file in /dev/null "$0" "$initrd"; do
	guest "" -kernel "$file"
	status 1 && said "error: .*neither a bzImage"
	ok "no kernel: $(basename "$file")"
done

guest "" -kernel /nonexistent
status 1 && said "error: cannot open '/nonexistent': No such file"
ok "a missing kernel is named"

head -c 3000000 "$bzimage" >"$tmp/short"
# It may halt and not come to an end by itself.
guest_start "" -kernel "$tmp/short"
await "System halted\|guest crashed\|corrupt"
kill "$pid" 2>/dev/null
wait "$pid"
was=$?
{ [ $was = 0 ] || [ $was = 3 ]; } && said "System halted\|guest crashed\|corrupt"
ok "a bzImage cut short is the guest's failure"

guest "" -kernel "$elf" -m 16
status 1 && said "RAM are too little"
ok "too little memory is an error that says so"

guest "" -kernel "$elf" -frobnicate
status 2 && said "unknown option '-frobnicate', -help lists all"
ok "an unknown option is named"

guest "" -kernel "$elf" -device virtio-rng-pci,colour=red
status 1 && said "colour"
ok "an unknown key is named"

guest "" -kernel "$elf" -device flux-capacitor
status 1 && said "flux-capacitor"
ok "an unknown device is named"

guest "" -kernel "$elf" -device virtio-rng-pci,addr=3 \
	-device virtio-rng-pci,addr=3
status 1 && said "slot 0x3 is taken"
ok "a slot that is taken is an error"
finish
