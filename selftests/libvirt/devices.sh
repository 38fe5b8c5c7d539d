#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What changes in a running domain: memory by the balloon, disks, the cable of
# its card. The guest says what it sees.

# shellcheck disable=SC2034 # the variables set here describe domains
# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
plan 15

extra_devices="<interface type='ethernet'><mac address='52:54:00:11:22:33'/>
	<target dev='tarntap0'/><model type='virtio'/></interface>"
set_up change
ok "a domain runs"

less()
{
	local mem

	mem=$(grep -a '^disks' "$tmp/out" | tail -n 1 | grep -o 'mem [0-9]*')
	[ "${mem#mem }" -lt 200000 ]
}
! less && virsh -q setmem change 160M --live && within 60 less
ok "setmem: the guest has less"
balloon_is()
{
	tells "balloon.current=$1" virsh -q domstats change --balloon
}
within 60 balloon_is 163840
ok "libvirt heard of it"
more()
{
	! less
}
virsh -q setmem change 256M --live && within 60 more
ok "setmem: the guest has it back"

truncate -s 16M "$tmp/second.img"
attach()
{
	virsh -q attach-disk change "$tmp/second.img" vdb --driver qemu --subdriver raw \
		--live "$@"
}
attach && within 60 guest_sees "disks vda vdb "
ok "attach-disk: the guest sees it"
tells vdb virsh -q domblklist change && virsh -q domblkstat change vdb >/dev/null
ok "libvirt, too"
virsh -q detach-disk change vdb --live && within 60 guest_sees "disks vda mem"
ok "detach-disk: it is gone in the guest"
! tells vdb virsh -q domblklist change
ok "and in libvirt"
once_more()
{
	attach && within 60 guest_sees "disks vda vdb " &&
		virsh -q detach-disk change vdb --live && within 60 guest_sees "disks vda mem"
}
once_more && once_more && once_more
ok "three times more"
attach --mode readonly && within 60 guest_sees "disks vda vdb "
ok "a disk that can only be read"
! virsh -q attach-disk change "$tmp/none.img" vdc --driver qemu --subdriver raw --live \
	2>"$tmp/err" && grep -q "none.img" "$tmp/err" && state_is change running
ok "a disk that is not there is refused by its name"

virsh -q domif-setlink change tarntap0 down && within 60 guest_sees "link 0"
ok "domif-setlink down"
virsh -q domif-setlink change tarntap0 up && within 60 guest_sees "link 1"
ok "domif-setlink up"

cat >"$tmp/card.xml" <<-XML
	<interface type='ethernet'><mac address='52:54:00:44:55:66'/>
	<target dev='tarntap1'/><model type='virtio'/></interface>
XML
virsh -q attach-device change "$tmp/card.xml" --live && within 60 guest_sees "nics 3"
ok "attach-device: the guest has another card"
virsh -q detach-device change "$tmp/card.xml" --live && within 60 guest_sees "nics 2"
ok "detach-device"

virsh -q destroy change
libvirtd_stop
finish
