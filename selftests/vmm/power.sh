#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Reboot, power-off, the power button, signals, -S, -pidfile and -daemonize.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

plan 12
images 6.12-cloud
make_disk
# Commas belong to the options.
# shellcheck disable=SC2054
drive=(-device virtio-blk-pci,drive=d
	-blockdev "file,node-name=f,filename=$disk"
	-blockdev raw,node-name=d,file=f)

guest "disk=/dev/vda end=reboot test=[+-e+/twice+]&&poweroff+-f;touch+/twice" \
	-kernel "$elf" "${drive[@]}" &&
	[ "$(grep -ac 'guest: up' "$tmp/out")" = 2 ]
ok "a reboot starts the kernel again with its devices"

guest "end=reboot" -kernel "$elf" -no-reboot -smp 2 &&
	[ "$(grep -ac 'guest: up' "$tmp/out")" = 1 ]
ok "-no-reboot ends with status 0"

guest_start "reboot=k end=reboot" -kernel "$elf"
n=0
while [ "$(grep -ac 'guest: up' "$tmp/out")" -lt 2 ] && kill -0 "$pid"; do
	sleep 0.2
	n=$((n + 1))
done
kill "$pid"
wait "$pid"
status 0 && [ "$(grep -ac 'guest: up' "$tmp/out")" -ge 2 ]
ok "a reboot through the keyboard controller"

guest "" -kernel "$elf" && said "Power down"
ok "power-off ends with status 0"

button=/sys/firmware/acpi/interrupts/ff_pwr_btn
guest_start "test=echo+ready;while+grep+-q+'^+*0+'+$button;do+sleep+1;done;cat+$button" \
	-kernel "$elf"
await ready && kill -PWR "$pid" && wait "$pid" && said "guest: status 0"
ok "SIGPWR presses the power button"

guest_start "end=halt" -kernel "$elf" -pidfile "$tmp/pid"
await "guest: up" && [ "$(cat "$tmp/pid")" = "$pid" ]
ok "-pidfile holds the process id"
kill "$pid"
wait "$pid"
status 0
ok "SIGTERM ends a running guest with status 0"
[ ! -e "$tmp/pid" ]
ok "the pidfile goes away"

guest_start "" -kernel "$elf" -S -pidfile "$tmp/pid"
while [ ! -s "$tmp/pid" ] && kill -0 "$pid"; do sleep 0.1; done
kill "$pid"
wait "$pid"
status 0 && [ ! -s "$tmp/out" ]
ok "-S runs nothing"

guest_start "" -kernel "$elf" -no-shutdown
await "Power down" && kill -0 "$pid" && kill "$pid" && wait "$pid"
ok "-no-shutdown stays until it is told to end"

tarn-vmm -m 256 -cpu host -kernel "$elf" -initrd "$initrd" -daemonize \
	-append "console=ttyS0 quiet end=halt" -pidfile "$tmp/pid" \
	-serial "file:$tmp/serial" -display none >"$tmp/out" 2>&1 </dev/null &&
	kill -0 "$(cat "$tmp/pid")"
ok "-daemonize returns when the guest runs"

pid=$(cat "$tmp/pid")
while ! grep -aq "guest: up" "$tmp/serial" && kill -0 "$pid"; do sleep 0.1; done
kill "$pid"
while [ -e "/proc/$pid" ]; do sleep 0.1; done
grep -aq "guest: up" "$tmp/serial" && [ ! -e "$tmp/pid" ]
ok "the daemon runs the guest and ends on SIGTERM"
finish
