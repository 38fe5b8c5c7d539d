#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Stock QEMU, whose VM tarnctl attaches: each layout of memory that its machines
# have, a guest at work, and what is refused.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/vmm/pool.sh
. "$here/pool.sh"

command -v qemu-system-x86_64 >/dev/null || skip_all "no qemu-system-x86_64"
plan 19
images 6.1-cloud
pool_init 384M

# qemu MACHINE MIB [OPTION...]: start it with its memory in the file g; sets $pid.
qemu()
{
	local machine=$1 mib=$2

	shift 2
	rm -f "$tmp/qmp"
	qemu-system-x86_64 -nodefaults -no-user-config -display none -cpu host \
		-qmp "unix:$tmp/qmp,server=on,wait=off" \
		-machine "$machine,accel=kvm" -m "$mib" "$@" \
		</dev/null >"$tmp/out" 2>&1 &
	pid=$!
	until_ready && tarnctl partition attach "$pid" >"$tmp/attach" 2>&1
}

# Its memory is in KVM, but not yet as it will stay, before it has begun to answer. What
# asks is a program that an emulator starts slowly: not before there is somebody to ask.
until_ready()
{
	local _

	for _ in {1..300}; do
		[ -S "$tmp/qmp" ] && echo '{"execute":"qmp_capabilities"}' |
			socat -t 10 - "UNIX:$tmp/qmp" 2>/dev/null | grep -q '"return"' && return
		kill -0 "$pid" || return
		sleep 0.1
	done
	return 1
}

# in_pool MIB: the same memory as options.
in_pool()
{
	object=(-object "memory-backend-file,id=ram,size=${1}M,mem-path=$pool/g,share=on")
}

stop()
{
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	pid=
	rm -f "$pool"/g "$pool"/n?
}

# ranges TEXT...: those that were found, as "gpa offset".
ranges()
{
	local want

	for want; do
		grep -q "$want" "$tmp/attach" || { cat "$tmp/attach"; return 1; }
	done
}

# layout MACHINE MIB TEXT...: a machine that has not begun to run.
layout()
{
	local machine=$1 mib=$2

	shift 2
	in_pool "$mib"
	qemu "$machine,memory-backend=ram" "$mib" "${object[@]}" -S &&
		ranges "$@" && pins g .attached
	ok "$machine with $mib MiB"
	stop
}

layout pc 256 'guest 0-0x9ffff ' 'guest 0x100000-0xfffffff '
layout q35 256 'guest 0-0x9ffff ' 'guest 0x100000-0xfffffff '
layout pc 3500 'guest 0x100000-0xdabfffff '
layout pc 4096 'guest 0x100000-0xbfffffff ' 'guest 0x100000000-0x13fffffff .* at 0xc0000000'
layout q35 2800 'guest 0x100000-0xaeffffff '
layout q35 4096 'guest 0x100000-0x7fffffff ' 'guest 0x100000000-0x17fffffff .* at 0x80000000'
layout pc,max-ram-below-4g=2G 4096 'guest 0x100000-0x7fffffff ' 'at 0x80000000'
layout microvm 3500 'guest 0x100000-0xbfffffff ' 'at 0xc0000000'

# Two nodes, the second one in the first file.
qemu q35 3072 -S -object "memory-backend-file,id=r0,size=1G,mem-path=$pool/n0,share=on" \
	-object "memory-backend-file,id=r1,size=2G,mem-path=$pool/n1,share=on" \
	-numa node,memdev=r1 -numa node,memdev=r0 &&
	pins n0 .attached && pins n1 .attached &&
	ranges 'guest 0x100000000-0x13fffffff .* at 0 '
ok "NUMA nodes in files of their own"
stop

# A guest that runs.
in_pool 256
qemu q35,memory-backend=ram 256 "${object[@]}" -serial "file:$tmp/serial" \
	-kernel "$elf" -initrd "$initrd" -append "console=ttyS0 quiet $quick end=halt" -vga std
ok "a guest that boots is attached meanwhile"
for _ in {1..600}; do
	grep -aq "guest: up" "$tmp/serial" && break
	sleep 0.2
done
await_pins g '[.areas[] | select(.by == "kvm" and .pinned).type] | unique |
	contains(["clock", "steal", "async-fault", "eoi"])'
ok "what it told KVM is pinned"
tarnctl partition page-out "$pool/g" >/dev/null
[ "$(not_resident g all)" = 0 ]
ok "and stays when all else is paged out"

tarnctl partition attach "$pid" >"$tmp/out" 2>&1
status 1 && said "has a VM already" && said "tarnctl partition detach"
ok "a second attachment is refused"
tarnctl partition detach "$pool/g" && pins g '(.attached | not) and .areas == []'
ok "detach drops all"
tarnctl partition attach "$pid" "$pool/g" --range 1M:255M:1M --range 0:640K:0 \
	--json >"$tmp/out" 2>&1 &&
	jq -e '.[0].ranges == [{"gpa": 0, "bytes": 655360, "offset": 0},
		{"gpa": 1048576, "bytes": 267386880, "offset": 1048576}]' "$tmp/out" >/dev/null
ok "ranges by hand"
tarnctl partition detach "$pool/g"
tarnctl partition attach "$pid" --range 1M:64M:2M >"$tmp/out" 2>&1
status 1 && said "not all of these ranges"
ok "ranges that are wrong"
truncate -s 1M "$pool/other"
tarnctl partition attach "$pid" "$pool/other" >"$tmp/out" 2>&1
status 1 && said "has not mapped it"
ok "a partition that is not its memory"
tarnctl partition attach "$$" >"$tmp/out" 2>&1
status 1 && said "no memory in a pool"
ok "a process that is no guest"
tarnctl partition attach "$pid" >/dev/null
kill -9 "$pid"
wait "$pid" 2>/dev/null
pid=
await_pins g '(.attached | not) and .areas == []'
ok "the attachment ends with the guest"
finish
