#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# save, restore and managedsave of a domain in a pool: the guest goes on where it was, with
# all that it holds; what that is stays in the file until it is needed; a file that is damaged
# is refused with a reason.

# shellcheck disable=SC2034 # the variables set here describe domains
# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
plan 21

images 6.12-cloud
make_disk
debugfs -w -R "write $top/selftests/vmm/save-guest save-guest" "$disk" >/dev/null 2>&1
debugfs -w -R "sif save-guest mode 0100755" "$disk" >/dev/null 2>&1
truncate -s 1 "$tmp/one"
debugfs -w -R "write $tmp/one keep" "$disk" >/dev/null 2>&1
pool=/run/tarn/pool0
mkdir -p $pool
mount -t tarnfs -o size=400M tarn $pool
qemu_conf="memory_backing_dir = \"$pool\""
extra="<memoryBacking><source type='file'/><access mode='shared'/></memoryBacking>"
libvirtd_config
libvirtd_start || exit 1
append="disk=/dev/vda test=/save-guest"
extra_devices="<interface type='ethernet'><mac address='52:54:00:11:22:33'/>
	<target dev='tarntap0'/><model type='virtio'/></interface>"
domain_xml keeper >"$tmp/keeper.xml"
virsh -q define "$tmp/keeper.xml" && virsh -q start keeper && within 120 said "guest: checked 2"
ok "a guest runs that checks what it holds"

# How often it has; the console's file begins anew when it is opened.
checked()
{
	grep -a "guest: checked" "$tmp/out" | tail -n 1 | tr -dc 0-9
}

more_than()
{
	local now

	now=$(checked)
	[ "${now:-0}" -gt "$1" ]
}

# has_come PAGES: more of them have come into the file of the pool.
has_come()
{
	[ "$(tarnctl partition show --json "$file" | jq .page_ins)" -gt "$1" ]
}

# goes_on COUNT: it has checked more than that, did not boot and found nothing wrong.
goes_on()
{
	within 60 more_than $(($1 + 1)) && ! said "guest: BAD" && ! said "guest: up"
}

count=$(checked)
virsh -q save keeper "$tmp/saved" >"$tmp/said" 2>&1 && state_is keeper "shut off"
ok "save"
[ "$(virsh -q domstate keeper --reason)" = "shut off (saved)" ]
ok "libvirt knows why it is off"
tarnctl save show --json "$tmp/saved" |
	jq -e '.complete and .offset > 0 and .name == "keeper" and .cpus == 1' >/dev/null
ok "tarnctl finds the guest behind libvirt's header"
virsh save-image-dumpxml "$tmp/saved" | grep "<name>keeper</name>" >/dev/null
ok "save-image-dumpxml"
: >"$tmp/out"
virsh -q restore "$tmp/saved" >"$tmp/said" 2>&1 && state_is keeper running
ok "restore"
file=$(find $pool -type f -size +200M)
within 30 has_come 1000
ok "it runs, and what it holds comes from the file"
goes_on "$count"
ok "the guest goes on"

virsh -q suspend keeper
count=$(checked)
virsh -q save keeper "$tmp/saved2" && : >"$tmp/out" &&
	virsh -q restore "$tmp/saved2" && state_is keeper paused
ok "a guest that is paused is paused when it is restored"
virsh -q resume keeper && goes_on "$count"
ok "and goes on when it is resumed"
virsh -q dommemstat keeper | grep "actual 262144" >/dev/null &&
	virsh -q domblkstat keeper vda >/dev/null &&
	virsh -q domifstat keeper tarntap0 >/dev/null
ok "its devices answer"

count=$(checked)
virsh -q managedsave keeper && state_is keeper "shut off" &&
	virsh list --all --with-managed-save | grep keeper >/dev/null
ok "managedsave"
: >"$tmp/out"
virsh -q start keeper && goes_on "$count"
ok "start goes on from there"
count=$(checked)
virsh -q dump keeper "$tmp/dump" && state_is keeper running && goes_on "$count" &&
	tarnctl save show --json "$tmp/dump" | jq -e .complete >/dev/null
ok "a guest that is dumped goes on"

mkdir "$tmp/full"
# Where that libvirtd sees it which lives below a root of its own.
full=${TEST_LIBVIRT_ROOT:-}$tmp/full
mount -t tmpfs -o size=4M none "$full"
count=$(checked)
! virsh -q save keeper "$tmp/full/saved" >"$tmp/said" 2>&1 && state_is keeper running &&
	goes_on "$count"
ok "a guest that does not fit where it is saved goes on"
virsh -q suspend keeper && ! virsh -q save keeper "$tmp/full/saved" >"$tmp/said" 2>&1 &&
	state_is keeper paused
ok "one that is paused stays paused"
umount "$full"
count=$(checked)
virsh -q resume keeper && goes_on "$count"
ok "until it is resumed"
virsh -q managedsave keeper && virsh -q managedsave-remove keeper &&
	! virsh list --all --with-managed-save | grep keeper >/dev/null
ok "managedsave-remove"

printf x | dd of="$tmp/saved2" bs=1 seek=9000000 conv=notrunc 2>/dev/null
! virsh restore "$tmp/saved2" >"$tmp/said" 2>&1 && state_is keeper "shut off" &&
	grep -q "checksum" "$tmp/said" "/var/log/libvirt/qemu/keeper.log"
ok "a damaged file is refused with the reason"
head -c 20000000 "$tmp/saved" >"$tmp/short"
! virsh restore "$tmp/short" >"$tmp/said" 2>&1 && state_is keeper "shut off" &&
	grep -q "cut short" "$tmp/said" "/var/log/libvirt/qemu/keeper.log"
ok "so is one that is cut short"
virsh -q start keeper && state_is keeper running
ok "the domain can be started afterwards"
virsh -q destroy keeper

libvirtd_stop
umount $pool
finish
