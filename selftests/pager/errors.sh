#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plain devices that fail: a load that fails is lost for its reader alone and
# can be had again later; a store goes elsewhere, and where there is no elsewhere
# the page stays in memory.
set -u
# shellcheck source=selftests/pager/tools/common.sh
. "$(dirname "$0")/tools/common.sh"

# N pages of "a" are lost, and none is wrong.
lost_some()
{
	local answer

	answer=$(pages a check 0 4096 1)
	echo "$answer"
	[[ $answer =~ ^wrong\ 0\ lost\ [1-9] ]]
}

device_has()
{
	control '{"cmd": "devices"}' "a['devices'][$1]$2"
}

need_devices
plan 17
device a 0
device b 1
pool 8M
check "it starts" pager --device /dev/mapper/tarn-a,priority=5 \
	--device /dev/mapper/tarn-b,priority=1 --no-grant
check "pages are written" pages a write 0 4096 1
check "to the device of the higher priority" \
	device_has 1 '["used"] == 0'
break_device a
check "pages that can't be read are lost" lost_some
check "the module counts them" counter_is load_errors -gt 0
check "the pager counts them" device_has 0 '["legs"][0]["read_errors"] > 0'
mend_device a 0
check "they can be read when the device works again" pages a check 0 4096 1
break_writes a 0
check "stores go to the other device" pages b write 0 4096 1
check "which holds them now" device_has 1 '["used"] > 1024'
check "no store failed" counter_is store_errors -eq 0
check "the device is given up" device_has 0 '["write_failed"]'
check "the pager is degraded" control '{"cmd": "status"}' 'a["degraded"]'
check "what it holds is still read" pages a check 0 4096 1
break_writes b 1
load c write 0 1024 1
check "stores that nobody takes fail" wait_until counter_is store_errors -gt 0
mend_device b 1
kill_pager
mend_device a 0
check "a pager takes over when the devices work again" \
	pager --device /dev/mapper/tarn-a --device /dev/mapper/tarn-b
check "the writer ends" wait "$load"
check "and nothing was lost" pages c check 0 1024 1
