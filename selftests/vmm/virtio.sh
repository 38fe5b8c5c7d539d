#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A Debian guest uses every virtio device of tarn-vmm, with its root on an ext4
# disk. Runs where KVM is.
#
#   virtio.sh [KERNEL [vhost]]     the guest's kernel (6.1-cloud); vhost-net

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
guest=${1:-6.1-cloud}
vmm=$top/build/bin/tarn-vmm
tmp=$(mktemp -d /dev/shm/tarn-virtio.XXXXXX)
pids=()
count=0
status=0

# shellcheck disable=SC2317 # called by the trap
cleanup()
{
	[ "$status" = 0 ] || sed 's/^/# /' "$tmp/messages" "$tmp/serial"
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	exec 3>&-
	ip link del tarntap 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'status=1; exit 1' TERM INT
# The guest's port may become the controlling terminal, and then hangs up.
trap '' HUP

result()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count $2"
	else
		echo "not ok $count $2"
		status=1
	fi
}

# Wait until the guest has printed a line; fails when the VMM has ended.
wait_line()
{
	while ! grep -q "$1" "$tmp/serial" 2>/dev/null; do
		kill -0 "$vmm_pid" 2>/dev/null || return 1
		sleep 0.1
	done
}

blocks()
{
	stat -c %b "$1"
}

images()
{
	kernel=$("$top/scripts/kernel" path "$guest" vmlinuz)
	"$here/mkguest" initrd "$guest" "$tmp/initrd"
	"$here/mkguest" disk "$tmp/root"
	truncate -s 32M "$tmp/data"
	dd if=/dev/zero of="$tmp/data" bs=1M count=32 conv=notrunc status=none
	cp "$here/virtio-guest" "$tmp/script"
	# A whole number of sectors; the shell stops at "exit".
	echo exit >> "$tmp/script"
	truncate -s %4096 "$tmp/script"
	tr '\0' '\n' < "$tmp/script" > "$tmp/script.padded"
	mv "$tmp/script.padded" "$tmp/script"
}

network()
{
	modprobe tun
	[ -z "$vhost" ] || modprobe vhost_net
	ip tuntap add tarntap mode tap vnet_hdr
	ip addr add 192.168.77.1/24 dev tarntap
	ip link set tarntap up
	busybox httpd -f -p 5001 -h "$tmp" &
	pids+=($!)
}

start()
{
	"$vmm" -name virtio -machine pc -accel kvm -cpu host -m 256 -smp 2 \
		-machine memory-backend=ram \
		-object "memory-backend-file,id=ram,size=256M,share=on,mem-path=$tmp/ram" \
		-object iothread,id=io1 \
		-kernel "$kernel" -initrd "$tmp/initrd" \
		-append "console=ttyS0 quiet panic=-1 disk=/dev/vda test=sh+/dev/vdc" \
		-blockdev "driver=file,node-name=f0,filename=$tmp/root,discard=unmap" \
		-blockdev driver=raw,node-name=root,file=f0,discard=unmap \
		-device virtio-blk-pci,drive=root,serial=tarn-root,iothread=io1 \
		-blockdev "driver=raw,node-name=data,discard=unmap,cache.direct=on,file.driver=file,file.filename=$tmp/data" \
		-device virtio-blk-pci,drive=data,serial=tarn-data,num-queues=1 \
		-blockdev "driver=raw,node-name=script,read-only=on,file.driver=file,file.filename=$tmp/script" \
		-device virtio-blk-pci,drive=script,serial=tarn-script \
		-netdev "tap,id=n0,ifname=tarntap$vhost" \
		-device virtio-net-pci,netdev=n0,mac=52:54:00:aa:bb:cc \
		-device virtio-balloon-pci,free-page-reporting=on,deflate-on-oom=on \
		-object rng-random,id=r0,filename=/dev/urandom \
		-device virtio-rng-pci,rng=r0 \
		-chardev "file,id=c0,path=$tmp/hvc0" \
		-chardev pty,id=c1 \
		-device virtio-serial-pci -device virtconsole,chardev=c0 \
		-device virtserialport,chardev=c1,name=tarn.echo \
		-serial "file:$tmp/serial" -display none -no-reboot 2> "$tmp/messages" &
	vmm_pid=$!
	pids+=("$vmm_pid")
	while ! grep -q "redirected to" "$tmp/messages"; do
		kill -0 "$vmm_pid" 2>/dev/null || return 1
		sleep 0.1
	done
	pty=$(sed -n 's/.*redirected to \([^ ]*\) .*/\1/p' "$tmp/messages")
	exec 3<> "$pty"
	cat <&3 > "$tmp/port.out" 2>/dev/null &
	pids+=($!)
}

# The guest's own checks, in the order in which they came.
guest_results()
{
	local line

	while read -r line; do
		line=${line%$'\r'}
		case $line in
		"guest ok "*)		result 0 "${line#guest ok }" ;;
		"guest not ok "*)	result 1 "${line#guest not ok }" ;;
		esac
	done < "$tmp/serial"
}

run()
{
	local before after sum

	start
	result $? "the machine starts"
	wait_line "guest ok a port is found" && echo "are you there" >&3
	wait_line "ping"
	while ! busybox wget -q -O "$tmp/received" http://192.168.77.2/pattern 2>/dev/null &&
		kill -0 "$vmm_pid" 2>/dev/null; do
		sleep 0.1
	done
	echo fetched >&3
	wait_line "memory full"
	before=$(blocks "$tmp/ram")
	echo full >&3
	wait_line "memory free"
	after=$(blocks "$tmp/ram")
	echo free >&3
	wait "$vmm_pid"
	result $? "the guest powers off"
	guest_results

	# 64 MiB were filled and freed; most of that must have come back.
	[ $((before - after)) -gt $((40 * 2048)) ]
	result $? "free pages are reported ($before to $after blocks)"
	sum=$(sed -n 's/^pattern \([0-9a-f]*\).*/\1/p' "$tmp/serial")
	[ "$(dd if="$tmp/data" bs=1M skip=1 count=4 status=none | md5sum | cut -d' ' -f1)" = "$sum" ]
	result $? "the host's file holds what the guest wrote"
	[ "$(blocks "$tmp/data")" -le $((24 * 2048 + 64)) ]
	result $? "discarded space is given back"
	grep -q "hello from hvc0" "$tmp/hvc0"
	result $? "the console's text arrives"
	grep -q "echo are you there" "$tmp/port.out"
	result $? "the port's answer arrives"
	[ "$count" = "$plan" ]
	status=$((status | $?))
}

plan=22
vhost=
[ "${2-}" != vhost ] || vhost=,vhost=on,vhostforce=on
echo "TAP version 13"
images
network
echo "1..$plan"
run
exit $status
