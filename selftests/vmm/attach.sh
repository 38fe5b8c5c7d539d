#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tarn-vmm attaches its VM to memory in a pool: rings and KVM's areas are pinned
# and stay under reclaim, a reboot drops them, a successor finds none.
# shellcheck disable=SC2015 # a || b && c ends with what ok reports

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/vmm/pool.sh
. "$here/pool.sh"

plan 18
images 6.12-cloud
make_disk
debugfs -w -R "write $top/build/selftests/kmod/guest_cpuid cpuid" "$disk" >/dev/null 2>&1
debugfs -w -R "sif cpuid mode 0100755" "$disk" >/dev/null 2>&1
pool_init 384M
# Areas of the rings: of the disk a queue a CPU, of the rng one, three each.
rings='[.areas[] | select(.type == "ring" and .by == "vmm")] | length == 9'

# Commas belong to the options.
# shellcheck disable=SC2054
memory=(-machine pc,memory-backend=ram0
	-object "memory-backend-file,id=ram0,size=256M,share=on,mem-path=$pool/g")
# shellcheck disable=SC2054
options=(-kernel "$elf" -smp 2 "${memory[@]}" -device virtio-rng-pci
	-device virtio-blk-pci,drive=d -blockdev "file,node-name=f,filename=$disk"
	-blockdev raw,node-name=d,file=f)

# end_guest: and the file that stays.
end_guest()
{
	kill "$pid"
	wait "$pid"
	status 0
	pid=
}

truncate -s 256M "$pool/g"
guest_start "end=halt disk=/dev/vda test=/cpuid" "${options[@]}"
await "guest: status"
await_pins g .attached
ok "the VM is attached"

await_pins g "$rings and all(.pinned and .critical)"
ok "the rings of its queues are areas and pinned"

await_pins g '[.areas[] | select(.by == "kvm").type] | unique |
	contains(["clock", "steal", "async-fault", "eoi"])'
ok "what the guest told KVM is, too"

said "cpuid 0x40000100 max 0x40000101 features 0x[1-9a-f]* base 0x54410000"
ok "CPUID tells the guest"

# Under reclaim that gives up all it can, areas have their frames.
bad=0
for _ in 1 2 3 4 5; do
	tarnctl partition page-out "$pool/g" >/dev/null
	n=$(not_resident g all)
	[ "$n" = 0 ] || bad=$((bad + 1))
done
[ $bad = 0 ] && pins g 'all(.areas[]; .pinned) and .pinned_pages > 0'
ok "no page of an area is paged out"

pinned=$(jq .pinned_pages "$tmp/pins")
[ "$pinned" = "$(area_pages g all | wc -l)" ] && pins g '.pinned_pages < .quota_pages'
ok "a page of several areas counts once"

# Without pins the same pages go.
tarnctl pool pins "$pool" ring=never clock=never steal=never async-fault=never eoi=never
pins g '.pinned_pages == 0 and (.areas | length > 6) and all(.areas[]; .pinned | not)'
ok "by a policy of never nothing is pinned"
gone=0
for _ in {1..20}; do
	tarnctl partition page-out "$pool/g" >/dev/null
	gone=$(not_resident g ring)
	[ "$gone" = 0 ] || break
done
[ "$gone" -gt 0 ]
ok "and rings are paged out"
tarnctl pool pins "$pool" ring=critical clock=critical steal=critical \
	async-fault=critical eoi=critical
await_pins g 'all(.areas[]; .pinned)' && [ "$(not_resident g all)" = 0 ]
ok "what is to be pinned again comes back"

# The VMM is killed: nothing of it stays, and the next one need not wait. That guest
# reboots when somebody presses its power button.
old=$(areas vmm | sort -n | tail -n 1)
kill -9 "$pid"
wait "$pid" 2>/dev/null
button=/sys/firmware/acpi/interrupts/ff_pwr_btn
once="[+-e+/twice+]&&echo+second&&sleep+1000;touch+/twice"
guest_start "disk=/dev/vda end=reboot test=$once;while+grep+-q+'^+*0+'+$button;do+sleep+1;done" \
	"${options[@]}"
await "guest: up"
ok "after a kill the next guest starts at once"
await_pins g "$rings and all(.handle > $old)"
ok "and has no areas of its predecessor"
first=$(jq '[.areas[].handle] | max' "$tmp/pins")
kill -PWR "$pid"
await second
await_pins g "$rings and all(.handle > $first)"
ok "a reboot registers the rings anew"
await_pins g ".attached and ([.areas[] | select(.by == \"kvm\")] |
	length >= 6 and all(.handle > $first))"
ok "and what KVM knows"
end_guest
await_pins g '(.attached | not) and .areas == []'
ok "the end of a guest drops all"

# What a guest is told, any guest can tell.
bare_start "cpuid end=halt" "${memory[@]}" -machine tarn=off
await "guest: status" && pins g '(.attached | not) and .areas == []' && said "cpuid none"
ok "-machine tarn=off"
end_guest

bare_start "cpuid end=halt" "${memory[@]}" -machine tarn=on -cpu host,tarn=off
await "guest: status" && pins g .attached && said "cpuid none"
ok "-cpu host,tarn=off"

running=$pid
bare "" "${memory[@]}" -machine tarn=on
status 1 && said "another guest"
ok "memory of a running guest is refused"
pid=$running
end_guest

bare_start "end=halt" -smp 2 \
	-object "memory-backend-file,id=r0,size=128M,share=on,mem-path=$pool/n0" \
	-object "memory-backend-file,id=r1,size=128M,share=on,mem-path=$pool/n1" \
	-numa node,cpus=0,memdev=r0 -numa node,cpus=1,memdev=r1
await "guest: up" && pins n0 .attached && pins n1 .attached
ok "two memory backends are two partitions"
end_guest
finish
