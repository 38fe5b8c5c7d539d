#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A Debian guest uses every virtio device of tarn-vmm, with its root on an ext4
# disk. Runs where KVM is.
#
#   virtio.sh [KERNEL [vhost]]     the guest's kernel (6.1-cloud); vhost-net

# The guest's memory is a file, which gives pages back.
export TMPDIR=/dev/shm
# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"
kernel=${1:-6.1-cloud}
pid=
pids=()

# shellcheck disable=SC2317 # called by the trap
cleanup()
{
	[ "$tap_bad" = 0 ] || sed 's/^/# /' "$tmp/out"
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	exec 3>&-
	ip link del tarntap 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'tap_bad=1; exit 1' TERM INT
# The guest's port may become the controlling terminal, and then hangs up.
trap '' HUP

blocks()
{
	stat -c %b "$1"
}

make_disks()
{
	make_disk
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
	guest_start "panic=-1 disk=/dev/vda test=sh+/dev/vdc" \
		-name virtio -machine pc -accel kvm -smp 2 -machine memory-backend=ram \
		-object "memory-backend-file,id=ram,size=256M,share=on,mem-path=$tmp/ram" \
		-object iothread,id=io1 -kernel "$elf" \
		-blockdev "driver=file,node-name=f0,filename=$disk,discard=unmap" \
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
		-no-reboot
	await "guest: up" || return
	pty=$(sed -n 's/.*redirected to \([^ ]*\) .*/\1/p' "$tmp/out")
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
		"guest ok "*)		ok "${line#guest ok }" ;;
		"guest not ok "*)	false
					ok "${line#guest not ok }" ;;
		esac
	done < "$tmp/out"
}

# KiB that are private to the VMM, all but the guest's memory.
private_kib()
{
	python3 - "/proc/$pid/smaps" <<-'PY'
	import re, sys
	skip, kib = False, 0
	for line in open(sys.argv[1]):
	    area = re.match("([0-9a-f]+)-([0-9a-f]+) ", line)
	    if area:
	        skip = int(area[2], 16) - int(area[1], 16) >= 256 << 20
	    elif line.startswith(("Private_Clean:", "Private_Dirty:")) and not skip:
	        kib += int(line.split()[1])
	print(kib)
	PY
}

# 64 MiB were filled and freed; within seconds most of that comes back.
await_given_back()
{
	for _ in {1..100}; do
		after=$(blocks "$tmp/ram")
		[ $((before - after)) -le $((40 * 2048)) ] || break
		pause 0.3
	done
}

run()
{
	local before=0 after=0 private=0 sum

	start
	ok "the machine starts"
	await "guest ok a port is found" && echo "are you there" >&3
	await "guest .*ok ping"
	while ! busybox wget -q -O "$tmp/received" http://192.168.77.2/pattern 2>/dev/null && runs; do
		pause 0.1
	done
	echo fetched >&3
	await "memory full"
	before=$(blocks "$tmp/ram")
	private=$(private_kib)
	echo full >&3
	await "memory free" && await_given_back
	echo free >&3
	wait "$pid"
	ok "the guest powers off"
	pid=
	guest_results

	[ $((before - after)) -gt $((40 * 2048)) ]
	ok "free pages are reported ($before to $after blocks)"
	sum=$(sed -n 's/^pattern \([0-9a-f]*\).*/\1/p' "$tmp/out")
	[ "$(dd if="$tmp/data" bs=1M skip=1 count=4 status=none | md5sum | cut -d' ' -f1)" = "$sum" ]
	ok "the host's file holds what the guest wrote"
	[ "$(blocks "$tmp/data")" -le $((24 * 2048 + 64)) ]
	ok "discarded space is given back"
	grep -q "hello from hvc0" "$tmp/hvc0"
	ok "the console's text arrives"
	grep -q "echo are you there" "$tmp/port.out"
	ok "the port's answer arrives"
	echo "# $private KiB are private to the VMM"
	[ "${private:-0}" -gt 0 ] && [ "$private" -le 8192 ]
	ok "the VMM itself takes at most 8 MiB"
	[ "$tap_n" = $results ] || tap_bad=1
}

results=23
vhost=
[ "${2-}" != vhost ] || vhost=,vhost=on,vhostforce=on
plan $results
images "$kernel"
make_disks
network
run
finish
