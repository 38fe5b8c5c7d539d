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

command -v jq >/dev/null || skip_all "there is no jq"
command -v tarnctl >/dev/null || skip_all "tarnctl is not built"
[ -e $nodes/node1 ] || skip_all "needs two NUMA nodes"

# shellcheck disable=SC2317 # called by the trap
end()
{
	[ -z "${pid-}" ] || kill -9 "$pid" 2>/dev/null
	wait
	umount "$pool" 2>/dev/null
	rm -rf "$tmp"
}

plan 8
mkdir -p "$pool"
mount -t tarnfs -o nodes=64M:64M,paging=none tarn "$pool" || skip_all "no tarnfs"
trap end EXIT
truncate -s 256M "$pool/a"
all=$(taskset -pc $$ | sed 's/.*: //')
first=$(cat $nodes/node0/cpulist)
second=$(cat $nodes/node1/cpulist)

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
tarnctl partition set "$pool/a" --home 0 >/dev/null && on "$first"
ok "they follow it"
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
