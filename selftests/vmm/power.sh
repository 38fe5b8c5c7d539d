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

# The second time, it waits for its button, then powers off.
button=/sys/firmware/acpi/interrupts/ff_pwr_btn
wait="echo+ready;while+grep+-q+'^+*0+'+$button;do+sleep+1;done;cat+$button&&echo+pressed"
guest_start "disk=/dev/vda end=reboot test=if+[+-e+/twice+];then+$wait;poweroff+-f;fi;touch+/twice" \
	-kernel "$elf" "${drive[@]}"
await ready && [ "$(grep -ac 'guest: up' "$tmp/out")" = 2 ]
ok "a reboot starts the kernel again with its devices"
kill -PWR "$pid"
await_end
was=$?
[ $was = 0 ] && said "^pressed"
ok "SIGPWR presses the power button"
[ $was = 0 ] && said "Power down" && [ "$(grep -ac 'guest: up' "$tmp/out")" = 2 ]
ok "power-off ends with status 0"

# The rest is about the machine, and any guest will do.
bare "end=reboot" -no-reboot -smp 2 &&
	[ "$(grep -ac 'guest: up' "$tmp/out")" = 1 ]
ok "-no-reboot ends with status 0"

bare_start "reboot=k end=reboot"
while [ "$(grep -ac 'guest: up' "$tmp/out")" -lt 2 ] && runs; do
	pause 0.2
done
kill "$pid"
wait "$pid"
status 0 && [ "$(grep -ac 'guest: up' "$tmp/out")" -ge 2 ]
ok "a reboot through the keyboard controller"

bare_start "end=halt" -pidfile "$tmp/pid"
await "guest: up" && [ "$(cat "$tmp/pid")" = "$pid" ]
ok "-pidfile holds the process id"
kill "$pid"
wait "$pid"
status 0
ok "SIGTERM ends a running guest with status 0"
[ ! -e "$tmp/pid" ]
ok "the pidfile goes away"

bare_start "" -S -pidfile "$tmp/pid"
while [ ! -s "$tmp/pid" ] && kill -0 "$pid"; do sleep 0.1; done
kill "$pid"
wait "$pid"
status 0 && [ ! -s "$tmp/out" ]
ok "-S runs nothing"

bare_start "" -no-shutdown
await "Power down" && kill -0 "$pid" && kill "$pid" && wait "$pid"
ok "-no-shutdown stays until it is told to end"

tarn-vmm -m 256 -cpu host -kernel "$bare_kernel" -append "end=halt" \
	-daemonize -pidfile "$tmp/pid" -serial "file:$tmp/serial" -display none >"$tmp/out" 2>&1 </dev/null &&
	kill -0 "$(cat "$tmp/pid")"
ok "-daemonize returns when the guest runs"

pid=$(cat "$tmp/pid")
while ! grep -aq "guest: up" "$tmp/serial" && kill -0 "$pid"; do sleep 0.1; done
kill "$pid"
while [ -e "/proc/$pid" ]; do sleep 0.1; done
grep -aq "guest: up" "$tmp/serial" && [ ! -e "$tmp/pid" ]
ok "the daemon runs the guest and ends on SIGTERM"
finish
