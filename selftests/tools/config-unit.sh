#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Pools by their files, under systemd (selftests/libvirt/with-systemd): they are made,
# changed, reloaded, imported and destroyed, and partitions get what fits their names.
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
top=${TARN_TOP:-$(cd "$(dirname "$0")/../.." && pwd -P)}
PATH=$top/build/bin:$PATH
pool=/run/tarn/pool1
conf=/etc/tarn/pools.d/pool1.conf
dir=$(mktemp -d /dev/shm/tarn-config.XXXXXX)
chmod 755 "$dir"

for file in vmm/pager/tarn-pager@.service tools/host/tarn-pool@.service \
	tools/host/tarn-partitions@.service; do
	sed "s|@sbindir@|$top/build/bin|" "$top/$file" > "/etc/systemd/system/${file##*/}"
done
rm -rf /etc/tarn
mkdir -p /run/tarn/homes
systemctl daemon-reload

absent()
{
	[ ! -e "$1" ]
}

# field NAME FILTER: a value of the partition of that file in the pool.
field()
{
	tarnctl partition show --json "$pool/$1" | jq -r "$2"
}

weighs()
{
	[ "$(field "$1" .weight)" = "$2" ]
}

setting()
{
	tarnctl pool show --json pool1 | jq -e "$1"
}

# What was made for a pool that could not be is gone.
nothing_made()
{
	absent "$conf" && absent "$pool" &&
		[ "$(systemctl is-enabled tarn-pool@pool1 2>/dev/null)" != enabled ]
}

refuse 2 "size=8X: wants a size" "a pool of no size is none" \
	tarnctl pool create pool1 size=8X
refuse 2 "say how large it is" "nor one without" tarnctl pool create pool1 mode=0755
refuse 2 "did you mean 'size'" "a wrong key is told" tarnctl pool create pool1 sise=16M
refuse 2 "is no name of a pool" "and a wrong name" tarnctl pool create ../x size=16M
refuse 1 "nothing was made" "what the host cannot have is not left half made" \
	tarnctl pool create pool1 size=900G
check "and nothing of it is there" nothing_made
refuse 1 "nothing was made" "nor what has a device that is none" \
	tarnctl pool create pool1 size=16M device=/dev/null
check "nor is anything left of that" nothing_made
check "what would be written" says "size=16M" tarnctl pool create -n pool1 size=16M mode=0711
check "is not there" nothing_made
check "a pool is made by one command" tarnctl pool create pool1 size=16M mode=0711 \
	"device=$dir/a,size=64M"
check "it is mounted" mountpoint -q $pool
check "with its mode" test "$(stat -c %a $pool)" = 711
check "it is served" await setting .served
check "at the next boot, too" systemctl -q is-enabled tarn-pool@pool1 tarn-pager@pool1
refuse 1 "is there already" "it is not made twice" tarnctl pool create pool1 size=16M
check "its file is right" says "$conf: good" tarnctl config check pool1
check "it can be read" says "path=$dir/a" tarnctl config show pool1

check "a setting is kept" tarnctl pool set --persistent pool1 scan=4% readahead=64K promote=3%
check "and is set" \
	setting '.scan_permille == 40 and .readahead_pages == 16 and .promote_permille == 30'
check "in the file" says "scan=4%" cat $conf
check "promotion's share, too" says "promote=3%" cat $conf
refuse 2 "wants a share" "one that no file has is not set either" \
	tarnctl pool set --persistent pool1 scan=60
check "the setting is as before" setting '.scan_permille == 40'
check "a size is kept" tarnctl pool resize --persistent pool1 32M
check "in the file" says "size=32M" cat $conf

# A comment, to see that it stays.
sed -i 's/^scan=.*/scan=6%\n# by the operator/; s/^mode=.*/mode=0755/; s/^size=32M/size=48M/
	s/^promote=.*/promote=0.5%/' $conf
cat >> $conf <<CONF

[pins]
dma=always

[device]
path=$dir/b
size=64M

[partition]
name=web-*
weight=300
min=1M
huge=never
CONF
echo > $pool/web-0
check "what would be set" says "scan=6% would be set" tarnctl config apply -n pool1
check "and its size" says "would be about 48M, is 32M" tarnctl config apply -n pool1
check "and of its partitions" says "web-0: weight=300 would be set" tarnctl config apply -n pool1
check "nothing of it is" setting '.scan_permille == 40 and .frames == 8192'
check "a pool is reloaded" systemctl reload tarn-pool@pool1
check "its settings are those of the file" \
	setting '.scan_permille == 60 and .promote_permille == 5 and .frames == 12288'
check "its mode" test "$(stat -c %a $pool)" = 755
check "its pins" json '.dma.policy == "always"' tarnctl pool pins --json pool1
check "its partitions" weighs web-0 300
check "what sets up new ones runs" await systemctl -q is-active tarn-partitions@pool1
check "its pager is reloaded" systemctl reload tarn-pager@pool1
check "which has the new device" json 'length == 2' \
	sh -c "tarnctl pager show --json pool1 | jq .devices"

echo > $pool/web-1
echo > $pool/db
check "a new partition gets what fits its name" await weighs web-1 300
check "all of it" test "$(field web-1 '[.min_frames, .huge] | map(tostring) | join(" ")')" = "256 never"
check "another one does not" weighs db 128
tarnctl partition set $pool/web-1 weight=77
systemctl restart tarn-partitions@pool1
echo > $pool/web-2
check "after a restart new ones do" await weighs web-2 300
check "and what an operator set stays" weighs web-1 77

sed -i 's/^weight=300/weight=x/' $conf
refuse 1 "weight=x: wants a number" "a file that is wrong is not applied" tarnctl config apply pool1
check "nor by a reload" sh -c "! systemctl reload tarn-pool@pool1"
check "nothing has changed" setting '.scan_permille == 60'
check "the pool stays" mountpoint -q $pool
echo > $pool/web-3
check "new partitions get what was right" await weighs web-3 300
refuse 1 "has to be put right first" "and it is not changed" \
	tarnctl pool set --persistent pool1 scan=7%
sed -i 's/^weight=x/weight=300/' $conf
cp $conf "$work/kept"
sed -i 's/^\[pool\]/[pool]\npaging=none/' $conf
sed -i '/^\[device\]/,/^$/d' $conf
refuse 1 "cannot change while it is mounted" "what cannot change is told" tarnctl config apply pool1
cp "$work/kept" $conf
check "comments have stayed" says "# by the operator" cat $conf

refuse 1 "whose memory would be gone" "a pool with partitions is not destroyed" \
	tarnctl pool destroy pool1
refuse 1 "whose memory would be gone" "nor would it be" tarnctl pool destroy -n pool1
check "what by force" says "of it hold would be gone" tarnctl pool destroy -n --force pool1
check "and removed" says "$conf would be removed" tarnctl pool destroy -n --force pool1
check "which is not done" setting .served
check "its file is there" tarnctl config check pool1
exec 3< $pool/web-1
refuse 1 "is in use" "nor one in use, by force" tarnctl pool destroy --force pool1
check "it is served again" await setting .served
exec 3<&-
check "it is destroyed by force" tarnctl pool destroy --force pool1
check "all of it is gone" nothing_made
check "and its pager" test "$(systemctl is-active tarn-pager@pool1)" = inactive
refuse 1 "there is no" "once" tarnctl pool destroy pool1

mkdir -p $pool
mount -t tarnfs -o size=16M,huge=never tarn $pool
"$top/build/bin/tarn-pager" --pool $pool --device "$dir/a,priority=5" 2> "$work/pager.log" &
pager=$!
await setting .served
tarnctl pool pins pool1 ring=never
check "marks that it has by itself are not said" sh -c '! tarnctl pool import -n pool1 | grep low='
tarnctl pool set pool1 low=100 high=300
check "what a file of it would have" says "size=16384K" tarnctl pool import -n pool1
check "there is none yet" absent "$conf"
check "a pool that was mounted by hand gets a file" says "enable tarn-pager@pool1" \
	tarnctl pool import pool1
for want in size=16384K low=400K high=1200K huge=never mode=0755 ring=never "path=$dir/a" priority=5; do
	check "with $want" grep -qxF "$want" $conf
done
check "which is right" tarnctl config check pool1
refuse 1 "is there already" "and is not made twice" tarnctl pool import pool1
stop_pager
umount $pool
check "its units have the same" systemctl start tarn-pager@pool1
check "which is served" await setting .served
check "as it was" setting '.frames == 4096'
# Who looks at a pool has it open for a moment.
(exec 3< $pool; sleep 1) &
sleep 0.2
check "and ends, although somebody looks at it" tarnctl pool destroy pool1
rm -rf "$dir"
end
