#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A domain on tarn-vmm whose memory is in a pool, as libvirt places it there by
# memory_backing_dir.

# shellcheck disable=SC2034 # the variables set here describe domains
# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
plan 6

pool=/run/tarn/pool0
mkdir -p $pool
mount -t tarnfs -o size=700M tarn $pool
ok "a pool"
qemu_conf="memory_backing_dir = \"$pool\""
extra="<memoryBacking><source type='file'/><access mode='shared'/></memoryBacking>"
set_up pooled
ok "a domain runs"
file=$(find $pool -type f -size +200M)
[ -n "$file" ] && echo "# $file"
ok "its memory is a file in the pool"
# df tells frames: the guest has touched some, but not all that it may have.
used=$(df --output=used -k $pool | tail -n 1)
[ "$used" -gt 30000 ] && [ "$used" -lt 262144 ]
ok "it takes what it has touched"
tells pooled virsh -q list && virsh -q suspend pooled && virsh -q resume pooled &&
	virsh -q reset pooled && state_is pooled running
ok "suspend, resume, reset"
virsh -q destroy pooled && [ -z "$(find $pool -type f)" ]
ok "nothing is left of it in the pool"
libvirtd_stop
umount $pool
finish
