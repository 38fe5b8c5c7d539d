#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What concerns libvirtd more than the guest: it is restarted, speaks to the
# monitor for others, refuses what is not possible, starts domains by itself.

# shellcheck disable=SC2034 # the variables set here describe domains
# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
plan 12

set_up daemon
ok "a domain runs"

libvirtd_stop
libvirtd_start && state_is daemon running && virsh -q dommemstat daemon >/dev/null
ok "libvirtd finds it again after a restart"
virsh -q suspend daemon && virsh -q resume daemon && state_is daemon running
ok "and manages it"

monitor()
{
	tells "$1" virsh -q qemu-monitor-command daemon "$2"
}
monitor '"status":"running"' '{"execute":"query-status"}'
ok "qemu-monitor-command"
monitor CommandNotFound '{"execute":"nonsense"}'
ok "a command that is not there"
monitor "'x' is unexpected" '{"execute":"query-block","arguments":{"x":1}}'
ok "an argument that is not known"

refused()
{
	! timeout 60 virsh -q "$@" >"$tmp/refused" 2>&1 && [ -s "$tmp/refused" ] &&
		sed 's/^/# /' "$tmp/refused"
}
refused screenshot daemon "$tmp/shot"
ok "screenshot is refused"
refused dump daemon "$tmp/core" --memory-only && state_is daemon running
ok "dump --memory-only is refused"
refused setvcpus daemon 2 --live && state_is daemon running
ok "vCPUs beyond those of the start are refused"
refused attach-device daemon /dev/stdin <<<"<controller type='usb' model='ich9-ehci1'/>" &&
	state_is daemon running
ok "a USB controller is refused"

virsh -q autostart daemon && virsh -q destroy daemon && state_is daemon "shut off"
libvirtd_stop
# A boot of the host: what says that this libvirtd ran before is gone.
rm -f /run/libvirt/qemu/autostarted /run/libvirt/qemu/*.pid
libvirtd_start && within 200 state_is daemon running
ok "autostart"
virsh -q autostart daemon --disable && virsh -q destroy daemon && virsh -q undefine daemon
ok "undefine"

libvirtd_stop
finish
