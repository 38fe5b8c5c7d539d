# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the VMM's tests share: TAP output, the images of test guests, and running
# a guest to its end. Tests run as root where /dev/kvm works (in L1, or on a
# host that has it). Each is one process; make images with lib.sh's images first
# when several start at once.

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
export PATH=$top/build/bin:$PATH
cache=${TARN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tarn}
guest_limit=${TEST_GUEST_TIMEOUT:-120}
tap_n=0
tap_bad=0

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

plan()
{
	echo "TAP version 13"
	echo "1..$1"
}

# ok NAME: report the status of the command before as a test result.
ok()
{
	local status=$?

	tap_n=$((tap_n + 1))
	if [ $status = 0 ]; then
		echo "ok $tap_n $1"
	else
		echo "not ok $tap_n $1"
		tap_bad=$((tap_bad + 1))
		[ -e "$tmp/out" ] && sed 's/^/# /' "$tmp/out" | tail -n 25
	fi
	return 0
}

finish()
{
	[ $tap_bad = 0 ]
	exit
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 4
}

[ -w /dev/kvm ] || skip_all "/dev/kvm is missing"
command -v tarn-vmm >/dev/null || skip_all "tarn-vmm is not built"

# images KERNEL: set $bzimage, $elf, $initrd for 6.1-cloud or 6.12-cloud.
# shellcheck disable=SC2034 # for the tests
images()
{
	mkdir -p "$tmp/images"
	bzimage=$("$top/scripts/kernel" path "$1" vmlinuz)
	elf=$("$top/scripts/kernel" path "$1" vmlinux)
	initrd=$cache/initramfs/guest-$1.cpio
	if ! "$here/mkguest" initrd "$1" "$initrd" 2>/dev/null; then
		initrd=$tmp/images/$1.cpio
		"$here/mkguest" initrd "$1" "$initrd"
	fi
}

# disk: set $disk to a fresh ext4 image of a guest.
make_disk()
{
	disk=$tmp/disk.img
	rm -f "$disk"
	"$here/mkguest" disk "$disk"
}

# guest APPEND [OPTION...]: run a guest to its end; its serial port and the
# VMM's messages are in $tmp/out. Returns the VMM's status. The guest says one
# line when it is up, so that the kernel's own messages need not be printed.
guest()
{
	local append=$1

	shift
	timeout "$guest_limit" tarn-vmm -m 256 -cpu host -display none \
		-serial stdio -initrd "$initrd" \
		-append "console=ttyS0 quiet $append" "$@" \
		</dev/null >"$tmp/out" 2>&1
}

# guest_start: the same in the background; sets $pid. Wait with: wait "$pid".
guest_start()
{
	local append=$1

	shift
	: >"$tmp/out"
	tarn-vmm -m 256 -cpu host -display none \
		-serial stdio -initrd "$initrd" \
		-append "console=ttyS0 quiet $append" "$@" \
		</dev/null >"$tmp/out" 2>&1 &
	pid=$!
}

# await TEXT: until the guest has said it, or is gone.
await()
{
	while ! grep -aq "$1" "$tmp/out"; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
}

said()
{
	grep -aq -- "$1" "$tmp/out"
}

# status N: the command before ended with it.
status()
{
	local was=$?

	[ "$was" = "$1" ] || echo "# status $was, not $1"
	[ "$was" = "$1" ]
}
