#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The unit of tarn-balanced under systemd (selftests/libvirt/with-systemd): what it may do
# is enough for what it does. Memory and vCPU are those of another user, as guests' are.
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
top=${TARN_TOP:-$(cd "$(dirname "$0")/../.." && pwd -P)}
PATH=$top/build/bin:$PATH
need jq setpriv
[ -e /sys/devices/system/node/node1 ] || skip_all "needs two NUMA nodes"
hot=$top/build/selftests/kmod/hot
[ -x "$hot" ] || skip_all "$hot is not built"
pool=/run/tarn/pool0
unit=tarn-balanced
guest=

finish_unit()
{
	# shellcheck disable=SC2086 # nothing, or one
	kill -9 $guest 2> /dev/null
	systemctl stop "$unit" 2> /dev/null
	wait
	finish
}
trap finish_unit EXIT

sed "s|@sbindir@|$top/build/bin|; s|^ExecStart=.*|& --interval 1|" "$top/tools/host/$unit.service" \
	> "/etc/systemd/system/$unit.service"
systemctl daemon-reload
mount_pool $pool nodes=16M:16M,mode=0755,paging=none
mkdir -m 700 $pool/guests
truncate -s 2M $pool/guests/ram
chmod 600 $pool/guests/ram
chown -R 65534:65534 $pool/guests
setpriv --reuid 65534 --regid 65534 --clear-groups "$hot" $pool/guests/ram "CPU 0/KVM" > /dev/null &
guest=$!

has_home()
{
	json '[.nodes[] | select(.home)] | length == 1' tarnctl partition show --json guests/ram
}

# on CPUS: the vCPU may run there alone.
on()
{
	grep -l '^CPU' /proc/"$guest"/task/*/comm | sed 's/comm$/status/' |
		xargs grep -P "^Cpus_allowed_list:\t$1\$"
}

follows()
{
	tarnctl partition set guests/ram --home "$1" --dispatch strict &&
		await on "$(cat "/sys/devices/system/node/node$1/cpulist")"
}

said()
{
	journalctl -q -u "$unit" -o cat --no-pager | grep "$1"
}

check "it starts" systemctl start "$unit"
check "homes are to be computed" tarnctl partition set guests/ram --home auto
await has_home
result $? "they are"
check "which is in the journal" said "homes .*, were none"
check "a vCPU follows" follows 1
check "again" follows 0
check "it ends well" systemctl stop "$unit"
check "without having failed" test "$(systemctl show --value -p Result "$unit")" = success
check "and without a complaint" test -z "$(said 'tarn-balanced: ')"
end
