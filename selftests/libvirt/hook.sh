#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the hook refuses, each with the sentence that the user of virsh sees, and
# that a refused start leaves nothing behind.

# shellcheck source=selftests/libvirt/host-lib.sh
. "$(dirname "$0")/host-lib.sh"
domain=db

plan 28
pool_init 64M
libvirt_init /run/tarn/domains
mkdir -p /run/tarn/pool1
mount -t tarnfs -o size=32M,mode=0755,paging=none tarn /run/tarn/pool1

# with ATTRIBUTES SETTINGS [SED]: define the domain with these settings.
with()
{
	awk -v new="<tarn:partition xmlns:tarn='urn:tarn:partition:1' $1>$2</tarn:partition>" '
		/<tarn:partition/ { print new; skip = 1 }
		!skip { print }
		/<\/tarn:partition>/ { skip = 0 }' "$top/Examples/qemu.xml" |
		sed -e '/<kernel>/d;/<initrd>/d;/<cmdline>/d' -e "${3-}" \
			-e "s|<name>|<uuid>7b1ad0f2-52c0-4a41-a5a5-3b6e1c4c6f01</uuid><name>|" >"$tmp/x.xml"
	virsh -q define "$tmp/x.xml" >"$tmp/out" 2>&1
}

# no TEXT NAME ...: a domain that is not started, with this sentence.
no()
{
	with "${@:3}" && refused "$1" virsh start db --paused
	ok "$2"
}

no "is no pool" "a pool that is not there" "pool='pool7'" ""
no "there are 2 pools, name the one" "no pool of several" "" ""
no "takes a number from 1 to 10000" "a bad weight" "pool='pool0'" "<tarn:weight>0</tarn:weight>"
no "did you mean <weight>" "an unknown setting" "pool='pool0'" "<tarn:wieght>1</tarn:wieght>"
no "cannot keep 192M for the domain" "more than the pool can keep" "pool='pool0'" \
	"<tarn:paging class='resident'/>"
no "more than the <memory>" "more than its memory" "pool='pool0'" \
	"<tarn:min unit='GiB'>1</tarn:min>"
no "write <memoryBacking><source type='file'/>" "memory that is in no file" "pool='pool0'" "" \
	"/<source type='file'/d;/<access/d"
no "write <access mode='shared'/>" "private memory" "pool='pool0'" "" "/<access/d"
no "numbers of NUMA nodes below 64" "home nodes that are none" "pool='pool0'" \
	"<tarn:home nodes='0=4'/>"
no "this host has no NUMA node 5" "home nodes that are not there" "pool='pool0'" \
	"<tarn:home nodes='5'/>"
no "a pool without paging shares nothing" "sharing where there is none" "pool='pool1'" \
	"<tarn:sharing domain='web'/>"
mkdir -p /etc/tarn
echo low >/etc/tarn/oom-score-adj
no "not a number from -1000 to 1000" "an oom_score_adj for all that is none" "pool='pool0'" ""
echo -500 >/etc/tarn/oom-score-adj
[ -z "$(find /run/tarn/domains -type l)$(find /run/tarn/pool? -mindepth 1 -name '*.ram')" ]
ok "nothing of them is left"

with "pool='pool1'" "<tarn:paging class='spare'/><tarn:home nodes='0=64M' dispatch='strict'/><tarn:huge blocks='never'/>" &&
	virsh -q start db --paused >"$tmp/out" 2>&1
ok "a good one is started"
[ "$(cat "/proc/$(cat /run/libvirt/qemu/db.pid)/oom_score_adj")" = -500 ]
ok "its VMM has the oom_score_adj of all"
tarnctl partition list --json /run/tarn/pool1 >"$tmp/out" &&
	jq -e '.[0] | (.path | endswith("/db/pc.ram")) and .desired_frames == 1' "$tmp/out" >/dev/null
ok "in the pool that it names"
tarnctl partition show --json "$(find /run/tarn/pool1 -name pc.ram)" >"$tmp/out" &&
	jq -e '.dispatch == "strict" and .huge == "never" and any(.nodes[]; .home and .wanted_frames == 16384)' \
		"$tmp/out" >/dev/null
ok "with its homes, and without 2 MiB frames"
settings "<partition pool='pool0'/>" --live && tarn-listener --once >"$tmp/out" 2>&1
grep -q "stays where it is until it is started again" "$tmp/out"
ok "a running domain stays in its pool"
xml=$(virsh dumpxml db | sed 's/pool=.pool0./pool="pool1"/')
for op in "start begin" "start begin" "started begin"; do
	# shellcheck disable=SC2086 # two words
	/etc/libvirt/hooks/qemu.d/tarn db $op - <<<"$xml" >"$tmp/out" 2>&1
done && [ "$(find /run/tarn/pool1 -name '*.ram' | wc -l)" = 1 ]
ok "the hook does no harm twice"
virsh -q destroy db >"$tmp/out" 2>&1 && [ -z "$(find /run/tarn/pool1/domains -mindepth 1)" ]
ok "destroyed, nothing is left"

with "pool='pool0'" "<tarn:weight>200</tarn:weight><tarn:sharing domain='web'/>" &&
	virsh -q start db --paused >"$tmp/out" 2>&1
ok "one that shares is started"
shares()
{
	tarnctl partition show --json "$(find /run/tarn/pool0 -name pc.ram)" >"$tmp/out" && jq -e "$1" "$tmp/out" >/dev/null
}
shares '.sharing_domain == "web" and .weight == 200'
ok "in its domain of sharing"
settings "<partition pool='pool0'/>" --live && tarn-listener --once >"$tmp/out" 2>&1
shares '(.sharing_domain // "") == "" and .weight == 128'
ok "and in none when that is taken away"
virsh -q destroy db >"$tmp/out" 2>&1

# Not of Tarn's business: memory in no file and no settings.
sed -e '/<metadata>/,/<\/metadata>/d' -e '/<memoryBacking>/,/<\/memoryBacking>/d' "$tmp/x.xml" >"$tmp/y.xml"
virsh -q define "$tmp/y.xml" >"$tmp/out" 2>&1 && virsh -q start db --paused >"$tmp/out" 2>&1
ok "a domain that has nothing of Tarn's"
virsh -q destroy db >"$tmp/out" 2>&1
umount /run/tarn/pool1
sed '/<metadata>/,/<\/metadata>/d' "$tmp/x.xml" >"$tmp/y.xml"
virsh -q define "$tmp/y.xml" >"$tmp/out" 2>&1 && virsh -q start db --paused >"$tmp/out" 2>&1 &&
	part '(.path | endswith("/db/pc.ram")) and .weight == 128'
ok "without settings it has the defaults"
virsh -q destroy db >"$tmp/out" 2>&1
sed -i "/<source type='file'/d" "$tmp/y.xml"
virsh -q define "$tmp/y.xml" >"$tmp/out" 2>&1 && virsh -q start db --paused >"$tmp/out" 2>&1 &&
	part '(.path | endswith("/db/pc.ram")) and .weight == 128'
ok "and comes to be there where only <access> has its memory in a file"
virsh -q destroy db >"$tmp/out" 2>&1
daemon_stop
sed -i "s|^memory_backing_dir.*||" /etc/libvirt/qemu.conf
daemon_start
no 'set memory_backing_dir = "/run/tarn/domains"' "memory_backing_dir is not set" "pool='pool0'" ""
virsh -q undefine db >"$tmp/out" 2>&1
ok "undefined"
finish
