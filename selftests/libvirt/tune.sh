#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Limits and placement of a domain act on the VMM as on any emulator: memtune,
# cputune, numatune, memoryBacking.

# shellcheck disable=SC2034 # the variables set here describe domains
# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
plan 8

controllers='"cpu", "memory", "cpuset"'
vcpus=1
extra="<memtune><hard_limit unit='MiB'>700</hard_limit>
	<soft_limit unit='MiB'>600</soft_limit></memtune>
	<cputune><shares>2048</shares></cputune>
	<numatune><memory mode='strict' nodeset='0'/></numatune>
	<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
set_up tuned
ok "a domain with limits runs"
pid=$(cat /run/libvirt/qemu/tuned.pid)
group=$(find /sys/fs/cgroup -path '*machine*tuned*' -name memory.max | head -n 1)
group=${group%/memory.max}
echo "# $group"

[ "$(cat "$group/memory.max")" = $((700 << 20)) ]
ok "memtune hard_limit"
[ "$(cat "$group/memory.high")" = $((600 << 20)) ]
ok "memtune soft_limit"
[ "$(cat "$group/cpu.weight")" = 2048 ]
ok "cputune shares"
tells 'mode.*strict' virsh -q numatune tuned && grep -q 'bind:0' "/proc/$pid/numa_maps"
ok "numatune: the guest's memory is bound"
grep -q 'memfd:.*ram' "/proc/$pid/maps"
ok "memoryBacking: it is a memfd"
virsh -q memtune tuned --hard-limit 800M --live && virsh -q schedinfo tuned --live cpu_shares=512 &&
	[ "$(cat "$group/memory.max")" = $((800 << 20)) ] && [ "$(cat "$group/cpu.weight")" = 512 ]
ok "both change while it runs"
virsh -q destroy tuned && ! [ -e "$group" ]
ok "nothing is left"
libvirtd_stop
finish
