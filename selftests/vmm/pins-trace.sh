#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest that uses its disk again and again, beside a neighbour with all the weight
# that writes more memory than the pool has: next to everything of the guest is
# paged out again and again. Tracepoints show that pages of its pinned areas never
# change their state and are never waited for; without pins they do and are.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/vmm/pool.sh
. "$here/pool.sh"

# What does not fit into the pool has to fit into the 128 MiB of the test pager.
pool_mib=64
guest_mib=128
neighbour_mib=80
tracing=/sys/kernel/tracing
areas="ring clock steal async-fault eoi"
presses=0

# counter FILE NAME
counter()
{
	tarnctl partition show --json "$pool/$1" | jq ".$2"
}

# trace_areas: from now on, only what happens to pages of the areas of g.
trace_areas()
{
	local id filter event

	id=$(counter g id)
	pins g .areas
	filter=$(area_pages g all | sed 's/.*/index==& ||/' | tr '\n' ' ')
	filter="partition==$id && (${filter% || })"
	for event in tarn_page_state tarn_fault_begin; do
		echo "$filter" >"$tracing/events/tarn/$event/filter" || return 1
		echo 1 >"$tracing/events/tarn/$event/enable"
	done
	echo >"$tracing/trace"
}

# traced EVENT: how often it was seen.
traced()
{
	grep -c " $1: " "$tracing/trace"
}

# The neighbour writes a quarter of its memory, the next one each time. What it writes
# is no two times the same, so all of it is stored.
press()
{
	local mib=$((neighbour_mib / 4))

	yes "neighbour $SECONDS $RANDOM" |
		dd of="$pool/neighbour" bs=1M count=$mib seek=$((presses % 4 * mib)) \
			iflag=fullblock conv=notrunc status=none
	presses=$((presses + 1))
}

mountpoint -q $tracing || mount -t tracefs tracefs $tracing ||
	skip_all "no tracefs"
plan 6
images 6.12-cloud
make_disk
pool_init ${pool_mib}M
truncate -s ${guest_mib}M "$pool/g"
guest_start "disk=/dev/vda test=while+:;do+dd+if=/dev/vda+of=/dev/null+bs=64k+count=64+iflag=direct;echo+guest:+read;usleep+20000;done" \
	-m $guest_mib -kernel "$elf" -device virtio-blk-pci,drive=d \
	-blockdev "file,node-name=f,filename=$disk" \
	-blockdev raw,node-name=d,file=f -machine pc,memory-backend=ram0 \
	-object "memory-backend-file,id=ram0,size=${guest_mib}M,share=on,mem-path=$pool/g"
await "guest: read"
await_pins g '[.areas[] | select(.critical)] | length >= 6 and all(.pinned)'
ok "rings and KVM's areas are pinned"

tarnctl partition set "$pool/g" weight=1
truncate -s ${neighbour_mib}M "$pool/neighbour"
tarnctl partition set "$pool/neighbour" weight=10000
trace_areas
outs=$(counter g page_outs)
reads=$(grep -c "guest: read" "$tmp/out")
least=$(counter g resident_pages)
for _ in {1..8}; do
	press
	now=$(counter g resident_pages)
	[ "$now" -ge "$least" ] || least=$now
done
[ $(($(counter g page_outs) - outs)) -gt 4000 ] && [ "$least" -lt 4096 ]
ok "the guest is paged out, again and again"
echo "# at least $least pages resident, $(counter g pinned_pages) pinned, $(($(counter g page_outs) - outs)) page-outs"
[ "$(traced tarn_page_state)" = 0 ] && [ "$(traced tarn_fault_begin)" = 0 ]
ok "but no page of an area changes, and nothing waits for one"
until [ "$(grep -c "guest: read" "$tmp/out")" -gt "$reads" ]; do
	kill -0 "$pid" 2>/dev/null || break
	sleep 0.2
done
[ "$(grep -c "guest: read" "$tmp/out")" -gt "$reads" ]
ok "and the guest works on"

for area in $areas; do
	tarnctl pool pins "$pool" "$area=never"
done
for _ in {1..80}; do
	press
	[ "$(traced tarn_fault_begin)" = 0 ] || break
done
[ "$(traced tarn_page_state)" -gt 0 ]
ok "without pins they are paged out"
[ "$(traced tarn_fault_begin)" -gt 0 ]
ok "and waited for"
echo "# $(traced tarn_fault_begin) waits"
for event in tarn_page_state tarn_fault_begin; do
	echo 0 >"$tracing/events/tarn/$event/enable"
	echo 0 >"$tracing/events/tarn/$event/filter"
done
finish
