#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarnctl with a pager at work: page-out and page-in, events, devices, plain top.
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
need jq tarn-pager

make_disk nullb0 || skip_all "no null_blk here"
make_disk nullb1 || skip_all "no null_blk here"
mount_pool $pool size=32M

tarnctl events --json > "$work/events" &
follower=$!
# It follows once it tells of something.
follows()
{
	touch "$pool/probe"
	rm "$pool/probe"
	grep -q created "$work/events"
}
await follows

start_pager nullb0
check "the pool is served" json '.[0].served and .[0].paging_capacity > 0' tarnctl pool list --json

# ---- page-out and page-in

head -c 8M /dev/urandom > $pool/g1
sum=$(md5sum < $pool/g1)
resident()
{
	tarnctl partition show --json g1 | jq .resident_pages
}
check "page out a range" says "1048576 paged out" tarnctl partition page-out --bytes g1 0 1M
check "it is paged" json '.runs[0] == {"start": 0, "count": 256, "state": "paged",
	"in_flight": false}' tarnctl partition pages --json --runs g1
check "page out all" says "paged out" tarnctl partition page-out g1
check "all is paged" json '.states.paged == 2048' tarnctl partition pages --json g1
check "page in a range" says "4096 paged in" tarnctl partition page-in --bytes g1 5 1
check "a page is back, with its copy" json '.states.clean == 1' tarnctl partition pages --json g1 5 1
check "page in all" says "paged in" tarnctl partition page-in g1
check "all is resident" test "$(resident)" = 2048
check "nothing has changed" test "$(md5sum < $pool/g1)" = "$sum"
check "it is counted" json '.page_ins == 2048 and .page_outs >= 2048 and
	.latency_p50_ns > 0 and .latency_p99_ns >= .latency_p50_ns' tarnctl partition show --json g1
check "the histogram has bars" says "###" tarnctl partition show g1

# ---- page-ins under way

check "no page-ins under way" json '.pending == 0 and .faults == [] and .done > 0' \
	tarnctl pool faults --json
tarnctl partition page-out g1 > "$work/out"
sum_g1()
{
	md5sum < $pool/g1 > "$work/sum"
}
end_pager -KILL
sum_g1 &
reader=$!
is_waiting()
{
	json '.pending == 1' tarnctl pool faults --json
}
await is_waiting
check "one waits for a pager" json '.faults[0] | .path == "g1" and .index == 0 and
	.state == "no-pager" and .number > 0 and .age_ns >= .waiting_ns' tarnctl pool faults --json
check "in words" says "a pager" tarnctl pool faults $pool
check "it is counted" json '.faults_pending == 1' tarnctl pool show --json
check "and shown" says "page-ins under way" tarnctl pool show
refuse 1 "not permitted" "not to everybody" \
	setpriv --reuid 65534 --clear-groups "$(command -v tarnctl)" pool faults
number=$(tarnctl pool faults --json | jq '.faults[0].number')
check "the number stays" json ".faults[0].number == $number" tarnctl pool faults --json -n 1
start_pager nullb0
wait $reader
check "the page came" test "$(cat "$work/sum")" = "$sum"
check "and nothing is left" json '.pending == 0' tarnctl pool faults --json

# ---- a smaller pool pages out

check "a smaller pool" says "16M, was 32M" tarnctl pool resize 16M
head -c 12M /dev/urandom > $pool/g2
check "still nothing has changed" test "$(md5sum < $pool/g1)" = "$sum"

# ---- the pager's devices

pid=$pager
check "list pagers" json ".[0].pid == $pid and .[0].used_pages > 0" tarnctl pager list --json
check "show a pager" json ".pid == $pid and (.devices | length) == 1 and
	.devices[0].legs[0].path == \"/dev/nullb0\"" tarnctl pager show --json
check "show it in words" says "/dev/nullb0" tarnctl pager show
check "by its socket" json ".pid == $pid" tarnctl pager show --json --socket $pool.pager
check "add a device" says "is device 1" tarnctl pager add --priority 7 /dev/nullb1
check "says what its next start needs" \
	grep -qzF "$(printf '[device]\npath=/dev/nullb1\npriority=7')" "$work/said"
check "it is there" json '.devices[1].priority == 7 and .devices[1].legs[0].path == "/dev/nullb1"' \
	tarnctl pager show --json
refuse 1 "is in use" "not twice" tarnctl pager add /dev/nullb1
{ printf x && head -c 1M /dev/urandom; } > "$work/data"
refuse 1 "it has less than 8 MiB" "one that is too small" tarnctl pager add "$work/data"
truncate -s 16M "$work/data"
refuse 1 "it holds data without a known signature at byte 0; --force destroys it" "what holds something" \
	tarnctl pager add "$work/data"
refuse 2 "from -1000 to 1000" "a priority that no pager could start with" \
	tarnctl pager add --priority 1001 /dev/nosuch
refuse 1 "no such device" "a device that is not there" tarnctl pager add /dev/nosuch
check "it was not made either" test ! -e /dev/nosuch
check "drain a device" tarnctl pager drain 0
check "it drains" json '.devices[0].draining' tarnctl pager show --json
check "end that" tarnctl pager drain $pool 0 --off
check "it does not" json '.devices[0].draining | not' tarnctl pager show --json
refuse 1 "the pager says" "drain what is not there" tarnctl pager drain 200
refuse 2 "from 0 to 239" "drain what is no number" tarnctl pager drain x
refuse 1 "the pager says" "nothing to re-silver" tarnctl pager resilver
refuse 1 "not permitted" "another user gets no answer" \
	setpriv --reuid 65534 --clear-groups "$(command -v tarnctl)" pager show

# ---- a pager that hangs

refuse 2 "wants --force" "detach a pager, just so" tarnctl pager detach
check "it serves" json '.[0].served' tarnctl pool list --json
kill -STOP "$pid"
refuse 1 "not permitted" "not by everybody" \
	setpriv --reuid 65534 --clear-groups "$(command -v tarnctl)" pager detach --force
check "detach one that stands still" says "no pager any more" tarnctl pager detach --force
check "it does not serve any more" json '.[0].served | not' tarnctl pool list --json
refuse 1 "has no pager" "detach nobody" tarnctl pager detach --force $pool
kill_pager
start_pager nullb0 nullb1
check "the next one has all" test "$(md5sum < $pool/g1)" = "$sum"

# ---- plain top

(trap exit TERM; while cat $pool/g1 $pool/g2; do :; done) > /dev/null 2>&1 &
load=$!

# Until the load has run in an interval there is nothing to see.
busy()
{
	tarnctl top -n 2 -d 0.5 --sort page-ins | tee "$work/top" |
		awk '$1 ~ /^g[12]$/ && $6 > 0 && $10 != "-" { n++ } END { exit n < 2 }'
}
await busy
cp "$work/top" "$work/out"
grep -q "^$pool: 16M" "$work/top"
result $? "top prints the pool"
grep -qE "^$pool: .*in [0-9.]+[kMG]? pages/s, out [0-9.]+[kMG]? pages/s, [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[+-]" "$work/top"
result $? "with units and the time"
[ "$(grep -c '^PARTITION' "$work/top")" = 2 ]
result $? "top ends after two tables"
refuse 2 "did you mean 'resident'" "top: a column that is not there" tarnctl top --sort residant
kill $load
wait $load 2>/dev/null

# ---- events

kill_pager
await grep -q pager-lost "$work/events"
start_pager nullb0 nullb1
check "nothing has changed for all that" test "$(md5sum < $pool/g1)" = "$sum"
rm $pool/g2
await grep -q '"path":"g2"' "$work/events"
await jq -se 'any(.[]; .event == "partition-destroyed" and .path == "g2")' "$work/events"
cp "$work/events" "$work/out"
jq -se 'all(.[]; .pool and .time_ns > 0)' "$work/events" > /dev/null
result $? "events are JSON, one a line"
jq -se '[.[].event] | index("pager-attached") < index("pager-lost")' "$work/events" > /dev/null
result $? "a pager came and went"
jq -se 'any(.[]; .event == "resized" and .value == 4096)' "$work/events" > /dev/null
result $? "the pool was resized"
jq -se 'any(.[]; .event == "partition-created" and .path == "g2")' "$work/events" > /dev/null
result $? "a partition was made"
tarnctl events -n 1 > "$work/one" &
one=$!
await_one()
{
	touch "$pool/probe"
	rm "$pool/probe"
	! kill -0 "$one"
}
await await_one
wait $one
result $? "events ends after as many as were asked for"
cp "$work/one" "$work/out"
grep -qE '^[-0-9]+T[:0-9.]+  ' "$work/one"
result $? "in words with the time"

stop_pager
check "a follower does not keep a pool from being unmounted" umount $pool
wait $follower
result $? "and ends with it"

end
