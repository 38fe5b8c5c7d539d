#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What virsh tells about a running domain, and pinning its threads.

# shellcheck disable=SC2034 # the variables set here describe domains
# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
plan 13

vcpus=2
extra_devices="<interface type='ethernet'><mac address='52:54:00:11:22:33'/>
	<target dev='tarntap0'/><model type='virtio'/></interface>"
set_up look
ok "a domain with two vCPUs, a disk and a card runs"
pid=$(cat /run/libvirt/qemu/look.pid)

tells '^CPU(s): *2$' virsh dominfo look && grep -q '^Used memory: *262144 KiB' <<<"$told"
ok "dominfo"

virsh domstats look >"$tmp/stats"
grep -q 'state.state=1' "$tmp/stats" && grep -q 'balloon.current=262144' "$tmp/stats" &&
	grep -q 'vcpu.current=2' "$tmp/stats" && grep -q 'block.0.rd.reqs=' "$tmp/stats"
ok "domstats"

full_stats()
{
	virsh dommemstat look >"$tmp/mem"
	for field in actual swap_in swap_out major_fault minor_fault unused available usable \
		last_update disk_caches rss; do
		grep -q "^$field [0-9]" "$tmp/mem" || return 1
	done
	[ "$(awk '/^available/ { print $2 }' "$tmp/mem")" -gt 100000 ]
}
within 60 full_stats
ok "dommemstat tells all that the guest's balloon does"

virsh vcpuinfo look >"$tmp/vcpu"
[ "$(grep -c '^State: *running' "$tmp/vcpu")" = 2 ]
ok "vcpuinfo"
grep -qx 'CPU 0/KVM' /proc/"$pid"/task/*/comm && grep -qx 'CPU 1/KVM' /proc/"$pid"/task/*/comm
ok "threads of vCPUs have the names that libvirt gives them"

virsh -q vcpupin look 1 0 --live && tells '^ *1 *0' virsh -q vcpupin look
ok "vcpupin"
virsh -q emulatorpin look 0 --live && tells '0' virsh -q emulatorpin look
ok "emulatorpin"
tid=$(grep -lx 'IO iothread1' /proc/"$pid"/task/*/comm | grep -o 'task/[0-9]*')
tells '^ *1 *0' virsh -q iothreadinfo look && [ -n "$tid" ]
ok "iothreadinfo"

virsh domblkstat look vda >"$tmp/blk"
[ "$(awk '/rd_bytes/ { print $3 }' "$tmp/blk")" -gt 0 ] && grep -q 'rd_total_times' "$tmp/blk"
ok "domblkstat counts what the guest read"
tells '^Capacity: *67108864' virsh -q domblkinfo look vda
ok "domblkinfo"

tells 'tarntap0 *ethernet .*52:54:00:11:22:33' virsh -q domiflist look
ok "domiflist"
ip link set tarntap0 up
tells 'rx_bytes [0-9]' virsh -q domifstat look tarntap0
ok "domifstat"

virsh -q destroy look
libvirtd_stop
finish
