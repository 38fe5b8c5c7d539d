#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarn-adapter, with an NVMe adapter that has Virtualization Management: that virtual
# functions have what the plan says, for whom, what becomes of leases, of queues that move,
# of owners that hang, of a manager that is killed, and of DMA that goes astray. What the
# adapter itself says (nvme-cli, Identify CNS 15h) counts, and whether a function works.
# shellcheck disable=SC2317 # functions are called by check

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
# shellcheck source=selftests/adapter/lib.sh
. "$here/lib.sh"
vfio=${TEST_VFIO:-$top/build/selftests/adapter/vfio}

pf=$(nvme_pf_bdf)
[ -n "$pf" ] || skip_all "no NVMe adapter with virtual functions: an L1 without --nvme"
command -v nvme jq python3 > /dev/null || skip_all "nvme, jq or python3 is missing"
conf=/etc/tarn/adapters.d/$pf.conf
socket=/run/tarn/adapter/$pf.sock
declare -A pids

# What there is: 8 queues and 9 interrupts, a function can have 4 and 3.
configure()
{
	mkdir -p "${conf%/*}"
	printf '%s\n' "[adapter]" vfs=3 deadline=2 rejoin=8 faults=3 primary-queues=8 \
		primary-interrupts=3 "$@" > "$conf"
}

two_groups()
{
	configure spare-queues=2 spare-interrupts=3 \
		"[group]" name=a weight=2 namespaces=1 "[group]" name=b guest=gb namespaces=2 "$@"
}

groups()
{
	two_groups "[group]" name=f share=first-come user=1000
}

start_manager()
{
	tarn-adapter "$pf" >> "$work/log" 2>&1 &
	manager=$!
	wait_until test -S "$socket"
}

kill_manager()
{
	kill -KILL "$manager"
	wait "$manager" 2> /dev/null
	return 0
}

# refuses STATUS TEXT COMMAND...: it fails with this status and says TEXT.
refuses()
{
	local want=$1 text=$2

	shift 2
	"$@" > "$work/said" 2>&1
	[ $? = "$want" ] && grep -F -- "$text" "$work/said" || ! cat "$work/said"
}

# The adapter's word: lines "FUNCTION ONLINE QUEUES INTERRUPTS".
secondaries()
{
	nvme list-secondary "$(nvme_device "$pf")" --output-format=json |
		jq -r '."secondary-controllers"[] | "\(."virtual-function-number") \(."secondary-controller-state") \(."num-virtual-queues") \(."num-virtual-interrupts")"' |
		head -n 3 | paste -sd,
}

# has TEXT: that is what it says.
has()
{
	local is

	is=$(secondaries)
	echo "$is"
	[ "$is" = "$1" ]
}

# guest NAME GROUP [OPTION...]: one that has its lease, or was refused.
guest()
{
	local name=$1 group=$2

	shift 2
	"$here/guest" "$@" "$socket" "$name" "$group" > "$work/$name" 2>&1 &
	pids[$name]=$!
	wait_until grep -qE '"(granted|error)"' "$work/$name"
}

# granted NAME GROUP [OPTION...]
granted()
{
	guest "$@"
	cat "$work/$1"
	grep -q '"granted"' "$work/$1"
}

# refused TEXT NAME GROUP [OPTION...]
refused()
{
	local text=$1

	shift
	guest "$@"
	cat "$work/$1"
	grep -qF -- "$text" "$work/$1" && end_guest "$1"
}

# heard NAME TYPE...: it was told these one after another, last.
heard()
{
	local name=$1

	shift
	sed 's/.*"type":"\([a-z_]*\)".*/\1/' "$work/$name" | tail -n $# | paste -sd' ' > "$work/heard"
	cat "$work/heard" "$work/$name"
	[ "$(< "$work/heard")" = "$*" ]
}

end_guest()
{
	kill -KILL "${pids[$1]}" 2> /dev/null
	wait "${pids[$1]}" 2> /dev/null
	unset "pids[$1]"
	return 0
}

works()
{
	"$vfio" identify "$(nvme_vf_bdf "$1")"
}

works_not()
{
	! works "$1"
}

state()
{
	tarnctl adapter show --json | jq -r '.vfs[] | .state' | paste -sd' '
}

is_state()
{
	[ "$(state)" = "$1" ] || ! state
}

# attached NSID VF OTHER: the namespace, to this function and not to the other one.
attached()
{
	local ids

	ids=$(nvme list-ctrl "$(nvme_device "$pf")" -n "$1" | sed -n 's/^\[.*\]:\(0x\)\?//p' | paste -sd' ')
	echo "$ids"
	[[ " $ids " == *" $2 "* && " $ids " != *" $3 "* ]]
}

drivers()
{
	local i

	for i in 0 1 2; do
		[ "$(pci_driver "$(nvme_vf_bdf $i)")" = vfio-pci ] || return
	done
}

nothing_changed()
{
	[ "$(< "$pci/$pf/sriov_numvfs")" = 0 ]
}

planned()
{
	tarn-adapter --dry-run --json "$pf" > "$work/plan" && cat "$work/plan" &&
		jq -e 'map("\(.group) \(.queues) \(.interrupts)") == ["a 4 3", "b 2 3", "f 0 0"]' "$work/plan"
}

# moves COMMAND...: and all that are asked say that they go on.
moves()
{
	tarnctl adapter "$@" && heard ga quiesce recover && heard gb quiesce recover
}

# For nothing happens by itself: who has asked is answered at the deadline.
fences()
{
	tarnctl adapter grant b queues=-1 --json | tee "$work/fenced" | jq -e '.fenced == 1'
}

destroy_stopped()
{
	kill -STOP "${pids[ga]}" && tarnctl adapter destroy a && has "$1"
}

told_of_dma()
{
	"$vfio" stray "$(nvme_vf_bdf 1)" 0x3456789000 || return
	wait_until grep -q "\"type\":\"dma_blocked\",\"iova\":$((0x3456789000))" "$work/gb"
}

# The program has only asked for one address each time; that it ends is no matter here.
strays()
{
	local i

	for i in 1 2 3; do
		"$vfio" stray "$(nvme_vf_bdf 1)" 0x3456789000 > /dev/null 2>&1
	done
	wait_until grep -q '"type":"destroy"' "$work/gb"
}

events()
{
	local kind

	timeout 3 tarnctl adapter events --json -n 500 > "$work/events"
	for kind; do
		jq -es "any(.[]; .event == \"$kind\")" "$work/events" > /dev/null ||
			{ echo "no $kind in:"; cat "$work/events"; return 1; }
	done
}

# use_disk NSID: as a filesystem does.
use_disk()
{
	local dir

	for dir in /sys/block/nvme*; do
		# One below a controller of several has no disk of its own.
		[ "$(< "$dir/nsid")" != "$1" ] || [ ! -b "/dev/${dir##*/}" ] || break
	done
	python3 -c 'import os, sys, time
os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)
print("open", flush=True)
time.sleep(1000)' "/dev/${dir##*/}" > "$work/user" &
	disk_user=$!
	wait_until grep -q open "$work/user"
}

leave_disk()
{
	kill "$disk_user"
	wait "$disk_user" 2> /dev/null
	tarnctl adapter grant b
}

reloads()
{
	kill -HUP "$manager" && wait_until grep -q "was read anew" "$work/log" &&
		is_state "assigned assigned planned"
}

is_barred()
{
	tarnctl adapter group --json | jq -e '.[] | select(.group == "b").barred | contains("Device or resource busy")' &&
		grep "namespace 2 is .* which this host uses itself" "$work/log"
}

bound_for_end()
{
	kill -TERM "$manager"
	wait "$manager"
	has "$1"
}

plan 48

groups
check "a plan before anything begins" planned
check "changes nothing" nothing_changed
configure "[group]" name=a share=absolute queues=4 "[group]" name=b share=absolute queues=4 \
	"[group]" name=c share=absolute queues=2
check "more than there is is refused" refuses 1 "groups want 10 queues in all; this adapter has 8" \
	tarn-adapter -n "$pf"
configure "[group]" name=a share=absolute queues=5
check "or than a function can have" refuses 1 "of this adapter can have 4" tarn-adapter -n "$pf"
configure "[group]" nmae=a
check "what makes no sense ends it with a status of its own" refuses 2 "did you mean 'name'?" \
	tarn-adapter "$pf"
check "and nothing has changed" nothing_changed

two_groups
check "a disk that the host uses" use_disk 2
check "the manager starts" start_manager
check "is given to nobody" is_barred
check "and nothing else is kept back" has "1 0 4 3,2 0 0 0,3 0 0 0"
check "until the host leaves it" leave_disk
groups
check "a file that has changed is read" reloads
check "functions have what the plan says" has "1 0 4 3,2 0 2 3,3 0 0 0"
check "vfio-pci drives them" drivers
check "namespaces are where they belong" attached 1 1 2
check "each of them" attached 2 2 1
check "a guest gets its group" granted ga a --open
check "which is online" has "1 1 4 3,2 0 2 3,3 0 0 0"
check "a second one does not" refused "group 'a' is leased by guest 'ga'" gx a
check "nor a guest whose group it is not" refused "for guest 'gb', not for 'gy'" gy b
check "nor another user" refused "is not for user 1001" gz f --uid 1001
check "who comes first gets what is left" granted gf f --uid 1000
check "and no more" has "1 1 4 3,2 0 2 3,3 1 2 3"
check "a second guest" granted gb b
check "whose function works" works 1
check "what somebody has open nobody else can have" works_not 0

check "a queue moves between guests that run" moves grant b queues=+1 --from a
check "as the adapter says, too" has "1 1 3 3,2 1 3 3,3 1 2 3"
check "it works as before" works 1
check "beyond what there is it is refused" refuses 1 "group 'a' would have 1 queues" \
	tarnctl adapter grant b queues=+2 --from a
check "all is reset, and goes on" moves reset
check "with what it had" has "1 1 3 3,2 1 3 3,3 1 2 3"

check "who comes first leaves" end_guest gf
check "and its function is free" wait_until has "1 1 3 3,2 1 3 3,3 0 0 0"
end_guest gb
wait_until is_state "leased assigned planned"
check "a guest that does not answer" granted gb b --mute
check "is fenced at the deadline" fences
check "and is offline, others are not" has "1 1 3 3,2 0 0 0,3 0 0 0"
kill -USR1 "${pids[gb]}"
check "until it answers" wait_until heard gb hello granted quiesce recover
check "then it works again" works 1

kill_manager
check "without a manager it works on" works 1
start_manager
check "the next one takes up who holds something" wait_until is_state "leased assigned planned"
check "and nobody who has closed it" has "1 1 3 3,2 0 3 3,3 0 0 0"
check "a hanging guest's function is destroyed at once" destroy_stopped "1 0 0 0,2 0 4 3,3 0 0 0"
kill -CONT "${pids[ga]}"
end_guest gb
check "DMA that goes astray is told to whose it is" granted gb b
told_of_dma > "$work/output" 2>&1
check "with its address" grep -q "\"iova\":$((0x3456789000))" "$work/gb"
check "who goes on with it is taken offline" strays
check "all of which are events" events leased dma-blocked fenced-for-faults destroyed
check "a manager that ends leaves all as it is" bound_for_end "$(secondaries)"
