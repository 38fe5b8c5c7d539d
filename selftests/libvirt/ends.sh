#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How a domain ends or begins again: shutdown, reboot, reset, crashes, and a VMM
# that is killed.

# shellcheck disable=SC2034 # the variables set here describe domains
# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
plan 10

times_up()
{
	[ "$(grep -ac 'watching' "$tmp/out")" -ge "$1" ]
}

set_up ends
ok "a domain runs"

virsh -q reset ends && within 200 times_up 2 && state_is ends running
ok "reset: the kernel boots again"
virsh -q reboot ends --mode acpi && within 200 times_up 3 && state_is ends running
ok "reboot: the guest shuts down and boots again"
virsh -q suspend ends && virsh -q reset ends && state_is ends paused && virsh -q resume ends &&
	within 200 times_up 4
ok "reset while it is paused"
virsh -q shutdown ends --mode acpi && within 200 state_is ends "shut off" && said pressed
ok "shutdown: the guest powers off"
[ "$(virsh -q domstate ends --reason)" = "shut off (shutdown)" ]
ok "libvirt knows why"

reason_is()
{
	[ "$(virsh -q domstate "$1" --reason)" = "$2" ]
}

append="end=crash"
domain_xml panics >"$tmp/panics.xml"
virsh -q define "$tmp/panics.xml" && virsh -q start panics &&
	within 200 reason_is panics "shut off (crashed)"
ok "a guest whose kernel panics has crashed"
sed -i "s|<devices>|<on_crash>preserve</on_crash>&|" "$tmp/panics.xml"
virsh -q undefine panics && virsh -q define "$tmp/panics.xml" && virsh -q start panics &&
	within 200 reason_is panics "crashed (panicked)"
ok "it stays to be looked at with on_crash preserve"
virsh -q destroy panics && state_is panics "shut off"
ok "and can be destroyed"

virsh -q start ends && within 200 said watching && kill -KILL "$(cat /run/libvirt/qemu/ends.pid)" &&
	within 30 reason_is ends "shut off (crashed)"
ok "a VMM that is killed is a crash"

libvirtd_stop
finish
