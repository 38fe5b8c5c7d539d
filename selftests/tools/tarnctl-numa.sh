#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarnctl with NUMA nodes: where partitions are, their homes, relocation. What takes
# two nodes is skipped on one.
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
need jq taskset python3

holder=
waiter=
user=
finish_numa()
{
	# shellcheck disable=SC2086 # nothing or one process each
	[ -z "$holder$waiter$user" ] || kill $holder $waiter $user 2>/dev/null
	wait
	finish
}
trap finish_numa EXIT

skip()
{
	test_no=$((test_no + 1))
	echo "ok $test_no - $1 # SKIP $2"
}

# fill NODE SIZE FILE [FROM]: new pages, written by the first processor of a node.
fill()
{
	local cpus

	cpus=$(cat "/sys/devices/system/node/node$1/cpulist")
	taskset -c "${cpus%%[,-]*}" head -c "$2" "${4-/dev/urandom}" > "$pool/$3"
}

# has NODE PAGES: the filter for so many there, of the first partition that is listed.
has()
{
	echo ".partitions[0].nodes | any(.node == $1 and .resident_pages == $2)"
}

# lies FILE NODE PAGES
lies()
{
	json "$(has "$2" "$3")" tarnctl numa --json "$1"
}

as_user()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups "$(command -v tarnctl)" "$@"
}

mount_pool $pool size=64M
uuid=$(tarnctl pool show --json $pool | jq -r .uuid)

# ---- the list

check "a pool without partitions has nodes" json '.partitions == [] and
	(.nodes | any(.node == 0 and .resident_pages == 0))' tarnctl numa --json
fill 0 8M g1
sum=$(md5sum < $pool/g1)
check "a partition by node" says "NODE 0" tarnctl numa
check "its nodes add up to it" json '(.nodes | map(.resident_pages) | add) == 2048 and
	.resident_pages == 2048 and .misplaced_pages == 0' tarnctl partition show --json g1
mkdir $pool/vm
fill 0 1M vm/small
check "partitions of the only pool" json '[.partitions[].path] == ["g1", "vm/small"]' \
	tarnctl numa --json
check "the sums are theirs" json '(.nodes | map(.resident_pages) | add) == 2304 and
	([.partitions[].nodes[].resident_pages] | add) == 2304' tarnctl numa --json $pool
check "and shown" says "(total)" tarnctl numa
check "frames of a pool by node" json '(.nodes | map(.frames) | add) == 16384 and
	(.nodes | map(.free_frames) | add) <= 14080 and all(.nodes[]; .vcpus == 0)' \
	tarnctl numa --json $pool
check "are shown as well" says "(free)" tarnctl numa
check "a picture" says "</svg>" tarnctl numa --svg -
check "in a file, beside the table" says "(total)" tarnctl numa --svg "$work/svg"
check "is there" grep "<svg .*viewBox" "$work/svg"
refuse 1 "write to /nowhere/svg" "where it cannot be" tarnctl numa --svg /nowhere/svg
check "in bytes" says 1048576 tarnctl numa --bytes vm/small
check "one by its file" json '[.partitions[].path] == ["vm/small"]' tarnctl numa --json vm/small
check "several, of both kinds" json "[.partitions[].path] ==
	[\"$pool/vm/small\", \"$pool/g1\", \"$pool/vm/small\"]" \
	tarnctl numa --json $pool/vm/small "${uuid:0:8}"
refuse 1 "no such partition" "one that is not there" tarnctl numa nosuch
refuse 1 "not a partition" "a file elsewhere" tarnctl numa /etc/passwd
exec 7< $pool/vm/small
rm $pool/vm/small
check "one without a name is left out" says "1 partition is without a file" tarnctl numa
check "and the others are not" json '[.partitions[].path] == ["g1"]' tarnctl numa --json
exec 7<&-
truncate -s 1M $pool/secret
chmod 600 $pool/secret
chmod 644 $pool/g1
check "another user sees what he may open" json '[.partitions[].path] == ["g1"]' \
	as_user numa --json
check "and that there is more" says "run it as root" as_user numa
rm $pool/secret

# ---- homes

# homes: those of g1, as [node, wanted].
homes()
{
	tarnctl partition show --json g1 |
		jq -c '[.nodes[] | select(.home) | [.node, .wanted_frames]]'
}

no_home_line()
{
	! tarnctl partition show g1 | grep "home nodes"
}

check "no homes at first" test "$(homes)" = "[]"
check "nothing is said of them" no_home_line
check "a home" tarnctl partition set g1 --home 0
check "is set" test "$(homes)" = "[[0,0]]"
check "and shown" says "home nodes                 0;" tarnctl partition show g1
check "and in the list" says "*8M" tarnctl numa
check "with what is wanted" tarnctl partition set --home 0=16M g1
check "it is set" test "$(homes)" = "[[0,4096]]"
check "it is shown" says "home nodes                 0=16M;" tarnctl partition show g1
check "and listed" says "*8M/16M" tarnctl numa
check "a part of the pool" tarnctl partition set g1 --home=0=25%
check "is set as frames" test "$(homes)" = "[[0,4096]]"
check "with other settings" tarnctl partition set g1 weight=300 --home 0=5000
check "all are set" json '.weight == 300 and
	(.nodes | any(.home and .wanted_frames == 5000))' tarnctl partition show --json g1
refuse 2 "from 1 to 10000" "one bad setting of two" tarnctl partition set g1 weight=0 --home none
refuse 2 "is no NUMA node" "one bad node of two" tarnctl partition set g1 weight=1 --home 0,x
refuse 2 "given twice" "a node twice" tarnctl partition set g1 --home 0,0=1G
refuse 2 "a part of the pool" "an amount that is none" tarnctl partition set g1 --home 0=lots
refuse 2 "a part of the pool" "an amount of nothing" tarnctl partition set g1 --home 0=0
refuse 2 "say what to set" "nothing at all" tarnctl partition set g1
refuse 2 "by the option --home" "a home as a setting" tarnctl partition set g1 home=0
refuse 2 "by the option --placement" "an order as one" tarnctl pool set placement=class
refuse 2 "mount -o remount,huge=" "that of mount" tarnctl pool set huge=never
refuse 1 "have frames on all of the nodes 0,1023" "a node without frames" tarnctl partition set g1 --home 0,1023
check "changes nothing" test "$(homes)" = "[[0,5000]]"
refuse 1 "the other settings are made" "with a weight" \
	tarnctl partition set g1 weight=128 --home 1023
check "which is set" json '.weight == 128' tarnctl partition show --json g1
refuse 1 "not permitted" "not by another user" as_user partition set g1 --home 0
chown 65534 $pool/g1
refuse 1 "only root" "nor by the owner" as_user partition set g1 --home 0
# use FILE: a process that uses all pages of it, until it is killed. What was unmapped
# leaves nothing in the TLB, by which accesses would not be seen.
use()
{
	python3 -c "
import mmap, time
f = open('$pool/$1', 'r+b')
m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
while True:
    with mmap.mmap(-1, 1 << 20) as other:
        other[::4096] = bytes(256)
    m[::4096]
    time.sleep(.1)" &
	user=$!
}

# local_part PERCENT: what tarnctl says of g1, and of the sum.
local_part()
{
	json ".partitions[0].local_percent == $1 and .local_percent == $1" tarnctl numa --json g1
}

shown_and_drawn()
{
	says " 100% " tarnctl numa g1 && tarnctl numa --svg - g1 | grep -q ">100%<"
}

check "of accesses nothing is known" local_part null
use g1
await local_part 100
result $? "what is used is at home"
check "and shown, and drawn" shown_and_drawn
check "by node" json '.partitions[0].nodes[0] | .node == 0 and .accessed > 0 and
	.accessed_lately > 0' tarnctl numa --json g1
check "none again" tarnctl partition set g1 --home none
check "nothing is local without one" local_part null
kill "$user"
wait "$user" 2> /dev/null
user=
check "are set" test "$(homes)" = "[]"
check "and nothing is said of them" no_home_line

# ---- which pages first

orders()
{
	local order number=0

	for order in class density refault; do
		tarnctl pool set --placement "$order" && says "placement                  $order" \
			tarnctl pool show "$pool" || return 1
		[ "$(tarnctl pool show --json | jq -r .placement)" = "$order" ] &&
			[ "$(cat "/sys/fs/tarn/$uuid/placement")" = "$number" ] || return 1
		number=$((number + 1))
	done
}

check "each of the orders can be set" orders
check "with a setting" tarnctl pool set $pool readahead=4 --placement=class
check "both are set" json '.placement == "class" and .readahead_pages == 4' tarnctl pool show --json
refuse 2 "class, density or refault" "no other" tarnctl pool set --placement hottest
refuse 2 "256 pages" "one bad setting of two" \
	tarnctl pool set readahead=1000 --placement density
check "changes nothing" json '.placement == "class" and .readahead_pages == 4' \
	tarnctl pool show --json
refuse 1 "not permitted" "not by another user" as_user pool set --placement density

# ---- homes that others compute

# marked FILTER: what tarn-balanced is to do for g1.
marked()
{
	json ".auto == $1 and .dispatch == \"$2\"" tarnctl partition show --json g1
}

# silent COMMAND...: the command succeeds and has nothing to say.
silent()
{
	local said

	said=$("$@" 2>&1) && [ -z "$said" ]
}

check "nothing is to be computed" marked false default
# With one node it has nothing to do, so nobody is sent to it.
if [ -d "/sys/fs/tarn/$uuid/node1" ]; then
	check "homes are" says "tarn-balanced does not run" tarnctl partition set g1 --home auto
	check "the doctor says so as well" says "tarn-balanced does not run" \
		sh -c 'tarnctl doctor || :'
else
	check "homes are" silent tarnctl partition set g1 --home auto
	check "nor does the doctor" sh -c '! tarnctl doctor | grep tarn-balanced'
fi
check "which is kept" marked true default
check "and shown" says "none (auto);" tarnctl partition show g1
check "vCPUs are to follow" tarnctl partition set g1 --dispatch strict
check "beside that" marked true strict
mv $pool/g1 $pool/renamed
check "it is that of the partition" json '.auto' tarnctl partition show --json renamed
mv $pool/renamed $pool/g1
refuse 2 "none of soft, strict, off" "how is not known" \
	tarnctl partition set g1 --dispatch hard --home none
refuse 1 "tarnctl pool resize" "a bad node" tarnctl partition set g1 --home 1023
check "changes nothing" marked true strict
refuse 1 "only root" "not by the owner" as_user partition set g1 --home auto
check "by hand again" tarnctl partition set g1 --home none --dispatch default
check "nothing is kept" test -z "$(ls /run/tarn/homes/*/* 2> /dev/null)"

# ---- relocation

check "no relocation so far" says "no relocation so far" tarnctl partition relocate g1 --status
check "in JSON" json '.state == "none" and .moved == 0 and .tried == 0 and (.blocked | add) == 0' \
	tarnctl partition relocate --status --json g1
refuse 1 "no relocation is under way" "none to cancel" tarnctl partition relocate g1 --cancel
check "to where it is" json '.state == "done" and .start == 0 and .count == 2048 and
	.cursor == 2048 and .moved == 0 and .skipped == 2048 and .held == 0' \
	tarnctl partition relocate g1 --to 0 --json
check "a range of it" json '.start == 256 and .count == 512 and .skipped == 512' \
	tarnctl partition relocate g1 1M 2M --to 0 --json --granule 1
check "is told of later" json '.state == "done" and .start == 256 and .count == 512 and
	.node == 0 and .direction == "to" and .granule == 1' \
	tarnctl partition relocate g1 --status --json
check "and in words" says "the relocation is done" tarnctl partition relocate g1 --status
check "with where to" says "direction                  to node 0" \
	tarnctl partition relocate g1 --status
refuse 1 "no frames of the pool" "to a node that is not there" \
	tarnctl partition relocate g1 --to 1023
refuse 1 "no frames of the pool" "away from one" tarnctl partition relocate g1 --away-from 1023
refuse 2 "say where to" "to nowhere" tarnctl partition relocate g1
refuse 2 "give one of them" "to and from" tarnctl partition relocate g1 --to 0 --away-from 0
refuse 2 "give one of them" "to and into blocks" tarnctl partition relocate g1 --to 0 --compact
refuse 2 "leave --granule and --blocked-most out" "a granule of blocks" \
	tarnctl partition relocate g1 --compact --granule 1
check "what would be gathered" says "up to 8M would be gathered into 2 MiB frames" \
	tarnctl partition relocate g1 --compact --dry-run
refuse 2 "nothing else" "status of a start" tarnctl partition relocate g1 --status --to 0
refuse 2 "nothing else" "cancel a range" tarnctl partition relocate g1 0 1 --cancel
refuse 2 "number of a NUMA node" "a node that is none" tarnctl partition relocate g1 --to one
refuse 2 "up to 512 pages" "a granule that is too large" \
	tarnctl partition relocate g1 --to 0 --granule 1024
refuse 2 "leave --granule out" "a granule and a limit" \
	tarnctl partition relocate g1 --to 0 --granule 1 --blocked-most 2ms
refuse 2 "with its unit" "a limit of nothing" tarnctl partition relocate g1 --to 0 --blocked-most 0ms
refuse 2 "with its unit" "a limit without a unit" tarnctl partition relocate g1 --to 0 --blocked-most 2
refuse 2 "up to 512 pages" "a granule of nothing" tarnctl partition relocate g1 --to 0 --granule 0
refuse 2 "behind the end" "a range behind the end" tarnctl partition relocate g1 2048 1 --to 0
refuse 1 "not a partition" "a file elsewhere" tarnctl partition relocate /etc/passwd --to 0
refuse 1 "only root" "not by the owner" as_user partition relocate g1 --to 0
check "he may ask" says "the relocation is done" as_user partition relocate g1 --status

fill 0 4M small
check "into 2 MiB frames" json '.state == "done" and .direction == "compact" and .node == null and
	.blocks == 2 and .moved == 1024' tarnctl partition relocate small --compact --json
check "it is in such" json '.block_pages == 1024' tarnctl partition show --json small
check "is told" says "direction                  into 2 MiB frames" \
	tarnctl partition relocate small --status
check "not of one that is to have none" tarnctl partition set small huge=never
refuse 1 "no 2 MiB frames" "it is refused" tarnctl partition relocate small --compact
rm $pool/small

# ---- draining a node

check "no node was drained so far" says "no node was drained so far" \
	tarnctl pool drain-node --status
check "in JSON" json '.state == "none" and .left == 0 and .held_page == null' \
	tarnctl pool drain-node $pool --status --json
refuse 1 "no node is being drained" "none to cancel" tarnctl pool drain-node --cancel
refuse 1 "has nothing on node 1023" "a node that is not there" tarnctl pool drain-node 1023
refuse 2 "say which node" "no node" tarnctl pool drain-node
refuse 2 "number of a NUMA node" "a node that is none" tarnctl pool drain-node $pool one
refuse 2 "nothing else" "status of a start" tarnctl pool drain-node --status --shrink
refuse 2 "nothing else" "cancel a node" tarnctl pool drain-node $pool 0 --cancel
refuse 1 "not permitted" "not by another user" as_user pool drain-node 0
refuse 1 "not permitted" "who may not ask either" as_user pool drain-node --status

# ---- two nodes

# hold FILE PAGE: a process that holds a page, as DMA would, until it is killed.
hold()
{
	rm -f "$work/held"
	python3 -c "
import ctypes, mmap, os, time
class Iov(ctypes.Structure):
    _fields_ = [('base', ctypes.c_void_p), ('len', ctypes.c_size_t)]
f = open('$pool/$1', 'r+b')
m = mmap.mmap(f.fileno(), 0)
page = (ctypes.c_char * 4096).from_buffer(m, $2 * 4096)
r, w = os.pipe()
if ctypes.CDLL(None).vmsplice(w, ctypes.byref(Iov(ctypes.addressof(page), 4096)), 1, 0) == 4096:
    open('$work/held', 'w')
time.sleep(1000)" &
	holder=$!
	await test -e "$work/held"
}

release()
{
	kill $holder
	wait $holder 2>/dev/null
	holder=
}

# What waits for a held page alone: it has no more to move.
waits()
{
	json '.state == "running" and .held == 1 and .held_page == 5 and .moved == 2047' \
		tarnctl partition relocate g1 --status --json
}

ended()
{
	json ".state == \"$1\"" tarnctl partition relocate g1 --status --json
}

# interrupt SIGNAL: what waits for a relocation ends by that, and says so.
interrupt()
{
	local status

	# A shell has it ignored by what runs behind it.
	env --default-signal=INT tarnctl partition relocate g1 --to 1 2> "$work/waited" &
	waiter=$!
	await waits || return 1
	kill "-$1" "$waiter"
	wait "$waiter"
	status=$?
	waiter=
	cat "$work/waited"
	[ "$status" = 1 ] && grep -q "the relocation goes on" "$work/waited"
}

# On a terminal.
start_on_terminal()
{
	script -qfec "tarnctl partition relocate g1 --to 1" "$work/terminal" > /dev/null &
	waiter=$!
	await grep -qE 'at [0-9]+%, .* moved, 4K held' "$work/terminal"
}

# All of g1 is on node 0 again.
back()
{
	json '.state == "done"' tarnctl partition relocate g1 --to 0 --json && lies g1 0 2048
}

two_nodes()
{
	check "two nodes have a column each" says "NODE 1" tarnctl numa
	check "what a processor touches is on its node" lies g1 0 2048
	check "to the other node" json '.state == "done" and .moved == 2048 and .skipped == 0 and
		.held == 0 and .held_page == null and (.blocked | add) > 0' \
		tarnctl partition relocate g1 --to 1 --json
	check "it is there" lies g1 1 2048
	check "unchanged" test "$(md5sum < $pool/g1)" = "$sum"
	check "a part of it back" json '.moved == 256' \
		tarnctl partition relocate g1 0 1M --to 0 --json
	check "is there" lies g1 0 256
	check "short granules" json '.moved == 256 and .blocked_most == 1 and .fit < 64 and .tried > 8' \
		tarnctl partition relocate g1 0 1M --to 1 --blocked-most 1us --json
	check "as long as it takes" says "what is blocked for 1s at most" \
		tarnctl partition relocate g1 0 1M --to 0 --blocked-most 1s
	check "and nothing else" lies g1 1 1792
	check "away from a node, page by page" json '.moved == 1792 and .skipped == 256 and
		.tried >= .moved and (.blocked | add) == .tried' \
		tarnctl partition relocate g1 --away-from 1 --granule 1 --json
	check "none is left there" lies g1 0 2048
	check "in words" says "longest blocked            less than" \
		tarnctl partition relocate g1 --to 1
	check "the times of all granules" says "granules tried             32" \
		tarnctl partition relocate g1 --status
	check "by powers of two" says "  less than" tarnctl partition relocate g1 --status
	check "and sizes" says "moved                      8388608" \
		tarnctl partition relocate g1 --to 0 --bytes
	check "still unchanged" test "$(md5sum < $pool/g1)" = "$sum"
	held_page
	no_room
	two_homes
	second_node
}

# The first one has nothing of a pool.
second_node()
{
	mount_pool $pool2 nodes=0:16M
	check "a pool on the second node alone" \
		json '[.nodes[] | .node, .frames] == [1, 4096]' tarnctl pool show --json $pool2
	check "shows it" says "NUMA node 1                16M" tarnctl pool show $pool2
	umount $pool2
}

held_page()
{
	hold g1 5
	refuse 1 "somebody holds page 5" "a held page ends it" \
		tarnctl partition relocate g1 --to 1 --refuse
	check "as the status tells" says "first that is held         page 5" \
		tarnctl partition relocate g1 --status
	check "back" tarnctl partition relocate g1 --to 0
	check "in the background" says "a relocation runs" \
		tarnctl partition relocate g1 --to 1 --background
	await waits
	result $? "a held page is waited for"
	check "and its block is told" json '.block.first == 0 and .block.page == 5 and
		.block.source_node == 0 and .block.target_node == 1 and .block.source > 0 and
		.block.granule == 64 and .block.held == [0] and .block.pins == [1] and
		.block.held_pages == 1 and
		.block.blocked == []' tarnctl partition relocate g1 --status --json
	check "in words" says "  held                     0 of 8" \
		tarnctl partition relocate g1 --status
	check "addresses only to root" json '.block.source == null and .block.page == 5' \
		as_user partition relocate g1 --status --json
	refuse 1 "is under way" "one at a time" tarnctl partition relocate g1 --to 0
	check "cancel it" says "was cancelled" tarnctl partition relocate g1 --cancel
	check "it is" ended cancelled
	refuse 1 "no relocation is under way" "not twice" tarnctl partition relocate g1 --cancel
	check "what was moved stays there" lies g1 1 2047
	check "back again" back
	check "SIGINT ends the waiting" interrupt INT
	check "but not the relocation" waits
	tarnctl partition relocate g1 --cancel > /dev/null
	check "and back" back
	check "SIGTERM ends it, too" interrupt TERM
	release
	await ended "done"
	result $? "it ends when nobody holds the page"
	check "all is there" lies g1 1 2048
	check "for all that unchanged" test "$(md5sum < $pool/g1)" = "$sum"
	check "and back once more" back
	on_terminal
}

on_terminal()
{
	if ! command -v script > /dev/null; then
		skip "a line on the terminal" "there is no script"
		return
	fi
	hold g1 5
	check "a line on the terminal" start_on_terminal
	release
	wait "$waiter"
	result $? "it ends well"
	waiter=
	check "and is back" back
}

no_room()
{
	fill 1 28M big /dev/zero
	refuse 1 "no longer has frames to spare" "a node that is full" \
		tarnctl partition relocate g1 --to 1
	check "is told" json '.state == "no-room" and .moved < 2048' \
		tarnctl partition relocate g1 --status --json
	check "nothing is lost" json '.resident_pages == 2048' tarnctl partition show --json g1
	rm $pool/big
	check "and back there is room" back
	check "nothing has changed" test "$(md5sum < $pool/g1)" = "$sum"
}

went_home()
{
	json '.misplaced_pages == 0 and .moved_pages >= 2048' tarnctl partition show --json g1
}

is_apportioned()
{
	json "($(has 0 1024)) and ($(has 1 1024))" tarnctl numa --json g1
}

two_homes()
{
	check "a home elsewhere" tarnctl partition set g1 --home 1
	await went_home
	result $? "draws the pages there"
	check "all of them" lies g1 1 2048
	check "which is told" says "; 0 misplaced, 8M moved" tarnctl partition show g1
	truncate -s 2M $pool/g2
	check "a home before there are pages" tarnctl partition set g2 --home 1
	fill 0 2M g2
	check "has the first ones" lies g2 1 512
	check "two homes" tarnctl partition set g1 --home 0=4M,1=4M
	await is_apportioned
	result $? "have what is wanted of each"
	check "nothing is misplaced" json '.misplaced_pages == 0' tarnctl partition show --json g1
	check "both are marked" says "*4M/4M" tarnctl numa g1
	check "nothing has changed by that" test "$(md5sum < $pool/g1)" = "$sum"
}

# frames ON_0 ON_1: what the pool has.
frames()
{
	json "[.nodes[].frames] == [$1, $2]" tarnctl pool show --json "$pool"
}

drain_waits()
{
	json '.state == "running" and .held == 1 and .held_page == 5 and .left == 1' \
		tarnctl pool drain-node --status --json
}

drain_ended()
{
	json ".state == \"$1\"" tarnctl pool drain-node --status --json
}

drain_nodes()
{
	tarnctl partition set g1 --home none
	check "all is on one node" back
	hold g1 5
	refuse 1 "somebody holds page 5 of partition id:" "a held page ends the draining" \
		tarnctl pool drain-node 0 --refuse
	check "as the status tells" says "first that is held         page 5 of partition id:" \
		tarnctl pool drain-node --status
	check "the pool is as before" frames 8192 8192
	check "in the background" says "node 0 is being drained" \
		tarnctl pool drain-node $pool 0 --background
	await drain_waits
	result $? "a held page is waited for"
	check "and its block is told" json '.why == "node" and .partition == .held_partition and
		.block.page == 5 and .block.source_node == 0 and .block.target_node == 1 and
		.block.source > 0 and .block.held == [5] and (.blocked | add) == .tried' \
		tarnctl pool drain-node --status --json
	refuse 1 "is being drained" "one at a time" tarnctl pool drain-node 1
	refuse 1 "is being drained" "no other size meanwhile" tarnctl pool resize 32M:16M
	check "cancel it" says "was cancelled" tarnctl pool drain-node --cancel
	check "it is" drain_ended cancelled
	check "and the pool as before" frames 8192 8192
	check "in the background again" tarnctl pool drain-node 0 --background
	await drain_waits
	release
	await drain_ended "done"
	result $? "it ends when nobody holds the page"
	check "the node is the kernel's" frames 0 16384
	check "in words" says "node 0 is drained" tarnctl pool drain-node $pool --status
	check "nothing has changed in the guest" test "$(md5sum < $pool/g1)" = "$sum"
	check "where it is" lies g1 1 2048
	refuse 1 "has nothing on node 0" "not twice" tarnctl pool drain-node 0
	check "the node comes back" tarnctl pool resize 32M:32M
	check "as it was" frames 8192 8192
	check "the other one, waiting for the end" json '.state == "done" and .grown == 8192 and
		.moved >= 2048' tarnctl pool drain-node 1 --json
	check "is left" frames 16384 0
	check "it comes back as well" tarnctl pool resize 32M:32M
	await lies g2 1 512
	result $? "who is at home there goes there again"
	check "what a smaller pool moved is said" says "32M, was 64M; 8M moved, longest blocked less than" \
		tarnctl pool resize 0:32M
	check "and told" json '.state == "done" and .why == "size" and .node == null and
		.moved == 2048 and .block == null' tarnctl pool drain-node --status --json
	check "in words" says "the pool became smaller" tarnctl pool drain-node --status
	check "it becomes larger again" says "64M, was 32M" tarnctl pool resize 32M:32M
	drain_kept
}

# A pool by a file gets back what the file says, unless that is changed.
drain_kept()
{
	local name=${pool##*/} conf=/etc/tarn/pools.d/${pool##*/}.conf

	mkdir -p "${conf%/*}"
	printf '[pool]\nsize=64M\n' > "$conf"
	check "how it stays is told" says "tarnctl pool resize --persistent $name 64M:0" \
		tarnctl pool drain-node 1
	check "that can be done" tarnctl pool resize --persistent "$name" 64M:0
	check "is in the file" grep -qx 'nodes=64M:0' "$conf"
	check "which is applied" tarnctl config apply "$name"
	check "and the node is left still" frames 16384 0
	rm "$conf"
}

if [ -d "/sys/fs/tarn/$uuid/node1" ]; then
	two_nodes
	drain_nodes
else
	skip "pages, homes, relocation and draining on two nodes" "needs two NUMA nodes"
fi

end
