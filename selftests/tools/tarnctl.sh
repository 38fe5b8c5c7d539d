#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarnctl on real pools: lists, settings, errors, and names that mean harm.
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
need jq

# ---- no pool

if [ "$(tarnctl pool list --json)" = "[]" ]; then
	check "no pool: an empty list says how to mount one" \
		says "tarnctl pool create" tarnctl pool list
	refuse 1 "tarnctl pool create" "no pool: show fails and says so" tarnctl pool show
	refuse 1 "tarnctl pool create" "no pool: top fails and says so" tarnctl top
fi

# ---- one pool

mount_pool $pool size=64M
uuid=$(tarnctl pool list --json | jq -r '.[0].uuid')

check "list has the pool" says "$pool" tarnctl pool list -o pool,mount
check "its size is exact in JSON" json '.[0].frames == 16384' tarnctl pool list --json
check "and in bytes" says 67108864 tarnctl pool list --bytes
check "the only pool needs no name" json ".mount == \"$pool\"" tarnctl pool show --json
check "a pool by its mount point" json ".uuid == \"$uuid\"" tarnctl pool show --json $pool
check "a pool by its name below /run/tarn" json ".uuid == \"$uuid\"" \
	tarnctl pool show --json ${pool##*/}
mkdir "$work/${pool##*/}"
check "whatever else is called that where one is" json ".uuid == \"$uuid\"" \
	env -C "$work" tarnctl pool show --json ${pool##*/}
check "its name in a command with more arguments" tarnctl pool set ${pool##*/} readahead=8
check "a pool by the beginning of its uuid" json ".mount == \"$pool\"" \
	tarnctl pool show --json "${uuid:0:6}"
check "a pool by its uuid in capitals" json ".mount == \"$pool\"" \
	tarnctl pool show --json "${uuid^^}"
refuse 1 "is no pool" "another directory is no pool" tarnctl pool show /tmp
refuse 1 "is no pool" "a uuid that is not there" tarnctl pool show ffffffffffff

declare -A words=([huge]="auto never advise always" [placement]="class density refault")

# Every number that the module shows in sysfs is in JSON, and equal.
same_as_sysfs()
{
	local dir=$1 file name
	shift

	"$@" > "$work/json" || return 1
	for file in "$dir"/*; do
		name=${file##*/}
		[ -f "$file" ] || continue
		# The scanner is at work all the time.
		case $name in flags|scan_ns|scanned_pages|search_ns|searched_pages|promote_ns) continue ;; esac
		if [ "$name" = latency ]; then
			[ "$(jq -r '.latency | join(" ")' "$work/json")" = "$(cat "$file")" ]
		elif [ -n "${words[$name]-}" ]; then
			# What is a number there is a word in JSON.
			jq -e --arg name "$name" --arg words "${words[$name]}" \
				--argjson n "$(cat "$file")" \
				'($words | split(" "))[$n] == .[$name]' "$work/json" >/dev/null
		else
			[ "$(jq ".$name" "$work/json")" = "$(cat "$file")" ]
		fi || { echo "$name: $(jq -c ".$name" "$work/json"), $(cat "$file")"; return 1; }
	done
}

check "a pool's counters are those of sysfs" \
	same_as_sysfs "/sys/fs/tarn/$uuid" tarnctl pool show --json

check "its nodes add up to it" json '(.nodes | length) > 0 and
	(.nodes | map(.frames) | add) == .frames and
	(.nodes | map(.free_frames) | add) == .free_frames' tarnctl pool show --json
check "and are shown" says "NUMA node 0" tarnctl pool show

# ---- partitions

mkdir -p $pool/vm/deep
truncate -s 32M $pool/g1
truncate -s 8M $pool/vm/deep/ram
head -c 1M /dev/urandom > $pool/vm/small
esc=$'esc\e[2J\nape'
bad=$'latin\xe9'
truncate -s 4K "$pool/$esc" "$pool/$bad"
ln -s $pool/g1 "$work/link"
mkfifo $pool/fifo 2>/dev/null

check "partitions by path" \
	json '[.[].path] == ["esc\u001b[2J\nape", "g1", "latin\\xe9", "vm/deep/ram", "vm/small"]' \
	tarnctl partition list --json

no_escapes()
{
	! tarnctl partition list | grep -q $'\e'
}

check "an escape sequence in a name does not reach the terminal" no_escapes
check "it is spelled" says 'esc\x1b[2J\x0aape' tarnctl partition list
rm "$pool/$esc" "$pool/$bad"

id=$(tarnctl partition show --json $pool/vm/small | jq .id)
check "a partition by its path" json '.resident_pages == 256' \
	tarnctl partition show --json $pool/vm/small
check "a partition from the root of the pool" json ".id == $id" \
	tarnctl partition show --json vm/small
check "a partition by its number" json ".id == $id" tarnctl partition show --json "id:$id"
check "a partition from the current directory" json ".id == $id" \
	env -C $pool/vm tarnctl partition show --json small
check "a partition's counters are those of sysfs" \
	same_as_sysfs "/sys/fs/tarn/$uuid/partitions/$id" tarnctl partition show --json vm/small
refuse 1 "no such partition" "a partition that is not there" tarnctl partition show nosuch
refuse 1 "no such partition" "a number that is not there" tarnctl partition show id:4000000
refuse 2 "id:x" "a number that is none" tarnctl partition show id:x
refuse 1 "not a partition" "a file elsewhere" tarnctl partition show /etc/passwd
refuse 1 "not a partition" "a directory of a pool" tarnctl partition show $pool/vm
refuse 1 "not a partition" "a device" tarnctl partition show /dev/null
check "a partition by a link" json '.logical_pages == 8192' tarnctl partition show --json "$work/link"

exec 7< $pool/vm/small
rm $pool/vm/small
check "a partition without a name is listed" \
	json "any(.[]; .path == null and .id == $id and .resident_pages == 256)" \
	tarnctl partition list --json
check "and shown" says "1048576" tarnctl partition show --bytes "id:$id"
exec 7<&-

# ---- pages

dd if=/dev/urandom of=$pool/g1 bs=4K seek=100 count=50 conv=notrunc status=none
check "counts of page states" json '.pages == 8192 and .states.resident == 50 and
	(.states | add) == .pages' tarnctl partition pages --json g1
check "runs of page states" json '.runs == [
	{"start": 90, "count": 10, "state": "empty", "in_flight": false},
	{"start": 100, "count": 50, "state": "resident", "in_flight": false},
	{"start": 150, "count": 10, "state": "empty", "in_flight": false}]' \
	tarnctl partition pages --json --runs g1 90 70
check "a map" says ".RRRRRRRRRRRRr." tarnctl partition pages g1 0 16M
check "a range in sizes" json '.start == 1024 and .pages == 256' \
	tarnctl partition pages --json g1 4M 1M
check "a range past the end is cut" json '.pages == 2' tarnctl partition pages --json g1 8190 1G
refuse 2 "behind the end" "a range behind the end" tarnctl partition pages g1 8192 1
refuse 2 "whole pages" "a range of bytes" tarnctl partition pages g1 0 5000B
truncate -s 0 $pool/none
check "a partition of no size" json '.pages == 0' tarnctl partition pages --json none
rm $pool/none

# ---- settings

weight()
{
	tarnctl partition show --json g1 | jq .weight
}

check "set a weight" tarnctl partition set g1 weight=300
check "it is set" test "$(weight)" = 300
refuse 2 "from 1 to 10000" "weight 0" tarnctl partition set g1 weight=0
refuse 2 "from 1 to 10000" "weight 10001" tarnctl partition set g1 weight=10001
refuse 2 "did you mean 'weight'" "a misspelt setting" tarnctl partition set g1 wieght=5
check "a refused weight changes nothing" test "$(weight)" = 300

frames()
{
	tarnctl partition show --json g1 | jq -c '[.weight, .min_frames, .desired_frames]'
}

check "set a minimum and what is desired" tarnctl partition set g1 min=8M desired=50%
check "they are set" test "$(frames)" = "[300,2048,8192]"
check "all at once" tarnctl partition set g1 weight=200 min=1024 desired=0
check "are set" test "$(frames)" = "[200,1024,0]"
refuse 1 "more than the pool has" "a minimum beyond the pool" \
	tarnctl partition set g1 min=65M
refuse 1 "have more than that as their minimum" "a pool smaller than that" \
	sh -c 'tarnctl partition set g1 min=60M && tarnctl pool resize 32M'
refuse 2 "wants pages" "a minimum that is no amount" tarnctl partition set g1 min=lots
refuse 2 "from 1 to 10000" "one bad setting of two" tarnctl partition set g1 min=0 weight=0
check "changes nothing" test "$(frames)" = "[200,15360,0]"
check "and back" tarnctl partition set g1 weight=300 min=0

check "set the scanner's share" tarnctl pool set scan=0.5%
check "it is set" json '.scan_permille == 5' tarnctl pool show --json
check "turn the scanner off" tarnctl pool set scan=0
check "it is off" json '.scan_permille == 0' tarnctl pool show --json
refuse 2 "share of one CPU" "more than a CPU" tarnctl pool set scan=101%
refuse 2 "share of one CPU" "a share that is none" tarnctl pool set scan=fast
refuse 2 "share of one CPU" "a share below nothing" tarnctl pool set scan=-1
check "all of a CPU" tarnctl pool set scan=100%
check "set promotion's share" tarnctl pool set promote=3%
check "it is set" json '.promote_permille == 30 and .scan_permille == 1000' \
	tarnctl pool show --json
refuse 2 "promote=2x: wants a share of one CPU" "another that is none" \
	tarnctl pool set promote=2x
check "turn promotion off" tarnctl pool set promote=0
check "it is off" json '.promote_permille == 0' tarnctl pool show --json

# ---- heat

check "counts of activity" json '.pages == 8192 and .resident.cold == 50 and
	(.resident + .paged | length) == 5 and .cell_pages == 8' \
	tarnctl partition heat --json g1
known()
{
	tarnctl partition heat --json g1 | jq -e '.rounds > 0 and .by_class.cold == 50' >/dev/null
}
await known
result $? "sums of a whole round"
check "a map in signs" says "|            -------                        " \
	tarnctl partition heat g1
check "a range of it" json '.start == 1024 and .pages == 256' \
	tarnctl partition heat --json g1 4M 1M
check "a picture" tarnctl partition heat g1 --svg "$work/heat.svg"
check "is SVG" grep -q '^<svg xmlns=.*>$' "$work/heat.svg"
check "to stdout" says "</svg>" tarnctl partition heat g1 --svg -
refuse 1 "write to /nonexistent/x" "a picture that can't be written" \
	tarnctl partition heat g1 --svg /nonexistent/x
truncate -s 0 $pool/none
check "a partition of no size has a map" json '.pages == 0 and .cells == []' \
	tarnctl partition heat --json none
check "and a picture" says "</svg>" tarnctl partition heat none --svg -
rm $pool/none

check "set watermarks and read-ahead" tarnctl pool set low=2M high=10% readahead=16
check "they are set" json '.low_frames >= 510 and .low_frames <= 512 and
	.high_frames >= 1636 and .high_frames <= 1638 and .readahead_pages == 16' \
	tarnctl pool show --json
check "one watermark alone" tarnctl pool set $pool high=8M
check "leaves the other" json '.low_frames >= 510 and .low_frames <= 512 and
	.high_frames >= 2046 and .high_frames <= 2048' tarnctl pool show --json
check "read-ahead off" tarnctl pool set readahead=0
check "is off" json '.readahead_pages == 0' tarnctl pool show --json
refuse 2 "below high" "low above high" tarnctl pool set low=20% high=10%
refuse 2 "half the pool" "high above half the pool" tarnctl pool set high=60%
refuse 2 "above 0" "low of nothing" tarnctl pool set low=0
refuse 2 "256 pages" "too much read-ahead" tarnctl pool set readahead=257
refuse 2 "wants pages" "a watermark that is no amount" tarnctl pool set low=much
refuse 2 "did you mean 'readahead'" "a misspelt key" tarnctl pool set readhead=5
refuse 2 "say what to set" "nothing to set" tarnctl pool set $pool

# ---- pins

check "the pin policy of a pool" json '.ring == {"policy": "critical", "critical": true,
	"pinned": true} and .tables.pinned == false and length == 10' tarnctl pool pins --json
check "change it" tarnctl pool pins $pool ring=never tables=always
check "it is changed" json '.ring.policy == "never" and .ring.pinned == false and
	.tables.policy == "always" and .tables.pinned and .clock.policy == "critical"' \
	tarnctl pool pins --json $pool
check "and shown" says "async-fault  critical" tarnctl pool pins
refuse 2 "always, critical or never" "a policy that is none" tarnctl pool pins ring=sometimes
refuse 2 "did you mean 'ring'" "a type that is none" tarnctl pool pins rign=never
refuse 2 "given twice" "a type given twice" tarnctl pool pins ring=never ring=always
check "back to what it was" tarnctl pool pins ring=critical tables=critical
check "areas of a partition" json '.areas == [] and .pinned_pages == 0 and
	.quota_pages >= 64 and (.attached | not)' tarnctl partition pins --json g1
check "are none" says "0 areas, 0 pinned" tarnctl partition pins g1
refuse 1 "not a partition" "pins of a file elsewhere" tarnctl partition pins /etc/passwd
refuse 1 "shares no metrics" "metrics of no guest" tarnctl partition metrics g1
refuse 1 "not a partition" "metrics of a file elsewhere" tarnctl partition metrics /etc/passwd
check "detach where nothing is attached" tarnctl partition detach g1
refuse 1 "no memory in a pool" "attach a process that is no guest" tarnctl partition attach $$
refuse 1 "no process" "attach a process that is not there" tarnctl partition attach 4194304
refuse 2 "is no process id" "attach what is no process" tarnctl partition attach qemu
refuse 2 "GPA:BYTES:OFFSET" "a range that is none" tarnctl partition attach $$ --range 1:2
refuse 2 "overlap" "ranges that overlap" \
	tarnctl partition attach $$ --range 0:8K:0 --range 4K:4K:8K
sleep 1000 7<> $pool/g1 &
refuse 1 "no memory in a pool" "attach a process that has a partition open alone" \
	tarnctl partition attach $!
kill $!

# A process with a partition for memory, but no VM.
python3 -c "import mmap, time
f = open('$pool/g1', 'r+b')
m = mmap.mmap(f.fileno(), 1 << 20)
time.sleep(1000)" &
mapper=$!
await grep -q "$pool/g1" "/proc/$mapper/maps"
refuse 1 "has no VM" "attach a process without a VM" tarnctl partition attach $mapper
refuse 1 "has not mapped" "attach a partition that is not its memory" \
	tarnctl partition attach $mapper vm/deep/ram
kill $mapper

# ---- size

check "a larger pool" says "96M, was 64M" tarnctl pool resize 96M
check "is larger" json '.frames == 24576' tarnctl pool show --json
check "a smaller pool" says "64M, was 96M" tarnctl pool resize $pool 64M
head -c 40M /dev/urandom > $pool/fill
refuse 1 "the size is as before" "smaller than what it holds" tarnctl pool resize 16M
check "the size is as before" json '.frames == 16384' tarnctl pool show --json
rm $pool/fill
refuse 1 "the size is as before" "more than this machine has" tarnctl pool resize 1000T
refuse 2 "give it a unit" "a size without a unit" tarnctl pool resize 64
refuse 2 "is no size" "a size that is none" tarnctl pool resize big

# ---- no pager

refuse 1 "start tarn-pager" "page out without a pager" tarnctl partition page-out g1
yes | head -c 1M > $pool/words
check "patterns are found without one" says "1048576 found and given up" \
	tarnctl partition find-patterns --bytes words
check "they are patterns" json '.states.pattern == 256' tarnctl partition pages --json words
check "and counted" json '.pattern_pages == 256 and .pattern_drops == 256 and
	.resident_pages == 0' tarnctl partition show --json words
check "with the content that they had" test "$(yes | head -c 1M | md5sum)" = "$(md5sum < $pool/words)"
rm $pool/words

# ---- domains

# The scanner would be first at times.
tarnctl pool set $pool scan=0
head -c 1M /dev/urandom > $pool/e1
cp $pool/e1 $pool/e2
refuse 1 "in no sharing domain" "nothing is shared in no domain" tarnctl partition share e1
refuse 2 "name of at most 31" "a domain with no name" tarnctl partition set e1 --domain ""
refuse 2 "name of at most 31" "a domain with a blank" tarnctl partition set e1 --domain "a b"
refuse 2 "the option --domain" "a domain is no setting" tarnctl partition set e1 domain=web
check "it is in none" json '.sharing_domain == null and .leaves_sharing_domain == false' \
	tarnctl partition show --json e1
check "one is put into a domain" tarnctl partition set e1 --domain web
check "and another one" tarnctl partition set e2 --domain web
check "which is told" json '.sharing_domain == "web"' tarnctl partition show --json e2
check "also in words" says "sharing domain" tarnctl partition show e2
check "a look finds nothing yet" says "0 found to be shared" tarnctl partition share --bytes e1
tarnctl partition share e2 > /dev/null
check "the next one does" says "1048576 found to be shared" tarnctl partition share --bytes e1
check "and another one as much" says "1048576 found to be shared" \
	tarnctl partition share --bytes e2
check "they are shared" json '.states.shared == 256' tarnctl partition pages --json e1
check "and counted" json '.shared_pages == 512 and .shared_contents == 256 and
	.share_merges == 512 and .domains == 1' tarnctl pool sharing --json
check "what is shared most is listed" json '(.shared | length) == 3 and .shared[0].sharers == 2 and
	.shared[0].domain == "web" and .shared[0].state == "resident" and
	(.shared[0].path == "e1" or .shared[0].path == "e2")' tarnctl pool sharing --json --count 3
check "and as a table" says "resident" tarnctl pool sharing
check "with the content that they had" cmp $pool/e1 $pool/e2
check "one leaves" tarnctl partition set e1 --domain none
check "and shares nothing" json '.shared_pages == 0 and .share_breaks == 256 and
	.sharing_domain == null' tarnctl partition show --json e1
rm $pool/e1 $pool/e2
check "the domain is gone" json '.domains == 0' tarnctl pool show --json
refuse 1 "no pager listens" "show a pager that is not there" tarnctl pager show
check "list pagers" json '.[0].served == false and .[0].pid == null' tarnctl pager list --json

# ---- several pools

mount_pool $pool2 size=16M,paging=none
uuid2=$(tarnctl pool show --json $pool2 | jq -r .uuid)
check "two pools are listed" json 'length == 2' tarnctl pool list --json
refuse 1 "$pool2" "of two, one must be named" tarnctl pool show
check "each by its name" json '.frames == 4096 and .paging == false' \
	tarnctl pool show --json $pool2
check "by that below /run/tarn" json ".uuid == \"$uuid2\"" \
	tarnctl pool show --json ${pool2##*/}
check "each by its uuid" json '.frames == 4096' tarnctl pool show --json "$uuid2"
refuse 1 "paging=none" "a pool without paging has no pager" tarnctl pager show $pool2
truncate -s 1M $pool2/p
refuse 1 "paging=none" "and pages nothing out" tarnctl partition page-out $pool2/p
refuse 1 "paging=none" "and finds no patterns" tarnctl partition find-patterns $pool2/p
refuse 1 "without paging" "and shares nothing" tarnctl partition set $pool2/p --domain web
truncate -s 1M $pool/p
refuse 1 "several pools" "a file that both have" tarnctl partition show p
check "a file that one has" json '.logical_pages == 8192' tarnctl partition show --json g1
rm $pool/p
mkdir "$work/bind"
mount --bind $pool "$work/bind"
check "a second mount of a pool is no second pool" json 'length == 2' tarnctl pool list --json
check "it names the pool, too" json ".uuid == \"$uuid\"" tarnctl pool show --json "$work/bind"
mount -t tmpfs none $pool
check "a pool that is covered is found elsewhere" \
	json "any(.[]; .mount == \"$work/bind\")" tarnctl pool list --json
umount $pool "$work/bind"
umount $pool2

# ---- another user

as_user()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups "$(command -v tarnctl)" "$@"
}

chmod 644 $pool/g1
truncate -s 1M $pool/secret
chmod 600 $pool/secret
check "another user sees the pool" json '.[0].frames == 16384' as_user pool list --json
refuse 1 "run it as root" "but changes nothing" as_user pool set low=4M high=8M
refuse 1 "run it as root" "nor its size" as_user pool resize 32M
refuse 1 "run it as root" "nor what it pins" as_user pool pins ring=always
check "but sees what it pins" says "critical" as_user pool pins
refuse 1 "run it as root" "nor looks into processes" as_user partition attach 1
refuse 1 "not permitted" "nor a partition" as_user partition set g1 weight=1
check "what he may not open has no name" \
	json 'any(.[]; .path == null) and all(.[]; .path != "secret")' as_user partition list --json
chown 65534 $pool/g1
check "the owner lowers a weight" as_user partition set g1 weight=10
refuse 1 "raise a weight" "but does not raise it" as_user partition set g1 weight=20
mkdir "$work/private"
chmod 755 "$work"
chmod 700 $pool
refuse 1 "run it as root" "a pool that is closed to him" as_user pool show $pool
chmod 755 $pool

# ---- manuals

if command -v groff > /dev/null; then
	no_warnings()
	{
		[ -z "$(groff -mandoc -ww -Tutf8 -z "$1" 2>&1 | tee /dev/stderr)" ]
	}
	for manual in "$(dirname "$0")"/../../tools/tarnctl/*.8; do
		check "$(basename "$manual") is well formed" no_warnings "$manual"
	done
fi

check "the version" says "tarnctl " tarnctl --version

# What needs a pool; completion.sh has the rest.
# shellcheck source=tools/tarnctl/tarnctl.bash
. "$(dirname "$0")/../../tools/tarnctl/tarnctl.bash"
check "completion knows the pools" test "$(_tarnctl_pools)" = "${pool##*/}"

# offers WORDS WORD...: what it says behind these, the last of which is not complete.
offers()
{
	local COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=()

	# It has an option set for the rest of the word, which only works at a prompt.
	_tarnctl 2> /dev/null
	[ "${COMPREPLY[*]}" = "$1" ]
}

check "the values of a key" offers "auto never advise always" \
	tarnctl partition set g1 huge =
check "those that begin so" offers "auto advise always" tarnctl partition set g1 huge = a
check "not of another key" offers "" tarnctl partition set g1 weight =
check "policies" offers "critical" tarnctl pool pins dma = c
check "partitions" offers "g1" tarnctl partition show g
check "columns" offers "paged page-ins page-outs" tarnctl partition list -o pag
check "those of nodes" offers "misplaced" tarnctl numa -o mis
check "partitions whose patterns are looked for" offers "g1" tarnctl partition find-patterns g
check "granules" offers "2 256" tarnctl partition relocate g1 --granule 2

# ---- a pool that another namespace keeps

mount_pool $pool2 size=4M,paging=none
unshare --mount sleep 1000 &
keeper=$!
apart()
{
	[ "$(readlink "/proc/$keeper/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
}
await apart
umount $pool2
check "a pool that only another namespace has is named, with who keeps it" \
	says "mounted in another namespace only, of $keeper (sleep)" tarnctl pool list
check "it is in the list" json ".[1].mount == \"/proc/$keeper/root$pool2\" and
	.[1].frames == 1024" tarnctl pool list --json
check "top shows it" says "4M" tarnctl top --plain -n 1 -d 0.1 "/proc/$keeper/root$pool2"
kill $keeper
wait $keeper 2>/dev/null
only_ours()
{
	json 'length == 1' tarnctl pool list --json
}
check "and it goes with them" await only_ours

end
