# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests that save a guest add to lib.sh: the guest that checks what it holds.

# make_save_disk: set $disk to one that has the program of that guest.
make_save_disk()
{
	make_disk
	debugfs -w -R "write $here/save-guest save-guest" "$disk" >/dev/null 2>&1
	debugfs -w -R "sif save-guest mode 0100755" "$disk" >/dev/null 2>&1
}

# The guest has checked more than it had, and found nothing wrong.
goes_on()
{
	local count

	count=$(grep -ac "guest: checked" "$tmp/out")
	for _ in {1..300}; do
		pause 0.3
		said "guest: BAD" && return 1
		[ "$(grep -ac "guest: checked" "$tmp/out")" -gt $((count + 1)) ] && return
		runs || return 1
	done
	return 1
}

# failing_disk: a filesystem at $tmp/failing on a disk that cannot write beyond the first
# 8 MiB, which a write into memory does not find out. null_blk can have 128 MiB of bad
# blocks, no more.
failing_disk()
{
	failing=/sys/kernel/config/nullb/tarnfail
	modprobe null_blk nr_devices=0 2>/dev/null
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
	mkdir "$failing" 2>/dev/null || return
	echo 128 >"$failing/size"
	echo 1 >"$failing/memory_backed"
	echo 1 >"$failing/power"
	until [ -b /dev/tarnfail ]; do sleep 0.1; done
	# A journal that cannot be written would have the filesystem refuse writes. With few
	# inodes all but the content of files lies at the beginning.
	mkfs.ext4 -q -N 64 -O ^has_journal /dev/tarnfail
	mkdir "$tmp/failing"
	mount /dev/tarnfail "$tmp/failing"
	echo "+16384-262143" >"$failing/badblocks"
	# That of 6.1 writes bad blocks of a device that has memory all the same.
	if dd if=/dev/zero of="$tmp/failing/probe" bs=1M count=16 conv=fsync status=none \
		2>/dev/null; then
		failing_disk_end
		return 1
	fi
	rm "$tmp/failing/probe"
}

failing_disk_end()
{
	echo "-16384-262143" >"$failing/badblocks"
	umount "$tmp/failing"
	echo 0 >"$failing/power"
	rmdir "$failing"
}
