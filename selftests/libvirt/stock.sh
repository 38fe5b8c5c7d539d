#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Unmodified QEMU under libvirtd, its memory in a pool that pages: settings, the
# balloon, live changes, save, restore, managedsave, and that nothing is left.

# shellcheck source=selftests/libvirt/host-lib.sh
. "$(dirname "$0")/host-lib.sh"
domain=db
console=/var/log/libvirt/qemu/db-console.log
element="<partition pool='pool0'>"

plan 36
pool_init 128M
libvirt_init /run/tarn/domains
guest_images db 60
sed 's/quiet/quiet tsc=reliable no_timer_check cryptomgr.notests/' \
	"$top/Examples/qemu.xml" >"$tmp/db.xml"

tarnctl domain check --here "$tmp/db.xml" >"$tmp/out" 2>&1
ok "the example is good"
virsh -q define "$tmp/db.xml" >"$tmp/out" 2>&1 && virsh -q start db >"$tmp/out" 2>&1
ok "it is started"
part '(.path | endswith("/db/pc.ram")) and .weight == 256 and .min_frames == 8192'
ok "its memory is in the pool and has its settings"
part '.vms == 1'
ok "its VM is attached"
is_up()
{
	[ -n "$(rounds)" ]
}
until_true is_up
ok "the guest is up"

file=$(find "$pool/domains" -name pc.ram)
pinned()
{
	tarnctl partition pins --json "$file" >"$tmp/out" &&
		jq -e '[.areas[] | select(.by == "kvm" or .origin == "kvm")] | length > 0' "$tmp/out" >/dev/null
}
pinned
ok "areas of the guest are pinned"
tarnctl partition page-out "$file" >"$tmp/out" 2>&1 && part '.paged_pages > 1000'
ok "it is paged out"
goes_on
ok "and goes on with the right memory"
tarnctl partition heat --json "$file" >"$tmp/out" 2>&1 &&
	jq -e '.by_class // .classes | length > 0' "$tmp/out" >/dev/null
ok "its activity is seen"

# ---- the balloon

stat_has()
{
	virsh -q dommemstat db >"$tmp/out" 2>&1
	grep -q "^$1 " "$tmp/out"
}
until_true stat_has usable && stat_has unused && stat_has rss
ok "dommemstat is full"
tarnctl partition page-in "$file" >"$tmp/out" 2>&1
held()
{
	tarnctl partition list --json "$pool" | jq '.[0].resident_pages + .[0].paged_pages'
}
before=$(held)
held_less()
{
	[ "$(held)" -lt "$before" ]
}
virsh -q setmem db 150M --live >"$tmp/out" 2>&1 &&
	until_true eval 'virsh -q dommemstat db | grep -q "^actual 153600"'
ok "setmem shrinks the guest"
until_true held_less
ok "and its memory leaves the pool"
virsh -q setmem db 192M --live >"$tmp/out" 2>&1 &&
	until_true eval 'virsh -q dommemstat db | grep -q "^actual 196608"'
ok "setmem gives it back"

# ---- live changes

listen
ok "the listener listens"
settings "$element<weight>77</weight></partition>" --live && until_true part '.weight == 77'
ok "a live change is applied"
part '.min_frames == 0'
ok "what is not there any more has its default"
settings "$element<weight>0</weight></partition>" --live &&
	until_true grep -q "takes a number from 1 to 10000" "$tmp/listener"
ok "a bad one is reported"
part '.weight == 77'
ok "and changes nothing"
settings "$element<pins policy='none'/></partition>" --live && until_true part '.vms == 0'
ok "pins are given up"
settings "$element<weight>78</weight></partition>" --live && until_true part '.vms == 1'
ok "and taken again"
listens_again()
{
	[ "$(grep -c ^listening "$tmp/listener")" = 2 ]
}
daemon_stop && daemon_start && until_true listens_again
ok "the listener outlives a restart of libvirtd"
settings "$element<weight>79</weight></partition>" --live && until_true part '.weight == 79'
ok "and hears of changes again"
goes_on
ok "the guest goes on"
: >"$console"
virsh -q reset db && until_true grep -q "^db: it was reset" "$tmp/listener" && part '.vms == 1'
ok "after a reset its VM is attached anew"
until_true is_up
ok "and the guest is up again"

# ---- save and restore

virsh -q save db "$tmp/saved" >"$tmp/out" 2>&1 && ! virsh -q domstate db | grep -q running
ok "it is saved"
[ -z "$(find "$pool/domains" -mindepth 1)" ] && [ -z "$(find /run/tarn/domains -type l)" ]
ok "nothing of it is left"
virsh -q restore "$tmp/saved" >"$tmp/out" 2>&1 && goes_on
ok "it is restored and goes on"
part '.weight == 79 and .vms == 1'
ok "with its settings"
virsh -q managedsave db >"$tmp/out" 2>&1 && virsh -q start db >"$tmp/out" 2>&1 && goes_on
ok "managedsave, and it goes on"
virsh -q suspend db && virsh -q resume db && goes_on
ok "suspend and resume"
virsh -q destroy db >"$tmp/out" 2>&1 && [ -z "$(find "$pool/domains" -mindepth 1)" ]
ok "destroyed, nothing is left in the pool"
[ -z "$(find /run/tarn/domains -type l)" ]
ok "and no link"
virsh -q undefine db >"$tmp/out" 2>&1
ok "undefined"

# ---- a pool as memory_backing_dir itself

daemon_stop
sed -i "s|^memory_backing_dir.*|memory_backing_dir = \"$pool\"|" /etc/libvirt/qemu.conf
daemon_start
virsh -q define "$tmp/db.xml" >"$tmp/out" 2>&1 && virsh -q start db >"$tmp/out" 2>&1 &&
	part '.weight == 256 and .vms == 1'
ok "memory_backing_dir may be the pool"
virsh -q destroy db >"$tmp/out" 2>&1 && part 'false'; [ "$(jq length "$tmp/out")" = 0 ]
ok "and nothing is left there"
finish
