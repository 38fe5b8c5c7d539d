#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# qcow2 images: as libvirt asks for them, with backing files, and what keeps them whole.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

command -v qemu-nbd >/dev/null || skip_all "qemu-utils is not here"
plan 23
images 6.12-cloud
make_disk
base=$tmp/base.qcow2 top_image=$tmp/top.qcow2

# A compressed base, as cloud images are, and an image on top of it.
qemu-img convert -c -f raw -O qcow2 "$disk" "$base"
qemu-img create -q -f qcow2 -F qcow2 -b "$base" "$top_image" 96M
was=$(sha256sum <"$base")

# node NAME FILE [KEY...]: the two nodes of an image, in libvirt's words; sets $nodes.
node()
{
	local name=$1 file=$2 more

	more=$(printf ',%s' "${@:3}")
	nodes=(-blockdev "{\"driver\":\"file\",\"filename\":\"$file\",\"node-name\":\"$name-storage\",\"auto-read-only\":true,\"discard\":\"unmap\"}"
		-blockdev "{\"node-name\":\"$name-format\",\"driver\":\"qcow2\",\"file\":\"$name-storage\"${more%,}}")
}

# chain: the options of the image on its base.
chain()
{
	node libvirt-2 "$base" '"read-only":true' '"backing":null'
	options=("${nodes[@]}")
	node libvirt-1 "$top_image" '"read-only":false' '"discard":"unmap"' '"backing":"libvirt-2-format"'
	options+=("${nodes[@]}" -device '{"driver":"virtio-blk-pci","drive":"libvirt-1-format","id":"virtio-disk0","bootindex":1}')
}

# served IMAGE: whether a server of it runs.
served()
{
	pgrep -f "^qemu-nbd .*$1" >/dev/null
}

chain
guest "disk=/dev/vda test=grep+vda+/proc/mounts;dd+if=/dev/urandom+of=/mark+bs=1M+count=8;sync;md5sum+/mark;fstrim+-v+/" \
	-kernel "$bzimage" "${options[@]}"
was_status=$?
sum=$(grep -ao '^[0-9a-f]\{32\}  /mark' "$tmp/out")
[ $was_status = 0 ] && said "^/dev/vda / ext4" && said "guest: status 0" && [ -n "$sum" ]
ok "a guest starts from an image on a compressed base, in libvirt's words"
! served "$top_image"
ok "its server is gone when the VMM is"
qemu-img check -q "$top_image" && qemu-img check -q "$base"
ok "qemu-img finds both whole"
[ "$(sha256sum <"$base")" = "$was" ]
ok "the base is as it was"

# The header names the backing file, without a word about it.
guest "disk=/dev/vda test=md5sum+/mark;blockdev+--getsize64+/dev/vda" -kernel "$bzimage" \
	-object iothread,id=io0 -device virtio-blk-pci,drive=d,iothread=io0 \
	-blockdev "qcow2,node-name=d,file.driver=file,file.filename=$top_image"
status 0 && said "^$sum"
ok "what was written is there, by the backing file of the header, on an iothread"
said "^100663296"
ok "with the size of the image"

qemu-img create -q -f qcow2 "$tmp/data.qcow2" 64M
guest "test=dd+if=/dev/zero+of=/dev/vda+bs=1M+count=16+oflag=direct;blkdiscard+-o+0+-l+16777216+/dev/vda;cmp+-n+16777216+/dev/vda+/dev/zero" \
	-kernel "$bzimage" -device virtio-blk-pci,drive=d \
	-blockdev "qcow2,node-name=d,discard=unmap,cache.direct=on,file.driver=file,file.filename=$tmp/data.qcow2"
status 0 && said "guest: status 0"
ok "with cache.direct=on: written, discarded, read"
[ "$(stat -c %b "$tmp/data.qcow2")" -lt 8192 ]
ok "what was discarded takes no room"

# qmp COMMAND...: what a monitor answers.
qmp()
{
	printf '%s\n' '{"execute":"qmp_capabilities"}' "$@" |
		socat -t 2 - "UNIX-CONNECT:$tmp/qmp"
}

# answers TEXT COMMAND...: whether that is in the answers.
answers()
{
	qmp "${@:2}" >"$tmp/answer" 2>/dev/null
	grep -q "$1" "$tmp/answer"
}

# One who writes at a time.
bare_start end=halt -device virtio-blk-pci,id=v0,drive=d \
	-blockdev "qcow2,node-name=d,file.driver=file,file.filename=$top_image" \
	-qmp "unix:$tmp/qmp,server=on,wait=off"
await "up on bare"
! qemu-img check -q "$top_image" 2>/dev/null
ok "qemu-img is refused while a guest has it"
tarn-vmm -m 64 -kernel "$bare_kernel" -device virtio-blk-pci,drive=d -blockdev \
	"qcow2,node-name=d,file.driver=file,file.filename=$top_image" >"$tmp/second" 2>&1
status 1 && grep -q "is in use by another program" "$tmp/second"
ok "so is another VMM, which says why"
qmp '{"execute":"query-block"}' >"$tmp/answer"
grep -q '"drv": *"qcow2"' "$tmp/answer" && grep -q '"virtual-size": *100663296' "$tmp/answer"
ok "a monitor is told the format and the size"
qmp '{"execute":"blockdev-add","arguments":{"driver":"qcow2","node-name":"f","file":{"driver":"file","filename":"'"$tmp/data.qcow2"'"}}}' \
	'{"execute":"device_add","arguments":{"driver":"virtio-blk-pci","drive":"f","id":"late"}}' >"$tmp/answer"
grep -q "only be opened at start-up" "$tmp/answer"
ok "one that is added later is refused, and the reason told"
qmp '{"execute":"migrate","arguments":{"uri":"file:'"$tmp/state"'"}}' >/dev/null
for ((i = 0; i < 50; i++)); do
	answers '"status": *"completed"' '{"execute":"query-migrate"}' && break
	pause 0.2
done
answers '"status": *"running"' '{"execute":"cont"}' '{"execute":"query-status"}'
ok "a guest that was saved goes on"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
for ((i = 0; i < 50; i++)); do
	served "$top_image" || break
	pause 0.1
done
! served "$top_image" && qemu-img check -q "$top_image"
ok "a VMM that is killed takes its server along, and the image is whole"

bare_start end=halt -device virtio-blk-pci,id=v0,drive=d -incoming "file:$tmp/state" \
	-blockdev "qcow2,node-name=d,file.driver=file,file.filename=$top_image" \
	-qmp "unix:$tmp/qmp,server=on,wait=off"
for ((i = 0; i < 50; i++)); do
	answers '"status": *"running"' '{"execute":"query-status"}' && break
	pause 0.2
done
answers '"status": *"running"' '{"execute":"query-status"}' '{"execute":"quit"}' && wait "$pid"
status 0
ok "it is restored on the same image"

# within SECONDS SINCE: whether no more have passed since $SECONDS was that.
within()
{
	[ $((SECONDS - $2)) -le "$1" ]
}

# A server that hangs while a guest reads.
guest_start "test=while+dd+if=/dev/vda+of=/dev/null+bs=4096+count=64+iflag=direct;do+:;done" \
	-kernel "$bzimage" -device virtio-blk-pci,id=v0,drive=d \
	-blockdev "qcow2,node-name=d,file.driver=file,file.filename=$tmp/data.qcow2" \
	-qmp "unix:$tmp/qmp,server=on,wait=off"
await "records in"
pkill -STOP -f "^qemu-nbd .*$tmp/data.qcow2"
pause 1
since=$SECONDS
{ printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"stop"}' '{"execute":"query-status"}'; pause 15; } |
	socat -t 2 - "UNIX-CONNECT:$tmp/qmp" >"$tmp/answer"
grep -q "does not complete its requests" "$tmp/answer" && grep -q '"status": *"running"' "$tmp/answer"
ok "a guest whose disk hangs cannot be paused, and goes on"
since=$SECONDS
qmp '{"execute":"system_reset"}' >/dev/null
for ((i = 0; i < 60; i++)); do
	answers '"status": *"running"' '{"execute":"query-status"}' && break
	pause 0.5
done
within 30 $since && said "what serves .* does not complete requests"
ok "it can be reset"
since=$SECONDS
qmp '{"execute":"quit"}' >/dev/null
wait "$pid"
status 0 && within 50 $since && said "did not end within 30 s and is killed"
ok "the VMM ends, and kills the server"
! served "$tmp/data.qcow2" && qemu-img check -q "$tmp/data.qcow2"
ok "the image is free and whole"

# A disk that is unplugged: a guest at its firmware's reset lets go at once.
bare_start end=halt -device virtio-blk-pci,id=v0,drive=d \
	-blockdev "qcow2,node-name=d,file.driver=file,file.filename=$tmp/data.qcow2" \
	-qmp "unix:$tmp/qmp,server=on,wait=off"
await "up on bare"
pkill -STOP -f "^qemu-nbd .*$tmp/data.qcow2"
since=$SECONDS
qmp '{"execute":"device_del","arguments":{"id":"v0"}}' '{"execute":"system_reset"}' \
	'{"execute":"blockdev-del","arguments":{"node-name":"d"}}' >"$tmp/answer"
within 5 $since && grep -q "is in use" "$tmp/answer" && ! grep -q DEVICE_DELETED "$tmp/answer"
within 5 $since && answers '"status": *"running"' '{"execute":"query-status"}'
was_status=$?
{ printf '%s\n' '{"execute":"qmp_capabilities"}'; pause 2; pkill -CONT -f "^qemu-nbd .*$tmp/data.qcow2"
	pause 3; printf '%s\n' '{"execute":"blockdev-del","arguments":{"node-name":"d"}}' '{"execute":"quit"}'; } |
	socat -t 2 - "UNIX-CONNECT:$tmp/qmp" >"$tmp/answer"
wait "$pid"
[ $was_status = 0 ] && grep -q DEVICE_DELETED "$tmp/answer" && ! grep -q "is in use" "$tmp/answer"
ok "a monitor is answered while a disk is closed, and told when it is"

tarn-vmm -m 64 -kernel "$bare_kernel" -device virtio-blk-pci,drive=d -blockdev \
	"qcow2,node-name=d,file.driver=file,file.filename=$disk" >"$tmp/second" 2>&1
status 1 && grep -q "is no qcow2 image" "$tmp/second"
ok "a raw image is refused"
tarn-vmm -m 64 -kernel "$bare_kernel" -device virtio-blk-pci,drive=d,share-rw=on -blockdev \
	"qcow2,node-name=d,file.driver=file,file.filename=$tmp/data.qcow2" >"$tmp/second" 2>&1
status 1 && grep -q "no two can write" "$tmp/second"
ok "two writers are refused"
mkdir "$tmp/empty"
vmm=$(command -v tarn-vmm)
PATH=$tmp/empty "$vmm" -m 64 -kernel "$bare_kernel" -device virtio-blk-pci,drive=d -blockdev \
	"qcow2,node-name=d,file.driver=file,file.filename=$tmp/data.qcow2" >"$tmp/second" 2>&1
status 1 && grep -q "qemu-nbd is not installed" "$tmp/second"
ok "what serves images is missing"
finish
