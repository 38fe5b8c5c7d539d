#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarn-balanced: programs and guests that began in a bad place come to be at home where
# they run, on two nodes, and on four with distances. A guest is a program here whose
# thread is called as a vCPU.
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
need jq taskset tarn-balanced
nodes=$(find /sys/devices/system/node -maxdepth 1 -name 'node[0-9]*' | wc -l)
[ "$nodes" -gt 1 ] || skip_all "needs two NUMA nodes"
hot=$(cd "$(dirname "$0")/../.." && pwd -P)/build/selftests/kmod/hot
[ -x "$hot" ] || skip_all "$hot is not built"
last=$((nodes - 1))

declare -A pids=()
balanced=
finish_balanced()
{
	# shellcheck disable=SC2086 # nothing, or one
	kill -9 "${pids[@]}" $balanced 2> /dev/null
	wait
	finish
}
trap finish_balanced EXIT

cpus_of()
{
	cat "/sys/devices/system/node/node$1/cpulist"
}

# make FILE SIZE NODE: all of it lies there.
make()
{
	truncate -s "$2" "$pool/$1"
	taskset -c "$(cpus_of "$3")" dd if=/dev/zero of="$pool/$1" bs="$2" count=1 conv=notrunc 2> /dev/null
}

# run FILE NODE|any [NAME]: until end.
run()
{
	local cpus

	cpus=$(cat /sys/devices/system/cpu/online)
	[ "$2" = any ] || cpus=$(cpus_of "$2")
	taskset -c "$cpus" "$hot" "$pool/$1" "${@:3}" > "$work/hot.$1" &
	pids[$1]=$!
	await grep -q hot "$work/hot.$1"
}

end_of()
{
	kill -9 "${pids[$1]}"
	wait "${pids[$1]}" 2> /dev/null
	unset "pids[$1]"
}

start()
{
	tarn-balanced --interval 1 >> "$work/balanced" 2>&1 &
	balanced=$!
}

stop()
{
	kill $balanced
	wait $balanced
}

# As await, but leaves the processors alone meanwhile: what is measured is their load.
await_quietly()
{
	local deadline=$((SECONDS + 180))

	until "$@" > "$work/out" 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 2
	done
}

# lies FILE NODE: all that it has is there, and that is its only home.
lies()
{
	tarnctl numa --json "$pool/$1" > "$work/out" &&
		jq -e ".partitions[0] | (.misplaced_pages == 0) and
		([.nodes[] | select(.home).node] == [$2]) and
		all(.nodes[]; .node == $2 or .resident_pages == 0)" "$work/out"
}

# homes FILE LIST: in JSON
homes()
{
	[ "$(tarnctl partition show --json "$pool/$1" |
		jq -c '[.nodes[] | select(.home).node]')" = "$2" ]
}

# on FILE CPUS: the threads that are vCPUs may run there and nowhere else.
on()
{
	local task mask

	for task in /proc/"${pids[$1]}"/task/*; do
		grep -q '^CPU' "$task/comm" || continue
		mask=$(sed -n 's/^Cpus_allowed_list:\t//p' "$task/status")
		echo "$mask"
		[ "$mask" = "$2" ] || return 1
	done
}

auto()
{
	local file

	for file; do
		tarnctl partition set "$pool/$file" --home auto 2> "$work/note" || return 1
	done
}

is_hot()
{
	tarnctl partition heat --json "$pool/$1" | jq -e '.by_class.hot > 1500'
}

# ---- two nodes or more

begin()
{
	local size

	size=$(printf ':24M%.0s' $(seq "$nodes"))
	mount_pool $pool "nodes=${size#:},paging=none"
	uuid=$(tarnctl pool show --json $pool | jq -r .uuid)
	tarnctl pool set $pool scan=100%
}

dry_run()
{
	json ".[0].partitions[] | select(.path == \"a\" and .name == \"a\") | .changes and .reason == \"new\" and
		.move_pages == 2048 and .cost > 0 and .cost_then == 0 and
		[.homes_then[].node] == [$last]" tarn-balanced --dry-run --json
}

# A bad place: memory on the first node, and who uses it on the last.
bad_place()
{
	make idle 2M 0
	check "homes are to be computed" auto a idle
	check "which is said to need who does it" grep "tarn-balanced does not run" "$work/note"
	check "it is seen" json '.auto' tarnctl partition show --json a
	await is_hot a
	result $? "what a program uses is hot"
	check "a dry run tells what would be" dry_run
	check "and why" says "it had no homes" tarn-balanced --dry-run
	refuse 1 "No space left" "if that can be written" sh -c 'tarn-balanced --dry-run > /dev/full'
	check "and changes nothing" homes a "[]"
	start
	await lies a "$last"
	result $? "memory comes to a program"
	await lies idle 0
	result $? "and stays where nobody uses it"
	refuse 1 "another tarn-balanced runs" "one is enough" tarn-balanced
	check "it says what it did" grep "^a: homes $last=8M, were none" "$work/balanced"
	end_of a
}

vcpus()
{
	local first

	first=$(cpus_of 0)
	make g 4M 0
	start
	check "a home by hand" tarnctl partition set $pool/g --home 0 --dispatch strict
	run g any "CPU 0/KVM"
	await on g "$first"
	result $? "a vCPU comes to its memory"
	check "another home" tarnctl partition set $pool/g --home "$last"
	await on g "$(cpus_of "$last")"
	result $? "it follows"
	await lies g "$last"
	result $? "as memory does"
	await runs_on "$last" g
	result $? "which is seen"
	kill -9 $balanced
	wait $balanced 2> /dev/null
	start
	check "one that is killed leaves the vCPU where it is" on g "$(cpus_of "$last")"
	tarnctl partition set $pool/g --home 0,"$last"
	await on g "$(list_of 0 "$last")"
	result $? "the next one knows where it was before"
	tarnctl partition set $pool/g --home "$last"
	check "not any more" tarnctl partition set $pool/g --dispatch off
	await on g "$(cat /sys/devices/system/cpu/online)"
	result $? "it may run anywhere"
	softly
	taskset -pc "$first" "$(task_of g)" > /dev/null
	check "somebody pins it" tarnctl partition set $pool/g --dispatch strict
	await grep "somebody else has pinned" "$work/balanced"
	result $? "who pins it has it that way, which is said"
	check "where it was pinned" on g "$first"
	end_of g
	stop
	result $? "it ends well"
}

# A thread is let go when it has run where it was to go, which one that is stopped has not.
softly()
{
	local elsewhere=$last

	kill -STOP "${pids[g]}"
	[ ! -e "/sys/devices/system/node/node$last/cpu$(last_cpu_of "$(task_of g)")" ] || elsewhere=0
	check "elsewhere, softly" tarnctl partition set $pool/g --home $elsewhere --dispatch soft
	await on g "$(cpus_of $elsewhere)"
	result $? "one that does not run has yet to go there"
	kill -CONT "${pids[g]}"
	await on g "$(cat /sys/devices/system/cpu/online)"
	result $? "one that was there may run anywhere"
	check "not any more, either" tarnctl partition set $pool/g --home "$last" --dispatch off
}

# last_cpu_of TASK: where it ran last.
last_cpu_of()
{
	sed 's/.*) //' "/proc/${pids[g]}/task/$1/stat" | cut -d ' ' -f 37
}

# list_of NODE NODE: their processors, as the kernel lists them.
list_of()
{
	[ "$nodes" = 2 ] && cat /sys/devices/system/cpu/online || echo "$(cpus_of "$1"),$(cpus_of "$2")"
}

# runs_on NODE FILE
runs_on()
{
	json "any(.partitions[0].nodes[]; .node == $1 and .vcpus == 1)" tarnctl numa --json "$pool/$2"
}

task_of()
{
	local task

	for task in /proc/"${pids[$1]}"/task/*; do
		! grep -q '^CPU' "$task/comm" || echo "${task##*/}"
	done
}

# Half of each node but the first, as --home takes it.
halves()
{
	local node

	for ((node = 1; node < nodes; node++)); do
		[ "$node" = 1 ] || printf ,
		printf '%d=12M' "$node"
	done
}

# Two guests that sleep are at home on one node. Then both have something to do. For one
# of them there is no room elsewhere, as half of that is wanted by another one.
load()
{
	rm $pool/a
	tarnctl partition set $pool/g --home "$(halves)"
	make large 12M 0
	make small 4M 0
	tarnctl partition set $pool/large --home 0 && tarnctl partition set $pool/small --home 0
	run large any "CPU 0/KVM"
	kill -STOP "${pids[large]}"
	run small any "CPU 0/KVM"
	kill -STOP "${pids[small]}"
	check "two are at home on a node" auto large small
	await counted large && await counted small
	result $? "as many frames are wanted as they have"
	kill -CONT "${pids[large]}" "${pids[small]}"
	await_quietly away small || tarn-balanced --dry-run --json > "$work/out"
	away small > /dev/null
	result $? "when both have to do, one goes"
	check "the one that there is room for" homes large "[0]"
	check "as processors have less to do there" grep "^small: .*have less to do" "$work/balanced"
	end_of large
	end_of small
}

# counted FILE: frames are wanted on its only home, the first node.
counted()
{
	homes "$1" "[0]" && json '.nodes | any(.home and .wanted_frames > 0)' \
		tarnctl partition show --json "$pool/$1"
}

# away FILE: its only home is not the first node.
away()
{
	tarnctl partition show --json "$pool/$1" |
		jq -e '[.nodes[] | select(.home).node] | length == 1 and .[0] != 0'
}

# ---- four nodes, two and two near to each other

# Larger than a node: it has two that are near.
is_near()
{
	homes big "[0,1]" || homes big "[2,3]"
}

has_home()
{
	! homes "$1" "[]"
}

promised_once()
{
	json 'all(.[0].nodes[]; .promised_frames <= .frames - .reserve_frames)' \
		tarn-balanced --dry-run --json
}

distances()
{
	local name

	rm $pool/*
	make full 20M 3
	make b 8M 0
	run b 3
	check "a program whose node is full" auto b
	await lies b 2
	result $? "has the node next to it"
	end_of b
	rm $pool/*
	make big 20M 1
	make big2 20M 0
	for name in big big2; do
		truncate -s 36M "$pool/$name"
	done
	tarnctl partition set $pool/big min=36M
	check "one larger than a node" auto big
	await is_near
	result $? "has two that are near"
	check "a second one" auto big2
	await has_home big2
	result $? "has a place, too"
	check "nothing is promised twice" promised_once
}

begin
# It takes a while to become hot.
make a 8M 0
run a "$last"
vcpus
bad_place
load
[ "$nodes" -lt 4 ] || distances
stop
check "without a complaint" test -z "$(grep tarn-balanced: "$work/balanced")"
rm $pool/*
check "marks of what is gone go with it" \
	eval "tarn-balanced --once; ! ls /run/tarn/homes/$uuid/[0-9]*"
end
