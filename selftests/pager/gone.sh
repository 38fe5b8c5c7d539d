#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A disk that is pulled out is no full one: its device is given up, the pool is
# degraded, and goes on with another device.
set -u
# shellcheck source=selftests/pager/tools/common.sh
. "$(dirname "$0")/tools/common.sh"

first_leg_is()
{
	control '{"cmd": "devices"}' \
		"a['devices'][0]['legs'][0]['state'] == '$1' and a['devices'][0]['write_failed']"
}

said_times()
{
	local times

	times=$(recent | grep -c -- "$2")
	echo "$times times"
	test "$times" "${@:3}" "$1"
}

scsi_disk sector_size=4096 || skip_all "no scsi_debug"
plan 10
pool 8M
check "it starts" pager --device "$disk" --no-grant
check "pages are written" pages a write 0 4096 1
echo 1 > "/sys/block/${disk##*/}/device/delete"
load b write 0 4096 1
check "the device is given up" wait_until first_leg_is failed
check "the pager is degraded" wait_until control '{"cmd": "status"}' 'a["degraded"]'
check "and has no room" wait_until control '{"cmd": "status"}' 'a["full"]'
check "who needs frames waits" kill -0 "$load"
# The main loop looks for room once a second.
sleep 3
check "it never said that there is room" said_times 0 'room again' -eq
check "no store failed: none was tried" counter_is store_errors -eq 0
check "a device is added" control "{\"cmd\": \"add\", \"path\": \"$work/b\", \"size\": 67108864}"
check "who waited goes on" wait "$load"
kill_pager
umount "$pool"
rmmod scsi_debug 2>/dev/null
