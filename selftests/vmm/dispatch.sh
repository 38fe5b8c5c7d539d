#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vCPUs follow the home nodes of their memory, on a host with two nodes. The guest does not
# run: what its threads may do is seen at them.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/vmm/qmp.sh
. "$here/qmp.sh"

pool=/run/tarn/test-dispatch
nodes=/sys/devices/system/node
tracing=/sys/kernel/tracing
# Of TARN_PARTITION_HOMES.
homes_number=0xc028bb4d
trace=

command -v jq >/dev/null || skip_all "there is no jq"
command -v tarnctl >/dev/null || skip_all "tarnctl is not built"
[ -e $nodes/node1 ] || skip_all "needs two NUMA nodes"

# shellcheck disable=SC2317 # called by the trap
end()
{
	[ -z "${pid-}" ] || kill -9 "$pid" 2>/dev/null
	wait
	umount "$pool" 2>/dev/null
	[ -z "$trace" ] || rmdir "$trace"
	rm -rf "$tmp"
}

plan 9
mkdir -p "$pool"
mount -t tarnfs -o nodes=64M:64M,paging=none tarn "$pool" || skip_all "no tarnfs"
trap end EXIT
truncate -s 256M "$pool/a"
all=$(taskset -pc $$ | sed 's/.*: //')
first=$(cat $nodes/node0/cpulist)
second=$(cat $nodes/node1/cpulist)

# trace_begin: from now on, who reads or sets homes, and who sets masks; sets $trace.
trace_begin()
{
	local events

	[ -d $tracing/events ] || mount -t tracefs tracefs $tracing
	[ -d $tracing/events/syscalls ] && mkdir $tracing/instances/tarn-dispatch || return
	trace=$tracing/instances/tarn-dispatch
	events=$trace/events/syscalls
	echo "cmd == $homes_number" > $events/sys_enter_ioctl/filter &&
		echo 1 > $events/sys_enter_ioctl/enable &&
		echo 1 > $events/sys_enter_sched_setaffinity/enable
}

# looks: how often the VMM read homes since they were set, until it set a mask. It looks once a
# second, however slow the machine is: so this many seconds are what it was to take.
looks()
{
	awk '/ sys_ioctl\(/ && $1 ~ /^tarnctl-/ && $1 != last { last = $1; n = 0; on = 1 }
		/ sys_ioctl\(/ && $1 ~ /^tarn-vmm-/ && on { n++ }
		/ sys_sched_setaffinity\(/ && $1 ~ /^tarn-vmm-/ && on { print n; on = 0 }' \
		$trace/trace | tail -n 1
}

# start MODE: two vCPUs that do not run.
start()
{
	bare_start "" -S -smp 2 -machine "pc,memory-backend=ram0,dispatch=$1" \
		-object "memory-backend-file,id=ram0,size=256M,share=on,mem-path=$pool/a" \
		-qmp "unix:$tmp/q,server=on,wait=off"
	for _ in {1..100}; do
		[ ! -S "$tmp/q" ] || break
		pause 0.1
	done
	qmp_open "$tmp/q"
	threads=$(qmp query-cpus-fast '{}' | jq -r '.return[]["thread-id"]')
	[ "$(wc -w <<< "$threads")" = 2 ]
}

stop()
{
	qmp quit '{}' >/dev/null
	qmp_close
	wait "$pid"
	pid=
}

# on CPUS: whether all vCPUs come to be allowed there and nowhere else.
on()
{
	local thread end=$((SECONDS + 20))

	for thread in $threads; do
		until [ "$(taskset -pc "$thread" | sed 's/.*: //')" = "$1" ]; do
			[ $SECONDS -lt $end ] || return
			pause 0.2
		done
	done
}

tarnctl partition set "$pool/a" --home 1 >/dev/null && start strict && on "$second"
ok "vCPUs begin on the home of their memory"
trace_begin
tarnctl partition set "$pool/a" --home 0 >/dev/null && on "$first"
ok "they follow it"
if [ -n "$trace" ]; then
	# The first one may have begun before.
	n=$(looks)
	[ "${n:-99}" -le 2 ]
	ok "after two looks at most"
else
	skip "after two looks at most" "system calls are not traced"
fi
tarnctl partition set "$pool/a" --home 0,1 >/dev/null && on "$all"
ok "they may run on several"
tarnctl partition set "$pool/a" --home 1 >/dev/null && on "$second" &&
	tarnctl partition set "$pool/a" --home none >/dev/null && on "$all"
ok "and without a home where they might before"
tarnctl partition set "$pool/a" --home 1 >/dev/null && on "$second" &&
	for thread in $threads; do taskset -pc "$first" "$thread" >/dev/null; done &&
	tarnctl partition set "$pool/a" --home 0,1 >/dev/null && pause 3 && on "$first"
ok "who pins them has it that way"
stop
ok "the VMM ends"

tarnctl partition set "$pool/a" --home 1 >/dev/null && start off && on "$all"
ok "dispatch=off leaves them alone"
stop

start soft && on "$second"
ok "dispatch=soft moves them when they run"
stop
finish
