#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vCPUs of stock QEMU under libvirtd come to be where their memory is at home, by the
# listener and by tarn-balanced, one at a time; what libvirt itself says of processors and
# nodes holds. The guests are paused: their threads are there, and may be put anywhere.
# shellcheck disable=SC2317 # functions are called by until_true

# shellcheck source=selftests/libvirt/host-lib.sh
. "$(dirname "$0")/host-lib.sh"
domain=db
balanced=

[ -e /sys/devices/system/node/node1 ] || skip_all "needs two NUMA nodes"
plan 20
mkdir -p "$pool"
mount -t tarnfs -o size=64M,mode=0755,paging=none tarn "$pool" || skip_all "no tarnfs"
homes_exit()
{
	[ -z "$balanced" ] || kill -9 "$balanced" 2>/dev/null
	host_exit
}
trap homes_exit EXIT
libvirt_init /run/tarn/domains

cpus_of()
{
	cat "/sys/devices/system/node/node$1/cpulist"
}

# define SETTINGS [SED]: a domain with two vCPUs, which has no kernel.
define()
{
	awk -v new="<tarn:partition xmlns:tarn='urn:tarn:partition:1' pool='pool0'>$1</tarn:partition>" '
		/<tarn:partition/ { print new; skip = 1 }
		!skip { print }
		/<\/tarn:partition>/ { skip = 0 }' "$top/Examples/qemu.xml" |
		sed -e '/<kernel>/d;/<initrd>/d;/<cmdline>/d' -e 's|<vcpu>1|<vcpu>2|' \
			-e "${2-}" >"$tmp/x.xml"
	virsh -q define "$tmp/x.xml" >"$tmp/out" 2>&1
}

# masks: where each vCPU may run.
masks()
{
	local task

	for task in /proc/"$(cat /run/libvirt/qemu/db.pid)"/task/*; do
		grep -q '^CPU' "$task/comm" || continue
		echo "$(cat "$task/comm"): $(sed -n 's/^Cpus_allowed_list:\t//p' "$task/status")"
	done >"$tmp/out" 2>&1
}

# on CPUS: all of them, there and nowhere else.
on()
{
	masks && [ "$(grep -c ": $1\$" "$tmp/out")" = 2 ]
}

home()
{
	tarnctl partition set "$file" --home "$@" >"$tmp/out" 2>&1
}

# at FILE LIST: its homes, in JSON.
at()
{
	tarnctl partition show --json "$1" >"$tmp/out" 2>&1 &&
		[ "$(jq -c '[.nodes[] | select(.home).node]' "$tmp/out")" = "$2" ]
}

listen
ok "the listener listens"
define "<tarn:home nodes='1' dispatch='strict'/>" && virsh -q start db --paused >"$tmp/out" 2>&1
ok "a domain is started"
file=$(find "$pool/domains" -name pc.ram)
until_true on "$(cpus_of 1)"
ok "its vCPUs come to where its memory is at home"
settings "<partition pool='pool0'><home nodes='0' dispatch='strict'/></partition>" --live &&
	until_true on "$(cpus_of 0)"
ok "and follow what the settings say by now"
home 1 && until_true on "$(cpus_of 1)"
ok "and what is set by hand"
grep -q "go to processors $(cpus_of 1)" "$tmp/listener"
ok "which is said"

# ---- two that could do it

tarn-balanced --interval 1 >"$tmp/balanced" 2>&1 &
balanced=$!
home 0 && until_true on "$(cpus_of 0)" && until_true home 1 && until_true on "$(cpus_of 1)"
ok "they follow with tarn-balanced"
until_true grep -q "go to processors" "$tmp/balanced"
ok "which does it then"
before=$(wc -l <"$tmp/listener")
home 0 && until_true on "$(cpus_of 0)" && [ "$(wc -l <"$tmp/listener")" = "$before" ]
ok "and the listener does not"
kill -9 "$balanced" && wait "$balanced" 2>/dev/null
balanced=
home 1 && until_true on "$(cpus_of 1)"
ok "when it is killed the listener does"
home 0,1 && until_true on "$(cat /sys/devices/system/cpu/online)"
ok "and knows where they might run at first"
home 0 && until_true on "$(cpus_of 0)" && kill -9 "$listener" && wait "$listener" 2>/dev/null
: >"$tmp/listener"
listen && home 0,1 && until_true on "$(cat /sys/devices/system/cpu/online)"
ok "as does the next one when it is killed itself"
home 0 && until_true on "$(cpus_of 0)" && kill "$listener" && wait "$listener" &&
	on "$(cat /sys/devices/system/cpu/online)"
ok "when it ends they may run anywhere"
: >"$tmp/listener"
listen && until_true on "$(cpus_of 0)"
ok "it finds those that run when it starts"

# ---- what libvirt says

pinned()
{
	masks && grep -q "^CPU 0/KVM: $(cpus_of 1)\$" "$tmp/out" &&
		grep -q "^CPU 1/KVM: $(cpus_of 0)\$" "$tmp/out"
}
virsh -q vcpupin db 0 "$(cpus_of 1)" --live >"$tmp/out" 2>&1 && until_true pinned
ok "a vCPU that is pinned stays there"
until_true grep -q "note: <vcpupin cpuset='$(cpus_of 1)'> has no processor" "$tmp/listener"
ok "which is reported"
if virsh -q numatune db --nodeset 1 --live >"$tmp/out" 2>&1; then
	until_true at "$file" "[1]"
	ok "nodes of numatune are the homes"
	until_true grep -q "note: <numatune> has other nodes" "$tmp/listener"
	ok "which is reported, too"
else
	sed 's/^/# /' "$tmp/out"
	skip "nodes of numatune are the homes" "libvirt can't change them here"
	skip "which is reported, too" "libvirt can't change them here"
fi
virsh -q destroy db >"$tmp/out" 2>&1 && virsh -q undefine db >"$tmp/out" 2>&1

numa="<numa><cell id='0' cpus='0' memory='96' unit='MiB'/><cell id='1' cpus='1' memory='96' unit='MiB'/></numa>"
tune="<numatune><memnode cellid='1' mode='preferred' nodeset='1'/></numatune>"
define "<tarn:home nodes='0'/>" \
	"s|<cpu mode='host-passthrough'/>|<cpu mode='host-passthrough'>$numa</cpu>|;s|<os>|$tune<os>|" &&
	virsh -q start db --paused >"$tmp/out" 2>&1
ok "a domain with nodes of its own"
at "$(find "$pool/domains" -name ram-node1)" "[1]" && at "$(find "$pool/domains" -name ram-node0)" "[0]"
ok "memory of a node of the guest is at home where memnode says"
finish
