#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The example of a domain of tarn-vmm: its memory in the pool it names, with its
# settings, and a live change of them.

# shellcheck source=selftests/libvirt/host-lib.sh
. "$(dirname "$0")/host-lib.sh"
domain=web

grep -aq qmp_capabilities "$(command -v tarn-vmm)" ||
	skip_all "tarn-vmm has no monitor"
plan 10
pool_init 200M
libvirt_init /run/tarn/domains
guest_images web 40
make_disk
cp "$disk" /var/lib/libvirt/images/web.img
cp "$(command -v tarn-vmm)" /usr/bin/tarn-vmm
sed "s/quiet/quiet tsc=reliable no_timer_check cryptomgr.notests/
	s|<serial type='pty'/>|<serial type='file'><source path='/var/log/libvirt/qemu/web.txt' append='on'/></serial>|
	/<console/d" "$top/Examples/tarn-vmm.xml" >"$tmp/web.xml"
console=/var/log/libvirt/qemu/web.txt

tarnctl domain check --here "$top/Examples/tarn-vmm.xml" >"$tmp/out" 2>&1
ok "the example is good"
virt-xml-validate "$top/Examples/tarn-vmm.xml" >"$tmp/out" 2>&1
ok "for libvirt's schema, too"
virsh -q define "$tmp/web.xml" >"$tmp/out" 2>&1 && virsh -q start web >"$tmp/out" 2>&1
ok "it is started"
part '(.path | test("/web/[^/]+$")) and .weight == 128 and .min_frames == 8192'
ok "its memory is in the pool and has its settings"
part '.vms == 1'
ok "its VM is attached once"
is_up()
{
	[ -n "$(rounds)" ]
}
until_true is_up
ok "the guest is up"
goes_on
ok "and goes on"
settings "<partition pool='pool0'><weight>77</weight></partition>" --live &&
	tarn-listener --once >"$tmp/out" 2>&1 && part '.weight == 77'
ok "a live change is applied"
virsh -q destroy web >"$tmp/out" 2>&1 && [ -z "$(find "$pool/domains" -mindepth 1)" ]
ok "destroyed, nothing is left"
virsh -q undefine web >"$tmp/out" 2>&1
ok "undefined"
finish
