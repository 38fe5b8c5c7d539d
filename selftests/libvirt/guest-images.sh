# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a domain of libvirt boots in tests.

# guest_images NAME MIB: NAME-vmlinuz and NAME-initrd among libvirt's images, whose
# guest goes on and on checking that much memory, with a number on the console for
# each round.
guest_images()
{
	local top tree dir=/var/lib/libvirt/images

	top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
	tree=$(mktemp -d)
	cat >"$tree/check" <<-CHECK
		mount -t tmpfs -o size=90% none /tmp
		head -c ${2}M /dev/urandom >/tmp/a
		md5sum /tmp/a >/tmp/sum
		while md5sum -cs /tmp/sum; do
			n=\$((n + 1))
			echo "round \$n" >/dev/console
			sleep 1
		done
		echo "WRONG" >/dev/console
	CHECK
	chmod 755 "$tree/check"
	"$top/selftests/vmm/mkguest" initrd 6.1-cloud "$tree/initrd"
	cp "$("$top/scripts/kernel" path 6.1-cloud vmlinuz)" "$dir/$1-vmlinuz"
	{ cat "$tree/initrd"; (cd "$tree" && echo check | cpio -o -H newc --quiet); } \
		>"$dir/$1-initrd"
	rm -rf "$tree"
}
