#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stock QEMU runs Debian's cloud kernel with its memory in a file of a pool that
# is smaller than the guest and pages. The guest's only program writes and
# verifies checksummed memory and prints a verdict on the console.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=${TARN_TOP:-$(cd "$here/../../.." && pwd)}
memory=${MEMORY:-256}
pool_size=${POOL:-160M}
work=$(mktemp -d)
# shellcheck source=selftests/vmm/quick.sh
. "$top/selftests/vmm/quick.sh"
pool=
pager=

skip()
{
	echo "1..0 # SKIP $*"
	exit 4
}

# shellcheck disable=SC2317 # called by the trap
finish()
{
	[ -z "$pager" ] || kill "$pager" 2>/dev/null
	wait
	[ -z "$pool" ] || umount "$pool"
	rm -rf "$work"
}

# The program of pager_hold: a pager in the foreground until it is ended.
start_pager()
{
	"$here/pager_hold" "$pool" > "$work/pager" &
	pager=$!
	until grep -q serving "$work/pager"; do
		kill -0 "$pager" 2>/dev/null || return 1
		sleep 0.1
	done
}

make_initrd()
{
	mkdir -p "$work/root/dev"
	cp "$here/guest_init" "$work/root/init" &&
		mknod "$work/root/dev/console" c 5 1 &&
		(cd "$work/root" && find . | cpio -o -H newc --quiet) \
			> "$work/initrd"
}

boot()
{
	timeout -k 10 "${TIMEOUT:-540}" qemu-system-x86_64 -nodefaults -no-user-config \
		-machine pc,accel=kvm,memory-backend=ram -cpu host \
		-m "$memory" -smp 1 -display none -no-reboot \
		-object "memory-backend-file,id=ram,size=${memory}M,mem-path=$pool/guest,share=on" \
		-kernel "$kernel" -initrd "$work/initrd" \
		-append "console=ttyS0 quiet panic=-1 reboot=t $quick check_mib=$((memory - 90))" \
		-serial "file:$work/console" < /dev/null
}

field()
{
	sed -n "s/^$1=//p" "$work/counters"
}

# TEST_QEMU_KERNEL, or the newest cloud kernel in the cache.
find_kernel()
{
	kernel=${TEST_QEMU_KERNEL-}
	[ -n "$kernel" ] || kernel=$("$top/scripts/kernel" path 6.1-cloud vmlinux 2>/dev/null)
	[ -r "$kernel" ]
}

[ "$(id -u)" = 0 ] || skip "needs root"
command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64"
[ -c /dev/kvm ] || skip "no /dev/kvm"
find_kernel || skip "no guest kernel: run scripts/kernel fetch 6.1-cloud"
trap finish EXIT
mkdir "$work/pool"
mount -t tarnfs -o "size=$pool_size" tarn "$work/pool" || skip "no tarnfs"
pool=$work/pool

echo "KTAP version 1"
echo "1..3"
failed=0
start_pager && make_initrd && boot
status=$?
if grep -q "CHECKSUM OK" "$work/console"; then
	echo "ok 1 guest_memory_is_right"
else
	sed 's/^/# /' "$work/console" | tail -n 40
	echo "not ok 1 guest_memory_is_right"
	failed=1
fi
if [ $status = 0 ]; then
	echo "ok 2 guest_ends_in_order"
else
	echo "not ok 2 guest_ends_in_order # status $status"
	failed=1
fi
kill -USR1 "$pager"
until grep -q '^page_outs=' "$work/pager"; do sleep 0.1; done
cp "$work/pager" "$work/counters"
echo "# page_ins $(field page_ins) page_outs $(field page_outs)"
if [ "$(field page_outs)" -gt 1000 ] && [ "$(field page_ins)" -gt 1000 ] &&
		[ "$(field errors)" = 0 ]; then
	echo "ok 3 pool_was_overcommitted"
else
	echo "not ok 3 pool_was_overcommitted"
	failed=1
fi
exit $failed
