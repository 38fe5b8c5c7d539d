#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarnctl as an operator of several guests uses it: partitions by the names of their
# guests, all pools at once, tables for programs, how pools are, what they page.
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
need jq python3

uuid=c0ffee00-1111-4222-8333-444444444444
guests=()

# guest NAME FILE...: a process that has files mapped as a VMM has, its pid in $guest.
# Only what it says of itself and what it has mapped counts.
guest()
{
	local name=$1
	shift

	python3 -c "import mmap, sys, time
end = sys.argv.index('-name')
maps = []
for path in sys.argv[1:end]:
    f = open(path, 'r+b')
    maps.append(mmap.mmap(f.fileno(), 1 << 20))
    maps[-1][0:4] = b'tarn'
print('up', flush=True)
time.sleep(1000)" "$@" -name "$name" -uuid $uuid > "$work/up" &
	guest=$!
	guests+=("$guest")
	await grep -q up "$work/up"
	: > "$work/up"
}

finish_guests()
{
	kill "${guests[@]}" 2>/dev/null
	finish
}
trap finish_guests EXIT

mount_pool $pool size=64M,paging=none
truncate -s 8M $pool/ram-a $pool/ram-b $pool/ram-c $pool/plain
mkdir $pool/dir
truncate -s 4M $pool/dir/ram0 $pool/dir/ram1 $pool/gone

guest "guest=web,debug-threads=on" $pool/ram-a
web=$guest
guest db $pool/dir/ram0 $pool/dir/ram1
guest lost $pool/gone
rm $pool/gone

# ---- names

names()
{
	[ "$(tarnctl partition list --json "$@" | jq -c '[.[].name]')" = "$want" ]
}

want='["db/ram0","db/ram1",null,"web",null,null,"lost"]'
check "partitions have the names of their guests" names
check "and their processes" json "any(.[]; .name == \"web\" and .guest.pid == $web and
	.guest.uuid == \"$uuid\" and (.guest.vmm | startswith(\"python3\")) and
	.guest.domain == false)" tarnctl partition list --json
check "and their pool" json "all(.[]; .pool == \"$pool\")" tarnctl partition list --json
check "the table has the name" says "web " tarnctl partition list
check "and the path where there is no guest" says "plain " tarnctl partition list

id_of()
{
	tarnctl partition show --json "$1" | jq .id
}
id=$(id_of $pool/ram-a)
lost=$(tarnctl partition list --json | jq '.[] | select(.name == "lost").id')
check "a partition by its guest" json ".id == $id and .path == \"ram-a\"" \
	tarnctl partition show --json web
check "one of several by its file" json '.path == "dir/ram1"' \
	tarnctl partition show --json db/ram1
check "one whose file was removed" json ".id == $lost and .path == null" \
	tarnctl partition show --json lost
check "a name behind that of the pool" json ".id == $id" \
	tarnctl partition show --json ${pool##*/}/web
check "a number behind that of the pool" json ".id == $id" \
	tarnctl partition show --json "${pool##*/}/id:$id"
check "a path behind that of the pool" json ".id == $id" \
	tarnctl partition show --json ${pool##*/}/ram-a
check "a number as lists had it" json ".id == $id" tarnctl partition show --json "(id:$id)"
check "show has the process" says "$web" tarnctl partition show web
check "the uuid" says "$uuid" tarnctl partition show web
check "the VMM" says "python3" tarnctl partition show web
check "and nodes" says "on nodes                   0: " tarnctl partition show --bytes web
check "a weight by name" tarnctl partition set web weight=77
check "is set" json '.weight == 77' tarnctl partition show --json ram-a
check "of a file that was removed" tarnctl partition set lost weight=78
check "is set, too" json '.weight == 78' tarnctl partition show --json "id:$lost"
check "by number" tarnctl partition set "id:$lost" weight=79
check "is set as well" json '.weight == 79' tarnctl partition show --json lost
check "pages by name" json '.pages == 2048' tarnctl partition pages --json web
check "heat by name" json '.pages == 2048' tarnctl partition heat --json web
check "pins by name" json '.areas == []' tarnctl partition pins --json web
check "nodes by name" json '.partitions[0].path == "web"' tarnctl numa --json web
check "names in tables of nodes" says "web" tarnctl numa
refuse 1 "did you mean 'web'" "a name that is misspelt" tarnctl partition show wbe
refuse 1 "db/ram" "a guest with several partitions" tarnctl partition show db
refuse 1 "no such partition" "a number that is not there" tarnctl partition pages id:4000000
refuse 2 "as in id:5" "a number that is none" tarnctl partition pages id:x

guest web $pool/ram-b
refuse 1 "ram-b" "two guests that call themselves alike" tarnctl partition show web
check "each by its path" json '.path == "ram-b"' tarnctl partition show --json ram-b
kill $guest
wait $guest 2>/dev/null
truncate -s 1M $pool/web
refuse 1 "a file of a pool and a guest" "a file that is called as a guest" \
	tarnctl partition set web weight=1
check "whose whole path is meant" json '.path == "web"' tarnctl partition show --json $pool/web
rm $pool/web
esc=$'e\e[2Jx'
guest "$esc" $pool/ram-c
no_escapes()
{
	! tarnctl partition list | grep -q $'\e'
}
check "an escape sequence in a name does not reach the terminal" no_escapes
check "it is spelled" says 'e\x1b[2Jx' tarnctl partition list
check "and meant as it is spelled" json '.path == "ram-c"' \
	tarnctl partition show --json 'e\x1b[2Jx'
kill $guest
wait $guest 2>/dev/null

# A domain of libvirt is what libvirt says, whatever the process does.
mkdir -p /run/libvirt/qemu
echo "$web" > /run/libvirt/qemu/shop.pid
check "a domain of libvirt" json '.name == "shop" and .guest.domain and .path == "ram-a"' \
	tarnctl partition show --json shop
rm /run/libvirt/qemu/shop.pid

# ---- tables

check "columns that are asked for" says "PARTITION  UUID" \
	tarnctl partition list -o partition,uuid
check "one column more" says "VMM" tarnctl partition list -o +vmm
first_words()
{
	[ "$("$@" | awk '{ printf "%s ", $1 }')" = "$want" ]
}
want="8388608 8388608 8388608 8388608 4194304 4194304 4194304 "
check "sorted, exactly, without titles" first_words \
	tarnctl partition list -Hp -s logical -o logical,partition
want="4194304 4194304 4194304 8388608 8388608 8388608 8388608 "
check "the other way round" first_words \
	tarnctl partition list -HpR -s logical -o logical,partition
tabs()
{
	[ "$(tarnctl pool list -Hp -o pool,size,mount)" = "${pool##*/}"$'\t67108864\t'"$pool" ]
}
check "tabs between columns" tabs
refuse 2 "did you mean 'size'" "a column that is misspelt" tarnctl pool list -o sise
refuse 2 "there is no column" "an order that is none" tarnctl partition list -s nosuch

# ---- several pools

tarnctl events --json > "$work/events" &
follower=$!
guests+=("$follower")
# It is at work once it tells of something.
begun()
{
	truncate -s 4K "$pool/probe"
	rm "$pool/probe"
	grep -q created "$work/events"
}
await begun
mount_pool $pool2 size=16M,paging=none
truncate -s 2M $pool2/second $pool2/web
await grep -q "\"$pool2\".*partition-created\|partition-created.*\"$pool2\"" "$work/events"
result $? "a pool that comes is followed"
kill $follower
want='["db/ram0","db/ram1",null,"web",null,null,"lost",null,null]'
check "a number that one pool has" json ".path == null" \
	tarnctl partition show --json "id:$lost"
refuse 1 "several pools have it" "and one that both have" tarnctl partition show id:1
check "a number behind its pool" json ".pool == \"$pool2\"" \
	tarnctl partition show --json "${pool2##*/}/id:1"
check "without a pool all partitions are listed" names
check "with the name of their pool" says " ${pool2##*/} " tarnctl partition list
want='[null,null]'
check "with one those of it" names $pool2
check "nodes of all" json '[.partitions[].path] | any(. == "'$pool2'/second") and
	any(. == "'$pool'/plain")' tarnctl numa --json
check "the top of all" says "second" tarnctl top --plain -n 1 -d 0.1
refuse 1 "a file of a pool and a guest" "a file of another pool that is called as a guest" \
	tarnctl partition show web
check "the guest behind its pool" json '.path == "ram-a"' \
	tarnctl partition show --json ${pool##*/}/web
check "lines of JSON" json '.time and (.pools | length) == 2 and (.partitions | length) == 9 and
	all(.partitions[]; has("page_ins_per_s"))' tarnctl top --json -n 1 -d 0.1
csv()
{
	tarnctl top --csv -n 2 -d 0.1 > "$work/csv" && python3 -c "import csv
rows = list(csv.DictReader(open('$work/csv')))
assert len(rows) == 18, len(rows)
row = [r for r in rows if r['partition'] == 'web' and r['path'] == 'ram-a'][0]
assert row['pid'] == '$web' and row['logical_pages'] == '2048', row
assert float(row['page_ins_per_s']) == 0, row"
}
check "lines of CSV" csv
check "a filter" json '[.partitions[].path] == ["ram-a","web"]' \
	tarnctl top --json -n 1 -d 0.1 -f web
refuse 2 "give one of them" "two formats" tarnctl top --json --csv

# ---- dry runs

# There is a file of that name in the other pool.
here=${pool##*/}/web
size()
{
	tarnctl pool show --json $pool | jq .frames
}
check "what another size would mean" says "would be about 32M, is 64M" \
	tarnctl pool resize -n $pool 32M
check "nothing on a node is a size" says "would be about 32M, is 64M" \
	tarnctl pool resize -n $pool 32M:0
refuse 2 "'0' is no size" "nothing at all is none" tarnctl pool resize -n $pool 0
check "the size is as before" test "$(size)" = 16384
tarnctl partition set plain min=40M
refuse 1 "as their minimum" "one that is less than minimums" tarnctl pool resize -n $pool 32M
tarnctl partition set plain min=0
check "what would be moved" says "would be moved to node 0" \
	tarnctl partition relocate -n "$here" --to 0
check "what would be paged out" says "up to 4K would be paged out" \
	tarnctl partition page-out -n "$here"
check "and in" says "0 would be paged in" tarnctl partition page-in -n "$here"
check "what would leave a node" says "on node 0 would be given back" \
	tarnctl pool drain-node -n $pool 0
refuse 1 "has nothing on node 999" "of a node that it has not" \
	tarnctl pool drain-node -n $pool 999
weight=$(tarnctl partition show --json "$here" | jq .weight)
check "what would be set" says "web: weight=300 would be set" \
	tarnctl partition set -n "$here" weight=300 --home 0
check "and moved" says "0 would be moved" tarnctl partition set -n "$here" weight=300 --home 0
refuse 2 "wants a number" "what makes no sense" tarnctl partition set -n "$here" weight=0
check "nothing of it is" json ".weight == $weight and (.nodes | any(.home) | not)" \
	tarnctl partition show --json "$here"
check "what would be detached" says "nothing would be done" tarnctl partition detach -n "$here"
refuse 1 "has no pager" "no pager to be taken" tarnctl pager detach --force -n $pool
check "the pool is as it was" test "$(size)" = 16384
refuse 2 "wants a share of one CPU with %" "a bare number as a share" tarnctl pool set $pool scan=5
check "help for some words" says "Usage: tarnctl pool list" tarnctl help pool list
refuse 2 "did you mean 'pool'" "help for none" tarnctl help pol

# ---- status

check "healthy pools" says "healthy" tarnctl status
check "in JSON" json 'length == 2 and all(.[]; .status == "healthy" and .advice == null)' \
	tarnctl status --json
check "none is unhealthy" says "all pools are healthy" tarnctl status -x
fill()
{
	head -c 17M /dev/zero | tr '\0' x > $pool2/fill
	[ "$(tarnctl pool show --json $pool2 | jq .free_frames)" = 0 ]
}
fill 2> /dev/null
refuse 1 "full" "a pool without a free frame" tarnctl status
refuse 1 "pool resize ${pool2##*/}" "what to do" tarnctl status -x
one_unhealthy()
{
	tarnctl status -x --json | jq -e 'length == 1 and .[0].status == "full"'
}
check "only that one" one_unhealthy
tarnctl status --watch -d 0.2 $pool2 > "$work/watch" &
watcher=$!
await grep -q " full " "$work/watch"
rm $pool2/fill
await grep -q " healthy " "$work/watch"
result $? "a change is told"
kill $watcher
lines=$(wc -l < "$work/watch")
check "and nothing else" test "$lines" = 2
umount $pool2
umount $pool 2> /dev/null
kill "${guests[@]}"
wait "${guests[@]}" 2> /dev/null
await umount $pool
mount_pool $pool size=16M
refuse 1 "systemctl start tarn-pager@${pool##*/}" "a pool without a pager" tarnctl status
check "is unserved" test "$(tarnctl status --json | jq -r '.[0].status')" = unserved

# ---- iostat, and what can't be written

check "what it pages, once" says "IN/s" tarnctl iostat
check "and again" says "FREE" tarnctl iostat 0.1 3
line_count()
{
	[ "$(tarnctl iostat -H 0.1 3 | wc -l)" = 3 ]
}
check "so often" line_count
check "with times" says "TIME" tarnctl iostat -T 0.1 1
check "lines of JSON, too" json '.frames == 4096 and .page_ins_per_s == 0' \
	tarnctl iostat --json 0.1 1
check "and of CSV" says "time,pool,uuid,frames" tarnctl iostat --csv 0.1 1
check "of a pool by name" says "${pool##*/}" tarnctl iostat ${pool##*/} 0.1 1
refuse 2 "an interval is" "an interval of nothing" tarnctl iostat 0
refuse 2 "a number from 1 on" "no count" tarnctl iostat 1 0
refuse 2 "too much" "a word too much" tarnctl iostat 1 1 1

full()
{
	"$@" > /dev/full
}
for command in "pool list" "pool list --json" "pool show" "partition list" "numa" "status" \
	"iostat" "top -n 1 -d 0.1" "doctor" "--version" "pool --help"; do
	# shellcheck disable=SC2086 # several words
	refuse 1 "No space left" "$command: what can't be written" full tarnctl $command
done

end
