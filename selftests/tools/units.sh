#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The units of a pool and its pager, under systemd (selftests/libvirt/with-systemd):
# one command starts both, what ends is replaced, what makes no sense is not.
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
top=${TARN_TOP:-$(cd "$(dirname "$0")/../.." && pwd -P)}
PATH=$top/build/bin:$PATH
pool=/run/tarn/pool0
unit=tarn-pager@pool0
conf=/etc/tarn/pools.d/pool0.conf
old=/etc/tarn/pool0.conf
# Not the memory of this machine, whose tree of control groups has a limit for it.
dir=$(mktemp -d /dev/shm/tarn-units.XXXXXX)
chmod 755 "$dir"

for file in vmm/pager/tarn-pager@.service tools/host/tarn-pool@.service \
	tools/host/tarn-partitions@.service; do
	sed "s|@sbindir@|$top/build/bin|" "$top/$file" > "/etc/systemd/system/${file##*/}"
done
mkdir -p /etc/tarn/pools.d

configure()
{
	printf '%s\n' "$@" > $conf
}

property()
{
	systemctl show --value -p "$1" $unit
}

active()
{
	systemctl is-active "$1"
}

replaced()
{
	[ "$(property MainPID)" -gt 0 ] && [ "$(property MainPID)" != "$main" ] && active "$unit"
}

# More often in a row than systemd starts anything by default.
comes_back()
{
	local i

	for i in 1 2 3 4 5 6; do
		main=$(property MainPID)
		echo "round $i, $main"
		kill -KILL "$main"
		await replaced
	done
}

# A process that ends by itself, with status 0.
comes_back_after_its_end()
{
	main=$(property MainPID)
	kill -TERM "$main"
	await replaced
}

tried_again()
{
	[ "$(property NRestarts)" -ge 3 ] && [ "$(property ExecMainStatus)" = 1 ]
}

quiet()
{
	"$@" > "$work/said" 2>&1
	cat "$work/said"
	[ ! -s "$work/said" ]
}

refuse_import()
{
	! tarnctl pool import pool0
}

given_up()
{
	[ "$(property ActiveState)" = failed ]
}

# As it was configured before there were files of pools.
printf '%s\n' TARN_POOL_OPTIONS=size=16M \
	"TARN_PAGER_OPTIONS=--device $dir/file,size=64M --user nobody" > $old
systemctl daemon-reload
check "systemd has nothing to say against them" quiet \
	systemd-analyze verify --man=no $unit.service tarn-pool@pool0.service \
	tarn-partitions@pool0.service
check "the pager's unit starts" systemctl enable --now $unit
check "and the pool's, for all to see" mountpoint -q $pool
check "which stays" active tarn-pool@pool0
check "nothing runs for partitions of which its file says nothing" \
	test "$(active tarn-partitions@pool0)" = inactive
check "none is exposed to more than it needs" systemd-analyze security --no-pager \
	--threshold=50 $unit tarn-pool@pool0 tarn-partitions@pool0
head -c 24M /dev/urandom > $pool/a
sum=$(md5sum < $pool/a)
check "it pages" json '.[0].page_outs > 1024' tarnctl pool list --json
check "nothing limits how often it starts" test "$(property StartLimitIntervalUSec)" = 0
check "it comes back when it is killed" comes_back
check "and when it ends well" comes_back_after_its_end
check "nothing has changed for all that" test "$(md5sum < $pool/a)" = "$sum"
exec 3< $pool/a
systemctl stop tarn-pool@pool0 > "$work/out" 2>&1
check "a pool in use stays" mountpoint -q $pool
check "and its pager" active $unit
exec 3<&-
check "its file is made one of today" says "$old is $old.old now" tarnctl pool import pool0
check "which says the same" says "user=nobody" cat $conf
check "and is right" says "$conf: good" tarnctl config check
check "and is not made anew" refuse_import
configure "[device]" "path=$dir/file" "size=64M" "[device]" "path=$dir/late"
systemctl restart $unit > "$work/out" 2>&1
check "while a device is not there it is tried again" await tried_again
truncate -s 64M "$dir/late"
check "until it comes" await active $unit
check "and nothing has changed for that" test "$(md5sum < $pool/a)" = "$sum"
configure "[device]" "path=$dir/file" "size=64M" "[pager]" "depht=5"
systemctl restart $unit > "$work/out" 2>&1
check "options that make no sense end it" await given_up
check "with a status of their own" test "$(property ExecMainStatus)" = 2
sleep 2
check "and are not tried again" test "$(property NRestarts)" = 0
rm $pool/a
umount $pool
configure "[device]" "path=$dir/file" "size=64M"
systemctl reset-failed
systemctl start $unit > "$work/out" 2>&1
check "without options of its own, a pool has half of the memory" \
	test "$(df --output=size -k $pool | tail -n 1)" -gt "$(awk '/^MemTotal/ { print int($2 * 45 / 100) }' /proc/meminfo)"
check "both stop" systemctl stop $unit tarn-pool@pool0
check "and leave nothing" test ! -e $pool
rm -rf "$dir"
end
